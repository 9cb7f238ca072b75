package show

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/veriproof/notary/attestation/maa"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/runtimedata"
)

// meanings explains MAA's claims.
var meanings = map[string]string{
	"alg": "the one algorithm that MAA signs with, and that is accepted here, is RS256",
	"jku": "where MAA says that its keys are; never followed",
	"kid": "which key signed",
	"typ": "",

	"iss":                            "the instance; anybody can run one, so it must be the expected one exactly",
	"exp":                            "expires",
	"iat":                            "issued; it dates the token and not the report",
	"nbf":                            "not valid before",
	"jti":                            "of this token",
	"nonce":                          "from the request; it says nothing about the hardware",
	"x-ms-ver":                       "",
	"x-ms-attestation-type":          "sevsnpvm is a token about SEV-SNP",
	"x-ms-compliance-status":         "azure-compliant-uvm: Microsoft endorsed the utility VM of a container group",
	"x-ms-policy-hash":               "of the instance's own policy",
	"x-ms-isolation-tee":             "AN AZURE CVM: the claims below it are about another machine; refused here",
	maa.SimulatedClaim:               "A SIMULATED ATTESTATION SERVICE made this token",
	"hostdata":                       "SHA-256 of the container policy, which identifies the code",
	"reportdata":                     "SHA-256 of the runtime data, and zeros",
	"reportid":                       "of the guest",
	"launchmeasurement":              "of the utility VM",
	"is-debuggable":                  "true: the host can read the guest's memory",
	"migration-allowed":              "true: a migration agent can export the guest's memory",
	"smt-allowed":                    "the guest may run with simultaneous multithreading",
	"vmpl":                           "privilege level that asked for the report, 0 the highest",
	"guestsvn":                       "security version of the guest, by its owner",
	"bootloader-svn":                 "part of the reported TCB",
	"tee-svn":                        "part of the reported TCB",
	"snpfw-svn":                      "part of the reported TCB",
	"microcode-svn":                  "part of the reported TCB",
	"chip-family":                    "product line of the processor",
	"chipid":                         "of the chip",
	"idkeydigest":                    "of the key that signed the guest's identity",
	"authorkeydigest":                "of the key that signed the id key",
	"familyId":                       "given by the guest's owner",
	"imageId":                        "given by the guest's owner",
	"uvm-endorsement-headers.feed":   "line of utility VMs",
	"uvm-endorsement-headers.iss":    "who endorsed the utility VM",
	"singlesocket":                   "the guest runs on one socket only",
	"cxl-allowed":                    "CXL devices and memory are allowed",
	"mem-aes256-xts-required":        "memory encryption with AES-256-XTS was demanded",
	"rapl-disabled":                  "running average power limit had to be off",
	"ciphertext-hiding-dram-enabled": "the host cannot read the guest's ciphertext",
	"page-swap-disabled":             "pages cannot be moved or swapped",

	"uvm-endorsement.x-ms-sevsnpvm-guestsvn":          "security version of the utility VM",
	"uvm-endorsement.x-ms-sevsnpvm-guestsvn-int":      "security version of the utility VM",
	"uvm-endorsement.x-ms-sevsnpvm-launchmeasurement": "the measurement that was endorsed",

	"notary.config":      "SHA-256 of the notary's configuration file",
	"notary.epoch":       "of this start of the notary; new keys, new epoch",
	"notary.format":      "",
	"notary.mode":        "enforce: what cannot be redacted is refused",
	"notary.plugin_set":  "of all plugins in their order",
	"notary.recipients":  "of the keys that can read sealed sessions",
	"notary.signing_key": "signs journal and receipts (Ed25519)",
	"notary.tls_spki":    "SHA-256 of the serving key: compare it with the connection's",
	"notary.version":     "by the notary's own word",
}

func token(d *builder, b []byte) error {
	header, payload, err := maa.Decode(string(bytes.TrimSpace(b)))
	if err != nil {
		return err
	}
	d.section("header")
	if err := d.members(header); err != nil {
		return err
	}
	d.section("claims")
	return d.members(payload)
}

func runtimeData(d *builder, b []byte) error {
	b = bytes.TrimSpace(b)
	d.section("as bytes")
	digest := runtimedata.Digest(b)
	d.number("size", uint64(len(b)), "bytes")
	d.hex("sha256", digest[:], "the first half of REPORT_DATA")
	if _, err := runtimedata.Parse(b); err != nil {
		d.add("form", err.Error(), "a notary's runtime data has one encoding; this is another")
	} else {
		d.add("form", "exact", "the one encoding that survives MAA")
	}
	d.section("members")
	return d.members(b)
}

func keySet(d *builder, b []byte) error {
	set, err := maa.ParseKeySet(b)
	if err != nil {
		return err
	}
	d.section("keys for RS256")
	for _, kid := range set.KeyIDs() {
		key, _ := set.Key(kid)
		sum, _ := set.Fingerprint(kid)
		d.add(kid, fmt.Sprintf("RSA, %d bits", key.N.BitLen()), "SHA-256 of the public key: "+hex.EncodeToString(sum[:]))
	}
	return nil
}

// members adds the members of a JSON object, those of objects inside it under
// their paths.
func (d *builder) members(text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var o map[string]any
	if err := dec.Decode(&o); err != nil {
		return errors.New("not a JSON object")
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("data after the JSON object")
	}
	d.walk("", o)
	return nil
}

func (d *builder) walk(prefix string, o map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(o)) {
		path := prefix + name
		if inner, ok := o[name].(map[string]any); ok {
			d.walk(path+".", inner)
			continue
		}
		d.add(path, value(path, o[name]), meaning(path, o[name]))
	}
}

// value writes a JSON value: strings bare, times readable, the rest as JSON.
func value(path string, v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	if n, ok := v.(json.Number); ok && (path == "exp" || path == "iat" || path == "nbf") {
		if sec, err := n.Int64(); err == nil && sec >= 0 && sec < 1<<36 {
			return stamp(time.Unix(sec, 0))
		}
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

func meaning(path string, v any) string {
	if path == "x-ms-sevsnpvm-hostdata" {
		var digest policy.Digest
		if s, ok := v.(string); ok && digest.UnmarshalText([]byte(s)) == nil {
			if name, bad := policy.AllowAll(digest); bad {
				return "SHA-256 of " + name + ": it identifies no code"
			}
		}
	}
	for _, prefix := range []string{"", "x-ms-sevsnpvm-", "x-ms-runtime."} {
		if rest, ok := strings.CutPrefix(path, prefix); ok && meanings[rest] != "" {
			return meanings[rest]
		}
	}
	if strings.Contains(path, "notary.plugins.") {
		return "of a loaded plugin"
	}
	if strings.HasSuffix(path, "keys") {
		return "public keys that are bound to the hardware"
	}
	return ""
}
