// Package audit answers whether storage still has everything that was promised.
//
// A journal that holds together may yet be an old one: whoever restores
// yesterday's backup, cuts off the end of an epoch or takes a whole epoch away
// leaves nothing behind that contradicts itself. So [Run] holds the journal
// against what others have of it:
//
//   - Entry 0 of each epoch names the heads of all epochs that its notary found.
//   - The log has a commitment for each receipt, for the end of each epoch and,
//     now and then, for the head of a chain. Each of its entries has to be
//     accounted for by an entry of the journal, which was durable before it.
//   - Log proofs in the journal, and checkpoints that the auditor kept, name
//     earlier trees of the log: it must have grown out of each.
//   - Senders have signed positions. A position says that the chain had a value
//     after an entry, so that entry and all before it are there or were taken.
//
// What is missing or wrong is named as a [Finding], with the range of entries.
//
// # What an audit does not show
//
// Entries younger than the last thing that anybody else has of them. A log that
// was rolled back together with the storage, unless a checkpoint of it was kept
// or senders kept positions. That wrapped keys are there: they may be erased.
//
// # Guarantees
//
// An audit only reads. Storage and log are not trusted, and may be in use: what is
// written during an audit is no finding. An epoch that is not believed counts as far as
// what it has committed to is bound to its own chain and key. Memory grows with the
// number of session parts, of segments (16 bytes each) and of log entries, and not with
// the size of records.
//
// With [Options.Notes] an audit that is interrupted can be gone on with. It then says
// what it did not read again.
package audit
