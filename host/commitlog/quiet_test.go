package commitlog

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"k8s.io/klog/v2"
)

// TestReports: a warning of Tessera's is a warning, such as that a checkpoint has too few
// cosignatures, and what it reports ten times a second is told once.
func TestReports(t *testing.T) {
	var said bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&said, nil))
	redirectKlog(logger)
	defer releaseKlog(logger)
	why := errors.New("readTreeState: connection refused")
	for range 100 {
		klog.Errorf("TestReports: %v", why)
	}
	klog.Warningf("TestReports: %v", why)
	klog.Info("Initializing: nothing is wrong")
	releaseKlog(logger)
	klog.Error("TestReports, after the end")
	var got strings.Builder
	for line := range strings.Lines(said.String()) {
		_, line, _ = strings.Cut(line, " ") // the time
		got.WriteString(line)
	}
	want := `level=ERROR msg=TestReports error="readTreeState: connection refused"
level=WARN msg=TestReports error="readTreeState: connection refused"
level=INFO msg="Initializing: nothing is wrong"
`
	if got.String() != want {
		t.Errorf("said\n%swant\n%s", got.String(), want)
	}
}
