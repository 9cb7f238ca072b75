package evidence

import "net/http"

// DefaultTransport is the transport of a Sidecar without an HTTP client.
func DefaultTransport() *http.Transport { return loopback }
