package truststore_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/veriproof/notary/attestation/internal/snptest"
	"github.com/veriproof/notary/attestation/truststore"
)

const issuer = "https://contoso.weu.attest.azure.net"

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// keys is a key set with an RSA modulus that begins with n.
func keys(n byte) []byte {
	modulus := append([]byte{0x80 | n}, bytes.Repeat([]byte{0x5b}, 255)...)
	modulus[255] |= 1
	b64 := base64.RawURLEncoding.EncodeToString
	return fmt.Appendf(nil, `{"keys":[{"kty":"RSA","use":"sig","kid":"k%d","n":%q,"e":%q}]}`, n, b64(new(big.Int).SetBytes(modulus).Bytes()), "AQAB")
}

func create(t *testing.T) (*truststore.Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "trust")
	s, err := truststore.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s, dir
}

func keep(t *testing.T, s *truststore.Store, n byte, at time.Time) {
	t.Helper()
	if _, err := s.KeepKeys(issuer, keys(n), at); err != nil {
		t.Fatal(err)
	}
}

// TestKept: what was kept is there when the directory is opened again, in the order in
// which it was kept, and the same bytes are one file.
func TestKept(t *testing.T) {
	s, dir := create(t)
	keep(t, s, 1, noon)
	keep(t, s, 2, noon.Add(time.Hour))
	keep(t, s, 1, noon.Add(-time.Hour)) // an old one, found later
	crl := snptest.New("Genoa", 3).CRL(noon.Add(24*time.Hour), nil)
	for range 2 {
		if _, err := s.KeepCRL(crl, noon); err != nil {
			t.Fatal(err)
		}
	}
	again, err := truststore.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*truststore.Store{s, again} {
		sets := s.KeySets()
		if len(sets) != 3 || !bytes.Equal(sets[0].JWKS, keys(1)) || !bytes.Equal(sets[1].JWKS, keys(2)) || !bytes.Equal(sets[2].JWKS, keys(1)) {
			t.Errorf("%d key sets", len(sets))
		}
		if sets[2].Issuer != issuer || !sets[2].At.Equal(noon.Add(-time.Hour)) {
			t.Errorf("%+v", sets[2])
		}
		if lists := s.CRLs(); len(lists) != 1 || !bytes.Equal(lists[0], crl) {
			t.Errorf("%d revocation lists", len(lists))
		}
	}
	index, err := os.ReadFile(filepath.Join(dir, "index"))
	if want := fmt.Sprintf("\n2026-11-28T12:00:00Z jwks %x %s\n", sha256.Sum256(keys(1)), issuer); err != nil || !strings.Contains(string(index), want) {
		t.Errorf("%v: the index is\n%s", err, index)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 4 {
		t.Errorf("%d files, want an index, two key sets and a list: %v", len(files), err)
	}
	if _, err := truststore.Create(dir); err != nil {
		t.Errorf("to create what is there: %v", err)
	}
}

// TestDamaged: a directory that is not whole is not used at all.
func TestDamaged(t *testing.T) {
	digest := sha256.Sum256(keys(1))
	for name, damage := range map[string]func(dir string) error{
		"no index":      func(dir string) error { return os.Remove(filepath.Join(dir, "index")) },
		"file gone":     func(dir string) error { return os.Remove(filepath.Join(dir, fmt.Sprintf("%x.json", digest))) },
		"file replaced": func(dir string) error { return rewrite(dir, fmt.Sprintf("%x.json", digest), string(keys(2))) },
		"line cut off":  func(dir string) error { return rewrite(dir, "index", line(digest)[:40]) },
		"no time":       func(dir string) error { return rewrite(dir, "index", "x"+line(digest)) },
		"other kind":    func(dir string) error { return rewrite(dir, "index", strings.Replace(line(digest), "jwks", "pem", 1)) },
		"upper case":    func(dir string) error { return rewrite(dir, "index", strings.ToUpper(line(digest))) },
		"time with zone": func(dir string) error {
			return rewrite(dir, "index", strings.Replace(line(digest), "Z ", "+00:00 ", 1))
		},
		"five words": func(dir string) error { return rewrite(dir, "index", strings.TrimSuffix(line(digest), "\n")+" x\n") },
		"short digest": func(dir string) error {
			return rewrite(dir, "index", strings.Replace(line(digest), fmt.Sprintf("%x", digest), "ab", 1))
		},
		"a way out": func(dir string) error {
			return rewrite(dir, "index", strings.Replace(line(digest), fmt.Sprintf("%x", digest), "../../etc/passwd", 1))
		},
	} {
		s, dir := create(t)
		keep(t, s, 1, noon)
		if err := damage(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := truststore.Open(dir); !errors.Is(err, truststore.ErrStore) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func line(digest [32]byte) string {
	return fmt.Sprintf("2026-11-28T12:00:00Z jwks %x %s\n", digest, issuer)
}

func rewrite(dir, name, text string) error {
	path := filepath.Join(dir, name)
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// TestRefused: what is no trust material is not kept.
func TestRefused(t *testing.T) {
	s, dir := create(t)
	for name, err := range map[string]error{
		"no key set": second(s.KeepKeys(issuer, []byte(`{"keys":[]}`), noon)),
		"no JSON":    second(s.KeepKeys(issuer, []byte("x"), noon)),
		"no issuer":  second(s.KeepKeys("", keys(1), noon)),
		"http":       second(s.KeepKeys("http://a.example", keys(1), noon)),
		"two lines":  second(s.KeepKeys("https://a.example\n2026", keys(1), noon)),
		"no list":    second(s.KeepCRL(keys(1), noon)),
	} {
		if err == nil {
			t.Errorf("%s is kept", name)
		}
	}
	if again, err := truststore.Open(dir); err != nil || len(again.KeySets())+len(again.CRLs()) != 0 {
		t.Errorf("something was kept: %v", err)
	}
}

func second(_ truststore.Entry, err error) error { return err }

// TestParse: the files of a directory give the same from memory, and what is missing, too
// large or changed is told.
func TestParse(t *testing.T) {
	s, dir := create(t)
	keep(t, s, 1, time.Unix(1_800_000_000, 0))
	keep(t, s, 2, time.Unix(1_800_000_100, 0))
	read := func() map[string][]byte {
		files := map[string][]byte{}
		names, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if files[filepath.Base(name)], err = os.ReadFile(name); err != nil {
				t.Fatal(err)
			}
		}
		return files
	}
	opened, err := truststore.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if parsed, err := truststore.Parse(read()); err != nil || !reflect.DeepEqual(parsed.KeySets(), opened.KeySets()) || len(parsed.KeySets()) != 2 {
		t.Errorf("from memory: %v", err)
	}
	for name := range read() {
		files := read()
		delete(files, name)
		if _, err := truststore.Parse(files); !errors.Is(err, truststore.ErrStore) {
			t.Errorf("without %s: %v", name, err)
		}
		files[name] = append(read()[name], '!')
		if _, err := truststore.Parse(files); !errors.Is(err, truststore.ErrStore) {
			t.Errorf("%s changed: %v", name, err)
		}
	}
}

// TestTogether: several that add at the same time lose nothing.
func TestTogether(t *testing.T) {
	_, dir := create(t)
	var wg sync.WaitGroup
	for n := range byte(8) {
		wg.Go(func() {
			s, err := truststore.Create(dir)
			if err == nil {
				_, err = s.KeepKeys(issuer, keys(n/2), noon.Add(time.Duration(n)*time.Hour))
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s, err := truststore.Open(dir)
	if err != nil || len(s.KeySets()) != 8 {
		t.Errorf("%v", err)
	}
}

// FuzzIndex: whatever stands in an index is refused or read, and never a panic.
func FuzzIndex(f *testing.F) {
	f.Add("# x\n" + line(sha256.Sum256(keys(1))))
	f.Add("2026-11-28T12:00:00Z crl 00 AMD\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, dir := create(t)
		keep(t, s, 1, noon)
		if err := rewrite(dir, "index", text); err != nil {
			t.Fatal(err)
		}
		_, _ = truststore.Open(dir)
	})
}
