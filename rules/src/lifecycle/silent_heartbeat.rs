use std::collections::BTreeSet;

use lint_core::diagnostic::{Diagnostic, FileId, TraceStep};
use lint_core::facts::FunctionRef;
use lint_core::index::FunctionNode;
use lint_core::names::Resolved;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::visitor::{Visitor, walk_expr};
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::model::{CallSite, Model};
use crate::program::{Node, Program, Way, nodes_of, nodes_of_expr, own_nodes};
use crate::rule::{Context, Rule, Scope};
use crate::sites::{Written, keyword_value, number, shown};

/// ## What it does
/// Finds activities that are scheduled with a `heartbeat_timeout` and never call
/// `activity.heartbeat()`, neither themselves nor through helpers; in runbooks, too.
///
/// ## Why is this bad?
/// When no heartbeat comes in time, the server takes the attempt for dead and starts another one, while the
/// first still works. Every attempt that takes longer than the timeout ends like this.
///
/// ## Example
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
///
/// from .activities import load_file
///
///
/// @workflow.defn
/// class LoadFile:
///     @workflow.run
///     async def run(self, name: str) -> int:
///         return await workflow.execute_activity(
///             load_file,
///             name,
///             start_to_close_timeout=timedelta(hours=1),
///             heartbeat_timeout=timedelta(seconds=30),  # RB607
///         )
/// ```
/// ```python path=activities.py
/// from temporalio import activity
///
///
/// @activity.defn
/// async def load_file(name: str) -> int:
///     return sum(1 for _ in name.splitlines())
/// ```
///
/// ## Use instead
/// Send a heartbeat with each piece of work:
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
///
/// from .activities import load_file
///
///
/// @workflow.defn
/// class LoadFile:
///     @workflow.run
///     async def run(self, name: str) -> int:
///         return await workflow.execute_activity(
///             load_file,
///             name,
///             start_to_close_timeout=timedelta(hours=1),
///             heartbeat_timeout=timedelta(seconds=30),
///         )
/// ```
/// ```python path=activities.py
/// from temporalio import activity
///
///
/// @activity.defn
/// async def load_file(name: str) -> int:
///     lines = name.splitlines()
///     for number, _ in enumerate(lines):
///         activity.heartbeat(number)
///     return len(lines)
/// ```
///
/// ## Limits
/// An activity that has nothing to wait for is never late: it only returns a value or raises, as one that is still
/// to be written does, looks at what it is given, or sleeps for less than half of the timeout.
/// An activity with other decorators than such of the project that only hand on their arguments is taken to send
/// heartbeats by them, and so is one in whose code, or in the code that it calls, something has `heartbeat` in its
/// name. One that is completed from elsewhere
/// gets its heartbeats from there.
///
/// ## References
/// - <https://docs.temporal.io/develop/python/failure-detection#activity-heartbeats>
#[derive(RuleMetadata)]
#[rule(
    code = "RB607",
    severity = "warning",
    category = "lifecycle",
    since = "0.1.0",
    summary = "an activity with a heartbeat timeout never sends a heartbeat"
)]
pub(crate) struct SilentHeartbeat;

impl Rule for SilentHeartbeat {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn scope(&self) -> Scope {
        Scope::RunbooksAndParts
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let program = Program::new(cx.facts);
        for site in cx.model.all_calls() {
            let Some((timeout, activity)) = scheduled(&cx.model, program, site) else {
                continue;
            };
            let mut search = Search {
                model: &cx.model,
                program,
                seen: BTreeSet::new(),
                variables: BTreeSet::new(),
                found: false,
            };
            search.activity(activity);
            let limit = Written::at(site, timeout).seconds(&cx.model);
            if !search.found && !is_done_at_once(&cx.model, program, activity, limit) {
                finding(&cx.model, program, site, timeout, activity).report(report);
            }
        }
    }
}

/// The heartbeat timeout and the activity of a call that schedules one.
fn scheduled<'p>(
    model: &Model<'p>,
    program: Program<'_, 'p>,
    site: &CallSite<'p>,
) -> Option<(&'p Expr, FunctionRef)> {
    let schedules = site.workflow_api().is_some_and(|name| {
        matches!(
            name,
            "execute_activity"
                | "start_activity"
                | "execute_activity_method"
                | "start_activity_method"
        )
    });
    if !schedules {
        return None;
    }
    let timeout = match keyword_value(site.call, "heartbeat_timeout") {
        Some(it) if it.is_none_literal_expr() => return None,
        Some(it) => it,
        None => among_options(model, site)?,
    };
    let target = site.call.arguments.args.first()?;
    let Resolved::Function { file, ix } = model.scheduled(site, target)? else {
        return None;
    };
    let activity = FunctionRef { file, ix };
    let is_seen = model.keeps_parameters(file, program.function(activity)?);
    is_seen.then_some((timeout, activity))
}

/// Whether the activity has nothing to wait for: its body neither goes round nor calls anything but what is quick,
/// or sleeps for much less than the limit in seconds.
fn is_done_at_once(
    model: &Model<'_>,
    program: Program<'_, '_>,
    activity: FunctionRef,
    limit: Option<f64>,
) -> bool {
    const MUCH_LESS: f64 = 0.5;
    let FunctionRef { file, ix } = activity;
    let names = model.names_in(file);
    let mut asleep = 0.0;
    let mut is_quick = |call: &ast::ExprCall| match names.resolve(file, ix, &call.func) {
        Some(Resolved::Class { file, ix }) => is_made_at_once(model, file, ix),
        Some(Resolved::External(name)) if SLEEPS.contains(&name.as_str()) => {
            let seconds = call.arguments.args.first().and_then(number);
            asleep += seconds.unwrap_or(f64::INFINITY);
            limit.is_some_and(|limit| asleep <= limit * MUCH_LESS)
        }
        Some(Resolved::External(name)) => {
            QUICK.contains(&name.as_str()) || name.starts_with("temporalio.activity.logger.")
        }
        _ => false,
    };
    let is_short = |node: Node<'_>| match node {
        Node::Stmt(
            Stmt::Pass(_)
            | Stmt::Return(_)
            | Stmt::Raise(_)
            | Stmt::Expr(_)
            | Stmt::If(_)
            | Stmt::Assign(_)
            | Stmt::AnnAssign(_),
        ) => true,
        Node::Stmt(_) => false,
        Node::Expr(Expr::Call(call)) => is_quick(call),
        Node::Expr(Expr::Await(it)) => it.value.is_call_expr(),
        Node::Expr(it) => !matches!(
            it,
            Expr::Yield(_)
                | Expr::YieldFrom(_)
                | Expr::ListComp(_)
                | Expr::SetComp(_)
                | Expr::DictComp(_)
                | Expr::Generator(_)
        ),
    };
    own_nodes(program.function(activity)).all(is_short)
}

const SLEEPS: &[&str] = &["asyncio.sleep", "time.sleep"];

/// What gives its value, or is raised, at once.
const QUICK: &[&str] = &[
    "NotImplementedError",
    "RuntimeError",
    "ValueError",
    "bool",
    "float",
    "int",
    "isinstance",
    "len",
    "print",
    "round",
    "str",
    "temporalio.exceptions.ApplicationError",
];

/// Whether making an object of the class runs no code of the project.
fn is_made_at_once(model: &Model<'_>, file: FileId, class: u32) -> bool {
    let body = model.index(file).map(|it| &it.class(class).node.body[..]);
    body.is_some_and(|body| body.iter().all(|it| !it.is_function_def_stmt()))
}

/// `**OPTIONS`, if they are written out and have a heartbeat timeout.
fn among_options<'p>(model: &Model<'p>, site: &CallSite<'p>) -> Option<&'p Expr> {
    let keywords = site.call.arguments.keywords.iter();
    let mut options = keywords.filter(|it| it.arg.is_none());
    let options = options.find(|it| {
        let options = Written::at(site, &it.value).dict(model);
        options.is_some_and(|it| it.get("heartbeat_timeout").is_some())
    });
    options.map(|it| &it.value)
}

fn finding(
    model: &Model<'_>,
    program: Program<'_, '_>,
    site: &CallSite<'_>,
    timeout: &Expr,
    activity: FunctionRef,
) -> Finding {
    let target = site.call.arguments.args.first();
    let name = target.map_or_else(String::new, |it| shown(model, site.file, it));
    let place = lint_core::diagnostic::Place {
        file: site.file,
        span: span_of(timeout),
    };
    let message = format!(
        "{name} has a heartbeat timeout and never sends a heartbeat: each attempt that takes longer is started again \
         while it still works"
    );
    let way = Way {
        place,
        trace: program
            .def(activity)
            .map(|def| TraceStep {
                place: lint_core::diagnostic::Place {
                    file: activity.file,
                    span: span_of(&def.name),
                },
                function: program.name(activity),
                message: format!("`{}` is the activity", def.name),
            })
            .into_iter()
            .collect(),
    };
    Finding::new(&SilentHeartbeat::METADATA, place.file, place.span, message)
        .help("call `activity.heartbeat()` while it works, or leave out `heartbeat_timeout`")
        .along(way)
}

/// Looks for a heartbeat in an activity and in what it may call.
struct Search<'m, 'p> {
    model: &'m Model<'p>,
    program: Program<'m, 'p>,
    seen: BTreeSet<FunctionRef>,
    variables: BTreeSet<(FileId, String)>,
    found: bool,
}

impl<'p> Search<'_, 'p> {
    fn activity(&mut self, it: FunctionRef) {
        self.function(it);
        // What a method of an activity uses may have been put into its object.
        let class = self
            .program
            .function(it)
            .and_then(|function| function.class);
        if let Some(ix) = class {
            self.class(it.file, ix);
        }
    }

    fn function(&mut self, it: FunctionRef) {
        if self.found || !self.seen.insert(it) {
            return;
        }
        let Some(function) = self.program.function(it) else {
            return;
        };
        let mut visitor = Uses {
            search: self,
            at: it,
        };
        match function.node {
            FunctionNode::Def(def) => {
                for decorator in &def.decorator_list {
                    visitor.visit_decorator(decorator);
                }
                visitor.visit_body(&def.body);
            }
            FunctionNode::Lambda(lambda) => visitor.visit_expr(&lambda.body),
            FunctionNode::Module(_) => {}
        }
    }

    fn class(&mut self, file: FileId, class: u32) {
        let Some(index) = self.model.index(file) else {
            return;
        };
        for (ix, function) in index.functions.iter().enumerate() {
            if function.class == Some(class) {
                self.function(FunctionRef {
                    file,
                    ix: ix as u32,
                });
            }
        }
    }

    fn use_of(&mut self, at: FunctionRef, expr: &Expr) {
        match self.model.names_in(at.file).resolve(at.file, at.ix, expr) {
            Some(Resolved::Function { file, ix }) => self.function(FunctionRef { file, ix }),
            Some(Resolved::Class { file, ix }) => self.class(file, ix),
            Some(Resolved::Variable { file, name }) => self.variable(file, name),
            _ => {}
        }
    }

    /// What a module puts into the object of a variable may be run by it: what the variable is set to, what
    /// statements that name it do, such as `graph.add_node(…)`, and functions that it decorates.
    fn variable(&mut self, file: FileId, name: String) {
        let Some(index) = self.model.index(file) else {
            return;
        };
        if !self.variables.insert((file, name.clone())) {
            return;
        }
        let is_it = |it: &Node<'_>| matches!(it, Node::Expr(Expr::Name(it)) if it.id == name);
        for (ix, function) in index.functions.iter().enumerate() {
            let ix = ix as u32;
            let at = FunctionRef { file, ix };
            match function.node {
                FunctionNode::Module(module) => {
                    let is_run = |it: &&Stmt| !it.is_function_def_stmt() && !it.is_class_def_stmt();
                    for statement in module.body.iter().filter(is_run) {
                        if nodes_of(std::slice::from_ref(statement)).iter().any(is_it) {
                            Uses { search: self, at }.visit_stmt(statement);
                        }
                    }
                }
                FunctionNode::Def(def) => {
                    let mut decorators = def.decorator_list.iter();
                    if decorators.any(|it| nodes_of_expr(&it.expression).iter().any(is_it)) {
                        self.function(at);
                    }
                }
                FunctionNode::Lambda(_) => {}
            }
        }
    }
}

/// Whether a name may stand for a heartbeat, or for somebody else's.
fn beats(name: &str) -> bool {
    name == "raise_complete_async" || name.to_ascii_lowercase().contains("heartbeat")
}

struct Uses<'s, 'm, 'p> {
    search: &'s mut Search<'m, 'p>,
    at: FunctionRef,
}

impl<'a> Visitor<'a> for Uses<'_, '_, '_> {
    fn visit_expr(&mut self, expression: &'a Expr) {
        let name = match expression {
            Expr::Name(it) => it.id.as_str(),
            Expr::Attribute(it) => it.attr.as_str(),
            _ => "",
        };
        self.search.found |= beats(name);
        if !name.is_empty() && !self.search.found {
            self.search.use_of(self.at, expression);
        }
        walk_expr(self, expression);
    }

    fn visit_keyword(&mut self, keyword: &'a ast::Keyword) {
        let name = keyword.arg.as_ref().map_or("", |it| it.as_str());
        self.search.found |= beats(name);
        ast::visitor::walk_keyword(self, keyword);
    }

    fn visit_annotation(&mut self, _annotation: &'a Expr) {}
}
