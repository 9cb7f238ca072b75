package pgserver

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Pooler starts PgBouncer before the server and returns the directory of its socket,
// whose port is the server's. Settings are such as "pool_mode=transaction". It is stopped
// with the test.
func (s *Server) Pooler(t testing.TB, settings ...string) string {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		if program = "/usr/sbin/pgbouncer"; !exists(program) {
			t.Fatal("there is no pgbouncer: install PgBouncer (Debian's package pgbouncer)")
		}
	}
	dir, err := os.MkdirTemp(s.dir, "pooler")
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("[databases]\npostgres = host=%s port=%d user=%s\n[pgbouncer]\nunix_socket_dir = %s\nlisten_port = %d\nauth_type = any\n%s\n",
		s.Socket, s.Port, User, dir, s.Port, strings.Join(settings, "\n"))
	file := filepath.Join(dir, "pgbouncer.ini")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if s.account != nil {
		for _, path := range []string{dir, file} {
			if err := os.Chown(path, int(s.account.Uid), int(s.account.Gid)); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd := exec.Command(program, file)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.account}
	output, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	var said strings.Builder
	for lines := bufio.NewScanner(output); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "process up") {
			go func() {
				for lines.Scan() { // or it would wait for a reader
				}
			}()
			return dir
		}
	}
	t.Fatalf("pgbouncer does not start:\n%s", said.String())
	return ""
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
