package storage

// instance is the one machine of a guest.
var instance machine

// registered counts the calls of Register.
var registered int

// Register makes spec the plugin that this program is. It is called once, from
// an init function. A second call leaves a plugin that refuses to be
// configured, so that neither of two adapters is run by surprise.
func Register(spec Spec) {
	if registered++; registered > 1 {
		spec = Spec{}
	}
	instance.spec = spec
}
