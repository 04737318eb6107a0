//! A repository that was just cloned or unpacked must not run a program by being looked at.
//!
//! Each test plants a program where git would start it, shows that plain git does, and that
//! `--diff-base` does not.

#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::diff_base::{commit, git, repository};
use crate::project::{CLOCK, Project};

/// A project in a repository, with a program outside it that leaves a mark.
struct Trap {
    project: Project,
    outside: tempfile::TempDir,
}

impl Trap {
    fn new() -> Self {
        let trap = Self {
            project: repository(&[("wf.py", CLOCK), ("data.txt", "one\n")]),
            outside: tempfile::TempDir::new().expect("a directory"),
        };
        // As a filter, which gets no arguments, it has to answer.
        let mark = trap.mark().display().to_string();
        let script = format!("#!/bin/sh\ntouch '{mark}'\ntest $# -gt 0 || exec cat\n");
        std::fs::write(trap.program(), script).expect("write");
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(trap.program(), mode).expect("chmod");
        trap
    }

    fn top(&self) -> &Path {
        self.project.path()
    }

    fn program(&self) -> PathBuf {
        self.outside.path().join("program")
    }

    fn mark(&self) -> PathBuf {
        self.outside.path().join("mark")
    }

    fn configure(&self, directory: &Path, key: &str, value: &str) {
        let program = self.program().display().to_string();
        let value = value.replace("PROGRAM", &program);
        git(directory, &["config", key, &value]);
    }

    /// Both a file that git knows and one that the linter reads change, without the index knowing.
    fn change(&self) {
        self.project.write("data.txt", b"two\n");
        self.project
            .write("wf.py", format!("# More.\n{CLOCK}").as_bytes());
    }

    /// Plain git in a directory, as somebody would run it there. It may fail.
    fn plain(&self, directory: &Path, arguments: &[&str]) {
        let _ = Command::new("git")
            .args(arguments)
            .current_dir(directory)
            .env("GIT_CONFIG_GLOBAL", "")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .stdin(Stdio::null())
            .output()
            .expect("git runs");
    }

    /// Shows that the program would run, and that it does not. Returns the exit status.
    #[track_caller]
    fn springs_only_for(&self, directory: &Path, plain: &[&str]) -> i32 {
        // What was just written cannot be run while a child of another thread still has it open.
        for _ in 0..5 {
            self.plain(directory, plain);
            if self.mark().exists() {
                break;
            }
        }
        assert!(self.mark().exists(), "the control does not run the program");
        std::fs::remove_file(self.mark()).expect("remove");
        let below = directory
            .strip_prefix(self.top())
            .expect("in the project")
            .to_str()
            .expect("UTF-8");
        let arguments = ["check", "--diff-base", "HEAD"];
        let run = self.project.run_in(below, &arguments, b"");
        assert!(!self.mark().exists(), "a program ran: {}", run.stderr);
        run.status
    }
}

#[test]
fn filters_do_not_run() {
    let trap = Trap::new();
    for attributes in [".gitattributes", ".git/info/attributes"] {
        trap.project
            .write(attributes, b"*.py filter=x\n*.txt filter=x\n");
    }
    trap.configure(trap.top(), "filter.x.clean", "PROGRAM");
    trap.configure(trap.top(), "filter.x.smudge", "PROGRAM");
    trap.change();
    assert_eq!(
        trap.springs_only_for(trap.top(), &["diff-index", "HEAD"]),
        0
    );
    trap.configure(trap.top(), "filter.x.process", "PROGRAM");
    trap.change();
    assert_eq!(trap.springs_only_for(trap.top(), &["status"]), 0);
}

#[test]
fn monitors_do_not_run() {
    let trap = Trap::new();
    trap.configure(trap.top(), "core.fsmonitor", "PROGRAM");
    trap.change();
    assert_eq!(trap.springs_only_for(trap.top(), &["status"]), 0);
}

#[test]
fn included_configuration_is_overruled_as_well() {
    let trap = Trap::new();
    let program = trap.program().display().to_string();
    let included = format!("[core]\n\tfsmonitor = {program}\n\thooksPath = {program}\n");
    trap.project.write("evil.cfg", included.as_bytes());
    trap.configure(trap.top(), "include.path", "../evil.cfg");
    trap.configure(trap.top(), "includeIf.gitdir:/.path", "../evil.cfg");
    trap.change();
    assert_eq!(trap.springs_only_for(trap.top(), &["status"]), 0);
}

#[test]
fn hooks_do_not_run() {
    let trap = Trap::new();
    let hooks = trap.top().join("hooks");
    std::fs::create_dir(&hooks).expect("create");
    for hook in ["post-index-change", "reference-transaction", "pre-commit"] {
        std::fs::copy(trap.program(), hooks.join(hook)).expect("copy");
        let default = trap.top().join(".git/hooks");
        std::fs::create_dir_all(&default).expect("create");
        std::fs::copy(trap.program(), default.join(hook)).expect("copy");
    }
    trap.configure(trap.top(), "core.hooksPath", "hooks");
    let refresh = &["update-index", "--refresh"];
    std::fs::File::options()
        .append(true)
        .open(trap.top().join("wf.py"))
        .and_then(|file| file.set_modified(std::time::SystemTime::UNIX_EPOCH))
        .expect("touch");
    assert_eq!(trap.springs_only_for(trap.top(), refresh), 0);
}

#[test]
fn differences_are_not_made_by_programs() {
    for (key, plain) in [
        ("diff.external", &["diff"][..]),
        ("diff.x.command", &["diff"]),
        ("diff.x.textconv", &["diff"]),
    ] {
        let trap = Trap::new();
        trap.project
            .write(".gitattributes", b"*.py diff=x\n*.txt diff=x\n");
        trap.configure(trap.top(), key, "PROGRAM");
        trap.change();
        assert_eq!(trap.springs_only_for(trap.top(), plain), 0, "{key}");
    }
}

#[test]
fn aliases_and_pagers_do_not_run() {
    let trap = Trap::new();
    for command in ["rev-parse", "ls-tree", "cat-file", "sneaky"] {
        trap.configure(trap.top(), &format!("alias.{command}"), "!PROGRAM");
        trap.configure(trap.top(), &format!("pager.{command}"), "PROGRAM");
    }
    trap.configure(trap.top(), "core.pager", "PROGRAM");
    assert_eq!(trap.springs_only_for(trap.top(), &["sneaky"]), 0);
    assert_eq!(
        trap.springs_only_for(
            trap.top(),
            &["--paginate", "-c", "core.pager=cat", "sneaky"]
        ),
        0
    );
}

/// A partial clone fetches what it lacks, with whatever the configuration names.
#[test]
fn nothing_is_fetched() {
    for (key, value) in [
        ("remote.origin.uploadpack", "PROGRAM"),
        ("core.sshCommand", "PROGRAM"),
        ("remote.origin.url", "ext::PROGRAM now"),
    ] {
        let trap = Trap::new();
        let url = match key {
            "core.sshCommand" => "ssh://example.invalid/x".to_owned(),
            _ => format!("file://{}", trap.top().display()),
        };
        for (key, value) in [
            ("core.repositoryformatversion", "1"),
            ("extensions.partialClone", "origin"),
            ("remote.origin.promisor", "true"),
            ("remote.origin.url", &url),
            ("protocol.allow", "always"),
            ("protocol.ext.allow", "always"),
            ("protocol.file.allow", "always"),
            (key, value),
        ] {
            trap.configure(trap.top(), key, value);
        }
        let object = git(trap.top(), &["rev-parse", "HEAD:wf.py"]);
        let (directory, name) = object.split_at(2);
        let path = trap.top().join(".git/objects").join(directory).join(name);
        std::fs::remove_file(path).expect("remove");
        trap.change();
        let status = trap.springs_only_for(trap.top(), &["cat-file", "-p", &object]);
        assert_eq!(status, 2, "{key}");
    }
}

/// A directory that looks like a bare repository is one to git, which then believes its
/// configuration. It can come with any clone, as it needs no `.git`.
#[test]
fn a_directory_that_is_a_bare_repository_is_not_believed() {
    let trap = Trap::new();
    let embedded = trap.top().join("embedded");
    std::fs::create_dir(&embedded).expect("create");
    for entry in ["HEAD", "objects", "refs", "index"] {
        let from = trap.top().join(".git").join(entry);
        let status = Command::new("cp")
            .arg("-R")
            .arg(from)
            .arg(&embedded)
            .status();
        assert!(status.expect("cp runs").success());
    }
    let program = trap.program().display().to_string();
    let configuration = format!(
        "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = ..\n\tfsmonitor = {program}\n[filter \"x\"]\n\tclean = {program}\n"
    );
    trap.project
        .write("embedded/config", configuration.as_bytes());
    trap.project
        .write("embedded/info/attributes", b"* filter=x\n");
    trap.project.write("embedded/wf.py", CLOCK.as_bytes());
    commit(&trap.project);
    trap.change();
    assert_eq!(trap.springs_only_for(&embedded, &["status"]), 0);
    let run = trap.project.run(&["check", "embedded", "--diff-base=HEAD"]);
    assert!(!trap.mark().exists(), "{}", run.stderr);
    // The same directory, named by a `.git` file or as a link.
    for is_link in [true, false] {
        let nested = trap.top().join("nested");
        let _ = std::fs::remove_dir_all(&nested);
        std::fs::create_dir(&nested).expect("create");
        if is_link {
            std::os::unix::fs::symlink("../embedded", nested.join(".git")).expect("link");
        } else {
            trap.project.write("nested/.git", b"gitdir: ../embedded\n");
        }
        trap.project.write("nested/wf.py", CLOCK.as_bytes());
        trap.springs_only_for(&nested, &["status"]);
    }
}

#[test]
fn submodules_and_further_working_trees_run_nothing() {
    let trap = Trap::new();
    let library = repository(&[("helper.py", "def stamp():\n    return 1\n")]);
    let url = format!("file://{}", library.path().display());
    git(trap.top(), &["submodule", "--quiet", "add", &url, "vendor"]);
    commit(&trap.project);
    let vendor = trap.top().join("vendor");
    for key in ["core.fsmonitor", "filter.x.clean", "diff.external"] {
        trap.configure(&vendor, key, "PROGRAM");
    }
    git(
        trap.top(),
        &["config", "submodule.vendor.update", "!touch mark"],
    );
    trap.project
        .write("vendor/.gitattributes", b"*.py filter=x\n");
    trap.project
        .write("vendor/helper.py", b"def stamp():\n    return 2\n");
    assert_eq!(trap.springs_only_for(trap.top(), &["status"]), 0);
    assert_eq!(trap.springs_only_for(&vendor, &["status"]), 0);

    git(
        trap.top(),
        &["worktree", "add", "--quiet", "-b", "topic", "further"],
    );
    let further = trap.top().join("further");
    trap.configure(trap.top(), "core.fsmonitor", "PROGRAM");
    trap.project
        .write("further/wf.py", format!("# More.\n{CLOCK}").as_bytes());
    assert_eq!(trap.springs_only_for(&further, &["status"]), 0);
}

#[test]
fn a_configured_working_tree_elsewhere_is_not_read() {
    let trap = Trap::new();
    let elsewhere = tempfile::TempDir::new().expect("a directory");
    let path = elsewhere.path().display().to_string();
    git(trap.top(), &["config", "core.worktree", &path]);
    trap.project
        .write("new.py", format!("# More.\n{CLOCK}").as_bytes());
    let run = trap
        .project
        .run(&["check", "--output-format", "json", "--diff-base", "HEAD"]);
    assert_eq!(run.findings(), ["new.py:8 RB101"]);
}
