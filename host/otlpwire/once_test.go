package otlpwire_test

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/veriproof/notary/host/internal/bench"
	"github.com/veriproof/notary/host/otlpwire"
)

// found is what a walk tells of a request.
type found struct {
	Err       string
	Admitted  []otlpwire.Counts
	Counts    otlpwire.Counts
	Texts     []otlpwire.Text
	Binary    []int
	Records   []string
	Resources []string
	Scopes    []int
}

func walked(r *otlpwire.Request, buf []byte, sig otlpwire.Signal, lim otlpwire.Limits) (f found) {
	return walkedAs(r, buf, sig, otlpwire.Options{Limits: lim})
}

func walkedAs(r *otlpwire.Request, buf []byte, sig otlpwire.Signal, opt otlpwire.Options) (f found) {
	opt.Admit = func(c otlpwire.Counts) error {
		f.Admitted = append(f.Admitted, c)
		return nil
	}
	err := r.Walk(buf, sig, opt)
	if err != nil {
		f.Err = err.Error()
	}
	f.Counts = r.Counts
	f.Texts, f.Binary = append(f.Texts, r.Texts...), append(f.Binary, r.Binary...)
	for i, x := range r.Records {
		f.Records = append(f.Records, fmt.Sprintf("%v %v %d %d %d %d %d %d %q %q %q", x.Kind, x.End, x.Resource, x.Scope, x.ClaimedStart, x.ClaimedEnd,
			x.FirstText, x.EndText, r.SessionID(i), r.PreviousSession(i), r.Original(i)))
	}
	for _, x := range r.Resources {
		f.Resources = append(f.Resources, fmt.Sprint(x.SDKName, x.SDKVersion))
	}
	for _, x := range r.Scopes {
		f.Scopes = append(f.Scopes, x.Resource)
	}
	return f
}

// differ is cmp.Diff, which takes most of a fuzzer's time, of what is not equal.
func differ(want, got any) string {
	if reflect.DeepEqual(want, got) {
		return ""
	}
	return cmp.Diff(want, got)
}

// sameBlind: a walk that does not list the texts of records finds the same records, and the
// same of resources and scopes, in one pass and in two, and refuses the same.
func sameBlind(t *testing.T, sig otlpwire.Signal, buf []byte, lim otlpwire.Limits) {
	t.Helper()
	want := walkedAs(new(otlpwire.Request), buf, sig, otlpwire.Thorough(otlpwire.Options{Limits: lim}))
	used := new(otlpwire.Request)
	if err := used.Walk(another, otlpwire.Traces, otlpwire.Options{}); err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]*otlpwire.Request{"two passes": new(otlpwire.Request), "one": used} {
		got := walkedAs(r, buf, sig, otlpwire.Options{Limits: lim, Blind: true})
		if want.Err == "" {
			var outside []otlpwire.Text
			for _, x := range want.Texts {
				if x.Owner != otlpwire.OfRecord {
					outside = append(outside, x)
				}
			}
			if diff := differ(texts(outside), texts(got.Texts)); diff != "" {
				t.Fatalf("blind, %s: texts outside of records: %s", name, diff)
			}
		}
		if diff := differ(want.blind(), got.blind()); diff != "" {
			t.Fatalf("seeing (-) and blind, %s (+): %s", name, diff)
		}
	}
}

// texts leaves out roles, which are for redactors.
func texts(all []otlpwire.Text) (out []string) {
	for _, x := range all {
		out = append(out, fmt.Sprint(x.Start, x.End, x.Owner, x.Index, x.Place, x.Binary))
	}
	return out
}

var numbered = regexp.MustCompile(`^(.*? .*? \d+ \d+ \d+ \d+) \d+ \d+ `)

// blind is what a blind walk has to find.
func (f found) blind() found {
	f.Texts, f.Binary, f.Resources = nil, nil, nil
	records := f.Records
	f.Records = nil
	for _, r := range records {
		f.Records = append(f.Records, numbered.ReplaceAllString(r, "$1 "))
	}
	return f
}

// another is a request that leaves room for most.
var another = bench.Small(1)

// samePasses: a Request with room from the one before walks in one pass, and finds,
// counts, admits and refuses what a new one does in two.
func samePasses(t *testing.T, sig otlpwire.Signal, buf []byte, lim otlpwire.Limits) {
	t.Helper()
	used := new(otlpwire.Request)
	if err := used.Walk(another, otlpwire.Traces, otlpwire.Options{}); err != nil {
		t.Fatal(err)
	}
	two := walked(new(otlpwire.Request), buf, sig, lim)
	if diff := differ(two, walked(used, buf, sig, lim)); diff != "" {
		t.Fatalf("two passes (-) and one (+): %s", diff)
	}
	thorough := walkedAs(used, buf, sig, otlpwire.Thorough(otlpwire.Options{Limits: lim}))
	if diff := differ(thorough, two); diff != "" {
		t.Fatalf("every field by itself (-) and what is plain in one go (+): %s", diff)
	}
}

// TestOnePassIsRefused: nothing is left of a request that was not admitted.
func TestOnePassIsRefused(t *testing.T) {
	r, refuse := new(otlpwire.Request), errors.New("no room")
	for range 2 {
		if err := r.Walk(bench.Small(1), otlpwire.Traces, otlpwire.Options{}); err != nil {
			t.Fatal(err)
		}
		err := r.Walk(bench.Small(2), otlpwire.Traces, otlpwire.Options{Admit: func(otlpwire.Counts) error { return refuse }})
		if !errors.Is(err, refuse) || len(r.Texts)+len(r.Records)+r.Counts.Messages != 0 {
			t.Fatalf("%v, with %d texts", err, len(r.Texts))
		}
	}
}
