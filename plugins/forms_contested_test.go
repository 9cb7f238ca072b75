//go:build !race

package plugins_test

import "testing"

// contestedForms are those in which a secret and something harmless look alike, each beside its double.
var contestedForms = []string{
	// a name, a slash and what follows: logins, and paths of models, resources and pods
	"Model ID: deepseek-ai/DeepSeek-R1", "- id: Qwen/Qwen2-{2 digit}B-Instruct", "id: openai/GPT-4o-mini", "id: users/{uuid}", "job id: batch/{uuid}", "span id: trace/{32 hex}", "ID: sha1/{40 hex}", "- id: users/aB{1 digit}dE{1 digit}fG{1 digit}h", "account: stripe/acct_{14 alnum}", "id: feature/ABC-{3 digit}-fix",
	"10.0.0.5 (monitoring/prometheus-kube-state-metrics-6c7d9f8b5-x{1 digit}k9q) ready", "10.244.1.5 -> default/checkout-service-7d9f8b6c5d-x{1 digit}k9q", "10.2.3.4 eth0/Vlan{3 digit}Ab-x", "10.2.3.4 Linux/CPU-Load{1 digit}min", "Request id: abc{3 digit} / {uuid}", "Session ID: f3a9 / Device-ID-{2 digit}X", "login: GitHub / SSO{4 digit}-Okta",
	"10.20.30.40 (kim/«Abc{3 digit}xyz9!»)", "login: kim / «Abc{3 digit}xyz9!»", "id/pw: kim/«Iq8{1 digit}Doox9»",
	// lines of libpq's file of passwords, and keys of caches
	"tenant:{4 digit}:orders:list:pageSize={2 digit}", "DEL cart:98765:item:qty:Size=XL{1 digit}", "evt:1000:foo:bar:2024-05-01T10:00:00Z", "user:1001:cart:items:SKU{1 digit}x-AbC", "at file.ts:1024:20:foo:Bar{1 digit}x2Y3", "db.example.org:5432:app:kim:«Velv{2 digit}etx!»", "localhost:5432:app:kim:«Velv{2 digit}etx!»", "db:6432:app:kim:«Velv{2 digit}etx!»",
	// lists of hosts
	"mongodb://user:pass@h1:27017,user:changeme@h2:27017", "mongodb://user:password@h1:27017,«ann:Quar@tz{1 digit}»@h2:27017", "mongodb://u:password@h1:27017,u:password@h2:27017,«ann:Quartz{1 digit}x»@h3:27017", "https://user:password@[::1]:80,«ann:Quartz{1 digit}x»@h2:80/", "see https://user:password@h1.example.org,kim:12@x", "mongodb://user:pass@h1:27017,user:****@h2:27017",
	"redis://«kim:Velvet{2 digit}»@cache?x=@", "https://«kim:Velvet{2 digit}»@git?ref=v1@{0}",
	// queries of URLs, alone and behind a name
	"wss://ws-eu1.example.com/app/socket?token=«{24 alnum}»", "s3://b1/k?token=«{24 alnum}»", "eu1.example.com/socket?token=«{24 alnum}»", "postgres://db1.example.com/app?password=«Tr0ub{1 digit}dor3»", "url=https://api.example.com/items?token=«{24 alnum}»", "referer=https://api.example.com/items?page=2&token=«{24 alnum}»", "target=https://x.example.com/cb?client_secret=«{24 alnum}»",
	"url=https://api.example.com/items?page={24 alnum}", "wss://ws-eu1.example.com/app/socket?room={24 alnum}",
	// lists: names, and what a name is for
	"headers=[[X-Auth-Token, «app_{24 alnum}»]]", "args: [token, «Kq27_{12 alnum}»]", "[x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth{1 digit}]", "[password: «P{1 digit}ssw0rd»]]", "{DB_PASSWORD=«Qz{2 digit}xy»}}", "{password: «Qz{2 digit}xy»}", "{'cmd': 'mysql --password=«Tr0ub{1 digit}d}»'}",
	// what is said of a password in brackets, and calls
	"The API key is «live_k{2 digit}jd8s2j4k5l6m7n8»(prod)", "token: «Acme_{4 digit}»(new)", "password = pbkdf2_hmac_sha512(x)", "password = sha512_256(x)", "token: uint32_2(x)",
	// a password with signs behind its word, and what else stands there
	"Reset password «O(0yl{2 digit}k(gT» for kim", "Reset password «2KUT(vi+^{1 digit}F» for kim", "Reset password «)n8B{1 digit}Y8phUb» for kim", "Login as kim with password «r)88lCgZf@_{1 digit}QpXZ»; docs", "Reset password «W&XtINn{1 digit}^4%e» for kim", "with password «Ty(A#JVwe{1 digit}0»; docs",
	"password Field(min_length={1 digit})", "reset password [Link{1 digit}a](https://x.example/y1)", "the password (see Section{1 digit}) is", "enter password (ABC-{3 digit}a):", "password &#39;Abc{1 digit}xyz&#39;", "forgot password (Step{1 digit}of3)", "username O(0yl{2 digit}k(gT for kim",
	// names in capitals, Makefiles, patterns, licences and fallbacks
	"SYNC_TOKEN=«{24 alnum}»", "RESUME_TOKEN=«{24 alnum}»", "syncToken={24 alnum}", "DB_PASSWORD := «Tr0ub{1 digit}.dor3»", "password := cfg.token{1 digit}", `api_key = "«{22 alnum}»".format(x)`, `api_key = "key_{}_v{1 digit}".format(x)`, "api_key: «k9x{1 digit}Q2w7z-read-only»", "license_key: GPL-2.{1 digit}-only", "license_key: GPL-2.{1 digit}-or-later",
	`password = os.environ["DB_PASSWORD"] or "«Tr0ub{1 digit}dor3»"`, `mode = os.environ["MODE"] or "velvet{2 digit}"`, `ErrIncorrectPassword = errors.New("pkcs{2 digit}: decryption password incorrect")`, `password = "«pkcs{2 digit}»"`,
	// brackets of what is around a password, and its own
	`container={open}Name:"web", Env:[DB_PASSWORD=«Velvet{2 digit}x»]{close}`, `{open}"cmd": ["run", [PASSWORD=«Velvet{2 digit}x»]]{close}`, `[{open}"a": {open}password: «Velvet{2 digit}x»{close}{close}]`,
	// what is called like a password with a note, and is a function
	"password = sub_{6 digit}(a1);", "password = FUN_00{6 digit}(param_1,param_2);", "token = sub_{6 digit}F30(v1, v2)", "passwd = fn_2024{4 digit}(x)", "pass = migrate_2024{4 digit}120000(db)",
	"postgres://kim:Ve@lv{2 digit}et@${open}DB_HOST{close}:5432/app", "credentials: kim / «Velv-{3 digit}-Harb!x»", `password = "«Tr0ub{1 digit}: dor3»"`,
	// issuers, and what services have
	"sonar.login=«{40 hex}»", "SONAR_LOGIN=«{40 hex}»", "SOURCEGRAPH=«{40 hex}»", "codecov: «{uuid}»", "CODECOV=«{uuid}»", "submodule readthedocs: {40 hex}", "- sonarcloud: {40 hex}", `"portainer": "{64 hex}"`, `"circle": "{40 hex}"`, "NETLIFY_DEPLOY=«{43 alnum}»", `"github-oauth": {open}"github.com": "«{40 hex}»"{close}`,
	"datadog: «app-{32 hex}»", `"metabase": "{64 hex}"`, `"polygon": "{32 hex}"`, "scan urlscan={uuid}",
	// rows of SQL, and what follows them
	"INSERT INTO u (name, password) VALUES\n  ( 'kim',\n    '«velvet{2 digit}x»' ),\n -- it's\n  ('ann', '«quartz{2 digit}y»');", `INSERT INTO u (name, password, x) VALUES ('it\'s', '«velvet{2 digit}x»'::text, E'quartz')`,
	`sql = "INSERT INTO accounts (email, password) VALUES (%s, %s)"; path('users', 'users_v{1 digit}x'); f('kim', 'role-{2 digit}')`, `db.execute("INSERT INTO t (n, password) VALUES (?, ?)", (n, p)); x = f(hash('a', 'sha{3 digit}'))`,
	"INSERT INTO t (n, password) VALUES ('kim','x') and then call f('gpt-4o', 'gpt-{1 digit}o-mini')", "INSERT INTO t (n, last_password_change) VALUES ('kim', '2024-05-{2 digit}')", "INSERT INTO t (n, pass_mark) VALUES ('kim', 'grade-{2 digit}x')",
	"(password, salt) values ('abc{5 digit}x', 'deadbeef{2 digit}')", "INSERT INTO t (n, password) VALUES ('kim', 'vault:secret/data/db{1 digit}')", "INSERT INTO t (n, token) VALUES ('kim', '0x{40 hex}')",
	// what a second look found: signs in pairs, keys in texts and environments, notes and arguments
	"10.20.30.40 (kim/«Iq{2 digit}Doox#»)", "10.20.30.40 kim/«Iq{1 digit}?Doox4»", "login: kim / «Iq{1 digit}%Doox4»", "creds: kim/«Iq{1 digit}=Doox4»", "login: kim / pageSize={2 digit}Ab",
	`{open}"msg":"heroku: «{uuid}»"{close}`, "export codecov=«{uuid}»", "LINEAR_API=«{40 alnum}»", "msg=x sourcegraph: «{20 hex}ABCDEF{14 hex}»", "msg=x sourcegraph: {40 hex}", "snyk_user = \"{uuid}\"", `client.setPassword("«Tr0ub{1 digit}: dor3»")`, "password = FUN_7ff{1 digit}a1b2c3d4(param_1);", "pass = cvt_f32x4_i8x16_u16x{1 digit}(a)", "password = Migration_2024{4 digit}(db)",
	"Reset password Q{1 digit}&Q4Report for kim", "wrong password Error{4 digit}(HY000)", "Forgot password Step{1 digit}&nbsp;of3", "license_key: GPLv{1 digit}-only", "[secret, k{1 digit}s_name]", "&{open}Name:web Image:nginx Env:[DB_PASSWORD=«Velvet{2 digit}x»]{close}", "c: {open}\n  args: [--password, «Velvet{2 digit}x»]{close}",
}

// TestContestedForms: each secret is found, whole, and in its double nothing is.
func TestContestedForms(t *testing.T) { checkForms(t, 36, contestedForms) }
