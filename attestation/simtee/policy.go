package simtee

import (
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/snp"
	"go.yaml.in/yaml/v4"
)

// Policy returns a relying party's policy that accepts this TEE, while it runs,
// with these plugin sets, or with any if none is given. Both verification paths
// are required. The caller may add to it before [MarshalPolicy].
func (t *TEE) Policy(pluginSets ...policy.Digest) (*policy.Policy, error) {
	s := t.serving()
	if s.maaURL == "" {
		return nil, errors.New("simulated TEE: not started, so its issuer has no address yet")
	}
	m := models[t.state.Product].tcb
	return &policy.Policy{
		Format:   policy.Format,
		Require:  []string{policy.PathHardware, policy.PathMAA},
		Products: []snp.Product{t.state.Product},
		MinimumTCB: map[snp.Product]policy.TCB{t.state.Product: {
			FMC: m.FMC, Bootloader: m.Bootloader, TEE: m.TEE, SNP: m.SNP, Microcode: m.Microcode,
		}},
		HostData:  []policy.Digest{t.HostData()},
		UVM:       policy.UVM{MinSVN: UVMSVN},
		PluginSet: pluginSets,
		Simulated: &policy.Simulated{
			ARK:        t.state.ARK,
			UVMDID:     t.state.UVMDID,
			Issuer:     s.maaURL,
			PolicyHash: t.PolicyHash(),
			JWKS:       string(t.JWKS()),
		},
	}, nil
}

// PolicyYAML returns that policy as a file. Plugin sets are SHA-256 digests in
// lower-case hex.
func (t *TEE) PolicyYAML(pluginSets ...string) ([]byte, error) {
	digests := make([]policy.Digest, len(pluginSets))
	for i, s := range pluginSets {
		b, err := hex.DecodeString(s)
		if err != nil || len(b) != len(digests[i]) {
			return nil, fmt.Errorf("simulated TEE: plugin set %.80q is not a SHA-256 in hex", s)
		}
		copy(digests[i][:], b)
	}
	p, err := t.Policy(digests...)
	if err != nil {
		return nil, err
	}
	return MarshalPolicy(p)
}

// MarshalPolicy writes a policy for a simulated TEE as a file that says what it
// is. The result parses.
func MarshalPolicy(p *policy.Policy) ([]byte, error) {
	body, err := yaml.Dump(p)
	if err != nil {
		return nil, fmt.Errorf("simulated TEE: write policy: %w", err)
	}
	file := append([]byte("# "+Organization+".\n# This policy trusts a simulator: what it accepts says nothing about a real machine.\n"), body...)
	if _, err := policy.Parse(file); err != nil {
		return nil, fmt.Errorf("simulated TEE: %w", err)
	}
	return file, nil
}
