//! The model of a runbook's input: the class that annotates the parameter of `run`.

use lint_core::diagnostic::{FileId, Place, Span};
use lint_core::index::{ClassIx, MODULE_BODY};
use lint_core::knowledge::Role;
use lint_core::names::{Base, Resolved};
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;

use crate::model::{Model, Runbook};

#[derive(Debug)]
pub(crate) struct Input<'p> {
    /// The name of the class.
    pub(crate) name: &'p str,
    pub(crate) fields: Vec<Field>,
}

#[derive(Debug)]
pub(crate) struct Field {
    /// The name, and other names under which it is filled.
    pub(crate) names: Vec<String>,
    pub(crate) place: Place,
    pub(crate) is_required: bool,
}

impl Input<'_> {
    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields
            .iter()
            .any(|field| field.names.iter().any(|it| it == name))
    }
}

/// The model of the input; `None` unless there is one run method, and all fields are known.
pub(crate) fn input<'p>(model: &Model<'p>, runbook: &Runbook<'_>) -> Option<Input<'p>> {
    let runs = runbook.methods.iter();
    let mut runs = runs.filter(|it| it.mark(Role::Run).is_some());
    let (Some(run), None) = (runs.next(), runs.next()) else {
        return None;
    };
    let parameter = run.node.parameters.iter_non_variadic_params().nth(1)?;
    let annotation = parameter.annotation()?;
    let annotation = match annotation {
        Expr::StringLiteral(literal) => model
            .module(runbook.file)?
            .string_annotation(span_of(literal))?,
        other => other,
    };
    let Resolved::Class { file, ix } =
        model.names.resolve(runbook.file, MODULE_BODY, annotation)?
    else {
        return None;
    };
    let node = model.index(file)?.class(ix).node;
    let mut fields = Vec::new();
    for base in model.names.bases(file, ix) {
        match base {
            Base::Class { file, ix } => add_fields(model, file, ix, &mut fields)?,
            Base::External(name) if KNOWN_BASES.contains(&name.as_str()) => {}
            Base::External(_) | Base::Unknown => return None,
        }
    }
    Some(Input {
        name: node.name.as_str(),
        fields,
    })
}

/// Bases that bring no fields.
const KNOWN_BASES: [&str; 6] = [
    "pydantic.BaseModel",
    "pydantic.main.BaseModel",
    "ntro.events.ObservableResult",
    "object",
    "typing.Generic",
    "abc.ABC",
];

/// `None` if the class may have fields that cannot be seen.
fn add_fields<'p>(
    model: &Model<'p>,
    file: FileId,
    ix: ClassIx,
    fields: &mut Vec<Field>,
) -> Option<()> {
    let class = model.index(file)?.class(ix).node;
    for statement in &class.body {
        match statement {
            Stmt::AnnAssign(it) => {
                let Expr::Name(target) = &*it.target else {
                    continue;
                };
                let name = target.id.as_str();
                if name == "model_config" {
                    allows_no_extra(model, file, span_of(it))?;
                    continue;
                }
                let annotation = model.slice(file, span_of(&*it.annotation));
                let is_hidden = fields.iter().any(|field: &Field| field.names[0] == name);
                if name.starts_with('_') || annotation.contains("ClassVar") || is_hidden {
                    continue;
                }
                fields.push(field(
                    model,
                    file,
                    name,
                    span_of(target),
                    it.value.as_deref(),
                ));
            }
            Stmt::Assign(it) => {
                let is_config = it
                    .targets
                    .iter()
                    .any(|it| matches!(it, Expr::Name(name) if name.id == "model_config"));
                if is_config {
                    allows_no_extra(model, file, span_of(it))?;
                }
            }
            Stmt::ClassDef(it) if it.name.as_str() == "Config" => {
                allows_no_extra(model, file, span_of(it))?
            }
            _ => {}
        }
    }
    Some(())
}

/// With `extra="allow"` the model takes any key; with an alias generator it takes others.
fn allows_no_extra(model: &Model<'_>, file: FileId, span: Span) -> Option<()> {
    let source = model.slice(file, span);
    (!source.contains("allow") && !source.contains("alias_generator")).then_some(())
}

fn field(model: &Model<'_>, file: FileId, name: &str, span: Span, value: Option<&Expr>) -> Field {
    let mut names = vec![name.to_owned()];
    let is_required = match value {
        None => true,
        Some(value) if value.is_ellipsis_literal_expr() => true,
        Some(Expr::Call(call)) => {
            for alias in ["alias", "validation_alias"] {
                if let Some(keyword) = call.arguments.find_keyword(alias)
                    && let Some(text) = model.names.const_str(file, MODULE_BODY, &keyword.value)
                {
                    names.push(text);
                }
            }
            is_field_without_default(model, file, call)
        }
        Some(_) => false,
    };
    Field {
        names,
        place: Place { file, span },
        is_required,
    }
}

fn is_field_without_default(model: &Model<'_>, file: FileId, call: &ast::ExprCall) -> bool {
    let callee = model.names.resolve(file, MODULE_BODY, &call.func);
    let is_field = callee
        .as_ref()
        .and_then(Resolved::external)
        .is_some_and(|it| {
            matches!(
                it,
                "pydantic.Field" | "pydantic.fields.Field" | "dataclasses.field"
            )
        });
    let arguments = &call.arguments;
    let has_default = arguments
        .args
        .first()
        .is_some_and(|it| !it.is_ellipsis_literal_expr())
        || arguments
            .find_keyword("default")
            .is_some_and(|it| !it.value.is_ellipsis_literal_expr())
        || arguments.find_keyword("default_factory").is_some()
        || arguments.keywords.iter().any(|it| it.arg.is_none());
    is_field && !has_default
}
