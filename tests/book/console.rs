//! Commands with their output.
//!
//! A `console` block has lines with `$ ` and what the command prints. Each page has a sandbox with a
//! copy of `fixtures/`, in which its commands are run one after another by bash.
//! `<!-- in: DIRECTORY -->` goes to a directory of the sandbox and makes it if need be. A line with
//! nothing but the name of a file, a colon and the backticks around it has the block of code that
//! follows written to that file.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// The width of help texts: what fits onto a page.
const COLUMNS: &str = "80";

pub(crate) struct Sandbox(TempDir);

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("there is room for temporary files"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// A directory of the sandbox; one of the fixtures is copied when it is entered first.
    pub(crate) fn enter(&self, directory: &str) -> PathBuf {
        let inside = self.path().join(directory);
        let original = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
        if !inside.exists() && directory.starts_with("fixtures") && original.exists() {
            copy(&original, &inside);
        }
        fs::create_dir_all(&inside).expect("the sandbox is writable");
        inside
    }
}

/// The page with the output of every command made anew.
pub(crate) fn regenerate(path: &str, text: &str) -> String {
    let sandbox = Sandbox::new();
    let mut directory = sandbox.path().to_owned();
    let mut out = String::new();
    let mut lines = text.lines();
    let mut file = None;
    while let Some(line) = lines.next() {
        let _ = writeln!(out, "{line}");
        if let Some(name) = in_between(line, "<!-- in: ", " -->") {
            directory = sandbox.enter(name);
        } else if let Some(name) = in_between(line, "`", "`:") {
            file = Some(directory.join(name));
        } else if line.starts_with("```") {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            if let Some(file) = file.take() {
                fs::create_dir_all(file.parent().expect("a file is in a directory"))
                    .expect("the sandbox is writable");
                fs::write(file, block.join("\n") + "\n").expect("the sandbox is writable");
            }
            if line == "```console" {
                let commands: Vec<&str> = block
                    .iter()
                    .filter_map(|it| it.strip_prefix("$ "))
                    .collect();
                assert!(
                    !commands.is_empty(),
                    "docs/{path}: a console without commands"
                );
                for command in commands {
                    let shown = run(command, &directory);
                    let _ = write!(out, "$ {command}\n{shown}");
                }
            } else {
                block.iter().for_each(|line| {
                    let _ = writeln!(out, "{line}");
                });
            }
            out += "```\n";
        }
    }
    out
}

/// What the command prints, errors among it. The linter is in the search path.
pub(crate) fn run(command: &str, directory: &Path) -> String {
    let linter = Path::new(env!("CARGO_BIN_EXE_runbook-lint"));
    let mut search = linter
        .parent()
        .expect("the program is in a directory")
        .as_os_str()
        .to_owned();
    search.push(":");
    search.push(std::env::var_os("PATH").unwrap_or_default());
    let output = Command::new("bash")
        .args(["-c", &format!("exec 2>&1; {command}")])
        .current_dir(directory)
        .env("PATH", search)
        .env("COLUMNS", COLUMNS)
        .env("NO_COLOR", "1")
        .env_remove("CLICOLOR_FORCE")
        .stdin(Stdio::null())
        .output()
        .expect("bash can be started");
    let mut shown = String::from_utf8(output.stdout).expect("the output is text");
    if !shown.is_empty() && !shown.ends_with('\n') {
        shown.push('\n');
    }
    shown
}

fn in_between<'l>(line: &'l str, before: &str, after: &str) -> Option<&'l str> {
    line.strip_prefix(before)?.strip_suffix(after)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the sandbox is writable");
    for entry in fs::read_dir(from).expect("fixtures can be listed") {
        let path = entry.expect("fixtures can be listed").path();
        let target = to.join(path.file_name().expect("a file has a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("the sandbox is writable");
        }
    }
}
