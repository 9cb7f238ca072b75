package commitlog

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRefusals: each way in which a directory is not the log that was meant has
// its own error, and leaves the directory as it was.
func TestRefusals(t *testing.T) {
	t.Parallel()
	closed := func(t *testing.T, dir string) {
		l := open(t, dir)
		submit(t, l, commitment(0))
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name   string
		origin string
		want   error
		set    func(t *testing.T, dir string) string // returns the directory to open
	}{
		{"origin with a space", "my log", ErrOrigin, func(t *testing.T, dir string) string { return dir }},
		{"origin with a plus", "a+b", ErrOrigin, func(t *testing.T, dir string) string { return dir }},
		{"origin with a line break", "a\nb", ErrOrigin, func(t *testing.T, dir string) string { return dir }},
		{"no origin", "", ErrOrigin, func(t *testing.T, dir string) string { return dir }},
		{"another origin", "example.org/other", ErrOrigin, func(t *testing.T, dir string) string { closed(t, dir); return dir }},
		{"a file in the way", origin, ErrDirectory, func(t *testing.T, dir string) string {
			must(t, os.WriteFile(filepath.Join(dir, "log"), nil, 0o600))
			return filepath.Join(dir, "log")
		}},
		{"below a file", origin, ErrDirectory, func(t *testing.T, dir string) string {
			must(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
			return filepath.Join(dir, "file", "log")
		}},
		{"open already", origin, ErrInUse, func(t *testing.T, dir string) string { open(t, dir); return dir }},
		{"key lost", origin, ErrKey, func(t *testing.T, dir string) string {
			closed(t, dir)
			must(t, os.Remove(filepath.Join(dir, keyFile)))
			return dir
		}},
		{"key malformed", origin, ErrKey, func(t *testing.T, dir string) string {
			closed(t, dir)
			must(t, os.WriteFile(filepath.Join(dir, keyFile), []byte("PRIVATE+KEY+x"), 0o600))
			return dir
		}},
		{"key of another log of this name", origin, ErrKey, func(t *testing.T, dir string) string {
			closed(t, dir)
			other := t.TempDir()
			closed(t, other)
			k, err := os.ReadFile(filepath.Join(other, keyFile))
			must(t, err)
			must(t, os.WriteFile(filepath.Join(dir, keyFile), k, 0o600))
			return dir
		}},
		{"tile changed", origin, ErrCorrupt, func(t *testing.T, dir string) string {
			closed(t, dir)
			must(t, os.WriteFile(filepath.Join(dir, "tree/tile/0/000.p/1"), make([]byte, 32), 0o600))
			return dir
		}},
		{"tile removed", origin, ErrCorrupt, func(t *testing.T, dir string) string {
			closed(t, dir)
			must(t, os.Remove(filepath.Join(dir, "tree/tile/0/000.p/1")))
			return dir
		}},
		{"state rolled back", origin, ErrCorrupt, func(t *testing.T, dir string) string {
			closed(t, dir)
			state := filepath.Join(dir, stateDir, "treeState")
			old, err := os.ReadFile(state)
			must(t, err)
			l := open(t, dir)
			submit(t, l, commitment(1))
			must(t, l.Close())
			must(t, os.WriteFile(state, old, 0o600))
			return dir
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := tt.set(t, t.TempDir())
			l, err := OpenPOSIX(dir, tt.origin, Options{})
			if !errors.Is(err, tt.want) {
				t.Errorf("OpenPOSIX: %v, want %v", err, tt.want)
			}
			if err == nil {
				l.Close()
			} else if l != nil {
				t.Error("a log and an error")
			}
			if err != nil && strings.Contains(err.Error(), "PRIVATE+KEY+x") {
				t.Error("the error shows the key")
			}
		})
	}
}

// TestMemoryIsNoLog: what is remembered of another log has a directory of its own.
func TestMemoryIsNoLog(t *testing.T) {
	dir := t.TempDir()
	l, err := OpenPOSIX(dir, origin, Options{})
	if err != nil {
		t.Fatal(err)
	}
	vkey := l.VerifierKey()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenMemory(dir, vkey, nil); !errors.Is(err, ErrDirectory) {
		t.Errorf("a memory in a log: %v, want ErrDirectory", err)
	}
}

// TestNoDatabase: what is wrong with a database is not said of a directory, and a key that
// is not there yet is not one that was lost.
func TestNoDatabase(t *testing.T) {
	dir := t.TempDir()
	m := MySQLOptions{Host: filepath.Join(dir, "no-socket"), Database: "log", User: "notary", Connections: 2}
	if _, err := OpenMySQL(t.Context(), m, dir, origin, Options{}); !errors.Is(err, ErrKey) || !strings.Contains(err.Error(), "notary log init") {
		t.Errorf("without a key: %v, want ErrKey and \"notary log init\"", err)
	}
	if _, err := InitMySQL(t.Context(), m, dir, origin); !errors.Is(err, ErrDatabase) || errors.Is(err, ErrDirectory) {
		t.Errorf("init: %v, want ErrDatabase", err)
	}
	if _, err := os.Stat(filepath.Join(dir, keyFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("init leaves a stray key: %v", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := InitMySQL(t.Context(), m, dir, origin); !errors.Is(err, ErrInUse) {
		t.Errorf("init beside another: %v, want ErrInUse", err)
	}
	lock.Close()
	if _, err := makeKey(filepath.Join(dir, keyFile), origin); err != nil {
		t.Fatal(err)
	}
	if _, err := InitMySQL(t.Context(), m, dir, origin); !errors.Is(err, ErrDatabase) {
		t.Errorf("init: %v, want ErrDatabase", err)
	}
	if _, err := OpenMySQL(t.Context(), m, dir, origin, Options{}); !errors.Is(err, ErrDatabase) || errors.Is(err, ErrDirectory) {
		t.Errorf("open: %v, want ErrDatabase", err)
	}
	if _, _, err := MySQLFiles(t.Context(), m); !errors.Is(err, ErrDatabase) {
		t.Errorf("read: %v, want ErrDatabase", err)
	}
}
