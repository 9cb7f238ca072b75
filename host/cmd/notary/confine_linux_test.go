package main

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"
)

// confineVariable starts the test binary as a wrapper: it forbids itself
// sockets and becomes the program in its arguments.
const confineVariable = "NOTARY_TEST_CONFINE"

// Of prctl(2), seccomp(2) and audit, where package syscall has no names.
const (
	prSetNoNewPrivs   = 38
	prSetSeccomp      = 22
	seccompModeFilter = 2
	retKillProcess    = 0x80000000
	retAllow          = 0x7fff0000
	ioUringSetup      = 425 // sockets can be made by io_uring, too
	x32Bit            = 0x40000000
)

var auditArch = map[string]uint32{"amd64": 0xc000003e, "arm64": 0xc00000b7}

// confine is called first of all by the test binary. In a wrapper it installs a
// seccomp filter under which the attempt to make a socket, by whatever library
// and also one that would have failed or been undone, kills the process, and
// executes the program. It needs no rights.
func confine() {
	if os.Getenv(confineVariable) == "" {
		return
	}
	os.Unsetenv(confineVariable)
	runtime.LockOSThread() // the filter is this thread's, and exec ends the others
	if err := forbidSockets(); err != nil {
		fmt.Fprintln(os.Stderr, "confine:", err)
		os.Exit(125)
	}
	err := syscall.Exec(os.Args[1], os.Args[1:], os.Environ())
	fmt.Fprintln(os.Stderr, "confine:", err)
	os.Exit(125)
}

func forbidSockets() error {
	arch, ok := auditArch[runtime.GOARCH]
	if !ok {
		return fmt.Errorf("no filter for %s", runtime.GOARCH)
	}
	load := func(offset uint32) syscall.SockFilter {
		return syscall.SockFilter{Code: syscall.BPF_LD | syscall.BPF_W | syscall.BPF_ABS, K: offset}
	}
	end := func(verdict uint32) syscall.SockFilter {
		return syscall.SockFilter{Code: syscall.BPF_RET | syscall.BPF_K, K: verdict}
	}
	forbidden := []uint32{syscall.SYS_SOCKET, syscall.SYS_SOCKETPAIR, syscall.SYS_CONNECT, ioUringSetup}
	last := uint8(len(forbidden))
	program := []syscall.SockFilter{
		load(4), // seccomp_data.arch
		{Code: syscall.BPF_JMP | syscall.BPF_JEQ | syscall.BPF_K, K: arch, Jf: last + 3},
		load(0), // seccomp_data.nr
		{Code: syscall.BPF_JMP | syscall.BPF_JGE | syscall.BPF_K, K: x32Bit, Jt: last + 1},
	}
	for i, nr := range forbidden {
		program = append(program, syscall.SockFilter{
			Code: syscall.BPF_JMP | syscall.BPF_JEQ | syscall.BPF_K, K: nr, Jt: last - uint8(i),
		})
	}
	program = append(program, end(retAllow), end(retKillProcess))
	if _, _, e := syscall.RawSyscall6(syscall.SYS_PRCTL, prSetNoNewPrivs, 1, 0, 0, 0, 0); e != 0 {
		return fmt.Errorf("no_new_privs: %w", e)
	}
	filter := syscall.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if _, _, e := syscall.RawSyscall6(syscall.SYS_PRCTL, prSetSeccomp, seccompModeFilter, uintptr(unsafe.Pointer(&filter)), 0, 0, 0); e != 0 {
		return fmt.Errorf("seccomp: %w", e)
	}
	return nil
}
