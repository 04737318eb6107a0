//! Random edits of a project, the same for each seed.

use crate::Texts;

/// Small, and good enough to choose lines.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound.max(1)
    }

    fn choose<'t, T: ?Sized>(&mut self, from: &[&'t T]) -> &'t T {
        from[self.below(from.len())]
    }
}

const STATEMENTS: [&str; 12] = [
    "import time; time.time()",
    "print(1)",
    "pass",
    "return 1",
    "shared = {1, 2}",
    "for item in {'a', 'b'}: print(item)",
    "import random; shared = random.random()",
    "if shared: open('x')",
    "# runbook-lint: ignore[RB101]",
    "raise ValueError",
    "lambda: shared",
    "x = (",
];

const FILES: [&str; 4] = [
    "",
    "VALUE = 3\nclass Item:\n    name: str = ''\n",
    "import time\ncache = {}\ndef stamp():\n    cache['now'] = time.time()\n    return cache\n",
    "import time\nfrom temporalio import workflow\n@workflow.defn\nclass Added:\n    @workflow.run\n    async def run(self):\n        return time.time()\n",
];

pub(crate) struct Edits {
    random: Random,
    /// Files that were there at the start, which come back after they were removed.
    original: Texts,
    added: usize,
}

impl Edits {
    pub(crate) fn new(seed: u64, texts: &Texts) -> Self {
        Self {
            random: Random::new(seed + 1),
            original: texts.clone(),
            added: 0,
        }
    }

    /// A file and its new text; `None` if it is removed.
    pub(crate) fn next(&mut self, texts: &Texts) -> (String, Option<String>) {
        let keys: Vec<&String> = texts.keys().collect();
        let key = self.random.choose(&keys).clone();
        let text = &texts[&key];
        let new = match self.random.below(20) {
            0 => return (key, None),
            1 | 2 => return self.another(texts),
            3 | 4 => Some(format!("{}\n{text}", self.import(texts))),
            5 | 6 => Some(format!("{text}\n{}", self.function())),
            7 => self.original.get(&key).cloned(),
            8..=10 => Some(self.without_a_line(text)),
            _ => Some(self.with_a_statement(text)),
        };
        (key, new)
    }

    /// A new file, or one that was there once.
    fn another(&mut self, texts: &Texts) -> (String, Option<String>) {
        let gone: Vec<&String> = self
            .original
            .keys()
            .filter(|key| !texts.contains_key(*key))
            .collect();
        if !gone.is_empty() && self.random.below(2) == 0 {
            let key = self.random.choose(&gone).clone();
            return (key.clone(), Some(self.original[&key].clone()));
        }
        let keys: Vec<&String> = texts.keys().collect();
        let beside = self.random.choose(&keys);
        let directory = beside
            .rsplit_once('/')
            .map_or("", |(directory, _)| directory);
        self.added += 1;
        let name = format!("added{}.py", self.added % 7);
        let key = match directory {
            "" => name,
            directory => format!("{directory}/{name}"),
        };
        (key, Some(self.random.choose(&FILES).to_owned()))
    }

    fn import(&mut self, texts: &Texts) -> String {
        let keys: Vec<&String> = texts.keys().collect();
        let key = self.random.choose(&keys).trim_end_matches(".py");
        let module = key.trim_end_matches("/__init__").replace('/', ".");
        match self.random.below(3) {
            0 => format!("import {module}"),
            1 => format!("from {module} import *"),
            _ => format!("from {module} import stamp"),
        }
    }

    fn function(&mut self) -> String {
        self.added += 1;
        let body = self.random.choose(&STATEMENTS);
        format!("def stamp():\n    shared = {}\n    {body}\n", self.added)
    }

    fn without_a_line(&mut self, text: &str) -> String {
        let mut lines: Vec<&str> = text.lines().collect();
        if !lines.is_empty() {
            lines.remove(self.random.below(lines.len()));
        }
        lines.join("\n")
    }

    fn with_a_statement(&mut self, text: &str) -> String {
        let mut lines: Vec<&str> = text.lines().collect();
        let at = self.random.below(lines.len());
        let line = lines.get(at).copied().unwrap_or_default();
        let indentation = &line[..line.len() - line.trim_start().len()];
        let statement = format!("{indentation}{}", self.random.choose(&STATEMENTS));
        lines.insert(at, &statement);
        lines.join("\n")
    }
}

/// Workflows in three packages that share constants only.
pub(crate) fn generated() -> Texts {
    let mut texts = Texts::new();
    let mut add = |key: String, text: String| drop(texts.insert(key, text));
    for part in ["north", "south", "west"] {
        add(format!("{part}/__init__.py"), String::new());
        add(
            format!("{part}/helper.py"),
            format!(
                "import time\nfrom {part}.clock import read\ndef stamp():\n    return read()\n"
            ),
        );
        add(
            format!("{part}/clock.py"),
            "import time\ndef read():\n    return time.time()\n".to_owned(),
        );
        add(
            format!("{part}/flow.py"),
            format!(
                "from temporalio import workflow\nfrom names import LIMIT\nfrom {part}.helper import stamp\n@workflow.defn\nclass Flow:\n    @workflow.run\n    async def run(self):\n        shared = stamp() + LIMIT\n        return shared\n"
            ),
        );
    }
    add("names.py".to_owned(), "LIMIT = 3\n".to_owned());
    add(
        "idle.py".to_owned(),
        "def nothing():\n    return 0\n".to_owned(),
    );
    texts
}
