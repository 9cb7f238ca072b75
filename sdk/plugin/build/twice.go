package build

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// A DifferenceError means that two builds of one source gave different bytes.
type DifferenceError struct {
	// Here is the SHA-256 of the build in the plugin's directory, Elsewhere that
	// of the build of a copy.
	Here, Elsewhere [32]byte
}

func (e *DifferenceError) Error() string {
	return fmt.Sprintf("build: sha256 %x here and %x in another directory: something of the machine gets into the module", e.Here, e.Elsewhere)
}

// Twice is [Module] for those who will publish the digest: it builds in dir, and
// again from a copy of the source in another directory, and gives a
// [*DifferenceError] if the bytes differ. A module that is not compiled here is
// taken as it is; whoever made it can make it again.
func Twice(ctx context.Context, dir string) ([]byte, error) {
	here, err := Module(ctx, dir)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(dir, ModuleFile)); err == nil {
		return here, nil
	}
	tmp, err := os.MkdirTemp("", "plugin-build-")
	if err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	defer os.RemoveAll(tmp)
	there, err := elsewhere(ctx, dir, tmp)
	if err != nil {
		return nil, fmt.Errorf("build: in another directory: %w", err)
	}
	if !bytes.Equal(here, there) {
		return nil, &DifferenceError{sha256.Sum256(here), sha256.Sum256(there)}
	}
	return here, nil
}

func elsewhere(ctx context.Context, dir, tmp string) ([]byte, error) {
	m, err := ReadManifest(dir)
	if err != nil {
		return nil, err
	}
	c := copying{to: tmp, modules: map[string]string{}}
	if err := c.source(ctx, dir); err != nil {
		return nil, err
	}
	raw, err := compile(ctx, c.plugin, c.anew...)
	if err != nil {
		return nil, err
	}
	return Pack(raw, m)
}

// A source is one package that a plugin is made of, as the go command tells it.
type source struct {
	Dir        string
	EmbedFiles []string
	Module     *struct {
		Path, Version, Dir string
		Main               bool
		Replace            *struct{ Version string }
	}
}

// local reports whether the package lies in a directory of the user's, and not
// in the module cache, where every path holds a version.
func (s *source) local() bool {
	m := s.Module
	return m != nil && (m.Main || m.Replace != nil && m.Replace.Version == "")
}

// A copying copies every local package that a plugin is made of, each module to
// a directory of its own.
type copying struct {
	to      string
	modules map[string]string // copied directory by directory
	plugin  string            // where the plugin is then
	main    string            // and the module that it is in
	replace []string          // flags of "go mod edit" for the other modules
	// anew are flags that say nothing (a debugging setting at its default), by
	// which the build cache knows no package outside of the standard library: a
	// package from the cache would be the same because it is the same file.
	anew []string
}

func (c *copying) source(ctx context.Context, dir string) error {
	dir, err := filepath.Abs(dir)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return err
	}
	list, err := goCommand(ctx, dir, "list", "-deps", "-json=Dir,EmbedFiles,Module", ".")
	if err != nil {
		return err
	}
	for dec := json.NewDecoder(bytes.NewReader(list)); ; {
		var s source
		if err := dec.Decode(&s); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		at, err := c.add(&s)
		if err != nil {
			return err
		}
		if s.Dir == dir {
			c.plugin = at
		}
	}
	if c.main == "" || c.plugin == "" {
		return errors.New("the plugin is in no module")
	}
	if len(c.replace) == 0 {
		return nil
	}
	_, err = goCommand(ctx, c.main, append([]string{"mod", "edit"}, c.replace...)...)
	return err
}

// add copies a package, if it is local, and returns where to.
func (c *copying) add(s *source) (string, error) {
	if s.Module == nil {
		return "", nil
	}
	module, known := c.modules[s.Module.Dir]
	if !known {
		module = filepath.Join(c.to, fmt.Sprint("module", len(c.modules)))
		c.modules[s.Module.Dir] = module
		c.anew = append(c.anew, "-gcflags="+s.Module.Path+"/...=-d=export=0")
	}
	if !s.local() {
		return "", nil
	}
	if !known {
		if err := copyFiles(s.Module.Dir, module, "go.mod", "go.sum"); err != nil {
			return "", err
		}
		if s.Module.Main {
			c.main = module
		} else {
			c.replace = append(c.replace, "-replace="+s.Module.Path+"="+module)
		}
	}
	rel, err := filepath.Rel(s.Module.Dir, s.Dir)
	if err != nil {
		return "", err
	}
	at := filepath.Join(module, rel)
	return at, copyPackage(s, at)
}

func copyPackage(s *source, to string) error {
	entries, err := os.ReadDir(s.Dir)
	if err != nil {
		return err
	}
	names := s.EmbedFiles
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return copyFiles(s.Dir, to, names...)
}

// copyFiles copies the files that there are.
func copyFiles(from, to string, names ...string) error {
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join(from, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		target := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(target, b, 0o644); err != nil {
			return err
		}
	}
	return nil
}
