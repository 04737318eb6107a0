//! What is checked, what is reported, and how a run ends.

use crate::project::{CLOCK, Project, command};

const CALLS_HELPER: &str = "\
from temporalio import workflow
from . import helper
@workflow.defn
class Order:
    @workflow.run
    async def run(self):
        return helper.stamp()
";
const HELPER: &str = "import time\ndef stamp():\n    return time.time()\n";

fn package() -> Project {
    Project::new(&[
        ("pkg/__init__.py", ""),
        ("pkg/wf.py", CALLS_HELPER),
        ("pkg/helper.py", HELPER),
        ("pkg/other.py", CLOCK),
    ])
}

#[test]
fn the_exit_status_tells_findings_from_failure() {
    let project = Project::new(&[("wf.py", CLOCK)]);
    assert_eq!(project.run(&["check"]).status, 1);
    assert_eq!(project.run(&["check", "--exit-zero"]).status, 0);
    assert_eq!(project.run(&["check", "--ignore", "wall-clock"]).status, 0);
    assert_eq!(
        project
            .run(&["check", "--config", "severity.RB101='info'"])
            .status,
        0
    );
    assert_eq!(project.run(&["check", "missing"]).status, 2);
    assert_eq!(project.run(&["check", "--no-such-option"]).status, 2);
}

#[test]
fn given_paths_choose_what_is_reported_and_never_what_is_known() {
    let project = package();
    let both = ["pkg/other.py:7 RB101", "pkg/wf.py:7 RB101"];
    assert_eq!(project.findings(&[]), both);
    // The helper has no workflow, but a workflow elsewhere breaks through it.
    assert_eq!(project.findings(&["pkg/helper.py"]), ["pkg/wf.py:7 RB101"]);
    assert_eq!(
        project.findings(&["pkg/other.py"]),
        ["pkg/other.py:7 RB101"]
    );
    assert_eq!(project.findings(&["pkg/helper.py", "pkg/other.py"]), both);
    assert_eq!(project.findings(&["--isolated", "."]), both);
}

#[test]
fn paths_are_relative_to_the_working_directory() {
    let project = package();
    let arguments = ["check", "--output-format", "json", "helper.py"];
    let run = project.run_in("pkg", &arguments, b"");
    assert_eq!(run.findings(), ["wf.py:7 RB101"]);
    project.write("elsewhere/x.txt", b"");
    let run = project.run_in(
        "elsewhere",
        &["check", "--output-format", "concise", "../pkg"],
        b"",
    );
    assert!(
        run.stdout
            .starts_with("../pkg/other.py:7:16: error[RB101] "),
        "{}",
        run.stdout
    );
}

#[test]
fn no_workflow_is_a_visible_warning() {
    let project = Project::new(&[("a.py", "x = 1\n")]);
    let run = project.run(&["check"]);
    assert_eq!(run.status, 0);
    assert!(
        run.stdout
            .contains("checked 0 workflows in 1 file: no findings"),
        "{}",
        run.stdout
    );
    assert!(
        run.stderr.contains("warning: no workflow was found"),
        "{}",
        run.stderr
    );
    let empty = Project::new(&[("a.txt", "")]);
    assert!(empty.run(&["check"]).stderr.contains("hold no file"));
}

#[test]
fn excluded_files_are_skipped_unless_given() {
    let project = Project::new(&[
        ("wf.py", CLOCK),
        (".venv/lib/wf.py", CLOCK),
        ("my-env/pyvenv.cfg", ""),
        ("my-env/wf.py", CLOCK),
        ("dist/wf.py", CLOCK),
        ("build/__init__.py", ""),
        ("build/wf.py", CLOCK),
        (".gitignore", "ignored/\n"),
        ("ignored/wf.py", CLOCK),
        ("gen/x_pb2.py", CLOCK),
        ("runbook-lint.toml", "extend-exclude = ['*_pb2.py']\n"),
    ]);
    assert_eq!(
        project.findings(&[]),
        ["build/wf.py:7 RB101", "wf.py:7 RB101"]
    );
    assert_eq!(
        project.findings(&["gen/x_pb2.py"]),
        ["gen/x_pb2.py:7 RB101"]
    );
    assert_eq!(project.findings(&["dist"]), ["dist/wf.py:7 RB101"]);
    assert_eq!(
        project.findings(&["--force-exclude", "gen/x_pb2.py", "dist"]),
        [""; 0]
    );
    let shown = project.run(&["check", "--show-files"]);
    assert_eq!(shown.stdout, "build/__init__.py\nbuild/wf.py\nwf.py\n");
}

#[test]
fn the_files_of_a_bundle_are_known() {
    let project = Project::new(&[
        ("b/runbook.md", "# Bundle\n"),
        ("b/wf.py", CLOCK),
        ("b/templates/deep/x.j2", ""),
        ("b/migrations/001.sql", ""),
        ("b/notes/x.txt", ""),
        ("templates/x.j2", ""),
    ]);
    let shown = project.run(&["check", "--show-files"]);
    assert_eq!(
        shown.stdout,
        "b/migrations/001.sql\nb/runbook.md\nb/templates/deep/x.j2\nb/wf.py\n"
    );
}

#[test]
fn standard_input_overlays_one_file() {
    let project = package();
    let arguments = [
        "check",
        "--output-format",
        "json",
        "--stdin-filename",
        "pkg/helper.py",
    ];
    let fixed = project.run_in("", &arguments, b"def stamp():\n    return 1\n");
    assert_eq!(fixed.findings(), [""; 0]);
    let moved = project.run_in(
        "",
        &arguments,
        b"import time\n\n\ndef stamp():\n    return time.time()\n",
    );
    assert_eq!(moved.json()["findings"][0]["trace"][0]["start"]["line"], 5);
    let unsaved = [
        "check",
        "--output-format",
        "json",
        "--stdin-filename",
        "pkg/new.py",
    ];
    let run = project.run_in("", &unsaved, CLOCK.as_bytes());
    assert_eq!(run.findings(), ["pkg/new.py:7 RB101"]);
}

#[test]
fn the_directory_of_an_unsaved_file_may_be_missing() {
    let project = Project::new(&[]);
    let arguments = ["check", "--output-format", "json", "--stdin-filename"];
    let run = project.run_in(
        "",
        &[&arguments[..], &["pkg/new.py"]].concat(),
        CLOCK.as_bytes(),
    );
    assert_eq!(run.findings(), ["pkg/new.py:7 RB101"]);
    assert_eq!(run.json()["errors"].as_array().map(Vec::len), Some(0));
}

#[test]
fn reports_can_go_to_a_file() {
    let project = Project::new(&[("wf.py", CLOCK)]);
    let run = project.run(&[
        "check",
        "--output-format",
        "concise",
        "--output-file",
        "out.txt",
    ]);
    assert_eq!((run.status, run.stdout.as_str()), (1, ""));
    assert!(
        run.stderr
            .contains("checked 1 workflow in 1 file: 1 finding"),
        "{}",
        run.stderr
    );
    let written = std::fs::read_to_string(project.path().join("out.txt")).expect("written");
    assert!(written.starts_with("wf.py:7:16: error[RB101]"), "{written}");
}

#[test]
fn one_run_writes_several_reports() {
    let project = Project::new(&[("wf.py", CLOCK)]);
    let run = project.run(&[
        "check",
        "--output=json=a=b.json",
        "--output=sarif=out.sarif",
        "--output=concise=-",
    ]);
    assert_eq!(run.status, 1);
    assert!(run.stdout.starts_with("wf.py:7:16: error[RB101]"));
    assert_eq!(run.stderr, "");
    let read = |name: &str| {
        let text = std::fs::read_to_string(project.path().join(name)).expect("written");
        serde_json::from_str::<serde_json::Value>(&text).expect("JSON")
    };
    assert_eq!(read("a=b.json")["findings"][0]["code"], "RB101");
    assert_eq!(
        read("out.sarif")["runs"][0]["results"][0]["ruleId"],
        "RB101"
    );
    // When all of them go to files, people still get to know the outcome.
    let run = project.run(&[
        "check",
        "--output",
        "concise=out.txt",
        "--output=json=out.json",
    ]);
    assert_eq!((run.status, run.stdout.as_str()), (1, ""));
    assert!(
        run.stderr
            .starts_with("checked 1 workflow in 1 file: 1 finding")
    );
}

#[test]
fn outputs_that_cannot_be_are_refused() {
    let project = Project::new(&[("wf.py", CLOCK)]);
    for (arguments, message) in [
        (
            &["--output=json", "--output=sarif=-"][..],
            "to the standard output",
        ),
        (&["--output=json=x", "--output=sarif=./x"], "to `./x`"),
        (
            &["--output=srif=x"],
            "there is no format `srif`; write one of full, ",
        ),
        (&["--output=json="], "there is no file after the `=`"),
        (
            &["--output=json=x", "--output-format=sarif"],
            "cannot be used with",
        ),
        (&["--output=json=x", "-o", "y"], "cannot be used with"),
        (&["--output=json=x", "--show-files"], "cannot be used with"),
        (&["--exit-zero", "--fail-on=error"], "cannot be used with"),
    ] {
        let run = project.run(&[&["check"], arguments].concat());
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(
            run.stderr.contains(message),
            "{arguments:?}: {}",
            run.stderr
        );
        assert!(!project.path().join("x").exists());
    }
}

#[test]
fn a_report_that_cannot_be_written_keeps_no_other_back() {
    let project = Project::new(&[("wf.py", CLOCK), ("kept.json", "{}"), ("directory/x", "")]);
    let run = project.run(&[
        "check",
        "--output=sarif=missing/out.sarif",
        "--output=json=directory",
        "--output=json=kept.json",
        "--output=concise",
    ]);
    assert_eq!(run.status, 2);
    assert!(
        run.stderr.contains("cannot write `missing/out.sarif`"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("cannot write `directory`"),
        "{}",
        run.stderr
    );
    assert!(run.stdout.starts_with("wf.py:7:16: error[RB101]"));
    let written = std::fs::read_to_string(project.path().join("kept.json")).expect("written");
    assert!(written.contains("RB101"));
    // Neither is a temporary file left behind.
    let mut names: Vec<String> = std::fs::read_dir(project.path())
        .expect("readable")
        .map(|it| {
            it.expect("readable")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    assert_eq!(names, [".git", "directory", "kept.json", "wf.py"]);
}

#[cfg(unix)]
#[test]
fn report_files_keep_their_permissions_and_links() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let project = Project::new(&[("wf.py", CLOCK), ("shared.json", "{}")]);
    let path = |name: &str| project.path().join(name);
    let mode = |name: &str| {
        let metadata = std::fs::metadata(path(name)).expect("written");
        metadata.permissions().mode() & 0o777
    };
    std::fs::set_permissions(path("shared.json"), PermissionsExt::from_mode(0o640)).expect("ours");
    symlink("shared.json", path("link.json")).expect("link");
    project.run(&[
        "check",
        "--output=json=link.json",
        "--output=concise=new.txt",
    ]);
    assert!(path("link.json").is_symlink());
    assert_eq!(mode("shared.json"), 0o640);
    // Others may read what the process creates, as far as its umask lets them.
    assert_eq!(mode("new.txt"), mode("wf.py"));
    let run = project.run(&["check", "--output=json=/dev/null"]);
    assert_eq!(run.status, 1);
    assert!(!std::fs::metadata("/dev/null").expect("a device").is_file());
}

#[test]
fn the_least_severity_that_fails_can_be_chosen() {
    let project = Project::new(&[("wf.py", CLOCK)]);
    for (severity, fails_on) in [
        ("error", &["error", "warning", "info"][..]),
        ("warning", &["warning", "info"]),
        ("info", &["info"]),
    ] {
        for least in ["error", "warning", "info", "never"] {
            let config = format!("severity.RB101='{severity}'");
            let run = project.run(&["check", "--config", &config, "--fail-on", least]);
            let expected = i32::from(fails_on.contains(&least));
            assert_eq!(run.status, expected, "{severity} {least}");
        }
    }
}

#[test]
fn machine_formats_write_nothing_else_to_the_standard_output() {
    let project = Project::new(&[("wf.py", CLOCK)]);
    for format in ["json", "sarif"] {
        let run = project.run(&["check", "--color", "always", "--output-format", format]);
        run.json();
        assert!(run.stderr.contains("checked 1 workflow"), "{}", run.stderr);
    }
}

#[test]
fn colours_are_used_when_asked_for() {
    let project = Project::new(&[("wf.py", CLOCK)]);
    for format in ["full", "concise"] {
        let plain = project.run(&["check", "--output-format", format]).stdout;
        let colored = project
            .run(&["check", "--output-format", format, "--color", "always"])
            .stdout;
        assert!(
            !plain.contains('\x1b') && colored.contains("\x1b["),
            "{format}"
        );
    }
}

#[test]
fn folders_that_are_not_there_are_said() {
    let project = Project::new(&[
        ("runbook-lint.toml", "src = [\"nosuch\", \"lib\"]\n"),
        ("wf.py", CLOCK),
        ("lib/a.py", ""),
    ]);
    let run = project.run(&["check"]);
    assert!(run.stderr.contains("names `nosuch`"), "{}", run.stderr);
    assert!(!run.stderr.contains("`lib`"), "{}", run.stderr);
    let quiet = project.run(&["check", "-q"]);
    assert_eq!((quiet.status, quiet.stderr.as_str()), (1, ""));
    let verbose = project.run(&["check", "-v"]);
    assert!(
        verbose.stderr.contains("files parsed; analysis"),
        "{}",
        verbose.stderr
    );
}

#[test]
fn a_rule_is_explained_in_any_case() {
    let project = Project::new(&[]);
    for arguments in [["rule", "rb101"], ["explain", "RB101"]] {
        let run = project.run(&arguments);
        assert_eq!(run.status, 0, "{}", run.stderr);
        assert!(run.stdout.contains("wall-clock"), "{}", run.stdout);
    }
}

#[test]
fn a_syntax_error_shows_its_line() {
    let broken = "from temporalio import workflow\n@workflow.defn\nclass B(:\n    pass\n";
    let project = Project::new(&[("broken.py", broken)]);
    let run = project.run(&["check"]);
    assert!(run.stdout.contains("broken.py:3:"), "{}", run.stdout);
    assert!(run.stdout.contains("3 │ class B(:"), "{}", run.stdout);
}

#[test]
fn severities_and_statistics() {
    let project = Project::new(&[("wf.py", CLOCK), ("b.py", CLOCK)]);
    assert_eq!(project.findings(&["--severity", "error"]).len(), 2);
    let quiet = [
        "--severity",
        "error",
        "--config",
        "severity.wall-clock='warning'",
    ];
    assert_eq!(project.findings(&quiet), [""; 0]);
    let run = project.run(&["check", "--statistics", "--output-format", "concise"]);
    assert!(
        run.stdout.contains("     2  RB101 wall-clock\n"),
        "{}",
        run.stdout
    );
    let json = project
        .run(&["check", "--statistics", "--output-format", "json"])
        .json();
    assert_eq!(json["statistics"][0]["findings"], 2);
}

#[test]
fn comments_suppress_findings_and_are_counted() {
    let project = Project::new(&[
        (
            "wf.py",
            &CLOCK.replace("time.time()", "time.time()  # noqa: RB101"),
        ),
        (
            "b.py",
            "x = 1  # runbook-lint: ignore[RB101] nothing here\n",
        ),
    ]);
    let run = project.run(&["check", "--output-format", "json"]);
    assert_eq!(run.findings(), ["b.py:1 RB001"]);
    assert_eq!(run.json()["summary"]["suppressed"], 1);
}

#[test]
fn the_result_does_not_depend_on_threads() {
    let project = package();
    for number in 0..50 {
        project.write(&format!("pkg/m{number}.py"), CLOCK.as_bytes());
    }
    let run = |threads| {
        project
            .run(&["check", "--output-format", "json", "--threads", threads])
            .stdout
    };
    assert_eq!(run("1"), run("8"));
}

#[test]
fn rules_are_explained() {
    let project = Project::new(&[]);
    let list = project.run(&["rule"]).stdout;
    assert!(list.contains("RB101  wall-clock"), "{list}");
    let by_name = project.run(&["rule", "wall-clock"]).stdout;
    assert!(by_name.starts_with("# wall-clock (RB101)\n"), "{by_name}");
    assert_eq!(by_name, project.run(&["rule", "RB101"]).stdout);
    let one = project
        .run(&["rule", "RB101", "--output-format", "json"])
        .json();
    assert_eq!(one["name"], "wall-clock");
    let all = project
        .run(&["rule", "--all", "--output-format", "json"])
        .json();
    assert!(all.as_array().is_some_and(|all| all.contains(&one)));
    let of_handlers = project.run(&["rule", "rb60"]).stdout;
    assert!(
        of_handlers.contains("RB601") && !of_handlers.contains("RB101"),
        "{of_handlers}"
    );
    let unknown = project.run(&["rule", "wal-clock"]);
    assert_eq!(unknown.status, 2);
    assert!(
        unknown.stderr.contains("did you mean `wall-clock`?"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn installed_packages_are_followed_on_request() {
    let project = Project::new(&[
        (
            "wf.py",
            "from temporalio import workflow\nfrom lib.deep import stamp\n@workflow.defn\nclass A:\n    @workflow.run\n    async def run(self):\n        return stamp()\n",
        ),
        (".venv/pyvenv.cfg", ""),
        (".venv/lib/python3.13/site-packages/lib/__init__.py", ""),
        (
            ".venv/lib/python3.13/site-packages/lib/deep.py",
            "import time\ndef stamp():\n    return time.time()\n",
        ),
    ]);
    assert_eq!(project.findings(&[]), [""; 0]);
    assert_eq!(project.findings(&["--follow-installed"]), ["wf.py:7 RB101"]);
    let shown = project.run(&["check", "--follow-installed", "--show-files"]);
    assert_eq!(shown.stdout, "wf.py\n");
    let run = project.run(&["check", "--follow-installed"]);
    let summary = "checked 1 workflow in 1 file and 1 of installed packages: 1 finding";
    assert!(run.stdout.contains(summary), "{}", run.stdout);
}

#[cfg(unix)]
#[test]
fn installed_packages_may_be_links_into_a_cache() {
    let cache = Project::new(&[(
        "clocks.py",
        "import time\ndef now():\n    return time.time()\n",
    )]);
    let project = Project::new(&[
        (
            "wf.py",
            &CLOCK
                .replace("import time\n", "import clocks as time\n")
                .replace(".time()", ".now()"),
        ),
        (".venv/lib/python3.12/site-packages/other.py", ""),
    ]);
    let installed = project
        .path()
        .join(".venv/lib/python3.12/site-packages/clocks.py");
    std::os::unix::fs::symlink(cache.path().join("clocks.py"), installed).expect("link");
    assert_eq!(project.findings(&["--follow-installed"]), ["wf.py:7 RB101"]);
}

#[test]
fn the_environment_decides_over_colours() {
    let project = Project::new(&[("wf.py", CLOCK)]);
    let output = |variable: &str, color: &str| {
        let arguments = ["check", "--color", color];
        let mut command = command(project.path(), &arguments);
        let output = command
            .env(variable, "1")
            .output()
            .expect("runbook-lint runs");
        output.stdout.contains(&0x1b)
    };
    assert!(output("CLICOLOR_FORCE", "auto"));
    assert!(!output("CLICOLOR_FORCE", "never"));
    assert!(!output("NO_COLOR", "auto"));
    assert!(output("NO_COLOR", "always"));
}

#[test]
fn a_check_of_nothing_says_so_in_every_format_that_can() {
    let project = Project::new(&[("a.py", "x = 1\n")]);
    for (format, expected) in [
        (
            "json",
            "\"warnings\": [\n    \"no workflow was found, so nothing was checked; ",
        ),
        (
            "json-lines",
            "\"warnings\":[\"no workflow was found, so nothing was checked; ",
        ),
        (
            "github",
            "::warning title=runbook-lint::no workflow was found, so nothing was checked; ",
        ),
        (
            "markdown",
            "\nWarning: no workflow was found, so nothing was checked; ",
        ),
        (
            "junit",
            "warning: no workflow was found, so nothing was checked; ",
        ),
        (
            "sarif",
            "\"level\":\"warning\",\"message\":{\"text\":\"no workflow was found, so nothing was checked; ",
        ),
    ] {
        let run = project.run(&["check", "--output-format", format]);
        assert_eq!(run.status, 0);
        assert!(run.stdout.contains(expected), "{format}: {}", run.stdout);
        assert!(
            run.stderr.contains("warning: no workflow was found"),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn the_name_of_the_standard_input_has_to_be_one_that_is_checked() {
    let project = Project::new(&[
        ("wf.py", CLOCK),
        ("gen/x.py", CLOCK),
        (
            "runbook-lint.toml",
            "extend-exclude = ['gen', 'unsaved.py']\n",
        ),
    ]);
    let run = |arguments: &[&str]| {
        let arguments = [
            &["check", "--output-format", "json", "--stdin-filename"],
            arguments,
        ]
        .concat();
        project.run_in("", &arguments, CLOCK.as_bytes())
    };
    for arguments in [
        &["-"][..],
        &["new.txt"],
        &["gen/x.py", "--force-exclude"],
        &["unsaved.py", "--force-exclude"],
    ] {
        let run = run(arguments);
        let warning = format!("`{}` is no file that is checked", arguments[0]);
        assert_eq!((run.status, run.findings()), (0, vec![]), "{}", run.stderr);
        assert_eq!(run.json()["warnings"], serde_json::json!([warning]));
        assert!(
            run.stderr.starts_with(&format!("warning: {warning}\n")),
            "{}",
            run.stderr
        );
    }
    assert_eq!(run(&["gen/x.py"]).findings(), ["gen/x.py:7 RB101"]);
    assert_eq!(
        run(&["other.py", "--force-exclude"]).findings(),
        ["other.py:7 RB101"]
    );

    let run = project.run(&["check", "-"]);
    assert_eq!(run.status, 2);
    assert!(
        run.stderr.contains("name its file with `--stdin-filename`"),
        "{}",
        run.stderr
    );
}

#[test]
fn an_unsaved_file_far_away_is_checked_by_itself() {
    let project = Project::new(&[("wf.py", CLOCK)]);
    let far = tempfile::tempdir().expect("a temporary directory");
    let file = far.path().join("missing/new.py");
    let arguments = [
        "check",
        "--output-format",
        "json",
        "--stdin-filename",
        file.to_str().expect("UTF-8"),
    ];
    let run = project.run_in("", &arguments, CLOCK.as_bytes());
    assert_eq!(run.json()["summary"]["files"], 1);
    assert_eq!(run.json()["errors"], serde_json::json!([]));
    assert_eq!((run.status, run.findings().len()), (1, 1));
}

#[test]
fn a_named_file_is_parsed_even_if_no_workflow_needs_it() {
    let project = Project::new(&[
        ("wf.py", CLOCK),
        ("syn.py", "def (:\n"),
        ("unused.py", "x = 1\n"),
    ]);
    let run = project.run(&["check", "syn.py"]);
    assert_eq!(run.status, 1);
    assert!(run.stdout.contains("error[syntax]"), "{}", run.stdout);
    assert!(
        run.stdout.contains("1 file not read in full"),
        "{}",
        run.stdout
    );
    assert_eq!(project.run(&["check", "syn.py", "--exit-zero"]).status, 0);
    assert_eq!(project.run(&["check", "unused.py"]).status, 0);
    let all = project.run(&["check", "--output-format", "json"]);
    assert_eq!(all.json()["errors"], serde_json::json!([]));
}

#[test]
fn a_dash_is_the_standard_output() {
    let project = Project::new(&[("wf.py", CLOCK)]);
    let run = project.run(&["check", "--output-format", "concise", "-o", "-"]);
    assert!(
        run.stdout.starts_with("wf.py:7:16: error[RB101]"),
        "{}",
        run.stdout
    );
    assert_eq!(run.stderr, "");
    assert_eq!(
        project.run(&["graph", "-o", "-"]).stdout,
        project.run(&["graph"]).stdout
    );
    let listed = project.run(&["check", "--show-files", "-o", "-"]);
    assert_eq!(listed.stdout, "wf.py\n");
    let run = project.run(&["check", "--write-baseline", "-"]);
    assert_eq!(run.status, 2);
    assert!(
        run.stderr.contains("a baseline is kept in a file"),
        "{}",
        run.stderr
    );
    assert!(!project.path().join("-").exists());
}

#[test]
fn a_list_of_files_takes_no_format() {
    let project = Project::new(&[("wf.py", CLOCK)]);
    for arguments in [&["--output-format", "json"][..], &["--statistics"]] {
        let run = project.run(&[&["check", "--show-files"], arguments].concat());
        assert_eq!(run.status, 2);
        assert!(run.stderr.contains("cannot be used with"), "{}", run.stderr);
    }
}

#[test]
fn what_is_put_around_workflows_counts_as_checked() {
    let interceptor = "import time\n\nfrom temporalio import worker, workflow\n\n\nclass Inbound(worker.WorkflowInboundInterceptor):\n    \
        async def execute_workflow(self, input):\n        time.time()\n        return await super().execute_workflow(input)\n";
    for (text, status) in [
        (interceptor.to_owned(), 1),
        (interceptor.replace("time.time()", "workflow.now()"), 0),
    ] {
        let project = Project::new(&[("around.py", &text)]);
        let run = project.run(&["check"]);
        assert_eq!(run.status, status, "{}", run.stdout);
        assert!(
            run.stderr.contains(
                "no workflow was found, so only what workers put around workflows was checked"
            ),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn a_default_factory_that_the_sandbox_refuses_at_load_is_said() {
    let workflow = |import: &str| {
        format!(
            "from temporalio import workflow\n\n{import}\n\n@workflow.defn\nclass Made:\n    \
             @workflow.run\n    async def run(self, text: str) -> str:\n        return str(Answer())\n"
        )
    };
    let model = |base: &str, field: &str| {
        format!(
            "import dataclasses\nimport random\nfrom datetime import datetime\nfrom functools import partial\n\
             from typing import Annotated, Any\n\nfrom pydantic import BaseModel, Field\n\n\n\
             {base}:\n    made: {field}\n"
        )
    };
    let says_it = |import: &str, base: &str, field: &str| {
        let (workflow, model) = (workflow(import), model(base, field));
        let project = Project::new(&[("wf.py", workflow.as_str()), ("models.py", model.as_str())]);
        let run = project.run(&["check", "--output-format", "full"]);
        assert!(run.stdout.contains("error[RB10"), "{field}: {}", run.stdout);
        run.stdout.contains("no worker loads the module")
    };
    let (plain, pydantic) = ("from models import Answer", "class Answer(BaseModel)");
    for field in [
        "datetime = Field(default_factory=datetime.utcnow)",
        "Any = Field(default_factory=partial(datetime.now, None))",
        "float = Field(default_factory=random.random)",
        "Annotated[datetime, Field(default_factory=datetime.now)]",
    ] {
        assert!(says_it(plain, pydantic, field), "{field}");
    }
    let refused = "datetime = Field(default_factory=datetime.utcnow)";
    let passed = "with workflow.unsafe.imports_passed_through():\n    from models import Answer";
    assert!(!says_it(passed, pydantic, refused));
    let lambda = "datetime = Field(default_factory=lambda: datetime.utcnow())";
    assert!(!says_it(plain, pydantic, lambda));
    let standard = "datetime = dataclasses.field(default_factory=datetime.utcnow)";
    assert!(!says_it(
        plain,
        "@dataclasses.dataclass\nclass Answer",
        standard
    ));
}
