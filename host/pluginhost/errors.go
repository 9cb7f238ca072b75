package pluginhost

import (
	"errors"
	"fmt"
)

// Reason says in one word why a plugin failed. It is a metric label, so the
// set is closed and no guest has a say in it.
type Reason string

// Reasons of a [PluginError].
const (
	ReasonTrap   Reason = "trap"   // the guest trapped
	ReasonFuel   Reason = "fuel"   // the guest did not end within its fuel
	ReasonDepth  Reason = "depth"  // the guest's calls nested too deep
	ReasonAlloc  Reason = "alloc"  // the guest gave no buffer, or one outside its memory
	ReasonReply  Reason = "reply"  // the reply is malformed or breaks a rule of the ABI
	ReasonStatus Reason = "status" // the guest said that it failed
	ReasonLimit  Reason = "limit"  // the work exceeds a bound of the host
	ReasonClosed Reason = "closed" // the plugin set has been closed
	// ReasonDiffers: two instances of the same guest gave different edits for the
	// same batch.
	ReasonDiffers Reason = "differs"
)

// A PluginError is a plugin's failure to handle a call. Nothing of the call's
// result exists. It holds no text from the guest, which could be plaintext.
type PluginError struct {
	Plugin string
	Reason Reason
}

func (e *PluginError) Error() string {
	return fmt.Sprintf("plugin %s: call failed (%s)", e.Plugin, e.Reason)
}

// ErrText means that a field's text is not valid UTF-8, so that no redactor
// may see it. The caller refuses the request.
var ErrText = errors.New("pluginhost: field is not valid UTF-8")

// A LoadError says why a module was refused, for the operator and the author.
type LoadError struct {
	Plugin string
	Err    error
}

func (e *LoadError) Error() string { return fmt.Sprintf("plugin %s: %v", e.Plugin, e.Err) }
func (e *LoadError) Unwrap() error { return e.Err }

// A PinError means that a module is not the one the configuration names.
type PinError struct {
	Want, Got [32]byte
}

func (e *PinError) Error() string {
	return fmt.Sprintf("module has sha256 %x, the configuration pins %x: fetch the pinned module, or pin this one after a review", e.Got, e.Want)
}
