//! What decides whether an exception is raised: conditions that nothing meets, and those that a caller
//! has settled before.

use std::collections::BTreeSet;

use lint_core::diagnostic::Span;
use lint_core::facts::FunctionRef;
use lint_core::index::FunctionNode;
use lint_core::names::Resolved;
use lint_core::syntax::ast::comparable::ComparableExpr;
use lint_core::syntax::ast::{self, CmpOp, Expr, Pattern, Stmt, UnaryOp};
use lint_core::syntax::span_of;

use super::ends::falls_through;
use super::exceptions::Raise;
use super::waited::is_waited_for;
use crate::calls::ENUMS;
use crate::model::Model;
use crate::program::{Node, Program, nodes_of, nodes_of_expr, own_nodes};
use crate::sites::number;

/// What has to be so, or not to be so, for control to come to a place.
#[derive(Default)]
struct Deciding<'p> {
    met: Vec<&'p Expr>,
    unmet: Vec<&'p Expr>,
    /// The values that cases of a `match` take before.
    taken: Vec<&'p Expr>,
    /// Whether it is what a `match` does in all other cases.
    is_rest: bool,
    /// The loops before.
    loops: Vec<&'p ast::StmtFor>,
}

impl<'p> Deciding<'p> {
    fn of(program: Program<'_, 'p>, raise: Raise<'_>) -> Self {
        let mut deciding = Self::default();
        if let Some(def) = program.def(raise.function) {
            deciding.walk(&def.body, raise.span);
        }
        deciding
    }

    fn walk(&mut self, body: &'p [Stmt], at: Span) {
        let Some(ix) = body.iter().position(|it| span_of(it).contains(at)) else {
            return;
        };
        for before in &body[..ix] {
            match before {
                Stmt::If(it) if is_left(&it.body) => self.unmet.push(&it.test),
                Stmt::For(it) => self.loops.push(it),
                _ => {}
            }
        }
        self.enter(&body[ix], at);
    }

    fn enter(&mut self, statement: &'p Stmt, at: Span) {
        match statement {
            Stmt::If(it) => {
                let mut clauses = vec![(Some(&*it.test), &it.body[..])];
                let others = it.elif_else_clauses.iter();
                clauses.extend(others.map(|it| (it.test.as_ref(), &it.body[..])));
                for (test, body) in clauses {
                    let is_here = body.iter().any(|it| span_of(it).contains(at));
                    match is_here {
                        true => self.met.extend(test),
                        false => self.unmet.extend(test),
                    }
                    if is_here {
                        return self.walk(body, at);
                    }
                }
            }
            Stmt::Match(it) => {
                for case in &it.cases {
                    let is_rest =
                        matches!(&case.pattern, Pattern::MatchAs(it) if it.pattern.is_none());
                    if case.body.iter().any(|it| span_of(it).contains(at)) {
                        self.is_rest |= is_rest;
                        if !is_rest {
                            self.taken.clear();
                        }
                        return self.walk(&case.body, at);
                    }
                    if case.guard.is_none() {
                        self.take(&case.pattern);
                    }
                }
            }
            Stmt::For(it) => self.walk(&it.body, at),
            Stmt::While(it) => self.walk(&it.body, at),
            Stmt::With(it) => self.walk(&it.body, at),
            Stmt::Try(it) => {
                self.walk(&it.body, at);
                for ast::ExceptHandler::ExceptHandler(handler) in &it.handlers {
                    self.walk(&handler.body, at);
                }
                self.walk(&it.orelse, at);
                self.walk(&it.finalbody, at);
            }
            _ => {}
        }
    }

    fn take(&mut self, pattern: &'p Pattern) {
        match pattern {
            Pattern::MatchValue(it) => self.taken.push(&it.value),
            Pattern::MatchOr(it) => it.patterns.iter().for_each(|it| self.take(it)),
            _ => {}
        }
    }

    /// The values that something was compared with before, without success.
    fn excluded(&self) -> Vec<&'p Expr> {
        let mut values = self.taken.clone();
        let compared = self.unmet.iter().filter_map(|it| it.as_compare_expr());
        values.extend(compared.flat_map(equal_to));
        values
    }
}

/// The values to one of which the left side is equal if the comparison holds.
fn equal_to(it: &ast::ExprCompare) -> Vec<&Expr> {
    match (&it.ops[..], &it.comparators[..]) {
        ([CmpOp::Eq | CmpOp::Is], [value]) => vec![value],
        ([CmpOp::In], [Expr::Tuple(it)]) => it.elts.iter().collect(),
        ([CmpOp::In], [Expr::List(it)]) => it.elts.iter().collect(),
        ([CmpOp::In], [Expr::Set(it)]) => it.elts.iter().collect(),
        _ => Vec::new(),
    }
}

fn is_left(body: &[Stmt]) -> bool {
    matches!(
        body.last(),
        Some(Stmt::Return(_) | Stmt::Raise(_) | Stmt::Continue(_) | Stmt::Break(_))
    )
}

/// Whether control cannot come to a `raise`, as far as its function and the members of enums tell.
pub(super) fn is_never_reached(
    model: &Model<'_>,
    program: Program<'_, '_>,
    raise: Raise<'_>,
) -> bool {
    let deciding = Deciding::of(program, raise);
    let is_left_by = |it: &&ast::StmtFor| is_always_left(program, raise.function, it);
    deciding.loops.iter().any(is_left_by)
        || is_beyond_members(model, raise.function, &deciding.excluded())
        || deciding.met.iter().any(|it| {
            let at = (raise.function, span_of(*it));
            asks_whether_awaited(program, raise.function, it)
                || is_waited_for(model, program, (raise.function, it), at, &BTreeSet::new())
        })
}

/// Whether a loop has a first round, and no round comes to its end.
fn is_always_left(program: Program<'_, '_>, function: FunctionRef, it: &ast::StmtFor) -> bool {
    let has_round = match &*it.iter {
        Expr::Call(call) if program.calls(function.file, call, &["range"]) => {
            matches!(&call.arguments.args[..], [count] if number(count).is_some_and(|it| it >= 1.0))
        }
        Expr::List(it) => !it.elts.is_empty(),
        Expr::Tuple(it) => !it.elts.is_empty(),
        _ => false,
    };
    let goes_on = |node: &Node<'_>| matches!(node, Node::Stmt(Stmt::Break(_) | Stmt::Continue(_)));
    has_round
        && !nodes_of(&it.body).iter().any(goes_on)
        && !falls_through(program, function, &it.body)
}

/// Whether the values are all members of an enum of the project.
fn is_beyond_members(model: &Model<'_>, function: FunctionRef, values: &[&Expr]) -> bool {
    let FunctionRef { file, ix } = function;
    let names = model.names_in(file);
    let members = values.iter().filter_map(|it| it.as_attribute_expr());
    let members: Vec<&ast::ExprAttribute> = members.collect();
    let owners = members.iter().filter_map(|it| {
        let resolved = it
            .value
            .is_name_expr()
            .then(|| names.resolve(file, ix, &it.value))?;
        match resolved? {
            Resolved::Class { file, ix } => Some((file, ix)),
            _ => None,
        }
    });
    let owners: BTreeSet<_> = owners.collect();
    let Some((file, ix)) = owners.first().copied().filter(|_| owners.len() == 1) else {
        return false;
    };
    let Some(class) = model.index(file).map(|it| it.class(ix)) else {
        return false;
    };
    let is_enum = |base: &Expr| {
        let resolved = model.names_in(file).resolve(file, class.parent, base);
        resolved.is_some_and(|it| it.external().is_some_and(|it| ENUMS.contains(&it)))
    };
    let bases = class.node.arguments.as_deref();
    let compared: BTreeSet<&str> = members.iter().map(|it| it.attr.as_str()).collect();
    let mut own = class.node.body.iter().filter_map(|it| match it {
        Stmt::Assign(it) => it.targets.first()?.as_name_expr(),
        _ => None,
    });
    bases.is_some_and(|it| it.args.iter().any(is_enum))
        && own.all(|it| compared.contains(it.id.as_str()))
}

/// `not handle.done()` behind `await handle`
fn asks_whether_awaited(program: Program<'_, '_>, function: FunctionRef, test: &Expr) -> bool {
    let asked = match test {
        Expr::UnaryOp(it) if it.op == UnaryOp::Not => it.operand.as_call_expr(),
        _ => None,
    };
    let handle = asked.and_then(|it| it.func.as_attribute_expr());
    let handle = handle.filter(|it| it.attr.as_str() == "done");
    let Some(handle) = handle.and_then(|it| it.value.as_name_expr()) else {
        return false;
    };
    own_nodes(program.function(function)).any(|node| match node {
        Node::Expr(Expr::Await(it)) => {
            let is_it = matches!(&*it.value, Expr::Name(it) if it.id == handle.id);
            is_it && span_of(it).end <= span_of(test).start
        }
        _ => false,
    })
}

/// Whether a function outside the class checks something with an exception of Python: that something
/// is set, or that no case of a `match` and no key of a table is left. Farther away nobody knows what
/// a check needs.
pub(super) fn is_check(program: Program<'_, '_>, raise: Raise<'_>, distance: usize) -> bool {
    let deciding = Deciding::of(program, raise);
    let waits = |test: &Expr| {
        let mut nodes = nodes_of_expr(test).into_iter();
        nodes.any(|node| matches!(node, Node::Expr(Expr::Await(_))))
    };
    let is_far = || {
        let mut tests = deciding.met.iter().chain(&deciding.unmet);
        distance > 1 && tests.any(|it| !waits(it))
    };
    is_builtin(raise)
        && (deciding.is_rest
            || deciding.met.iter().any(|it| asks_for_none(it))
            || is_missing_key(program, raise)
            || is_far())
}

fn is_builtin(raise: Raise<'_>) -> bool {
    !raise.class[0].contains('.')
}

/// `self.session is None`, `not self.session`, `not self.sessions.get(key)`, `key not in self.sessions`
fn asks_for_none(test: &Expr) -> bool {
    let is_looked_up = |it: &Expr| {
        let method = it.as_call_expr().and_then(|it| it.func.as_attribute_expr());
        method.is_some_and(|it| it.attr.as_str() == "get" && it.value.is_attribute_expr())
    };
    let is_kept = |it: &Expr| it.is_attribute_expr() || is_looked_up(it);
    match test {
        Expr::UnaryOp(it) => it.op == UnaryOp::Not && is_kept(&it.operand),
        Expr::Compare(it) if matches!(it.ops[..], [CmpOp::NotIn]) => {
            matches!(it.comparators[..], [Expr::Attribute(_)])
        }
        other => none_asked(other).is_some_and(is_kept),
    }
}

/// `count < 0`
fn is_below_zero(test: &Expr) -> bool {
    test.as_compare_expr().is_some_and(|it| {
        let is_zero = matches!(&it.comparators[..], [zero] if number(zero) == Some(0.0));
        is_zero && matches!(it.ops[..], [CmpOp::Lt])
    })
}

/// What a test asks whether it is `None`.
fn none_asked(test: &Expr) -> Option<&Expr> {
    match test {
        Expr::Compare(it) => {
            let is_none = matches!(it.comparators[..], [Expr::NoneLiteral(_)]);
            (is_none && matches!(it.ops[..], [CmpOp::Is])).then_some(&*it.left)
        }
        _ => None,
    }
}

/// Whether it is raised for a key that a table of the module lacks, whose keys are written out.
fn is_missing_key(program: Program<'_, '_>, raise: Raise<'_>) -> bool {
    let Some(module) = program.facts.project.module(raise.function.file) else {
        return false;
    };
    let is_table = |name: &ast::ExprName| {
        module.tree().body.iter().any(|it| match it {
            Stmt::Assign(it) => {
                let is_it = |it: &Expr| matches!(it, Expr::Name(it) if it.id == name.id);
                it.targets.iter().any(is_it) && it.value.is_dict_expr()
            }
            Stmt::AnnAssign(it) => {
                let is_it = matches!(&*it.target, Expr::Name(it) if it.id == name.id);
                is_it && it.value.as_deref().is_some_and(Expr::is_dict_expr)
            }
            _ => false,
        })
    };
    let looks_up = |node: &Node<'_>| match node {
        Node::Expr(Expr::Subscript(it)) => it.value.as_name_expr().is_some_and(is_table),
        _ => false,
    };
    own_nodes(program.function(raise.function)).any(|node| {
        let Node::Stmt(Stmt::Try(it)) = node else {
            return false;
        };
        let mut handlers = it.handlers.iter();
        let is_handled = handlers.any(|it| span_of(it).contains(raise.span));
        is_handled && nodes_of(&it.body).iter().any(looks_up)
    })
}

/// The calls of the function that settle whether it raises: what decides about it is given as a
/// literal, as a length, or as what the caller has compared itself. For a method of the workflow, whose
/// callers stand beside it, only a literal that the raise stands behind settles it, and a wait before.
pub(super) fn settled_calls(
    model: &Model<'_>,
    program: Program<'_, '_>,
    raise: Raise<'_>,
    functions: &BTreeSet<FunctionRef>,
    is_own: bool,
) -> BTreeSet<(FunctionRef, Span)> {
    let mut settled = BTreeSet::new();
    let deciding = Deciding::of(program, raise);
    // What a test decides that is not met is known only of comparisons.
    let compared = deciding.unmet.iter().filter(|it| it.is_compare_expr());
    let tests: Vec<&Expr> = deciding.met.iter().chain(compared).copied().collect();
    for &caller in functions {
        for (call, callee) in program.own_calls(caller) {
            let site = Site {
                model,
                program,
                caller,
                call,
                callee,
                is_builtin: is_builtin(raise),
            };
            let at = (caller, span_of(call));
            let is_settled = callee == raise.function
                && (match is_own {
                    true => deciding.unmet.iter().any(|it| site.meets(it)),
                    false => tests.iter().any(|it| site.settles(it)),
                } || deciding
                    .met
                    .iter()
                    .any(|it| is_waited_for(model, program, (callee, it), at, functions)));
            if is_settled {
                settled.insert((caller, span_of(call)));
            }
        }
    }
    settled
}

/// A call of a function of the project.
#[derive(Clone, Copy)]
struct Site<'m, 'f, 'p> {
    model: &'m Model<'p>,
    program: Program<'f, 'p>,
    caller: FunctionRef,
    call: &'p ast::ExprCall,
    callee: FunctionRef,
    /// Whether the exception is one of Python, which says that a check failed.
    is_builtin: bool,
}

impl<'p> Site<'_, '_, 'p> {
    /// Whether the literal that is given for a parameter is what the callee compares it with.
    fn meets(self, test: &Expr) -> bool {
        let Expr::Compare(compared) = test else {
            return false;
        };
        let given = compared.left.as_name_expr();
        let given = given.and_then(|it| self.given(it.id.as_str())).flatten();
        let Some(given) = given.filter(|it| it.is_literal_expr()) else {
            return false;
        };
        let given = ComparableExpr::from(given);
        let mut values = equal_to(compared).into_iter();
        values.any(|it| ComparableExpr::from(it) == given)
    }

    /// Whether a test of the callee looks only at parameters, and what is given for them is settled.
    fn settles(self, test: &Expr) -> bool {
        let nodes = nodes_of_expr(test);
        let computes = nodes.iter().any(|node| match node {
            Node::Expr(Expr::Call(call)) => !matches!(&*call.func, Expr::Name(name)
                if matches!(name.id.as_str(), "callable" | "isinstance" | "issubclass" | "len")),
            _ => false,
        });
        let arguments = &self.call.arguments;
        let is_open = arguments.args.iter().any(Expr::is_starred_expr)
            || arguments.keywords.iter().any(|it| it.arg.is_none());
        let names = nodes.iter().filter_map(|node| match node {
            Node::Expr(Expr::Name(name)) => Some(name.id.as_str()),
            _ => None,
        });
        let asked: Vec<Option<&Expr>> = names.filter_map(|it| self.given(it)).collect();
        !computes
            && !is_open
            && !asked.is_empty()
            && asked
                .iter()
                .all(|it| it.is_none_or(|it| self.is_settled(it, test)))
    }

    /// The argument for a parameter, if it is one of the callee.
    fn given(self, name: &str) -> Option<Option<&'p Expr>> {
        let parameters = &self.program.def(self.callee)?.parameters;
        let function = self.program.function(self.callee)?;
        let skipped = usize::from(function.class.is_some());
        let positional = parameters.posonlyargs.iter().chain(&parameters.args);
        let position = positional
            .skip(skipped)
            .position(|it| it.name().as_str() == name);
        let mut all = parameters.iter_non_variadic_params();
        all.find(|it| it.name().as_str() == name)?;
        let arguments = &self.call.arguments;
        let by_name = arguments.find_keyword(name).map(|it| &it.value);
        let given = position.and_then(|it| arguments.args.get(it)).or(by_name);
        Some(given.map(|it| self.without_cast(it)))
    }

    fn calls(self, call: &ast::ExprCall, names: &[&str]) -> bool {
        self.program.calls(self.caller.file, call, names)
    }

    fn is_cast(self, call: &ast::ExprCall) -> bool {
        let FunctionRef { file, ix } = self.caller;
        let callee = self.model.names_in(file).resolve(file, ix, &call.func);
        callee.is_some_and(|it| it.external() == Some("typing.cast"))
    }

    /// `mode` of `cast(Mode, mode)`
    fn without_cast(self, argument: &'p Expr) -> &'p Expr {
        match argument {
            Expr::Call(call) if self.is_cast(call) => {
                let value = call.arguments.find_argument_value("val", 1);
                value.unwrap_or(argument)
            }
            _ => argument,
        }
    }

    fn is_settled(self, argument: &Expr, test: &Expr) -> bool {
        argument.is_literal_expr()
            || self.is_measured(argument, test)
            || match argument {
                Expr::Name(name) => {
                    self.is_compared_before(name, test)
                        || none_asked(test).is_some() && self.is_never_none(name)
                }
                _ => false,
            }
    }

    /// `len(items)`, `max(rest, 0)`, or a local that is nothing else. For an exception of the project
    /// that settles only whether it is negative.
    fn is_measured(self, argument: &Expr, test: &Expr) -> bool {
        let is_never_negative = |call: &ast::ExprCall| {
            let mut given = call.arguments.args.iter();
            self.calls(call, &["abs", "len"])
                || self.calls(call, &["max"]) && given.any(|it| number(it) == Some(0.0))
        };
        let is_measure = |it: &Expr| match it {
            Expr::Call(call) if self.is_builtin => self.calls(call, &["abs", "len", "max", "min"]),
            Expr::Call(call) => is_below_zero(test) && is_never_negative(call),
            _ => false,
        };
        let Expr::Name(name) = argument else {
            return is_measure(argument);
        };
        let mut values =
            own_nodes(self.program.function(self.caller)).filter_map(|node| match node {
                Node::Stmt(Stmt::Assign(it)) => {
                    let is_it = |it: &Expr| matches!(it, Expr::Name(it) if it.id == name.id);
                    it.targets.iter().any(is_it).then_some(&*it.value)
                }
                _ => None,
            });
        let first = values.next();
        first.is_some_and(is_measure) && values.all(is_measure)
    }

    /// Whether the caller goes on to the call only after it has compared the argument, as the test of
    /// the callee does.
    fn is_compared_before(self, argument: &ast::ExprName, test: &Expr) -> bool {
        let left = |it: &Expr| match it {
            Expr::Compare(it) => it.left.as_name_expr().map(|it| it.id.clone()),
            _ => None,
        };
        let here = Raise {
            function: self.caller,
            span: span_of(self.call),
            class: &[],
        };
        let deciding = Deciding::of(self.program, here);
        let mut tests = deciding.met.iter().chain(&deciding.unmet);
        left(test).is_some() && tests.any(|it| left(it).as_ref() == Some(&argument.id))
    }

    /// Whether the caller has it as a parameter whose annotation leaves no room for `None`.
    fn is_never_none(self, name: &ast::ExprName) -> bool {
        let Some(FunctionNode::Def(def)) = self.program.function(self.caller).map(|it| it.node)
        else {
            return false;
        };
        let mut parameters = def.parameters.iter_non_variadic_params();
        let parameter = parameters.find(|it| it.name().id == name.id);
        let annotation = parameter.and_then(|it| it.annotation());
        matches!(annotation, Some(Expr::Name(it)) if !matches!(it.id.as_str(), "Any" | "object"))
    }
}
