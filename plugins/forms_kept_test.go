//go:build !race

package plugins_test

import "testing"

// keptForms are secrets beside what the rules for harmless things are about: empty values, lists, ways to encrypt, names that services have in
// common with words, figures, and what begins a line.
var keptForms = []string{
	// a name at the beginning of a quoted text, and of a part of a request
	`AUTH="Bearer «{32 hex}»"`, `Authorization="Token «{32 hex}»"`, `HTTP_AUTHORIZATION='Bearer «{32 hex}»'`, `<add key="Authorization" value="Bearer «{32 hex}»"/>`, `msg="token «{32 hex}»"`, `msg="password «Velv{2 digit}etx»"`, `<Reminder text="Passwort «Velv{2 digit}etx»"/>`,
	"Content-Disposition: form-data; name=\"password\"\r\n\r\n«Velv{2 digit}etx»\r\n--x", "Content-Disposition: form-data; name=\"api_key\"\n\n«{32 hex}»\n--x", `<label for="password" data-v-7ba5bd{2 digit}>`,
	// what a password is for
	"Password for Router: «Velv{2 digit}etx»", "WiFi Password for Guest: «hunter{2 digit}!»", "API key for Router: «q{1 digit}Xk2LmP9vR»", "Password for PROD: «Velv{2 digit}etx»", "pw for Staging: «Velv{2 digit}etx»",
	// beside an empty one
	`auth=("", "«Velv{2 digit}etx»")`, `requests.get(u, auth=("", "«Velv{2 digit}etx»"))`, `req.SetBasicAuth("", "«Velv{2 digit}etx»")`, `~ password: "" => "«Velv{2 digit}etx»"`, "DB_PASSWORD=\"\"\nAWS_S{1 digit}_BUCKET=\"x\"", `String password = "" + "«Velv{2 digit}etx»"`,
	// names that begin like others
	"connectionpassword=«Velv{2 digit}etx»", "connectionKey=«{32 hex}»", "FunctionsKey=«{32 hex}»", "functions_key=«{32 hex}»", "ENCRYPTION=«{32 hex}»", `"encryption": "AES{1 digit}56-GCM-HKDF-4KB"`, `"AWS::Lambda::Function": "{16 hex}"`,
	// figures
	"mysql -u root --password «{4 digit}-{4 digit}»", "docker login -u kim --password «2024-01-{2 digit}»", "password:«19.07.{4 digit},x»", "password1:«{4 digit}-{4 digit},x»",
	// lists and calls
	`config.set("db", "password", "«velvet-harbour{1 digit}»")`, `redis.hset("user:1", "password", "«velvet-harbour{1 digit}»")`, `("kim", "password", "«velvet-harbour{1 digit}»")`, `DB_PASSWORD="«lake-sha1-tree{2 digit}»"`, `"password": "«blue-md5-harbour{2 digit}»"`, `["text", "password", "datetime-local{1 digit}"]`,
	// keys of YAML
	"api_keys:\n  «{32 hex}»:\n    role: admin", "passwords:\n  «Velv{2 digit}etx:» kim", "password:\n  s{1 digit}_bucket: x",
	// what only tells one request from others, and what does not
	"unlock_token=«{uuid}»", "/users/unlock?unlock_token=«{uuid}»", `"exchangeToken": "«{uuid}»"`, "email_change_token=«{uuid}»", "spring.cloud.vault.client-token=«{uuid}»", "X-Client-Token: «{uuid}»", `"ClientToken": "{uuid}"`, `"LockToken": "{uuid}"`,
	// services that are words, and what they call things
	"SQUARE=«{32 hex}»", "export LINEAR=«{40 alnum}»", `linear_key = "layer{1 digit}_weights_q8_0"`, `{open}"stripe":"«pi_3Mt{20 alnum}_secret_{24 alnum}»"{close}`, `{open}"stripe":"cus_{14 alnum}"{close}`, "REST_AUTH_SITE_KEY = '«{40 hex}»'", "RECAPTCHA_SITE_KEY=6Le{37 alnum}",
	// expressions, and passwords with a sign of one
	`PASSWORD="«Kj[0-9]xVel{2 digit}»"`, `PASSWORD_REGEX = "^(?=.*[A-Z])(?=.*[0-9]).{open}{1 digit},{close}$"`,
	// what a last look found
	"INSERT INTO users (id, password, age) VALUES (1, '«7166{4 digit}»', 30);", "connection_key=«2wYlhEUdm{1 digit}mdmKfagoox»", "personal_key=«2wYlhEUdm{1 digit}mdmKfagoox»", "api_keys:\n  «1a2b3c4d5e6f{1 digit}a8b»: admin", "passwords:\n  «hunter{2 digit}:» kim", "password: «25.2.19{2 digit}(old»)",
	// a host in brackets
	"smtp://«kim:Velv{2 digit}etx»@[smtp.example.org]:25", "postgres://«kim:Velv{2 digit}etx»@[HOST]:5432/x", "http://«kim:Velv{2 digit}»@[2001:db8::1]/",
}

// TestKeptForms: each secret is found, whole, and in its double nothing is.
func TestKeptForms(t *testing.T) { checkForms(t, 38, keptForms) }
