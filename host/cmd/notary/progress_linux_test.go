package main

import (
	"fmt"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/veriproof/notary/host/audit"
)

// terminal returns both ends of a pseudo-terminal.
func terminal(t *testing.T) (screen, program *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { screen.Close() })
	if err := unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return screen, program
}

// TestAuditProgress: a person at a terminal sees one line, which is replaced each second and
// gone at the end; nothing of an audit that takes less than a second, or where standard
// error is something else.
func TestAuditProgress(t *testing.T) {
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	// show plays an audit that comes to 1,000 entries more in each step of the clock.
	show := func(stderr *os.File, step time.Duration, steps int) {
		now := time.Unix(1_800_000_000, 0)
		var o audit.Options
		a := &app{stderr: stderr}
		done := a.progress(&o, func() time.Time { return now })
		for i := range steps {
			now = now.Add(step)
			if o.Progress != nil {
				o.Progress(audit.Progress{Entries: uint64(1000 * (i + 1)), LogEntries: uint64(i)})
			}
		}
		done()
	}
	for name, c := range map[string]struct {
		step  time.Duration
		steps int
		want  string
	}{
		"each second":        {500 * time.Millisecond, 4, "\r\x1b[K2000 entries of the journal, 1 of the log\r\x1b[K4000 entries of the journal, 3 of the log\r\x1b[K"},
		"a long step":        {time.Minute, 1, "\r\x1b[K1000 entries of the journal, 0 of the log\r\x1b[K"},
		"less than a second": {100 * time.Millisecond, 9, ""},
	} {
		screen, program := terminal(t)
		show(program, c.step, c.steps)
		fmt.Fprint(program, "|") // behind all that was shown
		var shown []byte
		for b := make([]byte, 1); ; {
			if _, err := screen.Read(b); err != nil {
				t.Fatalf("%s: %v after %q", name, err, shown)
			}
			if b[0] == '|' {
				break
			}
			shown = append(shown, b[0])
		}
		if string(shown) != c.want {
			t.Errorf("%s: %q, want %q", name, shown, c.want)
		}
	}
	file, err := os.CreateTemp(t.TempDir(), "stderr")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	show(file, time.Minute, 5)
	if info, err := file.Stat(); err != nil || info.Size() != 0 {
		t.Errorf("%d bytes in a file, %v", info.Size(), err)
	}
}
