package policy

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/veriproof/notary/attestation/maa"
	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/attestation/snp"
	"github.com/veriproof/notary/attestation/uvm"
)

// ErrSimulated: the policy trusts simulated hardware and the caller does not
// allow that.
var ErrSimulated = errors.New("policy trusts SIMULATED hardware: anybody with the simulator's directory can forge what it accepts; remove the section \"simulated\", or use a development build")

func (p *Policy) setDefaults() {
	if p.Mode == "" {
		p.Mode = runtimedata.ModeEnforce
	}
	if p.UVM.Feed == "" {
		p.UVM.Feed = uvm.ContainerFeed
	}
	if p.UVM.Issuer == "" && p.Simulated == nil {
		p.UVM.Issuer = uvm.MicrosoftDID
	}
	if p.Require == nil {
		p.Require = []string{PathHardware}
		if len(p.Issuers) > 0 || p.Simulated != nil {
			p.Require = append(p.Require, PathMAA)
		}
	}
}

func (p *Policy) check() error {
	for _, f := range []func() error{
		p.checkFormat, p.checkHardware, p.checkBits, p.checkRevocation, p.checkIssuers, p.checkPaths, p.checkPlugins, p.checkNotary, p.checkLog, p.checkSimulated,
	} {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

func (p *Policy) checkFormat() error {
	if p.Format != Format {
		return fmt.Errorf("format is %.20q, want \"1\"", p.Format)
	}
	for i, path := range p.Require {
		if slices.Contains(p.Require[:i], path) {
			return fmt.Errorf("require names %q twice: was the other path meant?", path)
		}
		if path != PathMAA && path != PathHardware {
			return fmt.Errorf("require names %.20q, known are %q and %q", path, PathMAA, PathHardware)
		}
	}
	if slices.Contains(p.Require, PathMAA) && len(p.Issuers) == 0 && p.Simulated == nil {
		return errors.New("require names the maa path, but there are no issuers")
	}
	return nil
}

func (p *Policy) checkHardware() error {
	if len(p.HostData) == 0 {
		return errors.New("host_data is missing: any confidential container can get a genuine report over invented runtime data; list the SHA-256 of the CCE policies of the notaries that you accept")
	}
	for _, d := range p.HostData {
		if name, ok := AllowAll(d); ok {
			return fmt.Errorf("host_data has %s, which is %s: the host may run anything under it", d, name)
		}
	}
	if len(p.Products) == 0 {
		return errors.New("products is missing: list the acceptable of Milan, Genoa, Turin")
	}
	for _, line := range p.Products {
		if _, ok := snp.ParseProduct(string(line)); !ok {
			return fmt.Errorf("products names %.20q, known are Milan, Genoa, Turin", line)
		}
		if _, ok := p.MinimumTCB[line]; !ok && p.MinimumTCB != nil {
			return fmt.Errorf("minimum_tcb has no entry for the accepted product line %s", line)
		}
	}
	for line, t := range p.MinimumTCB {
		if !slices.Contains(p.Products, line) {
			return fmt.Errorf("minimum_tcb has %.20q, which is not in products", line)
		}
		if t.FMC != 0 && line != snp.Turin {
			return fmt.Errorf("minimum_tcb.%s has fmc, which only Turin has", line)
		}
	}
	if p.UVM.MinSVN == 0 {
		return errors.New("uvm.min_svn is missing: endorsements do not expire, so only a minimum retires a vulnerable UVM")
	}
	if p.UVM.Issuer != "" && !uvm.ValidDID(p.UVM.Issuer) {
		return fmt.Errorf("uvm.issuer is %.80q, want did:x509:0:sha256:ROOT::eku:OID", p.UVM.Issuer)
	}
	return nil
}

func (p *Policy) checkIssuers() error {
	seen := make(map[string]bool, len(p.Issuers))
	for _, is := range p.Issuers {
		if err := is.check(); err != nil {
			return err
		}
		if seen[is.Issuer] {
			return fmt.Errorf("issuers has %q twice", is.Issuer)
		}
		seen[is.Issuer] = true
		if is.PolicyHash == "" && slices.Contains(p.Require, PathMAA) {
			return fmt.Errorf("policy_hash of %s is missing: whoever controls the instance can make it attest anything; copy x-ms-policy-hash from a token, or write %q to accept all", is.Issuer, AnyPolicyHash)
		}
	}
	if p.MaxAge < 0 {
		return errMaxAge(p.MaxAge)
	}
	return nil
}

func errMaxAge(d time.Duration) error {
	return fmt.Errorf("max_age is %s, want a positive duration such as 24h; without the key only the token's expiry counts", d)
}

func (is Issuer) check() error {
	u, err := url.Parse(is.Issuer)
	if err != nil || u.Scheme != "https" || u.Host == "" || is.Issuer != "https://"+u.Host {
		return fmt.Errorf("issuer is %.80q, want https://HOST without a path or a final slash, exactly as in the token", is.Issuer)
	}
	if b, err := base64.RawURLEncoding.Strict().DecodeString(is.PolicyHash); is.PolicyHash != "" && is.PolicyHash != AnyPolicyHash && (err != nil || len(b) != sha256.Size) {
		return fmt.Errorf("policy_hash of %s is %.60q, want 43 characters of base64url, or any", is.Issuer, is.PolicyHash)
	}
	if is.JWKS != "" {
		if _, err := maa.ParseKeySet([]byte(is.JWKS)); err != nil {
			return fmt.Errorf("jwks of %s: %w", is.Issuer, err)
		}
	}
	return nil
}

func (p *Policy) checkPlugins() error {
	for name, rule := range p.Plugins {
		if !runtimedata.ValidPluginName(name) {
			return fmt.Errorf("plugins has the name %.50q, want 1 to 40 of a-z 0-9 -", name)
		}
		if rule.Forbidden && (rule.Required || rule.Wasm != nil || rule.Config != nil) {
			return fmt.Errorf("plugins.%s is forbidden, so it cannot have other rules", name)
		}
		if rule.Wasm == nil && !rule.Forbidden {
			return fmt.Errorf("plugins.%s has no wasm digests: a name alone does not identify code", name)
		}
	}
	return nil
}

func (p *Policy) checkNotary() error {
	if !runtimedata.ValidMode(p.Mode) {
		return fmt.Errorf("mode is %.20q, want %q, %q or %q", p.Mode, runtimedata.ModeEnforce, runtimedata.ModeShadow, runtimedata.ModeNone)
	}
	for _, v := range p.Versions {
		if !runtimedata.ValidVersion(v) {
			return fmt.Errorf("versions has %.70q, want 1 to 64 of A-Z a-z 0-9 . + _ ~ -", v)
		}
	}
	return nil
}

func (p *Policy) checkLog() error {
	if p.Log == nil {
		return nil
	}
	if p.Log.Origin == "" || len(p.Log.Keys) == 0 {
		return errors.New("log needs an origin and keys")
	}
	for _, k := range p.Log.Keys {
		if err := checkVKey(k); err != nil {
			return fmt.Errorf("log.keys: %s is not a verifier key: %w", shownKey(k), err)
		}
	}
	return p.Log.checkWitnesses()
}

// maxWitnesses bounds the signatures that a verifier looks for.
const maxWitnesses = 32

func (l *Log) checkWitnesses() error {
	switch n := len(l.Witnesses); {
	case l.CosignedWithin < 0:
		return errCosignedWithin(l.CosignedWithin)
	case n == 0 && l.Quorum == 0 && l.CosignedWithin > 0:
		return errors.New("log.cosigned_within is about nobody: give log.witnesses and log.quorum, or remove it")
	case n == 0 && l.Quorum == 0:
		return nil
	case n > maxWitnesses:
		return fmt.Errorf("log.witnesses has %d keys, at most %d are allowed", n, maxWitnesses)
	case l.Quorum < 1 || l.Quorum > n:
		return fmt.Errorf("log.quorum is %d, want 1 to the number of log.witnesses, %d", l.Quorum, n)
	}
	seen := make(map[string]bool)
	logs := make(map[string]bool)
	for _, k := range l.Keys {
		logs[keyBytes(k)[1:]] = true
	}
	for _, k := range l.Witnesses {
		if err := checkVKey(k); err != nil {
			return fmt.Errorf("log.witnesses: %s is not a verifier key: %w", shownKey(k), err)
		}
		key := keyBytes(k)
		if !strings.HasPrefix(key, cosignatureEd25519) {
			return fmt.Errorf("log.witnesses: %.100q is not a key for Ed25519 cosignatures (C2SP tlog-cosignature)", k)
		}
		if seen[key] { // under any name
			return fmt.Errorf("log.witnesses: the key of %.100q is given twice: each witness counts once", k)
		}
		seen[key] = true
		if logs[key[1:]] { // whatever each uses it for
			return fmt.Errorf("log.witnesses: %.100q has the key of the log, which cannot be a witness of itself", k)
		}
	}
	return nil
}

func errCosignedWithin(d time.Duration) error {
	return fmt.Errorf("log.cosigned_within is %s, want a positive duration such as 1h; without the key cosignatures of any time before the present count", d)
}

// cosignatureEd25519 is the algorithm byte of a witness's verifier key.
const cosignatureEd25519 = "\x04"

// keyBytes returns the algorithm byte and the key of a well-formed verifier key,
// whose base64 may have a plus of its own.
func keyBytes(vkey string) string {
	raw, _ := base64.StdEncoding.DecodeString(strings.SplitN(vkey, "+", 3)[2])
	return string(raw)
}

// checkVKey checks the form NAME+ID+BASE64 of C2SP signed-note and that the id
// is the one of name and key. It finds typing errors; whether the algorithm is
// known is up to whoever verifies.
func checkVKey(s string) error {
	name, rest, ok1 := strings.Cut(s, "+")
	id, key, ok2 := strings.Cut(rest, "+")
	if !ok1 || !ok2 || name == "" || strings.ContainsAny(name, " \t\r\n") {
		return errors.New("want NAME+ID+KEY")
	}
	raw, err := base64.StdEncoding.DecodeString(key)
	if err != nil || len(raw) < 2 {
		return errors.New("the key is not base64")
	}
	sum := sha256.Sum256(append([]byte(name+"\n"), raw...))
	if want := hex.EncodeToString(sum[:4]); id != want {
		return fmt.Errorf("the id does not fit name and key, want %s", want)
	}
	return nil
}

func (p *Policy) checkSimulated() error {
	s := p.Simulated
	if s == nil {
		return nil
	}
	if len(p.Issuers) > 0 || p.UVM.Issuer != "" {
		return errors.New("simulated replaces issuers and uvm.issuer: a policy is either for real or for simulated hardware, take one of them out")
	}
	if _, err := s.ark(); err != nil {
		return err
	}
	if !uvm.ValidDID(s.UVMDID) {
		return fmt.Errorf("simulated.uvm_did is %.80q, want did:x509:0:sha256:ROOT::eku:OID", s.UVMDID)
	}
	return s.maaIssuer().check()
}

func (s *Simulated) ark() (*x509.Certificate, error) {
	block, rest := pem.Decode([]byte(s.ARK))
	if block == nil || block.Type != "CERTIFICATE" || strings.TrimSpace(string(rest)) != "" {
		return nil, errors.New("simulated.ark_pem is not one PEM certificate")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("simulated.ark_pem: %w", err)
	}
	return cert, nil
}

func (s *Simulated) maaIssuer() Issuer {
	hash := s.PolicyHash
	if hash == "" {
		hash = AnyPolicyHash // a simulator's policy says nothing about anything
	}
	return Issuer{Issuer: s.Issuer, PolicyHash: hash, JWKS: s.JWKS}
}

// allowAll are CCE policies that let the host start any container. They are
// public, and their digests are in use where somebody debugs.
var allowAll = map[string]string{
	"4f4448c67f3c8dfc8de8a5e37125d807dadcc41f06cf23f615dbd52eec777d10": "the allow-all CCE policy of confcom's debug mode",
	"73973b78d70cc68353426de188db5dfc57e5b766e399935fb73a61127ea26d20": "the allow-all CCE policy of Azure clean room samples",
}

// AllowAll names the known allow-all CCE policy with this digest, and returns
// false if there is none. Such a HOST_DATA identifies no code.
func AllowAll(hostData [32]byte) (name string, ok bool) {
	name, ok = allowAll[hex.EncodeToString(hostData[:])]
	return name, ok
}

// Anchors are the keys that a verdict under the policy rests on.
type Anchors struct {
	Roots     snp.Roots
	UVMDIDs   []string
	Issuers   []Issuer
	Simulated bool
}

// Anchors returns whom the policy trusts: AMD's roots and the issuers it lists,
// or, for a policy with a section "simulated", the simulator's keys and nothing
// else. In the latter case it fails with ErrSimulated unless allowSimulated.
func (p *Policy) Anchors(allowSimulated bool) (*Anchors, error) {
	if p.Simulated == nil {
		return &Anchors{Roots: snp.AMDRoots(), UVMDIDs: []string{p.UVM.Issuer}, Issuers: p.Issuers}, nil
	}
	if !allowSimulated {
		return nil, ErrSimulated
	}
	ark, err := p.Simulated.ark()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return &Anchors{
		Roots:     snp.Roots{}.With(ark),
		UVMDIDs:   []string{p.Simulated.UVMDID},
		Issuers:   []Issuer{p.Simulated.maaIssuer()},
		Simulated: true,
	}, nil
}

// shownKey is a key as errors may have it: one that signs is somebody's mistake, and is
// not repeated.
func shownKey(key string) string {
	if strings.HasPrefix(key, "PRIVATE+KEY+") {
		return "a private key, which is not repeated here,"
	}
	return fmt.Sprintf("%.100q", key)
}
