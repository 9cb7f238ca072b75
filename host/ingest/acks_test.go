package ingest

import (
	"bytes"
	"errors"
	"net"
	"slices"
	"testing"
)

// writes is a connection that keeps what is written to it, write by write.
type writes struct {
	net.Conn
	all  [][]byte
	fail error
	more chan struct{}
}

func (w *writes) Write(b []byte) (int, error) {
	if w.fail != nil {
		return 0, w.fail
	}
	w.all = append(w.all, bytes.Clone(b))
	w.more <- struct{}{}
	return len(b), nil
}

func (w *writes) Close() error { return nil }

// TestPingIsAcknowledged with what comes next, and by itself if nothing comes. No byte is
// lost, and none is out of order.
func TestPingIsAcknowledged(t *testing.T) {
	ack := func(n byte) []byte { return append(slices.Clone(pingAck), n, 2, 3, 4, 5, 6, 7, 8) }
	ping := ack(0)
	ping[4] = 0
	response := []byte("a response")
	for _, tc := range []struct {
		name  string
		write [][]byte
		want  [][]byte // the last is by itself if it is an acknowledgement
	}{
		{"no acknowledgement", [][]byte{response, ping}, [][]byte{response, ping}},
		{"with a response", [][]byte{ack(1), response, response}, [][]byte{slices.Concat(ack(1), response), response}},
		{"two", [][]byte{ack(1), ack(2)}, [][]byte{slices.Concat(ack(1), ack(2))}},
		{"by itself", [][]byte{response, ack(1)}, [][]byte{response, ack(1)}},
		{"with another frame", [][]byte{slices.Concat(ack(1), response)}, [][]byte{slices.Concat(ack(1), response)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := &writes{more: make(chan struct{}, 8)}
			a := newAcker(w)
			for _, b := range tc.write {
				if n, err := a.Write(b); n != len(b) || err != nil {
					t.Fatalf("%d of %d bytes, error %v", n, len(b), err)
				}
			}
			for range tc.want {
				<-w.more
			}
			if err := a.Close(); err != nil {
				t.Error(err)
			}
			if !slices.EqualFunc(w.all, tc.want, bytes.Equal) {
				t.Errorf("writes are %q, want %q", w.all, tc.want)
			}
		})
	}
	broken := errors.New("broken")
	a := newAcker(&writes{fail: broken})
	if n, err := a.Write(ack(1)); n != len(ack(1)) || err != nil {
		t.Errorf("what is held: %d bytes, error %v", n, err)
	}
	if n, err := a.Write(response); n != 0 || !errors.Is(err, broken) {
		t.Errorf("what is sent: %d bytes, error %v", n, err)
	}
	if len(a.held) != 0 {
		t.Error("what could not be sent is held")
	}
}
