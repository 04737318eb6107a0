//! The rules about bundles, on the clean bundle of the fixtures: it gives no finding, and with one
//! mistake in it exactly the one that the mistake deserves, on its line.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use lint_core::diagnostic::Severity::{self, Error, Info, Warning};

use crate::support::lint;

const BUNDLE: &str = "runbooks/dividend-payment";
const MD: &str = "runbook.md";
const WORKFLOW: &str = "templates/workflow.py";
const ACTIVITIES: &str = "templates/activities.py";
const MODELS: &str = "templates/models.py";
const REQUIREMENTS: &str = "templates/requirements.txt";
const SUBLEDGER: &str = "subledgers/holder_payment.py";
const MIGRATION: &str = "migrations/001_subledger_holder_payment.sql";

enum Change {
    /// In this file, the first text becomes the second.
    Replace(&'static str, &'static str, &'static str),
    Remove(&'static str),
    Add(&'static str, &'static str),
}
use Change::{Add, Remove, Replace};

struct Mutant {
    change: Change,
    code: &'static str,
    severity: Severity,
    file: &'static str,
    /// What the line of the finding has in it.
    line: &'static str,
}

const fn mutant(
    change: Change,
    code: &'static str,
    severity: Severity,
    file: &'static str,
    line: &'static str,
) -> Mutant {
    Mutant {
        change,
        code,
        severity,
        file,
        line,
    }
}

const MUTANTS: &[Mutant] = &[
    // B1, B2
    mutant(
        Remove(MD),
        "RB501",
        Error,
        WORKFLOW,
        "class DividendPaymentWorkflow",
    ),
    mutant(
        Replace(MD, "---\nid:", "id:"),
        "RB502",
        Error,
        MD,
        "id: rb-dividend",
    ),
    mutant(
        Replace(MD, "---\nid:", "# Dividend\n---\nid:"),
        "RB502",
        Error,
        MD,
        "# Dividend",
    ),
    mutant(
        Replace(MD, "---\n\n# Dividend payment", "\n# Dividend payment"),
        "RB502",
        Error,
        MD,
        "---",
    ),
    mutant(
        Replace(MD, "name: Dividend Payment", "name: Dividend: Payment"),
        "RB502",
        Error,
        MD,
        "name: Dividend:",
    ),
    mutant(
        Replace(MD, "    label: Approve\n", "\tlabel: Approve\n"),
        "RB502",
        Error,
        MD,
        "\tlabel: Approve",
    ),
    mutant(
        Replace(
            MD,
            "tags: [Dividend, Payments, Register]",
            "tags: [Dividend, Payments? Register]",
        ),
        "RB502",
        Error,
        MD,
        "tags:",
    ),
    mutant(
        Replace(MD, "state: DRAFT", "state: !draft DRAFT"),
        "RB502",
        Error,
        MD,
        "state:",
    ),
    mutant(
        Replace(MD, "state: DRAFT", "state: *draft"),
        "RB502",
        Error,
        MD,
        "state:",
    ),
    mutant(
        Replace(MD, "author:", "name: Another\nauthor:"),
        "RB502",
        Warning,
        MD,
        "name: Another",
    ),
    mutant(
        Replace(MD, "author: Example Fund Admin\n", ""),
        "RB503",
        Error,
        MD,
        "---",
    ),
    mutant(
        Replace(MD, "author: Example Fund Admin", "author: \"  \""),
        "RB503",
        Error,
        MD,
        "author:",
    ),
    mutant(
        Replace(MD, "author: Example Fund Admin", "author:"),
        "RB503",
        Error,
        MD,
        "author:",
    ),
    mutant(
        Replace(MD, "author:", "Author:"),
        "RB503",
        Error,
        MD,
        "Author:",
    ),
    mutant(
        Replace(MD, "version: 0.4.0\n", ""),
        "RB503",
        Error,
        MD,
        "---",
    ),
    // B3
    mutant(Remove("templates/__init__.py"), "RB501", Error, MD, "slug:"),
    // B4, B5, B6
    mutant(
        Replace(MD, "slug: dividend-payment", "slug: dividend-payments"),
        "RB504",
        Error,
        MD,
        "slug:",
    ),
    mutant(
        Replace(
            WORKFLOW,
            "class DividendPaymentWorkflow",
            "class DividendpaymentWorkflow",
        ),
        "RB508",
        Error,
        WORKFLOW,
        "class Dividendpayment",
    ),
    // B7
    mutant(
        Replace(MD, "version: 0.4.0", "version: \"0.4.0\""),
        "RB506",
        Error,
        MD,
        "version:",
    ),
    mutant(
        Replace(MD, "version: 0.4.0", "version: '0.4.0'"),
        "RB506",
        Error,
        MD,
        "version:",
    ),
    mutant(
        Replace(MD, "version: 0.4.0", "version: >-\n  0.4.0"),
        "RB506",
        Error,
        MD,
        "  0.4.0",
    ),
    mutant(
        Replace(MD, "version: 0.4.0", "\"version\": 0.4.0"),
        "RB506",
        Error,
        MD,
        "\"version\"",
    ),
    mutant(
        Replace(MD, "slug: dividend-payment", "slug: \"dividend-payment\""),
        "RB506",
        Error,
        MD,
        "slug:",
    ),
    mutant(
        Replace(MD, "slug: dividend-payment", "slug: &slug dividend-payment"),
        "RB506",
        Error,
        MD,
        "slug:",
    ),
    mutant(
        Replace(MD, "version: 0.4.0", "version: 0.4"),
        "RB507",
        Error,
        MD,
        "version:",
    ),
    mutant(
        Replace(MD, "version: 0.4.0", "version: 4"),
        "RB507",
        Error,
        MD,
        "version:",
    ),
    mutant(
        Replace(MD, "version: 0.4.0", "version: 2026-04-01"),
        "RB507",
        Error,
        MD,
        "version:",
    ),
    mutant(
        Replace(MD, "version: 0.4.0", "version: v0.4"),
        "RB507",
        Warning,
        MD,
        "version:",
    ),
    // B8, B9
    mutant(
        Replace(MD, "id: rb-dividend-payment", "id: dividend-payment"),
        "RB509",
        Info,
        MD,
        "id:",
    ),
    mutant(
        Replace(MD, "INVESTOR_OPS", "Investor Ops"),
        "RB509",
        Info,
        MD,
        "classification:",
    ),
    mutant(
        Replace(MD, "state: DRAFT", "state: draft"),
        "RB509",
        Info,
        MD,
        "state:",
    ),
    mutant(
        Replace(MD, "visibility: public", "visibility: Public"),
        "RB509",
        Info,
        MD,
        "visibility:",
    ),
    // Keys and types
    mutant(
        Replace(MD, "jurisdictions:", "jurisdiction:"),
        "RB510",
        Warning,
        MD,
        "jurisdiction:",
    ),
    mutant(
        Replace(MD, "config_schema:", "configSchema:"),
        "RB510",
        Warning,
        MD,
        "configSchema:",
    ),
    mutant(
        Replace(
            MD,
            "timeout_minutes: 10",
            "timeout: 10\n    timeoutMinutes: 10",
        ),
        "RB510",
        Warning,
        MD,
        "timeoutMinutes:",
    ),
    mutant(
        Replace(MD, "tags: [Dividend, Payments, Register]", "tags: Dividend"),
        "RB511",
        Warning,
        MD,
        "tags:",
    ),
    mutant(
        Replace(MD, "timeout_minutes: 10\n", "timeout_minutes: ten\n"),
        "RB511",
        Warning,
        MD,
        "timeout_minutes: ten",
    ),
    // B10
    mutant(
        Replace(MD, "  - id: work_out_shares", "  - id: workout_shares"),
        "RB512",
        Warning,
        MD,
        "workout_shares",
    ),
    mutant(
        Replace(
            MD,
            "  - id: instruct_bank\n",
            "  - id: notify\n    label: Notify\n  - id: instruct_bank\n",
        ),
        "RB512",
        Warning,
        MD,
        "notify",
    ),
    mutant(
        Replace(
            MD,
            "  - id: instruct_bank\n",
            "  - id: approve\n    label: Again\n  - id: instruct_bank\n",
        ),
        "RB512",
        Warning,
        MD,
        "id: approve",
    ),
    mutant(
        Replace(
            MD,
            "steps:\n",
            "steps:\n  - id: instruct_bank\n    label: Moved\n",
        ),
        "RB512",
        Warning,
        MD,
        "instruct_bank",
    ),
    // B11, B12
    mutant(
        Replace(MD, "component: DATA_TABLE", "component: DataTable"),
        "RB513",
        Warning,
        MD,
        "DataTable",
    ),
    mutant(
        Replace(MD, "component: DATA_TABLE", "component: KANBAN"),
        "RB513",
        Warning,
        MD,
        "KANBAN",
    ),
    mutant(
        Replace(
            MD,
            "responsibility: accountant",
            "responsibility: Accountant",
        ),
        "RB513",
        Warning,
        MD,
        "Accountant",
    ),
    mutant(
        Replace(MD, "activity: instruct_bank", "activity: instruct_the_bank"),
        "RB514",
        Warning,
        MD,
        "instruct_the_bank",
    ),
    mutant(
        Replace(
            MD,
            "activity: dividend_payment.work_out_shares",
            "activity: dividends.work_out_shares",
        ),
        "RB514",
        Warning,
        MD,
        "dividends.",
    ),
    // B13
    mutant(
        Replace(MD, "    approve:\n", "    approval:\n"),
        "RB515",
        Warning,
        MD,
        "approval:",
    ),
    mutant(
        Replace(MD, "type: number", "type: float"),
        "RB515",
        Warning,
        MD,
        "float",
    ),
    mutant(
        Replace(MD, "default: half_up", "default: half_even"),
        "RB515",
        Warning,
        MD,
        "half_even",
    ),
    mutant(
        Replace(MD, "default: []", "default: none"),
        "RB515",
        Warning,
        MD,
        "default: none",
    ),
    mutant(
        Replace(MD, "^[0-9]{4}-[0-9]{2}$", "^[0-9{4}-([0-9]{2}$"),
        "RB515",
        Warning,
        MD,
        "pattern:",
    ),
    // B14
    mutant(
        Replace(MD, "    rounding: { type", "    rounding_mode: { type"),
        "RB516",
        Info,
        MD,
        "rounding_mode",
    ),
    mutant(
        Replace(
            MODELS,
            "    rounding: str = \"half_up\"\n",
            "    rounding: str = \"half_up\"\n    bank: str\n",
        ),
        "RB517",
        Info,
        MODELS,
        "bank: str",
    ),
    // B15
    mutant(
        Replace(MD, "path: templates/models.py", "path: models.py"),
        "RB518",
        Warning,
        MD,
        "path: models.py",
    ),
    mutant(
        Replace(
            MD,
            "path: templates/withholding.json",
            "path: templates/witholding.json",
        ),
        "RB518",
        Warning,
        MD,
        "witholding.json",
    ),
    mutant(
        Add("templates/holidays.json", "[]\n"),
        "RB518",
        Info,
        MD,
        "templates:",
    ),
    // B16
    mutant(
        Replace(
            ACTIVITIES,
            "\"\"\"Side effects:",
            "# coding: latin-1\n\"\"\"Side effects – ",
        ),
        "RB519",
        Error,
        ACTIVITIES,
        "latin-1",
    ),
    // B17
    mutant(
        Replace(SUBLEDGER, ", owner_runbook=\"dividend-payment\"", ""),
        "RB520",
        Warning,
        SUBLEDGER,
        "@register_type",
    ),
    mutant(
        Replace(
            SUBLEDGER,
            "owner_runbook=\"dividend-payment\"",
            "owner_runbook=\"dividends\"",
        ),
        "RB520",
        Warning,
        SUBLEDGER,
        "@register_type",
    ),
    mutant(
        Replace(SUBLEDGER, "\"holder_payment\"", "\"expenses\""),
        "RB520",
        Error,
        SUBLEDGER,
        "@register_type",
    ),
    mutant(
        Replace(SUBLEDGER, "(Row)", "(object)"),
        "RB520",
        Error,
        SUBLEDGER,
        "class HolderPaymentRow",
    ),
    mutant(
        Remove(MIGRATION),
        "RB521",
        Warning,
        SUBLEDGER,
        "@register_type",
    ),
    mutant(
        Replace(MIGRATION, "ledgers.holder_payment", "holder_payment"),
        "RB521",
        Warning,
        MIGRATION,
        "CREATE TABLE",
    ),
    mutant(
        Add("migrations/001_more.sql", "SELECT 1;\n"),
        "RB521",
        Warning,
        MIGRATION,
        "CREATE TABLE",
    ),
    // B18
    mutant(
        Replace(REQUIREMENTS, "ntro[workflow]==0.1.2", "ntro[workflow]>=0.1"),
        "RB522",
        Warning,
        REQUIREMENTS,
        "ntro",
    ),
    mutant(
        Replace(REQUIREMENTS, "ntro[workflow]==0.1.2", "ntro==0.1.2"),
        "RB522",
        Warning,
        REQUIREMENTS,
        "ntro==",
    ),
    mutant(
        Replace(REQUIREMENTS, "0.1.2\n", "0.1.2\nruff==0.8.0\n"),
        "RB522",
        Warning,
        REQUIREMENTS,
        "ruff",
    ),
    mutant(
        Replace(REQUIREMENTS, "ntro[workflow]==", "ntro-core=="),
        "RB522",
        Warning,
        REQUIREMENTS,
        "ntro-core",
    ),
    // B20
    mutant(
        Replace(
            MODELS,
            "\n    class ObserverMeta:\n        event_type = \"dividend.paid\"\n",
            "",
        ),
        "RB525",
        Info,
        MODELS,
        "class PaymentSummary",
    ),
    mutant(
        Replace(
            MODELS,
            "event_type = \"dividend.paid\"",
            "event_type = \"\"",
        ),
        "RB525",
        Info,
        MODELS,
        "class ObserverMeta",
    ),
    mutant(
        Replace(
            MODELS,
            "    paid: bool = False\n",
            "    paid: bool = False\n\n    class ObserverMeta:\n        event_type = \"x.y\"\n",
        ),
        "RB525",
        Warning,
        MODELS,
        "class ObserverMeta",
    ),
    // B21
    mutant(
        Replace(
            WORKFLOW,
            "from .activities import",
            "from activities import",
        ),
        "RB526",
        Error,
        WORKFLOW,
        "from activities",
    ),
    mutant(
        Replace(
            WORKFLOW,
            "from .models import (",
            "from templates.models import (",
        ),
        "RB526",
        Error,
        WORKFLOW,
        "from templates.models",
    ),
    mutant(
        Replace(
            ACTIVITIES,
            "from .models import PaymentInput",
            "from .model import PaymentInput",
        ),
        "RB526",
        Error,
        ACTIVITIES,
        "from .model import",
    ),
    mutant(
        Replace(
            ACTIVITIES,
            "from .models import PaymentInput, ",
            "from .models import PaymentsInput as PaymentInput, ",
        ),
        "RB526",
        Error,
        ACTIVITIES,
        "PaymentsInput",
    ),
];

/// The files of the clean bundle, by their paths below it.
fn clean() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fixtures/contract/clean")
        .join(BUNDLE);
    let mut files = BTreeMap::new();
    let mut pending = vec![root.clone()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(&directory).expect("the fixture is there") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                pending.push(path);
                continue;
            }
            let key = path.strip_prefix(&root).expect("below the bundle");
            let key = key.to_str().expect("a plain name").replace('\\', "/");
            files.insert(key, fs::read_to_string(&path).expect("a text"));
        }
    }
    files
}

fn project(files: &BTreeMap<String, String>) -> impl Iterator<Item = (String, String)> + '_ {
    files
        .iter()
        .map(|(path, text)| (format!("{BUNDLE}/{path}"), text.clone()))
}

#[test]
fn the_clean_bundle_is_clean_under_all_rules() {
    let found = lint(project(&clean()), |_| true);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn each_mistake_gives_its_finding_and_no_other() {
    let mut problems = Vec::new();
    for (number, mutant) in MUTANTS.iter().enumerate() {
        let mut files = clean();
        match mutant.change {
            Replace(path, from, to) => {
                let text = files.get_mut(path).expect("the file is there");
                assert!(text.contains(from), "mutant {number}: {from:?}");
                *text = text.replacen(from, to, 1);
            }
            Remove(path) => assert!(files.remove(path).is_some(), "mutant {number}"),
            Add(path, text) => assert!(files.insert(path.to_owned(), text.to_owned()).is_none()),
        }
        let found = lint(project(&files), |_| true);
        let described: Vec<String> = found
            .iter()
            .map(|it| {
                let path = it.path.trim_start_matches(BUNDLE).trim_start_matches('/');
                let line = files[path].lines().nth(it.line as usize - 1).unwrap_or("");
                let d = &it.diagnostic;
                format!(
                    "{path}:{} {} {} {} | {line}",
                    it.line, d.severity, d.code, d.message
                )
            })
            .collect();
        let is_right = found.len() == 1 && {
            let it = &found[0];
            it.diagnostic.code == mutant.code
                && it.diagnostic.severity == mutant.severity
                && it.path == format!("{BUNDLE}/{}", mutant.file)
                && described[0]
                    .split(" | ")
                    .last()
                    .is_some_and(|line| line.contains(mutant.line))
        };
        if !is_right {
            let Mutant {
                code,
                severity,
                file,
                line,
                ..
            } = mutant;
            problems.push(format!(
                "mutant {number}: expected {severity} {code} in {file} at {line:?}, found\n    {}",
                described.join("\n    ")
            ));
        }
    }
    assert!(
        problems.is_empty(),
        "{} mutants\n{}",
        MUTANTS.len(),
        problems.join("\n")
    );
}

/// `runbook.md` and `workflow.py` of a bundle with this slug in this directory.
fn other_bundle(directory: &str, slug: &str, class: &str) -> Vec<(String, String)> {
    vec![
        (
            format!("{directory}/runbook.md"),
            format!("---\nslug: {slug}\nname: N\nversion: 0.1.0\nstate: DRAFT\nauthor: A\n---\n"),
        ),
        (format!("{directory}/templates/__init__.py"), String::new()),
        (
            format!("{directory}/templates/activities.py"),
            "from ntro.workflow import activity\n\n\n@activity.defn(name=\"dividend_payment.instruct_bank\")\nasync def pay(number: str) -> str:\n    return number\n".to_owned(),
        ),
        (
            format!("{directory}/templates/workflow.py"),
            format!(
                "from ntro.workflow import NtroWorkflow, runbook\n\n\n@runbook.defn\nclass {class}(NtroWorkflow):\n    @runbook.step(name=\"a\", title=\"A\", icon=\"Inbox\")\n    async def _step_a(self, x: str) -> str:\n        return x\n\n    @runbook.run\n    async def run(self, x: str) -> str:\n        return await self._step_a(x)\n"
            ),
        ),
    ]
}

/// Code, severity, path and line of what the rules about bundles find.
fn across(files: Vec<(String, String)>) -> Vec<(&'static str, Severity, String, u32)> {
    let mut found: Vec<_> = lint(project(&clean()).chain(files), |it| {
        it.code.starts_with("RB5")
    })
    .into_iter()
    .map(|it| (it.diagnostic.code, it.diagnostic.severity, it.path, it.line))
    .collect();
    found.sort();
    found
}

#[test]
fn names_must_be_unique_across_bundles() {
    let clean = format!("{BUNDLE}/runbook.md");
    let activities = format!("{BUNDLE}/templates/activities.py");
    // A copy elsewhere may never meet the original.
    let copy = other_bundle(
        "archive/dividend-payment",
        "dividend-payment",
        "DividendPaymentWorkflow",
    );
    assert_eq!(
        across(copy),
        [
            (
                "RB523",
                Warning,
                "archive/dividend-payment/runbook.md".to_owned(),
                2
            ),
            ("RB523", Warning, clean.clone(), 3),
        ]
    );
    let other = other_bundle(
        "runbooks/fund-dividend",
        "fund-dividend",
        "FundDividendWorkflow",
    );
    assert_eq!(
        across(other),
        [
            ("RB524", Warning, activities, 26),
            (
                "RB524",
                Warning,
                "runbooks/fund-dividend/templates/activities.py".to_owned(),
                4
            ),
        ]
    );
}

#[test]
fn other_documents_called_runbook_are_left_alone() {
    let documents = [
        ("docs/runbook.md", "# On call\n\nRestart the worker.\n"),
        (
            "docs/ops/runbook.md",
            "---\ntitle: On call\n---\n\nRestart the worker.\n",
        ),
        ("site/runbook.md", "---\ntitle: [broken\n---\n"),
        ("site/templates/page.html", "<p>\n"),
    ];
    let files = documents.map(|(path, text)| (path.to_owned(), text.to_owned()));
    assert_eq!(across(files.into()), []);
}

#[test]
fn the_command_line_and_yaml_may_find_different_lines() {
    let body = "---\n  slug: fund-dividend\n  name: N\n  version: 0.1.0\n  state: DRAFT\n  author: A\n---\n\n```\nslug: another\nversion: 9.9.9\n```\n";
    let mut files = other_bundle("runbooks/fund-dividend", "x", "FundDividendWorkflow");
    files[0].1 = body.to_owned();
    files[2].1 = String::new();
    assert_eq!(
        across(files),
        [
            (
                "RB506",
                Error,
                "runbooks/fund-dividend/runbook.md".to_owned(),
                2
            ),
            (
                "RB506",
                Error,
                "runbooks/fund-dividend/runbook.md".to_owned(),
                4
            ),
        ]
    );
}

#[test]
fn line_breaks_of_windows_change_nothing() {
    let files = clean().into_iter().map(|(path, text)| {
        let text = if path == MD {
            text.replace('\n', "\r\n")
        } else {
            text
        };
        (format!("{BUNDLE}/{path}"), text)
    });
    assert!(lint(files, |_| true).is_empty());
}
