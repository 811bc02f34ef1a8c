//! Java's properties files, as `java.util.Properties.load` reads them.

use zeroize::Zeroizing;

/// A key with its value, and the line where it begins.
pub(super) struct Property {
    pub(super) key: String,
    /// It may be a password.
    pub(super) value: Zeroizing<String>,
    /// Counted from 1.
    pub(super) line: usize,
}

/// What cannot be read, and in which line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub(super) line: usize,
    pub(super) what: String,
}

/// The text of a file. Java takes it for ISO 8859-1; whoever wrote UTF-8 means that.
pub(super) fn decoded(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// All properties in the order of the file. Of a key that is there twice the last counts, as in Java.
pub(super) fn read(text: &str) -> Result<Vec<Property>, Unreadable> {
    let mut properties: Vec<Property> = Vec::new();
    for (line, text) in logical_lines(text) {
        let (key, value) = parted(&text);
        let unescape = |part| unescaped(part).map_err(|what| Unreadable { line, what });
        let property = Property { key: unescape(key)?, value: Zeroizing::new(unescape(value)?), line };
        properties.retain(|other| other.key != property.key);
        properties.push(property);
    }
    Ok(properties)
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{c}')
}

/// Lines without comments and empty ones, those that end in a backslash joined with the next.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (at, line) in text.split('\n').enumerate() {
        let line = line.trim_start_matches(is_blank);
        if open.is_none() && (line.is_empty() || line.starts_with(['#', '!'])) {
            continue;
        }
        let (number, mut whole) = open.take().unwrap_or((at + 1, String::new()));
        // An even number of backslashes are escaped ones.
        let backslashes = line.len() - line.trim_end_matches('\\').len();
        match line.strip_suffix('\\').filter(|_| backslashes % 2 == 1) {
            Some(rest) => {
                whole.push_str(rest);
                open = Some((number, whole));
            }
            None => {
                whole.push_str(line);
                lines.push((number, whole));
            }
        }
    }
    lines.extend(open);
    lines.retain(|(_, line)| !line.is_empty());
    lines
}

/// Key and value: they part at the first `=`, `:` or blank that has no backslash before it.
fn parted(line: &str) -> (&str, &str) {
    let mut is_escaped = false;
    let end = line.char_indices().find(|&(_, c)| {
        let ends = !is_escaped && (is_blank(c) || c == '=' || c == ':');
        is_escaped = c == '\\' && !is_escaped;
        ends
    });
    let Some((end, _)) = end else { return (line, "") };
    let (key, rest) = line.split_at(end);
    let rest = rest.trim_start_matches(is_blank);
    let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    (key, rest.trim_start_matches(is_blank))
}

/// What the escapes stand for: letters of their own for tab, line feed, return and form feed, `\u` with a UTF-16 unit, and
/// otherwise the character behind the backslash.
fn unescaped(text: &str) -> Result<String, String> {
    let mut units: Vec<u16> = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let c = match c {
            '\\' => match chars.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('f') => '\u{c}',
                Some('u') => {
                    let digits: String = chars.by_ref().take(4).collect();
                    let is_right = digits.len() == 4 && digits.chars().all(|c| c.is_ascii_hexdigit());
                    let unit = u16::from_str_radix(&digits, 16).ok().filter(|_| is_right);
                    units.push(unit.ok_or("behind \\u there must be four hexadecimal digits")?);
                    continue;
                }
                Some(other) => other,
                None => break,
            },
            c => c,
        };
        units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
    }
    String::from_utf16(&units).map_err(|_| "a \\u escape is half of a character".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String, usize)> {
        read(text).unwrap().into_iter().map(|one| (one.key, one.value.to_string(), one.line)).collect()
    }

    /// Each of these is what `Properties.load` of a JDK 17 makes of it.
    #[test]
    fn properties_are_read_as_java_reads_them() {
        for (text, key, value) in [
            ("a=b", "a", "b"),
            ("a = b ", "a", "b "),
            ("a:b", "a", "b"),
            ("a b", "a", "b"),
            ("  a\t=\tb", "a", "b"),
            ("a", "a", ""),
            ("a=", "a", ""),
            ("a==b", "a", "=b"),
            ("a : = b", "a", "= b"),
            ("a\\=b=c", "a=b", "c"),
            ("a\\ b=c", "a b", "c"),
            ("a=b\\\n   c", "a", "bc"),
            ("a=b\\\r\n\tc", "a", "bc"),
            ("a=b\\\n#c", "a", "b#c"),
            ("a=b\\\\\n", "a", "b\\"),
            ("a=\\u00e4\\ud83d\\ude00", "a", "\u{e4}\u{1f600}"),
            ("a=\\t\\n\\q\\\\", "a", "\t\nq\\"),
            ("a=b\\", "a", "b"),
            ("a=RULE:^CN=(.*?),.*$/$1/", "a", "RULE:^CN=(.*?),.*$/$1/"),
            ("a=C:\\\\x", "a", "C:\\x"),
            ("=b", "", "b"),
            ("a=b\\\n\n#x", "a", "b"),
            ("a\\\n=b", "a", "b"),
            ("\\\na=b", "a", "b"),
            ("a=x\\\n\\\ny", "a", "xy"),
            ("a=b\\\n  \\\n c", "a", "bc"),
        ] {
            assert_eq!(pairs(text), [(key.to_owned(), value.to_owned(), 1)], "{text:?}");
        }
        assert_eq!(pairs("# a=b\n! c=d\n\n  \n"), []);
        assert_eq!(pairs("# x\\\na=b"), [("a".into(), "b".into(), 2)], "comments go on in no line");
        assert_eq!(
            pairs("# x\na=1\\\n  2\nb=3\na=4"),
            [("b".into(), "3".into(), 4), ("a".into(), "4".into(), 5)],
            "the last counts"
        );
        for (text, line) in [("a=b\nc=\\u12", 2), ("a=\\uzzzz", 1), ("a=\\u+123", 1), ("a=\\ud83d", 1)] {
            assert_eq!(read(text).err().unwrap().line, line, "{text}");
        }
    }

    #[test]
    fn both_encodings_are_read() {
        assert_eq!(decoded("a=\u{fc}".as_bytes()), "a=\u{fc}");
        assert_eq!(decoded(b"a=\xfc"), "a=\u{fc}");
        assert_eq!(decoded(b"\xef\xbb\xbfa=b"), "a=b");
    }
}
