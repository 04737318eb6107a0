//! What a session goes through, in the right order and in any other.

use serde_json::{Value, json};

use super::diagnostics::{PROJECT, WORKFLOW};
use super::editor::{Editor, able, codes};
use crate::server::snapshot::Snapshot;

#[test]
fn nothing_is_answered_before_initialize_or_after_shutdown() {
    let mut editor = Editor::uninitialized(&PROJECT, Snapshot::take);
    editor.capabilities = able("utf-8");
    editor.open_saved("workflow.py");
    assert_eq!(editor.refused("textDocument/hover", json!({})), -32002);
    assert_eq!(editor.refused("initialize", json!(["nonsense"])), -32602);
    editor.initialize(&[""]);
    assert_eq!(
        editor.refused("initialize", json!({ "capabilities": {} })),
        -32600
    );
    let id = editor.begin("shutdown", Value::Null);
    editor.finish(&id);
    assert_eq!(editor.refused("textDocument/hover", json!({})), -32600);
    // Dropping the editor asks once more for the shutdown, which is refused, and exits.
}

#[test]
fn what_is_not_known_or_wrong_is_refused_and_the_session_lives() {
    let mut editor = Editor::new(&PROJECT, able("utf-8"));
    assert_eq!(editor.refused("textDocument/unheardOf", json!({})), -32601);
    assert_eq!(
        editor.refused("textDocument/diagnostic", json!({ "a": 1 })),
        -32602
    );
    assert_eq!(
        editor.refused("textDocument/diagnostic", Value::Null),
        -32602
    );
    editor.tell("$/unheardOf", json!({}));
    editor.tell("textDocument/didChange", json!({ "contentChanges": 7 }));
    let logged = editor.hear("window/logMessage")["message"].clone();
    assert!(
        logged
            .as_str()
            .expect("a text")
            .starts_with("textDocument/didChange"),
        "{logged}"
    );
    // Documents that are not open, and some that are twice.
    editor.change("helpers.py", 7, "");
    editor.close("helpers.py");
    editor.open_saved("workflow.py");
    editor.open_saved("workflow.py");
    let wild = json!([{ "range": { "start": { "line": 9999, "character": 3 }, "end": { "line": 0, "character": 99999 } }, "text": "" }]);
    editor.edit("workflow.py", 2, wild);
    assert_eq!(codes(&editor.pull("workflow.py")), ["RB101"]);
}

#[test]
fn documents_that_are_no_files_are_left_alone() {
    let mut editor = Editor::new(&PROJECT, able("utf-8"));
    for uri in [
        "untitled:Untitled-1",
        "git:/a.py?{}",
        "file://server/a.py",
        "nonsense",
        "file:///%",
    ] {
        let document =
            json!({ "uri": uri, "languageId": "python", "version": 1, "text": WORKFLOW });
        editor.tell("textDocument/didOpen", json!({ "textDocument": document }));
        let params = json!({ "textDocument": { "uri": uri } });
        assert_eq!(
            editor.ask("textDocument/diagnostic", params)["items"],
            json!([]),
            "{uri}"
        );
        let change = json!({ "uri": uri, "version": 2 });
        editor.tell(
            "textDocument/didChange",
            json!({ "textDocument": change, "contentChanges": [{ "text": "" }] }),
        );
        editor.tell(
            "textDocument/didClose",
            json!({ "textDocument": { "uri": uri } }),
        );
    }
}

#[test]
fn a_file_outside_every_folder_is_checked_alone() {
    let files = [
        ("inside/a.py", ""),
        ("outside/workflow.py", WORKFLOW),
        ("outside/helpers.py", PROJECT[1].1),
    ];
    let mut editor = Editor::uninitialized(&files, Snapshot::take);
    editor.capabilities = able("utf-8");
    editor.initialize(&["inside"]);
    editor.open(
        "outside/workflow.py",
        &WORKFLOW.replace("stamp()", "str(workflow.time.time())"),
    );
    assert_eq!(editor.pull("outside/workflow.py"), json!([]));
    editor.open_saved("outside/helpers.py");
    editor.change("outside/workflow.py", 2, WORKFLOW);
    assert_eq!(
        codes(&editor.pull("outside/workflow.py")),
        ["RB101"],
        "both are open"
    );
    editor.close("outside/helpers.py");
    assert_eq!(editor.pull("outside/workflow.py"), json!([]));
}

#[test]
fn a_root_that_is_deleted_has_no_findings() {
    let mut editor = Editor::new(
        &[("p/workflow.py", WORKFLOW), ("p/helpers.py", PROJECT[1].1)],
        able("utf-8"),
    );
    editor.open_saved("p/workflow.py");
    assert_eq!(codes(&editor.pull("p/workflow.py")), ["RB101"]);
    std::fs::remove_dir_all(editor.path("p")).expect("it is there");
    let events =
        ["p/workflow.py", "p/helpers.py"].map(|it| json!({ "uri": editor.uri(it), "type": 3 }));
    editor.tell(
        "workspace/didChangeWatchedFiles",
        json!({ "changes": events }),
    );
    assert_eq!(editor.pull("p/workflow.py"), json!([]));
    editor.close("p/workflow.py");
    let all = editor.ask("workspace/diagnostic", json!({ "previousResultIds": [] }));
    assert_eq!(all, json!({ "items": [] }));
}

#[test]
fn a_panic_in_the_analysis_is_told_and_the_session_lives() {
    let mut editor = Editor::uninitialized(&PROJECT, |task| {
        let snapshot = Snapshot::take(task)?;
        let is_meant = |text: &str| text.contains("# panic, please");
        let file = snapshot.file("workflow.py").expect("it is there");
        if snapshot.source(file).is_some_and(|it| is_meant(&it.text)) {
            panic!("as you wish");
        }
        Some(snapshot)
    });
    editor.capabilities = able("utf-8");
    editor.initialize(&[""]);
    editor.open_saved("workflow.py");
    assert_eq!(codes(&editor.pull("workflow.py")), ["RB101"]);
    editor.change("workflow.py", 2, &format!("{WORKFLOW}# panic, please\n"));
    assert_eq!(
        codes(&editor.pull("workflow.py")),
        ["RB101"],
        "what was found before"
    );
    let said = editor.hear("window/showMessage")["message"].clone();
    let said = said.as_str().expect("a text");
    assert!(
        said.contains("as you wish") && said.contains("report it"),
        "{said}"
    );
    editor.change("workflow.py", 3, &WORKFLOW.replace("stamp()", "''"));
    assert_eq!(editor.pull("workflow.py"), json!([]));
}

#[test]
fn a_document_may_be_enormous() {
    let mut editor = Editor::new(&PROJECT, able("utf-16"));
    let mut text = "# é\n".repeat(500_000);
    text.push_str(WORKFLOW);
    editor.open("workflow.py", &text);
    let items = editor.pull("workflow.py");
    assert_eq!(codes(&items), ["RB101"]);
    assert_eq!(items[0]["range"]["start"]["line"], 500_009);
    editor.open("helpers.py", &"x".repeat(70 << 20));
    let items = editor.pull("helpers.py");
    assert_eq!(codes(&items), ["encoding"], "it is too large, and says so");
}

#[test]
fn a_client_that_never_answers_is_served() {
    let mut editor = Editor::new(&PROJECT, able("utf-8"));
    editor.open_saved("workflow.py");
    editor.open_saved("helpers.py");
    for version in 2..20 {
        editor.change(
            "helpers.py",
            version,
            if version % 2 == 0 { "" } else { PROJECT[1].1 },
        );
        editor.pull("helpers.py");
    }
    assert_eq!(codes(&editor.pull("workflow.py")), ["RB101"]);
}

#[test]
fn an_analysis_that_nobody_waits_for_ends_without_a_result() {
    use crate::server::snapshot::Task;
    // Asks itself whether an edit is waiting, in place of the session.
    let analyse = |task: &Task<'_>| {
        let always: lint_core::project::Interrupt = std::sync::Arc::new(|| true);
        let interrupted = Task {
            is_interrupted: &always,
            ..*task
        };
        assert!(Snapshot::take(&interrupted).is_none());
        Snapshot::take(task)
    };
    let mut editor = Editor::uninitialized(&PROJECT, analyse);
    editor.capabilities = able("utf-8");
    editor.initialize(&[""]);
    editor.open_saved("workflow.py");
    assert_eq!(codes(&editor.pull("workflow.py")), ["RB101"]);
}
