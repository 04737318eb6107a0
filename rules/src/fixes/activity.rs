//! What has to happen outside of workflows moves into an activity.

use std::collections::BTreeMap;

use lint_core::diagnostic::{Applicability, Edit, FileId, Fix, NewFile, Place, Span};
use lint_core::facts::Facade;
use lint_core::index::MODULE_BODY;
use lint_core::names::{Bound, Resolved};
use lint_core::project::join;
use lint_core::syntax::ast::visitor::{Visitor, walk_expr};
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;

use super::imports::{self, Wanted};
use super::site::{Site, joined};
use crate::hazard::Case;
use crate::rule::Context;
use crate::sites;

const TIMEDELTA: Wanted<'static> = Wanted::from("datetime", "timedelta");

/// A direct call of an activity is scheduled instead.
pub(crate) fn scheduled(cx: &Context<'_>, case: &Case<'_, '_>) -> Option<Fix> {
    let site = Site::of(cx, case.hazard, case.workflow().facade)?;
    let Expr::Call(call) = site.expr else {
        return None;
    };
    let Some(Resolved::Function { file, ix }) = site.resolve(&call.func) else {
        return None;
    };
    let function = cx.facts.project.module(file)?.index().function(ix);
    let is_plain = function.class.is_none() && site.can_await();
    let awaited = match site.around.last() {
        Some(Expr::Await(it)) => Some(span_of(it)),
        _ => None,
    };
    if !is_plain || awaited.is_some() != function.node.is_async() {
        return None;
    }
    let arguments = in_order(&site, call, function.node.parameters()?)?;
    let name = site.text(&call.func);
    let mut passed = vec![name.to_owned()];
    match (&arguments[..], site.facade) {
        ([], _) => {}
        ([one], _) => passed.push((*one).to_owned()),
        (several, Facade::Temporal) => passed.push(format!("args=[{}]", several.join(", "))),
        (_, Facade::Runbook | Facade::Other) => return None,
    }
    let place = awaited.unwrap_or(span_of(call));
    let (execute, mut edits) = execute(&site, place.start, passed)?;
    let outer = site.around.iter().rev().nth(usize::from(awaited.is_some()));
    let code = match awaited {
        // What is around the `await` got along with it before.
        Some(_) => format!("await {execute}"),
        None => site.awaited(&execute, outer.copied()),
    };
    edits.push(site.edit(place, code));
    let title = format!("schedule `{name}`, with a timeout of five minutes");
    Some(Fix::new(title, Applicability::Unsafe, joined(edits)))
}

/// The arguments of a call, each for one parameter.
fn in_order<'p>(
    site: &Site<'_, 'p>,
    call: &'p ast::ExprCall,
    parameters: &ast::Parameters,
) -> Option<Vec<&'p str>> {
    let takes_more = parameters.vararg.is_some()
        || parameters.kwarg.is_some()
        || !parameters.kwonlyargs.is_empty();
    let hides = sites::hides_keywords(call) || sites::hides_positions(call);
    if takes_more || hides {
        return None;
    }
    let names = parameters.iter_non_variadic_params();
    let names: Vec<&str> = names.map(|it| it.name().as_str()).collect();
    let given = call.arguments.args.iter().map(|it| site.text(it));
    let mut given: Vec<&str> = given.collect();
    for name in names.get(given.len()..)? {
        match call.arguments.find_keyword(name) {
            Some(keyword) => given.push(site.text(&keyword.value)),
            None => break,
        }
    }
    let all = call.arguments.args.len() + call.arguments.keywords.len();
    (given.len() == all).then_some(given)
}

/// A call that schedules an activity, to be awaited at this place, and the imports that it needs.
fn execute(
    site: &Site<'_, '_>,
    from: u32,
    mut arguments: Vec<String>,
) -> Option<(String, Vec<Edit>)> {
    let api = site.api()?;
    let timedelta = site.bind(TIMEDELTA)?;
    let timeout = format!("{}(minutes=5)", timedelta.name);
    arguments.push(format!("start_to_close_timeout={timeout}"));
    let callee = format!("{}.execute_activity", api.name);
    let code = site.laid_out(from, "await ".len(), &callee, &arguments);
    Some((code, api.edit.into_iter().chain(timedelta.edit).collect()))
}

/// An expression that becomes the body of an activity.
struct Extract<'c, 'p> {
    site: Site<'c, 'p>,
    /// The expression, with what takes a part of its value that can be recorded.
    expr: &'p Expr,
    /// How many expressions are around it.
    depth: usize,
    /// The type of its value.
    gives: &'static str,
}

/// Moves an expression of a runbook into an activity of its bundle.
pub(crate) fn extracted(cx: &Context<'_>, case: &Case<'_, '_>) -> Option<Fix> {
    let facade = case.workflow().facade;
    let site = Site::of(cx, case.hazard, facade)?;
    if facade != Facade::Runbook || !site.can_await() {
        return None;
    }
    let bundle = &cx.model.bundles[cx.model.bundle_of(site.file)?];
    if bundle.workflow != Some(site.file) {
        return None;
    }
    let extract = Extract::of(site, &case.hazard.culprit)?;
    let inputs = Inputs::of(&extract)?;
    let target = Target::of(cx, cx.model.bundle_of(extract.site.file)?)?;
    let name = target.free_name(&extract.site, &inputs.verb)?;
    let (function, mut needed) = inputs.function(&extract, &name, &target);
    needed.extend(inputs.imports.iter().copied());
    let (mut edits, new_files) = target.with(cx, &function, &needed)?;
    edits.extend(extract.call(&inputs, &name)?);
    let group = Place {
        file: extract.site.file,
        span: Span::default(),
    };
    let title = format!("move it into a new activity `{name}`, with a timeout of five minutes");
    Some(Fix {
        new_files,
        group: Some(group),
        ..Fix::new(title, Applicability::Unsafe, joined(edits))
    })
}

impl<'c, 'p> Extract<'c, 'p> {
    /// Takes as much around the culprit as it needs for a value that can be recorded.
    fn of(site: Site<'c, 'p>, culprit: &str) -> Option<Self> {
        let mut depth = site.around.len();
        let mut expr = site.expr;
        let mut gives = given(expr, culprit);
        while let Some(at) = depth.checked_sub(1) {
            let outer = site.around[at];
            let called = at.checked_sub(1).map(|it| site.around[it]);
            let (taken, next) = match (outer, called) {
                (Expr::Subscript(it), _) if culprit == "os.environ" && it.ctx.is_load() => {
                    (1, Some("str"))
                }
                (Expr::Attribute(it), Some(Expr::Call(call)))
                    if span_of(&*call.func) == span_of(it) =>
                {
                    (2, of_method(culprit, it.attr.as_str(), call, expr))
                }
                (Expr::Attribute(it), _) => (1, of_attribute(it.attr.as_str())),
                (Expr::Call(it), _) if it.arguments.len() == 1 => {
                    let is_text = site.external(&it.func).as_deref() == Some("str");
                    (1, gives.filter(|_| is_text).map(|_| "str"))
                }
                _ => break,
            };
            if next.is_none() {
                break;
            }
            (depth, gives) = (depth - taken, next);
            expr = site.around[depth];
        }
        let is_awaited = depth > 0 && site.around[depth - 1].is_await_expr();
        let gives = gives.filter(|_| !is_awaited)?;
        Some(Self {
            site,
            expr,
            depth,
            gives,
        })
    }

    /// The edits at the place of the expression.
    fn call(&self, inputs: &Inputs<'_>, name: &str) -> Option<Vec<Edit>> {
        let site = &self.site;
        let mut passed = vec![name.to_owned()];
        match &inputs.fields[..] {
            [] => {}
            [(_, text, _)] => passed.push((*text).to_owned()),
            several => {
                let fields = several
                    .iter()
                    .map(|(field, text, _)| format!("{field}={text}"));
                let fields: Vec<String> = fields.collect();
                passed.push(format!("{}({})", model_name(name), fields.join(", ")));
            }
        }
        let (code, mut edits) = execute(site, span_of(self.expr).start, passed)?;
        let parent = self.depth.checked_sub(1).map(|it| site.around[it]);
        edits.push(site.edit(span_of(self.expr), site.awaited(&code, parent)));
        let mut imported = vec![name.to_owned()];
        if inputs.fields.len() > 1 {
            imported.insert(0, model_name(name));
        }
        edits.push(imports::import_sibling(
            site.file,
            site.source,
            site.module.tree(),
            "activities",
            &imported,
        ));
        Some(edits)
    }
}

/// What calls give that can be recorded as it is.
const GIVES: &[(&str, &str)] = &[
    ("os.getenv", "str | None"),
    ("os.listdir", "list[str]"),
    ("os.path.exists", "bool"),
    ("os.path.getsize", "int"),
    ("os.path.isdir", "bool"),
    ("os.path.isfile", "bool"),
    ("pathlib.Path.exists", "bool"),
    ("pathlib.Path.is_dir", "bool"),
    ("pathlib.Path.is_file", "bool"),
    ("pathlib.Path.read_text", "str"),
    ("pathlib.Path.write_text", "int"),
    ("random.getrandbits", "int"),
    ("random.randint", "int"),
    ("random.random", "float"),
    ("random.randrange", "int"),
    ("random.uniform", "float"),
    ("secrets.randbelow", "int"),
    ("secrets.token_hex", "str"),
    ("secrets.token_urlsafe", "str"),
    ("socket.gethostbyname", "str"),
    ("socket.gethostname", "str"),
    ("subprocess.call", "int"),
    ("subprocess.check_output", "bytes"),
    ("uuid.uuid1", "uuid.UUID"),
    ("uuid.uuid4", "uuid.UUID"),
];

fn given(expr: &Expr, culprit: &str) -> Option<&'static str> {
    let Expr::Call(call) = expr else {
        return None;
    };
    if culprit == "os.getenv" && has_default(call) {
        return Some("str");
    }
    let entry = GIVES.iter().find(|(name, _)| *name == culprit)?;
    Some(entry.1)
}

fn has_default(call: &ast::ExprCall) -> bool {
    let default = call.arguments.args.get(1);
    default.is_some_and(Expr::is_string_literal_expr)
}

/// What a method gives of what the culprit gave.
fn of_method(
    culprit: &str,
    name: &str,
    call: &ast::ExprCall,
    receiver: &Expr,
) -> Option<&'static str> {
    match (culprit, name) {
        ("os.environ", "get") if has_default(call) => Some("str"),
        ("os.environ", "get") if call.arguments.len() == 1 => Some("str | None"),
        ("open", "read") => {
            let is_text = matches!(receiver, Expr::Call(it) if it.arguments.len() == 1);
            is_text.then_some("str")
        }
        ("urllib.request.urlopen", "read") => Some("bytes"),
        (_, "json") => Some("Any"),
        _ => None,
    }
}

fn of_attribute(name: &str) -> Option<&'static str> {
    match name {
        "text" | "hex" => Some("str"),
        "status_code" | "returncode" => Some("int"),
        "ok" => Some("bool"),
        _ => None,
    }
}

fn model_name(function: &str) -> String {
    let words = function.split('_').filter(|it| !it.is_empty());
    let capital = |word: &str| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    };
    words.map(capital).collect::<String>() + "Input"
}

/// What the body of an activity takes from the place where it was.
struct Inputs<'p> {
    /// The name of a parameter, what is passed for it, and its type.
    fields: Vec<(String, &'p str, &'p str)>,
    imports: Vec<Wanted<'p>>,
    /// The body, which names the parameters as fields of one input if they are several.
    body: String,
    verb: String,
}

impl<'p> Inputs<'p> {
    fn of(extract: &Extract<'_, 'p>) -> Option<Self> {
        let site = &extract.site;
        let mut free = Free {
            names: Vec::new(),
            is_called: false,
        };
        free.visit_expr(extract.expr);
        let locals: Vec<&Expr> = free.names;
        let mut fields: BTreeMap<&str, (&'p str, &'p str)> = BTreeMap::new();
        let mut needed = Vec::new();
        let mut spots: Vec<(Span, &str)> = Vec::new();
        for &expr in &locals {
            let root = root(expr)?;
            if site.is_shadowed(root) {
                if root == "self" {
                    return None;
                }
                let field = match expr {
                    Expr::Attribute(it) => it.attr.as_str(),
                    _ => root,
                };
                let text = site.text(expr);
                let (passed, _) = *fields
                    .entry(field)
                    .or_insert((text, annotation(site, expr).unwrap_or("Any")));
                if passed != text {
                    return None;
                }
                spots.push((span_of(expr), field));
            } else if site.names.is_bound(site.file, MODULE_BODY, root) == Bound::Yes {
                needed.push(imported(site, root)?);
            }
        }
        if free.is_called {
            return None;
        }
        let several = fields.len() > 1;
        let body = substituted(site, span_of(extract.expr), &mut spots, several);
        let verb = verb(site, extract.expr);
        let fields = fields.into_iter();
        let fields = fields.map(|(name, (text, kind))| (name.to_owned(), text, kind));
        Some(Self {
            fields: fields.collect(),
            imports: needed,
            body,
            verb,
        })
    }

    /// The definition of the activity, and what it needs to be imported.
    fn function(
        &self,
        extract: &Extract<'_, '_>,
        name: &str,
        target: &Target,
    ) -> (String, Vec<Wanted<'static>>) {
        let mut needed = vec![Wanted::from("ntro.workflow", "activity")];
        let mut code = String::new();
        let parameters = match &self.fields[..] {
            [] => String::new(),
            [(field, _, kind)] => format!("{field}: {kind}"),
            several => {
                needed.push(Wanted::from("pydantic", "BaseModel"));
                let model = model_name(name);
                let fields = several
                    .iter()
                    .map(|(name, _, kind)| format!("    {name}: {kind}\n"));
                code.push_str(&format!("class {model}(BaseModel):\n"));
                code.extend(fields);
                code.push_str("\n\n");
                format!("input: {model}")
            }
        };
        let gives = extract.gives;
        if gives.contains("Any") || self.fields.iter().any(|(_, _, kind)| *kind == "Any") {
            needed.push(Wanted::from("typing", "Any"));
        }
        if gives.starts_with("uuid.") {
            needed.push(Wanted {
                module: "uuid",
                name: None,
            });
        }
        let (prefix, body) = (&target.prefix, &self.body);
        code.push_str(&format!(
            "@activity.defn(name=\"{prefix}.{name}\")\nasync def {name}({parameters}) -> {gives}:\n    return {body}\n"
        ));
        (code, needed)
    }
}

/// The names of an expression, with the attributes that are taken from them.
struct Free<'p> {
    names: Vec<&'p Expr>,
    /// Whether a method of a variable is called, which may do anything.
    is_called: bool,
}

impl<'p> Visitor<'p> for Free<'p> {
    fn visit_expr(&mut self, expression: &'p Expr) {
        match expression {
            Expr::Attribute(_) | Expr::Name(_) if root(expression).is_some() => {
                self.names.push(expression);
            }
            Expr::Lambda(_)
            | Expr::ListComp(_)
            | Expr::SetComp(_)
            | Expr::DictComp(_)
            | Expr::Generator(_)
            | Expr::Await(_)
            | Expr::Named(_)
            | Expr::Yield(_)
            | Expr::YieldFrom(_) => self.is_called = true,
            _ => walk_expr(self, expression),
        }
    }
}

fn root(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Name(name) => Some(name.id.as_str()),
        Expr::Attribute(attribute) => root(&attribute.value),
        _ => None,
    }
}

/// The annotation of a parameter, if everybody knows the type.
fn annotation<'p>(site: &Site<'_, 'p>, expr: &Expr) -> Option<&'p str> {
    let Expr::Name(name) = expr else {
        return None;
    };
    let parameters = site
        .module
        .index()
        .function(site.function)
        .node
        .parameters()?;
    let parameter = parameters
        .iter_non_variadic_params()
        .find(|it| it.name().as_str() == name.id.as_str())?;
    let text = site.text(parameter.annotation()?);
    ["bool", "bytes", "dict", "float", "int", "list", "str"]
        .contains(&text)
        .then_some(text)
}

/// The import that binds a name of the module.
fn imported<'p>(site: &Site<'_, 'p>, name: &str) -> Option<Wanted<'p>> {
    let mut found = None;
    for statement in &site.module.tree().body {
        match statement {
            Stmt::Import(it) => {
                for alias in it.names.iter().filter(|it| it.asname.is_none()) {
                    let module = alias.name.as_str();
                    if module == name || module.starts_with(&format!("{name}.")) {
                        found = Some(Wanted { module, name: None });
                    }
                }
            }
            Stmt::ImportFrom(it) if it.level == 0 => {
                let module = it.module.as_ref()?.as_str();
                let mut names = it.names.iter().filter(|it| it.asname.is_none());
                if let Some(alias) = names.find(|it| it.name.as_str() == name) {
                    found = Some(Wanted {
                        module,
                        name: Some(alias.name.as_str()),
                    });
                }
            }
            _ => {}
        }
    }
    found
}

/// The text of the expression with the names of the parameters.
fn substituted(
    site: &Site<'_, '_>,
    span: Span,
    spots: &mut [(Span, &str)],
    several: bool,
) -> String {
    spots.sort();
    let mut text = String::new();
    let mut done = span.start;
    for (spot, field) in spots {
        text.push_str(site.source.slice(Span::new(done, spot.start)));
        if several {
            text.push_str("input.");
        }
        text.push_str(field);
        done = spot.end;
    }
    text.push_str(site.source.slice(Span::new(done, span.end)));
    text
}

/// A name for what an expression does.
fn verb(site: &Site<'_, '_>, expr: &Expr) -> String {
    struct Callee<'p>(Option<&'p Expr>);
    impl<'p> Visitor<'p> for Callee<'p> {
        fn visit_expr(&mut self, expression: &'p Expr) {
            walk_expr(self, expression);
            if let Expr::Call(call) = expression
                && self.0.is_none()
            {
                self.0 = Some(&call.func);
            }
        }
    }
    let mut callee = Callee(None);
    callee.visit_expr(expr);
    let name = callee.0.and_then(|it| site.external(it));
    match name.as_deref() {
        None | Some("os.getenv") => "read_environment".to_owned(),
        Some(name) if name.starts_with("os.environ") => "read_environment".to_owned(),
        Some("uuid.uuid1" | "uuid.uuid4") => "new_uuid".to_owned(),
        Some("pathlib.Path") => "read_path".to_owned(),
        Some("open") => "read_file".to_owned(),
        Some(name) => {
            let parts: Vec<&str> = name.rsplit('.').take(2).collect();
            let parts: Vec<&str> = parts.into_iter().rev().collect();
            // The activity must not take the name of what it calls.
            match &parts[..] {
                [only] => format!("call_{only}"),
                several => several.join("_").to_lowercase(),
            }
        }
    }
}

/// The `activities.py` of a bundle.
struct Target {
    file: Option<FileId>,
    key: String,
    /// What the names of its activities begin with.
    prefix: String,
}

impl Target {
    fn of(cx: &Context<'_>, bundle: usize) -> Option<Self> {
        let known = cx.model.activities.iter();
        let registered = known
            .filter(|it| it.bundle == Some(bundle))
            .find_map(|it| it.registered.as_deref()?.split_once('.'));
        let prefix = match registered {
            Some((prefix, _)) => prefix.to_owned(),
            None => sites::bundle_slugs(&cx.model, bundle)
                .pop()?
                .replace('-', "_"),
        };
        let bundle = &cx.model.bundles[bundle];
        Some(Self {
            file: bundle.activities,
            key: join(&bundle.directory, "templates/activities.py"),
            prefix,
        })
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
    fn with(
        &self,
        cx: &Context<'_>,
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
        let names = cx.names();
        let mut edits = Vec::new();
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
        edits.extend(
            missing
                .iter()
                .map(|it| imports::import(file, source, tree, *it)),
        );
        let end = source.text.len() as u32;
        let gap = match source.text.ends_with('\n') {
            true => "\n\n",
            false => "\n\n\n",
        };
        edits.push(Edit {
            place: Place {
                file,
                span: Span::new(end, end),
            },
            replacement: format!("{gap}{function}"),
        });
        Some((edits, Vec::new()))
    }
}
