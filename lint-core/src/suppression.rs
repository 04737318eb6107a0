//! Comments that quiet findings, and the findings about such comments.
//!
//! ```python
//! now = time.time()  # noqa: RB101
//! now = time.time()  # runbook-lint: ignore[wall-clock] only logged
//! # runbook-lint: ignore[RB101] stands above the line it speaks of
//! # runbook-lint: ignore-file[RB101, RB102] generated code
//! ```
//!
//! A comment speaks of findings whose primary place or culprit is on its line, so one comment at a
//! culprit quiets all its callers.

mod comment;

use std::collections::{BTreeMap, BTreeSet};

use memchr::memmem;

use crate::diagnostic::{Applicability, Diagnostic, Edit, FileId, Fix, Impact, Place, Span};
use crate::project::{Project, Question};
use crate::rule::RuleMetadata;
use crate::screen::Word;
use crate::source::SourceFile;
use crate::suggest::closest;
use comment::{Comment, Kind, Written};

/// What suppressions have to know about rules. The engine itself knows none.
#[derive(Debug, Clone, Copy)]
pub struct Registry<'r> {
    pub known: &'r [&'static RuleMetadata],
    /// Codes of the rules that ran; a suppression of any other cannot be called unused.
    pub enabled: &'r BTreeSet<&'static str>,
    /// Reports suppressions that quiet nothing.
    pub unused: &'static RuleMetadata,
    /// Reports suppressions that name no rule or cannot be understood.
    pub unknown: &'static RuleMetadata,
}

/// The findings, parted. Both halves include findings about suppressions.
#[derive(Debug, Default)]
pub struct Outcome {
    pub kept: Vec<Diagnostic>,
    pub suppressed: Vec<Diagnostic>,
}

/// Takes the suppressed findings out, and adds those about the suppressions themselves.
pub fn apply(
    project: &Project<'_>,
    registry: Registry<'_>,
    diagnostics: Vec<Diagnostic>,
) -> Outcome {
    let mut comments = Suppressions::collect(project, registry);
    let mut outcome = Outcome::default();
    for diagnostic in diagnostics {
        outcome.put(comments.quiet(&diagnostic), diagnostic);
    }
    for diagnostic in comments.findings(registry) {
        outcome.put(comments.quiet(&diagnostic), diagnostic);
    }
    outcome
}

impl Outcome {
    fn put(&mut self, suppressed: bool, diagnostic: Diagnostic) {
        let half = if suppressed {
            &mut self.suppressed
        } else {
            &mut self.kept
        };
        half.push(diagnostic);
    }
}

struct Suppressions<'p> {
    project: &'p Project<'p>,
    by_file: BTreeMap<FileId, Vec<Suppression>>,
}

/// One comment that was understood, or that was meant to be.
struct Suppression {
    span: Span,
    scope: Scope,
    targets: Targets,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Line(u32),
    File,
}

enum Targets {
    All,
    Rules(Vec<Target>),
    Malformed { message: String, help: String },
}

struct Target {
    written: String,
    /// `None` when no rule has this code or name.
    code: Option<&'static str>,
    used: bool,
}

impl<'p> Suppressions<'p> {
    /// Reads the comments of every file that was parsed, and of those that were not although they
    /// hold a suppression: it is unused.
    fn collect(project: &'p Project<'p>, registry: Registry<'_>) -> Self {
        for file in project.candidates(&question()) {
            project.module(file);
        }
        let mut by_file = BTreeMap::new();
        for file in project.files() {
            let Some(source) = project.source(file) else {
                continue;
            };
            let found: Vec<Suppression> = comments(project, file, source)
                .into_iter()
                .map(|comment| Suppression::new(comment, source, registry))
                .collect();
            if !found.is_empty() {
                by_file.insert(file, found);
            }
        }
        Self { project, by_file }
    }

    /// Whether a comment quiets the finding; every comment that does so is used.
    fn quiet(&mut self, diagnostic: &Diagnostic) -> bool {
        let mut quiet = false;
        for place in [diagnostic.place, diagnostic.culprit_place()] {
            let Some(source) = self.project.source(place.file) else {
                continue;
            };
            let lines = [
                source.line(place.span.start),
                source.line(place.span.end.saturating_sub(1).max(place.span.start)),
            ];
            for suppression in self.by_file.get_mut(&place.file).into_iter().flatten() {
                quiet |= suppression.speaks_of(lines) && suppression.quiets(diagnostic.code);
            }
        }
        quiet
    }

    fn findings(&self, registry: Registry<'_>) -> Vec<Diagnostic> {
        let mut findings = Vec::new();
        for (&file, suppressions) in &self.by_file {
            // Nobody edits the comments of an installed package.
            if self.project.is_installed(file) {
                continue;
            }
            for suppression in suppressions {
                let place = Place {
                    file,
                    span: suppression.span,
                };
                let before = findings.len();
                suppression.findings(place, registry, &mut findings);
                let fix = suppression.removal(place, self.project, registry);
                for finding in &mut findings[before..] {
                    finding.fixes.extend(fix.clone());
                }
            }
        }
        findings
    }
}

impl Suppression {
    fn new(comment: Comment, source: &SourceFile, registry: Registry<'_>) -> Self {
        let resolve = |written: String| Target {
            code: resolve(registry.known, &written),
            written,
            used: false,
        };
        let (scope, targets) = match comment.kind {
            Kind::NoqaAll => (Scope::Line(comment.line), Targets::All),
            Kind::Noqa(codes) => {
                // Codes of other linters are none of our business.
                let ours = codes.into_iter().filter(|code| is_our_code(code));
                let targets = ours.map(resolve).collect();
                (Scope::Line(comment.line), Targets::Rules(targets))
            }
            Kind::Ignore(Written { rules, whole_file }) => {
                let scope = if whole_file {
                    Scope::File
                } else if comment.own_line {
                    Scope::Line(next_code_line(source, comment.line))
                } else {
                    Scope::Line(comment.line)
                };
                (
                    scope,
                    Targets::Rules(rules.into_iter().map(resolve).collect()),
                )
            }
            Kind::Malformed { message, help } => (
                Scope::Line(comment.line),
                Targets::Malformed { message, help },
            ),
        };
        Self {
            span: comment.span,
            scope,
            targets,
        }
    }

    fn speaks_of(&self, lines: [u32; 2]) -> bool {
        match self.scope {
            Scope::File => true,
            Scope::Line(line) => lines.contains(&line),
        }
    }

    fn quiets(&mut self, code: &str) -> bool {
        match &mut self.targets {
            Targets::All => true,
            Targets::Rules(targets) => {
                let mut quiet = false;
                for target in targets.iter_mut().filter(|it| it.code == Some(code)) {
                    target.used = true;
                    quiet = true;
                }
                quiet
            }
            Targets::Malformed { .. } => false,
        }
    }

    /// Takes the names out that suppress nothing, or the whole comment if none is left.
    fn removal(&self, place: Place, project: &Project<'_>, registry: Registry<'_>) -> Option<Fix> {
        let Targets::Rules(targets) = &self.targets else {
            return None;
        };
        let is_idle = |name: &str| {
            let mut named = targets.iter().filter(|it| it.written == name);
            named.any(|it| match it.code {
                Some(code) if code == registry.unused.code || code == registry.unknown.code => {
                    false
                }
                Some(code) => !it.used && registry.enabled.contains(code),
                None => true,
            })
        };
        let source = project.source(place.file)?;
        let list = comment::list(source.slice(place.span))?;
        let start = place.span.start + list.start as u32;
        let list = Span::new(start, place.span.start + list.end as u32);
        let names = source
            .slice(list)
            .split([',', ' '])
            .filter(|it| !it.is_empty());
        let kept: Vec<&str> = names.filter(|it| !is_idle(it)).collect();
        let (span, title) = if kept.is_empty() {
            (self.whole(place, source)?, "remove the comment")
        } else {
            (list, "remove what suppresses nothing")
        };
        let edit = Edit {
            place: Place { span, ..place },
            replacement: kept.join(", "),
        };
        Some(Fix::new(title, Applicability::Safe, vec![edit]))
    }

    /// The comment with the white space before it, or its line if there is nothing else in it.
    fn whole(&self, place: Place, source: &SourceFile) -> Option<Span> {
        let line = source.line_span(source.line(place.span.start));
        let before = source.slice(Span::new(line.start, place.span.start));
        let is_last = source
            .slice(Span::new(place.span.end, line.end))
            .trim()
            .is_empty();
        match before.trim().is_empty() {
            true => is_last.then(|| source.whole_lines(line)),
            false => {
                let start = line.start + before.trim_end().len() as u32;
                Some(Span::new(start, place.span.end))
            }
        }
    }

    fn findings(&self, place: Place, registry: Registry<'_>, findings: &mut Vec<Diagnostic>) {
        let mut report = |rule: &'static RuleMetadata, message: String, help: Option<String>| {
            if registry.enabled.contains(rule.code) {
                findings.push(diagnostic(rule, place, message, help));
            }
        };
        let targets = match &self.targets {
            Targets::All => return,
            Targets::Malformed { message, help } => {
                report(registry.unknown, message.clone(), Some(help.clone()));
                return;
            }
            Targets::Rules(targets) => targets,
        };
        for target in targets {
            match target.code {
                None => {
                    let names = registry
                        .known
                        .iter()
                        .flat_map(|rule| [rule.code, rule.name]);
                    let help = closest(&target.written, names)
                        .map(|name| format!("did you mean `{name}`?"));
                    report(
                        registry.unknown,
                        format!("this comment names `{}`, which is no rule", target.written),
                        help,
                    );
                }
                // These two are about suppressions and come after all others.
                Some(code) if code == registry.unused.code || code == registry.unknown.code => {}
                Some(code) if !target.used && registry.enabled.contains(code) => {
                    let where_ = match self.scope {
                        Scope::File => "in this file",
                        Scope::Line(_) => "here",
                    };
                    report(
                        registry.unused,
                        format!(
                            "this comment suppresses `{}`, which is not found {where_}",
                            target.written
                        ),
                        Some("remove it, so that it cannot hide a later finding".to_owned()),
                    );
                }
                Some(_) => {}
            }
        }
    }
}

fn diagnostic(
    rule: &'static RuleMetadata,
    place: Place,
    message: String,
    help: Option<String>,
) -> Diagnostic {
    Diagnostic {
        code: rule.code,
        name: rule.name,
        severity: rule.severity,
        message,
        help,
        notes: Vec::new(),
        place,
        workflow: None,
        entry: None,
        culprit: None,
        subject: None,
        impact: Impact::None,
        trace: Vec::new(),
        fixes: Vec::new(),
    }
}

fn resolve(known: &[&'static RuleMetadata], written: &str) -> Option<&'static str> {
    let rule = known
        .iter()
        .find(|rule| rule.code.eq_ignore_ascii_case(written) || rule.name == written)?;
    Some(rule.code)
}

fn is_our_code(code: &str) -> bool {
    code.get(..2)
        .is_some_and(|prefix| prefix.eq_ignore_ascii_case(CODE))
        && code[2..].bytes().all(|byte| byte.is_ascii_digit())
}

/// The line that a comment on a line of its own speaks of: the next one that is neither blank nor
/// a comment itself.
fn next_code_line(source: &SourceFile, line: u32) -> u32 {
    let is_code = |&line: &u32| {
        let text = source.slice(source.line_span(line)).trim_start();
        !text.is_empty()
            && !comment::OPENERS
                .iter()
                .any(|opener| text.starts_with(opener))
    };
    (line + 1..=source.line_count())
        .find(is_code)
        .unwrap_or(line)
}

fn comments(project: &Project<'_>, file: FileId, source: &SourceFile) -> Vec<Comment> {
    match project.module(file) {
        Some(module) => module
            .comments
            .iter()
            .flat_map(|it| {
                comment::in_python(
                    source.slice(it.span),
                    it.span.start,
                    source.line(it.span.start),
                    it.own_line,
                )
            })
            .collect(),
        None => (1..=source.line_count())
            .flat_map(|line| {
                let span = source.line_span(line);
                comment::in_text(source.slice(span), span.start, line)
            })
            .collect(),
    }
}

/// What every code of a rule begins with; digits follow.
const CODE: &str = "RB";

/// Which files may hold suppressions.
pub(crate) fn question() -> Question<'static> {
    Question {
        name: comment::MARKER.to_owned(),
        words: [CODE, comment::MARKER].map(Word::text).into(),
        test: &mentions_suppression,
    }
}

/// A cheap test for files that may hold a suppression of ours.
fn mentions_suppression(bytes: &[u8]) -> bool {
    memmem::find(bytes, comment::MARKER.as_bytes()).is_some()
        || (memmem::find_iter(bytes, CODE.as_bytes())
            .any(|at| bytes.get(at + CODE.len()).is_some_and(u8::is_ascii_digit)))
}

#[cfg(test)]
mod tests;
