//! Whatever is in a repository: a message, never a crash, and no finding of another file lost.

use std::process::Stdio;

use crate::project::{CLOCK, Project, command};

/// Files without a workflow are not even parsed.
const HEAD: &str = "from temporalio import workflow\n@workflow.defn\nclass C: ...\n";

#[test]
fn odd_files_hide_no_other_findings() {
    let project = Project::new(&[("wf.py", CLOCK)]);
    let nested = format!(
        "{HEAD}x = {}1{}\n",
        "(".repeat(100_000),
        ")".repeat(100_000)
    );
    let attributes = format!("{HEAD}x = a{}\n", ".b".repeat(100_000));
    for (path, bytes) in [
        ("nested.py", nested.as_bytes()),
        ("attributes.py", attributes.as_bytes()),
        ("nul.py", b"from temporalio import workflow\n@workflow.defn\nclass C: ...\n\0x = 1\n"),
        ("cr.py", b"from temporalio import workflow\r@workflow.defn\rclass C: ...\r"),
        ("bom.py", b"\xef\xbb\xbffrom temporalio import workflow\r\n@workflow.defn\r\nclass C: ...\r\n"),
        ("latin.py", b"# coding: latin-1\nfrom temporalio import workflow\n@workflow.defn\nclass C: x = '\xe4'\n"),
        ("binary.py", b"\xff\xfe\x00from temporalio import workflow\n@workflow.defn"),
        ("empty.py", b""),
    ] {
        project.write(path, bytes);
    }
    let run = project.run(&["check", "--output-format", "json"]);
    assert_eq!(run.status, 1, "{}", run.stderr);
    assert!(run.findings().contains(&"wf.py:7 RB101".to_owned()));
}

#[test]
fn a_file_that_cannot_be_read_does_not_pass() {
    let project = Project::new(&[("clean.py", "from temporalio import workflow\n")]);
    assert_eq!(project.run(&["check"]).status, 0);
    project.write(
        "bad.py",
        b"# \xff\nfrom temporalio import workflow\n@workflow.defn\nclass C: ...\n",
    );
    let run = project.run(&["check"]);
    assert_eq!(run.status, 1);
    assert!(
        run.stdout.contains("1 file not read in full"),
        "{}",
        run.stdout
    );
    // When nothing else is asked for, nothing was checked.
    assert_eq!(project.run(&["check", "bad.py"]).status, 2);
    let other = project.run(&["check", "clean.py"]);
    assert_eq!(other.status, 0);
    assert!(
        other.stderr.contains("outside the given paths"),
        "{}",
        other.stderr
    );
}

#[cfg(unix)]
#[test]
fn symbolic_links_do_not_lead_in_circles() {
    use std::os::unix::fs::symlink;

    let project = Project::new(&[("pkg/wf.py", CLOCK)]);
    symlink(project.path(), project.path().join("pkg/loop")).expect("link");
    symlink("self.py", project.path().join("self.py")).expect("link");
    symlink("gone.py", project.path().join("dangling.py")).expect("link");
    assert_eq!(project.findings(&[]), ["pkg/wf.py:7 RB101"]);
    let run = project.run(&["check", "self.py"]);
    assert_eq!(run.status, 2);
}

#[cfg(unix)]
#[test]
fn hostile_names_are_escaped() {
    let project = Project::new(&[("evil\x1b[31m\n::error::x.py", CLOCK)]);
    for format in ["full", "concise"] {
        let run = project.run(&["check", "--output-format", format]);
        assert!(
            run.stdout.contains("evil\\u{1b}[31m\\n::error::x.py:7:16"),
            "{}",
            run.stdout
        );
    }
    let run = project.run(&["check", "--show-files"]);
    assert_eq!(run.stdout, "evil\\u{1b}[31m\\n::error::x.py\n");
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let project = Project::new(&[]);
    for number in 0..200 {
        project.write(&format!("m{number}.py"), CLOCK.as_bytes());
    }
    let mut child = command(project.path(), &["check"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runbook-lint starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("runbook-lint ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
