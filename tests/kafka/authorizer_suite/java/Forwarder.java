import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;

/**
 * Lends one certificate to whoever connects in plaintext, and passes the bytes on over TLS. Kafka's suites open bare sockets and
 * say by the listener who they are; behind a port of this kind they are the same to doorkeeper.
 */
final class Forwarder implements AutoCloseable {
    /** A consumer has three connections, and in one of the suites half a second in which to join its group. */
    private static final int SPARE = 3;

    private final ServerSocket server;
    private final InetSocketAddress target;
    private final SSLContext identity;
    private final Queue<Way> spare = new ConcurrentLinkedQueue<>();
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();

    /** Listens on a free port of 127.0.0.1; the same port of {@code target} is where it leads. */
    Forwarder(String target, SSLContext identity) throws IOException {
        this.server = new ServerSocket(0, 1024, InetAddress.getByName("127.0.0.1"));
        this.target = new InetSocketAddress(InetAddress.getByName(target), server.getLocalPort());
        this.identity = identity;
        spawn(this::accept);
    }

    int port() {
        return server.getLocalPort();
    }

    /** Has a few handshakes done before anybody waits for them: this JVM and its brokers are slow at them, and tests in a hurry. */
    void prepare() {
        for (int count = 0; count < SPARE; count++) {
            spawn(this::prepareOne);
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
        open.forEach(Forwarder::end);
    }

    private void accept() {
        while (true) {
            try {
                Socket client = server.accept();
                spawn(() -> serve(client));
            } catch (IOException closed) {
                return;
            }
        }
    }

    private void serve(Socket client) {
        try {
            track(client);
            Way way = spare.poll();
            if (way == null) {
                way = new Way();
            } else {
                spawn(this::prepareOne);
            }
            way.lead(client);
        } catch (IOException refused) {
            // The client sees its connection end, as it would without anything in between.
        } finally {
            end(client);
            open.remove(client);
        }
    }

    private void prepareOne() {
        try {
            spare.add(new Way());
        } catch (IOException refused) {
            // Whoever needs it will see.
        }
    }

    private void track(Socket socket) throws IOException {
        open.add(socket);
        // What begins while all of this ends would otherwise stay open.
        if (server.isClosed()) {
            end(socket);
        }
        socket.setTcpNoDelay(true);
    }

    /** A connection to doorkeeper, for a client that may still have to come. */
    private final class Way {
        private final SSLSocket door = (SSLSocket) identity.getSocketFactory().createSocket();
        private final CompletableFuture<Socket> client = new CompletableFuture<>();

        Way() throws IOException {
            track(door);
            door.connect(target);
            door.startHandshake();
            spawn(this::answer);
        }

        void lead(Socket from) throws IOException {
            client.complete(from);
            try {
                from.getInputStream().transferTo(door.getOutputStream());
            } finally {
                end(door);
            }
        }

        /** Both directions end with the first: Kafka knows no half-closed connections. */
        private void answer() {
            byte[] bytes = new byte[64 * 1024];
            try {
                InputStream input = door.getInputStream();
                for (int count = input.read(bytes); count >= 0; count = input.read(bytes)) {
                    // Nobody is spoken to before he has spoken, so there is a client.
                    OutputStream output = client.join().getOutputStream();
                    output.write(bytes, 0, count);
                }
            } catch (IOException ended) {
                // As below.
            }
            spare.remove(this);
            client.thenAccept(Forwarder::end);
            end(door);
            open.remove(door);
        }
    }

    private static void end(Socket socket) {
        try {
            socket.close();
        } catch (IOException already) {
            // Then it is closed.
        }
    }

    private static void spawn(Runnable work) {
        Thread thread = new Thread(work, "forwarder");
        thread.setDaemon(true);
        thread.start();
    }
}
