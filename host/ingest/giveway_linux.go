package ingest

import "syscall"

// giveWay is sched_yield(2): another thread of ours that waits for this processor has it
// first. Else it waits for as long as the kernel lets this one go on, which is some
// milliseconds and now and then many, with another processor idle. The runtime is told of
// the call, so that nobody waits for what the thread holds meanwhile.
func giveWay() { _, _, _ = syscall.Syscall(syscall.SYS_SCHED_YIELD, 0, 0, 0) }
