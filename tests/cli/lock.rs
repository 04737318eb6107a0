//! `runbook-lint lock`, and checks that compare with what it wrote.

use crate::diff_base::{commit, repository};
use crate::project::Project;

const FLOW: &str = r#"from datetime import timedelta
from temporalio import workflow
from helper import is_large, pack

MINUTE = timedelta(minutes=1)


@workflow.defn
class HandleOrder:
    @workflow.run
    async def run(self, order):
        total = order["total"] * 2
        await workflow.execute_activity("charge", order, start_to_close_timeout=MINUTE)
        if is_large(total):
            await pack(order)
        for item in order["items"]:
            await workflow.execute_activity("ship", item, start_to_close_timeout=MINUTE)
        await workflow.execute_activity("close", order, start_to_close_timeout=MINUTE)

    @workflow.signal(name="approve")
    async def on_approve(self):
        await workflow.execute_activity("note", "approved", start_to_close_timeout=MINUTE)
"#;

const HELPER: &str = r#"from datetime import timedelta
from temporalio import workflow


def is_large(total):
    """Whether somebody has to look at it."""
    limit = 1000
    return total > limit


async def pack(order):
    result = await workflow.execute_activity("pack", order, start_to_close_timeout=timedelta(minutes=1))
    return result
"#;

/// The same program with other names of locals, laid out otherwise, and with its helpers elsewhere.
const SAME_FLOW: &str = r#"from datetime import timedelta

from temporalio import workflow

from parts.packing import (
    is_large,
    pack,
)

MINUTE = timedelta(
    minutes=1,
)


@workflow.defn
class HandleOrder:
    # Runs for weeks.
    @workflow.run
    async def run(
        self,
        order,
    ):
        doubled = (
            order['total'] * 2
        )
        await workflow.execute_activity(
            'charge', order, start_to_close_timeout=MINUTE
        )
        if (
            is_large(doubled)
        ):
            await pack(order)
        for entry in order['items']:
            await workflow.execute_activity(
                'ship',
                entry,
                start_to_close_timeout=MINUTE,
            )
        await self._close(order)

    async def _close(self, it):
        await workflow.execute_activity("close", it, start_to_close_timeout=MINUTE)

    @workflow.signal(name='approve')
    async def on_approve(self):
        await workflow.execute_activity('note', 'approved', start_to_close_timeout=MINUTE)
"#;

const SAME_HELPER: &str = r#"from datetime import timedelta
from temporalio import workflow


def is_large(value):
    bound = 1_000
    return value > bound


async def pack(parcel):
    packed = await workflow.execute_activity(
        "pack", parcel, start_to_close_timeout=timedelta(minutes=1)
    )
    return packed
"#;

fn project(flow: &str) -> Project {
    Project::new(&[("flow.py", flow), ("helper.py", HELPER)])
}

fn lock(project: &Project) -> String {
    let run = project.run(&["lock"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let path = project.path().join("runbook-lint.lock");
    std::fs::read_to_string(path).expect("a lock file")
}

fn edits(project: &Project) -> Vec<String> {
    project.findings(&["--select", "RB703"])
}

#[test]
fn neither_layout_nor_names_of_locals_nor_the_place_of_helpers_shows() {
    let one = lock(&project(FLOW));
    let files = [
        ("flow.py", SAME_FLOW),
        ("parts/__init__.py", ""),
        ("parts/packing.py", SAME_HELPER),
    ];
    assert_eq!(one, lock(&Project::new(&files)));
    for command in ["charge", "pack", "ship", "close", "note"] {
        assert!(one.contains(&format!("activity \"{command}\"")), "{one}");
    }
}

#[test]
fn a_lock_is_up_to_date_until_the_commands_change() {
    let project = project(FLOW);
    assert_eq!(project.run(&["lock", "--check"]).status, 2);
    lock(&project);
    assert_eq!(project.run(&["lock", "--check"]).status, 0);
    assert!(edits(&project).is_empty());
    let edited = FLOW.replace("\"charge\", order", "\"bill\", order");
    project.write("flow.py", edited.as_bytes());
    let check = project.run(&["lock", "--check"]);
    assert_eq!(check.status, 1);
    assert!(check.stderr.contains("`HandleOrder`"), "{}", check.stderr);
    assert_eq!(edits(&project), ["flow.py:13 RB703"]);
}

#[test]
fn one_workflow_is_recorded_anew() {
    let other = FLOW.replace("HandleOrder", "HandleReturn");
    let project = project(FLOW);
    project.write("other.py", other.as_bytes());
    let before = lock(&project);
    for path in ["flow.py", "other.py"] {
        let text = std::fs::read_to_string(project.path().join(path)).expect("read");
        project.write(path, text.replace("\"ship\"", "\"send\"").as_bytes());
    }
    let update = project.run(&["lock", "--update", "HandleReturn"]);
    assert_eq!(update.status, 0, "{}", update.stderr);
    let after = std::fs::read_to_string(project.path().join("runbook-lint.lock")).expect("read");
    assert_eq!(after.matches("\"send\"").count(), 1);
    assert_eq!(after.len(), before.len());
    assert_eq!(edits(&project), ["flow.py:17 RB703"]);
    let unknown = project.run(&["lock", "--update", "HandleReturns"]);
    assert_eq!(unknown.status, 2);
    assert!(unknown.stderr.contains("did you mean `HandleReturn`"));
}

#[test]
fn a_lock_that_cannot_be_read_is_an_error_with_its_line() {
    let project = project(FLOW);
    let text = lock(&project);
    for (bad, line) in [
        (text.replace("version 1", "version 2"), 4),
        (format!("{text}<<<<<<< HEAD\n"), text.lines().count() + 1),
        (text.replace("    loop", "     loop"), 13),
    ] {
        project.write("runbook-lint.lock", bad.as_bytes());
        let run = project.run(&["check"]);
        assert_eq!(run.status, 2);
        let place = format!("runbook-lint.lock:{line}:");
        assert!(run.stderr.contains(&place), "{place} {}", run.stderr);
        assert_eq!(
            project.run(&["lock"]).status,
            2,
            "what is broken is not replaced"
        );
    }
}

#[test]
fn a_revision_is_compared_as_well_and_the_lock_wins() {
    let project = repository(&[("flow.py", FLOW), ("helper.py", HELPER)]);
    let edited = HELPER.replace("\"pack\"", "\"wrap\"");
    project.write("helper.py", edited.as_bytes());
    let since = [
        "check",
        "--diff-base",
        "main",
        "--select",
        "RB703",
        "--output-format",
        "json",
    ];
    let run = project.run(&since);
    assert_eq!(run.findings(), ["helper.py:12 RB703"]);
    let finding = &run.json()["findings"][0];
    assert!(finding.to_string().contains("helper.py:12"), "{finding}");
    lock(&project);
    assert!(project.run(&since).findings().is_empty());
    commit(&project);
}

#[test]
fn runbooks_with_a_new_version_and_pinned_workflows_are_not_compared() {
    let manifest = |version: &str| {
        format!(
            "---\nslug: order\nname: Order\nversion: {version}\nstate: DRAFT\nauthor: Ops\n---\n"
        )
    };
    let code = |activity: &str| {
        format!(
            "from ntro.workflow import NtroWorkflow, runbook\n\n\n@runbook.defn\nclass OrderWorkflow(NtroWorkflow):\n    @runbook.run\n    async def run(self, order):\n        await runbook.execute_activity(\"{activity}\", order)\n        await runbook.execute_activity(\"close\", order)\n"
        )
    };
    let project = Project::new(&[
        ("order/runbook.md", &manifest("0.1.0")),
        ("order/templates/__init__.py", ""),
        ("order/templates/activities.py", ""),
        ("order/templates/workflow.py", &code("charge")),
    ]);
    assert!(lock(&project).contains("  version \"0.1.0\""));
    project.write("order/templates/workflow.py", code("bill").as_bytes());
    assert_eq!(edits(&project), ["order/templates/workflow.py:8 RB703"]);
    assert!(
        project
            .findings(&["--select", "RB703", "--config", "pinned-versions=true"])
            .is_empty()
    );
    project.write("order/runbook.md", manifest("0.2.0").as_bytes());
    assert!(edits(&project).is_empty());
}

#[test]
fn commands_are_shown_as_text_a_chart_and_json() {
    let project = project(FLOW);
    let lock = lock(&project);
    let text = project.run(&["graph", "--commands"]).stdout;
    assert!(lock.ends_with(&text), "{text}");
    let chart = project
        .run(&["graph", "--commands", "--format", "mermaid"])
        .stdout;
    assert!(
        chart.starts_with("flowchart TD\n") && chart.contains("activity pack"),
        "{chart}"
    );
    let json = project
        .run(&["graph", "--commands", "--format", "json"])
        .json();
    assert_eq!(json["schema"], "runbook-lint-commands/1");
    assert_eq!(json["workflows"][0]["parts"][0]["commands"][0]["line"], 13);
    assert_eq!(
        project
            .run(&["graph", "--commands", "--format", "dot"])
            .status,
        2
    );
}

#[test]
fn programs_without_end_are_cut_off() {
    let mut flow = "from temporalio import workflow\n\n\n@workflow.defn\nclass Deep:\n    @workflow.run\n    async def run(self):\n        await self.f0()\n".to_owned();
    for level in 0..30 {
        let next = (level + 1) % 30;
        flow.push_str(&format!(
            "\n    async def f{level}(self):\n        if self.x{level}:\n            await self.f{next}()\n        else:\n            await self.f{next}()\n        await workflow.execute_activity(\"a{level}\")\n"
        ));
    }
    let project = Project::new(&[("flow.py", &flow)]);
    assert!(lock(&project).contains("unknown \"more than is followed ~"));
    assert_eq!(project.run(&["lock", "--check"]).status, 0);
    assert!(edits(&project).is_empty());
    project.write("flow.py", flow.replace("\"a29\"", "\"b\"").as_bytes());
    assert_eq!(edits(&project).len(), 1);
}
