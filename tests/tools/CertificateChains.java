import java.io.ByteArrayInputStream;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Set;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedKeyManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.apache.kafka.common.config.types.Password;
import org.apache.kafka.common.security.ssl.DefaultSslEngineFactory;

/**
 * Shows the chains of tests/tools/certificate-chains.sh to the server side of TLS as Kafka sets it up, and writes what it makes
 * of each: tests/data/certificate-chains.tsv. Needs the jars of Kafka on the class path:
 *
 *     tests/tools/certificate-chains.sh FOLDER
 *     java -cp 'target/kafka/4.4.0/*' tests/tools/CertificateChains.java FOLDER > tests/data/certificate-chains.tsv
 *
 * Its lines are the certificates ("certificate", name, DER in Base64) and the rows ("row", name, the trusted ones, the chain,
 * "accepted" or "refused", and Java's reason or its name for the client).
 */
public class CertificateChains {
    static Path folder;

    public static void main(String[] arguments) throws Exception {
        folder = Path.of(arguments[0]);
        System.out.println("# Made by tests/tools/CertificateChains.java on Java " + System.getProperty("java.version"));
        Set<String> written = new HashSet<>();
        for (String line : Files.readAllLines(folder.resolve("rows"))) {
            String[] fields = line.split("\t");
            String verdict;
            try {
                verdict = verdict(fields[1].split(" "), fields[2].split(" "), fields.length > 3 ? fields[3] : "TLSv1.3");
            } catch (Unsupported error) {
                System.err.println(fields[0] + ": Java's client cannot show it: " + error.getMessage());
                continue;
            }
            for (String name : (fields[1] + " " + fields[2]).split(" "))
                if (written.add(name)) System.out.println("certificate\t" + name + "\t" + pem(name).replaceAll("-----[A-Z ]+-----|\\s", ""));
            System.out.println(String.join("\t", "row", fields[0], fields[1], fields[2], verdict));
        }
    }

    static class Unsupported extends Exception {
        Unsupported(Throwable why) {
            super(String.valueOf(why.getMessage()));
        }
    }

    static String pem(String name) throws Exception {
        return Files.readString(folder.resolve(name + ".crt"));
    }

    static String key(String name) throws Exception {
        return Files.readString(folder.resolve(name + ".key"));
    }

    static String verdict(String[] anchors, String[] chain, String protocol) throws Exception {
        StringBuilder trusted = new StringBuilder();
        for (String anchor : anchors) trusted.append(pem(anchor));
        SSLEngine server;
        try (DefaultSslEngineFactory factory = new DefaultSslEngineFactory()) {
            Map<String, Object> settings = new HashMap<>();
            settings.put("ssl.protocol", "TLSv1.3");
            settings.put("ssl.enabled.protocols", List.of("TLSv1.2", "TLSv1.3"));
            settings.put("ssl.cipher.suites", List.of());
            settings.put("ssl.client.auth", "required");
            settings.put("ssl.keymanager.algorithm", javax.net.ssl.KeyManagerFactory.getDefaultAlgorithm());
            settings.put("ssl.trustmanager.algorithm", javax.net.ssl.TrustManagerFactory.getDefaultAlgorithm());
            settings.put("ssl.keystore.type", "PEM");
            settings.put("ssl.keystore.key", new Password(key("server")));
            settings.put("ssl.keystore.certificate.chain", new Password(pem("server")));
            settings.put("ssl.truststore.type", "PEM");
            settings.put("ssl.truststore.certificates", new Password(trusted.toString()));
            factory.configure(settings);
            server = factory.createServerSslEngine("localhost", 9093);
        }
        List<X509Certificate> shown = new ArrayList<>();
        CertificateFactory certificates = CertificateFactory.getInstance("X.509");
        PrivateKey key;
        try {
            for (String name : chain)
                shown.add((X509Certificate) certificates.generateCertificate(new ByteArrayInputStream(pem(name).getBytes(StandardCharsets.US_ASCII))));
            String base64 = key(chain[0]).replaceAll("-----[A-Z ]+-----|\\s", "");
            key = KeyFactory.getInstance(shown.get(0).getPublicKey().getAlgorithm()).generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(base64)));
        } catch (Exception error) {
            throw new Unsupported(error);
        }
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(new KeyManager[] {new Shows(shown.toArray(X509Certificate[]::new), key)}, new TrustManager[] {new TrustsAll()}, null);
        SSLEngine client = context.createSSLEngine("localhost", 9093);
        client.setUseClientMode(true);
        client.setEnabledProtocols(new String[] {protocol});
        return handshake(client, server);
    }

    /** Carries bytes between both until both have finished, or the server refuses. */
    static String handshake(SSLEngine client, SSLEngine server) throws Exception {
        ByteBuffer toServer = ByteBuffer.allocate(1 << 18), toClient = ByteBuffer.allocate(1 << 18);
        client.beginHandshake();
        server.beginHandshake();
        for (int turn = 0; turn < 200; turn++) {
            try {
                step(client, toClient, toServer);
            } catch (Exception error) {
                throw new Unsupported(error);
            }
            try {
                step(server, toServer, toClient);
            } catch (Exception error) {
                Throwable why = error;
                while (why.getCause() != null) why = why.getCause();
                return "refused\t" + String.valueOf(why.getMessage()).replaceAll("\\s+", " ");
            }
            if (server.getHandshakeStatus() == HandshakeStatus.NOT_HANDSHAKING) return "accepted\t" + server.getSession().getPeerPrincipal();
        }
        throw new IllegalStateException("the handshake does not end");
    }

    static void step(SSLEngine engine, ByteBuffer from, ByteBuffer to) throws Exception {
        ByteBuffer plain = ByteBuffer.allocate(1 << 16);
        for (int turn = 0; turn < 50; turn++) {
            switch (engine.getHandshakeStatus()) {
                case NEED_TASK -> {
                    for (Runnable task; (task = engine.getDelegatedTask()) != null; ) task.run();
                }
                case NEED_WRAP -> engine.wrap(ByteBuffer.allocate(0), to);
                case NEED_UNWRAP, NEED_UNWRAP_AGAIN -> {
                    from.flip();
                    int before = from.remaining();
                    if (before > 0) engine.unwrap(from, plain);
                    int taken = before - from.remaining();
                    from.compact();
                    if (taken == 0 && engine.getHandshakeStatus() == HandshakeStatus.NEED_UNWRAP) return;
                }
                default -> {
                    return;
                }
            }
        }
    }

    /** Shows one chain, whatever the server asks for. */
    static class Shows extends X509ExtendedKeyManager {
        final X509Certificate[] chain;
        final PrivateKey key;

        Shows(X509Certificate[] chain, PrivateKey key) {
            this.chain = chain;
            this.key = key;
        }

        public String chooseEngineClientAlias(String[] types, Principal[] issuers, SSLEngine engine) {
            return "own";
        }

        public String chooseClientAlias(String[] types, Principal[] issuers, Socket socket) {
            return "own";
        }

        public String[] getClientAliases(String type, Principal[] issuers) {
            return new String[] {"own"};
        }

        public String[] getServerAliases(String type, Principal[] issuers) {
            return null;
        }

        public String chooseServerAlias(String type, Principal[] issuers, Socket socket) {
            return null;
        }

        public X509Certificate[] getCertificateChain(String alias) {
            return chain;
        }

        public PrivateKey getPrivateKey(String alias) {
            return key;
        }
    }

    static class TrustsAll extends X509ExtendedTrustManager {
        public void checkClientTrusted(X509Certificate[] chain, String type) {}

        public void checkServerTrusted(X509Certificate[] chain, String type) {}

        public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

        public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

        public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

        public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
