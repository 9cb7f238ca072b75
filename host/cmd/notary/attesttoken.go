package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/veriproof/notary/attestation"
	"github.com/veriproof/notary/attestation/maa"
	"github.com/veriproof/notary/attestation/runtimedata"
)

const attestTokenUsage = `usage: notary attest token --jwks FILE [--issuer URL] [--at TIME] [--json] TOKEN

Verifies a token of Microsoft Azure Attestation for SEV-SNP, offline: RS256 under a
key of the key set and no other, exact issuer, validity, and the shape of its claims.
URLs in the token are not followed.

A true token says little by itself: anybody's container can get one. So the verdict on
it is "genuine" and never "verified". What it says is "notary attest show", and whether
that is acceptable "notary attest verify" with a policy.

OPTIONS
  --jwks FILE    key set of the MAA instance, obtained from the instance itself
  --issuer URL   the exact issuer, such as https://contoso.weu.attest.azure.net;
                 instances of a region share keys, so without it any of them counts
  --at TIME      verify as of this time (RFC 3339); the default is now
  --json         print the result as JSON

EXAMPLES
  notary attest token --jwks certs.json --issuer https://contoso.weu.attest.azure.net maa.jwt
  notary attest token --jwks certs.json --at 2026-04-01T00:00:00Z --json maa.jwt

` + verifyingStatus

func attestToken(_ context.Context, a *app, args []string) error {
	f := a.flags("attest token", attestTokenUsage)
	jwksFile := f.String("jwks", "", "")
	issuer := f.String("issuer", "", "")
	atText := f.String("at", "", "")
	asJSON := f.Bool("json", false, "")
	rest, err := parse(f, args, 1, 1)
	if err != nil {
		return err
	}
	if *jwksFile == "" {
		return usageError("attest token: --jwks is missing: a token that brings its own keys proves nothing")
	}
	at, err := timeFlag("attest token", *atText)
	if err != nil {
		return err
	}
	jwks, err := readFile(*jwksFile, maa.MaxKeySetSize)
	if err != nil {
		return err
	}
	keys, err := maa.ParseKeySet(jwks)
	if err != nil {
		return fmt.Errorf("%s: %w", *jwksFile, err)
	}
	text, err := readFile(rest[0], maxPart)
	if err != nil {
		return err
	}
	token := string(bytes.TrimSpace(text))
	var notes []string
	if *issuer == "" {
		*issuer = issuerOf(token)
		notes = append(notes, "the issuer was not pinned, any that has these keys was accepted: "+oneLine(*issuer))
	}
	checks, claims := verifyToken(token, keys, *issuer, at)
	if claims != nil && claims.Simulated {
		notes = append(notes, "SIMULATED: this token is not about hardware")
	}
	return a.report(newAppraised(at, checks, notes...).withoutPolicy(), *asJSON)
}

// issuerOf returns the iss that a token states, "unknown" if none can be read; the
// verification then says why.
func issuerOf(token string) string {
	var c struct{ Iss string }
	if _, payload, err := maa.Decode(token); err != nil || json.Unmarshal(payload, &c) != nil || c.Iss == "" {
		return "unknown"
	}
	return c.Iss
}

func verifyToken(token string, keys *maa.KeySet, issuer string, at time.Time) ([]attestation.Check, *maa.Claims) {
	c, err := maa.VerifyToken(token, keys, maa.TokenOptions{Issuer: issuer, At: at, Leeway: maa.MaxLeeway})
	if err != nil {
		return []attestation.Check{{
			Name: "maa.token", Required: true, Status: attestation.Fail, Class: tokenClass(err), Detail: err.Error(),
		}}, nil
	}
	accept := func(name string, ok bool, format string, args ...any) attestation.Check {
		check := attestation.Check{Name: name, Required: true, Status: attestation.Pass, Detail: fmt.Sprintf(format, args...)}
		if !ok {
			check.Status, check.Class = attestation.Fail, attestation.ClassUnacceptable
		}
		return check
	}
	checks := []attestation.Check{
		accept("maa.token", true, "issued by %s at %s, valid to %s", c.Issuer, c.IssuedAt.Format(time.RFC3339), c.Expiry.Format(time.RFC3339)),
		accept("maa.debug", !c.Debuggable, "debuggable: %t", c.Debuggable),
		accept("maa.migration", !c.MigrationAllowed, "migration allowed: %t", c.MigrationAllowed),
		accept("maa.vmpl", c.VMPL == 0, "VMPL %d, want 0", c.VMPL),
	}
	checks[0].Anchor = "key " + c.KeyID + " of the given key set"
	return append(checks, tokenRemarks(c)...), c
}

// tokenRemarks are true tokens' shortcomings that only a relying party can judge.
func tokenRemarks(c *maa.Claims) []attestation.Check {
	remark := func(name string, ok bool, yes, no string) attestation.Check {
		if ok {
			return attestation.Check{Name: name, Status: attestation.Pass, Detail: yes}
		}
		return attestation.Check{Name: name, Status: attestation.NotDone, Detail: no}
	}
	return []attestation.Check{
		remark("maa.compliance", c.ComplianceStatus == maa.CompliantUVM && c.UVM != nil && c.UVM.LaunchMeasurement == c.LaunchMeasurement,
			"MAA verified the endorsement of the utility VM", "MAA did not say that it verified the utility VM of a container group"),
		remark("maa.runtime-data", c.RuntimeRaw != nil && runtimedata.ReportData(c.RuntimeRaw) == c.ReportData,
			"REPORT_DATA is the digest of the token's runtime data", "the token has no runtime data, or none whose sorted form has the digest in REPORT_DATA"),
	}
}

func tokenClass(err error) attestation.Class {
	switch {
	case errors.Is(err, maa.ErrExpired), errors.Is(err, maa.ErrNotYetValid):
		return attestation.ClassStale
	case errors.Is(err, maa.ErrIssuer), errors.Is(err, maa.ErrNotSNP):
		return attestation.ClassUnacceptable
	}
	return attestation.ClassFalse
}
