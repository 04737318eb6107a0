//! Findings that one change in one place would settle are one cause.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::project::Project;

const HELPERS: &str = "\
import os
import random
import time
import uuid


def stamp():
    return time.time()


def gather():
    return [time.time(), uuid.uuid4(), random.random(), os.getenv('A'), open('a').read()]


def outer():
    return gather()
";

/// A workflow class of this name that returns what the expression gives.
fn workflow(name: &str, expression: &str) -> String {
    format!(
        "from temporalio import workflow\n\nimport helpers\n\n\n@workflow.defn\nclass {name}:\n    \
         @workflow.run\n    async def run(self):\n        return {expression}\n"
    )
}

fn project(workflows: &[(&str, &str)]) -> Project {
    let project = Project::new(&[("helpers.py", HELPERS)]);
    for (name, expression) in workflows {
        let file = format!("{}.py", name.to_lowercase());
        project.write(&file, workflow(name, expression).as_bytes());
    }
    project
}

fn json(project: &Project) -> Value {
    project.run(&["check", "--output-format=json"]).json()
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value[name].as_array().expect("a list")
}

/// The fingerprints of all results.
fn fingerprints(project: &Project) -> BTreeSet<String> {
    let log = project.run(&["check", "--output-format=sarif"]).json();
    let results = list(&log["runs"][0], "results");
    let of = |it: &Value| {
        let fingerprint = &it["partialFingerprints"]["runbookLintCause/v1"];
        assert!(fingerprint.is_string(), "{it}");
        fingerprint.to_string()
    };
    results.iter().map(of).collect()
}

#[test]
fn workflows_that_reach_one_culprit_have_one_cause() {
    let project = project(&[("A", "helpers.stamp()"), ("B", "helpers.stamp()")]);
    let document = json(&project);
    assert_eq!(document["summary"]["findings"], 2);
    assert_eq!(document["summary"]["causes"], 1);
    let cause = &document["causes"][0];
    assert_eq!(
        (&cause["findings"], &cause["workflows"]),
        (&2.into(), &2.into())
    );
    assert_eq!(cause["through"], Value::Null);
    assert_eq!(cause["culprits"][0]["path"], "helpers.py");
    let text = project.run(&["check"]).stdout;
    assert_eq!(text.matches("error[RB101]").count(), 1, "{text}");
    assert!(
        text.contains("reached from 1 other place (2 workflows in all): b.py:10:16."),
        "{text}"
    );
    assert!(text.contains("2 findings with 1 cause"), "{text}");
    let all = project.run(&["check", "--all-places"]).stdout;
    assert_eq!(all.matches("error[RB101]").count(), 2, "{all}");
}

#[test]
fn culprits_behind_one_function_have_one_cause() {
    let project = project(&[("A", "helpers.outer()"), ("B", "helpers.outer()")]);
    let document = json(&project);
    assert_eq!(document["summary"]["causes"], 1);
    let cause = &document["causes"][0];
    // The last function that all paths go through.
    assert_eq!(cause["through"]["function"], "gather");
    assert_eq!(list(cause, "culprits").len(), 5);
    assert_eq!(cause["findings"], 10);
    let text = project.run(&["check", "--output-format=concise"]).stdout;
    assert!(text.contains("9 more findings through `gather`"), "{text}");
}

#[test]
fn few_culprits_behind_one_function_are_causes_of_their_own() {
    let project = project(&[("A", "helpers.both()")]);
    let both = "\n\ndef both():\n    return stamp(), uuid.uuid4()\n";
    project.write("helpers.py", format!("{HELPERS}{both}").as_bytes());
    let document = json(&project);
    assert_eq!(document["summary"]["causes"], 2);
    assert_eq!(document["causes"][0]["through"], Value::Null);
}

#[test]
fn three_culprits_behind_one_function_are_enough() {
    let project = project(&[("A", "helpers.draw()")]);
    let draw = "\n\ndef draw():\n    return time.time(), uuid.uuid4(), random.random()\n";
    project.write("helpers.py", format!("{HELPERS}{draw}").as_bytes());
    let document = json(&project);
    assert_eq!(document["summary"]["causes"], 1);
    assert_eq!(document["causes"][0]["through"]["function"], "draw");
}

#[test]
fn what_is_done_to_one_variable_is_one_cause() {
    let project = project(&[("A", "helpers.note('a'), helpers.forget('a')")]);
    let shared = "seen = {}\n\n\ndef note(name):\n    seen[name] = True\n\n\ndef forget(name):\n    seen.pop(name)\n";
    project.write("helpers.py", shared.as_bytes());
    let document = json(&project);
    assert_eq!(document["summary"]["findings"], 2);
    assert_eq!(document["summary"]["causes"], 1, "{document}");
    let cause = &document["causes"][0];
    assert_eq!(cause["joined_by"], "subject");
    assert_eq!(cause["subject"]["name"], "seen");
    assert_eq!(cause["subject"]["path"], "helpers.py");
    let text = project.run(&["check"]).stdout;
    assert!(
        text.contains("These 2 culprits are about the same `seen`: 2 findings in 1 workflow."),
        "{text}"
    );
    // Another variable is another thing to change.
    let shared = shared.replace("seen.pop", "known.pop");
    project.write("helpers.py", format!("known = {{}}\n{shared}").as_bytes());
    assert_eq!(json(&project)["summary"]["causes"], 2);
}

#[test]
fn what_one_fix_settles_is_one_cause() {
    let project = project(&[("A", "helpers.load('a')")]);
    let load = "import left\nimport right\n\n\ndef load(name: str) -> str:\n    return left.read(name) + right.read(name)\n";
    let left =
        "def read(name: str) -> str:\n    with open(name) as file:\n        return file.read()\n";
    let right = "import os\n\n\ndef read(name: str) -> str:\n    return os.environ[name]\n";
    project.write("helpers.py", load.as_bytes());
    project.write("left.py", left.as_bytes());
    project.write("right.py", right.as_bytes());
    let document = json(&project);
    assert_eq!(document["summary"]["causes"], 1, "{document}");
    let cause = &document["causes"][0];
    assert_eq!(cause["joined_by"], "fixes");
    assert_eq!(list(cause, "culprits").len(), 2);
    let edits = |it: &Value| it["fixes"][0]["edits"].clone();
    let findings = list(&document, "findings");
    assert!(findings.iter().all(|it| edits(it) == edits(&findings[0])));
}

#[test]
fn culprits_of_one_rule_on_one_line_are_one_cause() {
    let on_one = project(&[("A", "helpers.time.time(), helpers.time.time()")]);
    let document = json(&on_one);
    assert_eq!(document["summary"]["findings"], 2);
    assert_eq!(document["summary"]["causes"], 1);
    assert_eq!(document["causes"][0]["joined_by"], "line");
    let on_two = project(&[(
        "A",
        "helpers.time.time(), \\\n            helpers.time.time()",
    )]);
    let document = json(&on_two);
    assert_eq!(document["summary"]["causes"], 2);
}

#[test]
fn counts_add_up_and_no_line_is_like_another() {
    let workflows = [
        ("A", "helpers.outer()"),
        ("B", "[helpers.gather(), helpers.stamp()]"),
        (
            "C",
            "[helpers.outer() for _ in range(3)], helpers.stamp(), helpers.stamp()",
        ),
    ];
    let project = project(&workflows);
    let document = json(&project);
    let findings = list(&document, "findings");
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for finding in findings {
        *counts
            .entry(finding["cause"].as_str().expect("an id"))
            .or_default() += 1;
    }
    for cause in list(&document, "causes") {
        let id = cause["id"].as_str().expect("an id");
        assert_eq!(counts.remove(id), cause["findings"].as_u64(), "{cause}");
        let culprits = list(cause, "culprits").iter();
        let sum: u64 = culprits.filter_map(|it| it["findings"].as_u64()).sum();
        assert_eq!(Some(sum), cause["findings"].as_u64(), "{cause}");
        let shown = cause["representative"].as_u64().expect("an index") as usize;
        assert_eq!(findings[shown]["cause"], id);
    }
    assert!(counts.is_empty(), "{counts:?}");
    for arguments in [&["--all-places"][..], &[]] {
        let run = project.run(&[&["check", "--output-format=concise"], arguments].concat());
        let lines: Vec<&str> = run.stdout.lines().collect();
        let distinct: BTreeSet<&str> = lines.iter().copied().collect();
        assert_eq!(distinct.len(), lines.len(), "{}", run.stdout);
    }
    let run = project.run(&["check", "--statistics", "--output-format=json"]);
    let sum = |name: &str| -> u64 {
        let statistics = run.json();
        let counts = list(&statistics, "statistics").iter();
        counts.filter_map(|it| it[name].as_u64()).sum()
    };
    assert_eq!(sum("findings") as usize, findings.len());
    assert_eq!(sum("causes") as usize, list(&document, "causes").len());
}

#[test]
fn another_workflow_changes_no_fingerprint() {
    let project = project(&[("B", "helpers.stamp(), helpers.outer()")]);
    let before = fingerprints(&project);
    assert_eq!(before.len(), 2);
    let another = workflow("A", "helpers.outer(), helpers.stamp(), helpers.stamp()");
    project.write("a.py", another.as_bytes());
    let after = fingerprints(&project);
    assert_eq!(before, after);
}

#[test]
fn rules_of_the_contract_have_no_impact() {
    let project = Project::new(&[(
        "wf.py",
        "import time\n\nfrom temporalio import workflow\n\n\n@workflow.defn\nclass A:\n    \
         @workflow.run\n    async def run(self):\n        # noqa: RB101\n        return time.time()\n",
    )]);
    let document = json(&project);
    for finding in list(&document, "findings") {
        let is_determinism = finding["code"]
            .as_str()
            .is_some_and(|it| it.starts_with("RB1"));
        assert_eq!(finding["impact"].is_string(), is_determinism, "{finding}");
    }
    let codes: Vec<&Value> = list(&document, "findings")
        .iter()
        .map(|it| &it["code"])
        .collect();
    assert!(
        codes.contains(&&"RB001".into()) && codes.contains(&&"RB101".into()),
        "{codes:?}"
    );
}
