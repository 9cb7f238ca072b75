package plugins_test

import "testing"

// unseenForms are further ones, of classes that were missed when texts were made that neither the rules nor the other tables had
// been tried on.
var unseenForms = []string{
	// passwords in a URL with an '@' and signs of a query or a list behind it, and what is a query or a list
	"postgres://«kim:P@ssw{1 digit}rd#1»@h1/db", "postgres://«kim:P@ssw{1 digit}rd=1»@h1/db", "postgres://«kim:P@ssw{1 digit}rd&1»@h1/db", "postgres://«kim:P@ssw{1 digit}rd,1»@h1/db", "postgres://«kim:P@ssw{1 digit}rd?1»@h1/db",
	"git clone https://«kim:Velv@t={2 digit}»@github.com/a/b", "redis://«:S3cr@t={1 digit}x»@cache:6379", "smtp://«kim%40x.org:P@ss,{2 digit}»@mail.x.org:25", "amqp://«kim:a@b@Velv{2 digit}»@mq:5672", "amqp://«kim:Velv{2 digit}@@!»@mq:5672", "postgres://«kim:Velv{2 digit}»@h1.org?email=ann@x.org",
	"postgres://«kim:Velv{2 digit}»@h1.org#ann@x.org", "postgres://«kim:Velv{2 digit}»@10.2.3.4,ann@x.org", "postgres://«kim:Velv{2 digit}»@localhost?a=ann@x.org", "postgres://«kim:Velv{2 digit}»@db:5432?a=ann@x.org",
	// names that are mailboxes, hosts in brackets and on the disk, and drivers of Go
	"smtps://«kim@example.org:Velv{2 digit}t»@smtp.example.org:465", "postgresql://«kim:Velv{2 digit}»@[2001:db8::1]/x", "postgresql://«kim:Velv{2 digit}»@/db?host=/run", `sql.Open("mysql", "«kim:Velv{2 digit}»@tcp(db:3306)/app")`, "addr=«kim:Velv{2 digit}»@unix(/run/my.sock)/app",
	"«kim:Velv{2 digit}»@tcp(db:3306)/app", "https://kim@example.org:8080/a", "https://kim@example.org/a:b@c", "user:password@tcp(db:3306)/app", "root:root@tcp(db)/app", "call:back@tcp (db)",
	// queries behind a path with a digit in it
	"https://api.example.com/v1/organizations/members?api_key=«{32 hex}»", "GET /api/v1/reports/monthly/summary?access_token=«{40 alnum}» HTTP/1.1", `fetch("https://api.example.com/v2/organizations/members?token=«{32 alnum}»&page=2")`, "https://api.example.com/v1/organizations/members?since=2024-05-01", "https://example.org/v1/questions/how-to-pass?id={word}12",
	// strings of Objective-C and C#
	`NSString *apiKey = @"«{32 alnum}»";`, `[client setPassword:@"«Velv!{2 digit}t»"];`, `var password = $"«Velv!{2 digit}t»";`, `{open}@"api_key": @"«{32 hex}»"{close}`, `const string Token =@"«{40 hex}»";`, `NSString *user = @"{word}12";`,
	// what is called a key and nothing else
	`"key": "«2Tm6cd{26 alnum}»"`, "'key': '«Xq7Rz{30 alnum}9k»'", "key=Xq7Rz{30 alnum}9k", `"key": "{24 hex}"`, `"key": "{uuid}"`, `"key": "{word}-{26 alnum}"`, `"key": "UserProfilePageHeaderTitleV123"`, `"Key": "photos/{26 alnum}"`, `"pubkey": "Xq7Rz{30 alnum}9k"`, "keyHex: Xq7Rz{30 alnum}9k",
	// passwords that people make of the word itself
	"DB_PASSWORD=«Password{3 digit}!»", "MAIL_PASSWORD=«Mailpass{4 digit}!»", "password=«AdminPassword{3 digit}»", "password: «secret{3 digit}»", "password = my_token_{3 digit}", "password = newPassword2", "password_encryption = scram-sha-256", "password = variable_password02[]", "password = resetPassword",
	// words for passwords that were not known
	"비번: «velvet{2 digit}x»", "비번은 «velvet{2 digit}x»", "암호: «velvet{2 digit}x»", "암호는 «velvet{2 digit}x»", "패스워드: «velvet{2 digit}x»", "PW는 «Velvet{2 digit}x!»", "MYSQLPASS=«{16 alnum}»", "smtppass = «velvet{2 digit}x»", "userpw: «velvet{2 digit}x»", "rootpw «Velvet{2 digit}x!»", "bindpw «Velvet{2 digit}x!»", "db_pswd=«velvet{2 digit}x»", "passwrd: «velvet{2 digit}x»",
}

// TestUnseenForms: each of these is found, whole, and in those without a mark nothing is.
func TestUnseenForms(t *testing.T) { checkForms(t, 35, unseenForms) }

// TestPasswordsOfAList: each name and password of a list of hosts is found.
func TestPasswordsOfAList(t *testing.T) {
	for _, module := range []string{"redact-secrets", "redact-pii"} {
		edits := newFinder(t, module).find("mongodb://u:pa1xyz@h1:27017,u2:p2xyz@h2.example.org,u3:p3xyz@h3:27017/db")
		if len(edits) != 3 || edits[1].Start != 28 || edits[1].End != 36 || edits[2].Start != 52 || edits[2].End != 60 {
			t.Errorf("%s: %v", module, edits)
		}
	}
}
