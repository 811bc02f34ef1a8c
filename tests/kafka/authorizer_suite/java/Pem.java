import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** The certificates of this run: {@code NAME.key} and {@code NAME.crt} for each client, and {@code ca.pem}, all in one folder. */
final class Pem {
    private static final char[] NO_PASSWORD = new char[0];

    private Pem() {
    }

    /** What a TLS client needs to be {@code name}. */
    static SSLContext identity(Path folder, String name) throws Exception {
        KeyStore keys = empty();
        String text = Files.readString(folder.resolve(name + ".key")).replaceAll("-----[A-Z ]+-----|\\s", "");
        var key = KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(text)));
        keys.setKeyEntry(name, key, NO_PASSWORD, new Certificate[] {certificate(folder.resolve(name + ".crt"))});
        KeyManagerFactory shown = KeyManagerFactory.getInstance("PKIX");
        shown.init(keys, NO_PASSWORD);

        KeyStore authorities = empty();
        authorities.setCertificateEntry("ca", certificate(folder.resolve("ca.pem")));
        TrustManagerFactory trusted = TrustManagerFactory.getInstance("PKIX");
        trusted.init(authorities);

        SSLContext context = SSLContext.getInstance("TLS");
        context.init(shown.getKeyManagers(), trusted.getTrustManagers(), null);
        return context;
    }

    private static Certificate certificate(Path file) throws Exception {
        try (InputStream bytes = new ByteArrayInputStream(Files.readAllBytes(file))) {
            return CertificateFactory.getInstance("X.509").generateCertificate(bytes);
        }
    }

    private static KeyStore empty() throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        return store;
    }
}
