//go:build !race

package plugins_test

import "testing"

// elsewhereForms are secrets that were missed in the examples which other scanners have of their rules, by class, each class with harmless likenesses.
var elsewhereForms = []string{
	// tokens of issuers, alone
	"use «llx-Qw7{45 alnum}» here", "try «sk_car_{17 alnum}Xw7»", "«cog_2{51 lower}»", "got «apk_user_{130 b64}x7Q=»", "got «apk_b3JnL{86 b64}x7Q», expired",
	"set «vci_{53 alnum}x7Q»", "set «vca_{53 alnum}x7Q»", "set «vcr_{53 alnum}x7Q»", "set «vck_{53 alnum}x7Q»", "use «cfut_{45 alnum}x7Q»", "use «cfat_{45 alnum}x7Q»", "use «cfk_{45 alnum}x7Q»", "see «essu_{88 b64}x7Q=»", "see «mdb_sa_sk_{37 url}x7Q»",
	"see «CCDB1_{22 alnum}_{37 alnum}x7Q»", "with «AstraCS:{24 alnum}:{64 hex}»", "run «castai_v1_{64 hex}_{8 hex}»", "run «samsara_api_{27 alnum}x7Q»", "run «vtwn_{30 url}x7Q»", "run «mergify_application_key_{60 url}x7Q»",
	"run «snyk_uat.{8 hex}.eyJl{40 alnum}.{43 url}»", "run «AIK_CI_{33 alnum}x7Q»", "run «AIK_SECRET_{61 alnum}x7Q»", "run «endr+{13 alnum}x7Q»", "run «ajkey_{26 lower}»", "run «ory_pat_{32 alnum}x7Q»", "run «ory_st_{32 alnum}x7Q»", "have «ramp_sec_{45 alnum}x7Q»",
	"have «polar_oat_{40 url}x7Q»", "have «polar_pat_{40 url}x7Q»", "have «pdl_sdbx_apikey_{26 lower}_{22 alnum}_{3 alnum}»", "key «Mid-server-{21 alnum}x7Q» ok", "key «SB-Mid-server-{21 alnum}x7Q» ok", "set «mlsn.{64 hex}»", "«pub-c-{uuid}»", "«sub-c-{uuid}»",
	"«sec-c-{45 b64}x7Q»", "have «cnvca{48 url}x7Q»", "got «eyJtaXJvLm9yaWdpbiI6ImV1MDEifQ_{27 url}»", "set «phs_{40 alnum}x7Q»", `sv_licenseKey "«cfxk_{20 alnum}_{4 digit}»"`, `castai = "«{32 alnum}»"`, `"upstage": "«{40 alnum}»"`, `civo = "«{32 hex}»"`,
	"polar_at_least_one_of_these_vertices_2024_v2", "cfk_handler_for_the_request_of_a_user_2024_v2_main", "vcr_cassettes_test_get_user_by_id_v2_response_200_json_file1", "BSAComplianceReport2024", "Mid-server-side-rendering-2024", "ory_at_the_end_of_the_line_2024_release_v1",
	"sub-category-{uuid}", "pub-client-{uuid}", "cog_services_speech_region_westeurope_2024_endpoint_v1", "aact_prod_database_2024_replica_main", "apk_user_install_dir_2", "EXODUS2024abcdefabcdef", `civo = "{word}-{word}-12"`, `castai: {40 hex}`,
	// a connection string in quotes, with a digit before its secret
	`"ConnectionString": "Endpoint=sb://bus2.servicebus.windows.net/;SharedAccessKeyName=Root2;SharedAccessKey=«{43 b64}=»"`, `string connection = "Endpoint=https://conf2.azconfig.io;Id=a1b2-l9-s0:{20 alnum};Secret=«{43 b64}=»";`, `"Db": "Server=db2.x;Database=app2; User Id=kim; Password=«Velv{2 digit}et!»; Encrypt=true"`,
	`var connectionString = "Server=db1.x;Database=app2;Uid=kim;Pwd=«Velv{2 digit}et!»";`, `"jdbc": "jdbc:sqlserver://h2:1433;databaseName=x2;user=sa;password=«Velv{2 digit}et!»;encrypt=true"`, `"value": "AccountName=acct2;AccountKey=«{86 b64}==»;EndpointSuffix=core.windows.net"`,
	`password = "«ab;cd2=xy7»"`, `"password": "«a1=b2;c3=D4!x»"`, `PASSWORD="«k=9;Zx=4!q»"`, `"auth_token": "«v=1;t={40 hex}»"`, `'secret_key': '«aB3=xY7;zQ9=kL2mN»'`, `style="Width=2px;Height=3px;Color=a1b2c3"`, `"Cookie": "lang=en2; theme=dark1; last_seen=2024-01-02"`, `"rule": "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;UNTIL=20241231T235959Z"`,
	// logins of curl: without a name, with a token in its place, in quotes of their own, on a line that goes on
	"curl -u :«{49 lower}x7q» https://dev.example.com/x/_apis/projects", `curl -u ":«Velv{2 digit}et!x»" https://x.example.org`, `curl -u "«d2LkV{2 digit}zLxQt7»:" https://x.example.org`, "curl https://api.example.com/v1/me/ -u «Qk7v{20 alnum}»:", "curl --user kim:'«pRf7vG2h1L8nQkW9»' -iX PATCH",
	"curl -X POST https://x.example.com/t \\\n-u «kim:{40 url}»", "nc -u :8080", "iperf -u :5201", "curl -u admin_User2024: https://x.example.org", "curl -u administrator2: https://x.example.org", `curl -u "$TOKEN2:" https://x`, "curl -u kim:'$PASS2' https://x", `curl -u kim:"${open}PASS2{close}" https://x`,
	`curl -u kim:"$(cat f2)" https://x`, `curl -u ":" https://x.example.org`, "see\n-u name:value2",
	// commands
	`docker login -u="kim" -p="«{61 upper}X7Q»" registry.example.com`, "gh secret set DEPLOY_TOKEN --body «{37 alnum}x7Q»", `gh secret set NPM_AUTH --body "«{29 alnum}x7Q»"`, `gh secret set NPM_AUTH --body="«{29 alnum}x7Q»"`, `gh secret set DB --repo a/b -b"«Velv{2 digit}et!»"`, "gh secret set DB -b «Velv{2 digit}et!»",
	"gh variable set NAME --body Value2024Abc", `gh pr create --title x --body "Fix2024Bug!"`, `gh release create v1.2.3 -b "Notes2024!x"`, `docker run -p="8080:80" nginx`, `tool -p="Release2024x" build`,
	// calls, headers and devices
	`algoliasearch('{10 upper}','«{32 hex}»')`, `const client = algoliasearch("{10 upper}", "«{32 hex}»");`, "import algoliasearch from 'algoliasearch/lite2';", "algoliasearch@4.24.0, algoliasearch@^4.10.2:", "breadcrumb: Home2024Page1", `"breadcrumbs": "{16 hex}"`, `"crumb": "Home2"`, "breadCrumb: order/id10",
	"pac key 0 «MyPacKeyS{1 digit}cret»", "pac key 7 «0458{8 digit}C2E»",
	// keys in the query of a URL, which its host tells
	"https://api.openweathermap.org/data/2.5/weather?q=London&appid=«{32 hex}»", "GET /data/2.5/forecast?lat=1&lon=2&appid=«{32 hex}»&units=metric", "http://api.weatherapi.com/v1/current.json?key=«{31 hex}»&q=London", "https://api.trello.com/1/members/me?key=«{32 hex}»&token=«{64 hex}»",
	"https://api.example.com/items?key={32 hex}&limit=10", "https://res.cloudinary.com/x/image?key={32 hex}", "https://api.github.com/repos/a/b/commits?key={20 hex}", "https://example.com/pay?appid=wx{16 hex}&redirect=x", "https://example.org/p?appid={32 hex}", "https://api.stripe.com/v1/charges?key=created_2024_01",
	"https://grafana.example.com/d/abc?key={32 hex}", "https://store.example.com/app?appid=1234567890",
	// passwords of caches in base64, with a slash
	"redis://:«{20 alnum}/{10 alnum}/x7Q{9 alnum}=»@x.redis.cache.windows.net:6380", "redis://default:«{20 alnum}/{10 alnum}+x7Q{9 alnum}=»@x.redis.cache.windows.net:6380", "https://example.com:8080/a1/B2c3D4e5F6g7H8i9/x2@latest", "https://cdn.example.com/npm/@scope/pkg1@1.2.3/dist/A1b2C3d4E5.js", "https://medium.com/@kim2024/A1b2C3d4E5f6-{12 hex}",
	// a conversion of Python, and signs that only begin one
	`SECRET_KEY = '«x9^c{4 lower}!%(^+=gr@cu@v9-v7{6 lower}2s3!w&39w4+n3*k*$»'`, `password = "prefix1-%(env)s-x"`,
	// what stands behind a name without an operator: in a Dockerfile, and as the settings of a build are written
	"FROM x\nENV DB_PASS «velv{2 digit}etx»", "ENV DB_PASS «velv{2 digit}etx»", "    storePassword '«velv{2 digit}etx»'", "    keyPassword \"«velv{2 digit}etx»\"\n    keyAlias \"key2\"", "ENV PASS_MAX_DAYS 90", "ENV PASSWORD_FILE /run/secrets/db2", "ENV DB_PASS ${open}DB_PASS2{close}", "the ENV PASSWORD variable2 is",
	`Password "Chapter 2" of the book`, "  title 'Password page2'", `  password_label "Password2"`, "it says password 'abc12' here", `password "is 12 characters"`,
	// the secret beside an access key, keys of two parts, and of ssh
	"s3 = S3Connection('«AKIA{16 base32}»', '«{20 alnum}x7Q/{16 alnum}»')", "«AKIA{16 base32}»:«{20 alnum}x7Q/{16 alnum}»", `"«AKIA{16 base32}»" "{40 hex}"`, "FAL_KEY=«{uuid}:{32 hex}»", `FAL_KEY="«{uuid}:{32 hex}»"`, "Authorization: Key «{uuid}:{32 hex}»", "cache_key: {uuid}:{32 hex}", `"key": "{uuid}:{32 hex}"`, "etag {uuid}:{32 hex}",
	`ssh-keygen -t rsa -N "«Velv{2 digit}et!»" -f key`, "ssh-keygen -lf key -N 2024", "redis-cli -N key2Value", "keygen -N Release2024X", `infomaniak = "«{68 url}x7Q9»"`, `upstage = "«up_{37 alnum}x7Q»"`,
	// what stands in the place of a password
	"mysql://admin:REPLACE_WITH_PASSWORD@db.example.com:3306/x", "API_KEY=REPLACE_ME_WITH_KEY_12345", "https://username:mypassword@example.com/x", "https://«kim:Velvreplace{2 digit}»@example.com/x",
	// what a review of these found: tokens that begin like one of a kind and are of another length, behind a name that says so
	`"secret": "«llx-{20 alnum}_x7Q»"`, "TOKEN=«AIK_SECRET_{60 hex}»", "password=«sk_car_{12 alnum}x7Q»", "api_key: «cfat_{17 alnum}x7Q»", `"secret": "«vca_{37 alnum}x7Q»"`, "key «SB-Mid-server-{10 alnum}-x7Q{10 alnum}» ok", `var token = "«{14 alnum}x7Q:»" + y`,
	"  password 'page9.html'", "\tpass 'step12done'", "  pass \"test1case2\"", "https://codecov.io/gh/x/y?key={32 hex}", "https://www.netlify.com/x?key={40 hex}", "password '.queue-2'", "  password 'step1-demo'", "Password 'utf8string'", "chown -u :staff:group2 x", "rsync --user :groupName12 a b", "docker run -u User2024Abcd: x", "key2 --body=page24", `"k55=v1;key=a29;x=1"`, "curl -u kim:'it2 goes on and no mark ends it", `curl --user :{open}token1{close} https://x`, "curl -u '«kim:{open}Velv{2 digit}et!»' https://x",
	"ENV PASSWORD_HASHER bcrypt2b", `"influxdb": "{40 hex}"`, `"light_on": "{32 hex}"`, `"webex": "{40 hex}"`, `"stytchUid": "{32 hex}"`, "password=%(pass1)-10s", `password = "%(env:PASS2)s"`, `tool -p=Release2024x`,
	// strings that a program joins, and labels
	`String usernamePassword = "application:" + appKey + ":" + appSecret;`, `usernameLabel:"Username or email:",passwordLabel:"Password:",rememberMeLabel:"Remember me:"`, `print("Password:"+user1.name)`, `String password = "«application{2 digit}:x»" + suffix;`, `{open}"Password": "«Velv{2 digit}:»"{close}`,
}

// TestElsewhereForms: each of these is found, whole, and in those without a mark nothing is.
func TestElsewhereForms(t *testing.T) { checkForms(t, 53, elsewhereForms) }
