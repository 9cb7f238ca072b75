package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestRecent: what a notary remembers of its log is bounded, has warnings and errors
// only, and is all still in the log itself.
func TestRecent(t *testing.T) {
	var out bytes.Buffer
	l := newLogger(&out)
	recent := recentOf(l.With("part", 7))
	l.Info("nothing to see")
	l.With("epoch", "e1").Warn("first", "err", errors.New("two\nlines"))
	if got := recent(); len(got) != 1 || got[0].Level != "WARN" || got[0].Message != "first" || got[0].Detail != "epoch=e1 err=two lines" {
		t.Errorf("%+v", got)
	}
	l.Warn("second", "after", 18651362647*time.Nanosecond)
	if got := recent(); got[0].Detail != "after=18.651s" || !strings.Contains(out.String(), `"after":"18.651s"`) {
		t.Errorf("a duration is %q\n%s", got[0].Detail, out.String())
	}
	for i := range 3 * maxRecent {
		l.Error(fmt.Sprint("error ", i), "long", strings.Repeat("é", maxDetail))
	}
	got := recent()
	if len(got) != maxRecent || got[0].Message != fmt.Sprint("error ", 3*maxRecent-1) || got[maxRecent-1].Message != fmt.Sprint("error ", 2*maxRecent) {
		t.Errorf("%d events, from %q to %q", len(got), got[0].Message, got[len(got)-1].Message)
	}
	if len(got[0].Detail) > maxDetail+len("…") {
		t.Errorf("a detail of %d bytes", len(got[0].Detail))
	}
	if n := strings.Count(out.String(), "\n"); n != 3+3*maxRecent {
		t.Errorf("%d lines in the log", n)
	}
}
