package runtimedata_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"log"
	"strings"

	"github.com/veriproof/notary/attestation/runtimedata"
)

// A notary describes itself, and a relying party compares REPORT_DATA.
func Example() {
	transport, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		log.Fatal(err)
	}
	signing, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	digest := strings.Repeat("00", 32) // a SHA-256 in hex
	data, err := runtimedata.RuntimeData{
		Keys: []runtimedata.JWK{runtimedata.RSAKey(&transport.PublicKey)},
		Notary: runtimedata.Notary{
			Config: digest, Epoch: strings.Repeat("01", 16), Format: runtimedata.Format, Mode: runtimedata.ModeEnforce,
			PluginSet: digest, Plugins: map[string]runtimedata.Plugin{
				"redact-pii": {Config: digest, Kind: runtimedata.KindRedactor, Limits: digest, Order: "1", Wasm: digest},
			},
			Recipients: digest, SigningKey: base64.RawURLEncoding.EncodeToString(signing), TLSSPKI: digest, Version: "1.0.0",
		},
	}.Marshal()
	if err != nil {
		log.Fatal(err)
	}
	attested := runtimedata.ReportData(data) // goes into the hardware report

	parsed, err := runtimedata.Parse(data)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(parsed.Notary.Mode, runtimedata.ReportData(data) == attested)
	// Output: enforce true
}
