package session

import (
	"strconv"
	"testing"

	"github.com/veriproof/notary/host/otlpwire"
)

// TestManySDKs: a sender can name another SDK in each of 65,536 resources. What a session's
// summary does not take is not kept, nor compared with the next one.
func TestManySDKs(t *testing.T) {
	var g group
	for i := range otlpwire.DefaultRecords {
		g.claim(&otlpwire.Record{}, strconv.Itoa(i))
	}
	if len(g.sdks) != maxSDKs {
		t.Errorf("%d SDKs are kept, and a summary has %d", len(g.sdks), maxSDKs)
	}
}
