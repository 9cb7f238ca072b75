package control_test

import (
	"fmt"
	"net/http/httptest"

	"github.com/veriproof/notary/host/control"
)

// An auditor reads a session's parts. In a notary the server runs with
// [control.Server.Serve] on a listener of its own.
func Example() {
	token := control.GenerateToken() // handed to the auditor; the configuration keeps the hash
	s, err := control.New(control.Options{
		Notary:          newNotary(),
		Certificate:     keys().TLS,
		OTLPCertificate: keys().CertificatePEM(),
		Operators: []control.Operator{{
			Name: "audit", Token: control.HashToken(token), Roles: []control.Role{control.RoleAuditor},
		}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	r := httptest.NewRequest("GET", "/v1/sessions/s2?tenant=other", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	fmt.Print(w.Code, " ", w.Body)

	r = httptest.NewRequest("POST", "/v1/sessions/s2/end?tenant=other", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	w = httptest.NewRecorder()
	s.ServeHTTP(w, r)
	fmt.Print(w.Code, " ", w.Body)
	// Output:
	// 200 {"parts":[{"epoch":"000102030405060708090a0b0c0d0e0f","handle":"aa","part":0,"state":"logged","leaves":3,"root":"bb","commitment":"cc","receipt":"e30.e30.e30","reason":"end","log_index":0,"first_seq":2,"last_seq":5}]}
	// 403 {"error":"these credentials do not allow it","hint":"this needs the role operator"}
}
