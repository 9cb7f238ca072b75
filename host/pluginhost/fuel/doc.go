// Package fuel meters WebAssembly by rewriting modules before they are compiled,
// so that any engine can run foreign code with a bound on its work that is the same on
// every machine. It knows the binary format of core WebAssembly 2.0 and nothing of
// an engine, and imports nothing but the standard library.
//
//	m, err := fuel.Parse(binary)        // decode; refuse what is malformed
//	metered, err := m.Meter(options)    // the module to compile
//
// # What a metered module does
//
// Two mutable i64 globals are added and exported. Fuel is what the guest may
// still spend before it has to ask; when it is below zero the guest calls an
// imported function, yield, which is the host's: it adds to the fuel, or stops
// the guest by a panic. So one budget can be handed out in slices, and a host
// whose scheduler cannot preempt compiled code gets the processor back once per
// slice. Depth is what calls may still nest; when it is below zero the guest
// executes unreachable, and depth stays below zero so that the host can tell.
//
// # Prices
//
// Fuel counts instructions, by runs of them: a run begins at the function's entry,
// at a loop header, at both arms of an if, and behind an end that a branch can
// arrive at or that a branch can pass by. Its price is the number of instructions
// in it, of which call and call_indirect count 8, a loop header 1, and block, loop,
// else and end nothing else. A run that is left early, by a branch or a trap, has
// been paid for whole. What follows a loop belongs to the run in front of it. Runs of up to 16 instructions that may or may not follow another
// one are paid with it, up to 16 in all. On top of that:
//
//	memory.copy, memory.fill, memory.init     length / 16
//	table.copy, table.fill, table.init        length / 2
//	table.grow                                64 + length / 2
//	memory.grow                               4096 + 4096 per page, of at most 4096 pages
//
// A jump of Go's compiler that goes forward by the head of a loop is made to go there
// directly, and does not pay for the head (see jumps.go).
//
// A function that calls anything costs depth while it is active: 16, one per parameter
// and local, and a thirty-second part of what it may hold back (see below). One from
// which no function can be reached that can call itself costs none: its calls nest as
// deep as they are written.
//
// # How it is counted
//
// A function that has branches counts in a local of its own, which a compiler
// keeps in a register, and brings what it has counted to the global when it
// returns, and in loops once 1024 units have come together; it does so in a second loop around each
// one (see loops.go), so that the inner one has a comparison, a jump and an addition
// more, and no call. So fuel is exact
// when a call of the host's has returned, and on the way it lags behind, by at most 32
// units per unit of depth that is in use, and what is written in the module. Counting in the global at each run,
// which is what one thinks of first, costs a guest several times as much.
//
// An endless execution passes loop headers, or returns from functions that call, or
// nests calls without end; the first two look at the fuel, and so do operations that
// cost by length; the last ends with the depth.
//
// # What the guest cannot do
//
// The added items have indices behind the module's own, except for the import,
// which makes all function indices greater by one. A module that uses an index
// which it does not have is refused by [Parse] as malformed: it must not become valid by
// what is added. So is everything whose length engines could see differently.
// A module that exports or imports a name that is added is refused by
// [Module.Meter].
//
// Parse does not check types. A module that Parse accepts can be invalid; then
// the metered one is, and the engine says so. FuzzMeter holds this package to
// both directions.
package fuel
