package ingest

import "github.com/veriproof/notary/attestation/transcript"

// maxKeyLength bounds an API key before it is hashed.
const maxKeyLength = 512

// A Key lets its holder send as a tenant. A tenant may have several, so that
// one can be replaced while the other is in use.
type Key struct {
	Tenant string
	Hash   [32]byte // HashKey of the API key
}

// HashKey returns what is stored of an API key: SHA-256 over the transcript
// "veriproof-notary/api-key/v1". Keys are random, of 128 bits and more, so that
// a plain hash cannot be reversed by trying.
func HashKey(key string) [32]byte {
	return transcript.New("veriproof-notary/api-key/v1").String(key).Sum()
}
