import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;

/** Logging in with kafka-clients. See ../../sasl/clients.rs for what it is told and what it says. */
public class SaslClient {
    static final String SECURITY = "org.apache.kafka.common.security.";

    public static void main(String[] told) throws Exception {
        for (int i = 4; i < told.length; i++) {
            String[] login = told[i].split(":");
            for (int which = 0; which < 2; which++) {
                String outcome = attempt(told, login[0], login[1], login[2 + which]);
                System.out.println(login[0] + (which == 0 ? " right: " : " wrong: ") + outcome.replaceAll("\\s+", " "));
            }
        }
        System.out.flush();
        System.exit(0);
    }

    static String attempt(String[] told, String mechanism, String user, String secret) throws Exception {
        String topic = told[2];
        String value = told[3] + " " + mechanism;
        Map<String, Object> settings = settings(told, mechanism, user, secret);
        try {
            try (KafkaProducer<String, String> producer = new KafkaProducer<>(settings)) {
                producer.send(new ProducerRecord<>(topic, value)).get();
            }
            try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(settings)) {
                TopicPartition partition = new TopicPartition(topic, 0);
                consumer.assign(List.of(partition));
                consumer.seekToBeginning(List.of(partition));
                long end = System.nanoTime() + 40_000_000_000L;
                while (System.nanoTime() < end) {
                    for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
                        if (record.value().equals(value)) return "ok";
                    }
                }
                return "it has not come back";
            }
        } catch (ExecutionException e) {
            return e.getCause().getClass().getSimpleName() + ": " + e.getCause().getMessage();
        } catch (KafkaException e) {
            return e.getClass().getSimpleName() + ": " + e.getMessage();
        }
    }

    static Map<String, Object> settings(String[] told, String mechanism, String user, String secret) throws Exception {
        Map<String, Object> settings = new HashMap<>();
        settings.put("bootstrap.servers", told[0]);
        settings.put("security.protocol", "SASL_SSL");
        settings.put("ssl.truststore.type", "PEM");
        settings.put("ssl.truststore.location", told[1]);
        settings.put("sasl.mechanism", mechanism);
        String serialization = "org.apache.kafka.common.serialization.String";
        settings.put("key.serializer", serialization + "Serializer");
        settings.put("value.serializer", serialization + "Serializer");
        settings.put("key.deserializer", serialization + "Deserializer");
        settings.put("value.deserializer", serialization + "Deserializer");
        if (mechanism.equals("OAUTHBEARER")) {
            Path file = Files.createTempFile("token", ".jwt");
            file.toFile().deleteOnExit();
            Files.writeString(file, secret);
            System.setProperty("org.apache.kafka.sasl.oauthbearer.allowed.urls", file.toUri().toString());
            System.setProperty("org.apache.kafka.sasl.oauthbearer.allowed.files", file.toString());
            settings.put("sasl.jaas.config", SECURITY + "oauthbearer.OAuthBearerLoginModule required;");
            settings.put("sasl.login.callback.handler.class", SECURITY + "oauthbearer.OAuthBearerLoginCallbackHandler");
            settings.put("sasl.oauthbearer.token.endpoint.url", file.toUri().toString());
            return settings;
        }
        String module = mechanism.equals("PLAIN") ? "plain.PlainLoginModule" : "scram.ScramLoginModule";
        String who = " required username=\"" + user + "\" password=\"" + secret + "\";";
        settings.put("sasl.jaas.config", SECURITY + module + who);
        return settings;
    }
}
