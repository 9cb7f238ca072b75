package redactor

// instance is the one machine of a guest.
var instance machine

// Register makes spec the plugin that this program is. It is called once, from
// an init function. A second call leaves a plugin that refuses to be
// configured, so that neither of two redactors is run by surprise.
func Register(spec Spec) {
	if instance.spec.Configure != nil {
		instance.spec.Labels = nil
		return
	}
	instance.spec = spec
}
