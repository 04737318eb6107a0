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
    // What is issued earlier waits for its event.
    expect(
        "compatible",
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

/// The same workflow below other definitions.
#[track_caller]
fn expect_below(expected: &str, body: &str, old: &str, new: &str) {
    let module = |definitions: &str| {
        let before = format!("{definitions}\n\n\n@workflow.defn");
        workflow(&format!("{body}\nawait do(ship, T)"), "").replacen("@workflow.defn", &before, 1)
    };
    let found = verdict(module(old), module(new));
    assert!(
        found.starts_with(expected),
        "expected {expected}, found {found}\n--- old\n{old}\n--- new\n{new}\n--- below\n{body}"
    );
}

#[test]
fn constants_that_decide_what_is_commanded() {
    let loops = "for step in STEPS:\n    await do(step, T)";
    let steps = "STEPS = ('charge', 'pack')";
    expect_below("compatible", loops, steps, "STEPS = ['charge', 'pack']");
    expect_below("incompatible", loops, steps, "STEPS = ('pack', 'charge')");
    let rounds = "for _ in range(Limits.ROUNDS):\n    await do(charge, T)";
    let limits = "class Limits:\n    BASE = 2\n    ROUNDS = BASE\n    OTHER = 1";
    expect_below(
        "compatible",
        rounds,
        limits,
        &limits.replace("OTHER = 1", "OTHER = 2"),
    );
    expect_below(
        "incompatible",
        rounds,
        limits,
        &limits.replace("BASE = 2", "BASE = 3"),
    );
    let names = "await do(NAMES[order], T)";
    let table = "NAMES = {'a': 'charge'}\nNAMES['b'] = 'pack'";
    expect_below("compatible", names, table, &table.replace('\'', "\""));
    expect_below("unproven", names, table, &table.replace("pack", "send"));
    let members = "from enum import Enum\n\n\nclass Kind(Enum):\n    A = 'a'\n    B = 'b'";
    let member = "if order == Kind.A.value:\n    await do(charge, T)";
    let more = format!("{members}\n    C = 'c'");
    expect_below("compatible", member, members, &more);
    expect_below("unproven", member, members, &members.replace("'a'", "'x'"));
    let all = "for kind in Kind:\n    await do(charge, T)";
    expect_below("unproven", all, members, &more);
}

#[test]
fn names_that_a_module_does_not_make() {
    let asks = "if item in OTHER:\n    await do(charge, T)";
    let module = "from elsewhere import *\n\nPAIRS = [item for item in (1, 2)]\nOTHER.append(1)";
    expect_below("compatible", asks, module, &module.replace("2)", "3)"));
}

#[test]
fn defaults_that_decide_what_is_commanded() {
    let options = "from dataclasses import dataclass, field\n\n\n@dataclass\nclass Options:\n    is_quiet: bool = False\n    note: str = ''\n    steps: list = field(default_factory=lambda: ['charge'])";
    let quiet = "options = Options()\nif options.is_quiet:\n    await do(charge, T)";
    expect_below(
        "compatible",
        quiet,
        options,
        &options.replace("= ''", "= 'x'"),
    );
    expect_below(
        "unproven",
        quiet,
        options,
        &options.replace("False", "True"),
    );
    let steps = "for step in Options().steps:\n    await do(step, T)";
    expect_below(
        "incompatible",
        steps,
        options,
        &options.replace("'charge'", "'pack'"),
    );
    let helper = "async def go(count=2, word='x'):\n    print(word)\n    for _ in range(count):\n        await workflow.execute_activity(charge, start_to_close_timeout=MINUTE)";
    expect_below(
        "compatible",
        "await go()",
        helper,
        &helper.replace("'x'", "'y'"),
    );
    expect_below(
        "incompatible",
        "await go()",
        helper,
        &helper.replace("count=2", "count=3"),
    );
}

#[test]
fn what_helpers_of_conditions_do() {
    let large = "if is_large(order):\n    await do(charge, T)";
    let helper = "LIMIT = 3\n\n\ndef size(order):\n    return len(order)\n\n\ndef is_large(order):\n    if size(order) > LIMIT:\n        return True\n    return False";
    let logs = helper.replace("    return False", "    print('small')\n    return False");
    expect_below("compatible", large, helper, &logs);
    expect_below("unproven", large, helper, &helper.replace("= 3", "= 4"));
    expect_below(
        "unproven",
        large,
        helper,
        &helper.replace("len(order)", "len(order) + 1"),
    );
    let chosen = "for number in odd(order):\n    await do(charge, T)";
    let odd = "def odd(numbers):\n    found = []\n    for number in numbers:\n        if number % 2:\n            found.append(number)\n    return found";
    expect_below("compatible", chosen, odd, &odd.replace("found", "result"));
    expect_below("unproven", chosen, odd, &odd.replace("% 2", "% 3"));
    let counted =
        "meter = Meter()\nmeter.add(len(order))\nif meter.count > 2:\n    await do(charge, T)";
    let meter = "class Meter:\n    def __init__(self):\n        self.count = 0\n        self.name = ''\n\n    def add(self, number):\n        self.count += number";
    expect_below("unproven", counted, meter, &meter.replace("+=", "-="));
}

#[test]
fn what_decides_over_locals() {
    let rounds = "rounds = 2\nif order == 'x':\n    rounds = 3\nfor _ in range(rounds):\n    await do(charge, T)\nawait do(ship, T)";
    expect("unproven", rounds, &rounds.replace("'x'", "'y'"));
    expect("compatible", rounds, &rounds.replace("rounds", "count"));
    let chosen = "todo = []\nfor item in order:\n    if item == 'x':\n        continue\n    todo.append(item)\nfor item in todo:\n    await do(charge, T)\nawait do(ship, T)";
    expect("unproven", chosen, &chosen.replace("'x'", "'y'"));
    expect("compatible", chosen, &chosen.replace("todo", "left"));
}

#[test]
fn patches_in_expressions() {
    let one = "await do('charge', T)\nawait do(ship, T)";
    let chosen = "await do('pack' if workflow.patched('p') else 'charge', T)\nawait do(ship, T)";
    expect("compatible", one, chosen);
    let wrong = chosen.replace("if workflow", "if not workflow");
    expect("incompatible", one, &wrong);
    let kept = "name = 'charge'\nif workflow.patched('p'):\n    name = 'pack'\nawait do(name, T)\nawait do(ship, T)";
    expect("compatible", one, kept);
    let rounds = "rounds = 3 if workflow.patched('p') else 1\nfor _ in range(rounds):\n    await do('charge', T)\nawait do(ship, T)";
    expect("compatible", one, rounds);
    let guarded =
        "await do('charge', T)\nworkflow.patched('p') and await do('pack', T)\nawait do(ship, T)";
    expect("compatible", one, guarded);
}

/// `run` starts an activity, waits, does something with the handle, and goes on.
#[track_caller]
fn expect_of_handle(expected: &str, old: (&str, &str), new: (&str, &str)) {
    let written = |(what, members): (&str, &str)| {
        let started = "self.live = start('live', T)\nawait do('crawl', T)\n";
        let body = format!("{started}{what}\nawait do('finish', T)");
        workflow(&body, members)
    };
    let found = verdict(written(old), written(new));
    assert!(
        found.starts_with(expected),
        "expected {expected}, found {found}\n--- old\n{old:?}\n--- new\n{new:?}"
    );
}

#[test]
fn a_handle_is_cancelled_wherever_it_came_from() {
    let stops = "def stop(self, handle):\n    handle.cancel()";
    let keeps = "def stop(self, handle):\n    return None";
    expect_of_handle(
        "unproven",
        ("self.stop(self.live)", stops),
        ("self.stop(self.live)", keeps),
    );
    expect_of_handle(
        "unproven",
        ("self.stop(self.live)", keeps),
        ("self.stop(self.live)", stops),
    );
    expect_of_handle(
        "compatible",
        ("self.stop(self.live)", stops),
        ("self.live.cancel()", stops),
    );
    expect_of_handle("unproven", ("self.live.cancel()", ""), ("pass", ""));
    let own = "def stop(self):\n    self.live.cancel()";
    expect_of_handle("unproven", ("self.stop()", own), ("pass", own));
    expect_of_handle(
        "compatible",
        ("self.stop()", own),
        ("self.live.cancel()", ""),
    );
}

#[test]
fn a_parameter_is_the_handle_that_the_caller_made() {
    let stops = "def stop(self, handle):\n    handle.cancel()";
    let keeps = "def stop(self, handle):\n    return None";
    let body = |name: &str| {
        format!(
            "{name} = start('live', T)\nawait do('crawl', T)\nself.stop({name})\nawait do('finish', T)"
        )
    };
    let found = verdict(workflow(&body("a"), stops), workflow(&body("a"), keeps));
    assert!(found.starts_with("unproven"), "{found}");
    assert!(found.contains("cancel activity live"), "{found}");
    let found = verdict(workflow(&body("a"), stops), workflow(&body("b"), stops));
    assert_eq!(found, "compatible");
}
