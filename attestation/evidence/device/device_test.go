//go:build linux

package device

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-sev-guest/abi"
	"github.com/google/go-sev-guest/client"
	labi "github.com/google/go-sev-guest/client/linuxabi"
	"github.com/google/go-sev-guest/kds"
	sgtest "github.com/google/go-sev-guest/testing"

	"github.com/veriproof/notary/attestation/evidence"
	"github.com/veriproof/notary/attestation/internal/snptest"
	"github.com/veriproof/notary/attestation/runtimedata"
	"github.com/veriproof/notary/attestation/snp"
)

var data = []byte(`{"keys":[]}`)

// platform gives the values in reports and certificates; the keys are the fake's.
var platform = sync.OnceValue(func() *snptest.Platform { return snptest.New("Milan", 3) })

var signer = sync.OnceValues(func() (*sgtest.AmdSigner, error) {
	p := platform()
	tcb := kds.TCBVersion(snp.TCB{Bootloader: p.TCB[0], TEE: p.TCB[1], SNP: p.TCB[6], Microcode: p.TCB[7]}.Encode(snp.Milan))
	at := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	b := &sgtest.AmdSignerBuilder{
		Keys: sgtest.DefaultAmdKeys(), ProductName: "Milan-B1", ArkCreationTime: at, AskCreationTime: at, AsvkCreationTime: at,
		VcekCreationTime: at, VlekCreationTime: at, TCB: tcb, HWID: p.ChipID,
	}
	b.VcekCustom.Extensions = sgtest.CustomExtensions(kds.DecomposeTCBVersion(tcb), p.ChipID[:], "", "Milan-B1")
	for i, e := range b.VcekCustom.Extensions {
		if e.Id.Equal(kds.OidHwid) {
			b.VcekCustom.Extensions[i].Value = p.ChipID[:] // bare, as in AMD's certificates
		}
	}
	return b.TestOnlyCertChain()
})

// fake is go-sev-guest's fake device, which knows how to sign reports over data
// and over other.
func fake(t testing.TB, change func(raw []byte)) *sgtest.Device {
	t.Helper()
	s, err := signer()
	if err != nil {
		t.Fatal(err)
	}
	var cases []sgtest.TestCase
	for _, d := range [][]byte{data, []byte("another")} {
		c := sgtest.TestCase{Input: runtimedata.ReportData(d)}
		copy(c.Output[:], platform().Report(func(b []byte) {
			copy(b[0x050:], c.Input[:])
			if change != nil {
				change(b)
			}
		}))
		cases = append(cases, c)
	}
	d, err := sgtest.TcDevice(cases, &sgtest.DeviceOptions{Signer: s, Product: abi.DefaultSevProduct()})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// configfs is the fake quote provider, at a level.
type configfs struct{ *sgtest.QuoteProvider }

func (p configfs) GetRawQuoteAtLevel(rd [64]byte, level uint) ([]byte, error) {
	if level != 0 {
		return nil, errors.New("level is not 0")
	}
	return p.GetRawQuote(rd)
}

// ioctl speaks to a device as the kernel's driver is spoken to: first for the size
// of the table, then for report and table.
type ioctl struct{ d client.Device }

func (p ioctl) GetRawQuoteAtLevel(rd [64]byte, level uint) ([]byte, error) {
	var answer labi.SnpReportRespABI
	request := labi.SnpExtendedReportReq{Data: labi.SnpReportReqABI{ReportData: rd, Vmpl: uint32(level)}}
	message := labi.SnpUserGuestRequest{ReqData: &request, RespData: &answer}
	if _, err := p.d.Ioctl(labi.IocSnpGetExtendedReport, &message); message.FwErr != uint64(abi.GuestRequestInvalidLength) {
		return nil, fmt.Errorf("asked for the size of the table: %w", err)
	}
	request.Certs = make([]byte, request.CertsLength)
	message.FwErr = 0
	if _, err := p.d.Ioctl(labi.IocSnpGetExtendedReport, &message); err != nil {
		return nil, err
	}
	return append(bytes.Clone(answer.Data[:abi.ReportSize]), request.Certs...), nil
}

type quotes func([64]byte) ([]byte, error)

func (q quotes) GetRawQuoteAtLevel(rd [64]byte, _ uint) ([]byte, error) { return q(rd) }

func chainPEM(t testing.TB) []byte {
	t.Helper()
	s, err := signer()
	if err != nil {
		t.Fatal(err)
	}
	return (&snp.Chain{VCEK: s.Vcek, ASK: s.Ask, ARK: s.Ark}).PEM()
}

// contextDir is a security context directory with these certificates.
func contextDir(t testing.TB, chain []byte) string {
	t.Helper()
	dir := t.TempDir()
	vcek, rest := pem.Decode(chain)
	thim := []byte(`{"vcekCert":` + quoted(pem.EncodeToMemory(vcek)) + `,"certificateChain":` + quoted(rest) + `,"tcbm":"0","cacheControl":"0"}`)
	for name, b := range map[string][]byte{"host-amd-cert-base64": thim, "reference-info-base64": []byte("an endorsement")} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(base64.StdEncoding.EncodeToString(b)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func quoted(b []byte) string {
	return `"` + string(bytes.ReplaceAll(bytes.TrimSpace(b), []byte("\n"), []byte(`\n`))) + `"`
}

func withoutTable(p Provider) Provider {
	return quotes(func(rd [64]byte) ([]byte, error) {
		q, err := p.GetRawQuoteAtLevel(rd, 0)
		return q[:min(len(q), snp.ReportSize)], err
	})
}

func TestCollect(t *testing.T) {
	stale := snptest.New("Milan", 3).ChainPEM()
	d := fake(t, nil)
	tsm := configfs{&sgtest.QuoteProvider{Device: d}}
	for _, c := range []struct {
		name string
		p    Provider
		dir  string
	}{
		{"configfs-tsm with the host's table", tsm, ""},
		{"ioctl with the host's table", ioctl{d}, ""},
		{"directory, no table", withoutTable(tsm), contextDir(t, chainPEM(t))},
		{"directory and table", tsm, contextDir(t, chainPEM(t))},
		{"stale directory and table", ioctl{d}, contextDir(t, stale)},
	} {
		s := New(c.p)
		s.SecurityContextDir = c.dir
		e, err := s.Collect(context.Background(), data)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if len(e.Report) != snp.ReportSize || !bytes.Equal(e.VCEKChain, chainPEM(t)) || (c.dir != "") != (string(e.UVM) == "an endorsement") {
			t.Errorf("%s: parts are missing", c.name)
		}
		if err := e.Check(data); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestCollectRefuses(t *testing.T) {
	d := fake(t, nil)
	tsm := configfs{&sgtest.QuoteProvider{Device: d}}
	raw, err := tsm.GetRawQuote(runtimedata.ReportData(data))
	if err != nil {
		t.Fatal(err)
	}
	gives := func(b []byte) Provider { return quotes(func([64]byte) ([]byte, error) { return b, nil }) }
	oom := fake(t, nil)
	for _, v := range oom.ReportDataRsp {
		v.(*sgtest.GetReportResponse).FwErr = abi.ResourceLimit
	}
	wrapping := append(bytes.Clone(raw[:snp.ReportSize]), tableOf(entry{vcekGUID, 0xFFFFFFF0, 0x20})...)
	for _, c := range []struct {
		name string
		p    Provider
		dir  string
		want error
	}{
		{"firmware error", configfs{&sgtest.QuoteProvider{Device: oom}}, "", evidence.ErrUnavailable},
		{"firmware error by ioctl", ioctl{oom}, "", evidence.ErrUnavailable},
		{"short", gives(raw[:snp.ReportSize-1]), "", evidence.ErrAnswer},
		{"nothing", gives(nil), "", evidence.ErrAnswer},
		{"no table and no directory", gives(raw[:snp.ReportSize]), "", evidence.ErrChain},
		{"table cut", gives(raw[:snp.ReportSize+entrySize*2]), "", evidence.ErrAnswer},
		{"table with offsets that wrap", gives(wrapping), "", evidence.ErrAnswer},
		{"table too large", gives(append(bytes.Clone(raw[:snp.ReportSize]), make([]byte, maxTable+1)...)), "", evidence.ErrAnswer},
		{"foreign report data", quotes(func([64]byte) ([]byte, error) { return tsm.GetRawQuote(runtimedata.ReportData([]byte("another"))) }), "", evidence.ErrReportData},
		{"version 1", gives(append([]byte{1}, raw[1:]...)), "", evidence.ErrNotHardware},
		{"damaged", gives(append(bytes.Clone(raw[:0x90]), append([]byte{raw[0x90] ^ 1}, raw[0x91:]...)...)), "", evidence.ErrChain},
		{"panic in the library", quotes(func([64]byte) ([]byte, error) { panic("sliced out of bounds") }), "", evidence.ErrUnavailable},
		{"directory is a file", tsm, filepath.Join(contextDir(t, chainPEM(t)), "host-amd-cert-base64"), errAny},
	} {
		s := New(c.p)
		s.SecurityContextDir = c.dir
		e, err := s.Collect(context.Background(), data)
		if e != nil || err == nil || c.want != errAny && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	for _, size := range []int{0, maxRuntimeData + 1} {
		if _, err := New(tsm).Collect(context.Background(), make([]byte, size)); !errors.Is(err, evidence.ErrSource) {
			t.Errorf("%d bytes of runtime data: %v", size, err)
		}
	}
}

var errAny = errors.New("any")

// The mistake in go-sev-guest that a table with wrapping offsets causes a panic is
// why Source recovers. When this test fails, it has been mended there.
func TestLibraryPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic: the recover in Source.ask can go")
		}
	}()
	_, _ = abi.ExtendedPlatformCertTable(tableOf(entry{askGUID, 0xFFFFFFF0, 0x20}))
}

// A device that hangs: the caller is answered in time, the next ones too, and no
// more than one request is with the device.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		release := make(chan struct{})
		s := New(quotes(func([64]byte) ([]byte, error) {
			asked.Add(1)
			<-release
			return nil, errors.New("late")
		}))
		for range 3 {
			if _, err := s.Collect(context.Background(), data); !errors.Is(err, evidence.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v", err)
			}
		}
		if n := asked.Load(); n != 1 {
			t.Errorf("%d requests are with the device", n)
		}
		close(release)
		synctest.Wait()
		if _, err := s.Collect(context.Background(), data); asked.Load() != 2 || !errors.Is(err, evidence.ErrUnavailable) {
			t.Errorf("after it woke up: %d requests, %v", asked.Load(), err)
		}
	})
}

// On a machine without SEV-SNP, where tests usually run, there is no device; on
// one with it, there is.
func TestOpen(t *testing.T) {
	s, err := Open()
	if (s == nil) != errors.Is(err, evidence.ErrUnavailable) {
		t.Errorf("%v, %v", s, err)
	}
}

type entry struct {
	id             guid
	offset, length uint32
}

// tableOf is a header with an end and some bytes behind it.
func tableOf(list ...entry) []byte {
	var b []byte
	for _, e := range append(list, entry{}) {
		b = append(b, e.id[:]...)
		b = binary.LittleEndian.AppendUint32(b, e.offset)
		b = binary.LittleEndian.AppendUint32(b, e.length)
	}
	return append(b, "certificate"...)
}

func TestParseTable(t *testing.T) {
	good := tableOf(entry{vcekGUID, 48, 11})
	if got, err := parseTable(good); err != nil || string(got[vcekGUID]) != "certificate" {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := parseTable(nil); err != nil || len(got) != 0 {
		t.Errorf("empty: %v, %v", got, err)
	}
	many := make([]entry, maxEntries+1)
	for i := range many {
		many[i].id[0] = byte(i + 1)
	}
	for name, b := range map[string][]byte{
		"outside": tableOf(entry{vcekGUID, 48, 12}), "wraps": tableOf(entry{vcekGUID, 0xFFFFFFFF, 2}), "twice": tableOf(entry{vcekGUID, 72, 1}, entry{vcekGUID, 72, 1}),
		"no end": good[:entrySize], "short": good[:entrySize-1], "too many": tableOf(many...),
	} {
		if got, err := parseTable(b); err == nil {
			t.Errorf("%s: %v", name, got)
		}
	}
	for g, s := range map[guid]string{vcekGUID: abi.VcekGUID, askGUID: abi.AskGUID, arkGUID: abi.ArkGUID} {
		table := abi.CertTable{Entries: []abi.CertTableEntry{{GUID: [16]byte(g), RawCert: []byte("x")}}}
		if _, err := table.GetByGUIDString(s); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
}

// FuzzParseTable compares with go-sev-guest's reader where that does not panic.
func FuzzParseTable(f *testing.F) {
	s, err := signer()
	if err != nil {
		f.Fatal(err)
	}
	b, err := s.CertTableBytes()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(tableOf(entry{vcekGUID, 48, 11}))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := parseTable(b)
		if err != nil {
			return
		}
		var theirs abi.CertTable
		if err := theirs.Unmarshal(b); err != nil {
			return // stricter there
		}
		for _, e := range theirs.Entries {
			if ours, ok := got[guid(e.GUID)]; !ok || !bytes.Equal(ours, e.RawCert) {
				t.Errorf("%x: %q, theirs %q", e.GUID, ours, e.RawCert)
			}
		}
	})
}

var (
	_ Provider = (*client.LinuxIoctlQuoteProvider)(nil)
	_ Provider = (*client.LinuxConfigFsQuoteProvider)(nil)
)
