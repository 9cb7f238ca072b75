package fuel

// unbounded is the price of a function that can go on for ever, or whose calls can nest
// without end.
const unbounded = 1 << 32

// bound finds the functions from which no function can be reached that can call itself,
// by whatever way. Their calls nest as deep as they are written and need not be counted.
// It takes away function after function that calls only such as have been taken away;
// what is left can reach a cycle. Calls by table can reach every function that is named
// outside of calls.
func (m *Module) bound() {
	table := len(m.Functions) // stands for all calls by table
	callers := make([][]uint32, table+1)
	open := make([]int, table+1) // calls of functions that have not been taken away
	call := func(from, to int) {
		callers[to] = append(callers[to], uint32(from))
		open[from]++
	}
	for i := range m.Functions {
		f := &m.Functions[i]
		for _, to := range f.callees {
			call(i, int(to))
		}
		if f.callsTable {
			call(i, table)
		}
	}
	for to := range m.named {
		call(table, int(to))
	}
	var ready []int
	for i := range open {
		if open[i] == 0 {
			ready = append(ready, i)
		}
	}
	for len(ready) > 0 {
		i := ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		if i < table {
			m.Functions[i].settle(m)
		}
		for _, from := range callers[i] {
			if open[from]--; open[from] == 0 {
				ready = append(ready, int(from))
			}
		}
	}
}

// settle marks a function as bounded, and finds what a call of it can cost at most, if
// that is written in the code.
func (f *Function) settle(m *Module) {
	f.bounded = true
	f.most = f.total
	if f.loops || f.sized || f.callsTable {
		f.most = unbounded
	}
	for _, to := range f.callees {
		f.most = min(f.most+m.Functions[to].most, unbounded)
	}
}
