import java.io.PrintStream;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.metrics.internals.PluginMetricsImpl;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.security.auth.KafkaPrincipal;
import org.apache.kafka.common.security.auth.SecurityProtocol;
import org.apache.kafka.metadata.authorizer.StandardAcl;
import org.apache.kafka.metadata.authorizer.StandardAuthorizer;
import org.apache.kafka.server.authorizer.Action;
import org.apache.kafka.server.authorizer.AuthorizableRequestContext;
import org.apache.kafka.server.authorizer.internals.CidrUtils;

/**
 * Writes tests/data/acl-decisions.tsv: what Kafka's own StandardAuthorizer decides. Needs the jars of kafka-clients,
 * kafka-metadata, kafka-server-common, pcollections and slf4j-api on the class path:
 *
 *     java -cp 'jars/*' tests/tools/AclDecisions.java > tests/data/acl-decisions.tsv
 *
 * Lines, with tabs and texts as JSON strings:
 *     scenario, super users, allow.everyone.if.no.acl.found     ends the bindings before it
 *     acl, type, name, pattern, principal, host, operation, permission
 *     ask, principal, address, operation, type, name, then the number of the acl that decides, or SuperUser, DefaultAllow, DefaultDeny
 *     text, the rule of the question before it, as in the audit log
 *     any, principal, address, operation, type, ALLOWED or DENIED     authorizeByResourceType
 *     network, host of a binding, one 0 or 1 for each of the addresses, then "valid" or "invalid"
 *     addresses, and the addresses of the network lines
 */
public class AclDecisions {
    static final PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    static final ResourceType[] TYPES = {ResourceType.TOPIC, ResourceType.TOPIC, ResourceType.TOPIC, ResourceType.GROUP, ResourceType.CLUSTER, ResourceType.TRANSACTIONAL_ID, ResourceType.USER, ResourceType.DELEGATION_TOKEN};
    // No name begins with a character below the asterisk: Kafka's scan may spin or throw on those.
    static final String[] NAMES = {"*", "*", "*", "a", "ab", "abc", "abd", "b", "ba", "*a", "**", "hardcode", "hard", "kafka-cluster", "\u00fc", "\u00fcb", "\uffff", "\uffffa", "\ud83d\ude00", "\ud83d\ude00a", "a\ud83d\ude00", "a\uffff"};
    static final String[] PRINCIPALS = {"User:a", "User:a", "User:b", "User:*", "User:*", "Group:*", "User:", "Group:a", "User:a:b"};
    // Of a client that is itself called User:*, Kafka makes an exception.
    static final String[] CLIENTS = {"User:a", "User:a", "User:b", "User:c", "Group:*", "User:", "Group:a", "User:a:b"};
    static final String[] HOSTS = {"*", "*", "*", "10.0.0.1", "10.0.0.2", "10.0.0.0/8", "10.1.2.3/8", "10.0.0.0/31", "0.0.0.0/0", "::/0", "fe80::/10", "0:0:0:0:0:0:0:1", "::1", "10.0.0.0/33", "ab/c", "::ffff:10.0.0.1"};
    static final String[] ADDRESSES = {"10.0.0.1", "10.0.0.1", "10.0.0.2", "11.0.0.1", "::1", "2001:db8::1", "::ffff:10.0.0.1", "0.0.0.0", "fe80::1", "10.255.255.255"};

    public static void main(String[] arguments) throws Exception {
        out.println("# Made by tests/tools/AclDecisions.java with Kafka 4.4.0 on Java " + System.getProperty("java.version"));
        Random random = new Random(77);
        for (int i = 0; i < 110; i++) scenario(random, i);
        networks();
        out.flush();
    }

    static <T> T pick(Random random, T[] from) { return from[random.nextInt(from.length)]; }

    static String[] some(Random random, String[] from, int count) {
        String[] chosen = new String[count];
        for (int i = 0; i < count; i++) chosen[i] = pick(random, from);
        return chosen;
    }

    static AclOperation operation(Random random) {
        AclOperation[] all = {AclOperation.ALL, AclOperation.READ, AclOperation.READ, AclOperation.WRITE, AclOperation.WRITE, AclOperation.CREATE, AclOperation.DELETE, AclOperation.ALTER, AclOperation.DESCRIBE, AclOperation.DESCRIBE,
            AclOperation.CLUSTER_ACTION, AclOperation.DESCRIBE_CONFIGS, AclOperation.ALTER_CONFIGS, AclOperation.IDEMPOTENT_WRITE, AclOperation.CREATE_TOKENS, AclOperation.DESCRIBE_TOKENS, AclOperation.TWO_PHASE_COMMIT};
        return pick(random, all);
    }

    static void scenario(Random random, int number) throws Exception {
        Set<StandardAcl> chosen = new LinkedHashSet<>();
        ResourceType main = pick(random, TYPES);
        // Few words a scenario, so that bindings and questions meet.
        String[] names = some(random, NAMES, 4);
        String[] principals = {pick(random, CLIENTS), pick(random, CLIENTS), "User:*", pick(random, PRINCIPALS)};
        String[] clients = {principals[0], principals[1]};
        String[] hosts = {"*", "*", "*", pick(random, HOSTS), pick(random, HOSTS)};
        String[] addresses = some(random, ADDRESSES, 2);
        AclOperation[] operations = {operation(random), operation(random), operation(random), AclOperation.ALL};
        for (int i = random.nextInt(20); i > 0; i--) {
            chosen.add(new StandardAcl(random.nextInt(4) == 0 ? pick(random, TYPES) : main, pick(random, names), random.nextInt(5) < 2 ? PatternType.PREFIXED : PatternType.LITERAL,
                pick(random, principals), pick(random, hosts), pick(random, operations), random.nextInt(3) == 0 ? AclPermissionType.DENY : AclPermissionType.ALLOW));
        }
        List<StandardAcl> acls = new ArrayList<>(chosen);
        String superUsers = random.nextInt(12) == 0 ? "User:a" : "User:root";
        boolean open = random.nextInt(3) == 0;
        StandardAuthorizer authorizer = new StandardAuthorizer();
        Map<String, Object> configs = new HashMap<>();
        configs.put("super.users", superUsers);
        configs.put("allow.everyone.if.no.acl.found", String.valueOf(open));
        configs.put("node.id", "1");
        authorizer.configure(configs);
        authorizer.withPluginMetrics(new PluginMetricsImpl(new Metrics(), Map.of()));
        authorizer.completeInitialLoad();
        for (StandardAcl acl : acls) {
            authorizer.addAcl(Uuid.randomUuid(), acl);
            out.println(String.join("\t", "acl", acl.resourceType().name(), json(acl.resourceName()), acl.patternType().name(), json(acl.principal()), json(acl.host()), acl.operation().name(), acl.permissionType().name()));
        }
        out.println("scenario\t" + json(superUsers) + "\t" + open);
        for (int i = 0; i < 22; i++) {
            String principal = pick(random, clients);
            InetAddress address = InetAddress.getByName(pick(random, addresses));
            Action action = new Action(random.nextInt(4) == 0 ? operation(random) : pick(random, operations), new ResourcePattern(random.nextInt(8) == 0 ? pick(random, TYPES) : main, pick(random, random.nextInt(4) == 0 ? NAMES : names) + (random.nextInt(6) == 0 ? "z" : ""), PatternType.LITERAL), 1, true, true);
            Context context = new Context(principal, address);
            Object rule = rule(authorizer, context, action);
            int decider = -1;
            for (int j = 0; j < acls.size(); j++) if (rule.toString().contains("acl=" + acls.get(j) + ")")) decider = j;
            String told = decider >= 0 ? String.valueOf(decider) : rule.toString();
            out.println(String.join("\t", "ask", json(principal), address.getHostAddress(), action.operation().name(), action.resourcePattern().resourceType().name(), json(action.resourcePattern().name()), told));
            if (number % 20 == 0) out.println("text\t" + json(rule.toString()));
        }
        for (int i = 0; i < 10; i++) {
            String principal = pick(random, clients);
            InetAddress address = InetAddress.getByName(pick(random, addresses));
            AclOperation operation = pick(random, operations);
            if (operation == AclOperation.ALL) continue;
            ResourceType type = random.nextInt(8) == 0 ? pick(random, TYPES) : main;
            out.println(String.join("\t", "any", json(principal), address.getHostAddress(), operation.name(), type.name(), authorizer.authorizeByResourceType(new Context(principal, address), operation, type).name()));
        }
    }

    /** The rule that StandardAuthorizerData.authorize would write to the audit log. */
    static Object rule(StandardAuthorizer authorizer, Context context, Action action) throws Exception {
        Field field = StandardAuthorizer.class.getDeclaredField("data");
        field.setAccessible(true);
        Object data = field.get(authorizer);
        Method superUsers = data.getClass().getDeclaredMethod("superUsers");
        superUsers.setAccessible(true);
        String rule;
        if (((Set<?>) superUsers.invoke(data)).contains(context.principal().toString())) {
            rule = "SuperUser";
        } else {
            Method find = data.getClass().getDeclaredMethod("findAclRule", Set.class, String.class, Action.class);
            find.setAccessible(true);
            KafkaPrincipal everybody = new KafkaPrincipal("User", "*");
            Set<KafkaPrincipal> principals = new LinkedHashSet<>(List.of(context.principal(), everybody));
            rule = find.invoke(data, principals, context.clientAddress().getHostAddress(), action).toString();
        }
        boolean allowed = authorizer.authorize(context, List.of(action)).get(0).name().equals("ALLOWED");
        boolean says = rule.equals("SuperUser") || rule.equals("DefaultAllow") || rule.contains("permissionType=ALLOW");
        if (allowed != says) throw new IllegalStateException(rule + " but " + allowed);
        return rule;
    }

    static void networks() throws Exception {
        String[] addresses = {"0.0.0.0", "0.0.0.1", "10.0.0.0", "10.0.0.1", "10.1.2.3", "10.255.255.255", "11.0.0.0", "127.0.0.1", "192.168.1.7", "255.255.255.255",
            "::", "::1", "::a00:1", "2001:db8::", "2001:db8::1", "2001:db8:1::", "2001:db9::", "fe80::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"};
        out.println("addresses\t" + String.join("\t", addresses));
        for (String host : List.of("10.0.0.0/8", "10.1.2.3/8", "010.0.0.0/08", "10.0.0.0/0", "0.0.0.0/0", "0.0.0.0/32", "0.0.0.0/31", "0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/30", "10.0.0.0/31", "10.0.0.1/31", "10.0.0.1/32", "10.0.0.1/032", "10.0.0.0/33", "10.0.0.0/99", "10.0.0.0/", "10.0.0.0/a",
                "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8", "10.0.0.0/255.0.0.0", " 10.0.0.0/8", "10.0.0.0/8 ", "10.0.0.0 /8", "10.0.0/8", "10/8", "10.0.0.0.0/8", "256.0.0.0/8", "999.0.0.0/8", "0010.0.0.0/8", "0x0a.0.0.0/8", "a.b.c.d/8", "host/8", "/8", "/", "\u0661.0.0.0/8",
                "::/0", "::1/0", "::/1", "8000::/1", "::1/128", "::1/127", "::/128", "::/129", "::/-1", "::/-0", "::/+32", "::/032", "::/0000000000128", "::/99999999999", "::/", "::/a", "::/ 8", "::/8/8", " ::/8", "2001:db8::/32", "2001:DB8::/32", "2001:db8:ffff::/32", "2001:db8::/33", "2001:0db8:0000::0001/32", "2001:00db8::/32", "[2001:db8::]/32", "[2001:db8::/32]", "[2001:db8::/32", "2001:db8::]/32",
                "2001:db8::%1/32", "fe80::%1/10", "fe80::/10", "fe80::%0/10", "fe80::%/10", "fe80::%no-such-interface/10", "2001:db8::%no-such-interface/32", "::10.0.0.0/104", "::10.0.0.1/128", "::010.0.0.1/128", "::ffff:10.0.0.0/104", "::ffff:0:0/96", "0:0:0:0:0:ffff:a00:0/104", "1:2:3:4:5:6:7:8/16", "1:2:3:4:5:6:7/16", "1:2:3:4:5:6:7:8:9/16", "1::2::3/16", ":::/16", ":1/16", "1:/16", "1:2:3:4:5:6:7::/16", "::2:3:4:5:6:7:8/16", "1::2:3:4:5:6:7:8/16",
                "g::/16", "12345::/16", "::1.2.3/96", "::1.2.3.4.5/96", "::256.0.0.1/96", "1.2.3.4::/96", "10.0.0.0:80/8", ":/8", "::\u0661/8", "host:1/8", "::/\u0661")) {
            StringBuilder bits = new StringBuilder();
            for (String address : addresses) bits.append(CidrUtils.isInRange(InetAddress.getByName(address).getHostAddress(), host) ? '1' : '0');
            String valid = "valid";
            try { CidrUtils.validate(host); } catch (IllegalArgumentException e) { valid = "invalid"; }
            out.println("network\t" + json(host) + "\t" + bits + "\t" + valid);
        }
    }

    record Context(KafkaPrincipal principal, InetAddress clientAddress) implements AuthorizableRequestContext {
        Context(String principal, InetAddress address) {
            this(new KafkaPrincipal(principal.substring(0, principal.indexOf(':')), principal.substring(principal.indexOf(':') + 1)), address);
        }
        public String listenerName() { return "SSL"; }
        public SecurityProtocol securityProtocol() { return SecurityProtocol.SSL; }
        public int requestType() { return 3; }
        public int requestVersion() { return 0; }
        public String clientId() { return "c"; }
        public int correlationId() { return 1; }
    }

    static String json(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') quoted.append('\\').append(c);
            else if (c < 0x20 || c > 0x7e) quoted.append(String.format("\\u%04x", (int) c));
            else quoted.append(c);
        }
        return quoted.append('"').toString();
    }
}
