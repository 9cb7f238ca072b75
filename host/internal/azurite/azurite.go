// Package azurite starts Azurite, Microsoft's stand-in for Azure Storage, for tests: the
// blob service alone, in memory, with TLS on a loopback port, under an account of the
// test's own.
package azurite

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/veriproof/notary/host/endpoint"
	"github.com/veriproof/notary/host/pluginhost"
)

// Environment names the directory that npm has installed Azurite in.
const Environment = "NOTARY_AZURITE"

// Account is the name of the account of every server.
const Account = "notarytest"

// sasVersion is the version of the shared access signatures.
const sasVersion = "2021-12-02"

// A Server is a running Azurite.
type Server struct {
	// URL is that of the account.
	URL string
	// CA is the authority of its certificate, as PEM.
	CA []byte

	key []byte
}

// Start starts a server, which is stopped with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	program := filepath.Join(os.Getenv(Environment), "node_modules", ".bin", "azurite-blob")
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("there is no Azurite: \"make test-storage\" installs it and sets %s: %v", Environment, err)
	}
	dir := t.TempDir()
	s := &Server{key: make([]byte, 64)}
	rand.Read(s.key)
	s.certificate(t, dir)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().(*net.TCPAddr)
	l.Close()
	s.URL = "https://" + address.String() + "/" + Account
	cmd := exec.Command(program, "--inMemoryPersistence", "--silent", "--disableTelemetry", "--disableProductStyleUrl",
		"--blobHost", "127.0.0.1", "--blobPort", strconv.Itoa(address.Port), "--cert", filepath.Join(dir, "cert.pem"), "--key", filepath.Join(dir, "key.pem"))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "AZURITE_ACCOUNTS="+Account+":"+base64.StdEncoding.EncodeToString(s.key))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // npm's script starts another process
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	})
	if said, ok := ready(output); !ok {
		t.Fatalf("Azurite does not start:\n%s", said)
	}
	return s
}

// ready reads what the server prints until it listens, and the rest of it later.
func ready(output interface{ Read([]byte) (int, error) }) (string, bool) {
	lines := bufio.NewScanner(output)
	var said strings.Builder
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "successfully listen") {
			go func() {
				for lines.Scan() {
				}
			}()
			return "", true
		}
	}
	return said.String(), false
}

func (s *Server) certificate(t testing.TB, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	s.CA = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, text := range map[string][]byte{"cert.pem": s.CA, "key.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// AccountSAS returns a shared access signature for everything in the account: it can
// make containers.
func (s *Server) AccountSAS() string {
	const permissions, services, types, protocol = "rwdlac", "b", "sco", "https"
	end := time.Now().UTC().Add(time.Hour).Format(time.RFC3339)
	text := strings.Join([]string{Account, permissions, services, types, "", end, "", protocol, sasVersion, "", ""}, "\n")
	return url.Values{
		"sp": {permissions}, "ss": {services}, "srt": {types}, "se": {end}, "spr": {protocol}, "sv": {sasVersion}, "sig": {s.sign(text)},
	}.Encode()
}

// Client returns a client that believes the server.
func (s *Server) Client() *http.Client {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.CA)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, MaxIdleConnsPerHost: 64}}
}

// Object returns the URL of a blob, or, if it has no name, of the container, for who
// may do everything in the account.
func (s *Server) Object(container, name string) string {
	return s.URL + "/" + strings.TrimSuffix(container+"/"+name, "/") + "?" + s.AccountSAS()
}

// Endpoints opens "entries" and "keys", containers of these names behind a prefix, with
// the shared access signature that sas gives for each.
func (s *Server) Endpoints(t testing.TB, prefix string, sas func(container string) string) map[string]pluginhost.Endpoint {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.CA)
	out := map[string]pluginhost.Endpoint{}
	for _, kind := range []string{"entries", "keys"} {
		container := prefix + kind
		path := filepath.Join(t.TempDir(), "sas")
		if err := os.WriteFile(path, []byte(sas(container)), 0o600); err != nil {
			t.Fatal(err)
		}
		e, err := endpoint.Open(endpoint.Options{URL: s.URL + "/" + container, Roots: roots, Credential: endpoint.SAS(path), Timeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(e.Close)
		out[kind] = e
	}
	return out
}

// ContainerSAS returns a shared access signature for the blobs of one container, with
// the permissions given: "rcwl" reads, creates, writes and lists.
func (s *Server) ContainerSAS(container, permissions string) string {
	end := time.Now().UTC().Add(time.Hour).Format(time.RFC3339)
	text := strings.Join([]string{
		permissions, "", end, "/blob/" + Account + "/" + container, "", "", "https", sasVersion, "c", "", "", "", "", "", "", "",
	}, "\n")
	return url.Values{"sp": {permissions}, "se": {end}, "spr": {"https"}, "sv": {sasVersion}, "sr": {"c"}, "sig": {s.sign(text)}}.Encode()
}

func (s *Server) sign(text string) string {
	h := hmac.New(sha256.New, s.key)
	h.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}
