package kafka.security.minikdc;

import java.util.Properties;

/**
 * In the place of Kafka's Kerberos server, for suites that can do without but ask for its settings. The true one needs an LDAP
 * server's jars as soon as it is loaded.
 */
public final class MiniKdc {
    private MiniKdc() {
    }

    /** No settings. */
    public static Properties createConfig() {
        return new Properties();
    }
}
