import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.kafka.common.security.ssl.SslPrincipalMapper;

/**
 * Writes tests/data/mapping-rules.tsv: settings of ssl.principal.mapping.rules and what Kafka's own SslPrincipalMapper makes
 * of some names with each. Needs kafka-clients and slf4j-api:
 *
 *     java -cp kafka-clients-4.4.0.jar:slf4j-api-1.7.36.jar tests/tools/PrincipalMappingRules.java > tests/data/mapping-rules.tsv
 *
 * A line is a setting as a JSON string, and after tabs one result for each name, the names standing in the lines that start
 * with "name": the principal's name as a JSON string, "=" for the name itself, "-" for no matching rule, "!" where Kafka
 * throws, "~" where the result has halves of a surrogate pair. A setting that Kafka refuses has the one result "refused".
 */
public class PrincipalMappingRules {
    static final String[] NAMES = {
        "CN=alice,OU=ServiceUsers,O=Org,C=US",
        "CN=Duke,OU=JavaSoft,O=Sun Microsystems,C=US",
        "CN=kafka-1.example.com",
        "O=Org,CN=Bob+UID=b42",
        "1.2.840.113549.1.9.1=#1605614062,CN=x\\,y\\=z \\ ",
        "",
        "CN=J\u00fcrgen \u0130\u00df\u0661,L=\u039f\u03a3",
        "CN=a/b:c*d\\+e,DC=example,DC=com",
        "CN=line\nbreak,O=x\u2028y",
        "CN=x,OU=y\n",
        "aaaa",
        "CN=\ud83d\ude00,O=\ud83d\ude00x",
    };
    static final PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);

    public static void main(String[] arguments) {
        out.println("# Made by tests/tools/PrincipalMappingRules.java with kafka-clients 4.4.0"
            + " on Java " + System.getProperty("java.version"));
        for (String name : NAMES) out.println("name\t" + json(name));
        crafted();
        patterns();
        replacements();
        Random random = new Random(4711);
        out.println("# random");
        for (int i = 0; i < 900; i++) row(randomRule(random));
        out.println("# random texts");
        for (int i = 0; i < 200; i++) row(randomSetting(random));
        out.flush();
        System.exit(0);
    }

    static void crafted() {
        out.println("# grammar");
        for (String setting : List.of("DEFAULT", "", " ", ",", " , ,", "DEFAULT,", ",DEFAULT", "DEFAULT,DEFAULT", "default", "Default", "DEFAULTX", "DEFAULT DEFAULT", "DEFAULT ,\n DEFAULT", "XDEFAULT", "DEFAULT/L",
                "\u0001DEFAULT", "DEFAULT\u0000", "\u00a0DEFAULT", "RULE:^CN=(.*?),.*$/$1/", "RULE:^CN=(.*?),.*$/$1/,DEFAULT", " RULE:^CN=(.*?),.*$/$1/L , DEFAULT ", "RULE:^CN=(.*?),.*$/$1/U,DEFAULT",
                "RULE:^CN=(.*?),.*$/$1/l", "RULE:^CN=(.*?),.*$/$1/LU", "RULE:^CN=(.*?),.*$/$1/ L", "RULE:^CN=(.*?),.*$/$1/L/", "RULE:^CN=(.*?),.*$/$1", "RULE:^CN=(.*?),.*$", "RULE:", "RULE", "RULE:/", "RULE://", "RULE:///", "RULE:///L",
                "rule:a/b/", "RULE: a/b/", "RULE:a/b/ ", "RULE:.*/x/junk", "RULE:.*/x/ junk", "RULE:.*/x/DEFAULT", "RULE:.*/x/L DEFAULT", "RULE:.*/x/L,,DEFAULT", "RULE:.*/a,b/,DEFAULT", "RULE:^CN=a{1,2}.*$/x/,DEFAULT",
                "RULE:.*/a\\/b/", "RULE:.*a\\/b.*/$0/", "RULE:.*\\\\/x/", "RULE:.*/x\\\\/", "RULE:.*/x\\/", "RULE:.*/\\$1/", "RULE:(.*)/\\$1/", "RULE:(.*)/\\\\$1/", "RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/,RULE:^CN=(.*?),OU=(.*?),O=(.*?),C=(.*?)$/$1@$2/L,DEFAULT",
                "RULE:.*CN=([^,]*).*/$1/U", "RULE:^.*[Cc][Nn]=([a-zA-Z0-9.]*).*$/$1/L,DEFAULT", "RULE:^cn=(.?),ou=(.?),dc=(.?),dc=(.?)$/$1@$2/U", "RULE:^CN=((\\\\, *|\\w)+)(,.*|$)/$1/,DEFAULT",
                "RULE:^CN=(?<name>[^,]+).*$/${name}/", "RULE:^CN=([^,]+)(,.*)?$/$1/L,RULE:^.*UID=(\\w+).*$/$1/", "RULE:^(?i)cn=([^,+]+).*$/$1/", "RULE:CN=(.*?)/$1/", "RULE:CN=([^,]*),.*/$1/", "RULE:[/x/", "RULE:(/x/", "RULE:*/x/", "RULE:a**/x/",
                "RULE:.*/x/,RULE:.*/y/", "RULE:nothing/x/", "RULE:.*/x/\n,DEFAULT", "RULE:^.*$/\n/", "RULE:^\n$/x/,DEFAULT", "DEFAULT,RULE:[/x/", "DEFAULT,junk", "DEFAULT\t,\fDEFAULT\u000b", "RULE:x/y/L,DEFAULT", "RULE:.*/x/L\u00a0", "RULE:.*/x/\u0085")) {
            row(setting);
        }
    }

    static void patterns() {
        out.println("# patterns");
        for (String pattern : List.of(".*", "(.*)", "^(.*)$", "^.*$", ".+", "", "^$", "()", "(|.*)", "(.*|)", ".*?", "(.*?)", "(.*?)(.*)", "^(.*?),(.*)$", "^([^,]*).*$", "^((?:CN|O)=[^,]*).*$", "^(CN|O|OU)=([^,+]*)[,+]?(.*)$",
                "^CN=(\\w+).*$", "^CN=(\\w+)\\W.*$", "^CN=(\\S+).*$", "^(?:.*\\s)?(\\S*)$", "^(\\D*)(\\d*)(.*)$", "^(.*)\\d(.*)$", "^(\\p{Alpha}+)=(.*)$", "^(\\p{Upper}+)(.*)$", "^([\\p{Lower}]*)(.*)$", "^CN=(\\p{L}+)(.*)$", "^CN=(\\p{Lu})(\\p{Ll}*)(.*)$",
                "^CN=(\\P{L}+)(.*)$", "^CN=([^\\p{Lu}]*)(.*)$", "^CN=([\\p{L}\\d.-]*)(.*)$", "^CN=([\\P{L}]*)(.*)$", "^(\\pL*)(.*)$", "^(.*)\\p{Punct}(.*)$", "^([\\p{Alnum}=]*)(.*)$", "^([\\p{ASCII}]*)(.*)$", "^([\\p{Graph}]*)(.*)$", "^([\\p{Print}]*)(.*)$",
                "^([\\p{XDigit}N=]*)(.*)$", "^(.*)([\\p{Space}])(.*)$", "^(.*)([\\p{Blank}])(.*)$", "^(.*)([\\p{Cntrl}])(.*)$", "^([\\p{IsAlphabetic}=]*)(.*)$", "^([\\p{javaLowerCase}]*)(.*)$", "^(.*)(\\h)(.*)$", "^(.*)(\\v)(.*)$", "^(\\H*)(.*)$", "^(\\V*)(.*)$", "(\\V*)",
                "(?s)^(.*)$", "(?s).*", "(?s)^CN=(.*?),(.*)$", "^(?s:.*)$", "(?i)^cn=([^,]*).*$", "(?i)^[a-c]n=([^,]*).*$", "^(?i:cn)=([^,]*).*$", "^(?i:CN)=([a-z]*).*$", "(?i)^c(?-i)N=(.*)$", "^((?i)c)N=(.*)$", "(?i)^CN=([^l]*).*$", "(?i)^CN=([^K-M]*).*$",
                "(?i)^cn=j\u00dcrgen.*$", "(?iu)^cn=j\u00dcrgen.*$", "(?x) ^ C N = .* $ # all", "(?m)^(.*)$", "(?m)^CN=(.*)$", "(?d)^(.*)$", "(?U)^CN=(\\w+).*$", "(?is)cn=.*", "(?i-s)cn=.*", "(?)", "(?i", "(?:", "(?q)x",
                "^CN=([^,]++),(.*)$", "^.*+$", "^(.*+)$", "^.*+x$", "(?>.*),.*", "^(?>CN|C)=(.*)$", "^(a++)$", "^(a*+)a$", "^(a?+)(a*)$", "^(a{2}+)(a*)$", "^(a{1,3}?)(a*)$", "^(a{2,})$", "^(a{0})(a*)$", "^(a{3})a$", "a{2}", "^a{,3}$", "^a{3,2}$", "^a{x}$", "^a{2", "a{", "{2}", "a{2}{2}", "a+{2}", "^a{4}$",
                "^(?=.*OU)(.*)$", "^(?!.*OU)(.*)$", "^(.*)(?<=C=US)$", "^(.*)(?<!US)$", "^(.*)(?<=U|S)$", "^(.*)(?<=US|S)$", "^(.*)(?<=S*)$", "^CN=(.*)(?=,)(.*)$", "(?=(.*))\\1", "(?<=^)CN=(.*)", ".*(?<=.)",
                "^(.)(.*)\\1(.*)$", "^(a)\\1(.*)$", "(a)\\1", "^(?<x>a)\\k<x>(.*)$", "\\1(a*)", "(a\\1)*", "(a)\\11", "^(a)(a)\\2(a)$", "(?i)^(A)\\1(.*)$", "\\k<x>", "(?<x>a)(?<x>a)", "(?<1x>a)", "(?<x-y>a)", "(?<x>a)aaa",
                "^CN=([\\w.-]+).*$", "^CN=([a-z-]+).*$", "^CN=([-a-z]+).*$", "^CN=([a-z\\-0-9]+).*$", "^CN=([a-z0-9-.]+).*$", "^CN=([+--a-z]+).*$", "^CN=([]a-z]+).*$", "^CN=([^]]+)$", "[]", "[^]", "[a", "[a-", "[z-a]", "[a-z&&[^e]]+.*", "^CN=([a-z&&[^i-l]]+)(.*)$", "^CN=([a-z&&aeiloc]+)(.*)$",
                "^CN=([^a-z&&[^i-l]]+)(.*)$", "^CN=([a-z&&[a-m]&&[c-z]]+)(.*)$", "^CN=([a-z&&a-m&&c-z]+)(.*)$", "[&&a]*", "[a&&]*", "[a&&]a]*", "[!-&&b]*", "[a-z&&b-]*", "[a&&^b]*", "[ab&&^b]*", "[a&&&b]*", "[a&b]*", "[&]*", "[&a]+", "[a&]+", "[a&&b]*", "[[a]]+", "[[a][b]]+", "[^[a]]*", "[^x[a]]*", "[a[^a]]*", "[[^a]]*", "[\\[\\]]*", "[\\p{Lu}&&[A-C]]*.*", "[a-d[m-p]]+", "[a-[b]]+",
                "[\\d-x]*", "[\\w-]*", "[a-\\d]", "[\\x61-\\x63]+", "[\\141]+", "[\\0141]+", "[\\q]", "[\\Qa\\E]+", "[.]*", "[$^]*", "[a^]+", "[*+?{}()|]*", "[[:alpha:]]+", "[:a]+", "[=CN]+.*", "[a-zA-Z=, 0-9&&[^,]]+.*", "[\\s\\S]*", "[\\w\\W]*", "[^\\s]*", "[\\D]*", "[\\h]*", "[\\v-x]*", "[a--]", "[---]*", "[--a]+", "[a-c-e]+",
                "\\QCN=\\E(.*)", "\\Q.*\\E", "\\QCN=alice,OU=ServiceUsers,O=Org,C=US", "\\Q\\E.*", "\\Qa\\E*", "\\Qaa\\E+", "\\Qa\\E{4}", "(\\Qa\\E)+", "\\E", "a\\E", "\\Q(\\E|.*", "a\\Q\\E*",
                "\\x43N=(.*)", "\\x{43}N=(.*)", "\\u0043N=(.*)", "\\0103N=(.*)", "\\0", "\\08", "\\x4", "\\x{110000}", "\\x{d800}", "\\u12", "\\cC", "\\c", "\\tCN|.*", "\\a|.*", "\\e|.*", "\\y", "\\i", "\\N{LATIN SMALL LETTER A}+", "\\R|.*", "\\X*", "\\G.*", "\\<.*", "\\_|.*", "\\\u00fc|.*", "\\-|.*", "\\ |.*", "C\\N=.*",
                "^CN\\=(.*)$", "^CN=(.*)\\Z", "^CN=(.*)\\z", "\\ACN=(.*)", "\\bCN=(.*)", "\\bCN=(\\w+)\\b.*", ".*\\bOU\\b.*", ".*\\BU.*", "\\b{g}.*", "\\b+.*", "^*.*", "$*", "^+CN.*", "(?=C)*.*", "(^)*.*", "^^.*$$", "$.*", ".*^", ".*^.*", "a^", "CN$",
                "(a|b)*", "(a*)*", "(a*)+", "(a|b*)*", "(?:a*)*", "(?:a|)*", "(|a)*", "(|a)+", "(a|)+", "(a?)*", "(a?)?", "(a*)?", "(a*){2}", "(a+)*", "(a+)+", "(?:a+)+", "((a)|(b))*", "(?:(a)|b)*", "(aa?)*", "(a??)*", "(a*?)*", "(a|aa)*", "(a|aa)*?", "(aa|a)+", "((a+)(a*))*", "(\\w+[,=]?)*.*", "([^,=]+[,=])*([^,=]*)", "(?:([^,=]+)[,=])*([^,=]*)", "([^,]+,)*.*", "(?:([^=,]+)=([^,]+),?)+", "(([^=,]+)=([^,]+),?)+", "(([^=,]+)=([^,]+),?)*?",
                "^.*,?OU=([^,]+).*$", "^(?:[^,]+,)*?O=([^,]+)(?:,.*)?$", "^CN=([^,]+?)(?:\\..*)?(?:,.*)?$", "^(.*?)(?:,(.*?))?(?:,(.*?))?(?:,(.*))?$", "^.*?DC=([^,]+),DC=([^,]+)$", "(CN)|(O)|.*", "(CN=)|.*", "CN=|.*", ".*|CN=", "\\w\\D.*[^,]{0,2}?.*", ".*[^,]??.*", "^.*?[a-z]([^,]+?)*+$", "(\\b)?.*", "()?.*", "x*", "x*|.*", "x?.*", "(x)?.*", "(x)*.*", "(?:(x)|.)*",
                ")", "a)", "(a))", "|", "||", "a|b|", "*a", "+", "?", "a*?+", "a+++", "a???", "\\", "}", "a}", "]", "a]aaa|.*", "}|.*", "#.*", "(?#x).*", "(?P<x>.*)", "(?'x'.*)", "(?<x", "(?<=x", "a{1001}|.*", "[a-z]{0,1000}.*", "\ud83d\ude00|.*", "CN=(.),.*", "CN=[^,]*,.*", "(.)*", "[^a]*", "\\W*")) {
            String escaped = pattern.replace("/", "\\/");
            row("RULE:" + escaped + "/<$0>/");
            if (pattern.contains("(") && !pattern.startsWith("(?")) row("RULE:" + escaped + "/$1|/,DEFAULT");
        }
    }

    static void replacements() {
        out.println("# replacements");
        for (String pattern : List.of("^CN=.*$", "^CN=([^,]*),?(.*)$", "^(C)(N)(=)(.)(.)(.)(.)(.)(.)(.)(.)(.*)$", ".*", "(.*)", "^(?<a>[^=]*)=(?<b2>.*)$", "(?:.*)")) {
            for (String replacement : List.of("", "x", "$0", "$1", "$2", "$3", "$1@$2", "$1@$3", "$3@$4", "$3$4", "$3\u00fc$4", "$3\u00fc\u00fc$4@", "$3\ud83d\ude00$4", "\ud83d\ude00$3", "$12", "$13", "$123", "$21", "$10", "$01", "$00", "$05", "$9999999999", "$99999999999", "$2147483648", "\\$1", "\\\\$1", "\\\\\\$1", "\\x", "\\\\", "$", "x$", "$$", "$a", "$ 1",
                    "${a}", "${b2}", "${c}", "${a", "${}", "${1}", "${a}$2", "$-1", "\\", "\\$", "$\\1", "\u0661", "$\u0661", "$1\u0661", "a,b", " $1 ", "$1$1$1", "x\\/y", "\u00df\u0130\u03a3")) {
                row("RULE:" + pattern + "/" + replacement + "/");
            }
        }
        for (String name : List.of("CN=([^,]*),.*", "^(.*)$")) {
            row("RULE:" + name + "/$1/L");
            row("RULE:" + name + "/$1/U");
            row("RULE:" + name + "/$1$3/U");
            row("RULE:" + name + "/A\u03a3 \u03a3 A\u03a3B A\u03a3. \u0130I\u0131i \u00df \ufb01 \u01c5 \u1e9e $1/L");
            row("RULE:" + name + "/A\u03a3 \u03a3 A\u03a3B A\u03a3. \u0130I\u0131i \u00df \ufb01 \u01c5 \u1e9e \u0149 $1/U");
            row("RULE:" + name + "/a.\u03a3 a'\u03a3 a-\u03a3 a\u03a3\u0301 a\u03a3'b a\u03a3.b a\u03a3-b \u03a3b 1\u03a3 a\u03a31 a\u03a3_ a\u03a3:b a1\u03a3/L");
        }
    }

    static String randomRule(Random random) {
        String pattern = (random.nextBoolean() ? "^" : "") + randomPattern(random, 3) + (random.nextInt(3) == 0 ? ".*" : "") + (random.nextBoolean() ? "$" : "");
        StringBuilder replacement = new StringBuilder();
        String[] parts = {"$0", "$1", "$2", "$3", "x", "@", "\\.", "$12", "<", ">"};
        for (int i = random.nextInt(4); i > 0; i--) replacement.append(parts[random.nextInt(parts.length)]);
        String rule = "RULE:" + pattern + "/" + replacement + "/" + List.of("", "", "L", "U").get(random.nextInt(4));
        return random.nextInt(4) == 0 ? rule + ",DEFAULT" : rule;
    }

    static String randomPattern(Random random, int depth) {
        StringBuilder pattern = new StringBuilder();
        for (int i = 1 + random.nextInt(4); i > 0; i--) {
            String[] atoms = {"C", "N", "=", "a", "CN=", "O", ",", ".", ".*", ".*?", ".+", "[^,]", "[^,=]", "\\w", "\\d", "\\s", "\\S", "\\W", "\\D", "[a-z]", "[A-Z]", "[a-z&&[^aeiou]]", "[\\w.]", "\\.", "=", "\\p{Alpha}", "(?i:cn)", "(?i:[k-m])", "(?=.)", "(?!x)", "(?<=,)", "\\b", "\\1", "\u00fc"};
            String atom = atoms[random.nextInt(atoms.length)];
            if (depth > 0 && random.nextInt(3) == 0) {
                String inner = randomPattern(random, depth - 1);
                if (random.nextInt(3) == 0) inner += "|" + randomPattern(random, depth - 1);
                atom = List.of("(", "(", "(", "(?:", "(?:", "(?>").get(random.nextInt(6)) + inner + ")";
            }
            if (atom.equals("\\1") && !pattern.toString().contains(")")) atom = "a";
            pattern.append(atom);
            boolean assertion = atom.startsWith("(?=") || atom.startsWith("(?!") || atom.startsWith("(?<") || atom.equals("\\b");
            if (random.nextInt(3) == 0 && (!assertion || random.nextInt(10) == 0)) pattern.append(List.of("*", "+", "?", "*?", "+?", "??", "*+", "++", "{2}", "{1,3}", "{0,2}?", "{2,}").get(random.nextInt(12)));
        }
        return pattern.toString();
    }

    static String randomSetting(Random random) {
        String[] parts = {"DEFAULT", "DEFAULT", "RULE:", "RULE:", "RULE:", "/", "/", "/", "/", "\\/", "\\", ",", ",", ",", " ", "\n", "L", "U", "L", ".*", "(.*)", "$1", "x", "RULE:.*/x/", "RULE:CN=a.*/$0/"};
        StringBuilder setting = new StringBuilder();
        for (int i = 1 + random.nextInt(9); i > 0; i--) setting.append(parts[random.nextInt(parts.length)]);
        return setting.toString();
    }

    /** Leaves out settings with which Java, which knows no limit, is not done within a second. */
    static void row(String setting) {
        Thread thread = new Thread(() -> {
            String line = line(setting);
            if (!Thread.currentThread().isInterrupted()) out.println(line);
        });
        thread.setDaemon(true);
        thread.start();
        try {
            thread.join(1000);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        thread.interrupt();
    }

    static String line(String setting) {
        StringBuilder line = new StringBuilder(json(setting));
        SslPrincipalMapper mapper;
        try {
            mapper = SslPrincipalMapper.fromRules(setting);
        } catch (RuntimeException e) {
            return line.append("\trefused").toString();
        }
        for (String name : NAMES) {
            try {
                String mapped = mapper.getName(name);
                boolean split = !StandardCharsets.UTF_8.newEncoder().canEncode(mapped);
                line.append('\t').append(mapped.equals(name) ? "=" : split ? "~" : json(mapped));
            } catch (IOException e) {
                line.append("\t-");
            } catch (RuntimeException | StackOverflowError e) {
                line.append("\t!");
            }
        }
        return line.toString();
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
