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
