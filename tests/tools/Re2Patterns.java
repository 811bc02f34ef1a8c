import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

/**
 * Writes tests/data/re2-patterns.tsv: patterns, and which of some names of topics RE2/J covers with each. Needs the library
 * that a broker of Kafka 4.4 has:
 *
 *     java -cp re2j-1.8.jar tests/tools/Re2Patterns.java > tests/data/re2-patterns.tsv
 *
 * A line is a pattern as a JSON string, and after a tab one digit for each name, the names standing in the line that starts
 * with "names": 1 where it is covered. A pattern that is none has the library's words for that instead.
 */
public class Re2Patterns {
    static final String[] NAMES = {
        "a", "b", "ab", "aab", "bab", "aaaa", "abc", "A", "AB", "Ab", "k", "K", "s", "S", "kS", "u", "I", "i", "Z", "zz", "9z",
        "0", "7", "007", "a1", "-", "_", "a-b", "a_b", "a.b", "...", "orders", "orders-eu", "p.q", "pxq", "__x",
        "team-1.orders", "x".repeat(40),
    };
    static final String[] TOKENS = {
        "a", "b", "k", "K", "s", "S", "x", "0", "1", "9", "-", "_", ".", "orders", "^", "$", "\\b", "\\B", "\\A", "\\z", "\\d",
        "\\D", "\\w", "\\W", "\\s", "\\S", "\\pL", "\\PL", "\\p{Lu}", "\\P{Ll}", "\\p{^N}", "\\p{Greek}", "\\P{Greek}",
        "\\p{Any}", "\\p{Vowel}", "\\pX", "\\.", "\\-", "\\_", "\\x61", "\\x{4B}", "\\x{212A}", "\\x{17f}", "\\x{110000}",
        "\\x{D800}", "\\x{}", "\\x6", "\\141", "\\1", "\\07", "\\8", "\\0", "\\n", "\\t", "\\a", "\\C", "\\Z", "\\Q", "\\E",
        "\\Qa.b\\E", "\u212a", "\u017f", "\u0130", "\u00e9", "\ud800\udc00", "{", "}", "{2", "{2,", "{,2}", "{01}", ",", "]",
        "[", "(", ")", "|", "(?:", "(?i)", "(?i:", "(?m)", "(?s-i)", "(?U)", "(?-i:", "(?im-s:", "(?i-", "(?-)", "(?--i)",
        "(?)", "(?P<n>", "(?<n>", "(?P<m>", "(?<0>", "(?P<>", "(?=", "(?!", "(?<=", "(?x)", "*", "+", "?", "{2}", "{0,0}",
    };
    static final String[] REPEATED = {
        "*", "+", "?", "*?", "+?", "??", "{2}", "{0}", "{1,3}", "{2,}", "{0,1}", "{3,2}", "{1001}", "{2}?", "**", "{1}{2}",
        "{123456789}", "{2,1001}",
    };
    static final String[] NAMED = {
        "alnum", "^alpha", "ascii", "blank", "^cntrl", "digit", "graph", "lower", "print", "punct", "space", "^upper", "word",
        "xdigit", "vowel", "",
    };
    static final String[] IN_CLASSES = {
        "a", "b", "k", "K", "z", "0", "-", "_", ".", "]", "&", "~", "[", ":", "^", "a-f", "A-Z", "a-z", "0-9", "z-a", "\\d",
        "\\W", "\\pL", "\\p{Lu}", "\\P{Ll}", "\\p{^Nd}", "[:alpha:", "\\x{100}-\\x{10ffff}", "\\]", "\\\\", "\u212a",
        "\u017f", "\\d-z", "a-\\d", "\\x00-\\x{10FFFF}", "\\x{D801}-\\x{D800}",
    };
    static final String[] UNICODE = {
        "Any", "C", "Cc", "Common", "L", "Latin", "Ll", "Lu", "N", "Nd", "P", "Pc", "Pd", "Pe", "Po", "Ps", "S", "Sc", "Sk",
        "Sm", "Z", "Zs", "Lt", "M", "Han", "Nko", "Unknown", "Adlam", "Cn", "LC",
    };
    static final Random random = new Random(4711);
    static final Set<String> patterns = new LinkedHashSet<>();

    public static void main(String[] arguments) {
        for (String token : TOKENS) patterns.add(token);
        for (String name : NAMED) {
            for (String form : List.of("[[:%s:]]+", "(?i)[^[:%s:]]+")) patterns.add(String.format(form, name));
        }
        for (String name : UNICODE) {
            for (String form : List.of("\\p{%s}+", "(?i)\\p{%s}+", "[a\\P{%s}]+", "(?i)[^\\p{%s}]+")) {
                patterns.add(String.format(form, name));
            }
        }
        for (int i = 0; i < 1000; i++) patterns.add(of(TOKENS) + of(TOKENS) + (random.nextBoolean() ? of(TOKENS) : ""));
        for (int i = 0; i < 2500; i++) patterns.add(any(1 + random.nextInt(5)));
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        out.println("# Made by tests/tools/Re2Patterns.java with re2j 1.8");
        out.println("names\t" + String.join(" ", NAMES));
        patterns.stream().filter(pattern -> pattern.length() < 120).forEach(pattern -> out.println(json(pattern) + "\t" + made(pattern)));
        out.flush();
    }

    static String made(String text) {
        try {
            Pattern pattern = Pattern.compile(text);
            StringBuilder digits = new StringBuilder();
            for (String name : NAMES) digits.append(pattern.matcher(name).matches() ? '1' : '0');
            return digits.toString();
        } catch (PatternSyntaxException fault) {
            return fault.getDescription();
        }
    }

    static String of(String[] all) {
        return all[random.nextInt(all.length)];
    }

    static String any(int depth) {
        int kind = depth == 0 ? 0 : random.nextInt(10);
        switch (kind) {
            case 0: case 1: return random.nextInt(3) > 0 ? of(List.of("a", "b", "k", "S", ".", "\\w", "\\d", "orders", "-", "z").toArray(new String[0])) : of(TOKENS);
            case 2: return bracketed();
            case 3: return "(" + any(depth - 1) + ")";
            case 4: return of(new String[] {"(?:", "(?i:", "(?i)(", "(?P<n>", "(?-i:"}) + any(depth - 1) + ")";
            case 5: case 6: return any(depth - 1) + of(REPEATED);
            case 7: return any(depth - 1) + "|" + any(depth - 1);
            default: return any(depth - 1) + any(depth - 1);
        }
    }

    static String bracketed() {
        StringBuilder text = new StringBuilder(random.nextInt(3) == 0 ? "[^" : "[");
        for (int i = random.nextInt(5); i >= 0; i--) {
            text.append(random.nextInt(5) == 0 ? "[:" + of(NAMED) + ":]" : of(IN_CLASSES));
        }
        return text.append(random.nextInt(12) == 0 ? "" : "]").toString();
    }

    static String json(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') out.append('\\').append(c);
            else if (c < 0x20) out.append(String.format("\\u%04x", (int) c));
            else out.append(c);
        }
        return out.append('"').toString();
    }
}
