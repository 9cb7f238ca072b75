package journal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/hpke"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"

	"github.com/veriproof/notary/attestation/transcript"
	"github.com/veriproof/notary/sdk/receipt"
)

// PEM types of recipient keys. The body of the public key is the serialised
// MLKEM768-X25519 public key (1216 bytes), that of the private key its 32-byte
// seed.
const (
	publicPEM  = "NOTARY RECIPIENT PUBLIC KEY"
	privatePEM = "NOTARY RECIPIENT PRIVATE KEY"
)

// The HPKE suite (RFC 9180): a hybrid KEM, since recorded ciphertext must
// outlive the arrival of quantum computers.
func kem() hpke.KEM   { return hpke.MLKEM768X25519() }
func kdf() hpke.KDF   { return hpke.HKDFSHA256() }
func aead() hpke.AEAD { return hpke.AES256GCM() }

// ErrKey says that a key is malformed or does not open what it was used on.
var ErrKey = errors.New("key does not fit")

// A Recipient is a public key that sessions are encrypted to.
type Recipient struct{ key hpke.PublicKey }

// ParseRecipient reads the PEM form, exactly one block.
func ParseRecipient(text []byte) (*Recipient, error) {
	b, err := onePEM(text, publicPEM)
	if err != nil {
		return nil, err
	}
	key, err := kem().NewPublicKey(b)
	if err != nil {
		return nil, fmt.Errorf("%w: recipient public key: %w", ErrKey, err)
	}
	return &Recipient{key}, nil
}

// PEM returns the key's PEM form.
func (r *Recipient) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: publicPEM, Bytes: r.key.Bytes()})
}

// Bytes returns the serialised public key.
func (r *Recipient) Bytes() []byte { return r.key.Bytes() }

// ID names the recipient in journals: a hash of its public key.
func (r *Recipient) ID() receipt.Hash {
	return transcript.New("veriproof-notary/recipient/v1").Bytes(r.key.Bytes()).Sum()
}

// An Identity is a recipient's private key. The notary never has one.
type Identity struct{ key hpke.PrivateKey }

// GenerateIdentity makes a new private key.
func GenerateIdentity() (*Identity, error) {
	key, err := kem().GenerateKey()
	if err != nil {
		return nil, err
	}
	return &Identity{key}, nil
}

// ParseIdentity reads the PEM form, exactly one block.
func ParseIdentity(text []byte) (*Identity, error) {
	b, err := onePEM(text, privatePEM)
	if err != nil {
		return nil, err
	}
	key, err := kem().NewPrivateKey(b)
	if err != nil {
		return nil, fmt.Errorf("%w: recipient private key: %w", ErrKey, err)
	}
	return &Identity{key}, nil
}

// PEM returns the private key's PEM form.
func (i *Identity) PEM() ([]byte, error) {
	b, err := i.key.Bytes()
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: privatePEM, Bytes: b}), nil
}

// Recipient returns the public half.
func (i *Identity) Recipient() *Recipient { return &Recipient{i.key.PublicKey()} }

func onePEM(text []byte, typ string) ([]byte, error) {
	block, rest := pem.Decode(text)
	switch {
	case block == nil:
		return nil, fmt.Errorf("%w: no PEM block; want %q", ErrKey, typ)
	case block.Type != typ:
		return nil, fmt.Errorf("%w: PEM block %q; want %q", ErrKey, block.Type, typ)
	}
	if more, _ := pem.Decode(rest); more != nil {
		return nil, fmt.Errorf("%w: more than one PEM block", ErrKey)
	}
	return block.Bytes, nil
}

// A Purpose separates the two secrets that are sealed to recipients.
type Purpose string

// The purposes.
const (
	WrapKey   Purpose = "veriproof-notary/wrap-key/v1"
	LookupKey Purpose = "veriproof-notary/lookup-key/v1" // number is always 0
)

func (p Purpose) info(epoch receipt.Epoch, number uint64) []byte {
	return transcript.New(string(p)).Bytes(epoch[:]).Uint64(number).Encode()
}

// Seal encrypts a 32-byte secret of an epoch to the recipient by HPKE in base
// mode. The purpose, the epoch and the number are bound as info.
func (r *Recipient) Seal(p Purpose, epoch receipt.Epoch, number uint64, secret *[32]byte) ([]byte, error) {
	return hpke.Seal(r.key, kdf(), aead(), p.info(epoch, number), secret[:])
}

// Open is the inverse of Seal.
func (i *Identity) Open(p Purpose, epoch receipt.Epoch, number uint64, sealed []byte) (*[32]byte, error) {
	b, err := hpke.Open(i.key, kdf(), aead(), p.info(epoch, number), sealed)
	if err != nil || len(b) != 32 {
		return nil, fmt.Errorf("%w: a secret of epoch %v number %d is not sealed to this key", ErrKey, epoch, number)
	}
	return (*[32]byte)(b), nil
}

// SessionHandle computes the name of a session towards storage: HMAC-SHA-256
// under the epoch's lookup key of tenant and session id.
func SessionHandle(lookup *[32]byte, tenant string, session []byte) receipt.Handle {
	return receipt.Handle(transcript.New("veriproof-notary/session-handle/v1").String(tenant).Bytes(session).MAC(lookup))
}

// ofPart binds a value to one part; it is HKDF info and AEAD data alike. It goes on with
// a transcript that has only its domain.
func ofPart(domain *transcript.Transcript, id receipt.PartID) *transcript.Transcript {
	return domain.Bytes(id.Epoch[:]).Bytes(id.Handle[:]).Uint64(uint64(id.Part))
}

// expand derives 32 bytes from a uniformly random key by HKDF-Expand (RFC 5869
// section 2.3). The extract step is for keys that are not uniform.
func expand(key *[32]byte, t *transcript.Transcript) *[32]byte {
	b, err := hkdf.Expand(sha256.New, key[:], string(t.Encode()), 32)
	if err != nil {
		panic("hkdf: 32 bytes are always within the limit")
	}
	return (*[32]byte)(b)
}

func gcm(key *[32]byte) cipher.AEAD {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic("aes: a 32-byte key is always valid")
	}
	a, err := cipher.NewGCM(block)
	if err != nil {
		panic("gcm: AES always has the right block size")
	}
	return a
}

// WrappedDEKSize is the length of a wrapped DEK: format (1, value 1) || wrap
// key number (8, big endian) || AES-256-GCM ciphertext of the DEK (48).
const WrappedDEKSize = 1 + 8 + 32 + 16

const wrapDomain = "veriproof-notary/wrapped-dek/v1"

// WrapDEK encrypts a part's DEK under the wrap key with the given number. The
// AES-256-GCM key is derived for this part alone, which is why its nonce can be
// zero: it encrypts once.
func WrapDEK(wrap *[32]byte, number uint64, id receipt.PartID, dek *[32]byte) []byte {
	b := be64([]byte{formatV1}, number)
	key := expand(wrap, ofPart(transcript.New(wrapDomain), id).Uint64(number))
	defer clear(key[:])
	return gcm(key).Seal(b, make([]byte, 12), dek[:], ofPart(transcript.New(wrapDomain), id).Encode())
}

// WrapNumber returns the number of the wrap key that a wrapped DEK needs.
func WrapNumber(wrapped []byte) (uint64, error) {
	if len(wrapped) != WrappedDEKSize || wrapped[0] != formatV1 {
		return 0, fmt.Errorf("%w: wrapped key is malformed or was erased", ErrKey)
	}
	return readBE64(wrapped[1:9]), nil
}

// UnwrapDEK is the inverse of WrapDEK.
func UnwrapDEK(wrap *[32]byte, id receipt.PartID, wrapped []byte) (*[32]byte, error) {
	number, err := WrapNumber(wrapped)
	if err != nil {
		return nil, err
	}
	key := expand(wrap, ofPart(transcript.New(wrapDomain), id).Uint64(number))
	defer clear(key[:])
	dek, err := gcm(key).Open(nil, make([]byte, 12), wrapped[9:], ofPart(transcript.New(wrapDomain), id).Encode())
	if err != nil {
		return nil, fmt.Errorf("%w: wrapped key of part %d does not open", ErrKey, id.Part)
	}
	return (*[32]byte)(dek), nil
}

// NewSecret returns 32 random bytes.
func NewSecret() *[32]byte {
	s := new([32]byte)
	rand.Read(s[:]) // never fails since Go 1.24
	return s
}

// PartKeys are the keys derived from a part's DEK. They are safe for concurrent
// use until Wipe.
type PartKeys struct {
	ID receipt.PartID
	// Commitment binds the DEK: it is checked before anything is decrypted,
	// since AES-GCM alone lets one ciphertext open under two keys.
	Commitment receipt.Hash

	segment cipher.AEAD
	salt    [32]byte
}

// DeriveKeys derives a part's keys from its DEK.
func DeriveKeys(dek *[32]byte, id receipt.PartID) *PartKeys {
	segment := expand(dek, ofPart(transcript.New("veriproof-notary/segment-key/v1"), id))
	defer clear(segment[:])
	return &PartKeys{
		ID:         id,
		Commitment: *expand(dek, ofPart(transcript.New("veriproof-notary/dek-commit/v1"), id)),
		segment:    gcm(segment),
		salt:       *expand(dek, ofPart(transcript.New("veriproof-notary/salt-key/v1"), id)),
	}
}

// Salt is the salt of the leaf with the given index in the given segment. It
// does not depend on the leaf's place in the tree, so a leaf is hashed before
// that is known.
func (k *PartKeys) Salt(segment uint64, index uint32) receipt.Hash {
	return k.leaves(segment).salt(index)
}

// EditKey is the key of the same leaf's edit commitment. It is derived for each
// record, since giving away the salt key to show one edit list would open all.
func (k *PartKeys) EditKey(segment uint64, index uint32) receipt.Hash {
	return k.leaves(segment).editKey(index)
}

// A leafMAC makes what the salt key gives to each leaf of a segment. It takes the key in
// once, which costs as much as a value, and lays each message out once: the index, its
// last field, is all that differs.
type leafMAC struct {
	h           hash.Hash
	salts, keys []byte
	sum         receipt.Hash
}

const (
	saltDomain    = "veriproof-notary/leaf-salt/v1"
	editKeyDomain = "veriproof-notary/edit-key/v1"
)

func (k *PartKeys) leaves(segment uint64) *leafMAC {
	message := func(domain string) []byte { return transcript.New(domain).Uint64(segment).Uint64(0).Encode() }
	return &leafMAC{
		h:     hmac.New(sha256.New, k.salt[:]),
		salts: message(saltDomain),
		keys:  message(editKeyDomain),
	}
}

func (m *leafMAC) salt(index uint32) receipt.Hash    { return m.value(m.salts, index) }
func (m *leafMAC) editKey(index uint32) receipt.Hash { return m.value(m.keys, index) }

func (m *leafMAC) value(message []byte, index uint32) receipt.Hash {
	binary.BigEndian.PutUint64(message[len(message)-8:], uint64(index))
	m.h.Reset()
	m.h.Write(message)
	m.h.Sum(m.sum[:0])
	return m.sum
}

// Wipe zeroes the salt key and drops the segment key. The expanded AES key
// inside the standard library cannot be zeroed; it is left to the collector.
func (k *PartKeys) Wipe() {
	clear(k.salt[:])
	k.segment = nil
}
