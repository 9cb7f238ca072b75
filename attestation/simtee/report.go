package simtee

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha512"
	"encoding/binary"
	"slices"

	"github.com/veriproof/notary/attestation/snp"
)

// Values of a confidential container group on ACI.
const (
	guestPolicy  = 0x3001f // ABI 0.31, SMT, reserved bit
	guestSVN     = 2
	platformInfo = 0x25 // SMT, ECC, alias check
)

// Report returns a signed report of version 3 with this REPORT_DATA, 1184 bytes.
func (t *TEE) Report(reportData [64]byte) []byte {
	b := t.unsigned(reportData)
	if change := t.currentFaults().Report; change != nil {
		change(b)
	}
	t.sign(b)
	return b
}

// unsigned lays out the report (SEV-SNP ABI specification, ATTESTATION_REPORT).
func (t *TEE) unsigned(reportData [64]byte) []byte {
	m := models[t.state.Product]
	tcb := uint64(m.tcb.Encode(t.state.Product))
	measurement, hostData := t.Measurement(), t.HostData()
	b := make([]byte, snp.ReportSize)
	u32, u64 := binary.LittleEndian.PutUint32, binary.LittleEndian.PutUint64
	u32(b[0x000:], 3)
	u32(b[0x004:], guestSVN)
	u64(b[0x008:], guestPolicy)
	copy(b[0x010:0x020], "SIMULATED TEE   ") // family id
	copy(b[0x020:0x030], "NOT HARDWARE    ") // image id
	u32(b[0x034:], 1)                        // ECDSA P-384 with SHA-384
	u64(b[0x038:], tcb)
	u64(b[0x040:], platformInfo)
	copy(b[0x050:], reportData[:])
	copy(b[0x090:], measurement[:])
	copy(b[0x0C0:], hostData[:])
	copy(b[0x140:], t.reportID[:])
	for i := range 32 {
		b[0x160+i] = 0xff // no migration agent
	}
	u64(b[0x180:], tcb)
	b[0x188], b[0x189], b[0x18A] = m.family, m.model, m.stepping
	copy(b[0x1A0:], t.state.ChipID)
	u64(b[0x1E0:], tcb)
	copy(b[0x1E8:], []byte{29, 55, 1}) // current firmware: build, minor, major
	copy(b[0x1EC:], []byte{29, 55, 1})
	u64(b[0x1F0:], tcb)
	return b
}

// sign writes R and S, little endian, each in 72 bytes. Signing with a P-384 key
// does not fail; if it did, the signature would stay zero and pass nowhere.
func (t *TEE) sign(b []byte) {
	digest := sha512.Sum384(b[:snp.SignedSize])
	r, s, err := ecdsa.Sign(rand.Reader, t.vcekKey, digest[:])
	if err != nil {
		return
	}
	for i, n := range [][]byte{r.Bytes(), s.Bytes()} {
		slices.Reverse(n)
		copy(b[snp.SignedSize+72*i:], n)
	}
}

// invented is the report that the stock sidecar makes up outside of an SNP
// machine: version 1, a TCB of ASCII ones, no signature.
func (t *TEE) invented(reportData [64]byte) []byte {
	b := t.unsigned(reportData)
	binary.LittleEndian.PutUint32(b, 1)
	for _, off := range []int{0x038, 0x180, 0x1E0, 0x1F0} {
		copy(b[off:], "11111111")
	}
	return b
}
