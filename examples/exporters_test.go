package examples_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// specified are the variables by which OpenTelemetry's specification ("OpenTelemetry
// Protocol Exporter", "Environment Variable Specification") has exporters configured, as
// far as they are used here.
var specified = []string{
	"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_CERTIFICATE", "OTEL_EXPORTER_OTLP_HEADERS",
	"OTEL_EXPORTER_OTLP_COMPRESSION", "OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER", "OTEL_TRACES_EXPORTER",
}

// TestExporterVariables: documents, the development notary and examples configure exporters
// by variables that the specification has.
func TestExporterVariables(t *testing.T) {
	variable := regexp.MustCompile(`\bOTEL_[A-Z_]*[A-Z]`)
	for _, name := range []string{
		"README.md", "examples/exporters/README.md", "examples/quickstart/README.md", "host/cmd/notary/dev.go", "host/cmd/notary/trust.go",
		"host/cmd/notary/proxy.go", "examples/exporters/js/app.mjs",
	} {
		found := variable.FindAllString(read(t, name), -1)
		if len(found) == 0 {
			t.Errorf("%s configures no exporter", name)
		}
		for _, v := range found {
			if !slices.Contains(specified, v) && v != "OTEL_EXPORTER_OTLP" {
				t.Errorf("%s: %s is not a variable of the specification", name, v)
			}
		}
	}
}

// TestExporterExamples: each application names its session and ends it, and none of them
// knows a notary, a certificate or a key.
func TestExporterExamples(t *testing.T) {
	for name, comment := range map[string]string{
		"examples/exporters/js/app.mjs": "//", "examples/exporters/python/app.py": `"""`,
		"examples/exporters/java/src/main/java/App.java": "/**", "examples/exporters/dotnet/Program.cs": "//",
	} {
		text := read(t, name)
		for _, want := range []string{"session.id", "veriproof.session.end", "gen_ai.input.messages"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not set %s", name, want)
			}
		}
		if !strings.Contains(text, comment) {
			t.Errorf("%s says nothing about itself", name)
		}
		if unwanted := regexp.MustCompile(`(?i)localhost|127\.0\.0\.1|\.pem|api.key|verify|insecure`).FindString(text); unwanted != "" {
			t.Errorf("%s has %q in it, which is the environment's to say", name, unwanted)
		}
	}
}
