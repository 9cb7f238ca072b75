package bundle

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/attestation/snp"
	"github.com/veriproof/notary/sdk/receipt"
)

// read parses the file, the receipt and the runtime data, whatever they are
// worth: later checks say so.
func (v *verification) read() error {
	whole := sha256.New()
	r := io.TeeReader(io.NewSectionReader(v.r, 0, v.size), whole)
	b := new(Bundle)
	err := scan(r, v.size, v.limit, func(p part) error {
		index, isRecord := recordIndex(p.name)
		if !isRecord {
			return b.add(p.name, p.data)
		}
		v.records = append(v.records, recordRef{index, p.at, len(p.data), p.sum})
		return nil
	})
	if err == nil {
		err = b.complete()
	}
	var broken *readError
	if errors.As(err, &broken) {
		return broken
	}
	// The digest is that of the file, also if it makes no sense.
	if _, err := io.Copy(io.Discard, r); err != nil {
		return fmt.Errorf("read the bundle: %w", err)
	}
	whole.Sum(v.result.SHA256[:0])
	if err != nil {
		v.records = nil
		v.fail("bundle.encoding", "%v: %v", ErrBundle, err)
		return nil
	}
	v.b, v.readable = b, true
	v.pass("bundle.encoding", "%d bytes in the one encoding, each part as manifest.json lists it", v.size)
	if d, err := runtimedata.Parse(b.Sealer.RuntimeData); err == nil {
		v.sealer = d
	}
	if b.Origin != nil {
		if d, err := runtimedata.Parse(b.Origin.RuntimeData); err == nil {
			v.origin = d
		}
	}
	if manifest, m, err := receipt.Read(string(b.Receipt)); err == nil {
		c := receipt.Commitment(manifest)
		v.m, v.result.Manifest, v.result.Commitment = m, m, &c
	}
	return nil
}

// checkParts looks for parts that the receipt calls for and for such as nothing
// would look at.
func (v *verification) checkParts() {
	const name = "bundle.parts"
	switch {
	case !v.readable:
		v.notDone(name, true, "the bundle cannot be read")
	case v.m == nil:
		v.notDone(name, true, "the receipt cannot be read")
	case v.recovered() && v.b.Origin == nil:
		v.fail(name, "the part was sealed by a later epoch, but nothing under origin/ tells about the one that received the records")
	case !v.recovered() && v.b.Origin != nil:
		v.fail(name, "the part was sealed by the epoch that received it, but there are parts under origin/")
	case (v.b.EpochEnd == nil) != (v.b.EpochEndProof == nil):
		v.fail(name, "of epoch-end.entry and epoch-end.tlog-proof there is one without the other")
	case !oneSpelling(v.b.Sealer.VCEKChain) || v.b.Origin != nil && !oneSpelling(v.b.Origin.VCEKChain):
		v.fail(name, "vcek-chain.pem is not in its one encoding: VCEK, ASK, ARK, 64 characters to a line, and nothing else")
	default:
		v.pass(name, "%d disclosed records of %d leaves", len(v.records), v.m.Leaves)
	}
}

// oneSpelling refuses a certificate chain with text around its blocks, which a
// reader might take for evidence. One that is no chain is left to the appraisal.
func oneSpelling(pemBytes []byte) bool {
	c, err := snp.ParseChain(pemBytes)
	return err != nil || bytes.Equal(c.PEM(), pemBytes)
}

func (v *verification) checkTime() {
	const name = "time"
	switch {
	case !v.opts.At.IsZero():
		v.result.At = v.opts.At
		v.pass(name, "as of %s, given to the verifier", stamp(v.opts.At))
	case v.m == nil:
		v.notDone(name, true, "no time is given, and no receipt can be read that states one")
	default:
		v.result.At = time.Unix(0, v.m.HostClock.SealedUnixNano).UTC()
		v.pass(name, "as of %s, when the part was sealed by the notary's host's clock", stamp(v.result.At))
	}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// appraise adds the checks of package attestation about one epoch. If it is not
// known as of when, none is done: that is no fault of the policy's.
func (v *verification) appraise(prefix string, a *Attestation, at time.Time) {
	checks := attestation.Appraise(v.p, a.input(at, v.opts))
	for _, c := range checks {
		if at.IsZero() {
			c = attestation.Check{Name: c.Name, Status: attestation.NotDone, Required: c.Required, Detail: "it is not known as of when to appraise"}
		}
		c.Name = prefix + c.Name
		v.result.Checks = append(v.result.Checks, c)
	}
}

// appraiseOrigin appraises the epoch that received the records as of the time
// when it opened the part: it may be long dead, and its token expired, when
// another seals.
func (v *verification) appraiseOrigin() {
	a := v.b.Origin
	if a == nil {
		a = new(Attestation)
	}
	var at time.Time
	const name = originPrefix + "time"
	if v.m == nil {
		v.notDone(name, true, "no receipt can be read that states when the part was opened")
	} else {
		at = time.Unix(0, v.m.HostClock.OpenedUnixNano).UTC()
		v.pass(name, "as of %s, when the part was opened by the notary's host's clock, whatever time is given to the verifier", stamp(at))
	}
	v.appraise(originPrefix, a, at)
	v.checkConfigs(originPrefix, a, v.origin)
}

const originPrefix = "origin."

func (a *Attestation) input(at time.Time, opts Options) attestation.Input {
	in := attestation.Input{
		RuntimeData: a.RuntimeData, Token: string(a.Token), BundledJWKS: a.JWKS, TrustedJWKS: opts.TrustedJWKS, TrustedIssuer: opts.TrustedIssuer,
		KeptKeys: opts.KeptKeys, CRLs: opts.CRLs, At: at, AllowSimulated: opts.AllowSimulated,
	}
	in.Evidence.Report, in.Evidence.VCEKChain, in.Evidence.UVM, in.Evidence.CCEPolicy = a.Report, a.VCEKChain, a.UVM, a.CCEPolicy
	return in
}

// checkConfigs opens the digests of the configuration and of the plugins'.
func (v *verification) checkConfigs(prefix string, a *Attestation, d *runtimedata.RuntimeData) {
	file, plugins := prefix+"config.file", prefix+"config.plugins"
	if d == nil {
		v.notDone(file, true, "there is no well-formed runtime data")
		v.notDone(plugins, true, "there is no well-formed runtime data")
		return
	}
	switch {
	case a.Config == nil:
		v.notDone(file, true, "config.yaml is not in the bundle")
	case hexSHA256(a.Config) != d.Notary.Config:
		v.fail(file, "SHA-256 of config.yaml is %s, the runtime data has %s", hexSHA256(a.Config), d.Notary.Config)
	default:
		v.pass(file, "SHA-256 %s", d.Notary.Config)
	}
	names := slices.Sorted(maps.Keys(d.Notary.Plugins))
	for _, name := range names {
		c, ok := a.PluginConfigs[name]
		if !ok {
			v.notDone(plugins, true, "the configuration of %s is not in the bundle", name)
			return
		}
		if got, want := hexSHA256(c), d.Notary.Plugins[name].Config; got != want {
			v.fail(plugins, "SHA-256 of the configuration of %s is %s, the runtime data has %s", name, got, want)
			return
		}
	}
	if len(a.PluginConfigs) != len(names) {
		v.fail(plugins, "there are configurations of %d plugins, the runtime data names %d", len(a.PluginConfigs), len(names))
		return
	}
	v.pass(plugins, "opened: %s", strings.Join(names, ", "))
}

func hexSHA256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func (v *verification) signingKey() ed25519.PublicKey {
	if v.sealer == nil {
		return nil
	}
	key, err := v.sealer.SigningKey()
	if err != nil {
		return nil
	}
	return key
}

func (v *verification) checkSignature() {
	const name = "receipt.signature"
	key := v.signingKey()
	switch {
	case !v.readable:
		v.notDone(name, true, "the bundle cannot be read")
	case key == nil:
		v.notDone(name, true, "no well-formed runtime data names a signing key")
	default:
		if _, _, err := receipt.Verify(string(v.b.Receipt), key); err != nil {
			v.fail(name, "%v", err)
			return
		}
		v.signed = true
		v.pass(name, "number %d of its epoch, reason %q", v.m.Seq, v.m.Reason)
		v.anchor("signing key of the runtime data, kid " + receipt.KeyID(key))
	}
}

func (v *verification) anchor(s string) { v.result.Checks[len(v.result.Checks)-1].Anchor = s }

// unsigned adds name as not done if what it needs is not there: a receipt whose
// signature holds, and with it the sealer's runtime data.
func (v *verification) unsigned(name string) bool {
	if !v.signed {
		v.notDone(name, true, unsignedDetail)
	}
	return !v.signed
}

const unsignedDetail = "the receipt's signature is not verified"

func (v *verification) checkSealedBy() {
	const name = "receipt.sealed-by"
	if v.unsigned(name) {
		return
	}
	by := v.m.SealedBy
	digest := receipt.Hash(runtimedata.Digest(v.b.Sealer.RuntimeData))
	switch {
	case by.Epoch.String() != v.sealer.Notary.Epoch:
		v.fail(name, "the receipt was sealed by epoch %v, the runtime data is of %s", by.Epoch, v.sealer.Notary.Epoch)
	case by.RuntimeData != digest:
		v.fail(name, "the receipt names runtime data %v, the bundle has %v", by.RuntimeData, digest)
	default:
		v.pass(name, "epoch %v, runtime data %v", by.Epoch, digest)
	}
}

func (v *verification) checkOrigin() {
	const name = "receipt.origin"
	if v.unsigned(name) {
		return
	}
	o, d, data := v.m.Origin, v.sealer, v.b.Sealer.RuntimeData
	if v.recovered() {
		if v.origin == nil {
			v.notDone(name, true, "there is no well-formed runtime data of the epoch that received the records")
			return
		}
		d, data = v.origin, v.b.Origin.RuntimeData
	}
	digest := receipt.Hash(runtimedata.Digest(data))
	switch {
	case o.Epoch.String() != d.Notary.Epoch:
		v.fail(name, "the records were received by epoch %v, the runtime data is of %s", o.Epoch, d.Notary.Epoch)
	case o.RuntimeData != digest:
		v.fail(name, "the receipt names runtime data %v, the bundle has %v", o.RuntimeData, digest)
	case o.PluginSet.String() != d.Notary.PluginSet:
		v.fail(name, "the receipt names plugin set %v, the runtime data %s", o.PluginSet, d.Notary.PluginSet)
	case o.Mode != d.Notary.Mode:
		v.fail(name, "the receipt names mode %q, the runtime data %q", o.Mode, d.Notary.Mode)
	default:
		v.pass(name, "epoch %v, plugin set %v, mode %s", o.Epoch, o.PluginSet, o.Mode)
	}
}

// logKeys are the policy's keys of the log that it names: a log is known by its
// key, and its key by its name.
func (v *verification) logKeys() []string {
	if v.p.Log == nil {
		return nil
	}
	var keys []string
	for _, k := range v.p.Log.Keys {
		if strings.HasPrefix(k, v.p.Log.Origin+"+") {
			keys = append(keys, k)
		}
	}
	return keys
}

func (v *verification) checkProof() {
	const name = "log.proof"
	keys := v.logKeys()
	switch {
	case v.p.Log == nil:
		v.notDone(name, true, "the policy pins no log")
	case len(keys) == 0:
		v.notDone(name, true, "none of the policy's log keys is of its log, %.100q", v.p.Log.Origin)
	case v.unsigned(name):
	case v.b.Proof == nil:
		v.notDone(name, true, "the bundle has no proof: the commitment was not in the log when the bundle was made")
	default:
		index, err := receipt.VerifyProof(v.b.Proof, *v.result.Commitment, keys)
		if err != nil {
			v.fail(name, "%v", err)
			return
		}
		v.index, v.result.LogIndex = &index, &index
		v.pass(name, "commitment %v is entry %d of the log", *v.result.Commitment, index)
		v.anchor("log " + v.p.Log.Origin)
	}
}

// checkWitnesses: without witnesses whoever operates the log can keep one for
// the notary and another for everybody else. The same tree must be cosigned as the
// proof leads to, so this is about the proof that checkProof has found good.
func (v *verification) checkWitnesses() {
	const name = "log.witnesses"
	l := v.p.Log
	required := l != nil && l.Quorum > 0
	switch {
	case !required:
		v.notDone(name, false, "the policy names no witnesses: whoever operates the log can show others another one")
	case v.index == nil:
		v.notDone(name, true, "the receipt's place in the log is not proved")
	default:
		sealed := time.Unix(0, v.m.HostClock.SealedUnixNano)
		names, others, err := v.cosigners(v.b.Proof, sealed)
		switch {
		case err != nil:
			v.fail(name, "%v", err)
		case len(names) < l.Quorum:
			v.fail(name, "cosigned by %d of the policy's witnesses (%s), which wants %d%s", len(names), strings.Join(names, ", "), l.Quorum, others)
		default:
			v.pass(name, "cosigned by %s; the policy wants %d%s", strings.Join(names, ", "), l.Quorum, others)
			v.anchor(fmt.Sprintf("%d witnesses of the log", len(names)))
		}
	}
}

// cosigners returns the names of the policy's witnesses whose cosignatures of a proof's
// tree count, and what there is to say of the others. None counts that is from the
// future, and none that is too far from the sealing, if it is given and the policy
// bounds that.
func (v *verification) cosigners(proof []byte, sealed time.Time) (names []string, others string, err error) {
	l := v.p.Log
	signed, err := receipt.Cosigners(proof, l.Witnesses)
	if err != nil {
		return nil, "", err
	}
	for _, c := range signed {
		by, _, _ := strings.Cut(l.Witnesses[c.Witness], "+")
		switch {
		case !c.Within(time.Time{}, v.opts.now().Add(receipt.ClockSkew)):
			others += fmt.Sprintf("; that of %s is from the future, %s, and does not count", by, stamp(c.At))
		case l.CosignedWithin > 0 && !sealed.IsZero() && !c.Within(sealed.Add(-l.CosignedWithin), sealed.Add(l.CosignedWithin)):
			others += fmt.Sprintf("; that of %s, of %s, is not within %s of the sealing, %s, and does not count", by, stamp(c.At), l.CosignedWithin, stamp(sealed))
		default:
			names = append(names, by)
		}
	}
	return names, others, nil
}

// checkRecords reads each disclosed record once more, now that it is known what it has
// to be a leaf of.
func (v *verification) checkRecords() error {
	var buffer []byte
	for _, ref := range v.records {
		buffer = slices.Grow(buffer[:0], ref.size)[:ref.size]
		if n, err := v.r.ReadAt(buffer, ref.at); n < len(buffer) {
			return fmt.Errorf("read the bundle at byte %d: %w", ref.at, err)
		}
		if err := v.each(v.checkRecord(ref, buffer)); err != nil {
			return err
		}
	}
	return nil
}

func (v *verification) checkRecord(ref recordRef, data []byte) (attestation.Check, *Record) {
	c := attestation.Check{Name: fmt.Sprintf("record.%08d", ref.index), Required: true}
	failed := func(err error) (attestation.Check, *Record) {
		c.Status, c.Class, c.Detail = attestation.Fail, attestation.ClassFalse, err.Error()
		return c, nil
	}
	if !v.signed {
		c.Status, c.Detail = attestation.NotDone, unsignedDetail
		return c, nil
	}
	if sha256.Sum256(data) != ref.sum {
		return failed(errors.New("the file was changed while it was read"))
	}
	r, err := openRecord(ref.index, data, v.m)
	if err != nil {
		return failed(err)
	}
	edits := "edit list not shown"
	switch {
	case receipt.Dropped(r.Edits):
		edits = "dropped by redaction"
	case r.EditsShown:
		edits = fmt.Sprintf("%d edits", len(r.Edits))
	}
	c.Status, c.Detail = attestation.Pass, fmt.Sprintf("%s of %d bytes, %s", r.Kind, len(r.Record), edits)
	return c, r
}

func openRecord(index uint64, data []byte, m *receipt.Manifest) (*Record, error) {
	o, err := receipt.ParseOpening(data)
	if err != nil {
		return nil, err
	}
	if o.Index != index {
		return nil, fmt.Errorf("the part is named for leaf %d and opens leaf %d", index, o.Index)
	}
	if err := o.Verify(m); err != nil {
		return nil, err
	}
	r := &Record{Index: index, Kind: o.Kind.String(), Resource: o.Resource, Scope: o.Scope, Record: o.Record, Edits: []receipt.Edit{}}
	if o.EditKey != nil {
		r.EditsShown = true
		if r.Edits, err = receipt.DecodeEdits(o.Edits); err != nil {
			return nil, err
		}
	}
	if receipt.Dropped(r.Edits) && len(o.Record)+len(o.Resource)+len(o.Scope) > 0 {
		return nil, errors.New("its edit list says that the record was dropped, and here is text of it")
	}
	if o.Kind == receipt.Closing {
		if index != m.Leaves-1 {
			return nil, fmt.Errorf("a summary is the last leaf, this is leaf %d of %d", index, m.Leaves)
		}
		if r.Summary, err = receipt.ParseSummary(o.Record); err != nil {
			return nil, err
		}
	}
	return r, nil
}
