package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/host/internal/loglines"
	"github.com/veriproof/notary/sdk/attested"
	"github.com/veriproof/notary/sdk/proxy"
)

const proxyUsage = `usage: notary proxy --policy FILE --control URL [OPTIONS]

A local OTLP endpoint for exporters that know nothing of attestation. It challenges the
notary and appraises it by the policy before the first byte, for each connection and
again before an appraisal gets old, and passes requests on as they are. A request is
answered when the notary has answered it: the proxy acknowledges nothing by itself and
keeps nothing. If the notary is not accepted, or an appraisal is too old, requests are
answered "unavailable", which exporters retry, and nothing leaves this machine.

Exporters speak to it without TLS, so it listens on the loopback interface.

OPTIONS
  --policy FILE         Reference Values, see "notary policy"
  --jwks FILE           key set of the MAA instance that you trust, if the policy pins
                        none
  --issuer URL          whose keys these are, if the policy has several issuers without
                        pinned keys
  --control URL         the notary's control interface, https://host:port
  --otlp HOST:PORT      the notary's OTLP/gRPC listener
  --otlp-http HOST:PORT the notary's OTLP/HTTP listener
  --listen ADDR         for exporters over gRPC (default 127.0.0.1:4317)
  --listen-http ADDR    for exporters over HTTP (default 127.0.0.1:4318)
  --api-key-file FILE   what the notary knows the sender by; what exporters say about
                        themselves is dropped then, and passed on otherwise
  --validity TIME       how long an appraisal counts (default 30m)
  --requests N          how many requests are under way at a time (default 64)

EXAMPLES
  notary proxy --policy policy.yaml --control https://notary.example:8443 \
      --otlp notary.example:4317 --otlp-http notary.example:4318 --api-key-file key
  OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 node app.js

EXIT STATUS
  0  stopped by a signal
  1  usage, or a listener could not be opened
`

var proxyCommand = command{name: "proxy", brief: "a local OTLP endpoint that sends to an accepted notary only", usage: proxyUsage, run: runProxy}

func runProxy(ctx context.Context, a *app, args []string) error {
	f := a.flags("proxy", proxyUsage)
	policyFile := f.String("policy", "", "")
	var keys trustedKeys
	keys.flags(f)
	control := f.String("control", "", "")
	var o proxy.Options
	f.StringVar(&o.GRPC, "otlp", "", "")
	f.StringVar(&o.HTTP, "otlp-http", "", "")
	f.IntVar(&o.Requests, "requests", proxy.DefaultRequests, "")
	listen := f.String("listen", "127.0.0.1:4317", "")
	listenHTTP := f.String("listen-http", "127.0.0.1:4318", "")
	keyFile := f.String("api-key-file", "", "")
	validity := f.Duration("validity", attested.DefaultValidity, "")
	if _, err := parse(f, args, 0, 0); err != nil {
		return err
	}
	switch {
	case *control == "":
		return usageError("proxy: --control is missing: where shall the notary be challenged?")
	case o.GRPC == "" && o.HTTP == "":
		return usageError("proxy: --otlp and --otlp-http are missing: give at least one of the notary's listeners")
	case o.Requests < 1 || o.Requests > 1<<12:
		return usageError("proxy: --requests %d is not in 1 to 4096", o.Requests)
	case *validity < time.Minute:
		return usageError("proxy: --validity %v is less than 1m", *validity)
	}
	gate, err := gateOptions("proxy", *policyFile, keys, *control, a)
	if err != nil {
		return err
	}
	o.Logger = slog.New(loglines.JSON(a.stderr))
	gate.Validity = *validity
	gate.Observe = func(_ []attestation.Check, err error) {
		if err == nil {
			o.Logger.Info("the notary is accepted")
		}
	}
	if o.Gate, err = attested.New(gate); err != nil {
		return usageError("proxy: %v", err)
	}
	if *keyFile != "" {
		if o.APIKey, err = readAPIKey(*keyFile); err != nil {
			return hinted(err, "--api-key-file wants the key alone that \"notary keygen --api-key\" made, of which the notary has the hash")
		}
	}
	p, err := proxy.New(o)
	if err != nil {
		return usageError("%w", err)
	}
	var listeners [2]net.Listener
	for i, l := range []struct{ wanted, addr, flag string }{{o.GRPC, *listen, "--listen"}, {o.HTTP, *listenHTTP, "--listen-http"}} {
		if l.wanted == "" {
			continue
		}
		if listeners[i], err = net.Listen("tcp", l.addr); err != nil {
			return hinted(err, "stop what has the port, or give %s another", l.flag)
		}
		defer listeners[i].Close()
		if addr, ok := listeners[i].Addr().(*net.TCPAddr); ok && !addr.IP.IsLoopback() {
			fmt.Fprintf(a.stderr, "notary: warning: %s %v can be reached from other machines, and has no TLS\n", l.flag, addr)
		}
		fmt.Fprintf(a.stdout, "proxy  %-13s %v\n", l.flag, listeners[i].Addr())
	}
	if err := p.Serve(ctx, listeners[0], listeners[1]); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

// readAPIKey reads a file with one key and nothing else. JSON and PEM are what keys come
// in, and bundles and policies are what else lies about: the notary would know none of
// them, and could not say why.
func readAPIKey(name string) (string, error) {
	text, err := readFile(name, 4096)
	if err != nil {
		return "", err
	}
	key := strings.TrimSpace(string(text))
	if key == "" || strings.ContainsAny(key[:1], "{[\"") || strings.HasPrefix(key, "-----") || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("%s is not one key: it is empty, JSON or PEM, or has a space in it", name)
	}
	return key, nil
}
