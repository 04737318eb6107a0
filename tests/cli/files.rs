//! Files that a check writes and reads: nothing is lost by mistake, and no report is of another run.

use crate::project::{CLOCK, Project, Run};

impl Project {
    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).expect("readable")
    }

    fn check(&self, arguments: &[&str]) -> Run {
        self.run(&[&["check"], arguments].concat())
    }
}

#[test]
fn a_failed_run_leaves_no_report_of_a_former_one() {
    let project = Project::new(&[("wf.py", CLOCK)]);
    for failing in [
        &["missing.py"][..],
        &["--select=RB999"],
        &["--baseline=missing.json"],
        &["--diff-base=missing"],
        &["--config=missing.toml"],
    ] {
        project.write("old.sarif", b"{}");
        project.write("old.txt", b"{}");
        let outputs = ["--output=sarif=old.sarif", "--output=full=old.txt"];
        let run = project.check(&[failing, &outputs].concat());
        assert_eq!(run.status, 2, "{failing:?}: {}", run.stderr);
        for name in ["old.sarif", "old.txt"] {
            let text = std::fs::read_to_string(project.path().join(name)).unwrap_or_default();
            assert_ne!(text, "{}", "{failing:?}");
        }
    }
    // A mistake in a file is told in reports for programs; in others nothing is said.
    project.write("runbook-lint.toml", b"selct = []\n");
    project.write("old.txt", b"{}");
    let run = project.check(&["--output=json=new.json", "--output=full=old.txt"]);
    assert_eq!(run.status, 2);
    assert!(project.text("new.json").contains("selct"));
    assert!(!project.path().join("old.txt").exists());
}

#[test]
fn a_report_replaces_nothing_that_has_another_purpose() {
    let baseline = r#"{"version": 1, "files": {}}"#;
    let configuration = "baseline = 'known.json'\n";
    let files = [
        ("wf.py", CLOCK),
        ("bl.json", baseline),
        ("known.json", baseline),
        ("runbook-lint.toml", configuration),
        ("other.toml", ""),
        ("sub/x", ""),
    ];
    let project = Project::new(&files);
    for arguments in [
        &["--baseline=bl.json", "--output=json=sub/../bl.json"][..],
        &["--baseline=bl.json", "-o", "bl.json"],
        &["--write-baseline=bl.json", "--output=json=bl.json"],
        &["--output=json=known.json"],
        &["--output=json=wf.py"],
        &["--output=json=runbook-lint.toml"],
        &["--config=other.toml", "--output=json=./other.toml"],
        &["--output=json=new", "--output=sarif=sub/../new"],
    ] {
        let run = project.check(arguments);
        assert_eq!(run.status, 2, "{arguments:?}: {}", run.stderr);
        assert!(
            run.stderr.contains("would") && run.stderr.contains("file"),
            "{arguments:?}: {}",
            run.stderr
        );
        for (name, text) in files {
            assert_eq!(project.text(name), text, "{arguments:?}");
        }
        assert!(!project.path().join("new").exists());
    }
}

#[cfg(unix)]
#[test]
fn two_links_to_one_file_are_one_file_and_devices_are_none() {
    let project = Project::new(&[("wf.py", CLOCK), ("out/x", "")]);
    std::os::unix::fs::symlink("out", project.path().join("also")).expect("link");
    let run = project.check(&["--output=json=out/new", "--output=sarif=also/new"]);
    assert!(run.stderr.contains("two reports"), "{}", run.stderr);
    let null = ["--output=json=/dev/null", "--output=sarif=/dev/null"];
    assert_eq!(project.check(&null).status, 1);
}

#[cfg(unix)]
#[test]
fn a_link_to_no_file_yet_stays_a_link() {
    let project = Project::new(&[("wf.py", CLOCK), ("out/x", "")]);
    for name in ["l.json", "b.json"] {
        let link = project.path().join(name);
        std::os::unix::fs::symlink(format!("out/{name}"), link).expect("link");
    }
    project.check(&["--output=json=l.json"]);
    assert!(project.path().join("l.json").is_symlink());
    assert!(project.text("out/l.json").contains("RB101"));
}

#[cfg(unix)]
#[test]
fn a_file_in_a_closed_directory_is_written_in_place() {
    use std::os::unix::fs::PermissionsExt;

    let project = Project::new(&[("wf.py", CLOCK), ("closed/old.json", "{}")]);
    let closed = project.path().join("closed");
    let close = |mode| std::fs::set_permissions(&closed, PermissionsExt::from_mode(mode));
    close(0o555).expect("ours");
    let run = project.check(&["--output=json=closed/old.json"]);
    close(0o755).expect("ours");
    assert_eq!(run.status, 1, "{}", run.stderr);
    assert!(project.text("closed/old.json").contains("RB101"));
}

#[cfg(target_os = "linux")]
#[test]
fn baselines_are_bounded_and_kept_in_files() {
    let project = Project::new(&[("wf.py", CLOCK)]);
    for (arguments, message) in [
        (&["--baseline=/dev/full"][..], "it has more than 64 MiB"),
        (&["--write-baseline=/dev/full"], "this is no file"),
        (&["--write-baseline=/dev/null"], "this is no file"),
        (
            &["--baseline=/dev/full", "--prune-baseline"],
            "this is no file",
        ),
        (&["--write-baseline=."], "this is no file"),
    ] {
        let run = project.check(arguments);
        assert_eq!(run.status, 2, "{arguments:?}");
        assert!(run.stderr.contains(message), "{}", run.stderr);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_baseline_may_come_through_a_pipe() {
    let project = Project::new(&[("wf.py", CLOCK)]);
    project.check(&["--write-baseline=bl.json"]);
    let baseline = project.text("bl.json");
    let arguments = ["check", "--baseline=/dev/stdin"];
    let run = project.run_in("", &arguments, baseline.as_bytes());
    assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
}

#[cfg(unix)]
#[test]
fn no_line_is_a_command_for_a_log() {
    let name = "::error::##[error].py";
    let code = CLOCK.replace("time.time()", "time.time()  # ##[error]é");
    let project = Project::new(&[(name, &code), ("\t::notice::x.py", "")]);
    let stale = r#"{"version": 1, "files": {"::warning::y": [{"rule": "RB101", "count": 1}]}}"#;
    project.write("bl.json", stale.as_bytes());
    for arguments in [
        &["check"][..],
        &["check", "--output-format=concise"],
        &["check", "--output-format=grouped"],
        &["check", "--output-format=json"],
        &["check", "--output-format=markdown"],
        &["check", "--show-files"],
        &["check", "::error::##[error]"],
        &["check", "--baseline=bl.json"],
        &["check", "--config", "src=['\\n::error::##[error]']"],
        &["config", "--config", "src=['::error::##[error]']"],
        &["graph"],
        &["graph", "--full"],
        &["graph", "--full", "--format=json"],
    ] {
        let run = project.run(arguments);
        let all = format!("{}\n{}", run.stdout, run.stderr);
        assert!(!all.contains("##["), "{arguments:?}: {all}");
        let command = all.lines().find(|it| it.trim_start().starts_with("::"));
        assert_eq!(command, None, "{arguments:?}");
    }
    assert!(project.check(&[]).stdout.contains("##\\u{5b}error]é"));
}

#[test]
fn errors_are_placed_by_bytes_for_reviewdog() {
    let project = Project::new(&[("wf.py", &format!("{CLOCK}é = 1; x = )\n"))]);
    let column = |project: &Project| {
        let document = project.check(&["--output-format=rdjson"]).json();
        let start = &document["diagnostics"][0]["location"]["range"]["start"];
        (start["line"].as_u64(), start["column"].as_u64())
    };
    assert_eq!(column(&project), (Some(8), Some(13)));
    project.write("runbook-lint.toml", "src = ['é'] selct = []\n".as_bytes());
    let (line, bytes) = column(&project);
    let document = project.check(&["--output-format=json"]).json();
    let characters = document["errors"][0]["column"].as_u64();
    assert_eq!((line, bytes), (Some(1), characters.map(|it| it + 1)));
    project.write("runbook-lint.toml", b"");
    let bad = r#"{"version": 1, "files": {"é": 1}}"#;
    project.write("bl.json", bad.as_bytes());
    project.write("runbook-lint.toml", b"baseline = 'bl.json'\n");
    let at = bad.find("1}}").expect("there") as u64 + 1;
    let (line, bytes) = column(&project);
    assert_eq!(line, Some(1));
    assert!(
        bytes.is_some_and(|it| it.abs_diff(at) <= 1),
        "{bytes:?} {at}"
    );
}
