package show

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/veriproof/notary/attestation/maa"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/runtimedata"
)

// The meanings go by the whole path of a member, so that a name which a guest or the
// owner of an instance chose does not borrow the meaning of another one.
var (
	headerMeanings = map[string]string{
		"alg": "the one algorithm that MAA signs with, and that is accepted here, is RS256",
		"jku": "where MAA says that its keys are; never followed",
		"kid": "which key signed",
		"typ": "",
	}
	claimMeanings = map[string]string{
		"iss":                    "the instance; anybody can run one, so it must be the expected one exactly",
		"exp":                    "expires",
		"iat":                    "issued; it dates the token and not the report",
		"nbf":                    "not valid before",
		"jti":                    "of this token",
		"nonce":                  "from the request; it says nothing about the hardware",
		"x-ms-ver":               "",
		"x-ms-attestation-type":  "sevsnpvm is a token about SEV-SNP",
		"x-ms-compliance-status": "azure-compliant-uvm: Microsoft endorsed the utility VM of a container group",
		"x-ms-policy-hash":       "of the instance's own policy",
		maa.SimulatedClaim:       "A SIMULATED ATTESTATION SERVICE made this token",
		"x-ms-inittime":          "from the request; it says nothing about the hardware",
	}
	// snpMeanings are those of claims behind snpPrefix.
	snpMeanings = map[string]string{
		"reportdata":                             "SHA-256 of the runtime data, and zeros",
		"reportid":                               "of the guest",
		"launchmeasurement":                      "of the utility VM",
		"is-debuggable":                          "true: the host can read the guest's memory",
		"migration-allowed":                      "true: a migration agent can export the guest's memory",
		"smt-allowed":                            "true: the guest may run with simultaneous multithreading",
		"vmpl":                                   "privilege level that asked for the report, 0 the highest",
		"guestsvn":                               "security version of the guest, by its owner",
		"bootloader-svn":                         "part of the reported TCB",
		"tee-svn":                                "part of the reported TCB",
		"snpfw-svn":                              "part of the reported TCB",
		"microcode-svn":                          "part of the reported TCB",
		"chip-family":                            "product line of the processor",
		"chipid":                                 "of the chip",
		"idkeydigest":                            "of the key that signed the guest's identity",
		"authorkeydigest":                        "of the key that signed the id key",
		"familyId":                               "given by the guest's owner",
		"imageId":                                "given by the guest's owner",
		"uvm-endorsement-headers.feed":           "line of utility VMs",
		"uvm-endorsement-headers.iss":            "who endorsed the utility VM",
		"singlesocket":                           "true: the guest runs on one socket only",
		"cxl-allowed":                            "true: CXL devices and memory are allowed",
		"mem-aes256-xts-required":                "true: memory encryption with AES-256-XTS was demanded",
		"rapl-disabled":                          "true: running average power limit had to be off",
		"ciphertext-hiding-dram-enabled":         "true: the host cannot read the guest's ciphertext",
		"page-swap-disabled":                     "true: pages cannot be moved or swapped",
		"uvm-endorsement.x-ms-sevsnpvm-guestsvn": "security version of the utility VM",
		"uvm-endorsement.x-ms-sevsnpvm-guestsvn-int":      "security version of the utility VM",
		"uvm-endorsement.x-ms-sevsnpvm-launchmeasurement": "the measurement that was endorsed",
	}
	runtimeMeanings = map[string]string{
		"notary.config":      "SHA-256 of the notary's configuration file",
		"notary.epoch":       "of this start of the notary; new keys, new epoch",
		"notary.format":      "",
		"notary.mode":        "enforce: what cannot be redacted is refused; shadow and none: everything is stored as sent",
		"notary.plugin_set":  "of all plugins in their order",
		"notary.recipients":  "of the keys that can read sealed sessions",
		"notary.signing_key": "signs journal and receipts (Ed25519)",
		"notary.tls_spki":    "SHA-256 of the serving key: compare it with the connection's",
		"notary.version":     "by the notary's own word",
	}
	keyMeanings = map[string]string{
		"kid": "name of a public key", "kty": "kind of a public key", "key_ops": "what may be done with a public key", "use": "what a public key is for",
		"alg": "algorithm of a public key", "n": "modulus of a public key (RSA)", "e": "exponent of a public key (RSA)",
		"crv": "curve of a public key", "x": "coordinate of a public key", "y": "coordinate of a public key",
	}
)

const (
	snpPrefix     = "x-ms-sevsnpvm-"
	runtimePrefix = "x-ms-runtime."
	cvmPrefix     = "x-ms-isolation-tee."

	plain       = "as the format has it"
	ofTheCVM    = "AN AZURE CVM: the claims below it are about another machine; refused here"
	ofTheGuest  = "the guest's own word"
	strangeName = "a claim of the instance's own policy, or one that is not known here"
)

func token(d *builder, b []byte) error {
	header, payload, err := maa.Decode(string(bytes.TrimSpace(b)))
	if err != nil {
		return err
	}
	d.section("header")
	if err := d.members(header, headerMeaning); err != nil {
		return err
	}
	d.section("claims")
	return d.members(payload, claimMeaning)
}

func runtimeData(d *builder, b []byte) error {
	b = bytes.TrimSpace(b)
	d.section("as bytes")
	digest := runtimedata.Digest(b)
	d.number("size", uint64(len(b)), "bytes")
	d.hex("sha256", digest[:], "the first half of REPORT_DATA")
	if _, err := runtimedata.Parse(b); err != nil {
		d.add("form", err.Error(), "not a notary's, whose runtime data has one encoding")
	} else {
		d.add("form", "exact", "the one encoding that survives MAA")
	}
	d.section("members")
	return d.members(b, runtimeMeaning)
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
func (d *builder) members(text []byte, mean func(path string, v any) string) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var o map[string]any
	if err := dec.Decode(&o); err != nil {
		return errors.New("not a JSON object")
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("data after the JSON object")
	}
	d.walk("", o, mean)
	return nil
}

var plainName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func (d *builder) walk(prefix string, o map[string]any, mean func(string, any) string) {
	for _, name := range slices.Sorted(maps.Keys(o)) {
		path := prefix + name
		if !plainName.MatchString(name) {
			path = prefix + strconv.Quote(name) // a dot in a name is no level
		}
		switch v := o[name].(type) {
		case map[string]any:
			d.walk(path+".", v, mean)
		case []any:
			d.elements(path, v, mean)
		default:
			d.add(path, value(v), mean(path, v))
		}
	}
}

// elements adds a list of objects member by member, and any other list as one value.
func (d *builder) elements(path string, list []any, mean func(string, any) string) {
	objects := make([]map[string]any, 0, len(list))
	for _, v := range list {
		if o, ok := v.(map[string]any); ok {
			objects = append(objects, o)
		}
	}
	if len(objects) != len(list) || len(list) == 0 {
		d.add(path, value(list), mean(path, list))
		return
	}
	for i, o := range objects {
		d.walk(fmt.Sprintf("%s[%d].", path, i), o, mean)
	}
}

// value writes a JSON value: strings bare, the rest as JSON.
func value(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

func headerMeaning(path string, _ any) string {
	if m, known := headerMeanings[path]; known {
		return orElse(m != "", m, plain)
	}
	return "MAA does not send it; not known here"
}

func claimMeaning(path string, v any) string {
	if rest, ok := strings.CutPrefix(path, runtimePrefix); ok {
		return runtimeMeaning(rest, v)
	}
	if strings.HasPrefix(path+".", cvmPrefix) {
		return ofTheCVM
	}
	if path == snpPrefix+"hostdata" {
		return hostDataClaim(v)
	}
	if m, known := claimMeanings[path]; known {
		return orElse(m != "", m, plain) + inWords(path, v)
	}
	if rest, ok := strings.CutPrefix(path, snpPrefix); ok && snpMeanings[rest] != "" {
		return snpMeanings[rest]
	}
	return strangeName
}

// inWords says what a value means beyond its name.
func inWords(path string, v any) string {
	switch path {
	case "exp", "iat", "nbf":
		if n, ok := v.(json.Number); ok {
			if sec, err := n.Int64(); err == nil && sec >= 0 && sec < 1<<36 {
				return ": " + stamp(time.Unix(sec, 0))
			}
		}
	case "x-ms-policy-hash":
		if v == maa.DefaultPolicyHash {
			return ": the default one of Microsoft's shared instances"
		}
	}
	return ""
}

func hostDataClaim(v any) string {
	var digest policy.Digest
	if s, ok := v.(string); ok && digest.UnmarshalText([]byte(s)) == nil {
		return hostDataMeaning(digest)
	}
	return "not a SHA-256"
}

var keyPath = regexp.MustCompile(`^keys\[[0-9]+\]\.([a-z_]+)$`)

// runtimeMeaning is about runtime data, whether in a token or by itself.
func runtimeMeaning(path string, _ any) string {
	if m, known := runtimeMeanings[path]; known {
		return orElse(m != "", m, plain)
	}
	if key := keyPath.FindStringSubmatch(path); key != nil && keyMeanings[key[1]] != "" {
		return keyMeanings[key[1]]
	}
	if strings.HasPrefix(path, "notary.plugins.") {
		return "of a loaded plugin"
	}
	if path == "keys" {
		return "public keys that are bound to the hardware"
	}
	return ofTheGuest
}
