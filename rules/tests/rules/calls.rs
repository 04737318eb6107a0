//! The rules about calls, on the steps of one small bundle: what is wrong is found, and what only
//! looks wrong is not.

use lint_core::diagnostic::Severity;

use crate::support::{Found, lint};

const IMPORTS: &str = "\
import asyncio
import functools
from datetime import timedelta

from ntro.capabilities.checks import run_quality_check
from ntro.workflow import NtroWorkflow, UIComponent, WorkflowError, runbook, task

from . import activities as acts
from .activities import ask, custom, count_up, many, no_input, raw, two
from .delivery import Sender, hidden, send

T = timedelta(minutes=1)
NONE = timedelta(0)
OPTIONS = {\"start_to_close_timeout\": T}
HINT = {\"component\": \"DATA_TABLE\", \"config\": {\"title\": \"x\"}}
SIGNAL = \"document_submitted\"
";

const CLASS: &str = "\
class Receiving:
    @runbook.signal
    def late_signal(self, payload: dict) -> None: ...


@runbook.defn
class BigCloseWorkflow(Receiving, NtroWorkflow):
    def __init__(self) -> None:
        super().__init__()
        self._done = False
        self._docs = []

    @runbook.signal
    async def document_submitted(self, payload: dict) -> None:
        self._docs.append(payload)

    @property
    def ready(self):
        return lambda: self._done

    def _make_predicate(self, n):
        return lambda: len(self._docs) > n

    def _is_done(self, extra=None) -> bool:
        return self._done

    def _is_over(self, n) -> bool:
        return self._done

    async def _is_open(self) -> bool:
        return self._done

    async def _note(self) -> None: ...

    async def _scheduled(self, fn, arg, **kwargs):
        kwargs.setdefault(\"start_to_close_timeout\", T)
        return await runbook.execute_activity(fn, arg, **kwargs)

    def _pending(self, x):
        return runbook.execute_activity(count_up, x, start_to_close_timeout=T)

    async def _review(self):
        return await self.wait_for_action(payload=1)

    @runbook.step(name=\"work\", title=\"Work\", icon=\"Eye\")
    async def _step_work(self, ctx: dict) -> object:
";

const RUN: &str = "
    @runbook.run
    async def run(self, ctx: dict) -> object:
        return await self._step_work(ctx)
";

const ACTIVITIES: &str = "\
from ntro.capabilities import checks
from ntro.workflow import activity, agents

from .delivery import Sender, send


def named(fn):
    return activity.defn(name=fn.__name__)(fn)


@named
async def custom(x: str) -> str:
    return x


async def _raw(x: str) -> str:
    return x


raw = activity.defn(name=\"big_close.raw\")(_raw)


async def plain(x: str) -> str:
    return x


@activity.defn
async def count_up(x: str, y: int = 3) -> str:
    return x


@activity.defn
async def no_input() -> str:
    return \"\"


@activity.defn
async def two(x: str, y: int) -> str:
    return x


@activity.defn
async def many(*xs: str) -> str:
    return \"\"


@activity.defn
async def ask(x: str) -> str:
    return (await agents.invoke(\"id\", input={}, max_poll_seconds=2 * 60)).status
";

const DELIVERY: &str = "\
from ntro.workflow import activity


@activity.defn
async def send(report: str) -> None: ...


@activity.defn
async def hidden(report: str) -> None: ...


class Sender:
    @activity.defn
    async def push(self, report: str) -> None: ...
";

/// What the rules about calls find in a step with this body.
fn found_in(body: &str) -> Vec<Found> {
    let body = body.replace('\n', "\n        ");
    let workflow = format!("{IMPORTS}\n\n{CLASS}        {body}\n        return ctx\n{RUN}");
    let files = [
        ("workflow.py", workflow.as_str()),
        ("activities.py", ACTIVITIES),
        ("delivery.py", DELIVERY),
    ];
    let files = files.map(|(name, text)| (format!("templates/{name}"), text.to_owned()));
    lint(files, |metadata| {
        metadata.code.starts_with("RB4") && (metadata.default || metadata.code == "RB426")
    })
}

fn codes(body: &str) -> Vec<&'static str> {
    let found = found_in(body);
    found.iter().map(|it| it.diagnostic.code).collect()
}

/// The only finding in a step with this body.
fn only(body: &str) -> Found {
    let mut found = found_in(body);
    assert_eq!(found.len(), 1, "{body}: {found:?}");
    found.remove(0)
}

/// The text of the only replacement that is offered.
fn replacement(body: &str) -> String {
    let found = only(body);
    let [fix] = &found.diagnostic.fixes[..] else {
        panic!("{body}: {:?}", found.diagnostic.fixes);
    };
    fix.edits[0].replacement.clone()
}

#[test]
fn wrong_calls_of_activities_are_found() {
    for (body, code) in [
        ("await runbook.execute_activity(raw, 'x')", "RB401"),
        (
            "await runbook.execute_activity(raw, 'x', start_to_close_timeout=None)",
            "RB401",
        ),
        (
            "await runbook.execute_activity(raw, 'x', start_to_close_timeout=NONE)",
            "RB401",
        ),
        (
            "await runbook.execute_activity(raw, 'x', schedule_to_start_timeout=T)",
            "RB401",
        ),
        (
            "await runbook.execute_activity(count_up, 'x', 2, **OPTIONS)",
            "RB402",
        ),
        (
            "await runbook.execute_activity(count_up, **{'start_to_close_timeout': T})",
            "",
        ),
        (
            "await runbook.execute_activity(count_up, None, start_to_close_timeout=T)",
            "RB402",
        ),
        (
            "await runbook.execute_activity(no_input, 'x', start_to_close_timeout=T)",
            "RB402",
        ),
        (
            "await runbook.execute_activity(two, 'x', start_to_close_timeout=T)",
            "RB402",
        ),
        (
            "await self.run_step('ask', ask, 'x', 'y', start_to_close_timeout=T * 60)",
            "RB402",
        ),
        (
            "await runbook.execute_activity(two, args=['x', 1], start_to_close_timeout=T)",
            "RB403",
        ),
        (
            "await runbook.execute_activity(count_up, arg='x', start_to_close_timeout=T)",
            "RB403",
        ),
        (
            "await runbook.execute_activity('count_up', 'x', start_to_close_timeout=T)",
            "RB403",
        ),
        (
            "await runbook.execute_activity(lambda x: x, 'x', start_to_close_timeout=T)",
            "RB405",
        ),
        (
            "await runbook.execute_activity(acts.plain, 'x', start_to_close_timeout=T)",
            "RB405",
        ),
        (
            "await runbook.execute_activity(self._is_done, start_to_close_timeout=T)",
            "RB405",
        ),
        (
            "await runbook.execute_activity(count_up('x'), start_to_close_timeout=T)",
            "RB405",
        ),
        (
            "await runbook.execute_activity(await count_up('x'), start_to_close_timeout=T)",
            "RB405",
        ),
        (
            "await runbook.execute_activity(hidden, 'x', start_to_close_timeout=T)",
            "RB406",
        ),
        (
            "await runbook.execute_activity(run_quality_check, {}, start_to_close_timeout=T)",
            "RB407",
        ),
        (
            "await self.find_committed_document(workflow_slug='a', entity_id='b', source='c')",
            "RB407",
        ),
        (
            "await task.previous(workflow_slug='a', entity_id='b')",
            "RB407",
        ),
        (
            "await runbook.execute_activity(ask, 'x', start_to_close_timeout=T)",
            "RB425",
        ),
    ] {
        let expected: Vec<&str> = [code].into_iter().filter(|code| !code.is_empty()).collect();
        assert_eq!(codes(body), expected, "{body}");
    }
}

#[test]
fn right_calls_of_activities_are_not_found() {
    for body in [
        "await runbook.execute_activity(count_up, 'x', **OPTIONS)",
        "await self._scheduled(count_up, 'x')",
        "await runbook.execute_activity(custom, 'x', start_to_close_timeout=T)",
        "await runbook.execute_activity(raw, 'x', start_to_close_timeout=T)",
        "await runbook.execute_activity(many, start_to_close_timeout=T)",
        "await runbook.execute_activity(no_input, schedule_to_close_timeout=T)",
        "await runbook.execute_activity(*ctx, start_to_close_timeout=T)",
        "await runbook.execute_activity(acts.send, 'x', start_to_close_timeout=T)",
        "await runbook.execute_activity(send, 'x', start_to_close_timeout=T)",
        "await runbook.execute_activity(Sender.push, 'x', start_to_close_timeout=T)",
        "await runbook.execute_activity(acts.checks.run_it(), 'x', start_to_close_timeout=T)",
        "await runbook.execute_activity(ctx['activity'], 'x', start_to_close_timeout=T)",
        "await runbook.execute_activity(ask, 'x', start_to_close_timeout=timedelta(minutes=3))",
        "await runbook.execute_activity(ask, 'x', start_to_close_timeout=ctx['timeout'])",
        "await self.run_step('note', self._note)",
        "await self.run_step('ask', count_up, 'x')",
        "raw = ctx['raw']\nawait runbook.execute_activity(raw, 'x', start_to_close_timeout=T)",
    ] {
        assert_eq!(codes(body), [""; 0], "{body}");
    }
}

#[test]
fn coroutines_that_nobody_awaits_are_found() {
    for body in [
        "runbook.execute_activity(raw, 'x', start_to_close_timeout=T)",
        "[runbook.execute_activity(raw, x, start_to_close_timeout=T) for x in ctx]",
        "pending = [runbook.execute_activity(raw, x, start_to_close_timeout=T) for x in ctx]",
        "_ = runbook.wait_condition(lambda: bool(ctx))",
        "self._call = runbook.execute_activity(raw, 'x', start_to_close_timeout=T)",
        "found = self._note()\nif found:\n    pass",
        "if runbook.execute_activity(raw, 'x', start_to_close_timeout=T):\n    pass",
        "print(runbook.execute_activity(raw, 'x', start_to_close_timeout=T).amount)",
        "print(f\"{runbook.execute_activity(raw, 'x', start_to_close_timeout=T)}\")",
        "return runbook.execute_activity(raw, 'x', start_to_close_timeout=T)",
        "self.await_signal_with_action(predicate=self._is_done, action=ctx)",
        "self.run_child_workflow(slug='document-ingest', input=1)",
        "asyncio.sleep(5)",
        "self._note()",
        "child = runbook.start_child_workflow('nav', id='a')",
        "calls = []\ncalls.append(runbook.execute_activity(raw, 'x', start_to_close_timeout=T))",
    ] {
        assert_eq!(codes(body), ["RB404"], "{body}");
    }
}

#[test]
fn coroutines_that_are_awaited_later_are_not_found() {
    for body in [
        "call = runbook.execute_activity(raw, 'x', start_to_close_timeout=T)\nawait call",
        "asyncio.create_task(runbook.execute_activity(raw, 'x', start_to_close_timeout=T))",
        "await asyncio.gather(*[runbook.execute_activity(raw, x, start_to_close_timeout=T) for x in ctx])",
        "calls = [self._pending(x) for x in ctx]\nawait asyncio.gather(*calls)",
        "calls = []\ncalls.append(runbook.execute_activity(raw, 'x', start_to_close_timeout=T))\n\
         await asyncio.gather(*calls)",
        "calls = {x: runbook.execute_activity(raw, x, start_to_close_timeout=T) for x in ctx}\n\
         for call in calls.values():\n    await call",
        "await (runbook.execute_activity(raw, 'x', start_to_close_timeout=T) if ctx else self._note())",
        "self._call = runbook.execute_activity(raw, 'x', start_to_close_timeout=T)\nawait self._call",
        "found = self._note() if ctx else None\nif found:\n    await found",
        "call = self._note()\nasync def later():\n    await call\nawait later()",
        "return await runbook.execute_activity(raw, 'x', start_to_close_timeout=T)",
        "self.set_user_feedback(kind='note', payload={})",
    ] {
        assert_eq!(codes(body), [""; 0], "{body}");
    }
}

#[test]
fn gates_that_cannot_work_are_found() {
    for (body, code) in [
        ("await runbook.wait_condition(self._is_open)", "RB411"),
        (
            "await runbook.wait_condition(lambda: self._is_open())",
            "RB411",
        ),
        (
            "await runbook.wait_condition(lambda: self._is_done)",
            "RB411",
        ),
        ("await runbook.wait_condition(self._is_over)", "RB411"),
        ("await runbook.wait_condition(lambda n: n)", "RB411"),
        ("await runbook.wait_condition(self._is_done())", "RB411"),
        (
            "await self.wait_for_signal_predicate(bool(self._docs))",
            "RB411",
        ),
        (
            "await runbook.wait_condition(self._is_done, timeout=T)",
            "RB412",
        ),
        (
            "await self.await_signal_with_action(predicate=self._is_done, action=ctx, timeout=T)",
            "RB412",
        ),
        (
            "await self.await_signal_with_action(predicate=self._is_done)",
            "RB413",
        ),
        (
            "await self.run_child_workflow(slug='document-ingest', inputs=1, input=1)",
            "RB413",
        ),
        (
            "await self.await_signal_with_action(predicate=self._is_done, action={'reason': 'x'})",
            "RB414",
        ),
        (
            "await self.await_signal_with_action(predicate=self._is_done, action={'kind': 'upload'})",
            "RB414",
        ),
        (
            "await self.await_signal_with_action(predicate=self._is_done, action={'kind': 'submit_file', \
             'args': {'signal_task_id': runbook.info().workflow_id, 'signal_name': 'documents'}})",
            "RB415",
        ),
        (
            "await self.await_signal_with_action(predicate=self._is_done, action={'kind': 'submit_file'})",
            "RB416",
        ),
        (
            "await self.await_signal_with_action(predicate=self._is_done, action=ctx, display_hint={})",
            "RB417",
        ),
        (
            "await self.await_signal_with_action(predicate=self._is_done, action=ctx, \
             display_hint={'component': 'FileUpload'})",
            "RB418",
        ),
        (
            "await self.await_signal_with_action(predicate=self._is_done, action=ctx, \
             display_hint={'component': UIComponent.MULTI_FILE_UPLOAD})",
            "RB418",
        ),
        (
            "await self.await_signal_with_action(predicate=self._is_done, action=ctx, \
             display_hint={'component': UIComponent.LOADING})",
            "RB419",
        ),
    ] {
        assert_eq!(codes(body), [code], "{body}");
    }
}

#[test]
fn gates_that_work_are_not_found() {
    for body in [
        "await runbook.wait_condition(self._is_done)",
        "await runbook.wait_condition(self.ready)",
        "await runbook.wait_condition(self._make_predicate(3))",
        "await runbook.wait_condition(lambda: self._is_done(), timeout=3)",
        "await runbook.wait_condition(lambda n=3: len(self._docs) > n)",
        "await runbook.wait_condition(functools.partial(self._is_done, 1))",
        "await runbook.wait_condition(self._is_done, timeout=T.total_seconds())",
        "await self.await_signal_with_action(predicate=self._is_done, action={'kind': ctx['kind']})",
        "await self.await_signal_with_action(predicate=self._is_done, action={**ctx})",
        "await self.await_signal_with_action(**ctx)",
        "await self.await_signal_with_action(predicate=self._is_done, action={'kind': 'submit_file', \
         'args': {'signal_task_id': runbook.info().workflow_id, 'signal_name': SIGNAL}})",
        "await self.await_signal_with_action(predicate=self._is_done, action={'kind': 'submit_file', \
         'args': {'signal_task_id': ctx['child'], 'signal_name': 'documents'}})",
        "await self.await_signal_with_action(predicate=self._is_done, action={'kind': 'submit_file', \
         'args': {'signal_task_id': runbook.info().workflow_id, 'signal_name': 'late_signal'}})",
        "await self.await_signal_with_action(predicate=self._is_done, action={'kind': 'drill_down'})",
        "return await self.wait_for_action(display_hint={})",
        "return await self.wait_for_action(display_hint={**HINT})",
        "return await self.wait_for_action(display_hint={'component': ctx['component']})",
        "return await self.wait_for_action(display_hint={'component': UIComponent.DATA_TABLE.value})",
        "return await self.wait_for_action(display_hint={'component': 'REPORT_PREVIEW', \
         'config': {'approve_label': 'Post'}})",
    ] {
        // The `run` method of these tests returns whatever the step returns.
        assert_eq!(codes(body), [""; 0], "{body}");
    }
}

#[test]
fn children_with_one_id_are_found() {
    let severities = |body: &str| -> Vec<_> {
        let found = found_in(body);
        let found = found
            .iter()
            .map(|it| (it.diagnostic.code, it.diagnostic.severity));
        found.collect()
    };
    let sequence = "await self.run_child_workflow(slug='document-ingest', input=1)\n\
                    await self.run_child_workflow(slug='document-ingest', input=2)";
    assert_eq!(severities(sequence), [("RB422", Severity::Warning)]);
    let gathered = "await asyncio.gather(\n\
                    self.run_child_workflow(slug='document-ingest', input=1),\n\
                    self.run_child_workflow(slug='document-ingest', input=2))";
    assert_eq!(severities(gathered), [("RB422", Severity::Error)]);
    let many = "await self.run_child_workflows(slug='document-ingest', inputs=[1, 2])";
    assert_eq!(severities(many), [("RB422", Severity::Error)]);
    let unknown = "await self.run_child_workflows(slug='document-ingest', inputs=ctx)";
    assert_eq!(severities(unknown), [("RB422", Severity::Warning)]);
    let sources =
        "await self.collect_documents(expected=[{'source': 'a'}, {'source': 'a'}], inputs=[1, 2])";
    assert_eq!(severities(sources), [("RB422", Severity::Error)]);
    for body in [
        "await self.run_child_workflow(slug='document-ingest', input=1)\n\
         await self.run_child_workflow(slug='document-ingest', input=1, step_id='b')",
        "for x in ctx:\n    await self.run_child_workflow(slug='document-ingest', input=1, step_id=f's-{x}')",
        "if ctx:\n    await self.run_child_workflow(slug='document-ingest', input=1)\n\
         else:\n    await self.run_child_workflow(slug='document-ingest', input=2)",
        "await self.run_child_workflows(slug='document-ingest', inputs=[1])",
        "await self.collect_documents(expected=[{'source': s} for s in ctx], inputs=[1, 2])",
    ] {
        assert_eq!(codes(body), [""; 0], "{body}");
    }
}

#[test]
fn dropped_decisions_and_cancellations_are_found() {
    for (body, code) in [
        ("decision = await self.wait_for_action(payload=1)", "RB424"),
        ("await self._review()", "RB424"),
        (
            "try:\n    await asyncio.sleep(1)\nexcept:\n    pass",
            "RB427",
        ),
        (
            "try:\n    await asyncio.sleep(1)\nexcept (ValueError, BaseException):\n    pass",
            "RB427",
        ),
        (
            "try:\n    await self._scheduled(raw, 'x')\nexcept Exception as error:\n    print(str(error))",
            "RB427",
        ),
        ("raise WorkflowError('x')", "RB426"),
    ] {
        assert_eq!(codes(body), [code], "{body}");
    }
    for body in [
        "decision = await self._review()\nif decision['type'] == 'rejected':\n    return None",
        "return (await self._review())['type']",
        "try:\n    await asyncio.sleep(1)\nexcept Exception:\n    pass",
        "try:\n    await self._scheduled(raw, 'x')\nexcept Exception as error:\n    raise ValueError from error",
        "try:\n    await self._scheduled(raw, 'x')\nexcept Exception as error:\n    if is_cancelled(error):\n        return None",
        "try:\n    int('x')\nexcept Exception:\n    pass",
    ] {
        assert_eq!(codes(body), [""; 0], "{body}");
    }
}

#[test]
fn fixes_are_the_one_right_edit() {
    for (body, expected) in [
        (
            "await runbook.wait_condition(len(self._docs) > 1)",
            "lambda: len(self._docs) > 1",
        ),
        (
            "await runbook.wait_condition(not self._done)",
            "lambda: not self._done",
        ),
        (
            "await runbook.wait_condition(self._is_done, timeout=timedelta(days=1))",
            "timedelta(days=1).total_seconds()",
        ),
        ("return await self.wait_for_action(ctx)", "payload=ctx"),
        (
            "return await self.wait_for_action(ctx, payload=1)",
            "display_hint=ctx",
        ),
        (
            "return await self.wait_for_action(display_hint={'component': 'data-table'})",
            "DATA_TABLE",
        ),
    ] {
        assert_eq!(replacement(body), expected, "{body}");
    }
    for body in [
        "await runbook.wait_condition(self._is_open)",
        "return await self.wait_for_action(display_hint={'component': 'Table'})",
    ] {
        assert!(only(body).diagnostic.fixes.is_empty(), "{body}");
    }
}

#[test]
fn plain_temporal_code_is_told_what_holds_for_every_workflow() {
    let text = "\
from temporalio import activity, workflow


@activity.defn
async def work(x: str, *, y: int = 1): ...


async def plain(x: str) -> None: ...


@workflow.defn
class Work:
    @workflow.run
    async def run(self, api_key: str) -> None:
        await workflow.execute_activity(plain, args=[1, 2], start_to_close_timeout=1)
        await workflow.wait_condition(self.run)
        await workflow.execute_local_activity_method(Work.run, 'x')
        workflow.start_activity(work, 'x', schedule_to_close_timeout=1)
        workflow.start_activity(work, 'x')
        workflow.execute_local_activity(work, 'x', schedule_to_close_timeout=1)
        try:
            await workflow.sleep(1)
        except BaseException:
            pass
";
    let files = [("work.py".to_owned(), text.to_owned())];
    let found = lint(files, |metadata| metadata.code.starts_with("RB4"));
    let mut found: Vec<_> = found
        .iter()
        .map(|it| (it.line, it.diagnostic.code))
        .collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [
            (15, "RB401"),
            (15, "RB405"),
            (17, "RB401"),
            (18, "RB401"),
            (19, "RB401"),
            (20, "RB401"),
            (20, "RB404"),
        ]
    );
}
