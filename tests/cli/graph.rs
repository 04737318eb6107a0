//! Graphs of what workflows call.

use std::fmt::Write as _;

use crate::project::Project;

const WORKFLOW: &str = "\
import asyncio

from temporalio import workflow

from steps import charge

SEEN = []


@workflow.defn
class Order:
    def __init__(self):
        self.paid = False

    def is_paid(self):
        return self.paid

    @workflow.run
    async def run(self):
        await workflow.wait_condition(self.is_paid)
        SEEN.append(1)
        for item in {'a', 'b'}:
            await workflow.execute_activity(charge, item)
        return charge('c')
";
const STEPS: &str = "\
from temporalio import activity


@activity.defn
def charge(item):
    return item
";

#[test]
fn everything_that_breaks_replay_is_drawn_and_predicates_are_functions() {
    let project = Project::new(&[("wf.py", WORKFLOW), ("steps.py", STEPS)]);
    let text = project.run(&["graph"]).stdout;
    for line in ["(culprit)", "shared state", "order of a set"] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(text.contains("is_paid (function)"), "{text}");
    assert!(!text.contains("is_paid (activity)"), "{text}");
    let old = project.run(&["graph", "--format=mermaid"]).stdout;
    assert_eq!(
        old,
        project.run(&["graph", "--output-format=mermaid"]).stdout
    );
}

#[test]
fn a_graph_of_some_files_has_the_workflows_of_these_alone() {
    let other = WORKFLOW
        .replace("class Order", "class Refund")
        .replace("charge", "refund");
    let files = [
        ("wf.py", WORKFLOW),
        ("other.py", &other),
        (
            "steps.py",
            &(STEPS.to_owned() + "\n\ndef refund(item):\n    return item\n"),
        ),
    ];
    let project = Project::new(&files);
    for format in ["text", "json", "html"] {
        let graph = |path| {
            project
                .run(&["graph", "--output-format", format, path])
                .stdout
        };
        let (of_one, of_other, of_all) = (graph("wf.py"), graph("other.py"), graph("."));
        assert!(
            of_one.contains("Order") && !of_one.contains("Refund"),
            "{of_one}"
        );
        assert!(
            !of_other.contains("Order") && of_other.contains("steps.refund"),
            "{of_other}"
        );
        assert!(
            of_all.contains("Order") && of_all.contains("Refund"),
            "{of_all}"
        );
    }
    let commands = project.run(&["graph", "--commands", "other.py"]).stdout;
    assert!(
        commands.contains("Refund") && !commands.contains("Order"),
        "{commands}"
    );
}

#[test]
fn a_page_about_workflows_has_no_causes() {
    let project = Project::new(&[("wf.py", WORKFLOW), ("steps.py", STEPS)]);
    let run = project.run(&["graph", "--output-format=html"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(run.stdout.contains("<svg") && !run.stdout.contains("<article"));
    let run = project.run(&["graph", "--full", "--output-format=html"]);
    assert_eq!(run.status, 2);
}

/// Many workflows would use up the limits by their names alone.
#[test]
fn a_part_of_many_workflows_shows_what_they_do() {
    let mut text = "from temporalio import workflow\n".to_owned();
    for number in 0..900 {
        let _ = write!(
            text,
            "\n\n@workflow.defn\nclass W{number}:\n    def step(self):\n        pass\n\n    \
             @workflow.run\n    async def run(self):\n        self.step()\n"
        );
    }
    let project = Project::new(&[("wf.py", &text)]);
    let run = project.run(&["graph", "--output-format=mermaid"]);
    assert!(run.stderr.contains("left out"), "{}", run.stderr);
    let workflows = run.stdout.matches(":::workflow").count();
    let edges = run.stdout.matches(" --> ").count();
    assert!(workflows > 100, "{workflows}");
    assert!(edges + 2 >= 2 * workflows, "{edges} of {workflows}");
}

#[test]
fn a_graph_that_mermaid_would_not_draw_is_thinned() {
    let mut helpers = String::new();
    let mut calls = String::new();
    for number in 0..700 {
        let _ = write!(helpers, "def helper_{number}():\n    return {number}\n\n\n");
        let _ = writeln!(calls, "        helpers.helper_{number}()");
    }
    let workflow = format!(
        "from temporalio import workflow\n\nimport helpers\n\n\n@workflow.defn\nclass A:\n    \
         async def first(self):\n        helpers.helper_0()\n\n    @workflow.run\n    \
         async def run(self):\n        await self.first()\n\n    @workflow.signal\n    \
         def many(self):\n{calls}"
    );
    let project = Project::new(&[("helpers.py", &helpers), ("wf.py", &workflow)]);
    let run = project.run(&["graph", "--output-format=mermaid"]);
    assert!(run.stderr.contains("left out"), "{}", run.stderr);
    let edges = run.stdout.matches(" --> ").count();
    assert!((1..=500).contains(&edges), "{edges}");
    assert!(run.stdout.len() <= 50_000);
    let dot = project.run(&["graph", "--output-format=dot"]).stdout;
    assert!(dot.matches(" -> ").count() > 700);
}
