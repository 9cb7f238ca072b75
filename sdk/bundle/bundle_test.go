package bundle_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/veriproof/notary/sdk/bundle"
	"github.com/veriproof/notary/sdk/journal"
)

var update = flag.Bool("update", false, "write testdata/*.json anew; a change of these files is a change of the format")

// unzip reads a bundle as any ZIP tool does.
func unzip(t testing.TB, data []byte) map[string][]byte {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	parts := make(map[string][]byte)
	for _, f := range r.File {
		rc, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if parts[f.Name], err = io.ReadAll(rc); err != nil {
			t.Fatal(err)
		}
	}
	return parts
}

// partOf finds a part by its name, written out once more so that a name that
// moves to another field is noticed.
func partOf(b *bundle.Bundle, name string) *[]byte {
	a := &b.Sealer
	if rest, ok := strings.CutPrefix(name, "origin/"); ok {
		a, name = b.Origin, rest
	}
	switch name {
	case "receipt.jws":
		return &b.Receipt
	case "proof.tlog-proof":
		return &b.Proof
	case "epoch-end.entry":
		return &b.EpochEnd
	case "epoch-end.tlog-proof":
		return &b.EpochEndProof
	case "runtime-data.json":
		return &a.RuntimeData
	case "config.yaml":
		return &a.Config
	case "maa.jwt":
		return &a.Token
	case "maa-jwks.json":
		return &a.JWKS
	case "report.bin":
		return &a.Report
	case "vcek-chain.pem":
		return &a.VCEKChain
	case "uvm.cose":
		return &a.UVM
	case "cce-policy.rego":
		return &a.CCEPolicy
	}
	var data []byte
	switch {
	case strings.HasPrefix(name, "plugins/"):
		data = a.PluginConfigs[strings.TrimSuffix(strings.TrimPrefix(name, "plugins/"), ".config")]
	case name == "records/00000000.json":
		data = b.Records[0]
	case name == "records/00000002.json":
		data = b.Records[2]
	}
	return &data
}

// setPart changes a part that is there.
func setPart(b *bundle.Bundle, name string, data []byte) {
	a := &b.Sealer
	rest, ok := strings.CutPrefix(name, "origin/")
	if ok {
		a = b.Origin
	}
	switch {
	case strings.HasPrefix(rest, "plugins/"):
		a.PluginConfigs[strings.TrimSuffix(strings.TrimPrefix(rest, "plugins/"), ".config")] = data
	case name == "records/00000000.json":
		b.Records[0] = data
	case name == "records/00000002.json":
		b.Records[2] = data
	default:
		*partOf(b, name) = data
	}
}

// small is a bundle for the tests of the encoding: its parts are anything.
func small() *bundle.Bundle {
	return &bundle.Bundle{
		Sealer: bundle.Attestation{
			RuntimeData: []byte("runtime data"), Config: []byte("config"), PluginConfigs: map[string][]byte{"redact-pii": []byte("pii"), "a": {}},
			Token: []byte("token"), JWKS: []byte("jwks"), Report: seq(0, 40), VCEKChain: []byte("chain"), UVM: []byte("uvm"), CCEPolicy: []byte("rego"),
		},
		Origin:  &bundle.Attestation{RuntimeData: []byte("origin's"), Config: []byte{}, PluginConfigs: map[string][]byte{"x": []byte("y")}},
		Receipt: []byte("receipt"), Proof: []byte("proof"), EpochEnd: []byte("end"), EpochEndProof: []byte("end proof"),
		Records: map[uint64][]byte{0: []byte("record 0"), 12: []byte("record 12"), 99_999_999: []byte("last")},
	}
}

func TestRoundTrip(t *testing.T) {
	for name, b := range map[string]*bundle.Bundle{
		"all parts": small(),
		"least":     {Sealer: bundle.Attestation{RuntimeData: []byte{}, Config: []byte{}}, Receipt: []byte{}},
	} {
		data := encode(t, b)
		out, err := bundle.Parse(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(b, out); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if !bytes.Equal(encode(t, out), data) || !bytes.Equal(encode(t, b), data) {
			t.Errorf("%s: encoded again, the bytes are others", name)
		}
	}
}

// TestOrdinaryZIP: archive/zip reads a bundle, in this order.
func TestOrdinaryZIP(t *testing.T) {
	data := encode(t, small())
	parts := unzip(t, data)
	for name, part := range parts {
		if name == "manifest.json" {
			continue
		}
		if p := partOf(small(), name); !bytes.Equal(*p, part) && !strings.HasPrefix(name, "records/") {
			t.Errorf("%s is %q in the ZIP file", name, part)
		}
	}
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range r.File {
		names = append(names, f.Name)
		if f.Method != zip.Store || len(f.Extra) != 0 || f.Comment != "" || f.Flags != 0 {
			t.Errorf("%s: %+v", f.Name, f.FileHeader)
		}
	}
	if names[0] != "manifest.json" || !slices.IsSorted(names[1:]) || len(names) != len(parts) {
		t.Errorf("order %v", names)
	}
}

func TestEncodeRefuses(t *testing.T) {
	for name, change := range map[string]func(b *bundle.Bundle){
		"no receipt":      func(b *bundle.Bundle) { b.Receipt = nil },
		"no runtime data": func(b *bundle.Bundle) { b.Sealer.RuntimeData = nil },
		"no config":       func(b *bundle.Bundle) { b.Sealer.Config = nil },
		"plugin name":     func(b *bundle.Bundle) { b.Sealer.PluginConfigs = map[string][]byte{"../x": nil} },
		"record index":    func(b *bundle.Bundle) { b.Records[100_000_000] = nil },
	} {
		b := small()
		change(b)
		if _, err := b.Encode(); !errors.Is(err, bundle.ErrBundle) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTooLarge: what is too large is refused before it is hashed.
func TestTooLarge(t *testing.T) {
	huge := make([]byte, bundle.MaxSize+1)
	if _, err := bundle.Parse(huge); !errors.Is(err, bundle.ErrBundle) {
		t.Errorf("parse: %v", err)
	}
	b := small()
	b.Sealer.Config = huge[:bundle.MaxSize]
	if _, err := b.Encode(); !errors.Is(err, bundle.ErrBundle) {
		t.Errorf("encode: %v", err)
	}
	b.Sealer.Config, b.Receipt = huge[:bundle.MaxSize/2], huge[:bundle.MaxSize/2]
	if _, err := b.Encode(); !errors.Is(err, bundle.ErrBundle) {
		t.Errorf("encode two halves: %v", err)
	}
}

// repack writes parts as Encode does, but any, in any order, and with a true
// manifest.json if none is among them. It is the attacker's tool, written a
// second time from FORMATS.md.
func repack(parts ...[2]string) []byte {
	list := `{"format":"1","media_type":"application/vnd.veriproof.notary.bundle.v1+zip","parts":[`
	for i, p := range parts {
		if i > 0 {
			list += ","
		}
		list += `{"path":"` + p[0] + `","sha256":"` + digest([]byte(p[1])) + `"}`
	}
	if len(parts) == 0 || parts[0][0] != "manifest.json" {
		parts = append([][2]string{{"manifest.json", list + "]}"}}, parts...)
	}
	var file, dir []byte
	le := binary.LittleEndian
	for _, p := range parts {
		common := le.AppendUint32([]byte{20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0}, crc32.ChecksumIEEE([]byte(p[1])))
		common = le.AppendUint32(le.AppendUint32(common, uint32(len(p[1]))), uint32(len(p[1])))
		common = le.AppendUint16(le.AppendUint16(common, uint16(len(p[0]))), 0)
		dir = append(append(dir, "PK\x01\x02\x14\x00"...), common...)
		dir = le.AppendUint32(append(dir, make([]byte, 10)...), uint32(len(file)))
		dir = append(dir, p[0]...)
		file = append(append(append(append(file, "PK\x03\x04"...), common...), p[0]...), p[1]...)
	}
	end := append([]byte("PK\x05\x06"), 0, 0, 0, 0)
	end = le.AppendUint16(le.AppendUint16(end, uint16(len(parts))), uint16(len(parts)))
	end = le.AppendUint32(le.AppendUint32(end, uint32(len(dir))), uint32(len(file)))
	return slices.Concat(file, dir, end, []byte{0, 0})
}

var least = [][2]string{{"config.yaml", "c"}, {"receipt.jws", "r"}, {"runtime-data.json", "d"}}

func TestParseRefuses(t *testing.T) {
	if _, err := bundle.Parse(repack(least...)); err != nil {
		t.Fatalf("what the test packs is no bundle: %v", err)
	}
	with := func(more ...[2]string) []byte {
		parts := append(slices.Clone(least), more...)
		slices.SortStableFunc(parts, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
		return repack(parts...)
	}
	good := encode(t, small())
	cases := map[string][]byte{
		"empty":              nil,
		"no ZIP":             []byte("not a bundle"),
		"empty ZIP":          append([]byte("PK\x05\x06"), make([]byte, 18)...),
		"manifest only":      repack(),
		"no receipt":         repack(least[0], least[2]),
		"no runtime data":    repack(least[:2]...),
		"no config":          repack(least[1:]...),
		"order":              repack(least[1], least[0], least[2]),
		"part twice":         with(least[0]),
		"other manifest":     repack([][2]string{{"manifest.json", "{}"}, least[0], least[1], least[2]}...),
		"unknown name":       with([2]string{"readme.txt", ""}),
		"traversal":          with([2]string{"../receipt.jws", ""}),
		"absolute path":      with([2]string{"/etc/passwd", ""}),
		"backslash":          with([2]string{`records\00000000.json`, ""}),
		"plugin traversal":   with([2]string{"plugins/../x.config", ""}),
		"plugin upper case":  with([2]string{"plugins/X.config", ""}),
		"plugin without end": with([2]string{"plugins/x", ""}),
		"record short":       with([2]string{"records/1.json", ""}),
		"record long":        with([2]string{"records/100000000.json", ""}),
		"record sign":        with([2]string{"records/+0000001.json", ""}),
		"record of origin":   with([2]string{"origin/records/00000000.json", ""}),
		"receipt of origin":  with([2]string{"origin/receipt.jws", ""}),
		"origin of origin":   with([2]string{"origin/origin/maa.jwt", ""}),
		"long name":          with([2]string{"x" + strings.Repeat("y", 200), ""}),
		"data before":        append([]byte{0}, good...),
		"data after":         append(bytes.Clone(good), 0),
		"second archive":     append(bytes.Clone(good), good...),
		"by archive/zip":     libraryZIP(t, zip.Deflate),
		"stored, by library": libraryZIP(t, zip.Store),
	}
	comment := bytes.Clone(good)
	comment[len(comment)-2] = 1
	cases["comment"] = append(comment, 'x')
	for name, data := range cases {
		if _, err := bundle.Parse(data); !errors.Is(err, bundle.ErrBundle) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// libraryZIP packs the right parts in another encoding.
func libraryZIP(t *testing.T, method uint16) []byte {
	t.Helper()
	parts := unzip(t, repack(least...))
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range append([]string{"manifest.json"}, least[0][0], least[1][0], least[2][0]) {
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(parts[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestParseEveryByte: no changed byte goes unnoticed, whatever verification
// would say.
func TestParseEveryByte(t *testing.T) {
	good := encode(t, small())
	for i := range good {
		b := bytes.Clone(good)
		b[i] ^= 1 << (i % 8)
		if _, err := bundle.Parse(b); !errors.Is(err, bundle.ErrBundle) {
			t.Errorf("byte %d changed: %v", i, err)
		}
		if i%5 != 0 {
			continue
		}
		if _, err := bundle.Parse(good[:i]); !errors.Is(err, bundle.ErrBundle) {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	data, err := small().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(repack(least...))
	f.Add(repack())
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := bundle.Parse(data)
		if err != nil {
			return
		}
		if again, err := b.Encode(); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("accepted an encoding that Encode does not make: %v", err)
		}
	})
}

// TestAttestationOf: what an entry has not is no part, and a configuration is
// one even if it is empty.
func TestAttestationOf(t *testing.T) {
	a := bundle.AttestationOf(
		&journal.EpochBody{RuntimeData: []byte("d"), PluginConfigs: map[string][]byte{"x": nil}},
		&journal.EvidenceBody{Report: []byte("r"), Chain: []byte("c"), Token: "t"})
	want := bundle.Attestation{
		RuntimeData: []byte("d"), Config: []byte{}, PluginConfigs: map[string][]byte{"x": {}}, Report: []byte("r"), VCEKChain: []byte("c"), Token: []byte("t"),
	}
	if diff := cmp.Diff(want, a); diff != "" {
		t.Error(diff)
	}
}

func TestVectorsBundle(t *testing.T) {
	type part struct {
		Path string `json:"path"`
		Data string `json:"data"` // base64
	}
	data := encode(t, small())
	parts := unzip(t, data)
	var list []part
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		if name != "manifest.json" {
			list = append(list, part{name, base64.StdEncoding.EncodeToString(parts[name])})
		}
	}
	golden(t, "testdata/bundle.json", map[string]any{
		"parts": list, "manifest": string(parts["manifest.json"]), "bundle": base64.StdEncoding.EncodeToString(data), "sha256": digest(data),
	})
}

// golden compares v with a file. Every input stands there beside its output.
func golden(t *testing.T, path string, v any) {
	t.Helper()
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	b = append(b, '\n')
	if *update {
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, want) {
		t.Errorf("%s: the format has changed. Now:\n%s", path, b)
	}
}
