package ingest

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// TestRefusalThatGivesWay: where too many wait, the connection of the oldest is closed, but not if
// it has become a tenant's since.
func TestRefusalThatGivesWay(t *testing.T) {
	var r refusals
	crowd := newCrowd(newLine(), 8, &turns{free: 1})
	known, knownEnd := connected(t, crowd)
	stranger, strangerEnd := connected(t, crowd)
	rest, restEnd := connected(t, crowd)
	defer r.begin(known)()
	defer r.begin(stranger)()
	known.settle()
	for range maxRefusals { // two more than there is room for
		defer r.begin(rest)()
	}
	if n := r.waiting.Len(); n != maxRefusals {
		t.Errorf("%d wait, want %d", n, maxRefusals)
	}
	for _, c := range []struct {
		name string
		end  net.Conn
		want error
	}{{"a tenant's", knownEnd, os.ErrDeadlineExceeded}, {"the oldest stranger's", strangerEnd, io.EOF}, {"a later one's", restEnd, os.ErrDeadlineExceeded}} {
		_ = c.end.SetReadDeadline(time.Unix(1, 0)) // only a closed one has an end
		if _, err := c.end.Read(make([]byte, 1)); !errors.Is(err, c.want) {
			t.Errorf("%s connection: %v, want %v", c.name, err, c.want)
		}
	}
}
