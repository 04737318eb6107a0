//! Whether any of many words is in a file, in one pass over its bytes: most files have none.

use aho_corasick::{AhoCorasick, Input, MatchKind};

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
    /// Where there are too many words for a pass, each file may hold them.
    passes: Option<Vec<Pass>>,
}

/// One look through a file.
struct Pass {
    words: AhoCorasick,
    /// Whether each is a name.
    names: Vec<bool>,
}

/// A search for words that all have as many bytes rarely stops for something else: `defn` does not
/// stop at each `def`. Shorter words are looked for on their own.
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
        let groups = [long, short].into_iter().filter(|it| !it.is_empty());
        Self {
            passes: groups.map(|it| Pass::new(&it)).collect(),
        }
    }

    pub(crate) fn may_hold(&self, bytes: &[u8]) -> bool {
        let passes = self.passes.as_deref();
        passes.is_none_or(|it| it.iter().any(|pass| pass.finds_any(bytes)))
    }
}

impl Pass {
    fn new(words: &[&Word]) -> Option<Self> {
        let names = words.iter().map(|it| matches!(it, Word::Name(_)));
        let texts = words.iter().map(|it| it.as_str());
        let mut builder = AhoCorasick::builder();
        // Of names that begin alike, only the longest that fits can end where it is found.
        let builder = builder.match_kind(MatchKind::LeftmostLongest);
        Some(Self {
            names: names.collect(),
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
