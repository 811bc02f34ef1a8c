//! The right-hand side of a mapping rule, as Kafka and `java.util.regex.Matcher` read it.

/// A replacement, taken apart. Faults in it come to light only when a name matches, as in Kafka.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Replacement {
    parts: Vec<Part>,
    /// Why Java would throw after these parts.
    fault: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Group(usize),
}

impl Replacement {
    /// Reads a replacement for a pattern with that many groups.
    pub(super) fn new(text: &str, groups: usize, names: &[(String, usize)]) -> Replacement {
        // In UTF-16, since Kafka's escaping works on Java's indices and may put a backslash within a character.
        let text: Vec<u16> = text.encode_utf16().collect();
        let mut replacement = Replacement { parts: Vec::new(), fault: None };
        let read =
            escape_missing_groups(text, groups).and_then(|text| replacement.read(&text, groups, names));
        replacement.fault = read.err();
        replacement
    }

    /// The text and the numbers of the groups that it is made of; `None` if it makes nothing, since it is faulty.
    pub(super) fn parts(&self) -> Option<impl Iterator<Item = Result<&str, usize>>> {
        self.fault.is_none().then(|| {
            self.parts.iter().map(|part| match part {
                Part::Text(text) => Ok(text.as_str()),
                Part::Group(number) => Err(*number),
            })
        })
    }

    /// Writes the replacement of one match, whose groups `group` gives.
    pub(super) fn expand<'t>(
        &self,
        group: impl Fn(usize) -> Option<&'t str>,
        out: &mut String,
    ) -> Result<(), &str> {
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Group(number) => out.push_str(group(*number).unwrap_or_default()),
            }
        }
        match &self.fault {
            Some(fault) => Err(fault),
            None => Ok(()),
        }
    }

    /// `Matcher.appendExpandedReplacement`.
    fn read(&mut self, text: &[u16], groups: usize, names: &[(String, usize)]) -> Result<(), String> {
        let mut plain = Vec::new();
        let mut rest = text;
        while let [unit, after @ ..] = rest {
            rest = after;
            match ascii(*unit) {
                '\\' => {
                    let [escaped, after @ ..] = rest else {
                        return Err("the replacement ends in a backslash".to_owned());
                    };
                    plain.push(*escaped);
                    rest = after;
                }
                '$' => {
                    self.flush(&mut plain);
                    let number = group_number(&mut rest, groups, names)?;
                    self.parts.push(Part::Group(number));
                }
                _ => plain.push(*unit),
            }
        }
        self.flush(&mut plain);
        Ok(())
    }

    fn flush(&mut self, plain: &mut Vec<u16>) {
        if !plain.is_empty() {
            self.parts.push(Part::Text(String::from_utf16_lossy(plain)));
            plain.clear();
        }
    }
}

/// What stands behind a `$`: `{name}`, or digits as long as there is a group of that number.
fn group_number(rest: &mut &[u16], groups: usize, names: &[(String, usize)]) -> Result<usize, String> {
    if let [brace, after @ ..] = *rest
        && ascii(*brace) == '{'
    {
        let length = after.iter().take_while(|unit| ascii(**unit).is_ascii_alphanumeric()).count();
        let name = String::from_utf16_lossy(&after[..length]);
        if after.get(length).copied().map(ascii) != Some('}') {
            return Err(format!("the replacement's group name {name:?} is not closed"));
        }
        *rest = &after[length + 1..];
        let found = names.iter().find(|(known, _)| *known == name);
        return found
            .map(|(_, number)| *number)
            .ok_or_else(|| format!("the pattern has no group called {name:?}"));
    }
    let Some(mut number) = take_digit(rest) else {
        return Err("a $ in the replacement is followed by no group; write \\$ for the character".to_owned());
    };
    let mut ahead = *rest;
    while let Some(digit) = take_digit(&mut ahead) {
        if number * 10 + digit > groups {
            break;
        }
        number = number * 10 + digit;
        *rest = ahead;
    }
    if number > groups {
        return Err(format!("the pattern has no group {number}"));
    }
    Ok(number)
}

/// Kafka's `escapeLiteralBackReferences`: a reference to a missing group becomes literal, if there is any group at all.
///
/// It looks for references in the text as it was and inserts backslashes into the text as it has become, so each
/// insertion after the first is off by those before it.
fn escape_missing_groups(text: Vec<u16>, groups: usize) -> Result<Vec<u16>, String> {
    if groups == 0 {
        return Ok(text);
    }
    let mut value = text.clone();
    let mut at = 0;
    while at < text.len() {
        let dollar = at;
        at += 1;
        let mut rest = &text[at..];
        if ascii(text[dollar]) != '$' || rest.is_empty() {
            continue;
        }
        let mut digits = String::new();
        while let Some(digit) = take_digit(&mut rest) {
            digits += &digit.to_string();
        }
        at += digits.len();
        if digits.is_empty() || digits.starts_with('0') {
            continue;
        }
        let mut number: i32 =
            digits.parse().map_err(|_| format!("the group number {digits} is too large"))?;
        while number >= 10 && exceeds(number, groups) {
            number /= 10;
        }
        if exceeds(number, groups) {
            value.insert(dollar, u16::from(b'\\'));
        }
    }
    Ok(value)
}

fn exceeds(number: i32, groups: usize) -> bool {
    usize::try_from(number).is_ok_and(|number| number > groups)
}

fn take_digit(rest: &mut &[u16]) -> Option<usize> {
    let [unit, after @ ..] = *rest else { return None };
    let digit = ascii(*unit).to_digit(10)?;
    *rest = after;
    Some(digit as usize)
}

/// The character of a code unit, if it is ASCII; else one that means nothing here.
fn ascii(unit: u16) -> char {
    u8::try_from(unit).map_or(char::REPLACEMENT_CHARACTER, char::from)
}
