# Plugins, built reproducibly. Included by the Makefile; stands alone too:
#   make -f plugins/plugins.mk plugins
#
# The modules of Go are not in the repository: whoever wants to know that a digest in
# an attestation is this source builds them and compares. Same source and same
# Go version give the same bytes (plugins/plugins_test.go). A module in C is beside
# its source, and .ci/modules compares.

PLUGIN_OUT  ?= build/plugins
PLUGIN_DIRS ?= plugins/redact-pii plugins/redact-secrets plugins/redact-patterns plugins/redact-fields plugins/store-dir plugins/store-postgres plugins/store-azureblob plugins/store-s3

.PHONY: plugins plugins-clean
plugins:
	@go run ./plugins/build -o $(PLUGIN_OUT) $(PLUGIN_DIRS)

plugins-clean:
	rm -rf $(PLUGIN_OUT)
