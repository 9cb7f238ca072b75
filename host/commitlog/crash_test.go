package commitlog

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"filippo.io/torchwood"
	"go.uber.org/goleak"
	"golang.org/x/mod/sumdb/tlog"
)

// childDir, when set, makes this binary a process that submits to the log in
// that directory until it is killed.
const childDir = "COMMITLOG_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		child(dir)
	}
	goleak.VerifyTestMain(m)
}

// child submits from several goroutines, and prints index and commitment of
// each entry once it has the proof.
func child(dir string) {
	l, err := OpenPOSIX(dir, origin, Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("open")
	var mu sync.Mutex
	for g := range 8 {
		go func() {
			for i := 0; ; i++ {
				c := commitment(os.Getpid()*1_000_000 + g*100_000 + i)
				_, index, err := l.Submit(context.Background(), c)
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				mu.Lock()
				fmt.Printf("%d %x\n", index, c)
				mu.Unlock()
			}
		}()
	}
	select {}
}

// TestKilled kills the process that has the log, at different moments, and
// opens the log again: it is consistent with every checkpoint before, and holds
// every entry for which there was a proof, at its index.
func TestKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	proved := map[uint64]string{}
	var before torchwood.Checkpoint
	for round := range 3 {
		killAfter(t, dir, 1+round*12, proved)
		l, err := OpenPOSIX(dir, origin, Options{})
		if err != nil {
			t.Fatal(err)
		}
		p, index := submit(t, l, commitment(-round))
		verify(t, l.VerifierKey(), commitment(-round), p)
		proved[index] = hex.EncodeToString(slice(commitment(-round)))
		before = consistent(t, l, before)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	entries := allEntries(t, dir, before.Tree)
	for index, c := range proved {
		if index >= uint64(len(entries)) || hex.EncodeToString(entries[index]) != c {
			t.Errorf("entry %d was proved and is not in the log", index)
		}
	}
}

func slice(c [32]byte) []byte { return c[:] }

// killAfter runs a child until it has proved n entries, and kills it.
func killAfter(t *testing.T, dir string, n int, proved map[uint64]string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if lines.Text() == "open" {
			continue
		}
		var index uint64
		var c string
		if _, err := fmt.Sscan(lines.Text(), &index, &c); err != nil {
			continue // the line that the kill cut off
		}
		proved[index] = c
		if n--; n == 0 {
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	_ = cmd.Wait()
	if n > 0 || stderr.Len() > 0 {
		t.Fatalf("child ended by itself or had something to say: %s", stderr.String())
	}
}

// TestOneProcess: the directory is one process's, for as long as it lives, and then
// the next one's. Two that append to one Tessera directory can make each other
// panic (see the package comment), so this is not for Tessera's locks to decide.
func TestOneProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := exec.Command(os.Args[0])
	first.Env = append(os.Environ(), childDir+"="+dir)
	out, err := first.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	defer first.Wait()
	defer first.Process.Kill()
	if !bufio.NewScanner(out).Scan() { // it tells that it has the log
		t.Fatal("the first process did not open the log")
	}
	go io.Copy(io.Discard, out)

	second := exec.Command(os.Args[0])
	second.Env = first.Env
	told, err := second.CombinedOutput()
	if err == nil || !bytes.Contains(told, []byte(ErrInUse.Error())) {
		t.Errorf("a second process: %v: %s", err, told)
	}
	if _, err := OpenPOSIX(dir, origin, Options{}); !errors.Is(err, ErrInUse) {
		t.Errorf("and this one: %v, want ErrInUse", err)
	}
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = first.Wait()
	submit(t, open(t, dir), commitment(-1))
}

// consistent checks the log's checkpoint against an earlier one.
func consistent(t *testing.T, l *POSIX, before torchwood.Checkpoint) torchwood.Checkpoint {
	t.Helper()
	text, err := l.reader.ReadCheckpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	now, _, err := torchwood.VerifyCheckpoint(text, l.signed)
	if err != nil {
		t.Fatal(err)
	}
	if before.N > 0 {
		p, err := tlog.ProveTree(now.N, before.N, tlog.TileHashReader(now.Tree, tiles{t.Context(), l.reader}))
		if err == nil {
			err = tlog.CheckTree(p, now.N, now.Hash, before.N, before.Hash)
		}
		if err != nil {
			t.Errorf("the tree of %d does not continue the one of %d: %v", now.N, before.N, err)
		}
	}
	return now
}

// allEntries reads the log as an auditor with torchwood's client would.
func allEntries(t *testing.T, dir string, tree tlog.Tree) [][]byte {
	t.Helper()
	files, err := torchwood.NewTileFS(os.DirFS(filepath.Join(dir, treeDir)))
	if err != nil {
		t.Fatal(err)
	}
	client, err := torchwood.NewClient(files)
	if err != nil {
		t.Fatal(err)
	}
	var entries [][]byte
	for _, e := range client.AllEntries(t.Context(), tree, 0) {
		entries = append(entries, bytes.Clone(e))
	}
	if err := client.Err(); err != nil {
		t.Fatal(err)
	}
	return entries
}
