package abi

// Kind is what a plugin is for. The two kinds have opposite rights, so that no
// module has both plaintext and a way out.
type Kind string

// The kinds of plugins.
const (
	KindRedactor Kind = "redactor"
	KindStorage  Kind = "storage"
)

// ABI names as they stand in a manifest.
const (
	ABIRedactor = "rdx/1"
	ABIStorage  = "sto/1"
)

// Names of exports that guests provide and of the modules they import from.
const (
	ExportMemory     = "memory"
	ExportInitialize = "_initialize"

	ExportRdxMarker    = "rdx_abi_v1"
	ExportRdxAlloc     = "rdx_alloc"
	ExportRdxConfigure = "rdx_configure"
	ExportRdxRedact    = "rdx_redact"

	ExportStoMarker    = "sto_abi_v1"
	ExportStoAlloc     = "sto_alloc"
	ExportStoConfigure = "sto_configure"
	ExportStoPut       = "sto_put"
	ExportStoGet       = "sto_get"
	ExportStoList      = "sto_list"
	ExportStoDelete    = "sto_delete"
	ExportStoMigrate   = "sto_migrate"
	// ExportStoInit is optional: it makes what the storage needs, and is called for
	// "notary store init" only.
	ExportStoInit = "sto_init"

	// ImportSto is the module name of the host functions of sto v1.
	ImportSto = "notary_sto_v1"
	// ImportWASI is the module name of the ten functions that standard Go
	// guests import; the host binds them to a WASI that denies everything.
	ImportWASI = "wasi_snapshot_preview1"
)

// WASIFunctions returns the names that a module with `wasi: "deny"` may
// import: those of Go's wasip1 runtime, and no others.
func WASIFunctions() []string {
	return []string{
		"args_get", "args_sizes_get", "clock_time_get", "environ_get", "environ_sizes_get",
		"fd_write", "poll_oneoff", "proc_exit", "random_get", "sched_yield",
	}
}

// MigrateVersion is the result of sto_migrate for storage that was made for another version
// of the adapter. 0 means ready; any other is a failure that the plugin's README explains.
const MigrateVersion = 3

// Results of sto_init. Any other is a failure that the plugin's README explains.
const (
	InitDone    = 0 // what was missing is there now
	InitNothing = 2 // an adapter of this configuration needs nothing made
)

// Pack joins a pointer and a length to the i64 that rdx_redact and the sto
// calls return: ptr<<32 | len.
func Pack(ptr, length uint32) uint64 { return uint64(ptr)<<32 | uint64(length) }

// Unpack is the inverse of [Pack].
func Unpack(v uint64) (ptr, length uint32) { return uint32(v >> 32), uint32(v) }
