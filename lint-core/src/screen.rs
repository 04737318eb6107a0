//! Whether any of many words is in a file, in one pass over its bytes: most files have none.

use aho_corasick::{AhoCorasick, Input, MatchKind};
use memchr::memmem::Finder;

/// What is looked for in the bytes of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// A name, or the end of one: what follows belongs to no name.
    Name(String),
    /// Text, wherever it stands.
    Text(String),
}

impl Word {
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    fn as_str(&self) -> &str {
        match self {
            Self::Name(text) | Self::Text(text) => text,
        }
    }

    fn is_name(&self) -> bool {
        matches!(self, Self::Name(_))
    }

    /// Whether wherever the word is, one of these is too.
    pub(crate) fn needs_any(&self, others: &[Self]) -> bool {
        others.iter().any(|it| it == self || it.is_within(self))
    }

    /// Whether the word is there wherever the other one is.
    fn is_within(&self, other: &Self) -> bool {
        let (text, around) = (self.as_str(), other.as_str());
        self != other
            && around.match_indices(text).any(|(at, _)| {
                let after = around.as_bytes().get(at + text.len());
                match (self, other) {
                    (Self::Text(_), _) => true,
                    (Self::Name(_), Self::Name(_)) => !after.is_some_and(continues_name),
                    (Self::Name(_), Self::Text(_)) => {
                        after.is_some_and(|after| !continues_name(after))
                    }
                }
            })
    }
}

/// Finds files in which at least one of some words stands.
pub(crate) struct Screen {
    /// Those that have enough bytes to be looked for together; `None` if there are too many.
    long: Option<Together>,
    /// The others, and whether each is a name.
    short: Vec<(Finder<'static>, bool)>,
}

struct Together {
    words: AhoCorasick,
    /// Whether each is a name.
    names: Vec<bool>,
}

/// A search for words that all have as many bytes rarely stops for something else: `defn` does not
/// stop at each `def`. Shorter words are looked for one by one.
const TELLING: usize = 4;

impl Screen {
    pub(crate) fn new<'w>(words: impl Iterator<Item = &'w Word>) -> Self {
        let mut words: Vec<&Word> = words.collect();
        words.sort_by_key(|it| it.as_str());
        words.dedup();
        // A word is not looked for if another one is found wherever it stands.
        let is_needed = |word: &&Word| !words.iter().any(|other| other.is_within(word));
        let needed: Vec<&Word> = words.iter().copied().filter(is_needed).collect();
        let (long, short): (Vec<&Word>, Vec<&Word>) = needed
            .into_iter()
            .partition(|it| it.as_str().len() >= TELLING);
        let finder = |it: &Word| (Finder::new(it.as_str()).into_owned(), it.is_name());
        Self {
            long: Together::new(&long),
            short: short.into_iter().map(finder).collect(),
        }
    }

    pub(crate) fn may_hold(&self, bytes: &[u8]) -> bool {
        let ends = |end: usize| !bytes.get(end).is_some_and(continues_name);
        let stands = |(finder, is_name): &(Finder<'static>, bool)| {
            let mut places = finder.find_iter(bytes);
            places.any(|at| !is_name || ends(at + finder.needle().len()))
        };
        let long = self.long.as_ref();
        long.is_none_or(|it| it.finds_any(bytes)) || self.short.iter().any(stands)
    }
}

impl Together {
    fn new(words: &[&Word]) -> Option<Self> {
        let texts = words.iter().map(|it| it.as_str());
        let mut builder = AhoCorasick::builder();
        // Of names that begin alike, only the longest that fits can end where it is found.
        let builder = builder.match_kind(MatchKind::LeftmostLongest);
        Some(Self {
            names: words.iter().map(|it| it.is_name()).collect(),
            words: builder.build(texts).ok()?,
        })
    }

    fn finds_any(&self, bytes: &[u8]) -> bool {
        let mut from = 0;
        while let Some(found) = self.words.find(Input::new(bytes).range(from..)) {
            let is_name = self.names[found.pattern().as_usize()];
            if !is_name || !bytes.get(found.end()).is_some_and(continues_name) {
                return true;
            }
            from = found.start() + 1;
        }
        false
    }
}

pub(crate) fn continues_name(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || *byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(words: &[Word]) -> Screen {
        Screen::new(words.iter())
    }

    fn name(text: &str) -> Word {
        Word::Name(text.to_owned())
    }

    #[test]
    fn a_name_ends_where_it_is_found() {
        let screen = screen(&[name("ntro"), name("defn")]);
        assert!(screen.may_hold(b"import ntro"));
        assert!(screen.may_hold(b"from ntro.workflow import x"));
        assert!(!screen.may_hold(b"control the introduction"));
        assert!(screen.may_hold(b"control(defn)"));
        assert!(screen.may_hold(b"xntrodefn"));
    }

    #[test]
    fn a_longer_name_that_begins_alike_is_found() {
        let screen = screen(&[
            name("workflow"),
            name("workflow.run"),
            name("workflow_class"),
        ]);
        assert!(screen.may_hold(b"workflow"));
        assert!(screen.may_hold(b"workflow.run"));
        assert!(screen.may_hold(b"a.workflow_class = 1"));
        assert!(!screen.may_hold(b"workflow_classes, workflows"));
    }

    #[test]
    fn text_stands_anywhere() {
        let screen = screen(&[Word::text("lint:"), name("lint")]);
        assert!(screen.may_hold(b"# runbook-lint:x"));
        assert!(screen.may_hold(b"lint"));
        assert!(!screen.may_hold(b"linter"));
    }

    #[test]
    fn nothing_is_in_an_empty_file() {
        assert!(!screen(&[name("a")]).may_hold(b""));
    }
}
