package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/veriproof/notary/host/config"
)

// memoryHere returns what this machine or container has, or 0 where nothing tells it.
func memoryHere() config.Size {
	var least config.Size
	for _, f := range []struct {
		name, key string
		unit      config.Size
	}{{"/proc/meminfo", "MemTotal:", 1 << 10}, {"/sys/fs/cgroup/memory.max", "", 1}} {
		b, err := os.ReadFile(f.name)
		if err != nil {
			continue
		}
		for l := range bytes.Lines(b) {
			text, found := strings.CutPrefix(string(l), f.key)
			n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "kB")), 10, 50)
			if size := config.Size(n) * f.unit; found && err == nil && size > 0 && (least == 0 || size < least) {
				least = size
			}
		}
	}
	return least
}

// warnings are what is to be known of a configuration that the notary would start with. That
// memory is short would show only when the kernel kills the process, in a flood.
func warnings(cfg *config.Config) []string {
	var said []string
	if w := unredacted(cfg.Mode); w != "" {
		said = append(said, "mode is "+cfg.Mode+": "+w+", and everything is stored as it was sent")
	}
	const mib = 1 << 20
	if most, here := cfg.MostMemory(), memoryHere(); here > 0 && most > here {
		said = append(said, fmt.Sprintf("the notary may take %dMiB of memory, and there are %dMiB here: raise it, or lower limits.in_flight or sessions.memory", most/mib, here/mib))
	}
	return said
}
