package loglines_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/veriproof/notary/host/internal/loglines"
)

func TestDurations(t *testing.T) {
	for d, want := range map[time.Duration]string{
		18*time.Second + 651_234_567: `"after":"18.651s"`, 1500 * time.Microsecond: `"after":"1.5ms"`, 0: `"after":"0s"`,
	} {
		var b bytes.Buffer
		slog.New(loglines.JSON(&b)).Info("told", "after", d, "n", 7)
		if !strings.Contains(b.String(), want) || !strings.Contains(b.String(), `"n":7`) {
			t.Errorf("%v: %s, want %s", d, b.String(), want)
		}
	}
}
