//go:build !race

package plugins_test

import (
	"encoding/base64"
	"strconv"
	"strings"
	"testing"
)

// issued are tokens by the public form of their kind, {n set} for n random characters.
var issued = []struct{ name, form string }{
	{"github", "ghp_{36 alnum}"},
	{"github", "github_pat_{22 alnum}_{59 alnum}"},
	{"gitlab", "glpat-{20 url}"},
	{"npm", "npm_{36 alnum}"},
	{"pypi", "pypi-AgEIcHlwaS5vcmc{70 url}"},
	{"slack", "xoxb-{12 digit}-{13 digit}-{24 alnum}"},
	{"slack", "xapp-1-A{10 upper}-{13 digit}-{64 hex}"},
	{"stripe", "sk_live_{24 alnum}"},
	{"stripe", "rk_live_{24 alnum}"},
	{"aws", "AKIA{16 base32}"},
	{"google", "AIza{35 url}"},
	{"sendgrid", "SG.{22 url}.{43 url}"},
	{"mailgun", "key-{32 hex}"},
	{"twilio", "SK{32 hex}"},
	{"openai", "sk-proj-{60 url}T3BlbkFJ{60 url}"},
	{"openai", "sk-{48 alnum}"},
	{"anthropic", "sk-ant-api03-{93 url}AA"},
	{"huggingface", "hf_{34 alnum}"},
	{"replicate", "r8_{37 alnum}"},
	{"groq", "gsk_{52 alnum}"},
	{"digitalocean", "dop_v1_{64 hex}"},
	{"databricks", "dapi{32 hex}"},
	{"shopify", "shpat_{32 hex}"},
	{"square", "sq0atp-{22 url}"},
	{"telegram", "{10 digit}:AA{33 url}"},
	{"doppler", "dp.pt.{43 alnum}"},
	{"vault", "hvs.{90 url}"},
	{"linear", "lin_api_{40 alnum}"},
	{"notion", "secret_{43 alnum}"},
	{"airtable", "pat{14 alnum}.{64 hex}"},
	{"figma", "figd_{40 url}"},
	{"postman", "PMAK-{24 hex}-{34 hex}"},
	{"newrelic", "NRAK-{27 upper}"},
	{"grafana", "glsa_{32 alnum}_{8 hex}"},
	{"sentry", "sntryu_{64 hex}"},
	{"docker", "dckr_pat_{27 url}"},
	{"jwt", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI{40 url}.{43 url}"},
	{"perplexity", "pplx-{48 alnum}"},
	{"azure", "{3 alnum}8Q~{34 url}"},
	{"hubspot", "pat-na1-{uuid}"},
	{"pulumi", "pul-{40 hex}"},
	{"rubygems", "rubygems_{48 hex}"},
	{"atlassian", "ATATT3xFfGF0{180 url}"},
	{"cloudflare", "v1.0-{24 hex}-{146 hex}"},
	{"mapbox", "sk.eyJ1Ijoi{60 alnum}.{22 url}"},
	{"langfuse", "sk-lf-{uuid}"},
	{"xai", "xai-{80 alnum}"},
	{"tailscale", "tskey-auth-{12 alnum}-{32 alnum}"},
	{"buildkite", "bkua_{40 hex}"},
	{"sonar", "squ_{40 hex}"},
	{"planetscale", "pscale_tkn_{43 url}"},
	{"discord", "MTA{23 alnum}.{6 url}.{38 url}"},
	{"paystack", "sk_live_{40 hex}"},
	{"mailchimp", "{32 hex}-us14"},
	{"age", "AGE-SECRET-KEY-1{58 bech}"},
	{"brevo", "xkeysib-{64 hex}-{16 alnum}"},
}

// sets are the characters that a form names.
var sets = map[string]string{
	"alnum": alnumChars, "url": urlChars, "hex": hexChars, "digit": digitChars, "upper": upperChars + digitChars, "base32": upperChars + "234567",
	"b64": b64Chars, "bech": "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", "lower": lowerChars + digitChars, "small": lowerChars,
}

// fill replaces the braces of a form.
func (d dice) fill(form string) string {
	out := ""
	for form != "" {
		before, rest, braced := strings.Cut(form, "{")
		out += before
		if !braced {
			break
		}
		in, after, _ := strings.Cut(rest, "}")
		form = after
		length, set, _ := strings.Cut(in, " ")
		chars, known := sets[set]
		switch n, err := strconv.Atoi(length); { // fmt.Sscanf takes most of the time of a test that fills megabytes
		case err == nil && known:
			out += d.of(n, chars)
		case in == "uuid":
			out += d.uuid()
		case in == "pw":
			out += d.password()
		case in == "word":
			out += d.word()
		case in == "open":
			out += "{"
		case in == "close":
			out += "}"
		}
	}
	return out
}

// around are texts that a token stands in, with %s for it.
var around = []string{
	"%s", "TOKEN=%s\n", "export SERVICE_TOKEN=\"%s\"", `{"auth": {"token": "%s"}, "retries": 3}`, "auth:\n  token: %s\n  retries: 3\n", "token = '%s'",
	"2026-03-01T10:22:31Z INFO client started with %s (eu)", "hey, can you try with %s and tell me whether it works?", "const client = new Client(\"%s\");",
	"client = Client(api_key='%s', timeout=30)", "curl -H 'Authorization: Bearer %s' https://api.example.com/v1/me", "variable \"token\" {\n  default = \"%s\"\n}",
	"ENV API_TOKEN %s", "https://api.example.com/hook?access_token=%s&page=2", "The key is `%s`, keep it safe.", `{\"content\":\"my key is %s\"}`,
	"key: %s.", "<token>%s</token>", "git clone https://oauth2:%s@git.example.com/a/b.git", "| service | %s |",
}

// assigned are secrets without a form, known by what stands around them. «» marks them.
var assigned = []string{
	`DB_PASSWORD=«{pw}»`, `POSTGRES_PASSWORD: "«{pw}»"`, `  password: «{pw}»`, `"password": "«{pw}»"`, `const password = "«{pw}»";`, `passwd='«{pw}»'`,
	`String dbPassword = "«{pw}»";`, `conn.setPassword("«{pw}»");`, `Server=db01;Database=app;User Id=app;Password=«{pw}»;Encrypt=true`,
	`jdbc:mysql://db.example.com:3306/app?user=app&password=«{12 alnum}»`, `postgres://app:«{12 alnum}»@db.example.com:5432/app`,
	`mongodb+srv://app:«{16 alnum}»@cluster0.example.net/app`, `redis://:«{20 alnum}»@cache.example.com:6379/0`, `amqp://svc:«{12 alnum}»@mq.example.com/vhost`,
	`machine api.example.com login app password «{14 alnum}»`, `//npm.example.com/:_authToken=«{36 alnum}»`, `curl -u admin:«{12 alnum}» https://example.com/`,
	`sshpass -p '«{pw}»' ssh root@10.0.0.4`, `mysql -u root --password=«{12 alnum}» app`, `AWS_SECRET_ACCESS_KEY=«{40 b64}»`, `aws_secret_access_key = «{40 b64}»`,
	`client_secret: «{32 alnum}»`, `"client_secret":"«{24 url}»"`, `CLIENT_SECRET = '«{40 hex}»'`, `DD_API_KEY=«{32 hex}»`, `api_key: «{32 hex}»`, `X-Api-Key: «{40 alnum}»`,
	`Authorization: Basic «{28 b64}»`, `Authorization: Token «{40 hex}»`, `Ocp-Apim-Subscription-Key: «{32 hex}»`,
	`DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=«{86 b64}»==;EndpointSuffix=core.windows.net`,
	`Endpoint=sb://bus.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=«{43 b64}»=`, `https://acct.blob.core.windows.net/c?sv=2024-01-01&sig=«{43 alnum}»%3D`,
	`JWT_SECRET=«{48 url}»`, `SECRET_KEY = "«{50 url}»"`, `session_secret: "«{32 alnum}»"`, `encryption_key = "«{44 b64}»"`, `[Interface]
PrivateKey = «{43 b64}»=`, `"refresh_token": "«{60 url}»"`, `HEROKU_API_KEY=«{uuid}»`, `ALGOLIA_ADMIN_KEY="«{32 hex}»"`, `CLOUDFLARE_API_TOKEN=«{40 url}»`,
	`slack_webhook = "https://hooks.slack.com/services/T{8 upper}/B{8 upper}/«{24 alnum}»"`, `root:«$6${8 alnum}${86 alnum}»:19700:0:99999:7:::`,
	`admin:«$2y$10${53 alnum}»`, `ansible_become_password: «{pw}»`, `$pw = ConvertTo-SecureString "«{pw}»" -AsPlainText -Force`, `the password is «{14 alnum}», please change it`,
	`docker login -u app -p «{20 alnum}» registry.example.com`, `requests.get(url, auth=("app", "«{16 alnum}»"))`, `<add key="DbPassword" value="«{pw}»" />`,
	`spring.datasource.password=«{pw}»`, `smtp_pass => '«{pw}»'`, `password_hash = "«$argon2id$v=19$m=65536,t=3,p=4${22 alnum}${43 alnum}»"`, `let apiToken: String = "«{32 alnum}»"`,
	`os.environ["OPENWEATHER_API_KEY"] = "«{32 hex}»"`, `oauth_token_secret="«{45 alnum}»"`, `set password «{12 alnum}»`, `PGPASSWORD=«{12 alnum}» psql -h db`,
	"-----BEGIN RSA PRIVATE KEY-----\n«{64 b64}\n{64 b64}»\n-----END RSA PRIVATE KEY-----", `"private_key": "-----BEGIN PRIVATE KEY-----\n«{64 b64}\n{64 b64}»\n-----END PRIVATE KEY-----\n"`,
}

// harmless are texts that look like it and hold no secret.
var harmless = []string{
	`commit {40 hex}`, `sha256:{64 hex}`, `"request_id":"{uuid}"`, `trace_id={32 hex} span_id={16 hex}`, `ETag: "{32 hex}"`, `integrity="sha384-{64 b64}"`,
	`password: ${DB_PASSWORD}`, `password = os.environ["DB_PASSWORD"]`, `api_key = YOUR_API_KEY`, `token: <your token here>`, `"apiKey": "xxxxxxxxxxxxxxxx"`, `password: "{{ vault_password }}"`,
	`secret_name: app-db-credentials`, `token_url = "https://login.example.com/oauth2/v2.0/token"`, `max_tokens: 4096, temperature: 0.7`, `"total_tokens":15342,"prompt_tokens":812`,
	`key={word}_{word}_{word}`, `cache_key = "user:{6 digit}:profile"`, `primary_key: {uuid}`, `public_key = "{43 b64}="`, `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5{48 b64} me@host`,
	`AKIAIOSFODNN7EXAMPLE`, `sk_live_xxxxxxxxxxxxxxxxxxxxxxxx`, `ghp_your_token_goes_here`, `Bearer <token>`, `Authorization: Bearer $TOKEN`, `curl -u "$USER:$PASS" https://example.com`,
	`postgres://user:password@localhost/db`, `https://user:${PASSWORD}@example.com/`, `the password must have 12 characters and a digit`, `password reset was requested at 2026-03-01 10:20:11`,
	`password_reset_token_expiry = 3600`, `Enter password: `, `passwordField.setText("")`, `def check_password(self, password: str) -> bool:`, `password_min_length=12`,
	`image: registry.example.com/app@sha256:{64 hex}`, `version "4.{2 digit}.{1 digit}-rc.{1 digit}+build.{4 digit}"`, `npm install lodash@4.17.21`, `go: github.com/acme/{word} v0.0.0-20260301102031-{12 hex}`,
	`s3://{word}-{word}-{6 digit}/2026/03/01/part-{5 digit}.parquet`, `data:image/png;base64,iVBORw0KGgo{80 b64}`, `session_id: {uuid}`, `cursor=eyJpZCI6{12 alnum}`, `csrf_token={32 hex}`,
	`nonce-{24 alnum}`, `<input type="password" name="password" id="login-password">`, `label.password=Your password`, `"secretKeyRef": {"name": "db", "key": "password"}`,
	`order no. {10 digit}, total 1,{3 digit}.50 EUR`, `tracking 1Z{16 upper}`, `ISBN 978-3-16-148410-0`, `build {8 digit}.{2 digit} finished in 312 ms`, `model gpt-4o-2026-{2 digit}-01 answered`,
	`call_{24 alnum}`, `chatcmpl-{29 alnum}`, `msg_{24 alnum}`, `file {word}_{word}_{8 digit}.csv`, `arn:aws:iam::{12 digit}:role/{word}-{word}`, `subscription /subscriptions/{uuid}/resourceGroups/rg`,
	`https://docs.example.com/{word}/{word}?utm_source={word}&v={8 hex}`, `checksum: {32 hex}`, `"hash": "{64 hex}"`, `thumbprint {40 upper}`, `keyboard shortcut: Ctrl+Shift+{1 digit}`,
	`monkey: {32 hex}`, `The token bucket refills at 100 per second.`, `secret santa list: {word}, {word}, {word}`, `api_key_id = {20 digit}`, `access_token_expires_in=3600`, `"token_type":"Bearer","expires_in":3599`,
	`git diff {7 hex}..{7 hex}`, `device {12 upper} firmware 2.{2 digit}`, `const SECRET_LENGTH = 32`, `PASSWORD_FILE=/run/secrets/db_password`, `key_vault_name = "kv-{word}-{4 digit}"`,
}

func secretSamples() []sample {
	d := newDice(1)
	var out []sample
	for i, k := range issued {
		for n := range 4 {
			token := d.fill(k.form)
			context := around[(i*4+n*7+d.IntN(3))%len(around)]
			out = append(out, sample{kind: k.name, text: strings.ReplaceAll(context, "%s", token), want: token})
		}
	}
	for _, form := range assigned {
		for range 2 {
			text := d.fill(form)
			_, rest, _ := strings.Cut(text, "«")
			secret, _, _ := strings.Cut(rest, "»")
			out = append(out, sample{kind: "assigned", text: strings.NewReplacer("«", "", "»", "").Replace(text), want: secret})
		}
	}
	for _, form := range harmless {
		for range 4 {
			out = append(out, sample{kind: "harmless", text: d.fill(form)})
		}
	}
	pair := base64.StdEncoding.EncodeToString([]byte("app:" + d.of(16, alnumChars)))
	return append(out, sample{kind: "assigned", text: `{"auths":{"registry.example.com":{"auth":"` + pair + `"}}}`, want: pair})
}

// TestHoldOutSecrets measures redact-secrets on them.
func TestHoldOutSecrets(t *testing.T) {
	found, wrong := measureSamples(t, "redact-secrets", secretSamples(), false)
	if found < 95 || wrong > 3 {
		t.Error("want 95 and 3")
	}
}
