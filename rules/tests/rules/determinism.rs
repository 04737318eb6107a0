//! What a finding about determinism weighs, where a fixture cannot say it.

use lint_core::diagnostic::Severity;

use crate::support::lint;

const FETCH: &str = "
import urllib.request
from temporalio import workflow

def fetched(url):
    import tenacity
    return BODY

@workflow.defn
class FetchRates:
    @workflow.run
    async def run(self, url: str) -> str:
        return fetched(url)
";

#[test]
fn an_import_behind_a_call_that_has_to_move_is_a_detail() {
    let severities = |body: &str| {
        let files = [("rates.py".to_owned(), FETCH.replace("BODY", body))];
        let found = lint(files, |rule| rule.code == "RB126");
        let severity = |found: &crate::support::Found| found.diagnostic.severity;
        found.iter().map(severity).collect::<Vec<_>>()
    };
    assert_eq!(severities("tenacity.nap(url)"), [Severity::Warning]);
    assert_eq!(
        severities("urllib.request.urlopen(url).read()"),
        [Severity::Info]
    );
}

#[test]
fn secrets_and_versions_are_told_apart_from_settings() {
    let text = "\
import os
import sys
from temporalio import workflow


@workflow.defn
class Reads:
    @workflow.run
    async def run(self) -> list[object]:
        return [
            os.environ['STRIPE_API_KEY'],
            os.environ.get('DB_PASSWORD'),
            os.getenv('REGION'),
            sys.version_info,
        ]
";
    let files = [("flow.py".to_owned(), text.to_owned())];
    let found = lint(files, |metadata| metadata.code == "RB104");
    let starts = found.iter().map(|it| {
        let help = it.diagnostic.help.as_deref().unwrap_or_default();
        help.split([',', ';']).next().unwrap_or_default()
    });
    assert_eq!(
        starts.collect::<Vec<_>>(),
        [
            "read it in the activity that needs it",
            "read it in the activity that needs it",
            "pass the value in with the workflow's input",
            "run the same interpreter and files on all workers of the task queue",
        ]
    );
}

/// The lines of a workflow's `run`, and for each the rule, severity, the start of what it does, the
/// start of the help, and the titles of the fixes.
fn said(imports: &str, body: &str) -> Vec<String> {
    let body = body.trim().replace('\n', "\n        ");
    let text = format!(
        "{imports}\nfrom temporalio import workflow\n\n\n@workflow.defn\nclass Books:\n    \
         @workflow.run\n    async def run(self, names: list[str]) -> object:\n        {body}\n"
    );
    let files = [("flow.py".to_owned(), text)];
    let found = lint(files, |metadata| metadata.code.starts_with("RB1"));
    let said = found.iter().map(|it| {
        let found = &it.diagnostic;
        let help = found.help.as_deref().unwrap_or_default();
        let fixes = found.fixes.iter().map(|fix| format!(" [{}]", fix.title));
        format!(
            "{} {:?} {:?}: {help}{}",
            found.code,
            found.severity,
            found.impact,
            fixes.collect::<String>()
        )
    });
    said.collect()
}

fn assert_said(imports: &str, body: &str, expected: &[&str]) {
    let said = said(imports, body);
    let is_right = said.len() == expected.len()
        && said
            .iter()
            .zip(expected)
            .all(|(said, start)| match start.strip_suffix('$') {
                Some(all) => said == all,
                None => said.starts_with(start),
            });
    assert!(is_right, "{body}\n{said:#?}");
}

#[test]
fn what_no_activity_can_do_has_no_fix_and_says_what_can() {
    assert_said(
        "import sys",
        "sys.exit(1)",
        &[
            "RB108 Error Unknown: return from `run` to end the workflow, or raise `ApplicationError` to fail it; an activity must not end its worker either$",
        ],
    );
    assert_said(
        "import os",
        "return os.getpid()",
        &[
            "RB104 Error Drift: use `workflow.info().run_id` or `.workflow_id` to tell runs apart; which worker runs the workflow must not matter$",
        ],
    );
    assert_said(
        "import tempfile",
        "return tempfile.mkdtemp()",
        &[
            "RB105 Error Drift: make and use temporary files within one activity; a path means nothing on another worker$",
        ],
    );
    assert_said(
        "import secrets",
        "return secrets.token_hex(8)",
        &[
            "RB102 Error Drift: draw it in the activity that uses it, and let that return nothing of it: what activities return stays in the history$",
        ],
    );
    // The allowed twin, which an activity can do.
    let [run] = &said("import subprocess", "return subprocess.run('ls')")[..] else {
        panic!()
    };
    assert!(
        run.contains("move it into an activity") || run.contains("[move it"),
        "{run}"
    );
}

#[test]
fn what_changes_the_worker_is_no_reading_of_it() {
    for change in [
        "os.environ['X'] = '1'",
        "del os.environ['X']",
        "os.environ.update(X='1')",
        "os.putenv('X', '1')",
    ] {
        assert_said(
            "import os",
            change,
            &[
                "RB104 Error Unknown: set it before the worker starts, or pass the value as an argument to what needs it$",
            ],
        );
    }
    assert_said(
        "import os",
        "return os.environ['X']",
        &["RB104 Error Drift: pass the value in with the workflow's input"],
    );
    assert_said(
        "import random",
        "random.seed(4)",
        &["RB102 Warning Unknown: leave it out, and draw"],
    );
    assert_said(
        "import locale",
        "locale.setlocale(0, '')",
        &["RB124 Info Unknown: leave it out and format"],
    );
    assert_said(
        "import os",
        "os.umask(0)",
        &["RB108 Warning Unknown: set it where the worker starts$"],
    );
}

#[test]
fn a_seed_is_part_of_what_is_drawn() {
    assert_said(
        "import random",
        "return random.random()",
        &[
            "RB102 Error Drift: use `workflow.random()`, or draw the value in an activity [replace it with `workflow.random().random()`]$",
        ],
    );
    assert_said(
        "import random",
        "random.seed(4)\nreturn random.random()",
        &[
            "RB102 Warning",
            "RB102 Error Drift: use `workflow.random()`, or draw the value in an activity [replace it with `workflow.random().random()`: the seed that is set here has no part in it]$",
        ],
    );
}

#[test]
fn ids_of_other_versions_are_replaced_with_a_word_of_caution() {
    assert_said(
        "import uuid",
        "return uuid.uuid1()",
        &[
            "RB103 Error Drift: use `workflow.uuid7()`, which sorts by time too and newer SDKs have, or `workflow.uuid4()` [replace it with `workflow.uuid4()`: a UUID of another version]$",
        ],
    );
    assert_said(
        "import uuid",
        "return uuid.uuid7()",
        &[
            "RB103 Error Drift: use `workflow.uuid7()`, which sorts by time too and newer SDKs have, or `workflow.uuid4()` [replace it with `workflow.uuid7()`, which newer SDKs have]$",
        ],
    );
    assert_said(
        "import uuid",
        "return uuid.uuid4()",
        &[
            "RB103 Error Drift: use `workflow.uuid4()`, or `uuid.uuid5()` on stable inputs [replace it with `workflow.uuid4()`]$",
        ],
    );
}

#[test]
fn the_help_for_a_set_depends_on_what_is_done_with_it() {
    let help = |body: &str, help: &str| {
        let said = said("", body);
        assert_eq!(said.len(), 1, "{body}\n{said:#?}");
        let (_, rest) = said[0].split_once(": ").unwrap_or_default();
        assert!(rest.starts_with(help), "{body}\n{rest}");
    };
    help("return set(names).pop()", "take the smallest");
    help("return next(iter(set(names)))", "take the smallest");
    help("return min(set(names), key=len)", "let the key tell");
    help("return list({'a', 'b'})", "write a list or a tuple");
    help(
        "return list(set(names))",
        "use `sorted()`, or `dict.fromkeys()` instead of `set()`",
    );
    help(
        "found = set()\nfor name in names:\n    found.add(name)\nreturn list(found)",
        "use `sorted()`, or keep them in a list",
    );
}

#[test]
fn a_counter_of_metrics_is_no_mapping() {
    let counter =
        "from prometheus_client import Counter\n\nDONE = Counter('done', 'Done.', ['kind'])";
    let help = "RB115 Info None: use `workflow.metric_meter()`, which is silent during replay$";
    assert_said(counter, "DONE.labels('a').inc()", &[help]);
    assert_said(counter, "DONE.labels(kind='a').inc()", &[help]);
    assert_said(
        "from collections import Counter",
        "return Counter(names)",
        &[],
    );
}

#[test]
fn the_first_call_on_a_resource_is_named() {
    let message = |body: &str| {
        let text = format!(
            "import httpx\nimport redis\nfrom temporalio import workflow\n\n\n@workflow.defn\n\
             class Books:\n    @workflow.run\n    async def run(self) -> object:\n        {body}\n"
        );
        let files = [("flow.py".to_owned(), text)];
        let found = lint(files, |metadata| metadata.code.starts_with("RB1"));
        assert_eq!(found.len(), 1, "{body}");
        let message = found[0].diagnostic.message.clone();
        message.split(" in workflow").next().map(str::to_owned)
    };
    assert_eq!(
        message(
            "client = httpx.Client()\n        client.post('a')\n        return client.get('b').text"
        ),
        Some("`client.post()` of `httpx.Client()`".to_owned())
    );
    assert_eq!(
        message("return redis.Redis().get('a')"),
        Some("`redis.Redis().get()`".to_owned())
    );
}

#[test]
fn an_interceptor_has_no_part_in_the_input_and_none_in_the_sandbox() {
    let text = "\
import os
import uuid
from temporalio import workflow
from temporalio.worker import Interceptor, WorkflowInboundInterceptor

LOCKS = os.getenv('LOCKS')
SEEN = []


class Inbound(WorkflowInboundInterceptor):
    async def execute_workflow(self, input):
        if LOCKS:
            await workflow.execute_activity('lock', str(uuid.uuid4()))
        SEEN.append(workflow.info().run_id)
        return await super().execute_workflow(input)

    async def handle_query(self, input):
        self.asked = True
        return await super().handle_query(input)


class Plugged(Interceptor):
    def workflow_interceptor_class(self, input):
        return Inbound
";
    let files = [("flow.py".to_owned(), text.to_owned())];
    let found = lint(files, |metadata| metadata.code.starts_with("RB1"));
    let of = |code: &str| {
        let found = found.iter().find(|it| it.diagnostic.code == code);
        let found = &found.unwrap_or_else(|| panic!("{code}")).diagnostic;
        let help = found.help.clone().unwrap_or_default();
        (found.message.as_str(), help, found.notes.join(" "))
    };
    assert!(of("RB118").1.starts_with("decide it in the activity"));
    assert!(of("RB103").2.contains("outside of Temporal's sandbox"));
    assert!(
        of("RB116")
            .0
            .contains("all runs and activities of a worker share")
    );
    assert!(of("RB120").0.contains("changes the interceptor"));
    assert!(of("RB120").1.starts_with("do it in `execute_workflow`"));
}
