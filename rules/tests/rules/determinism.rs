//! What a finding about determinism weighs, where a fixture cannot say it.

use lint_core::diagnostic::Severity;

use crate::support::lint;

const FETCH: &str = "
import requests
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
    assert_eq!(severities("requests.get(url).text"), [Severity::Info]);
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
