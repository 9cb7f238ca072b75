package plugins_test

import "testing"

// elsewhereForms are secrets that were missed in the examples which other scanners have of their rules, by class, each class with harmless likenesses.
var elsewhereForms = []string{
	// tokens of issuers, alone
	"use «llx-Qw7{45 alnum}» here", "try «sk_car_{17 alnum}Xw7»", "«cog_2{51 lower}»", "got «apk_user_{130 b64}x7Q=»", "got «apk_b3JnL{86 b64}x7Q», expired", "set «BSA{25 alnum}x7Q» up",
	"set «vci_{53 alnum}x7Q»", "set «vca_{53 alnum}x7Q»", "set «vcr_{53 alnum}x7Q»", "set «vck_{53 alnum}x7Q»", "use «cfut_{45 alnum}x7Q»", "use «cfat_{45 alnum}x7Q»", "use «cfk_{45 alnum}x7Q»", "see «essu_{88 b64}x7Q=»", "see «mdb_sa_sk_{37 url}x7Q»",
	"see «CCDB1_{22 alnum}_{37 alnum}x7Q»", "with «AstraCS:{24 alnum}:{64 hex}»", "run «castai_v1_{64 hex}_{8 hex}»", "run «EXO{24 hex}»", "run «samsara_api_{27 alnum}x7Q»", "run «vtwn_{30 url}x7Q»", "run «mergify_application_key_{60 url}x7Q»",
	"run «snyk_uat.{8 hex}.eyJl{40 alnum}.{43 url}»", "run «AIK_CI_{33 alnum}x7Q»", "run «AIK_SECRET_{61 alnum}x7Q»", "run «endr+{13 alnum}x7Q»", "run «ajkey_{26 lower}»", "run «ory_pat_{32 alnum}x7Q»", "run «ory_st_{32 alnum}x7Q»", "have «ramp_sec_{45 alnum}x7Q»",
	"have «polar_oat_{40 url}x7Q»", "have «polar_pat_{40 url}x7Q»", "have «pdl_sdbx_apikey_{26 lower}_{22 alnum}_{3 alnum}»", "key «Mid-server-{21 alnum}x7Q» ok", "key «SB-Mid-server-{21 alnum}x7Q» ok", "set «mlsn.{64 hex}»", "«pub-c-{uuid}»", "«sub-c-{uuid}»",
	"«sec-c-{45 b64}x7Q»", "have «cnvca{48 url}x7Q»", "got «eyJtaXJvLm9yaWdpbiI6ImV1MDEifQ_{27 url}»", "set «phs_{40 alnum}x7Q»", `sv_licenseKey "«cfxk_{20 alnum}_{4 digit}»"`, `castai = "«{32 alnum}»"`, `"upstage": "«{40 alnum}»"`, `civo = "«{32 hex}»"`,
	"polar_at_least_one_of_these_vertices_2024_v2", "cfk_handler_for_the_request_of_a_user_2024_v2_main", "vcr_cassettes_test_get_user_by_id_v2_response_200_json_file1", "BSAComplianceReport2024", "Mid-server-side-rendering-2024", "ory_at_the_end_of_the_line_2024_release_v1",
	"sub-category-{uuid}", "pub-client-{uuid}", "cog_services_speech_region_westeurope_2024_endpoint_v1", "aact_prod_database_2024_replica_main", "apk_user_install_dir_2", "EXODUS2024abcdefabcdef", `civo = "{word}-{word}-12"`, `castai: {40 hex}`,
	`infomaniak = "«{68 url}x7Q9»"`, `upstage = "«up_{37 alnum}x7Q»"`,
	// a conversion of Python, and signs that only begin one
	`SECRET_KEY = '«x9^c{4 lower}!%(^+=gr@cu@v9-v7{6 lower}2s3!w&39w4+n3*k*$»'`, `password = "prefix1-%(env)s-x"`,
	// what stands in the place of a password
	"mysql://admin:REPLACE_WITH_PASSWORD@db.example.com:3306/x", "API_KEY=REPLACE_ME_WITH_KEY_12345", "https://username:mypassword@example.com/x", "https://«kim:Velvreplace{2 digit}»@example.com/x",
	// strings that a program joins, and labels
	`String usernamePassword = "application:" + appKey + ":" + appSecret;`, `usernameLabel:"Username or email:",passwordLabel:"Password:",rememberMeLabel:"Remember me:"`, `print("Password:"+user1.name)`, `String password = "«application{2 digit}:x»" + suffix;`, `{open}"Password": "«Velv{2 digit}:»"{close}`,
}

// TestElsewhereForms: each of these is found, whole, and in those without a mark nothing is.
func TestElsewhereForms(t *testing.T) { checkForms(t, 53, elsewhereForms) }
