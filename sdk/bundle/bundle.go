package bundle

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/sdk/journal"
)

// MediaType is the media type of a bundle (RFC 6838).
const MediaType = "application/vnd.veriproof.notary.bundle.v1+zip"

const (
	// MaxSize is the greatest length in bytes of a bundle that is held in memory: of
	// Encode, Parse and Verify. It bounds each part of a larger one, too.
	MaxSize = 256 << 20
	// MaxFileSize is the greatest length of a bundle: of Write and VerifyReader. Behind
	// it ZIP would need another form of its offsets.
	MaxFileSize int64 = 1<<32 - 2
)

// ErrBundle says that a bundle is malformed.
var ErrBundle = errors.New("malformed bundle")

// A Bundle is the content of a bundle file. A nil slice is an absent part, which
// differs from an empty one.
type Bundle struct {
	// Sealer is what is known about the epoch that sealed the session part. Its
	// RuntimeData and Config are never absent.
	Sealer Attestation
	// Origin is the same about the epoch that received the records. It is nil
	// unless a later epoch sealed the part.
	Origin *Attestation
	// Receipt is the compact JWS. It is never absent.
	Receipt []byte
	// Proof is the C2SP tlog-proof of the receipt's commitment.
	Proof []byte
	// EpochEnd is the entry that ended the sealing epoch's journal (EncodeEnd),
	// and EpochEndProof is the proof of its commitment. Both or neither.
	EpochEnd, EpochEndProof []byte
	// Records are the disclosed records, by leaf index: receipt.Opening.Encode.
	Records map[uint64][]byte
}

// An Attestation is what a verifier needs to know about one epoch.
type Attestation struct {
	RuntimeData []byte // exact bytes
	Config      []byte // the configuration file
	// PluginConfigs are the plugins' configurations by plugin name.
	PluginConfigs map[string][]byte
	Token         []byte // MAA token, compact JWS
	JWKS          []byte // MAA's keys as the notary saw them; data, never an anchor
	Report        []byte // SNP report
	VCEKChain     []byte // PEM: VCEK, ASK, ARK
	UVM           []byte // COSE_Sign1
	CCEPolicy     []byte // Rego
}

// AttestationOf takes an epoch's entry 0 and the Evidence that was in force at
// the time of interest, which is that of entry 0 or a renewal.
func AttestationOf(e *journal.EpochBody, evidence *journal.EvidenceBody) Attestation {
	configs := make(map[string][]byte, len(e.PluginConfigs))
	for name, c := range e.PluginConfigs {
		configs[name] = present(c)
	}
	return Attestation{
		RuntimeData: e.RuntimeData, Config: present(e.Config), PluginConfigs: configs,
		Token: absent([]byte(evidence.Token)), JWKS: absent(evidence.JWKS),
		Report: absent(evidence.Report), VCEKChain: absent(evidence.Chain),
		UVM: absent(evidence.UVM), CCEPolicy: absent(evidence.CCEPolicy),
	}
}

// present makes a configuration a part even if it is empty: its digest is
// measured all the same.
func present(b []byte) []byte { return append([]byte{}, b...) }

// absent makes what an entry does not have no part.
func absent(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

// manifestName is the part that lists the others. It comes first.
const manifestName = "manifest.json"

// Parse reads a bundle file of at most MaxSize bytes into memory. It refuses bytes that
// Encode would not have made. Whether any of it is true is Verify's question.
func Parse(data []byte) (*Bundle, error) {
	b := new(Bundle)
	err := scan(bytes.NewReader(data), int64(len(data)), MaxSize, func(p part) error { return b.add(p.name, p.data) })
	if err == nil {
		err = b.complete()
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBundle, err)
	}
	return b, nil
}

func (b *Bundle) add(name string, data []byte) error {
	if !b.set(name, data) {
		return fmt.Errorf("%.200q is not the name of a part", name)
	}
	return nil
}

// complete checks for the parts without which there is nothing to verify.
func (b *Bundle) complete() error {
	switch {
	case b.Receipt == nil:
		return errors.New("receipt.jws is missing")
	case b.Sealer.RuntimeData == nil:
		return errors.New("runtime-data.json is missing")
	case b.Sealer.Config == nil:
		return errors.New("config.yaml is missing")
	}
	return nil
}

// slots are the parts with a fixed name.
func (b *Bundle) slots() map[string]*[]byte {
	return map[string]*[]byte{
		"receipt.jws": &b.Receipt, "proof.tlog-proof": &b.Proof,
		"epoch-end.entry": &b.EpochEnd, "epoch-end.tlog-proof": &b.EpochEndProof,
	}
}

func (a *Attestation) slots() map[string]*[]byte {
	return map[string]*[]byte{
		"runtime-data.json": &a.RuntimeData, "config.yaml": &a.Config,
		"maa.jwt": &a.Token, "maa-jwks.json": &a.JWKS,
		"report.bin": &a.Report, "vcek-chain.pem": &a.VCEKChain, "uvm.cose": &a.UVM, "cce-policy.rego": &a.CCEPolicy,
	}
}

const (
	originDir                = "origin/"
	pluginDir, pluginSuffix  = "plugins/", ".config"
	recordsDir, recordSuffix = "records/", ".json"
)

// recordName is the part of the leaf with that index. Eight digits sort in the
// order of the leaves; a part has fewer than 10^8 of them.
func recordName(index uint64) string { return fmt.Sprintf("%s%08d%s", recordsDir, index, recordSuffix) }

const maxRecord = 99_999_999

// recordIndex is the inverse of recordName.
func recordIndex(name string) (uint64, bool) {
	text := strings.TrimSuffix(strings.TrimPrefix(name, recordsDir), recordSuffix)
	index, err := strconv.ParseUint(text, 10, 64)
	return index, err == nil && index <= maxRecord && recordName(index) == name
}

func (a *Attestation) files(dir string) []file {
	files := filled(dir, a.slots())
	for name, data := range a.PluginConfigs {
		files = append(files, file{dir + pluginDir + name + pluginSuffix, data})
	}
	return files
}

func filled(dir string, slots map[string]*[]byte) []file {
	var files []file
	for name, data := range slots {
		if *data != nil {
			files = append(files, file{dir + name, *data})
		}
	}
	return files
}

// set puts data where the part's name says. There are no other names, so none
// can lead out of a directory that somebody unpacks a bundle into.
func (b *Bundle) set(name string, data []byte) bool {
	if slot, ok := b.slots()[name]; ok {
		*slot = data
		return true
	}
	if rest, ok := strings.CutPrefix(name, originDir); ok {
		if b.Origin == nil {
			b.Origin = new(Attestation)
		}
		return b.Origin.set(rest, data)
	}
	if strings.HasPrefix(name, recordsDir) {
		index, ok := recordIndex(name)
		if !ok {
			return false
		}
		if b.Records == nil {
			b.Records = make(map[uint64][]byte)
		}
		b.Records[index] = data
		return true
	}
	return b.Sealer.set(name, data)
}

func (a *Attestation) set(name string, data []byte) bool {
	if slot, ok := a.slots()[name]; ok {
		*slot = data
		return true
	}
	rest, ok := strings.CutPrefix(name, pluginDir)
	plugin, ok2 := strings.CutSuffix(rest, pluginSuffix)
	if !ok || !ok2 || !runtimedata.ValidPluginName(plugin) {
		return false
	}
	if a.PluginConfigs == nil {
		a.PluginConfigs = make(map[string][]byte)
	}
	a.PluginConfigs[plugin] = data
	return true
}
