//go:build !race

package plugins_test

import "testing"

// issuerForms are keys that nothing names but who issues them, in the ways in which people and programs write them, and what
// issuers have besides keys.
var issuerForms = []string{
	// an issuer and what its keys are made of
	"datadog = '«{32 hex}»'", `"algolia": "«{32 hex}»"`, "algolia: «{32 hex}»", `DATADOG="«{40 lower}»"`, `const twilio = "«{32 hex}»";`, `sendbird_app = "«{40 hex}»"`, "okta = '«00{40 url}»'", "heroku: «{uuid}»", "heroku = '«{uuid}»'",
	"github = '«{40 hex}»'", `npm = "«{uuid}»"`, `"snyk": "«{uuid}»"`, "sentry: «{64 hex}»", `airtable = "«{17 lower}»"`, `finnhub: '«{20 lower}»'`, `"contentful" => "«{43 lower}»"`, "netlify = '«{43 alnum}»'", `rapidapi := "«{50 alnum}»"`,
	`"abuseipdb": "«{80 hex}»"`, `virustotal="«{64 hex}»"`, "config.rollbar = '«{32 hex}»'", `os.environ["OPENWEATHER"] = "«{32 hex}»"`, `deepl: "«{uuid}:fx»"`, `"postmark":"«{uuid}»"`, `wakatime = "«{uuid}»"`, "ipstack=«{32 hex}»", `export ZEROBOUNCE="«{32 hex}»"`,
	// written in parts, or with a word beside it that says nothing else
	`DataDog = "«{32 hex}»"`, `NewRelic: '«{40 hex}»'`, `new_relic = "«{40 hex}»"`, `circle-ci: "«{40 hex}»"`, `CircleCI = "«{40 hex}»"`, `launch_darkly = "«{40 lower}»"`, `LaunchDarkly: "«{40 lower}»"`, `OpenWeather = '«{32 hex}»'`, `pagerDuty = "«{20 alnum}»"`,
	`myZeroBounce = "«{32 hex}»"`, `mixpanelProd = "«{32 hex}»"`, `ipstack-live: "«{32 hex}»"`, `settings.integrations.numverify = '«{32 hex}»'`, `scrapingbee_account = "«{80 upper}»"`, `mediastackBackup = "«{32 hex}»"`,
	// as an argument, an option, and in markup
	`new DataDog("«{32 hex}»")`, `ipstack.init('«{32 hex}»')`, "tool --datadog «{32 hex}» run", "<ipstack>«{32 hex}»</ipstack>", "- name: NUMVERIFY\n  value: \"«{32 hex}»\"",
	// of whose keys only is known that they are random
	`geckoboard = "«{32 hex}»"`, `lemlist: "«{32 alnum}»"`, `"scrapfly": "«{36 alnum}»"`, `MOCKAROO = '«{32 lower}»'`, `"zenrows": "«{40 hex}»"`,
	// words of the language, by their own kind of key
	`hunter = "«{40 hex}»"`, `"polygon": "«{32 alnum}»"`, `plaid = "«{30 hex}»"`,
	// none: what is not random, or not of such a kind
	`github = "https://github.com/acme/{word}-{4 digit}"`, `"segment": "checkout-page-header"`, `square = "abcdefg"`, "linear = 0.5", `monday = "2024-05-01"`, `twitter = "@handle{2 digit}"`, "docker: sha256:{64 hex}", `datadog = "datadog-agent-7f9c8d6b5f-x2k4q"`,
	`mailgun: "{word}-{word}-{word}-12"`, `datadog = "00000000000000000000000000000000"`, `datadog = "your-datadog-value-h3re"`, "datadog = ${open}DATADOG_2{close}", `datadog = os.environ["DATADOG_2"]`, `datadog: 7.{2 digit}.1`, `"mailgun": "^7.{2 digit}.1"`,
	`geckoboard = "UserProfilePage12HeaderTitle"`, `"lemlist": "{word}{6 digit}{word}"`, "geckoboard: {32 hex}", "mockaroo = {32 alnum}", `zenrows = "{uuid}"`, `scrapfly = "{word}_{word}_{word}_{8 digit}"`, `twilio = "+1415555{4 digit}"`, "the datadog run {32 hex} failed",
	// none: of other things that issuers have
	"gitlab_sha: {40 hex}", "sentry.release = {40 hex}", `sentry_release: "{40 hex}"`, "heroku.app.id: {uuid}", "datadog.trace_id = {32 hex}", "dd.span_id={16 hex}", `datadog_checksum = "{64 hex}"`, `mailgun-etag: "{32 hex}"`, `algolia_hash = "{32 hex}"`, `sendbird_channel = "{uuid}"`,
	`heroku_dyno = "{uuid}"`, `"circleci_workflow": "{uuid}"`, `github_commit = "{40 hex}"`, `netlify_build = "{24 hex}"`, `docker_image = "{64 hex}"`, `docker_layer: {64 hex}`, `snyk_org = "{uuid}"`, `snyk_project: "{uuid}"`, `github_parent = "{40 hex}"`,
	`opsgenie_alert = "{uuid}"`, `wistia_media = "{64 hex}"`, `"virustotal_file": "{64 hex}"`, `virustotal_sample = "{64 hex}"`, `heroku_release_id = {uuid}`, `postmark_message = "{uuid}"`, `twilioMessageSid = "{32 hex}"`, `squarespace.site: {uuid}`, `statuspage_incident = {uuid}`,
	`github("{40 hex}")`, `("github", "{40 hex}")`, `docker, {64 hex}`, `github mirror: {40 hex}`, `heroku tenant = "{uuid}"`, `datadog-version: {40 hex}`, `urlscan_request: "{uuid}"`, `"mailgunMessage": "{32 hex}"`,
	// none: random, but ids and digests that are public
	`figma = "{22 alnum}"`, `"pexels": "{22 alnum}"`, `docker = "{64 hex}"`, `circleci: "{64 hex}"`, `"pixabay": "{22 alnum}"`, `unsplash = "{24 alnum}"`, `wistia = "{32 hex}"`, `contentful = "{uuid}"`, `"mailchimp": "{uuid}"`, `zendesk: "{uuid}"`,
	// none: words that are issuers, too
	`hunter = "{word}{4 digit}"`, "hunter: {40 hex}", `polygon = "{20 digit}.{8 digit}"`, `polygon_path = "{32 alnum}"`, `plaid = "red-and-blue-{2 digit}"`, "segment: {32 alnum}", `segment = "{24 hex}"`, `percy_build = "{64 hex}"`, `circle = "{uuid}"`, `drone: {32 hex}`,
	`shape = "{32 hex}"`, `window = '{32 hex}'`, `line = "{32 hex}"`, `front = "{32 alnum}"`, `box: {64 hex}`, `target = "{40 hex}"`,
}

// TestIssuerForms: each of these is found, whole, and in those without a mark nothing is.
func TestIssuerForms(t *testing.T) { checkForms(t, 36, issuerForms) }

// rowForms are passwords in the rows of a statement of SQL that says which of its columns has one.
var rowForms = []string{
	"INSERT INTO users (name, password) VALUES ('kim', '«velvet{2 digit}x»')", "INSERT INTO users (name, password) VALUES ('kim', '«velvet{2 digit}x»'), ('ann', '«Quartz-{3 digit}»'), ('li', '«{14 alnum}»');",
	"insert into `app`.`users` (`id`,`passwd`,`mail`)\nvalues\n  (1,'«Velv{2 digit}et!»','kim'),\n  (2,'«{12 alnum}»','ann');", `INSERT INTO "t" ("id", "api_token", "n") VALUES (nextval('s', 1), '«{32 hex}»', 4)`, "INSERT INTO a (n) VALUES ('a1b2c3d4'); INSERT INTO b (n, pwd) VALUES ('it''s 12', '«velvet{2 digit}x»')",
	"INSERT INTO [dbo].[users] ([name], [password], [n]) VALUES (N'kim', N'«velvet{2 digit}x»', 1)",
	"INSERT INTO users (name, role) VALUES ('kim', 'velvet{2 digit}x'), ('ann', '{14 alnum}')", "INSERT INTO users VALUES (1, 'velvet{2 digit}x', 'kim')", "INSERT INTO t (password_hint, token_url, n) VALUES ('velvet{2 digit}x', '{14 alnum}', 'velvet{2 digit}y')",
	"INSERT INTO t (password, n) VALUES (NULL, 'velvet{2 digit}x')", "INSERT INTO t (n, password) VALUES ('velvet{2 digit}x', NULL); UPDATE t SET n = f('a', 'velvet{2 digit}x')", "the values (password, name) are ('kim', 'velvet{2 digit}x')", "(password, n) VALUES (f('velvet{2 digit}x', 'velvet{2 digit}y'), 2)",
}

// TestRowForms: each of these is found, whole, and in those without a mark nothing is.
func TestRowForms(t *testing.T) { checkForms(t, 37, rowForms) }
