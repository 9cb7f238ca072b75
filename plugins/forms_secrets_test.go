//go:build !race

package plugins_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/veriproof/notary/host/pluginhost"
)

// secretForms are ways in which tools and programs hold a secret, with it between «», and what looks like them. They are of
// classes that were missed when texts were made by public knowledge of such files alone.
var secretForms = []string{
	"keystore.password=«velvet-hollow-58»", "Pwd=«kestrel-zephyr-81»;Encrypt=yes", "  master-password: «ember-cinder-13»",
	`variable "db_password" {` + "\n  default = \"«{14 alnum}»\"\n}", `mysql -u root -p'«{16 alnum}»' app`, `docker login -u kim -p «Quartz@{4 digit}» registry`,
	`smtp.login("kim@x.com", "«Quartz{4 digit}$»")`, "zip -P «{12 alnum}» a.zip b", "zip -P «Umber{4 digit}#» a.zip b",
	"Authorization: Splunk «{24 alnum}»", "Authorization: GenieKey «{uuid}»", "API-Schlüssel: «{20 alnum}»", "API密钥: «{40 alnum}»", "chiave API: «{32 hex}»", "clé API : «{40 alnum}»",
	"ключ API: «{40 alnum}»", "Токен: «{40 alnum}»", "トークン: «{40 alnum}»",
	`git remote add o https://«{24 alnum}»@github.com/a/b`, `jwt.encode(p, "«{64 hex}»", algorithm="HS256")`, `zorvex_key = "«{32 hex}»"`, `quompleKey: '«{40 hex}»'`,
	"tls.key: «LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCk1{200 b64}»", "SSH=«LS0tLS1CRUdJTiBPUEVOU1NIIFBSSVZBVEUgS0VZLS0tLS0K{200 b64}»",
	// of classes that were missed in the tests of other scanners
	"<secret>{open}vexlo AQAAABAAA «{32 alnum}»{close}</secret>", "<password>{open}«{43 b64}=»{close}</password>",
	"db_password = «kv{open}Rn)tw[Hq(zm]pl»", `apiKey := "«qk{open}zt)wm[bn(hr]vcxlp»"`, "apiKey := «qk{open}zt)wm[bn(hr]vcxlp»", `password: "«m${open}x)Velvet-Harbour»"`,
	"ADMIN_PASSWORD=«velvet!Harbour#quill»", "Server=db;Database=app;Uid=kim;Pwd=«velvetharbour»;Encrypt=yes", `"Provider=X;User ID=kim;" & "Password=«velvetharbour»"`,
	"machine api.example.org login kim password «velvet77harbour»", "tool --db-password «velvet77harbour» run", `vexloToken = "«{32 small}»"`,
	"[DEBUG] using vexlo Key=«{32 alnum}»", "jira «{32 alnum}»", "'jira': '«{32 alnum}»'", `zorvexKey := "«{43 b64}=»"`, "ZORVEX_API_KEY: «{24 digit}»",
	"token: «gh{x}p_1234567890abcdefghijklmnopqrstuvwxyz»", "key: «da2-{26 small}»",
	// of classes that were missed in chats, and of tokens without a digit
	"My password is «velvet7», can you log in?", "the wifi password is «sunshine{2 digit}».", `{"content":"my password was «hunter{1 digit}x»"}`, "Password is «{8 digit}»", "mi contraseña es «perro{3 digit}»",
	"כניסה סיסמה: «velvet{2 digit}»", "كلمة المرور: «velvet{2 digit}»", "كلمة السر: «velvet{2 digit}»", "jelszó: «velvet{2 digit}»", "mật khẩu: «velvet{2 digit}»", "mật khẩu là «velvet{2 digit}»", "kata sandi: «velvet{2 digit}»",
	"Authorization: Bearer «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»", `login("«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»")`, "my token «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» stopped working",
	// that look like the none below of logs, and are passwords
	"password=«shadow{2 digit}»", "DB_PASSWORD=«versailles{2 digit}»", "password: «Natasha{4 digit}»", "password: «database{1 digit}»", "my password is «baseball{1 digit}»", "secret=«k9RSAq2Zx7pL»", "client_secret: «8utf3kQ9zLmB4»",
	"password «Tr0ub4dor-horse»", "Password is «7Kq-zebra»", "new password «Welcome-2024-now»", "password «2024-05-Secret»", "pass «Hunter2xY»", "user kim pass «S3cr3t!pw9»", "user=kim&password «Xk29dkQz!»",
	// behind their names in scripts without spaces, and keys of stores of data that a cloud has
	"密码是«velvet{2 digit}»", "我的密码是«Velvet@{4 digit}!»", "密码是«{8 digit}»,请保存", "新密码为 «velvet{2 digit}»。", "パスワードは«velvet{2 digit}»です", "비밀번호는 «velvet{2 digit}»", `{"content":"密碼是«hunter{1 digit}x»"}`,
	"azure_redis_key=«{43 b64}=»", "aws.dynamodb.key: «{32 alnum}»",
	// a name and a value as the value of an option, pairs of a name and a password, PowerShell, and sentences of more languages
	"kubectl create secret generic db --from-literal=password=«Quartz{4 digit}x»", "docker run --env=DB_PASSWORD=«Quartz{4 digit}x» img", "docker build --build-arg=NPM_TOKEN=«{24 alnum}» .",
	`requests.get(url, auth=("kim", "«Quartz{4 digit}$»"))`, "auth = ('kim', '«{16 alnum}»')",
	`ConvertTo-SecureString "«Quartz{4 digit}»" -AsPlainText -Force`, `ConvertTo-SecureString -String '«Quartz!{4 digit}x»' -AsPlainText`, `ConvertTo-SecureString -AsPlainText "«Quartz!{4 digit}x»" -Force`,
	"Das Passwort lautet «velvet{2 digit}»", "Das Passwort lautet: «velvet{2 digit}»", "--password=«Quartz{4 digit}x»",
	// of classes that were missed in texts made of commands, configuration and chats: arguments, options of Windows, what a command reads, lines of libpq, Oracle
	"htpasswd -b file kim «S3cretPw»", "htpasswd -nb admin «velvet{2 digit}!harbour»", "rabbitmqctl add_user kim «Quartz-{3 digit}-velvet»", "net user kim «Quartz{4 digit}!» /add", `net use Z: \\srv\share /user:CORP\kim «Quartz-{3 digit}-velvet»`, "vault operator unseal «{44 b64}»",
	"xfreerdp /u:kim /p:«Quartz-{3 digit}-velvet» /v:host", "schtasks /create /tn t /ru kim /rp «Quartz{4 digit}#»", "sshpass -p «Quartz-{3 digit}-velvet» ssh host", "sqlcmd -S srv -U sa -P «Quartz-{3 digit}-velvet»", "openssl enc -aes-256-cbc -k «Quartz-{3 digit}-velvet» -in f",
	"7z a -p«Quartz{4 digit}#» a.7z dir", "mysql -u root -p«Quartz-{3 digit}-velvet» shop", "keytool -genkey -storepass «velvet{2 digit}!harbour» -v", "echo '«Quartz{4 digit}!»' | sudo -S apt update", "echo «Quartz{4 digit}#» | docker login --password-stdin", `echo "«root:Quartz{4 digit}x»" | chpasswd`,
	"db.example.org:5432:app:kim:«Quartz{4 digit}#»", "sqlplus kim/«Quartz{4 digit}x»@orcl", "jdbc:oracle:thin:kim/«velvet{2 digit}x»@host:1521:xe",
	"evil-winrm -i 10.20.30.40 -u kim -p '«Quartz-{3 digit}-velvet»'", "xfreerdp /v:10.20.30.40 /u:kim /p:'«Quartz-{3 digit}-velvet»'", "echo -n «Quartz{4 digit}#» | docker login --password-stdin", "sqlplus -s kim/«Quartz{4 digit}x»@orcl", "CONNECT kim/«Quartz{4 digit}x»@orcl",
	// in sentences with what the password is for, and in those of Portuguese and Italian
	"the password for the wifi is «Quartz{4 digit}#»", "a senha é «velvet{2 digit}x»", "minha senha do wifi é «Quartz-{3 digit}-velvet»", "la password è «Quartz{4 digit}!»", "das Passwort für das WLAN ist «velvet{2 digit}x»",
	// in blocks of YAML, strings of SQL, queries in quotes; numbered; of one application; of wallets and JSON Web Keys
	"password: >-\n  «Quartz{4 digit}x»", "password: |-\n  «Quartz{4 digit}x»", "CREATE LOGIN app WITH PASSWORD = N'«tUGPUk@QXSaF»'", "curl -d 'grant_type=client_credentials&client_id=app1&client_secret=«{40 alnum}»' x", "Unseal Key 1: «{44 b64}»",
	"APP_SPECIFIC_PASSWORD=«qlxn-wkzh-widk-lhkk»", "psk=«Quartz-{3 digit}-velvet»", "mnemonic: «zebra cactus orbit lamp wagon fiber oxygen panel ridge tower velvet yellow»", `"seed_phrase": "«zebra cactus orbit lamp wagon fiber oxygen panel ridge tower velvet yellow»"`,
	`{open}"kty":"oct","k":"«{43 url}»"{close}`, `{open}"kty":"RSA","n":"{342 url}","e":"AQAB","d":"«{342 url}»","p":"«{171 url}»","q":"«{171 url}»","dp":"«{171 url}»","dq":"«{171 url}»","qi":"«{171 url}»"{close}`,
	`{open}"kty":"EC","crv":"P-256","x":"{43 url}","y":"{43 url}","d":"«{43 url}»"{close}`, "https://mainnet.infura.io/v3/«{32 hex}»", "https://api.telegram.org/bot«{9 digit}:AA{33 alnum}»/getMe", `"kim" "«SCRAM-SHA-256$4096:{22 b64}==${43 b64}=:{43 b64}=»"`,
	// that protocols have in the place of a password, and what has their names
	"snmp-server community «Quartz{4 digit}» RO", "SNMP v2c, community: «m0nit0r-hq{1 digit}»", "snmp:\n  version: 2c\n  community: «Zx{2 digit}metrics»", `"snmp_community": "«velvet{2 digit}»"`, "the SNMP community string is «r3adOnly-{2 digit}x»", "rocommunity «velvet{2 digit}» 10.20.0.0/16", "snmpwalk -v2c -c «velvet{2 digit}» 10.20.0.1 system",
	"snmp-server host 10.20.1.1 version 2c «tr4pRecv{1 digit}»", "snmp-server host 10.20.1.1 traps «tr4pRecv{1 digit}»",
	"AWS4-HMAC-SHA256 Credential=x/20240101/eu-west-1/ec2/aws4_request, SignedHeaders=host;range, Signature=«{64 hex}»", "GET https://b.s3.amazonaws.com/k?X-Amz-Date=20240101T000000Z&X-Amz-Signature=«{64 hex}»", `url: "https://b.s3.amazonaws.com/k?X-Amz-Signature=«{64 hex}»&X-Amz-Expires=60"`, "https://storage.googleapis.com/b/o?X-Goog-Signature=«{512 hex}»",
	`Authorization: Digest username="kim", realm="x", nonce="abc", uri="/dir", response="«{32 hex}»"`, `Proxy-Authorization: Digest username="kim", realm="x", nonce="q", uri="/", response=«{64 hex}», qop=auth`,
	"secret_id: «{uuid}»", "vault write auth/approle/login role_id={uuid} secret_id=«{uuid}»", `{open}"role_id":"{uuid}","secret_id":"«{uuid}»"{close}`, "VAULT_SECRET_ID=«{uuid}»", "secret_id               «{uuid}»", "approle.secret-id=«{uuid}»", `vault: {open} SecretID: "«{uuid}»" {close}`,
	"community: Kubernetes-1x", "our community string team12", "snmp-server enable traps", "SNMP community: SNMPv2c", "SNMP community: ${open}SNMP_COMMUNITY_2{close}", "bgp community 65000:100", "curl -c cookies22.txt http://snmp.example.org", "Signature=SHA256withRSA", "signature={64 hex}", "Signature={uuid}",
	`response="{32 hex}"`, `message digest of response="{32 hex}"`, "secret_id: my-database-secret2", "secret_id_accessor {uuid}", `"secretId": "{uuid}"`, "Secret ID: {uuid}", "role_id={uuid}", "client_id={uuid}", "valid={uuid}",
	// that look like the names of things below, and are not
	"password: «sea-salt-500g»", `login("kim", "«Node_584_User_Dog»")`, `login("kim", "«Quartz!{3 digit}-velvet»")`, "secret=«ABxKqzEoPw-4821»", `client_secret: "«QZxkvaWpBe-77»"`, `token: "«zqxjkvbwpae-zqxjkvbwpoe»"`, "salt: «xkq-wtr-{4 digit}b»", "kubectl label pod web app=x\nauth=«k8sQ7x2Wm4pZ9»",
	// none
	"docker run --label=com.example.auth=basic-v2 nginx", "docker run --label com.example.auth=basic-v2 nginx", "gcloud run deploy --update-secrets=TOKEN=mytoken-v3:5", "gcloud run deploy --set-secrets DB_PASS=db-pass-prod:latest,API=api-key-2:7", `Get-Secret -Name app1 -AsPlainText "vault01"`, `login ("page-one", "Page-Two-3")`,
	"kubectl describe secret default-token-x7k2p", "salt: sea-salt-500g", "auth=basic-v2", "kubectl label pod web auth=basic-v2", "kubectl -n prod label ns shop token=k8s-Q7x2-Wm4pZ9 --overwrite", "docker login -u kim --password-stdin registry1.example.org", `pagination_token="page-3-of-7"`, "gpg --recv-keys {40 hex}", `grep -rn "password=" src/main2`, "PASS TestLogin2 (0.03s)", "Authorization: AWS4-HMAC-SHA256 Credential",
	"following phrase: we went down into that cellar with some candles and looked around there", "phrase: zebra cactus orbit lamp wagon", `"k":"{43 url}"`, "the password policy of app22 is strict-v2", "path/to/velvet22@host", "12:5432:30:45:velvet77", "net use of Quartz1234 in labs", "echo Quartz1234 | tee file1", "echo Quartz1234 | grep stdin2", "htpasswd is part of Quartz2-Utils", "--- PASS: TestQuartz2 (0.01s)", "PASS: TestQuartz2", `"password=" + value22`, "connect app/Quartz2024@v3", "docker run -l app.auth=Basic-v2 x", "wc -p Quartz1234",
	`tokens = ("Identifier{1 digit}", "Number22x!", "String_Lit3")`, `secret_keys = ("aws_access_key_id1", "AwsSecretAccessKey2", "GcpKey3")`,
	`ConvertTo-SecureString "$env:DB_PASSWORD2" -AsPlainText`, "az account set --subscription {uuid}", `"subscription": "{uuid}"`, "git log --format=date=2024-05-01", "--set=image.tag=1.2.3-{8 hex}",
	"<Secret>{open}formattedSecret{close}</Secret>", "password = {open}{open} db.password {close}{close}", "password: ${open}VAULT_PW_2{close}", "password = lookup(cfg[name])",
	"passwd != other_value!", "a=1;password=other_value;", "the login form and password field22", "tool --password-file secrets22.txt", `vexloToken = "internationalizationsettings"`,
	"duplicate vexlo key={32 hex}", "jira {40 hex}", "slack C{10 upper}", `vexloCacheKey := "{43 b64}="`, `"create-a-strong-password": "/help/security@2.1/strong-password"`,
	"tls.crt: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1{200 b64}", "pub: LS0tLS1CRUdJTiBQVUJMSUMgS0VZLS0tLS0K{200 b64}", `cache_key = "{32 hex}"`, `rowKey: '{24 alnum}'`, `translation_key = "{word}.{word}.12"`,
	"step-58 of build-{2 digit}", "image-{2 digit}.png", "https://{word}@github.com/a/b", "https://{word}-{word}-{word}-12@github.com/a/b", `variable "region" {` + "\n  default = \"eu-west-12\"\n}",
	"the password is sha256 hashed", "Password is base64 encoded", "a password is 8 to 64 characters", "the password is user-provided1", "the password field is row12345", "hf_hub_download, self_attn and buf_len",
	"(id)hf_requiredCharacteristicTypesForDisplayMetadata;",
	// ordinary logs and attributes that speak of passwords and keys
	`10 "GET /reset-password HTTP/1.1" 200`, "POST /user/password HTTP/2.0", "GET /a?next=password HTTP/1.1", "GET /assets/password-4f3a2b1c.js HTTP/1.1", "we pass IPv4-mapped addresses", "tests pass Python3.12-dev",
	"pass 2024-05-01T10:00:00Z", "3 tests pass 1.23s/op", "password UTF8-encoded", "password Base64-encoded", "hash_secret: hmac-sha256", "GET https://x.example.org/reset-password HTTP/1.1", "password 2024-05-01T10:00:00Z", "password_encryption = scram-sha-256", "encryption: AES-256-GCM", "consumer=checkout-consumer-7d9f8b6c5d-x2k9q",
	"密码是sha256加密的", "密码是8-16位", "密码为6位以上数字", "密码是2024-05-01修改的", "密码是http://x.example.org/a1", "密码是${open}VAULT_PW_2{close}",
	"azure_redis_key=session:550e8400-e29b-41d4-a716-446655440000", "aws.dynamodb.key=6f1d2c3b4a5968778695a4b3c2d1e0f1", "redis_key={43 b64}=",
	"kafka key=6f1d2c3b4a5968778695a4b3c2d1e0f1", "message.key: user-550e8400-e29b-41d4-a716-446655440000",
	"Authorization: {word} required", `login("user1", "page-two-3")`, "zip -P file12", `zorvex_key = "{word}-{word}-12"`,
}

// TestSecretForms: each of these is found, whole, and in those without a mark nothing is.
func TestSecretForms(t *testing.T) { checkForms(t, 32, secretForms) }

// checkForms wants what is between «» in each of the forms found, whole, and nothing else.
func checkForms(t *testing.T, seed uint64, forms []string) {
	t.Helper()
	f, d := newFinder(t, "redact-secrets"), newDice(seed)
	for _, form := range forms {
		text, want := marked(d.fill(form))
		edits := f.find(text)
		if !slices.EqualFunc(edits, want, func(e pluginhost.Edit, w [2]int) bool { return e.Start == w[0] && e.End == w[1] }) {
			t.Errorf("%q: want %v, got %v", text, want, edits)
		}
	}
}

// marked returns a form without its marks, and where what is between each two of them begins and ends.
func marked(form string) (text string, want [][2]int) {
	for {
		before, rest, more := strings.Cut(form, "«")
		text += before
		if !more {
			return text, want
		}
		value, after, _ := strings.Cut(rest, "»")
		want = append(want, [2]int{len(text), len(text) + len(value)})
		text, form = text+value, after
	}
}

// TestKeyTypeOutOfReach: a type of key that is just too far from one member is near to the next.
func TestKeyTypeOutOfReach(t *testing.T) {
	f, d := newFinder(t, "redact-secrets"), newDice(34)
	first, second := d.of(43, urlChars), d.of(43, urlChars)
	for gap := 960; gap < 1060; gap++ {
		text := `{"d":"` + first + `","x":"` + strings.Repeat("ab ", gap/3) + strings.Repeat("-", gap%3) + `","p":"` + second + `","kty":"RSA"}`
		edits := f.find(text)
		if at := strings.Index(text, second); len(edits) == 0 || edits[len(edits)-1].Start != at {
			t.Errorf("%d bytes between two members: %v, want one at %d", gap, edits, at)
		}
	}
}
