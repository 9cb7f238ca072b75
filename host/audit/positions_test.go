package audit_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/veriproof/notary/host/audit"
	format "github.com/veriproof/notary/sdk/journal"
)

func TestReadPositions(t *testing.T) {
	t.Parallel()
	p := format.Position{Epoch: [16]byte{1}, Seq: 7, Signature: make([]byte, 64)}
	padded, raw := base64.StdEncoding.EncodeToString(p.Encode()), base64.RawStdEncoding.EncodeToString(p.Encode())
	text := "# kept by a sender\n\n" + padded + "\n  " + raw + "\nVeriproof-Position-Bin: " + raw + ", " + padded + "\r\n"
	got, err := audit.ReadPositions("kept.txt", strings.NewReader(text))
	if err != nil || len(got) != 4 {
		t.Fatalf("%d positions, %v", len(got), err)
	}
	for _, g := range got {
		if g.Epoch != p.Epoch || g.Seq != p.Seq {
			t.Errorf("position %+v", g)
		}
	}
	if got[3].Source != "kept.txt:5" {
		t.Errorf("source %q", got[3].Source)
	}
	for _, bad := range []string{"nonsense", raw[:20], "authorization: " + raw, raw + raw, strings.Repeat("A", 2<<20)} {
		if _, err := audit.ReadPositions("bad", strings.NewReader(bad)); !errors.Is(err, audit.ErrPositions) {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
}
