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
	W_COMMAND,  /* takes a password as an option */
	W_ATTACHED, /* takes one right behind the letter */
	W_LOGIN,  /* takes one as an argument */
	W_ISSUED, /* begins a token, and is said of nothing else */
	W_HEAD,   /* may begin a token */
	W_CONNECTS, /* names a part of a connection string */
	W_CLOUD,    /* a vendor of services of data */
	W_DATA,     /* says that a key is one of data */
	W_COMMUNITY, /* names that of SNMP, or people */
	W_OTHER,    /* behind the name of who hands out keys, says that the value is that of something else */
	W_CAPITALS, /* no word: a key is called in capitals alone */
	W_SOMEBODY, /* no word: of a name that ends in "key", what comes before that says nothing else */
	W_BESIDE, /* no word: a word that says nothing else stands before "key" */
	W_COMMON, /* a word of the language that is a vendor as well, if the name says that its value is of a lock */
	N_TOPICS
};

static const topic_words vocabulary[] = {
	{W_PASS, "password passwd pwd pass passphra passwort contrase mdp senha kennwort parola clave passw userpass dbpass rootpass pw passcode psk storepas keypass mysqlpas smtppass ftppass mailpass adminpas ldappass userpw rootpw bindpw adminpw dbpw pswd passwrd "
		/* 비번 비번은 비번는 암호 암호는 패스워드 PW는 */
		"\xeb\xb9\x84\xeb\xb2\x88 \xeb\xb9\x84\xeb\xb2\x88\xec\x9d \xeb\xb9\x84\xeb\xb2\x88\xeb\x8a \xec\x95\x94\xed\x98\xb8 \xec\x95\x94\xed\x98\xb8\xeb\x8a \xed\x8c\xa8\xec\x8a\xa4\xec\x9b pw\xeb\x8a\x94 "
		"wachtwoo haslo has\xc5\x82o heslo salasana l\xc3\xb6senor losenord adgangsk sifre \xc5\x9fifre passe requirep masterau \xe5\xaf\x86\xe7\xa0\x81 \xe5\xaf\x86\xe7\xa0\x81\xe6\x98 \xe5\xaf\x86\xe7\xa0\x81\xef\xbc \xe3\x83\x91\xe3\x82\xb9\xe3\x83 \xeb\xb9\x84\xeb\xb0\x80\xeb\xb2 \xd0\xbf\xd0\xb0\xd1\x80\xd0\xbe"
		" \xd0\x9f\xd0\xb0\xd1\x80\xd0\xbe has\xc5\x82o"
		" \xd8\xa7\xd9\x84\xd9\x85\xd8\xb1 \xd8\xa7\xd9\x84\xd8\xb3\xd8\xb1 \xd8\xb9\xd8\xa8\xd9\x88\xd8\xb1 \xd7\xa1\xd7\x99\xd7\xa1\xd7\x9e jelsz\xc3\xb3 kh\xe1\xba\xa9u sandi"},
	{W_SECRET, "secret secrets token tokens apikey apikeys credenti creds cred bearer authoriz accesske secretke privatek clientse apisecre apitoken authkey "
		"authtoke accessto refresht signingk encrypti licensek secrettok apikeysec accountk sharedac sharedke masterke appsecre appkey oauthtok idtoken "
		"sessiont webhooks deploytok personal connecti sas jwt pat dsn otp mnemonic apipass userkey userto bottoken usertoken servicek storagek "
		"functionk hmackey hmac sig auth cookie sessioni secre xapikey privkey prvkey wif apik salt basic ssws"
		" api\xe5\xaf\x86\xe9\x92 api\xe3\x82\xad\xe3\x83 \xe5\xaf\x86\xe9\x92\xa5 \xe4\xbb\xa4\xe7\x89\x8c \xe3\x83\x88\xe3\x83\xbc\xe3\x82"
		" \xed\x86\xa0\xed\x81\xb0 \xd1\x82\xd0\xbe\xd0\xba\xd0\xb5 \xd0\xa2\xd0\xbe\xd0\xba\xd0\xb5 \xd1\x81\xd0\xb5\xd0\xba\xd1\x80"
		" \xd0\xa1\xd0\xb5\xd0\xba\xd1\x80 jeton geheimni geheim secreto segreto segredo"},
	{W_KEY, "key keys"
		" schl\xc3\xbcss schluess cl\xc3\xa9 chave chiave klucz sleutel nyckel \xd0\xba\xd0\xbb\xd1\x8e\xd1\x87 \xe3\x82\xad\xe3\x83\xbc"
		" anahtar"},
	{W_LOCK, "api access auth secret private encryption encrypti decrypti validati signing master admin license licence service account app application applicat client consumer integrat "
		"shared server deploy ssh gpg rsa aes session webhook write read root license device registra activati unseal encrypt decrypt crypto cipher "
		"security merchant payment live test prod production sandbox user dev x subscrip vault wallet eth ethereum"
		" \xd0\xba\xd0\xbb\xd0\xb8\xd0\xb5"},
	{W_VENDOR, "adafruit adobe airtable algolia alibaba aliyun asana atlassia authress aws amazon azure beamer bitbucke bittrex cloudfla codecov cohere coinbase "
		"confluen contentf databric datadog digitaloc discord doppler dropbox droneci duffel dynatrac easypost etsy facebook fastly finicity "
		"finnhub flickr flutterw flyio frameio freshbook freshboo gcp google firebase github gitlab gitter gocardle grafana harness hashicor heroku "
		"hubspot huggingf infracos intercom jfrog artifact jira confluenc kraken kucoin launchda linkedin looker mailchim mailgun mapbox mattermo "
		"maxmind meraki messageb netlify newrelic notion npm nytimes octopus okta openai anthropi perplexi plaid planetsc postman prefect pulumi pypi "
		"rapidapi readme rubygems scalingo sendbird sendgrid sendinbl brevo sentry settleme shippo shopify sidekiq slack snyk sonar sourcegr squaresp "
		"stripe sumo sumologi telegram travis twilio twitch twitter typeform vault yandex zendesk zoho trello circleci buildkit docker dockerhu nuget clojars "
		"mongodb postgres mysql redis rabbitmq kafka elastic snowflak supabase vercel pinecone replicat groq mistral deepgram elevenla "
		"assembly opsgenie pagerdut rollbar bugsnag logdna loggly papertra honeycom splunk newreli cloudina pusher ably algoliase mandrill sparkpos postmark "
		"vonage nexmo plivo messengr wechat paypal braintre razorpay adyen clickhou contribs gemini openweat tomtom newsapi weathera wandb kaggle tavily firecraw langsmit langfuse helicone firework qdrant weaviate zilliz runpod deepseek moonshot dashscop zhipu minimax "
		"stabilit ideogram cartesia livekit serpapi recaptch hcaptcha zapier "
		"ibm oracle linode vultr ovh scaleway hetzner tailscal bitly giphy imgur spotify agora zoom calendly dnsimple dnspod gandi "
		"godaddy namechea porkbun cisco sauce browsers lambdat percy applitoo codacy coverall codeclim shodan virustot censys ipinfo ipstack abuseipd "
		"clearbit apollo lemlist amplitud mixpanel hotjar alchemy infura moralis etherscan ethersca coingeck binance "
		"bybit okx ftx bitfinex bitmex huobi"},
	{W_COMMON, "linear lob render square railway"},
	{W_THING, "id ids name names url urls uri path paths file files filename dir host hostname port type version vault length size count time date expires "
		"expiry expirati ttl age format field fields column label prefix suffix index status state level mode enabled disabled description descript title "
		"class method function variable varname algorithm alg usage limit scope scopes issuer audience source src endpoint region zone location header "
		"headers provider manager service handler factory store storage policy rule rules policies chars charset selector pair pairs meshing signatures "
		"down up pressed event events code codes vars error message msg hint text input button form page view link params param args arg "
		"tag group groups role roles user username email account number no nr ref reference reason test tests example required min max used total "
		"schema model request response result generator validator parser reader writer builder resolver hash nonce storepath cert certificate regex regexp pattern agreement exchange stdin"},
	{W_OPEN, "non fake dummy invalid wrong bogus mock public pub publishable publisha primary foreign cache partition sort checksum sha md5 sha1 sha256 sha512 digest commit revision rev etag csrf csrfmidd xsrf "
		"trace span correlat idempote keyboard fingerpr integrity resolution hidden aria placehol accessor bucket object blob cursor continua pagina paginati recv "
		"page sitekey nextpage thumbpri thumbprint srcrev mac uuid guid monkey turkey hockey donkey whiskey jockey keystroke keydown keyup keypress sequence frame"
		" cache dedup row shard lookup composit translat i18n"},
	{W_COMMAND, "sshpass login redis ldapsear ldapadd ldapmodi ldapdele ldapwhoa zip unzip mongo mongosh mongodum mongorest psexec smbclien az openssl sqlcmd bcp isql cqlsh mosquitt "
		"xcrun altool notaryto signtool certutil schtasks xfreerdp rdesktop ipmitool winrm netexec crackmap rar beeline impala twine keygen"},
	{W_ATTACHED, "mysql mysqldum mysqladm mysqlshow mysqlimp mariadb rar unrar"},
	{W_LOGIN, "networkc basicaut httpbasi basic digestau login connect connecti getconne pdo begin auth authenti credenti createco usernam mysqli ftp algoliase"},
	{W_ISSUED, "sk rk live sandbox sbox"},
	{W_HEAD, "api tok sec"},
	{W_CLOUD, "alibaba aliyun aws amazon azure gcp google ibm oracle heroku"},
	{W_DATA, "kafka redis memcache message etcd dynamodb rabbitmq"},
	{W_COMMUNITY, "communit rocommun rwcommun"},
	{W_OTHER, "release releases build builds run runs job jobs deployme pipeline workflow project projects org organiza team teams workspac tenant installa instance channel channels chat room thread "
		"ticket tickets issue order orders customer contact message media asset assets image images pod pods node nodes containe cluster namespac item items entry record cart charge invoice plan product price "
		"campaign template dashboar monitor incident alert log logs query board card document doc docs site domain dataset engine assistan conversa call calls run sid transact snapshot layer lock parent child delivery entity "
		"slug dyno head branch merge pull color colour avatar photo icon video request requests version versions stage environm module repo reposito tenants user users address session verifica uid"},
	{W_CONNECTS, "server hostname host port uid userid user username provider catalog database initial source driver dbname"},
	{W_TYPE, "string str const var let val value char text varchar final static text unicode bytes byte by provided ist est es is l\xc3\xa0 lautet are was equals to as set the"
		" default some new"},
};

#endif
