package session

import (
	"context"

	format "github.com/veriproof/notary/sdk/journal"
	"github.com/veriproof/notary/sdk/receipt"
)

// JournalExport makes an entry durable which says that bundles are about to be taken out
// of storage, and returns where it stands. The time is filled in here. What no export can
// be is an error that wraps [format.ErrBody]. Of is one of the parts, nil if there is none:
// unless this storage has it the export is of another one, and ErrNotFound.
func (n *Notary) JournalExport(ctx context.Context, b format.ExportBody, of *Sealed) (format.EntryRef, error) {
	b.AtUnixNano = n.opts.Now().UnixNano()
	if err := b.Check(); err != nil {
		return format.EntryRef{}, err
	}
	n.mu.Lock()
	if n.closing {
		n.mu.Unlock()
		return format.EntryRef{}, ErrClosing
	}
	n.exports.Add(1) // nothing may follow the close entry
	n.mu.Unlock()
	defer n.exports.Done()
	if of != nil {
		if _, err := n.manifest(ctx, *of); err != nil {
			return format.EntryRef{}, err
		}
	}
	seq, err := n.writeOrder(ctx, format.KindExport, receipt.PartID{}, b)
	return format.EntryRef{Epoch: n.epoch, Seq: seq}, err
}
