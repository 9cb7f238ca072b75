package ingest

import "syscall"

// giveWay is sched_yield(2): another thread that waits for this processor has it first,
// one of ours or of the kernel's that writes to the disk. Else it would wait for the
// slice of time of a thread that works on for as long as it may, some milliseconds. The
// runtime is told of the call, so that nobody waits for what the thread holds.
func giveWay() { _, _, _ = syscall.Syscall(syscall.SYS_SCHED_YIELD, 0, 0, 0) }
