package policy

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestWitnessKeys: a quorum that could be reached by fewer people than it says is
// refused.
func TestWitnessKeys(t *testing.T) {
	example, err := os.ReadFile("testdata/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	full, err := Parse(example)
	if err != nil || len(full.Log.Witnesses) != 3 || full.Log.Quorum != 2 {
		t.Fatalf("the example has %+v, %v", full.Log, err)
	}
	w := full.Log.Witnesses
	renamed := "other.example" + strings.TrimPrefix(w[0], "witness.auditor.example")
	sum := sha256.Sum256([]byte("other.example\n" + keyBytes(w[0])))
	id := fmt.Sprintf("%x", sum[:4])
	renamed = strings.Replace(renamed, strings.Split(renamed, "+")[1], id, 1)
	var many []string
	for range maxWitnesses + 1 {
		many = append(many, w[0])
	}
	for _, tt := range []struct {
		name      string
		witnesses []string
		quorum    int
		want      string
	}{
		{"no quorum", w, 0, "log.quorum is 0, want 1 to the number of log.witnesses, 3"},
		{"negative quorum", w, -1, "log.quorum is -1"},
		{"more than there are", w, 4, "log.quorum is 4"},
		{"no witnesses", nil, 1, "log.quorum is 1, want 1 to the number of log.witnesses, 0"},
		{"a key twice", []string{w[0], w[1], w[0]}, 2, "is given twice"},
		{"a key under two names", []string{w[0], renamed}, 2, "is given twice"},
		{"the key of a log", []string{full.Log.Keys[0]}, 1, "is not a key for Ed25519 cosignatures"},
		{"the log's key as a witness's", []string{w[0], asWitness("friend.example", full.Log.Keys[0])}, 1, "has the key of the log"},
		{"no key", []string{"witness.auditor.example"}, 1, "NAME+ID+KEY"},
		{"too many", many, 1, "has 33 keys, at most 32"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := *full
			l := *full.Log
			l.Witnesses, l.Quorum = tt.witnesses, tt.quorum
			p.Log = &l
			if err := p.checkLog(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			text, err := p.YAML()
			if err != nil {
				t.Fatal(err)
			}
			if tt.quorum == 0 || len(tt.witnesses) == 0 {
				return // not written, or one without the other
			}
			if _, err := Parse(text); !errors.Is(err, ErrInvalid) {
				t.Errorf("as a file: %v, want ErrInvalid", err)
			}
		})
	}
}

// asWitness is the verifier key of a witness who signs with the key of a log.
func asWitness(name, logKey string) string {
	raw := cosignatureEd25519 + keyBytes(logKey)[1:]
	id := sha256.Sum256([]byte(name + "\n" + raw))
	return fmt.Sprintf("%s+%x+%s", name, id[:4], base64.StdEncoding.EncodeToString([]byte(raw)))
}

// TestCosignedWithin: a bound that bounds nothing, or nobody, is refused.
func TestCosignedWithin(t *testing.T) {
	example, err := os.ReadFile("testdata/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := Parse(example)
	if err != nil || p.Log.CosignedWithin != time.Hour {
		t.Fatalf("the example has %+v, %v", p.Log, err)
	}
	bare := regexp.MustCompile(`(?s)\n  witnesses:.*?\n  quorum: 2`)
	for change, want := range map[string]string{
		"cosigned_within: 0s":  "log.cosigned_within is 0s, want a positive duration",
		"cosigned_within: -1h": "log.cosigned_within is -1h0m0s, want a positive duration",
		"cosigned_within: 60":  "line",
		"":                     "",
	} {
		text := strings.Replace(string(example), "cosigned_within: 1h", change, 1)
		if _, err := Parse([]byte(text)); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", change, err, want)
		}
	}
	if _, err := Parse(bare.ReplaceAll(example, nil)); err == nil || !strings.Contains(err.Error(), "is about nobody") {
		t.Errorf("without witnesses: %v", err)
	}
}
