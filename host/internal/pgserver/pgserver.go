// Package pgserver starts a PostgreSQL of its own for tests and benchmarks: in a
// temporary directory, on a Unix socket and a loopback port, with the binaries that
// the machine has, and never as root.
package pgserver

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A Server is a running PostgreSQL.
type Server struct {
	// Socket is the directory of its Unix socket, Port the number in its name and
	// the port on 127.0.0.1.
	Socket string
	Port   uint16

	t       testing.TB
	dir     string
	options []string
	account *syscall.Credential
	limit   uint64
	cmd     *exec.Cmd
	output  bytes.Buffer
}

// User is the superuser of the servers. Every connection is trusted.
const User = "notary"

// Start makes a new cluster and starts it. It is stopped with the test. Options
// are settings such as "fsync=on", which is off: a killed process loses nothing
// that the operating system has, and no test cuts the power.
func Start(t testing.TB, options ...string) *Server {
	t.Helper()
	// A socket's path is limited to about a hundred bytes.
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &Server{t: t, dir: dir, Socket: dir, options: append([]string{"fsync=off"}, options...)}
	if os.Geteuid() == 0 {
		s.account = unprivileged(t)
		if err := os.Chown(dir, int(s.account.Uid), int(s.account.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	s.run("initdb", "-D", filepath.Join(dir, "data"), "-U", User, "--auth=trust", "--no-sync", "--wal-segsize=1", "-E", "UTF8", "--locale=C")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Port = uint16(l.Addr().(*net.TCPAddr).Port)
	l.Close()
	s.Restart()
	t.Cleanup(s.Kill)
	return s
}

// unprivileged returns an account to run as: PostgreSQL refuses to be root.
func unprivileged(t testing.TB) *syscall.Credential {
	t.Helper()
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	t.Fatal("root, and no account postgres or nobody to run PostgreSQL as")
	return nil
}

// binary finds a program of PostgreSQL: on the path, or where Debian puts it.
func binary(t testing.TB, name string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) == 0 {
		t.Fatalf("there is no %s: install PostgreSQL (Debian's package postgresql)", name)
	}
	slices.Sort(found)
	return found[len(found)-1]
}

func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(binary(s.t, name), args...)
	cmd.Dir = s.dir
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "PG") })
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.account}
	return cmd
}

func (s *Server) run(name string, args ...string) {
	s.t.Helper()
	if out, err := s.command(name, args...).CombinedOutput(); err != nil {
		s.t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// Restart starts the server, which was killed before or never ran, and returns
// when it answers.
func (s *Server) Restart() {
	s.t.Helper()
	args := []string{
		"-D", filepath.Join(s.dir, "data"), "-k", s.Socket, "-p", strconv.Itoa(int(s.Port)),
		"-c", "listen_addresses=127.0.0.1", "-c", "max_connections=60",
	}
	for _, o := range s.options {
		args = append(args, "-c", o)
	}
	s.output.Reset()
	s.cmd = s.command("postgres", args...)
	if s.limit > 0 {
		// ulimit counts in kilobytes.
		script := fmt.Sprintf("trap '' XFSZ; ulimit -f %d; exec \"$@\"", s.limit>>10)
		s.cmd.Args = append([]string{"bash", "-c", script, "bash", s.cmd.Path}, args...)
		s.cmd.Path = "/bin/bash"
	}
	s.cmd.Stdout, s.cmd.Stderr = &s.output, &s.output
	// Its processes are a group, so that all of them can be killed.
	s.cmd.SysProcAttr.Setpgid = true
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	ready := make(chan error, 1)
	go func() {
		for deadline := time.Now().Add(30 * time.Second); ; {
			if err := s.command("pg_isready", "-q", "-h", s.Socket, "-p", strconv.Itoa(int(s.Port)), "-t", "1").Run(); err == nil {
				ready <- nil
				return
			} else if time.Now().After(deadline) {
				ready <- fmt.Errorf("the server does not answer: %w", err)
				return
			}
		}
	}()
	if err := <-ready; err != nil {
		s.t.Fatalf("%v\n%s", err, s.output.Bytes())
	}
}

// Kill ends the server as a crash would, all of its processes at once.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	_ = s.cmd.Wait()
	s.cmd = nil
	_ = os.Remove(filepath.Join(s.dir, "data", "postmaster.pid"))
}

// Limit bounds the size of the files that the server can write from its next start
// on, as a full disk would: 0 is no bound.
func (s *Server) Limit(t testing.TB, bytes uint64) {
	t.Helper()
	s.limit = bytes
}

// RequirePassword makes the server ask everybody but [User] for a password from
// now on.
func (s *Server) RequirePassword(t testing.TB) {
	t.Helper()
	s.write(t, "pg_hba.conf", "local all "+User+" trust\nlocal all all scram-sha-256\nhost all all all scram-sha-256\n")
	s.Kill()
	s.Restart()
}

// UseTLS gives the server a certificate for a name, starts it again, and returns
// the authority.
func (s *Server) UseTLS(t testing.TB, name string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "server.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	s.write(t, "server.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})))
	s.options = append(s.options, "ssl=on")
	s.Kill()
	s.Restart()
	pool := x509.NewCertPool()
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(certificate)
	return pool
}

func (s *Server) write(t testing.TB, name, text string) {
	t.Helper()
	path := filepath.Join(s.dir, "data", name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if s.account != nil {
		if err := os.Chown(path, int(s.account.Uid), int(s.account.Gid)); err != nil {
			t.Fatal(err)
		}
	}
}

// Output returns what the server has printed since its last start.
func (s *Server) Output() []byte { return s.output.Bytes() }
