package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/veriproof/notary/host/commitlog"
	"github.com/veriproof/notary/host/config"
	"github.com/veriproof/notary/host/ingest"
	"github.com/veriproof/notary/host/logserver"
	"github.com/veriproof/notary/sdk/receipt"
)

const logUsage = `usage: notary log serve --dir DIR|--config FILE --listen HOST:PORT [OPTIONS]
       notary log init CONFIG
       notary log checkpoint --key VKEY|--policy FILE [OPTIONS] PLACE

serve makes a log readable for anyone, in the form of C2SP tlog-tiles: checkpoint
and tiles, nothing else of its directory. All of that is signed or hashed, so
readers need not trust the server, nor TLS. With --accept it has the log for itself
and takes the commitments of notaries as well: several notaries have one log so, by
log.kind endpoint in their configurations.

init makes the tables and the key of a log in a database (log.kind tessera-mysql).
Each notary that shares the log gets a copy of the key, in its log.dir.

checkpoint reads a log's checkpoint, from a directory or URL, checks its signature,
and the cosignatures that the policy wants. With --since it follows the proof that
the log has only grown out of an earlier one; with --keep it does so each time, and
if the log contradicts itself keeps the two checkpoints that show it.

OPTIONS OF serve
  --dir DIR                the log's directory (log.dir)
  --config FILE            a notary's configuration, for its log in a database
  --listen HOST:PORT       where to serve
  --accept FILE            hashes of the API keys that may submit, one a line, as
                           "notary keygen --api-key" prints them; makes the log if
                           there is none
  --origin NAME            the log's name, with --accept
  --witness KEY=URL        a witness that has to cosign (repeatable)
  --quorum N               how many of them
  --ca FILE                certificate that TLS to witnesses is checked by
  --tls-certificate FILE   serve HTTPS with this certificate (PEM)
  --tls-key FILE           and its key

OPTIONS OF checkpoint
  --key VKEY               the log's verifier key (repeatable)
  --policy FILE            Reference Values with the log's keys and witnesses
  --since FILE             an earlier checkpoint, or a log proof, that you kept
  --keep DIR               remember the newest checkpoint there
  -o FILE                  write the checkpoint; an existing file is refused

EXAMPLES
  notary log serve --dir data/log --listen 0.0.0.0:8080
  notary log serve --dir log --origin example.org/notary-log --accept notaries.txt \
      --listen 0.0.0.0:8444 --tls-certificate log.pem --tls-key log.key.pem
  notary log init notary.yaml
  notary log checkpoint --policy policy.yaml --keep seen https://log.example.org/
  notary log checkpoint --key "$VKEY" --since 2026-08.checkpoint data/log

EXIT STATUS
  0  the checkpoint holds; the tables are made; serve was stopped
  1  usage, or the log cannot be read or opened
  2  false: not signed by the log, too few cosignatures, rolled back, or the log
     contradicts itself
`

var logCommand = command{name: "log", brief: "serves a transparency log, and checks that it only grows", usage: logUsage, run: runLog}

func runLog(ctx context.Context, a *app, args []string) error {
	verb := ""
	if len(args) > 0 {
		verb = args[0]
	}
	switch verb {
	case "serve":
		return logServe(ctx, a, args[1:])
	case "init":
		return logInit(ctx, a, args[1:])
	case "checkpoint":
		return logCheckpoint(ctx, a, args[1:])
	}
	f := a.flags("log", logUsage)
	if _, err := parse(f, args[:min(len(args), 1)], 0, 1); err != nil {
		return err
	}
	return unknownVerb("log", verb, "serve", "init", "checkpoint")
}

// A logService is what "log serve" was asked for.
type logService struct {
	dir, config            string
	listen, accept, origin string
	certificate, key, ca   string
	witnesses              []string
	quorum                 int
}

func logServe(ctx context.Context, a *app, args []string) error {
	f := a.flags("log serve", logUsage)
	var s logService
	f.StringVar(&s.dir, "dir", "", "")
	f.StringVar(&s.config, "config", "", "")
	f.StringVar(&s.listen, "listen", "", "")
	f.StringVar(&s.accept, "accept", "", "")
	f.StringVar(&s.origin, "origin", "", "")
	f.Func("witness", "", list(&s.witnesses))
	f.IntVar(&s.quorum, "quorum", 0, "")
	f.StringVar(&s.ca, "ca", "", "")
	f.StringVar(&s.certificate, "tls-certificate", "", "")
	f.StringVar(&s.key, "tls-key", "", "")
	if _, err := parse(f, args, 0, 0); err != nil {
		return err
	}
	switch {
	case (s.dir == "") == (s.config == "") || s.listen == "":
		return usageError("log serve: --listen is needed, and either --dir or --config")
	case s.config != "" && s.accept != "":
		return usageError("log serve: --accept is for a log in a directory; notaries write to a database by themselves")
	case (s.accept == "") != (s.origin == ""):
		return usageError("log serve: --accept and --origin go together")
	case s.accept == "" && (len(s.witnesses) > 0 || s.quorum > 0):
		return usageError("log serve: --witness and --quorum are for who writes the log, with --accept")
	case (s.certificate == "") != (s.key == ""):
		return usageError("log serve: --tls-certificate and --tls-key go together")
	case s.accept != "" && s.certificate == "" && !loopbackAddress(s.listen):
		return usageError("log serve: API keys do not cross a network in the clear: give --tls-certificate, or listen on 127.0.0.1")
	}
	return a.serveLog(ctx, s)
}

func loopbackAddress(address string) bool {
	host, _, _ := net.SplitHostPort(address)
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func (a *app) serveLog(ctx context.Context, s logService) (err error) {
	logger := newLogger(a.stderr)
	o := logserver.Options{Files: commitlog.Directory(s.dir), Logger: logger}
	what := "read only"
	// All else is read first: a log that is made keeps its name for ever.
	var certificate *tls.Certificate
	scheme := "http"
	if s.certificate != "" {
		pair, err := tls.LoadX509KeyPair(s.certificate, s.key)
		if err != nil {
			return hinted(err, "--tls-certificate and --tls-key want PEM files that belong together")
		}
		certificate, scheme = &pair, "https"
	}
	switch {
	case s.config != "":
		files, closeFiles, err := databaseLog(ctx, s.config)
		if err != nil {
			return err
		}
		defer closeFiles()
		o.Files = files
	case s.accept != "":
		if o.Accepts, err = readAccepted(s.accept); err != nil {
			return err
		}
		l, err := s.open(logger)
		if err != nil {
			return s.hinted(err)
		}
		defer func() { err = errors.Join(err, l.Close()) }()
		o.Log, o.Files, what = l, l.Files(), "taking commitments for "+l.VerifierKey()
	default:
		if _, err := o.Files.ReadCheckpoint(ctx); err != nil {
			return hinted(fmt.Errorf("no log in %s: %w", s.dir, err), "--dir wants log.dir of the notary that writes it, or its tree")
		}
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", s.listen)
	if err != nil {
		return hinted(err, "give --listen another address")
	}
	fmt.Fprintf(a.stdout, "the log of %s is at %s://%v/, %s, until it is interrupted\n", s.dir+s.config, scheme, l.Addr(), what)
	return logserver.Serve(ctx, l, logserver.New(o), certificate, drainTime)
}

// databaseLog opens the log in a database for reading.
func databaseLog(ctx context.Context, name string) (commitlog.Files, func() error, error) {
	cfg, err := loadConfig(name)
	if err != nil {
		return nil, nil, err
	}
	if cfg.Log.Kind != config.LogMySQL {
		return nil, nil, usageError("log serve: log.kind of %s is %s: --config is for %s", name, cfg.Log.Kind, config.LogMySQL)
	}
	return commitlog.MySQLFiles(ctx, mysqlOptions(cfg))
}

func logInit(ctx context.Context, a *app, args []string) error {
	f := a.flags("log init", logUsage)
	rest, err := parse(f, args, 1, 1)
	if err != nil {
		return err
	}
	cfg, err := loadConfig(rest[0])
	if err != nil {
		return err
	}
	if cfg.Log.Kind != config.LogMySQL {
		return usageError("log init: log.kind of %s is %s, which makes itself: this is for %s", rest[0], cfg.Log.Kind, config.LogMySQL)
	}
	vkey, err := commitlog.InitMySQL(ctx, mysqlOptions(cfg), cfg.Path(cfg.Log.Dir), cfg.Log.Origin)
	if err != nil {
		if errors.Is(err, commitlog.ErrDatabase) {
			err = hinted(err, "log.mysql in the configuration says where the database is and who asks it, over its socket or by TLS; for a new log it has to be empty, and the account to have the right to make tables")
		}
		return err
	}
	fmt.Fprintf(a.stdout, "made the tables, and the key in %s\nlog key (for policies): %s\n", cfg.Path(cfg.Log.Dir), vkey)
	return nil
}

// open takes the log for this process.
func (s *logService) open(logger *slog.Logger) (*commitlog.POSIX, error) {
	o := commitlog.Options{Logger: logger, Witnesses: commitlog.Witnesses{Quorum: s.quorum}}
	for _, w := range s.witnesses {
		// A key may end in "=", which is base64's; a URL has a colon.
		at := strings.LastIndex(w, "=http")
		if at < 0 {
			return nil, usageError("log serve: --witness wants KEY=URL, and %s is none", receipt.ShownKey(w))
		}
		o.Witnesses.List = append(o.Witnesses.List, commitlog.Witness{Key: w[:at], URL: w[at+1:]})
	}
	if s.ca != "" {
		pem, err := readFile(s.ca, maxPart)
		if err != nil {
			return nil, hinted(err, "--ca wants a file of certificates in PEM")
		}
		o.Witnesses.Roots = x509.NewCertPool()
		if !o.Witnesses.Roots.AppendCertsFromPEM(pem) {
			return nil, usageError("log serve: %s has no PEM certificate", s.ca)
		}
	}
	return commitlog.OpenPOSIX(s.dir, s.origin, o)
}

// hinted names the flags of a log that cannot be opened, where others have configuration keys.
func (s *logService) hinted(err error) error {
	for _, known := range []struct {
		err  error
		hint string
	}{
		{commitlog.ErrDirectory, "--dir names a directory that can be made and written"},
		{commitlog.ErrInUse, "stop what has the log open, or give --dir a directory of its own"},
		{commitlog.ErrOrigin, "set --origin to what the log began with, or --dir to a new directory for a new log"},
		{commitlog.ErrKey, "--dir names the directory of the log, which has its key in log.key"},
		{commitlog.ErrCorrupt, "restore the directory of --dir from one backup, or set --dir to a new directory for a new log"},
		{commitlog.ErrWitness, "--witness wants KEY=URL, once for each, and --quorum how many of them have to cosign"},
	} {
		if errors.Is(err, known.err) {
			return hinted(err, "%s", known.hint)
		}
	}
	return err
}

// readAccepted reads a file of hashes of API keys, one a line; empty lines and those
// that begin with # are left out.
func readAccepted(name string) (func(string) bool, error) {
	const hint = "--accept wants a line for each key that may submit: \"notary keygen --api-key\" prints a key and its hash, 64 characters of hex"
	text, err := readFile(name, maxPart)
	if err != nil {
		return nil, hinted(err, hint)
	}
	hashes, err := logserver.ParseHashes(name, string(text))
	if err != nil {
		return nil, hinted(err, hint)
	}
	return logserver.Keys(ingest.HashKey, hashes), nil
}

func logCheckpoint(ctx context.Context, a *app, args []string) error {
	f := a.flags("log checkpoint", logUsage)
	var keys []string
	f.Func("key", "", list(&keys))
	policyFile, since, keep, out := f.String("policy", "", ""), f.String("since", "", ""), f.String("keep", "", ""), f.String("o", "", "")
	rest, err := parse(f, args, 1, 1)
	if err != nil {
		return err
	}
	if (len(keys) == 0) == (*policyFile == "") {
		return usageError("log checkpoint: give either --key or --policy: a log is known by its key")
	}
	if *out != "" {
		if _, err := os.Lstat(*out); err == nil {
			return hinted(fmt.Errorf("log checkpoint: %s exists", *out), "give -o a new file; --since %s holds the log against the checkpoint that is there", *out)
		}
	}
	var quorum []string
	least := 0
	if *policyFile != "" {
		p, err := readPolicy(*policyFile)
		if err != nil {
			return err
		}
		if p.Log == nil {
			return usageError("log checkpoint: %s names no log", *policyFile)
		}
		keys, quorum, least = p.Log.Keys, p.Log.Witnesses, p.Log.Quorum
	}
	r, err := commitlog.NewReader(rest[0], keys)
	if errors.Is(err, commitlog.ErrKey) {
		return hinted(err, "--key wants the verifier key, which \"notary serve\" tells at its step \"commitment log\"")
	}
	if err != nil {
		return err
	}
	size, root, signed, err := r.Checkpoint(ctx)
	switch {
	case errors.Is(err, commitlog.ErrDirectory), errors.Is(err, commitlog.ErrUnreachable):
		return hinted(err, "PLACE is log.dir of the notary that writes the log, its tree, or the URL at which \"notary log serve\" or a file server has it")
	case err != nil:
		return logVerdict(err)
	}
	fmt.Fprintf(a.stdout, "%d entries, root %v\n", size, root)
	if least > 0 {
		if err := a.cosigned(signed, quorum, least); err != nil {
			return err
		}
	}
	if *since != "" {
		if err := a.grewSince(ctx, r, *since, keys, commitlog.Tree{Size: size, Root: root}); err != nil {
			return err
		}
	}
	if *keep != "" {
		if err := remember(ctx, *keep, keys, r, signed); err != nil {
			return logVerdict(err)
		}
	}
	if *out != "" {
		return writeNew(*out, signed, 0o644)
	}
	return nil
}

// cosigned checks the cosignatures of a checkpoint.
func (a *app) cosigned(signed []byte, witnesses []string, quorum int) error {
	by, err := witnessed(signed, witnesses, quorum)
	if err != nil {
		return &exitError{status: exitFalse, err: err, hint: "ask whoever runs the log, and the witnesses, before you rely on it"}
	}
	fmt.Fprintln(a.stdout, by)
	return nil
}

// grewSince follows the proof that the log has grown out of an earlier tree.
func (a *app) grewSince(ctx context.Context, r *commitlog.Reader, name string, keys []string, now commitlog.Tree) error {
	text, err := readFile(name, maxPart)
	if err != nil {
		return err
	}
	var before commitlog.Tree
	if before.Size, before.Root, err = commitlog.VerifyCheckpoint(text, keys); err != nil {
		return hinted(fmt.Errorf("%s: %w", name, err), "--since wants a checkpoint of this log, or a proof")
	}
	if err := r.Grew(ctx, before, now); err != nil {
		return logVerdict(fmt.Errorf("%s: %w", name, err))
	}
	fmt.Fprintf(a.stdout, "grown out of the %d entries of %s\n", before.Size, name)
	return nil
}

// remember shows a checkpoint to the memory in a directory.
func remember(ctx context.Context, dir string, keys []string, r *commitlog.Reader, signed []byte) error {
	key, err := commitlog.SignedBy(signed, keys)
	if err != nil {
		return err
	}
	m, err := commitlog.OpenMemory(dir, key, r)
	if err == nil {
		err = m.See(ctx, signed)
	}
	if errors.Is(err, commitlog.ErrDirectory) {
		return hinted(err, "--keep names a directory that can be made and written; a log in a directory needs its tiles, too")
	}
	return err
}

// logVerdict gives an error of a log its exit status.
func logVerdict(err error) error {
	if errors.Is(err, commitlog.ErrForked) || errors.Is(err, commitlog.ErrRolledBack) || errors.Is(err, commitlog.ErrKey) {
		return &exitError{status: exitFalse, err: err, hint: "do not rely on this log; keep both checkpoints, they prove it to others"}
	}
	return err
}
