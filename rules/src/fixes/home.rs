//! Where a new activity is written, and how the workflow gets at it.

use std::collections::BTreeMap;

use lint_core::diagnostic::{Edit, FileId, NewFile, Place, Span};
use lint_core::index::{FunctionNode, MODULE_BODY};
use lint_core::names::{Bound, Resolved};
use lint_core::project::{Import, join, mentions, split};
use lint_core::syntax::ast::{self, Stmt};
use lint_core::syntax::span_of;

use super::imports::{self, Wanted};
use super::site::Site;
use crate::rule::Context;
use crate::sites;

/// A module with activities, which may have to be made.
pub(super) struct Home {
    pub(super) file: Option<FileId>,
    pub(super) key: String,
    /// What the names of a bundle's activities begin with; `None` in plain Temporal code.
    prefix: Option<String>,
    /// Whether its activities run in threads.
    pub(super) is_sync: bool,
}

impl Home {
    /// The `activities.py` of a bundle.
    pub(super) fn of_bundle(cx: &Context<'_>, site: &Site<'_, '_>) -> Option<Self> {
        let number = cx.model.bundle_of(site.file)?;
        let bundle = &cx.model.bundles[number];
        if bundle.workflow != Some(site.file) {
            return None;
        }
        let known = cx.model.activities.iter();
        let registered = known
            .filter(|it| it.bundle == Some(number))
            .find_map(|it| it.registered.as_deref()?.split_once('.'));
        let prefix = match registered {
            Some((prefix, _)) => prefix.to_owned(),
            None => sites::bundle_slugs(&cx.model, number)
                .pop()?
                .replace('-', "_"),
        };
        Some(Self {
            file: bundle.activities,
            key: join(&bundle.directory, "templates/activities.py"),
            prefix: Some(prefix),
            is_sync: false,
        })
    }

    /// Beside the activities that a workflow uses; otherwise in an `activities.py` beside it.
    pub(super) fn of_workflow(cx: &Context<'_>, site: &Site<'_, '_>) -> Option<Self> {
        let project = cx.facts.project;
        let beside = join(split(project.key(site.file)).0, "activities.py");
        let file = used_by(cx, site).or_else(|| project.file(&beside));
        let package = beside.replace(".py", "/__init__.py");
        if file.is_none() && project.file(&package).is_some() {
            return None;
        }
        if file.is_some_and(|it| project.is_installed(it)) {
            return None;
        }
        Some(Self {
            file,
            key: file.map_or(beside, |it| project.key(it).to_owned()),
            prefix: None,
            is_sync: file.is_some_and(|it| has_only_threads(cx, it)),
        })
    }

    /// Beside a helper of plain Temporal code.
    pub(super) fn of_helper(cx: &Context<'_>, file: FileId) -> Self {
        Self {
            file: Some(file),
            key: cx.facts.project.key(file).to_owned(),
            prefix: None,
            is_sync: has_only_threads(cx, file),
        }
    }

    /// What marks activities.
    pub(super) fn activity(&self) -> Wanted<'static> {
        match self.prefix {
            Some(_) => Wanted::from("ntro.workflow", "activity"),
            None => Wanted::from("temporalio", "activity"),
        }
    }

    fn decorator(&self, name: &str) -> String {
        match &self.prefix {
            Some(prefix) => format!("@activity.defn(name=\"{prefix}.{name}\")"),
            None => "@activity.defn".to_owned(),
        }
    }

    /// The parameter of an activity for these fields with their types, and the class that it needs if
    /// they are several.
    pub(super) fn input(
        &self,
        name: &str,
        fields: &[(&str, &str)],
        needed: &mut Vec<Wanted<'static>>,
    ) -> (String, String) {
        match fields {
            [] => (String::new(), String::new()),
            [(only, kind)] => {
                let may_lack = *kind == "Any" || kind.contains("None") || kind.contains("Optional");
                // A runbook hands no `None` over.
                let default = if self.prefix.is_some() && may_lack {
                    " = None"
                } else {
                    ""
                };
                (format!("{only}: {kind}{default}"), String::new())
            }
            several => {
                let model = model_name(name);
                let (import, header) = self.model(&model);
                needed.push(import);
                let fields = several
                    .iter()
                    .map(|(name, kind)| format!("    {name}: {kind}\n"));
                let class = format!("{header}{}\n\n", fields.collect::<String>());
                (format!("input: {model}"), class)
            }
        }
    }

    /// The text of an activity.
    pub(super) fn definition(
        &self,
        name: &str,
        signature: &str,
        gives: &str,
        body: &str,
    ) -> String {
        let decorator = self.decorator(name);
        let returns = if gives == "None" { "" } else { "return " };
        format!("{decorator}\n{signature} -> {gives}:\n    {returns}{body}\n")
    }

    /// A name for an activity, and whether one of this name does the same already.
    pub(super) fn name(
        &self,
        cx: &Context<'_>,
        site: &Site<'_, '_>,
        verb: &str,
        function: impl Fn(&str) -> String,
    ) -> Option<(String, bool)> {
        let source = self.file.and_then(|file| cx.facts.project.text(file));
        match source.is_some_and(|it| it.text.contains(&function(verb))) {
            true => Some((verb.to_owned(), true)),
            false => Some((self.free_name(site, verb)?, false)),
        }
    }

    /// The start of a class for several inputs, and what it needs.
    fn model(&self, name: &str) -> (Wanted<'static>, String) {
        match self.prefix {
            Some(_) => (
                Wanted::from("pydantic", "BaseModel"),
                format!("class {name}(BaseModel):\n"),
            ),
            None => (
                Wanted::from("dataclasses", "dataclass"),
                format!("@dataclass\nclass {name}:\n"),
            ),
        }
    }

    /// A name that neither file has.
    fn free_name(&self, site: &Site<'_, '_>, verb: &str) -> Option<String> {
        let is_free = |name: &String| {
            let model = model_name(name);
            let is_unbound = |file: FileId, name: &str| {
                site.names.is_bound(file, MODULE_BODY, name) == Bound::No
            };
            let is_free_in = |file| is_unbound(file, name) && is_unbound(file, &model);
            is_free_in(site.file) && self.file.is_none_or(is_free_in) && !site.is_shadowed(name)
        };
        let numbered = (2..=9).map(|it| format!("{verb}_{it}"));
        std::iter::once(verb.to_owned())
            .chain(numbered)
            .find(is_free)
    }

    /// The file with one more function, and with what that needs.
    pub(super) fn with(
        &self,
        cx: &Context<'_>,
        site: &Site<'_, '_>,
        function: &str,
        needed: &[Wanted<'_>],
    ) -> Option<(Vec<Edit>, Vec<NewFile>)> {
        let Some(file) = self.file else {
            let text = imports::header(needed) + "\n\n" + function;
            let key = self.key.clone();
            return Some((Vec::new(), vec![NewFile { key, text }]));
        };
        let project = cx.facts.project;
        let (source, tree) = (project.text(file)?, project.module(file)?.tree());
        let mut edits = imported(cx, file, needed)?;
        let (at, replacement) = if file == site.file {
            // Above the class that uses it.
            let whole = tree.body.iter().map(span_of);
            let around = whole
                .into_iter()
                .find(|it| it.contains(span_of(site.expr)))?;
            (around.start, format!("{function}\n\n"))
        } else {
            let at = end_of_activities(cx, file).unwrap_or(source.text.len() as u32);
            let gap = match source.text[..at as usize].ends_with('\n') {
                true => "\n\n",
                false => "\n\n\n",
            };
            (at, format!("{gap}{function}"))
        };
        edits.push(Edit {
            place: Place {
                file,
                span: Span::new(at, at),
            },
            replacement,
        });
        Some((edits, Vec::new()))
    }

    /// What to write before the names of the module in the workflow's file, and the import that
    /// they need.
    pub(super) fn import(
        &self,
        cx: &Context<'_>,
        site: &Site<'_, '_>,
        names: &[&str],
    ) -> Option<(String, Option<Edit>)> {
        let (source, tree) = (site.source, site.module.tree());
        let has = |name: &&str| match site.names.member(site.file, name) {
            Some(Resolved::Function { file, .. } | Resolved::Class { file, .. }) => {
                Some(file) == self.file
            }
            _ => false,
        };
        if names.iter().all(has) {
            return Some((String::new(), None));
        }
        if self.prefix.is_some() {
            let edit = imports::import_sibling(site.file, source, tree, "activities", names);
            return Some((String::new(), Some(edit)));
        }
        if self.file == Some(site.file) {
            return Some((String::new(), None));
        }
        if let Some(file) = self.file {
            if let Some(module) = qualifier(site, file) {
                return Some((format!("{module}."), None));
            }
            if let Some(statement) = imported_from(cx, site.file, file) {
                let edit = imports::beside(site.file, source, statement, names);
                return Some((String::new(), Some(edit)));
            }
        }
        let (module, _) = sibling(cx, site.file, &self.key)?;
        let statement = format!("from {module} import {}", names.join(", "));
        let api = site.api()?;
        // Where the SDK may be missing, nothing of it is there at the top.
        let is_sdk = |it: &Stmt| match it {
            Stmt::ImportFrom(it) => it
                .module
                .as_ref()
                .is_some_and(|it| it.starts_with("temporalio")),
            _ => false,
        };
        if imports::tried_imports(tree).any(is_sdk) {
            return None;
        }
        let edit = imports::passed_through(site.file, source, tree, &api.name, &statement);
        Some((String::new(), Some(edit)))
    }
}

/// The class for the inputs of an activity that has several.
pub(super) fn model_name(function: &str) -> String {
    let words = function.split('_').filter(|it| !it.is_empty());
    let capital = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().into_iter().flat_map(char::to_uppercase);
        first.collect::<String>() + letters.as_str()
    };
    words.map(capital).collect::<String>() + "Input"
}

/// What is scheduled: the activity, and what is passed for its fields.
pub(super) fn passed(prefix: &str, name: &str, fields: &[(&str, &str)]) -> Vec<String> {
    let mut passed = vec![format!("{prefix}{name}")];
    match fields {
        [] => {}
        [(_, only)] => passed.push((*only).to_owned()),
        several => {
            let fields = several
                .iter()
                .map(|(name, value)| format!("{name}={value}"));
            let fields: Vec<String> = fields.collect();
            passed.push(format!(
                "{prefix}{}({})",
                model_name(name),
                fields.join(", ")
            ));
        }
    }
    passed
}

/// What is imported for an activity with so many fields.
pub(super) fn imported_names(name: &str, fields: usize) -> Vec<String> {
    let model = (fields > 1).then(|| model_name(name));
    model.into_iter().chain([name.to_owned()]).collect()
}

/// The edits that import what a file lacks.
pub(super) fn imported(cx: &Context<'_>, file: FileId, needed: &[Wanted<'_>]) -> Option<Vec<Edit>> {
    let project = cx.facts.project;
    let (source, tree) = (project.text(file)?, project.module(file)?.tree());
    let names = cx.names();
    let mut missing: Vec<Wanted<'_>> = Vec::new();
    for &wanted in needed {
        match names.member(file, wanted.bound()) {
            Some(Resolved::External(name)) if wanted.is_called(&name) => {}
            None if names.is_bound(file, MODULE_BODY, wanted.bound()) == Bound::No => {
                missing.push(wanted);
            }
            _ => return None,
        }
    }
    missing.sort_by_key(|it| (it.name.is_some(), it.module, it.name));
    missing.dedup();
    let imports = missing.iter();
    let mut edits: Vec<Edit> = imports
        .map(|it| imports::import(file, source, tree, *it))
        .collect();
    // Lines of one place have no blank line between them.
    for next in 1..edits.len() {
        let (before, after) = (&edits[next - 1], &edits[next]);
        let is_block = |it: &Edit| it.replacement.ends_with("\n\n");
        if before.place == after.place && is_block(before) && is_block(after) {
            edits[next - 1].replacement.pop();
        }
    }
    Some(edits)
}

/// The end of the last activity of a file: lists of them may stand below.
fn end_of_activities(cx: &Context<'_>, file: FileId) -> Option<u32> {
    let project = cx.facts.project;
    let (source, tree) = (project.source(file)?, project.module(file)?.tree());
    let all = cx
        .facts
        .activities
        .iter()
        .filter(|it| it.place.file == file);
    let names: Vec<Span> = all.map(|it| it.place.span).collect();
    let is_activity = |it: &&Stmt| match it {
        Stmt::FunctionDef(it) => names.contains(&span_of(&it.name)),
        _ => false,
    };
    let last = tree.body.iter().rfind(is_activity)?;
    let end = span_of(last).end;
    Some(source.whole_lines(Span::new(end, end)).end)
}

/// The module with most of the activities that the workflow's file names.
fn used_by(cx: &Context<'_>, site: &Site<'_, '_>) -> Option<FileId> {
    let is_activity = |file: FileId, name: Span| {
        let place = Place { file, span: name };
        let found = cx
            .facts
            .activities
            .binary_search_by_key(&place, |it| it.place);
        found.is_ok()
    };
    let mut count: BTreeMap<FileId, usize> = BTreeMap::new();
    for name in site.names.members(site.file) {
        match site.names.member(site.file, name) {
            Some(Resolved::Function { file, ix }) => {
                let function = cx.facts.project.module(file)?.index().function(ix);
                if is_activity(file, function.node.name_span()) {
                    *count.entry(file).or_default() += 1;
                }
            }
            Some(Resolved::Module(file) | Resolved::Class { file, .. })
                if cx.facts.activities.iter().any(|it| it.place.file == file) =>
            {
                *count.entry(file).or_default() += 1;
            }
            _ => {}
        }
    }
    let most = count
        .iter()
        .max_by_key(|(file, count)| (**count, std::cmp::Reverse(**file)));
    most.map(|(file, _)| *file)
}

/// Whether all activities of a file are plain functions, for which the worker has threads.
fn has_only_threads(cx: &Context<'_>, file: FileId) -> bool {
    let Some(index) = cx.facts.project.module(file).map(|it| it.index()) else {
        return false;
    };
    let places = cx
        .facts
        .activities
        .iter()
        .filter(|it| it.place.file == file);
    let spans: Vec<Span> = places.map(|it| it.place.span).collect();
    let is_async = |span: &Span| {
        let functions = index.functions.iter();
        let mut named = functions.filter(|it| it.node.name_span() == *span);
        named.any(|it| matches!(it.node, FunctionNode::Def(def) if def.is_async))
    };
    !spans.is_empty() && !spans.iter().any(is_async)
}

/// The name under which the site's file has a whole module.
fn qualifier<'p>(site: &Site<'_, 'p>, file: FileId) -> Option<&'p str> {
    let mut modules = site.names.names_of(site.file, &Resolved::Module(file));
    modules.find(|name| !site.is_shadowed(name))
}

/// The import of names from one file in another one.
pub(super) fn imported_from<'p>(
    cx: &Context<'p>,
    from: FileId,
    file: FileId,
) -> Option<&'p ast::StmtImportFrom> {
    let project = cx.facts.project;
    let tree = project.module(from)?.tree();
    let statements = imports::import_statements(tree).into_iter();
    let statements = statements.map(|(_, it)| it);
    let statements = statements.chain(imports::tried_imports(tree));
    let mut plain = statements.filter_map(|it| match it {
        Stmt::ImportFrom(it) => Some(it),
        _ => None,
    });
    plain.find(|it| {
        let module = it.module.as_ref().map_or("", |it| it.as_str());
        let found = project.import_from(from, module, it.level, cx.facts.knowledge);
        found == Import::File(file) && it.names.iter().all(|it| it.name.as_str() != "*")
    })
}

/// Every finding looks at all files of its directory; where there are more, nobody looks.
const MAX_BESIDE: usize = 100;

/// Whether a file of its directory imports a file by its bare name, as a script does: there is no
/// package then for relative imports, even beside an `__init__.py`.
fn is_run_beside(cx: &Context<'_>, file: FileId) -> bool {
    let project = cx.facts.project;
    let (directory, name) = split(project.key(file));
    let Some(stem) = name.strip_suffix(".py") else {
        return false;
    };
    let is_beside = |it: &FileId| split(project.key(*it)).0 == directory && *it != file;
    let beside = project.files().filter(is_beside).take(MAX_BESIDE + 1);
    let beside: Vec<FileId> = beside.collect();
    let names_it = |it: &FileId| {
        let text = project.text(*it);
        text.is_some_and(|it| mentions(it.text.as_bytes(), stem))
    };
    beside.len() <= MAX_BESIDE
        && beside.into_iter().filter(names_it).any(|other| {
            let tree = project.module(other).map(|it| it.tree());
            let mut imports = tree.into_iter().flat_map(imports::import_statements);
            imports.any(|(_, it)| match it {
                Stmt::Import(it) => it.names.iter().any(|it| it.name.as_str() == stem),
                Stmt::ImportFrom(it) => {
                    let is_bare = it.module.as_ref().is_some_and(|it| it.as_str() == stem);
                    it.level == 0
                        && is_bare
                        && project.import_from(other, stem, 0, cx.facts.knowledge)
                            == Import::File(file)
                }
                _ => false,
            })
        })
}

/// How a file imports a module by its key: as it imports another one of that directory, which is
/// given as well.
pub(super) fn sibling<'p>(
    cx: &Context<'p>,
    from: FileId,
    key: &str,
) -> Option<(String, Option<&'p Stmt>)> {
    let project = cx.facts.project;
    let (directory, name) = split(key);
    let stem = name.strip_suffix(".py")?;
    let package = |module: &str| match module.rsplit_once('.') {
        Some((package, _)) => format!("{package}.{stem}"),
        None => stem.to_owned(),
    };
    for (_, statement) in imports::import_statements(project.module(from)?.tree()) {
        let Stmt::ImportFrom(it) = statement else {
            continue;
        };
        let module = it.module.as_ref().map_or("", |it| it.as_str());
        let found = project.import_from(from, module, it.level, cx.facts.knowledge);
        if let Import::File(file) = found
            && split(project.key(file)).0 == directory
        {
            let dots = ".".repeat(it.level as usize);
            let is_package = split(project.key(file)).1 == "__init__.py";
            let module = match (is_package, module) {
                (true, "") => stem.to_owned(),
                (true, module) => format!("{module}.{stem}"),
                (false, module) => package(module),
            };
            return Some((format!("{dots}{module}"), Some(statement)));
        }
    }
    if split(project.key(from)).0 != directory {
        return None;
    }
    if is_run_beside(cx, from) {
        return Some((stem.to_owned(), None));
    }
    if project.file(&join(directory, "__init__.py")).is_some() {
        return Some((format!(".{stem}"), None));
    }
    Some((package(&project.module_name(from)), None))
}

#[cfg(test)]
mod tests {
    use super::model_name;

    #[test]
    fn the_class_of_the_inputs_is_called_after_the_function() {
        assert_eq!(model_name("_load_page"), "LoadPageInput");
        assert_eq!(model_name("変数_élan"), "変数ÉlanInput");
    }
}
