//! Globs over project files.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// A set of globs relative to the project root. A pattern without `/` matches at any depth, and a
/// pattern that matches a directory matches everything below it.
#[derive(Debug, Clone)]
pub(crate) struct Patterns(GlobSet);

impl Patterns {
    pub(crate) fn new<'p>(patterns: impl IntoIterator<Item = &'p str>) -> Result<Self, String> {
        let mut set = GlobSetBuilder::new();
        for pattern in patterns {
            let trimmed = pattern.trim_end_matches('/');
            let trimmed = trimmed.strip_prefix("./").unwrap_or(trimmed);
            if matches!(trimmed, "" | ".") {
                return Err(format!(
                    "`{pattern}` names no file; to match everything, write `*`"
                ));
            }
            let anchored = if trimmed.contains('/') {
                trimmed.trim_start_matches('/').to_owned()
            } else {
                format!("**/{trimmed}")
            };
            let glob = GlobBuilder::new(&anchored)
                .literal_separator(true)
                .build()
                .map_err(|error| format!("`{pattern}` is not a valid glob: {}", error.kind()))?;
            set.add(glob);
        }
        let set = set.build().map_err(|error| error.to_string())?;
        Ok(Self(set))
    }

    /// Whether the path itself matches, whatever is above it.
    pub(crate) fn matches_exactly(&self, key: &str) -> bool {
        self.0.is_match(key)
    }

    /// Whether the path or a directory above it matches.
    pub(crate) fn matches(&self, key: &str) -> bool {
        let parents = key.match_indices('/').map(|(at, _)| &key[..at]);
        parents.chain([key]).any(|path| self.matches_exactly(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_names_paths_and_what_is_below() {
        let patterns =
            Patterns::new(["generated", "*_pb2.py", "src/*/old/", "./a/b.py"]).expect("valid");
        for key in [
            "generated/x.py",
            "a/generated/b/c.py",
            "x_pb2.py",
            "src/m/old/z.py",
            "a/b.py",
        ] {
            assert!(patterns.matches(key), "{key}");
        }
        for key in ["generate/x.py", "src/m/n/old/z.py", "c/a/b.py"] {
            assert!(!patterns.matches(key), "{key}");
        }
        for empty in ["", "/", ".", "./"] {
            assert!(Patterns::new([empty]).is_err(), "{empty}");
        }
        assert!(Patterns::new(["a["]).is_err_and(|error| error.contains("`a[`")));
    }
}
