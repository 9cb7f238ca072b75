package otlpwire

// Thorough has a walk take every field by itself, also where there is a shorter way.
func Thorough(o Options) Options {
	o.thorough = true
	return o
}
