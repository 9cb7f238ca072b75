package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// confineVariable starts the test binary as a wrapper: it forbids itself what the
// variable says, and becomes the program in its arguments.
const confineVariable = "NOTARY_TEST_CONFINE"

// What can be forbidden.
const (
	noSockets = "sockets"
	noFiles   = "files" // to open one for writing, and to make, rename or remove one
)

// confined runs the machine's tool where what is forbidden is death.
func (m *machine) confined(t *testing.T, forbidden string, args ...string) (syscall.WaitStatus, string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, append([]string{m.bin.notary}, args...)...)
	cmd.Dir, cmd.Env = m.dir, append(os.Environ(), confineVariable+"="+forbidden)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.Sys().(syscall.WaitStatus), out.String()
}

// Of prctl(2), seccomp(2) and audit, where package syscall has no names.
const (
	prSetNoNewPrivs   = 38
	prSetSeccomp      = 22
	seccompModeFilter = 2
	retKillProcess    = 0x80000000
	retAllow          = 0x7fff0000
	x32Bit            = 0x40000000
	openFlags         = 16 + 2*8 // of openat in seccomp_data, the low half
)

var auditArch = map[string]uint32{"amd64": 0xc000003e, "arm64": 0xc00000b7}

// forbiddenCalls are those that Go makes; io_uring can make sockets and files, too.
var forbiddenCalls = map[string][]uint32{
	noSockets: {unix.SYS_SOCKET, unix.SYS_SOCKETPAIR, unix.SYS_CONNECT, unix.SYS_IO_URING_SETUP},
	noFiles: {
		unix.SYS_OPENAT2, unix.SYS_MKDIRAT, unix.SYS_MKNODAT, unix.SYS_UNLINKAT, unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2, unix.SYS_LINKAT, unix.SYS_SYMLINKAT,
		unix.SYS_TRUNCATE, unix.SYS_FCHMODAT, unix.SYS_FCHOWNAT, unix.SYS_UTIMENSAT, unix.SYS_SETXATTR, unix.SYS_IO_URING_SETUP,
	},
}

// confine is called first of all by the test binary. In a wrapper it installs a
// seccomp filter under which the attempt, by whatever library
// and also one that would have failed or been undone, kills the process, and
// executes the program. It needs no rights.
func confine() {
	forbidden := os.Getenv(confineVariable)
	if forbidden == "" {
		return
	}
	os.Unsetenv(confineVariable)
	runtime.LockOSThread() // the filter is this thread's, and exec ends the others
	if err := forbid(forbidden); err != nil {
		fmt.Fprintln(os.Stderr, "confine:", err)
		os.Exit(125)
	}
	err := syscall.Exec(os.Args[1], os.Args[1:], os.Environ())
	fmt.Fprintln(os.Stderr, "confine:", err)
	os.Exit(125)
}

func forbid(what string) error {
	arch, ok := auditArch[runtime.GOARCH]
	if !ok {
		return fmt.Errorf("no filter for %s", runtime.GOARCH)
	}
	const jump = syscall.BPF_JMP | syscall.BPF_K
	const kill = 0xff // a jump to the last instruction, to be filled in
	load := func(offset uint32) syscall.SockFilter {
		return syscall.SockFilter{Code: syscall.BPF_LD | syscall.BPF_W | syscall.BPF_ABS, K: offset}
	}
	end := func(verdict uint32) syscall.SockFilter {
		return syscall.SockFilter{Code: syscall.BPF_RET | syscall.BPF_K, K: verdict}
	}
	program := []syscall.SockFilter{
		load(4), // seccomp_data.arch
		{Code: jump | syscall.BPF_JEQ, K: arch, Jf: kill},
		load(0), // seccomp_data.nr
		{Code: jump | syscall.BPF_JGE, K: x32Bit, Jt: kill},
	}
	for _, nr := range forbiddenCalls[what] {
		program = append(program, syscall.SockFilter{Code: jump | syscall.BPF_JEQ, K: nr, Jt: kill})
	}
	if what == noFiles {
		program = append(program,
			syscall.SockFilter{Code: jump | syscall.BPF_JEQ, K: unix.SYS_OPENAT, Jf: 2},
			load(openFlags),
			syscall.SockFilter{Code: jump | syscall.BPF_JSET, K: unix.O_WRONLY | unix.O_RDWR | unix.O_CREAT | unix.O_TRUNC, Jt: kill})
	}
	program = append(program, end(retAllow), end(retKillProcess))
	for i := range program {
		for _, to := range []*uint8{&program[i].Jt, &program[i].Jf} {
			if *to == kill {
				*to = uint8(len(program) - 1 - (i + 1))
			}
		}
	}
	if _, _, e := syscall.RawSyscall6(syscall.SYS_PRCTL, prSetNoNewPrivs, 1, 0, 0, 0, 0); e != 0 {
		return fmt.Errorf("no_new_privs: %w", e)
	}
	filter := syscall.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if _, _, e := syscall.RawSyscall6(syscall.SYS_PRCTL, prSetSeccomp, seccompModeFilter, uintptr(unsafe.Pointer(&filter)), 0, 0, 0); e != 0 {
		return fmt.Errorf("seccomp: %w", e)
	}
	return nil
}
