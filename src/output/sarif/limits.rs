//! What GitHub takes and shows of a log.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;

/// Results of one analysis that are shown; five times as many would be taken.
pub(super) const MAX_RESULTS: usize = 5_000;
/// Locations of one code flow that are shown.
pub(super) const MAX_STEPS: usize = 1_000;
/// Related locations of one result that are shown.
pub(super) const MAX_RELATED: usize = 100;
/// Characters of one text. GitHub says so of descriptions; names in hostile code have no end.
pub(super) const MAX_TEXT: usize = 1_024;

/// The upload may have 10 MB after gzip; the rules and the rest of the log are far below the
/// difference.
const MAX_COMPRESSED: usize = 9_000_000;
/// Readers hold the log in memory as one string.
const MAX_PLAIN: usize = 100_000_000;

/// Counts the size of results, as they are and as gzip has them.
pub(super) struct Budget {
    max_plain: usize,
    max_compressed: usize,
    plain: usize,
    compressed: GzEncoder<Count>,
}

#[derive(Default)]
struct Count(usize);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(MAX_PLAIN, MAX_COMPRESSED)
    }
}

impl Budget {
    fn new(max_plain: usize, max_compressed: usize) -> Self {
        Self {
            max_plain,
            max_compressed,
            plain: 0,
            // Who compresses better needs less.
            compressed: GzEncoder::new(Count::default(), Compression::fast()),
        }
    }

    pub(super) fn admits(&mut self, result: &impl Serialize) -> io::Result<bool> {
        let text = serde_json::to_vec(result)?;
        self.plain += text.len();
        self.compressed.write_all(&text)?;
        Ok(self.plain <= self.max_plain && self.compressed.get_ref().0 <= self.max_compressed)
    }
}

/// The items with their indices; if they are too many, the first ones and the last.
pub(super) fn ends<T>(items: &[T], limit: usize) -> impl Iterator<Item = (usize, &T)> {
    let left_out = if items.len() > limit {
        limit - 1..items.len() - 1
    } else {
        0..0
    };
    let all = items.iter().enumerate();
    all.filter(move |(index, _)| !left_out.contains(index))
}

/// Text for a message, not too long. Brackets would begin a link there, and are escaped as the
/// standard says (§3.11.6).
pub(super) fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in cut(text).chars() {
        if matches!(c, '[' | ']' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The beginning of a text.
pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        None => text.to_owned(),
        Some(_) => {
            let mut start: String = text.chars().take(MAX_TEXT - 1).collect();
            start.push('…');
            start
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_culprit_is_never_left_out() {
        let kept = |count: usize| -> Vec<usize> {
            let items: Vec<usize> = (0..count).collect();
            ends(&items, 3).map(|(index, _)| index).collect()
        };
        assert_eq!(kept(0), [0; 0]);
        assert_eq!(kept(3), [0, 1, 2]);
        assert_eq!(kept(4), [0, 1, 3]);
        assert_eq!(kept(9), [0, 1, 8]);
    }

    #[test]
    fn texts_are_cut_between_characters() {
        let long = "é".repeat(MAX_TEXT);
        assert_eq!(cut(&long), long);
        let cut = cut(&format!("{long}é"));
        assert_eq!(cut.chars().count(), MAX_TEXT);
        assert!(cut.ends_with("é…"));
        assert_eq!(text(r"a[0](1) \"), r"a\[0\](1) \\");
    }

    #[test]
    fn what_compresses_badly_ends_the_budget_first() {
        let fits = |text: &dyn Fn(usize) -> String| {
            let mut budget = Budget::new(10_000_000, 900_000);
            let mut fitting = 0;
            while budget.admits(&text(fitting)).expect("in memory") {
                fitting = budget.plain;
            }
            fitting
        };
        let same = fits(&|_| "x".repeat(100_000));
        assert!((9_800_000..=10_000_000).contains(&same), "{same}");
        // Digits of numbers that do not repeat: half of their size is left.
        let noise = fits(&|seed| {
            let next = |x: &u64| Some(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
            let numbers = std::iter::successors(Some(seed as u64), next).take(10_000);
            numbers.map(|it| format!("{:08x}", it >> 32)).collect()
        });
        assert!((900_000..3_000_000).contains(&noise), "{noise}");
    }
}
