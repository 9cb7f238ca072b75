//go:build !race

package plugins_test

import (
	"bytes"
	"cmp"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/veriproof/notary/host/pluginhost"
	"github.com/veriproof/notary/sdk/plugin/abi"
)

// A costly text is short, and dear when it is repeated: fuel is for each byte of it.
type costly struct {
	unit string
	fuel float64
}

// costOf returns the fuel for each byte of a unit that is repeated up to n bytes.
func costOf(t testing.TB, p *pluginhost.Probe, unit string, n int) costly {
	t.Helper()
	text := bytes.Repeat([]byte(unit), max(1, n/len(unit)))
	out, err := p.Try(t.Context(), []abi.Field{{Text: text}})
	if err != nil {
		t.Fatalf("%q, %d times: %v", unit, len(text)/len(unit), err)
	}
	return costly{unit, float64(out.Fuel) / float64(len(text))}
}

// breed changes a unit in one to three places: it takes a piece away, or doubles it, or puts one of another
// unit, or a byte, in its place.
func breed(d dice, unit, other string) string {
	for range 1 + d.IntN(3) {
		from := d.IntN(len(unit) + 1)
		to := min(len(unit), from+d.IntN(1+d.IntN(12)))
		piece := d.IntN(len(other) + 1)
		switch d.IntN(6) {
		case 0:
			unit = unit[:from] + unit[to:]
		case 1:
			unit = unit[:to] + unit[from:]
		case 2:
			unit = unit[:from] + other[piece:min(len(other), piece+1+d.IntN(16))] + unit[to:]
		case 3:
			unit = unit[:from] + pick(d, "0", "1", "4", "7", "9", "a", "b", "e", "x", "A", "B", "G") + unit[min(to, from+1):]
		default:
			unit = unit[:from] + pick(d, " ", " ", ".", "-", ":", "@", "=", "/", "+", "_", "\"", "'", ",", "(", ")", "#", "$", "\n", "\\", "é", "1", "é") + unit[min(to, from+1):]
		}
	}
	return strings.ToValidUTF8(unit[:min(len(unit), 160)], "é")
}

// TestWorstTexts looks for texts that cost a redactor more than those of TestWorkIsLinear, for as long
// as NOTARY_WORST says ("60s") each, or as many of them, and then the same ones each time ("500"): with what is found reported, and next to nothing. Several stocks
// of short texts are bred apart, from the known ones and the golden ones, by the fuel that they take when
// repeated. As long as a batch, none may take more than five times the mean of usual ones. What it finds
// belongs into worst.
func TestWorstTexts(t *testing.T) {
	many, seed := math.MaxInt, uint64(time.Now().UnixNano())
	long, err := time.ParseDuration(os.Getenv("NOTARY_WORST"))
	if n, notNumber := strconv.Atoi(os.Getenv("NOTARY_WORST")); notNumber == nil {
		many, seed, long = n, 1, math.MaxInt64
	} else if err != nil {
		return
	}
	const stocks, kept, tried, strict = 8, 24, 16 << 10, `{"threshold":1000}`
	for _, run := range []struct{ name, config string }{{scanners[0], ""}, {scanners[0], strict}, {scanners[1], ""}, {scanners[1], strict}} {
		name, p, d := run.name, probe(t, run.name, []byte(run.config)), newDice(seed)
		mean, usual := 0.0, usualTexts()
		for _, text := range usual {
			mean += costOf(t, p, string(text), len(text)).fuel / float64(len(usual))
		}
		seeds := slices.Clone(worst)
		for _, v := range vectors(t, name) {
			if len(v.Text) <= 160 && len(v.Text) > 0 {
				seeds = append(seeds, v.Text+" ")
			}
		}
		var stock [stocks][]costly
		for i, unit := range seeds {
			stock[i%stocks] = append(stock[i%stocks], costOf(t, p, unit, tried))
		}
		dear := func(a, b costly) int { return cmp.Compare(b.fuel, a.fuel) }
		for i := range stock {
			slices.SortFunc(stock[i], dear)
		}
		breeds := 0
		for begin := time.Now(); breeds < many && time.Since(begin) < long; breeds++ {
			s := &stock[d.IntN(stocks)]
			parent := (*s)[min(d.IntN(len(*s)), d.IntN(len(*s)))]
			child := breed(d, parent.unit, pick(d, pick(d, *s...).unit, pick(d, seeds...)))
			if child == "" || !utf8.ValidString(child) || slices.ContainsFunc(*s, func(c costly) bool { return c.unit == child }) {
				continue
			}
			*s = append(*s, costOf(t, p, child, tried))
			slices.SortFunc(*s, dear)
			*s = (*s)[:min(len(*s), kept)]
		}
		for _, s := range stock {
			best := s[0]
			for i := 0; i < len(best.unit) && len(best.unit) > 1; { // without what it does not need
				less := best.unit[:i] + best.unit[i+1:]
				if !utf8.ValidString(less) {
					i++
					continue
				}
				if c := costOf(t, p, less, tried); c.fuel >= best.fuel {
					best = c
				} else {
					i++
				}
			}
			whole := costOf(t, p, best.unit, abi.MaxBatchText).fuel
			t.Logf("%s with %q: of %d texts, %.0f fuel a byte, %.2f times the mean: %q", name, run.config, breeds, whole, whole/mean, best.unit)
			if whole > timesTheMean*mean {
				t.Errorf("%s with %q: %q takes %.0f fuel a byte; the mean is %.0f", name, run.config, best.unit, whole, mean)
			}
		}
	}
}
