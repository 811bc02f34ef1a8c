import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.math.BigInteger;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import javax.security.auth.x500.X500Principal;

/**
 * Writes tests/data/distinguished-names.tsv: X.501 names in DER (hex) and what the JDK's X500Principal.getName() makes of
 * each, as a JSON string, or the word "error". Needs nothing but a JDK:
 *
 *     java tests/tools/DistinguishedNames.java > tests/data/distinguished-names.tsv
 */
public class DistinguishedNames {
    static final String CN = "2.5.4.3", SERIAL = "2.5.4.5", C = "2.5.4.6", L = "2.5.4.7", ST = "2.5.4.8", STREET = "2.5.4.9",
        O = "2.5.4.10", OU = "2.5.4.11", TITLE = "2.5.4.12", DC = "0.9.2342.19200300.100.1.25",
        UID = "0.9.2342.19200300.100.1.1", EMAIL = "1.2.840.113549.1.9.1";
    static final String[] KNOWN = {CN, C, L, ST, STREET, O, OU, DC, UID};
    static final String[] OTHER = {SERIAL, TITLE, EMAIL, "2.5.4.4", "2.5.4.42", "2.5.4.46", "2.5.4.17", "2.999.1", "1.3.6.1.4.1.99999.7"};

    static final int UTF8 = 0x0c, NUMERIC = 0x12, PRINTABLE = 0x13, T61 = 0x14, IA5 = 0x16, VISIBLE = 0x1a, GENERAL = 0x1b,
        UNIVERSAL = 0x1c, BMP = 0x1e;
    static final int[] STRINGS = {UTF8, NUMERIC, PRINTABLE, T61, IA5, VISIBLE, GENERAL, UNIVERSAL, BMP};

    static final PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);

    public static void main(String[] arguments) {
        out.println("# Made by tests/tools/DistinguishedNames.java on Java " + System.getProperty("java.version"));
        crafted();
        Random random = new Random(20241);
        for (int i = 0; i < 300; i++) row(null, randomName(random));
        out.println("# damaged");
        for (int i = 0; i < 150; i++) row(null, damaged(random, randomName(random)));
        out.flush();
    }

    static void crafted() {
        row("empty", name());
        row("typical, as OpenSSL writes /C=US/O=Ex/CN=svc", name(one(C, PRINTABLE, "US"), one(O, UTF8, "Ex"), one(CN, UTF8, "svc")));
        for (String type : KNOWN) row("keyword", name(one(type, UTF8, "value")));
        for (String type : OTHER) row("no keyword", name(one(type, PRINTABLE, "value")));
        for (int tag : STRINGS) {
            Charset charset = tag == BMP ? StandardCharsets.UTF_16BE : tag == UNIVERSAL ? Charset.forName("UTF-32BE") : StandardCharsets.UTF_8;
            row("string type " + tag, name(one(CN, tag, "svc 1".getBytes(charset))));
            row("string type, not ASCII " + tag, name(one(CN, tag, "Jürgen \u2713".getBytes(charset))));
            row("string type, Latin-1 " + tag, name(one(CN, tag, "Jürgen".getBytes(StandardCharsets.ISO_8859_1))));
            row("string type, empty " + tag, name(one(CN, tag, new byte[0])));
        }
        row("no string: INTEGER", name(one(CN, 0x02, new byte[] {5})));
        row("no string: BIT STRING", name(one(CN, 0x03, new byte[] {0, (byte) 0xa5})));
        row("no string: OCTET STRING", name(one(O, 0x04, "abc")));
        row("no string: BOOLEAN", name(one(CN, 0x01, new byte[] {-1})));
        row("no string: NULL", name(one(CN, 0x05, new byte[0])));
        row("no string: SEQUENCE", name(one(CN, 0x30, new byte[] {2, 1, 5})));
        row("no string: context tag", name(one(CN, 0x80, "abc")));
        row("no string: constructed UTF8String", name(one(CN, 0x2c, new byte[] {0x0c, 1, 'a'})));
        row("no string: high tag number", name(one(CN, 0x1f, new byte[] {0x0c, 1, 'a'})));
        row("tag 0", name(one(CN, 0x00, "abc")));
        for (String value : List.of("a,b", "a=b", "a+b", "a<b>c", "a#b", "#a", "##", "a;b", "a\"b\"", "a\\b", "\\", "a/b:c*d", "a|b&c(d)e[f]{g}^h$i.j?k!l~m`n'o@p%q-r_s",
                " a", "a ", " a ", "  a  b  ", " ", "   ", "\ra", "a\r", "\r", " \r \r", "\na", "a\n", "\ta\t", "a\u0000b", "\u0000", " \u0000 ", "\u0000 ", "\u0001\u001f\u007f", "\u00a0a\u00a0",
                "\u2003a\u2003", "\u00e4\u00f6\u00fc", "e\u0301", "\u0130\u0131\u00df", "\ud83d\ude00", "\u202eabc", "\ufeffa", "\uffff", ", ", " ,", "#", "a\\,b", "=", "+", "CN=x,OU=y")) {
            row("value", name(one(CN, UTF8, value)));
        }
        row("long value", name(one(CN, UTF8, "x".repeat(130))));
        row("longer value", name(one(CN, UTF8, "yz".repeat(200)), one(SERIAL, PRINTABLE, "1".repeat(300))));
        row("multi-valued", name(rdn(ava(CN, UTF8, "a"), ava(UID, IA5, "b"))));
        row("multi-valued, not in DER order", name(rdn(ava(UID, IA5, "b"), ava(CN, UTF8, "a"), ava(OU, UTF8, "c")), one(C, PRINTABLE, "DE")));
        row("multi-valued, the same twice", name(rdn(ava(CN, UTF8, "a"), ava(CN, UTF8, "a"))));
        row("multi-valued, without keyword", name(rdn(ava(SERIAL, PRINTABLE, "1"), ava(CN, UTF8, "a"), ava(EMAIL, IA5, "a@b"))));
        row("the same RDN twice", name(one(DC, IA5, "com"), one(DC, IA5, "example"), one(DC, IA5, "example")));
        row("RDN without attributes", name(tlv(0x31)));
        row("RDN without attributes between others", name(one(CN, UTF8, "a"), tlv(0x31), one(CN, UTF8, "b")));
        row("many RDNs", name(many(60)));
        for (String oid : List.of("0.0", "0.39", "1.0", "1.39", "2.0", "2.39", "2.40", "2.47", "2.48", "2.999", "2.999.3", "1.2.127", "1.2.128", "1.2.16383", "1.2.16384", "1.2.2147483647",
                "1.2.2147483648", "1.2.4294967295", "1.2.4294967296", "1.2.9223372036854775807", "1.2.9223372036854775808", "1.2.18446744073709551616",
                "2.25.340282366920938463463374607431768211455", "2.4294967295.1", "2.5.4.3.1", "2.5.4", "0.9.2342.19200300.100.1.2", "0.9.2342.19200300.100.1")) {
            row("oid " + oid, name(one(oid, UTF8, "v")));
        }
        row("oid beyond 128 bits", name(one("2.25.340282366920938463463374607431768211456", UTF8, "v")));
        row("oid empty", name(rdn(tlv(0x30, tlv(0x06), tlv(UTF8, "a".getBytes())))));
        row("oid not ended", name(rdn(tlv(0x30, tlv(0x06, new byte[] {0x55, 4, (byte) 0x83}), tlv(UTF8, "a".getBytes())))));
        row("oid with a useless octet", name(rdn(tlv(0x30, tlv(0x06, new byte[] {0x55, 4, (byte) 0x80, 3}), tlv(UTF8, "a".getBytes())))));
        row("oid with a useless first octet", name(rdn(tlv(0x30, tlv(0x06, new byte[] {(byte) 0x80, 0x55, 4, 3}), tlv(UTF8, "a".getBytes())))));
        for (String bytes : List.of("c3", "c328", "80", "c080", "e28261", "e282", "eda080", "eda080eda080", "eda0", "eda041", "edb08041", "edbfbf", "f0908061", "f09080", "f0", "f48fbfbf", "f4908080", "f5808080",
                "f8888080", "fe", "ff", "e08080", "e0a0", "f0808080", "61c3a9c362", "efbfbd", "20c320", "eda0805c", "ed9fbf", "ee8080", "edeee1")) {
            row("UTF-8 " + bytes, name(one(CN, UTF8, HexFormat.of().parseHex(bytes))));
            row("UTF-8 in T61 " + bytes, name(one(CN, T61, HexFormat.of().parseHex(bytes))));
        }
        row("no SEQUENCE", tlv(0x31));
        row("RDN is no SET", name(tlv(0x30)));
        row("attribute is no SEQUENCE", name(rdn(tlv(0x31))));
        row("attribute without value", name(rdn(tlv(0x30, oid(CN)))));
        row("attribute with a third part", name(rdn(tlv(0x30, oid(CN), tlv(UTF8, "a".getBytes()), tlv(UTF8, "b".getBytes())))));
        row("attribute type is no OID", name(rdn(tlv(0x30, tlv(UTF8, "a".getBytes()), tlv(UTF8, "b".getBytes())))));
        row("no bytes", new byte[0]);
        row("one byte", new byte[] {0x30});
        row("bytes behind the name", join(name(one(CN, UTF8, "a")), new byte[] {0}));
        row("length too long", HexFormat.of().parseHex("300c310a300806035504030c0161"));
        row("length too short", HexFormat.of().parseHex("300b310a300806035504030c0161"));
        row("length in long form without need", HexFormat.of().parseHex("30810c310a300806035504030c0161"));
        row("value's length in long form without need", HexFormat.of().parseHex("300d310b300906035504030c810161"));
        row("value's length with a leading zero", HexFormat.of().parseHex("300e310c300a06035504030c82000161"));
        row("indefinite length", HexFormat.of().parseHex("3080310a300806035504030c01610000"));
        row("indefinite length of a value", HexFormat.of().parseHex("3012310e300c06035504032c800c01610000"));
        row("length of four bytes", HexFormat.of().parseHex("3084ffffffff"));
        row("length of five bytes", HexFormat.of().parseHex("30850000000000"));
    }

    static byte[][] many(int count) {
        byte[][] rdns = new byte[count][];
        for (int i = 0; i < count; i++) rdns[i] = one(KNOWN[i % KNOWN.length], UTF8, "n" + i);
        return rdns;
    }

    static byte[] randomName(Random random) {
        byte[][] rdns = new byte[random.nextInt(5)][];
        for (int i = 0; i < rdns.length; i++) {
            byte[][] avas = new byte[random.nextInt(6) == 0 ? 2 + random.nextInt(2) : 1][];
            for (int j = 0; j < avas.length; j++) {
                String type = random.nextInt(5) == 0 ? OTHER[random.nextInt(OTHER.length)] : KNOWN[random.nextInt(KNOWN.length)];
                int tag = random.nextInt(3) == 0 ? STRINGS[random.nextInt(STRINGS.length)] : UTF8;
                avas[j] = ava(type, tag, randomValue(random));
            }
            rdns[i] = rdn(avas);
        }
        return name(rdns);
    }

    static byte[] randomValue(Random random) {
        if (random.nextInt(6) == 0) {
            // Bytes around the borders of UTF-8's ranges.
            int[] bytes = {0x00, 0x20, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xdf, 0xe0, 0xe1, 0xed, 0xed, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff};
            byte[] value = new byte[random.nextInt(8)];
            for (int i = 0; i < value.length; i++) value[i] = (byte) bytes[random.nextInt(bytes.length)];
            return value;
        }
        String alphabet = "aZ09 ,=+<>#;\"\\\r\n\t\u0000./:*äß\u0301\u2028\ud83d";
        StringBuilder value = new StringBuilder();
        for (int i = random.nextInt(10); i > 0; i--) {
            char c = alphabet.charAt(random.nextInt(alphabet.length()));
            value.append(c == '\ud83d' ? "\ud83d\ude00" : String.valueOf(c));
        }
        return value.toString().getBytes(StandardCharsets.UTF_8);
    }

    static byte[] damaged(Random random, byte[] name) {
        byte[] bytes = name.clone();
        switch (random.nextInt(3)) {
            case 0: return java.util.Arrays.copyOf(bytes, random.nextInt(bytes.length));
            case 1: bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8)); return bytes;
            default: bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256); return bytes;
        }
    }

    static void row(String label, byte[] name) {
        if (label != null) out.println("# " + label);
        String result;
        try {
            result = json(new X500Principal(name).getName());
        } catch (IllegalArgumentException e) {
            result = "error";
        }
        out.println(HexFormat.of().formatHex(name) + "\t" + result);
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

    static byte[] name(byte[]... rdns) { return tlv(0x30, rdns); }
    static byte[] one(String type, int tag, String value) { return rdn(ava(type, tag, value)); }
    static byte[] one(String type, int tag, byte[] value) { return rdn(ava(type, tag, value)); }
    static byte[] rdn(byte[]... avas) { return tlv(0x31, avas); }
    static byte[] ava(String type, int tag, String value) { return ava(type, tag, value.getBytes(StandardCharsets.UTF_8)); }
    static byte[] ava(String type, int tag, byte[] value) { return tlv(0x30, oid(type), tlv(tag, value)); }

    static byte[] oid(String text) {
        String[] arcs = text.split("\\.");
        List<BigInteger> numbers = new ArrayList<>();
        numbers.add(new BigInteger(arcs[0]).multiply(BigInteger.valueOf(40)).add(new BigInteger(arcs[1])));
        for (int i = 2; i < arcs.length; i++) numbers.add(new BigInteger(arcs[i]));
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (BigInteger number : numbers) {
            for (int groups = Math.max(1, (number.bitLength() + 6) / 7); groups > 0; groups--) {
                int seven = number.shiftRight(7 * (groups - 1)).intValue() & 0x7f;
                bytes.write(groups > 1 ? seven | 0x80 : seven);
            }
        }
        return tlv(0x06, bytes.toByteArray());
    }

    static byte[] tlv(int tag, byte[]... contents) {
        byte[] content = join(contents);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.write(tag);
        if (content.length < 128) bytes.write(content.length);
        else if (content.length < 256) { bytes.write(0x81); bytes.write(content.length); }
        else { bytes.write(0x82); bytes.write(content.length >> 8); bytes.write(content.length); }
        bytes.writeBytes(content);
        return bytes.toByteArray();
    }

    static byte[] join(byte[]... parts) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (byte[] part : parts) bytes.writeBytes(part);
        return bytes.toByteArray();
    }
}
