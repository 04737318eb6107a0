//! Models that are made again of what an activity gave as one: all their fields are in the data, since the
//! activity filled them.

use lint_core::diagnostic::Place;
use lint_core::facts::FunctionRef;
use lint_core::names::Resolved;
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;

use crate::model::{CallSite, Model};
use crate::program::{Node, Program, own_nodes};

/// Whether the call at a place makes a model of the result of an activity that is annotated with it.
pub(crate) fn is_whole(model: &Model<'_>, program: Program<'_, '_>, place: Place) -> bool {
    let site = site_at(model, place);
    site.is_some_and(|site| made_of(model, program, site).unwrap_or(false))
}

fn site_at<'m, 'p>(model: &'m Model<'p>, place: Place) -> Option<&'m CallSite<'p>> {
    let mut sites = model.all_calls();
    sites.find(|it| it.file == place.file && span_of(it.call) == place.span)
}

fn made_of(model: &Model<'_>, program: Program<'_, '_>, site: &CallSite<'_>) -> Option<bool> {
    let names = model.names_in(site.file);
    let resolve = |it: &Expr| names.resolve(site.file, site.function, it);
    let (class, data) = match (&*site.call.func, &site.call.arguments) {
        (Expr::Attribute(it), given) if it.attr.as_str() == "model_validate" => {
            (resolve(&it.value)?, given.args.first()?)
        }
        (callee, given) => {
            let [only] = &given.keywords[..] else {
                return None;
            };
            let is_all = only.arg.is_none() && given.args.is_empty();
            (resolve(callee)?, Some(&only.value).filter(|_| is_all)?)
        }
    };
    let name = data.as_name_expr()?.id.as_str();
    let (rows, is_one) = match iterated(program, site, name) {
        Some(rows) => (rows.as_name_expr()?.id.as_str(), false),
        None => (name, true),
    };
    let (_, value) = names.local_value(site.file, site.function, rows)?;
    let call = value.as_await_expr()?.value.as_call_expr()?;
    let place = Place {
        file: site.file,
        span: span_of(call),
    };
    let scheduling = site_at(model, place).filter(|it| {
        it.workflow_api()
            .is_some_and(|it| it.ends_with("_activity") || it.ends_with("_activity_method"))
    })?;
    let target = call.arguments.args.first()?;
    let Resolved::Function { file, ix } = model.scheduled(scheduling, target)? else {
        return None;
    };
    let function = FunctionRef { file, ix };
    let returned = program.def(function)?.returns.as_deref()?;
    let parent = program.function(function)?.parent;
    let returned = match (returned, is_one) {
        (it, true) => it,
        (Expr::Subscript(it), false) if is_list(&it.value) => &*it.slice,
        _ => return None,
    };
    Some(model.names_in(file).resolve(file, parent, returned)? == class)
}

/// What a loop or a comprehension around the call goes over, if it calls each element by this name.
fn iterated<'p>(program: Program<'_, 'p>, site: &CallSite<'_>, name: &str) -> Option<&'p Expr> {
    let function = FunctionRef {
        file: site.file,
        ix: site.function,
    };
    let is_it = |it: &Expr| matches!(it, Expr::Name(it) if it.id.as_str() == name);
    let of_comprehension = |generators: &'p [ast::Comprehension]| {
        let own = generators.iter().find(|it| is_it(&it.target));
        own.map(|it| &it.iter)
    };
    own_nodes(program.function(function)).find_map(|node| match node {
        Node::Stmt(Stmt::For(it)) if is_it(&it.target) => Some(&*it.iter),
        Node::Expr(Expr::ListComp(it)) => of_comprehension(&it.generators),
        Node::Expr(Expr::DictComp(it)) => of_comprehension(&it.generators),
        Node::Expr(Expr::Generator(it)) => of_comprehension(&it.generators),
        _ => None,
    })
}

fn is_list(annotation: &Expr) -> bool {
    matches!(annotation, Expr::Name(it) if matches!(it.id.as_str(), "list" | "List" | "Sequence"))
}
