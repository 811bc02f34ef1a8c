import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Runs kafka-acls once for each line of a file, whose words are separated by tabs. Prints for each run a line with a record
 * separator, the exit code, and what the tool wrote to standard output. One machine for many runs: starting it takes longer
 * than any of them.
 */
public final class AclCommands {
    private static final class Ended extends Error {
        final int code;

        Ended(int code) {
            this.code = code;
        }
    }

    /** Scala keeps the first standard output that it sees, so that this one must last. */
    private static final class Switch extends OutputStream {
        ByteArrayOutputStream to = new ByteArrayOutputStream();

        @Override
        public void write(int octet) {
            to.write(octet);
        }
    }

    private static int code;

    public static void main(String[] arguments) throws Exception {
        PrintStream result = System.out;
        Switch output = new Switch();
        System.setOut(new PrintStream(output, true, StandardCharsets.UTF_8));
        catchExits();
        Method tool = of("org.apache.kafka.tools.AclCommand", "kafka.admin.AclCommand")
            .getMethod("main", String[].class);
        for (String line : Files.readAllLines(Path.of(arguments[2]))) {
            List<String> words = new ArrayList<>(
                List.of("--bootstrap-server", arguments[0], "--command-config", arguments[1]));
            words.addAll(Arrays.asList(line.split("\t")));
            output.to = new ByteArrayOutputStream();
            code = 0;
            try {
                tool.invoke(null, (Object) words.toArray(new String[0]));
            } catch (InvocationTargetException thrown) {
                if (!(thrown.getCause() instanceof Ended)) {
                    throw thrown;
                }
            }
            result.println("\u001e" + code);
            result.print(output.to.toString(StandardCharsets.UTF_8));
            result.flush();
        }
    }

    /** The tool catches what is thrown; the first exit is the one that counts. */
    private static void catchExits() throws Exception {
        Class<?> exit =
            of("org.apache.kafka.common.utils.internals.Exit", "org.apache.kafka.common.utils.Exit");
        Class<?> procedure = Class.forName(exit.getName() + "$Procedure");
        Object caught = Proxy.newProxyInstance(
            procedure.getClassLoader(), new Class<?>[] {procedure}, (proxy, method, values) -> {
                int status = (int) values[0];
                code = code == 0 ? status : code;
                throw new Ended(status);
            });
        exit.getMethod("setExitProcedure", procedure).invoke(null, caught);
    }

    private static Class<?> of(String newer, String older) throws ClassNotFoundException {
        try {
            return Class.forName(newer);
        } catch (ClassNotFoundException unknown) {
            return Class.forName(older);
        }
    }
}
