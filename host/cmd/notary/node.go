package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/maa"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/attestation/snp"
	"github.com/veriproof/notary/attestation/uvm"
	"github.com/veriproof/notary/host/archive"
	"github.com/veriproof/notary/host/attester"
	"github.com/veriproof/notary/host/commitlog"
	"github.com/veriproof/notary/host/config"
	"github.com/veriproof/notary/host/ingest"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/otlpwire"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/host/seal"
	"github.com/veriproof/notary/host/session"
	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/lograte"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/receipt"
)

// A node is one epoch: keys, plugin set, attestation and journal, everything that
// "notary serve" puts together and a reload puts together anew.
type node struct {
	cfg      *config.Config
	logger   *slog.Logger
	refusals *slog.Logger // the same, for what fails with each request
	ground   *ground
	policy   *policy.Policy // of peers, nil if the configuration has none
	sources  []pluginhost.Source
	set      *pluginhost.Set
	keys     *attester.Keys
	attester *attester.Attester
	notary   *session.Notary
	audited  startAudit
	outcomes outcomes
	reload   func(context.Context) (string, error) // what the control interface offers
}

// A ground is what the epochs of a process have in common: its ports, the storage,
// and the log. It is taken as the first configuration says.
type ground struct {
	cfg                     *config.Config
	otlp, otlpHTTP, control *port
	storage                 *backing
	flood                   ingest.Flood
	patience                atomic.Int64 // nanoseconds: see stream.Options
	log                     commitlog.Log
	erasing                 session.ErasureLock
	// alive are the epochs that serve or drain.
	alive []receipt.Epoch
}

func newGround(cfg *config.Config) *ground {
	g := &ground{cfg: cfg, erasing: session.NewErasureLock()}
	if runtime.GOMAXPROCS(0) >= runtime.NumCPU() {
		g.flood.Spare = spareProcessor
	}
	return g
}

// startNode brings an epoch up, step by step (DESIGN section 7); none can be left
// out. tell hears of each step as it ends. On an error nothing is left running that
// was not running before. The ground is that of the first epoch of this process,
// which takes it, or g, as it is.
func startNode(ctx context.Context, cfg *config.Config, g *ground, logger *slog.Logger, tell func(attester.Step)) (_ *node, err error) {
	first := g == nil
	if first {
		g = newGround(cfg)
	}
	letGarbageGather(int64(cfg.Limits.InFlight), int64(cfg.Sessions.Memory))
	tell = stoppable(ctx, tell)
	n := &node{cfg: cfg, logger: logger, refusals: slog.New(lograte.New(logger.Handler(), time.Minute)), ground: g}
	defer func() {
		if err != nil {
			err = orStopped(ctx, err)
			n.release(context.WithoutCancel(ctx))
			if first {
				g.release(logger)
			}
		}
	}()
	step := func(name string, do func() (string, error)) error {
		start := time.Now()
		detail, err := do()
		tell(attester.Step{Name: name, Detail: detail, Err: err, Took: time.Since(start)})
		return err
	}
	var recipients []*format.Recipient
	var claims attester.Claims
	if err := step("configuration", func() (string, error) {
		recipients, err = n.readConfig()
		detail := fmt.Sprintf("%s, SHA-256 %x", cfg.Name(), cfg.Digest())
		if unredacted(cfg.Mode) != "" {
			detail += "; mode " + cfg.Mode + ": NOTHING IS REDACTED"
		}
		for _, w := range warnings(cfg) {
			n.logger.Warn(w)
		}
		return detail, err
	}); err != nil {
		return nil, err
	}
	if first {
		if err := step("listeners", g.listen); err != nil {
			return nil, err
		}
	}
	if err := step("keys", func() (string, error) {
		n.keys, err = attester.GenerateKeys(cfg.Listen.TLSNames)
		return "RSA-2048, Ed25519, ECDSA P-256; born in this process", err
	}); err != nil {
		return nil, err
	}
	if first {
		if err := step("storage", func() (string, error) {
			if g.storage, err = openBacking(ctx, cfg, true); err != nil {
				return "", err
			}
			return g.storage.String(), nil
		}); err != nil {
			return nil, err
		}
	}
	if err := step("plugins", func() (string, error) {
		if n.sources, err = readPlugins(ctx, cfg); err != nil {
			return "", err
		}
		o := g.options()
		o.Rules, o.DoubleRun = redaction(cfg)
		n.set, err = pluginhost.Load(ctx, n.sources, o)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%d measured, plugin set %x", len(n.set.Plugins()), n.set.Digest()), nil
	}); err != nil {
		return nil, err
	}
	claims = attester.Claims{
		ConfigDigest: cfg.Digest(), Recipients: config.RecipientsDigest(recipients),
		PluginSet: n.set.Digest(), Plugins: n.set.Plugins(), Mode: cfg.Mode, Version: fullVersion(),
	}
	rand.Read(claims.Epoch[:])
	if n.attester, err = n.newAttester(claims); err != nil {
		return nil, err
	}
	attested, err := n.attester.Attest(ctx, tell)
	if err != nil {
		return nil, err
	}
	if first {
		if err := step("commitment log", func() (string, error) {
			if g.log, err = openLog(ctx, cfg, logger); err != nil {
				return "", err
			}
			return logDetail(cfg, g.log), nil
		}); err != nil {
			return nil, err
		}
	}
	err = step("journal", func() (string, error) {
		n.notary, err = n.startSession(ctx, claims, recipients, attested)
		if err != nil {
			return "", err
		}
		detail := fmt.Sprintf("epoch %s, entry 0 durable, %s", hex.EncodeToString(claims.Epoch[:]), n.audited.String())
		if f := n.notary.Stats().Fenced; f > 0 {
			detail += fmt.Sprintf(", %d dead epochs fenced and sealed", f)
		}
		return detail, nil
	})
	if err != nil {
		return nil, err
	}
	return n, nil
}

func readRecipients(cfg *config.Config) ([]*format.Recipient, error) {
	recipients, err := cfg.ReadRecipients()
	if err != nil {
		return nil, hinted(err, "\"notary keygen -o FILE\" makes a key pair; its public key goes into recipients in %s", cfg.Name())
	}
	return recipients, nil
}

func (n *node) readConfig() ([]*format.Recipient, error) {
	recipients, err := readRecipients(n.cfg)
	if err != nil {
		return nil, err
	}
	if text := n.cfg.Attestation.Policy; text != "" {
		n.policy, err = policy.Parse([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("attestation.policy: %w", err)
		}
		for _, w := range n.policy.Warnings() {
			n.logger.Warn("attestation.policy: " + w)
		}
	}
	return recipients, nil
}

// listen takes the ports first: a notary that cannot be reached need not attest.
func (g *ground) listen() (detail string, err error) {
	for _, l := range []struct {
		what, addr string
		to         **port
	}{
		{"otlp", g.cfg.Listen.OTLP, &g.otlp},
		{"otlp_http", g.cfg.Listen.OTLPHTTP, &g.otlpHTTP},
		{"control", g.cfg.Listen.Control, &g.control},
	} {
		if *l.to, err = listenPort(l.addr); err != nil {
			return "", hinted(fmt.Errorf("listen.%s: %w", l.what, err),
				"stop what has the port, or give listen.%s another (port 0 takes a free one)", l.what)
		}
	}
	return fmt.Sprintf("OTLP/gRPC %v, OTLP/HTTP %v, control %v", g.otlp.Addr(), g.otlpHTTP.Addr(), g.control.Addr()), nil
}

// readPlugins reads the modules and configurations that the file names, once:
// what is measured is what is loaded and what the journal records.
func readPlugins(ctx context.Context, cfg *config.Config) ([]pluginhost.Source, error) {
	var sources []pluginhost.Source
	for i := range cfg.Plugins {
		p := &cfg.Plugins[i]
		module, settings, err := cfg.ReadPlugin(ctx, p)
		if err != nil {
			return nil, hinted(err, "plugins[%d] in %s names it; \"make plugins\" builds the ones of this project", i, cfg.Name())
		}
		pin := [32]byte(p.SHA256)
		s := pluginhost.Source{
			Name: p.Name, Kind: abi.KindRedactor, Module: module, Config: settings, SHA256: &pin,
			Limits: pluginhost.Limits{MemoryPages: uint32(p.Limits.Memory >> 16), Fuel: p.Limits.Fuel},
		}
		if p.Kind == config.KindStorage {
			s.Kind = abi.KindStorage
		}
		sources = append(sources, s)
	}
	return sources, nil
}

// redaction translates what the file says about findings.
func redaction(cfg *config.Config) (rules map[string]pluginhost.Rule, doubleRun bool) {
	actions := map[string]pluginhost.Action{
		config.ActionToken: pluginhost.Token, config.ActionMask: pluginhost.Mask,
		config.ActionDropField: pluginhost.DropField, config.ActionDropRecord: pluginhost.DropRecord,
	}
	rules = make(map[string]pluginhost.Rule)
	for _, l := range cfg.Redaction.Labels {
		rules[l.Label] = pluginhost.Rule{Action: actions[l.Action], Threshold: uint16(l.Threshold)}
	}
	return rules, cfg.Redaction.DoubleRun
}

// newAttester decides whom this notary trusts about its own hardware: AMD and
// Microsoft, or, in a development build whose configuration says so, a
// simulator.
func (n *node) newAttester(claims attester.Claims) (*attester.Attester, error) {
	a := &n.cfg.Attestation
	client := &maa.Client{URL: a.MAAURL, APIVersion: a.APIVersion}
	if a.MAACA != "" {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM([]byte(a.MAACA)) {
			return nil, errors.New("attestation.maa_ca has no PEM certificate")
		}
		client.HTTP = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
	}
	// Where the platform left its files is no setting: what they say is signed
	// or hashed into the report.
	context := evidence.SecurityContextDir()
	if a.SecurityContextDir != "" {
		context = n.cfg.Path(a.SecurityContextDir)
	}
	source, err := evidenceSource(a, context)
	if err != nil {
		return nil, err
	}
	o := attester.Options{
		Source: source,
		MAA:    client, Issuer: a.Issuer, PolicyHash: a.PolicyHash,
		Roots: snp.AMDRoots(), UVMFeed: a.UVM.Feed, MinimumUVMSVN: a.UVM.MinimumSVN,
		Margin: time.Duration(a.Margin), Logger: n.logger,
	}
	if n.policy != nil {
		anchors, err := n.policy.Anchors(simulatedAllowed)
		if err != nil {
			return nil, hinted(fmt.Errorf("attestation.policy: %w", err), "\"notary version\" says which build this is; a release build runs on hardware only")
		}
		o.Roots, o.UVM, o.AllowSimulated = anchors.Roots, uvm.Options{TrustedDIDs: anchors.UVMDIDs}, anchors.Simulated
	}
	return attester.New(o, n.keys, claims)
}

func (n *node) startSession(ctx context.Context, claims attester.Claims, recipients []*format.Recipient, at *attester.Attestation) (*session.Notary, error) {
	ring, err := seal.NewRing(claims.Epoch, recipients)
	if err != nil {
		return nil, err
	}
	configs := make(map[string][]byte)
	for _, p := range n.sources {
		configs[p.Name] = p.Config
	}
	peers, err := n.peerPolicy(at)
	if err != nil {
		return nil, err
	}
	c := n.cfg
	var redactor session.Redactor
	if c.Mode != config.ModeNone {
		redactor = n.set
	}
	return session.Start(ctx, session.Options{
		Store: n.set.Store(), Redactor: redactor, Log: n.ground.log, Ring: ring, Key: n.keys.Signing,
		Origin: receipt.Origin{
			Epoch: claims.Epoch, RuntimeData: runtimedata.Digest(at.RuntimeData),
			PluginSet: claims.PluginSet, Mode: claims.Mode,
		},
		Entry: format.EpochBody{
			RuntimeData: at.RuntimeData, Evidence: evidenceBody(at), Config: c.Raw(), PluginConfigs: configs,
		},
		Appraise: func(e *archive.Epoch) error { return n.appraisePeer(peers, at, e) },
		Scan:     n.scan,
		Shares:   func(e *archive.Epoch) time.Duration { return config.Sharing(e.Body.Config) },
		Alive:    n.ground.alive,
		Erasing:  n.ground.erasing,
		Copies:   n.ground.storage.copies,
		Silence:  silence(c),
		Fresh:    n.attester.Fresh,
		Waiting:  ingest.Waiting,
		Reserve:  ingest.Reserve,
		Walk: otlpwire.Options{
			Limits: otlpwire.Limits{
				Bytes: int(c.Limits.RequestBytes), Messages: c.Limits.Messages,
				Records: c.Limits.Records, Depth: c.Limits.Depth,
			},
			SessionKeys: c.Sessions.Keys,
		},
		Linger: time.Duration(c.Sessions.Linger), Idle: time.Duration(c.Sessions.Idle), MaxAge: time.Duration(c.Sessions.MaxAge), MaxBytes: int64(c.Sessions.MaxBytes),
		Memory:     int64(c.Sessions.Memory),
		WrapKeyAge: time.Duration(c.Journal.WrapKeyAge), Checkpoint: time.Duration(c.Journal.Checkpoint),
		Retention: time.Duration(c.Retention.Sessions),
		Journal:   journal.Options{GroupBytes: int(c.Journal.GroupBytes), UnknownLimit: time.Duration(c.Journal.UnknownLimit)},
		Logger:    n.logger,
	})
}

// silence is by what other notaries on the storage are held for dead, or 0 if there
// are none.
func silence(c *config.Config) time.Duration {
	if !c.Storage.Shared {
		return 0
	}
	return time.Duration(c.Storage.Silence)
}

func evidenceBody(at *attester.Attestation) format.EvidenceBody {
	e := &at.Evidence
	return format.EvidenceBody{
		Report: e.Report, Chain: e.VCEKChain, UVM: e.UVM, CCEPolicy: e.CCEPolicy, Token: at.Token, JWKS: at.JWKS,
	}
}

// appraisePeer decides whether an epoch in storage was a notary that this one
// may speak for.
func (n *node) appraisePeer(p *policy.Policy, own *attester.Attestation, e *archive.Epoch) error {
	return appraiseEpoch(p, own.JWKS, n.cfg.Attestation.Issuer, e)
}

// appraiseEpoch decides by its entry 0 whether an epoch was a notary that the
// policy accepts, as of when it says that it began.
func appraiseEpoch(p *policy.Policy, jwks []byte, issuer string, e *archive.Epoch) error {
	b := &e.Body.Evidence
	checks := attestation.Appraise(p, attestation.Input{
		RuntimeData: e.Body.RuntimeData, Token: b.Token, BundledJWKS: b.JWKS, TrustedJWKS: jwks, TrustedIssuer: issuer,
		Evidence:       evidence.Evidence{Report: b.Report, VCEKChain: b.Chain, UVM: b.UVM, CCEPolicy: b.CCEPolicy},
		At:             time.Unix(0, e.Body.OpenedUnixNano),
		AllowSimulated: simulatedAllowed,
	})
	if attestation.Verdict(checks) == attestation.Verified {
		return nil
	}
	for _, c := range checks {
		if c.Status == attestation.Fail || c.Required && c.Status != attestation.Pass {
			return fmt.Errorf("check %s: %s", c.Name, c.Detail)
		}
	}
	return errors.New("nothing was checked")
}

// peerPolicy is the policy by which this notary appraises other epochs in its
// storage: the configured one, or else one made of its own Evidence, which accepts
// the same image on this product line and those that are not known to be broken.
// It is made at the start, so that one which cannot be used stops the start and
// not, unnoticed, the recovery.
func (n *node) peerPolicy(own *attester.Attestation) (*policy.Policy, error) {
	if n.policy != nil {
		return n.policy, nil
	}
	r, err := snp.Parse(own.Evidence.Report)
	if err != nil {
		return nil, err
	}
	chain, err := snp.ParseChain(own.Evidence.VCEKChain)
	if err != nil {
		return nil, err
	}
	product, err := snp.ProductOf(r, chain)
	if err != nil {
		return nil, err
	}
	// The platform moves container groups between machines.
	products := []string{string(snp.Genoa), string(snp.Turin)}
	if !slices.Contains(products, string(product)) {
		products = append(products, string(product))
	}
	text := fmt.Sprintf("format: \"1\"\nrequire: [hardware]\nproducts: [%s]\nhost_data: [%x]\nmode: %s\nuvm: {feed: %q, min_svn: %d}\n",
		strings.Join(products, ", "), r.HostData, n.cfg.Mode, n.cfg.Attestation.UVM.Feed, n.cfg.Attestation.UVM.MinimumSVN)
	p, err := policy.Parse([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("policy for other epochs, made of the own Evidence: %w", err)
	}
	return p, nil
}

// keeps says which setting of a new configuration would need another ground: what
// is taken at the start of the process stays until its end.
func (g *ground) keeps(cfg *config.Config) error {
	for _, s := range []struct{ key, old, now string }{
		{"listen.otlp", g.cfg.Listen.OTLP, cfg.Listen.OTLP},
		{"listen.otlp_http", g.cfg.Listen.OTLPHTTP, cfg.Listen.OTLPHTTP},
		{"listen.control", g.cfg.Listen.Control, cfg.Listen.Control},
		{"storage.dir", g.cfg.Path(g.cfg.Storage.Dir), cfg.Path(cfg.Storage.Dir)},
		{"storage.postgres", fmt.Sprint(g.cfg.Storage.Postgres), fmt.Sprint(cfg.Storage.Postgres)},
		{"storage.endpoints", fmt.Sprint(g.cfg.Storage.Endpoints), fmt.Sprint(cfg.Storage.Endpoints)},
		{"log.kind", g.cfg.Log.Kind, cfg.Log.Kind},
		{"log.origin", g.cfg.Log.Origin, cfg.Log.Origin},
		{"log.dir", g.cfg.Path(g.cfg.Log.Dir), cfg.Path(cfg.Log.Dir)},
		{"log.mysql", fmt.Sprint(g.cfg.Log.MySQL), fmt.Sprint(cfg.Log.MySQL)},
		{"log.endpoint", fmt.Sprint(g.cfg.Log.Endpoint), fmt.Sprint(cfg.Log.Endpoint)},
		{"log.witnesses", fmt.Sprint(g.cfg.Log.Witnesses, g.cfg.Log.Quorum), fmt.Sprint(cfg.Log.Witnesses, cfg.Log.Quorum)},
		{"log.ca", g.cfg.Log.CA, cfg.Log.CA},
	} {
		if s.old != s.now {
			return hinted(fmt.Errorf("%s is another one now; it is taken when the process starts", s.key), "take that change back, or stop the notary and start it again")
		}
	}
	return nil
}

// release frees what the ground holds.
func (g *ground) release(logger *slog.Logger) {
	if g.log != nil {
		if err := g.log.Close(); err != nil {
			logger.Warn("closing the log", "error", err)
		}
	}
	g.storage.close()
	for _, p := range []*port{g.otlp, g.otlpHTTP, g.control} {
		if p != nil {
			p.Close()
		}
	}
}

// release frees what a node alone holds.
func (n *node) release(ctx context.Context) {
	if n.set != nil {
		n.set.Close(ctx)
	}
}
