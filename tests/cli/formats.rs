//! Formats that other programs read: whatever a repository is called, they get what was meant.

use serde_json::Value;

use crate::project::{CLOCK, Project, Run, command};

const MACHINE_FORMATS: [&str; 8] = [
    "json",
    "json-lines",
    "github",
    "gitlab",
    "junit",
    "rdjson",
    "sarif",
    "markdown",
];

/// Names that would mean something in one format or another.
#[cfg(unix)]
const HOSTILE: [&str; 4] = [
    "::error::x.py",
    "a%0A::error file=b,line=1::c\n::error::d.py",
    "q\"'`$(id)`|<script>alert(1)<!-- ]]> &amp; \\.py",
    "[a](http:evil) @me a@b.example #1 *b* ##[error] \u{202e}\u{ffff}.py",
];

#[cfg(unix)]
fn hostile(format: &str) -> Run {
    let project = Project::new(&[]);
    for name in HOSTILE {
        project.write(name, CLOCK.as_bytes());
    }
    project.write(
        "~\n::error::bad\u{1b}.py",
        b"# \xff\nfrom temporalio import workflow\n@workflow.defn\nclass C: ...\n",
    );
    let run = project.run(&["check", "--output-format", format]);
    assert_eq!(run.status, 1, "{}", run.stderr);
    let controls = |it: char| it.is_control() && it != '\n';
    assert!(!run.stdout.contains(controls), "{}", run.stdout);
    run
}

/// The names of the files with findings, in the order of the report.
#[cfg(unix)]
fn sorted_names() -> Vec<String> {
    let mut names = HOSTILE.map(str::to_owned).to_vec();
    names.sort();
    names
}

/// A name as text formats have it.
#[cfg(unix)]
fn shown(name: &str) -> String {
    let name = name.replace('\n', "\\n");
    let name = name.replace('\u{202e}', "\\u{202e}");
    name.replace('\u{ffff}', "\\u{ffff}")
}

#[cfg(unix)]
#[test]
fn hostile_names_stay_text_for_people() {
    for format in ["full", "concise", "grouped"] {
        let run = hostile(format);
        for line in run.stdout.lines() {
            assert!(!line.trim_start().starts_with("::"), "{format}: {line}");
        }
        assert!(run.stdout.contains("::error::x.py"), "{}", run.stdout);
    }
}

#[cfg(unix)]
#[test]
fn hostile_names_are_no_workflow_commands() {
    let run = hostile("github");
    let mut files = Vec::new();
    for line in run.stdout.lines() {
        // As the runner reads a command.
        let (head, data) = line
            .strip_prefix("::error ")
            .and_then(|rest| rest.split_once("::"))
            .unwrap_or_else(|| panic!("{line}"));
        let properties: Vec<(&str, &str)> = head
            .split(',')
            .map(|it| it.split_once('=').unwrap_or_else(|| panic!("{line}")))
            .collect();
        let names: Vec<&str> = properties.iter().map(|(name, _)| *name).collect();
        assert_eq!(
            names,
            ["file", "line", "endLine", "col", "endColumn", "title"]
        );
        let unescape = |text: &str| {
            text.replace("%2C", ",")
                .replace("%3A", ":")
                .replace("%0A", "\n")
                .replace("%25", "%")
        };
        let file = unescape(properties[0].1);
        // A name is exact where it is data, and no command of the old kind where it is text.
        let named = format!("{}:", file.replace("##[", "##\\u{5b}"));
        assert!(unescape(data).starts_with(&named), "{line}");
        files.push(file);
    }
    // One of them cannot be read and comes first.
    assert!(files.remove(0).starts_with("~\\n::error::bad"));
    let expected = sorted_names().into_iter().map(|name| shown(&name));
    assert_eq!(files, expected.collect::<Vec<_>>());
}

#[cfg(unix)]
#[test]
fn hostile_names_are_data_in_json() {
    let paths = |list: &Value, pointer: &str, skip: &str| -> Vec<String> {
        let list = list.as_array().expect("a list").iter();
        let paths = list.map(|it| it.pointer(pointer).and_then(Value::as_str).expect("a path"));
        paths
            .filter(|path| skip.is_empty() || !path.starts_with(skip))
            .map(str::to_owned)
            .collect()
    };
    let expected = sorted_names();
    let json = hostile("json").json();
    assert_eq!(paths(&json["findings"], "/path", ""), expected);
    let gitlab = hostile("gitlab").json();
    assert_eq!(paths(&gitlab, "/location/path", "~"), expected);
    let rdjson = hostile("rdjson").json();
    assert_eq!(
        paths(&rdjson["diagnostics"], "/location/path", "~"),
        expected
    );
    let lines: Vec<Value> = hostile("json-lines")
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let types: Vec<&str> = lines.iter().filter_map(|it| it["type"].as_str()).collect();
    let findings = ["finding"; HOSTILE.len()];
    let causes = ["cause"; HOSTILE.len()];
    assert_eq!(
        types,
        [&["error"][..], &findings, &causes, &["summary"]].concat()
    );
    let findings = Value::Array(lines[1..=HOSTILE.len()].to_vec());
    assert_eq!(paths(&findings, "/path", ""), expected);
    let sarif = hostile("sarif").json();
    let uri = "/locations/0/physicalLocation/artifactLocation/uri";
    for uri in paths(&sarif["runs"][0]["results"], uri, "") {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~/%".contains(c);
        assert!(uri.chars().all(is_plain), "{uri}");
    }
}

#[cfg(unix)]
#[test]
fn hostile_names_are_text_in_xml() {
    let run = hostile("junit");
    let report = quick_junit::Report::deserialize(run.stdout.as_bytes()).expect("XML");
    assert_eq!(report.tests, HOSTILE.len() + 2);
    assert_eq!((report.failures, report.errors), (HOSTILE.len(), 1));
    let names: Vec<&str> = report
        .test_suites
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(names[0], "runbook-lint");
    for name in sorted_names() {
        let name = shown(&name).replace("##[", "##\\u{5b}");
        assert!(names.contains(&name.as_str()), "{name}: {names:?}");
    }
}

#[cfg(unix)]
#[test]
fn hostile_names_are_text_in_markdown() {
    let run = hostile("markdown");
    let text = &run.stdout;
    for markup in [
        "<script", "<!--", "`", "](http:", "@", "*b*", "]]>", "$(", "##[",
    ] {
        assert!(!text.contains(markup), "{markup}: {text}");
    }
    let tags = text.match_indices('<').map(|(at, _)| {
        let rest = &text[at..];
        rest.split_inclusive('>').next().unwrap_or(rest)
    });
    let known = [
        "<code>",
        "</code>",
        "<details>",
        "</details>",
        "<summary>",
        "</summary>",
        "<p>",
        "</p>",
        "<br>",
        "<wbr>",
    ];
    for tag in tags {
        assert!(known.contains(&tag), "{tag}");
    }
    // Each finding is one row of four cells.
    let rows = text.lines().filter(|it| it.starts_with("| error | "));
    let cells: Vec<usize> = rows.map(|it| it.matches('|').count() - 1).collect();
    assert_eq!(cells, [4; HOSTILE.len()]);
}

#[test]
fn a_broken_configuration_is_told_to_every_program() {
    let project = Project::new(&[("wf.py", CLOCK), ("runbook-lint.toml", "\nselct = []\n")]);
    for format in MACHINE_FORMATS {
        let file = format!("out.{format}");
        let output = format!("--output={format}={file}");
        let run = project.run(&["check", &output, "--output=concise"]);
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{format}");
        let text = std::fs::read_to_string(project.path().join(&file)).expect("written");
        assert!(text.contains("selct"), "{format}: {text}");
        assert!(text.contains("runbook-lint"), "{format}: {text}");
    }
}

#[test]
fn annotations_are_relative_to_the_workspace() {
    let project = Project::new(&[("sub/repo/.git/x", ""), ("sub/repo/deep/wf.py", CLOCK)]);
    let annotated = |workspace: &str| {
        let directory = project.path().join("sub/repo/deep");
        let mut command = command(&directory, &["check", "--output=github"]);
        let output = command
            .env("GITHUB_WORKSPACE", project.path().join(workspace))
            .output()
            .expect("runbook-lint runs");
        let text = String::from_utf8(output.stdout).expect("text");
        let (_, rest) = text.split_once("::error file=").expect("an annotation");
        let (file, rest) = rest.split_once(',').expect("properties");
        assert!(rest.contains(&format!("::{file}:7:16: ")), "{text}");
        file.to_owned()
    };
    assert_eq!(annotated(""), "sub/repo/deep/wf.py");
    assert_eq!(annotated("sub/repo"), "deep/wf.py");
    // A workspace elsewhere cannot be meant.
    assert_eq!(annotated("elsewhere"), "deep/wf.py");
}

#[test]
fn code_quality_is_relative_to_the_repository() {
    let project = Project::new(&[("sub/wf.py", CLOCK), ("sub/two.py", CLOCK)]);
    let issues = project
        .run_in("sub", &["check", "--output=gitlab"], b"")
        .json();
    let of = |index: usize, pointer: &str| issues[index].pointer(pointer).cloned();
    assert_eq!(of(0, "/location/path"), Some("sub/two.py".into()));
    assert_eq!(of(1, "/location/path"), Some("sub/wf.py".into()));
    assert_eq!(of(1, "/location/lines/begin"), Some(7.into()));
    assert_eq!(of(1, "/severity"), Some("critical".into()));
    assert_ne!(of(0, "/fingerprint"), of(1, "/fingerprint"));
}

#[test]
fn a_clean_project_gives_reports_that_say_so() {
    let project = Project::new(&[(
        "wf.py",
        "from temporalio import workflow\n@workflow.defn\nclass A:\n    @workflow.run\n    async def run(self): ...\n",
    )]);
    let text = |format: &str| {
        let run = project.run(&["check", "--output", format]);
        assert_eq!(run.status, 0, "{format}: {}", run.stderr);
        run.stdout
    };
    assert_eq!(text("github"), "");
    assert_eq!(text("gitlab").trim(), "[]");
    assert!(
        text("junit")
            .contains("<testsuites name=\"runbook-lint\" tests=\"1\" skipped=\"0\" failures=\"0\"")
    );
    assert!(text("markdown").contains("checked 1 workflow in 1 file: no findings"));
    assert_eq!(text("json-lines").lines().count(), 1);
    for format in ["grouped", "concise", "full"] {
        assert!(text(format).starts_with("checked 1 workflow in 1 file: no findings"));
    }
}

/// All formats, as the program itself lists them: a new one is held to the same promise.
fn all_formats() -> Vec<String> {
    let run = Project::new(&[]).run(&["check", "--output=nosuch"]);
    let (_, listed) = run.stderr.split_once("write one of ").expect("a list");
    let listed = listed.lines().next().unwrap_or_default();
    listed.split(", ").map(|it| it.trim().to_owned()).collect()
}

#[test]
fn silence_never_looks_like_clean() {
    let formats = all_formats();
    assert!(
        formats.len() > 10 && formats.contains(&"html".to_owned()),
        "{formats:?}"
    );
    let quiet = CLOCK.replace("return time.time()", "return time.time()  # noqa: RB101");
    let project = Project::new(&[("known.py", CLOCK), ("quiet.py", &quiet)]);
    project.run(&["check", "--write-baseline=known.json"]);
    let unread = b"# \xff\nfrom temporalio import workflow\n@workflow.defn\nclass C: ...\n";
    project.write("unread.py", unread);
    let empty = Project::new(&[("nothing.py", "x = 1\n")]);
    for format in &formats {
        let format = format!("--output-format={format}");
        let run = project.run(&["check", &format, "--baseline=known.json"]);
        assert_eq!(run.status, 1, "{format}");
        let shown = &run.stdout;
        assert!(shown.contains("unread.py"), "{format}: {shown}");
        let said = run.stdout + &run.stderr;
        for what in [
            "1 suppressed",
            "1 in the baseline",
            "1 file not read in full",
        ] {
            assert!(
                said.contains(what),
                "{format} does not say {what:?}: {said}"
            );
        }
        let run = empty.run(&["check", &format]);
        let said = run.stdout + &run.stderr;
        assert!(said.contains("no workflow was found"), "{format}: {said}");
        assert!(said.contains("checked 0 workflows"), "{format}: {said}");
    }
}
