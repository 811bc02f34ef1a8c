//! Text of unknown origin, and times, in a form that is safe to print.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Displays `text` with every character escaped (`\u{1b}`) that could break a line, steer a terminal or reorder
/// what is read.
pub fn printable(text: &str) -> impl fmt::Display {
    Printable(text)
}

struct Printable<'a>(&'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some((at, unsafe_char)) = rest.char_indices().find(|&(_, c)| is_unsafe(c)) {
            f.write_str(&rest[..at])?;
            write!(f, "{}", unsafe_char.escape_unicode())?;
            rest = &rest[at + unsafe_char.len_utf8()..];
        }
        f.write_str(rest)
    }
}

/// Displays names in quotation marks, each printable, with quotation marks and backslashes in it escaped.
pub(crate) struct QuotedNames<I>(pub(crate) I);

impl<'a, I: IntoIterator<Item = &'a String> + Copy> fmt::Display for QuotedNames<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, name) in self.0.into_iter().enumerate() {
            f.write_str(if place == 0 { "\"" } else { ", \"" })?;
            for part in name.split_inclusive(['"', '\\']) {
                match part.as_bytes().last() {
                    Some(b'"' | b'\\') => {
                        let (text, mark) = part.split_at(part.len() - 1);
                        write!(f, "{}\\{mark}", Printable(text))?;
                    }
                    _ => Printable(part).fmt(f)?,
                }
            }
            f.write_str("\"")?;
        }
        Ok(())
    }
}

/// Control characters (C0, DEL, C1: an 8-bit CSI is one byte in some terminals), line and paragraph separators,
/// and the invisible characters that change the direction or the look of the text around them.
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The first `limit` bytes of a longer text, with a word on how much was cut; `None` when it is short enough.
pub(crate) fn clipped(text: &str, limit: usize) -> Option<String> {
    if text.len() <= limit {
        return None;
    }
    let end = (0..=limit).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let kept = &text[..end];
    Some(format!("{kept}... ({} more bytes)", text.len() - kept.len()))
}

/// Displays a time as RFC 3339 in UTC with microseconds: `2026-11-25T08:30:00.000001Z`.
#[derive(Debug, Clone, Copy)]
pub struct Rfc3339(pub SystemTime);

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whoever's clock stands before 1970 has it shown as 1970.
        let since = self.0.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let seconds = since.as_secs();
        let (year, month, day) = civil_date(seconds / 86_400);
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        let micros = since.subsec_micros();
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
    }
}

/// Year, month and day in the Gregorian calendar of a day counted from 1970-01-01. The year is taken to begin in
/// March, so that the leap day is its last and each month starts at a fixed place.
fn civil_date(day: u64) -> (u64, u64, u64) {
    const DAYS_TO_1970: u64 = 719_468;
    const DAYS_IN_400_YEARS: u64 = 146_097;
    let days = day + DAYS_TO_1970;
    let (era, day_of_era) = (days / DAYS_IN_400_YEARS, days % DAYS_IN_400_YEARS);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day_of_month)
}

/// The word among `known` that was probably meant: at most a third of its letters away.
pub(crate) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.chars().take(64).flat_map(char::to_lowercase).collect();
    known
        .map(|candidate| (distance(&word, &candidate.to_lowercase().chars().collect::<Vec<_>>()), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().div_ceil(3))
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many letters must be added, dropped, changed or swapped with their neighbour to make `b` of `a`.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            table[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let changed = usize::from(a[i - 1] != b[j - 1]);
                let best = (table[i - 1][j - 1] + changed).min(table[i - 1][j] + 1).min(table[i][j - 1] + 1);
                let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                if swapped { best.min(table[i - 2][j - 2] + 1) } else { best }
            };
        }
    }
    table[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_unsafe_is_escaped() {
        let shown = |text: &str| printable(text).to_string();
        assert_eq!(
            shown("CN=M\u{fc}ller\\, A,O=\u{65e5}\u{672c} \u{1f600}"),
            "CN=M\u{fc}ller\\, A,O=\u{65e5}\u{672c} \u{1f600}"
        );
        assert_eq!(shown("a\nb\u{1b}[0m\u{202e}"), r"a\u{a}b\u{1b}[0m\u{202e}");
        assert_eq!(shown(""), "");
    }

    #[test]
    fn times_are_rfc_3339() {
        let shown = |seconds: u64, micros: u64| {
            Rfc3339(UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_micros(micros)).to_string()
        };
        assert_eq!(shown(0, 0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(shown(951_782_399, 999_999), "2000-02-28T23:59:59.999999Z");
        assert_eq!(shown(951_782_400, 0), "2000-02-29T00:00:00.000000Z");
        assert_eq!(shown(1_709_251_199, 0), "2024-02-29T23:59:59.000000Z");
        assert_eq!(shown(1_709_251_200, 5), "2024-03-01T00:00:00.000005Z");
        assert_eq!(shown(4_107_542_400, 0), "2100-03-01T00:00:00.000000Z");
        assert_eq!(Rfc3339(UNIX_EPOCH - Duration::from_secs(9)).to_string(), "1970-01-01T00:00:00.000000Z");
    }

    #[test]
    fn the_nearest_word_is_found_or_none() {
        let known = ["client_auth", "client_ca", "private_key"];
        assert_eq!(nearest("client_auht", known.into_iter()), Some("client_auth"));
        assert_eq!(nearest("clientAuth", known.into_iter()), Some("client_auth"));
        assert_eq!(nearest("password", known.into_iter()), None);
    }
}
