package abi

// Capabilities a storage adapter's manifest may name. Each opens a set of
// imports of module [ImportSto]; an import that no named capability opens
// makes the module refuse to load.
const (
	// CapabilityBlob opens blob_put, blob_get, blob_list and blob_delete on
	// the one directory the operator gave.
	CapabilityBlob = "blob"
	// CapabilityPayload opens payload_read, payload_new, payload_slice and payload_free, for
	// guests that look into the (encrypted) bytes behind a handle.
	CapabilityPayload = "payload"
)

// CapabilityImports returns the functions of module [ImportSto] that a
// capability opens, or nil for an unknown capability.
func CapabilityImports(capability string) []string {
	switch capability {
	case CapabilityBlob:
		return []string{"blob_delete", "blob_get", "blob_list", "blob_put"}
	case CapabilityPayload:
		return []string{"payload_free", "payload_new", "payload_read", "payload_slice"}
	case CapabilitySQL:
		return []string{"sql_exec"}
	case CapabilityHTTP:
		return []string{"http_do"}
	case CapabilityStream:
		return []string{"stream_append", "stream_erase", "stream_find", "stream_list", "stream_read"}
	}
	return nil
}

// Flags of blob_put; exactly one is given.
const (
	// BlobExclusive creates the object, or fails with ErrnoExist, whatever
	// the existing object holds.
	BlobExclusive = 1
	// BlobReplace creates the object or replaces it atomically.
	BlobReplace = 2
)

// Flags of blob_list.
const (
	// BlobAscending lists keys greater than the cursor, from the smallest.
	BlobAscending = 0
	// BlobDescending lists keys smaller than the cursor, from the greatest; an
	// empty cursor stands for the end of the prefix.
	BlobDescending = 1
)

// Bounds of the blob capability.
const (
	// MaxBlobKey is the greatest length of an object key, in bytes; its
	// alphabet is [a-z0-9.-], and it neither begins nor ends with a dot or hyphen.
	MaxBlobKey = 120
	// MaxBlob is the greatest length of an object, in bytes.
	MaxBlob = 64 << 20
)

// Errno values, returned negated by host functions.
const (
	ErrnoInvalid = 1 // an argument is out of range or outside memory
	ErrnoNoEntry = 2 // no such object
	ErrnoExist   = 3 // the object or the row exists
	ErrnoIO      = 4 // storage failed; the outcome is unknown
	ErrnoTooBig  = 5 // object, handle table or key over its bound
	ErrnoHandle  = 6 // no such handle
	ErrnoDamaged = 7 // what is stored is not what was written
)

// ValidBlobKey reports whether key may name an object.
func ValidBlobKey(key []byte) bool {
	if len(key) == 0 || len(key) > MaxBlobKey || !alnum(key[0]) || !alnum(key[len(key)-1]) {
		return false
	}
	return ValidBlobPrefix(key)
}

// ValidBlobPrefix reports whether p may be the prefix or cursor of a listing:
// at most [MaxBlobKey]+1 bytes of the keys' alphabet, possibly none. The one
// byte more lets a cursor stand right behind the longest key.
func ValidBlobPrefix(p []byte) bool {
	if len(p) > MaxBlobKey+1 {
		return false
	}
	for _, c := range p {
		if !alnum(c) && c != '.' && c != '-' {
			return false
		}
	}
	return true
}

func alnum(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }
