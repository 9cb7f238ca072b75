// Command notary-log has a transparency log on AWS (S3 and MySQL) or on GCP (Cloud Storage
// and Spanner), with Tessera's drivers for them, and takes the commitments of notaries:
// what "notary log serve --accept" does with a directory.
//
// It is a module of its own, since the clouds' libraries are many times what a notary is
// made of, and read credentials from the environment, which a notary must not.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/veriproof/notary/host/commitlog"
	"github.com/veriproof/notary/host/ingest"
	"github.com/veriproof/notary/host/internal/loglines"
	"github.com/veriproof/notary/host/logserver"
)

const usage = `usage: notary-log aws --bucket NAME --database-file FILE [OPTIONS]
       notary-log gcp --bucket NAME --spanner DATABASE [OPTIONS]

Has a transparency log in a bucket, serves it to anyone as C2SP tlog-tiles, and takes the
commitments of notaries that have log.kind "endpoint" in their configuration. Several may
run on one log, each with a copy of the key. Credentials are those that the cloud's own
libraries find: run it there, under an account that may use bucket and database alone.

OPTIONS
  --origin NAME            the log's name, such as example.org/notary-log; for ever
  --dir DIR                where the log's signing key is, or is made for a new log
  --accept FILE            hashes of the API keys that may submit, one a line, as
                           "notary keygen --api-key" prints them
  --listen HOST:PORT       where to serve
  --tls-certificate FILE   serve HTTPS with this certificate (PEM)
  --tls-key FILE           and its key
  --witness KEY=URL        a witness that has to cosign (repeatable)
  --quorum N               how many of them
  --bucket NAME            the bucket of tiles and checkpoint
  --prefix PATH            a folder in it

OPTIONS OF aws
  --database-file FILE     a file with the MySQL database, USER:PASSWORD@tcp(HOST:3306)/NAME?tls=true
  --s3-endpoint URL        a service that speaks S3, instead of Amazon's

OPTIONS OF gcp
  --spanner DATABASE       projects/PROJECT/instances/INSTANCE/databases/NAME

EXAMPLES
  notary-log aws --bucket my-log --database-file database --dir key --origin example.org/log \
      --accept notaries.txt --listen 0.0.0.0:8444 --tls-certificate log.pem --tls-key log.key.pem

EXIT STATUS
  0  it was stopped by a signal
  1  usage, or the log cannot be opened
`

// A service is what was asked for.
type service struct {
	driver                          string
	origin, dir, accept             string
	listen, certificate, key        string
	bucket, prefix                  string
	databaseFile, endpoint, spanner string
	witnesses                       []commitlog.Witness
	quorum                          int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintf(os.Stderr, "notary-log: error: %v\n", err)
		os.Exit(1)
	}
}

// grace is for what is under way when it is stopped.
const grace = 10 * time.Second

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	s, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, usage)
		return nil
	}
	if err != nil {
		return err
	}
	text, err := os.ReadFile(s.accept)
	if err != nil {
		return err
	}
	hashes, err := logserver.ParseHashes(s.accept, string(text))
	if err != nil {
		return err
	}
	var certificate *tls.Certificate
	scheme := "http"
	if s.certificate != "" {
		pair, err := tls.LoadX509KeyPair(s.certificate, s.key)
		if err != nil {
			return err
		}
		certificate, scheme = &pair, "https"
	}
	logger := slog.New(loglines.JSON(stderr))
	place, err := s.place(ctx)
	if err != nil {
		return err
	}
	l, err := commitlog.OpenPlace(ctx, place, s.dir, s.origin, commitlog.Options{
		Logger: logger, Witnesses: commitlog.Witnesses{List: s.witnesses, Quorum: s.quorum},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "the log in %s is at %s://%v/, taking commitments for %s, until it is interrupted\n", place.Name, scheme, listener.Addr(), l.VerifierKey())
	h := logserver.New(logserver.Options{Files: l.Files(), Log: l, Accepts: logserver.Keys(ingest.HashKey, hashes), Logger: logger})
	return logserver.Serve(ctx, listener, h, certificate, grace)
}

func parse(args []string, stderr io.Writer) (*service, error) {
	s := &service{}
	if len(args) == 0 {
		return nil, errors.New("say aws or gcp; --help explains")
	}
	f := flag.NewFlagSet("notary-log", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&s.origin, "origin", "", "")
	f.StringVar(&s.dir, "dir", "", "")
	f.StringVar(&s.accept, "accept", "", "")
	f.StringVar(&s.listen, "listen", "", "")
	f.StringVar(&s.certificate, "tls-certificate", "", "")
	f.StringVar(&s.key, "tls-key", "", "")
	f.StringVar(&s.bucket, "bucket", "", "")
	f.StringVar(&s.prefix, "prefix", "", "")
	f.StringVar(&s.databaseFile, "database-file", "", "")
	f.StringVar(&s.endpoint, "s3-endpoint", "", "")
	f.StringVar(&s.spanner, "spanner", "", "")
	f.IntVar(&s.quorum, "quorum", 0, "")
	f.Func("witness", "", func(text string) error {
		at := strings.LastIndex(text, "=http") // a key may end in "="
		if at < 0 {
			return errors.New("want KEY=URL")
		}
		s.witnesses = append(s.witnesses, commitlog.Witness{Key: text[:at], URL: text[at+1:]})
		return nil
	})
	if !strings.HasPrefix(args[0], "-") {
		s.driver, args = args[0], args[1:]
	}
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %.40q", f.Arg(0))
	}
	return s, s.check()
}

func (s *service) check() error {
	switch s.driver {
	case "aws":
		if s.databaseFile == "" || s.spanner != "" {
			return errors.New("aws wants --database-file, and no --spanner")
		}
	case "gcp":
		if s.spanner == "" || s.databaseFile != "" || s.endpoint != "" {
			return errors.New("gcp wants --spanner, and neither --database-file nor --s3-endpoint")
		}
		if f := strings.Split(s.spanner, "/"); len(f) != 6 || f[0] != "projects" || f[2] != "instances" || f[4] != "databases" {
			return fmt.Errorf("--spanner %.100q: want projects/PROJECT/instances/INSTANCE/databases/NAME", s.spanner)
		}
	default:
		return fmt.Errorf("unknown driver %.40q, want aws or gcp", s.driver)
	}
	for _, need := range []struct{ flag, value string }{
		{"--bucket", s.bucket}, {"--origin", s.origin}, {"--dir", s.dir}, {"--accept", s.accept}, {"--listen", s.listen},
	} {
		if need.value == "" {
			return fmt.Errorf("%s is missing", need.flag)
		}
	}
	if (s.certificate == "") != (s.key == "") {
		return errors.New("--tls-certificate and --tls-key go together")
	}
	host, _, _ := net.SplitHostPort(s.listen)
	ip, err := netip.ParseAddr(host)
	if s.certificate == "" && host != "localhost" && (err != nil || !ip.IsLoopback()) {
		return errors.New("API keys do not cross a network in the clear: give --tls-certificate, or listen on 127.0.0.1")
	}
	return nil
}

// place is where the driver keeps the log.
func (s *service) place(ctx context.Context) (commitlog.Place, error) {
	if s.driver == "gcp" {
		return s.gcp(ctx)
	}
	return s.aws(ctx)
}
