//! What code anywhere in the project says about all workflows.

use lint_core::diagnostic::FileId;
use lint_core::facts::Facts;
use lint_core::knowledge::Knowledge;
use lint_core::project::{Import, Project, Question, mentions};
use lint_core::screen::Word;
use lint_core::syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::last_name;

use crate::test_files::is_test;

const FAILURES: &str = "workflow_failure_exception_types";
const CONVERTERS: [&str; 2] = ["PayloadConverter", "JSONTypeConverter"];
const UNSANDBOXED: &str = "UnsandboxedWorkflowRunner";
const CONVERTER_CLASS: &str = "payload_converter_class";
const DATA_CONVERTER: &str = "data_converter";
/// Plugins of workers and clients may bring converters along.
const PLUGINS: &str = "plugins";
const PYDANTIC: &str = "temporalio.contrib.pydantic";
/// What all files are searched for.
pub(crate) const SOUGHT: [&str; 9] = [
    FAILURES,
    "defn(",
    CONVERTERS[0],
    CONVERTERS[1],
    UNSANDBOXED,
    CONVERTER_CLASS,
    DATA_CONVERTER,
    PLUGINS,
    PYDANTIC,
];

/// What is true of all parts of a project.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Everywhere {
    /// Whether a worker or a replayer says which exceptions are failures.
    pub(crate) workers_declare_failures: bool,
    /// Whether `activity.defn(function)` makes activities of functions that are not decorated.
    pub(crate) marks_activities: bool,
    /// Whether a worker that is none of the tests runs workflows without the sandbox.
    pub(crate) has_unsandboxed_worker: bool,
    pub(crate) converters: Converters,
}

/// What converters of the project do otherwise than those of the SDK.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Converters {
    /// They make payloads of values.
    pub(crate) write: bool,
    /// They make values of payloads, also where no type is asked for.
    pub(crate) read: bool,
    /// They make the values for which a type asks.
    pub(crate) type_: bool,
    /// One is used that is none of the SDK's.
    pub(crate) other: bool,
    /// Another one than the default may be used, be it of the SDK.
    pub(crate) chosen: bool,
}

impl Everywhere {
    pub(crate) fn new(facts: &Facts<'_>) -> Self {
        if facts.workflows.is_empty() {
            return Self::default();
        }
        let project = facts.project;
        // No workflow needs the files that start workers.
        let files = project.candidates(&Question {
            name: format!("{FAILURES}, {UNSANDBOXED}, a converter, or a call of `defn`"),
            words: SOUGHT.map(Word::text).into(),
            test: &|bytes| {
                let given = [CONVERTER_CLASS, DATA_CONVERTER, PLUGINS, PYDANTIC];
                let names = [&[FAILURES, UNSANDBOXED][..], &given, &CONVERTERS].concat();
                names.iter().any(|it| mentions(bytes, it)) || calls_defn(bytes)
            },
        });
        let mut found = Self::default();
        for file in files {
            if let Some(module) = project.module(file) {
                let mut finder = Finder {
                    project,
                    knowledge: facts.knowledge,
                    file,
                    found,
                    is_test: is_test(project, file),
                    modules: vec!["activity"],
                    markers: Vec::new(),
                    foreign: Vec::new(),
                };
                finder.visit_body(&module.tree().body);
                found = finder.found;
            }
        }
        found
    }
}

/// Whether something that is no keyword may be the first argument of `defn(…)`.
fn calls_defn(bytes: &[u8]) -> bool {
    memchr::memmem::find_iter(bytes, "defn(").any(|at| {
        let given = &bytes[at + "defn(".len()..];
        let is_name =
            |it: &&u8| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'.' | b' ' | b'\n');
        let name = given.iter().take_while(is_name).count();
        name > 0 && given.get(name) != Some(&b'=')
    })
}

/// Looks through one file.
struct Finder<'a> {
    project: &'a Project<'a>,
    knowledge: &'a Knowledge,
    file: FileId,
    found: Everywhere,
    is_test: bool,
    /// The names that the file has for modules of activities, and for their `defn`.
    modules: Vec<&'a str>,
    markers: Vec<&'a str>,
    /// The names that the file has from packages of others.
    foreign: Vec<&'a str>,
}

impl<'a> Finder<'a> {
    /// Whether a module is neither of the project nor of the SDK or of Python.
    fn is_foreign(&self, module: &str) -> bool {
        let import = self
            .project
            .import_absolute(self.file, module, self.knowledge);
        import == Import::External && !self.knowledge.is_always_passed(module)
    }

    /// Whether a call makes an activity of what it is given, and not a decorator of a name.
    fn marks_activity(&self, call: &ast::ExprCall) -> bool {
        let is_marker = match &*call.func {
            Expr::Name(it) => self.markers.contains(&it.id.as_str()),
            Expr::Attribute(defn) if defn.attr.as_str() == "defn" => match &*defn.value {
                Expr::Name(it) => self.modules.contains(&it.id.as_str()),
                Expr::Attribute(it) => it.attr.as_str() == "activity",
                _ => false,
            },
            _ => false,
        };
        let given = call.arguments.args.first();
        is_marker && given.is_some_and(|it| !it.is_string_literal_expr())
    }
}

impl<'a> Visitor<'a> for Finder<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Import(it) => {
                let named = it.names.iter().filter(|it| is_activity(it.name.as_str()));
                self.modules
                    .extend(named.filter_map(|it| it.asname.as_deref()));
                let foreign = it.names.iter().filter(|it| self.is_foreign(&it.name));
                let names = foreign.map(|it| match &it.asname {
                    Some(name) => name.as_str(),
                    None => it.name.split('.').next().unwrap_or(&it.name),
                });
                let names: Vec<&str> = names.collect();
                self.foreign.extend(names);
            }
            Stmt::ImportFrom(it) => {
                let is_of_module = it.module.as_deref().is_some_and(is_activity);
                let module = it.module.as_deref().filter(|_| it.level == 0);
                self.found.converters.chosen |= module == Some(PYDANTIC);
                let is_foreign = module.is_some_and(|it| self.is_foreign(it));
                for it in &it.names {
                    let name = it.asname.as_ref().unwrap_or(&it.name).as_str();
                    if is_foreign {
                        self.foreign.push(name);
                    }
                    match it.name.as_str() {
                        "activity" => self.modules.push(name),
                        "defn" if is_of_module => self.markers.push(name),
                        _ => {}
                    }
                }
            }
            Stmt::ClassDef(it) => {
                if it
                    .bases()
                    .iter()
                    .any(|it| last_name(it).ends_with("Converter"))
                {
                    self.found.converters.add_methods(&it.body);
                }
                walk_stmt(self, statement);
            }
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        if let Expr::Call(call) = expression {
            self.found.marks_activities |= self.marks_activity(call);
            self.found.has_unsandboxed_worker |= !self.is_test && is_unsandboxed_worker(call);
            if let Some(given) = call.arguments.find_keyword(CONVERTER_CLASS) {
                self.found.converters.other |= !is_of_sdk(last_name(&given.value));
            }
            if let Some(given) = call.arguments.find_keyword(DATA_CONVERTER) {
                let foreign = |name| self.foreign.contains(&name);
                self.found.converters.other |= first_name(&given.value).is_some_and(foreign);
            }
            let chooses = |it| call.arguments.find_keyword(it).is_some();
            self.found.converters.chosen |= [PLUGINS, CONVERTER_CLASS, DATA_CONVERTER]
                .into_iter()
                .any(chooses);
            if last_name(&call.func) == "JSONPlainPayloadConverter" {
                let has = |name| call.arguments.find_keyword(name).is_some();
                self.found.converters.write |= has("encoder");
                self.found.converters.read |= has("decoder");
            }
            if let Some(given) = call.arguments.find_keyword(FAILURES) {
                let is_none = matches!(&given.value, Expr::List(list) if list.elts.is_empty());
                self.found.workers_declare_failures |= !is_none;
            }
        }
        self.found.converters.chosen |= match expression {
            Expr::Attribute(it) => it.ctx.is_store() && it.attr.as_str() == DATA_CONVERTER,
            Expr::StringLiteral(it) => [DATA_CONVERTER, PLUGINS].contains(&it.value.to_str()),
            _ => false,
        };
        walk_expr(self, expression);
    }
}

impl Converters {
    /// The methods of a converter that the SDK calls.
    fn add_methods(&mut self, body: &[Stmt]) {
        for method in body.iter().filter_map(|it| it.as_function_def_stmt()) {
            match method.name.as_str() {
                "to_payload" | "to_payloads" => self.write = true,
                "from_payload" | "from_payloads" => self.read = true,
                "to_typed_value" => self.type_ = true,
                _ => {}
            }
        }
    }
}

/// Replayers and debuggers may do without the sandbox as well.
fn is_unsandboxed_worker(call: &ast::ExprCall) -> bool {
    let runner = call.arguments.find_keyword("workflow_runner");
    let made = runner.and_then(|it| it.value.as_call_expr());
    last_name(&call.func) == "Worker" && made.is_some_and(|it| last_name(&it.func) == UNSANDBOXED)
}

/// The name with which an expression begins.
fn first_name(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::Name(it) => Some(&it.id),
        Expr::Attribute(it) => first_name(&it.value),
        Expr::Call(it) => first_name(&it.func),
        Expr::Await(it) => first_name(&it.value),
        _ => None,
    }
}

fn is_of_sdk(converter: &str) -> bool {
    matches!(
        converter,
        "DefaultPayloadConverter" | "PydanticPayloadConverter"
    )
}

/// Whether a module is one of activities, of the SDK or of a facade.
fn is_activity(module: &str) -> bool {
    module.rsplit('.').next() == Some("activity")
}
