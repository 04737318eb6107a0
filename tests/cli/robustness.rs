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
fn modules_may_import_all_of_one_another() {
    let count = 5;
    let stars = |number: usize| {
        let others = (0..count).map(|other| format!("from m{other} import *\n"));
        format!("{}VALUE{number} = 1\n", others.collect::<String>())
    };
    let project = Project::new(&[]);
    for number in 0..count {
        project.write(&format!("m{number}.py"), stars(number).as_bytes());
    }
    let names = "missing, VALUE4, time, len";
    let flow = format!("{}\n{CLOCK}    def other(self): return {names}\n", stars(9));
    project.write("flow.py", flow.as_bytes());
    let run = project.run(&["check", "--isolated", "--output-format", "concise"]);
    assert_eq!(run.status, 1, "{}", run.stderr);
    assert!(run.stdout.contains("RB101"), "{}", run.stdout);
    let run = project.run(&["check", "--isolated", "--fix", "--unsafe-fixes"]);
    assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
}

/// What is said of a clock whose time comes through this many functions to a condition.
fn note_through(functions: usize) -> String {
    let mut text = "import time\nfrom temporalio import workflow\n".to_owned();
    for i in 0..functions {
        text += &format!("def f{i}(at): return f{}(at)\n", i + 1);
    }
    text += &format!("def f{functions}(at): return at\n");
    text += "@workflow.defn\nclass Far:\n    @workflow.run\n    async def run(self):\n";
    text += "        if f0(time.time()) > 5: await workflow.sleep(3)\n";
    let project = Project::new(&[("wf.py", &text)]);
    let run = project.run(&["check", "--isolated", "--output-format", "json"]);
    let note = run.json()["findings"][0]["notes"][0].clone();
    note.as_str().expect("a note").to_owned()
}

#[test]
fn a_use_that_is_very_far_is_none_that_anything_is_said_of_for_sure() {
    // Each function has a cell for what it gets and one for what it returns.
    assert!(note_through(400).starts_with("This value controls the branch"));
    assert!(note_through(600).starts_with("This value is kept together with others"));
}

#[test]
fn a_workflow_that_calls_out_of_a_very_long_table_is_named_in_every_format() {
    let mut text = "from temporalio import workflow\n".to_owned();
    for i in 0..300 {
        text += &format!("def f{i}(): return {i}\n");
    }
    let entries: Vec<String> = (0..300).map(|i| format!("'k{i}': f{i}")).collect();
    text += &format!("TABLE = {{{}}}\n", entries.join(", "));
    for (name, body) in [("Caller", "return TABLE[k]()"), ("Other", "return k")] {
        text += &format!(
            "@workflow.defn\nclass {name}:\n    @workflow.run\n    async def run(self, k): {body}\n"
        );
    }
    let project = Project::new(&[("wf.py", &text)]);
    let said = "the analysis of `wf.Caller` stopped at a bound";
    for (format, holds_it) in [
        ("full", false),
        ("concise", false),
        ("grouped", false),
        ("json", true),
        ("json-lines", true),
        ("github", true),
        ("gitlab", false),
        ("junit", true),
        ("rdjson", false),
        ("sarif", true),
        ("markdown", true),
        ("html", true),
    ] {
        let run = project.run(&["check", "--output-format", format]);
        assert!(run.stderr.contains(said), "{format}: {}", run.stderr);
        assert!(
            !holds_it || run.stdout.contains("stopped at a bound"),
            "{format}: {}",
            run.stdout
        );
    }
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
fn links_are_read_as_python_reads_them() {
    use std::os::unix::fs::symlink;

    let elsewhere = Project::new(&[
        (
            "helper.py",
            "import time\ndef stamp():\n    return time.time()\n",
        ),
        ("big/wf.py", CLOCK),
    ]);
    let workflow = CLOCK.replace("import time\n", "import helper as time\n");
    let workflow = workflow.replace("time.time()", "time.stamp()");
    let project = Project::new(&[("wf.py", &workflow)]);
    let link = |target: &std::path::Path, name: &str| {
        symlink(target, project.path().join(name)).expect("link");
    };
    link(&elsewhere.path().join("helper.py"), "helper.py");
    link(&elsewhere.path().join("big"), "bazel-out");
    assert_eq!(project.findings(&[]), ["wf.py:7 RB101"]);
    assert_eq!(project.run(&["check"]).stderr, "");
    assert_eq!(project.findings(&["--isolated"]), [""; 0]);
    assert_eq!(
        project.findings(&["bazel-out"]),
        ["bazel-out/wf.py:7 RB101"]
    );

    let alone = Project::new(&[]);
    symlink(
        elsewhere.path().join("big/wf.py"),
        alone.path().join("wf.py"),
    )
    .expect("link");
    assert_eq!(alone.findings(&[]), ["wf.py:7 RB101"]);
}

#[cfg(unix)]
#[test]
fn a_file_with_two_names_is_reported_once() {
    use std::os::unix::fs::symlink;

    let project = Project::new(&[
        (
            "libs/shared/helper.py",
            "import time\ndef stamp():\n    return time.time()\n",
        ),
        (
            "svc/b.py",
            &CLOCK
                .replace("import time\n", "from common import helper as time\n")
                .replace(".time()", ".stamp()"),
        ),
        ("svc/z.py", CLOCK),
    ]);
    let root = project.path();
    symlink("../libs/shared", root.join("svc/common")).expect("link");
    symlink("z.py", root.join("svc/a.py")).expect("link");
    let run = project.run(&["check", "--output-format", "json"]);
    assert_eq!(run.findings(), ["svc/b.py:7 RB101", "svc/z.py:7 RB101"]);
    assert_eq!(run.json()["summary"]["files"], 3);
    assert_eq!(
        run.json()["findings"][0]["trace"][0]["path"],
        "libs/shared/helper.py"
    );
    // Either name may be asked about.
    assert_eq!(project.findings(&["svc/a.py"]), ["svc/z.py:7 RB101"]);
    assert_eq!(project.findings(&["svc/common"]), ["svc/b.py:7 RB101"]);

    // The project of a service knows the linked library under the name of the link.
    project.write("svc/runbook-lint.toml", b"");
    let run = project.run_in("svc", &["check", "--output-format", "json"], b"");
    assert_eq!(run.findings(), ["b.py:7 RB101", "z.py:7 RB101"]);
    assert_eq!(
        run.json()["findings"][0]["trace"][0]["path"],
        "common/helper.py"
    );
}

#[cfg(unix)]
#[test]
fn links_between_directories_do_not_multiply() {
    use std::os::unix::fs::symlink;

    let project = Project::new(&[]);
    for from in 0..12 {
        project.write(&format!("d{from}/m{from}.py"), CLOCK.as_bytes());
        for to in (0..12).filter(|to| *to != from) {
            let link = project.path().join(format!("d{from}/to{to}"));
            symlink(format!("../d{to}"), link).expect("link");
        }
    }
    assert_eq!(project.findings(&[]).len(), 12);
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

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_refused() {
    use std::os::unix::fs::symlink;
    use std::process::Command;

    let project = Project::new(&[("wf.py", CLOCK)]);
    let pipe = project.path().join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo runs").success());
    symlink("pipe", project.path().join("linked.py")).expect("link");
    symlink("/dev/zero", project.path().join("endless.py")).expect("link");
    std::fs::rename(&pipe, project.path().join("named.py")).expect("rename");
    let _ = std::fs::remove_file(project.path().join("linked.py"));
    symlink("named.py", project.path().join("linked.py")).expect("link");
    for path in ["named.py", "linked.py", "endless.py"] {
        let run = project.run(&["check", path]);
        assert_eq!(run.status, 2, "{path}: {}{}", run.stdout, run.stderr);
    }
    assert_eq!(project.findings(&[]), ["wf.py:7 RB101"]);
}

#[cfg(unix)]
#[test]
fn a_file_that_is_too_large_is_refused_by_its_size() {
    let project = Project::new(&[("wf.py", CLOCK)]);
    let sparse = std::fs::File::create(project.path().join("large.py")).expect("create");
    sparse.set_len(2 << 30).expect("a sparse file");
    let run = project.run(&["check"]);
    assert_eq!(run.status, 1);
    assert!(
        run.stdout.contains("it has more than 64 MiB"),
        "{}",
        run.stdout
    );
}
