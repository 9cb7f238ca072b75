//go:build js && wasm && !simtee

package main

// simulatedAllowed: the page accepts nothing but hardware.
const simulatedAllowed = false
