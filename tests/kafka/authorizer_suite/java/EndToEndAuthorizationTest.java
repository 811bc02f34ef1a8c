import java.util.Properties;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.TestInfo;
import scala.collection.Seq;

/** Kafka's suite of producers and consumers at three brokers, the one with plaintext listeners. */
public class EndToEndAuthorizationTest extends kafka.api.PlaintextEndToEndAuthorizationTest {
    private final Suite suite =
        new Suite(listenerName(), clientPrincipal(), interBrokerListenerName(), kafkaPrincipal());

    @Override
    public Seq<Properties> kraftControllerConfigs(TestInfo test) {
        return Suite.disarmed(super.kraftControllerConfigs(test));
    }

    @Override
    public void modifyConfigs(Seq<Properties> brokers) {
        super.modifyConfigs(brokers);
        suite.mirrorIn(brokers);
    }

    @Override
    public void configureSecurityAfterServersStart() {
        super.configureSecurityAfterServersStart();
        suite.start();
    }

    // JUnit forgets a method that is overridden without saying this again.
    @AfterEach
    @Override
    public void tearDown() {
        suite.end(super::tearDown);
    }
}
