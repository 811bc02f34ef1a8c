//! Reading DER, element by element: what X.509 is written in. Anything that is not DER is an error, not a guess.

use std::fmt;

/// Why bytes are not DER, or not what was expected of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotDer(pub &'static str);

impl fmt::Display for NotDer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for NotDer {}

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// The tag of a primitive element of that number that is told by its context.
pub(crate) const fn context(number: u8) -> u8 {
    0x80 | number
}

/// The same of a constructed one.
pub(crate) const fn context_constructed(number: u8) -> u8 {
    0xa0 | number
}

/// A row of DER elements.
#[derive(Clone, Copy)]
pub(crate) struct Der<'a>(pub(crate) &'a [u8]);

/// One DER element: its tag, its content, and all its bytes.
#[derive(Clone, Copy)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    pub(crate) whole: &'a [u8],
}

impl<'a> Der<'a> {
    pub(crate) fn next(&mut self) -> Result<Option<Element<'a>>, NotDer> {
        let all = self.0;
        let (&tag, length, rest) = match all {
            [] => return Ok(None),
            [tag, ..] if tag & 0x1f == 0x1f => return Err(NotDer("a tag has more than one byte")),
            [tag, length @ 0..=0x7f, rest @ ..] => (tag, usize::from(*length), rest),
            [tag, 0x81, length @ 0x80..=0xff, rest @ ..] => (tag, usize::from(*length), rest),
            [tag, 0x82, high @ 1..=0xff, low, rest @ ..] => {
                (tag, usize::from(u16::from_be_bytes([*high, *low])), rest)
            }
            [tag, 0x83, high @ 1..=0xff, middle, low, rest @ ..] => {
                (tag, usize::from(*high) << 16 | usize::from(*middle) << 8 | usize::from(*low), rest)
            }
            _ => return Err(NotDer("a length is missing, longer than it need be, or above 16 MiB")),
        };
        let Some((content, rest)) = rest.split_at_checked(length) else {
            return Err(NotDer("an element is cut short"));
        };
        self.0 = rest;
        Ok(Some(Element { tag, content, whole: &all[..all.len() - rest.len()] }))
    }

    /// The next element, which must have this tag.
    pub(crate) fn take(&mut self, tag: u8, reason: &'static str) -> Result<Element<'a>, NotDer> {
        match self.next()? {
            Some(element) if element.tag == tag => Ok(element),
            _ => Err(NotDer(reason)),
        }
    }

    /// The next element if it has this tag.
    pub(crate) fn take_if(&mut self, tag: u8) -> Result<Option<Element<'a>>, NotDer> {
        match self.0.first() {
            Some(first) if *first == tag => self.next(),
            _ => Ok(None),
        }
    }

    /// The only element, which must have this tag.
    pub(crate) fn only(mut self, tag: u8, reason: &'static str) -> Result<Element<'a>, NotDer> {
        match (self.next()?, self.0) {
            (Some(element), []) if element.tag == tag => Ok(element),
            _ => Err(NotDer(reason)),
        }
    }

    /// The content of the only element.
    pub(crate) fn whole(self, tag: u8, reason: &'static str) -> Result<Der<'a>, NotDer> {
        self.only(tag, reason).map(|element| Der(element.content))
    }

    /// Nothing may come any more.
    pub(crate) fn end(self, reason: &'static str) -> Result<(), NotDer> {
        if self.0.is_empty() { Ok(()) } else { Err(NotDer(reason)) }
    }
}

impl<'a> Element<'a> {
    pub(crate) fn expect(self, tag: u8, reason: &'static str) -> Result<Der<'a>, NotDer> {
        if self.tag == tag { Ok(Der(self.content)) } else { Err(NotDer(reason)) }
    }
}

/// An object identifier in numbers.
pub(crate) fn dotted(bytes: &[u8]) -> Result<String, NotDer> {
    if bytes.last().is_none_or(|&last| last & 0x80 != 0) {
        return Err(NotDer("an object identifier is empty or not ended"));
    }
    let mut text = String::new();
    for component in bytes.split_inclusive(|byte| byte & 0x80 == 0) {
        if component.first() == Some(&0x80) {
            return Err(NotDer("an object identifier has a useless byte"));
        }
        let mut number = 0u128;
        for &byte in component {
            if number.leading_zeros() < 7 {
                return Err(NotDer("an object identifier has a component above 128 bits"));
            }
            number = number << 7 | u128::from(byte & 0x7f);
        }
        text += &match (text.is_empty(), number) {
            // The first two numbers share a component.
            (true, 0..80) => format!("{}.{}", number / 40, number % 40),
            (true, _) => format!("2.{}", number - 80),
            (false, _) => format!(".{number}"),
        };
    }
    Ok(text)
}

/// An integer that is not negative and has at most 64 bits.
pub(crate) fn unsigned(content: &[u8]) -> Result<u64, NotDer> {
    match content {
        [] => Err(NotDer("an integer is empty")),
        [0x80..=0xff, ..] => Err(NotDer("an integer is negative")),
        [0, 0..=0x7f, ..] => Err(NotDer("an integer is longer than it need be")),
        _ if content.len() > 9 || (content.len() == 9 && content[0] != 0) => {
            Err(NotDer("an integer has more than 64 bits"))
        }
        _ => Ok(content.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))),
    }
}

/// A truth value.
pub(crate) fn boolean(content: &[u8]) -> Result<bool, NotDer> {
    match content {
        [0] => Ok(false),
        [0xff] => Ok(true),
        _ => Err(NotDer("a truth value is neither 00 nor FF")),
    }
}

/// A time of X.509 in seconds since 1970: UTCTime or GeneralizedTime, as RFC 5280 wants them or without seconds.
pub(crate) fn time(element: &Element<'_>) -> Result<i64, NotDer> {
    const REASON: NotDer = NotDer("a time is none of those that X.509 knows");
    let digits = element.content.strip_suffix(b"Z").ok_or(REASON)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(REASON);
    }
    let number =
        |digits: &[u8]| digits.iter().fold(0i64, |number, digit| number * 10 + i64::from(digit - b'0'));
    let (year, rest) = match element.tag {
        UTC_TIME => {
            let (year, rest) = digits.split_at_checked(2).ok_or(REASON)?;
            let year = number(year);
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = digits.split_at_checked(4).ok_or(REASON)?;
            (number(year), rest)
        }
        _ => return Err(REASON),
    };
    let parts: Vec<i64> = rest.chunks(2).map(number).collect();
    let (month, day, hour, minute, second) = match (rest.len(), parts.as_slice()) {
        (10, [month, day, hour, minute, second]) => (*month, *day, *hour, *minute, *second),
        (8, [month, day, hour, minute]) => (*month, *day, *hour, *minute, 0),
        _ => return Err(REASON),
    };
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return Err(REASON);
    }
    Ok(days_since_1970(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// Days from 1970-01-01 to that day of the Gregorian calendar, counted in years that begin with March.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let days = year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    days + (month * 153 + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(tag: u8, text: &str) -> Result<i64, NotDer> {
        time(&Element { tag, content: text.as_bytes(), whole: &[] })
    }

    #[test]
    fn times_are_seconds_since_1970() {
        for (tag, text, seconds) in [
            (UTC_TIME, "700101000000Z", 0),
            (UTC_TIME, "491231235959Z", 2_524_607_999),
            (UTC_TIME, "500101000000Z", -631_152_000),
            (UTC_TIME, "2602280102Z", 1_772_240_520),
            (GENERALIZED_TIME, "20240229120000Z", 1_709_208_000),
            (GENERALIZED_TIME, "99991231235959Z", 253_402_300_799),
            (GENERALIZED_TIME, "00000101000000Z", -62_167_219_200),
        ] {
            assert_eq!(at(tag, text), Ok(seconds), "{text}");
        }
        for (tag, text) in [
            (UTC_TIME, "7001010000000Z"),
            (UTC_TIME, "701301000000Z"),
            (UTC_TIME, "700101240000Z"),
            (UTC_TIME, "700101000000+0100"),
            (GENERALIZED_TIME, "20240229120000.5Z"),
            (GENERALIZED_TIME, "2024Z"),
            (INTEGER, "700101000000Z"),
            (UTC_TIME, ""),
            (UTC_TIME, "Z"),
        ] {
            assert!(at(tag, text).is_err(), "{text}");
        }
    }

    #[test]
    fn integers_are_as_short_as_they_can_be() {
        assert_eq!(unsigned(&[0]), Ok(0));
        assert_eq!(unsigned(&[0, 0x80]), Ok(128));
        assert_eq!(unsigned(&[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), Ok(u64::MAX));
        for wrong in [&[][..], &[0x80], &[0, 1], &[1; 9], &[0; 10]] {
            assert!(unsigned(wrong).is_err(), "{wrong:?}");
        }
    }
}
