//! The few questions that are asked of git. All commands are plumbing, whose output no
//! configuration changes, and none of them writes.

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};

/// Variables that hooks set for the repository they run in. They would win over the directory.
const REPOSITORY_VARIABLES: [&str; 8] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
];

/// A directory in a repository.
pub(super) struct Git {
    directory: PathBuf,
}

/// What the mode of an entry says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Submodule,
    /// A symbolic link, or nothing at all.
    Other,
}

/// One path that differs between a commit and the files on disk.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) old_kind: Kind,
    pub(super) old_object: String,
    pub(super) old_path: String,
    /// Differs from the old path if the file was renamed.
    pub(super) new_path: String,
}

impl Kind {
    fn of_mode(mode: &str) -> Self {
        match mode {
            "100644" | "100755" | "100664" => Self::File,
            "160000" => Self::Submodule,
            _ => Self::Other,
        }
    }
}

impl Git {
    pub(super) fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
        }
    }

    /// The top of the working tree, and the path from there to here, with `/`.
    pub(super) fn location(&self) -> Result<(PathBuf, String)> {
        let line = |option| {
            let answer = self.ask(&["rev-parse", option])?;
            Ok::<_, anyhow::Error>(text(answer.strip_suffix(b"\n").unwrap_or(&answer)))
        };
        let up = line("--show-cdup")?;
        Ok((self.directory.join(up), line("--show-prefix")?))
    }

    /// The object name of a commit, if there is one of this name.
    pub(super) fn commit(&self, revision: &str) -> Result<Option<String>> {
        // No name of a commit looks like an option, and git must not take one for it.
        if revision.is_empty() || revision.starts_with('-') {
            return Ok(None);
        }
        let name = format!("{revision}^{{commit}}");
        self.ask_object(&["rev-parse", "--verify", "--quiet", &name])
    }

    pub(super) fn merge_base(&self, commit: &str) -> Result<Option<String>> {
        self.ask_object(&["merge-base", commit, "HEAD"])
    }

    pub(super) fn has_commit(&self, object: &str) -> Result<bool> {
        Ok(self.commit(object)?.is_some())
    }

    pub(super) fn is_shallow(&self) -> Result<bool> {
        let answer = self.ask(&["rev-parse", "--is-shallow-repository"])?;
        Ok(answer.trim_ascii() == b"true")
    }

    /// How the files on disk differ from a commit. Files that git does not know are not among them.
    pub(super) fn changes(&self, commit: &str) -> Result<Vec<Change>> {
        let arguments = [
            "diff-index",
            "--find-renames",
            "--ignore-submodules=none",
            "--no-abbrev",
            "-z",
            commit,
            "--",
        ];
        let answer = self.ask(&arguments)?;
        let mut fields = answer.split(|&byte| byte == 0).map(text);
        let mut changes = Vec::new();
        // `:100644 100644 <old object> <new object> R086`, then one path, or two for a rename.
        while let Some(head) = fields.next().filter(|head| !head.is_empty()) {
            let head: Vec<&str> = head.trim_start_matches(':').split(' ').collect();
            let [old_mode, _, old_object, _, status] = head[..] else {
                bail!("git answered something unexpected: {head:?}");
            };
            let old_path = fields.next().unwrap_or_default();
            let new_path = match status.starts_with('R') {
                true => fields.next().unwrap_or_default(),
                false => old_path.clone(),
            };
            // An unmerged path comes a second time, with what the commit has.
            if status != "U" {
                changes.push(Change {
                    old_kind: Kind::of_mode(old_mode),
                    old_object: old_object.to_owned(),
                    old_path,
                    new_path,
                });
            }
        }
        Ok(changes)
    }

    /// The paths in the index, with their kinds and objects.
    pub(super) fn tracked(&self) -> Result<Vec<(String, Kind, String)>> {
        let answer = self.ask(&["ls-files", "--stage", "-z", "--full-name"])?;
        let entries = answer.split(|&byte| byte == 0).filter(|it| !it.is_empty());
        // `100644 <object> <stage>\t<path>`
        let parse = |entry: &[u8]| {
            let entry = text(entry);
            let (head, path) = entry.split_once('\t')?;
            let mut head = head.split(' ');
            let kind = Kind::of_mode(head.next()?);
            Some((path.to_owned(), kind, head.next()?.to_owned()))
        };
        let parsed: Option<Vec<_>> = entries.map(parse).collect();
        parsed.context("git answered something unexpected")
    }

    /// The contents of objects, in their order.
    pub(super) fn contents<'o>(
        &self,
        objects: impl Iterator<Item = &'o str>,
    ) -> Result<Vec<Vec<u8>>> {
        let mut child = self
            .command(&["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(not_started)?;
        let mut questions = child.stdin.take().context("git has no input")?;
        let mut answers = BufReader::new(child.stdout.take().context("git has no output")?);
        let mut contents = Vec::new();
        // One at a time, so that neither side waits for the other with a full pipe.
        for object in objects {
            writeln!(questions, "{object}")?;
            let mut head = String::new();
            answers.read_line(&mut head)?;
            let size = head.trim_end().rsplit(' ').next();
            let size: usize = size
                .and_then(|size| size.parse().ok())
                .with_context(|| format!("git lacks the object {object}"))?;
            let mut content = vec![0; size + 1];
            answers.read_exact(&mut content)?;
            content.pop();
            contents.push(content);
        }
        drop(questions);
        child.wait()?;
        Ok(contents)
    }

    /// The answer of a command that fails, and says nothing, when there is no such object.
    fn ask_object(&self, arguments: &[&str]) -> Result<Option<String>> {
        let output = self.run(arguments)?;
        let answer = text(&output.stdout);
        let first = answer.lines().next().unwrap_or_default();
        let is_object = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_hexdigit());
        Ok((output.status.success() && is_object).then(|| first.to_owned()))
    }

    fn ask(&self, arguments: &[&str]) -> Result<Vec<u8>> {
        let output = self.run(arguments)?;
        if !output.status.success() {
            let said = text(&output.stderr);
            bail!("`git {}`: {}", arguments[0], said.trim_end());
        }
        Ok(output.stdout)
    }

    fn run(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = self.command(arguments);
        command.stdin(Stdio::null()).output().map_err(not_started)
    }

    fn command(&self, arguments: &[impl AsRef<OsStr>]) -> Command {
        let mut command = Command::new("git");
        for variable in REPOSITORY_VARIABLES {
            command.env_remove(variable);
        }
        command
            // Looking at a repository must neither write to it nor start its programs.
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("LC_ALL", "C")
            .args(["-c", "core.fsmonitor=false"])
            .arg("-C")
            .arg(&self.directory)
            .args(arguments);
        command
    }
}

fn not_started(error: io::Error) -> anyhow::Error {
    if error.kind() == io::ErrorKind::NotFound {
        anyhow::anyhow!("the program `git` was not found")
    } else {
        anyhow::Error::new(error).context("cannot start `git`")
    }
}

/// Names of files as the rest of the program knows them, even if they are no UTF-8.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
