package commitlog_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"

	"github.com/veriproof/notary/host/commitlog"
	"github.com/veriproof/notary/sdk/receipt"
)

// A commitment goes in; the proof that comes back verifies against the log's
// key alone.
func ExampleOpenPOSIX() {
	dir, err := os.MkdirTemp("", "log")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	log, err := commitlog.OpenPOSIX(dir, "example.org/notary-log", commitlog.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	commitment := sha256.Sum256([]byte("a manifest"))
	proof, index, err := log.Submit(context.Background(), commitment)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("index", index)
	_, err = receipt.VerifyProof(proof, commitment, []string{log.VerifierKey()})
	fmt.Println("verifies:", err == nil)
	fmt.Println("closed:", log.Close() == nil)
	// Output:
	// index 0
	// verifies: true
	// closed: true
}
