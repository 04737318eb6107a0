//! The canonical text of an expression: what it is computed from, whatever its locals are called
//! and however it is laid out. Two conditions with the same text are the same condition.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::rc::Rc;

use crate::index::{Function, FunctionNode};
use crate::interp::Obj;
use crate::syntax::ast::visitor::source_order::{SourceOrderVisitor, TraversalSignal};
use crate::syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use crate::syntax::ast::{self, Expr, Stmt};
use crate::syntax::span_of;

use super::build::{Builder, Scope};

/// Definitions are followed this far; what lies beyond is `…`, which is never the same as another.
pub(super) const MAX_DEPTH: usize = 8;
/// Longer texts are cut, and told apart by a digest.
const MAX_TEXT: usize = 160;

/// What gives a local its value.
#[derive(Clone, Copy)]
pub(super) enum Definition<'p> {
    Value(&'p Expr),
    /// An element of what is gone through.
    Item(&'p Expr),
    /// A part of what is taken apart.
    Part(&'p Expr, usize),
    Entered(&'p Expr),
    Added(&'p Expr),
    Caught,
    /// The rest of what is taken apart.
    Rest,
}

impl<'p> Definition<'p> {
    /// What the value comes from.
    pub(super) fn source(self) -> Option<&'p Expr> {
        match self {
            Self::Value(it) | Self::Item(it) | Self::Part(it, _) | Self::Entered(it) => Some(it),
            Self::Added(_) | Self::Caught | Self::Rest => None,
        }
    }
}

pub(super) type Definitions<'p> = BTreeMap<&'p str, Vec<Definition<'p>>>;

/// What `enumerate` counts.
pub(super) fn enumerated(iter: &Expr) -> Option<&Expr> {
    match iter {
        Expr::Call(call) => match (&*call.func, &call.arguments.args[..]) {
            (Expr::Name(name), [first, ..]) if name.id.as_str() == "enumerate" => Some(first),
            _ => None,
        },
        _ => None,
    }
}

/// What defines the locals of a function.
pub(super) fn definitions<'p>(node: FunctionNode<'p>) -> Definitions<'p> {
    let mut collector = Collector(BTreeMap::new());
    match node {
        FunctionNode::Def(def) => collector.visit_body(&def.body),
        FunctionNode::Lambda(lambda) => collector.visit_expr(&lambda.body),
        FunctionNode::Module(module) => collector.visit_body(&module.body),
    }
    collector.0
}

struct Collector<'p>(Definitions<'p>);

impl<'p> Collector<'p> {
    fn bind(&mut self, target: &'p Expr, definition: Definition<'p>) {
        match target {
            Expr::Name(name) => self.0.entry(name.id.as_str()).or_default().push(definition),
            Expr::Tuple(ast::ExprTuple { elts, .. }) | Expr::List(ast::ExprList { elts, .. }) => {
                for (ix, target) in elts.iter().enumerate() {
                    let part = match definition {
                        Definition::Value(Expr::Tuple(it)) if it.elts.len() == elts.len() => {
                            Definition::Value(&it.elts[ix])
                        }
                        Definition::Value(it) | Definition::Item(it) => Definition::Part(it, ix),
                        other => other,
                    };
                    self.bind(target, part);
                }
            }
            Expr::Starred(it) => self.bind(&it.value, Definition::Rest),
            _ => {}
        }
    }
}

impl<'p> Visitor<'p> for Collector<'p> {
    fn visit_stmt(&mut self, statement: &'p Stmt) {
        match statement {
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => return,
            Stmt::Assign(it) => {
                for target in &it.targets {
                    self.bind(target, Definition::Value(&it.value));
                }
            }
            Stmt::AnnAssign(it) => {
                if let Some(value) = &it.value {
                    self.bind(&it.target, Definition::Value(value));
                }
            }
            Stmt::AugAssign(it) => self.bind(&it.target, Definition::Added(&it.value)),
            Stmt::For(it) => match (&*it.target, enumerated(&it.iter)) {
                (Expr::Tuple(pair), Some(iter)) if pair.elts.len() == 2 => {
                    self.bind(&pair.elts[0], Definition::Rest);
                    self.bind(&pair.elts[1], Definition::Item(iter));
                }
                (target, _) => self.bind(target, Definition::Item(&it.iter)),
            },
            Stmt::With(it) => {
                for item in &it.items {
                    if let Some(target) = &item.optional_vars {
                        self.bind(target, Definition::Entered(&item.context_expr));
                    }
                }
            }
            Stmt::Try(it) => {
                for ast::ExceptHandler::ExceptHandler(handler) in &it.handlers {
                    if let Some(name) = &handler.name {
                        let known = self.0.entry(name.as_str()).or_default();
                        known.push(Definition::Caught);
                    }
                }
            }
            _ => {}
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'p Expr) {
        match expression {
            Expr::Lambda(_) => return,
            Expr::Named(it) => self.bind(&it.target, Definition::Value(&it.value)),
            _ => {}
        }
        walk_expr(self, expression);
    }

    fn visit_comprehension(&mut self, it: &'p ast::Comprehension) {
        self.bind(&it.target, Definition::Item(&it.iter));
        ast::visitor::walk_comprehension(self, it);
    }
}

/// One text in the making.
struct Writer<'b, 'm, 'p> {
    builder: &'b mut Builder<'m, 'p>,
    /// The locals whose definitions are being followed, by the code that has them.
    following: Vec<(usize, &'p str)>,
}

impl<'p> Builder<'_, 'p> {
    pub(super) fn describe(&mut self, scope: &Rc<Scope<'p>>, expr: &'p Expr) -> String {
        self.describing += 1;
        let mut writer = Writer {
            builder: self,
            following: Vec::new(),
        };
        let text = shortened(writer.expr(scope, expr));
        self.describing -= 1;
        text
    }

    pub(super) fn describe_pattern(
        &mut self,
        scope: &Rc<Scope<'p>>,
        pattern: &'p ast::Pattern,
    ) -> String {
        match pattern {
            ast::Pattern::MatchValue(it) => self.describe(scope, &it.value),
            ast::Pattern::MatchOr(it) => {
                let all = it.patterns.iter();
                let all: Vec<String> = all.map(|it| self.describe_pattern(scope, it)).collect();
                all.join(" | ")
            }
            other => {
                let text = self.text(scope, span_of(other));
                text.split_whitespace().collect::<Vec<_>>().join(" ")
            }
        }
    }
}

fn shortened(text: String) -> String {
    if text.len() <= MAX_TEXT {
        return text;
    }
    let end = (0..=MAX_TEXT / 2)
        .rev()
        .find(|&at| text.is_char_boundary(at));
    format!("{} ~{}", &text[..end.unwrap_or(0)], digest(text.as_bytes()))
}

/// A text as people mostly write it.
fn text_literal(text: &str) -> String {
    format!(
        "'{}'",
        text.escape_debug().to_string().replace("\\\"", "\"")
    )
}

/// FNV-1a, of which a few digits are enough to notice a change.
pub(super) fn digest(bytes: &[u8]) -> String {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{:08x}", hash >> 32)
}

impl<'p> Writer<'_, '_, 'p> {
    fn all(&mut self, scope: &Rc<Scope<'p>>, exprs: impl IntoIterator<Item = &'p Expr>) -> String {
        let texts: Vec<String> = exprs.into_iter().map(|it| self.expr(scope, it)).collect();
        texts.join(", ")
    }

    fn expr(&mut self, scope: &Rc<Scope<'p>>, expr: &'p Expr) -> String {
        if self.builder.is_tired() {
            return "…".to_owned();
        }
        match expr {
            Expr::Name(it) => self.name(scope, it.id.as_str()),
            Expr::Await(it) => self.expr(scope, &it.value),
            Expr::Call(it) => self.call(scope, it),
            Expr::Attribute(it) => format!("{}.{}", self.expr(scope, &it.value), it.attr),
            Expr::Subscript(it) => {
                let value = self.expr(scope, &it.value);
                format!("{value}[{}]", self.expr(scope, &it.slice))
            }
            Expr::BoolOp(it) => {
                let parts = it.values.iter().map(|it| self.expr(scope, it));
                let parts: Vec<String> = parts.collect();
                format!("({})", parts.join(&format!(" {} ", it.op)))
            }
            Expr::BinOp(it) => {
                let (left, right) = (self.expr(scope, &it.left), self.expr(scope, &it.right));
                format!("({left} {} {right})", it.op)
            }
            Expr::UnaryOp(it) => format!("{}({})", it.op, self.expr(scope, &it.operand)),
            Expr::Compare(it) if matches!(it.ops[..], [ast::CmpOp::Gt | ast::CmpOp::GtE]) => {
                let op = if it.ops[0] == ast::CmpOp::Gt {
                    "<"
                } else {
                    "<="
                };
                let left = self.expr(scope, &it.comparators[0]);
                format!("{left} {op} {}", self.expr(scope, &it.left))
            }
            Expr::Compare(it) => {
                let mut text = self.expr(scope, &it.left);
                for (op, operand) in it.ops.iter().zip(&it.comparators) {
                    let operand = self.expr(scope, operand);
                    let _ = write!(text, " {op} {operand}");
                }
                text
            }
            Expr::If(it) => {
                let (body, test) = (self.expr(scope, &it.body), self.expr(scope, &it.test));
                format!("({body} if {test} else {})", self.expr(scope, &it.orelse))
            }
            Expr::Named(it) => self.expr(scope, &it.value),
            Expr::Starred(it) => format!("*{}", self.expr(scope, &it.value)),
            Expr::Slice(it) => {
                let parts = [&it.lower, &it.upper, &it.step].map(|part| {
                    let part = part.as_deref();
                    part.map_or(String::new(), |part| self.expr(scope, part))
                });
                parts.join(":")
            }
            Expr::Yield(_) | Expr::YieldFrom(_) => "yield".to_owned(),
            Expr::Lambda(it) => format!("lambda: {}", self.expr(scope, &it.body)),
            Expr::TString(_) | Expr::IpyEscapeCommand(_) => "?".to_owned(),
            _ => self.display(scope, expr),
        }
    }

    /// Literals, and what holds elements.
    fn display(&mut self, scope: &Rc<Scope<'p>>, expr: &'p Expr) -> String {
        match expr {
            Expr::Tuple(it) => format!("({})", self.all(scope, &it.elts)),
            Expr::List(it) => format!("[{}]", self.all(scope, &it.elts)),
            Expr::Set(it) => format!("{{{}}}", self.all(scope, &it.elts)),
            Expr::Dict(it) => {
                let items = it.items.iter().map(|item| {
                    let key = item.key.as_ref();
                    let key = key.map_or("**".to_owned(), |key| self.expr(scope, key));
                    format!("{key}: {}", self.expr(scope, &item.value))
                });
                let items: Vec<String> = items.collect();
                format!("{{{}}}", items.join(", "))
            }
            Expr::ListComp(it) => self.comprehension(scope, &[&it.elt], &it.generators),
            Expr::SetComp(it) => self.comprehension(scope, &[&it.elt], &it.generators),
            Expr::Generator(it) => self.comprehension(scope, &[&it.elt], &it.generators),
            Expr::DictComp(it) => {
                let mut elements: Vec<&'p Expr> = it.key.as_deref().into_iter().collect();
                elements.push(&it.value);
                self.comprehension(scope, &elements, &it.generators)
            }
            Expr::FString(it) => self.fstring(scope, it),
            Expr::StringLiteral(it) => text_literal(it.value.to_str()),
            Expr::BytesLiteral(it) => {
                let bytes: Vec<u8> = it.value.bytes().collect();
                format!("bytes {}", digest(&bytes))
            }
            Expr::NumberLiteral(it) => match &it.value {
                ast::Number::Int(int) => int.to_string(),
                ast::Number::Float(float) => float.to_string(),
                ast::Number::Complex { real, imag } => format!("{real}+{imag}j"),
            },
            Expr::BooleanLiteral(it) => if it.value { "True" } else { "False" }.to_owned(),
            Expr::NoneLiteral(_) => "None".to_owned(),
            _ => "...".to_owned(),
        }
    }

    fn comprehension(
        &mut self,
        scope: &Rc<Scope<'p>>,
        elements: &[&'p Expr],
        generators: &'p [ast::Comprehension],
    ) -> String {
        let mut text = format!("[{}", self.all(scope, elements.iter().copied()));
        for generator in generators {
            let iter = self.expr(scope, &generator.iter);
            let _ = write!(text, " for each {iter}");
            for test in &generator.ifs {
                let test = self.expr(scope, test);
                let _ = write!(text, " if {test}");
            }
        }
        text + "]"
    }

    fn fstring(&mut self, scope: &Rc<Scope<'p>>, it: &'p ast::ExprFString) -> String {
        let mut text = String::from("f'");
        for part in it.value.as_slice() {
            match part {
                ast::FStringPart::Literal(it) => text.push_str(it.as_str()),
                ast::FStringPart::FString(it) => {
                    for element in &it.elements {
                        match element {
                            ast::InterpolatedStringElement::Literal(it) => {
                                text.push_str(&it.value);
                            }
                            ast::InterpolatedStringElement::Interpolation(it) => {
                                let value = self.expr(scope, &it.expression);
                                let _ = write!(text, "{{{value}}}");
                            }
                        }
                    }
                }
            }
        }
        text + "'"
    }

    fn call(&mut self, scope: &Rc<Scope<'p>>, call: &'p ast::ExprCall) -> String {
        if let Some(command) = self.builder.command_called(scope, call) {
            return format!("result of {command}");
        }
        let arguments = call.arguments.args.iter();
        let keywords = call.arguments.keywords.iter();
        let callees = self.builder.callees(scope, span_of(call));
        if let [callee] = callees[..]
            && self.builder.may_enter()
        {
            let inner = self.builder.enter(scope, callee, call);
            if let Some(inner) = &inner
                && let Some(value) = only_value(inner.function.node)
            {
                return self.builder.describe(inner, value);
            }
            if let Some(inner) = inner {
                let name = inner.function.qualname.rsplit('.').next().unwrap_or("");
                let args = self.all(scope, arguments);
                return format!("{name}#{}({args})", fingerprint(inner.function));
            }
        }
        let name = match self.builder.external_called(scope, call) {
            Some(name) => name,
            None => self.expr(scope, &call.func),
        };
        let mut args: Vec<String> = arguments.map(|it| self.expr(scope, it)).collect();
        args.extend(keywords.map(|it| {
            let value = self.expr(scope, &it.value);
            it.arg
                .as_ref()
                .map_or(format!("**{value}"), |name| format!("{name}={value}"))
        }));
        format!("{name}({})", args.join(", "))
    }

    fn name(&mut self, scope: &Rc<Scope<'p>>, name: &'p str) -> String {
        if let Some(given) = scope.given.get(name) {
            return given.text.clone();
        }
        let key = (Rc::as_ptr(scope) as usize, name);
        if let Some(definitions) = scope.definitions.get(name) {
            if self.following.contains(&key) {
                return "_".to_owned();
            }
            if self.following.len() >= MAX_DEPTH {
                return "…".to_owned();
            }
            self.following.push(key);
            let mut texts: Vec<String> = Vec::new();
            for definition in definitions {
                let text = self.definition(scope, *definition);
                if !texts.contains(&text) {
                    texts.push(text);
                }
            }
            self.following.pop();
            return match &texts[..] {
                [one] => one.clone(),
                _ => format!("({})", texts.join(" or ")),
            };
        }
        if let Some(outer) = &scope.outer {
            return self.name(&outer.clone(), name);
        }
        self.builder.constant(scope, name)
    }

    fn definition(&mut self, scope: &Rc<Scope<'p>>, definition: Definition<'p>) -> String {
        match definition {
            Definition::Value(it) => self.expr(scope, it),
            Definition::Item(it) => format!("item of {}", self.expr(scope, it)),
            Definition::Part(it, ix) => format!("part {ix} of {}", self.expr(scope, it)),
            Definition::Entered(it) => format!("entered {}", self.expr(scope, it)),
            Definition::Added(it) => format!("_ changed by {}", self.expr(scope, it)),
            Definition::Caught => "what was caught".to_owned(),
            Definition::Rest => "the rest".to_owned(),
        }
    }
}

/// The value of a function that does nothing but return it.
pub(super) fn only_value(node: FunctionNode<'_>) -> Option<&Expr> {
    match node {
        FunctionNode::Lambda(lambda) => Some(&lambda.body),
        FunctionNode::Def(def) => match without_docstring(&def.body) {
            [Stmt::Return(it)] => it.value.as_deref(),
            _ => None,
        },
        FunctionNode::Module(_) => None,
    }
}

fn without_docstring(body: &[Stmt]) -> &[Stmt] {
    match body {
        [Stmt::Expr(it), rest @ ..] if it.value.is_string_literal_expr() => rest,
        all => all,
    }
}

/// A digest of the code of a function that neither its layout nor the names of its locals change.
pub(super) fn fingerprint(function: &Function<'_>) -> String {
    struct Fingerprint<'s, 'a> {
        function: &'s Function<'s>,
        locals: Vec<&'a str>,
        bytes: Vec<u8>,
    }
    impl<'a> SourceOrderVisitor<'a> for Fingerprint<'_, 'a> {
        fn enter_node(&mut self, node: ast::AnyNodeRef<'a>) -> TraversalSignal {
            let _ = std::fmt::Write::write_fmt(
                &mut Text(&mut self.bytes),
                format_args!("{:?};", node.kind()),
            );
            let name = match node {
                ast::AnyNodeRef::ExprName(it) => it.id.as_str(),
                ast::AnyNodeRef::Parameter(it) => it.name.as_str(),
                ast::AnyNodeRef::ExprAttribute(it) => it.attr.as_str(),
                ast::AnyNodeRef::StringLiteral(it) => &it.value,
                ast::AnyNodeRef::InterpolatedStringLiteralElement(it) => &it.value,
                ast::AnyNodeRef::ExprNumberLiteral(it) => {
                    let _ = std::fmt::Write::write_fmt(
                        &mut Text(&mut self.bytes),
                        format_args!("{:?}", it.value),
                    );
                    return TraversalSignal::Traverse;
                }
                ast::AnyNodeRef::ExprBooleanLiteral(it) if it.value => "True",
                ast::AnyNodeRef::ExprBinOp(it) => it.op.as_str(),
                ast::AnyNodeRef::StmtAugAssign(it) => it.op.as_str(),
                ast::AnyNodeRef::ExprUnaryOp(it) => it.op.as_str(),
                ast::AnyNodeRef::ExprBoolOp(it) => it.op.as_str(),
                ast::AnyNodeRef::ExprCompare(it) => {
                    self.bytes
                        .extend(it.ops.iter().flat_map(|op| op.as_str().bytes()));
                    return TraversalSignal::Traverse;
                }
                ast::AnyNodeRef::Keyword(it) => it.arg.as_ref().map_or("**", |it| it.as_str()),
                _ => return TraversalSignal::Traverse,
            };
            let is_local = matches!(
                node,
                ast::AnyNodeRef::ExprName(_) | ast::AnyNodeRef::Parameter(_)
            ) && self.function.locals.contains(name);
            if is_local {
                let known = self.locals.iter().position(|it| *it == name);
                let ix = known.unwrap_or_else(|| {
                    self.locals.push(name);
                    self.locals.len() - 1
                });
                self.bytes.extend(ix.to_string().bytes());
            } else {
                self.bytes.extend(name.bytes());
            }
            TraversalSignal::Traverse
        }
    }
    struct Text<'b>(&'b mut Vec<u8>);
    impl std::fmt::Write for Text<'_> {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            self.0.extend(text.bytes());
            Ok(())
        }
    }
    let mut print = Fingerprint {
        function,
        locals: Vec::new(),
        bytes: Vec::new(),
    };
    if let FunctionNode::Def(def) = function.node {
        for parameter in def.parameters.iter() {
            print.enter_node(ast::AnyNodeRef::Parameter(parameter.as_parameter()));
        }
        for statement in without_docstring(&def.body) {
            print.visit_stmt(statement);
        }
    }
    digest(&print.bytes)
}

/// Whether an object is a constant whose text is its value.
pub(super) fn constant_text(builder: &Builder<'_, '_>, obj: Obj) -> Option<String> {
    match obj {
        Obj::Str(text) => Some(text_literal(builder.machine.str(text))),
        Obj::Int(int) => Some(int.to_string()),
        Obj::Bool(it) => Some(if it { "True" } else { "False" }.to_owned()),
        _ => None,
    }
}
