//! "Did you mean …?"

/// The candidate that the word was most likely meant to be; ties go to the first.
pub fn closest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let word = word.to_lowercase();
    let mut best: Option<(f64, &str)> = None;
    for candidate in candidates {
        let score = strsim::jaro_winkler(&word, &candidate.to_lowercase());
        if score > THRESHOLD && best.is_none_or(|(top, _)| score > top) {
            best = Some((score, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Below this similarity a suggestion confuses more than it helps.
const THRESHOLD: f64 = 0.8;

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn near_words_are_suggested_and_far_ones_are_not() {
        let names = ["wall-clock", "random-uuid", "file-io"];
        assert_eq!(closest("wallclock", names), Some("wall-clock"));
        assert_eq!(closest("Random-UIUD", names), Some("random-uuid"));
        assert_eq!(closest("banana", names), None);
    }
}
