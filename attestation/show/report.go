package show

import (
	"fmt"

	"github.com/veriproof/notary/attestation/policy"
	"github.com/veriproof/notary/attestation/snp"
)

func report(d *builder, b []byte) error {
	r, err := snp.Parse(b)
	if err != nil {
		return err
	}
	d.reportGuest(r)
	d.reportPlatform(r)
	return nil
}

func (d *builder) reportGuest(r *snp.Report) {
	d.section("the guest")
	d.number("version", uint64(r.Version), "of the report's layout; 2 names no product line, 5 tells mitigations")
	d.hex("report_data", r.ReportData[:], reportDataMeaning(r))
	d.hex("host_data", r.HostData[:], hostDataMeaning(r.HostData))
	d.hex("measurement", r.Measurement[:], "of the guest's first memory; on container groups that is Microsoft's utility VM, not the containers")
	d.add("policy", r.Policy.String(), policyMeaning(r.Policy))
	d.number("vmpl", uint64(r.VMPL), vmplMeaning(r.VMPL))
	d.number("guest_svn", uint64(r.GuestSVN), "security version that the guest's owner gave it")
	d.hex("family_id", r.FamilyID[:], "given by the guest's owner")
	d.hex("image_id", r.ImageID[:], "given by the guest's owner")
	d.hex("report_id", r.ReportID[:], "of this guest, the same in each of its reports until it ends")
	d.hex("report_id_ma", r.ReportIDMA[:], orElse(all(r.ReportIDMA[:], 0xff), "no migration agent", "of the migration agent"))
	d.hex("id_key_digest", r.IDKeyDigest[:], orElse(all(r.IDKeyDigest[:], 0), "the guest was launched without an id key", "of the key that signed the guest's identity"))
	d.hex("author_key_digest", r.AuthorKeyDigest[:], orElse(r.SignerInfo.AuthorKey(), "of the key that signed the id key", "there is no author key"))
}

func (d *builder) reportPlatform(r *snp.Report) {
	d.section("the platform")
	line := r.Product()
	d.add("cpu", fmt.Sprintf("family 0x%x model 0x%x stepping %d", r.Family, r.Model, r.Stepping), productMeaning(r))
	d.add("platform_info", r.PlatformInfo.String(), "what is switched on; ECC, RAPL disabled, ciphertext hiding and the alias check protect the guest, SMT is a risk")
	for _, t := range []struct {
		name, meaning string
		v             snp.TCBVersion
	}{
		{"reported_tcb", "which the signing key was made for", r.ReportedTCB},
		{"current_tcb", "that runs", r.CurrentTCB},
		{"committed_tcb", "below which the platform cannot be rolled back", r.CommittedTCB},
		{"launch_tcb", "at the guest's launch", r.LaunchTCB},
	} {
		d.add(t.name, tcb(t.v, line), "security versions of the firmware "+t.meaning)
	}
	d.add("current_version", r.Current.String(), "of the secure processor's firmware")
	d.add("committed_version", r.Committed.String(), orElse(r.Provisional(), "the firmware is provisional: the host can still roll it back", "the firmware is committed"))
	if r.Version >= 5 {
		d.add("launch_mit_vector", fmt.Sprintf("0x%x", r.LaunchMitigations), "mitigations at launch")
		d.add("current_mit_vector", fmt.Sprintf("0x%x", r.CurrentMitigations), "mitigations now")
	}
	d.hex("chip_id", r.ChipID[:], orElse(r.SignerInfo.MaskChipKey() || all(r.ChipID[:], 0), "masked: the report cannot be tied to a chip", "of the chip"))
	d.add("signing_key", r.SignerInfo.Key().String(), orElse(r.SignerInfo.Key() == snp.KeyVCEK, "the chip's own key", "not the chip's own key; refused here"))
	d.number("signature_algo", uint64(r.SignatureAlgo), orElse(r.SignatureAlgo == 1, "ECDSA on P-384 with SHA-384", "unknown"))
	d.hex("signature_r", r.R[:48], "little endian")
	d.hex("signature_s", r.S[:48], "little endian")
}

func tcb(v snp.TCBVersion, line snp.Product) string {
	if line == "" {
		return fmt.Sprintf("0x%016x", uint64(v))
	}
	return fmt.Sprintf("0x%016x: %s", uint64(v), v.Decode(line))
}

func productMeaning(r *snp.Report) string {
	switch line := r.Product(); {
	case line == snp.Milan:
		return "Milan. Its root seed is public (arXiv 2605.12990): software alone can forge such reports"
	case line != "":
		return string(line)
	case r.Version < 3:
		return "this version does not tell; the VCEK names the product line"
	}
	return "no product line that is known here"
}

func reportDataMeaning(r *snp.Report) string {
	if all(r.ReportData[:], 0) {
		return "nothing was bound"
	}
	if all(r.ReportData[32:], 0) {
		return "what the guest had attested: 32 bytes and zeros, as the SHA-256 of runtime data"
	}
	return "what the guest had attested: 64 bytes"
}

func hostDataMeaning(d [32]byte) string {
	if all(d[:], 0) {
		return "the host gave none"
	}
	if name, bad := policy.AllowAll(d); bad {
		return "SHA-256 of " + name + ": it identifies no code"
	}
	return "given by the host at launch; on container groups the SHA-256 of the container policy, which identifies the code"
}

func policyMeaning(p snp.GuestPolicy) string {
	const (
		debug   = "THE HOST CAN READ AND CHANGE THE GUEST'S MEMORY (debugging is allowed)"
		migrate = "a migration agent may export the guest's memory"
	)
	switch {
	case p.Debug() && p.MigrateMA():
		return debug + ", and " + migrate
	case p.Debug():
		return debug
	case p.MigrateMA():
		return migrate
	}
	return "no debugging, no migration"
}

func vmplMeaning(v uint32) string {
	switch v {
	case 0:
		return "asked for at the highest privilege level"
	case 0xffffffff:
		return "asked for by the host"
	}
	return "asked for at a lower privilege level"
}

func orElse(cond bool, yes, no string) string {
	if cond {
		return yes
	}
	return no
}

func all(b []byte, v byte) bool {
	for _, c := range b {
		if c != v {
			return false
		}
	}
	return true
}
