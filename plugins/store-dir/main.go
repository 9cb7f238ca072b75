// Command store-dir is the notary's built-in storage adapter: it keeps the
// journal as streams of records in one directory. Built for wasip1 it is a plugin; see
// README.md and package dir for the layout.
package main

import (
	"github.com/veriproof/notary/plugins/store-dir/dir"
	"github.com/veriproof/notary/sdk/plugin/config"
	"github.com/veriproof/notary/sdk/plugin/storage"
)

func init() { storage.Register(spec(storage.Stream(), storage.Payload())) }

func main() {}

func spec(streams storage.Streams, payloads storage.Payloads) storage.Spec {
	return storage.Spec{Configure: func(text []byte) (storage.Adapter, error) {
		// There is nothing to configure: the directory is the operator's.
		if err := config.Read(text, (*config.Reader).Unknown); err != nil {
			return nil, err
		}
		return dir.New(streams, payloads), nil
	}}
}
