import java.io.FileInputStream;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Subscribes to a pattern that the broker resolves (KIP-848), waits for the first topics, creates another that the
 * pattern covers, and waits for it too. Arguments: bootstrap, properties file, group, pattern, the new topic, the first
 * topics.
 */
public class Patterns {
    public static void main(String[] arguments) throws Exception {
        Properties properties = new Properties();
        try (FileInputStream file = new FileInputStream(arguments[1])) {
            properties.load(file);
        }
        properties.put("bootstrap.servers", arguments[0]);
        String group = arguments[2], pattern = arguments[3], another = arguments[4];
        Set<String> expected = new TreeSet<>(List.of(arguments).subList(5, arguments.length));

        Properties consuming = new Properties();
        consuming.putAll(properties);
        consuming.put("group.id", group);
        consuming.put("group.protocol", "consumer");
        consuming.put("key.deserializer", StringDeserializer.class.getName());
        consuming.put("value.deserializer", StringDeserializer.class.getName());
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(consuming);
             Admin admin = Admin.create(properties)) {
            consumer.subscribe(new SubscriptionPattern(pattern));
            await(consumer, expected);
            System.out.println(expected);
            admin.createTopics(List.of(new NewTopic(another, Optional.of(1), Optional.empty()))).all().get();
            expected.add(another);
            await(consumer, expected);
            System.out.println(expected);
        }
    }

    private static void await(KafkaConsumer<String, String> consumer, Set<String> expected) {
        long end = System.nanoTime() + Duration.ofSeconds(90).toNanos();
        while (true) {
            consumer.poll(Duration.ofMillis(200));
            Set<String> assigned = new TreeSet<>();
            for (TopicPartition partition : new HashSet<>(consumer.assignment())) {
                assigned.add(partition.topic());
            }
            if (assigned.equals(expected)) {
                return;
            }
            if (System.nanoTime() > end) {
                throw new IllegalStateException("assigned " + assigned + " instead of " + expected);
            }
        }
    }
}
