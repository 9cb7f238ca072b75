package main

import "runtime/debug"

const (
	// garbagePercent lets garbage grow to four times of what is in use. Most of what an
	// export allocates is garbage when it is answered, and little is in use between exports.
	garbagePercent = 400
	// garbageRoom is what a notary may use beside requests and sessions before garbage is collected
	// sooner, and garbageFlight how many times what requests may have in flight. Together with
	// what is no garbage this stays under the memory that TestFlood allows.
	garbageRoom   = 192 << 20
	garbageFlight = 3
)

// letGarbageGather spares the collector work while there is room: a flood could take the
// same memory. It is not the environment's to say; see the tests of T07.
func letGarbageGather(inFlight, sessions int64) {
	debug.SetGCPercent(garbagePercent)
	debug.SetMemoryLimit(garbageRoom + garbageFlight*inFlight + sessions)
}
