//! The few questions that are asked of git, about a repository that nobody need trust.
//!
//! A configuration can name programs: filters, hooks, monitors, pagers, transports. So git is told
//! where the repository is and never looks for one itself, what the repository configures is
//! overruled, and only objects, references and the index are read: files on disk are never
//! converted, compared or checked out. All commands are plumbing, and none of them writes.

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

use anyhow::{Context, Result, bail};
use lint_core::source::MAX_FILE_BYTES;

use super::repository::Repository;

/// Variables that hooks set for the repository they run in, and those that make git read or start
/// something else than it is asked to.
const REMOVED_VARIABLES: [&str; 17] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_ATTR_SOURCE",
    "GIT_SHALLOW_FILE",
    "GIT_EXTERNAL_DIFF",
    "GIT_TRACE2",
    "GIT_TRACE2_EVENT",
    "GIT_TRACE2_PERF",
];

/// No object is fetched and no program asked, whatever the repository wants. Git knows this path
/// on every platform.
const VARIABLES: [(&str, &str); 10] = [
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_NO_LAZY_FETCH", "1"),
    // An empty list: no protocol is allowed.
    ("GIT_ALLOW_PROTOCOL", ""),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_ATTR_NOSYSTEM", "1"),
    ("GIT_PAGER", "cat"),
    ("GIT_ASKPASS", ""),
    ("LC_ALL", "C"),
];

/// These win over the configuration of a repository and over what that includes.
const SETTINGS: [&str; 15] = [
    "safe.bareRepository=explicit",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.sshCommand=false",
    "core.gitProxy=",
    "core.askPass=",
    "core.alternateRefsCommand=",
    "core.untrackedCache=false",
    "credential.helper=",
    "diff.external=",
    "protocol.allow=never",
    "submodule.recurse=false",
    "gc.auto=0",
];

pub(super) struct Git<'r> {
    repository: &'r Repository,
}

/// What the mode of an entry says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Link,
    Submodule,
}

/// One entry of a commit.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    pub(super) object: String,
    /// Relative to the top, with `/`.
    pub(super) path: PathBuf,
}

impl Kind {
    fn of_mode(mode: &[u8]) -> Option<Self> {
        match mode {
            b"100644" | b"100755" | b"100664" => Some(Self::File),
            b"120000" => Some(Self::Link),
            b"160000" => Some(Self::Submodule),
            _ => None,
        }
    }
}

impl<'r> Git<'r> {
    pub(super) fn new(repository: &'r Repository) -> Self {
        Self { repository }
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

    /// Everything in a commit.
    pub(super) fn entries(&self, commit: &str) -> Result<Vec<Entry>> {
        let answer = self.ask(&["ls-tree", "-r", "-l", "-z", "--full-tree", commit])?;
        let entries = answer.split(|&byte| byte == 0).filter(|it| !it.is_empty());
        // `100644 blob <object>     123\t<path>`; the size is `-` or `BAD` where there is none.
        let parse = |entry: &[u8]| {
            let tab = entry.iter().position(|&byte| byte == b'\t')?;
            let mut head = entry[..tab].split(|&byte| byte == b' ');
            let kind = Kind::of_mode(head.next()?);
            let object = text(head.nth(1)?);
            let size = text(head.next_back()?).parse().unwrap_or(0);
            let path = path(&entry[tab + 1..]);
            // Nobody would read it now either.
            let kind = kind.filter(|_| size <= MAX_FILE_BYTES as u64);
            Some(kind.map(|kind| Entry { kind, object, path }))
        };
        let parsed: Option<Vec<_>> = entries.map(parse).collect();
        let parsed = parsed.context("git answered something unexpected")?;
        Ok(parsed.into_iter().flatten().collect())
    }

    /// Old and new paths of what the index has under another name than the commit.
    pub(super) fn renames(&self, commit: &str) -> Result<Vec<(PathBuf, PathBuf)>> {
        let answer = self.ask(&[
            "diff-index",
            "--cached",
            "--find-renames",
            "--diff-filter=R",
            "--ignore-submodules=all",
            "--no-ext-diff",
            "--no-textconv",
            "-z",
            commit,
            "--",
        ])?;
        let mut fields = answer.split(|&byte| byte == 0);
        let mut renames = Vec::new();
        // `:100644 100644 <old object> <new object> R086`, then two paths.
        while let Some(head) = fields.next().filter(|head| !head.is_empty()) {
            let (true, Some(old), Some(new)) =
                (head.starts_with(b":"), fields.next(), fields.next())
            else {
                bail!("git answered something unexpected");
            };
            renames.push((path(old), path(new)));
        }
        Ok(renames)
    }

    /// Starts a conversation with a command that answers each line of input.
    fn converse(&self, arguments: &[&str]) -> Result<Conversation> {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(not_started)?;
        let questions = child.stdin.take().context("git has no input")?;
        let answers = BufReader::new(child.stdout.take().context("git has no output")?);
        Ok(Conversation {
            child,
            questions,
            answers,
        })
    }

    /// The contents of objects, in their order.
    pub(super) fn contents<'o>(
        &self,
        objects: impl Iterator<Item = &'o str>,
    ) -> Result<Vec<Vec<u8>>> {
        let mut git = self.converse(&["cat-file", "--batch"])?;
        let mut contents = Vec::new();
        for object in objects {
            let head = git.ask(object.as_bytes())?;
            let size = head.rsplit(' ').next();
            let size: usize = size.and_then(|size| size.parse().ok()).with_context(|| {
                format!("the clone lacks the object {object}; if it is partial, fetch the rest (`git fetch --refetch --no-filter`)")
            })?;
            let mut content = vec![0; size + 1];
            git.answers.read_exact(&mut content)?;
            content.pop();
            contents.push(content);
        }
        git.end()?;
        Ok(contents)
    }

    /// The objects that files on disk would be, as their bytes are: nothing converts them.
    pub(super) fn objects_on_disk<'f>(
        &self,
        files: impl Iterator<Item = &'f Path>,
    ) -> Result<Vec<String>> {
        let mut git = self.converse(&["hash-object", "--no-filters", "--stdin-paths"])?;
        let objects: Result<Vec<String>> = files.map(|file| git.ask(&quoted(file))).collect();
        git.end()?;
        objects
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
        for variable in REMOVED_VARIABLES {
            command.env_remove(variable);
        }
        command.envs(VARIABLES).arg("--no-pager");
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        // `core.worktree` could name any directory; the one around `.git` is meant.
        let mut directory = std::ffi::OsString::from("--git-dir=");
        directory.push(&self.repository.git_directory);
        let mut tree = std::ffi::OsString::from("--work-tree=");
        tree.push(&self.repository.top);
        command
            .current_dir(&self.repository.top)
            .args([directory, tree])
            .args(arguments);
        command
    }
}

/// One question at a time, so that neither side waits for the other with a full pipe.
struct Conversation {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Conversation {
    fn ask(&mut self, question: &[u8]) -> Result<String> {
        self.questions.write_all(question)?;
        self.questions.write_all(b"\n")?;
        let mut answer = String::new();
        if self.answers.read_line(&mut answer)? == 0 {
            bail!("git gave no answer");
        }
        answer.truncate(answer.trim_end().len());
        Ok(answer)
    }

    fn end(mut self) -> Result<()> {
        drop(self.questions);
        self.child.wait()?;
        Ok(())
    }
}

/// A path as git reads it from a line: in quotes if it would be misread without.
fn quoted(path: &Path) -> Vec<u8> {
    let bytes = path.as_os_str().as_encoded_bytes();
    if !bytes.contains(&b'\n') && !bytes.starts_with(b"\"") {
        return bytes.to_vec();
    }
    let mut quoted = vec![b'"'];
    for &byte in bytes {
        match byte {
            b'\n' => quoted.extend(b"\\n"),
            b'"' | b'\\' => quoted.extend([b'\\', byte]),
            _ => quoted.push(byte),
        }
    }
    quoted.push(b'"');
    quoted
}

fn not_started(error: io::Error) -> anyhow::Error {
    if error.kind() == io::ErrorKind::NotFound {
        anyhow::anyhow!("the program `git` was not found")
    } else {
        anyhow::Error::new(error).context("cannot start `git`")
    }
}

#[cfg(unix)]
fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(<OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes))
}

#[cfg(not(unix))]
fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(text(bytes))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
