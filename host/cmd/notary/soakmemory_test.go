//go:build postgres

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// watch looks at the memory of the notaries.
func (f *fleet) watch(ctx context.Context, length time.Duration) {
	for began := time.Now(); within(ctx, time.Second); {
		third := min(int(3*time.Since(began)/length), 2)
		for i, one := range f.members {
			one.mu.Lock()
			p, c := one.p, one.c
			one.mu.Unlock()
			kib, ok := residentKiB(p.cmd.Process.Pid)
			if c == nil || !ok {
				continue
			}
			live, known := 0, false
			if i == troubled {
				live, known = c.liveKiB(ctx)
			}
			f.mu.Lock()
			switch {
			case i < troubled:
				f.rss[third] = append(f.rss[third], kib)
			case known:
				f.steady[third], f.live[third] = append(f.steady[third], kib), append(f.live[third], live)
			}
			f.mu.Unlock()
		}
	}
}

var liveHeap = regexp.MustCompile(`(?m)^go_gc_heap_live_bytes (\S+)$`)

// liveKiB is what was in use when the garbage collector last looked.
func (c *sender) liveKiB(ctx context.Context) (int, bool) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+c.p.ready.Control+"/metrics", nil)
	if err != nil {
		return 0, false
	}
	req.Header.Set("Authorization", "Bearer "+c.m.operator)
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, false
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	m := liveHeap.FindSubmatch(text)
	if err != nil || m == nil {
		return 0, false
	}
	bytes, err := strconv.ParseFloat(string(m[1]), 64)
	return int(bytes) >> 10, err == nil
}

var vmRSS = regexp.MustCompile(`(?m)^VmRSS:\s*([0-9]+) kB$`)

func residentKiB(pid int) (int, bool) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0, false
	}
	m := vmRSS.FindSubmatch(text)
	if m == nil {
		return 0, false
	}
	kib, err := strconv.Atoi(string(m[1]))
	return kib, err == nil
}

// memory tells what was seen, and what of it has grown.
func (f *fleet) memory(row func(what string, value any)) (grows []string) {
	for _, memory := range []struct {
		of     string
		thirds *[3][]int
		room   int // in KiB, for what a notary keeps of sealed parts, and for a young heap
	}{
		{"resident, young notaries", &f.rss, 64 << 10}, {"resident, left alone", &f.steady, 64 << 10}, {"in use, left alone", &f.live, 8 << 10},
	} {
		var medians []int
		for i, kib := range memory.thirds {
			if slices.Sort(kib); len(kib) > 0 {
				medians = append(medians, kib[len(kib)/2])
				row(fmt.Sprintf("%s, third %d", memory.of, i+1), fmt.Sprintf("median %.1f MiB, most %.1f MiB", float64(kib[len(kib)/2])/1024, float64(kib[len(kib)-1])/1024))
			}
		}
		if len(medians) == 3 && medians[2] > medians[0]*5/4+memory.room {
			grows = append(grows, fmt.Sprintf("%s: medians of %v KiB", memory.of, medians))
		}
	}
	return grows
}
