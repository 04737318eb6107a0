//! What makes two findings the same over time.

use lint_core::diagnostic::Diagnostic;
use lint_core::index::MODULE_BODY;
use lint_core::project::Project;

/// How much of a source text is kept, in characters.
const SOURCE_LENGTH: usize = 80;

/// What stays the same when code around a finding changes.
///
/// The file and the function are those of the primary place: the line of workflow code from which
/// a path leads to the culprit. The path itself does not count. So a helper can be renamed, moved
/// or taken apart, and each workflow that reaches a culprit stands for itself: one that newly does
/// is new, even if nobody touched it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    /// Relative to the project root, with `/`.
    pub(crate) file: String,
    pub(crate) rule: String,
    /// The qualified name of the function within its file, such as `Order.run`; lambdas count as
    /// the function around them. `None` outside of functions.
    pub(crate) function: Option<String>,
    pub(crate) culprit: Option<String>,
    /// The start of what the finding points at, where there is no culprit to tell findings of one
    /// rule apart.
    pub(crate) source: Option<String>,
}

impl Key {
    pub(crate) fn of(finding: &Diagnostic, project: &Project<'_>) -> Self {
        let source = match finding.culprit {
            Some(_) => None,
            None => source(finding, project),
        };
        Self {
            file: project.key(finding.place.file).to_owned(),
            rule: finding.code.to_owned(),
            function: function(finding, project),
            culprit: finding.culprit.clone(),
            source,
        }
    }
}

fn function(finding: &Diagnostic, project: &Project<'_>) -> Option<String> {
    let index = project.module(finding.place.file)?.index();
    let mut ix = index.function_containing(finding.place.span.start);
    // The numbers of lambdas depend on the code around them.
    while index.function(ix).qualname.ends_with('>') {
        ix = index.function(ix).parent;
    }
    (ix != MODULE_BODY).then(|| index.function(ix).qualname.clone())
}

fn source(finding: &Diagnostic, project: &Project<'_>) -> Option<String> {
    let text = project
        .source(finding.place.file)?
        .slice(finding.place.span);
    let words: Vec<&str> = text.lines().next()?.split_whitespace().collect();
    let start: String = words.join(" ").chars().take(SOURCE_LENGTH).collect();
    (!start.is_empty()).then_some(start)
}
