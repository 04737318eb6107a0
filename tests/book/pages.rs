//! The files of the book.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Where generated pages are; everything else is written by people, except below markers.
const GENERATED: &str = "rules/";

pub(crate) struct Pages {
    directory: PathBuf,
    /// Text by path relative to the directory.
    files: BTreeMap<String, String>,
}

impl Pages {
    pub(crate) fn read() -> Self {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
        let mut files = BTreeMap::new();
        for folder in ["", GENERATED] {
            let Ok(entries) = fs::read_dir(directory.join(folder)) else {
                continue;
            };
            for entry in entries {
                let path = entry.expect("the directory can be listed").path();
                if path.extension().is_some_and(|it| it == "md") {
                    let name = path.file_name().expect("a file has a name");
                    let key = format!("{folder}{}", name.to_string_lossy());
                    let text = fs::read_to_string(&path).expect("the page can be read");
                    files.insert(key, text);
                }
            }
        }
        Self { directory, files }
    }

    /// Pages that people write.
    pub(crate) fn written(&self) -> impl Iterator<Item = (&str, &str)> {
        let files = self.files.iter();
        files
            .filter(|(path, _)| !path.starts_with(GENERATED))
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    pub(crate) fn text(&self, path: &str) -> &str {
        let text = self.files.get(path);
        text.unwrap_or_else(|| panic!("there is no docs/{path}"))
    }

    /// Compares with what the pages should be, or makes them so.
    pub(crate) fn compare_or_write(&self, fresh: &BTreeMap<String, String>) {
        if std::env::var_os("UPDATE_BOOK").is_some() {
            self.write(fresh);
            return;
        }
        const ADVICE: &str = "run `UPDATE_BOOK=1 cargo test --test book`";
        for (path, text) in fresh {
            let written = self.files.get(path).map_or("", String::as_str);
            for (number, (written, fresh)) in (1..).zip(written.lines().zip(text.lines())) {
                assert_eq!(written, fresh, "docs/{path}:{number} is stale; {ADVICE}");
            }
            assert_eq!(written, text, "docs/{path} is stale; {ADVICE}");
        }
        for path in self.files.keys() {
            assert!(
                fresh.contains_key(path),
                "docs/{path} is left over; {ADVICE}"
            );
        }
    }

    fn write(&self, fresh: &BTreeMap<String, String>) {
        fs::create_dir_all(self.directory.join(GENERATED)).expect("docs/ is writable");
        for (path, text) in fresh {
            fs::write(self.directory.join(path), text).expect("docs/ is writable");
        }
        for path in self.files.keys().filter(|path| !fresh.contains_key(*path)) {
            fs::remove_file(self.directory.join(path)).expect("docs/ is writable");
        }
    }
}

/// The lines of a page, each with whether it belongs to a block of code, fences included.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut is_code = false;
    text.lines().map(move |line| {
        let is_fence = line.starts_with("```");
        is_code ^= is_fence;
        (line, is_code || is_fence)
    })
}

/// What stands between backticks in sentences.
pub(crate) fn code_spans(text: &str) -> impl Iterator<Item = &str> {
    let sentences = lines(text).filter(|(_, is_code)| !is_code);
    sentences.flat_map(|(line, _)| line.split('`').skip(1).step_by(2))
}

/// The contents of all blocks in a language.
pub(crate) fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}");
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while lines.by_ref().any(|line| line == fence) {
        let inside = lines.by_ref().take_while(|line| *line != "```");
        blocks.push(inside.flat_map(|line| [line, "\n"]).collect());
    }
    blocks
}
