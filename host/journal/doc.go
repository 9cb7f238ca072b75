// Package journal makes an epoch's entries durable: one committer per epoch,
// natural group commit, and the write rule that keeps two notaries from ever
// overwriting each other. What the entries are is defined in sdk/journal; where
// they go is a [Store], implemented by the measured storage adapter.
package journal
