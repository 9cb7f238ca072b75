package show

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/veriproof/notary/attestation/internal/snptest"
	"github.com/veriproof/notary/attestation/internal/uvmtest"
	"github.com/veriproof/notary/attestation/uvm"
)

// fields puts a description into one map.
func fields(d *Description) map[string]Field {
	m := map[string]Field{}
	for _, s := range d.Sections {
		for _, f := range s.Fields {
			m[f.Name] = f
		}
	}
	return m
}

func thimOf(t testing.TB, chainPEM []byte) []byte {
	t.Helper()
	block, rest := pem.Decode(chainPEM)
	b, err := json.Marshal(map[string]string{
		"vcekCert": string(pem.EncodeToMemory(block)), "certificateChain": string(rest), "tcbm": "DB18000000000004", "cacheControl": "86400",
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// tokenOf is a token with a signature of nobody.
func tokenOf(header, payload string) []byte {
	b64 := base64.RawURLEncoding.EncodeToString
	return []byte(b64([]byte(header)) + "." + b64([]byte(payload)) + "." + b64([]byte("signature")))
}

const (
	header  = `{"alg":"RS256","jku":"https://maa.example/certs","kid":"k","typ":"JWT"}`
	payload = `{"exp":1795536000,"iss":"https://maa.example","x-ms-runtime":{"notary":{"mode":"enforce","plugins":{"redact-pii":{"wasm":"ab"}}}},` +
		`"x-ms-sevsnpvm-hostdata":"4f4448c67f3c8dfc8de8a5e37125d807dadcc41f06cf23f615dbd52eec777d10","x-ms-sevsnpvm-is-debuggable":false,"x-ms-sevsnpvm-vmpl":0}`
	keys    = `{"keys":[{"kty":"RSA","alg":"RS256","use":"sig","kid":"k","e":"AQAB","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"}]}`
	runtime = `{"keys":[],"notary":{"format":"1","mode":"shadow"}}`
)

func samples(t testing.TB) map[Kind][]byte {
	t.Helper()
	p, s := snptest.New("Genoa", 5), uvmtest.New(nil)
	return map[Kind][]byte{
		Report: p.Report(nil), Chain: p.ChainPEM(), THIM: thimOf(t, p.ChainPEM()), CRL: p.CRL(snptest.NotAfter, nil, 0x20001),
		Endorsement: s.Sign(s.CWT(uvm.ContainerFeed, 104, [48]byte{1})), CCEPolicy: []byte("package policy\n"),
		Token: tokenOf(header, payload), KeySet: []byte(keys), RuntimeData: []byte(runtime),
	}
}

func TestDescribe(t *testing.T) {
	want := map[Kind]map[string]string{
		Report: {
			"version": "5", "policy": "0x3001f, ABI 0.31: SMT", "vmpl": "0", "platform_info": "0x25: SMT, ECC, alias check",
			"cpu": "family 0x19 model 0x11 stepping 1", "reported_tcb": "0xdb18000000000104: fmc=0 bootloader=4 tee=1 snp=24 microcode=219",
			"signing_key": "VCEK", "current_version": "1.55.39", "signature_algo": "1", "launch_mit_vector": "0x0",
		},
		Chain:       {"product": "Genoa", "tcb": "fmc=0 bootloader=4 tee=1 snp=24 microcode=219", "root": "not one of AMD's"},
		THIM:        {"tcbm": "DB18000000000004", "cacheControl": "86400", "product": "Genoa"},
		CRL:         {"issuer": "ARK-Genoa", "serial": "0x20001", "revoked": "1", "next_update": "2033-01-01T00:00:00Z"},
		Endorsement: {"form": "cwt", "feed": "ContainerPlat-AMD-UVM", "svn": "104", "signed_at": "2025-12-22T21:11:27Z"},
		CCEPolicy:   {"size": "15", "sha256": "0ea6dcaa2b1b81c5cf09ba30e6cd6d9d2b8e3a1e7d0b4e57"},
		Token: {
			"alg": "RS256", "exp": "1795536000", "x-ms-runtime.notary.mode": "enforce", "x-ms-sevsnpvm-vmpl": "0",
			"x-ms-runtime.notary.plugins.redact-pii.wasm": "ab", "x-ms-sevsnpvm-is-debuggable": "false",
		},
		KeySet:      {"k": "RSA, 2048 bits"},
		RuntimeData: {"notary.mode": "shadow", "keys": "[]"},
	}
	delete(want[CCEPolicy], "sha256")
	for kind, b := range samples(t) {
		d, err := Describe(b)
		if err != nil || d.Kind != kind || !strings.HasSuffix(d.Note, "nothing is verified.") {
			t.Errorf("%s: %+v, %v", kind, d, err)
			continue
		}
		got := fields(d)
		for name, value := range want[kind] {
			if got[name].Value != value {
				t.Errorf("%s: %s is %q, want %q", kind, name, got[name].Value, value)
			}
		}
		checkPrintable(t, d)
	}
}

func checkPrintable(t *testing.T, d *Description) {
	t.Helper()
	n := 0
	for _, s := range d.Sections {
		for _, f := range s.Fields {
			n++
			for _, text := range []string{s.Title, f.Name, f.Value} {
				if strings.ContainsAny(text, "\n\r\x1b\x00") || !utf8.ValidString(text) || len(text) > maxValue+8 {
					t.Errorf("%s: %q is not fit for a terminal", d.Kind, text)
				}
			}
		}
	}
	if n > maxFields {
		t.Errorf("%d fields", n)
	}
}

// Every field of a report and every claim that MAA sends has its meaning.
func TestEveryFieldHasAMeaning(t *testing.T) {
	golden, err := os.ReadFile("../maa/testdata/simulated.jwt")
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"report": samples(t)[Report], "token": golden} {
		d, err := Describe(b)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range fields(d) {
			if f.Meaning == "" || strings.Contains(f.Meaning, "not known here") || f.Meaning == ofTheGuest {
				t.Errorf("%s: %s means %q", name, f.Name, f.Meaning)
			}
			if f.Value == "false" && !strings.HasPrefix(f.Meaning, "true: ") {
				t.Errorf("%s: %s is false and means %q", name, f.Name, f.Meaning)
			}
		}
	}
}

// What a reader must not overlook is said.
func TestWarnings(t *testing.T) {
	milan := snptest.New("Milan", 3)
	for _, c := range []struct {
		name  string
		b     []byte
		field string
		want  string
	}{
		{"Milan", milan.Report(nil), "cpu", "arXiv 2605.12990"},
		{"Milan's chain", milan.ChainPEM(), "product", "arXiv 2605.12990"},
		{"version 2", snptest.New("Milan", 2).Report(nil), "cpu", "the VCEK names"},
		{"debug", milan.Report(func(b []byte) { b[0x0A] |= 8 }), "policy", "THE HOST CAN READ"},
		{"migration", milan.Report(func(b []byte) { b[0x0A] |= 4 }), "policy", "migration agent"},
		{"VMPL", milan.Report(func(b []byte) { b[0x30] = 2 }), "vmpl", "lower privilege"},
		{"by the host", milan.Report(func(b []byte) { copy(b[0x30:], "\xff\xff\xff\xff") }), "vmpl", "by the host"},
		{"masked chip", milan.Report(func(b []byte) { b[0x48] = 2 }), "chip_id", "masked"},
		{"VLEK", milan.Report(func(b []byte) { b[0x48] = 4 }), "signing_key", "refused here"},
		{"provisional", milan.Report(func(b []byte) { b[0x1E8]++ }), "committed_version", "still roll it back"},
		{"allow-all", milan.Report(func(b []byte) {
			h, _ := hex.DecodeString("73973b78d70cc68353426de188db5dfc57e5b766e399935fb73a61127ea26d20")
			copy(b[0xC0:], h)
		}), "host_data", "identifies no code"},
		{"allow-all in a token", tokenOf(header, payload), "x-ms-sevsnpvm-hostdata", "identifies no code"},
		{"simulated token", tokenOf(header, `{"x-ms-simulated":true}`), "x-ms-simulated", "SIMULATED"},
		{"runtime data in another form", []byte(runtime), "form", "not a notary's"},
		{"time", tokenOf(header, payload), "exp", "2026-11-24T16:00:00Z"},
	} {
		d, err := Describe(c.b)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if f := fields(d)[c.field]; !strings.Contains(f.Meaning, c.want) {
			t.Errorf("%s: %+v, want %q", c.name, f, c.want)
		}
	}
}

// The forms that files and answers come in.
func TestDetect(t *testing.T) {
	s := samples(t)
	b64 := func(b []byte) []byte { return []byte(base64.StdEncoding.EncodeToString(b) + "\n") }
	for name, c := range map[string]struct {
		b    []byte
		want Kind
	}{
		"report in hex":                     {[]byte(hex.EncodeToString(s[Report]) + "\n"), Report},
		"report in base64":                  {b64(s[Report]), Report},
		"host-amd-cert-base64":              {b64(s[THIM]), THIM},
		"reference-info-base64":             {b64(s[Endorsement]), Endorsement},
		"security-policy-base64":            {b64(s[CCEPolicy]), CCEPolicy},
		"revocation list in PEM":            {pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: s[CRL]}), CRL},
		"token with a line end":             {append(bytes.Clone(s[Token]), '\n'), Token},
		"runtime data with white space too": {[]byte("\n" + runtime), RuntimeData},
	} {
		d, err := Describe(c.b)
		if err != nil || d.Kind != c.want {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
	for name, b := range map[string][]byte{
		"empty": nil, "text": []byte("hello"), "other JSON": []byte(`{"a":1}`), "JSON list": []byte("[]"), "cut JSON": []byte(`{"keys":`),
		"short report": s[Report][:1183], "two parts": []byte("a.b"), "three words": []byte("www.example.com"), "too large": make([]byte, MaxSize+1),
	} {
		if d, err := Describe(b); !errors.Is(err, ErrUnknown) {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
	for name, b := range map[string][]byte{
		"report of version 1": append([]byte{1}, s[Report][1:]...), "COSE cut": s[Endorsement][:40], "DER that is no list": {0x30, 0x82, 0, 0},
		"one certificate": s[Chain][:100], "token with two iss": tokenOf(header, `{"iss":"a","iss":"b"}`), "key set without keys": []byte(`{"keys":[]}`),
		"runtime data twice": []byte(runtime + "{}"),
	} {
		if d, err := Describe(b); err == nil || errors.Is(err, ErrUnknown) && name != "runtime data twice" {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
}

// Whatever a token says comes out as one printable line.
func TestHostileText(t *testing.T) {
	d, err := Describe(tokenOf(header, `{"iss":"\u001b[31mred\u0000\n\u202e","`+strings.Repeat("n", 5000)+`":"`+strings.Repeat("v", 5000)+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	checkPrintable(t, d)
	var many strings.Builder
	for i := range 3 * maxFields {
		many.WriteString(`,"` + strconv.Itoa(i) + `":1`)
	}
	d, err = Describe([]byte(`{"notary":1` + many.String() + `}`))
	if err != nil {
		t.Fatal(err)
	}
	checkPrintable(t, d)
}

// The Evidence of real container groups, if NOTARY_DATA names the data.
func TestAzure(t *testing.T) {
	files := map[string]Kind{}
	if dir := os.Getenv("NOTARY_DATA"); dir != "" {
		for _, name := range []string{"20250925", "20260302"} {
			base := filepath.Join(dir, "attest", "extracted", "css-attested-cosesign1-"+name+".cose")
			files[filepath.Join(base, "report.bin")] = Report
			files[filepath.Join(base, "vcek-chain.pem")] = Chain
			files[filepath.Join(base, "uvm.cose")] = Endorsement
		}
	}
	for name, kind := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		d, err := Describe(b)
		if err != nil || d.Kind != kind {
			t.Errorf("%s: %+v, %v", name, d, err)
			continue
		}
		checkPrintable(t, d)
		if root, has := fields(d)["root"]; has && !strings.HasPrefix(root.Value, "AMD ARK-") {
			t.Errorf("%s: %+v", name, root)
		}
	}
}

func FuzzDescribe(f *testing.F) {
	for _, b := range samples(f) {
		f.Add(b)
	}
	f.Add([]byte(`{"notary":{"a":[{"b":1}]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Describe(b)
		if err != nil {
			if !errors.Is(err, ErrUnknown) && !errors.Is(err, ErrMalformed) {
				t.Errorf("untyped error %v", err)
			}
			return
		}
		checkPrintable(t, d)
	})
}
