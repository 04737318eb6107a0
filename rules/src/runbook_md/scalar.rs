//! The types of plain scalars, by YAML 1.1 as PyYAML has it.

/// What a scalar is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Bool,
    Int,
    Float,
    /// A date, with or without a time.
    Date,
    Text,
    /// The key `<<`.
    Merge,
}

impl Kind {
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Null => "empty",
            Self::Bool => "a boolean",
            Self::Int => "an integer",
            Self::Float => "a float",
            Self::Date => "a date",
            Self::Text => "a string",
            Self::Merge => "a merge key",
        }
    }
}

/// The type of a plain scalar, or why PyYAML cannot make a value of it.
pub(crate) fn resolve(text: &str) -> Result<Kind, &'static str> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Kind::Null),
        "yes" | "Yes" | "YES" | "no" | "No" | "NO" | "true" | "True" | "TRUE" | "false"
        | "False" | "FALSE" | "on" | "On" | "ON" | "off" | "Off" | "OFF" => return Ok(Kind::Bool),
        "<<" => return Ok(Kind::Merge),
        "=" => return Err("a plain '=' has no value"),
        _ => {}
    }
    if is_int(text) {
        return Ok(Kind::Int);
    }
    if is_float(text) {
        return Ok(Kind::Float);
    }
    match date(text) {
        Some(true) => Ok(Kind::Date),
        Some(false) => Err("there is no such date"),
        None => Ok(Kind::Text),
    }
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['+', '-']).unwrap_or(text)
}

fn all(text: &str, test: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(test)
}

fn is_digit_or_underscore(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'_'
}

fn is_int(text: &str) -> bool {
    let text = unsigned(text);
    if let Some(digits) = text.strip_prefix("0b") {
        return all(digits, |b| matches!(b, b'0' | b'1' | b'_'));
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return all(digits, |b| b.is_ascii_hexdigit() || b == b'_');
    }
    if text == "0" {
        return true;
    }
    if let Some(digits) = text.strip_prefix('0') {
        return all(digits, |b| matches!(b, b'0'..=b'7' | b'_'));
    }
    let (head, sixties) = text
        .split_once(':')
        .map_or((text, None), |(head, rest)| (head, Some(rest)));
    head.starts_with(|c: char| c.is_ascii_digit())
        && all(head, is_digit_or_underscore)
        && sixties.is_none_or(|rest| rest.split(':').all(is_sixtieth))
}

/// `7` or `07` to `59`.
fn is_sixtieth(text: &str) -> bool {
    match text.as_bytes() {
        [digit] => digit.is_ascii_digit(),
        [b'0'..=b'5', digit] => digit.is_ascii_digit(),
        _ => false,
    }
}

fn is_float(text: &str) -> bool {
    let signed = unsigned(text);
    if matches!(signed, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let Some((whole, rest)) = signed.split_once('.') else {
        return false;
    };
    if let Some((head, sixties)) = whole.split_once(':') {
        return head.starts_with(|c: char| c.is_ascii_digit())
            && all(head, is_digit_or_underscore)
            && sixties.split(':').all(is_sixtieth)
            && rest.bytes().all(is_digit_or_underscore);
    }
    let (fraction, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let is_exponent = exponent.is_none_or(|it| {
        it.strip_prefix(['+', '-'])
            .is_some_and(|digits| all(digits, |b| b.is_ascii_digit()))
    });
    let is_number = if whole.is_empty() {
        // No sign before the point, and a digit after it.
        signed == text && fraction.starts_with(|c: char| c.is_ascii_digit())
    } else {
        whole.starts_with(|c: char| c.is_ascii_digit()) && all(whole, is_digit_or_underscore)
    };
    is_number && is_exponent && fraction.bytes().all(is_digit_or_underscore)
}

/// Whether a text in the form of a date is one; `None` when it has not that form.
fn date(text: &str) -> Option<bool> {
    let bytes = text.as_bytes();
    let digits = |range: std::ops::Range<usize>| -> Option<u32> {
        let part = text.get(range)?;
        if all(part, |b| b.is_ascii_digit()) {
            part.parse().ok()
        } else {
            None
        }
    };
    let year = digits(0..4)?;
    if bytes.get(4) != Some(&b'-') {
        return None;
    }
    let month_end = 5 + bytes
        .get(5..7)?
        .iter()
        .take_while(|b| b.is_ascii_digit())
        .count();
    let month = digits(5..month_end)?;
    if bytes.get(month_end) != Some(&b'-') {
        return None;
    }
    let day_end = month_end
        + 1
        + bytes
            .get(month_end + 1..)?
            .iter()
            .take(2)
            .take_while(|b| b.is_ascii_digit())
            .count();
    let day = digits(month_end + 1..day_end)?;
    let rest = &text[day_end..];
    let is_date = if rest.is_empty() {
        text.len() == 10
    } else {
        is_time(rest)
    };
    is_date.then(|| year > 0 && (1..=12).contains(&month) && (1..=days(year, month)).contains(&day))
}

fn days(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// `T10:20:30.5 +01:00` after a date.
fn is_time(text: &str) -> bool {
    let time = match text.strip_prefix(['T', 't']) {
        Some(time) => time,
        None => text.trim_start_matches([' ', '\t']),
    };
    if time.len() == text.len() {
        return false;
    }
    let zone = time.find(['Z', '+', '-', ' ', '\t']).unwrap_or(time.len());
    let (clock, fraction) = time[..zone].split_once('.').unwrap_or((&time[..zone], ""));
    let parts: Vec<&str> = clock.split(':').collect();
    let zone = time[zone..].trim_start_matches([' ', '\t']);
    let two = |it: &&str| it.len() == 2 && all(it, |b| b.is_ascii_digit());
    parts.len() == 3
        && matches!(parts[0].len(), 1 | 2)
        && all(parts[0], |b| b.is_ascii_digit())
        && parts[1..].iter().all(two)
        && fraction.bytes().all(|b| b.is_ascii_digit())
        && (matches!(zone, "" | "Z")
            || zone
                .strip_prefix(['+', '-'])
                .is_some_and(|it| all(it, |b| b.is_ascii_digit() || b == b':')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_those_of_pyyaml() {
        for (kind, texts) in [
            (Kind::Null, &["", "~", "null"][..]),
            (Kind::Bool, &["yes", "Off", "TRUE"]),
            (
                Kind::Int,
                &[
                    "0", "10", "-1_000", "0b1", "0o17", "017", "0x1F", "12:30", "1:2:03",
                ],
            ),
            (
                Kind::Float,
                &["0.1", "1.", "-1.5e+3", ".5", "+.inf", ".nan", "1:30.5"],
            ),
            (
                Kind::Date,
                &[
                    "2026-01-31",
                    "2026-1-2T10:20:30Z",
                    "2026-01-02 10:20:30.5 +01:00",
                ],
            ),
            (
                Kind::Text,
                &[
                    "0.1.0",
                    "1.2.3-rc.1",
                    "y",
                    "n",
                    "yEs",
                    "08",
                    "1e3",
                    "1:99",
                    "x",
                    "2026-1-2",
                    "-.5",
                    "-",
                    ".",
                    "2026-01",
                    "v1",
                    "12:30:",
                    "0x",
                    "_1",
                ],
            ),
        ] {
            for text in texts {
                // YAML 1.2's octal is text in 1.1.
                let expected = if *text == "0o17" { Kind::Text } else { kind };
                assert_eq!(resolve(text), Ok(expected), "{text:?}");
            }
        }
        assert!(resolve("2026-02-30").is_err());
        assert!(resolve("=").is_err());
    }
}
