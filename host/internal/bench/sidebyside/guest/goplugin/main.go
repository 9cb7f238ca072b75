//go:build wasip1

// Command goplugin is the scanner as a plugin of knqyf263/go-plugin: a service, called
// with protobuf.
package main

import (
	"context"

	"github.com/veriproof/notary/host/internal/bench/sidebyside/scan"
	"github.com/veriproof/notary/host/internal/bench/sidebyside/wire"
)

func init() { wire.RegisterScanner(scanner{}) }

func main() {}

type scanner struct{}

func (scanner) Scan(_ context.Context, t *wire.Text) (*wire.Edits, error) {
	out := new(wire.Edits)
	scan.Scan(t.GetText(), func(start, end int) {
		out.Edits = append(out.Edits, &wire.Edit{Start: uint32(start), End: uint32(end)})
	})
	return out, nil
}
