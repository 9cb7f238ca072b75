package stream

import (
	"fmt"
	"os"
	"strings"

	"github.com/veriproof/notary/host/journal"
)

// Copies looks at a directory for where bytes that were erased in its segments may still
// be, and returns what it finds: files that are no segments, and a file system
// that leaves old blocks when it writes. That it finds nothing excludes nothing: snapshots,
// backups and a disk's own copies do not show.
func Copies(path string) ([]journal.Copy, error) {
	self, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer self.Close()
	names, err := self.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var left, strange uint64
	for _, name := range names {
		_, _, segment := parseFileName(name)
		switch {
		case segment, name == lockName:
		case strings.HasPrefix(name, tempPrefix):
			left++
		default:
			strange++
		}
	}
	var found []journal.Copy
	add := func(kind string, count uint64, text string) {
		found = append(found, journal.Copy{Kind: kind, Count: count, Text: text})
	}
	if left > 0 {
		add("leftovers", left, fmt.Sprintf("files that an interrupted write has left are in the directory, the next write of a notary removes them: %d", left))
	}
	if strange > 0 {
		add("strange_files", strange, fmt.Sprintf("files that are not the notary's are in the directory: %d", strange))
	}
	if name := copiesOnWrite(self); name != "" {
		add("old_blocks", 1, "the file system ("+name+") writes beside old blocks, and keeps those until it uses them again")
	}
	return found, nil
}
