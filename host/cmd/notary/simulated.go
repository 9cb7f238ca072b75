//go:build simtee

package main

// simulatedAllowed says that this is a development build: policies may trust
// simulated hardware. Everything that it attests says so.
const simulatedAllowed = true
