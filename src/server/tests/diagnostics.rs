//! What is shown, of which text, and when.

use serde_json::{Value, json};

use super::editor::{Editor, able, codes, plain, text_at};

/// A workflow that reads a clock through a helper, with characters that no encoding counts alike.
pub(super) const WORKFLOW: &str = "\
from temporalio import workflow

from helpers import stamp


@workflow.defn
class Billing:
    @workflow.run
    async def run(self) -> str:
        return '😀é' + stamp()
";
pub(super) const HELPERS: &str = "\
import time


def stamp() -> str:
    return '😀é' + str(time.time())
";
pub(super) const PROJECT: [(&str, &str); 2] = [("workflow.py", WORKFLOW), ("helpers.py", HELPERS)];
const HARMLESS: &str = "def stamp() -> str:\n    return 'now'\n";

#[test]
fn a_finding_has_its_place_code_link_and_path_in_every_encoding() {
    for encoding in ["utf-8", "utf-16", "utf-32"] {
        let mut editor = Editor::new(&PROJECT, able(encoding));
        editor.open_saved("workflow.py");
        let items = editor.pull("workflow.py");
        let [finding] = &items.as_array().expect("a list")[..] else {
            panic!("{items}");
        };
        assert_eq!(finding["code"], "RB101");
        assert_eq!(finding["source"], "runbook-lint");
        assert_eq!(finding["severity"], 1, "{finding}");
        let link = finding["codeDescription"]["href"].as_str().expect("a link");
        assert!(link.ends_with("/rules/rb101-wall-clock.html"), "{link}");
        let place = &finding["range"];
        assert_eq!(text_at(WORKFLOW, place, encoding), "stamp()", "{encoding}");
        let steps = finding["relatedInformation"].as_array().expect("a path");
        let culprit = &steps.last().expect("a culprit")["location"];
        assert_eq!(culprit["uri"], editor.uri("helpers.py"));
        assert_eq!(text_at(HELPERS, &culprit["range"], encoding), "time.time()");
    }
}

#[test]
fn the_encoding_is_the_clients_choice() {
    for (offered, chosen) in [
        (json!(["utf-16", "utf-8"]), "utf-8"),
        (json!(["utf-16", "utf-32"]), "utf-32"),
        (json!(["utf-16"]), "utf-16"),
        (Value::Null, "utf-16"),
    ] {
        let mut editor = Editor::uninitialized(&[], |_| None);
        editor.capabilities = json!({ "general": { "positionEncodings": offered } });
        let result = editor.initialize(&[""]);
        assert_eq!(result["capabilities"]["positionEncoding"], chosen);
    }
}

#[test]
fn edits_count_in_the_units_of_the_encoding() {
    for encoding in ["utf-8", "utf-16", "utf-32"] {
        let mut editor = Editor::new(&PROJECT, able(encoding));
        editor.open_saved("helpers.py");
        editor.open_saved("workflow.py");
        // `'😀é' + str(time.time())` becomes `'😀é' + 'é'`, in two edits of one batch.
        let at = |text: &str| match encoding {
            "utf-8" => text.len(),
            "utf-16" => text.encode_utf16().count(),
            _ => text.chars().count(),
        };
        let prefix = at("    return '😀é' + ");
        let changes = json!([
            { "range": { "start": { "line": 4, "character": prefix }, "end": { "line": 4, "character": 999 } }, "text": "é" },
            { "range": { "start": { "line": 4, "character": prefix }, "end": { "line": 4, "character": prefix + at("é") } }, "text": "'é'" },
        ]);
        editor.edit("helpers.py", 2, changes);
        assert_eq!(editor.pull("workflow.py"), json!([]), "{encoding}");
    }
}

#[test]
fn an_unsaved_helper_changes_the_workflow_and_the_other_way_round() {
    let mut editor = Editor::new(&PROJECT, able("utf-8"));
    editor.open_saved("workflow.py");
    editor.open_saved("helpers.py");
    let in_helper = editor.pull("helpers.py");
    assert_eq!(codes(&in_helper), ["RB101"]);
    assert_eq!(in_helper[0]["severity"], 3, "it is the workflow's finding");
    let message = in_helper[0]["message"].as_str().expect("a message");
    assert!(
        message.starts_with("reached from workflow `Billing`"),
        "{message}"
    );
    let back = &in_helper[0]["relatedInformation"][0]["location"]["uri"];
    assert_eq!(*back, editor.uri("workflow.py"));

    editor.change("helpers.py", 2, HARMLESS);
    assert_eq!(editor.pull("workflow.py"), json!([]));
    editor.change("helpers.py", 3, HELPERS);
    assert_eq!(codes(&editor.pull("workflow.py")), ["RB101"]);
    let unreached = WORKFLOW.replace("stamp()", "''");
    editor.change("workflow.py", 2, &unreached);
    assert_eq!(editor.pull("helpers.py"), json!([]));
}

#[test]
fn a_closed_document_is_what_is_on_disk() {
    let mut editor = Editor::new(&PROJECT, able("utf-8"));
    editor.open_saved("workflow.py");
    editor.open("helpers.py", HARMLESS);
    assert_eq!(editor.pull("workflow.py"), json!([]));
    editor.close("helpers.py");
    assert_eq!(codes(&editor.pull("workflow.py")), ["RB101"]);
}

#[test]
fn a_document_that_is_on_no_disk_is_part_of_the_project() {
    let mut editor = Editor::new(&[("workflow.py", WORKFLOW)], able("utf-8"));
    editor.open_saved("workflow.py");
    assert_eq!(editor.pull("workflow.py"), json!([]));
    editor.open("helpers.py", HELPERS);
    assert_eq!(codes(&editor.pull("workflow.py")), ["RB101"]);
    editor.close("helpers.py");
    assert_eq!(editor.pull("workflow.py"), json!([]));
}

#[test]
fn whoever_does_not_pull_is_sent_versioned_diagnostics() {
    let mut editor = Editor::new(&PROJECT, plain());
    editor.open_saved("workflow.py");
    assert_eq!(codes(&editor.published("workflow.py", 1)), ["RB101"]);
    editor.open_saved("helpers.py");
    assert_eq!(codes(&editor.published("helpers.py", 1)), ["RB101"]);
    editor.change("helpers.py", 2, HARMLESS);
    assert_eq!(editor.published("helpers.py", 2), json!([]));
    editor.change("workflow.py", 2, WORKFLOW);
    assert_eq!(
        editor.published("workflow.py", 2),
        json!([]),
        "the same text, a new version"
    );
    editor.change("helpers.py", 3, HELPERS);
    editor.published("helpers.py", 3);
    editor.change("workflow.py", 3, WORKFLOW);
    assert_eq!(codes(&editor.published("workflow.py", 3)), ["RB101"]);
    editor.close("workflow.py");
    editor.published.remove("workflow.py");
    loop {
        editor.next();
        if let Some((version, items)) = editor.published.get("workflow.py") {
            assert_eq!((version, items), (&Value::Null, &json!([])));
            break;
        }
    }
}

#[test]
fn whoever_pulls_is_sent_nothing() {
    let mut editor = Editor::new(&PROJECT, able("utf-8"));
    editor.open_saved("workflow.py");
    editor.open_saved("helpers.py");
    editor.pull("workflow.py");
    editor.change("helpers.py", 2, HARMLESS);
    editor.pull("helpers.py");
    editor.hear("workspace/diagnostic/refresh");
    assert!(editor.published.is_empty(), "{:?}", editor.published);
}

#[test]
fn whoever_pulls_but_cannot_be_told_to_pull_again_is_sent_everything() {
    let mut capabilities = able("utf-8");
    capabilities["workspace"]["diagnostics"] = Value::Null;
    let mut editor = Editor::new(&PROJECT, capabilities);
    editor.open_saved("workflow.py");
    editor.open("helpers.py", HARMLESS);
    assert_eq!(editor.published("helpers.py", 1), json!([]));
    editor.change("helpers.py", 2, HELPERS);
    editor.published("helpers.py", 2);
    while codes(&editor.published("workflow.py", 1)).is_empty() {
        editor.next();
    }
}

#[test]
fn a_client_without_places_gets_the_path_in_the_message() {
    let mut editor = Editor::new(&PROJECT, json!({}));
    editor.open_saved("workflow.py");
    let items = editor.published("workflow.py", 1);
    assert!(items[0]["relatedInformation"].is_null());
    assert!(items[0]["codeDescription"].is_null());
    let message = items[0]["message"].as_str().expect("a message");
    assert!(message.contains("(helpers.py:5)"), "{message}");
}

#[test]
fn results_are_unchanged_only_while_their_dependencies_are() {
    let mut editor = Editor::new(&PROJECT, able("utf-8"));
    editor.open_saved("workflow.py");
    editor.open_saved("helpers.py");
    let pull = |editor: &mut Editor, previous: &Value| {
        let params = json!({
            "textDocument": editor.document("workflow.py"), "previousResultId": previous,
        });
        editor.ask("textDocument/diagnostic", params)
    };
    let first = pull(&mut editor, &Value::Null);
    assert_eq!(first["kind"], "full");
    let again = pull(&mut editor, &first["resultId"]);
    assert_eq!(
        again,
        json!({ "kind": "unchanged", "resultId": first["resultId"] })
    );
    // The culprit moves down a line: the findings are the same, the place in the helper is not.
    editor.change("helpers.py", 2, &format!("\n{HELPERS}"));
    let moved = pull(&mut editor, &first["resultId"]);
    assert_eq!(moved["kind"], "full", "{moved}");
    editor.close("workflow.py");
    editor.open_saved("workflow.py");
    let reopened = pull(&mut editor, &moved["resultId"]);
    assert_eq!(
        reopened["kind"], "full",
        "the client has forgotten what it had"
    );
}

#[test]
fn the_whole_project_can_be_pulled_and_waits_for_news() {
    let mut editor = Editor::new(&PROJECT, able("utf-8"));
    let params = json!({ "previousResultIds": [], "partialResultToken": "t" });
    let report = editor.ask("workspace/diagnostic", params);
    assert_eq!(report, json!({ "items": [] }), "it came in parts before");
    let mut parts = Vec::new();
    for heard in std::mem::take(&mut editor.heard) {
        if heard["params"]["token"] == "t" {
            parts.extend(
                heard["params"]["value"]["items"]
                    .as_array()
                    .expect("items")
                    .clone(),
            );
        }
    }
    assert_eq!(parts.len(), 2, "the workflow and its helper: {parts:?}");
    let previous: Vec<Value> = parts
        .iter()
        .map(|it| json!({ "uri": it["uri"], "value": it["resultId"] }))
        .collect();
    let waiting = editor.begin(
        "workspace/diagnostic",
        json!({ "previousResultIds": previous }),
    );
    editor.open("helpers.py", HARMLESS);
    let response = editor
        .finish(&waiting)
        .response_result
        .expect("it is answered");
    let items = response["items"].as_array().expect("items");
    assert_eq!(items.len(), 2);
    assert!(items.iter().all(|it| it["items"] == json!([])), "{items:?}");
}

#[test]
fn a_waiting_request_can_be_cancelled() {
    let mut editor = Editor::new(&[("a.py", "")], able("utf-8"));
    let uri = editor.uri("a.py");
    let value = "0:".to_owned();
    let previous = json!([{ "uri": uri, "value": value }]);
    let first = editor.ask(
        "workspace/diagnostic",
        json!({ "previousResultIds": previous }),
    );
    let value = first["items"][0]["resultId"].clone();
    let previous = json!([{ "uri": uri, "value": value }]);
    let id = editor.begin(
        "workspace/diagnostic",
        json!({ "previousResultIds": previous }),
    );
    editor.tell("$/cancelRequest", json!({ "id": 3 }));
    let error = editor
        .finish(&id)
        .response_result
        .expect_err("it is cancelled");
    assert_eq!(error.code, -32800);
}

#[test]
fn severities_and_ignored_files_are_those_of_the_configuration() {
    let config = ("runbook-lint.toml", "[severity]\nwall-clock = \"info\"\n");
    let mut editor = Editor::new(&[PROJECT[0], PROJECT[1], config], able("utf-8"));
    editor.open_saved("workflow.py");
    assert_eq!(editor.pull("workflow.py")[0]["severity"], 3);
    editor.write("runbook-lint.toml", "ignore = [\"RB101\"]\n");
    let event = json!({ "uri": editor.uri("runbook-lint.toml"), "type": 2 });
    editor.tell(
        "workspace/didChangeWatchedFiles",
        json!({ "changes": [event] }),
    );
    assert_eq!(editor.pull("workflow.py"), json!([]));
}

#[test]
fn a_broken_configuration_keeps_the_last_good_one_and_says_so() {
    let config = ("runbook-lint.toml", "ignore = [\"RB101\"]\n");
    let mut editor = Editor::new(&[PROJECT[0], PROJECT[1], config], able("utf-8"));
    editor.open_saved("workflow.py");
    assert_eq!(editor.pull("workflow.py"), json!([]));
    editor.write("runbook-lint.toml", "ingore = []\n");
    let event = json!({ "uri": editor.uri("runbook-lint.toml"), "type": 2 });
    editor.tell(
        "workspace/didChangeWatchedFiles",
        json!({ "changes": [event] }),
    );
    assert_eq!(editor.pull("workflow.py"), json!([]));
    let said = editor.hear("window/showMessage")["message"].clone();
    let said = said.as_str().expect("a message");
    assert!(
        said.contains("runbook-lint.toml:1") && said.contains("`ignore`"),
        "{said}"
    );
}

#[test]
fn a_baseline_holds_back_what_it_lists() {
    let config = ("runbook-lint.toml", "baseline = \"known.json\"\n");
    let baseline = r#"{"version": 1, "findings": []}"#;
    let files = [PROJECT[0], PROJECT[1], config, ("known.json", baseline)];
    let mut editor = Editor::new(&files, able("utf-8"));
    editor.open_saved("workflow.py");
    assert_eq!(codes(&editor.pull("workflow.py")), ["RB101"]);
}

#[test]
fn a_baseline_that_cannot_be_read_is_told() {
    let config = ("runbook-lint.toml", "baseline = \"missing.json\"\n");
    let mut editor = Editor::new(&[PROJECT[0], PROJECT[1], config], able("utf-8"));
    editor.open_saved("workflow.py");
    assert_eq!(codes(&editor.pull("workflow.py")), ["RB101"]);
    let said = editor.hear("window/showMessage")["message"].clone();
    assert!(
        said.as_str().expect("a text").contains("missing.json"),
        "{said}"
    );
}

#[test]
fn each_folder_has_its_own_configuration() {
    let files = [
        ("a/workflow.py", WORKFLOW),
        ("a/helpers.py", HELPERS),
        (
            "a/runbook-lint.toml",
            "[severity]\nwall-clock = \"warning\"\n",
        ),
        ("b/workflow.py", WORKFLOW),
        ("b/helpers.py", HARMLESS),
        ("b/inner/workflow.py", WORKFLOW),
        ("b/inner/helpers.py", HELPERS),
        (
            "b/inner/runbook-lint.toml",
            "[severity]\nwall-clock = \"info\"\n",
        ),
    ];
    let mut editor = Editor::uninitialized(&files, crate::server::snapshot::Snapshot::take);
    editor.capabilities = able("utf-8");
    editor.initialize(&["a", "b"]);
    for file in ["a/workflow.py", "b/workflow.py", "b/inner/workflow.py"] {
        editor.open_saved(file);
    }
    assert_eq!(editor.pull("a/workflow.py")[0]["severity"], 2);
    assert_eq!(editor.pull("b/workflow.py"), json!([]));
    assert_eq!(editor.pull("b/inner/workflow.py")[0]["severity"], 3);
    let gone = json!([{ "uri": editor.uri("a"), "name": "a" }]);
    let event = json!({ "event": { "added": [], "removed": gone } });
    editor.tell("workspace/didChangeWorkspaceFolders", event);
    assert_eq!(
        editor.pull("a/workflow.py"),
        json!([]),
        "alone it has no helper"
    );
}

#[test]
fn files_that_come_and_go_on_disk_count() {
    let mut editor = Editor::new(&[("workflow.py", WORKFLOW)], able("utf-8"));
    editor.open_saved("workflow.py");
    assert_eq!(editor.pull("workflow.py"), json!([]));
    let watched = |editor: &mut Editor, kind: i32| {
        let event = json!({ "uri": editor.uri("helpers.py"), "type": kind });
        editor.tell(
            "workspace/didChangeWatchedFiles",
            json!({ "changes": [event] }),
        );
        editor.pull("workflow.py")
    };
    editor.write("helpers.py", HELPERS);
    assert_eq!(codes(&watched(&mut editor, 1)), ["RB101"]);
    editor.write("helpers.py", HARMLESS);
    assert_eq!(watched(&mut editor, 2), json!([]));
    editor.write("helpers.py", HELPERS);
    watched(&mut editor, 2);
    std::fs::remove_file(editor.path("helpers.py")).expect("it is there");
    assert_eq!(watched(&mut editor, 3), json!([]));
}

#[test]
fn runbook_md_has_diagnostics_of_its_own() {
    let md = "---\nslug: other\n---\n";
    let workflow = "from ntro.workflow import NtroWorkflow, runbook\n\n\n@runbook.defn\nclass AWorkflow(NtroWorkflow):\n    pass\n";
    let files = [
        ("runbooks/a/runbook.md", md),
        ("runbooks/a/templates/workflow.py", workflow),
    ];
    let mut editor = Editor::new(&files, able("utf-16"));
    editor.open_saved("runbooks/a/runbook.md");
    let items = editor.pull("runbooks/a/runbook.md");
    let found = codes(&items);
    assert!(found.contains(&"RB504"), "{found:?}");
    let at = items
        .as_array()
        .expect("items")
        .iter()
        .find(|it| it["code"] == "RB504");
    let range = &at.expect("it is there")["range"];
    assert_eq!(text_at(md, range, "utf-16"), "other");
}

#[test]
fn a_file_that_cannot_be_parsed_says_where() {
    let broken = WORKFLOW.replace("return '😀é' +", "return '😀é' + (");
    let mut editor = Editor::new(&PROJECT, able("utf-16"));
    editor.open("workflow.py", &broken);
    let items = editor.pull("workflow.py");
    assert!(codes(&items).contains(&"syntax"), "{items}");
}
