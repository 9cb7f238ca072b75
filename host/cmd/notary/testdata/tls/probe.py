"""Sends one span as OTLP/JSON with Python's own TLS, which the exporters for Python use:
probe.py URL CERTIFICATE KEY. It exits 0 if it was acknowledged, and 7 if the peer is not
the one with the certificate."""

import ssl
import sys
import urllib.request

url, certificate, key = sys.argv[1:]
context = ssl.create_default_context(cafile=certificate)
context.verify_flags |= ssl.VERIFY_X509_STRICT  # the default since Python 3.13
body = b"""{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174",
"name": "chat", "attributes": [{"key": "session.id", "value": {"stringValue": "probe-python"}}]}]}]}]}"""
request = urllib.request.Request(url + "/v1/traces", body, {"Content-Type": "application/json", "x-api-key": key})
try:
    with urllib.request.urlopen(request, context=context) as response:
        sys.exit(0 if response.status == 200 else 1)
except urllib.error.URLError as e:
    print(e)
    sys.exit(7 if isinstance(e.reason, ssl.SSLCertVerificationError) else 1)
