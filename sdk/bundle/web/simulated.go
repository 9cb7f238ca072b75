//go:build js && wasm && simtee

package main

// simulatedAllowed: a development build of the page, which says so, accepts
// policies that trust simulated hardware.
const simulatedAllowed = true
