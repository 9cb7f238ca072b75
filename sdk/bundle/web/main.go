//go:build js && wasm

// Command web is the verifier of bundles for a browser: the same code as "notary
// verify", behind one function, verifyBundle, that the page calls. It opens no
// connection and keeps nothing.
package main

import (
	"syscall/js"
)

// version is set by the build.
var version = "dev"

func main() {
	js.Global().Set("verifyBundle", js.FuncOf(func(_ js.Value, args []js.Value) any {
		if len(args) != 2 {
			return `{"error":"want a bundle and settings"}`
		}
		bundle := make([]byte, args[0].Length())
		js.CopyBytesToGo(bundle, args[0])
		return verify(bundle, args[1].String())
	}))
	js.Global().Call("verifierReady", version, simulatedAllowed)
	select {} // the page calls until it is closed
}
