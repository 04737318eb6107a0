//! Which files belong to tests.

use lint_core::diagnostic::FileId;
use lint_core::index::FunctionNode;
use lint_core::project::{Project, split};

/// Whether a file belongs to tests: it lies among them, or is called like one and defines some. What
/// an application calls `test_runs.py` may be about tests.
pub(crate) fn is_test(project: &Project<'_>, file: FileId) -> bool {
    let (directory, name) = split(project.key(file));
    let is_called_so = name.starts_with("test_") || name.ends_with("_test.py");
    directory.split('/').any(|folder| folder == "tests")
        || name == "conftest.py"
        || is_called_so && defines_tests(project, file)
}

fn defines_tests(project: &Project<'_>, file: FileId) -> bool {
    let functions = project.module(file).map(|it| &it.index().functions);
    let mut names = functions
        .into_iter()
        .flatten()
        .filter_map(|it| match it.node {
            FunctionNode::Def(def) => Some(def.name.as_str()),
            _ => None,
        });
    names.any(|it| it.starts_with("test"))
}
