package maa

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestGoldenToken verifies a token of the simulated service that was written to
// testdata once: a change of this package must not change what old tokens say.
func TestGoldenToken(t *testing.T) {
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSuffix(string(b), "\n")
	}
	keys, err := ParseKeySet([]byte(read("simulated-jwks.json")))
	if err != nil {
		t.Fatal(err)
	}
	o := TokenOptions{Issuer: "https://127.0.0.1:33941", At: issued.Add(time.Hour)}
	c, err := VerifyToken(read("simulated.jwt"), keys, o)
	if err != nil {
		t.Fatal(err)
	}
	if !c.Simulated || c.UVM == nil || c.UVM.SVN != 104 || c.UVM.LaunchMeasurement != c.LaunchMeasurement || c.ChipFamily != "Genoa" {
		t.Errorf("claims %+v", c)
	}
	if got, want := hex.EncodeToString(c.HostData[:]), "feb6e8d6c35767c27aaf231d2098ab475e9ea3c8eb92c1ea70ab740166ba3781"; got != want {
		t.Errorf("HOST_DATA %s, want %s", got, want)
	}
	if got, want := string(c.RuntimeRaw), `{"keys":[],"notary":{"format":"1","version":"1.0+a"}}`; got != want {
		t.Errorf("runtime data %s, want %s", got, want)
	}
	if sum := sha256.Sum256(c.RuntimeRaw); sum != [32]byte(c.ReportData[:32]) {
		t.Error("runtime data does not hash to the report data")
	}
}

func BenchmarkVerifyToken(b *testing.B) {
	token, keys := good(b), testKeys(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := VerifyToken(token, keys, opts()); err != nil {
			b.Fatal(err)
		}
	}
}
