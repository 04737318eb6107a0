//! `init` writes what is missing, and changes nothing that is there.

use crate::project::{CLOCK, Project};

#[test]
fn a_project_is_set_up_once() {
    let project = Project::new(&[("wf.py", CLOCK)]);
    let run = project.run(&["init", "--yes"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    for file in [
        "runbook-lint.toml",
        ".pre-commit-config.yaml",
        ".github/workflows/runbook-lint.yml",
    ] {
        assert!(project.path().join(file).is_file(), "{file}");
    }
    // The configuration is valid, and changes nothing.
    assert_eq!(project.findings(&[]), ["wf.py:7 RB101"]);
    let own = "ignore = [\"RB101\"]\n";
    project.write("runbook-lint.toml", own.as_bytes());
    let run = project.run(&["init", "--yes"]);
    assert!(
        run.stderr.contains("exists and is left alone"),
        "{}",
        run.stderr
    );
    let kept = std::fs::read_to_string(project.path().join("runbook-lint.toml"));
    assert_eq!(kept.expect("it is there"), own);
}

#[test]
fn a_second_run_has_nothing_to_say() {
    let project = Project::new(&[("wf.py", CLOCK)]);
    project.run(&["init", "--yes"]);
    let run = project.run(&["init", "--yes"]);
    assert!(!run.stderr.contains("it needs this"), "{}", run.stderr);
    assert_eq!(run.stderr.matches("has all of it").count(), 3);
}

#[test]
fn what_is_there_is_taken_up() {
    let project = Project::new(&[
        ("wf.py", CLOCK),
        (
            ".git/refs/remotes/origin/HEAD",
            "ref: refs/remotes/origin/trunk\n",
        ),
    ]);
    let baseline = "runbook-lint-baseline.json";
    project.run(&["check", "--write-baseline", baseline]);
    project.run(&["init", "--yes"]);
    assert_eq!(project.findings(&[]), [""; 0], "the baseline is in use");
    let action = project.path().join(".github/workflows/runbook-lint.yml");
    let action = std::fs::read_to_string(action).expect("it is written");
    assert!(action.contains("branches: [trunk]"), "{action}");
}

#[test]
fn nothing_is_written_unasked() {
    let project = Project::new(&[("pyproject.toml", "[tool.runbook-lint]\n")]);
    let run = project.run(&["init"]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("--yes"), "{}", run.stderr);
    assert!(!project.path().join(".pre-commit-config.yaml").exists());
    let run = project.run(&["init", "--yes"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(!project.path().join("runbook-lint.toml").exists());
}
