package control_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/veriproof/notary/host/control"
)

// TestReload: an operator, and nobody else, has the process begin a new epoch, and is
// told what came of it.
func TestReload(t *testing.T) {
	asked := 0
	var result error
	w := start(t, func(o *control.Options) {
		o.Reload = func(context.Context) (string, error) {
			asked++
			return "00112233445566778899aabbccddeeff", result
		}
	})
	for _, c := range []struct {
		name, token, path, body string
		result                  error
		want                    int
		text                    string
	}{
		{"nobody", "", "/v1/reload", "", nil, http.StatusUnauthorized, "credentials"},
		{"tenant", acmeKey, "/v1/reload", "", nil, http.StatusForbidden, "operator"},
		{"auditor", auditor, "/v1/reload", "", nil, http.StatusForbidden, "operator"},
		{"scraper", scraper, "/v1/reload", "", nil, http.StatusForbidden, "operator"},
		{"parameter", operator, "/v1/reload?force=1", "", nil, http.StatusBadRequest, "parameter"},
		{"body", operator, "/v1/reload", "{}", nil, http.StatusBadRequest, "body"},
		{"done", operator, "/v1/reload", "", nil, http.StatusOK, `"epoch":"0011`},
		{"failed", operator, "/v1/reload", "", errors.New("module has another hash"), http.StatusUnprocessableEntity, `goes on: module has another hash","hint":"mend it, and ask again"`},
		{"busy", operator, "/v1/reload", "", fmt.Errorf("now: %w", control.ErrBusy), http.StatusConflict, "under way"},
		{"long", operator, "/v1/reload", "", context.DeadlineExceeded, http.StatusGatewayTimeout, "the log tells"},
		{"failed, and told what to do", operator, "/v1/reload", "", &advised{"module has another hash", "pin it"}, http.StatusUnprocessableEntity, `goes on: module has another hash","hint":"pin it"`},
	} {
		result = c.result
		before := asked
		resp, body := w.do(t, http.MethodPost, c.path, c.token, strings.NewReader(c.body))
		if resp.StatusCode != c.want || !strings.Contains(body, c.text) {
			t.Errorf("%s: %d %s", c.name, resp.StatusCode, body)
		}
		if reached := asked > before; reached != (c.want == http.StatusOK || c.result != nil) {
			t.Errorf("%s: asked %v", c.name, reached)
		}
	}
	if resp, _ := start(t, nil).do(t, http.MethodPost, "/v1/reload", operator, nil); resp.StatusCode != http.StatusNotFound {
		t.Errorf("without a reload there is an endpoint: %d", resp.StatusCode)
	}
}

// An advised error says what to do about it.
type advised struct{ text, hint string }

func (e *advised) Error() string { return e.text }
func (e *advised) Hint() string  { return e.hint }
