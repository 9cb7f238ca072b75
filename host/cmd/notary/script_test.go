package main

import (
	"encoding/json"
	"errors"
	"flag"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/veriproof/notary/host/artifact/registrytest"
)

// TestScripts plays the transcripts in testdata/script. They run the real
// programs. Beyond testscript's own commands there are
//
//	exits N PROGRAM ARGS…   runs it and wants exit status N
//	machine [-SETTING X]…   writes keys and a notary.yaml for the simulated TEE
//	                        into the current directory
//	occupied VARIABLE       takes a port and puts its address into the variable
//	nothing-stored [DIR]    wants no file under DIR, by default data/store
//	registry VARIABLE       starts an OCI registry in memory and puts its host:port
//	                        into the variable
//	mode FILE PERM          wants the file to have these permissions
//
// and the variables $SAMPLE, the directory of a notary that has run and stopped,
// $PLUGINS, that of the built modules, and $SOURCE, the checkout. The go command has
// its caches, and no network.
func TestScripts(t *testing.T) {
	t.Parallel()
	m := sample(t)
	source, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	var goCaches map[string]string
	text, err := exec.CommandContext(t.Context(), "go", "env", "-json", "GOCACHE", "GOMODCACHE").Output()
	if err == nil {
		err = json.Unmarshal(text, &goCaches)
	}
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", filepath.Dir(m.bin.notary)+string(os.PathListSeparator)+e.Getenv("PATH"))
			e.Setenv("SAMPLE", m.dir)
			e.Setenv("PLUGINS", m.bin.plugins)
			e.Setenv("MAA", m.tee.MAAURL())
			e.Setenv("SOURCE", source)
			for name, value := range goCaches {
				e.Setenv(name, value)
			}
			e.Setenv("GOPROXY", "off")
			e.Values["t"] = e.T()
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "machine": scriptMachine(t), "occupied": occupied, "nothing-stored": nothingStored, "mode": mode, "registry": registry,
		},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits N PROGRAM ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	switch err := ts.Exec(args[1], args[2:]...); {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	default:
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

func scriptMachine(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		var s setting
		f := flag.NewFlagSet("machine", flag.ContinueOnError)
		f.StringVar(&s.otlp, "otlp", "", "")
		f.StringVar(&s.origin, "origin", "", "")
		f.StringVar(&s.sidecar, "sidecar", "", "")
		f.StringVar(&s.recipient, "recipient", "", "")
		f.StringVar(&s.logDir, "log-dir", "", "")
		f.StringVar(&s.log, "log", "", "")
		f.StringVar(&s.storageDir, "storage-dir", "", "")
		f.StringVar(&s.endpoints, "endpoints", "", "")
		f.StringVar(&s.extra, "extra", "", "")
		f.BoolVar(&s.bare, "bare", false, "")
		ts.Check(f.Parse(args))
		newMachineIn(t, ts.MkAbs("."), s)
	}
}

func occupied(ts *testscript.TestScript, neg bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	ts.Setenv(args[0], l.Addr().String())
}

func registry(ts *testscript.TestScript, _ bool, args []string) {
	server := httptest.NewServer(new(registrytest.Registry))
	ts.Defer(server.Close)
	ts.Setenv(args[0], server.Listener.Addr().String())
}

func nothingStored(ts *testscript.TestScript, neg bool, args []string) {
	dir := "data/store"
	if len(args) > 0 {
		dir = args[0]
	}
	err := filepath.WalkDir(ts.MkAbs(dir), func(path string, e os.DirEntry, err error) error {
		switch {
		case errors.Is(err, os.ErrNotExist):
			return nil
		case err != nil:
			return err
		case !e.IsDir():
			ts.Fatalf("%s is stored", path)
		}
		return nil
	})
	ts.Check(err)
}

func mode(ts *testscript.TestScript, neg bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	want, err := strconv.ParseUint(args[1], 8, 32)
	ts.Check(err)
	if got := info.Mode().Perm(); got != os.FileMode(want) {
		ts.Fatalf("%s has mode %v, want %v", args[0], got, os.FileMode(want))
	}
}
