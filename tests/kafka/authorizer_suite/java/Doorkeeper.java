import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.TimeUnit;

/**
 * A doorkeeper in front of the brokers of one test. A listener has one port on four addresses: 127.0.0.1 is where clients think
 * that the broker is and a {@link Forwarder} gives them a certificate, 127.0.0.2 is the broker, 127.0.0.3 doorkeeper, and
 * 127.0.0.4 doorkeeper's admin endpoint. So the port that a suite asks the broker for is the right one, and addresses in
 * answers need no mapping.
 */
final class Doorkeeper implements AutoCloseable {
    private static final Path BINARY = Path.of(System.getProperty("doorkeeper.binary"));
    private static final Path PKI = Path.of(System.getProperty("doorkeeper.pki"));
    private static final Path RUNS = Path.of(System.getProperty("doorkeeper.runs"));
    private static final String INTERNAL = "INTERNAL";
    /** Ends doorkeeper with this JVM, however that ends: its standard input closes then. */
    private static final String WATCHED =
        "exec 3<&0; (cat <&3 >/dev/null; kill -9 $$) 2>/dev/null & exec \"$@\" </dev/null 3<&-";
    private static final List<String> AUTHORIZER_KEYS =
        List.of("authorizer.class.name", "super.users", "allow.everyone.if.no.acl.found", "principal.builder.class");

    private final Map<String, String> names;
    private final List<Forwarder> forwarders = new ArrayList<>();
    private final StringBuilder listeners = new StringBuilder();
    private final Path folder;
    private String superUsers = "";
    private String openByDefault = "false";
    private int administration;
    private String bootstrap = "";
    private Process process;

    /** Behind each of these listeners is the client of this name; the last one is a super user. */
    Doorkeeper(Map<String, String> names) throws IOException {
        this.names = names;
        this.folder = Files.createTempDirectory(RUNS, "doorkeeper");
    }

    /** Takes the authorizer out of a node's properties. */
    static void disarm(Properties node) {
        AUTHORIZER_KEYS.forEach(node::remove);
    }

    /** Takes the authorizer out of a broker's properties and steps in front of those of its listeners that clients use. */
    void stepInFrontOf(Properties broker) throws Exception {
        superUsers = broker.getProperty("super.users", superUsers);
        openByDefault = broker.getProperty("allow.everyone.if.no.acl.found", openByDefault);
        disarm(broker);
        List<String> bound = new ArrayList<>(List.of(INTERNAL + "://127.0.0.1:0"));
        List<String> advertised = new ArrayList<>(bound);
        for (Map.Entry<String, String> entry : names.entrySet()) {
            Forwarder forwarder = new Forwarder("127.0.0.3", Pem.identity(PKI, entry.getValue()));
            forwarders.add(forwarder);
            int port = forwarder.port();
            bound.add(entry.getKey() + "://127.0.0.2:" + port);
            advertised.add(entry.getKey() + "://localhost:" + port);
            listeners.append(listener(entry.getKey().toLowerCase() + "-" + port, port));
            administration = port;
            bootstrap = "localhost:" + port;
        }
        broker.setProperty("listeners", String.join(",", bound));
        broker.setProperty("advertised.listeners", String.join(",", advertised));
        // Brokers talk among themselves past doorkeeper, as they should where it stands in earnest.
        broker.setProperty("inter.broker.listener.name", INTERNAL);
        broker.merge("listener.security.protocol.map", INTERNAL + ":PLAINTEXT", (old, more) -> old + "," + more);
    }

    /** Where the super user comes in. */
    String bootstrap() {
        return bootstrap;
    }

    /** Starts the process and waits until it is ready. */
    void start() throws Exception {
        List<String> quoted = Arrays.stream(superUsers.split(";")).map(name -> '"' + name + '"').toList();
        String configuration = "version: 1\nlisteners:\n" + listeners
            + "authorization:\n"
            + "  super_users: [" + String.join(", ", quoted) + "]\n"
            + "  allow_everyone_if_no_acl_found: " + openByDefault + "\n"
            + "  acls: { file: acls.yaml }\n"
            + "admin: { bind: 127.0.0.4:" + administration + " }\n";
        Files.writeString(folder.resolve("doorkeeper.yaml"), configuration);
        Files.writeString(folder.resolve("acls.yaml"), "[]\n");
        String file = folder.resolve("doorkeeper.yaml").toString();
        process = new ProcessBuilder("sh", "-c", WATCHED, "sh", BINARY.toString(), "run", "--config", file)
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("doorkeeper.log").toFile())
            .start();
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!ready()) {
            if (!process.isAlive() || System.nanoTime() > deadline) {
                throw new IllegalStateException("doorkeeper is not ready: " + Files.readString(folder.resolve("doorkeeper.log")));
            }
            TimeUnit.MILLISECONDS.sleep(5);
        }
        forwarders.forEach(Forwarder::prepare);
    }

    @Override
    public void close() throws Exception {
        for (Forwarder forwarder : forwarders) {
            forwarder.close();
        }
        if (process != null) {
            process.destroyForcibly().waitFor();
        }
    }

    private boolean ready() throws Exception {
        URI page = URI.create("http://127.0.0.4:" + administration + "/readyz");
        HttpURLConnection connection = (HttpURLConnection) page.toURL().openConnection();
        try {
            return connection.getResponseCode() == 200;
        } catch (IOException notYet) {
            return false;
        } finally {
            connection.disconnect();
        }
    }

    private static String listener(String name, int port) {
        return "  - name: " + name + "\n"
            + "    bind: 127.0.0.3:" + port + "\n"
            + "    upstream: 127.0.0.2:" + port + "\n"
            + "    tls:\n"
            + "      certificate_chain: " + PKI.resolve("doorkeeper.crt") + "\n"
            + "      private_key: " + PKI.resolve("doorkeeper.key") + "\n"
            + "      client_ca: " + PKI.resolve("ca.pem") + "\n"
            + "      client_auth: required\n"
            + "    principal_mapping_rules: \"RULE:^CN=([^,]+),.*$/$1/,DEFAULT\"\n"
            + "    address_mapping: { strategy: none }\n";
    }
}
