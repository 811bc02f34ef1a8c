import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * One cell of the matrix, for every kafka-clients from 0.10 on: what is missing in some of them is reached by reflection, and the
 * stores are JKS, which all of them read. See ../mod.rs for what it is told and what it says.
 */
public class MatrixClient {
    static final int RECORDS = 20;
    static final String PASSWORD = "changeit";

    static String bootstrap;
    static Path folder;
    static String cell;
    static final Map<String, Object> extra = new HashMap<>();

    public static void main(String[] arguments) throws Exception {
        bootstrap = arguments[0];
        folder = arguments[1].equals("-") ? null : Paths.get(arguments[1]);
        cell = arguments[2];
        for (int i = 4; i < arguments.length; i++) {
            String[] setting = arguments[i].split("=", 2);
            extra.put(setting[0], setting[1]);
        }
        String[] codecs = arguments[3].split(",");
        for (String codec : codecs) {
            say("produce " + codec, produce("alice", "a-" + cell, codec, RECORDS));
        }
        say("consume", consume("alice", "a-" + cell, "a-" + cell, RECORDS * codecs.length));
        if (folder != null) {
            say("denied write", produce("bob", "a-" + cell, "none", 1));
            say("denied read", consume("bob", "a-" + cell, "b-" + cell, 1));
            say("denied group", consume("bob", "b-readable", "a-" + cell, 1));
            say("unseen write", produce("carol", "a-" + cell, "none", 1));
            say("unseen read", consume("carol", "a-" + cell, "c-" + cell, 1));
        }
        System.out.flush();
        System.exit(0);
    }

    static void say(String step, String outcome) {
        System.out.println(step + ": " + outcome);
    }

    static String produce(String who, String topic, String codec, int count) throws Exception {
        Map<String, Object> settings = settings(who);
        settings.put("compression.type", codec);
        settings.put("acks", "all");
        settings.put("linger.ms", 5);
        settings.put("key.serializer", "org.apache.kafka.common.serialization.StringSerializer");
        settings.put("value.serializer", "org.apache.kafka.common.serialization.StringSerializer");
        settings.putAll(extra);
        KafkaProducer<String, String> producer = new KafkaProducer<>(settings);
        try {
            java.util.List<java.util.concurrent.Future<?>> sent = new java.util.ArrayList<>();
            for (int i = 0; i < count; i++) {
                sent.add(producer.send(new ProducerRecord<>(topic, codec + i, codec + " " + i + " " + "x".repeat(200))));
            }
            for (java.util.concurrent.Future<?> one : sent) one.get();
            return String.valueOf(count);
        } catch (ExecutionException e) {
            return e.getCause().getClass().getSimpleName();
        } catch (RuntimeException e) {
            return name(e);
        } finally {
            producer.close();
        }
    }

    static String consume(String who, String topic, String group, int count) throws Exception {
        Map<String, Object> settings = settings(who);
        settings.put("group.id", group);
        settings.put("auto.offset.reset", "earliest");
        settings.put("enable.auto.commit", "false");
        settings.put("key.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
        settings.put("value.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
        KafkaConsumer<String, String> consumer = new KafkaConsumer<>(settings);
        Set<String> seen = new HashSet<>();
        try {
            consumer.subscribe(Collections.singletonList(topic));
            long end = System.nanoTime() + 40_000_000_000L;
            while (seen.size() < count) {
                if (System.nanoTime() > end) return "only " + seen.size() + " of " + count + " in time";
                for (ConsumerRecord<String, String> record : poll(consumer)) seen.add(record.value());
            }
            consumer.commitSync();
            return String.valueOf(seen.size());
        } catch (RuntimeException e) {
            return name(e);
        } finally {
            try {
                consumer.close();
            } catch (RuntimeException e) {
                // What there is to say has been said.
            }
        }
    }

    /** poll(long) is gone in 4.0, poll(Duration) is new in 2.0. */
    @SuppressWarnings("unchecked")
    static ConsumerRecords<String, String> poll(KafkaConsumer<String, String> consumer) throws Exception {
        try {
            try {
                Method poll = KafkaConsumer.class.getMethod("poll", java.time.Duration.class);
                return (ConsumerRecords<String, String>) poll.invoke(consumer, java.time.Duration.ofMillis(200));
            } catch (NoSuchMethodException e) {
                Method poll = KafkaConsumer.class.getMethod("poll", long.class);
                return (ConsumerRecords<String, String>) poll.invoke(consumer, 200L);
            }
        } catch (java.lang.reflect.InvocationTargetException e) {
            throw (RuntimeException) e.getCause();
        }
    }

    static String name(RuntimeException e) {
        Throwable cause = e.getClass() == org.apache.kafka.common.KafkaException.class && e.getCause() != null ? e.getCause() : e;
        return cause.getClass().getSimpleName();
    }

    static Map<String, Object> settings(String who) throws Exception {
        Map<String, Object> settings = new HashMap<>();
        settings.put("bootstrap.servers", bootstrap);
        settings.put("client.id", "java-" + who);
        if (folder == null) return settings;
        settings.put("security.protocol", "SSL");
        settings.put("ssl.endpoint.identification.algorithm", "HTTPS");
        settings.put("ssl.keystore.type", "JKS");
        settings.put("ssl.truststore.type", "JKS");
        settings.put("ssl.keystore.location", keys(who));
        settings.put("ssl.truststore.location", trusted());
        settings.put("ssl.keystore.password", PASSWORD);
        settings.put("ssl.key.password", PASSWORD);
        settings.put("ssl.truststore.password", PASSWORD);
        return settings;
    }

    static String keys(String who) throws Exception {
        String pem = new String(Files.readAllBytes(folder.resolve(who + ".key")), StandardCharsets.US_ASCII);
        byte[] der = Base64.getMimeDecoder().decode(pem.replaceAll("-----[A-Z ]+-----", ""));
        PrivateKey key = KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(der));
        KeyStore store = KeyStore.getInstance("JKS");
        store.load(null, null);
        store.setKeyEntry(who, key, PASSWORD.toCharArray(), new Certificate[] {certificate(who + ".crt"), certificate("ca.pem")});
        return save(store);
    }

    static String trusted() throws Exception {
        KeyStore store = KeyStore.getInstance("JKS");
        store.load(null, null);
        store.setCertificateEntry("ca", certificate("ca.pem"));
        return save(store);
    }

    static Certificate certificate(String file) throws Exception {
        try (InputStream stream = new FileInputStream(folder.resolve(file).toFile())) {
            return CertificateFactory.getInstance("X.509").generateCertificate(stream);
        }
    }

    static String save(KeyStore store) throws Exception {
        Path file = Files.createTempFile(folder, "store", ".jks");
        try (OutputStream stream = new FileOutputStream(file.toFile())) {
            store.store(stream, PASSWORD.toCharArray());
        }
        return file.toString();
    }
}
