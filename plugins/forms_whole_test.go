//go:build !race

package plugins_test

import (
	"strings"
	"testing"
)

// wholeForms are values that are long, random and have a row of one character in them, or words, or signs that end a value
// elsewhere, and what looks like them. In those without a mark nothing is found.
var wholeForms = []string{
	// a row within what is random; session tokens of AWS always have one
	"AWS_SESSION_TOKEN=«IQoJb3JpZ2luX2VjEO3//////////wEaCXVzLWVhc3QtMSJHMEUCIQD{200 b64}==»", "AWS_SESSION_TOKEN=«IQoJb3JpZ2luX2VjEO3//////////wEaCXVz{900 b64}=»\nAWS_REGION=eu-west-1",
	`{open}"SessionToken": "«IQoJb3JpZ2luX2VjEJv//////////wEaCXVz{600 b64}»", "Expiration": "2026-03-01T10:00:00Z"{close}`, `<SessionToken>«FwoGZXIvYXdzEJr//////////wEaD{300 b64}»</SessionToken>`,
	"aws_session_token = «FwoGZXIvYXdzEJr//////////wEaD{300 b64}=»", "x-amz-security-token: «IQoJb3JpZ2luX2VjEHYaCXVz{400 b64}==»", "the token is «FwoGZXIvYXdzEJr//////////wEaD{300 b64}», see",
	"https://b.s3.amazonaws.com/k?X-Amz-Security-Token=«IQoJb3JpZ2luX2VjEO3%2F%2F%2F%2F%2F%2F%2F%2F%2F%2FwEaCXVz{300 alnum}%2B{40 alnum}%3D%3D»&X-Amz-Expires=60",
	"API_SECRET=«4f0000009a2c{20 hex}»", "API_SECRET=«{20 hex}000000{14 hex}»", `client_secret: "«{16 alnum}aaaaaa{20 alnum}»"`, "TWITTER_BEARER_TOKEN=«AAAAAAAAAAAAAAAAAAAAAM{6 alnum}EAAAAAx{4 alnum}%2B{30 alnum}%3D{40 alnum}»",
	`bearer_token = "«AAAAAAAAAAAAAAAAAAAAA{20 alnum}AAAAAAA%2B{30 alnum}%3D{40 alnum}»"`, "API_SECRET=«{14 alnum}yourA{20 alnum}»", "API_SECRET=«{14 alnum}sample{20 alnum}»", "client_secret=«{12 alnum}eXample{22 alnum}»",
	"API_SECRET=000000000000{12 hex}", "API_SECRET={8 hex}0000000000000000{8 hex}", "API_SECRET=aaaaaa1234567", `client_secret: "xxxxxxxxxxxxxxxxxxxxxxxxxx12"`, "API_SECRET=your-api-secret-k3y-goes-h3re", "API_SECRET=4f2a9c8e-example-71b3d5e0",
	"API_SECRET=examplek3y9a2c4f7b1d8e", "API_SECRET=a9f3k2m7q1exAMPle", "API_SECRET=REPLACE_ME_4f2a_your_key_77b1", "IQoJb3JpZ2lu is how they begin", "IQoJb3JpZ2luXXXX",
	"AKIA2222223EXAMPLE22", "AKIAXXXXXXXXXXXXXXXX", "sk_live_00000000000000000000abcd", "ghp_{10 alnum}XXXXXXXXXXXXXXXXXXXX{6 alnum}",
}

// TestWholeForms: each of these is found, whole, and in those without a mark nothing is.
func TestWholeForms(t *testing.T) { checkForms(t, 61, wholeForms) }

// quotedForms are passwords with signs in them that end a value elsewhere, and what looks like them.
var quotedForms = []string{
	// in quotes, to the same quotation mark
	`{open}"password":"«Tr0ub4&dor<3xy»"{close}`, `{open}"password":"«Tr0ub4dor\\X3xyz»"{close}`, `{open}"password":"«Tr0ub4dor\\nX3xyz»"{close}`, `{open}"password":"«Tr0ub4dor'X3xyz»"{close}`, `{open}"password":"«P@ss\\w0rd99»"{close}`, `{open}"client_secret":"«Kx9\\pLq2vZaaB31xc9»"{close}`,
	`{open}"user":"kim","password":"«Quartz;{4 digit}&x<y»","port":5432{close}`, `{open}"password": "«Tr0ub4dor horse {2 digit}»"{close}`, `{open}"config":"{open}\"password\":\"«Tr0ub4&dor<3xy»\"{close}"{close}`,
	`password: "«Tr0ub4&dor<3xy»"`, `password: '«Tr0ub4;dor"3xy»'`, `DB_PASSWORD="«Tr0ub4;dor<3'xy»"`, `DB_PASSWORD='«Tr0ub4\dor&3xy»'`, `const password = "«Tr0ub4<dor&3xy»";`, "password := `«Tr0ub4<dor'3xy»`", `connect(user="kim", password="«Tr0ub4&dor;3»")`,
	`login --password "«Tr0ub4&dor<3xy»" now`, `<add key="DbPassword" value="«Tr0ub4'dor;3»" />`, `'password' => '«Tr0ub4"dor&3»',`, `"password" : "«abc'Def;ghi&9k»"`, `{open}"password":"«TroubadorAndMoreOfThat'X3xyz&12»"{close}`, `{open}"client_secret":"«Kx9mQz7WpL2vT8rYb4Nc\\pLq2vZaaB31xc9»"{close}`, `{open}"db_password":"«k{open}9&x<Qz{close}2'»"{close}`,
	`{open}"password":"«Tr0ub4\"dor3xy»"{close}`, `password: '«Tr0ub4''dor3xy»'`, `const password = "«Tr0ub4\"dor3xy»"`, `{open}"password":"«Tr0ub4\"dor3xy»","user":"kim"{close}`, `password="«Tr0ub4dor3»", user="kim"`,
	// without quotes
	"password: «Tr0ub4dor&3»", "DB_PASSWORD=«Tr0ub4;dor3xy»", "DB_PASSWORD=«Tr0ub4dor&3xy»\nDB_USER=kim", "password = «Quartz{4 digit}&x;y»", "password: «Tr0ub4<dor3xy»", "DB_PASSWORD=«Tr0ub4\\dor3xy»",
	"DB_PASS=«Welcome1(!»)", "Password: «Tr0ub4dor(!x»", "DB_PASSWORD=«hunter2(prod»)", "args: [--user, bob, --password, «hunter2x7»]", "[main] started with [--db-user, app, --db-password, «S3cretPw9»]",
	"DB_PASSWORD=«P4ss;word»", "DB_PASSWORD=«Kx7w3;velvet»", "password=«s4lt&pepper&vinegar»", "PASSWORD=«Ab3x9&horse&Staple77x»", "password: «Tr0ub4&dor&3xy»", "DB_PASSWORD=«Tr0ub4&horse&battery9»", "Password=«Tr0ub4&dor&3#xyzzy!Q»", "my password is «Summer2024;winter»", "Password: «B0nnie&clyde»",
	`IDENTIFIED BY'«Tr0ub4;dor"3xy»'`, `IDENTIFIED BY"«Tr0ub4;dor'3xy»"`, `CREATE USER kim PASSWORD'«Tr0ub4;dor"3xy»'`, `login --password'«Tr0ub4;dor"3xy»'`, "PGPASSWORD=«Summer2024&psql»",
	"DB_PASSWORD=«Tr0ub4dor;horse»", "PASSWORD=«Summer2024;winter»\nDB_HOST=x", "password=«Summer2024;winter»", "PASSWORD=«Summer2024;winter» \nx",
	// in brackets
	"args: [--password, «hunter2x7»]", "{open}args: [--password, «Hunter2x7»]{close}", "{open}x: [a, --db-password, «S3cretPw9»]{close}, x", "password: [«Velvet77x»]", "{open}user: kim, password: «Velvet77x»{close}, b", `{open}"a": {open}password: «Velvet77x»{close}{close}`, "login({open}password: «Velvet77x»{close});", "DB_PASSWORD=«Qz77xy{close}»", "DB_PASSWORD=«Qz77xy]»",
	// with brackets, or in lists
	"password: «tiger7(foo)bar»", "password is «tiger7(foo»)", "password: «Winter2024(expired»)", "password=«Xk93kd(_f)Lq2»", "args: [--api-key, «k93jd8s2j4k5l6m7n8»]", "creds = [username, password, «S3cr3tPw9»]", "[redis-server, requirepass, «Tr0ub4dor3»]", "secret=«k93jd8s2j4k5l6m7»(!x9", "client_secret: «K93jd8s2j4k5l6m7»(abc)",
	"localhost:5432:mydb:kim:«S3cr:et!99»", "db.example.com:5432:app:kim:«a1:b2C3d4»",
	// that end at these signs
	"export PGPASSWORD=«Summer2024»;psql -h db", "password=«Summer2024»;echo done", "password=«Summer2024»&remember&x=1", "password=«Kx7w3d»&Q2@corp.example",
	"Server=db;Pwd=«Tr0ub4dor3»;Database=app", "Pwd=«kestrel-81»;Encrypt=yes;", "https://x.example.org/login?user=kim&password=«Tr0ub4dor3»&next=home", "PASSWORD=«Tr0ub4dor3»; psql", "user=kim&password=«Tr0ub4dor3»&x",
	"PASSWORD=«Tr0ub4dor3»&& psql", "PASSWORD=«Tr0ub4dor3»; export PASSWORD", "password=«Tr0ub4dor3»&amp;user=kim", `<password>«Tr0ub4dor3»</password>`, `<password>«Tr0ub4&amp;dor3»</password>`, `{open}\"password\":\"«Tr0ub4dor3»\",\"user\":\"kim\"{close}`, `log("password=«Tr0ub4dor3»")`, `<a href="/x?password=«Tr0ub4dor3»&user=kim">`,
	`x('password=«Tr0ub4dor3»', "b")`, `password="«Tr0ub4dor3»" user="kim"`, `{open}'password': '«Tr0ub4dor3»', "user": "kim"{close}`, `"password": "«Tr0ub4dor3»\n", "user": "kim"`, "password: «Tr0ub4dor3»\\nuser: kim",
	// none
	`{open}"password":"must have 8 characters & a digit"{close}`, `{open}"password":"use letters, digits & signs; at least 8"{close}`, `"password": "Enter your password (8 signs & more)"`, `password: "<b>12 characters</b> & more"`, `{open}"token":"the token & its 3 parts; see docs"{close}`,
	`label.password = "Password & PIN 2";`, `password: "${open}DB_PASSWORD{close}&x1"`, `{open}"password":""{close},{open}"user":"kim22&x"{close}`, `password=&user=kim22`, `"password":"", "user":"kim22<x"`, `password: '' # 8 or more & a digit`,
	`{open}"secret":"arn:aws:secretsmanager:eu-west-1:123456789012:secret:db&x"{close}`, `{open}"password":"C:\\keys\\db22.txt"{close}`, `password_hint="born in '87 & so on"`,
}

// TestQuotedForms: each of these is found, whole, and in those without a mark nothing is.
func TestQuotedForms(t *testing.T) { checkForms(t, 62, quotedForms) }

// TestSignsWithoutHost: a redactor alone, which sees no text decoded, reads them the same, and as the text of a key.
func TestSignsWithoutHost(t *testing.T) {
	p := probe(t, "redact-secrets", nil)
	for _, value := range []string{"Tr0ub4&dor<3xy", "Tr0ub4dor'X3xyz", "Tr0ub4;dor&3", `P@ss\w0rd99`} {
		for _, c := range [][2]string{{`{"password":"`, `"}`}, {`{\"password\":\"`, `\"}`}, {"password: \"", "\"\nuser: kim"}, {"", ""}} {
			key := ""
			if c[0] == "" {
				key = "db.password"
			}
			edits := try(t, p, []byte(c[0]+value+c[1]), []byte(key)).Edits
			if len(edits) != 1 || int(edits[0].Start) != len(c[0]) || int(edits[0].End) != len(c[0])+len(value) {
				t.Errorf("%q: got %v", c[0]+value+c[1], edits)
			}
		}
	}
	for _, text := range []string{`strict", "lax22`, "it's 8 characters", "'a1b2c3', 'd4e5f6'"} {
		if edits := try(t, p, []byte(text), []byte("db.password")).Edits; len(edits) > 0 {
			t.Errorf("%q: got %v", text, edits)
		}
	}
}

// besideForms are what a token beside it says is a secret, what is one in base64, and what only looks like one: calls, types, keys that
// are public, and passwords that everybody has.
var besideForms = []string{
	"client = Client('«{sid}»', '«{32 hex}»')", `new Client("«{sid}»","«{32 hex}»")`, "«{sid}»:«{32 hex}»", "twilio(«{sid}», «{32 hex}»)", "AC{8 hex}, {32 hex}", "{32 hex}:{32 hex}",
	".dockerconfigjson: «eyJhdXRocyI6{120 alnum}»", `{open}"data":{open}".dockerconfigjson":"«eyJhdXRocyI6{300 b64}==»"{close}{close}`, "  x: «eyJhdXRocyI6eyJ{90 alnum}=»", "  .dockerconfigjson: «ewoJImF1dGhzIjog{120 alnum}»", "eyJhdXRocyI6 is how they begin",
	// none: the name of a function, or of a type
	`{open}"AESRoundKeyGenAssist", opLen1Imm8(x, y){close}`, `{open}"AESRoundKeyGenAssist", opLen1Imm8(`, `fn("apiKey", opLen1Imm8(x))`, "password: str = Field(min_length=8)", "const [password2, setPassword2] = useState()", "password = hash2(x)", "password = sha256(x)", "create_user(password=sha256(raw))", "$password = base64_decode($row['pw']);", "let password = hash_v2(&input);", "if password == float64(x) {open}", "if sig := b.uint32(); sig != fileHeaderSignature", "SessionTokenUtilization = ptr.Int32(value)",
	"const token = signAccessToken({open}userId: 1{close})", "$token = createSessionToken($user);", "let token = buildBearerToken(&claims)?;", "secret = hmacSHA512(&k)", "columns = [id, email, password, phone2]", "scopes: [openid, password, email_v2]", "tags: [auth, password, nist800-63b]", "[login, password, 2fa-login]", "[]method{open}methodPassword, methodMD5{close}", "[]x509.ExtKeyUsage{open}x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth{close},", "AuthStyle: oauth2.AuthStyleInParams,", "password := source[:len(source)-6]", "{open}user: kim, password: «Velvet77»{close}", "[login, password, «2fa-login!x»]", "[x, --password, «Tr0ub4-dor»]", "[main, --db-token, «Kq27wXzPm4LtR9aV»]", "CLIENT_SECRET=«myApp2Secret»;x=1", "[x, password, «Tr0ub4-dor»]", "[login, token, «Kq27-wXz-1234»]", "const [password, username1] = fields", "MD5:16:27:ac:a5:76:28:2d:36:63:1b:56:4d", "secret = makeSecretV2(seed)", "password = makeHashV2(&x)", "password = sha256(%x)", "password=sha256(!x)", "const password = encryptV2({open}\n  cost: 4{close})", "password = hash_v2([\n",
	"password: Signal2<string>;", "password: Ref2<String>", "let password = form.arg12;", "const password: string = this.form.arg12;", "var password = req.body.pass12;", "password := form.arg12", "let password = «user12»;", "password: «Summer2»<Winter>", "if (password == user12&&x)", "if (password === user12 || x)", "if (x && password == pass12)", "while (kim.password==user12) {open}",
	"password: «Signal2»<br>", "let password = «hunter12»", "password == «hunter12x»", "if [ $password == «hunter12x» ]; then", "let password = «form.Arg12!x»",
	"UserAuth: TPM2BAuth{open}", "OwnerPassword: TPM2BPassword{open}", "UserAuth: tpm2.TPM2BAuth{open}Buffer: x{close},", "PrivateKey: testP256PrivateKey,", "authToken: myV2AuthToken)", "auth_token: «my4Ken9Xs»,", "jwtSecret: «myJwt5Secret»", `password = "user_{open}{close}_pw2".format(x)`, `secret = "prefix_{open}{close}_v2x".format(x)`, `password: "#{open}db_pass2{close}"`, `"pwd=#{open}opts[:password2]{close}"`, `password: "«#kx{open}9Tr0ub4»"`, "initdb --password scram-sha-256", "login kim password scram-sha-256",
	"csrfmiddlewaretoken={32 alnum}", `name="authenticity_token" value="{32 alnum}"`, "authenticity_token={32 alnum}", "authentication_token=«{32 alnum}»", `"sync_token": "{32 alnum}"`, `"nextToken": "{32 alnum}"`, `"NextToken":"{32 alnum}"`, "resume_token={32 alnum}", "NEXT_AUTH_TOKEN=«{32 alnum}»", `"nextSecretToken": "«{32 alnum}»"`,
	"licenseKey: 'gpl-3.0-or-later'", "licenseKey: 'lgpl-2.1-only'", `"license_key": "GPL-3.0-or-later"`, "token := newToken3(ctx)",
	"password: getPass2(cfg, 'x')", "api_key=loadKeyFromEnv2(name)", "g++ -u Foo::Bar2 x.o", "ld -u Foo::Bar2x", `"-u Foo::Bar2"`,
	"password=«Tr0ub4(x3y»", "curl -u «kim:Bar2xyz» x", "password: «Quartz{4 digit}»",
	// none: public, or no secret of anybody
	"pk_live_{24 alnum}", "STRIPE_KEY=pk_live_{24 alnum}", `Stripe("pk_live_{98 alnum}")`, `{open}"publishableKey":"pk_test_{24 alnum}"{close}`, "sk: «sk_live_{24 alnum}»", "rk: «rk_live_{24 alnum}»",
	"postgres://user:password@localhost/db", "postgres://postgres:postgres@localhost:5432/app", "mysql://root:root@127.0.0.1/x", "postgresql://kim:postgres@db/app", "redis://default:redis@cache:6379", "amqp://guest:guest@mq:5672", "mongodb://kim:secret@db", "postgres://user:changeme@localhost",
	"postgres://postgres:PASSWORD@localhost", "postgres://«postgres:postgres7x»@db/app", "mysql://«root:toor»@db/x", "postgres://«kim:Velvet{2 digit}»@db/app", "postgres://«kim:postgresque»@db/app", "DATABASE_URL=postgres://«app:mlR9dP@Aucf6»@db.internal:5432/app", "https://«app:mlR9dPx»@db.org, ann@x",
	"postgres://«kim:P@ssw0rd#1»@h1/db", "postgres://«kim:P@ssw0rd=»@h1/db", "postgres://«kim:P@ssw0rd&1»@h1.example.org/db", "git clone https://«kim:Velv@t=99»@github.com/a/b", "redis://«:S3cr@t=9x»@cache:6379", "https://«kim:Velvet{2 digit}»@h1.example.org?email=ann@x.org", "amqp://«kim:Velvet{2 digit}»@10.0.0.7:5672?to=ann@x.org",
	"mongodb://«kim:Velvet1xyz»@h1:27017,ann@h2:27017/db",
}

// TestBesideForms: each of these is found, whole, and in those without a mark nothing is.
func TestBesideForms(t *testing.T) {
	d := newDice(64)
	var forms []string
	for _, form := range besideForms {
		forms = append(forms, strings.ReplaceAll(form, "{sid}", "AC"+d.of(32, hexChars)))
	}
	checkForms(t, 63, forms)
	f := newFinder(t, "redact-secrets")
	for _, form := range []string{"sid {sid} and {32 hex}", "{sid}, CA{32 hex}", "{sid}/{32 hex}", "{sid}: {33 hex}", "{sid}, {24 hex}"} {
		text := d.fill(strings.ReplaceAll(form, "{sid}", "AC"+d.of(32, hexChars)))
		if edits := f.find(text); len(edits) != 1 {
			t.Errorf("%q: want the SID alone, got %v", text, edits)
		}
	}
}

// TestHostsOfOneURL: each password of a list of hosts is found.
func TestHostsOfOneURL(t *testing.T) {
	text := "mongodb://kim:Velvet1xyz@h1:27017,ann:Quartz2xyz@h2:27017/db"
	edits := newFinder(t, "redact-secrets").find(text)
	if len(edits) != 2 || text[edits[0].Start:edits[0].End] != "kim:Velvet1xyz" || text[edits[1].Start:edits[1].End] != "ann:Quartz2xyz" {
		t.Errorf("got %v", edits)
	}
}
