//! Digests of code that is not described in full: they tell whether it is the same, whatever its
//! locals are called and however it is laid out.

use std::fmt::Write;

use crate::index::{Function, FunctionNode};
use crate::syntax::ast::visitor::source_order::{SourceOrderVisitor, TraversalSignal};
use crate::syntax::ast::{self, AnyNodeRef, Expr, Stmt};

/// FNV-1a, of which a few digits are enough to notice a change.
pub(super) fn digest(bytes: &[u8]) -> String {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{:08x}", hash >> 32)
}

/// The code of one function.
pub(super) struct Print<'p> {
    pub(super) text: String,
    /// The names in it that are not its own, and what is taken from them.
    pub(super) foreign: Vec<&'p Expr>,
}

pub(super) fn print<'p>(function: &'p Function<'p>) -> Print<'p> {
    let mut printer = Printer {
        function,
        locals: Vec::new(),
        made: Print {
            text: String::new(),
            foreign: Vec::new(),
        },
    };
    match function.node {
        FunctionNode::Def(def) => {
            for parameter in def.parameters.iter() {
                printer.enter_node(AnyNodeRef::Parameter(parameter.as_parameter()));
                if let Some(default) = parameter.default() {
                    printer.visit_expr(default);
                }
            }
            for statement in without_docstring(&def.body) {
                printer.visit_stmt(statement);
            }
        }
        FunctionNode::Lambda(lambda) => printer.visit_expr(&lambda.body),
        FunctionNode::Module(_) => {}
    }
    printer.made
}

pub(super) fn without_docstring(body: &[Stmt]) -> &[Stmt] {
    match body {
        [Stmt::Expr(it), rest @ ..] if it.value.is_string_literal_expr() => rest,
        all => all,
    }
}

struct Printer<'p> {
    function: &'p Function<'p>,
    /// The locals that were met, which stand for themselves by their number.
    locals: Vec<&'p str>,
    made: Print<'p>,
}

impl<'p> Printer<'p> {
    fn is_local(&self, name: &str) -> bool {
        self.function.locals.contains(name)
    }

    fn local(&mut self, name: &'p str) {
        let known = self.locals.iter().position(|it| *it == name);
        let ix = known.unwrap_or_else(|| {
            self.locals.push(name);
            self.locals.len() - 1
        });
        let _ = write!(self.made.text, "{ix}");
    }

    /// What a node is beside its kind and its children.
    fn own(&mut self, node: AnyNodeRef<'p>) {
        let text = &mut self.made.text;
        match node {
            AnyNodeRef::ExprAttribute(it) => text.push_str(it.attr.as_str()),
            AnyNodeRef::StringLiteral(it) => text.push_str(&it.value),
            AnyNodeRef::InterpolatedStringLiteralElement(it) => text.push_str(&it.value),
            AnyNodeRef::ExprNumberLiteral(it) => {
                let _ = write!(text, "{:?}", it.value);
            }
            AnyNodeRef::ExprBooleanLiteral(it) if it.value => text.push_str("True"),
            AnyNodeRef::ExprBinOp(it) => text.push_str(it.op.as_str()),
            AnyNodeRef::StmtAugAssign(it) => text.push_str(it.op.as_str()),
            AnyNodeRef::ExprUnaryOp(it) => text.push_str(it.op.as_str()),
            AnyNodeRef::ExprBoolOp(it) => text.push_str(it.op.as_str()),
            AnyNodeRef::ExprCompare(it) => it.ops.iter().for_each(|op| text.push_str(op.as_str())),
            AnyNodeRef::Keyword(it) => {
                text.push_str(it.arg.as_ref().map_or("**", |it| it.as_str()));
            }
            _ => {}
        }
    }
}

impl<'p> SourceOrderVisitor<'p> for Printer<'p> {
    fn enter_node(&mut self, node: AnyNodeRef<'p>) -> TraversalSignal {
        let _ = write!(self.made.text, "{:?};", node.kind());
        match node {
            AnyNodeRef::ExprName(it) if self.is_local(&it.id) => self.local(it.id.as_str()),
            AnyNodeRef::Parameter(it) => self.local(it.name.as_str()),
            AnyNodeRef::ExprName(it) => self.made.text.push_str(it.id.as_str()),
            other => self.own(other),
        }
        TraversalSignal::Traverse
    }

    fn visit_expr(&mut self, expr: &'p Expr) {
        match expr {
            Expr::Name(it) if !self.is_local(&it.id) => self.made.foreign.push(expr),
            Expr::Attribute(it) => {
                if let Expr::Name(name) = &*it.value
                    && !self.is_local(&name.id)
                {
                    self.made.foreign.push(expr);
                }
            }
            _ => {}
        }
        ast::visitor::source_order::walk_expr(self, expr);
    }
}
