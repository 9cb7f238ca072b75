// Package mariadb starts a MariaDB of its own for tests: in a temporary directory, on
// a Unix socket alone, with the binaries that the machine has, and never as root.
package mariadb

import (
	"bytes"
	"database/sql"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql" // to ask whether the server answers
)

// User is the account of the servers, without a password. It may do everything.
const User = "root"

// A Server is a running MariaDB.
type Server struct {
	// Socket is the path of its Unix socket.
	Socket string

	t       testing.TB
	dir     string
	account *syscall.Credential
	cmd     *exec.Cmd
	output  bytes.Buffer
}

// Start makes a new data directory and starts a server on it. It is stopped with the
// test.
func Start(t testing.TB) *Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "my") // a socket's path is limited to about a hundred bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &Server{t: t, dir: dir, Socket: filepath.Join(dir, "s")}
	if os.Geteuid() == 0 {
		u, err := user.Lookup("nobody")
		if err != nil {
			t.Fatal(err)
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		s.account = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(dir, int(uid), int(gid)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "init.sql"), []byte("create database log;\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	install := s.command(binary(t, "mariadb-install-db"), "--no-defaults", "--datadir="+filepath.Join(dir, "data"), "--auth-root-authentication-method=normal", "--skip-test-db", "--extra-file="+filepath.Join(dir, "init.sql"))
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("mariadb-install-db: %v\n%s", err, out)
	}
	s.Restart()
	t.Cleanup(s.Kill)
	return s
}

// binary finds a program of MariaDB: on the path, or where Debian puts it.
func binary(t testing.TB, name string) string {
	t.Helper()
	for _, path := range []string{name, "/usr/bin/" + name, "/usr/sbin/" + name} {
		if found, err := exec.LookPath(path); err == nil {
			return found
		}
	}
	t.Fatalf("there is no %s: install MariaDB (Debian's package mariadb-server)", name)
	return ""
}

func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.account, Setpgid: true}
	return cmd
}

// Restart starts the server, which was killed before or never ran, and returns when
// it answers.
func (s *Server) Restart() {
	s.t.Helper()
	s.output.Reset()
	s.cmd = s.command(binary(s.t, "mariadbd"), "--no-defaults", "--datadir="+filepath.Join(s.dir, "data"), "--socket="+s.Socket,
		"--skip-networking", "--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=32M", "--pid-file="+filepath.Join(s.dir, "pid"))
	s.cmd.Stdout, s.cmd.Stderr = &s.output, &s.output
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	db, err := sql.Open("mysql", User+"@unix("+s.Socket+")/log")
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	for deadline := time.Now().Add(30 * time.Second); db.PingContext(s.t.Context()) != nil; {
		if time.Now().After(deadline) {
			s.Kill()
			s.t.Fatalf("the server does not answer\n%s", s.output.Bytes())
		}
	}
}

// Kill ends the server as a crash would.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	_ = s.cmd.Wait()
	s.cmd = nil
}
