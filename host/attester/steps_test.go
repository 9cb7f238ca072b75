package attester_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/maa"
	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/attestation/simtee"
	"github.com/veriproof/notary/attestation/snp"
	"github.com/veriproof/notary/attestation/uvm"
	"github.com/veriproof/notary/host/attester"
)

// A failing is one way in which start-up must not succeed.
type failing struct {
	name   string
	faults simtee.Faults
	change func(*attester.Options)
	claims func(*attester.Claims)
	step   string
	want   error // nil: any error at that step
}

// altered changes what the options' source collected.
func altered(change func(*evidence.Evidence)) func(*attester.Options) {
	return func(o *attester.Options) {
		inner := o.Source
		o.Source = source(func(ctx context.Context, rd []byte) (*evidence.Evidence, error) {
			ev, err := inner.Collect(ctx, rd)
			if err == nil {
				change(ev)
			}
			return ev, err
		})
	}
}

// certs changes the answer of /certs.
func certs(change func(status int, jwks []byte) (int, []byte)) func(*attester.Options) {
	return func(o *attester.Options) {
		c, inner := *o.MAA, o.MAA.HTTP.Transport
		c.HTTP = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			resp, err := inner.RoundTrip(r)
			if err != nil || r.URL.Path != "/certs" {
				return resp, err
			}
			defer resp.Body.Close()
			b, err := io.ReadAll(resp.Body)
			resp.StatusCode, b = change(resp.StatusCode, b)
			resp.Body = io.NopCloser(bytes.NewReader(b))
			return resp, err
		})}
		o.MAA = &c
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func claim(name string, value any) simtee.Faults {
	return simtee.Faults{Claims: func(c map[string]any) {
		if value == nil {
			delete(c, name)
			return
		}
		c[name] = value
	}}
}

func report(change func([]byte)) simtee.Faults { return simtee.Faults{Report: change} }

// otherKey replaces the modulus of each key, and the kid too if rename is set.
func otherKey(t *testing.T, rename bool) func(int, []byte) (int, []byte) {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	n := base64.RawURLEncoding.EncodeToString(k.N.Bytes())
	return func(status int, b []byte) (int, []byte) {
		var set struct {
			Keys []map[string]any `json:"keys"`
		}
		if err := json.Unmarshal(b, &set); err != nil {
			t.Error(err)
		}
		for i := range set.Keys {
			set.Keys[i]["n"] = n
			if rename {
				set.Keys[i]["kid"] = "another"
			}
		}
		b, err := json.Marshal(set)
		if err != nil {
			t.Error(err)
		}
		return status, b
	}
}

// The steps up to the container policy: what a bad sidecar or machine gives (T08,
// T02, T04, T05).
func evidenceFailings() []failing {
	return []failing{
		{
			name: "claims that cannot be encoded", claims: func(c *attester.Claims) { c.Mode = "off" },
			step: attester.StepRuntimeData, want: runtimedata.ErrInvalid,
		},
		{
			name: "sidecar is gone", change: func(o *attester.Options) { o.Source = &evidence.Sidecar{URL: "http://127.0.0.1:1"} },
			step: attester.StepEvidence, want: evidence.ErrUnavailable,
		},
		{name: "sidecar refuses", faults: simtee.Faults{SidecarDown: true}, step: attester.StepEvidence},
		{
			name: "sidecar outside of an SNP machine", faults: simtee.Faults{NotHardware: true},
			step: attester.StepEvidence, want: evidence.ErrNotHardware,
		},
		{name: "source gives nothing", change: func(o *attester.Options) {
			o.Source = source(func(context.Context, []byte) (*evidence.Evidence, error) { return nil, nil })
		}, step: attester.StepEvidence},
		{name: "report made for somebody else", change: func(o *attester.Options) {
			inner := o.Source
			o.Source = source(func(ctx context.Context, _ []byte) (*evidence.Evidence, error) {
				return inner.Collect(ctx, []byte(`{"keys":[]}`))
			})
		}, step: attester.StepReport, want: attester.ErrNotOurs},
		{name: "REPORT_DATA beyond the digest", faults: report(func(b []byte) { b[0x50+63] = 1 }), step: attester.StepEvidence},
		{
			name: "report is cut", change: altered(func(e *evidence.Evidence) { e.Report = e.Report[:1000] }),
			step: attester.StepReport, want: snp.ErrFormat,
		},
		{
			name: "report is changed", change: altered(func(e *evidence.Evidence) { e.Report[0x90] ^= 1 }),
			step: attester.StepReport, want: snp.ErrSignature,
		},
		{
			name: "chain is missing", change: altered(func(e *evidence.Evidence) { e.VCEKChain = nil }),
			step: attester.StepReport, want: snp.ErrFormat,
		},
		{
			name: "hardware under an unknown root", change: func(o *attester.Options) { o.Roots = snp.AMDRoots() },
			step: attester.StepReport, want: snp.ErrUntrustedRoot,
		},
		{
			name: "no roots at all", change: func(o *attester.Options) { o.Roots = snp.Roots{} },
			step: attester.StepReport, want: snp.ErrUntrustedRoot,
		},
		{name: "certificates not valid at the clock's time", change: func(o *attester.Options) {
			o.Now = func() time.Time { return time.Now().AddDate(100, 0, 0) }
		}, step: attester.StepReport, want: snp.ErrValidity},
		{name: "host may debug", faults: report(func(b []byte) { b[0x0A] |= 1 << 3 }), step: attester.StepReport, want: attester.ErrUnacceptable},
		{name: "guest may migrate", faults: report(func(b []byte) { b[0x0A] |= 1 << 2 }), step: attester.StepReport, want: attester.ErrUnacceptable},
		{name: "report for VMPL 1", faults: report(func(b []byte) { b[0x30] = 1 }), step: attester.StepReport, want: attester.ErrUnacceptable},
		{
			name: "endorsement is missing", change: altered(func(e *evidence.Evidence) { e.UVM = nil }),
			step: attester.StepEndorsement, want: uvm.ErrFormat,
		},
		{
			name: "endorsement by somebody else", change: func(o *attester.Options) { o.UVM = uvm.Options{} },
			step: attester.StepEndorsement, want: uvm.ErrIssuer,
		},
		{
			name: "other feed", change: func(o *attester.Options) { o.UVMFeed = "other" },
			step: attester.StepEndorsement, want: attester.ErrUnacceptable,
		},
		{
			name: "old utility VM", change: func(o *attester.Options) { o.MinimumUVMSVN = simtee.UVMSVN + 1 },
			step: attester.StepEndorsement, want: attester.ErrUnacceptable,
		},
		{
			name: "other utility VM", faults: report(func(b []byte) { b[0x90] ^= 1 }),
			step: attester.StepEndorsement, want: attester.ErrNotOurs,
		},
		{
			name: "container policy is missing", change: altered(func(e *evidence.Evidence) { e.CCEPolicy = nil }),
			step: attester.StepHostData, want: attester.ErrUnacceptable,
		},
		{
			name: "other container policy", change: altered(func(e *evidence.Evidence) { e.CCEPolicy = []byte("package policy") }),
			step: attester.StepHostData, want: attester.ErrNotOurs,
		},
	}
}

// The steps from MAA on (T20, T22, T23 and the traps of tokens that say less than
// is needed).
func tokenFailings(t *testing.T) []failing {
	return []failing{
		{name: "MAA is down", faults: simtee.Faults{MAADown: true}, step: attester.StepToken},
		{name: "key set is not served", change: certs(func(int, []byte) (int, []byte) { return 404, nil }), step: attester.StepIssuerKeys},
		{
			name: "key set is garbage", change: certs(func(int, []byte) (int, []byte) { return 200, []byte("{}") }),
			step: attester.StepIssuerKeys, want: maa.ErrKeySet,
		},
		{name: "issuer has other keys", change: certs(otherKey(t, true)), step: attester.StepVerify, want: maa.ErrUnknownKey},
		{name: "issuer has another key of that name", change: certs(otherKey(t, false)), step: attester.StepVerify, want: maa.ErrSignature},
		{
			name: "other issuer is expected", change: func(o *attester.Options) { o.Issuer = "https://contoso.weu.attest.azure.net" },
			step: attester.StepVerify, want: maa.ErrIssuer,
		},
		{
			name: "token names another issuer", faults: claim("iss", "https://contoso.weu.attest.azure.net"),
			step: attester.StepVerify, want: maa.ErrIssuer,
		},
		{name: "token has expired", faults: simtee.Faults{TokenLifetime: -time.Hour}, step: attester.StepVerify, want: maa.ErrExpired},
		{
			name: "token ends within the margin", faults: simtee.Faults{TokenLifetime: attester.DefaultMargin},
			step: attester.StepVerify, want: maa.ErrExpired,
		},
		{name: "clock is an hour behind", change: func(o *attester.Options) {
			o.Now = func() time.Time { return time.Now().Add(-time.Hour) }
		}, step: attester.StepVerify, want: maa.ErrNotYetValid},
		{name: "token of an Azure CVM", faults: claim("x-ms-isolation-tee", map[string]any{}), step: attester.StepVerify, want: maa.ErrNotSNP},
		{name: "token without runtime data", faults: claim("x-ms-runtime", nil), step: attester.StepVerify, want: attester.ErrNotOurs},
		{
			name: "token with other runtime data", faults: claim("x-ms-runtime", map[string]any{"keys": []any{}}),
			step: attester.StepVerify, want: attester.ErrNotOurs,
		},
		{
			name: "token over another report", faults: claim("x-ms-sevsnpvm-reportdata", strings.Repeat("00", 64)),
			step: attester.StepVerify, want: attester.ErrNotOurs,
		},
		{
			name: "token about other containers", faults: claim("x-ms-sevsnpvm-hostdata", strings.Repeat("00", 32)),
			step: attester.StepVerify, want: attester.ErrNotOurs,
		},
		{
			name: "token about another utility VM", faults: claim("x-ms-sevsnpvm-launchmeasurement", strings.Repeat("00", 48)),
			step: attester.StepVerify, want: attester.ErrNotOurs,
		},
		{
			name: "token about another guest", faults: claim("x-ms-sevsnpvm-reportid", strings.Repeat("00", 32)),
			step: attester.StepVerify, want: attester.ErrNotOurs,
		},
		{
			name: "token of a debuggable guest", faults: claim("x-ms-sevsnpvm-is-debuggable", true),
			step: attester.StepVerify, want: attester.ErrUnacceptable,
		},
		{
			name: "token of a guest that may migrate", faults: claim("x-ms-sevsnpvm-migration-allowed", true),
			step: attester.StepVerify, want: attester.ErrUnacceptable,
		},
		{name: "token for VMPL 1", faults: claim("x-ms-sevsnpvm-vmpl", 1), step: attester.StepVerify, want: attester.ErrUnacceptable},
		{name: "token without compliance", faults: claim("x-ms-compliance-status", nil), step: attester.StepVerify, want: attester.ErrUnacceptable},
		{
			name: "token with a CVM's compliance", faults: claim("x-ms-compliance-status", "azure-compliant-cvm"),
			step: attester.StepVerify, want: attester.ErrUnacceptable,
		},
		{name: "token without endorsement", faults: simtee.Faults{Claims: func(c map[string]any) {
			delete(c, "x-ms-sevsnpvm-uvm-endorsement")
			delete(c, "x-ms-sevsnpvm-uvm-endorsement-headers")
		}}, step: attester.StepVerify, want: attester.ErrUnacceptable},
		{
			name: "issuer has another policy", change: func(o *attester.Options) { o.PolicyHash = maa.DefaultPolicyHash },
			step: attester.StepVerify, want: attester.ErrUnacceptable,
		},
		{
			name: "simulation is not allowed", change: func(o *attester.Options) { o.AllowSimulated = false },
			step: attester.StepVerify, want: attester.ErrSimulated,
		},
	}
}

func TestEachStepCanFail(t *testing.T) {
	tee, good := machine(t, simtee.Options{})
	reached := map[string]bool{}
	for _, c := range append(evidenceFailings(), tokenFailings(t)...) {
		t.Run(c.name, func(t *testing.T) {
			tee.SetFaults(c.faults)
			defer tee.SetFaults(simtee.Faults{})
			o, cl := good, claims()
			if c.change != nil {
				c.change(&o)
			}
			if c.claims != nil {
				c.claims(&cl)
			}
			a, err := attester.New(o, keys(), cl)
			if err != nil {
				t.Fatal(err)
			}
			var steps []attester.Step
			_, err = a.Attest(context.Background(), func(s attester.Step) { steps = append(steps, s) })
			var failed *attester.StepError
			if !errors.As(err, &failed) || failed.Step != c.step || (c.want != nil && !errors.Is(err, c.want)) {
				t.Fatalf("error %v, want step %q with %v", err, c.step, c.want)
			}
			if len(steps) != slices.Index(allSteps, c.step)+1 || steps[len(steps)-1].Err != err || steps[len(steps)-1].Detail != "" {
				t.Errorf("told %+v", steps)
			}
			var stale *attester.StaleError
			if a.Current() != nil || !errors.As(a.Fresh(), &stale) {
				t.Errorf("a failed attestation left %v, Fresh is %v", a.Current(), a.Fresh())
			}
			reached[c.step] = true
		})
	}
	for _, s := range allSteps {
		if !reached[s] {
			t.Errorf("no case fails at step %q", s)
		}
	}
	if _, err := create(t, good).Attest(context.Background(), nil); err != nil {
		t.Errorf("the options are good without the failings: %v", err)
	}
}

func TestFailedAttestationKeepsTheOldOne(t *testing.T) {
	tee, o := machine(t, simtee.Options{})
	a := create(t, o)
	first, err := a.Attest(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	tee.SetFaults(simtee.Faults{MAADown: true})
	if _, err := a.Attest(context.Background(), nil); err == nil {
		t.Fatal("no error")
	}
	if a.Current() != first || a.Fresh() != nil {
		t.Errorf("current %p, want %p; Fresh is %v", a.Current(), first, a.Fresh())
	}
}

func TestCanceled(t *testing.T) {
	_, o := machine(t, simtee.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	var last attester.Step
	_, err := create(t, o).Attest(ctx, func(s attester.Step) {
		last = s
		if s.Name == attester.StepHostData {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || last.Name != attester.StepToken {
		t.Errorf("%v at %q, want canceled at %q", err, last.Name, attester.StepToken)
	}
}
