package attested_test

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc"

	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/sdk/attested"
)

func Example() {
	accepted, err := policy.Parse([]byte(`format: "1"
require: [hardware]
products: [Genoa, Turin]
host_data: [0ee2054606c2af7292607efd12f0745a4a97ca52c92005488ca1de54c4be349e]
plugin_set: [5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9]
uvm: {min_svn: 101}
`))
	if err != nil {
		panic(err)
	}
	gate, err := attested.New(attested.Options{Control: "https://127.0.0.1:1", Policy: accepted})
	if err != nil {
		panic(err)
	}
	// For an exporter that takes dial options, or for a connection of your own:
	options := append(gate.DialOptions(), grpc.WithPerRPCCredentials(attested.APIKey("key")))
	fmt.Println(len(options), "options")
	// Nobody is at this address, so the gate is shut.
	_, err = gate.Check(context.Background())
	fmt.Println(errors.Is(err, attested.ErrNotAttested))
	// Output:
	// 3 options
	// true
}
