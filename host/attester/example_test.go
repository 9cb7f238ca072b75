package attester_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"os"

	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/maa"
	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/attestation/simtee"
	"github.com/veriproof/notary/attestation/snp"
	"github.com/veriproof/notary/attestation/uvm"
	"github.com/veriproof/notary/host/attester"
)

// A notary starts up in a simulated machine. On real hardware Roots is
// snp.AMDRoots(), UVM is left out, and AllowSimulated too.
func Example() {
	if err := startUp(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// runtime data: ok
	// evidence: ok
	// report: ok
	// uvm endorsement: ok
	// host data: ok
	// maa token: ok
	// issuer keys: ok
	// verification: ok
	// accepts data: true
}

func startUp() error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	tee, err := simtee.New(simtee.Options{TestKeys: true})
	if err != nil {
		return err
	}
	if err := tee.Start(ctx); err != nil {
		return err
	}
	defer tee.Close()
	dir, err := os.MkdirTemp("", "security-context-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := tee.WriteSecurityContext(dir); err != nil {
		return err
	}
	sidecarHTTP, maaHTTP := &http.Client{Transport: &http.Transport{}}, tee.MAAHTTPClient()
	defer sidecarHTTP.CloseIdleConnections()
	defer maaHTTP.CloseIdleConnections()

	keys, err := attester.GenerateKeys([]string{"localhost"})
	if err != nil {
		return err
	}
	claims := attester.Claims{Mode: runtimedata.ModeEnforce, Version: "1.0.0"}
	if _, err := rand.Read(claims.Epoch[:]); err != nil {
		return err
	}
	a, err := attester.New(attester.Options{
		Source:         &evidence.Sidecar{URL: tee.SidecarURL(), SecurityContextDir: dir, HTTP: sidecarHTTP},
		MAA:            &maa.Client{URL: tee.MAAURL(), HTTP: maaHTTP},
		Issuer:         tee.MAAURL(),
		Roots:          snp.Roots{}.With(tee.ARK()),
		UVM:            uvm.Options{TrustedDIDs: []string{tee.UVMDID()}},
		AllowSimulated: true,
	}, keys, claims)
	if err != nil {
		return err
	}
	_, err = a.Attest(ctx, func(s attester.Step) {
		if s.Err == nil {
			fmt.Println(s.Name + ": ok")
		}
	})
	if err != nil {
		return err
	}
	fmt.Println("accepts data:", a.Fresh() == nil)
	return nil
}
