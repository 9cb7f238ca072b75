package attester_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/maa"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/attestation/simtee"
	"github.com/veriproof/notary/attestation/snp"
	"github.com/veriproof/notary/attestation/uvm"
	"github.com/veriproof/notary/host/attester"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var keys = sync.OnceValue(func() *attester.Keys {
	k, err := attester.GenerateKeys([]string{"127.0.0.1", "notary.example"})
	if err != nil {
		panic(err)
	}
	return k
})

func claims() attester.Claims {
	digest := strings.Repeat("ab", 32)
	return attester.Claims{
		Epoch:        [16]byte{1, 2, 3},
		ConfigDigest: sha256.Sum256([]byte("config")),
		Recipients:   sha256.Sum256([]byte("recipients")),
		PluginSet:    sha256.Sum256([]byte("plugins")),
		Plugins: map[string]runtimedata.Plugin{
			"redact-pii": {Config: digest, Kind: runtimedata.KindRedactor, Limits: digest, Order: "1", Wasm: digest},
		},
		Mode:    runtimedata.ModeEnforce,
		Version: "0.1.0-test",
	}
}

// source is a Source that a test can change or count.
type source func(ctx context.Context, runtimeData []byte) (*evidence.Evidence, error)

func (s source) Collect(ctx context.Context, runtimeData []byte) (*evidence.Evidence, error) {
	return s(ctx, runtimeData)
}

// machine starts a simulated TEE and returns options that fit it.
func machine(t testing.TB, o simtee.Options) (*simtee.TEE, attester.Options) {
	t.Helper()
	o.TestKeys = true
	tee, err := simtee.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := tee.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := tee.WriteSecurityContext(dir); err != nil {
		t.Fatal(err)
	}
	sidecarHTTP := &http.Client{Transport: &http.Transport{}}
	maaHTTP := tee.MAAHTTPClient()
	t.Cleanup(func() {
		sidecarHTTP.CloseIdleConnections()
		maaHTTP.CloseIdleConnections()
		if err := tee.Close(); err != nil {
			t.Error(err)
		}
	})
	return tee, attester.Options{
		Source:         &evidence.Sidecar{URL: tee.SidecarURL(), SecurityContextDir: dir, HTTP: sidecarHTTP},
		MAA:            &maa.Client{URL: tee.MAAURL(), HTTP: maaHTTP, Attempts: 1},
		Issuer:         tee.MAAURL(),
		PolicyHash:     tee.PolicyHash(),
		Roots:          snp.Roots{}.With(tee.ARK()),
		UVM:            uvm.Options{TrustedDIDs: []string{tee.UVMDID()}},
		AllowSimulated: true,
	}
}

func create(t testing.TB, o attester.Options) *attester.Attester {
	t.Helper()
	a, err := attester.New(o, keys(), claims())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

var allSteps = []string{
	attester.StepRuntimeData, attester.StepEvidence, attester.StepReport, attester.StepEndorsement,
	attester.StepHostData, attester.StepToken, attester.StepIssuerKeys, attester.StepVerify,
}

func TestStartUp(t *testing.T) {
	tee, o := machine(t, simtee.Options{})
	a := create(t, o)
	var stale *attester.StaleError
	if err := a.Fresh(); !errors.As(err, &stale) || !stale.NotAfter.IsZero() {
		t.Errorf("before the first attestation: Fresh is %v, want a StaleError", err)
	}
	var names []string
	att, err := a.Attest(context.Background(), func(s attester.Step) {
		if s.Err != nil || s.Detail == "" || s.Took < 0 {
			t.Errorf("step %+v", s)
		}
		names = append(names, s.Name)
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(names, allSteps) {
		t.Errorf("steps %q, want %q", names, allSteps)
	}
	if a.Current() != att || a.Fresh() != nil {
		t.Errorf("after the attestation: current %p, want %p; Fresh is %v", a.Current(), att, a.Fresh())
	}
	if left := time.Until(att.NotAfter); left < 7*time.Hour || left > 9*time.Hour || !att.NotAfter.Equal(att.Claims.Expiry) {
		t.Errorf("token ends in %v", left)
	}
	checkRuntimeData(t, att.RuntimeData)

	// What the notary accepted of itself, a relying party accepts too.
	set := claims().PluginSet
	file, err := tee.PolicyYAML(hex.EncodeToString(set[:]))
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	checks := attestation.Appraise(p, attestation.Input{
		RuntimeData: att.RuntimeData, Token: att.Token, BundledJWKS: att.JWKS, TrustedJWKS: tee.JWKS(),
		Evidence: att.Evidence, At: time.Now(), AllowSimulated: true,
	})
	if v := attestation.Verdict(checks); v != attestation.Verified {
		t.Errorf("a relying party says %s: %+v", v, checks)
	}
}

// The keys in the runtime data must be the ones that are used.
func checkRuntimeData(t *testing.T, b []byte) {
	t.Helper()
	d, err := runtimedata.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	signing, err := d.SigningKey()
	if err != nil || !signing.Equal(keys().SigningPublic()) {
		t.Errorf("signing key in the runtime data is another: %v", err)
	}
	transport, err := d.TransportKey()
	if err != nil || !transport.Equal(keys().TransportPublic()) {
		t.Errorf("transport key in the runtime data is another: %v", err)
	}
	if epoch, err := d.EpochID(); err != nil || epoch != claims().Epoch {
		t.Errorf("epoch %x %v", epoch, err)
	}
}

// An attestation is made of bytes of its own.
func TestEvidenceIsCopied(t *testing.T) {
	_, o := machine(t, simtee.Options{})
	inner, kept := o.Source, new(evidence.Evidence)
	o.Source = source(func(ctx context.Context, rd []byte) (*evidence.Evidence, error) {
		ev, err := inner.Collect(ctx, rd)
		if err == nil {
			*kept = *ev
		}
		return ev, err
	})
	att, err := create(t, o).Attest(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	before := bytes.Clone(att.Evidence.Report)
	clear(kept.Report)
	if !bytes.Equal(att.Evidence.Report, before) {
		t.Error("the source can change an attestation afterwards")
	}
}

func TestNewRefuses(t *testing.T) {
	_, good := machine(t, simtee.Options{})
	for _, c := range []struct {
		name   string
		change func(*attester.Options)
		keys   *attester.Keys
	}{
		{"no source", func(o *attester.Options) { o.Source = nil }, keys()},
		{"no client", func(o *attester.Options) { o.MAA = nil }, keys()},
		{"no issuer", func(o *attester.Options) { o.Issuer = "" }, keys()},
		{"negative margin", func(o *attester.Options) { o.Margin = -time.Second }, keys()},
		{"no keys", func(*attester.Options) {}, nil},
		{"empty keys", func(*attester.Options) {}, new(attester.Keys)},
	} {
		o := good
		c.change(&o)
		if _, err := attester.New(o, c.keys, claims()); !errors.Is(err, attester.ErrOptions) {
			t.Errorf("%s: %v, want ErrOptions", c.name, err)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	_, o := machine(t, simtee.Options{})
	a := create(t, o)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := a.Attest(context.Background(), nil); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			for range 100 {
				_, _, _ = a.Current(), a.Fresh(), a
				a.Counts()
			}
		})
	}
	wg.Wait()
	if a.Fresh() != nil {
		t.Error(a.Fresh())
	}
}
