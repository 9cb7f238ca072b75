package snp

import (
	"errors"
	"testing"

	"github.com/veriproof/notary/attestation/internal/snptest"
)

// acceptable are Reference Values that the report of snptest meets.
func acceptable(r *Report) ReferenceValues {
	line, _ := ParseProduct(string(r.Product()))
	return ReferenceValues{
		Products:     []Product{line},
		MinimumTCB:   map[Product]TCB{line: r.ReportedTCB.Decode(line)},
		HostData:     [][32]byte{{1}, r.HostData},
		ReportData:   &r.ReportData,
		Measurements: [][48]byte{r.Measurement},
		ChipIDs:      [][64]byte{r.ChipID},
		MinimumABI:   0x001f, MinimumGuestSVN: 2,
		RequirePolicy: 1 << 16, ForbidPolicy: 1 << 21, RequirePlatform: 1 << 5, ForbidPlatform: 1 << 1,
	}
}

func TestAppraiseAccepts(t *testing.T) {
	for _, line := range []string{"Milan", "Genoa", "Turin"} {
		r := mustParse(t, snptest.New(line, 5).Report(nil))
		if errs := Appraise(r, nil, acceptable(r)); errs != nil {
			t.Errorf("%s: %v", line, errs)
		}
		if errs := Appraise(r, nil, ReferenceValues{}); errs != nil {
			t.Errorf("%s without reference values: %v", line, errs)
		}
	}
}

func TestAppraiseRefuses(t *testing.T) {
	cases := []struct {
		name, line string
		report     func([]byte)
		values     func(*ReferenceValues)
		want       []string // fields of the refusals
	}{
		{name: "debug", report: func(b []byte) { b[0x0A] |= 1 << 3 }, want: []string{"debug"}},
		{name: "migration agent", report: func(b []byte) { b[0x0A] |= 1 << 2 }, want: []string{"migration"}},
		{name: "debug and migration agent", report: func(b []byte) { b[0x0A] |= 3 << 2 }, want: []string{"debug", "migration"}},
		{name: "bit 17 is zero", report: func(b []byte) { b[0x0A] &^= 2 }, want: []string{"policy-bits"}},
		{name: "reserved bit 26", report: func(b []byte) { b[0x0B] |= 4 }, want: []string{"policy-bits"}},
		{name: "reserved bit 63", report: func(b []byte) { b[0x0F] |= 0x80 }, want: []string{"policy-bits"}},
		{name: "SMT required", report: func(b []byte) { b[0x0A] &^= 1 }, want: []string{"policy-bits"}},
		{name: "CXL forbidden", report: func(b []byte) { b[0x0A] |= 1 << 5 }, want: []string{"policy-bits"}},
		{name: "AES-256-XTS required", values: func(v *ReferenceValues) { v.RequirePolicy |= 1 << 22 }, want: []string{"policy-bits"}},
		{name: "ABI", values: func(v *ReferenceValues) { v.MinimumABI = 0x0020 }, want: []string{"abi"}},
		{name: "ABI major", values: func(v *ReferenceValues) { v.MinimumABI = 0x0100 }, want: []string{"abi"}},
		{name: "VMPL 1", report: func(b []byte) { b[0x30] = 1 }, want: []string{"vmpl"}},
		{name: "asked for by the host", report: func(b []byte) { copy(b[0x30:], []byte{255, 255, 255, 255}) }, want: []string{"vmpl"}},
		{name: "guest SVN", values: func(v *ReferenceValues) { v.MinimumGuestSVN = 3 }, want: []string{"guest-svn"}},
		{name: "alias check missing", report: func(b []byte) { b[0x40] &^= 1 << 5 }, want: []string{"platform"}},
		{name: "TSME forbidden", report: func(b []byte) { b[0x40] |= 1 << 1 }, want: []string{"platform"}},
		{name: "line", values: func(v *ReferenceValues) { v.Products = []Product{Milan, Turin} }, want: []string{"product"}},
		{name: "no line", values: func(v *ReferenceValues) { v.Products = []Product{} }, want: []string{"product"}},
		{name: "no minimum for the line", values: func(v *ReferenceValues) { v.MinimumTCB = map[Product]TCB{Turin: {}} }, want: []string{"reported-tcb"}},
		{name: "empty minimum", values: func(v *ReferenceValues) { v.MinimumTCB = map[Product]TCB{} }, want: []string{"reported-tcb"}},
		{name: "reported TCB", report: func(b []byte) { b[0x186]-- }, want: []string{"reported-tcb"}},
		{name: "committed TCB", report: func(b []byte) { b[0x1E7]-- }, want: []string{"committed-tcb"}},
		{name: "launch TCB", report: func(b []byte) { b[0x1F0]-- }, want: []string{"launch-tcb"}},
		{name: "all TCBs", report: func(b []byte) { b[0x180]--; b[0x1E0]--; b[0x1F0]-- }, want: []string{"reported-tcb", "committed-tcb", "launch-tcb"}},
		{name: "current TCB alone does not count", report: func(b []byte) { b[0x038] = 0 }},
		{name: "lower in one part, higher in another", report: func(b []byte) { b[0x180]--; b[0x187]++ }, want: []string{"reported-tcb"}},
		{name: "FMC", line: "Turin", report: func(b []byte) { b[0x180]-- }, want: []string{"reported-tcb"}},
		{name: "HOST_DATA", report: func(b []byte) { b[0xC0] ^= 1 }, want: []string{"host-data"}},
		{name: "no HOST_DATA", values: func(v *ReferenceValues) { v.HostData = [][32]byte{} }, want: []string{"host-data"}},
		{name: "REPORT_DATA", values: func(v *ReferenceValues) { v.ReportData = &[64]byte{63: 1} }, want: []string{"report-data"}},
		{name: "measurement", report: func(b []byte) { b[0xBF] ^= 1 }, want: []string{"measurement"}},
		{name: "no measurement", values: func(v *ReferenceValues) { v.Measurements = [][48]byte{} }, want: []string{"measurement"}},
		{name: "chip", values: func(v *ReferenceValues) { v.ChipIDs = [][64]byte{{1}} }, want: []string{"chip-id"}},
		{name: "no chip", values: func(v *ReferenceValues) { v.ChipIDs = [][64]byte{} }, want: []string{"chip-id"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := snptest.New(cmpOr(c.line, "Genoa"), 3)
			rv := acceptable(mustParse(t, p.Report(nil)))
			if c.values != nil {
				c.values(&rv)
			}
			errs := Appraise(mustParse(t, p.Report(c.report)), nil, rv)
			var got []string
			for _, err := range errs {
				var r *Refusal
				if !errors.As(err, &r) || r.Detail == "" {
					t.Fatalf("error %v is no Refusal with a reason", err)
				}
				got = append(got, r.Field)
			}
			if !equal(got, c.want) {
				t.Errorf("refused are %v, want %v", got, c.want)
			}
		})
	}
}

func equal(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// T02: every bit of the guest policy has its verdict: the ABI and the bits that
// bind the host are free, all others are not.
func TestT02PolicyBits(t *testing.T) {
	r := mustParse(t, snptest.New("Genoa", 3).Report(nil))
	const base = GuestPolicy(0x3001f) // as on ACI: SMT, ABI 0.31
	for bit := range 64 {
		r.Policy = base ^ 1<<bit
		var want []string
		switch {
		case bit == 18:
			want = []string{"migration"}
		case bit == 19:
			want = []string{"debug"}
		case bit == 17 || bit > 25:
			want = []string{"policy-bits"}
		}
		var got []string
		for _, err := range Appraise(r, nil, ReferenceValues{}) {
			got = append(got, err.(*Refusal).Field)
		}
		if !equal(got, want) {
			t.Errorf("bit %d: refused are %v, want %v", bit, got, want)
		}
		// Which value a bit must have can be demanded either way, and the
		// demand is about this bit alone.
		for _, rv := range []ReferenceValues{{RequirePolicy: 1 << bit}, {ForbidPolicy: 1 << bit}} {
			met := (r.Policy&rv.RequirePolicy != 0) || (rv.ForbidPolicy != 0 && r.Policy&rv.ForbidPolicy == 0)
			if n := len(Appraise(r, nil, rv)); (n > len(want)) == met {
				t.Errorf("bit %d with %+v: %d refusals", bit, rv, n)
			}
		}
	}
}

// The same for the platform's bits: floors and ceilings.
func TestPlatformBits(t *testing.T) {
	r := mustParse(t, snptest.New("Genoa", 3).Report(nil))
	for bit := range 64 {
		for _, on := range []bool{false, true} {
			r.PlatformInfo = 0
			if on {
				r.PlatformInfo = 1 << bit
			}
			floor := Appraise(r, nil, ReferenceValues{RequirePlatform: 1 << bit})
			ceiling := Appraise(r, nil, ReferenceValues{ForbidPlatform: 1 << bit})
			if (len(floor) == 0) != on || (len(ceiling) == 0) == on {
				t.Errorf("bit %d is %v: floor %v, ceiling %v", bit, on, floor, ceiling)
			}
		}
	}
}

// Provisional firmware counts only for those who ask.
func TestProvisionalFirmware(t *testing.T) {
	p := snptest.New("Genoa", 3)
	for _, off := range []int{0x038, 0x1E0, 0x1E8, 0x1E9, 0x1EA, 0x1EC} {
		r := mustParse(t, p.Report(func(b []byte) { b[off]++ }))
		if errs := Appraise(r, nil, ReferenceValues{}); errs != nil {
			t.Errorf("byte 0x%x, not asked: %v", off, errs)
		}
		errs := Appraise(r, nil, ReferenceValues{RequireCommitted: true})
		if len(errs) != 1 || errs[0].(*Refusal).Field != "provisional" {
			t.Errorf("byte 0x%x: %v", off, errs)
		}
	}
	if errs := Appraise(mustParse(t, p.Report(nil)), nil, ReferenceValues{RequireCommitted: true}); errs != nil {
		t.Errorf("committed: %v", errs)
	}
}

// What a refusal says names the bits.
func TestBitNames(t *testing.T) {
	r := mustParse(t, snptest.New("Genoa", 3).Report(nil))
	errs := Appraise(r, nil, ReferenceValues{RequirePlatform: PlatformTSME | 1<<40, ForbidPlatform: PlatformSMT | PlatformECC})
	const want = "SNP report is not acceptable: platform info 0x25 lacks TSME, bit 40 and has SMT, ECC, which is forbidden"
	if len(errs) != 1 || errs[0].Error() != want {
		t.Errorf("%v", errs)
	}
	if s := GuestPolicy(0x2001f).String(); s != "0x2001f, ABI 0.31: nothing set" {
		t.Errorf("%s", s)
	}
}

// A version 2 report names no product line: it comes from the VCEK or, without
// one, is not accepted where a line is asked for.
func TestAppraiseVersion2(t *testing.T) {
	p := snptest.New("Milan", 2)
	r, c := mustParse(t, p.Report(nil)), mustChain(t, p.ChainPEM())
	genoa, milan := ReferenceValues{Products: []Product{Genoa}}, ReferenceValues{Products: []Product{Milan}}
	if errs := Appraise(r, c, milan); errs != nil {
		t.Errorf("Milan: %v", errs)
	}
	if errs := Appraise(r, c, genoa); len(errs) != 1 {
		t.Errorf("Genoa: %v", errs)
	}
	if errs := Appraise(r, nil, milan); len(errs) != 1 {
		t.Errorf("Milan without a chain: %v", errs)
	}
	if errs := Appraise(r, nil, ReferenceValues{}); errs != nil {
		t.Errorf("nothing asked: %v", errs)
	}
}

func TestTCBEncoding(t *testing.T) {
	const raw = TCBVersion(0x0706050403020100)
	for line, want := range map[Product]TCB{
		Milan: {Bootloader: 0, TEE: 1, SNP: 6, Microcode: 7},
		Genoa: {Bootloader: 0, TEE: 1, SNP: 6, Microcode: 7},
		Turin: {FMC: 0, Bootloader: 1, TEE: 2, SNP: 3, Microcode: 7},
	} {
		if got := raw.Decode(line); got != want {
			t.Errorf("%s: decoded is %s, want %s", line, got, want)
		}
		if got := want.Encode(line).Decode(line); got != want {
			t.Errorf("%s: encoded and decoded is %s, want %s", line, got, want)
		}
	}
}
