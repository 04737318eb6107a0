//! The JSON format is a contract: these names, types and conventions never change.

use serde_json::Value;

use crate::project::Project;

fn document() -> Value {
    let project = Project::new(&[
        ("pkg/__init__.py", ""),
        (
            "pkg/wf.py",
            "from temporalio import workflow\nfrom .h import f\n@workflow.defn\nclass A:\n    @workflow.run\n    async def run(self):\n        _ = '😀'; return f()\n",
        ),
        (
            "pkg/h.py",
            "import time\ndef f():\n    return time.time()\n",
        ),
        (
            "pkg/broken.py",
            "from temporalio import workflow\n@workflow.defn\nclass B(:\n",
        ),
        ("bad.py", ""),
    ]);
    project.write(
        "bad.py",
        b"# \xff\nfrom temporalio import workflow\n@workflow.defn\nclass C: ...\n",
    );
    project.run(&["check", "--output-format", "json"]).json()
}

#[test]
fn the_summary_counts() {
    let document = document();
    assert_eq!(document["schema"], "runbook-lint/1");
    assert_eq!(document["tool"]["name"], "runbook-lint");
    assert!(document["tool"]["version"].is_string());
    let summary = &document["summary"];
    for (name, expected) in [
        ("files", 5),
        ("workflows", 1),
        ("activities", 0),
        ("findings", 1),
        ("suppressed", 0),
        ("errors", 2),
    ] {
        assert_eq!(summary[name], expected, "{name}: {summary}");
    }
    assert!(summary["parsed"].as_u64().is_some_and(|parsed| parsed >= 3));
}

#[test]
fn findings_lead_to_the_culprit() {
    let document = document();
    let finding = &document["findings"][0];
    for (pointer, expected) in [
        ("/code", "RB101"),
        ("/name", "wall-clock"),
        ("/severity", "error"),
        ("/path", "pkg/wf.py"),
        ("/workflow", "pkg.wf.A"),
        ("/entry", "run"),
        ("/culprit", "time.time"),
        ("/trace/0/path", "pkg/h.py"),
        ("/trace/0/function", "pkg.h.f"),
    ] {
        assert_eq!(
            finding.pointer(pointer),
            Some(&Value::from(expected)),
            "{pointer}"
        );
    }
    // Columns count characters, not bytes; ends are exclusive.
    for (pointer, expected) in [
        ("/start/line", 7),
        ("/start/column", 25),
        ("/end/line", 7),
        ("/end/column", 28),
        ("/trace/0/start/line", 3),
        ("/trace/0/start/column", 12),
        ("/trace/0/end/column", 23),
    ] {
        assert_eq!(
            finding.pointer(pointer),
            Some(&Value::from(expected)),
            "{pointer}"
        );
    }
    for text in ["/message", "/help", "/trace/0/message"] {
        assert!(
            finding.pointer(text).is_some_and(Value::is_string),
            "{text}"
        );
    }
    assert!(
        ["replay", "drift", "none", "unknown"]
            .iter()
            .any(|it| finding["impact"] == **it)
    );
    assert_eq!(
        finding.pointer("/fixes/0/edits/0/path"),
        Some(&Value::from("pkg/h.py"))
    );
}

#[test]
fn errors_are_listed_and_hide_nothing() {
    let document = document();
    let errors = document["errors"].as_array().expect("a list");
    let kinds: Vec<(&str, &str, u64)> = errors
        .iter()
        .map(|it| {
            assert!(it["message"].is_string() && it["column"].is_u64());
            let text = |name: &str| it[name].as_str().expect("text");
            (
                text("path"),
                text("kind"),
                it["line"].as_u64().expect("a line"),
            )
        })
        .collect();
    assert_eq!(
        kinds,
        [("bad.py", "encoding", 1), ("pkg/broken.py", "syntax", 3)]
    );
}
