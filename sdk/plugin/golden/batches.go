package golden

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/veriproof/notary/sdk/plugin/abi"
)

// randomBatches is how many random batches Batches makes.
const randomBatches = 200

// A Batch is what a redactor gets at once.
type Batch struct {
	// Name says what is special about it.
	Name   string
	Fields []abi.Field
}

// Batches returns what a redactor must take without a fault, whatever it finds:
// no field, empty texts, 64 KiB of one character, 64 KiB of random bytes made
// valid UTF-8, and random mixtures of the seeds, of parts of them, and of
// characters that detectors look at. The same seeds give the same batches.
func Batches(seeds []string) []Batch {
	rnd := rand.New(rand.NewPCG(1, 2))
	out := []Batch{
		{Name: "no field"},
		{Name: "one empty text", Fields: []abi.Field{{}}},
		{Name: "texts of a byte and of none", Fields: []abi.Field{{}, {Text: []byte("x")}, {}}},
	}
	for _, s := range []string{"\x00", "0", "a", "-", ":", "@", "\\", "é", "\U0001F600", " "} {
		out = append(out, Batch{"64 KiB of " + s, []abi.Field{{Text: []byte(strings.Repeat(s, abi.MaxBatchText/len(s)))}}})
	}
	out[3].Name = "64 KiB of zero bytes"
	out = append(out, Batch{"64 KiB of random bytes", []abi.Field{{Text: randomText(rnd, abi.MaxBatchText)}}})
	for range randomBatches {
		out = append(out, Batch{"random mixture", mixture(rnd, seeds)})
	}
	return out
}

// A Malformed message is no request, and a guest has to refuse it.
type Malformed struct {
	Name  string
	Bytes []byte
}

// MalformedRequests returns messages of each kind that a guest has to refuse with a
// status (ABI.md section 5.2): a good request with one thing wrong.
func MalformedRequests() []Malformed {
	good, err := abi.AppendRequest(nil, []abi.Field{{Text: []byte("text"), Key: []byte("key")}, {Text: []byte("more text")}})
	if err != nil {
		panic(err) // of two fields it cannot be too large
	}
	const record = 32 // where the first record begins
	out := []Malformed{{"empty", nil}, {"header cut short", good[:31]}, {"table cut short", good[:record+8]}}
	for _, c := range []struct {
		name  string
		at    int
		value uint32
	}{
		{"another magic", 0, 0x30584452},
		{"another major version", 4, 2},
		{"total_len is less than len", 8, uint32(len(good)) - 1},
		{"total_len is more than len", 8, uint32(len(good)) + 1},
		{"more fields than there are bytes", 12, 65536},
		{"too many fields", 12, 65537},
		{"table outside", 16, uint32(len(good))},
		{"table wraps around", 16, math.MaxUint32 - 15},
		{"short records", 20, 16},
		{"long records", 20, 1 << 30},
		{"text outside", record, uint32(len(good))},
		{"text wraps around", record + 4, math.MaxUint32},
		{"key outside", record + 8, uint32(len(good))},
		{"key wraps around", record + 12, math.MaxUint32},
	} {
		b := bytes.Clone(good)
		binary.LittleEndian.PutUint32(b[c.at:], c.value)
		out = append(out, Malformed{c.name, b})
	}
	return out
}

// randomText returns random bytes, with U+FFFD in place of what is no UTF-8, of
// at most size bytes.
func randomText(rnd *rand.Rand, size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	b = bytes.ToValidUTF8(b, []byte("\uFFFD"))
	return bytes.ToValidUTF8(b[:min(len(b), size)], nil)
}

func mixture(rnd *rand.Rand, seeds []string) []abi.Field {
	fields := make([]abi.Field, 1+rnd.IntN(6))
	for i := range fields {
		var text bytes.Buffer
		for range rnd.IntN(8) {
			text.WriteString(piece(rnd, seeds))
		}
		fields[i] = abi.Field{
			Text: bytes.ToValidUTF8(text.Bytes(), []byte("\uFFFD")), Key: []byte(piece(rnd, nil)),
			Role: abi.Role(rnd.IntN(12)), Format: abi.Format(rnd.IntN(6)), Group: rnd.Uint32(),
		}
	}
	return fields
}

// piece returns a seed, a part of a seed, or characters that detectors look at.
func piece(rnd *rand.Rand, seeds []string) string {
	const glue = "  \n\t\"\\-_.:@/+()0123456789aAzZeyJé漢\U0001F600"
	if len(seeds) > 0 && rnd.IntN(3) > 0 {
		s := seeds[rnd.IntN(len(seeds))]
		if len(s) > 0 && rnd.IntN(3) == 0 {
			from := rnd.IntN(len(s))
			s = s[from : from+rnd.IntN(len(s)-from)+1]
		}
		return s
	}
	letters := []rune(glue)
	out := make([]rune, rnd.IntN(24))
	for i := range out {
		out[i] = letters[rnd.IntN(len(letters))]
	}
	return string(out)
}

// Prose returns size bytes of invented chat text in which there is nothing to
// find, for measuring. It is always the same.
func Prose(size int) []byte {
	words := strings.Fields(`the order did not arrive at our office in time and nobody has told me why so please look
		whether it was sent again since Monday thank you I will check this with the warehouse and come back to you
		before noon it seems that the second parcel was returned because the address label could not be read`)
	rnd := rand.New(rand.NewPCG(3, 4))
	var b bytes.Buffer
	for b.Len() < size {
		b.WriteString(words[rnd.IntN(len(words))])
		switch rnd.IntN(12) {
		case 0:
			b.WriteString(". ")
		case 1:
			b.WriteString(",\n")
		default:
			b.WriteByte(' ')
		}
	}
	return b.Bytes()[:size]
}
