// Command redact-pii is the notary's built-in redactor of personal data and
// credentials. Built for wasip1 it is a plugin; see README.md and package
// detect for what it finds.
package main

import (
	"github.com/veriproof/notary/plugins/redact-pii/detect"
	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/redactor"
)

func init() { redactor.Register(spec()) }

func main() {}

func spec() redactor.Spec {
	return redactor.Spec{Labels: detect.Labels(), Configure: configure}
}

func configure(config []byte) (redactor.Redactor, error) {
	d, err := detect.Configure(config)
	if err != nil {
		return nil, err
	}
	p := &pii{detector: d}
	p.emit = p.finding
	return p, nil
}

// pii passes findings on as edits.
type pii struct {
	detector *detect.Detector
	emit     func(detect.Finding) // bound once: a batch makes no garbage
	edits    *redactor.Edits
	field    int
}

// Redact implements redactor.Redactor.
func (p *pii) Redact(fields []abi.Field, edits *redactor.Edits) error {
	p.edits = edits
	for i := range fields {
		p.field = i
		p.detector.Scan(fields[i].Text, fields[i].Key, p.emit)
	}
	return nil
}

func (p *pii) finding(f detect.Finding) {
	p.edits.Add(p.field, f.Start, f.End, uint16(f.Label), f.Score)
}
