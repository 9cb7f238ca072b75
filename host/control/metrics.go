package control

import (
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// A Kind says how a metric behaves over time.
type Kind uint8

// Kinds of metric.
const (
	Gauge   Kind = iota // a present value
	Counter             // only grows, from zero at the start of the process
)

// A Metric is one value of the notary at the time of a scrape.
//
// Its labels must be from a small set that the code itself defines (a stage, a
// plugin's name, a label of an edit), never what a sender wrote. To hold this,
// only the names in MetricLabels are let through, with short plain values; a
// metric that breaks the rule is left out of the answer and counted in
// notary_metrics_dropped.
type Metric struct {
	Name   string // notary_[a-z0-9_]+; counters end in _total
	Help   string
	Kind   Kind
	Value  float64
	Labels map[string]string
}

// MetricLabels returns the names that labels may have.
func MetricLabels() []string { return slices.Clone(metricLabels) }

var metricLabels = []string{"code", "kind", "label", "mode", "plugin", "reason", "result", "signal", "stage", "state", "version"}

const (
	maxMetrics    = 2048 // series per scrape
	maxLabelValue = 64
)

var (
	metricName = regexp.MustCompile(`^notary_[a-z0-9_]{1,80}$`)
	labelValue = regexp.MustCompile(fmt.Sprintf(`^[A-Za-z0-9_.+:-]{1,%d}$`, maxLabelValue))
)

func (m *Metric) valid() bool {
	if !metricName.MatchString(m.Name) || m.Kind > Counter || (m.Kind == Counter) != strings.HasSuffix(m.Name, "_total") {
		return false
	}
	for name, value := range m.Labels {
		if !slices.Contains(metricLabels, name) || !labelValue.MatchString(value) {
			return false
		}
	}
	return true
}

// liveHeap is what was in use when the collector last looked: garbage that waits for it
// says nothing of growth.
var liveHeap = collectors.GoRuntimeMetricsRule{Matcher: regexp.MustCompile(`^/gc/heap/live:bytes$`)}

// metrics is the server's own registry: nothing that a library registers
// globally gets out through it.
type metrics struct {
	handler  http.Handler
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMetrics(o Options) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "notary_control_requests_total", Help: "Requests to the control interface.",
		}, []string{"route", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "notary_control_request_seconds", Help: "Time to answer requests to the control interface.",
			Buckets: []float64{.001, .005, .025, .1, .5, 2.5, 10, 30},
		}, []string{"route"}),
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(m.requests, m.seconds,
		collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(liveHeap)), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		&notaryCollector{notary: o.Notary, stats: o.Stats})
	m.handler = promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError,
		ErrorLog:      slog.NewLogLogger(o.Logger.Handler(), slog.LevelError),
		// Compression would need more memory than the connection is worth.
		DisableCompression: true,
	})
	return m
}

func (m *metrics) observe(route, code string, took time.Duration) {
	m.requests.WithLabelValues(route, code).Inc()
	m.seconds.WithLabelValues(route).Observe(took.Seconds())
}

func (s *Server) getMetrics(w http.ResponseWriter, r *http.Request) error {
	if !s.opts.OpenMetrics {
		c, refused := s.authenticate(r)
		if refused != nil {
			return refused
		}
		if allowed := []Role{RoleMetrics, RoleOperator}; !c.has(allowed...) {
			return forbidden(allowed)
		}
	}
	s.metrics.handler.ServeHTTP(w, r)
	return nil
}

// notaryCollector reads the notary at each scrape. It describes nothing
// beforehand, since plugins come with labels of their own.
type notaryCollector struct {
	notary Notary
	stats  func() []Metric
}

// Describe implements [prometheus.Collector].
func (*notaryCollector) Describe(chan<- *prometheus.Desc) {}

// Collect implements [prometheus.Collector].
func (c *notaryCollector) Collect(out chan<- prometheus.Metric) {
	send := func(m Metric) {
		names := slices.Sorted(maps.Keys(m.Labels))
		values := make([]string, len(names))
		for i, n := range names {
			values[i] = m.Labels[n]
		}
		kind := prometheus.GaugeValue
		if m.Kind == Counter {
			kind = prometheus.CounterValue
		}
		p, err := prometheus.NewConstMetric(prometheus.NewDesc(m.Name, m.Help, names, nil), kind, m.Value, values...)
		if err == nil {
			out <- p
		}
	}
	ready := Metric{Name: "notary_ready", Help: "1 if the notary accepts data."}
	if c.notary.Ready() == nil {
		ready.Value = 1
	}
	send(ready)
	stale := Metric{Name: "notary_attestation_stale", Help: "1 if there is no attestation that is good for new data."}
	if c.notary.Fresh() != nil {
		stale.Value = 1
	}
	send(stale)
	if a := c.notary.Attestation(); a != nil {
		send(Metric{Name: "notary_attestation_expiry_seconds", Help: "Unix time at which the attestation token ends.", Value: float64(a.NotAfter.Unix())})
	}
	dropped := 0
	for i, m := range c.all() {
		if i >= maxMetrics || !m.valid() {
			dropped++
			continue
		}
		send(m)
	}
	send(Metric{Name: "notary_metrics_dropped", Help: "Series left out of this answer: their names or labels are not allowed, or they are too many.", Value: float64(dropped)})
}

func (c *notaryCollector) all() []Metric {
	if c.stats == nil {
		return nil
	}
	return c.stats()
}
