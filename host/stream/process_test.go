package stream

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestMain is also the processes that tests start: those that are killed, that meet a
// limit, or that may not write.
func TestMain(m *testing.M) {
	path := os.Getenv("STREAM_TEST_DIR")
	if path == "" {
		os.Exit(m.Run())
	}
	if err := children[os.Getenv("STREAM_TEST_CHILD")](path); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

var children = map[string]func(path string) error{
	"append": childAppends, "hold": childHolds, "limit": childMeetsLimit, "read": childMayNotWrite,
}

// start starts a process on a directory and returns its standard output.
func start(t *testing.T, what, path string) (*exec.Cmd, *bufio.Reader, io.WriteCloser) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "STREAM_TEST_DIR="+path, "STREAM_TEST_CHILD="+what)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd, bufio.NewReader(out), in
}

// bodyOf is what the record with a number holds.
func bodyOf(n uint64) []byte {
	b := make([]byte, rand.New(rand.NewPCG(n, 0)).IntN(40_000))
	for i := range b {
		b[i] = byte(n + uint64(i))
	}
	return b
}

func slotOf(n uint64) []byte { return fmt.Append(nil, "slot of ", n) }

// childAppends goes on with a stream, tells each record that is durable, and erases
// every tenth slot.
func childAppends(path string) error {
	d, err := Open(path, Options{})
	if err != nil {
		return err
	}
	next := uint64(0)
	if r, err := d.Find("s", math.MaxUint64); err == nil {
		next = r.Last + 1
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	d.segmentSize = 500_000
	if next > 0 && next%10 == 0 { // the last one may have been killed before it erased
		if err := d.Erase("s", next-6, 0); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for ; ; next++ {
		if err := d.Append("s", next, next, [][]byte{bodyOf(next)}, [][]byte{slotOf(next)}); err != nil {
			return err
		}
		if next%10 == 9 {
			if err := d.Erase("s", next-5, 0); err != nil {
				return err
			}
		}
		fmt.Println(next)
	}
}

// TestKillNine: a process that is killed while it appends loses nothing of what it has
// told, and the next one goes on.
func TestKillNine(t *testing.T) {
	path := t.TempDir()
	told := uint64(0)
	for round := range 8 {
		cmd, out, _ := start(t, "append", path)
		for n := 5 + rand.IntN(40); ; n-- {
			line, err := out.ReadString('\n')
			if err != nil && n > 0 {
				t.Fatalf("round %d: the process ended by itself: %v", round, err)
			}
			if err != nil { // it was killed, and all that it has told is read
				break
			}
			if told, err = strconv.ParseUint(strings.TrimSpace(line), 10, 64); err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait()
		checkAppended(t, path, told)
	}
}

func checkAppended(t *testing.T, path string, told uint64) {
	t.Helper()
	d, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for n := range told + 1 {
		if b, err := d.Body("s", n); err != nil || !bytes.Equal(b, bodyOf(n)) {
			t.Fatalf("record %d: %d bytes, %v", n, len(b), err)
		}
		b, err := d.Slot("s", n, 0)
		if erased := n%10 == 4 && n+5 <= told; erased != errors.Is(err, fs.ErrNotExist) || !erased && !bytes.Equal(b, slotOf(n)) {
			if n%10 != 4 || n+5 != told+1 { // the erasure that was under way
				t.Fatalf("slot of %d: %q, %v", n, b, err)
			}
		}
	}
}

func childHolds(path string) error {
	d, err := Open(path, Options{})
	if err != nil {
		return err
	}
	if err := d.Append("s", 0, 0, nil, nil); err != nil {
		return err
	}
	fmt.Println("appended")
	_, err = io.Copy(io.Discard, os.Stdin)
	return errors.Join(err, d.Close())
}

// TestAnotherProcess: while one process writes, another may read, and gets ErrInUse if
// it writes; when it has ended, whichever way, the next may.
func TestAnotherProcess(t *testing.T) {
	path := t.TempDir()
	cmd, out, in := start(t, "hold", path)
	if _, err := out.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	d := open(t, path)
	if err := d.Append("s", 1, 1, nil, nil); !errors.Is(err, ErrInUse) {
		t.Errorf("append beside another process: %v", err)
	}
	if err := d.Erase("s", 0, 0); !errors.Is(err, ErrInUse) {
		t.Errorf("erase beside another process: %v", err)
	}
	if r, err := d.Find("s", 0); err != nil || r.First != 0 {
		t.Errorf("read beside another process: %+v, %v", r, err)
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, d, "s", 1, 1, "")
}

// childMeetsLimit fills a file that may not grow further, as on a disk that is full, and
// goes on when there is room again.
func childMeetsLimit(path string) error {
	signal.Ignore(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	most := limit.Cur
	d, err := Open(path, Options{})
	if err != nil {
		return err
	}
	full := 0
	for n := uint64(0); n < 60; n++ {
		if n%20 == 10 { // the next write is a short one
			if limit.Cur = 70_000; n == 10 {
				limit.Cur = 150_000
			}
			if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
				return err
			}
		}
		for {
			err := d.Append("s", n, n, [][]byte{bodyOf(n), make([]byte, 1)}, nil)
			if err == nil {
				break
			}
			if !errors.Is(err, syscall.EFBIG) {
				return fmt.Errorf("record %d: %w", n, err)
			}
			if full++; full%3 == 0 { // in vain twice, also in a segment of its own
				limit.Cur = most
				if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
					return err
				}
			}
		}
	}
	if full < 3 {
		return fmt.Errorf("the limit was met %d times", full)
	}
	return d.Close()
}

// TestFilesCannotGrow: what does not fit is an error, not a part of a record; when there
// is room again, the same record is appended, once.
func TestFilesCannotGrow(t *testing.T) {
	path := t.TempDir()
	cmd, _, _ := start(t, "limit", path)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	d := open(t, path)
	for n := range uint64(60) {
		if b, err := d.Body("s", n); err != nil || !bytes.Equal(b, append(bodyOf(n), 0)) {
			t.Errorf("record %d: %d bytes, %v", n, len(b), err)
		}
	}
	if r, err := d.Find("s", math.MaxUint64); err != nil || r.Last != 59 {
		t.Errorf("last record %+v, %v", r, err)
	}
	left, err := filepath.Glob(filepath.Join(path, "_new-*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// childMayNotWrite reads what it may not change.
func childMayNotWrite(path string) error {
	if os.Geteuid() == 0 {
		if err := syscall.Setuid(65534); err != nil {
			return err
		}
	}
	d, err := Open(path, Options{})
	if err != nil {
		return err
	}
	defer d.Close()
	if b, err := d.Body("s", 0); err != nil || string(b) != "body" {
		return fmt.Errorf("read: %q, %w", b, err)
	}
	if err := d.Append("s", 1, 1, nil, nil); !errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("append: %w", err)
	}
	if err := d.Erase("s", 0, 0); !errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("erase: %w", err)
	}
	return nil
}

// TestReadOnly: a directory that may not be written is read, and an append says why not.
func TestReadOnly(t *testing.T) {
	// Under a directory of its own: those of tests are for their user alone.
	path, err := os.MkdirTemp("", "stream-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(path, 0o700); os.RemoveAll(path) })
	d, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, d, "s", 0, 0, "body", "slot")
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]fs.FileMode{"s_0000000000000000": 0o444, lockName: 0o444, ".": 0o555} {
		if err := os.Chmod(filepath.Join(path, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	cmd, _, _ := start(t, "read", path)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
}
