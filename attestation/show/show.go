// Package show explains a piece of Evidence, or an endorsement of it, in words:
// which fields it has, what stands in them and what that means. It tells kinds
// apart by their form, so that one can look at a file without knowing what it is.
//
// # Nothing is verified
//
// What is shown is what the bytes say, and anybody can write bytes. Whether they
// are true is a question for packages attestation, snp, uvm and maa. Description
// repeats this in its Note.
//
// # Guarantees
//
// Input of any content gives a Description or an error, never a panic; its size is
// bounded before anything is done with it. Values from outside come out printable
// and shortened. The package has no state, opens no socket and no file and builds
// for js/wasm; its functions may be called concurrently.
package show

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/veriproof/notary/attestation/snp"
)

const (
	// MaxSize bounds the input in bytes.
	MaxSize = 2 << 20

	maxValue  = 600  // bytes of one value
	maxFields = 2000 // of one description
)

// Kind is what a piece of Evidence is.
type Kind string

// The kinds.
const (
	Report      Kind = "snp-report"        // 1184 bytes, or their hex
	Chain       Kind = "certificate-chain" // PEM: VCEK, ASK, ARK
	THIM        Kind = "thim"              // Azure's JSON with the chain in it
	CRL         Kind = "revocation-list"   // AMD's, DER or PEM
	Endorsement Kind = "uvm-endorsement"   // COSE_Sign1
	CCEPolicy   Kind = "cce-policy"        // the container group's policy in Rego
	Token       Kind = "maa-token"         // compact JWS
	KeySet      Kind = "jwks"              // of an MAA instance
	RuntimeData Kind = "runtime-data"      // a notary's, or another guest's
)

var (
	// ErrUnknown: the bytes have the form of none of the kinds.
	ErrUnknown = errors.New("not a kind of Evidence that is known here")
	// ErrMalformed: they have the form of a kind at first sight, but cannot be read.
	ErrMalformed = errors.New("cannot be read")
)

// A Field is one thing that is said.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	// Meaning explains the value, or the field, in words; may be empty.
	Meaning string `json:"meaning,omitempty"`
}

// A Section is a group of fields.
type Section struct {
	Title  string  `json:"title"`
	Fields []Field `json:"fields"`
}

// A Description is everything that a piece of Evidence says.
type Description struct {
	Kind Kind `json:"kind"`
	// Note says what this is, and that nothing was verified.
	Note     string    `json:"note"`
	Sections []Section `json:"sections"`
}

// Detect tells the kind of b by its form. It also returns the bytes themselves,
// taken out of the hex or base64 that they may come in.
func Detect(b []byte) (Kind, []byte, error) {
	if len(b) > MaxSize {
		return "", nil, fmt.Errorf("%w: %d bytes, at most %d", ErrUnknown, len(b), MaxSize)
	}
	if kind := bare(b); kind != "" {
		return kind, b, nil
	}
	text := bytes.TrimSpace(b)
	if inner, err := hex.DecodeString(string(text)); err == nil && bare(inner) == Report {
		return Report, inner, nil
	}
	// The files of the security context directory are base64.
	if inner, err := base64.StdEncoding.DecodeString(string(text)); err == nil {
		if kind := bare(inner); kind != "" {
			return kind, inner, nil
		}
	}
	return "", nil, ErrUnknown
}

func bare(b []byte) Kind {
	text := bytes.TrimSpace(b)
	switch {
	case len(b) == snp.ReportSize && b[1]|b[2]|b[3] == 0: // a small version, little endian; texts have no zeros
		return Report
	case bytes.HasPrefix(text, []byte("{")):
		return jsonKind(text)
	case bytes.HasPrefix(text, []byte("-----BEGIN CERTIFICATE-----")):
		return Chain
	case bytes.HasPrefix(text, []byte("-----BEGIN X509 CRL-----")):
		return CRL
	case bytes.HasPrefix(text, []byte("package ")):
		return CCEPolicy
	case len(b) > 0 && b[0] == 0xd2:
		return Endorsement
	case len(b) > 1 && b[0] == 0x30 && b[1] > 0x80: // DER, and no text that begins with a 0
		return CRL
	case isToken(string(text)):
		return Token
	}
	return ""
}

// jsonKind goes by the members that a kind cannot do without. Keys stand in key sets
// and in runtime data; only the latter has some for encryption.
func jsonKind(text []byte) Kind {
	var o map[string]json.RawMessage
	if json.Unmarshal(text, &o) != nil {
		return ""
	}
	_, vcek := o["vcekCert"]
	_, listed := o["keys"]
	_, notary := o["notary"]
	switch {
	case vcek:
		return THIM
	case notary, encrypts(o["keys"]):
		return RuntimeData
	case listed:
		return KeySet
	}
	return ""
}

// encrypts reports whether a list of JSON Web Keys (RFC 7517) has one for encryption.
func encrypts(list []byte) bool {
	var keys []struct {
		Use string   `json:"use"`
		Ops []string `json:"key_ops"`
	}
	if json.Unmarshal(list, &keys) != nil {
		return false
	}
	for _, k := range keys {
		if k.Use == "enc" || slices.Contains(k.Ops, "encrypt") {
			return true
		}
	}
	return false
}

func isToken(s string) bool {
	head, rest, ok := strings.Cut(s, ".")
	if !ok || strings.Count(rest, ".") != 1 {
		return false
	}
	b, err := base64.RawURLEncoding.DecodeString(head)
	return err == nil && bytes.HasPrefix(b, []byte("{"))
}

// Describe tells what b is and what it says. The error wraps ErrUnknown or
// ErrMalformed.
func Describe(b []byte) (*Description, error) {
	kind, inner, err := Detect(b)
	if err != nil {
		return nil, err
	}
	describe := map[Kind]func(*builder, []byte) error{
		Report: report, Chain: chain, THIM: thim, CRL: crl, Endorsement: endorsement, CCEPolicy: ccePolicy,
		Token: token, KeySet: keySet, RuntimeData: runtimeData,
	}[kind]
	d := &builder{Description: Description{Kind: kind, Note: notes[kind] + " Shown as it stands; nothing is verified."}}
	if err := describe(d, inner); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", kind, ErrMalformed, err)
	}
	return &d.Description, nil
}

var notes = map[Kind]string{
	Report:      "An attestation report of AMD SEV-SNP hardware.",
	Chain:       "The certificates from a chip's key to AMD's root.",
	THIM:        "Azure's answer with the certificates of the chip below (Trusted Hardware Identity Management).",
	CRL:         "A revocation list.",
	Endorsement: "Microsoft's endorsement of a utility VM, which runs below the containers of a confidential group.",
	CCEPolicy:   "A container group's policy. Its SHA-256 is HOST_DATA in the group's reports.",
	Token:       "A token of Microsoft Azure Attestation.",
	KeySet:      "The keys with which an instance of Microsoft Azure Attestation signs. They are an anchor only by where they came from.",
	RuntimeData: "What a notary, or another guest, says about itself. Its SHA-256 is the first half of REPORT_DATA in the guest's reports.",
}

// A builder collects fields.
type builder struct {
	Description
	count int
}

func (d *builder) section(title string) {
	d.Sections = append(d.Sections, Section{Title: printable(title, 80)})
}

func (d *builder) add(name, value, meaning string) {
	if d.count++; d.count > maxFields {
		return
	}
	s := &d.Sections[len(d.Sections)-1]
	s.Fields = append(s.Fields, Field{Name: printable(name, 200), Value: printable(value, maxValue), Meaning: meaning})
}

func (d *builder) hex(name string, b []byte, meaning string) {
	d.add(name, hex.EncodeToString(b), meaning)
}

func (d *builder) number(name string, n uint64, meaning string) {
	d.add(name, strconv.FormatUint(n, 10), meaning)
}

// printable makes text from outside safe to show on a terminal.
func printable(s string, limit int) string {
	cut := len(s) > limit
	if cut {
		s = strings.ToValidUTF8(s[:limit], "")
	}
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '.'
		}
		return r
	}, s)
	if cut {
		s += "…"
	}
	return s
}
