//! Whether a regular expression is one for Python. Only what is certainly wrong is an error.

/// What is wrong with the pattern.
pub(crate) fn check(pattern: &str) -> Result<(), &'static str> {
    let mut parser = Parser {
        chars: pattern.chars().collect(),
        at: 0,
    };
    parser.alternatives(0)?;
    if parser.at < parser.chars.len() {
        Err("a `)` has no `(`")
    } else {
        Ok(())
    }
}

struct Parser {
    chars: Vec<char>,
    at: usize,
}

/// What came last, as far as it decides whether it may be repeated.
#[derive(Clone, Copy)]
enum Last {
    /// Nothing, or what may not be repeated.
    Start,
    Item,
    Repetition,
}

impl Last {
    /// `a+?` is lazy and `a++` possessive; no third one follows.
    fn repeated(self, is_final: bool) -> Result<Self, &'static str> {
        match self {
            Self::Start => Err("there is nothing to repeat"),
            Self::Item => Ok(Self::Repetition),
            Self::Repetition if is_final => Err("a repetition is repeated"),
            Self::Repetition => Ok(Self::Start),
        }
    }
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn eat(&mut self, c: char) -> bool {
        let is_next = self.peek() == Some(c);
        self.at += usize::from(is_next);
        is_next
    }

    fn alternatives(&mut self, depth: usize) -> Result<(), &'static str> {
        if depth > 100 {
            return Ok(());
        }
        let mut last = Last::Start;
        while let Some(c) = self.peek() {
            last = match c {
                ')' => return Ok(()),
                '*' | '+' | '?' => {
                    self.at += 1;
                    last.repeated(c == '*')?
                }
                '{' => match self.bounds() {
                    Some((low, high)) if high.is_some_and(|high| high < low) => {
                        last.repeated(true)?;
                        return Err("the bounds of a repetition are in the wrong order");
                    }
                    Some(_) => last.repeated(true)?,
                    None => {
                        self.at += 1;
                        Last::Item
                    }
                },
                '(' => {
                    self.at += 1;
                    let is_comment = self.group_head()?;
                    if is_comment {
                        continue;
                    }
                    self.alternatives(depth + 1)?;
                    if !self.eat(')') {
                        return Err("a `(` is not closed");
                    }
                    Last::Item
                }
                _ => self.item(c)?,
            };
        }
        Ok(())
    }

    fn item(&mut self, c: char) -> Result<Last, &'static str> {
        self.at += 1;
        match c {
            '|' => return Ok(Last::Start),
            '[' => self.set()?,
            '\\' => {
                self.at += 1;
                if self.at > self.chars.len() {
                    return Err("it ends in a backslash");
                }
            }
            // Python lets no anchor be repeated, but `^*` is written by nobody.
            _ => {}
        }
        Ok(Last::Item)
    }

    /// Skips `?:`, `?P<name>` and the like. Returns whether the group was a comment or flags, and is
    /// at its end.
    fn group_head(&mut self) -> Result<bool, &'static str> {
        if !self.eat('?') {
            return Ok(false);
        }
        match self.peek() {
            Some('#') => {
                while let Some(c) = self.peek() {
                    self.at += 1;
                    if c == ')' {
                        return Ok(true);
                    }
                }
                Err("a comment is not closed")
            }
            Some(':' | '=' | '!' | '>') => {
                self.at += 1;
                Ok(false)
            }
            Some('P' | '<' | '(') => self.group_name(),
            _ => self.flags(),
        }
    }

    /// `P<name>`, `<=`, `(name)` and the like, after `(?`.
    fn group_name(&mut self) -> Result<bool, &'static str> {
        let end = if self.peek() == Some('(') { ')' } else { '>' };
        if self.peek() == Some('P') {
            self.at += 1;
            if self.peek() != Some('<') {
                // A back reference, `(?P=name)`.
                return Ok(false);
            }
        }
        self.at += 1;
        if end == '>' && matches!(self.peek(), Some('=' | '!')) {
            self.at += 1;
            return Ok(false);
        }
        while let Some(c) = self.peek() {
            self.at += 1;
            if c == end {
                return Ok(false);
            }
        }
        Err("the name of a group is not closed")
    }

    fn flags(&mut self) -> Result<bool, &'static str> {
        while let Some(c) = self.peek() {
            match c {
                ':' | ')' => {
                    self.at += 1;
                    return Ok(c == ')');
                }
                c if c.is_ascii_alphabetic() || c == '-' => self.at += 1,
                _ => return Err("`(?` is followed by something unknown"),
            }
        }
        Err("a `(` is not closed")
    }

    /// After `[`.
    fn set(&mut self) -> Result<(), &'static str> {
        self.eat('^');
        let mut is_first = true;
        loop {
            let Some(low) = self.peek() else {
                return Err("a `[` is not closed");
            };
            if low == ']' && !is_first {
                self.at += 1;
                return Ok(());
            }
            is_first = false;
            let low = self.set_char();
            let is_range = self.peek() == Some('-')
                && !matches!(self.chars.get(self.at + 1), None | Some(']'));
            if is_range {
                self.at += 1;
                let high = self.set_char();
                if let (Some(low), Some(high)) = (low, high)
                    && high < low
                {
                    return Err("a range of characters is in the wrong order");
                }
            }
        }
    }

    /// One character of a set; `None` for an escape.
    fn set_char(&mut self) -> Option<char> {
        let c = self.peek()?;
        if c == '\\' {
            self.at += 2;
            return None;
        }
        self.at += 1;
        Some(c)
    }

    /// `{2}`, `{2,}`, `{,3}` or `{2,3}`; other braces are plain characters.
    fn bounds(&mut self) -> Option<(u64, Option<u64>)> {
        let start = self.at;
        let length = self.chars[start..].iter().position(|&c| c == '}')?;
        let inner: String = self.chars[start + 1..start + length].iter().collect();
        let number = |text: &str| -> Option<u64> {
            if text.bytes().all(|b| b.is_ascii_digit()) {
                text.parse().ok()
            } else {
                None
            }
        };
        let bounds = match inner.split_once(',') {
            None => (number(&inner)?, number(&inner)),
            Some(("", "")) => (0, None),
            Some((low, "")) => (number(low)?, None),
            Some(("", high)) => (0, Some(number(high)?)),
            Some((low, high)) => (number(low)?, Some(number(high)?)),
        };
        self.at = start + length + 1;
        Some(bounds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_are_those_of_python() {
        for good in [
            "",
            r"^\d{4}-\d{2}$",
            "^[0-9]{4}-(0[1-9]|1[0-2])$",
            "[]a]",
            "[^]]+",
            "[a-z-]",
            r"[\w-]+",
            "a{,3}",
            "a{x}",
            "x{",
            "a+?b*?c??",
            "(?P<year>[0-9]+)(?P=year)",
            "(?i)abc",
            "(?i:abc)",
            "(?<=a)b(?<!c)(?!d)(?=e)",
            "(a)(?(1)b|c)",
            "(?#note)a",
            "a|",
            "()",
            r"\(",
            "é+",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "(", "a)", "[a", "[", "*a", "a**", "a|*", "(*a)", "a{3,2}", "[z-a]", "a\\", "(?P<n",
            "(?", "a{2}{3}", "(?P<a>b",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
