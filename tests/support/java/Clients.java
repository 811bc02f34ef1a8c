import java.io.FileInputStream;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;

/** What the command line tools cannot do. Prints one line per fact; the test compares the lines. */
public class Clients {
    private static final Duration POLL = Duration.ofMillis(100);
    private static final long PATIENCE_MILLIS = 90_000;

    private static String bootstrap;
    private static final Properties security = new Properties();

    public static void main(String[] args) throws Exception {
        bootstrap = args[0];
        try (FileInputStream file = new FileInputStream(args[1])) {
            security.load(file);
        }
        switch (args[2]) {
            case "bulk" -> bulk(args[3], args[4], Integer.parseInt(args[5]));
            case "transactions" -> transactions(args[3], args[4], args[5], args[6]);
            case "rebalance" -> rebalance(args[3], args[4], args[5]);
            case "refusals" -> refusals(args[3], args[4], args[5], args[6]);
            default -> throw new IllegalArgumentException(args[2]);
        }
    }

    /** Sends so many records of random bytes and reads them back; both digests are printed. */
    private static void bulk(String topic, String group, int count) throws Exception {
        Random random = new Random(4711);
        Map<Integer, MessageDigest> sent = new TreeMap<>();
        try (Producer<byte[], byte[]> producer = producer(Map.of("compression.type", "lz4", "linger.ms", "5"))) {
            int partitions = producer.partitionsFor(topic).size();
            for (int i = 0; i < count; i++) {
                byte[] key = new byte[random.nextInt(16)];
                byte[] value = new byte[random.nextInt(200)];
                random.nextBytes(key);
                random.nextBytes(value);
                int partition = i % partitions;
                digest(sent, partition, key, value);
                producer.send(new ProducerRecord<>(topic, partition, key, value), Clients::failOnError);
            }
            producer.flush();
        }
        Map<Integer, MessageDigest> received = new TreeMap<>();
        int seen = 0;
        try (Consumer<byte[], byte[]> consumer = consumer(group, Map.of())) {
            consumer.subscribe(List.of(topic));
            long end = System.currentTimeMillis() + PATIENCE_MILLIS;
            while (seen < count && System.currentTimeMillis() < end) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
                    digest(received, record.partition(), record.key(), record.value());
                    seen++;
                }
            }
            consumer.commitSync();
        }
        System.out.println("received " + seen);
        System.out.println(text(sent).equals(text(received)) ? "identical" : "different");
    }

    /** Two committed transactions around an aborted one, then consume-transform-produce with offsets in the transaction. */
    private static void transactions(String topic, String output, String id, String group) throws Exception {
        try (Producer<byte[], byte[]> producer = producer(Map.of("transactional.id", id))) {
            producer.initTransactions();
            for (String batch : List.of("first", "aborted", "last")) {
                producer.beginTransaction();
                for (int i = 0; i < 100; i++) {
                    producer.send(new ProducerRecord<>(topic, (batch + i).getBytes()));
                }
                if (batch.equals("aborted")) {
                    producer.flush();
                    producer.abortTransaction();
                } else {
                    producer.commitTransaction();
                }
            }
        }
        System.out.println("committed " + describe(read(topic, group + "-check", "read_committed", 200)));
        System.out.println("uncommitted " + describe(read(topic, group + "-all", "read_uncommitted", 300)));

        int moved = 0;
        try (Consumer<byte[], byte[]> consumer = consumer(group, Map.of("isolation.level", "read_committed"));
                Producer<byte[], byte[]> producer = producer(Map.of("transactional.id", id))) {
            producer.initTransactions();
            consumer.subscribe(List.of(topic));
            long end = System.currentTimeMillis() + PATIENCE_MILLIS;
            while (moved < 200 && System.currentTimeMillis() < end) {
                ConsumerRecords<byte[], byte[]> records = consumer.poll(POLL);
                if (records.isEmpty()) {
                    continue;
                }
                producer.beginTransaction();
                Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
                for (ConsumerRecord<byte[], byte[]> record : records) {
                    producer.send(new ProducerRecord<>(output, record.value()));
                    offsets.put(new TopicPartition(record.topic(), record.partition()), new OffsetAndMetadata(record.offset() + 1));
                    moved++;
                }
                producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
                producer.commitTransaction();
            }
        }
        System.out.println("moved " + describe(read(output, group + "-moved", "read_committed", 200)));
    }

    /** Two consumers share the partitions of a topic; after one has left, the other has all of them. */
    private static void rebalance(String topic, String group, String protocol) {
        Map<String, String> settings = new HashMap<>();
        if (!protocol.equals("classic")) {
            settings.put("group.protocol", protocol);
        }
        try (Consumer<byte[], byte[]> first = consumer(group, settings)) {
            first.subscribe(List.of(topic));
            int all = first.partitionsFor(topic).size();
            until(List.of(first), () -> first.assignment().size() == all);
            System.out.println("alone " + first.assignment().size());
            try (Consumer<byte[], byte[]> second = consumer(group, settings)) {
                second.subscribe(List.of(topic));
                List<Consumer<byte[], byte[]>> both = List.of(first, second);
                until(both, () -> !first.assignment().isEmpty() && !second.assignment().isEmpty()
                        && first.assignment().size() + second.assignment().size() == all);
                boolean disjoint = Collections.disjoint(first.assignment(), second.assignment());
                System.out.println("together " + all + (disjoint ? " disjoint" : " overlapping"));
            }
            until(List.of(first), () -> first.assignment().size() == all);
            System.out.println("alone again " + first.assignment().size());
        }
    }

    /** What a client without rights sees, as the names of exceptions; it may read the last topic, but in no such group. */
    @SuppressWarnings("removal") // The successor of listConsumerGroups is missing in 3.9.
    private static void refusals(String topic, String group, String id, String readable) throws Exception {
        refusal("produce", () -> {
            try (Producer<byte[], byte[]> producer = producer(Map.of())) {
                producer.send(new ProducerRecord<>(topic, new byte[1])).get();
            }
        });
        refusal("transaction", () -> {
            try (Producer<byte[], byte[]> producer = producer(Map.of("transactional.id", id))) {
                producer.initTransactions();
            }
        });
        refusal("assign", () -> {
            try (Consumer<byte[], byte[]> consumer = consumer(group, Map.of())) {
                consumer.assign(List.of(new TopicPartition(topic, 0)));
                consumer.seekToBeginning(consumer.assignment());
                pollUntilError(consumer);
            }
        });
        refusal("group", () -> {
            try (Consumer<byte[], byte[]> consumer = consumer(group, Map.of())) {
                consumer.subscribe(List.of(readable));
                pollUntilError(consumer);
            }
        });
        try (Admin admin = Admin.create(settings(Map.of()))) {
            refusal("create topic", () -> admin.createTopics(List.of(new NewTopic("new-" + topic, 1, (short) 1))).all().get());
            refusal("delete topic", () -> admin.deleteTopics(List.of(topic)).all().get());
            refusal("describe topic", () -> admin.describeTopics(List.of(topic)).allTopicNames().get());
            refusal("describe group", () -> admin.describeConsumerGroups(List.of(group)).all().get());
            refusal("delete group", () -> admin.deleteConsumerGroups(List.of(group)).all().get());
            refusal("delete records", () -> admin.deleteRecords(
                    Map.of(new TopicPartition(topic, 0), RecordsToDelete.beforeOffset(0))).all().get());
            System.out.println("list topics: " + admin.listTopics().names().get());
            System.out.println("list groups: " + admin.listConsumerGroups().all().get().size());
        }
    }

    private interface Attempt {
        void run() throws Exception;
    }

    private static void refusal(String what, Attempt attempt) {
        try {
            attempt.run();
            System.out.println(what + ": allowed");
        } catch (Throwable error) {
            Throwable cause = error instanceof ExecutionException ? error.getCause() : error;
            System.out.println(what + ": " + cause.getClass().getSimpleName());
        }
    }

    private static void pollUntilError(Consumer<byte[], byte[]> consumer) {
        long end = System.currentTimeMillis() + PATIENCE_MILLIS;
        while (System.currentTimeMillis() < end) {
            consumer.poll(POLL);
        }
    }

    private static List<String> read(String topic, String group, String isolation, int count) {
        List<String> values = new ArrayList<>();
        try (Consumer<byte[], byte[]> consumer = consumer(group, Map.of("isolation.level", isolation))) {
            consumer.subscribe(List.of(topic));
            long end = System.currentTimeMillis() + PATIENCE_MILLIS;
            while (values.size() < count && System.currentTimeMillis() < end) {
                consumer.poll(POLL).forEach(record -> values.add(new String(record.value())));
            }
        }
        return values;
    }

    private static String describe(List<String> values) {
        long aborted = values.stream().filter(value -> value.startsWith("aborted")).count();
        return values.size() + ", distinct " + new HashSet<>(values).size() + ", aborted " + aborted;
    }

    private interface Condition {
        boolean holds();
    }

    private static void until(List<Consumer<byte[], byte[]>> consumers, Condition condition) {
        long end = System.currentTimeMillis() + PATIENCE_MILLIS;
        while (!condition.holds()) {
            if (System.currentTimeMillis() > end) {
                throw new IllegalStateException("the partitions were not assigned in time");
            }
            consumers.forEach(consumer -> consumer.poll(POLL));
        }
    }

    private static Producer<byte[], byte[]> producer(Map<String, String> more) {
        return new KafkaProducer<>(settings(more), new ByteArraySerializer(), new ByteArraySerializer());
    }

    private static Consumer<byte[], byte[]> consumer(String group, Map<String, String> more) {
        Properties settings = settings(more);
        settings.putIfAbsent("group.id", group);
        settings.putIfAbsent("auto.offset.reset", "earliest");
        settings.putIfAbsent("enable.auto.commit", "false");
        return new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    private static Properties settings(Map<String, String> more) {
        Properties settings = new Properties();
        settings.putAll(security);
        settings.putAll(more);
        settings.put("bootstrap.servers", bootstrap);
        return settings;
    }

    private static void failOnError(RecordMetadata metadata, Exception error) {
        if (error != null) {
            System.out.println("not sent: " + error);
            System.exit(1);
        }
    }

    private static void digest(Map<Integer, MessageDigest> digests, int partition, byte[] key, byte[] value) throws Exception {
        MessageDigest digest = digests.get(partition);
        if (digest == null) {
            digest = MessageDigest.getInstance("SHA-256");
            digests.put(partition, digest);
        }
        digest.update(new byte[] {(byte) key.length, (byte) value.length});
        digest.update(key);
        digest.update(value);
    }

    private static String text(Map<Integer, MessageDigest> digests) {
        StringBuilder text = new StringBuilder();
        digests.forEach((partition, digest) -> text.append(partition).append(HexFormat.of().formatHex(digest.digest())));
        return text.toString();
    }
}
