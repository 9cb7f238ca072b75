package plugins_test

import "testing"

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
