package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/veriproof/notary/host/control"
	"github.com/veriproof/notary/sdk/attested"
)

const topUsage = `usage: notary top --policy FILE --token-file FILE [OPTIONS] URL

Shows a running notary to a person, every two seconds: whether it takes data, its
attestation, how long it lasts and when it is renewed, mode and plugins, throughput,
edits per label, sessions, how far journal and log lag behind, and the last warnings and
errors of its log. URL is the control interface, https://host:port, which is
appraised by the policy first. Nothing that is shown comes from a session.

OPTIONS
  --policy FILE      Reference Values, see "notary policy"
  --jwks FILE        key set of the MAA instance that you trust, if the policy pins none
  --issuer URL       whose keys these are, if the policy has several issuers without
                     pinned keys
  --token-file FILE  an operator's token with the role metrics
  --once             show it once and end; rates are since the notary's start
  --every TIME       how often (default 2s)

EXAMPLES
  notary top --policy policy.yaml --token-file token https://notary.example:8443
  notary top --policy policy.yaml --token-file token --once https://notary.example:8443

EXIT STATUS
  0  shown, or ended by a signal
  1  usage, or the notary could not be reached
  2  to 5: the notary is not accepted, see "notary attest fetch --help"
`

var topCommand = command{name: "top", brief: "shows a running notary to a person", usage: topUsage, run: runTop}

func runTop(ctx context.Context, a *app, args []string) error {
	f := a.flags("top", topUsage)
	policyFile := f.String("policy", "", "")
	var keys trustedKeys
	keys.flags(f)
	tokenFile := f.String("token-file", "", "")
	once := f.Bool("once", false, "")
	every := f.Duration("every", 2*time.Second, "")
	rest, err := parse(f, args, 1, 1)
	switch {
	case err != nil:
		return err
	case *tokenFile == "":
		return usageError("top: --token-file is missing; \"notary keygen --operator-token\" makes a token")
	case *every < 100*time.Millisecond:
		return usageError("top: --every %v is less than 100ms", *every)
	}
	o, err := gateOptions("top", *policyFile, keys, strings.TrimRight(rest[0], "/"), a)
	if err != nil {
		return err
	}
	token, err := operatorToken(*tokenFile)
	if err != nil {
		return err
	}
	t := &top{app: a, control: o.Control, token: token}
	if t.gate, err = attested.New(o); err != nil {
		return usageError("top: %v", err)
	}
	t.http = &http.Client{Transport: t.gate.RoundTripper(), Timeout: 10 * time.Second}
	defer t.http.CloseIdleConnections()
	appraisal, err := t.gate.Check(ctx)
	var no *attested.Unacceptable
	if errors.As(err, &no) {
		return a.report(newAppraised(time.Now(), no.Checks, "nothing was asked"), false)
	}
	if err != nil {
		return hinted(err, "URL wants the notary's control interface, https://host:port")
	}
	before, err := t.sample(ctx)
	if err != nil || *once {
		if err == nil {
			err = t.show(appraisal, before, nil)
		}
		return err
	}
	tick := time.NewTicker(*every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now, err := t.sample(ctx)
		if err == nil {
			appraisal, err = t.gate.Check(ctx)
		}
		if a.color {
			fmt.Fprint(a.stdout, "\x1b[H\x1b[2J")
		}
		if err != nil {
			// A notary that is being started again comes back.
			fmt.Fprintf(a.stdout, "%s  %s\n", time.Now().Format(time.TimeOnly), a.paint(red, oneLine(err.Error())))
			continue
		}
		if err := t.show(appraisal, now, before); err != nil {
			return err
		}
		before = now
	}
}

type top struct {
	*app
	gate           *attested.Gate
	http           *http.Client
	control, token string
}

// metrics is what the notary said at a time.
type metrics struct {
	at       time.Time
	families map[string]*dto.MetricFamily
	events   []control.Event
}

// maxMetrics bounds an answer in bytes.
const maxMetrics = 4 << 20

func (t *top) sample(ctx context.Context) (*metrics, error) {
	m := &metrics{at: time.Now()}
	err := t.get(ctx, "/metrics", func(r io.Reader) (err error) {
		parser := expfmt.NewTextParser(model.LegacyValidation)
		m.families, err = parser.TextToMetricFamilies(r)
		return err
	})
	if err != nil {
		return nil, err
	}
	var answer struct {
		Events []control.Event `json:"events"`
	}
	err = t.get(ctx, "/v1/events", func(r io.Reader) error { return json.NewDecoder(r).Decode(&answer) })
	m.events = answer.Events
	return m, err
}

// get asks the control interface.
func (t *top) get(ctx context.Context, path string, read func(io.Reader) error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.control+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+t.token)
	resp, err := t.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return hinted(fmt.Errorf("the control interface answered %s", resp.Status), "--token-file wants a token whose operator has the role metrics or operator in the notary's configuration")
	}
	if err := read(io.LimitReader(resp.Body, maxMetrics)); err != nil {
		return fmt.Errorf("the answer of %s: %w", path, err)
	}
	return nil
}

// sum adds the series of a metric, those with a label's value if one is given.
func (s *metrics) sum(name string, label ...string) (total float64) {
	if s == nil || s.families[name] == nil {
		return 0
	}
	for _, m := range s.families[name].Metric {
		if len(label) == 2 && !slices.ContainsFunc(m.Label, func(l *dto.LabelPair) bool { return l.GetName() == label[0] && l.GetValue() == label[1] }) {
			continue
		}
		total += m.GetCounter().GetValue() + m.GetGauge().GetValue()
	}
	return total
}

// values returns the values of a label, with the sum of each.
func (s *metrics) values(name, label string) map[string]float64 {
	out := map[string]float64{}
	if s == nil || s.families[name] == nil {
		return out
	}
	for _, m := range s.families[name].Metric {
		for _, l := range m.Label {
			if l.GetName() == label {
				out[l.GetValue()] += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return out
}

func (t *top) show(appraisal *attested.Appraisal, now, before *metrics) error {
	started := time.Unix(int64(now.sum("process_start_time_seconds")), 0)
	since := started
	if before != nil {
		since = before.at
	}
	seconds := max(now.at.Sub(since).Seconds(), 1e-3)
	rate := func(name string, label ...string) float64 {
		return (now.sum(name, label...) - before.sum(name, label...)) / seconds
	}
	n := appraisal.RuntimeData.Notary
	state := t.paint(green, "takes data")
	if now.sum("notary_ready") != 1 {
		state = t.paint(red, "takes no data")
	}
	mode := n.Mode
	if w := unredacted(mode); w != "" {
		mode = t.paint(yellow, mode+": "+w)
	}
	expiry := time.Unix(int64(now.sum("notary_attestation_expiry_seconds")), 0)
	var b table
	row := func(name string, format string, args ...any) {
		b.row(t.paint(bold, name), fmt.Sprintf(format, args...))
	}
	row("notary", "%s, %s, mode %s, version %s, up %v", t.control, state, mode, n.Version, now.at.Sub(started).Truncate(time.Second))
	attestation := t.paint(green, "fresh")
	if now.sum("notary_attestation_stale") != 0 {
		attestation = t.paint(red, "stale")
	}
	renewal := time.Unix(int64(now.sum("notary_attestation_renewal_seconds")), 0)
	row("attestation", "%s, accepted by the policy %v ago; token for %v, renewal %s, %.0f renewed, %s",
		attestation, now.at.Sub(appraisal.Proof.At).Truncate(time.Second), expiry.Sub(now.at).Truncate(time.Second),
		due(renewal.Sub(now.at)), now.sum("notary_attestation_renewals_total"), t.bad(now.sum("notary_attestation_failures_total"), "failures"))
	row("plugins", "%s, set %s", strings.Join(slices.Sorted(maps.Keys(n.Plugins)), ", "), short(n.PluginSet))
	row("throughput", "%.1f records/s, %.2f MB/s received; %.0f records in all", rate("notary_records_total"), rate("notary_export_bytes_total")/1e6, now.sum("notary_records_total"))
	var codes []string
	for code, total := range now.values("notary_exports_total", "code") {
		codes = append(codes, fmt.Sprintf("%s %.0f (%.1f/s)", code, total, rate("notary_exports_total", "code", code)))
	}
	slices.Sort(codes)
	row("exports", "%s", orElse(strings.Join(codes, ", "), "none yet"))
	row("sessions", "%.0f parts open, %.0f sealed (%s), %.0f with a log proof", now.sum("notary_open_parts"), now.sum("notary_sealed_total"),
		orElse(counts(now.values("notary_sealed_total", "reason")), "none yet"), now.sum("notary_proved_total"))
	row("journal", "%s bytes wait to be durable, the oldest for %s", t.some(now.sum("notary_journal_waiting_bytes")), lag(now.sum("notary_journal_lag_seconds")))
	row("log", "%s parts wait for their proof, the oldest for %s; %s, %s, %s, %.0f dead epochs fenced", t.some(now.sum("notary_log_waiting")), lag(now.sum("notary_log_lag_seconds")), t.bad(now.sum("notary_log_failures_total"), "failed submissions to the log"),
		t.bad(now.sum("notary_damaged_epochs"), "damaged epochs"), t.bad(now.sum("notary_missing_ranges"), "missing ranges"), now.sum("notary_fenced_total"))
	row("edits", "%s", orElse(counts(now.values("notary_edits_total", "label")), "none yet"))
	row("memory", "%.0f MB, %.1f s of CPU", now.sum("process_resident_memory_bytes")/1e6, now.sum("process_cpu_seconds_total"))
	b.print(t.stdout)
	return t.printEvents(now.events)
}

// shownEvents is how many of the last warnings and errors are shown.
const shownEvents = 5

func (t *top) printEvents(events []control.Event) error {
	fmt.Fprintf(t.stdout, "\n  %s\n", t.paint(bold, "last warnings and errors"))
	if len(events) == 0 {
		fmt.Fprintln(t.stdout, "  none since the start of the process")
	}
	var b table
	for _, e := range events[:min(len(events), shownEvents)] {
		style := yellow
		if e.Level == slog.LevelError.String() {
			style = red
		}
		b.row(e.Time.Local().Format(time.TimeOnly), t.paint(style, oneLine(e.Level)), shortDigests(printable(e.Message+"  "+e.Detail)))
	}
	b.print(t.stdout)
	return nil
}

// bad paints a count that should be zero.
func (t *top) bad(n float64, what string) string {
	text := fmt.Sprintf("%.0f %s", n, what)
	if n > 0 {
		return t.paint(red, text)
	}
	return text
}

// some paints a count that should soon be zero again.
func (t *top) some(n float64) string {
	text := fmt.Sprintf("%.0f", n)
	if n > 0 {
		return t.paint(yellow, text)
	}
	return text
}

// lag writes a time of waiting.
func lag(seconds float64) string { return fmt.Sprintf("%.1fs", seconds) }

// due says when something is to happen.
func due(in time.Duration) string {
	if in < 0 {
		return "overdue"
	}
	return "in " + in.Truncate(time.Second).String()
}

// counts lists labels, the most frequent first.
func counts(labels map[string]float64) string {
	names := slices.SortedFunc(maps.Keys(labels), func(a, b string) int {
		return cmp.Or(cmp.Compare(labels[b], labels[a]), cmp.Compare(a, b))
	})
	var out []string
	for i, name := range names {
		if i == 12 {
			out = append(out, fmt.Sprintf("and %d labels more", len(names)-i))
			break
		}
		out = append(out, fmt.Sprintf("%s %.0f", name, labels[name]))
	}
	return strings.Join(out, ", ")
}
