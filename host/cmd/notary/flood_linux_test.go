package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/veriproof/notary/host/config"
	workload "github.com/veriproof/notary/host/internal/bench"
)

// How long a flood lasts; NOTARY_FLOOD makes it longer, and TestFlood judges latency, too:
// for that the machine should have nothing else to do.
const (
	shortFlood    = 3 * time.Second
	floodVar      = "NOTARY_FLOOD"
	floodFlight   = 32 << 20
	floodRequest  = 4 << 20
	floodSessions = 32 << 20
	// As many as would hold twice what the notary may.
	stalledMessages = 2 * floodMemory / floodRequest
	resets          = 100 // streams on a connection
	// floodMemory is what the notary may hold at most, as [config.Config.MostMemory] says.
	floodMemory = config.BaseMemory + 4*floodFlight + floodSessions
)

// A flood is everything that a sender can do to a notary, at once, from a process of its own.
type flood struct {
	aims
	ctx   context.Context
	wg    sync.WaitGroup
	tries atomic.Uint64
	tls   *tls.Config
	http  *http.Client
	http2 *http.Client
	conn  *grpc.ClientConn
	spans atomic.Uint64
	taken map[string]*atomic.Uint64 // of what costs the notary more than usual requests of its size do
}

// aims are what such a process is told. It ends with its standard input.
type aims struct {
	OTLP, OTLPHTTP, Key string
	Healthy             bool // it is no flood but a healthy sender
	Dear                bool // a flood has what is taken and costs much, too
	Computes            bool // it is no flood, but keeps processors busy and sends nothing
}

const flooderVar = "NOTARY_TEST_FLOODER"

// flooder is the process of a flood, or of a healthy sender. It does not return in one.
func flooder() {
	text := os.Getenv(flooderVar)
	if text == "" {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	f := &flood{ctx: ctx, tls: &tls.Config{InsecureSkipVerify: true}, taken: make(map[string]*atomic.Uint64)}
	if err := json.Unmarshal([]byte(text), &f.aims); err != nil {
		panic(err)
	}
	told := bufio.NewScanner(os.Stdin)
	if f.Computes {
		for range runtime.GOMAXPROCS(0) {
			go compute()
		}
		for told.Scan() {
		}
		os.Exit(0)
	}
	f.http = &http.Client{Transport: &http.Transport{TLSClientConfig: f.tls.Clone()}}
	f.http2 = &http.Client{Transport: &http.Transport{TLSClientConfig: f.tls.Clone(), ForceAttemptHTTP2: true}}
	f.conn = f.connect()
	if f.Healthy {
		go func() {
			for told.Scan() {
			}
			stop()
		}()
		f.healthy()
		os.Exit(0)
	}
	f.start()
	if told.Scan() { // a line: now honest data, more than there is time for
		large := bytes.Repeat(workload.Small(7), 80) // 3.5 MB
		for range 16 {
			f.loop(func() { _ = f.send(ctx, large, f.Key) })
		}
	}
	for told.Scan() {
	}
	stop()
	fmt.Print(f.tries.Load(), " attempts; taken")
	for _, name := range slices.Sorted(maps.Keys(f.taken)) {
		fmt.Print(" ", name, " ", f.taken[name].Load())
	}
	os.Exit(0)
}

// compute keeps a processor busy.
func compute() {
	for sum := sha256.Sum256(nil); ; {
		sum = sha256.Sum256(sum[:])
	}
}

// healthy sends a request after the other, never one twice but what is to be sent again, and
// prints when each was begun and how long it took until it was acknowledged. What it sends is made
// before: it goes before everybody else on these processors, and would keep the notary from them.
func (f *flood) healthy() {
	next := conversations()
	pace := time.NewTicker(20 * time.Millisecond)
	for n := uint64(1); f.ctx.Err() == nil; n++ {
		body := next(n)
		start := time.Now()
		for {
			err := f.send(context.Background(), body, f.Key) // the last is waited for
			if err == nil {
				break
			}
			if code := status.Code(err); code != codes.ResourceExhausted && code != codes.Unavailable || time.Since(start) > patience {
				fmt.Fprintln(os.Stderr, "a healthy export:", err)
				os.Exit(1)
			}
			<-pace.C
		}
		fmt.Println(start.UnixNano(), int64(time.Since(start)))
		<-pace.C
	}
}

// conversations returns what makes request n: one of a few, under sessions of its own. It is
// good until the next.
func conversations() func(n uint64) []byte {
	type made struct {
		body []byte
		ids  []int // where sixteen digits of the ids of its sessions are
	}
	all := make([]made, 32)
	for i := range all {
		body := workload.GenAI(uint64(i))
		m := made{body: body}
		const prefix = "conv_"
		for at := 0; ; {
			found := bytes.Index(body[at:], []byte(prefix))
			if found < 0 {
				break
			}
			at += found + len(prefix)
			m.ids = append(m.ids, at)
		}
		all[i] = m
	}
	return func(n uint64) []byte {
		m := all[n%uint64(len(all))]
		digits := fmt.Appendf(nil, "%016x", n)
		for _, at := range m.ids {
			copy(m.body[at:], digits)
		}
		return m.body
	}
}

// A sending is a process that sends.
type sending struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out bytes.Buffer
}

// startSending starts one, whose threads the kernel has to treat as is said, on these processors.
func startSending(t *testing.T, what aims, how unix.SchedAttr, on unix.CPUSet) *sending {
	t.Helper()
	text, err := json.Marshal(what)
	if err != nil {
		t.Fatal(err)
	}
	s := &sending{cmd: exec.Command(os.Args[0])}
	s.cmd.Env = append(os.Environ(), flooderVar+"="+string(text))
	s.cmd.Stdout, s.cmd.Stderr = &s.out, os.Stderr
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // it ends with this, and nothing else of the test runs on it
		how.Size = unix.SizeofSchedAttr
		if err := unix.SchedSetAttr(0, &how, 0); err != nil {
			t.Logf("a process that sends has no other priority: %v", err) // it is not allowed everywhere
		}
		if err := unix.SchedSetaffinity(0, &on); err != nil {
			t.Logf("a process that sends runs on all processors: %v", err)
		}
		started <- s.cmd.Start()
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cmd.Process.Kill(); _ = s.cmd.Wait() })
	return s
}

// end has the process end, and returns what it printed.
func (s *sending) end(t *testing.T) string {
	t.Helper()
	s.in.Close()
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("a process that sends: %v", err)
	}
	return strings.TrimSpace(s.out.String())
}

func (s *sending) signal(t *testing.T, sig os.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// processors returns those that there are for a process, and the last of them.
func processors(t *testing.T) (all, last unix.CPUSet) {
	t.Helper()
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		t.Fatal(err)
	}
	for n := 8*int(unsafe.Sizeof(all)) - 1; last.Count() == 0; n-- {
		if all.IsSet(n) {
			last.Set(n)
		}
	}
	return all, last
}

// elsewhere has the kernel's threads go before a process, too, as if it ran on another machine:
// SCHED_IDLE is a promise to threads of the same group only. It needs root and the hierarchy of
// groups for processor time, and is left out without. It is called before its cleanup kills the process.
func elsewhere(t *testing.T, pid int) {
	group := fmt.Sprintf("/sys/fs/cgroup/cpu/notary-flood-%d", pid)
	if os.Mkdir(group, 0o700) != nil {
		return
	}
	t.Cleanup(func() { _ = os.Remove(group) })
	if os.WriteFile(group+"/cpu.idle", []byte("1"), 0) == nil && os.WriteFile(group+"/cgroup.procs", []byte(strconv.Itoa(pid)), 0) == nil {
		t.Logf("process %d runs in a group of processes that is idle", pid)
	}
}

// TestFlood (T50, T51, T52, T53): bombs, floods of connections and streams, senders who
// trickle, or stall, and then more honest requests than there is time for. Meanwhile a healthy
// sender's exports are acknowledged, each of them, and memory stays bounded.
//
// The flood is stopped now and then, until the notary sees none, so that the same disk, and as many
// open sessions, are met with it and without it.
// When latency is judged the flood gets one processor, and that only when nobody else wants it, and
// the healthy sender any whenever he wants one: both are on other machines, and what is judged is
// the notary's wait, not theirs. One, because the kernel has a thread that nobody should notice
// work on for up to 4 ms as soon as another one makes room for a moment.
func TestFlood(t *testing.T) { runFlood(t, flooding{}) }

// TestDearFlood: the same, and what is taken but costs much more than usual requests of its size:
// texts that are all escapes or findings, requests of thousands of sessions or of tiny records,
// from senders of the healthy one's tenant, with a valid key. That he waits for their work, too, is
// told and not judged.
func TestDearFlood(t *testing.T) { runFlood(t, flooding{dear: true}) }

// TestBusyMachine: in place of a flood a process that computes, on all processors, and sends nothing. When latency is judged it
// gets them only when nobody else wants them. What it costs the healthy sender is told and not judged: it is what it costs him that
// they are never idle, as they are not in a flood, and so tells what of the cost of a flood is the machine's and what the notary's.
func TestBusyMachine(t *testing.T) { runFlood(t, flooding{computes: true}) }

// Flooding says what a flood is.
type flooding struct {
	dear     bool // what is taken and costs much, too
	computes bool // nothing that is sent
}

func runFlood(t *testing.T, kind flooding) {
	lasts := shortFlood
	var first, least unix.SchedAttr // as anybody
	all, last := processors(t)
	apart := all
	text := os.Getenv(floodVar)
	if text != "" {
		first, least, apart = unix.SchedAttr{Policy: unix.SCHED_FIFO, Priority: 1}, unix.SchedAttr{Policy: unix.SCHED_IDLE}, last
		if kind.computes {
			apart = all
		}
		var err error
		if lasts, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	m := newMachine(t, setting{extra: fmt.Sprintf("limits: {request_bytes: %d, records: 8192, in_flight: %d}\nsessions: {memory: %d}", floodRequest, floodFlight, floodSessions)})
	p := m.start(t)
	c := m.connect(t, p)
	healthy := startSending(t, aims{OTLP: p.ready.OTLP, Key: m.apiKey, Healthy: true}, first, all)
	eventually(t, "the notary has taken an export", func() bool {
		_, metrics := c.get(t, "/metrics")
		return bytes.Contains(metrics, []byte("\nnotary_exports_total{"))
	})
	var before, quiet, busy spans
	before.last(lasts / 12)

	flood := startSending(t, aims{OTLP: p.ready.OTLP, OTLPHTTP: p.ready.OTLPHTTP, Key: m.apiKey, Dear: kind.dear, Computes: kind.computes}, least, apart)
	if text != "" {
		elsewhere(t, flood.cmd.Process.Pid)
	}
	rounds := max(3, lasts/(4*time.Second))
	seen := func(state string) {
		eventually(t, "the notary sees whether there is a flood", func() bool {
			_, metrics := c.get(t, "/metrics")
			return kind.computes || bytes.Contains(metrics, []byte("\nnotary_flood "+state+"\n"))
		})
	}
	seen("1")
	for range rounds {
		busy.last(lasts / rounds)
		flood.signal(t, unix.SIGSTOP)
		seen("0")
		quiet.last(lasts / rounds / 3)
		flood.signal(t, unix.SIGCONT)
	}
	// More honest data than there is time for is no attack: it is told to wait, and
	// must not cost memory.
	if _, err := io.WriteString(flood.in, "\n"); err != nil {
		t.Error(err)
	}
	time.Sleep(lasts / 12)
	exports := healthy.end(t)
	tries := flood.end(t)

	peak := peakMemory(t, p)
	calm, hurt := quiet.p99(t, exports), busy.p99(t, exports)
	t.Logf("%s; memory %d MiB, bound %d; healthy p99 %v before, %v between floods, %v in floods",
		tries, peak>>20, floodMemory>>20, before.p99(t, exports), calm, hurt)
	if peak > floodMemory {
		t.Errorf("the notary held %d MiB, at most %d are allowed", peak>>20, floodMemory>>20)
	}
	if text != "" && kind == (flooding{}) && hurt > 2*calm {
		t.Errorf("a healthy sender waits %v, over twice the %v of a quiet notary", hurt, calm)
	}
	c.mustExport(t, workload.Small(1))
	p.stop(t)
}

// Spans of time. What comes at the beginning of one is between two, and not looked at.
type spans [][2]int64

func (s *spans) last(d time.Duration) {
	begin := time.Now().Add(d / 4)
	time.Sleep(d)
	*s = append(*s, [2]int64{begin.UnixNano(), time.Now().UnixNano()})
}

// p99 is that of the exports which were begun in the spans.
func (s spans) p99(t *testing.T, exports string) time.Duration {
	t.Helper()
	var took []time.Duration
	for line := range strings.Lines(exports) {
		var start int64
		var d time.Duration
		if _, err := fmt.Sscan(line, &start, (*int64)(&d)); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if slices.ContainsFunc(s, func(in [2]int64) bool { return in[0] <= start && start < in[1] }) {
			took = append(took, d)
		}
	}
	if len(took) == 0 {
		t.Fatal("a healthy sender sent nothing")
	}
	slices.Sort(took)
	t.Logf("%d exports: half in %v, 90 %% in %v, 98 %% in %v, all in %v", len(took), took[(len(took)-1)/2], took[(len(took)*9-1)/10], took[(len(took)*98-1)/100], took[len(took)-1])
	return took[(len(took)*99-1)/100]
}

// peakMemory reads the greatest resident memory that a process has had.
func peakMemory(t *testing.T, p *process) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			if err != nil {
				t.Fatal(err)
			}
			return n << 10
		}
	}
	t.Fatal("the kernel does not say")
	return 0
}

// TestStorageHearsOfFloods: of a process that serves.
func TestStorageHearsOfFloods(t *testing.T) {
	g := &ground{cfg: new(config.Config), storage: &backing{dir: t.TempDir()}}
	if flooded := g.options().Streams.Flooded; flooded == nil || flooded() {
		t.Error("the storage does not hear of floods, or of one that there is not")
	}
	g.patience.Store(int64(time.Hour))
	if patience := g.options().Streams.Patience; patience == nil || patience() != time.Hour {
		t.Error("the storage does not hear for how long a write may hang")
	}
}
