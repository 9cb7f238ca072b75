import java.io.FileInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.TrustManagerFactory;

/**
 * Sends one span as OTLP/JSON with Java's own TLS, trusting one certificate, as the
 * exporters for Java do: Probe URL CERTIFICATE KEY. It exits 0 if it was acknowledged,
 * and 7 if the peer is not the one with the certificate.
 */
public final class Probe {
  public static void main(String[] args) throws Exception {
    KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
    trusted.load(null, null);
    try (FileInputStream in = new FileInputStream(args[1])) {
      trusted.setCertificateEntry("notary", CertificateFactory.getInstance("X.509").generateCertificate(in));
    }
    TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(trusted);
    SSLContext context = SSLContext.getInstance("TLSv1.3");
    context.init(null, trust.getTrustManagers(), null);
    String body = "{\"resourceSpans\": [{\"scopeSpans\": [{\"spans\": [{\"traceId\": \"5b8efff798038103d269b633813fc60c\", \"spanId\": \"eee19b7ec3c1b174\","
        + "\"name\": \"chat\", \"attributes\": [{\"key\": \"session.id\", \"value\": {\"stringValue\": \"probe-java\"}}]}]}]}]}";
    HttpRequest request = HttpRequest.newBuilder(URI.create(args[0] + "/v1/traces"))
        .header("Content-Type", "application/json").header("x-api-key", args[2])
        .POST(HttpRequest.BodyPublishers.ofString(body)).build();
    try {
      HttpResponse<String> response = HttpClient.newBuilder().sslContext(context).build().send(request, HttpResponse.BodyHandlers.ofString());
      System.exit(response.statusCode() == 200 ? 0 : 1);
    } catch (SSLHandshakeException e) {
      System.out.println(e);
      System.exit(7);
    }
  }
}
