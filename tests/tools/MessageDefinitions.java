import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;

/**
 * Prints the message definitions inside kafka-clients jars, as tests/data/kafka-messages.txt has them.
 *
 * <pre>java -cp 'target/kafka/4.4.0/*' tests/tools/MessageDefinitions.java OLD.jar NEW.jar</pre>
 *
 * A version that NEW has is taken from NEW, an older one of the same API from OLD: Kafka 4 dropped versions that
 * clients of before still speak. With one jar, its versions are all there is.
 */
public class MessageDefinitions {
    private static final ObjectMapper JSON = new ObjectMapper().configure(JsonParser.Feature.ALLOW_COMMENTS, true);

    /** An inclusive range of versions, which is empty if it ends before it begins. */
    record Span(int first, int last) {
        static final Span NONE = new Span(1, 0);

        static Span parse(JsonNode text, Span within) {
            if (text == null || text.asText().equals("none")) {
                return NONE;
            }
            String[] ends = text.asText().split("-|(?=\\+)");
            int first = Integer.parseInt(ends[0]);
            int last = ends.length == 1 ? first : ends[1].equals("+") ? within.last : Integer.parseInt(ends[1]);
            return new Span(Math.max(first, within.first), Math.min(last, within.last));
        }

        boolean isEmpty() {
            return last < first;
        }

        @Override
        public String toString() {
            return first == last ? "" + first : first + "-" + last;
        }
    }

    public static void main(String[] jars) throws Exception {
        System.out.println("# Derived from the message definitions of Apache Kafka, which is licensed under the Apache License,");
        System.out.println("# Version 2.0; Copyright The Apache Software Foundation. Made by tests/tools/MessageDefinitions.java.");
        List<Map<String, JsonNode>> definitions = new ArrayList<>();
        for (String jar : jars) {
            definitions.add(read(jar));
        }
        Map<String, JsonNode> newest = definitions.get(definitions.size() - 1);
        for (Map.Entry<String, JsonNode> entry : newest.entrySet()) {
            Span span = valid(entry.getValue());
            JsonNode old = definitions.get(0).get(entry.getKey());
            if (span.isEmpty()) {
                continue;
            }
            if (definitions.size() > 1 && old != null) {
                JsonNode request = definitions.get(0).get(entry.getKey().replace("response", "request"));
                Span dropped = new Span(valid(old).first, Math.min(span.first - 1, stable(request)));
                if (!dropped.isEmpty()) {
                    show(old, dropped, jars[0]);
                }
            }
            show(entry.getValue(), span, jars[jars.length - 1]);
        }
    }

    /** The definitions by key, a request before its response. */
    private static Map<String, JsonNode> read(String path) throws Exception {
        Map<String, JsonNode> found = new TreeMap<>();
        try (JarFile jar = new JarFile(path)) {
            for (JarEntry entry : (Iterable<JarEntry>) jar.stream()::iterator) {
                if (entry.getName().matches("common/message/\\w+(Request|Response)\\.json")) {
                    JsonNode message = JSON.readTree(jar.getInputStream(entry));
                    found.put(String.format("%04d %s", message.get("apiKey").asInt(), message.get("type")), message);
                }
            }
        }
        return found;
    }

    private static Span valid(JsonNode message) {
        return Span.parse(message.get("validVersions"), new Span(0, Short.MAX_VALUE));
    }

    /** The last version that is not under development: what such a version of an old release was is of no use. */
    private static int stable(JsonNode request) {
        return valid(request).last - (request.path("latestVersionUnstable").asBoolean() ? 1 : 0);
    }

    private static void show(JsonNode message, Span span, String jar) {
        String type = message.get("type").asText();
        String name = message.get("name").asText();
        StringBuilder line = new StringBuilder();
        line.append(message.get("apiKey").asInt()).append(' ');
        line.append(name, 0, name.length() - type.length()).append(' ');
        line.append(type).append(' ').append(span);
        Span flexible = Span.parse(message.get("flexibleVersions"), new Span(0, Short.MAX_VALUE));
        if (!flexible.isEmpty()) {
            line.append(" flexible ").append(flexible.first);
        }
        if (message.path("latestVersionUnstable").asBoolean()) {
            line.append(" unstable ").append(span.last);
        }
        line.append(" kafka ").append(jar.replaceAll(".*kafka-clients-(\\d+\\.\\d+).*\\.jar", "$1"));
        if (message.has("listeners")) {
            line.append(" listeners");
            for (JsonNode listener : message.get("listeners")) {
                line.append(listener.asText().equals("zkBroker") ? "" : " " + listener.asText());
            }
        }
        System.out.println(line);
        Map<String, JsonNode> structs = new HashMap<>();
        if (message.has("commonStructs")) {
            message.get("commonStructs").forEach(struct -> structs.put(struct.get("name").asText(), struct.get("fields")));
        }
        show(message.get("fields"), structs, span, "  ");
    }

    private static void show(JsonNode fields, Map<String, JsonNode> structs, Span outer, String indent) {
        for (JsonNode field : fields) {
            Span span = Span.parse(field.get("versions"), outer);
            if (span.isEmpty()) {
                continue;
            }
            String type = field.get("type").asText();
            StringBuilder line = new StringBuilder(indent).append(field.get("name").asText()).append(' ').append(type);
            if (!span.equals(outer)) {
                line.append(" in ").append(span);
            }
            Span nullable = Span.parse(field.get("nullableVersions"), span);
            if (!nullable.isEmpty()) {
                line.append(" null").append(nullable.equals(span) ? "" : " " + nullable);
            }
            if (field.has("tag")) {
                if (!Span.parse(field.get("taggedVersions"), span).equals(span)) {
                    throw new IllegalStateException(field + " is tagged in some versions only");
                }
                line.append(" tag ").append(field.get("tag").asInt());
            }
            String value = field.path("default").asText().replaceFirst("^0x7fffffff$", "2147483647");
            if (!value.isEmpty() && !value.equals("0") && !value.equals("false")) {
                line.append(" = ").append(value);
            }
            if (field.path("ignorable").asBoolean()) {
                line.append(" ignorable");
            }
            if (field.has("entityType")) {
                line.append(" @").append(field.get("entityType").asText());
            }
            System.out.println(line);
            String struct = type.replaceFirst("^\\[\\]", "");
            if (Character.isUpperCase(struct.charAt(0))) {
                JsonNode own = field.get("fields");
                show(own == null || own.isEmpty() ? structs.get(struct) : own, structs, span, indent + "  ");
            }
        }
    }
}
