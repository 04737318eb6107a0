//! The canonical text of an expression: what it is computed from, whatever its locals are called
//! and however it is laid out. Two conditions with the same text are the same condition.

use std::fmt::Write as _;
use std::rc::Rc;

use crate::index::FunctionNode;
use crate::interp::Obj;
use crate::place::Span;
use crate::syntax::ast::{self, Expr, Stmt};
use crate::syntax::span_of;

use super::builder::{Builder, MAX_DEPTH, Scope};
use super::definitions::{Definition, What, When};
use super::digest::{digest, without_docstring};
use super::normal::needles;
use super::structure::literal;

/// Longer texts are cut, and told apart by a digest.
const MAX_TEXT: usize = 160;

/// One text in the making.
pub(super) struct Writer<'b, 'm, 'p> {
    pub(super) builder: &'b mut Builder<'m, 'p>,
    /// The locals whose definitions are being followed, by the code that has them.
    following: Vec<(usize, &'p str)>,
    /// The outermost of them that was come back to.
    cut: usize,
    /// Whether it matters which object is meant, and not what was done to it.
    is_of_object: bool,
}

/// A definition, with what is not known of whether it comes to it.
type Assumed<'d, 'p> = (&'d Definition<'p>, Vec<When<'p>>);

impl<'p> Builder<'_, 'p> {
    /// What an expression comes to.
    pub(super) fn describe(&mut self, scope: &Rc<Scope<'p>>, expr: &'p Expr) -> String {
        self.written(|writer| writer.expr(scope, expr))
    }

    /// Which object an expression stands for.
    pub(super) fn describe_object(&mut self, scope: &Rc<Scope<'p>>, expr: &'p Expr) -> String {
        self.written(|writer| {
            writer.is_of_object = true;
            writer.expr(scope, expr)
        })
    }

    pub(super) fn written(
        &mut self,
        write: impl FnOnce(&mut Writer<'_, '_, 'p>) -> String,
    ) -> String {
        self.describing += 1;
        let mut writer = Writer {
            builder: self,
            following: Vec::new(),
            cut: usize::MAX,
            is_of_object: false,
        };
        let text = shortened(write(&mut writer));
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

/// A long text, cut, with a digest of all and with the state in the rest that it depends on.
fn shortened(text: String) -> String {
    if text.len() <= MAX_TEXT {
        return text;
    }
    let end = (0..=MAX_TEXT / 2)
        .rev()
        .find(|&at| text.is_char_boundary(at));
    let (head, tail) = text.split_at(end.unwrap_or(0));
    let mut cut = format!("{head} ~{}", digest(text.as_bytes()));
    for needle in needles(tail) {
        let _ = write!(cut, " {needle}");
    }
    cut
}

/// A text as people mostly write it.
fn text_literal(text: &str) -> String {
    format!("'{}'", escaped(text))
}

fn escaped(text: &str) -> String {
    text.escape_debug().to_string().replace("\\\"", "\"")
}

impl<'p> Writer<'_, '_, 'p> {
    fn all(&mut self, scope: &Rc<Scope<'p>>, exprs: impl IntoIterator<Item = &'p Expr>) -> String {
        let texts: Vec<String> = exprs.into_iter().map(|it| self.expr(scope, it)).collect();
        texts.join(", ")
    }

    pub(super) fn expr(&mut self, scope: &Rc<Scope<'p>>, expr: &'p Expr) -> String {
        if self.builder.is_tired() {
            self.cut = 0;
            return "…".to_owned();
        }
        let text = self.plain(scope, expr);
        if matches!(expr, Expr::Call(_) | Expr::Attribute(_) | Expr::Await(_)) {
            return text;
        }
        // An operator or an iterator of the project.
        match self.builder.digest_of_calls(scope, expr) {
            Some(digest) => format!("{text}#{digest}"),
            None => text,
        }
    }

    fn plain(&mut self, scope: &Rc<Scope<'p>>, expr: &'p Expr) -> String {
        match expr {
            Expr::Name(it) => self.name(scope, it.id.as_str(), span_of(it)),
            Expr::Await(it) => self.expr(scope, &it.value),
            Expr::Call(it) => self.call(scope, it),
            Expr::Attribute(it) => self.attribute(scope, expr, it),
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
                match (literal(&left), literal(&right)) {
                    (Some(left), Some(right)) if it.op == ast::Operator::Add => {
                        format!("'{left}{right}'")
                    }
                    _ => format!("({left} {} {right})", it.op),
                }
            }
            Expr::UnaryOp(it) => format!("{}({})", it.op, self.expr(scope, &it.operand)),
            Expr::Compare(it) => self.comparison(scope, it),
            Expr::If(it) if self.builder.assumed(scope, &it.test) == Some(true) => {
                self.expr(scope, &it.body)
            }
            Expr::If(it) if self.builder.assumed(scope, &it.test) == Some(false) => {
                self.expr(scope, &it.orelse)
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

    /// What is more than another is written as what is less.
    fn comparison(&mut self, scope: &Rc<Scope<'p>>, it: &'p ast::ExprCompare) -> String {
        let turned = match it.ops[..] {
            [ast::CmpOp::Gt] => Some("<"),
            [ast::CmpOp::GtE] => Some("<="),
            _ => None,
        };
        if let Some(op) = turned {
            let left = self.expr(scope, &it.comparators[0]);
            return format!("{left} {op} {}", self.expr(scope, &it.left));
        }
        let mut text = self.expr(scope, &it.left);
        for (op, operand) in it.ops.iter().zip(&it.comparators) {
            let operand = self.expr(scope, operand);
            let _ = write!(text, " {op} {operand}");
        }
        text
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

    /// The parts of a formatted string; what is known of it is not told from what is written out.
    fn fstring(&mut self, scope: &Rc<Scope<'p>>, it: &'p ast::ExprFString) -> String {
        let mut text = String::new();
        let mut is_known = true;
        for part in it.value.as_slice() {
            let elements = match part {
                ast::FStringPart::Literal(it) => {
                    text += &escaped(it.as_str());
                    continue;
                }
                ast::FStringPart::FString(it) => &it.elements,
            };
            for element in elements {
                match element {
                    ast::InterpolatedStringElement::Literal(it) => text += &escaped(&it.value),
                    ast::InterpolatedStringElement::Interpolation(it) => {
                        let value = self.expr(scope, &it.expression);
                        let is_plain = it.conversion.is_none() && it.format_spec.is_none();
                        match literal(&value).filter(|_| is_plain) {
                            Some(inner) => text += inner,
                            None => {
                                is_known = false;
                                let _ = write!(text, "{{{value}}}");
                            }
                        }
                    }
                }
            }
        }
        match is_known {
            true => format!("'{text}'"),
            false => format!("f'{text}'"),
        }
    }

    fn call(&mut self, scope: &Rc<Scope<'p>>, call: &'p ast::ExprCall) -> String {
        if let Some(command) = self.builder.command_called(scope, call) {
            return format!("result of {command}");
        }
        let callees = self.builder.callees(scope, span_of(call));
        if let [callee] = callees[..]
            && self.builder.may_enter()
            && let Some(inner) = self.builder.enter(scope, callee, call)
            && let Some(text) = self.builder.outcome(&inner)
        {
            return text;
        }
        let name = match (&*call.func, self.builder.external_called(scope, call)) {
            (Expr::Attribute(method), _) if self.builder.resolve(scope, &call.func).is_none() => {
                format!("{}.{}", self.expr(scope, &method.value), method.attr)
            }
            (_, Some(name)) => name,
            (func, None) => self.called(scope, func),
        };
        let arguments = call.arguments.args.iter();
        let mut args: Vec<String> = arguments.map(|it| self.expr(scope, it)).collect();
        args.extend(call.arguments.keywords.iter().map(|it| {
            let value = self.expr(scope, &it.value);
            it.arg
                .as_ref()
                .map_or(format!("**{value}"), |name| format!("{name}={value}"))
        }));
        let digest = match callees.is_empty() {
            true => String::new(),
            false => format!("#{}", self.builder.digest_of_all(&callees)),
        };
        format!("{name}{digest}({})", args.join(", "))
    }

    /// What a local is: all that it may have been given, and what was done to that.
    pub(super) fn name(&mut self, scope: &Rc<Scope<'p>>, name: &'p str, place: Span) -> String {
        let given = scope.given.get(name).map(|it| it.text.clone());
        let definitions = scope.definitions.clone();
        let (mut known, within) = definitions.at(name, place);
        // What is only handed on may be of the module.
        let is_foreign = given.is_none() && !scope.function.locals.contains(name);
        if is_foreign && known.iter().all(|it| it.what.is_change()) {
            known.clear();
        }
        if known.is_empty() {
            return match (given, &scope.outer) {
                (Some(text), _) => text,
                (None, Some(outer)) => self.name(&outer.clone(), name, Span::default()),
                (None, None) => self.foreign(scope, name),
            };
        }
        let is_kept = !self.is_of_object && self.builder.assumed.is_empty();
        if is_kept && let Some(text) = scope.texts.borrow().get(&(name, within)) {
            return text.clone();
        }
        let key = (Rc::as_ptr(scope) as usize, name);
        if let Some(at) = self.following.iter().position(|it| *it == key) {
            self.cut = self.cut.min(at);
            return "_".to_owned();
        }
        if self.following.len() >= MAX_DEPTH {
            self.cut = 0;
            return "…".to_owned();
        }
        let at = self.following.len();
        let cut = std::mem::replace(&mut self.cut, usize::MAX);
        self.following.push(key);
        let given = given.filter(|_| within.is_none());
        let text = self.values(scope, name, given, known);
        self.following.pop();
        // A text that stops at what is being followed is only a part.
        if self.cut < at {
            self.cut = self.cut.min(cut);
        } else {
            self.cut = cut;
            if is_kept {
                scope
                    .texts
                    .borrow_mut()
                    .insert((name, within), text.clone());
            }
        }
        text
    }

    fn values(
        &mut self,
        scope: &Rc<Scope<'p>>,
        name: &'p str,
        given: Option<String>,
        known: Vec<&Definition<'p>>,
    ) -> String {
        let known = self.as_assumed(scope, known);
        let is_made = !known.iter().all(|(it, _)| it.what.is_change());
        let mut texts: Vec<String> = given.into_iter().collect();
        if texts.is_empty() && !is_made {
            texts.push(name.to_owned());
        }
        let counted = known
            .iter()
            .filter(|(it, _)| !self.is_of_object || !it.what.is_change());
        let counted: Vec<&Assumed<'_, 'p>> = counted.collect();
        let is_alone = texts.is_empty() && counted.len() == 1;
        for (definition, when) in counted {
            let Some(mut text) = self.definition(scope, definition.what) else {
                continue;
            };
            if !is_alone {
                text.push_str(&self.when(scope, when));
            }
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        match &texts[..] {
            [one] => one.clone(),
            _ => shortened(format!("({})", texts.join(" or "))),
        }
    }

    /// The definitions that count for the answers that patches are taken to have, each with what
    /// else has to be so. What certainly comes to another value replaces those before.
    fn as_assumed<'d>(
        &mut self,
        scope: &Rc<Scope<'p>>,
        known: Vec<&'d Definition<'p>>,
    ) -> Vec<Assumed<'d, 'p>> {
        let mut counted: Vec<Assumed<'d, 'p>> = Vec::new();
        for definition in known {
            let mut when = Vec::new();
            let mut is_excluded = false;
            for it in &definition.when {
                let answer = match *it {
                    When::Holds(test) => self.builder.assumed(scope, test),
                    When::Fails(test) => self.builder.assumed(scope, test).map(|it| !it),
                    _ => None,
                };
                match answer {
                    Some(is_so) => is_excluded |= !is_so,
                    None => when.push(*it),
                }
            }
            if is_excluded {
                continue;
            }
            if when.is_empty() && !definition.when.is_empty() && !definition.what.is_change() {
                counted.clear();
            }
            counted.push((definition, when));
        }
        counted
    }

    /// `None` for what changes nothing.
    fn definition(&mut self, scope: &Rc<Scope<'p>>, what: What<'p>) -> Option<String> {
        Some(match what {
            What::Value(it) => self.expr(scope, it),
            What::Item(it) => format!("item of {}", self.expr(scope, it)),
            What::Part(it, ix) => format!("part {ix} of {}", self.expr(scope, it)),
            What::Entered(it) => format!("entered {}", self.expr(scope, it)),
            What::Added(it) => format!("_ changed by {}", self.expr(scope, it)),
            What::Stored(target, value) => {
                let value = self.expr(scope, value);
                format!("{} = {value}", self.expr(scope, target))
            }
            What::Called(it) => return self.change(scope, it.as_call_expr()?),
            What::Caught => "what was caught".to_owned(),
            What::Rest => "the rest".to_owned(),
        })
    }

    /// What a method of a container does to it; what objects of the project do is noted where it is.
    fn change(&mut self, scope: &Rc<Scope<'p>>, call: &'p ast::ExprCall) -> Option<String> {
        let callees = self.builder.callees(scope, span_of(call));
        let method = match &*call.func {
            Expr::Attribute(it) if callees.is_empty() => it.attr.as_str(),
            _ if callees.iter().any(|it| self.builder.is_issuing(*it)) => return None,
            Expr::Attribute(_) => return None,
            _ if callees.is_empty() => return None,
            _ => {
                let digest = self.builder.digest_of_all(&callees);
                return Some(format!("_ changed by #{digest}"));
            }
        };
        if !changes_contents(method) {
            return None;
        }
        let keywords = call.arguments.keywords.iter().map(|it| &it.value);
        let args = self.all(scope, call.arguments.args.iter().chain(keywords));
        Some(format!("_ changed by {method}({args})"))
    }

    fn when(&mut self, scope: &Rc<Scope<'p>>, when: &[When<'p>]) -> String {
        let mut text = String::new();
        for it in when {
            text += &match *it {
                When::Holds(test) => match self.expr(scope, test).as_str() {
                    "True" | "1" => String::new(),
                    test => format!(" if {test}"),
                },
                When::Fails(test) => format!(" if not {}", self.expr(scope, test)),
                When::Each(iter) => format!(" for each {}", self.expr(scope, iter)),
                When::Case(subject, case) => {
                    let subject = self.expr(scope, subject);
                    let pattern = self.builder.describe_pattern(scope, &case.pattern);
                    let guard = case.guard.as_ref();
                    let guard = guard.map_or(String::new(), |it| self.expr(scope, it));
                    format!(" if {subject} == {pattern} {guard}")
                }
                When::Caught(caught) => {
                    let caught = caught.map_or(String::new(), |it| self.expr(scope, it));
                    format!(" after {caught}")
                }
            };
        }
        text
    }

    /// What a function comes to: what it returns, and what decides over that.
    fn outcomes(&mut self, scope: &Rc<Scope<'p>>) -> String {
        let known = scope.definitions.clone();
        let mut texts: Vec<String> = Vec::new();
        for outcome in &known.outcomes {
            let value = outcome.value.map(|it| self.expr(scope, it));
            let value = match outcome.is_return {
                true => value.unwrap_or_else(|| "None".to_owned()),
                false => "an exception".to_owned(),
            };
            let text = value + &self.when(scope, &outcome.when);
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        match &texts[..] {
            [] => "None".to_owned(),
            [one] => one.clone(),
            _ => shortened(format!("({})", texts.join(" or "))),
        }
    }
}

impl<'p> Builder<'_, 'p> {
    /// What a function of the project comes to in the course of a call, if that can be told.
    pub(super) fn outcome(&mut self, inner: &Rc<Scope<'p>>) -> Option<String> {
        let function = inner.function;
        let is_told = !function.is_generator
            && function.globals.is_empty()
            && function.nonlocals.is_empty()
            && !function.qualname.ends_with("__init__");
        if !is_told || self.asking.contains(&inner.ctx) || self.describing >= MAX_DEPTH {
            return None;
        }
        self.asking.push(inner.ctx);
        let text = self.written(|writer| match function.node {
            FunctionNode::Lambda(lambda) => writer.expr(inner, &lambda.body),
            _ => writer.outcomes(inner),
        });
        self.asking.pop();
        Some(text)
    }
}

/// Whether a method of a list, a mapping, a set or a queue changes what it holds.
pub(super) fn changes_contents(method: &str) -> bool {
    crate::interp::mutates(method) || matches!(method, "put_nowait" | "get_nowait")
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

/// Whether an object is a constant whose text is its value.
pub(super) fn constant_text(builder: &Builder<'_, '_>, obj: Obj) -> Option<String> {
    match obj {
        Obj::Str(text) => Some(text_literal(builder.machine.str(text))),
        Obj::Int(int) => Some(int.to_string()),
        Obj::Bool(it) => Some(if it { "True" } else { "False" }.to_owned()),
        _ => None,
    }
}
