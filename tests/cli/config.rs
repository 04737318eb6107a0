//! Configuration files and what is said about mistakes in them.

use crate::project::{CLOCK, Project};

fn with_config(file: &str, text: &str) -> Project {
    Project::new(&[("wf.py", CLOCK), ("pkg/wf.py", CLOCK), (file, text)])
}

#[test]
fn both_kinds_of_files_are_read() {
    let pyproject = with_config(
        "pyproject.toml",
        "[tool.runbook-lint]\nignore = ['RB101']\n",
    );
    assert_eq!(pyproject.findings(&[]), [""; 0]);
    assert_eq!(pyproject.findings(&["--isolated"]).len(), 2);
    let own = with_config("runbook-lint.toml", "select = ['RB102']\n");
    assert_eq!(own.findings(&[]), [""; 0]);
    assert_eq!(own.findings(&["--select", "wall-clock"]).len(), 2);
    assert_eq!(own.findings(&["--extend-select", "RB1"]).len(), 2);
}

#[test]
fn the_project_is_found_from_any_directory() {
    let project = with_config("runbook-lint.toml", "ignore = ['RB101']\n");
    project.write("pkg/pyproject.toml", b"[project]\nname = 'x'\n");
    let run = project.run_in("pkg", &["check", "--output-format", "json"], b"");
    assert_eq!(run.findings(), [""; 0]);
}

#[test]
fn per_file_ignores_and_entry_points_and_catalogue() {
    let ignored = with_config(
        "runbook-lint.toml",
        "[per-file-ignores]\n'pkg/*' = ['RB1']\n",
    );
    assert_eq!(ignored.findings(&[]), ["wf.py:7 RB101"]);
    let foreign = Project::new(&[
        (
            "wf.py",
            "import acme\n@acme.flow\nclass A:\n    @acme.main\n    def go(self):\n        return acme.ids.make(), acme.pure()\n",
        ),
        (
            "runbook-lint.toml",
            "[entry-points.decorators]\n'acme.flow' = 'workflow'\n'acme.main' = 'run'\n[catalogue]\n'acme.ids.*' = 'random-uuid'\n'acme.pure' = 'safe'\n",
        ),
    ]);
    assert_eq!(foreign.findings(&[]), ["wf.py:6 RB103"]);
}

#[test]
fn mistakes_are_located_and_explained() {
    for (text, expected) in [
        (
            "selct = []\n",
            "runbook-lint.toml:1: unknown setting `selct`; did you mean `select`?",
        ),
        (
            "\nselect = ['RB11']\nignore = ['wal-clock']\n",
            "runbook-lint.toml:3: unknown rule `wal-clock`; did you mean `wall-clock`?",
        ),
        (
            "[severity]\nwall-clock = 'eror'\n",
            "runbook-lint.toml:2: unknown value `eror`; did you mean `error`?",
        ),
        (
            "[severity]\n\nclock-wall = 'error'\n",
            "runbook-lint.toml:3: unknown rule `clock-wall`",
        ),
        (
            "[catalogue]\n'a.b' = 'wallclock'\n",
            "runbook-lint.toml:2: `a.b` cannot be `wallclock`; did you mean `wall-clock`?",
        ),
        (
            "[entry-points]\ndecorator = {}\n",
            "runbook-lint.toml:2: unknown setting `decorator`; did you mean `decorators`?",
        ),
        (
            "exclude = ['a[']\n",
            "runbook-lint.toml:1: `a[` is not a valid glob",
        ),
        ("select = 'RB101'\n", "runbook-lint.toml:1: invalid type"),
        ("select = [\n", "runbook-lint.toml:"),
    ] {
        let run = with_config("runbook-lint.toml", text).run(&["check"]);
        assert_eq!(run.status, 2, "{text}");
        assert!(run.stderr.starts_with("error: "), "{}", run.stderr);
        assert!(run.stderr.contains(expected), "{text}: {}", run.stderr);
    }
}

#[test]
fn a_broken_table_in_pyproject_is_reported_and_other_tables_are_not_ours() {
    let ours = with_config(
        "pyproject.toml",
        "[tool.x]\ny = 1\n[tool.runbook-lint]\nselct = []\n",
    );
    let run = ours.run(&["check", "--output-format", "json"]);
    assert_eq!(run.status, 2);
    let error = &run.json()["errors"][0];
    assert_eq!(error["kind"], "config");
    assert_eq!(error["path"], "pyproject.toml");
    assert_eq!(error["line"], 4);
    let theirs = with_config("pyproject.toml", "this is no toml\n");
    assert_eq!(theirs.run(&["check"]).status, 1);
}

#[test]
fn two_configurations_of_one_project_are_an_error() {
    let project = with_config("runbook-lint.toml", "ignore = ['RB101']\n");
    project.write("pyproject.toml", b"[project]\nname = 'x'\n");
    assert_eq!(project.findings(&[]), [""; 0]);
    project.write("pyproject.toml", b"[tool.runbook-lint]\n");
    let run = project.run(&["check"]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("keep one of them"), "{}", run.stderr);
    assert_eq!(project.run(&["check", "--isolated"]).status, 1);
}

#[test]
fn settings_on_the_command_line() {
    let project = with_config("other.toml", "ignore = ['RB101']\n");
    assert_eq!(project.findings(&["--config", "other.toml"]), [""; 0]);
    assert_eq!(
        project.findings(&["--config", "ignore = ['RB101']"]),
        [""; 0]
    );
    let run = project.run(&["check", "--config", "severity.wall-clok='off'"]);
    assert_eq!(run.status, 2);
    assert!(
        run.stderr.contains("did you mean `wall-clock`?"),
        "{}",
        run.stderr
    );
    let run = project.run(&["check", "--isolated", "--config", "other.toml"]);
    assert_eq!(run.status, 2);
}

#[test]
fn origins_are_shown() {
    let project = with_config(
        "pyproject.toml",
        "[tool.runbook-lint]\nignore = ['RB102']\n\n[tool.runbook-lint.severity]\nwall-clock = 'warning'\n",
    );
    let shown = project.run(&["config", "--select", "RB1"]).stdout;
    for line in [
        "select = [\"RB1\"]  # command line\n",
        "ignore = [\"RB102\"]  # pyproject.toml:2\n",
        "severity.wall-clock = \"warning\"  # pyproject.toml:5\n",
        "follow-installed = false  # default\n",
    ] {
        assert!(shown.contains(line), "{line}{shown}");
    }
}

#[test]
fn the_schema_is_fresh() {
    let printed = Project::new(&[]).run(&["config", "--schema"]).stdout;
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/schema/runbook-lint.schema.json"
    );
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(path, &printed).expect("write");
    }
    let stored = std::fs::read_to_string(path).expect("the schema is checked in");
    assert!(
        printed == stored,
        "the schema is stale; run `cargo run -- config --schema > schema/runbook-lint.schema.json`"
    );
}

#[test]
fn the_schema_accepts_what_the_program_accepts() {
    let schema = Project::new(&[]).run(&["config", "--schema"]).json();
    let validator = jsonschema::validator_for(&schema).expect("a valid schema");
    let valid = serde_json::json!({
        "select": ["RB1"],
        "per-file-ignores": {"tests/*": ["ALL"]},
        "severity": {"wall-clock": "off"},
        "entry-points": {"decorators": {"a.b": "run"}, "bases": ["a.C"]},
        "catalogue": {"a.b": "safe"},
        "follow-installed": true,
    });
    assert!(validator.is_valid(&valid));
    assert!(!validator.is_valid(&serde_json::json!({"selct": []})));
    assert!(!validator.is_valid(&serde_json::json!({"severity": {"RB101": "loud"}})));
}

#[test]
fn paths_that_do_not_exist_have_no_configuration() {
    let project = Project::new(&[]);
    for command in ["check", "graph", "config"] {
        let run = project.run(&[command, "missing"]);
        assert_eq!(run.status, 2);
        assert!(
            run.stderr.contains("`missing` does not exist"),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn a_setting_may_lose_its_quotes_to_the_shell() {
    let project = Project::new(&[("wf.py", CLOCK)]);
    let run = project.run(&["check", "--config", "severity.wall-clock=info"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(run.stdout.contains("info[RB101]"), "{}", run.stdout);
    let run = project.run(&["check", "--config", "severity.wall-clock=fatal"]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("`fatal`"), "{}", run.stderr);
    let run = project.run(&["check", "--config", "follow-installed=true"]);
    assert_eq!(run.status, 1, "{}", run.stderr);
}

#[test]
fn mistakes_are_told_in_the_words_of_the_file() {
    let project = Project::new(&[("wf.py", CLOCK)]);
    for (text, message) in [
        ("src = {}", "invalid type: table, expected a list"),
        ("src = 1", "invalid type: integer `1`, expected a list"),
        ("severity = []", "expected table"),
    ] {
        let run = project.run(&["check", "--config", text]);
        assert_eq!(run.status, 2);
        assert!(run.stderr.starts_with("error: "), "{}", run.stderr);
        assert!(run.stderr.contains(message), "{}", run.stderr);
    }
    for (text, message) in [
        ("", "the file ends too early"),
        ("[]", "expected object"),
        ("1", "expected object"),
        (
            r#"{"version": 1, "files": {"a": [{"rule": "RB101", "count": 0}]}}"#,
            "expected a number above 0",
        ),
        (r#"{"version": 1, "files": {"a": {}}}"#, "expected a list"),
    ] {
        project.write("bl.json", text.as_bytes());
        let run = project.run(&["check", "--baseline=bl.json"]);
        assert_eq!(run.status, 2);
        assert!(run.stderr.contains(message), "{text}: {}", run.stderr);
    }
}

#[test]
fn of_a_repeated_option_the_last_one_counts() {
    let project = Project::new(&[("wf.py", CLOCK)]);
    let run = project.run(&[
        "check",
        "--fail-on=error",
        "--fail-on=never",
        "--statistics",
    ]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let several = [
        "--config=follow-installed=true",
        "--config=severity.RB101='info'",
    ];
    let run = project.run(&[&["config"][..], &several].concat());
    assert!(
        run.stdout.contains("follow-installed = true"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("info"), "{}", run.stdout);
    let run = project.run(&["check", "--sarif-category=x"]);
    assert!(
        run.stderr.contains("needs a SARIF report"),
        "{}",
        run.stderr
    );
}
