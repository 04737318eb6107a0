//! SARIF against its schema and against what code scanning needs.

use serde_json::Value;

use crate::project::{CLOCK, Project};

const SCHEMA: &str = include_str!("../data/sarif-schema-2.1.0.json");

fn project() -> Project {
    let project = Project::new(&[
        ("sub/häuser 1/wf.py", include_str!("../data/traced.py")),
        (
            "sub/broken.py",
            "from temporalio import workflow\n@workflow.defn\nclass B(:\n",
        ),
    ]);
    project.write(
        "sub/bad.py",
        b"# \xff\nfrom temporalio import workflow\n@workflow.defn\nclass C: ...\n",
    );
    project
}

fn sarif(project: &Project, directory: &str) -> Value {
    project
        .run_in(directory, &["check", "--output-format", "sarif"], b"")
        .json()
}

#[test]
fn the_log_is_valid() {
    let schema = serde_json::from_str(SCHEMA).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a valid schema");
    let log = sarif(&project(), "");
    let errors: Vec<String> = validator
        .iter_errors(&log)
        .map(|it| format!("{}: {it}", it.instance_path()))
        .collect();
    assert_eq!(errors, [""; 0]);
    assert!(!validator.is_valid(&serde_json::json!({"version": "2.0.0", "runs": []})));
}

#[test]
fn code_scanning_finds_what_it_needs() {
    let project = project();
    let log = sarif(&project, "");
    let run = &log["runs"][0];
    assert_eq!(log["version"], "2.1.0");
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    assert_eq!(run["automationDetails"]["id"], "runbook-lint/");
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
    let notifications = run["invocations"][0]["toolExecutionNotifications"].as_array();
    assert_eq!(notifications.map(Vec::len), Some(2));
    let result = &run["results"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    let index = result["ruleIndex"].as_u64().expect("an index") as usize;
    assert_eq!(rules[index]["id"], result["ruleId"]);
    for rule in rules {
        for text in [
            "/shortDescription/text",
            "/fullDescription/text",
            "/help/markdown",
            "/help/text",
        ] {
            let text = rule
                .pointer(text)
                .and_then(Value::as_str)
                .unwrap_or_default();
            assert!(!text.is_empty(), "{rule}");
        }
        assert!(
            rule["fullDescription"]["text"]
                .as_str()
                .is_some_and(|it| it.chars().count() <= 1024)
        );
        assert!(rule["properties"].get("security-severity").is_none());
    }
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(
        place["artifactLocation"]["uri"],
        "sub/h%C3%A4user%201/wf.py"
    );
    assert_eq!(place["artifactLocation"]["uriBaseId"], "%SRCROOT%");
    assert_eq!(place["region"]["startColumn"], 21);
    // Paths do not depend on where the program runs.
    assert_eq!(sarif(&project, "sub")["runs"][0]["results"][0], *result);
}

#[test]
fn traces_are_code_flows_and_linked() {
    let log = sarif(&project(), "");
    let result = &log["runs"][0]["results"][0];
    let steps = result["codeFlows"][0]["threadFlows"][0]["locations"]
        .as_array()
        .expect("steps");
    assert!(steps.len() > 1);
    assert!(
        steps
            .iter()
            .all(|it| it["location"]["message"]["text"].is_string())
    );
    let related = result["relatedLocations"]
        .as_array()
        .expect("related locations");
    assert_eq!(related.len(), steps.len() - 1);
    let text = result["message"]["text"].as_str().expect("text");
    for location in related {
        assert!(text.contains(&format!("]({})", location["id"])), "{text}");
    }
}

#[test]
fn suppressed_findings_are_results_only_if_asked_for() {
    let project = Project::new(&[(
        "wf.py",
        &CLOCK.replace(
            "return",
            "now = time.time()  # noqa: RB101\n        return now -",
        ),
    )]);
    let results = |arguments: &[&str]| {
        let run = project.run(&[&["check", "--output=sarif"], arguments].concat());
        run.json()["runs"][0]["results"]
            .as_array()
            .expect("a list")
            .clone()
    };
    assert_eq!(results(&[]).len(), 1);
    let both = results(&["--include-suppressed"]);
    assert_eq!(both.len(), 2);
    assert_eq!(both[0].get("suppressions"), None);
    assert_eq!(both[1]["suppressions"][0]["kind"], "inSource");
    let run = project.run(&["check", "--include-suppressed"]);
    assert_eq!(run.status, 2);
    assert!(
        run.stderr.contains("needs a SARIF report"),
        "{}",
        run.stderr
    );
}

#[test]
fn the_category_tells_analyses_apart() {
    let project = project();
    let id = |arguments: &[&str]| {
        let run = project.run(&[&["check", "--output=sarif"], arguments].concat());
        (run.status == 1).then(|| run.json()["runs"][0]["automationDetails"]["id"].clone())
    };
    assert_eq!(id(&[]), Some("runbook-lint/".into()));
    assert_eq!(id(&["--sarif-category=a/b"]), Some("a/b/".into()));
    assert_eq!(id(&["--sarif-category="]), None);
}

#[test]
fn fingerprints_survive_shifted_lines_and_differ_from_each_other() {
    let fingerprint = |log: &Value, index: usize| {
        log["runs"][0]["results"][index]["partialFingerprints"]["runbookLintCause/v1"].clone()
    };
    let project = project();
    let before = sarif(&project, "");
    assert!(fingerprint(&before, 0).is_string());
    assert_ne!(fingerprint(&before, 0), fingerprint(&before, 1));
    let shifted = format!("# a comment\n\n{}", include_str!("../data/traced.py"));
    project.write("sub/häuser 1/wf.py", shifted.as_bytes());
    let after = sarif(&project, "");
    assert_eq!(fingerprint(&before, 0), fingerprint(&after, 0));
    assert_eq!(fingerprint(&before, 1), fingerprint(&after, 1));
}

#[test]
fn equal_findings_have_fingerprints_of_their_own() {
    let source = |lines: &[&str]| {
        let head = CLOCK.replace("        return time.time()\n", "");
        let lines = lines.iter().map(|it| format!("        {it}\n"));
        format!("{head}{}", lines.collect::<String>())
    };
    let project = Project::new(&[]);
    let fingerprints = |lines: &[&str]| {
        project.write("wf.py", source(lines).as_bytes());
        let log = sarif(&project, "");
        let results = log["runs"][0]["results"].as_array().expect("a list").iter();
        results
            .map(|it| it["partialFingerprints"]["runbookLintCause/v1"].to_string())
            .collect::<Vec<_>>()
    };
    let both = fingerprints(&["a = time.time()", "b = time.time()", "return a - b"]);
    assert_eq!(both.len(), 2);
    assert_ne!(both[0], both[1]);
    // Which of them is first does not matter, nor how they are written.
    let swapped = fingerprints(&["b = time.time()", "", "a = time.time(", ")", "return a - b"]);
    assert_eq!(swapped, both);
}
