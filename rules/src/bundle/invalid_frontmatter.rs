use lint_core::diagnostic::{Diagnostic, Severity, Span};
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::rule::{Context, Rule};
use crate::runbook_md::{Fault, view};

/// ## What it does
/// Finds a `runbook.md` whose YAML frontmatter the platform cannot read: there is none, it is not
/// closed, it is no YAML, or it is not a mapping. Keys that are written twice are reported, too.
///
/// ## Why is this bad?
/// The platform takes the name, the steps and the settings of a runbook from there, and rejects the
/// bundle without them. It reads YAML 1.1 with PyYAML, which refuses some texts that other readers
/// and editors take, above all tabs. Of two entries with one key the last one counts, silently.
///
/// ## Example
/// ```markdown path=runbooks/dividend-notice/runbook.md
/// ---
/// slug: dividend-notice
/// name: Dividend: notice  # RB502
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
/// Text before the first `---`:
/// ```markdown path=runbooks/dividend-notice/runbook.md
/// # Dividend notice <!-- RB502 -->
/// ---
/// slug: dividend-notice
/// ---
/// ```
///
/// ## Use instead
/// ```markdown path=runbooks/dividend-notice/runbook.md
/// ---
/// slug: dividend-notice
/// name: "Dividend: notice"
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
///
/// # Dividend notice
/// ```
///
/// ## Limits
/// PyYAML takes lines within brackets or quotes that are not indented, other readers do not. Nothing is
/// said about frontmatter with such lines.
#[derive(RuleMetadata)]
#[rule(
    code = "RB502",
    severity = "error",
    category = "bundle",
    since = "0.1.0",
    summary = "the frontmatter of `runbook.md` cannot be read"
)]
pub(crate) struct InvalidFrontmatter;

impl Rule for InvalidFrontmatter {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for (_, md) in view::with_md(cx) {
            let error =
                |span: Span, message: String| Finding::new(&Self::METADATA, md.file, span, message);
            match &md.frontmatter {
                Err(fault) => {
                    if let Some((span, message, help)) = describe(fault) {
                        error(span, message).help(help).report(report);
                    }
                }
                Ok(frontmatter) => {
                    for duplicate in &frontmatter.duplicates {
                        let line = md.source.line(duplicate.first.start);
                        let message = format!(
                            "{} is a key of this mapping a second time",
                            code(&duplicate.key)
                        );
                        error(duplicate.second, message)
                            .help("keep one of the two entries")
                            .note(format!(
                                "The first one is on line {line}; the last one counts."
                            ))
                            .severity(Severity::Warning)
                            .report(report);
                    }
                }
            }
        }
    }
}

fn describe(fault: &Fault) -> Option<(Span, String, &'static str)> {
    Some(match fault {
        Fault::Missing { first_line } => (
            *first_line,
            "`runbook.md` does not begin with frontmatter".to_owned(),
            "begin with a line `---`, the YAML and another line `---`",
        ),
        Fault::ByteOrderMark { fence } => (
            *fence,
            "the byte order mark before `---` hides the frontmatter from the platform".to_owned(),
            "save the file as UTF-8 without a byte order mark",
        ),
        Fault::Unclosed { fence } => (
            *fence,
            "the frontmatter that begins here has no end".to_owned(),
            "write a line `---` after the YAML",
        ),
        Fault::Yaml { message, span } => (
            *span,
            format!("the frontmatter is not valid YAML: {}", one_line(message)),
            "quote texts with `: `, ` #` or a leading special character, and indent with spaces",
        ),
        Fault::NotMapping { found, span } => (
            *span,
            format!("the frontmatter is {found}, not a mapping of keys to values"),
            "write `key: value` lines",
        ),
        Fault::Doubtful => return None,
    })
}

/// The message of a parser as part of ours.
fn one_line(message: &str) -> String {
    let words: Vec<&str> = message.split_whitespace().collect();
    words.join(" ").trim_end_matches('.').to_owned()
}
