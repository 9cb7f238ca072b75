package endpoint

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/sdk/plugin/abi"
)

// TestBodyIsTheCallersAgain: the journal gives the memory of what is durable to other
// entries. A service that answers before it has the body, or does not answer in time,
// gets nothing of what stands there later, however slowly it reads.
func TestBodyIsTheCallersAgain(t *testing.T) {
	for _, tc := range []struct {
		name, answer string
		status       int
	}{
		{"an early answer", "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy", 503},
		{"no answer in time", "", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			again, received := make(chan struct{}), make(chan int, 1)
			go func() {
				c, err := l.Accept()
				if err != nil {
					received <- -1
					return
				}
				defer c.Close()
				r := bufio.NewReader(c)
				if _, err := http.ReadRequest(r); err != nil {
					received <- -1
					return
				}
				_, _ = io.WriteString(c, tc.answer)
				<-again
				later := 0
				for b := make([]byte, 64<<10); ; {
					n, err := r.Read(b)
					if later += bytes.Count(b[:n], []byte{'B'}); err != nil {
						received <- later
						return
					}
				}
			}()
			e := open(t, Options{URL: fmt.Sprintf("http://%s/bucket", l.Addr()), Insecure: true, Timeout: time.Second})
			body := bytes.Repeat([]byte{'A'}, 32<<20)
			got, err := e.Do(t.Context(), &pluginhost.HTTPRequest{Method: abi.HTTPPut, Path: "e-1", MaxBody: 100, Body: []journal.Sealed{body}})
			for i := range body {
				body[i] = 'B'
			}
			close(again)
			if (err == nil) != (tc.status != 0) || err == nil && got.Status != tc.status {
				t.Errorf("%+v, %v", got, err)
			}
			if later := <-received; later != 0 {
				t.Errorf("%d bytes of other entries went out", later)
			}
		})
	}
}
