use lint_core::diagnostic::{Diagnostic, FileId, Span};
use lint_core::rule::RuleMetadata;
use lint_core::source::SourceFile;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::rule::{Context, Rule};
use crate::runbook_md::view;

/// ## What it does
/// Finds files below `templates/`, `subledgers/` and `migrations/`, and `runbook.md`, that are not
/// UTF-8: spreadsheets, images and other binary files, texts in an older encoding, and Python files
/// that declare one.
///
/// ## Why is this bad?
/// `ntro workflow create` sends every file of the three folders as text, and ends with a
/// `UnicodeDecodeError` at the first that is none. Python's own reading and tests do not mind.
///
/// ## Example
/// ```python path=runbooks/landlord-letter/templates/texts.py
/// # -*- coding: latin-1 -*-  # RB519
/// GREETING = "Sehr geehrte Damen und Herren, für den Mieter…"
/// ```
/// ```markdown path=runbooks/landlord-letter/runbook.md
/// ---
/// slug: landlord-letter
/// name: Landlord letter
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
///
/// ## Use instead
/// Save texts as UTF-8 and declare nothing. Keep binary files in the storage of the tenant and read
/// them in an activity, or encode small ones with Base64:
/// ```markdown path=runbooks/landlord-letter/runbook.md
/// ---
/// slug: landlord-letter
/// name: Landlord letter
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
/// ```python path=runbooks/landlord-letter/templates/__init__.py
/// ```
/// ```python path=runbooks/landlord-letter/templates/activities.py
/// ```
/// ```python path=runbooks/landlord-letter/templates/texts.py
/// GREETING = "Sehr geehrte Damen und Herren, für den Mieter…"
/// ```
/// ```python path=runbooks/landlord-letter/templates/workflow.py
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .texts import GREETING
///
///
/// @runbook.defn
/// class LandlordLetterWorkflow(NtroWorkflow):
///     @runbook.step(name="write", title="Write letter", icon="Mail")
///     async def _step_write(self, name: str) -> str:
///         return f"{GREETING} {name}"
///
///     @runbook.run
///     async def run(self, name: str) -> str:
///         return await self._step_write(name)
/// ```
///
/// ## Limits
/// A Python file that cannot be decoded at all is reported as unreadable, not by this rule. Files that
/// are ignored by Git are not looked at, although the command would send them.
#[derive(RuleMetadata)]
#[rule(
    code = "RB519",
    severity = "error",
    category = "bundle",
    since = "0.1.0",
    summary = "a file that is deployed is not UTF-8",
    name = "not-utf8"
)]
pub(crate) struct NotUtf8;

impl Rule for NotUtf8 {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for view in view::bundles(cx) {
            let md = view.bundle.manifest.map(|file| (file, "runbook.md"));
            for (file, path) in md.into_iter().chain(view.deployed()) {
                if path.split('/').any(|it| it == "__pycache__") {
                    continue;
                }
                if let Some(source) = cx.model.project.text(file) {
                    check(file, path, source, report);
                }
            }
        }
    }
}

fn check(file: FileId, path: &str, source: &SourceFile, report: &mut Vec<Diagnostic>) {
    if let Some(at) = source.undecodable {
        let width = char::REPLACEMENT_CHARACTER.len_utf8() as u32;
        let message = format!(
            "{} is not UTF-8, so the bundle cannot be deployed",
            code(path)
        );
        Finding::new(&NotUtf8::METADATA, file, Span::new(at, at + width), message)
            .help("save the file as UTF-8, or keep it out of the bundle")
            .report(report);
    } else if path.ends_with(".py")
        && !source.text.is_ascii()
        && let Some((span, encoding)) = declared(source)
    {
        let message = format!(
            "the file declares {}, but bundles are deployed as UTF-8",
            code(encoding)
        );
        Finding::new(&NotUtf8::METADATA, file, span, message)
            .help("save the file as UTF-8 and remove the declaration")
            .report(report);
    }
}

/// The declaration of another encoding than UTF-8 on one of the first two lines.
fn declared(source: &SourceFile) -> Option<(Span, &str)> {
    (1..=source.line_count().min(2)).find_map(|line| {
        let span = source.line_span(line);
        let text = source.slice(span);
        let rest = text.trim_start().strip_prefix('#')?;
        let rest = &rest[rest.find("coding")? + "coding".len()..];
        let rest = rest.strip_prefix([':', '='])?.trim_start();
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c))
            .unwrap_or(rest.len());
        let encoding = &rest[..end];
        let plain = encoding.to_ascii_lowercase().replace('_', "-");
        let is_utf8 = plain.starts_with("utf-8")
            || matches!(plain.as_str(), "utf8" | "u8" | "ascii" | "us-ascii" | "");
        (!is_utf8).then_some((span, encoding))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, bytes: &[u8]) -> Option<(u32, String)> {
        let source = if path.ends_with(".py") {
            SourceFile::decode(path, bytes).ok()?
        } else {
            SourceFile::plain(path, bytes).ok()?
        };
        let mut report = Vec::new();
        check(FileId(0), path, &source, &mut report);
        report
            .pop()
            .map(|it| (source.line(it.place.span.start), it.message))
    }

    #[test]
    fn the_first_wrong_byte_is_shown() {
        let line = |path, bytes| found(path, bytes).map(|it| it.0);
        assert_eq!(line("templates/a.csv", b"a;b\n\xe9;1\n"), Some(2));
        assert_eq!(line("templates/logo.png", b"\x89PNG\r\n\x1a\n"), Some(1));
        assert_eq!(line("templates/a.csv", "é;1\n".as_bytes()), None);
        assert_eq!(
            line("templates/a.py", b"# coding: latin-1\nx = '\xe9'\n"),
            Some(1)
        );
        assert_eq!(
            line(
                "templates/a.py",
                b"#!/usr/bin/python\n# -*- coding: cp1252 -*-\nx = '\xe9'\n"
            ),
            Some(2)
        );
        assert_eq!(line("templates/a.py", b"# coding: latin-1\nx = 1\n"), None);
        assert_eq!(
            line("templates/a.py", "# coding: utf-8\nx = 'é'\n".as_bytes()),
            None
        );
    }
}
