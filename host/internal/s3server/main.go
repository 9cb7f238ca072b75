// Command s3server is a service that speaks S3's protocol, in memory, on a loopback
// port, for tests: gofakes3. It is a module of its own, since what that needs is not
// among the notary's dependencies.
//
//	s3server BUCKET…
//
// It prints its base URL and serves until its standard input ends. It believes any
// signature.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

func main() {
	backend := s3mem.New()
	for _, bucket := range os.Args[1:] {
		if err := backend.CreateBucket(bucket); err != nil {
			log.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		log.Fatal(http.Serve(l, gofakes3.New(backend, gofakes3.WithLogger(gofakes3.DiscardLog())).Server()))
	}()
	fmt.Printf("http://%s\n", l.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
}
