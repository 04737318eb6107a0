//! What edits mean for executions that are open, one case for each kind of edit.

use lint_core::diagnostic::Severity;

use crate::support::{lint, lock};

const HEAD: &str = r#"import asyncio
from datetime import timedelta

from temporalio import activity, workflow

MINUTE = timedelta(minutes=1)
LIMIT = 1000


@activity.defn
async def charge(order: str) -> str: ...


@activity.defn
async def ship(order: str) -> str: ...


@activity.defn(name="notify-customer")
async def notify(order: str) -> None: ...


"#;

/// A workflow with this body of `run`, and more members.
fn workflow(body: &str, members: &str) -> String {
    let indented = |text: &str, by: usize| -> String {
        let line = |line: &str| match line.is_empty() {
            true => "\n".to_owned(),
            false => format!("{}{line}\n", " ".repeat(by)),
        };
        text.trim_matches('\n').lines().map(line).collect()
    };
    let body = body
        .replace("do(", "workflow.execute_activity(")
        .replace("start(", "workflow.start_activity(")
        .replace("T)", "start_to_close_timeout=MINUTE)");
    let members = members
        .replace("do(", "workflow.execute_activity(")
        .replace("T)", "start_to_close_timeout=MINUTE)");
    format!(
        "{HEAD}@workflow.defn\nclass HandleOrder:\n    def __init__(self) -> None:\n        self.approved = False\n\n    @workflow.run\n    async def run(self, order: dict) -> None:\n{}\n{}",
        indented(&body, 8),
        indented(&members, 4)
    )
}

/// What is said of an edit of one file into another.
fn verdict(old: String, new: String) -> String {
    let path = "flow.py".to_owned();
    let lock = lock([(path.clone(), old)]);
    let files = [(path, new), ("runbook-lint.lock".to_owned(), lock.clone())];
    let found = lint(files, |rule| rule.code == "RB703");
    let worst = found.iter().max_by_key(|it| it.diagnostic.severity);
    match worst {
        None => "compatible".to_owned(),
        Some(it) => {
            let verdict = match it.diagnostic.severity {
                Severity::Error => "incompatible",
                _ => "unproven",
            };
            format!("{verdict}: {}\n{lock}", it.diagnostic.message)
        }
    }
}

#[track_caller]
fn expect(expected: &str, old: &str, new: &str) {
    let found = verdict(workflow(old, ""), workflow(new, ""));
    assert!(
        found.starts_with(expected),
        "expected {expected}, found {found}\n--- old\n{old}\n--- new\n{new}"
    );
}

const TWO: &str = "await do(charge, 1, T)\nawait do(ship, 2, T)";

#[test]
fn the_order_of_commands() {
    expect("compatible", TWO, TWO);
    let inserted = "await do(charge, 1, T)\nawait do(notify, 1, T)\nawait do(ship, 2, T)";
    expect("incompatible", TWO, inserted);
    expect(
        "incompatible",
        TWO,
        "await do(ship, 2, T)\nawait do(charge, 1, T)",
    );
    expect("incompatible", TWO, "await do(charge, 1, T)");
    expect("incompatible", TWO, "await do(ship, 1, T)");
    expect(
        "incompatible",
        TWO,
        "await workflow.sleep(5)\nawait do(charge, 1, T)\nawait do(ship, 2, T)",
    );
}

#[test]
fn what_a_replay_does_not_compare() {
    expect(
        "compatible",
        TWO,
        "await do(charge, order, T)\nawait do(ship, [2], task_queue='q', T)",
    );
    expect(
        "compatible",
        TWO,
        "workflow.logger.info('x')\nawait do('charge', T)\nx = len('a')\nawait do('ship', T)",
    );
    expect(
        "compatible",
        "await workflow.sleep(5)\nawait do(ship, T)",
        "await workflow.sleep(50)\nawait do(ship, T)",
    );
    expect(
        "compatible",
        "await asyncio.sleep(5)\nawait do(ship, T)",
        "await workflow.sleep(50)\nawait do(ship, T)",
    );
}

#[test]
fn the_end_of_a_run_is_in_no_open_history() {
    expect(
        "compatible",
        TWO,
        "await do(charge, 1, T)\nawait do(ship, 2, T)\nawait do(notify, T)",
    );
    expect(
        "compatible",
        "await do(charge, T)\nworkflow.upsert_memo({'a': 1})",
        "await do(charge, T)",
    );
    expect(
        "incompatible",
        "await do(charge, T)\nworkflow.upsert_memo({'a': 1})\nawait do(ship, T)",
        "await do(charge, T)\nawait do(ship, T)",
    );
}

#[test]
fn names_by_which_the_history_knows_activities() {
    expect(
        "compatible",
        "await do(notify, T)\nawait do(ship, T)",
        "await do('notify-customer', T)\nawait do(ship, T)",
    );
    expect(
        "incompatible",
        "await do(notify, T)\nawait do(ship, T)",
        "await do('notify', T)\nawait do(ship, T)",
    );
    expect(
        "incompatible",
        "await do(ship, activity_id='a', T)\nawait do(ship, T)",
        "await do(ship, activity_id='b', T)\nawait do(ship, T)",
    );
}

#[test]
fn branches() {
    let old = "if order['total'] > LIMIT:\n    await do(charge, T)\nawait do(ship, T)";
    expect(
        "compatible",
        old,
        "total = order['total']\nif total > 1000:\n    await do(charge, T)\nawait do(ship, T)",
    );
    expect(
        "unproven",
        old,
        "if order['total'] > 2000:\n    await do(charge, T)\nawait do(ship, T)",
    );
    expect(
        "unproven",
        TWO,
        "await do(charge, T)\nif order['a']:\n    await do(notify, T)\nawait do(ship, T)",
    );
    expect(
        "incompatible",
        old,
        "await do(charge, T)\nawait do(ship, T)",
    );
    expect(
        "compatible",
        old,
        "if order['total'] > LIMIT:\n    await do(charge, T)\n    workflow.logger.info('big')\nawait do(ship, T)",
    );
    expect(
        "incompatible",
        "if order['a']:\n    await do(charge, T)\nelse:\n    await do(ship, T)\nawait do(ship, T)",
        "if not order['a']:\n    await do(charge, T)\nelse:\n    await do(ship, T)\nawait do(ship, T)",
    );
    expect(
        "compatible",
        "if order['a']:\n    await do(charge, T)\nelse:\n    await do(ship, T)\nawait do(ship, T)",
        "if not order['a']:\n    await do(ship, T)\nelse:\n    await do(charge, T)\nawait do(ship, T)",
    );
    expect(
        "compatible",
        "if order.a == 1:\n    await do(charge, T)\n    await do(ship, T)\nelse:\n    await do(charge, T)\n    await do(notify, T)",
        "await do(charge, T)\nif order.a == 1:\n    await do(ship, T)\nelse:\n    await do(notify, T)",
    );
}

#[test]
fn patches() {
    let gated = "await do(charge, T)\nif workflow.patched('pack'):\n    await do(notify, T)\nawait do(ship, 2, T)";
    expect("compatible", TWO, gated);
    let kept = "if workflow.patched('new'):\n    await do(ship, T)\nelse:\n    await do(charge, T)\nawait do(ship, 2, T)";
    expect("compatible", TWO, kept);
    let dropped = "if workflow.patched('new'):\n    await do(ship, T)\nawait do(ship, 2, T)";
    expect("incompatible", TWO, dropped);
    let stored = "new = workflow.patched('new')\nawait do(charge, T)\nif new:\n    await do(notify, T)\nawait do(ship, 2, T)";
    expect("compatible", TWO, stored);
    let deprecated = "await do(charge, T)\nworkflow.deprecate_patch('pack')\nawait do(notify, T)\nawait do(ship, 2, T)";
    expect("compatible", gated, deprecated);
    let gone = "await do(charge, T)\nawait do(notify, T)\nawait do(ship, 2, T)";
    expect("compatible", deprecated, gone);
    expect("incompatible", gated, gone);
    expect("incompatible", TWO, deprecated);
    expect("incompatible", gated, &gated.replace("'pack'", "'other'"));
    expect("incompatible", gated, TWO);
    expect(
        "incompatible",
        TWO,
        "await do(charge, T)\nif not workflow.patched('pack'):\n    await do(notify, T)\nawait do(ship, 2, T)",
    );
}

#[test]
fn loops() {
    let old = "for item in order['items']:\n    await do(charge, item, T)\nawait do(ship, T)";
    expect(
        "compatible",
        old,
        "for entry in order['items']:\n    await do(charge, entry, T)\nawait do(ship, T)",
    );
    expect(
        "incompatible",
        old,
        "for item in order['items']:\n    await do(charge, item, T)\n    await do(notify, T)\nawait do(ship, T)",
    );
    let three = "for _ in range(3):\n    await do(charge, T)\nawait do(ship, T)";
    expect(
        "incompatible",
        three,
        "for _ in range(5):\n    await do(charge, T)\nawait do(ship, T)",
    );
    expect(
        "compatible",
        three,
        "for _ in range(2):\n    await do(charge, T)\nawait do(charge, T)\nawait do(ship, T)",
    );
    expect(
        "unproven",
        old,
        "for item in sorted(order['items']):\n    await do(charge, item, T)\nawait do(ship, T)",
    );
}

#[test]
fn concurrency() {
    let both = "await asyncio.gather(do(charge, T), do(ship, T))\nawait do(notify, T)";
    expect(
        "incompatible",
        both,
        "await asyncio.gather(do(ship, T), do(charge, T))\nawait do(notify, T)",
    );
    expect(
        "incompatible",
        both,
        "await do(charge, T)\nawait do(ship, T)\nawait do(notify, T)",
    );
    // What is issued earlier waits for its event; only that two are waited for is another matter.
    expect(
        "unproven",
        "await do(charge, T)\nawait do(ship, T)\nawait do(notify, T)",
        both,
    );
    expect(
        "compatible",
        both,
        "a = start(charge, T)\nb = start(ship, T)\nawait a\nawait b\nawait do(notify, T)",
    );
    expect(
        "compatible",
        both,
        "tasks = [do(charge, T), do(ship, T)]\nawait asyncio.gather(*tasks)\nawait do(notify, T)",
    );
    expect(
        "incompatible",
        both,
        "await asyncio.gather(do(charge, T))\nawait do(notify, T)",
    );
}

#[test]
fn timers() {
    expect(
        "incompatible",
        "await workflow.sleep(5)\nawait do(ship, T)",
        "await asyncio.sleep(0)\nawait do(ship, T)",
    );
    let waits = "await workflow.wait_condition(lambda: self.approved)\nawait do(ship, T)";
    let limited =
        "await workflow.wait_condition(lambda: self.approved, timeout=5)\nawait do(ship, T)";
    // The timer is taken back where the condition holds already.
    expect("unproven", waits, limited);
    expect("incompatible", limited, waits);
    expect(
        "incompatible",
        "await workflow.sleep(5)\nawait do(ship, T)",
        "await do(ship, T)",
    );
    expect(
        "compatible",
        "await workflow.wait_condition(lambda: self.approved, timeout=5)\nawait do(ship, T)",
        "await workflow.wait_condition(lambda: self.approved, timeout=MINUTE)\nawait do(ship, T)",
    );
    expect(
        "unproven",
        "await workflow.wait_condition(lambda: self.approved)\nawait do(ship, T)",
        "await workflow.wait_condition(lambda: not self.approved)\nawait do(ship, T)",
    );
}

#[test]
fn children() {
    let old = "await workflow.execute_child_workflow('Ship', id='a')\nawait do(ship, T)";
    expect("incompatible", old, &old.replace("'a'", "'b'"));
    expect("incompatible", old, &old.replace("'Ship'", "'Pack'"));
    expect(
        "compatible",
        old,
        &old.replace("id='a'", "id='a', task_queue='q'"),
    );
    let computed =
        "await workflow.execute_child_workflow('Ship', id=f'a-{order}')\nawait do(ship, T)";
    expect(
        "compatible",
        computed,
        &format!(
            "name = f'a-{{order}}'\n{}",
            computed.replace("f'a-{order}'", "name")
        ),
    );
    expect("unproven", computed, &computed.replace("a-", "b-"));
}

#[test]
fn failures() {
    let old = "try:\n    await do(charge, T)\nexcept Exception:\n    await do(notify, T)\nawait do(ship, T)";
    expect("compatible", TWO, &old.replace("notify, T", "notify, 3, T"));
    expect("incompatible", old, &TWO.replace("ship, 2", "ship"));
    expect("incompatible", old, &old.replace("notify", "ship"));
    expect(
        "compatible",
        old,
        &old.replace(
            "    await do(notify, T)",
            "    workflow.logger.info('x')\n    await do(notify, T)",
        ),
    );
}

#[test]
fn helpers() {
    let helped = workflow(
        "await self._charge()\nawait do(ship, 2, T)",
        "async def _charge(self):\n    return await do(charge, 1, T)",
    );
    assert_eq!(verdict(workflow(TWO, ""), helped.clone()), "compatible");
    assert_eq!(verdict(helped.clone(), workflow(TWO, "")), "compatible");
    let other = helped.replace("execute_activity(charge", "execute_activity(notify");
    assert!(verdict(helped, other).starts_with("incompatible"));
}

#[test]
fn handlers() {
    let handler = "@workflow.signal\nasync def approve(self) -> None:\n    await do(notify, T)";
    let old = workflow(TWO, handler);
    assert_eq!(verdict(old.clone(), old.clone()), "compatible");
    assert!(verdict(workflow(TWO, ""), old.clone()).starts_with("unproven"));
    assert!(verdict(old.clone(), workflow(TWO, "")).starts_with("incompatible"));
    let longer = workflow(TWO, &format!("{handler}\n    await do(ship, T)"));
    assert!(verdict(old, longer).starts_with("incompatible"));
    let quiet = workflow(
        TWO,
        "@workflow.signal\ndef approve(self) -> None:\n    self.approved = True",
    );
    assert!(verdict(quiet, workflow(TWO, "")).starts_with("unproven"));
    let update = workflow(
        TWO,
        "@workflow.update\nasync def change(self) -> None:\n    self.approved = True",
    );
    assert!(verdict(update, workflow(TWO, "")).starts_with("incompatible"));
}

#[test]
fn types() {
    let old = workflow(TWO, "");
    let renamed = old.replace("class HandleOrder", "class Orders");
    assert!(verdict(old.clone(), renamed.clone()).starts_with("incompatible"));
    let named = renamed.replace("@workflow.defn\n", "@workflow.defn(name=\"HandleOrder\")\n");
    assert_eq!(verdict(old.clone(), named), "compatible");
    let pinned = old
        .replace(
            "@workflow.defn\n",
            "@workflow.defn(versioning_behavior=VersioningBehavior.PINNED)\n",
        )
        .replace(
            "import timedelta\n",
            "import timedelta\nfrom temporalio.common import VersioningBehavior\n",
        );
    assert_eq!(
        verdict(pinned, workflow("await do(ship, T)", "")),
        "compatible"
    );
}
