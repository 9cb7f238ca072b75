package pluginhost

// Imports lists what a module imports, as "module.name", in the order of the
// binary: everything that it could reach outside itself. A module that cannot
// be read is an error.
func Imports(binary []byte) ([]string, error) {
	m, err := parseModule(binary)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(m.imports))
	for i, x := range m.imports {
		names[i] = x.module + "." + x.name
	}
	return names, nil
}
