package config

import (
	"crypto/x509"
	"fmt"
	"net/netip"
	"net/url"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"

	"github.com/veriproof/notary/sdk/receipt"
)

// Kinds of log.
const (
	// LogPOSIX is the embedded log, in a directory.
	LogPOSIX = "tessera-posix"
	// LogMySQL is a log in a database of MySQL or MariaDB, which several notaries share.
	LogMySQL = "tessera-mysql"
	// LogEndpoint is a log that others run, behind VeriProof's HTTP interface.
	LogEndpoint = "endpoint"
)

// Log is the transparency log of the commitments.
type Log struct {
	// Kind is LogPOSIX, LogMySQL or LogEndpoint.
	Kind string `yaml:"kind"`
	// Origin is the log's name, the first line of its checkpoints, such as
	// "example.org/notary-log". Required; a log keeps it for ever.
	Origin string `yaml:"origin"`
	// Dir is the directory of the embedded log; of one in a database, where its signing
	// key is; of another, what is remembered of it: its newest checkpoint, and those
	// that contradict each other.
	Dir string `yaml:"dir"`
	// Endpoint is where a log of LogEndpoint is, and whose it is.
	Endpoint RemoteLog `yaml:"endpoint"`
	// MySQL is the database of LogMySQL.
	MySQL MySQL `yaml:"mysql"`
	// Witnesses are those whose cosignatures count, and Quorum is how many of them
	// must have cosigned before a proof counts.
	Witnesses []Witness `yaml:"witnesses"`
	Quorum    int       `yaml:"quorum"`
	// CA is the PEM certificate that TLS to endpoint, database and witnesses is checked
	// by; empty means the system's roots.
	CA string `yaml:"ca"`
}

// RemoteLog is a log that others run.
type RemoteLog struct {
	// URL is the base of the HTTP interface, https, or http on loopback.
	URL string `yaml:"url"`
	// Key is the log's verifier key (C2SP signed-note), whose name is the origin:
	// what it has not signed is no proof.
	Key string `yaml:"key"`
	// CredentialFile is the path of a file with the bearer token, which may be
	// renewed in place. It is a secret and not measured.
	CredentialFile string `yaml:"credential_file"`
	// Tiles is the URL at which the log can be read; with it the notary checks that
	// the log only grows.
	Tiles string `yaml:"tiles"`
}

// MySQL is a database of MySQL or MariaDB.
type MySQL struct {
	// Host is a name or address, whose certificate TLS verifies, or the path of a Unix
	// socket.
	Host string `yaml:"host"`
	Port int    `yaml:"port"`
	// Database and User are required.
	Database string `yaml:"database"`
	User     string `yaml:"user"`
	// PasswordFile is the path of a file with the password, or with an access token
	// that is renewed in place. It is a secret and not measured.
	PasswordFile string `yaml:"password_file"`
	// Timeout bounds each exchange with the server.
	Timeout Duration `yaml:"timeout"`
	// Connections is the most connections at a time.
	Connections int `yaml:"connections"`
}

// Witness cosigns the log's checkpoints (C2SP tlog-witness).
type Witness struct {
	// Key is its verifier key, for Ed25519 cosignatures.
	Key string `yaml:"key"`
	// URL is where the embedded log asks it. The log of an endpoint asks its
	// witnesses itself.
	URL string `yaml:"url"`
}

// maxWitnesses bounds the signatures on a checkpoint.
const maxWitnesses = 32

func (v *checker) log() {
	l := &v.Log
	v.oneOf("log.kind", l.Kind, LogPOSIX, LogMySQL, LogEndpoint)
	if v.present("log.origin", l.Origin, `name the log for ever, such as "example.org/notary-log"`) && !originForm.MatchString(l.Origin) {
		v.fail("log.origin", fmt.Sprintf("%.60q is not a log name", l.Origin), "use 1 to 200 visible ASCII characters without plus")
	}
	v.present("log.dir", l.Dir, "remove the key to have "+DefaultLogDir)
	if l.CA != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(l.CA)) {
		v.fail("log.ca", "has no PEM certificate", "give one, or remove the key to have the system's roots")
	}
	v.remoteLog()
	v.mysql()
	v.witnesses()
}

func (v *checker) remoteLog() {
	e := &v.Log.Endpoint
	if v.Log.Kind != LogEndpoint && *e == (RemoteLog{}) {
		return
	}
	if v.present("log.endpoint.url", e.URL, "give the base of the log's HTTP interface") {
		v.reachable("log.endpoint.url", e.URL)
	}
	if e.Tiles != "" {
		v.reachable("log.endpoint.tiles", e.Tiles)
	}
	if !v.present("log.endpoint.key", e.Key, "give the log's verifier key, NAME+ID+KEY, from who runs it") {
		return
	}
	switch k, err := note.NewVerifier(e.Key); {
	case err != nil:
		v.fail("log.endpoint.key", receipt.ShownKey(e.Key)+" is not a verifier key", "copy NAME+ID+KEY from who runs the log")
	case k.Name() != v.Log.Origin:
		v.fail("log.endpoint.key", fmt.Sprintf("is that of the log %.100q", k.Name()), "set log.origin to the log's name")
	}
}

func (v *checker) mysql() {
	m := &v.Log.MySQL
	if v.Log.Kind != LogMySQL && *m == defaults().Log.MySQL {
		return
	}
	const key = "log.mysql."
	v.present(key+"host", m.Host, "give the server's name, or the path of its Unix socket")
	v.present(key+"database", m.Database, "give the database's name")
	v.present(key+"user", m.User, "give the account that the notary connects as")
	between(v, key+"port", m.Port, 1, 65535)
	between(v, key+"timeout", m.Timeout, Duration(time.Second), Duration(5*time.Minute))
	between(v, key+"connections", m.Connections, 2, 100) // one writes tiles, one checkpoints
	if v.Log.Kind == LogMySQL && len(v.Log.Witnesses) > 0 {
		v.fail("log.witnesses", "are not asked by a log in a database", "use a log behind \"notary log serve\", which asks them, or remove them")
	}
}

// reachable wants https, or http on the loopback interface.
func (v *checker) reachable(key, text string) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		v.fail(key, fmt.Sprintf("%.100q is not a URL without user, query and fragment", text), "write such as https://log.example.org/")
		return
	}
	ip, err := netip.ParseAddr(u.Hostname())
	local := u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		v.fail(key, fmt.Sprintf("%.100q is not safe on a network", text), "use https; http is for the loopback interface")
	}
}

func (v *checker) witnesses() {
	l := &v.Log
	v.count("log.witnesses", len(l.Witnesses), 0, maxWitnesses, "")
	if len(l.Witnesses) == 0 {
		if l.Quorum != 0 {
			v.fail("log.quorum", "is of nobody", "list log.witnesses, or remove it")
		}
		return
	}
	between(v, "log.quorum", l.Quorum, 1, len(l.Witnesses))
	keys, urls := map[string]string{}, map[string]string{}
	for i, w := range l.Witnesses {
		key := fmt.Sprintf("log.witnesses[%d]", i)
		if _, err := torchwood.NewCosignatureVerifier(w.Key); err != nil {
			v.fail(key+".key", receipt.ShownKey(w.Key)+" is not a witness's verifier key", "copy NAME+ID+KEY for Ed25519 cosignatures from who runs it")
			continue
		}
		// The key itself, however it is written and named.
		raw, err := receipt.PublicKey(w.Key)
		if err != nil {
			v.fail(key+".key", err.Error(), "copy NAME+ID+KEY for Ed25519 cosignatures from who runs it")
			continue
		}
		if own, err := receipt.PublicKey(l.Endpoint.Key); err == nil && own == raw {
			v.fail(key+".key", "is the log's own", "name others: a log is no witness of itself")
		}
		v.once(keys, key+".key", string(raw[:]), "key")
		if w.URL == "" && l.Kind == LogEndpoint {
			continue // the log asks it
		}
		if v.present(key+".url", w.URL, "give the URL at which the witness answers") {
			v.reachable(key+".url", w.URL)
			v.once(urls, key+".url", w.URL, "URL")
		}
	}
}
