package runtimedata

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

type vectors struct {
	Comment string
	Valid   []struct {
		Name        string
		RuntimeData string `json:"runtime_data"`
		SHA256      string `json:"sha256"`
		ReportData  string `json:"report_data"`
		Kid         string `json:"kid"`
		SigningKey  string `json:"signing_key_hex"`
	}
	Invalid []struct {
		Name        string
		RuntimeData string `json:"runtime_data"`
	}
}

func readVectors(t testing.TB) vectors {
	t.Helper()
	b, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVectors(t *testing.T) {
	v := readVectors(t)
	if len(v.Valid) < 3 || len(v.Invalid) < 20 {
		t.Fatalf("vector file has only %d valid and %d invalid vectors", len(v.Valid), len(v.Invalid))
	}
	for _, c := range v.Valid {
		t.Run("valid/"+c.Name, func(t *testing.T) {
			b := []byte(c.RuntimeData)
			d, err := Parse(b)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := d.Marshal(); err != nil || !bytes.Equal(again, b) {
				t.Errorf("Marshal gives %s, %v", again, err)
			}
			if got := Digest(b); hex.EncodeToString(got[:]) != c.SHA256 {
				t.Errorf("SHA-256 is %x, want %s", got, c.SHA256)
			}
			if got := ReportData(b); hex.EncodeToString(got[:]) != c.ReportData {
				t.Errorf("REPORT_DATA is %x, want %s", got, c.ReportData)
			}
			if d.Keys[0].Kid != c.Kid {
				t.Errorf("kid is %s, want %s", d.Keys[0].Kid, c.Kid)
			}
			if k, err := d.SigningKey(); err != nil || hex.EncodeToString(k) != c.SigningKey {
				t.Errorf("signing key is %x, %v, want %s", k, err, c.SigningKey)
			}
			if got := maaForm(t, b); !bytes.Equal(got, b) {
				t.Errorf("MAA would deliver other bytes:\n%s", got)
			}
		})
	}
	for _, c := range v.Invalid {
		t.Run("invalid/"+c.Name, func(t *testing.T) {
			if d, err := Parse([]byte(c.RuntimeData)); !errors.Is(err, ErrInvalid) {
				t.Errorf("Parse gives %+v, %v", d, err)
			}
		})
	}
}

// maaForm is what MAA makes of a JSON payload: every object's keys sorted
// bytewise, compact, values kept. It does not know the types of this package.
func maaForm(t testing.TB, b []byte) []byte {
	t.Helper()
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out) // sorts the keys of maps bytewise
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// sample returns valid runtime data made by hand.
func sample(t testing.TB) RuntimeData {
	t.Helper()
	d, err := Parse([]byte(readVectors(t).Valid[0].RuntimeData))
	if err != nil {
		t.Fatal(err)
	}
	return *d
}

func TestMarshalRefuses(t *testing.T) {
	hex32 := strings.Repeat("ab", 32)
	plugin := Plugin{Config: hex32, Kind: KindRedactor, Limits: hex32, Order: "7", Wasm: hex32}
	with := func(f func(*Plugin)) func(*RuntimeData) {
		return func(d *RuntimeData) {
			p := plugin
			f(&p)
			d.Notary.Plugins = map[string]Plugin{"x": p}
		}
	}
	cases := map[string]func(*RuntimeData){
		"no key":                      func(d *RuntimeData) { d.Keys = nil },
		"two keys":                    func(d *RuntimeData) { d.Keys = append(d.Keys, d.Keys[0]) },
		"not RSA":                     func(d *RuntimeData) { d.Keys[0].Kty = "EC" },
		"signing key op":              func(d *RuntimeData) { d.Keys[0].KeyOps = []string{"sign"} },
		"two key ops":                 func(d *RuntimeData) { d.Keys[0].KeyOps = []string{"encrypt", "decrypt"} },
		"kid of another key":          func(d *RuntimeData) { d.Keys[0].Kid = strings.Repeat("A", 43) },
		"exponent 3":                  func(d *RuntimeData) { d.Keys[0].E = "Aw" },
		"modulus too short":           func(d *RuntimeData) { d.Keys[0].N = base64.RawURLEncoding.EncodeToString(make([]byte, 128)) },
		"modulus too long":            func(d *RuntimeData) { d.Keys[0].N = strings.Repeat("_", 4000) },
		"modulus padded":              func(d *RuntimeData) { d.Keys[0].N += "==" },
		"modulus with leading zero":   func(d *RuntimeData) { d.Keys[0].N = "AAAA" + d.Keys[0].N },
		"config upper case":           func(d *RuntimeData) { d.Notary.Config = strings.Repeat("AB", 32) },
		"config too short":            func(d *RuntimeData) { d.Notary.Config = hex32[:62] },
		"epoch too long":              func(d *RuntimeData) { d.Notary.Epoch = hex32 },
		"plugin set empty":            func(d *RuntimeData) { d.Notary.PluginSet = "" },
		"recipients no hex":           func(d *RuntimeData) { d.Notary.Recipients = strings.Repeat("zz", 32) },
		"tls_spki empty":              func(d *RuntimeData) { d.Notary.TLSSPKI = "" },
		"format 2":                    func(d *RuntimeData) { d.Notary.Format = "2" },
		"mode other":                  func(d *RuntimeData) { d.Notary.Mode = "Enforce" },
		"signing key padded":          func(d *RuntimeData) { d.Notary.SigningKey += "=" },
		"signing key std base64":      func(d *RuntimeData) { d.Notary.SigningKey = strings.Repeat("+", 43) },
		"signing key stray bits":      func(d *RuntimeData) { d.Notary.SigningKey = strings.Repeat("A", 42) + "B" },
		"version empty":               func(d *RuntimeData) { d.Notary.Version = "" },
		"version with a quote":        func(d *RuntimeData) { d.Notary.Version = `1"` },
		"version with HTML":           func(d *RuntimeData) { d.Notary.Version = "<1>" },
		"version not ASCII":           func(d *RuntimeData) { d.Notary.Version = "1é" },
		"version too long":            func(d *RuntimeData) { d.Notary.Version = strings.Repeat("1", 65) },
		"plugins nil":                 func(d *RuntimeData) { d.Notary.Plugins = nil },
		"plugin name empty":           func(d *RuntimeData) { d.Notary.Plugins = map[string]Plugin{"": plugin} },
		"plugin name upper case":      func(d *RuntimeData) { d.Notary.Plugins = map[string]Plugin{"Redact": plugin} },
		"plugin name with a dot":      func(d *RuntimeData) { d.Notary.Plugins = map[string]Plugin{"a.b": plugin} },
		"plugin name of 41":           func(d *RuntimeData) { d.Notary.Plugins = map[string]Plugin{strings.Repeat("a", 41): plugin} },
		"plugin kind":                 with(func(p *Plugin) { p.Kind = "other" }),
		"plugin order empty":          with(func(p *Plugin) { p.Order = "" }),
		"plugin order leading zero":   with(func(p *Plugin) { p.Order = "01" }),
		"plugin order sign":           with(func(p *Plugin) { p.Order = "+1" }),
		"plugin order negative":       with(func(p *Plugin) { p.Order = "-1" }),
		"plugin order 1000":           with(func(p *Plugin) { p.Order = "1000" }),
		"plugin wasm short":           with(func(p *Plugin) { p.Wasm = "ab" }),
		"plugin config upper case":    with(func(p *Plugin) { p.Config = strings.Repeat("AB", 32) }),
		"plugin limits empty":         with(func(p *Plugin) { p.Limits = "" }),
		"two plugins in one place":    func(d *RuntimeData) { d.Notary.Plugins = map[string]Plugin{"a": plugin, "b": plugin} },
		"more plugins than the bound": func(d *RuntimeData) { d.Notary.Plugins = manyPlugins(plugin, MaxPlugins+1) },
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			d := sample(t)
			if _, err := d.Marshal(); err != nil {
				t.Fatalf("the sample itself: %v", err)
			}
			change(&d)
			if b, err := d.Marshal(); !errors.Is(err, ErrInvalid) {
				t.Errorf("Marshal gives %q, %v", b, err)
			}
		})
	}
}

func manyPlugins(p Plugin, n int) map[string]Plugin {
	m := make(map[string]Plugin, n)
	for i := range n {
		p.Order = string(rune('0'+i/100)) + string(rune('0'+i/10%10)) + string(rune('0'+i%10))
		p.Order = strings.TrimLeft(p.Order[:2], "0") + p.Order[2:]
		m["p"+p.Order] = p
	}
	return m
}

func TestLargestSetFits(t *testing.T) {
	d := sample(t)
	hex32 := strings.Repeat("ab", 32)
	d.Notary.Plugins = manyPlugins(Plugin{Config: hex32, Kind: KindStorage, Limits: hex32, Wasm: hex32}, MaxPlugins)
	b, err := d.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Parse(b); err != nil || len(d.Notary.Plugins) != MaxPlugins {
		t.Errorf("%d plugins in %d bytes: %v", len(d.Notary.Plugins), len(b), err)
	}
}

// TestMarshalIsWhatMAADelivers varies every free value.
func TestMarshalIsWhatMAADelivers(t *testing.T) {
	base := sample(t)
	digest := rapid.Map(rapid.SliceOfN(rapid.Byte(), 32, 32), hex.EncodeToString)
	rapid.Check(t, func(rt *rapid.T) {
		d := base
		d.Notary.Config, d.Notary.PluginSet = digest.Draw(rt, "config"), digest.Draw(rt, "set")
		d.Notary.Version = rapid.StringMatching(`[A-Za-z0-9.+_~-]{1,64}`).Draw(rt, "version")
		d.Notary.Mode = rapid.SampledFrom([]string{ModeEnforce, ModeShadow, ModeNone}).Draw(rt, "mode")
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z0-9-]{1,40}`), 0, 9, rapid.ID).Draw(rt, "names")
		d.Notary.Plugins = make(map[string]Plugin)
		for i, name := range names {
			d.Notary.Plugins[name] = Plugin{
				Config: digest.Draw(rt, "c"), Kind: KindRedactor, Limits: digest.Draw(rt, "l"),
				Order: string(rune('0' + i)), Wasm: digest.Draw(rt, "w"),
			}
		}
		b, err := d.Marshal()
		if err != nil {
			rt.Fatal(err)
		}
		if got := maaForm(t, b); !bytes.Equal(got, b) {
			rt.Fatalf("MAA would deliver\n%s\nfor\n%s", got, b)
		}
	})
}

func TestRSAKey(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	d := sample(t)
	d.Keys = []JWK{RSAKey(&key.PublicKey)}
	pub, err := d.TransportKey()
	if err != nil || !pub.Equal(&key.PublicKey) {
		t.Errorf("TransportKey gives another key, %v", err)
	}
	if _, err := d.Marshal(); err != nil {
		t.Error(err)
	}
	if _, err := (RuntimeData{}).TransportKey(); !errors.Is(err, ErrInvalid) {
		t.Errorf("TransportKey without a key: %v", err)
	}
}

// The thumbprint of RFC 7638 section 3.1's example key.
func TestThumbprintRFC7638(t *testing.T) {
	k := JWK{E: "AQAB", N: "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"}
	if got, want := k.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"; got != want {
		t.Errorf("thumbprint is %s, want %s", got, want)
	}
}

func TestEpochID(t *testing.T) {
	d := sample(t)
	id, err := d.EpochID()
	if err != nil || hex.EncodeToString(id[:]) != d.Notary.Epoch {
		t.Errorf("EpochID is %x, %v, want %s", id, err, d.Notary.Epoch)
	}
	d.Notary.Epoch = "00"
	if _, err := d.EpochID(); !errors.Is(err, ErrInvalid) {
		t.Errorf("short epoch: %v", err)
	}
}

func TestEveryBytePlaysARole(t *testing.T) {
	b := []byte(readVectors(t).Valid[0].RuntimeData)
	want := ReportData(b)
	for i := range b {
		c := bytes.Clone(b)
		c[i] ^= 1
		if ReportData(c) == want {
			t.Errorf("byte %d changes nothing", i)
		}
		if d, err := Parse(c); err == nil {
			if again, err := d.Marshal(); err != nil || !bytes.Equal(again, c) {
				t.Errorf("byte %d changed: accepted, but not as it stands", i)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	v := readVectors(f)
	for _, c := range v.Valid {
		f.Add([]byte(c.RuntimeData))
	}
	for _, c := range v.Invalid {
		f.Add([]byte(c.RuntimeData))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Parse(b)
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Errorf("untyped error %v", err)
			}
			return
		}
		again, err := d.Marshal()
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("accepted %q, Marshal gives %q, %v", b, again, err)
		}
		if got := maaForm(t, b); !bytes.Equal(got, b) {
			t.Errorf("MAA would deliver %q for %q", got, b)
		}
	})
}

// TestVectorKeys makes sure that the vectors' signing key is one that a second
// implementation can derive: Ed25519 from the seed 00 01 … 1f.
func TestVectorKeys(t *testing.T) {
	seed := make([]byte, ed25519.SeedSize)
	for i := range seed {
		seed[i] = byte(i)
	}
	pub := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	got, err := sample(t).SigningKey()
	if err != nil || !pub.Equal(got) {
		t.Errorf("signing key is %x, %v", got, err)
	}
}
