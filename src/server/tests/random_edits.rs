//! A session of random edits ends with what a fresh run finds.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::editor::{Editor, able};

/// Edits between two comparisons.
const ROUND: u32 = 100;

const LINES: [&str; 16] = [
    "import time",
    "from a import helper",
    "from b import helper as other",
    "from c.d import helper",
    "def helper(): return time.time()",
    "def helper(): return 'é😀'",
    "def helper(): return other()",
    "from temporalio import workflow",
    "@workflow.defn",
    "class W:",
    "    @workflow.run",
    "    async def run(self): return helper()",
    "    async def run(self): return other()  # noqa: RB101",
    "x = '''",
    "(",
    "",
];
const FILES: [&str; 5] = ["a.py", "b.py", "c/d.py", "w.py", "v/w.py"];

/// Numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    fn text(&mut self) -> String {
        let lines = 1 + self.below(8);
        (0..lines).fold(String::new(), |text, _| {
            text + LINES[self.below(LINES.len())] + "\n"
        })
    }
}

struct Writer {
    editor: Editor,
    random: Random,
    /// What the editor has open, with its version.
    open: BTreeMap<&'static str, (String, i32)>,
    saved: BTreeMap<&'static str, String>,
}

impl Writer {
    fn step(&mut self) {
        let file = FILES[self.random.below(FILES.len())];
        match self.random.below(12) {
            0 => self.toggle(file),
            1 => self.save(file),
            2 => self.vanish(file),
            3 => self.rename(file),
            _ => self.edit(file),
        }
    }

    fn toggle(&mut self, file: &'static str) {
        if self.open.remove(file).is_some() {
            self.editor.close(file);
        } else {
            let text = self.saved.get(file).cloned().unwrap_or_default();
            self.editor.open(file, &text);
            self.open.insert(file, (text, 1));
        }
    }

    fn save(&mut self, file: &'static str) {
        let text = match self.open.get(file) {
            Some((text, _)) => text.clone(),
            None => self.random.text(),
        };
        self.editor.write(file, &text);
        let kind = if self.saved.insert(file, text).is_some() {
            2
        } else {
            1
        };
        self.watched(&[(file, kind)]);
    }

    fn vanish(&mut self, file: &'static str) {
        if self.saved.remove(file).is_some() {
            std::fs::remove_file(self.editor.path(file)).expect("it is there");
            self.watched(&[(file, 3)]);
        }
    }

    fn rename(&mut self, file: &'static str) {
        let to = FILES[self.random.below(FILES.len())];
        if let Some(text) = self.saved.remove(file) {
            std::fs::remove_file(self.editor.path(file)).expect("it is there");
            self.editor.write(to, &text);
            self.saved.insert(to, text);
            self.watched(&[(file, 3), (to, 1)]);
        }
    }

    fn watched(&self, events: &[(&str, i32)]) {
        let changes: Vec<Value> = events
            .iter()
            .map(|(file, kind)| json!({ "uri": self.editor.uri(file), "type": kind }))
            .collect();
        self.editor.tell(
            "workspace/didChangeWatchedFiles",
            json!({ "changes": changes }),
        );
    }

    /// One to three changes in one message, each of the text that the one before left.
    fn edit(&mut self, file: &'static str) {
        let Some((text, version)) = self.open.get_mut(file) else {
            return self.toggle(file);
        };
        let mut changes = Vec::new();
        for _ in 0..=self.random.below(3) {
            let boundaries: Vec<usize> = text
                .char_indices()
                .map(|(at, _)| at)
                .chain([text.len()])
                .collect();
            let start = boundaries[self.random.below(boundaries.len())];
            let length = self.random.below(40);
            let end = *boundaries
                .iter()
                .find(|it| **it >= start + length)
                .unwrap_or(&text.len());
            let new = match self.random.below(3) {
                0 => String::new(),
                1 => self.random.text(),
                _ => "é😀\r"[..[0, 2, 6, 7][self.random.below(4)]].to_owned(),
            };
            let position = |offset: usize| position(text, offset);
            changes.push(json!({
                "range": { "start": position(start), "end": position(end) }, "text": new,
            }));
            text.replace_range(start..end, &new);
        }
        *version += 1;
        let version = *version;
        self.editor.edit(file, version, json!(changes));
    }

    /// Everything that is found, in an order of its own.
    fn found(editor: &mut Editor) -> Vec<String> {
        let report = editor.ask("workspace/diagnostic", json!({ "previousResultIds": [] }));
        let items = report["items"].as_array().expect("items");
        let mut found: Vec<String> = items
            .iter()
            .map(|it| {
                let name = editor.name(it["uri"].as_str().expect("a name"));
                let base = editor.uri("");
                format!("{name} {}", it["items"]).replace(&base, "")
            })
            .filter(|it| !it.ends_with(" []"))
            .collect();
        found.sort();
        found
    }

    fn compare(&mut self) -> usize {
        let found = Self::found(&mut self.editor);
        let mut fresh: BTreeMap<&str, &str> = self
            .saved
            .iter()
            .map(|(file, text)| (*file, text.as_str()))
            .collect();
        fresh.extend(
            self.open
                .iter()
                .map(|(file, (text, _))| (*file, text.as_str())),
        );
        let files: Vec<(&str, &str)> = fresh.into_iter().collect();
        let expected = Self::found(&mut Editor::new(&files, able("utf-16")));
        assert_eq!(found, expected, "{files:#?}");
        found.len()
    }
}

fn position(text: &str, offset: usize) -> Value {
    let source = lint_core::source::SourceFile::new("", text);
    let position = crate::server::position::Encoding::Utf16.position(&source, offset as u32);
    json!({ "line": position.line, "character": position.character })
}

fn session(edits: u32) {
    let mut writer = Writer {
        editor: Editor::new(&[], able("utf-16")),
        random: Random(0x9E37_79B9_7F4A_7C15),
        open: BTreeMap::new(),
        saved: BTreeMap::new(),
    };
    let mut found = 0;
    for edit in 1..=edits {
        writer.step();
        // The edits of a round come as fast as they can; now and then somebody asks in between.
        if writer.random.below(10) == 0 {
            let params = json!({ "textDocument": writer.editor.document("w.py") });
            let id = writer.editor.begin("textDocument/diagnostic", params);
            let _ = writer.editor.finish(&id);
        }
        if edit % ROUND == 0 {
            found += writer.compare();
        }
    }
    assert!(found > 0, "a session without findings shows nothing");
}

#[test]
fn random_edits_end_with_what_a_fresh_run_finds() {
    session(1_000);
}

/// `cargo test --bin runbook-lint ten_thousand -- --ignored`
#[test]
#[ignore = "it takes a minute"]
fn ten_thousand_random_edits_end_with_what_a_fresh_run_finds() {
    session(10_000);
}
