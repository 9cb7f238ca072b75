package attester

import (
	"encoding/base64"
	"encoding/hex"

	"github.com/veriproof/notary/attestation/runtimedata"
)

// Claims are what a notary says about its own epoch, beside its keys. The
// hardware attests them through the runtime data.
type Claims struct {
	Epoch        [16]byte // random, one per life of a process
	ConfigDigest [32]byte // SHA-256 of the configuration file
	Recipients   [32]byte // digest over the recipients' public keys
	PluginSet    [32]byte // digest over the ordered plugin set
	Plugins      map[string]runtimedata.Plugin
	Mode         string // runtimedata.ModeEnforce, ModeShadow or ModeNone
	Version      string // of the build
}

// RuntimeData returns the exact bytes that are bound into REPORT_DATA for these
// claims and keys. Errors wrap [runtimedata.ErrInvalid].
func (c Claims) RuntimeData(k *Keys) ([]byte, error) {
	spki := k.SPKI()
	plugins := c.Plugins
	if plugins == nil {
		plugins = map[string]runtimedata.Plugin{}
	}
	return runtimedata.RuntimeData{
		Keys: []runtimedata.JWK{runtimedata.RSAKey(k.TransportPublic())},
		Notary: runtimedata.Notary{
			Config:     hex.EncodeToString(c.ConfigDigest[:]),
			Epoch:      hex.EncodeToString(c.Epoch[:]),
			Format:     runtimedata.Format,
			Mode:       c.Mode,
			PluginSet:  hex.EncodeToString(c.PluginSet[:]),
			Plugins:    plugins,
			Recipients: hex.EncodeToString(c.Recipients[:]),
			SigningKey: base64.RawURLEncoding.EncodeToString(k.SigningPublic()),
			TLSSPKI:    hex.EncodeToString(spki[:]),
			Version:    c.Version,
		},
	}.Marshal()
}
