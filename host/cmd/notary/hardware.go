//go:build !simtee

package main

import (
	"context"
	"errors"
)

// simulatedAllowed is false in a release build: no configuration and no policy
// can make it take a simulator for hardware, and the simulator is not in it.
const simulatedAllowed = false

var (
	demoCommand = onlySimulated("demo", "shows the whole system at work (development builds)")
	devCommand  = onlySimulated("dev", "keeps a notary on simulated hardware (development builds)")
)

func onlySimulated(name, brief string) command {
	return command{name: name, brief: brief, run: func(context.Context, *app, []string) error {
		return hinted(errors.New("this is a release build, which has no simulated hardware"),
			"run \"make %s\" in the source tree, which makes a development build", name)
	}}
}
