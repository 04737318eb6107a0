use std::collections::BTreeSet;

use lint_core::diagnostic::{Diagnostic, FileId, Place};
use lint_core::index::{ClassIx, FunctionIx};
use lint_core::knowledge::Role;
use lint_core::names::Resolved;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::visitor::{Visitor, walk_expr};
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::model::{Model, Sdk};
use crate::rule::{Context, Rule};
use crate::secrets::is_secret;

/// ## What it does
/// Finds fields that look like secrets (`api_key`, `password`, `access_token`, …) in what a runbook or an
/// activity takes or returns.
///
/// ## Why is this bad?
/// Inputs and results are stored in the workflow history, which everybody with access to the Temporal UI can
/// read, for as long as it is kept.
///
/// ## Example
/// ```python
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import load_balances
/// from .models import BalanceQuery
///
///
/// @runbook.defn
/// class BalancesWorkflow(NtroWorkflow):
///     @runbook.step(name="load", title="Load balances", icon="Landmark")
///     async def _step_load(self, query: BalanceQuery) -> float:
///         return await runbook.execute_activity(
///             load_balances, query, start_to_close_timeout=timedelta(minutes=1)
///         )
///
///     @runbook.run
///     async def run(self, query: BalanceQuery) -> float:
///         return await self._step_load(query)
/// ```
/// ```python path=activities.py
/// from ntro.workflow import activity
///
/// from .models import BalanceQuery
///
///
/// @activity.defn(name="balances.load_balances")
/// async def load_balances(query: BalanceQuery) -> float:
///     return 0.0
/// ```
/// ```python path=models.py
/// from pydantic import BaseModel
///
///
/// class BalanceQuery(BaseModel):
///     account: str
///     bank_api_key: str  # RB428
/// ```
///
/// ## Use instead
/// Pass the name of the secret, and read the secret where it is used:
/// ```python
/// from datetime import timedelta
///
/// from ntro.workflow import NtroWorkflow, runbook
///
/// from .activities import load_balances
/// from .models import BalanceQuery
///
///
/// @runbook.defn
/// class BalancesWorkflow(NtroWorkflow):
///     @runbook.step(name="load", title="Load balances", icon="Landmark")
///     async def _step_load(self, query: BalanceQuery) -> float:
///         return await runbook.execute_activity(
///             load_balances, query, start_to_close_timeout=timedelta(minutes=1)
///         )
///
///     @runbook.run
///     async def run(self, query: BalanceQuery) -> float:
///         return await self._step_load(query)
/// ```
/// ```python path=activities.py
/// import os
///
/// from ntro.workflow import activity
///
/// from .models import BalanceQuery
///
///
/// @activity.defn(name="balances.load_balances")
/// async def load_balances(query: BalanceQuery) -> float:
///     key = os.environ[query.bank_api_key_name]
///     return float(len(key))
/// ```
/// ```python path=models.py
/// from pydantic import BaseModel
///
///
/// class BalanceQuery(BaseModel):
///     account: str
///     bank_api_key_name: str
/// ```
///
/// ## Limits
/// Only the names and the types of fields are looked at. A payload codec that encrypts the history removes the
/// danger, not the finding.
#[derive(RuleMetadata)]
#[rule(
    code = "RB428",
    severity = "info",
    category = "calls",
    since = "0.1.0",
    summary = "an input or a result has a field that looks like a secret"
)]
pub(crate) struct SecretInPayload;

impl Rule for SecretInPayload {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let model = &cx.model;
        let mut fields = Fields {
            model,
            seen: BTreeSet::new(),
            found: BTreeSet::new(),
        };
        for runbook in &model.runbooks {
            for method in &runbook.methods {
                if method.mark(Role::Run).is_some() {
                    fields.of_function(runbook.file, method.ix, method.node, true);
                }
            }
        }
        for activity in &model.activities {
            if activity.mark.sdk == Sdk::Ntro || activity.bundle.is_some() {
                fields.of_function(activity.file, activity.ix, activity.node, false);
            }
        }
        for (place, name) in fields.found {
            let message = format!(
                "`{name}` looks like a secret, and what is passed here stays in the workflow history"
            );
            Finding::new(&Self::METADATA, place.file, place.span, message)
                .help("pass the name of the secret, and read the secret in the activity")
                .report(report);
        }
    }
}

/// Finds the fields of what is passed.
struct Fields<'m, 'p> {
    model: &'m Model<'p>,
    seen: BTreeSet<(FileId, ClassIx)>,
    found: BTreeSet<(Place, String)>,
}

impl<'p> Fields<'_, 'p> {
    fn of_function(
        &mut self,
        file: FileId,
        ix: FunctionIx,
        def: &'p ast::StmtFunctionDef,
        is_method: bool,
    ) {
        // Annotations are evaluated around the function.
        let Some(around) = self
            .model
            .index(file)
            .map(|index| index.function(ix).parent)
        else {
            return;
        };
        for parameter in def
            .parameters
            .iter_non_variadic_params()
            .skip(usize::from(is_method))
        {
            if let Some(annotation) = parameter.annotation() {
                self.field(file, around, parameter.name(), annotation);
            }
        }
        if let Some(annotation) = &def.returns {
            self.of_annotation(file, around, annotation);
        }
    }

    fn field(
        &mut self,
        file: FileId,
        around: FunctionIx,
        name: &ast::Identifier,
        annotation: &'p Expr,
    ) {
        let types = self.types(file, annotation);
        if is_secret(name.as_str()) && holds_text(&types) {
            let place = Place {
                file,
                span: span_of(name),
            };
            self.found.insert((place, name.to_string()));
        }
        self.of_types(file, around, &types);
    }

    fn of_annotation(&mut self, file: FileId, around: FunctionIx, annotation: &'p Expr) {
        let types = self.types(file, annotation);
        self.of_types(file, around, &types);
    }

    fn of_types(&mut self, file: FileId, around: FunctionIx, types: &[&'p Expr]) {
        for ty in types {
            if let Some(Resolved::Class { file, ix }) = self.model.names.resolve(file, around, ty) {
                self.of_class(file, ix);
            }
        }
    }

    fn of_class(&mut self, file: FileId, ix: ClassIx) {
        if !self.seen.insert((file, ix)) {
            return;
        }
        let Some(class) = self.model.index(file).map(|index| index.class(ix)) else {
            return;
        };
        for statement in &class.node.body {
            if let Stmt::AnnAssign(it) = statement
                && let Expr::Name(name) = &*it.target
            {
                let name = ast::Identifier::new(name.id.clone(), name.range);
                self.field(file, class.parent, &name, &it.annotation);
            }
        }
    }

    /// The names in an annotation, also in one that is written as text.
    fn types(&self, file: FileId, annotation: &'p Expr) -> Vec<&'p Expr> {
        struct Types<'p> {
            module: Option<&'p lint_core::index::Module>,
            found: Vec<&'p Expr>,
        }
        impl<'p> Visitor<'p> for Types<'p> {
            fn visit_expr(&mut self, expression: &'p Expr) {
                match expression {
                    Expr::Name(_) | Expr::Attribute(_) => self.found.push(expression),
                    Expr::StringLiteral(literal) => {
                        let parsed = self
                            .module
                            .and_then(|it| it.string_annotation(span_of(literal)));
                        if let Some(parsed) = parsed {
                            self.visit_expr(parsed);
                        }
                    }
                    _ => walk_expr(self, expression),
                }
            }
        }
        let mut types = Types {
            module: self.model.module(file),
            found: Vec::new(),
        };
        types.visit_expr(annotation);
        types.found
    }
}

/// Whether a value of the type can be a secret: not a flag, a number or a date.
fn holds_text(types: &[&Expr]) -> bool {
    let name = |ty: &Expr| match ty {
        Expr::Name(name) => name.id.to_string(),
        Expr::Attribute(attribute) => attribute.attr.to_string(),
        _ => String::new(),
    };
    types.iter().any(|ty| {
        matches!(
            name(ty).as_str(),
            "str" | "bytes" | "SecretStr" | "SecretBytes"
        )
    })
}
