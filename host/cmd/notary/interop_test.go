package main

import (
	"archive/zip"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"filippo.io/torchwood"
	"github.com/golang-jwt/jwt/v5"
	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/formats/proof"
	merkleproof "github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// sampleParts unpacks the sample's bundle with the standard library's ZIP
// reader. Nothing of this project is used to read it.
func sampleParts(t *testing.T, m *machine) map[string][]byte {
	t.Helper()
	r, err := zip.OpenReader(m.path("good.bundle"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	parts := make(map[string][]byte)
	for _, f := range r.File {
		part, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if parts[f.Name], err = io.ReadAll(part); err != nil {
			t.Fatal(err)
		}
		part.Close()
	}
	return parts
}

// signedRuntime is what of the runtime data this test needs.
type signedRuntime struct {
	Notary struct {
		Config     string `json:"config"`
		SigningKey string `json:"signing_key"`
	} `json:"notary"`
}

// TestOtherTools: what a real run left is checked by other people's software,
// and by hashes alone.
func TestOtherTools(t *testing.T) {
	t.Parallel()
	m := sample(t)
	parts := sampleParts(t, m)
	var rd signedRuntime
	if err := json.Unmarshal(parts["runtime-data.json"], &rd); err != nil {
		t.Fatal(err)
	}

	t.Run("runtime data from the token alone", func(t *testing.T) {
		payload, err := base64.RawURLEncoding.DecodeString(strings.Split(string(parts["maa.jwt"]), ".")[1])
		if err != nil {
			t.Fatal(err)
		}
		var token struct {
			Runtime json.RawMessage `json:"x-ms-runtime"`
			TEE     struct {
				ReportData string `json:"x-ms-sevsnpvm-reportdata"`
			} `json:"x-ms-isolation-tee"`
		}
		var flat struct {
			ReportData string `json:"x-ms-sevsnpvm-reportdata"`
		}
		if err := json.Unmarshal(payload, &token); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(payload, &flat); err != nil {
			t.Fatal(err)
		}
		// What jq -cS does: members sorted, no white space.
		var runtime any
		if err := json.Unmarshal(token.Runtime, &runtime); err != nil {
			t.Fatal(err)
		}
		sorted, err := json.Marshal(runtime)
		if err != nil {
			t.Fatal(err)
		}
		digest := fmt.Sprintf("%x%064x", sha256.Sum256(sorted), 0)
		if got := or(flat.ReportData, token.TEE.ReportData); got != digest {
			t.Errorf("REPORT_DATA in the token is %s, the sorted runtime data has %s", got, digest)
		}
		if !bytes.Equal(sorted, parts["runtime-data.json"]) {
			t.Error("the bundle has other runtime data than the token")
		}
		if got := hex.EncodeToString(parts["report.bin"][0x50:0x90]); got != digest {
			t.Errorf("REPORT_DATA in the report is %s", got)
		}
	})
	t.Run("configuration with sha256sum", func(t *testing.T) {
		onDisk, err := os.ReadFile(m.path("notary.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		if digest := fmt.Sprintf("%x", sha256.Sum256(onDisk)); digest != rd.Notary.Config || !bytes.Equal(onDisk, parts["config.yaml"]) {
			t.Errorf("notary.yaml has SHA-256 %s, attested is %s", digest, rd.Notary.Config)
		}
	})

	key, err := base64.RawURLEncoding.DecodeString(rd.Notary.SigningKey)
	if err != nil {
		t.Fatal(err)
	}
	manifest := receiptWithJWT(t, string(parts["receipt.jws"]), key)
	commitment := commitmentOf(manifest)
	t.Run("proof with torchwood", func(t *testing.T) {
		policy, err := torchwood.ParsePolicy([]byte("log " + m.policy.Log.Keys[0] + "\nquorum none\n"))
		if err != nil {
			t.Fatal(err)
		}
		if err := torchwood.VerifyProof(policy, tlog.RecordHash(commitment[:]), parts["proof.tlog-proof"]); err != nil {
			t.Error(err)
		}
	})
	t.Run("proof with transparency-dev", func(t *testing.T) {
		if err := withTransparencyDev(m.policy.Log.Keys[0], commitment, parts["proof.tlog-proof"]); err != nil {
			t.Error(err)
		}
		if withTransparencyDev(m.policy.Log.Keys[0], sha256.Sum256(nil), parts["proof.tlog-proof"]) == nil {
			t.Error("the proof proves anything")
		}
	})
}

// receiptWithJWT verifies a receipt with golang-jwt and returns the manifest's
// bytes.
func receiptWithJWT(t *testing.T, jws string, key ed25519.PublicKey) []byte {
	t.Helper()
	claims := jwt.MapClaims{}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"EdDSA"}))
	if _, err := parser.ParseWithClaims(jws, claims, func(*jwt.Token) (any, error) { return key, nil }); err != nil {
		t.Fatalf("golang-jwt: %v", err)
	}
	if claims["reason"] != "end" || claims["leaves"] == nil {
		t.Errorf("manifest %v", claims)
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(jws, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

// commitmentOf follows sdk/FORMATS.md: each field, the domain first, behind its
// length as four bytes.
func commitmentOf(manifest []byte) [32]byte {
	var framed []byte
	for _, field := range [][]byte{[]byte("veriproof-notary/commitment/v1"), manifest} {
		framed = append(binary.BigEndian.AppendUint32(framed, uint32(len(field))), field...)
	}
	return sha256.Sum256(framed)
}

func withTransparencyDev(vkey string, commitment [32]byte, text []byte) error {
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	var p proof.TLogProof
	if err := p.Unmarshal(text); err != nil {
		return err
	}
	checkpoint, _, _, err := log.ParseCheckpoint(p.Checkpoint, origin, v)
	if err != nil {
		return err
	}
	hashes := make([][]byte, len(p.Hashes))
	for i := range p.Hashes {
		hashes[i] = p.Hashes[i][:]
	}
	leaf := rfc6962.DefaultHasher.HashLeaf(commitment[:])
	return merkleproof.VerifyInclusion(rfc6962.DefaultHasher, p.Index, checkpoint.Size, leaf, hashes, checkpoint.Hash)
}
