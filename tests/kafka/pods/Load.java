import java.io.FileInputStream;
import java.nio.file.*;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.serialization.*;

/** A producer and a group of two consumers that count: until the file named last exists, then what has become of every record. */
public class Load {
    private static final Duration POLL = Duration.ofMillis(100);
    private static final long PATIENCE_MILLIS = 120_000;

    private static final Properties security = new Properties();
    private static final Set<Long> acknowledged = ConcurrentHashMap.newKeySet();
    private static final Set<Long> consumed = ConcurrentHashMap.newKeySet();
    private static final List<String> errors = Collections.synchronizedList(new ArrayList<>());
    private static final AtomicLong closed = new AtomicLong();
    private static volatile boolean enough;

    public static void main(String[] args) throws Exception {
        String topic = args[2], group = args[3];
        Path stop = Path.of(args[4]);
        try (FileInputStream file = new FileInputStream(args[1])) {
            security.load(file);
        }
        security.put("bootstrap.servers", args[0]);
        try (Admin admin = Admin.create(security)) {
            admin.createTopics(List.of(new NewTopic(topic, 6, (short) 3))).all().get();
        }
        List<Thread> consumers = List.of(new Thread(() -> consume(topic, group)), new Thread(() -> consume(topic, group)));
        consumers.forEach(Thread::start);
        produce(topic, stop);
        long end = System.currentTimeMillis() + PATIENCE_MILLIS;
        while (!consumed.containsAll(acknowledged) && System.currentTimeMillis() < end) {
            Thread.sleep(50);
        }
        enough = true;
        for (Thread consumer : consumers) {
            consumer.join();
        }
        Map<Long, Integer> stored = stored(topic);
        System.out.println("acknowledged " + acknowledged.size());
        System.out.println("lost " + acknowledged.stream().filter(number -> !stored.containsKey(number)).count());
        System.out.println("doubled " + stored.values().stream().filter(times -> times > 1).count());
        System.out.println("never consumed " + acknowledged.stream().filter(number -> !consumed.contains(number)).count());
        System.out.println("errors " + errors.size() + (errors.isEmpty() ? "" : " " + new TreeSet<>(errors)));
        System.out.println("closed " + closed.get());
    }

    private static void produce(String topic, Path stop) throws Exception {
        Map<String, Object> settings = settings(Map.of("linger.ms", "5"));
        try (Producer<Long, Long> producer = new KafkaProducer<>(settings, new LongSerializer(), new LongSerializer())) {
            boolean flowing = false;
            for (long number = 0; !Files.exists(stop); number++) {
                long sent = number;
                producer.send(new ProducerRecord<>(topic, sent, sent), (metadata, error) -> {
                    if (error == null) {
                        acknowledged.add(sent);
                    } else {
                        errors.add("producer: " + error);
                    }
                });
                if (!flowing && consumed.size() > 500) {
                    flowing = true;
                    System.out.println("flowing");
                }
                Thread.sleep(1);
            }
            producer.flush();
            closed.addAndGet(closedBy(producer.metrics()));
        }
    }

    private static void consume(String topic, String group) {
        Map<String, Object> settings = settings(Map.of("group.id", group, "auto.offset.reset", "earliest"));
        try (Consumer<Long, Long> consumer = new KafkaConsumer<>(settings, new LongDeserializer(), new LongDeserializer())) {
            consumer.subscribe(List.of(topic));
            while (!enough) {
                consumer.poll(POLL).forEach(record -> consumed.add(record.value()));
            }
            closed.addAndGet(closedBy(consumer.metrics()));
        } catch (Exception error) {
            errors.add("consumer: " + error);
        }
    }

    /** Connections that were closed under the client, by whomever. */
    private static long closedBy(Map<MetricName, ? extends Metric> metrics) {
        return metrics.entrySet().stream()
                .filter(entry -> entry.getKey().name().equals("connection-close-total") && !entry.getKey().group().contains("node"))
                .mapToLong(entry -> ((Number) entry.getValue().metricValue()).longValue())
                .sum();
    }

    /** How often each record is in the topic. */
    private static Map<Long, Integer> stored(String topic) {
        Map<Long, Integer> times = new HashMap<>();
        try (Consumer<Long, Long> consumer = new KafkaConsumer<>(settings(Map.of()), new LongDeserializer(), new LongDeserializer())) {
            List<TopicPartition> partitions = new ArrayList<>();
            consumer.partitionsFor(topic).forEach(one -> partitions.add(new TopicPartition(topic, one.partition())));
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            long limit = System.currentTimeMillis() + PATIENCE_MILLIS;
            while (partitions.stream().anyMatch(one -> consumer.position(one) < ends.get(one))
                    && System.currentTimeMillis() < limit) {
                consumer.poll(POLL).forEach(record -> times.merge(record.value(), 1, Integer::sum));
            }
        }
        return times;
    }

    private static Map<String, Object> settings(Map<String, String> more) {
        Map<String, Object> settings = new HashMap<>();
        security.forEach((name, value) -> settings.put((String) name, value));
        settings.putAll(more);
        return settings;
    }
}
