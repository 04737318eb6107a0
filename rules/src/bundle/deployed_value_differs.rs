use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::rule::{Context, Rule};
use crate::runbook_md::scalar::Kind;
use crate::runbook_md::{RunbookMd, cli, view};

/// ## What it does
/// Finds a `slug` or `version` that `ntro workflow create` reads differently than YAML does.
///
/// ## Why is this bad?
/// The command does not parse the frontmatter. It takes the first word after a `slug:` or `version:`
/// at the start of any line of the file, as it stands there. Quotes become part of the value, so
/// `version: "0.1.0"` is deployed into a directory with quotes in its name. Of a block scalar it takes
/// the `>-`. An indented or quoted key it does not see at all, and takes a default, or a line of the
/// body that looks like the key. Validation and tests use YAML and are quiet.
///
/// ## Example
/// ```markdown path=runbooks/share-register/runbook.md
/// ---
/// slug: share-register
/// name: Share register
/// version: "0.2.0"  # RB506
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
///
/// ## Use instead
/// ```markdown path=runbooks/share-register/runbook.md
/// ---
/// slug: share-register
/// name: Share register
/// version: 0.2.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
#[derive(RuleMetadata)]
#[rule(
    code = "RB506",
    severity = "error",
    category = "bundle",
    since = "0.1.0",
    summary = "a slug or version that is deployed as something else"
)]
pub(crate) struct DeployedValueDiffers;

impl Rule for DeployedValueDiffers {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for (view, md) in view::with_md(cx) {
            check(md, "slug", &view.bundle.slug, report);
            check(md, "version", "0.1.0", report);
        }
    }
}

fn check(md: &RunbookMd<'_>, field: &str, fallback: &str, report: &mut Vec<Diagnostic>) {
    let Some(value) = md.get(field).map(|it| &it.value) else {
        return;
    };
    let Some(scalar) = value.scalar() else { return };
    let written = match scalar.kind {
        Kind::Null => return,
        Kind::Text => scalar.text.trim(),
        _ => md.source.slice(value.span),
    };
    // A slug of several words is no slug to begin with.
    if written.is_empty() || (field == "slug" && written.contains(char::is_whitespace)) {
        return;
    }
    let found = cli::read(&md.source.text, field);
    let deployed = found.map_or(fallback, |it| it.text);
    if deployed == written || deployed.is_empty() {
        return;
    }
    let message = format!(
        "the {field} {} is deployed as {}",
        code(written),
        code(deployed)
    );
    let finding = Finding::new(
        &DeployedValueDiffers::METADATA,
        md.file,
        value.span,
        message,
    );
    let finding = match found {
        None => finding
            .note(format!(
                "The command line finds no line that begins with `{field}:` and takes a default."
            ))
            .help(format!(
                "write {} on a line of its own, without indentation",
                code(&format!("{field}: {written}"))
            )),
        Some(found) if !touches(md, found, field) => {
            let line = md.source.line(found.span.start);
            finding
                .note(format!("The command line takes the first `{field}:` at the start of a line, here on line {line}."))
                .help(format!("write {} on a line of its own, without indentation", code(&format!("{field}: {written}"))))
        }
        Some(_) => finding
            .note("The command line takes the first word after the colon as it stands.")
            .help(format!("write {}", code(&format!("{field}: {written}")))),
    };
    finding.report(report);
}

/// Whether what the command line found is the entry of the frontmatter that counts.
fn touches(md: &RunbookMd<'_>, found: cli::Match<'_>, field: &str) -> bool {
    md.get(field).is_some_and(|entry| {
        entry.key.span.start <= found.span.start && found.span.start <= entry.value.span.end
    })
}
