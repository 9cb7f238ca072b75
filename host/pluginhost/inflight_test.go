package pluginhost

import (
	"testing"

	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/sdk/plugin/abi"
)

// TestInFlight: the measured manifest decides whether groups may be written several at
// a time: files of this machine need them in order.
func TestInFlight(t *testing.T) {
	for capability, want := range map[string]int{abi.CapabilityBlob: 1, abi.CapabilityPayload: 1, abi.CapabilitySQL: journal.MaxInFlight, abi.CapabilityHTTP: journal.MaxInFlight} {
		a := &Adapter{p: &plugin{capabilities: []string{capability}}}
		if got := journal.InFlight(a); got != want {
			t.Errorf("%s: %d groups at a time, want %d", capability, got, want)
		}
	}
}
