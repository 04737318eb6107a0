//! What the rules about classes, facade and steps find, and what they leave alone, beyond the
//! examples of their documentation.

use std::collections::BTreeMap;

use lint_core::diagnostic::{Diagnostic, Fix};

use crate::support::lint;

/// The codes of RB2xx and RB3xx found in `templates/workflow.py`, each with its line.
fn found(workflow: &str) -> Vec<(&'static str, u32)> {
    found_in([("templates/workflow.py", workflow)])
        .into_iter()
        .map(|(code, _, line)| (code, line))
        .collect()
}

fn found_in<const N: usize>(files: [(&str, &str); N]) -> Vec<(&'static str, String, u32)> {
    let files = files.map(|(path, text)| (path.to_owned(), text.to_owned()));
    let mut found: Vec<_> = lint(files, |metadata| metadata.default && !metadata.preview)
        .into_iter()
        .map(|it| (it.diagnostic.code, it.path, it.line))
        .filter(|(code, ..)| code.starts_with("RB2") || code.starts_with("RB3"))
        .collect();
    found.sort_by(|a, b| (a.2, a.0).cmp(&(b.2, b.0)));
    found
}

/// A runbook with this class body, which starts on line 7, below one step and a run method.
fn runbook(body: &str) -> String {
    format!(
        "import asyncio\n\
         from ntro.workflow import NtroWorkflow, activity, runbook\n\
         \n\
         \n\
         @runbook.defn\n\
         class CloseBooksWorkflow(NtroWorkflow):\n    {}\n",
        body.trim_start_matches('\n').replace('\n', "\n    ")
    )
}

const RUN: &str = "
@runbook.run
async def run(self, context: dict) -> dict:
    return await self._step_close(context)
@runbook.step(name='close', title='Close', icon='Lock')
async def _step_close(self, context: dict) -> dict:
    return context";

#[test]
fn a_plain_runbook_is_clean() {
    assert_eq!(found(&runbook(RUN)), []);
}

#[test]
fn plain_temporal_workflows_are_left_alone() {
    let text = "from temporalio import workflow\n\n\n@workflow.defn(name='x')\nclass Close:\n    \
                def __init__(self):\n        self._pending_action = 1\n    \
                @workflow.run\n    async def run(self, context):\n        \
                await workflow.sleep(1)\n        return workflow.info().namespace\n    \
                @workflow.query\n    def current_steps(self): ...\n";
    assert_eq!(found(text), []);
}

#[test]
fn names_are_resolved_not_compared() {
    for (body, line) in [
        // A parameter, a variable and a loop shadow the facade.
        (
            "async def a(self, runbook: dict): return runbook.uuid4()",
            None,
        ),
        (
            "async def a(self, x: dict):\n    runbook = x\n    return runbook.sleep(1)",
            None,
        ),
        (
            "async def a(self, x: list):\n    return [runbook.anything for runbook in x]",
            None,
        ),
        (
            "async def a(self, workflow: dict): return workflow.now()",
            None,
        ),
        ("async def a(self): return runbook.sleep(1)", Some(7)),
        // An alias is followed.
        (
            "async def a(self):\n    rb = runbook\n    return rb.sleep(1)",
            Some(9),
        ),
        (
            "async def a(self): return (lambda: runbook.sleep(1))()",
            Some(7),
        ),
        (
            "@runbook.steps(name='a', title='b')\ndef a(self): ...",
            Some(7),
        ),
    ] {
        let expected: Vec<_> = line.map(|line| ("RB210", line)).into_iter().collect();
        assert_eq!(found(&runbook(&format!("{body}{RUN}"))), expected, "{body}");
    }
}

#[test]
fn the_run_method() {
    for (body, expected) in [
        (
            "@runbook.run\nasync def run(self, *, context: dict) -> dict: ...",
            vec![("RB203", 8)],
        ),
        (
            "@runbook.run\nasync def run(self) -> dict: ...",
            vec![("RB216", 8)],
        ),
        (
            "@runbook.run\nasync def run(self, a: dict, b: dict) -> dict: ...",
            vec![("RB216", 8)],
        ),
        (
            "@runbook.run\nasync def run(self, a: dict, b: dict = {}) -> dict: ...",
            vec![],
        ),
        (
            "@runbook.run\nasync def run(self, *inputs: dict) -> dict: ...",
            vec![],
        ),
        (
            "async def run(self, context: dict) -> dict: ...",
            vec![("RB203", 7)],
        ),
        ("run = None", vec![]),
        ("pass", vec![("RB203", 6)]),
        (
            "@runbook.run\nasync def run(self, c: dict): ...\n@runbook.run\nasync def go(self, c: dict): ...",
            vec![("RB203", 10)],
        ),
    ] {
        assert_eq!(found(&runbook(body)), expected, "{body}");
    }
}

#[test]
fn members_of_the_class() {
    for (body, expected) in [
        (
            "def __init__(self):\n    NtroWorkflow.__init__(self)",
            vec![],
        ),
        (
            "def __init__(self, x=1, *rest):\n    super(CloseBooksWorkflow, self).__init__()",
            vec![],
        ),
        (
            "def __init__(self):\n    self._x = 1\n    super().__init__()",
            vec![],
        ),
        (
            "def __init__(self):\n    self._x = self._gate_token\n    super().__init__()",
            vec![("RB205", 8)],
        ),
        (
            "async def a(self): self._pending_payload['rows'] = []",
            vec![],
        ),
        (
            "async def a(self, other): other._pending_payload = []",
            vec![],
        ),
        (
            "async def a(self): self._gate_token += 1",
            vec![("RB206", 7)],
        ),
        (
            "async def a(self): self._pending_payload, x = [], 1",
            vec![("RB206", 7)],
        ),
        ("def current_steps(self): ...", vec![("RB206", 7)]),
        ("@runbook.query\ndef current_steps(self): ...", vec![]),
        (
            "@runbook.query\ndef user_action(self): ...",
            vec![("RB206", 8)],
        ),
        (
            "@runbook.signal\ndef a(self): ...\n@runbook.signal\ndef a(self): ...",
            vec![("RB207", 10)],
        ),
        (
            "@runbook.signal(name='a')\ndef x(self): ...\n@runbook.query(name='a')\ndef y(self): ...",
            vec![],
        ),
        (
            "@runbook.query(name='current_steps')\ndef x(self): ...",
            vec![("RB207", 8)],
        ),
        ("@runbook.signal()\ndef x(self): ...", vec![]),
        ("@runbook.query\nasync def x(self): ...", vec![("RB215", 8)]),
        (
            "async def a(self): return runbook.info().workflow_id",
            vec![],
        ),
        (
            "async def a(self): return runbook.info().parent",
            vec![("RB212", 7)],
        ),
        (
            "async def a(self): return activity.info().attempt",
            vec![("RB219", 7)],
        ),
        (
            "async def a(self): activity.logger.info('x')",
            vec![("RB219", 7)],
        ),
        ("started = runbook.now()", vec![("RB219", 7)]),
        ("log = runbook.logger", vec![]),
    ] {
        assert_eq!(found(&runbook(&format!("{body}{RUN}"))), expected, "{body}");
    }
}

#[test]
fn steps() {
    for (body, expected) in [
        ("@runbook.step(**META)\nasync def _a(self): ...\n", vec![]),
        (
            "@runbook.step(name='x:y', title='X')\nasync def _a(self): ...\n",
            vec![("RB303", 7)],
        ),
        (
            "@runbook.step(name='x', title=' ')\nasync def _a(self): ...\n",
            vec![("RB303", 7)],
        ),
        (
            "@runbook.step(name='x' 'y', title='X')\nasync def _a(self): ...\n",
            vec![],
        ),
        (
            "@runbook.step(name=f'x{1}', title='X')\nasync def _a(self): ...\n",
            vec![("RB306", 7)],
        ),
        (
            "@runbook.step(name='x', title=1)\nasync def _a(self): ...\n",
            vec![("RB306", 7)],
        ),
        (
            "@runbook.step(name='x', title='X', icon=None)\nasync def _a(self): ...\n",
            vec![],
        ),
        (
            "@runbook.step(name='x', title='X', icon='')\nasync def _a(self): ...\n",
            vec![],
        ),
        (
            "@runbook.step(name='x', title='X', icon='file-text')\nasync def _a(self): ...\n",
            vec![("RB307", 7)],
        ),
        (
            "@runbook.step(name='x', title='X', icon='CheckCircle2')\nasync def _a(self): ...\n",
            vec![("RB308", 7)],
        ),
        (
            "@runbook.step(name='x', title='X', config=dict(a=1))\nasync def _a(self): ...\n",
            vec![],
        ),
        (
            "@runbook.step(name='x', title='X', config='a')\nasync def _a(self): ...\n",
            vec![("RB319", 7)],
        ),
        (
            "@runbook.step(name='close', title='X')\nasync def _a(self): ...\n",
            vec![("RB302", 16)],
        ),
        (
            "@runbook.step(name='x', title='close')\nasync def _a(self): ...\n",
            vec![("RB321", 16)],
        ),
        (
            "@runbook.step(name='x', title='X')\ndef _a(self): return 1\n",
            vec![("RB305", 8)],
        ),
        (
            "@runbook.step(name='x', title='X')\ndef _a(self): return self.wait_for_action()\n",
            vec![("RB305", 8)],
        ),
        (
            "@staticmethod\n@runbook.step(name='x', title='X')\nasync def _a(context): ...\n",
            vec![("RB316", 9)],
        ),
        (
            "@runbook.step(name='x', title='X')\nasync def _a(self): await self._step_close({})\n",
            vec![("RB313", 8)],
        ),
        (
            "@runbook.query\n@runbook.step(name='x', title='X')\nasync def _a(self): ...\n",
            vec![("RB318", 8)],
        ),
    ] {
        // The step is called by a handler, so it does run.
        let body = format!(
            "{body}@runbook.signal\nasync def poke(self):\n    await self._a()\n    await self._step_close({{}})"
        );
        let mut found = found(&runbook(&format!("{body}{RUN}")));
        found.retain(|it| !matches!(it.0, "RB215" | "RB311"));
        assert_eq!(found, expected, "{body}");
    }
}

#[test]
fn calls_of_steps() {
    let two = |run: &str| {
        runbook(&format!(
            "@runbook.step(name='a', title='A')\nasync def _a(self): ...\n\
             @runbook.step(name='b', title='B')\nasync def _b(self): ...\n\
             @runbook.run\nasync def run(self, context: dict):\n    {}",
            run.replace('\n', "\n    ")
        ))
    };
    for (run, expected) in [
        ("await self._a()\nawait self._b()", vec![]),
        ("await self._b()\nawait self._a()", vec![("RB311", 14)]),
        ("await self._a()\nawait self._b()\nawait self._a()", vec![]),
        (
            "if context:\n    await self._b()\nelse:\n    await self._a()",
            vec![],
        ),
        ("for step in (self._b, self._a):\n    await step()", vec![]),
        ("await self._a()", vec![("RB310", 10)]),
        ("await self._a()\nself._b()", vec![("RB312", 14)]),
        ("await self._a()\nreturn self._b()", vec![("RB312", 14)]),
        ("await self._a()\nx = self._b()", vec![("RB312", 14)]),
        ("await self._a()\nx = self._b()\nawait x", vec![]),
        (
            "await self._a()\nx = [self._b() for _ in context]\nfor y in x:\n    await y",
            vec![],
        ),
        (
            "await self._a()\n[self._b() for _ in context]",
            vec![("RB312", 14)],
        ),
        (
            "await self._a()\nawait asyncio.wait_for(self._b(), 1)",
            vec![],
        ),
        ("await self._a()\nawait asyncio.gather(self._b())", vec![]),
        (
            "await asyncio.gather(self._b(), self._a())",
            vec![("RB314", 13)],
        ),
        (
            "await asyncio.gather(*[s() for s in (self._b, self._a)])",
            vec![],
        ),
        (
            "await self._a()\nawait asyncio.gather(*[self._b() for _ in context])",
            vec![("RB314", 14)],
        ),
        ("await self._a()\nawait getattr(self, '_b')()", vec![]),
        (
            "await self.run_step('a', self._a)\nawait self._b()",
            vec![("RB213", 13)],
        ),
    ] {
        assert_eq!(found(&two(run)), expected, "{run}");
    }
}

#[test]
fn bundles_do_not_use_the_steps_of_each_other() {
    let calling = runbook(RUN);
    let idle = calling.replace("return await self._step_close(context)", "return context");
    let found = found_in([
        ("runbooks/a/templates/workflow.py", &calling),
        ("runbooks/b/templates/workflow.py", &idle),
    ]);
    let found: Vec<_> = found.iter().map(|it| (it.0, it.1.as_str())).collect();
    assert_eq!(found, [("RB310", "runbooks/b/templates/workflow.py")]);
}

#[test]
fn inherited_classes() {
    let base = "from ntro.workflow import NtroWorkflow, runbook\n\n\n\
        class FundWorkflow(NtroWorkflow):\n    \
            async def run_all(self, context: dict) -> dict:\n        \
                return await self._step_close(context)\n";
    let workflow = "from ntro.workflow import runbook\nfrom .base import FundWorkflow\n\n\n\
        @runbook.defn\nclass CloseWorkflow(FundWorkflow):\n    \
            def __init__(self):\n        self._x = 1\n\n    \
            @runbook.step(name='close', title='Close', icon='Lock')\n    \
            async def _step_close(self, context: dict) -> dict:\n        return context\n\n    \
            @runbook.run\n    async def run(self, context: dict) -> dict:\n        \
                return await self.run_all(context)\n";
    let found = found_in([
        ("templates/workflow.py", workflow),
        ("templates/base.py", base),
    ]);
    assert_eq!(found, [("RB205", "templates/workflow.py".to_owned(), 7)]);
}

#[test]
fn icons_of_actions() {
    let hint = |icon: &str| {
        runbook(&format!(
            "async def a(self):\n    return {{'config': {{'actions': [{{'kind': 'approve', 'icon': {icon}}}]}}}}{RUN}"
        ))
    };
    assert_eq!(found(&hint("'ArrowRight'")), []);
    assert_eq!(found(&hint("'arrow-right'")), [("RB307", 8)]);
    assert_eq!(found(&hint("self.icon")), []);
    assert_eq!(found(&hint("''")), []);
}

#[test]
fn the_facade_on_the_wrong_side() {
    let activities = "from ntro.workflow import activity, runbook\n\
        from .shared import both, only\n\n\n\
        @activity.defn(name='x.a')\n\
        async def a(x: dict) -> dict:\n    \
            runbook.info()\n    both()\n    only()\n    return x\n\n\n\
        def unused() -> None:\n    runbook.now()\n\n\n\
        if __name__ == '__main__':\n    runbook.now()\n";
    let shared = "from ntro.workflow import runbook\n\n\n\
        def both():\n    runbook.now()\n\n\n\
        def only():\n    runbook.logger.info('x')\n\n\n\
        def workflow_only():\n    runbook.now()\n";
    let workflow = runbook(&format!(
        "def a(self):\n    both()\n    workflow_only(){RUN}"
    ))
    .replacen(
        "import asyncio\n",
        "from .shared import both, workflow_only\n",
        1,
    );
    assert_eq!(
        found_in([
            ("templates/workflow.py", &workflow),
            ("templates/activities.py", activities),
            ("templates/shared.py", shared),
        ]),
        [
            ("RB219", "templates/shared.py".to_owned(), 5),
            ("RB219", "templates/activities.py".to_owned(), 7),
            ("RB219", "templates/shared.py".to_owned(), 9),
        ]
    );
}

#[test]
fn imports() {
    for (import, expected) in [
        (
            "from ntro.workflow import agents, task, steps, exceptions, WorkflowError",
            vec![],
        ),
        ("from ntro.workflow import *", vec![]),
        ("from ntro.workflow.agents import invoke", vec![]),
        ("from ntro.workflow import ActivityError", vec!["RB211"]),
        (
            "from ntro.workflow.runbook import NtroWorkflow as Base",
            vec!["RB211"],
        ),
        ("import ntro.workflow.history", vec!["RB211"]),
        ("from ntro.capabilities import pdf, files", vec!["RB211"]),
        ("import ntro.workflow as w\nx = w.step", vec!["RB211"]),
        (
            "try:\n    from ntro.workflow import step\nexcept ImportError:\n    step = None",
            vec![],
        ),
        (
            "from ntro.accounting.models import TBLine, Journal",
            vec!["RB213"],
        ),
        ("from temporalio.common import RetryPolicy", vec!["RB208"]),
        ("import temporalio.exceptions as exceptions", vec!["RB208"]),
        ("from temporalio_extras import workflow", vec![]),
        ("from .temporalio import workflow", vec![]),
        ("x = ui_step", vec!["RB209"]),
        (
            "try:\n    from ntro.workflow import ui_step as u\nexcept ImportError: ...",
            vec![],
        ),
    ] {
        let text = format!("{}\n{import}\n", runbook(RUN));
        let found: Vec<_> = found(&text).into_iter().map(|(code, _)| code).collect();
        assert_eq!(found, expected, "{import}");
    }
}

/// Each fix that is offered in a documented example removes the finding it is offered for, and
/// leaves code that still parses.
#[test]
fn fixes_remove_their_findings() {
    let mut fixes = 0;
    for rule in rules::metadata() {
        if !rule.code.starts_with("RB2") && !rule.code.starts_with("RB3") {
            continue;
        }
        for project in rule.examples.chunk_by(|a, b| a.group == b.group) {
            let files: BTreeMap<String, String> = project
                .iter()
                .map(|file| (file.path.to_owned(), file.code.to_owned()))
                .collect();
            let own = |files: &BTreeMap<String, String>| -> Vec<Diagnostic> {
                let found = lint(files.clone(), |metadata| metadata.code == rule.code);
                found.into_iter().map(|it| it.diagnostic).collect()
            };
            let before = own(&files);
            for diagnostic in &before {
                for fix in &diagnostic.fixes {
                    let fixed = apply(&files, fix);
                    let after = own(&fixed);
                    let context = format!("{}: {} in\n{fixed:#?}", rule.code, fix.title);
                    assert!(after.len() < before.len(), "{context}");
                    for text in fixed.values() {
                        let parsed = lint_core::syntax::parse(text);
                        assert!(parsed.errors.is_empty(), "{context}");
                    }
                    fixes += 1;
                }
            }
        }
    }
    assert!(fixes >= 15, "only {fixes} fixes");
}

fn apply(files: &BTreeMap<String, String>, fix: &Fix) -> BTreeMap<String, String> {
    let mut fixed = files.clone();
    let keys: Vec<String> = files.keys().cloned().collect();
    let mut edits: Vec<_> = fix.edits.iter().collect();
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.place.span));
    for edit in edits {
        let text = fixed
            .get_mut(&keys[edit.place.file.0 as usize])
            .expect("the file exists");
        let span = edit.place.span;
        text.replace_range(span.start as usize..span.end as usize, &edit.replacement);
    }
    fixed
}
