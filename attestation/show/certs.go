package show

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/snp"
	"github.com/veriproof/notary/attestation/uvm"
)

func chain(d *builder, b []byte) error {
	c, err := snp.ParseChain(b)
	if err != nil {
		return err
	}
	d.certificate("VCEK: the chip's key", c.VCEK)
	v, err := snp.ReadVCEK(c.VCEK)
	if err != nil {
		d.add("extensions", err.Error(), "not those of a VCEK")
	} else {
		d.add("product", v.ProductName, orElse(v.Product == snp.Milan, "Milan: its root seed is public (arXiv 2605.12990)", string(v.Product)))
		d.add("tcb", v.TCB.String(), "the firmware for which AMD made this key")
		d.hex("hwid", v.HWID, "of the chip, as in its reports")
	}
	d.certificate("ASK: AMD's key for the product line", c.ASK)
	d.certificate("ARK: AMD's root", c.ARK)
	name, ok := snp.AMDRoots().Anchor(c.ARK)
	d.add("root", orElse(ok, name, "not one of AMD's"), "by the SHA-256 of the certificate")
	return nil
}

func (d *builder) certificate(title string, c *x509.Certificate) {
	d.section(title)
	sum := sha256.Sum256(c.Raw)
	d.add("subject", c.Subject.CommonName, "")
	d.add("issuer", c.Issuer.CommonName, "")
	d.add("serial", fmt.Sprintf("0x%x", c.SerialNumber), "")
	d.add("valid", stamp(c.NotBefore)+" to "+stamp(c.NotAfter), "")
	d.add("signature", c.SignatureAlgorithm.String(), "")
	d.hex("sha256", sum[:], "of the certificate")
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func thim(d *builder, b []byte) error {
	pemBytes, err := evidence.ParseTHIM(b)
	if err != nil {
		return err
	}
	var rest struct {
		TCBM         string `json:"tcbm"`
		CacheControl string `json:"cacheControl"`
	}
	// ParseTHIM has read the same JSON; these two are not needed by anybody.
	_ = json.Unmarshal(b, &rest)
	d.section("the answer")
	d.add("tcbm", rest.TCBM, "the TCB for which it was asked, in hex; the VCEK certifies its own")
	d.add("cacheControl", rest.CacheControl, "seconds for which the host may keep it")
	return chain(d, pemBytes)
}

func crl(d *builder, b []byte) error {
	l, err := snp.ParseCRL(b)
	if err != nil {
		return err
	}
	d.section("the list")
	d.add("issuer", l.Issuer(), "")
	d.add("this_update", stamp(l.ThisUpdate()), "when it was issued")
	d.add("next_update", stamp(l.NextUpdate()), "after that it is stale")
	d.number("revoked", uint64(len(l.Serials())), "certificates")
	for _, s := range l.Serials() {
		d.add("serial", fmt.Sprintf("0x%x", s), "revoked")
	}
	return nil
}

func endorsement(d *builder, b []byte) error {
	e, err := uvm.Parse(b)
	if err != nil {
		return err
	}
	d.section("the endorsement")
	d.add("form", string(e.Form), orElse(e.Form == uvm.FormCWT, "CWT claims, the payload is the measurement itself", "header parameters, the payload is JSON"))
	d.add("issuer", e.Issuer, orElse(e.Issuer == uvm.MicrosoftDID, "Microsoft's signer of utility VMs", "not the issuer of Azure's container groups"))
	d.add("feed", e.Feed, orElse(e.Feed == uvm.ContainerFeed, "the utility VMs of container groups", "not the feed of container groups"))
	d.number("svn", e.SVN, "security version; below 100 is not production")
	d.hex("measurement", e.Measurement[:], "the launch measurement that reports of this utility VM have")
	if e.SignedAt.IsZero() {
		d.add("signed_at", "", "the signer gave no time")
	} else {
		d.add("signed_at", stamp(e.SignedAt), "by the signer's own word; endorsements do not expire")
	}
	return d.endorsementHeader(b)
}

// headerLabels explains the parameters of an endorsement's COSE header.
var headerLabels = map[string]string{
	"1": "the algorithm", "3": "content type of the payload", "15": "CWT claims: issuer, feed, time of signing, SVN", "33": "the certificates below (x5chain)",
	"34": "digest of the leaf certificate (x5t)", "258": "algorithm of the payload, if it is a digest", "259": "content type of what the payload is the digest of",
	"iss": "the issuer", "feed": "the feed", "signingtime": "the time of signing",
	"394": "receipts of transparency services (SCITT); not looked at", "timestamp": "a time stamp (RFC 3161); not looked at",
}

func (d *builder) endorsementHeader(b []byte) error {
	h, err := uvm.ParseHeader(b)
	if err != nil {
		return err
	}
	d.section("its header")
	d.add("algorithm", h.Algorithm, "of the signature")
	for _, p := range []struct {
		labels []string
		value  string
	}{{h.Protected, "signed"}, {h.Unprotected, "not signed"}} {
		for _, label := range p.labels {
			d.add("parameter "+label, p.value, orElse(headerLabels[label] != "", headerLabels[label], "not known here"))
		}
	}
	for i, c := range h.Chain {
		switch i {
		case 0:
			d.certificate("leaf certificate, which signed", c)
			usages := make([]string, len(c.UnknownExtKeyUsage))
			for i, oid := range c.UnknownExtKeyUsage {
				usages[i] = oid.String()
			}
			d.add("usage", strings.Join(usages, ", "), "extended key usages; the issuer's name demands one of them")
		case len(h.Chain) - 1:
			d.certificate("root certificate, which the issuer's name has to pin", c)
		default:
			d.certificate("certificate between", c)
		}
	}
	return nil
}

func ccePolicy(d *builder, b []byte) error {
	if len(b) == 0 {
		return errors.New("empty")
	}
	sum := sha256.Sum256(b)
	d.section("the policy")
	d.number("size", uint64(len(b)), "bytes")
	d.hex("sha256", sum[:], "HOST_DATA of the group's reports")
	if name, bad := policy.AllowAll(sum); bad {
		d.add("warning", name, "the host may run anything under it")
	}
	return nil
}
