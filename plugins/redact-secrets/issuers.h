/* issuers.h: keys that nothing names but their issuer: datadog = "…", sendbird_app: "…". */
#ifndef SECRETS_ISSUERS_H
#define SECRETS_ISSUERS_H

#include "ends.h"

/* What a key is made of, each with all of the one before: hexadecimal digits; letters of one case and digits; of both; and '-', '_', '='. */
enum { K_HEX, K_ONE, K_BOTH, K_URL, K_UUID, K_NONE };

/* Of each issuer, in small letters without digits, what its keys are made of and how long they are. In quotes, other random values are taken
 * for keys, too, as of all of whom nothing is known: the last row but two. Those of the last row but one are words of the language: their keys stand in quotes, behind
 * nothing but the name. Those of the last one are said of what has ids and digests of such a kind, and of theirs only what is known is a key. */
static const struct {
	uint8_t kind, min, max;
	const char *names;
} issued[] = {
	{K_HEX, 14, 14, "ipinfo"},
	{K_HEX, 20, 20, "pusher"},
	{K_HEX, 24, 24, "kucoin plaid cexio"},
	{K_HEX, 30, 30, "plaid"},
	{K_HEX, 32, 32, "adobe adzuna algolia amplitude appcues apilayer assemblyai aviationstack braintree bugsnag clarifai codecov coinlayer countrylayer currencylayer databricks datadog deepai "
		"dnsimple edamam elevenlabs facebook finicity fixer flickr freshping geoapify giphy harvestapp honeycomb imagga imgix infura ipgeolocation ipstack languagelayer lastfm linear locationiq "
		"logdna mailboxlayer mailchimp mailgun mailjet mandrill marketstack mediastack mixpanel newsapi numverify nutritionix opencage opencagedata openweather openweathermap papertrail pastebin pdflayer "
		"pivotaltracker positionstack rebrandly recurly rollbar scraperapi screenshotlayer scrapestack serpstack spoonacular spotify steam themoviedb tmdb toggl trello twilio uptimerobot userstack vatlayer weatherapi "
		"weatherbit weatherstack zapier zerobounce zenscrape"},
	{K_HEX, 37, 37, "cloudflare"},
	{K_HEX, 39, 39, "geocodio"},
	{K_HEX, 40, 40, "bitly buildkite circleci cloudsmith codemagic deepgram delighted github gitter hunter klipfolio lokalise meraki monkeylearn newrelic nomics pipedrive readthedocs replicate "
		"sonarlogin sourcegraph sendbird shippo snipcart sonarcloud sparkpost tiingo todoist transifex wandb woopra"},
	{K_HEX, 56, 56, "ipdata"},
	{K_HEX, 64, 64, "codeclimate cryptocompare digitalocean discord freshbooks linode netlify percy pinata sentry serpapi virustotal wistia"},
	{K_HEX, 80, 80, "crowdin abuseipdb"},
	{K_UUID, 36, 39, "bugsnag clicksend codecov coinapi deepl docker docusign figma heroku hubspot kucoin logzio loggly launchdarkly messagebird npm okx opsgenie pinecone postmark pubnub saucelabs scaleway sendbird snyk splunk squarespace "
		"statuspage urlscan wakatime"},
	{K_ONE, 17, 17, "airtable"},
	{K_ONE, 20, 20, "finnhub finicity looker dynadot"},
	{K_ONE, 24, 24, "atlassian etsy looker plaid confluent"},
	{K_ONE, 26, 26, "mattermost"},
	{K_ONE, 30, 30, "twitch plaid"},
	{K_ONE, 32, 32, "adafruit algolia asana assemblyai bitbucket bittrex codecov droneci drone flickr privateai gemini"},
	{K_ONE, 34, 36, "clearbit klaviyo pixabay vultr etherscan bscscan polygonscan ftmscan snowtrace"},
	{K_ONE, 40, 40, "datadog buildkite hunter zendesk launchdarkly"},
	{K_ONE, 64, 64, "confluent freshbooks jfrog artifactory newrelic"},
	{K_ONE, 73, 80, "jfrog artifactory abuseipdb scrapingbee elasticemail"},
	{K_BOTH, 16, 16, "linkedin vonage nexmo"},
	{K_BOTH, 20, 22, "apollo browserstack freshdesk travisci travis ably honeycomb codacy sauce"},
	{K_BOTH, 23, 28, "jira tableau vercel twitter razorpay messagebird smartsheet gandi bitmex statuscake"},
	{K_BOTH, 30, 32, "alchemy giphy mistral nylas nytimes mapquest polygon sendgrid shodan stripe tomtom trello twelvedata zapier screenshotapi squarespace pagerduty"},
	{K_BOTH, 34, 38, "coveralls pushbullet yandex bybit"},
	{K_BOTH, 40, 40, "clickup cohere firebase formbucket grafana mailerlite plivo zendesk replicate"},
	{K_BOTH, 43, 50, "apify bitfinex clockify mailgun onesignal rapidapi telnyx twitter unsplash"},
	{K_BOTH, 56, 64, "binance helpscout hetzner linode moralis okx pexels surveymonkey sumologic tinyurl bitget clojars wrike"},
	{K_URL, 20, 20, "pagerduty gitlab"},
	{K_URL, 22, 22, "convertkit"},
	{K_URL, 27, 27, "cloudinary"},
	{K_URL, 32, 32, "discord fastly nytimes trello"},
	{K_URL, 40, 46, "beamer calendly cloudflare contentful figma gocardless gumroad launchdarkly netlify okta sonar sonarcloud typeform unsplash upstage"},
	{K_URL, 50, 50, "rapidapi"},
	{K_URL, 60, 64, "bitbucket coinbase intercom"},
	{K_URL, 64, 80, "infomaniak"},
	{K_URL, 80, 90, "kraken paypal"},
	{K_NONE, 1, 0, "abstractapi accuweather adjust airvisual alegra alienvault alibaba aliyun ambee anthropic anyscale apacta apideck apimatic appfollow appoptics appsflyer atera "
		"auddio autodesk ayrshare bannerbear baremetrics beebole betterstack billomat bitbar blazemeter blocknative bombbomb borgbase brandfetch brevo bugherd buttercms bytescale calendarific campaignmonitor cannyio "
		"capsulecrm censys cerebras chargebee chartmogul checklyhq checkvist cloudconvert cloudimage cloudmersive coingecko coinmarketcap commercejs convertapi couchbase craftmypdf currencyfreaks "
		"currentsapi customerio dailyco datagov debounce deepseek demio descope detectify detectlanguage diffbot disqus docparser dotdigital doppler dropbox dwolla dynalist dynatrace easypost eodhd eventbrite everhour exa exchangerateapi "
		"facebookads fastforex fauna fibery finage firecrawl flutterwave foursquare frameio freemius fullstory geckoboard getresponse ghostio goodreads graphcms graphhopper groq gtmetrix gyazo happyscribe hasura hcaptcha "
		"healthchecksio hellosign helpcrunch heremaps holidayapi honeybadger huggingface iconfinder iexcloud imagekit imgbb imgur instabug instamojo jotform jsonbin jumpcloud kaggle kickbox klarna "
		"knapsackpro kontent lemlist lendflow litmus livekit liveagent lmnt logrocket loginradius loops mailersend mailmodo mailsac mailtrap maxmind meilisearch metabase mindmeister mixmax mockaroo mollie mongodbatlas "
		"moosend nasdaqdatalink neptune ngrok numlookup oanda omnisend onelogin onfleet openai openrouter openuv optimizely paddle paperform parsehub payfast paymongo paystack pdfshift perplexity "
		"pinecone pipedream podio poloniex portainer posthog postman prerender pubmatic pushover pushwoosh qdrant qualtrics quickbooks readme recaptcha remotebg retool ringcentral rocketreach rudderstack "
		"scalr scrapfly scrapeowl scrapingant securitytrails selectpdf semrush sendinblue serphouse shippo shipengine shotstack shutterstock sightengine sinch smartystreets smtptwogo sportmonks sportradar stabilityai "
		"stackblitz stackpath storyblok stormglass strava supabase swiftype tailscale tatumio tavily taxjar teamwork ticketmaster tinypng tldv together togglapi tradier travelpayouts trustpilot twocaptcha typesense "
		"ubidots uploadcare upstash valohai verifalia veriphone viewdns visualcrossing voiceflow walkscore webflow whoisxmlapi wolframalpha woocommerce workable xata yelp slack shopify telegram sourcegraph pulumi pypi rubygems planetscale prefect infracost hashicorp azure aws cisco adyen weaviate runpod godaddy namecheap porkbun oracle ovh lambdatest applitools "
		"hotjar clickhouse minimax moonshot glassnode zenrows zenserp zeplin zerotier zoho zoom zulip "
		"abyssale adafruitio aeroworkflow aiven alconost aletheiaapi anypoint apicart apiflash apifonica apimetrics apitemplate appointedd appsynergy apptivo audd autoklose axonaut aylien besnappy "
		"besttime bitcoinaverage blitapp boostnote browshot buddyns budibase bulksms caflou calorieninja campayn captaindata carboninterface cashboard caspio centralstationcrm chatfule clickhelp "
		"clientary clinchpad cloudplan clustdoc codequiry coinlib currencycloud currencyscoop customerguru dareboost datafire dfuse diggernaut dnetwork documo dovico dronahq dyspatch edenai enablex "
		"ethplorer extractorapi faceplusplus feedier fetchrss findl fixerio fleetbase flexport flightapi flightlabs flowflu formcraft fxmarket geocodify geoipifi gocanvas groovehq guardianapi "
		"heatmapapi hiveage hybiscus hypertrack iexapis instabot interseller intrinio invoiceocean ipapi ipinfodb ipquality jupiterone kanbantool karmacrm keenio kylas larksuite leadfeeder lexigram "
		"livestorm loyverse lunchmoney madkudu magicbell mavenlink meaningcloud meistertask mesibo metaapi metrilo moonclerk mrticktock myfreshworks myintervals nethunt neutrinoapi newscatcher "
		"nftport nicereply nightfall nozbeteams onedesk onepagecrm oopspam opengraphr optidash overloop owlbot packagecloud pandadoc pandascore paralleldots parseur partnerstack passbase paydirtapp "
		"paymoapp peopledatalabs pepipost planyo postageapp powrbot prodpad prospectcrm proxycrawl purestake qase qualaroo qubole rawg reachmail repairshopr replyio requestfinance restpack revampcrm "
		"ritekit roninapp rownd runrunit salesblink salescookie salesflare salesmate scraperbox sheety sherpadesk sigopt simfin simplesat simplynoted simvoly sirv siteleaf skrappio skybiometry "
		"speechtextai sportsmonk sslmate statuspal stitchdata storecove stormboard storychief stripo sugester supernotes surveybot surveysparrow survicate tallyfy teamgate teletype testingbot "
		"textmagic theoddsapi thinkific thousandeyes tickettailor timecamp tmetric tokeet tomorrowio transferwise tyntec typetalk uclassify unifyid unplugg upcdatabase uplead upwave vbout verimail "
		"versioneye viewneo voicegain voodoosms vouchery vpnapi vyte websitepulse whoxy worksnaps worldcoinindex youneedabudget yousign zipbooks zipcodeapi zipcodebase zonkafeedback zulipchat "
		"airscale aikido arcjet baseten bitrise browserbase cartesia castai cerebrium civo clockworksms cloudpayments cockroachlabs composio crossmint databento "
		"datastax dropcontact endorlabs exoscale frontegg gitguardian greptile infomaniak kinde komodor llamacloud mergify midtrans nhost novita pingdom propelauth "
		"retellai revenuecat samsara scaleai stackhawk statsig stytch thingspeak tinybird upcloud upstage valtown vastai voyageai workato workos xendit zhipu zhipuai zilliz zuplo"},
	{K_NONE, 1, 0, "apollo circle drone fixer hunter linear looker percy plaid polygon pusher replicate sauce segment steam debounce klarna prerender harvestapp gemini exa loops neptune together adjust paddle litmus teamwork retool readme sonar kraken"},
	{K_NONE, 1, 0, "clickhouse couchbase grafana hasura livekit meilisearch metabase ngrok portainer posthog pulumi qdrant strava tailscale typesense weaviate zerotier airtable asana bitbucket buildkite circle circleci clojars codeclimate codecov contentful coveralls discord docker drone droneci etsy facebook figma flickr freshping giphy github gitlab gitter heroku lastfm linkedin "
		"netlify npm pastebin pexels pixabay readthedocs sonarcloud spotify steam stripe themoviedb tmdb travis travisci trello twitch twitter typeform unsplash vercel virustotal wistia wandb"},
};
#define N_ISSUED (int)(sizeof issued / sizeof issued[0])
_Static_assert(N_ISSUED <= 64, "a bit for each");
#define COMMON_WORD (1ull << (N_ISSUED - 2))
#define HAS_IDS (1ull << (N_ISSUED - 1))

/* What is known of a name, by a hash of its letters. */
#define ISSUER_BITS 11
static struct {
	uint64_t name;
	uint64_t rows; /* of issued, a bit for each */
} issuers[1 << ISSUER_BITS];

#define NO_LETTER 0xcbf29ce484222325u
static inline uint64_t with_letter(uint64_t name, uint8_t c) { return (name ^ (c | 0x20)) * 0x100000001b3u; }

static inline uint32_t issuer_slot(uint64_t name) {
	uint32_t h = (uint32_t)(name * 0x9e3779b97f4a7c15u >> (64 - ISSUER_BITS));
	while (issuers[h].name && issuers[h].name != name) h = (h + 1) & ((1 << ISSUER_BITS) - 1);
	return h;
}

static void prepare_issuers(void) {
	for (int k = 0; k < 1 << ISSUER_BITS; k++) issuers[k].name = issuers[k].rows = 0;
	for (int k = 0; k < N_ISSUED; k++) {
		uint64_t name = NO_LETTER;
		for (const char *c = issued[k].names;; c++) {
			if (*c && *c != ' ') {
				name = with_letter(name, (uint8_t)*c);
				continue;
			}
			uint32_t h = issuer_slot(name);
			issuers[h].name = name, issuers[h].rows |= 1ull << k, name = NO_LETTER;
			if (!*c) break;
		}
	}
}

/* issuer_in returns what is known of the issuer that one or two words of the identifier [a, b) name, and counts in beside the words behind it
 * that say nothing, and whether one before it says that the value is something else's. It is 0 if there is none, or one behind it does. */
RARE uint64_t issuer_in(const scan *s, int a, int b, int *beside) {
	uint64_t rows = 0, before = 0;
	int other = 0, earlier = 0; /* of the words before this one, and before the last one */
	spend(200 + 30 * (b - a));
	for (int e; a < b; a = e) {
		e = a + 1;
		if (!in(s->t[a], LETTER)) continue;
		uint64_t own = with_letter(NO_LETTER, s->t[a]), both = before ? with_letter(before, s->t[a]) : 0, known;
		for (; e < b && in(s->t[e], LETTER); e++) {
			if (in(s->t[e], UPPER) && (in(s->t[e - 1], LOWER) || (e + 1 < b && in(s->t[e + 1], LOWER)))) break;
			own = with_letter(own, s->t[e]);
			if (before) both = with_letter(both, s->t[e]);
		}
		spend(150);
		known = before ? issuers[issuer_slot(both)].rows : 0, before = own;
		if (known) {
			rows = known, *beside = earlier;
			continue;
		}
		earlier = other;
		if ((known = issuers[issuer_slot(own)].rows)) {
			rows = known, *beside = other;
			continue;
		}
		uint32_t topics = (uint32_t)word_topics(word_at(s->t + a, e - a));
		int says = topics & (1 << W_OPEN | 1 << W_OTHER) || (topics & 1 << W_THING && !(topics & 1 << W_LOCK));
		if (says && (rows || topics & 1 << W_OPEN)) return 0;
		other |= says;
		*beside += rows && e - a > 3 && !(topics & (1 << W_LOGIN | 1 << W_LOCK | 1 << W_KEY | 1 << W_VENDOR | 1 << W_TYPE));
	}
	return rows;
}

/* made_like returns which alphabet [a, b) is of, the smallest one. */
RARE int made_like(const scan *s, int a, int b, const makeup *m) {
	if (ahead(s, a, b, &sets[set_number(HEX)], 0) == b) return K_HEX;
	if (m->letters + m->digits == b - a) return m->upper && m->lower ? K_BOTH : K_ONE;
	if (b - a >= 36 && at(s, a + 8, '-') && at(s, a + 13, '-') && at(s, a + 18, '-') && at(s, a + 23, '-') && run_end(s, a, HEX, 8) == a + 8 && run_end(s, a + 24, HEX, 13) == a + 36) return b - a == 36 || has(s, a + 36, ":fx") ? K_UUID : K_NONE;
	return ahead(s, a, b, &sets[set_number(BASE64U | EQUALS)], 0) == b ? K_URL : K_NONE;
}

/* told_by reports how the value at a is bound to the name that ends at end: 2 by an operator, 1 as an argument, or the value of an option, 0 not. */
RARE int told_by(const scan *s, int start, int end, int a) {
	int how = 0;
	spend(15 * (a - end));
	for (int k = end; k < a; k++) {
		uint8_t c = s->t[k];
		if (c == '=' || c == ':' || c == '>') return 2;
		if (c == '(' || c == ',') how = 1;
	}
	return how || (a - end <= 2 && has(s, start, "--"));
}

enum { MIN_ISSUED = 14, MAX_ISSUED = 96, ISSUED_SCORE = 550 };

/* may_be_issued reports whether the value of n bytes at a may be such a key. */
static inline int may_be_issued(const scan *s, int a, int n, int quoted, const value_name *v) {
	return (v->bound || s->t[v->start] == '-') && n >= MIN_ISSUED && n <= MAX_ISSUED && !(v->any & (1 << W_OPEN | 1 << W_OTHER)) && (v->last & (1 << W_THING | 1 << W_LOCK)) != 1 << W_THING && s->t[a + 1] != '.' && s->t[a] != ':' && (quoted || s->t[a - 1] != ',');
}

/* begins_line reports whether the name at i is in capitals, or the first word of its line or text. What logs say of a service is more often an id. */
RARE int begins_line(const scan *s, int i) {
	int k = i;
	if (is(s, i, UPPER) && is(s, i + 1, UPPER)) return 1;
	while (k > max(0, i - 64) && (s->t[k - 1] == ' ' || s->t[k - 1] == '\t')) k--;
	spend(10 * (i - k));
	return k == 0 || s->t[k - 1] == '\n' || class[s->t[k - 1]] & QUOTE || s->t[k - 1] == '{' || has(s, i - 7, "export ") || has(s, i - 4, "env ");
}

/* of_issuer reports the value [a, b) as a key of the issuer that its name names. */
RARE int of_issuer(scan *s, int a, int b, int quoted, const value_name *v) {
	if (!in(s->t[a], ALNUM) || threshold[SECRET] > ISSUED_SCORE) return 0;
	int n = b - a, from = v->start, end = ahead(s, from, min(a - quoted, from + MAX_NAME), &NAME_SET, 0), beside = 0;
	spend(250);
	if (end == from || a - end > MAX_NAME || (from == 0 && a - quoted - end > 4)) return 0;
	int told = told_by(s, from, end, a - quoted);
	if (!told || (told < 2 && !quoted && !has(s, from, "--"))) return 0;
	if (from > 1 && s->t[from - 1] == ' ' && in(s->t[from - 2], LETTER)) from = back(s, from - 1, max(0, from - 24), &sets[set_number(LETTER)], 0); /* New Relic */
	uint64_t rows = issuer_in(s, from, end, &beside);
	if (!rows || (rows & COMMON_WORD && (!quoted || beside))) return 0;
	makeup m;
	spend(300);
	made_of(s, a, b, &m);
	int kind = made_like(s, a, b, &m), like_id = may_be_id(s, a, b), known = 0;
	if (kind == K_NONE || !m.letters || !m.digits_ahead) return 0;
	for (uint64_t r = rows; r; r &= r - 1) {
		int k = __builtin_ctzll(r);
		known |= n >= issued[k].min && n <= issued[k].max && (kind == issued[k].kind || (kind < issued[k].kind && issued[k].kind < K_UUID && !(rows & COMMON_WORD)));
	}
	if (known ? beside && (!quoted || like_id) : beside || !quoted || told < 2 || rows & (COMMON_WORD | HAS_IDS) || kind > K_BOTH || n < 20 || n > 64) return 0;
	if (like_id && (told < 2 || (!quoted && (!begins_line(s, v->start) || (n == 40 && has(s, v->start - 7, "export ") && is(s, v->start, LOWER)))))) return 0; /* export github=… has a commit */
	if (!known && (kind == K_HEX ? n != 32 && n != 40 && n != 64 : (m.digits_ahead < (kind == K_BOTH ? 3 : 4) || m.turns * 5 < n) && (kind != K_BOTH || m.turns * 3 < n))) return 0;
	if (kind > K_HEX && kind < K_UUID && (begins_with_word(s, a, b, &m) || (wordy(&m, n) && !jumbled(s, a, b)) || (n <= 32 && numbered(s, a, b)))) return 0;
	if (entropy(s, a, b) < (n < 16 ? 40 : n < 24 ? 44 : 48) || fewer(s, a, b, 8) || stands_in(s, a, b) || called_so(s, a, b, from) || of_digests(s, from)) return 0;
	return report(s, a, b, SECRET, known ? ISSUED_SCORE : 520) ? b : 0;
}

#endif
