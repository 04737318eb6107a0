//! Keys of a frontmatter that were meant to be other ones.

/// The known key that this one, which is none of them, was meant to be.
pub(crate) fn misspelled<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    if known.contains(&key) {
        return None;
    }
    let plain = |text: &str| text.to_lowercase().replace(['-', '_', ' '], "");
    known.iter().copied().find(|known| {
        let (a, b) = (plain(key), plain(known));
        let allowed = match b.len() {
            0..=2 => 0,
            3..=7 => 1,
            _ => 2,
        };
        strsim::damerau_levenshtein(&a, &b) <= allowed
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 5] = ["classification", "config_schema", "slug", "steps", "tags"];

    #[test]
    fn near_misses_only() {
        for (key, meant) in [
            ("classfication", Some("classification")),
            ("configSchema", Some("config_schema")),
            ("Slug", Some("slug")),
            ("tag", Some("tags")),
            ("step", Some("steps")),
            ("status", None),
            ("title", None),
            ("owner", None),
            ("ids", None),
            ("slug", None),
        ] {
            assert_eq!(misspelled(key, &KNOWN), meant, "{key}");
        }
    }
}
