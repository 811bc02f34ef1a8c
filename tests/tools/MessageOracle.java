import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.ObjectSerializationCache;

/**
 * Reads messages with Kafka's own classes and writes them again, perhaps in another version.
 *
 * <pre>java -cp 'target/kafka/4.4.0/*' tests/tools/MessageOracle.java QUESTIONS ANSWERS</pre>
 *
 * A question is a line <code>key request|response version version hex</code>. Its answer is one of
 * <pre>
 * ok hex             what Kafka writes
 * trailing hex       the same, of a message that did not use up its bytes
 * unknown            this Kafka has no such version
 * unread exception   Kafka cannot read the message
 * unwritten exception   Kafka cannot write it in the second version
 * </pre>
 */
public class MessageOracle {
    private static final HexFormat HEX = HexFormat.of();

    public static void main(String[] files) throws Exception {
        try (BufferedReader questions = Files.newBufferedReader(Path.of(files[0]));
                BufferedWriter answers = Files.newBufferedWriter(Path.of(files[1]))) {
            for (String question; (question = questions.readLine()) != null; ) {
                answers.write(answer(question.split(" ", -1)));
                answers.newLine();
            }
        }
    }

    private static String answer(String[] question) {
        ApiMessageType api = ApiMessageType.fromApiKey(Short.parseShort(question[0]));
        ApiMessage message = question[1].equals("request") ? api.newRequest() : api.newResponse();
        short from = Short.parseShort(question[2]);
        short to = Short.parseShort(question[3]);
        if (Math.min(from, to) < message.lowestSupportedVersion() || Math.max(from, to) > message.highestSupportedVersion()) {
            return "unknown";
        }
        ByteBuffer body = ByteBuffer.wrap(HEX.parseHex(question[4]));
        try {
            message.read(new ByteBufferAccessor(body), from);
        } catch (Exception | OutOfMemoryError e) {
            return "unread " + e.getClass().getSimpleName();
        }
        try {
            ObjectSerializationCache cache = new ObjectSerializationCache();
            ByteBuffer out = ByteBuffer.allocate(message.size(cache, to));
            message.write(new ByteBufferAccessor(out), cache, to);
            return (body.hasRemaining() ? "trailing " : "ok ") + HEX.formatHex(out.array(), 0, out.position());
        } catch (Exception e) {
            return "unwritten " + e.getClass().getSimpleName();
        }
    }
}
