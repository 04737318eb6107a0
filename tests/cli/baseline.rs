//! Baselines: what they hide, what they never hide, and what becomes of the file.

use std::path::{Path, PathBuf};

use crate::project::{CLOCK, Project, Run};

const BASELINE: &str = "baseline.json";

/// A workflow that reaches two clocks through one helper, and reads one itself.
const WORKFLOW: &str = "\
import time
from temporalio import workflow
from helper import stamp


@workflow.defn
class Order:
    @workflow.run
    async def run(self):
        stamp()
        return time.time()
";
const HELPER: &str = "\
import time


def stamp():
    return time.monotonic()
";

fn order() -> Project {
    Project::new(&[("wf.py", WORKFLOW), ("helper.py", HELPER)])
}

fn write(project: &Project) -> Run {
    let run = project.run(&["check", "--write-baseline", BASELINE]);
    assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
    run
}

fn with_baseline(project: &Project, more: &[&str]) -> Run {
    let arguments = ["check", "--output-format", "json", "--baseline", BASELINE];
    project.run(&[&arguments, more].concat())
}

fn text(project: &Project) -> String {
    std::fs::read_to_string(project.path().join(BASELINE)).expect("a baseline")
}

/// The stale entries as `path code culprit: expected > found`.
fn stale(run: &Run) -> Vec<String> {
    let document = run.json();
    let stale = document["baseline"]["stale"].as_array().expect("a list");
    let word = |it: &serde_json::Value| it.as_str().unwrap_or("-").to_owned();
    stale
        .iter()
        .map(|it| {
            format!(
                "{} {} {}: {} > {}",
                word(&it["path"]),
                word(&it["code"]),
                word(&it["culprit"]),
                it["expected"],
                it["found"]
            )
        })
        .collect()
}

#[test]
fn what_is_written_is_no_longer_reported_but_counted() {
    let project = order();
    let run = write(&project);
    assert!(
        run.stderr
            .contains("wrote 2 findings to the baseline `baseline.json`\n"),
        "{}",
        run.stderr
    );
    assert!(
        run.stdout.contains("no findings, 2 in the baseline"),
        "{}",
        run.stdout
    );
    let run = with_baseline(&project, &[]);
    assert_eq!((run.status, run.findings().len()), (0, 0));
    assert_eq!(run.json()["summary"]["baselined"], 2);
    assert_eq!(stale(&run), [""; 0]);
    assert!(!run.stderr.contains("warning"), "{}", run.stderr);
    let without = project.run(&["check", "--output-format", "json"]).json();
    assert!(without["summary"].get("baselined").is_none());
    assert!(without.get("baseline").is_none());
}

#[test]
fn the_file_is_the_same_each_time_and_one_line_for_each_entry() {
    let project = order();
    write(&project);
    let first = text(&project);
    let lines: Vec<&str> = first.lines().collect();
    assert!(lines[1].starts_with("  \"about\": \"Known findings of runbook-lint"));
    assert_eq!(
        lines[2..],
        [
            "  \"version\": 1,",
            "  \"files\": {",
            "    \"wf.py\": [",
            "      {\"rule\": \"RB101\", \"function\": \"Order.run\", \"culprit\": \"time.monotonic\", \"count\": 1},",
            "      {\"rule\": \"RB101\", \"function\": \"Order.run\", \"culprit\": \"time.time\", \"count\": 1}",
            "    ]",
            "  }",
            "}",
        ]
    );
    let run = write(&project);
    assert!(
        run.stderr.contains(": 0 added, 0 removed"),
        "{}",
        run.stderr
    );
    assert_eq!(text(&project), first);
}

#[test]
fn a_project_without_findings_has_an_empty_baseline() {
    let project = Project::new(&[("a.py", "x = 1\n")]);
    write(&project);
    assert_eq!(with_baseline(&project, &[]).status, 0);
}

#[test]
fn new_findings_always_show() {
    let project = order();
    write(&project);
    // A new culprit, in a file of which the baseline has findings.
    project.write(
        "wf.py",
        WORKFLOW
            .replace("stamp()\n", "stamp()\n        open('x')\n")
            .as_bytes(),
    );
    assert_eq!(with_baseline(&project, &[]).findings(), ["wf.py:11 RB105"]);
    // The same culprit from another function.
    let other = "\n    @workflow.signal\n    def poke(self):\n        self.at = time.time()\n";
    project.write("wf.py", format!("{WORKFLOW}{other}").as_bytes());
    assert_eq!(with_baseline(&project, &[]).findings(), ["wf.py:15 RB101"]);
    // A helper makes a workflow worse that nobody touched.
    project.write("wf.py", WORKFLOW.as_bytes());
    project.write(
        "helper.py",
        HELPER.replace("return", "open('x')\n    return").as_bytes(),
    );
    let run = with_baseline(&project, &[]);
    assert_eq!(
        (run.status, run.findings()),
        (1, vec!["wf.py:10 RB105".into()])
    );
}

#[test]
fn one_more_of_a_kind_shows_all_of_the_kind_and_says_why() {
    let project = order();
    write(&project);
    project.write(
        "wf.py",
        WORKFLOW
            .replace("return time.time()", "return time.time() - time.time()")
            .as_bytes(),
    );
    let run = with_baseline(&project, &[]);
    assert_eq!(run.findings(), ["wf.py:11 RB101", "wf.py:11 RB101"]);
    assert_eq!(run.json()["summary"]["baselined"], 1);
    for finding in run.json()["findings"].as_array().expect("a list") {
        let notes = finding["notes"].to_string();
        assert!(
            notes
                .contains("The baseline has 1 of the 2 findings of this kind here, so one is new."),
            "{notes}"
        );
    }
}

#[test]
fn a_new_finding_shows_whatever_is_asked_about() {
    let project = Project::new(&[
        (
            "wf.py",
            &WORKFLOW.replace("time.time()", "time.monotonic()"),
        ),
        ("helper.py", HELPER),
    ]);
    write(&project);
    let worse = HELPER.replace("return", "time.monotonic()\n    return");
    project.write("helper.py", worse.as_bytes());
    // Two of three findings of this kind go through the helper, and the baseline has two.
    let run = with_baseline(&project, &["helper.py"]);
    assert_eq!(run.findings(), ["wf.py:10 RB101", "wf.py:10 RB101"]);
}

#[test]
fn moving_code_changes_nothing() {
    let project = order();
    write(&project);
    let moved = WORKFLOW
        .replace("import time\n", "# A comment.\n\n\nimport time\n")
        .replace("        stamp()\n", "        # Why.\n        stamp()\n\n");
    project.write("wf.py", moved.as_bytes());
    // The helper is renamed, moved and taken apart.
    let helper = "import clocks\n\n\ndef stamp():\n    return clocks.now()\n";
    project.write("helper.py", helper.as_bytes());
    let clocks = "import time\n\n\ndef now():\n    return time.monotonic()\n";
    project.write("clocks.py", clocks.as_bytes());
    let run = with_baseline(&project, &[]);
    assert_eq!((run.findings(), stale(&run)), (vec![], vec![]));
}

#[test]
fn lambdas_before_a_finding_do_not_change_it() {
    let lambda = "return list(map(lambda _: time.time(), [1]))";
    let source = CLOCK.replace("return time.time()", lambda);
    let project = Project::new(&[("wf.py", &source)]);
    write(&project);
    let more = source.replace(
        "return list",
        "[f() for f in [lambda: 1]]\n        return list",
    );
    project.write("wf.py", more.as_bytes());
    let run = with_baseline(&project, &[]);
    assert_eq!((run.findings(), stale(&run)), (vec![], vec![]));
    assert!(
        text(&project).contains("\"Order.run\""),
        "{}",
        text(&project)
    );
}

#[test]
fn what_was_fixed_is_told_and_pruned_and_nothing_is_added() {
    let project = order();
    write(&project);
    let before = text(&project);
    let fixed = WORKFLOW.replace("return time.time()", "open('x')");
    project.write("wf.py", fixed.as_bytes());
    let run = with_baseline(&project, &["--exit-zero"]);
    // It is good news, so it does not fail the check by itself.
    assert_eq!(run.status, 0);
    assert_eq!(stale(&run), ["wf.py RB101 time.time: 1 > 0"]);
    assert!(
        run.stderr
            .contains("warning: the baseline `baseline.json` holds what is no longer found")
            && run.stderr.contains(
                "\n  wf.py: RB101 `time.time` in `Order.run`: 1 in the baseline, 0 found\n"
            ),
        "{}",
        run.stderr
    );
    assert_eq!(text(&project), before);
    let run = with_baseline(&project, &["--prune-baseline"]);
    assert_eq!(run.findings(), ["wf.py:11 RB105"]);
    assert_eq!(stale(&run), [""; 0]);
    assert!(
        run.stderr
            .contains("removed 1 finding from the baseline `baseline.json`, 1 left"),
        "{}",
        run.stderr
    );
    assert!(text(&project).contains("time.monotonic"));
    assert!(!text(&project).contains("time.time\"") && !text(&project).contains("RB105"));
}

#[test]
fn sarif_tells_what_is_stale_and_leaves_known_findings_out() {
    let project = order();
    write(&project);
    let sarif = || {
        let arguments = ["check", "--output-format", "sarif", "--baseline", BASELINE];
        project.run(&arguments).json()["runs"][0].clone()
    };
    let run = sarif();
    assert_eq!(run["results"], serde_json::json!([]));
    let said =
        |run: &serde_json::Value| run["invocations"][0]["toolExecutionNotifications"].clone();
    assert_eq!(said(&run), serde_json::json!([]));
    project.write("wf.py", WORKFLOW.replace("time.time()", "1").as_bytes());
    let run = sarif();
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
    let said = said(&run);
    assert_eq!(said[0]["level"], "note");
    let text = said[0]["message"]["text"].as_str().expect("text");
    assert!(
        text.starts_with("The baseline holds 1 finding more than there are"),
        "{text}"
    );
}

#[cfg(unix)]
#[test]
fn hostile_names_are_escaped_and_found_again() {
    let name = "a\u{202e}\n\u{1b}[2J\".py";
    let project = Project::new(&[(name, CLOCK)]);
    write(&project);
    let text = text(&project);
    assert!(
        text.is_ascii() && text.contains("a\\u202e\\n\\u001b[2J\\\".py"),
        "{text}"
    );
    assert_eq!(with_baseline(&project, &[]).findings(), [""; 0]);
    project.write(name, b"");
    let run = with_baseline(&project, &[]);
    assert_eq!(stale(&run).len(), 1);
    assert!(
        !run.stderr.contains(['\u{1b}', '\u{202e}']),
        "{}",
        run.stderr
    );
}

#[test]
fn pruning_lowers_counts() {
    let twice = CLOCK.replace("return time.time()", "return time.time(), time.time()");
    let project = Project::new(&[("wf.py", &twice)]);
    write(&project);
    project.write("wf.py", CLOCK.as_bytes());
    let run = with_baseline(&project, &[]);
    assert_eq!(
        (run.findings(), stale(&run)),
        (vec![], vec!["wf.py RB101 time.time: 2 > 1".into()])
    );
    with_baseline(&project, &["--prune-baseline"]);
    assert!(text(&project).contains("\"count\": 1"));
    project.write("wf.py", twice.as_bytes());
    assert_eq!(with_baseline(&project, &[]).findings().len(), 2);
}

#[test]
fn only_what_was_asked_about_is_called_stale() {
    let project = Project::new(&[("a.py", CLOCK), ("b/wf.py", CLOCK), ("gone.py", CLOCK)]);
    write(&project);
    for file in ["a.py", "b/wf.py"] {
        project.write(file, CLOCK.replace("time.time()", "1").as_bytes());
    }
    std::fs::remove_file(project.path().join("gone.py")).expect("remove");
    let stale = |more: &[&str]| stale(&with_baseline(&project, more));
    let all = [
        "a.py RB101 time.time: 1 > 0",
        "b/wf.py RB101 time.time: 1 > 0",
        "gone.py RB101 time.time: 1 > 0",
    ];
    assert_eq!(stale(&[]), all);
    assert_eq!(stale(&["a.py"]), all[..1]);
    assert_eq!(stale(&["b"]), all[1..2]);
    assert_eq!(stale(&["--select", "RB102"]), [""; 0]);
    assert_eq!(stale(&["--config", "severity.RB101='off'"]), [""; 0]);
    // Findings below the minimum are there nevertheless.
    project.write("a.py", CLOCK.as_bytes());
    let info = ["--severity", "error", "--config", "severity.RB101='info'"];
    assert_eq!(stale(&info), all[1..]);
    // A prune of one file leaves the others.
    with_baseline(&project, &["--prune-baseline", "b"]);
    assert!(!text(&project).contains("b/wf.py") && text(&project).contains("gone.py"));
}

#[test]
fn a_minimum_severity_is_no_reason_to_leave_anything_out() {
    let project = order();
    let quiet = ["--severity", "error", "--config", "severity.RB101='info'"];
    project.run(&[&["check", "--write-baseline", BASELINE], &quiet[..]].concat());
    let run = with_baseline(&project, &[]);
    assert_eq!((run.findings().len(), stale(&run).len()), (0, 0));
}

#[test]
fn writing_for_some_files_or_rules_leaves_the_other_entries() {
    let project = Project::new(&[("a.py", CLOCK), ("b.py", CLOCK)]);
    write(&project);
    project.write(
        "a.py",
        CLOCK
            .replace("return time", "open('x'); return time")
            .as_bytes(),
    );
    project.write(
        "b.py",
        CLOCK
            .replace("return time", "open('x'); return time")
            .as_bytes(),
    );
    let run = project.run(&["check", "--write-baseline", BASELINE, "a.py"]);
    assert!(
        run.stderr
            .contains("wrote 3 findings to the baseline `baseline.json`: 1 added, 0 removed"),
        "{}",
        run.stderr
    );
    assert_eq!(with_baseline(&project, &[]).findings(), ["b.py:7 RB105"]);
    project.run(&["check", "--write-baseline", BASELINE, "--select", "RB105"]);
    assert_eq!(with_baseline(&project, &[]).findings(), [""; 0]);
    // A file that is asked about brings the findings that lead through it.
    let project = order();
    project.run(&["check", "--write-baseline", BASELINE, "helper.py"]);
    assert_eq!(with_baseline(&project, &["helper.py"]).findings(), [""; 0]);
    assert_eq!(with_baseline(&project, &[]).findings(), ["wf.py:11 RB101"]);
}

#[test]
fn files_that_cannot_be_read_never_shrink_the_baseline() {
    let project = order();
    write(&project);
    let before = text(&project);
    // The workflow is intact, but what leads to one of its findings is not.
    project.write("helper.py", b"def stamp(:\n");
    for more in [&[][..], &["--prune-baseline"]] {
        let run = with_baseline(&project, more);
        assert_eq!((run.status, stale(&run).len()), (1, 0), "{}", run.stderr);
        assert_eq!(text(&project), before);
    }
    let run = with_baseline(&project, &["--prune-baseline"]);
    assert!(run.stderr.contains("was not pruned"), "{}", run.stderr);
    let run = project.run(&["check", "--write-baseline", BASELINE]);
    assert_eq!((run.status, text(&project)), (1, before.clone()));
    project.write(
        "helper.py",
        b"# \xff\nimport time\ndef stamp():\n    return time.monotonic()\n",
    );
    with_baseline(&project, &["--prune-baseline"]);
    assert_eq!(text(&project), before);
}

#[test]
fn suppressed_findings_are_no_part_of_it() {
    let suppressed = CLOCK.replace("time.time()", "time.time()  # noqa: RB101");
    let project = Project::new(&[("wf.py", &suppressed)]);
    let run = write(&project);
    assert!(run.stderr.contains("wrote 0 findings"), "{}", run.stderr);
    // A comment that comes later makes the entry stale, and is used.
    project.write("wf.py", CLOCK.as_bytes());
    write(&project);
    project.write("wf.py", suppressed.as_bytes());
    let run = with_baseline(&project, &[]);
    assert_eq!(run.findings(), [""; 0]);
    assert_eq!(stale(&run), ["wf.py RB101 time.time: 1 > 0"]);
    assert_eq!(run.json()["summary"]["suppressed"], 1);
}

#[test]
fn unused_suppressions_are_reported_as_ever_and_told_apart_by_their_text() {
    let comment = "x = 1  # runbook-lint: ignore[RB101] nothing here\n";
    let project = Project::new(&[("a.py", comment), ("wf.py", CLOCK)]);
    write(&project);
    assert_eq!(with_baseline(&project, &[]).findings(), [""; 0]);
    let second = comment.replace("RB101", "RB102");
    project.write("a.py", format!("{second}{comment}").as_bytes());
    assert_eq!(with_baseline(&project, &[]).findings(), ["a.py:1 RB001"]);
}

#[test]
fn rules_that_no_longer_exist_are_stale() {
    let project = order();
    write(&project);
    let edited = text(&project).replace(
        "\"RB101\", \"function\": \"Order.run\", \"culprit\": \"time.time\"",
        "\"RB999\"",
    );
    project.write(BASELINE, edited.as_bytes());
    let run = with_baseline(&project, &[]);
    assert_eq!(run.findings(), ["wf.py:11 RB101"]);
    assert_eq!(stale(&run), ["wf.py RB999 -: 1 > 0"]);
}

#[test]
fn the_configuration_names_it_relative_to_itself() {
    let project = Project::new(&[
        ("pkg/wf.py", CLOCK),
        ("runbook-lint.toml", "baseline = 'baseline.json'\n"),
    ]);
    let run = project.run(&["check"]);
    assert_eq!(run.status, 2);
    assert!(
        run.stderr
            .contains("cannot read the baseline `baseline.json`"),
        "{}",
        run.stderr
    );
    write(&project);
    let run = project.run_in("pkg", &["check", "--output-format", "json"], b"");
    assert_eq!(run.findings(), [""; 0]);
    assert_eq!(run.json()["baseline"]["path"], "../baseline.json");
    assert_eq!(project.findings(&["--no-baseline"]), ["pkg/wf.py:7 RB101"]);
    assert_eq!(project.findings(&["--isolated"]), ["pkg/wf.py:7 RB101"]);
    let shown = project.run(&["config"]).stdout;
    assert!(
        shown.contains("baseline = \"baseline.json\"  # runbook-lint.toml:1\n"),
        "{shown}"
    );
    project.write("pkg/wf.py", b"");
    project.run(&["check", "--prune-baseline"]);
    assert!(!text(&project).contains("RB101"));
}

#[test]
fn a_baseline_that_cannot_be_understood_is_located() {
    let project = order();
    write(&project);
    let good = text(&project);
    for (bad, expected) in [
        (
            "".to_owned(),
            "baseline.json:1:1: this is no valid baseline: the file ends too early",
        ),
        ("{".to_owned(), "baseline.json:1:1: "),
        ("[]".to_owned(), "baseline.json:1:"),
        (
            good.replace("\"version\": 1", "\"version\": 2"),
            "baseline.json:3:3: this baseline has version 2, this runbook-lint reads version 1",
        ),
        (
            good.replace("  \"version\": 1,\n", ""),
            "missing field `version`",
        ),
        (
            good.replacen("\"count\": 1", "\"count\": 0", 1),
            "baseline.json:6:88: this is no valid baseline: invalid value: integer `0`",
        ),
        (
            good.replacen("\"count\": 1", "\"count\": -1", 1),
            "baseline.json:6:",
        ),
        (
            good.replacen("\"rule\"", "\"rul\"", 1),
            "baseline.json:6:12: this is no valid baseline: unknown field `rul`",
        ),
        (
            good.replacen("\"rule\": \"RB101\", ", "", 1),
            "missing field `rule`",
        ),
        (
            good.replace("time.monotonic", "time.time"),
            "two entries of this file are the same",
        ),
        (
            good.replace("  }\n}", "  ,\"wf.py\": []}\n}"),
            "`wf.py` is here twice",
        ),
        (
            good.replace("    \"wf", "<<<<<<< HEAD\n    \"wf"),
            "baseline.json:5:1: this is no valid baseline: this is the start of a merge conflict",
        ),
        (
            good.replace("wf.py", "\u{fe}\u{e9}")
                .replacen("\"count\": 1", "'count': 1", 1),
            "baseline.json:6:",
        ),
    ] {
        project.write(BASELINE, bad.as_bytes());
        let run = project.run(&["check", "--baseline", BASELINE]);
        assert_eq!(run.status, 2, "{bad}");
        assert!(
            run.stderr.contains(expected),
            "{bad}\n{expected}\n{}",
            run.stderr
        );
        let run = with_baseline(&project, &[]);
        let error = &run.json()["errors"][0];
        assert_eq!((run.status, &error["kind"]), (2, &"config".into()));
        assert_eq!(error["path"], BASELINE);
        // What was broken by hand is not lost.
        for option in ["--write-baseline", "--baseline"] {
            let prune = (option == "--baseline").then_some("--prune-baseline");
            let arguments: Vec<&str> = ["check", option, BASELINE]
                .into_iter()
                .chain(prune)
                .collect();
            assert_eq!(project.run(&arguments).status, 2);
            assert_eq!(text(&project), bad);
        }
    }
    project.write(BASELINE, b"\xff\xfe");
    assert_eq!(with_baseline(&project, &[]).status, 2);
}

#[test]
fn other_files_are_never_overwritten() {
    let project = order();
    let run = project.run(&["check", "--write-baseline", "wf.py"]);
    assert_eq!(run.status, 2);
    let source = std::fs::read_to_string(project.path().join("wf.py")).expect("a file");
    assert_eq!(source, WORKFLOW);
    for path in [".", "missing/baseline.json"] {
        let run = project.run(&["check", "--write-baseline", path]);
        assert_eq!(run.status, 2, "{path}: {}", run.stderr);
    }
    let run = project.run(&["check", "--prune-baseline"]);
    assert!(
        run.stderr.contains("there is no baseline to prune"),
        "{}",
        run.stderr
    );
    assert_eq!(run.status, 2);
}

#[cfg(unix)]
#[test]
fn permissions_and_links_are_kept() {
    use std::fs::{Permissions, metadata, set_permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    let project = order();
    let mode = |path: &str| {
        metadata(project.path().join(path))
            .expect("a file")
            .permissions()
            .mode()
            & 0o777
    };
    write(&project);
    // As every other new file.
    assert_eq!(mode(BASELINE), mode("wf.py"));
    set_permissions(project.path().join(BASELINE), Permissions::from_mode(0o640)).expect("chmod");
    write(&project);
    assert_eq!(mode(BASELINE), 0o640);
    std::fs::rename(
        project.path().join(BASELINE),
        project.path().join("real.json"),
    )
    .expect("mv");
    symlink("real.json", project.path().join(BASELINE)).expect("ln");
    project.write("wf.py", CLOCK.as_bytes());
    write(&project);
    let link = std::fs::symlink_metadata(project.path().join(BASELINE)).expect("a link");
    assert!(link.is_symlink());
    let written = std::fs::read_to_string(project.path().join("real.json")).expect("a file");
    assert!(!written.contains("monotonic"), "{written}");
    let names: Vec<_> = std::fs::read_dir(project.path())
        .expect("a directory")
        .collect();
    assert_eq!(names.len(), 5, "no temporary file is left: {names:?}");
}

/// Runs the linter in a copy of each fixture, with a baseline of what is found there.
#[test]
fn every_fixture_is_clean_under_its_own_baseline_whatever_moves() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let cases: Vec<PathBuf> = directories(&root)
        .iter()
        .flat_map(|area| directories(area))
        .collect();
    assert!(cases.len() > 50);
    let mut violations = 0;
    for case in cases {
        let name = case.display();
        let project = Project::new(&[]);
        copy(&case, project.path());
        // What a lock says is no part of a baseline.
        let _ = std::fs::remove_file(project.path().join("runbook-lint.lock"));
        let isolated = !project.path().join("runbook-lint.toml").exists();
        let more: &[&str] = if isolated { &["--isolated"] } else { &[] };
        let found = project.findings(more).len();
        let run = project.run(&[&["check", "--write-baseline", BASELINE], more].concat());
        assert!(
            run.stderr.contains(&format!("wrote {found} finding")),
            "{name}: {}",
            run.stderr
        );
        let is_clean = |what: &str| {
            let run = with_baseline(&project, more);
            assert_eq!(
                (run.findings(), stale(&run)),
                (vec![], vec![]),
                "{name}: {what}"
            );
            assert_eq!(run.json()["summary"]["baselined"], found, "{name}: {what}");
        };
        is_clean("as it is");
        let files = python_files(project.path());
        for file in &files {
            let text = std::fs::read_to_string(file).expect("UTF-8");
            std::fs::write(file, with_blank_lines(&text)).expect("write");
        }
        is_clean("after blank lines and comments");
        for file in &files {
            let text = std::fs::read_to_string(file).expect("UTF-8");
            std::fs::write(file, with_functions_reversed(&text)).expect("write");
        }
        is_clean("after functions changed places");
        // One more violation of a kind that is known, at the culprit.
        let present = project.run(&[&["check", "--output-format", "json"], more].concat());
        for finding in present.json()["findings"].as_array().expect("a list") {
            let steps = finding["trace"].as_array().expect("a list");
            let place = steps.last().unwrap_or(finding);
            let path = project.path().join(place["path"].as_str().expect("a path"));
            let text = std::fs::read_to_string(&path).expect("UTF-8");
            let number = place["start"]["line"].as_u64().expect("a line") as usize;
            let line = text.lines().nth(number - 1).expect("a line");
            if finding["culprit"] != "time.time" || !line.contains(" time.time()") {
                continue;
            }
            violations += 1;
            let twice = line.replace(" time.time()", " time.time() + time.time()");
            let lines = text.lines().enumerate();
            let lines = lines.map(|(ix, line)| if ix + 1 == number { &twice } else { line });
            let changed: Vec<&str> = lines.collect();
            std::fs::write(&path, changed.join("\n") + "\n").expect("write");
            let run = with_baseline(&project, more);
            let shown = run.json()["findings"].to_string();
            assert!(shown.contains("The baseline has "), "{name}: {line}");
            std::fs::write(&path, text).expect("write");
        }
    }
    assert!(violations > 20, "few fixtures read the clock: {violations}");
}

fn directories(path: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(path)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("a directory") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            std::fs::create_dir_all(&target).expect("create");
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("copy");
        }
    }
}

fn python_files(directory: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = directories(directory)
        .iter()
        .flat_map(|it| python_files(it))
        .collect();
    let entries = std::fs::read_dir(directory).expect("a directory");
    let entries = entries.map(|entry| entry.expect("an entry").path());
    found.extend(entries.filter(|path| path.extension().is_some_and(|it| it == "py")));
    found
}

/// A blank line and a comment before every top-level statement that stands alone.
fn with_blank_lines(text: &str) -> String {
    let starts = ["def ", "class ", "async def ", "import ", "from "];
    let mut out = String::new();
    let mut decorated = false;
    for line in text.split_inclusive('\n') {
        let is_decorator = line.starts_with('@');
        if !decorated && (is_decorator || starts.iter().any(|it| line.starts_with(it))) {
            out.push_str("\n# Here.\n\n");
        }
        decorated = is_decorator;
        out.push_str(line);
    }
    out
}

/// Reverses each run of undecorated top-level functions.
fn with_functions_reversed(text: &str) -> String {
    let is_function = |line: &str| line.starts_with("def ") || line.starts_with("async def ");
    let mut blocks: Vec<String> = Vec::new();
    for line in text.split_inclusive('\n') {
        let continues = line.starts_with([' ', '\n', '\t', ')']) && !blocks.is_empty();
        match blocks.last_mut() {
            Some(last) if continues => last.push_str(line),
            _ => blocks.push(line.to_owned()),
        }
    }
    let movable: Vec<usize> = (1..blocks.len())
        .filter(|&ix| is_function(&blocks[ix]) && !blocks[ix - 1].starts_with('@'))
        .filter(|&ix| blocks[ix].ends_with('\n'))
        .collect();
    let runs = movable.chunk_by(|a, b| a + 1 == *b);
    for run in runs {
        blocks[run[0]..=run[run.len() - 1]].reverse();
    }
    blocks.concat()
}

#[test]
fn the_command_line_refuses_what_makes_no_sense() {
    let project = order();
    for arguments in [
        &["--write-baseline", "a", "--baseline", "b"][..],
        &["--write-baseline", "a", "--diff-base", "HEAD"],
        &["--no-baseline", "--prune-baseline"],
        &["--prune-baseline", "--stdin-filename", "wf.py"],
    ] {
        assert_eq!(
            project.run(&[&["check"], arguments].concat()).status,
            2,
            "{arguments:?}"
        );
    }
}
