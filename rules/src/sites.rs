//! What the rules about calls ask of a call: its arguments, and the values that are written there.
//!
//! Nothing is guessed: a value that is not written out is not known.

use lint_core::diagnostic::FileId;
use lint_core::index::{FunctionIx, MODULE_BODY};
use lint_core::names::Resolved;
use lint_core::syntax::ast::{self, Expr, Number};
use lint_core::syntax::span_of;

use crate::model::{Activity, CallSite, Model};
use crate::rule::Context;

pub(crate) fn keyword<'p>(call: &'p ast::ExprCall, name: &str) -> Option<&'p ast::Keyword> {
    call.arguments.find_keyword(name)
}

pub(crate) fn keyword_value<'p>(call: &'p ast::ExprCall, name: &str) -> Option<&'p Expr> {
    keyword(call, name).map(|keyword| &keyword.value)
}

/// Whether keywords come from `**options`, so that any may be given.
pub(crate) fn hides_keywords(call: &ast::ExprCall) -> bool {
    call.arguments.keywords.iter().any(|it| it.arg.is_none())
}

/// Whether arguments come from `*arguments`, so that their number is not known.
pub(crate) fn hides_positions(call: &ast::ExprCall) -> bool {
    call.arguments.args.iter().any(Expr::is_starred_expr)
}

/// Whether a call belongs to a runbook: it is in its class, in its bundle, or uses the SDK.
pub(crate) fn is_runbook_code(model: &Model<'_>, site: &CallSite<'_>) -> bool {
    site.runbook.is_some()
        || site
            .external()
            .is_some_and(|name| name.starts_with("ntro."))
        || model.bundle_of(site.file).is_some()
}

/// A call that schedules an activity from a runbook.
pub(crate) struct ActivityCall<'m, 'p> {
    pub(crate) site: &'m CallSite<'p>,
    pub(crate) target: &'p Expr,
    /// What is given after the target by position.
    pub(crate) payloads: &'p [Expr],
    /// Whether it is `self.run_step(…)`.
    pub(crate) is_run_step: bool,
}

impl<'m, 'p> ActivityCall<'m, 'p> {
    pub(crate) fn all(model: &'m Model<'p>) -> impl Iterator<Item = Self> {
        model.calls.iter().filter_map(|site| {
            let is_run_step = site.base_method() == Some("run_step");
            let skipped = usize::from(is_run_step);
            let schedules = is_run_step || site.workflow_api() == Some("execute_activity");
            let arguments = site.call.arguments.args.get(skipped..)?;
            let (target, payloads) = arguments.split_first()?;
            (schedules && !target.is_starred_expr() && is_runbook_code(model, site)).then_some(
                Self {
                    site,
                    target,
                    payloads,
                    is_run_step,
                },
            )
        })
    }

    /// Whether it goes through the facade, which behaves alike in both runtimes.
    pub(crate) fn uses_facade(&self) -> bool {
        self.site
            .external()
            .is_some_and(|name| name.starts_with("ntro."))
    }

    pub(crate) fn resolved(&self, model: &Model<'p>) -> Option<Resolved> {
        let site = self.site;
        model.names.resolve(site.file, site.function, self.target)
    }

    /// The activity and what it resolves to.
    pub(crate) fn activity(&self, model: &'m Model<'p>) -> Option<&'m Activity<'p>> {
        model.activity(&self.resolved(model)?)
    }
}

/// A call that starts child runbooks.
pub(crate) struct ChildCall<'m, 'p> {
    pub(crate) site: &'m CallSite<'p>,
    pub(crate) method: &'m str,
    /// Where the slug is written.
    pub(crate) written: &'p Expr,
    pub(crate) slug: String,
}

impl<'m, 'p> ChildCall<'m, 'p> {
    /// The calls whose slug is written out.
    pub(crate) fn all(model: &'m Model<'p>) -> impl Iterator<Item = Self> {
        model.calls.iter().filter_map(|site| {
            let method = site.base_method()?;
            let argument = match method {
                "run_child_workflow" | "run_child_workflows" => "slug",
                "collect_documents" => "runbook_slug",
                _ => return None,
            };
            let written = keyword_value(site.call, argument)?;
            let slug = text(model, site, written)?;
            Some(Self {
                site,
                method,
                written,
                slug,
            })
        })
    }
}

/// The text of an argument of a call, if it is known.
pub(crate) fn text(model: &Model<'_>, site: &CallSite<'_>, value: &Expr) -> Option<String> {
    model.names.const_str(site.file, site.function, value)
}

/// A value together with the place whose names it uses.
#[derive(Clone, Copy)]
pub(crate) struct Written<'p> {
    pub(crate) file: FileId,
    pub(crate) function: FunctionIx,
    pub(crate) value: &'p Expr,
}

impl<'p> Written<'p> {
    pub(crate) fn at(site: &CallSite<'p>, value: &'p Expr) -> Self {
        Self {
            file: site.file,
            function: site.function,
            value,
        }
    }

    pub(crate) fn with(self, value: &'p Expr) -> Self {
        Self { value, ..self }
    }

    pub(crate) fn text(self, model: &Model<'_>) -> Option<String> {
        model
            .names_in(self.file)
            .const_str(self.file, self.function, self.value)
    }

    /// The value itself, or what one assignment at module level binds the name to.
    pub(crate) fn followed(self, model: &Model<'p>) -> Self {
        if !matches!(self.value, Expr::Name(_) | Expr::Attribute(_)) {
            return self;
        }
        let names = model.names_in(self.file);
        match names.resolve(self.file, self.function, self.value) {
            Some(Resolved::Variable { file, name }) => match names.value(file, &name) {
                Some(value) => Self {
                    file,
                    function: MODULE_BODY,
                    value,
                },
                None => self,
            },
            _ => self,
        }
    }

    /// The dictionary that is written here, directly or through a constant.
    pub(crate) fn dict(self, model: &Model<'p>) -> Option<Dict<'p>> {
        let at = self.followed(model);
        match at.value {
            Expr::Dict(node) => Some(Dict { at, node }),
            _ => None,
        }
    }

    /// The elements of a list or tuple of which all are written out.
    pub(crate) fn elements(self, model: &Model<'p>) -> Option<(Self, &'p [Expr])> {
        let at = self.followed(model);
        let elements = match at.value {
            Expr::List(list) => &list.elts,
            Expr::Tuple(tuple) => &tuple.elts,
            _ => return None,
        };
        let all = elements.iter().all(|it| !it.is_starred_expr());
        all.then_some((at, &elements[..]))
    }

    /// The seconds of a `timedelta` that is written out.
    pub(crate) fn seconds(self, model: &Model<'p>) -> Option<f64> {
        let at = self.followed(model);
        let Expr::Call(call) = at.value else {
            return None;
        };
        if !at.is_timedelta(model) || hides_keywords(call) || hides_positions(call) {
            return None;
        }
        let mut seconds = 0.0;
        for (argument, unit) in call.arguments.args.iter().zip(UNITS) {
            seconds += number(argument)? * unit.1;
        }
        for keyword in &call.arguments.keywords {
            let name = keyword.arg.as_ref()?.as_str();
            let unit = UNITS.iter().find(|(unit, _)| *unit == name)?;
            seconds += number(&keyword.value)? * unit.1;
        }
        Some(seconds)
    }

    /// Whether it is a call of `timedelta`, directly or through a constant.
    pub(crate) fn is_timedelta(self, model: &Model<'p>) -> bool {
        let at = self.followed(model);
        let Expr::Call(call) = at.value else {
            return false;
        };
        let names = model.names_in(at.file);
        let callee = names.resolve(at.file, at.function, &call.func);
        callee.is_some_and(|callee| callee.external() == Some("datetime.timedelta"))
    }
}

/// The parameters of `timedelta` in their order, with their seconds.
const UNITS: [(&str, f64); 7] = [
    ("days", 86_400.0),
    ("seconds", 1.0),
    ("microseconds", 1e-6),
    ("milliseconds", 1e-3),
    ("minutes", 60.0),
    ("hours", 3_600.0),
    ("weeks", 604_800.0),
];

pub(crate) fn number(value: &Expr) -> Option<f64> {
    match value {
        Expr::NumberLiteral(literal) => match &literal.value {
            Number::Int(int) => int.as_i32().map(f64::from),
            Number::Float(float) => Some(*float),
            Number::Complex { .. } => None,
        },
        Expr::BinOp(operation) if operation.op == ast::Operator::Mult => {
            Some(number(&operation.left)? * number(&operation.right)?)
        }
        _ => None,
    }
}

/// A dictionary display.
#[derive(Clone, Copy)]
pub(crate) struct Dict<'p> {
    pub(crate) at: Written<'p>,
    pub(crate) node: &'p ast::ExprDict,
}

/// What a dictionary display says about a key.
#[derive(Clone, Copy)]
pub(crate) enum Entry<'p> {
    Given(Written<'p>),
    Missing,
    /// It may be in what is merged into the display, or below a key that is not written out.
    Unknown,
}

impl<'p> Dict<'p> {
    pub(crate) fn entry(self, key: &str) -> Entry<'p> {
        let mut answer = Entry::Missing;
        for item in &self.node.items {
            match &item.key {
                Some(Expr::StringLiteral(literal)) if literal.value.to_str() == key => {
                    answer = Entry::Given(self.at.with(&item.value));
                }
                Some(Expr::StringLiteral(_)) => {}
                _ => answer = Entry::Unknown,
            }
        }
        answer
    }

    pub(crate) fn get(self, key: &str) -> Option<Written<'p>> {
        match self.entry(key) {
            Entry::Given(value) => Some(value),
            Entry::Missing | Entry::Unknown => None,
        }
    }
}

/// A gate of a runbook: `wait_for_action` or `await_signal_with_action`.
pub(crate) struct Gate<'m, 'p> {
    pub(crate) site: &'m CallSite<'p>,
    pub(crate) waits_for_signal: bool,
}

impl<'m, 'p> Gate<'m, 'p> {
    pub(crate) fn all(model: &'m Model<'p>) -> impl Iterator<Item = Self> {
        model.calls.iter().filter_map(|site| {
            let waits_for_signal = match site.base_method()? {
                "wait_for_action" => false,
                "await_signal_with_action" => true,
                _ => return None,
            };
            Some(Self {
                site,
                waits_for_signal,
            })
        })
    }

    /// The `action`, if it is written out.
    pub(crate) fn action(&self, model: &Model<'p>) -> Option<Dict<'p>> {
        let value = keyword_value(self.site.call, "action")?;
        let is_action = self.waits_for_signal;
        Written::at(self.site, value)
            .dict(model)
            .filter(|_| is_action)
    }

    /// The `display_hint`, if it is written out: the argument, or the one in the action.
    pub(crate) fn hint(&self, model: &Model<'p>) -> Option<Dict<'p>> {
        match keyword_value(self.site.call, "display_hint") {
            Some(value) => Written::at(self.site, value).dict(model),
            None if hides_keywords(self.site.call) => None,
            None => self.action(model)?.get("display_hint")?.dict(model),
        }
    }
}

/// The text of an expression in one short line, for a message; a call without its arguments.
pub(crate) fn shown(model: &Model<'_>, file: FileId, expr: &Expr) -> String {
    if let Expr::Call(call) = expr {
        return shown_call(model, file, call);
    }
    short(model.slice(file, span_of(expr)), "")
}

pub(crate) fn shown_call(model: &Model<'_>, file: FileId, call: &ast::ExprCall) -> String {
    short(model.slice(file, span_of(&*call.func)), "()")
}

fn short(text: &str, suffix: &str) -> String {
    const LONGEST: usize = 60;
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut line = words.join(" ").replace('`', "'");
    if line.chars().count() > LONGEST {
        line = line.chars().take(LONGEST).collect::<String>() + "…";
    }
    format!("`{line}{suffix}`")
}

/// The 1-based line of a place, and its file where that is another one: "line 4 of `activities.py`".
pub(crate) fn line_of(
    cx: &Context<'_>,
    from: FileId,
    file: FileId,
    span: lint_core::diagnostic::Span,
) -> String {
    let line = cx
        .facts
        .project
        .text(file)
        .map_or(1, |source| source.line(span.start));
    if file == from {
        format!("line {line}")
    } else {
        format!("line {line} of `{}`", cx.facts.project.key(file))
    }
}

/// The slugs under which a bundle is deployed: the name of its directory, and what `runbook.md` says.
pub(crate) fn bundle_slugs(model: &Model<'_>, bundle: usize) -> Vec<String> {
    let bundle = &model.bundles[bundle];
    let mut slugs = vec![bundle.slug.clone()];
    if let Some(source) = bundle.manifest.and_then(|file| model.project.text(file)) {
        let written = source
            .text
            .lines()
            .find_map(|line| line.strip_prefix("slug:"));
        let slug = written.and_then(|rest| rest.split_whitespace().next());
        slugs.extend(slug.map(|slug| slug.trim_matches(['"', '\'']).to_owned()));
    }
    slugs.retain(|slug| !slug.is_empty());
    slugs
}
