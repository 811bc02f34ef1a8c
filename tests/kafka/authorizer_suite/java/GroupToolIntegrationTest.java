import java.util.Properties;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.resource.ResourcePattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.TestInfo;
import scala.collection.Seq;
import scala.collection.immutable.Set;

/** Kafka's suite of what its command line tools may see of a group. */
public class GroupToolIntegrationTest extends org.apache.kafka.tools.consumer.group.AuthorizerIntegrationTest {
    private final Suite suite =
        new Suite(listenerName(), clientPrincipal(), interBrokerListenerName(), brokerPrincipal());

    @Override
    public Seq<Properties> kraftControllerConfigs(TestInfo test) {
        return Suite.disarmed(super.kraftControllerConfigs(test));
    }

    @Override
    public void modifyConfigs(Seq<Properties> brokers) {
        super.modifyConfigs(brokers);
        suite.stepInFrontOf(brokers);
    }

    @Override
    public void configureSecurityAfterServersStart() {
        super.configureSecurityAfterServersStart();
        suite.start();
    }

    @Override
    public void addAndVerifyAcls(Set<AccessControlEntry> entries, ResourcePattern resource) {
        suite.add(entries, resource);
    }

    @Override
    public void removeAndVerifyAcls(Set<AccessControlEntry> entries, ResourcePattern resource) {
        suite.remove(entries, resource);
    }

    // JUnit forgets a method that is overridden without saying this again.
    @AfterEach
    @Override
    public void tearDown() {
        suite.end(super::tearDown);
    }
}
