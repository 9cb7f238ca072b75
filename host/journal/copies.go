package journal

// A Copy says of one kind of place that storage itself tells of it: that what a wrapped key
// was before it was erased is kept there, or sent there.
type Copy struct {
	Kind  string // as in an erased entry (sdk/FORMATS.md, 10.4)
	Count uint64 // at least
	Text  string // for people, one line
}
