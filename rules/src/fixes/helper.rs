//! A helper that does what workflows must not do runs in an activity as a whole.
//!
//! The activity stands beside the helper, or in the bundle's `activities.py`, and calls it with what
//! the workflow passes. All other code calls the helper as before.

use std::collections::BTreeSet;

use lint_core::diagnostic::{Applicability, Edit, FileId, Fix, NewFile, Place, Span};
use lint_core::facts::{Callee, Facade, FunctionRef};
use lint_core::index::{FunctionNode, MODULE_BODY};
use lint_core::names::{Bound, Resolved};
use lint_core::project::{Project, split};
use lint_core::syntax::ast::visitor::{Visitor, walk_expr};
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::{span_of, statement_around};

use super::activity::execute;
use super::asynchronous::{Waiting, waiting};
use super::effects::{changes, leaves_state};
use super::home::{Home, imported, imported_from, imported_names, passed};
use super::imports::{self, Wanted};
use super::inputs::{annotation, imported as imported_as};
use super::recorded::{is_data, is_of_data, is_recorded, literal};
use super::site::{Site, is_shadowed, joined};
use super::taken::recordable;
use super::workers;
use crate::hazard::Case;
use crate::program::{Node, Program, nodes_of};
use crate::rule::Context;
use crate::secrets::{is_secret, names_secret, returns_secret, uses_secret};

/// For a call, in code of the workflow, of a function that does nothing of workflows itself.
pub(crate) fn offloaded(cx: &Context<'_>, case: &Case<'_, '_>) -> Option<Fix> {
    let helper = Helper::of(cx, case)?;
    let inputs = helper.inputs(cx, case.api());
    match (inputs, helper.gives(cx, case)) {
        (Ok(inputs), Ok(gives)) => helper.moved(cx, case, &inputs, &gives),
        (Err(reason), _) | (_, Err(reason)) => helper.sketch(cx, &reason),
    }
}

/// A call of a helper.
struct Helper<'c, 'p> {
    site: Site<'c, 'p>,
    call: &'p ast::ExprCall,
    this: FunctionRef,
    def: &'p ast::StmtFunctionDef,
    given: Vec<Given<'p>>,
}

/// An argument and its parameter.
struct Given<'p> {
    parameter: &'p ast::Parameter,
    value: &'p Expr,
    by_name: bool,
}

/// What the activity takes.
struct Input<'p> {
    name: &'p str,
    kind: String,
    passed: &'p str,
    by_name: bool,
}

impl<'c, 'p> Helper<'c, 'p> {
    fn of(cx: &'c Context<'p>, case: &Case<'_, '_>) -> Option<Self> {
        let hazard = case.hazard;
        let is_code = case.workflow().is_workflow() && !hazard.trace.is_empty();
        if !is_code || hazard.read_only || hazard.may_fill {
            return None;
        }
        let site = Site::at(cx, hazard.place, case.api())?;
        let call = site.expr.as_call_expr()?;
        let Some(Resolved::Function { file, ix }) = site.resolve(&call.func) else {
            return None;
        };
        let this = FunctionRef { file, ix };
        let observed = cx.facts.observed.calls.get(&hazard.place)?;
        if *observed != [Callee::Function(this)] {
            return None;
        }
        let project = cx.facts.project;
        let module = project
            .module(file)
            .filter(|_| !project.is_installed(file))?;
        let function = module.index().function(ix);
        let FunctionNode::Def(def) = function.node else {
            return None;
        };
        let whole = span_of(def);
        let statement = statement_around(&module.tree().body, whole);
        let is_plain = def.decorator_list.is_empty()
            && !function.is_generator
            && statement.is_some_and(|it| span_of(it) == whole);
        let reaches_api = || Program::new(cx.facts).reaches_workflow_api(this);
        if !is_plain || cx.reach_workflow_api.get(this, reaches_api) {
            return None;
        }
        let given = given(call, def)?;
        let takes_secret = given.iter().any(|it| {
            is_secret(it.parameter.name.as_str()) || uses_secret(it.value) || names_secret(it.value)
        });
        (!takes_secret).then_some(Self {
            site,
            call,
            this,
            def,
            given,
        })
    }

    fn name(&self) -> &'p str {
        self.def.name.as_str()
    }

    /// What the activity takes, or why that cannot be said.
    fn inputs(&self, cx: &Context<'p>, facade: Facade) -> Result<Vec<Input<'p>>, String> {
        if leaves_state(cx, self.this) {
            let name = self.name();
            return Err(format!("`{name}` leaves something behind in the process"));
        }
        let mut inputs = Vec::new();
        for given in &self.given {
            let name = given.parameter.name.as_str();
            let site = &self.site;
            let variable = given.value.as_name_expr().map(|it| it.id.as_str());
            let class = variable.and_then(|it| site.names.self_class(site.file, site.function, it));
            if class.is_some() {
                return Err(format!("`{name}` is the workflow itself"));
            }
            let kind = match given.parameter.annotation.as_deref() {
                Some(kind) if is_recorded(cx, self.this.file, facade, kind) => {
                    self.text(cx, kind).map(str::to_owned)
                }
                Some(_) => None,
                None => literal(&self.site, given.value)
                    .or_else(|| annotation(cx, &self.site, given.value))
                    .map(str::to_owned),
            };
            let Some(kind) = kind else {
                return Err(format!("whether `{name}` can be recorded is not known"));
            };
            let is_plain = ["bool", "bytes", "float", "int", "str"].contains(&kind.as_str());
            let kind = match may_be_none(cx, site, given.value) {
                true if kind != "Any" && !kind.contains("None") && !kind.contains("Optional") => {
                    format!("{kind} | None")
                }
                _ => kind,
            };
            if !is_plain && changes(cx, self.this, name) {
                return Err(format!("`{}` changes `{name}`", self.name()));
            }
            inputs.push(Input {
                name,
                kind,
                passed: self.site.text(given.value),
                by_name: given.by_name,
            });
        }
        Ok(inputs)
    }

    /// The type of what the activity gives, or why that cannot be said.
    fn gives(&self, cx: &Context<'p>, case: &Case<'_, '_>) -> Result<String, String> {
        let whole = span_of(self.call);
        let is_dropped = match self.site.statement {
            Stmt::Expr(it) => match &*it.value {
                Expr::Await(it) => span_of(&*it.value) == whole,
                value => span_of(value) == whole,
            },
            _ => false,
        };
        if is_dropped {
            return Ok("None".to_owned());
        }
        let unknown = || format!("what `{}` gives may be impossible to record", self.name());
        if returns_secret(Program::new(cx.facts), self.this) {
            return Err(format!("what `{}` gives looks like a secret", self.name()));
        }
        if let Some(kind) = self.def.returns.as_deref() {
            let is_recorded = is_recorded(cx, self.this.file, case.api(), kind);
            let text = self.text(cx, kind).filter(|_| is_recorded);
            return text.map(str::to_owned).ok_or_else(unknown);
        }
        let nodes = nodes_of(&self.def.body);
        let returned = nodes.iter().filter_map(|node| match node {
            Node::Stmt(Stmt::Return(it)) => it.value.as_deref(),
            _ => None,
        });
        let kinds: Option<BTreeSet<&str>> = returned.map(|it| self.kind_of(cx, case, it)).collect();
        let kinds = kinds.ok_or_else(unknown)?;
        let kind = match kinds.into_iter().collect::<Vec<_>>()[..] {
            [] => "None",
            [only] => only,
            _ => "Any",
        };
        match kind == "Any" && self.is_taken_apart() {
            true => Err(unknown()),
            false => Ok(kind.to_owned()),
        }
    }

    /// Whether the workflow takes something from the value that data may not have.
    fn is_taken_apart(&self) -> bool {
        let mut around = self.site.around.iter().rev();
        let outer = match around.next() {
            Some(Expr::Await(_)) => around.next(),
            outer => outer,
        };
        match outer {
            Some(Expr::Attribute(it)) => !is_of_data(it.attr.as_str()),
            _ => false,
        }
    }

    /// The type of what is returned, `Any` if it is only known to be data.
    fn kind_of(
        &self,
        cx: &Context<'p>,
        case: &Case<'_, '_>,
        value: &'p Expr,
    ) -> Option<&'static str> {
        let place = Place {
            file: self.this.file,
            span: span_of(value),
        };
        let inner = Site::at(cx, place, self.site.facade)?;
        if let Some(kind) = literal(&inner, value) {
            return Some(kind);
        }
        let culprit = case.hazard.trace.last()?.place;
        let culprit = Site::at(cx, culprit, self.site.facade)?;
        if let Some((found, _, gives)) = recordable(&culprit, &case.hazard.culprit)
            && culprit.file == place.file
            && span_of(found) == place.span
        {
            return Some(gives);
        }
        is_data(&inner, &self.def.body, value, 0).then_some("Any")
    }

    fn text(&self, cx: &Context<'p>, expr: &Expr) -> Option<&'p str> {
        let source = cx.facts.project.source(self.this.file)?;
        Some(source.slice(span_of(expr)))
    }

    fn moved(
        &self,
        cx: &Context<'p>,
        case: &Case<'_, '_>,
        inputs: &[Input<'_>],
        gives: &str,
    ) -> Option<Fix> {
        let site = &self.site;
        let home = match site.facade {
            Facade::Runbook => Home::of_bundle(cx, site)?,
            Facade::Temporal => Home::of_helper(cx, self.this.file),
            Facade::Other => return None,
        };
        let callee = site.text(&self.call.func).rsplit('.').next()?;
        let verb = format!("{}_activity", callee.trim_matches('_'));
        let function = |name: &str| self.activity(&home, name, inputs, gives);
        let (name, is_there) = home.name(cx, site, &verb, |name| function(name).0)?;
        let (mut edits, new_files) = match is_there {
            true => (Vec::new(), Vec::new()),
            false => {
                let (text, needed) = function(&name);
                self.written(cx, &home, &text, &needed)?
            }
        };
        let names = imported_names(&name, inputs.len());
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (prefix, import) = self.import(cx, &home, &names)?;
        let fields = inputs.iter().map(|it| (it.name, it.passed));
        let passed = passed(&prefix, &name, &fields.collect::<Vec<_>>());
        let (replaced, caution) = self.scheduled(cx, passed)?;
        edits.extend(replaced);
        // Below other imports that the call needs.
        edits.extend(import);
        let activity = workers::New {
            name: &name,
            prefix: &prefix,
            is_there,
        };
        let registered = workers::registered(cx, case.workflow(), &home, activity, &mut edits);
        let to_do = workers::to_do(registered, &name);
        let title = format!(
            "run `{}` in the activity `{name}`, with a timeout of five minutes{caution}{}",
            self.name(),
            workers::and_register(to_do.as_ref())
        );
        Some(Fix {
            new_files,
            to_do,
            ..Fix::new(title, Applicability::Unsafe, joined(edits))
        })
    }

    /// The activity, and what it needs to be imported.
    fn activity(
        &self,
        home: &Home,
        name: &str,
        inputs: &[Input<'_>],
        gives: &str,
    ) -> (String, Vec<Wanted<'static>>) {
        let mut needed = vec![home.activity()];
        let fields = inputs.iter().map(|it| (it.name, it.kind.as_str()));
        let fields: Vec<(&str, &str)> = fields.collect();
        let (parameters, class) = home.input(name, &fields, &mut needed);
        if gives == "Any" && self.def.returns.is_none() {
            needed.push(Wanted::from("typing", "Any"));
        }
        let from = if inputs.len() > 1 { "input." } else { "" };
        let arguments = inputs.iter().map(|it| {
            let by_name = match it.by_name {
                true => format!("{}=", it.name),
                false => String::new(),
            };
            format!("{by_name}{from}{}", it.name)
        });
        let arguments: Vec<String> = arguments.collect();
        let helper = self.name();
        let (start, body) = match (self.def.is_async, home.is_sync) {
            (true, _) => (
                "async def",
                format!("await {helper}({})", arguments.join(", ")),
            ),
            (false, true) => ("def", format!("{helper}({})", arguments.join(", "))),
            // Activities share an event loop.
            (false, false) => {
                needed.push(Wanted {
                    module: "asyncio",
                    name: None,
                });
                let all: Vec<String> = std::iter::once(helper.to_owned())
                    .chain(arguments)
                    .collect();
                (
                    "async def",
                    format!("await asyncio.to_thread({})", all.join(", ")),
                )
            }
        };
        let signature = format!("{start} {name}({parameters})");
        let code = class + &home.definition(name, &signature, gives, &body);
        (code, needed)
    }

    /// The edits that write the activity where it belongs.
    fn written(
        &self,
        cx: &Context<'p>,
        home: &Home,
        function: &str,
        needed: &[Wanted<'_>],
    ) -> Option<(Vec<Edit>, Vec<NewFile>)> {
        let (project, file) = (cx.facts.project, self.this.file);
        if self.site.facade == Facade::Temporal {
            let mut edits = imported(cx, file, needed)?;
            let source = project.source(file)?;
            let end = span_of(self.def).end;
            let at = source.whole_lines(Span::new(end, end)).end;
            let is_line = source.text[..at as usize].ends_with(['\n', '\r']);
            let gap = if is_line { "\n\n" } else { "\n\n\n" };
            edits.push(insertion(file, at, format!("{gap}{function}")));
            return Some((edits, Vec::new()));
        }
        if file == self.site.file {
            return self.brought(cx, home, function, needed);
        }
        let (mut edits, mut new_files) = home.with(cx, &self.site, function, needed)?;
        if home.file == Some(file) {
            return Some((edits, new_files));
        }
        // What the workflow imports must not import the activities in its turn.
        let (directory, name) = split(project.key(file));
        let stem = name.strip_suffix(".py")?;
        let is_beside = split(&home.key).0 == directory;
        if !is_beside || home.file.is_some_and(|it| imports_it(cx, file, it)) {
            return None;
        }
        match home.file {
            Some(home) => {
                let is_it = cx.names().member(home, self.name())
                    == Some(Resolved::Function {
                        file,
                        ix: self.this.ix,
                    });
                if !is_it {
                    let is_free = cx.names().is_bound(home, MODULE_BODY, self.name()) == Bound::No;
                    let (source, tree) = (project.source(home)?, project.module(home)?.tree());
                    let import = imports::import_sibling(home, source, tree, stem, &[self.name()]);
                    edits.push(is_free.then_some(import)?);
                }
            }
            None => {
                let new = new_files.first_mut()?;
                let import = format!("\nfrom .{stem} import {}\n\n\n", self.name());
                new.text = imports::header(needed) + &import + function;
            }
        }
        Some((edits, new_files))
    }

    /// The edits that bring a helper of the workflow's file, which activities must not import, to the
    /// activities.
    fn brought(
        &self,
        cx: &Context<'p>,
        home: &Home,
        function: &str,
        needed: &[Wanted<'_>],
    ) -> Option<(Vec<Edit>, Vec<NewFile>)> {
        let (site, source) = (&self.site, self.site.source);
        let mut free = Free(Vec::new());
        free.visit_stmt(self.statement()?);
        let mut needed = needed.to_vec();
        for name in free.0 {
            let within = site.module.index().function_containing(span_of(name).start);
            let name = name.id.as_str();
            if is_shadowed(site.module, within, name) {
                continue;
            }
            match site.names.is_bound(site.file, MODULE_BODY, name) {
                Bound::No => {}
                Bound::Yes if name == self.name() => {}
                Bound::Yes => needed.push(imported_as(site, name)?),
                Bound::Perhaps => return None,
            }
        }
        let whole = source.whole_lines(span_of(self.def));
        let before = source.text[..whole.start as usize].trim_end_matches(['\n', '\r']);
        let above = before.rsplit(['\n', '\r']).next().unwrap_or_default();
        if above.trim_start().starts_with('#') {
            return None;
        }
        let after = &source.text[whole.end as usize..];
        let gap = after.len() - after.trim_start_matches(['\n', '\r']).len();
        let def = source.slice(span_of(self.def));
        let function = format!("{def}\n\n\n{function}");
        let (mut edits, new_files) = home.with(cx, site, &function, &needed)?;
        let gone = Span::new(whole.start, whole.end + gap as u32);
        edits.push(site.edit(gone, ""));
        Some((edits, new_files))
    }

    /// The definition among the statements of its file.
    fn statement(&self) -> Option<&'p Stmt> {
        let whole = span_of(self.def);
        statement_around(&self.site.module.tree().body, whole).filter(|it| span_of(*it) == whole)
    }

    /// What to write before the names of the activity in the workflow's file, and the import that
    /// they need.
    fn import(
        &self,
        cx: &Context<'p>,
        home: &Home,
        names: &[&str],
    ) -> Option<(String, Option<Edit>)> {
        let (site, file) = (&self.site, self.site.file);
        // What other code of the file calls is somewhere else now.
        if file == self.this.file && site.facade == Facade::Runbook {
            let is_used = uses(&site.module.tree().body, self.name()) > 1;
            let own = is_used.then_some(self.name());
            let names: Vec<&str> = own.into_iter().chain(names.iter().copied()).collect();
            let (source, tree) = (site.source, site.module.tree());
            let edit = imports::import_sibling(file, source, tree, "activities", &names);
            return Some((String::new(), Some(edit)));
        }
        // The activity takes the place of a helper that nothing else there needs.
        if let Expr::Name(name) = &*self.call.func
            && site.facade == Facade::Temporal
            && uses(&site.module.tree().body, name.id.as_str()) == 1
            && let Some(statement) = imported_from(cx, file, self.this.file)
        {
            let is_it =
                |it: &ast::Alias| it.asname.is_none() && it.name.as_str() == name.id.as_str();
            if let Some(at) = statement.names.iter().position(is_it) {
                let edit = imports::exchanged(file, site.source, statement, at, names);
                return Some((String::new(), Some(edit)));
            }
        }
        home.import(cx, site, names)
    }

    /// The edits that schedule the activity, and what else is different then.
    fn scheduled(&self, cx: &Context<'p>, passed: Vec<String>) -> Option<(Vec<Edit>, String)> {
        let site = &self.site;
        let (code, mut edits) = execute(cx, site, span_of(self.call).start, passed)?;
        // A coroutine takes the place of another one.
        if self.def.is_async {
            edits.push(site.edit(span_of(self.call), code));
            return Some((edits, String::new()));
        }
        let Waiting {
            edits: more,
            caution,
        } = waiting(cx, site)?;
        edits.extend(more);
        let code = site.awaited(&code, site.around.last().copied());
        edits.push(site.edit(span_of(self.call), code));
        Some((edits, caution))
    }

    /// How the call would look like, for somebody who knows what is not known here.
    fn sketch(&self, cx: &Context<'p>, reason: &str) -> Option<Fix> {
        let name = self.name();
        let activity = format!("{}_activity", name.trim_matches('_'));
        let arguments = self
            .given
            .iter()
            .map(|it| self.site.text(it.value).to_owned());
        let arguments: Vec<String> = arguments.collect();
        // One argument is all that is taken by position.
        let arguments = match (&arguments[..], self.site.facade) {
            ([] | [_], _) => arguments,
            (several, Facade::Runbook) => vec![format!("[{}]", several.join(", "))],
            (several, _) => vec![format!("args=[{}]", several.join(", "))],
        };
        let passed = std::iter::once(activity).chain(arguments).collect();
        let (code, _) = execute(cx, &self.site, span_of(self.call).start, passed)?;
        let code = match self.def.is_async {
            true => code,
            false => self.site.awaited(&code, self.site.around.last().copied()),
        };
        let title = format!("run `{name}` in an activity: {reason}");
        let edits = vec![self.site.edit(span_of(self.call), code)];
        Some(Fix::new(title, Applicability::DisplayOnly, edits))
    }
}

/// Whether an argument says that it may be `None`, whatever its parameter says.
fn may_be_none<'p>(cx: &Context<'p>, site: &Site<'_, 'p>, value: &Expr) -> bool {
    match value {
        Expr::Call(call) => {
            let is_get = call
                .func
                .as_attribute_expr()
                .is_some_and(|it| it.attr.as_str() == "get");
            is_get && call.arguments.len() == 1 && site.resolve(&call.func).is_none()
        }
        _ => annotation(cx, site, value).is_some_and(|it| it.contains("None")),
    }
}

fn insertion(file: FileId, at: u32, replacement: String) -> Edit {
    Edit {
        place: Place {
            file,
            span: Span::new(at, at),
        },
        replacement,
    }
}

/// Each argument of a call with its parameter.
fn given<'p>(call: &'p ast::ExprCall, def: &'p ast::StmtFunctionDef) -> Option<Vec<Given<'p>>> {
    let parameters = &def.parameters;
    let positions: Vec<_> = parameters
        .posonlyargs
        .iter()
        .chain(&parameters.args)
        .collect();
    let mut given = Vec::new();
    for (at, value) in call.arguments.args.iter().enumerate() {
        if matches!(value, Expr::Starred(_) | Expr::Generator(_)) {
            return None;
        }
        given.push(Given {
            parameter: &positions.get(at)?.parameter,
            value,
            by_name: false,
        });
    }
    for keyword in &call.arguments.keywords {
        let name = keyword.arg.as_ref()?.as_str();
        let mut named = parameters.args.iter().chain(&parameters.kwonlyargs);
        given.push(Given {
            parameter: &named.find(|it| it.name().as_str() == name)?.parameter,
            value: &keyword.value,
            by_name: true,
        });
    }
    Some(given)
}

/// The names that code reads.
struct Free<'p>(Vec<&'p ast::ExprName>);

impl<'p> Visitor<'p> for Free<'p> {
    fn visit_expr(&mut self, expr: &'p Expr) {
        if let Expr::Name(name) = expr
            && name.ctx.is_load()
        {
            self.0.push(name);
        }
        walk_expr(self, expr);
    }
}

/// Whether a file imports another one, also by way of others.
fn imports_it(cx: &Context<'_>, from: FileId, wanted: FileId) -> bool {
    let project: &Project<'_> = cx.facts.project;
    let mut seen = BTreeSet::from([from]);
    let mut pending = vec![from];
    while let Some(file) = pending.pop() {
        if file == wanted {
            return true;
        }
        let imports = project.imports(file, cx.facts.knowledge).iter().copied();
        pending.extend(imports.filter(|it| seen.insert(*it)));
    }
    false
}

/// How often a name is read, or written in a text.
fn uses(body: &[Stmt], name: &str) -> usize {
    struct Uses<'n>(&'n str, usize);
    impl<'a> Visitor<'a> for Uses<'_> {
        fn visit_expr(&mut self, expr: &'a Expr) {
            let is_it = match expr {
                Expr::Name(it) => it.id.as_str() == self.0,
                Expr::StringLiteral(it) => it.value.to_str() == self.0,
                _ => false,
            };
            self.1 += usize::from(is_it);
            walk_expr(self, expr);
        }
    }
    let mut uses = Uses(name, 0);
    uses.visit_body(body);
    uses.1
}
