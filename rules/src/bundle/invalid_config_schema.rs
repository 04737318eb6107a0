use lint_core::diagnostic::{Diagnostic, Span};
use lint_core::rule::RuleMetadata;
use lint_core::suggest::closest;
use rules_macros::RuleMetadata;

use super::steps_differ_from_code::listed;
use crate::finding::Finding;
use crate::hazard::code;
use crate::rule::{Context, Rule};
use crate::runbook_md::scalar::Kind;
use crate::runbook_md::view::{self, View};
use crate::runbook_md::yaml::{Entry, Mapping, Node, Value};
use crate::runbook_md::{RunbookMd, pattern};

/// ## What it does
/// Finds mistakes in `config_schema`: settings for a step that does not exist, an unknown `type`, a
/// `default` that is not of the type or not in the `enum`, and a `pattern` that is not a regular
/// expression.
///
/// ## Why is this bad?
/// The platform makes the form of a run of this schema, and fills in its defaults. What does not fit
/// together fails when somebody starts the runbook, or reaches it as a value of another type.
///
/// ## Example
/// ```markdown path=runbooks/rent-review/runbook.md
/// ---
/// slug: rent-review
/// name: Rent review
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// config_schema:
///   global:
///     threshold:
///       type: float  # RB515
///     period:
///       type: string
///       pattern: "^([0-9]{4}-[0-9]{2}$"  # RB515
///     rounding:
///       type: boolean
///       default: "yes"  # RB515
/// ---
/// ```
///
/// ## Use instead
/// ```markdown path=runbooks/rent-review/runbook.md
/// ---
/// slug: rent-review
/// name: Rent review
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// config_schema:
///   global:
///     threshold:
///       type: number
///     period:
///       type: string
///       pattern: "^[0-9]{4}-[0-9]{2}$"
///     rounding:
///       type: boolean
///       default: true
/// ---
/// ```
///
/// ## Limits
/// Of regular expressions the syntax is checked, not whether a default matches.
#[derive(RuleMetadata)]
#[rule(
    code = "RB515",
    severity = "warning",
    category = "bundle",
    since = "0.1.0",
    summary = "a setting in `config_schema` that cannot work"
)]
pub(crate) struct InvalidConfigSchema;

const TYPES: [&str; 7] = [
    "string", "number", "integer", "boolean", "array", "object", "null",
];
/// What people write who think in another language.
const OTHER_TYPES: [(&str, &str); 14] = [
    ("str", "string"),
    ("text", "string"),
    ("date", "string"),
    ("float", "number"),
    ("decimal", "number"),
    ("double", "number"),
    ("int", "number"),
    ("bool", "boolean"),
    ("list", "array"),
    ("tuple", "array"),
    ("dict", "object"),
    ("map", "object"),
    ("mapping", "object"),
    ("enum", "string"),
];

impl Rule for InvalidConfigSchema {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for (view, md) in view::with_md(cx) {
            let Some(schema) = md.get("config_schema").and_then(|it| it.value.mapping()) else {
                continue;
            };
            let mut finding = |span: Span, message: String, help: String| {
                Finding::new(&Self::METADATA, md.file, span, message)
                    .help(help)
                    .report(report);
            };
            if let Some(ids) = step_ids(&view, md)
                && let Some(steps) = schema.get("steps").and_then(|it| it.value.mapping())
            {
                for entry in &steps.entries {
                    let Some(id) = entry
                        .key
                        .string()
                        .filter(|id| !ids.iter().any(|it| it == id))
                    else {
                        continue;
                    };
                    let help = match closest(id, ids.iter().map(String::as_str)) {
                        Some(meant) => format!("did you mean {}?", code(meant)),
                        None => "write the id of a step".to_owned(),
                    };
                    finding(
                        entry.key.span,
                        format!(
                            "`config_schema` has settings for {}, which is not a step",
                            code(id)
                        ),
                        help,
                    );
                }
            }
            for (_, _, field) in fields(schema) {
                check_field(field, &mut finding);
            }
        }
    }
}

/// The fields of the schema, with the step they are for and the section they stand in.
pub(super) fn fields(schema: &Mapping) -> Vec<(Option<&str>, &Entry, &Entry)> {
    let mut fields = Vec::new();
    if let Some(section) = schema.get("global")
        && let Some(mapping) = section.value.mapping()
    {
        fields.extend(mapping.entries.iter().map(|field| (None, section, field)));
    }
    if let Some(section) = schema.get("steps")
        && let Some(steps) = section.value.mapping()
    {
        for step in &steps.entries {
            let own = step.value.mapping().map_or(&[][..], |it| &it.entries);
            fields.extend(own.iter().map(|field| (step.key.string(), section, field)));
        }
    }
    fields
}

/// The ids of all steps, in the list or in the class; `None` if some are not known.
fn step_ids(view: &View<'_, '_>, md: &RunbookMd<'_>) -> Option<Vec<String>> {
    let mut ids: Vec<String> = listed(md)
        .into_iter()
        .map(|(id, _)| id.to_owned())
        .collect();
    if let Some(runbook) = view.runbook() {
        for step in &runbook.steps {
            ids.push(step.id()?.to_owned());
        }
        ids.extend(view.base_steps(runbook).into_iter().map(str::to_owned));
    }
    (!ids.is_empty()).then_some(ids)
}

fn check_field(field: &Entry, finding: &mut impl FnMut(Span, String, String)) {
    let name = code(
        &field
            .key
            .scalar()
            .map_or(String::new(), |it| it.text.clone()),
    );
    let Some(schema) = field.value.mapping() else {
        let message = format!(
            "the schema of {name} is {}, not a mapping",
            field.value.describe()
        );
        let span = if field.value.is_null() || field.value.sequence().is_some() {
            field.key.span
        } else {
            field.value.span
        };
        finding(span, message, "write a mapping with `type`".to_owned());
        return;
    };
    let types = check_type(schema, &name, finding);
    let default = schema.get("default").map(|it| &it.value);
    let default = default.filter(|it| !it.is_null());
    if let (Some(types), Some(default)) = (&types, default)
        && !types.iter().any(|ty| is_of_type(default, ty))
    {
        let (is, types) = (default.describe(), list(types));
        let message = format!("the default of {name} is {is}, its type is {types}");
        let help = "write a default of the type".to_owned();
        finding(at(default), message, help);
    }
    check_choices(schema, default, &name, finding);
    if let Some(value) = schema.get("pattern").map(|it| &it.value)
        && let Some(text) = value.string()
        && let Err(problem) = pattern::check(text)
    {
        let message = format!("the pattern of {name} is not a regular expression: {problem}");
        let help = "correct the pattern, or escape special characters".to_owned();
        finding(value.span, message, help);
    }
}

/// The types of a field, if they are known.
fn check_type<'s>(
    schema: &'s Mapping,
    name: &str,
    finding: &mut impl FnMut(Span, String, String),
) -> Option<Vec<&'s str>> {
    let value = &schema.get("type")?.value;
    let Some(scalar) = value.scalar() else {
        // A list of types is JSON Schema, too.
        return value.sequence()?.iter().map(Node::string).collect();
    };
    let written = scalar.text.as_str();
    if TYPES.contains(&written) {
        return Some(vec![written]);
    }
    let mut others = OTHER_TYPES.iter();
    let other = others.find(|(other, _)| written.eq_ignore_ascii_case(other));
    let meant = other.map(|(_, meant)| *meant);
    let help = match meant.or_else(|| closest(written, TYPES)) {
        Some(meant) => format!("write `{meant}`"),
        None => "write `string`, `number`, `boolean`, `array` or `object`".to_owned(),
    };
    let message = format!("the type {} of {name} is not known", code(written));
    finding(value.span, message, help);
    None
}

fn check_choices(
    schema: &Mapping,
    default: Option<&Node>,
    name: &str,
    finding: &mut impl FnMut(Span, String, String),
) {
    let Some(choices) = schema.get("enum").map(|it| &it.value) else {
        return;
    };
    let Some(items) = choices.sequence() else {
        if !choices.is_null() {
            let message = format!("the `enum` of {name} is {}, not a list", choices.describe());
            let help = "write a list of the values".to_owned();
            finding(choices.span, message, help);
        }
        return;
    };
    if let Some(default) = default.filter(|it| it.scalar().is_some())
        && !items.iter().any(|item| same(item, default))
    {
        let message = format!("the default of {name} is none of its `enum`");
        finding(default.span, message, "write one of the values".to_owned());
    }
}

/// A list or mapping may go on for lines: only where it starts.
fn at(value: &Node) -> Span {
    match value.value {
        Value::Scalar(_) => value.span,
        _ => Span::new(value.span.start, value.span.start + 1),
    }
}

fn list(types: &[&str]) -> String {
    let types: Vec<String> = types.iter().map(|it| code(it)).collect();
    types.join(" or ")
}

fn is_of_type(value: &Node, ty: &str) -> bool {
    let kind = value.scalar().map(|it| it.kind);
    match ty {
        // A date without quotes is what the author means by a string.
        "string" => matches!(kind, Some(Kind::Text | Kind::Date)),
        "number" => matches!(kind, Some(Kind::Int | Kind::Float)),
        "integer" => kind == Some(Kind::Int),
        "boolean" => kind == Some(Kind::Bool),
        "array" => value.sequence().is_some(),
        "object" => value.mapping().is_some(),
        _ => true,
    }
}

fn same(a: &Node, b: &Node) -> bool {
    match (a.scalar(), b.scalar()) {
        (Some(a), Some(b)) => a.kind == b.kind && a.text == b.text,
        _ => false,
    }
}
