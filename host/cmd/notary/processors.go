package main

import (
	"os"
	"runtime"
)

// spareProcessor gives Go's scheduler one processor more than there are, until it is told
// that this is over. In a flood strangers keep half of them busy, and as soon as all others are at
// work, too, the scheduler looks for what the network has only every 10 ms, and a thread that
// comes back from the disk waits in a queue. With one to spare somebody is left to wait for the
// network, and the kernel, which lets a thread that was woken go before one that has
// worked for long, decides who of them works. At other times it would be a thread more to switch to.
//
// It is not for a process that may use less than all processors: what a quota allows would be
// used up sooner, and the kernel would then stop all threads for the rest of its period.
func spareProcessor() (over func()) {
	n := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(n + 1)
	return func() {
		if os.Getenv("GOMAXPROCS") != "" { // of whoever started the process, and not to be changed
			runtime.GOMAXPROCS(n)
			return
		}
		runtime.SetDefaultGOMAXPROCS() // from here on it follows again what the process may use
	}
}
