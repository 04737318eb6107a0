//! `--diff-base` in real repositories.

use std::path::Path;
use std::process::Command;

use crate::project::{CLOCK, Project, Run, command};

const WORKFLOW: &str = "\
from temporalio import workflow
from helper import stamp
@workflow.defn
class Order:
    @workflow.run
    async def run(self):
        return stamp()
";
const CLEAN: &str = "def stamp():\n    return 1\n";
const DIRTY: &str = "import time\ndef stamp():\n    return time.time()\n";

pub(crate) fn git(directory: &Path, arguments: &[&str]) -> String {
    let identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"];
    let output = Command::new("git")
        .args(identity)
        .args([
            "-c",
            "commit.gpgsign=false",
            "-c",
            "protocol.file.allow=always",
        ])
        .args(arguments)
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .expect("git runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A repository whose branch `main` has these files.
pub(crate) fn repository(files: &[(&str, &str)]) -> Project {
    let project = Project::new(files);
    git(
        project.path(),
        &["init", "--quiet", "--initial-branch=main"],
    );
    commit(&project);
    project
}

pub(crate) fn commit(project: &Project) {
    git(project.path(), &["add", "--all"]);
    git(
        project.path(),
        &["commit", "--quiet", "--allow-empty", "--message=change"],
    );
}

fn since(project: &Project, revision: &str, more: &[&str]) -> Run {
    let arguments = ["check", "--output-format", "json", "--diff-base", revision];
    project.run(&[&arguments, more].concat())
}

fn found(project: &Project, revision: &str) -> Vec<String> {
    since(project, revision, &[]).findings()
}

#[test]
fn only_what_the_change_introduces_is_reported() {
    let project = repository(&[("wf.py", CLOCK), ("old.py", CLOCK)]);
    assert_eq!(found(&project, "main"), [""; 0]);
    git(project.path(), &["checkout", "--quiet", "-b", "topic"]);
    let moved = CLOCK.replace("import time\n", "# A comment.\n\nimport time\n");
    project.write(
        "wf.py",
        moved
            .replace("return", "open('x')\n        return")
            .as_bytes(),
    );
    for committed in [false, true] {
        if committed {
            commit(&project);
        }
        let run = since(&project, "main", &[]);
        assert_eq!(
            (run.status, run.findings()),
            (1, vec!["wf.py:9 RB105".to_owned()])
        );
        assert_eq!(run.json()["summary"]["preexisting"], 2);
        assert!(
            run.stderr.contains(", 2 older than the change"),
            "{}",
            run.stderr
        );
    }
    assert_eq!(since(&project, "HEAD", &[]).status, 0);
    assert_eq!(found(&project, "HEAD~1").len(), 1);
}

#[test]
fn a_changed_helper_reports_the_workflows_that_it_newly_breaks() {
    let project = repository(&[("wf.py", WORKFLOW), ("helper.py", CLEAN), ("old.py", CLOCK)]);
    project.write("helper.py", DIRTY.as_bytes());
    assert_eq!(found(&project, "main"), ["wf.py:7 RB101"]);
    // Neither the line of the workflow nor that of the culprit is part of this change.
    let elsewhere = "import time\ndef now():\n    return time.time()\n";
    project.write("helper.py", CLEAN.as_bytes());
    project.write("clock.py", elsewhere.as_bytes());
    commit(&project);
    project.write(
        "helper.py",
        b"from clock import now\ndef stamp():\n    return now()\n",
    );
    let run = since(&project, "main", &[]);
    assert_eq!(run.findings(), ["wf.py:7 RB101"]);
    assert_eq!(since(&project, "main", &["helper.py"]).findings().len(), 1);
    assert_eq!(since(&project, "main", &["old.py"]).findings().len(), 0);
}

#[test]
fn the_change_begins_where_the_branch_left() {
    let project = repository(&[("wf.py", WORKFLOW), ("helper.py", DIRTY)]);
    git(project.path(), &["checkout", "--quiet", "-b", "topic"]);
    commit(&project);
    git(project.path(), &["checkout", "--quiet", "main"]);
    // Others mend it on the main branch. That does not make this branch break it.
    project.write("helper.py", CLEAN.as_bytes());
    commit(&project);
    git(project.path(), &["checkout", "--quiet", "topic"]);
    assert_eq!(found(&project, "main"), [""; 0]);
    assert_eq!(found(&project, "main..."), [""; 0]);
}

#[test]
fn one_more_of_a_kind_shows_alone() {
    let twice = CLOCK.replace(
        "        return time.time()",
        "        a = time.time()\n        b = time.time()\n        return a, b",
    );
    let project = repository(&[("wf.py", &twice)]);
    let thrice = twice.replace(
        "        a =",
        "        print\n        c = [time.time()]\n        a =",
    );
    project.write("wf.py", thrice.as_bytes());
    let run = since(&project, "main", &[]);
    assert_eq!(run.findings(), ["wf.py:8 RB101"]);
    let notes = run.json()["findings"][0]["notes"].to_string();
    assert!(
        notes.contains("`main` has 2 of the 3 findings of this kind here"),
        "{notes}"
    );
    // Where the old lines changed as well, nobody can tell.
    project.write(
        "wf.py",
        thrice
            .replace("a =", "d =")
            .replace("b =", "e =")
            .as_bytes(),
    );
    assert_eq!(found(&project, "main").len(), 3);
}

#[test]
fn files_that_are_renamed_keep_their_findings() {
    let body = format!("{CLOCK}\n\n{}", "# The same in both states.\n".repeat(10));
    let project = repository(&[
        ("a.py", &body),
        ("pkg/b.py", &body),
        ("runbook-lint.toml", ""),
    ]);
    git(project.path(), &["mv", "a.py", "order.py"]);
    git(project.path(), &["mv", "pkg", "flows"]);
    project.write("order.py", format!("{body}# One more.\n").as_bytes());
    assert_eq!(found(&project, "main"), [""; 0]);
    commit(&project);
    assert_eq!(found(&project, "HEAD~1"), [""; 0]);
    assert_eq!(project.findings(&[]).len(), 2);
}

#[test]
fn new_and_untracked_files_are_part_of_the_change_and_deleted_ones_are_not() {
    let project = repository(&[
        ("wf.py", WORKFLOW),
        ("helper.py", DIRTY),
        (".gitignore", "lib/\n"),
    ]);
    project.write("untracked.py", CLOCK.as_bytes());
    project.write("staged.py", CLOCK.as_bytes());
    git(project.path(), &["add", "staged.py"]);
    assert_eq!(
        found(&project, "HEAD"),
        ["staged.py:7 RB101", "untracked.py:7 RB101"]
    );
    // A package takes the place of the deleted module.
    std::fs::remove_file(project.path().join("helper.py")).expect("remove");
    project.write(
        "helper/__init__.py",
        b"def stamp():\n    return open('x')\n",
    );
    assert!(found(&project, "HEAD").contains(&"wf.py:7 RB105".to_owned()));
    git(project.path(), &["rm", "--quiet", "--cached", "wf.py"]);
    assert!(found(&project, "HEAD").contains(&"wf.py:7 RB105".to_owned()));
    assert!(!found(&project, "HEAD").contains(&"wf.py:7 RB101".to_owned()));
}

#[test]
fn the_configuration_of_the_working_tree_is_that_of_both_states() {
    let project = repository(&[
        ("wf.py", CLOCK),
        ("build/gone.py", CLOCK),
        ("runbook-lint.toml", "ignore = ['RB101']\n"),
    ]);
    project.write("runbook-lint.toml", b"");
    assert_eq!(found(&project, "HEAD"), [""; 0]);
    std::fs::remove_file(project.path().join("build/gone.py")).expect("remove");
    assert_eq!(
        since(&project, "HEAD", &[]).json()["summary"]["preexisting"],
        1
    );
}

#[test]
fn what_is_excluded_now_was_excluded_then() {
    let project = repository(&[
        ("build/wf.py", CLOCK),
        ("gen/b.py", CLOCK),
        ("runbook-lint.toml", "extend-exclude = ['gen']\n"),
    ]);
    git(project.path(), &["mv", "build/wf.py", "wf.py"]);
    git(project.path(), &["mv", "gen/b.py", "b.py"]);
    assert_eq!(found(&project, "HEAD"), ["b.py:7 RB101", "wf.py:7 RB101"]);
}

#[test]
fn files_that_could_not_be_read_before_are_told() {
    let project = repository(&[("wf.py", WORKFLOW), ("helper.py", "def stamp(:\n")]);
    project.write("helper.py", DIRTY.as_bytes());
    let run = since(&project, "HEAD", &[]);
    assert_eq!(run.findings(), ["wf.py:7 RB101"]);
    assert!(
        run.stderr
            .contains("not everything in `HEAD` could be analysed (1 file not read in full)"),
        "{}",
        run.stderr
    );
}

#[test]
fn standard_input_is_a_change() {
    let project = repository(&[("wf.py", WORKFLOW), ("helper.py", CLEAN)]);
    let arguments = [
        "check",
        "--output-format",
        "json",
        "--diff-base",
        "HEAD",
        "--stdin-filename",
        "helper.py",
    ];
    let run = project.run_in("", &arguments, DIRTY.as_bytes());
    assert_eq!(run.findings(), ["wf.py:7 RB101"]);
    project.write("helper.py", DIRTY.as_bytes());
    commit(&project);
    assert_eq!(
        project.run_in("", &arguments, DIRTY.as_bytes()).findings(),
        [""; 0]
    );
}

#[test]
fn a_baseline_and_a_revision_work_together() {
    let project = repository(&[("wf.py", CLOCK)]);
    project.write("b.py", CLOCK.as_bytes());
    project.run(&["check", "--write-baseline", "baseline.json", "b.py"]);
    project.write("c.py", CLOCK.as_bytes());
    let run = since(&project, "main", &["--baseline", "baseline.json"]);
    assert_eq!(run.findings(), ["c.py:7 RB101"]);
    let document = run.json();
    let summary = &document["summary"];
    assert_eq!(
        (&summary["baselined"], &summary["preexisting"]),
        (&1.into(), &1.into())
    );
    project.write("b.py", b"");
    let run = since(
        &project,
        "main",
        &["--baseline", "baseline.json", "--prune-baseline"],
    );
    assert!(run.stderr.contains("removed 1 finding"), "{}", run.stderr);
}

#[test]
fn projects_and_directories_below_the_top_work() {
    let project = repository(&[
        ("apps/shop/runbook-lint.toml", "extend-exclude = ['gen']\n"),
        ("apps/shop/wf.py", CLOCK),
        ("apps/shop/gen/wf.py", CLOCK),
        ("apps/other/wf.py", CLOCK),
    ]);
    project.write("apps/shop/new.py", CLOCK.as_bytes());
    project.write("apps/other/new.py", CLOCK.as_bytes());
    let arguments = ["check", "--output-format", "json", "--diff-base", "main"];
    let run = project.run_in("apps/shop", &arguments, b"");
    assert_eq!(run.findings(), ["new.py:7 RB101"]);
    assert_eq!(run.json()["summary"]["preexisting"], 1);
    // From here, the configuration in `apps/shop` counts for nothing.
    let run = project.run(&[&arguments[..], &["apps"]].concat());
    let both = ["apps/other/new.py:7 RB101", "apps/shop/new.py:7 RB101"];
    assert_eq!(run.findings(), both);
    assert_eq!(run.json()["summary"]["preexisting"], 3);
}

#[test]
fn nothing_is_written_to_the_repository() {
    let project = repository(&[("wf.py", CLOCK), ("helper.py", CLEAN)]);
    // The index does not know the time of this file any more.
    project.write("wf.py", CLOCK.as_bytes());
    project.write("helper.py", DIRTY.as_bytes());
    let index = || std::fs::read(project.path().join(".git/index")).expect("an index");
    let objects = || git(project.path(), &["count-objects", "-v"]);
    let before = (index(), objects());
    assert_eq!(found(&project, "main"), [""; 0]);
    assert_eq!((index(), objects()), before);
}

#[test]
fn mistakes_are_explained() {
    let project = repository(&[("wf.py", CLOCK)]);
    let output = "--output=evil.txt";
    for (revision, expected) in [
        ("mian", "there is no revision `mian` here"),
        ("", "there is no revision `` here"),
        ("HEAD~9", "there is no revision `HEAD~9` here"),
        ("HEAD:wf.py", "there is no revision `HEAD:wf.py` here"),
        ("^HEAD", "there is no revision `^HEAD` here"),
        ("a..b", "there is no revision `a..b` here"),
        ("-x", "there is no revision `-x` here"),
        (output, "there is no revision `--output=evil.txt` here"),
        ("x\u{1b}[2J", "there is no revision `x\\u{1b}[2J` here"),
    ] {
        let run = project.run(&["check", &format!("--diff-base={revision}")]);
        assert_eq!(run.status, 2, "{revision}");
        assert!(run.stderr.contains(expected), "{revision}: {}", run.stderr);
    }
    assert!(!project.path().join("evil.txt").exists());
    git(
        project.path(),
        &["checkout", "--quiet", "--orphan", "other"],
    );
    project.write("other.py", CLEAN.as_bytes());
    commit(&project);
    let run = since(&project, "main", &[]);
    assert!(
        run.stderr
            .contains("it has no history in common with the current branch"),
        "{}",
        run.stderr
    );
    // `.git` is an empty directory.
    let run = since(&Project::new(&[("wf.py", CLOCK)]), "main", &[]);
    assert_eq!(run.status, 2);
    assert!(
        run.stderr.contains("not a git repository"),
        "{}",
        run.stderr
    );
    let mut without_git = command(project.path(), &["check", "--diff-base", "main"]);
    let output = without_git
        .env("PATH", "")
        .output()
        .expect("runbook-lint runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("the program `git` was not found"), "{said}");
}

#[test]
fn a_shallow_clone_says_what_to_do() {
    let project = repository(&[("wf.py", CLOCK)]);
    commit(&project);
    let clone = Project::new(&[]);
    let url = format!("file://{}", project.path().display());
    git(clone.path(), &["clone", "--quiet", "--depth=1", &url, "c"]);
    let arguments = ["check", "--diff-base"];
    for revision in ["HEAD~1", "topic"] {
        let run = clone.run_in("c", &[&arguments[..], &[revision]].concat(), b"");
        assert_eq!(run.status, 2);
        assert!(
            run.stderr.contains("`fetch-depth: 0` for actions/checkout"),
            "{}",
            run.stderr
        );
    }
    // A branch is there, but the commit that it has in common is not.
    git(project.path(), &["checkout", "--quiet", "-b", "topic"]);
    commit(&project);
    git(project.path(), &["checkout", "--quiet", "main"]);
    commit(&project);
    let directory = clone.path().join("c");
    git(
        &directory,
        &["fetch", "--quiet", "--depth=1", "origin", "topic:topic"],
    );
    let run = clone.run_in("c", &["check", "--diff-base", "topic"], b"");
    assert!(
        run.stderr
            .contains("its history does not reach the current branch; the clone is shallow"),
        "{}",
        run.stderr
    );
    assert_eq!(
        clone
            .run_in("c", &["check", "--diff-base", "HEAD"], b"")
            .status,
        0
    );
}

#[test]
fn submodules_are_followed_to_their_own_commits() {
    let library = repository(&[("lib/__init__.py", ""), ("lib/helper.py", DIRTY)]);
    let source = WORKFLOW.replace("from helper", "from vendor.lib.helper");
    let project = repository(&[("wf.py", &source)]);
    let url = format!("file://{}", library.path().display());
    git(
        project.path(),
        &["submodule", "--quiet", "add", &url, "vendor"],
    );
    commit(&project);
    assert_eq!(project.findings(&[]), ["wf.py:7 RB101"]);
    assert_eq!(found(&project, "HEAD"), [""; 0]);
    assert_eq!(found(&project, "HEAD~1"), ["wf.py:7 RB101"]);
    // An uncommitted change within, then a committed one, then the new commit in the project.
    let worse = DIRTY.replace("return", "open('x')\n    return");
    project.write("vendor/lib/helper.py", worse.as_bytes());
    assert_eq!(found(&project, "HEAD"), ["wf.py:7 RB105"]);
    let vendor = project.path().join("vendor");
    git(&vendor, &["commit", "--quiet", "--all", "--message=worse"]);
    assert_eq!(found(&project, "HEAD"), ["wf.py:7 RB105"]);
    commit(&project);
    assert_eq!(found(&project, "HEAD~1"), ["wf.py:7 RB105"]);
    assert_eq!(found(&project, "HEAD"), [""; 0]);
    // A clone that fetched too little of it.
    let clone = Project::new(&[]);
    git(
        project.path(),
        &[
            "config",
            "--file",
            ".gitmodules",
            "submodule.vendor.url",
            &format!("file://{}", vendor.display()),
        ],
    );
    commit(&project);
    let url = format!("file://{}", project.path().display());
    git(
        clone.path(),
        &[
            "clone",
            "--quiet",
            "--recurse-submodules",
            "--shallow-submodules",
            &url,
            "c",
        ],
    );
    let run = clone.run_in("c", &["check", "--diff-base", "HEAD~2"], b"");
    assert!(
        run.stderr
            .contains("the submodule `vendor` lacks the commit"),
        "{}",
        run.stderr
    );
    assert_eq!(
        clone
            .run_in("c", &["check", "--diff-base", "HEAD"], b"")
            .status,
        0
    );
}

#[test]
fn hooks_set_variables_for_another_repository() {
    let project = repository(&[("wf.py", CLOCK)]);
    let mut hook = command(project.path(), &["check", "--diff-base", "main"]);
    let output = hook
        .env("GIT_DIR", "nowhere")
        .env("GIT_INDEX_FILE", "nothing")
        .output()
        .expect("runbook-lint runs");
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[cfg(target_os = "linux")]
#[test]
fn odd_file_names_are_found_again() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let project = repository(&[
        ("häuser/wf 1.py", CLOCK),
        ("a\nb\".py", CLOCK),
        ("-x.py", CLOCK),
        ("%0A::error.py", CLOCK),
    ]);
    let bytes = project.path().join(OsStr::from_bytes(b"\xff.py"));
    std::fs::write(&bytes, CLOCK).expect("write");
    commit(&project);
    assert_eq!(found(&project, "HEAD"), [""; 0]);
    assert_eq!(project.findings(&[]).len(), 5);
    for path in ["häuser/wf 1.py", "a\nb\".py", "-x.py", "%0A::error.py"] {
        project.write(path, format!("# One more.\n{CLOCK}").as_bytes());
    }
    std::fs::write(&bytes, format!("# One more.\n{CLOCK}")).expect("write");
    assert_eq!(found(&project, "HEAD"), [""; 0]);
}

#[cfg(unix)]
#[test]
fn a_link_that_becomes_a_file_is_new() {
    let project = repository(&[("helper.py", CLEAN)]);
    std::os::unix::fs::symlink("helper.py", project.path().join("wf.py")).expect("ln");
    commit(&project);
    std::fs::remove_file(project.path().join("wf.py")).expect("remove");
    project.write("wf.py", CLOCK.as_bytes());
    assert_eq!(found(&project, "HEAD"), ["wf.py:7 RB101"]);
}

#[cfg(unix)]
#[test]
fn what_links_lead_to_is_compared() {
    use std::os::unix::fs::symlink;

    let workflow = WORKFLOW.replace("from helper", "from shared.helper");
    // To a service with a configuration of its own, the library has no other name than the link.
    for configuration in [None, Some("svc/runbook-lint.toml")] {
        let project = Project::new(&[("libs/shared/helper.py", CLEAN), ("svc/wf.py", &workflow)]);
        let expected = configuration.map_or("svc/wf.py:7 RB101", |_| "wf.py:7 RB101");
        if let Some(path) = configuration {
            project.write(path, b"");
        }
        symlink("../libs/shared", project.path().join("svc/shared")).expect("link");
        git(
            project.path(),
            &["init", "--quiet", "--initial-branch=main"],
        );
        commit(&project);
        let arguments = ["check", "--output-format", "json", "--diff-base", "main"];
        let directory = if configuration.is_some() { "svc" } else { "" };
        let found = || project.run_in(directory, &arguments, b"").findings();
        project.write("libs/shared/helper.py", DIRTY.as_bytes());
        assert_eq!(found(), [expected]);
        commit(&project);
        assert_eq!(found(), [""; 0]);
    }
}
