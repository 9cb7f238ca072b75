//go:build !simtee

package main

import (
	"context"
	"errors"
)

// simulatedAllowed is false in a release build: no configuration and no policy
// can make it take a simulator for hardware, and the simulator is not in it.
const simulatedAllowed = false

var demoCommand = command{
	name: "demo", brief: "shows the whole system at work (development builds)",
	run: func(context.Context, *app, []string) error {
		return hinted(errors.New("this is a release build, which has no simulated hardware to show the demo on"),
			"run \"make demo\" in the source tree, which makes a development build")
	},
}
