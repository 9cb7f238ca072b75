package main

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/challenge"
	"github.com/veriproof/notary/sdk/attested"
)

const trustUsage = `usage: notary trust fetch --policy FILE -o FILE [OPTIONS] URL
       notary trust keep  --trust DIR [OPTIONS]

"keep" gathers keys for later, see "notary trust keep --help".

"fetch" challenges the notary whose control interface is at URL (https://host:port), appraises it by
the policy, and only if it is accepted writes its serving certificate. Give that file to
any OpenTelemetry exporter: it then sends to the attested key and to no other.

    export OTEL_EXPORTER_OTLP_CERTIFICATE=$PWD/notary.pem

A certificate says nothing about time: a notary that was accepted once is sent to until it
stops or the file changes. With --watch the notary is appraised again and again, and the file
follows its keys when it is started anew. After a check that failed nothing is
written. An exporter that has to stop by itself when an appraisal gets old wants
"notary proxy".

OPTIONS
  --policy FILE   Reference Values, see "notary policy"
  --jwks FILE     key set of the MAA instance that you trust, if the policy pins none
  --issuer URL    whose keys these are, if the policy has several issuers without
                  pinned keys
  -o FILE         where the certificate goes, as PEM; replaced in one step
  --watch         go on, and follow the notary's keys
  --every TIME    with --watch, how often (default 5m)
  --json          print the result as JSON, with --watch a line each time

EXAMPLES
  notary trust fetch --policy policy.yaml -o notary.pem https://notary.example:8443
  notary trust fetch --policy policy.yaml -o notary.pem --watch https://notary.example:8443

` + verifyingStatus

var trustCommand = command{name: "trust", brief: "writes an accepted notary's certificate; keeps keys for later", usage: trustUsage, run: runTrust}

// gateOptions reads what the commands that appraise a running notary share.
func gateOptions(command, policyFile string, keys trustedKeys, url string, a *app) (attested.Options, error) {
	o := attested.Options{Control: url, Accept: challenge.Options{AllowSimulated: simulatedAllowed, TrustedIssuer: keys.issuer}}
	if policyFile == "" {
		return o, usageError("%s: --policy is missing: without Reference Values there is nothing to compare with", command)
	}
	var err error
	if o.Policy, err = readPolicy(policyFile); err != nil {
		return o, err
	}
	a.warn(o.Policy)
	o.Accept.TrustedJWKS, err = keys.read(command)
	return o, err
}

func runTrust(ctx context.Context, a *app, args []string) error {
	if len(args) > 0 && args[0] == "keep" {
		return trustKeep(ctx, a, args[1:])
	}
	f := a.flags("trust", trustUsage)
	policyFile := f.String("policy", "", "")
	var keys trustedKeys
	keys.flags(f)
	out := f.String("o", "", "")
	watch := f.Bool("watch", false, "")
	every := f.Duration("every", 5*time.Minute, "")
	asJSON := f.Bool("json", false, "")
	rest, err := parse(f, args, 2, 2)
	switch {
	case err != nil:
		return err
	case rest[0] != "fetch":
		return unknownVerb("trust", rest[0], "fetch", "keep")
	case *out == "":
		return usageError("trust fetch: -o is missing: where shall the certificate go?")
	case *every < time.Second:
		return usageError("trust fetch: --every %v is less than 1s", *every)
	}
	o, err := gateOptions("trust fetch", *policyFile, keys, rest[1], a)
	if err != nil {
		return err
	}
	t := &truster{app: a, options: o, out: *out, json: *asJSON}
	if !*watch {
		return t.fetch(ctx, true)
	}
	tick := time.NewTicker(*every)
	defer tick.Stop()
	for {
		// Each round stands by itself: nothing that failed has written anything, and
		// a notary that comes back is followed.
		if err := t.fetch(ctx, false); err != nil && ctx.Err() == nil {
			fmt.Fprintf(a.stderr, "notary: error: %s\n", oneLine(err.Error()))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

type truster struct {
	*app
	options attested.Options
	out     string
	json    bool
}

// fetch appraises once and writes the certificate if it is another one than the
// file has. A full report of the checks is for people who asked once.
func (t *truster) fetch(ctx context.Context, full bool) error {
	g, err := attested.New(t.options)
	if err != nil {
		return usageError("trust fetch: %v", err)
	}
	appraisal, err := g.Check(ctx)
	var no *attested.Unacceptable
	switch {
	case errors.As(err, &no) && full:
		return t.report(newAppraised(time.Now(), no.Checks, "nothing was written"), t.json)
	case errors.As(err, &no):
		return fmt.Errorf("%w; nothing was written", no)
	case err != nil:
		return &exitError{status: exitUsage, err: err, hint: "URL is that of the notary's control interface, such as https://127.0.0.1:8443; nothing was written"}
	}
	// What was compared with the attested key is the first certificate, so that one
	// is written and nothing that may stand behind it.
	block, _ := pem.Decode([]byte(appraisal.Proof.TLSCertificate))
	if block == nil {
		return errors.New("the notary has sent no certificate") // checked by the challenge
	}
	wrote, err := replaceIfOther(t.out, pem.EncodeToMemory(block))
	if err != nil {
		return hinted(err, "-o names a file, in a directory that is there and can be written")
	}
	switch {
	case full:
		return t.report(newAppraised(appraisal.Proof.At, appraisal.Checks, "the certificate is in "+t.out), t.json)
	case t.json:
		return t.app.json(map[string]any{"time": appraisal.Proof.At.UTC(), "verdict": attestation.Verified, "written": wrote})
	case wrote:
		fmt.Fprintf(t.stdout, "%s  verified; wrote %s\n", appraisal.Proof.At.UTC().Format(time.RFC3339), t.out)
	}
	return nil
}

// replaceIfOther writes a file in one step, unless it has these bytes.
func replaceIfOther(name string, data []byte) (bool, error) {
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, data) {
		return false, nil
	}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return false, fmt.Errorf("%s is a directory", name)
	}
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			path.Path = name // and not one that nobody has asked for
		}
		return false, err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err == nil, err
}
