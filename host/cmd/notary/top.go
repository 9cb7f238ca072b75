package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/veriproof/notary/sdk/attested"
)

const topUsage = `usage: notary top --policy FILE --token-file FILE [OPTIONS] URL

Shows a running notary to a person, every two seconds: whether it takes data, its
attestation and how long it lasts, mode and plugins, throughput, edits per label,
sessions, journal and log. URL is the control interface, https://host:port, which is
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
	token, err := readFile(*tokenFile, 4096)
	if err != nil {
		return err
	}
	t := &top{app: a, control: o.Control, token: strings.TrimSpace(string(token))}
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
		return err
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
}

// maxMetrics bounds an answer in bytes.
const maxMetrics = 4 << 20

func (t *top) sample(ctx context.Context) (*metrics, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.control+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+t.token)
	resp, err := t.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, hinted(fmt.Errorf("the control interface answered %s", resp.Status), "--token-file wants a token whose operator has the role metrics, operator or auditor in the notary's configuration")
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(io.LimitReader(resp.Body, maxMetrics))
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return &metrics{time.Now(), families}, nil
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
	if mode != "enforce" {
		mode = t.paint(yellow, mode+": findings are counted, not edited")
	}
	expiry := time.Unix(int64(now.sum("notary_attestation_expiry_seconds")), 0)
	var b table
	row := func(name string, format string, args ...any) {
		b.row(t.paint(bold, name), fmt.Sprintf(format, args...))
	}
	row("notary", "%s, %s, mode %s, version %s, up %v", t.control, state, mode, n.Version, now.at.Sub(started).Truncate(time.Second))
	row("attestation", "accepted by the policy %v ago; token for %v, %.0f renewed, %s",
		now.at.Sub(appraisal.Proof.At).Truncate(time.Second), expiry.Sub(now.at).Truncate(time.Second),
		now.sum("notary_attestation_renewals_total"), t.bad(now.sum("notary_attestation_failures_total"), "failures"))
	row("plugins", "%s, set %s", strings.Join(slices.Sorted(maps.Keys(n.Plugins)), ", "), short(n.PluginSet))
	row("throughput", "%.1f records/s, %.2f MB/s received; %.0f records in all", rate("notary_records_total"), rate("notary_export_bytes_total")/1e6, now.sum("notary_records_total"))
	var codes []string
	for code, total := range now.values("notary_exports_total", "code") {
		codes = append(codes, fmt.Sprintf("%s %.0f (%.1f/s)", code, total, rate("notary_exports_total", "code", code)))
	}
	slices.Sort(codes)
	row("exports", "%s", orElse(strings.Join(codes, ", "), "none yet"))
	row("sessions", "%.0f parts open, %.0f with a log proof", now.sum("notary_open_parts"), now.sum("notary_proved_total"))
	row("journal, log", "%s, %s, %.0f dead epochs fenced", t.bad(now.sum("notary_log_failures_total"), "failed submissions to the log"),
		t.bad(now.sum("notary_damaged_epochs"), "damaged epochs"), now.sum("notary_fenced_total"))
	row("edits", "%s", orElse(edits(now.values("notary_edits_total", "label")), "none yet"))
	row("memory", "%.0f MB, %.1f s of CPU", now.sum("process_resident_memory_bytes")/1e6, now.sum("process_cpu_seconds_total"))
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

// edits lists labels, the most frequent first.
func edits(labels map[string]float64) string {
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
