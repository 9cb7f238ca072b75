package config

// Sessions says what a session is and when it ends.
type Sessions struct {
	// Linger is how long nothing must have come before a session is sealed that its
	// sender has ended.
	Linger Duration `yaml:"linger"`
	// Idle ends a session that has sent nothing for so long.
	Idle Duration `yaml:"idle"`
	// MaxAge seals a session part of this age.
	MaxAge Duration `yaml:"max_age"`
	// MaxBytes seals a session part of so many bytes of records.
	MaxBytes Size `yaml:"max_bytes"`
	// Memory bounds what open parts, and those sealed a moment ago, take of it.
	Memory Size `yaml:"memory"`
	// Keys are attribute names that hold the session id in this deployment;
	// they come before the well-known ones.
	Keys []string `yaml:"keys"`
}

// Retention says how long what is stored can be read.
type Retention struct {
	// Sessions is how long after its sealing the wrapped key of a session part is
	// destroyed, unless its session is held; 0 keeps it for ever.
	Sessions Duration `yaml:"sessions"`
}
