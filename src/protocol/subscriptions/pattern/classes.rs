//! Classes of characters, as far as the names of topics have any: ASCII, one bit each.

use super::fault::Fault;

/// Characters of ASCII.
pub(super) type Set = u128;

/// All of them.
pub(super) const ALL: Set = Set::MAX;

/// The small letters and the great ones: 32 places lie between the two of a pair.
const SMALL: Set = span('a', 'z');
const GREAT: Set = span('A', 'Z');
const DIGITS: Set = span('0', '9');
const LETTERS: Set = SMALL | GREAT;
const WORD: Set = DIGITS | LETTERS | one('_');

/// The characters outside of ASCII that are the same as one in it where case is ignored: the long s, the sign for kelvin.
const FOLDED: [(u32, Set); 2] = [(0x17f, one('s') | one('S')), (0x212a, one('k') | one('K'))];

pub(super) const fn one(of: char) -> Set {
    if of.is_ascii() { 1 << of as u32 } else { 0 }
}

const fn span(first: char, last: char) -> Set {
    between(first as u32, last as u32)
}

const fn between(first: u32, last: u32) -> Set {
    match (first, last) {
        (128.., _) => 0,
        (_, 128..) => ALL << first,
        _ => (ALL >> (127 - last)) & (ALL << first),
    }
}

/// The characters from the first to the last, and those that differ from them by their case alone if that is ignored.
pub(super) fn range(first: u32, last: u32, ignores_case: bool) -> Set {
    let plain = between(first, last);
    if !ignores_case {
        return plain;
    }
    let strangers = FOLDED.iter().filter(|(stranger, _)| (first..=last).contains(stranger));
    strangers.fold(both_cases(plain), |set, (_, same)| set | same)
}

fn both_cases(set: Set) -> Set {
    set | (set & SMALL) >> 32 | (set & GREAT) << 32
}

/// The class of an escaped letter, as `\d`.
pub(super) fn perl(letter: char) -> Option<Set> {
    Some(match letter {
        'd' => DIGITS,
        'D' => !DIGITS,
        's' => SPACE & !one('\u{b}'),
        'S' => !(SPACE & !one('\u{b}')),
        'w' => WORD,
        'W' => !WORD,
        _ => return None,
    })
}

const SPACE: Set = span('\t', '\r') | one(' ');

/// The class of a name in brackets and colons, with or without a circumflex before it.
pub(super) fn posix(name: &str, ignores_case: bool) -> Result<Set, Fault> {
    let (name, is_negated) = name.strip_prefix('^').map_or((name, false), |name| (name, true));
    let plain = match name {
        "alnum" => DIGITS | LETTERS,
        "alpha" => LETTERS,
        "ascii" => ALL,
        "blank" => one('\t') | one(' '),
        "cntrl" => span('\0', '\u{1f}') | one('\u{7f}'),
        "digit" => DIGITS,
        "graph" => span('!', '~'),
        "lower" => SMALL,
        "print" => span(' ', '~'),
        "punct" => span('!', '~') & !(DIGITS | LETTERS),
        "space" => SPACE,
        "upper" => GREAT,
        "word" => WORD,
        "xdigit" => DIGITS | span('a', 'f') | span('A', 'F'),
        _ => return Err(Fault::CharacterClassRange),
    };
    let set = if ignores_case { both_cases(plain) } else { plain };
    Ok(if is_negated { !set } else { set })
}

/// The class that Unicode has under a name, a category or a script, with or without a circumflex before it.
pub(super) fn unicode(name: &str, ignores_case: bool) -> Result<Set, Fault> {
    let (name, is_negated) = name.strip_prefix('^').map_or((name, false), |name| (name, true));
    let known = IN_ASCII.binary_search_by_key(&name, |(known, ..)| known);
    let set = match known {
        Ok(at) if ignores_case => IN_ASCII[at].2,
        Ok(at) => IN_ASCII[at].1,
        Err(_) if BEYOND_ASCII.binary_search(&name).is_ok() => 0,
        Err(_) => return Err(Fault::CharacterClassRange),
    };
    Ok(if is_negated { !set } else { set })
}

const CONTROLS: Set = span('\0', '\u{1f}') | one('\u{7f}');
const CLOSING: Set = one(')') | one(']') | one('}');
const OPENING: Set = one('(') | one('[') | one('{');
const OTHER_MARKS: Set = span('!', '#')
    | span('%', '\'')
    | one('*')
    | one(',')
    | span('.', '/')
    | span(':', ';')
    | span('?', '@')
    | one('\\');
const MARKS: Set = CLOSING | OPENING | OTHER_MARKS | one('_') | one('-');
const OF_MATHEMATICS: Set = one('+') | span('<', '>') | one('|') | one('~');
const MODIFIERS: Set = one('^') | one('`');
const SYMBOLS: Set = one('$') | MODIFIERS | OF_MATHEMATICS;

/// Names, sorted, with what ASCII has of them, and the same where case is ignored: for that RE2/J has tables, which are
/// not always what one would make of the letters.
const IN_ASCII: [(&str, Set, Set); 22] = [
    ("Any", ALL, ALL),
    ("C", CONTROLS, CONTROLS),
    ("Cc", CONTROLS, CONTROLS),
    ("Common", !LETTERS, !LETTERS),
    ("L", LETTERS, LETTERS),
    ("Latin", LETTERS, LETTERS),
    ("Ll", SMALL, SMALL | one('K') | one('S')),
    ("Lu", GREAT, LETTERS),
    ("N", DIGITS, DIGITS),
    ("Nd", DIGITS, DIGITS),
    ("P", MARKS, MARKS),
    ("Pc", one('_'), one('_')),
    ("Pd", one('-'), one('-')),
    ("Pe", CLOSING, CLOSING),
    ("Po", OTHER_MARKS, OTHER_MARKS),
    ("Ps", OPENING, OPENING),
    ("S", SYMBOLS, SYMBOLS),
    ("Sc", one('$'), one('$')),
    ("Sk", MODIFIERS, MODIFIERS),
    ("Sm", OF_MATHEMATICS, OF_MATHEMATICS),
    ("Z", one(' '), one(' ')),
    ("Zs", one(' '), one(' ')),
];

/// Names, sorted, of which ASCII has nothing: those that RE2/J 1.8 knows.
const BEYOND_ASCII: [&str; 111] = [
    "Arabic",
    "Armenian",
    "Avestan",
    "Balinese",
    "Bamum",
    "Batak",
    "Bengali",
    "Bopomofo",
    "Brahmi",
    "Braille",
    "Buginese",
    "Buhid",
    "Canadian_Aboriginal",
    "Carian",
    "Cf",
    "Cham",
    "Cherokee",
    "Co",
    "Coptic",
    "Cs",
    "Cuneiform",
    "Cypriot",
    "Cyrillic",
    "Deseret",
    "Devanagari",
    "Egyptian_Hieroglyphs",
    "Ethiopic",
    "Georgian",
    "Glagolitic",
    "Gothic",
    "Greek",
    "Gujarati",
    "Gurmukhi",
    "Han",
    "Hangul",
    "Hanunoo",
    "Hebrew",
    "Hiragana",
    "Imperial_Aramaic",
    "Inherited",
    "Inscriptional_Pahlavi",
    "Inscriptional_Parthian",
    "Javanese",
    "Kaithi",
    "Kannada",
    "Katakana",
    "Kayah_Li",
    "Kharoshthi",
    "Khmer",
    "Lao",
    "Lepcha",
    "Limbu",
    "Linear_B",
    "Lisu",
    "Lm",
    "Lo",
    "Lt",
    "Lycian",
    "Lydian",
    "M",
    "Malayalam",
    "Mandaic",
    "Mc",
    "Me",
    "Meetei_Mayek",
    "Mn",
    "Mongolian",
    "Myanmar",
    "New_Tai_Lue",
    "Nko",
    "Nl",
    "No",
    "Ogham",
    "Ol_Chiki",
    "Old_Italic",
    "Old_Persian",
    "Old_South_Arabian",
    "Old_Turkic",
    "Oriya",
    "Osmanya",
    "Pf",
    "Phags_Pa",
    "Phoenician",
    "Pi",
    "Rejang",
    "Runic",
    "Samaritan",
    "Saurashtra",
    "Shavian",
    "Sinhala",
    "So",
    "Sundanese",
    "Syloti_Nagri",
    "Syriac",
    "Tagalog",
    "Tagbanwa",
    "Tai_Le",
    "Tai_Tham",
    "Tai_Viet",
    "Tamil",
    "Telugu",
    "Thaana",
    "Thai",
    "Tibetan",
    "Tifinagh",
    "Ugaritic",
    "Unknown",
    "Vai",
    "Yi",
    "Zl",
    "Zp",
];
