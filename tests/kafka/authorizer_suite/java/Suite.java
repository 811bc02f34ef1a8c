import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.network.ListenerName;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.security.auth.KafkaPrincipal;
import scala.collection.Seq;
import scala.collection.immutable.Set;
import scala.jdk.javaapi.CollectionConverters;

/**
 * What the classes beside it share: each extends one of Kafka's suites and hands over here what that does with brokers and ACLs.
 * Kafka's suites are classes, so it cannot be inherited.
 */
final class Suite {
    private final Map<String, String> names = new LinkedHashMap<>();
    private Doorkeeper doorkeeper;
    private Acls acls;

    /** Who is behind which listener: the client, and the super user that brokers are in these suites. */
    Suite(ListenerName clients, KafkaPrincipal client, ListenerName brokers, KafkaPrincipal broker) {
        names.put(clients.value(), client.getName());
        names.put(brokers.value(), broker.getName());
    }

    /** Controllers without an authorizer. */
    static Seq<Properties> disarmed(Seq<Properties> controllers) {
        CollectionConverters.asJava(controllers).forEach(Doorkeeper::disarm);
        return controllers;
    }

    /** Takes the authorizer out of the brokers that are about to start, and steps in front of them. */
    void stepInFrontOf(Seq<Properties> brokers) {
        try {
            doorkeeper = new Doorkeeper(names);
            for (Properties broker : CollectionConverters.asJava(brokers)) {
                doorkeeper.stepInFrontOf(broker);
            }
        } catch (Exception failed) {
            throw new IllegalStateException(failed);
        }
    }

    /** The same for a suite that asks the brokers' authorizers which ACLs there are. */
    void mirrorIn(Seq<Properties> brokers) {
        stepInFrontOf(brokers);
        for (Properties broker : CollectionConverters.asJava(brokers)) {
            broker.setProperty("authorizer.class.name", Mirror.class.getName());
            broker.setProperty(Mirror.BOOTSTRAP, doorkeeper.bootstrap());
        }
    }

    /** The brokers have started. */
    void start() {
        try {
            doorkeeper.start();
        } catch (Exception failed) {
            throw new IllegalStateException(failed);
        }
        acls = new Acls(doorkeeper.bootstrap());
    }

    void add(Set<AccessControlEntry> entries, ResourcePattern resource) {
        acls.add(CollectionConverters.asJava(entries), resource);
    }

    void remove(Set<AccessControlEntry> entries, ResourcePattern resource) {
        acls.remove(CollectionConverters.asJava(entries), resource);
    }

    void removeAllOf(KafkaPrincipal principal) {
        acls.removeAllOf(principal.toString());
    }

    /** Ends the brokers and their clients as the suite does, and then doorkeeper. */
    void end(Runnable suite) {
        try (Doorkeeper last = doorkeeper; Acls first = acls) {
            suite.run();
        } catch (RuntimeException failed) {
            throw failed;
        } catch (Exception failed) {
            throw new IllegalStateException(failed);
        }
    }
}
