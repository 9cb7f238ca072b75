//go:build !race

package plugins_test

import "testing"

// signForms have a sign near the beginning of a password that ends a value elsewhere, each sign in each place where a name stands before
// it, and likenesses from queries, code, markup and shells.
var signForms = []string{
	"DB_PASSWORD=«Sun&{1 digit}23xZw»", "DB_PASSWORD=«Sun({1 digit}23xZw»", "DB_PASSWORD=«Sun){1 digit}23xZw»", "DB_PASSWORD=«Sun,{1 digit}23xZw»", "DB_PASSWORD=«Sun;{1 digit}23xZw»", "DB_PASSWORD=«Sun<{1 digit}23xZw»", "DB_PASSWORD=«Sun>{1 digit}23xZw»",
	"DB_PASSWORD=«Sun[{1 digit}23xZw»", "DB_PASSWORD=«Sun]{1 digit}23xZw»", "DB_PASSWORD=«Sun{open}{1 digit}23xZw»", "DB_PASSWORD=«Sun{close}{1 digit}23xZw»", "DB_PASSWORD=«Sun|{1 digit}23xZw»",
	"password: «Ab{1 digit}&xyz99Kp»", "password: «Ab{1 digit}(xyz99Kp»\nport: 22", "password: «A{1 digit})yz99KpW»", "  passwd: «xK{1 digit},mQ2vLp»", "pwd: «xK{1 digit};mQ2vLp»", "password = «xK{1 digit}[mQ2vLp»", "Passwort: «xK{1 digit}|mQ2vLp»", "user: kim, password: «xK{1 digit}]mQ2vLp»",
	"Server=db;User ID=sa;Password=«xK&m{1 digit}2vLp»;Encrypt=True", "Server=db;User ID=sa;Password=«xK(m{1 digit}2vLp»;Encrypt=True", "Server=db;User ID=sa;Password=«xK,m{1 digit}2vLp»;Encrypt=True", `var cs = "Data Source=db;User Id=sa;Password=«xK]m{1 digit}2vLp»;";`,
	"my password is «xK{1 digit}&mQ2vLp»", "my password is «Sun{open}{1 digit}23xZw», and", "the password is «Sun,{1 digit}23xZw».", "export PGPASSWORD=«xK&m{1 digit}2vLp»", "login user=kim password=«xK|m{1 digit}2vLp» ok", "<password>«xK&m{1 digit}2vLp»</password>", "--password=«xK,m{1 digit}2vLp»", "spring.datasource.password=«xK[m{1 digit}2vLp»",
	// whose rest stayed
	"Server=db;User ID=sa;Password=«Tr0mb{1 digit}ne&44»;Encrypt=True", "Server=db;User ID=sa;Password=«Tr0mb{1 digit}ne'44»;Encrypt=True",
	// queries and the fields of other strings
	"?password=abc&user=kim{1 digit}Ab", "password=abc&User=Kim{1 digit}Ab", "password=abcdef,user=Kim{1 digit}Ab", "Password=;Encrypt=True{1 digit}x", "{open}password:null,userName:Kim{1 digit}Ab{close}", "https://x.example/a?password=abc&Kim{1 digit}Ab=c",
	// code
	"password=foo(bar{1 digit}, x2)", "{open}password: x{1 digit}, y2{close}", "password: func(a{1 digit})", "pass(x, y{1 digit})", "Password<T{1 digit}>", "password: Map<String,Int3{1 digit}>", "password: foo[Q{1 digit}x, y]", "password=t&&Q{1 digit}xR(r)",
	"password=foo(\n  Bar{1 digit}x, y)", "password: getUser1{3 digit}(test)", "password=foo(Q{1 digit}xAb,\n  y)", "if(password==x)Y{1 digit}zQ()", "password: [Q{1 digit}xAb,yZ]", "password: List[Str{1 digit}xA]", "password=t,this.Foo{1 digit}Bar()", "password: $base6{1 digit}Decode(x)", "password: /^(?=.*[A-Z]{1 digit}x)$/",
	"password: T&U{1 digit}xQ[]", "password:e,User{1 digit}Id:t", "password=$(cat Foo{1 digit}x)", "password=$X|base6{1 digit}", "PASSWORD=abc&&Foo{1 digit}xB", "{open}{open}password|b64Enc{1 digit}{close}{close}", "password: {open}{open}X{1 digit}y{close}{close}", "password: &Anchor{1 digit}x",
	"password: &lt;Your{1 digit}Pass&gt;", "password: Kim&nbsp;R{1 digit}x", "reset password: Step{1 digit}&Go", "password: [Link{1 digit}a](https://x.example/Y1z)", "password: foo](http://x.example/Y{1 digit}z", "Password:(Sha2{1 digit}6),Salt", "password: fn(&mut R{1 digit}x)",
}

// TestSignForms: each secret is found, whole, and in its double nothing is.
func TestSignForms(t *testing.T) { checkForms(t, 37, signForms) }

// firstForms begin with a sign that variables and paths begin with, or that a tag ends with.
var firstForms = []string{
	`{open}"password":"«$un{1 digit}23xZw1»"{close}`, `{open}"password":"«@dm{1 digit}n423xZ»"{close}`, `{open}"password":"«%un{1 digit}23xZw1»"{close}`, `{open}"password":"«&un{1 digit}23xZw1»"{close}`, `{open}"password":"«Sun>{1 digit}23xZ»"{close}`, `password = "«$V!K{1 digit}Y#MpgJV»"`,
	`password = "$dbPass{1 digit}"`, `password = "$db{1 digit}Password"`, `password = "$md{1 digit}Pass2"`, `"password": "%DB{1 digit}PASS%"`, `"password": "$DB1_PASS{1 digit}W"`, `password = '@Name{1 digit}'`, `password = '@p{1 digit}Name2'`, `password = "&name{1 digit}x2"`, `password = "${open}X{1 digit}y2Z{close}"`,
	`password = "{open}{open}x{1 digit}y2Z{close}{close}"`, `"password": "%s:%d{1 digit}"`, `"password": "%E2%80%9{1 digit}aB"`, `"password": "@file{1 digit}.txt"`, `"password": "$2{1 digit}xAb"`, `"password": "$oauth2Token{1 digit}"`, `"password": "<b>Sun{1 digit}</b>"`, `password = "$sha256Sum{1 digit}"`, `"password": "@angular{1 digit}/Cli2x"`,
	// keys that begin with a slash
	"AccountName=x;AccountKey=«/c+{39 alnum}{1 digit}==»;EndpointSuffix=y", "API_SECRET=«/tBu8{37 alnum}{1 digit}=»", `API_SECRET="«/tBu8{37 alnum}{1 digit}=»"`, "secret_key: «/tBu8{34 alnum}{1 digit}»", "API_SECRET=/run/secrets/tokens/Acme{1 digit}xZq2/for/the/ServicesOf2", "API_TOKEN=/var/run/secrets/kubernetes.io/serviceaccount/token{1 digit}", "SECRET_KEY=/etc/ssl/private/site{1 digit}.key",
	// groups of four small letters, as Gmail has them
	"EMAIL_HOST_PASSWORD = '«gova zigu bada timi»'", `"password": "gova zigu bada timi"`, `"password": "«gvbz zigq bdtk tiwn»"`, `"gmail_password": "«gova zigu bada timi»"`, "title = 'gova zigu bada timi'", `"password": "must have four sets"`, `"password_hint": "gova zigu bada timi"`,
	`<wsse:Password Type="PasswordText">«Kangaroo_{2 digit}!x»</wsse:Password>`, `<wsse:Password Type="PasswordText">«Kangaroo_{2 digit}!»</wsse:Password>`,
	// tokens of letters alone
	"Authorization: Bearer «QwErtYuiOPasDfgHjkLZxcvBnMqWeRty»", `"Authorization": "Bearer «QwErtYuiOPasDfgHjkLZxcvBnMqWeRty»"`, "Authorization: Bearer YourPersonalAccessTokenGoesHere", "Authorization: Bearer authenticationmiddlewareoftheserver", "password: !vault|$ANSIBLE{1 digit}Xy",
	// sentences and brackets
	"the password «xK{1 digit}&mQ2vLp» works", "(password «xK{1 digit}&mQ2vLp»)", "use password «Rt{1 digit}&Gh77Kl» to log in", "wrong password Q{1 digit}&Q4Report for kim", "htpasswd -nb admin «Tr0mb{1 digit}ne&44»", "sqlcmd -S db -U sa -P «Tr0mb{1 digit}ne&44»", "mysql -u root -p«Xq{1 digit}Tr0mb» &sleep", "the password Vol{1 digit}&Vol2 works",
}

// TestFirstForms: each secret is found, whole, and in its double nothing is.
func TestFirstForms(t *testing.T) { checkForms(t, 38, firstForms) }

// boundForms are secrets that begin with a slash, and passwords beside a sign that ends them, or does not.
var boundForms = []string{
	`"clientSecret": "«/aB3xK9mQ2vLp8Zt7Rw5Yc{1 digit}N»"`, `AZURE_CLIENT_SECRET: "«/Lx8Q~kQ2vLp8Zt7Rw5Yc1NsD4gH6jK0mP{1 digit}q»"`, "Authorization: Bearer «/aB3xK9mQ2vLp8Zt7Rw5Yc{1 digit}N»", "X-Api-Key: «/aB3xK9mQ2vLp8Zt7Rw{1 digit}Yc»", "session_secret='«/vQ8rTz{1 digit}LmXp7KwBn»'", `jwt_secret: "«/9j4AAQSkZJRgXk{1 digit}7Qp»"`, "aws_secret_access_key = «/mqRWZkTPHYLvX+jGcDnBsFtKQ{1 digit}uVwEaIyMzNbOr1»",
	"connectionString=&quot;Server=x;Database=y;Password=«Foo{1 digit}024xQ»&quot; providerName=&quot;x", "&quot;password=«Foo{1 digit}024xQ»&quot;", "&nbsp;password: «Foo{1 digit}024xQ»&nbsp;user", "&amp;password=«Foo{1 digit}024xQ»&lt;", "https://x.example/a?user=kim&amp;password=«Foo{1 digit}024xQ»&next", "https://x.example/a;user=kim;password=«Foo{1 digit}024xQ»&debug", "cd /x;PASSWORD=«Foo{1 digit}024xQ»&sleep",
	"password: «myPass2{1 digit}24(old»)", "my password is «myHouse2{1 digit}24(new»)", "password: «blueSky99{1 digit}17(temporary»)", "PASSWORD: «tigerMoon202{1 digit}5(prod»)", "password: getPass2{1 digit}24(old)",
	"net user kim «Tr0mb{1 digit}neX1»&NET localgroup x", "sshpass -p «Tr0mb{1 digit}neX1»&Echo 2", "Use sshpass -p «Tr0mb{1 digit}neX1»,Then run 2", "{open}sshpass -p «Tr0mb{1 digit}neX1»{close}Foo2", "[sshpass -p «Tr0mb{1 digit}neX1»]Foo2",
	"password=«Foo&2{1 digit}24xQ»|Kim1|Admin2", "password:«Sun&4{1 digit}3xZ»;Kim1", "|password: «Foo&2{1 digit}24xQ»|Kim1|", "{open}password:«Foo&2{1 digit}24xQ»,Kim1{close}", "f(password=«Foo&2{1 digit}24xQ»,Kim1)", "**password: «Foo&2{1 digit}24xQ»**, Kim1", "<password=«Foo&2{1 digit}24xQ»><User=Kim1>",
	"password=«Foo,Bar:2{1 digit}24xZ»", "pw=«aB3x,K=9mQ{1 digit}vLp»", "PASSWORD=«rT7x,Ab=3kL{1 digit}9»", "spring.datasource.password=«Abc1{1 digit},def:ghI9»", "DB_PASSWORD=«Tr0ub4,dor={1 digit}X»", "password=«Tr0ub4dor,Hx:{1 digit}yz»", "password=«Tr0ub4{1 digit}r»,user=kim",
}

// TestBoundForms: each secret is found, whole and no further.
func TestBoundForms(t *testing.T) { checkForms(t, 39, boundForms) }

// orderlyForms are types, ways through menus, subjects, variables and sentences in the place of a password.
var orderlyForms = []string{
	"password: UInt8|UInt16|Str{1 digit}ng", "password: V1|V2|V{1 digit}Beta", "if (password == Str{1 digit}x|Str2y) {open}", "password = Str{1 digit}x>Str2y ? 1 : 0", "PASSWORD = 0x{1 digit}F|0x2Ab", "Password: Enter>Settings{1 digit}>Wifi2G", "secret password is Step1>Step2>St{1 digit}p", "password = Cfg{1 digit}x,Cfg2y", "password is Int32|Str6{1 digit}Ab",
	"password: R&D20{2 digit}Team", "password: Q{1 digit}&Q2Report", "password: IPv4&IPv{1 digit}Dual", "password: K8s&EC{1 digit}Team", "my password is Win7&Win1{1 digit}x", "password is OK;{1 digit}FAon", "the password is Ok&{1 digit}FAisOn",
	`"password": "good luck next time"`, `"password": "blue fish jump high"`, `password="test demo test demo"`, `'password': 'pour vous avec plus'`, `"password": "kein pass wort hier"`,
	`password: "$Env1Var{1 digit}x"`, `$pass = "$Us1Er{1 digit}X";`, `"password": "%Env1Va{1 digit}R"`, `password = "$PA1x{1 digit}b_Db"`, `<xs:password type="x">Required{1 digit}</xs:password>`, `"Authorization": "Bearer MyAwSeCrEtToKeNvAlUeHeRe"`,
}

// TestOrderlyForms: nothing is found.
func TestOrderlyForms(t *testing.T) { checkForms(t, 40, orderlyForms) }
