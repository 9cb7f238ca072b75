//go:build !race

package plugins_test

import "testing"

// alarmForms are harmless texts that were taken for secrets, each class with secrets of the same form.
var alarmForms = []string{
	// an empty value, and the name behind it
	"DB_PASSWORD=\"\"\nAWS_S3_BUCKET=\"x\"", "DB_PASSWORD=''\nS3_BUCKET='x'", "DB_PASSWORD: \"\"\nS3_BUCKET: \"x\"", "  password: \"\"\n  s3_bucket: \"x\"", "  password: \n  s3_bucket: x", "SECRET_KEY=\"\"\nAWS_S3_BUCKET_NAME_2024=\"x\"", "API_KEY=\"\"\nOAUTH2_CLIENT_ID_V2=\"x\"", "smtp_password=\"\"\nsmtp_port2=\"25\"",
	`<user name="sa" password="" roles_v2="manager"/>`, "<user password=\"\"\n name_2=\"x\"/>", `<connection pass="" host2="db"/>`, `mysql --password="" --user2="x"`, `f(password="", token2="abc")`, "password = \"\"\ns3_bucket = \"x\"", "password:\"\"\nuser_1:\"x\"", `\"password\": \"\", s3_bucket: 1`,
	`<label for="password" data-v-7ba5bd90>`, `<a title="Token" data-v-7ba5bd90="x">`, "name=\"token\"\ndata-v-7ba5bd90=\"x\"", "alpha_2_code=\"PW\" alpha_3_code=\"PLW\"", "inputType=\"password\"\nonChange2=\"x\"",
	"DB_PASSWORD=\"\"\nDB_PASSWORD=«velvet{2 digit}x»", "password: ''\ntoken: «{32 hex}»", "password:\n  «velvet{2 digit}x»", `<input name="password">«velvet{2 digit}x»`, "password: ''«velvet{2 digit}x»''", `password="""«velvet{2 digit}x»"""`, `title="Token" value="«{32 hex}»"`,
	// words that only begin like those that name a secret
	`"AWS::Lambda::Function": "40189dea7ef4e99d"`, `"connection": "mysql8_replica_2x7b"`, "DB_CONNECTION=mysql_tenant_2x7b", `"encryption": "AES256-GCM-HKDF-4KB"`, "WIFI_SECURITY=wpa3_sae_h2e_256", `"security": "wpa2_psk_aes256_ccmp"`, "export function mod97base10Validate(value)", "call function i32x4_trunc_sat", `"type":"function","function":"f32x4_add"`, `personal: item_2xb7c9q8w`,
	"const X509_SIG *PKCS12_SAFEBAG_get0_pkcs8(const PKCS12_SAFEBAG *bag);", "DenseMap<const BasicBlock *, uint32_t> M;", `HEX_PAT = "[0-9A-Fa-f]{open}1,4{close}"`, `pat = "([a-z]+)([0-9]{open}4{close})"`,
	`"functionKey": "«{32 alnum}»"`, "functionkey=«{32 alnum}»", "encryption_key: «{32 hex}»", `"encryptionKey": "«{32 hex}»"`, "connectionstring=«{32 alnum}»", `DriverManager.getConnection("jdbc:mysql://db/shop", "root", "«m{1 digit}nkeyBars!»");`, `"security_key": "«{32 hex}»"`, `SECURITYTRAILS_KEY="«{32 alnum}»"`, `securitytrails = "«{32 alnum}»"`, "webhooksecret: «{32 hex}»", "personal_access_token: «{32 hex}»",
	// what services call their users and things
	`{open}"facebook":"104938475610293"{close}`, `"twitter": "1234567890123456789"`, `"discord": "812345678901234567"`, `{open}"asana":"1204567890123456"{close}`, `{open}"stripe":"cus_NffrFeUfNV2Hib"{close}`, `{open}"airtable":"recAbCdEf12345678"{close}`, `{open}"spotify":"6rqhFgbbKwnb9MLmUQDhG6"{close}`, `{open}"commits":{open}"github":"{40 hex}"{close}{close}`, `{open}"checksums": {open}"x":"1", "grafana": "{32 hex}"{close}{close}`, `{open}"sha":{open}"sentry":"{40 hex}"{close}{close}`,
	`{open}"keys":{open}"github":"«{40 hex}»"{close}{close}`, `{open}"grafana": "«{32 hex}»"{close}`, `{open}"stripe":"«{32 alnum}»"{close}`,
	// what is public
	`"KMSMasterKeyArn": "arn:aws:kms:us-west-2:{12 digit}:key/{uuid}"`, `encryption_key_arn = "arn:aws:kms:us-west-2:{12 digit}:key/{uuid}"`, "ApiKeyArn: arn:aws:apigateway:us-east-1::/apikeys/a1b2c3d4e5", "KMS_MASTER_KEY_ARN=arn:aws:kms:us-west-2:{12 digit}:key/{uuid}",
	`"ClientToken": "{uuid}"`, `"clientRequestToken":"{uuid}"`, `--client-request-token "{uuid}"`, `"LockToken":"{uuid}"`, `"ChangeToken": "{uuid}"`, `"accessToken": "«{uuid}»"`, `"clientSecret": "«{uuid}»"`, `"client_token": "«{uuid}»"`,
	`PASSWORD_REGEX = "^(?=.*[A-Z])(?=.*[0-9]).{open}8,{close}$"`, `"password": "^(?=.*[A-Z])(?=.*[0-9]).{open}8,{close}$"`, `"pattern": "arn:aws:secretsmanager:[a-zA-Z0-9\\-]+:\\d{open}12{close}:secret:[a-zA-Z0-9\\-/_+=.@]+"`,
	"RECAPTCHA_SITE_KEY=6Le{37 alnum}", `"siteKey": "6Le{37 alnum}"`, `data-sitekey="6Le{37 alnum}"`, "google-site-verification={43 url}", `<meta name="google-site-verification" content="{43 url}">`, "RECAPTCHA_SECRET_KEY=«6Le{37 alnum}»", "enode://{128 hex}@10.3.58.6:30303",
	// the files of a wheel
	"pip/_vendor/requests/auth.py,sha256=h-HLlVx9j8rKV5hfSAycP2ApOSglTz77R0tz7qCbbEE,10187", "pygments/token.py,sha256=lNPgeaQTzu2DEUi6n_lxAIU7uy4DVj8LMI3nSVnTjks,6143", "requests/auth.py,sha256={43 url},123",
	// lists of ways and kinds of fields
	`types: ["text","password","datetime-local2","email"]`, `"methods": ["password", "otp-sha256", "webauthn2"]`, `"md5", "password", "scram-sha-256"`, `"password-encryption": "scram-sha-256"`, `ALGORITHMS = ["password", "oauth2-device-code", "jwt-bearer-v1"]`,
	`["password", "«Velv{2 digit}-etx»"]`, `put("password", "«velvet-harbour{2 digit}»")`, `["--password", "«velvet-harbour{2 digit}»", "x"]`, `"password": "«shadow-{2 digit}-x»"`,
	// words that are services, too
	`linear_key = "layer3_weights_q8_0"`, "lob_key=commercial_2024_q3_v1", "linear_key: proj_8f2a91bc", "render-key: table1row2col3cell4", `{open}"render":"{32 hex}"{close}`, "easing: {open} linear: 'cubic-bezier01234567890123456789' {close}", "export github={40 hex}", "foo://x:y1@[",
	"LINEAR_API_KEY=«{40 alnum}»", "RENDER_TOKEN=«{32 alnum}»", "export GITHUB=«{40 hex}»", "square_access_token: «{40 alnum}»", "http://«kim:Velv{2 digit}etx»@[2001:db8::1]:8080/",
	// what is cheap to pass over, and what stands there for a secret
	"the password for 10.2.3.4: «velvet{2 digit}harbourquay»", "DB_PASSWORD=«{8 digit}»", "password:«Velv{2 digit}:x»", `"url": "https://«kim:Velv{2 digit}etx»@h.example.org/x"`, "12.5\npassword: «velvet{2 digit}x»", "10.2.3.4:80 token=«{32 hex}»", "08:15:00 password=«Velv{2 digit}etx!»", "password: «12:{2 digit}:ab»",
	"DB_HOST=db-3:5432 DB_PASSWORD=«{8 digit}»", "see https://api.example.org/v1?token=«{32 hex}»", "kim 9:05am password «velvet!{2 digit}x»", "secret_key = «{32 hex}»\n10.2.3.4",
}

// TestAlarmForms: in those without a mark nothing is found, and each of the others whole.
func TestAlarmForms(t *testing.T) { checkForms(t, 51, alarmForms) }
