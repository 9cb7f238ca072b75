/* words.h: what the name of a value says about it. */
#ifndef SECRETS_WORDS_H
#define SECRETS_WORDS_H

#include "../scan/words.h"

enum {
	W_PASS,   /* names a password */
	W_SECRET, /* names a secret */
	W_KEY,    /* names a key, which may be of a table as well as of a lock */
	W_LOCK,   /* says that a key is of a lock */
	W_VENDOR, /* names somebody who hands out keys */
	W_THING,  /* as the last word, says that the value is a name, place, size or time of something */
	W_OPEN,   /* anywhere, says that the value is no secret */
	W_TYPE,   /* stands between a name and its value */
	N_TOPICS
};

static const topic_words vocabulary[] = {
	{W_PASS, "password passwd pwd pass passphra passwort contrase mdp senha kennwort parola clave passw userpass dbpass rootpass pw passcode "
		"wachtwoo haslo \xd0\xbf\xd0\xb0\xd1\x80\xd0\xbe"},
	{W_SECRET, "secret secrets token tokens apikey apikeys credenti creds cred bearer authoriz accesske secretke privatek clientse apisecre apitoken authkey "
		"authtoke accessto refresht signingk encrypti licensek secrettok apikeysec accountk sharedac sharedke masterke appsecre appkey consumer oauthtok idtoken "
		"sessiont webhooks deploytok personal connecti sas jwt pat psk dsn otp mnemonic apipass userkey userto bottoken usertoken servicek storagek "
		"subscrip functionk hmackey hmac sig auth cookie sessioni secre keypass xapikey privkey prvkey wif apik salt basic"},
	{W_KEY, "key keys"},
	{W_LOCK, "api access auth secret private encryption encrypti decrypti validati signing master admin license licence service account app application applicat client integrat "
		"shared server deploy ssh gpg rsa aes session webhook write read root license device registra activati encrypt decrypt crypto cipher "
		"security merchant payment live test prod production sandbox user dev x subscrip vault wallet eth ethereum"},
	{W_VENDOR, "adafruit adobe airtable algolia alibaba aliyun asana atlassia authress aws amazon azure beamer bitbucke bittrex cloudfla codecov cohere coinbase "
		"confluen contentf databric datadog dd digitaloc do discord doppler dropbox drone droneci duffel dynatrac easypost etsy facebook fb fastly finicity "
		"finnhub flickr flutterw flyio fly frameio freshbook freshboo gcp google firebase github gitlab gitter gocardle grafana harness hashicor heroku "
		"hubspot huggingf infracos intercom jfrog artifact jira confluenc kraken kucoin launchda linear linkedin lob looker mailchim mailgun mapbox mattermo "
		"maxmind meraki messageb netlify newrelic relic notion npm nytimes octopus okta openai anthropi perplexi plaid planetsc postman prefect pulumi pypi "
		"rapidapi readme rubygems scalingo sendbird sendgrid sendinbl brevo sentry settleme shippo shopify sidekiq slack snyk sonar sourcegr square squaresp "
		"stripe sumo sumologi telegram travis twilio twitch twitter typeform vault yandex zendesk zoho trello circleci buildkit docker dockerhu nuget clojars "
		"mongodb postgres mysql redis rabbitmq kafka elastic snowflak supabase vercel render railway pinecone replicat groq mistral deepgram elevenla "
		"assembly opsgenie pagerdut rollbar bugsnag logdna loggly papertra honeycom splunk newreli cloudina pusher ably algoliase mandrill sparkpos postmark "
		"vonage nexmo plivo messengr line wechat paypal braintre razorpay adyen square clickhou contribs gemini openwea weather maps recaptch hcaptcha zapier "
		"ibm oracle linode vultr ovh scaleway hetzner tailscal bitly giphy imgur spotify steam epic riot unity mux agora zoom calendly dnsimple dnspod gandi "
		"godaddy namechea porkbun route cisco sauce browsers lambdat percy applitoo codacy coverall codeclim shodan virustot censys ipinfo ipstack abuseipd "
		"securitytr hunter clearbit apollo lemlist segment amplitud mixpanel heap hotjar intra alchemy infura moralis etherscan ethersca coingeck binance "
		"bybit okx ftx bitfinex bitmex huobi"},
	{W_THING, "id ids name names url urls uri path paths file files filename dir host hostname port type version vault length size count time date expires "
		"expiry expirati ttl age format field fields column label prefix suffix index status state level mode enabled disabled description descript title "
		"class method function variable varname algorithm alg usage limit scope scopes issuer audience source src endpoint region zone location header "
		"headers provider manager service handler factory store storage policy rule rules policies chars charset selector pair pairs meshing signatures "
		"down up pressed event events code codes vars error message msg hint text input button form page view link params param args arg "
		"tag group groups role roles user username email account number no nr ref reference reason test tests example required min max used total "
		"schema model request response result generator validator parser reader writer builder resolver storepath cert certificate agreement exchange"},
	{W_OPEN, "non fake dummy invalid wrong bogus mock public pub publishable publisha primary foreign cache partition sort hash checksum sha md5 sha1 sha256 sha512 digest commit revision rev etag csrf xsrf "
		"nonce trace span correlat idempote keyboard fingerpr integrity resolution hidden aria placehol accessor bucket object blob cursor continua pagina "
		"page nextpage thumbpri thumbprint srcrev mac uuid guid monkey turkey hockey donkey whiskey jockey keystroke keydown keyup keypress sequence frame"},
	{W_TYPE, "string str const var let val value char text varchar final static text unicode bytes byte is are was equals to as set the"},
};

#endif
