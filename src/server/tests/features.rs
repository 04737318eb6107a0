//! Hover, completion, definitions, symbols, lenses and code actions.

use serde_json::{Value, json};

use super::diagnostics::{PROJECT, WORKFLOW};
use super::editor::{Editor, able, text_at};

const RUNBOOK: &str = r#"from ntro.workflow import NtroWorkflow, runbook

NAME = "é😀"


@runbook.defn
class MonthEndWorkflow(NtroWorkflow):
    @runbook.signal
    def lease_submitted(self, payload: dict) -> None:
        pass

    @runbook.step(name="collect", title="Collect é😀", icon="Inbox")
    async def _step_collect(self) -> None:
        await self.run_child_workflow(slug="bank-reconciliation", input={})

    @runbook.step(name="pay-out", title="Pay out", icon="CheckCircle2")
    async def _step_pay_out(self) -> None:
        await self.await_signal_with_action(
            action={"args": {"signal_name": "lease_submitted"}, "display_hint": {"component": "TABLE"}}
        )

    @runbook.run
    async def run(self) -> None:
        await self._step_collect()
        await self._step_pay_out()
"#;
const CHILD: &str = r#"from ntro.workflow import NtroWorkflow, runbook


@runbook.defn
class BankReconciliationWorkflow(NtroWorkflow):
    @runbook.run
    async def run(self, context: dict) -> None:
        pass
"#;
const MD: &str =
    "---\nslug: month-end\nsteps:\n  - id: collect\n    label: é😀\n  - id: pay-out\n---\n";
const FILE: &str = "runbooks/month-end/templates/workflow.py";
const MD_FILE: &str = "runbooks/month-end/runbook.md";
const CHILD_FILE: &str = "runbooks/bank-reconciliation/templates/workflow.py";

fn bundle(encoding: &str) -> Editor {
    let files = [
        (FILE, RUNBOOK),
        (MD_FILE, MD),
        (CHILD_FILE, CHILD),
        (
            "runbooks/bank-reconciliation/runbook.md",
            "---\nslug: bank-reconciliation\n---\n",
        ),
    ];
    let editor = Editor::new(&files, able(encoding));
    editor.open_saved(FILE);
    editor
}

/// The position of the end of a text, in the units of an encoding.
fn end_of(text: &str, what: &str, encoding: &str) -> Value {
    let at = text.find(what).unwrap_or_else(|| panic!("{what}")) + what.len();
    let before = &text[..at];
    let line = before.rfind('\n').map_or(0, |it| it + 1);
    let column = match encoding {
        "utf-8" => before[line..].len(),
        "utf-16" => before[line..].encode_utf16().count(),
        _ => before[line..].chars().count(),
    };
    json!({ "line": before.matches('\n').count(), "character": column })
}

fn at(editor: &Editor, file: &str, position: Value) -> Value {
    json!({ "textDocument": editor.document(file), "position": position })
}

fn hover(editor: &mut Editor, file: &str, position: Value) -> (String, Value) {
    let params = at(editor, file, position);
    let answer = editor.ask("textDocument/hover", params);
    let text = answer["contents"]["value"].as_str().unwrap_or_default();
    (text.to_owned(), answer["range"].clone())
}

fn labels(editor: &mut Editor, file: &str, position: Value) -> Vec<String> {
    let params = at(editor, file, position);
    let answer = editor.ask("textDocument/completion", params);
    let items = answer["items"].as_array().cloned().unwrap_or_default();
    items
        .iter()
        .map(|it| it["label"].as_str().expect("a label").to_owned())
        .collect()
}

#[test]
fn an_icon_shows_itself_with_its_names_and_tags() {
    for encoding in ["utf-8", "utf-16", "utf-32"] {
        let mut editor = bundle(encoding);
        let (text, range) = hover(
            &mut editor,
            FILE,
            end_of(RUNBOOK, "é😀\", icon=\"In", encoding),
        );
        assert!(
            text.contains("![Inbox](data:image/svg+xml,%3Csvg"),
            "{text}"
        );
        assert_eq!(
            text_at(RUNBOOK, &range, encoding),
            "\"Inbox\"",
            "{encoding}"
        );
        let (text, _) = hover(&mut editor, FILE, end_of(RUNBOOK, "CheckCi", encoding));
        assert!(
            text.contains("**CircleCheck**, also called `CheckCircle2`"),
            "{text}"
        );
    }
}

#[test]
fn a_step_shows_its_place_in_the_breadcrumb() {
    let mut editor = bundle("utf-8");
    let (text, _) = hover(&mut editor, FILE, end_of(RUNBOOK, "@runbook.step", "utf-8"));
    assert!(text.contains("step 1 of 2 in `MonthEndWorkflow`"), "{text}");
    assert!(text.contains("**Collect é😀** › Pay out"), "{text}");
}

#[test]
fn a_finding_shows_its_path_and_cure_and_a_suppression_its_rule() {
    let mut editor = Editor::new(&PROJECT, able("utf-16"));
    editor.open_saved("workflow.py");
    let (text, range) = hover(
        &mut editor,
        "workflow.py",
        end_of(WORKFLOW, "' + sta", "utf-16"),
    );
    assert!(text.starts_with("**error [RB101](https://"), "{text}");
    assert!(
        text.contains("1. `stamp` uses `time.time()` ([helpers.py:5](file://"),
        "{text}"
    );
    assert!(text.contains("help: use `workflow.now()`"), "{text}");
    assert_eq!(text_at(WORKFLOW, &range, "utf-16"), "stamp()");
    for comment in ["noqa: RB101", "runbook-lint: ignore[wall-clock] é"] {
        let quiet = WORKFLOW.replace("+ stamp()", &format!("+ stamp()  # {comment}"));
        editor.change("workflow.py", 2, &quiet);
        let word = if comment.contains("wall") {
            "wall-"
        } else {
            "RB10"
        };
        let (text, _) = hover(&mut editor, "workflow.py", end_of(&quiet, word, "utf-16"));
        assert!(text.starts_with("**RB101 wall-clock**"), "{text}");
    }
    let nothing = hover(
        &mut editor,
        "workflow.py",
        json!({ "line": 0, "character": 0 }),
    );
    assert_eq!(nothing, (String::new(), Value::Null));
}

#[test]
fn what_can_be_named_is_completed() {
    for encoding in ["utf-8", "utf-16", "utf-32"] {
        let mut editor = bundle(encoding);
        let complete = |editor: &mut Editor, version: i32, old: &str, new: &str, cursor: &str| {
            let text = RUNBOOK.replace(old, new);
            editor.change(FILE, version, &text);
            labels(editor, FILE, end_of(&text, cursor, encoding))
        };
        let icons = complete(
            &mut editor,
            2,
            "icon=\"Inbox\")",
            "icon=\"mon",
            "icon=\"mon",
        );
        assert!(
            icons.contains(&"Banknote".to_owned())
                || icons.contains(&"CircleDollarSign".to_owned()),
            "by tag: {icons:?}"
        );
        let icons = complete(
            &mut editor,
            3,
            "icon=\"Inbox\"",
            "icon=\"BellR\"",
            "icon=\"BellR",
        );
        assert_eq!(icons.first().map(String::as_str), Some("BellRing"));
        let slugs = complete(
            &mut editor,
            4,
            "slug=\"bank-reconciliation\"",
            "slug=\"\"",
            "slug=\"",
        );
        assert_eq!(slugs, ["bank-reconciliation", "month-end"]);
        let parts = complete(&mut editor, 5, "\"TABLE\"", "\"\"", "\"component\": \"");
        assert!(
            parts.contains(&"DATA_TABLE".to_owned()) || parts.len() == 7,
            "{parts:?}"
        );
        let signals = complete(
            &mut editor,
            6,
            "\"lease_submitted\"",
            "\"\"",
            "\"signal_name\": \"",
        );
        assert_eq!(signals, ["lease_submitted"]);
        let arguments = complete(
            &mut editor,
            7,
            "title=\"Pay out\", icon=\"CheckCircle2\")",
            "",
            "name=\"pay-out\", ",
        );
        assert_eq!(arguments, ["title=", "icon=", "config="]);
        let rules = complete(
            &mut editor,
            8,
            "input={})",
            "input={})  # runbook-lint: ignore[wall",
            "ignore[wall",
        );
        assert!(rules.contains(&"RB101".to_owned()) && rules.contains(&"wall-clock".to_owned()));
        let nothing = complete(
            &mut editor,
            9,
            "NAME = \"é😀\"",
            "NAME = \"é😀\" + ",
            "NAME = \"é😀\" + ",
        );
        assert!(nothing.is_empty(), "{nothing:?}");
    }
}

#[test]
fn a_child_leads_to_its_bundle_and_a_listed_step_to_its_method() {
    for encoding in ["utf-8", "utf-16", "utf-32"] {
        let mut editor = bundle(encoding);
        let params = at(&editor, FILE, end_of(RUNBOOK, "slug=\"bank", encoding));
        let found = editor.ask("textDocument/definition", params);
        assert_eq!(found[0]["uri"], editor.uri(CHILD_FILE));
        assert_eq!(
            text_at(CHILD, &found[0]["range"], encoding),
            "BankReconciliationWorkflow"
        );
        editor.open_saved(MD_FILE);
        let params = at(&editor, MD_FILE, end_of(MD, "- id: pay", encoding));
        let found = editor.ask("textDocument/definition", params);
        assert_eq!(found[0]["uri"], editor.uri(FILE));
        assert_eq!(
            text_at(RUNBOOK, &found[0]["range"], encoding),
            "_step_pay_out"
        );
    }
}

#[test]
fn symbols_and_lenses_have_the_steps_in_order() {
    let mut editor = bundle("utf-16");
    let params = json!({ "textDocument": editor.document(FILE) });
    let symbols = editor.ask("textDocument/documentSymbol", params.clone());
    assert_eq!(symbols[0]["name"], "MonthEndWorkflow");
    let children = symbols[0]["children"].as_array().expect("steps");
    let names: Vec<&str> = children
        .iter()
        .map(|it| it["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(names, ["1. Collect é😀", "2. Pay out", "lease_submitted"]);
    let lenses = editor.ask("textDocument/codeLens", params);
    let titles: Vec<&str> = lenses
        .as_array()
        .expect("lenses")
        .iter()
        .map(|it| it["command"]["title"].as_str().expect("a title"))
        .collect();
    assert_eq!(
        titles,
        ["Collect é😀 › Pay out", "step 1 of 2", "step 2 of 2"]
    );

    let mut flat = able("utf-16");
    flat["textDocument"]["documentSymbol"] = json!({});
    let mut editor = Editor::new(&PROJECT, flat);
    editor.open_saved("workflow.py");
    let params = json!({ "textDocument": editor.document("workflow.py") });
    let symbols = editor.ask("textDocument/documentSymbol", params);
    let names: Vec<&Value> = symbols
        .as_array()
        .expect("symbols")
        .iter()
        .map(|it| &it["name"])
        .collect();
    assert_eq!(names, ["run", "Billing"]);
}

fn actions(editor: &mut Editor, file: &str, position: &Value, only: Option<&str>) -> Vec<Value> {
    let params = json!({
        "textDocument": editor.document(file),
        "range": { "start": position, "end": position },
        "context": { "diagnostics": [], "only": only.map(|it| vec![it]) },
    });
    let answer = editor.ask("textDocument/codeAction", params);
    answer.as_array().cloned().unwrap_or_default()
}

/// The text after the edits of an action, which come last first.
fn applied(text: &str, edits: &Value, encoding: &str) -> String {
    let mut text = text.to_owned();
    let mut edits = edits.as_array().expect("edits").clone();
    edits.sort_by_key(|it| {
        let start = &it["range"]["start"];
        std::cmp::Reverse((start["line"].as_u64(), start["character"].as_u64()))
    });
    for edit in edits {
        let old = text_at(&text, &edit["range"], encoding);
        let at = old.as_ptr() as usize - text.as_ptr() as usize;
        let range = at..at + old.len();
        let new = edit["newText"]
            .as_str()
            .or(edit["snippet"]["value"].as_str());
        text.replace_range(range, new.expect("a text"));
    }
    text
}

#[test]
fn a_quick_fix_is_resolved_when_it_is_chosen() {
    for encoding in ["utf-8", "utf-16", "utf-32"] {
        let mut editor = bundle(encoding);
        let position = end_of(RUNBOOK, "CheckCi", encoding);
        let offered = actions(&mut editor, FILE, &position, Some("quickfix"));
        let fix = offered.iter().find(|it| {
            it["title"]
                .as_str()
                .expect("a title")
                .contains("CircleCheck")
        });
        let fix = fix.unwrap_or_else(|| panic!("{offered:?}")).clone();
        assert!(fix["edit"].is_null() && fix["disabled"].is_null(), "{fix}");
        assert_eq!(fix["kind"], "quickfix");
        assert_eq!(fix["diagnostics"][0]["code"], "RB308");
        let resolved = editor.ask("codeAction/resolve", fix.clone());
        let change = &resolved["edit"]["documentChanges"][0];
        assert_eq!(
            change["textDocument"],
            json!({ "uri": editor.uri(FILE), "version": 1 })
        );
        let fixed = applied(RUNBOOK, &change["edits"], encoding);
        assert_eq!(
            fixed,
            RUNBOOK.replace("CheckCircle2", "CircleCheck"),
            "{encoding}"
        );
        editor.change(FILE, 2, &format!("\n{RUNBOOK}"));
        assert_eq!(editor.refused("codeAction/resolve", fix), -32801);
        editor.change(FILE, 3, &fixed);
        let left = editor.pull(FILE);
        assert!(
            left.as_array()
                .expect("items")
                .iter()
                .all(|it| it["code"] != "RB308"),
            "{left}"
        );
    }
}

#[test]
fn all_safe_fixes_are_one_action() {
    let mut editor = bundle("utf-16");
    let start = json!({ "line": 0, "character": 0 });
    assert!(actions(&mut editor, FILE, &start, Some("source")).is_empty());
    let bare = RUNBOOK.replace("@runbook.defn\n", "");
    editor.change(FILE, 2, &bare);
    for only in ["source", "source.fixAll", "source.fixAll.runbook-lint"] {
        let offered = actions(&mut editor, FILE, &start, Some(only));
        assert_eq!(offered.len(), 1, "{only}: {offered:?}");
        assert_eq!(offered[0]["kind"], "source.fixAll.runbook-lint");
        let resolved = editor.ask("codeAction/resolve", offered[0].clone());
        let edits = &resolved["edit"]["documentChanges"][0]["edits"];
        assert_eq!(
            applied(&bare, edits, "utf-16"),
            RUNBOOK,
            "what is unsafe stays"
        );
    }
    for only in ["source.organizeImports", "refactor", "source.fixAll.ruff"] {
        let offered = actions(&mut editor, FILE, &start, Some(only));
        assert!(offered.is_empty(), "{only}");
    }
}

#[test]
fn a_finding_can_be_ignored_where_it_is() {
    let mut editor = Editor::new(&PROJECT, able("utf-16"));
    editor.open_saved("workflow.py");
    let ignore = |editor: &mut Editor, text: &str, version: i32| {
        editor.change("workflow.py", version, text);
        let position = end_of(text, "sta", "utf-16");
        let position = if text.matches("stamp").count() > 1 {
            end_of(text, "+ sta", "utf-16")
        } else {
            position
        };
        let offered = actions(editor, "workflow.py", &position, Some("quickfix"));
        let action = offered
            .iter()
            .find(|it| it["title"] == "Ignore RB101 (wall-clock) on this line");
        let action = action?.clone();
        assert!(action["isPreferred"].is_null(), "it is no cure");
        let resolved = editor.ask("codeAction/resolve", action);
        let edits = resolved["edit"]["documentChanges"][0]["edits"].clone();
        Some(applied(text, &edits, "utf-16"))
    };
    let quiet = ignore(&mut editor, WORKFLOW, 2).expect("it is offered");
    assert!(
        quiet.contains("+ stamp()  # runbook-lint: ignore[RB101] ${1:reason}\n"),
        "{quiet}"
    );
    let commented = WORKFLOW.replace("+ stamp()", "+ stamp()  # runbook-lint: ignore[RB102] why");
    let both = ignore(&mut editor, &commented, 3).expect("it is offered");
    assert!(both.contains("ignore[RB102, RB101] why"), "{both}");
    // The line goes on in a string, where a comment would be text.
    let string = WORKFLOW.replace("+ stamp()", "+ stamp() + '''\n'''");
    assert_eq!(ignore(&mut editor, &string, 4), None);
    editor.change("workflow.py", 5, &quiet.replace("${1:reason}", "known"));
    assert_eq!(editor.pull("workflow.py"), json!([]));
}

#[test]
fn a_client_that_can_do_little_gets_what_it_understands() {
    let mut editor = Editor::new(&PROJECT, json!({}));
    editor.open_saved("workflow.py");
    let position = end_of(WORKFLOW, "+ sta", "utf-16");
    let offered = actions(&mut editor, "workflow.py", &position, None);
    let is_ignore = |it: &&Value| {
        it["title"]
            .as_str()
            .is_some_and(|it| it.starts_with("Ignore"))
    };
    let ignore = offered.iter().find(is_ignore).expect("an action");
    assert!(ignore["data"].is_null());
    let edits = &ignore["edit"]["changes"][editor.uri("workflow.py")];
    let quiet = applied(WORKFLOW, edits, "utf-16");
    assert!(
        quiet.contains("+ stamp()  # runbook-lint: ignore[RB101]\n"),
        "{quiet}"
    );
    let (text, _) = hover(&mut editor, "workflow.py", position);
    assert!(text.contains("RB101"));
}

const NEW: &str = "activities/é stamp.py";

/// An editor of the project in which the finding has a fix that makes a file.
fn with_a_new_file(capabilities: Value) -> Editor {
    use lint_core::diagnostic::{Applicability, Edit, Fix, NewFile};
    let mut editor = Editor::uninitialized(&PROJECT, |task| {
        let mut snapshot = crate::server::snapshot::Snapshot::take(task)?;
        for finding in &mut snapshot.findings {
            let edit = |place| Edit {
                place,
                replacement: "later()".to_owned(),
            };
            let edits = vec![edit(finding.place), edit(finding.culprit_place())];
            let mut fix = Fix::new("extract it", Applicability::Unsafe, edits);
            fix.new_files.push(NewFile {
                key: NEW.to_owned(),
                text: "# é😀\n".to_owned(),
            });
            finding.fixes = vec![fix];
        }
        Some(snapshot)
    });
    editor.capabilities = capabilities;
    editor.initialize(&[""]);
    editor.open_saved("workflow.py");
    editor
}

/// The edit of the fix, if it is offered.
fn extraction(editor: &mut Editor) -> Option<Value> {
    let position = end_of(WORKFLOW, "+ sta", "utf-16");
    let offered = actions(editor, "workflow.py", &position, Some("quickfix"));
    let action = offered.into_iter().find(|it| it["title"] == "Extract it")?;
    assert!(action["isPreferred"].is_null(), "it is not safe");
    if action["edit"].is_null() {
        return Some(editor.ask("codeAction/resolve", action)["edit"].clone());
    }
    Some(action["edit"].clone())
}

#[test]
fn a_fix_may_make_a_file_and_change_several() {
    let mut editor = with_a_new_file(able("utf-16"));
    let edit = extraction(&mut editor).expect("it is offered");
    let changes = edit["documentChanges"].as_array().expect("changes");
    assert_eq!(
        changes[0],
        json!({ "kind": "create", "uri": editor.uri(NEW) })
    );
    assert_eq!(changes[1]["textDocument"]["uri"], editor.uri(NEW));
    assert_eq!(changes[1]["edits"][0]["newText"], "# é😀\n");
    let named: Vec<(String, Value)> = changes[2..]
        .iter()
        .map(|it| {
            let uri = it["textDocument"]["uri"].as_str().expect("a name");
            (editor.name(uri), it["textDocument"]["version"].clone())
        })
        .collect();
    let expected = [("helpers.py", Value::Null), ("workflow.py", json!(1))];
    assert_eq!(
        named,
        expected.map(|(name, version)| (name.to_owned(), version))
    );
    assert!(edit["changeAnnotations"].is_null(), "nobody asked for them");
}

#[test]
fn files_are_made_the_way_the_client_makes_them() {
    // Eglot makes the file of a document that it is to edit.
    let only_documents = json!({ "workspace": { "workspaceEdit": { "documentChanges": true } } });
    let mut editor = with_a_new_file(only_documents);
    let edit = extraction(&mut editor).expect("it is offered");
    assert_eq!(
        edit["documentChanges"][0]["textDocument"]["uri"],
        editor.uri(NEW)
    );
    // Neovim makes files, and says nothing of versions.
    let only_files =
        json!({ "workspace": { "workspaceEdit": { "resourceOperations": ["create"] } } });
    let mut editor = with_a_new_file(only_files);
    let edit = extraction(&mut editor).expect("it is offered");
    assert_eq!(edit["documentChanges"][0]["kind"], "create");
    let annotating = json!({ "workspace": { "workspaceEdit": {
        "documentChanges": true, "resourceOperations": ["create"], "changeAnnotationSupport": {},
    } } });
    let mut editor = with_a_new_file(annotating);
    let edit = extraction(&mut editor).expect("it is offered");
    assert_eq!(
        edit["changeAnnotations"]["runbook-lint"]["label"],
        "Extract it"
    );
    assert_eq!(
        edit["documentChanges"][1]["edits"][0]["annotationId"],
        "runbook-lint"
    );
    let mut editor = with_a_new_file(json!({}));
    assert_eq!(extraction(&mut editor), None, "it could not be carried out");
}
