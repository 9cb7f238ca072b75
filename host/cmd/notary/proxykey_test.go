package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestProxyKeyFile: a file that is not one key is no key. The notary would refuse it for
// every request, and say no more than that it knows none such.
func TestProxyKeyFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "key")
	for _, c := range []struct {
		text string
		good bool
	}{
		{"a-key_of-43-characters\n", true},
		{"", false},
		{"two words", false},
		{`{"hash":"00ff","secret":"a-key"}`, false},
		{"-----BEGIN-NOTARY-KEY-----", false},
		{strings.Repeat("k", 5000), false},
	} {
		if err := os.WriteFile(name, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		key, err := readAPIKey(name)
		if good := err == nil; good != c.good || good && key != strings.TrimSpace(c.text) {
			t.Errorf("%.40q: %q, %v", c.text, key, err)
		}
		if err != nil && c.text != "" && strings.Contains(err.Error(), c.text) {
			t.Errorf("the error repeats the file: %v", err)
		}
	}
}
