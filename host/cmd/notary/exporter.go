package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/veriproof/notary/attestation/maa"
	"github.com/veriproof/notary/host/control"
	"github.com/veriproof/notary/host/ingest"
	"github.com/veriproof/notary/host/journal"
	"github.com/veriproof/notary/host/otlpwire"
	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/host/session"
)

// exporter takes the receiver's exports to the session and tells senders, in
// OTLP's terms, what became of them.
type exporter struct{ n *session.Notary }

// busyRetry is when a sender that met back pressure comes again.
const busyRetry = 500 * time.Millisecond

func (e exporter) Export(ctx context.Context, tenant string, sig otlpwire.Signal, body []byte) (ingest.Receipt, error) {
	pos, err := e.n.Export(ctx, tenant, sig, body)
	if err != nil {
		return ingest.Receipt{}, exportError(err)
	}
	if pos.Signature == nil {
		return ingest.Receipt{}, nil // no record, nothing to vouch for
	}
	return ingest.Receipt{Positions: [][]byte{pos.Encode()}}, nil
}

// exportError says whether a sender may send again. The texts are constants:
// whatever else an error says stays in the host's log.
func exportError(err error) error {
	var malformed *otlpwire.Error
	var plugin *pluginhost.PluginError
	switch {
	case errors.As(err, &malformed):
		return err // the receiver knows these
	case errors.Is(err, pluginhost.ErrText):
		return ingest.Invalid("a text is not valid UTF-8", err)
	case errors.Is(err, journal.ErrTooLarge):
		return ingest.TooLarge("the records of one session in this request are too large to store; send fewer at a time", err)
	case errors.Is(err, journal.ErrFenced), errors.Is(err, journal.ErrEnded):
		// Before the plugins: the storage adapter is one, and its failure leaves
		// the outcome unknown.
		return ingest.Unavailable("the outcome is unknown, since storage failed", 0, err)
	case errors.As(err, &plugin):
		return ingest.Unavailable("a redactor failed, so nothing was stored", 0, err)
	case errors.Is(err, journal.ErrBusy):
		return ingest.Exhausted("storage does not keep up", busyRetry, err)
	case errors.Is(err, session.ErrFull):
		return ingest.Exhausted("too many sessions at once", busyRetry, err)
	case errors.Is(err, session.ErrClosing):
		return ingest.Unavailable("the notary is shutting down", 0, err)
	case errors.Is(err, session.ErrStale):
		return ingest.Unavailable("the notary has no fresh attestation", 0, err)
	}
	return err
}

// senders says who may send, and as which tenant.
func (n *node) senders() (*ingest.Senders, error) {
	s := new(ingest.Senders)
	c := &n.cfg.Senders
	if c.ClientCA != "" {
		s.ClientCAs = x509.NewCertPool()
		s.ClientCAs.AppendCertsFromPEM([]byte(c.ClientCA)) // the configuration has been checked
	}
	if c.Tokens.Issuer != "" {
		keys, err := maa.ParseKeySet([]byte(c.Tokens.JWKS))
		if err != nil {
			return nil, fmt.Errorf("senders.tokens.jwks: %w", err)
		}
		s.Tokens = &ingest.Tokens{Issuer: c.Tokens.Issuer, Audience: c.Tokens.Audience, Claim: c.Tokens.Claim, Keys: keys}
	}
	for _, t := range n.cfg.Tenants {
		for _, h := range t.APIKeyHashes {
			s.Keys = append(s.Keys, ingest.Key{Tenant: t.Name, Hash: h})
		}
		for _, name := range t.CertificateNames {
			s.Certificates = append(s.Certificates, ingest.Name{Tenant: t.Name, Name: name})
		}
		for _, name := range t.TokenSubjects {
			s.Tokens.Subjects = append(s.Tokens.Subjects, ingest.Name{Tenant: t.Name, Name: name})
		}
	}
	return s, nil
}

// outcomes counts exports by code.
type outcomes struct {
	mu     sync.Mutex
	counts map[codes.Code]uint64
	bytes  uint64
}

func (n *node) observe(o ingest.Outcome) {
	n.outcomes.mu.Lock()
	if n.outcomes.counts == nil {
		n.outcomes.counts = make(map[codes.Code]uint64)
	}
	n.outcomes.counts[o.Code]++
	n.outcomes.bytes += uint64(o.Bytes)
	n.outcomes.mu.Unlock()
	switch {
	case o.Err == nil || o.Code == codes.Unauthenticated:
	case o.Code == codes.InvalidArgument: // a message of its own, so that a sender's fault hides none of the notary's
		n.refusals.Warn("export is malformed", "tenant", o.Tenant, "error", o.Err)
	default:
		n.refusals.Warn("export failed", "tenant", o.Tenant, "code", o.Code.String(), "error", o.Err)
	}
}

// metrics is what the notary counts, for Prometheus.
func (n *node) metrics() []control.Metric {
	s := n.notary.Stats()
	count := func(name, help string, v uint64, labels map[string]string) control.Metric {
		return control.Metric{Name: name, Help: help, Kind: control.Counter, Value: float64(v), Labels: labels}
	}
	gauge := func(name, help string, v float64) control.Metric {
		return control.Metric{Name: name, Help: help, Kind: control.Gauge, Value: v}
	}
	flood := 0.0
	if n.ground.flood.On() {
		flood = 1
	}
	m := []control.Metric{
		{Name: "notary_open_parts", Help: "Session parts that take records.", Kind: control.Gauge, Value: float64(s.OpenParts)},
		gauge("notary_session_memory_bytes", "What session parts take of sessions.memory.", float64(s.PartMemory)),
		count("notary_records_total", "Records made durable.", s.Records, nil),
		count("notary_record_bytes_total", "Bytes of the records made durable.", s.Bytes, nil),
		count("notary_proved_total", "Session parts with a durable log proof.", s.Proved, nil),
		gauge("notary_log_waiting", "Commitments of session parts that wait for their log proof.", float64(s.LogWaiting)),
		gauge("notary_log_lag_seconds", "How long the oldest of them has waited.", secondsSince(s.LogSince)),
		gauge("notary_journal_waiting_bytes", "Bytes that wait to be durable, those under way to storage included.", float64(s.Journal.Bytes)),
		gauge("notary_journal_lag_seconds", "How long the oldest of them has waited.", secondsSince(s.Journal.Oldest)),
		count("notary_log_failures_total", "Submissions that the log did not take, and requests to its endpoint or witnesses that failed.", s.LogFailures+n.ground.log.Failures(), nil),
		{Name: "notary_peers", Help: "Other notaries that live on the same storage, as far as this one has seen.", Kind: control.Gauge, Value: float64(s.Peers)},
		count("notary_fenced_total", "Epochs of dead notaries that this one ended.", s.Fenced, nil),
		{Name: "notary_mode", Help: "1; the label says whether findings are edited (enforce), counted only (shadow), or nothing is looked for (none).", Kind: control.Gauge, Value: 1, Labels: map[string]string{"mode": n.cfg.Mode}},
		{Name: "notary_expired_parts_total", Help: "Session parts whose keys were destroyed at the age of retention.sessions.", Kind: control.Counter, Value: float64(s.Expired)},
		{Name: "notary_damaged_epochs", Help: "Epochs in storage that do not hold together or are not believed.", Kind: control.Gauge, Value: float64(s.DamagedEpochs)},
		gauge("notary_flood", "1 while connections wait for each other on which no export was taken.", flood),
		gauge("notary_journal_held", "1 if the start held the stored journal against all of the log, 0 if that could not be read.", n.audited.held()),
		gauge("notary_missing_ranges", "Ranges that the start found missing in storage or log, without those in storage.lost.", float64(n.audited.missing)),
	}
	for k, v := range s.Edits {
		m = append(m, count("notary_edits_total", "What redactors and the notary found, by plugin and label; in mode enforce it was edited.", v, map[string]string{"plugin": k.Plugin, "label": k.Label}))
	}
	for reason, v := range s.Sealed {
		m = append(m, count("notary_sealed_total", "Session parts sealed, by reason.", v, map[string]string{"reason": string(reason)}))
	}
	renewed, failed := n.attester.Counts()
	m = append(m, count("notary_attestation_renewals_total", "Attestations renewed.", renewed, nil),
		count("notary_attestation_failures_total", "Renewals of the attestation that failed.", failed, nil))
	if next := n.attester.Renewal(); !next.IsZero() {
		m = append(m, gauge("notary_attestation_renewal_seconds", "Unix time at which the attestation is renewed next.", float64(next.Unix())))
	}
	for name, c := range n.set.Counters() {
		labels := map[string]string{"plugin": name}
		m = append(m, count("notary_plugin_calls_total", "Calls into a plugin.", c.Calls, labels))
		for reason, v := range c.Failures {
			m = append(m, count("notary_plugin_failures_total", "Failed calls into a plugin.", v, map[string]string{"plugin": name, "reason": string(reason)}))
		}
	}
	n.outcomes.mu.Lock()
	defer n.outcomes.mu.Unlock()
	for code, v := range n.outcomes.counts {
		m = append(m, count("notary_exports_total", "OTLP exports by gRPC code.", v, map[string]string{"code": code.String()}))
	}
	return append(m, count("notary_export_bytes_total", "Bytes of OTLP received, decompressed.", n.outcomes.bytes, nil))
}

// secondsSince is 0 for a time that is not set.
func secondsSince(at time.Time) float64 {
	if at.IsZero() {
		return 0
	}
	return max(time.Since(at).Seconds(), 0)
}
