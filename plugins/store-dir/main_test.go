package main

import (
	"testing"

	"github.com/veriproof/notary/sdk/plugin/plugintest"
	"github.com/veriproof/notary/sdk/plugin/storage"
)

func TestConfiguration(t *testing.T) {
	host := plugintest.NewHost()
	for config, ok := range map[string]bool{"": true, "{}": true, `{"dir":"elsewhere"}`: false, "[]": false} {
		if _, err := storage.New(spec(host.Streams(), host), []byte(config)); (err == nil) != ok {
			t.Errorf("configuration %q: error %v, want accepted: %v", config, err, ok)
		}
	}
}
