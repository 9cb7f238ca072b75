package fuel

// fold lets short runs be paid with the one before them, as far as no run pays for
// more than shortRuns that way: a charge would cost about as much as they do.
func (f *Function) fold() {
	room := make([]uint32, len(f.runs))
	for i := range f.runs {
		room[i] = shortRuns
	}
	for i := len(f.runs) - 1; i > 0; i-- {
		r := &f.runs[i]
		if p := r.before; p != noRun && r.price <= room[p] {
			room[p] -= r.price
			f.runs[p].price += r.price
			r.price = 0
		}
	}
}

// sum fills in what is known when all has been scanned.
func (f *Function) sum() {
	f.fold()
	for _, r := range f.runs {
		f.total += uint64(r.price)
	}
	for _, k := range f.marks {
		switch k.what {
		case markBulk, markGrow:
			f.sized = true
			f.Checks += 2
		case markLoop:
			f.Checks += 2
		case markParamLoop:
			f.Checks++
		case markCall:
			f.sites++
		}
	}
}

// patient means that so little can come together in the function, or in those that it calls
// and that do not look at the fuel themselves, that calls need no check. What a function holds
// back while it calls counts only if there can be many of it at a time.
func (f *Function) patient() bool {
	return f.total <= patience || f.bounded && f.sites <= patience/callPrice
}

// looksAtEnd means that the function looks at the fuel when it returns: its call can
// cost more than a granule that nothing in it has looked at.
func (f *Function) looksAtEnd() bool {
	if f.bounded && f.most < unbounded {
		return f.most > granule
	}
	return f.calls || f.total > granule
}

// nests means that the function counts its depth.
func (f *Function) nests() bool { return f.calls && !f.bounded }
