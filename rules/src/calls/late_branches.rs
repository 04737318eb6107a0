//! Branches behind a wait with a limit for the case that its condition did not come true: then the wait
//! raises, and they are not reached.

use lint_core::diagnostic::{FileId, Span};
use lint_core::facts::{Callee, ClassRef, FunctionRef};
use lint_core::names::Base;
use lint_core::syntax::ast::{self, BoolOp, CmpOp, Expr, Stmt, UnaryOp};
use lint_core::syntax::span_of;

use crate::lifecycle::falls_through;
use crate::model::Model;
use crate::program::{Node, Program, bodies, nodes_of, nodes_of_expr, own_nodes};
use crate::sites::number;
use crate::{sdk, writes};

/// The waits with the places where such branches begin. One that only raises says to type checkers what is known there.
pub(super) fn late_branches<'p>(
    model: &Model<'_>,
    program: Program<'_, 'p>,
    function: FunctionRef,
) -> Vec<(&'p Stmt, Span)> {
    let own = program.def(function).map(|it| &it.body[..]);
    let inner = own_nodes(program.function(function)).flat_map(|node| match node {
        Node::Stmt(it) => bodies(it),
        Node::Expr(_) => Vec::new(),
    });
    let mut found = Vec::new();
    for block in own.into_iter().chain(inner) {
        for (ix, statement) in block.iter().enumerate() {
            if let Some(condition) = awaited(model, program, function, statement) {
                let mut behind = Behind::new(model, program, function, condition);
                behind.follow(&block[ix + 1..], Known::new());
                found.extend(behind.found.into_iter().map(|it| (statement, it)));
            }
        }
    }
    found
}

/// The condition that a statement waits for, no longer than a limit.
fn awaited<'p>(
    model: &Model<'_>,
    program: Program<'_, 'p>,
    function: FunctionRef,
    statement: &'p Stmt,
) -> Option<&'p Expr> {
    const LIMIT: &[&str] = &["asyncio.wait_for"];
    let awaited = statement.as_expr_stmt()?.value.as_await_expr()?;
    let call = awaited.value.as_call_expr()?;
    let wait = match program.calls(function.file, call, LIMIT) {
        true => {
            let wait = call.arguments.args.first()?.as_call_expr()?;
            program
                .calls(function.file, wait, sdk::WAIT_CONDITION)
                .then_some(wait)?
        }
        false => is_limited(program, function, call).then_some(call)?,
    };
    let condition = &*wait.arguments.args.first()?.as_lambda_expr()?.body;
    is_plain(model, program, function, condition).then_some(condition)
}

/// Whether a condition asks for attributes of the workflow itself that are no properties: what is behind others
/// may change with anything.
fn is_plain(
    model: &Model<'_>,
    program: Program<'_, '_>,
    function: FunctionRef,
    condition: &Expr,
) -> bool {
    let FunctionRef { file, ix } = function;
    nodes_of_expr(condition).into_iter().all(|node| match node {
        Node::Expr(Expr::Attribute(it)) => {
            let owners = program.owners(file, it);
            let name = it.attr.as_str();
            let is_of_class = || model.names_in(file).resolve(file, ix, &it.value).is_some();
            !it.value.is_attribute_expr()
                && (!owners.is_empty() || is_of_class())
                && owners.iter().all(|it| !computes(model, *it, name))
        }
        _ => true,
    })
}

/// Whether a class or a base of it may have a function, or what a call gives, where its objects have this attribute.
fn computes(model: &Model<'_>, class: ClassRef, name: &str) -> bool {
    let names = model.names_in(class.file);
    let bases = names.bases(class.file, class.ix);
    let classes = bases.iter().filter_map(|it| match it {
        Base::Class { file, ix } => Some(model.index(*file)?.class(*ix)),
        _ => None,
    });
    let is_it = |it: &Expr| matches!(it, Expr::Name(it) if it.id.as_str() == name);
    let mut statements = classes.flat_map(|it| &it.node.body);
    !names.knows(class.file)
        || statements.any(|it| match it {
            Stmt::FunctionDef(it) => it.name.as_str() == name,
            Stmt::Assign(it) => it.value.is_call_expr() && it.targets.iter().any(is_it),
            _ => false,
        })
}

/// Whether a call may change what it is given: logging does not, nor does what only looks.
fn may_change(program: Program<'_, '_>, file: FileId, call: &ast::ExprCall) -> bool {
    const LOGS: &[&str] = &["debug", "info", "warning", "error", "exception", "critical"];
    const LOOKS: &[&str] = &[
        "bool",
        "format",
        "isinstance",
        "len",
        "print",
        "repr",
        "str",
    ];
    let is_harmless = |it: &Callee| match it {
        Callee::External(name) => {
            let logs = name.rsplit_once('.').map(|(_, method)| method);
            LOOKS.contains(&name.as_str()) || logs.is_some_and(|it| LOGS.contains(&it))
        }
        _ => false,
    };
    let callees = program.callees(file, call);
    callees.is_empty() || !callees.iter().all(is_harmless)
}

/// Whether a call waits for a condition no longer than a limit.
pub(super) fn is_limited(
    program: Program<'_, '_>,
    function: FunctionRef,
    call: &ast::ExprCall,
) -> bool {
    let timeout = call.arguments.find_keyword("timeout");
    timeout.is_some_and(|it| !it.value.is_none_literal_expr())
        && program.calls(function.file, call, sdk::WAIT_CONDITION)
}

/// A question as it is written, and whether it is answered with yes.
type Literal = (String, bool);

/// What the tests on the way say.
type Known = Vec<Literal>;

/// What comes behind a wait, as long as nothing can change what was waited for.
struct Behind<'m, 'f, 'p> {
    model: &'m Model<'m>,
    program: Program<'f, 'p>,
    function: FunctionRef,
    condition: &'p Expr,
    /// Of each of these, one at least is so.
    waited: Vec<Vec<Literal>>,
    found: Vec<Span>,
}

impl<'m, 'f, 'p> Behind<'m, 'f, 'p> {
    fn new(
        model: &'m Model<'m>,
        program: Program<'f, 'p>,
        function: FunctionRef,
        condition: &'p Expr,
    ) -> Self {
        let mut behind = Self {
            model,
            program,
            function,
            condition,
            waited: Vec::new(),
            found: Vec::new(),
        };
        behind.waited = behind.clauses(condition);
        behind
    }

    fn clauses(&self, condition: &Expr) -> Vec<Vec<Literal>> {
        match condition {
            Expr::BoolOp(it) if it.op == BoolOp::And => {
                it.values.iter().flat_map(|it| self.clauses(it)).collect()
            }
            Expr::BoolOp(it) => {
                let each: Option<_> = it.values.iter().map(|it| self.literal(it)).collect();
                each.into_iter().collect()
            }
            other => self.literal(other).map(|it| vec![it]).into_iter().collect(),
        }
    }

    fn literal(&self, expr: &Expr) -> Option<Literal> {
        let text = |it: &Expr| self.model.slice(self.function.file, span_of(it));
        match expr {
            Expr::UnaryOp(it) if it.op == UnaryOp::Not => {
                let (text, is_so) = self.literal(&it.operand)?;
                Some((text, !is_so))
            }
            Expr::Name(_) | Expr::Attribute(_) => Some((text(expr).to_owned(), true)),
            Expr::Call(it) => self.literal(counted(it, &["bool", "len"])?),
            Expr::Compare(it) => {
                let ([op], [right]) = (&it.ops[..], &it.comparators[..]) else {
                    return None;
                };
                if let Some((counted, is_some)) = some_of(&it.left, *op, right) {
                    let (text, is_so) = self.literal(counted)?;
                    return Some((text, is_so == is_some));
                }
                let is_pure = nodes_of_expr(expr).iter().all(|node| match node {
                    Node::Expr(Expr::Call(call)) => {
                        matches!(&*call.func, Expr::Name(it) if it.id.as_str() == "len")
                    }
                    Node::Expr(it) => !it.is_await_expr() && !it.is_named_expr(),
                    Node::Stmt(_) => false,
                });
                let (op, is_so) = match op {
                    CmpOp::Eq => ("==", true),
                    CmpOp::NotEq => ("==", false),
                    CmpOp::Is => ("is", true),
                    CmpOp::IsNot => ("is", false),
                    CmpOp::In => ("in", true),
                    CmpOp::NotIn => ("in", false),
                    CmpOp::Gt => (">", true),
                    CmpOp::LtE => (">", false),
                    CmpOp::GtE => (">=", true),
                    CmpOp::Lt => (">=", false),
                };
                let question = || format!("{} {op} {}", text(&it.left), text(right));
                is_pure.then(|| (question(), is_so))
            }
            _ => None,
        }
    }

    fn follow(&mut self, body: &'p [Stmt], mut known: Known) {
        for (ix, statement) in body.iter().enumerate() {
            if self.is_ruled_out(&known) {
                return self.report(&body[ix..]);
            }
            self.choose(statement, &known);
            match statement {
                Stmt::If(it) => match self.follow_arms(it, &known) {
                    Some(after) => known = after,
                    None => return,
                },
                Stmt::Return(_) | Stmt::Raise(_) | Stmt::Continue(_) | Stmt::Break(_) => return,
                _ if self.change(std::slice::from_ref(statement)) => return,
                _ => {}
            }
        }
    }

    /// Looks at what the conditional expressions of a simple statement never give. Beside a question for `None` it
    /// may be there for type checkers.
    fn choose(&mut self, statement: &'p Stmt, known: &Known) {
        let nodes = nodes_of(std::slice::from_ref(statement));
        if !bodies(statement).is_empty() || self.changes(nodes.clone()) {
            return;
        }
        for node in nodes {
            let Node::Expr(Expr::If(it)) = node else {
                continue;
            };
            let asks_for_none = nodes_of_expr(&it.test)
                .iter()
                .any(|it| matches!(it, Node::Expr(Expr::NoneLiteral(_))));
            let arms = [(&it.body, true), (&it.orelse, false)].into_iter();
            let never = arms.filter(|(_, is_so)| !self.is_possible(&it.test, *is_so, known));
            let never: Vec<Span> = never.map(|(it, _)| span_of(&**it)).collect();
            self.found
                .extend(never.into_iter().filter(|_| !asks_for_none));
        }
    }

    /// What is known behind an `if`; `None` if it may change what was waited for.
    fn follow_arms(&mut self, it: &'p ast::StmtIf, known: &Known) -> Option<Known> {
        let mut arms = vec![(Some(&*it.test), &it.body[..])];
        let others = it.elif_else_clauses.iter();
        arms.extend(others.map(|it| (it.test.as_ref(), &it.body[..])));
        let (mut here, mut after) = (known.clone(), known.clone());
        let (mut is_left, mut is_changed) = (true, false);
        for (test, body) in arms {
            if test.is_some_and(|it| self.changes(nodes_of_expr(it))) {
                return None;
            }
            let mut goes_on = false;
            if test.map_or(!self.is_ruled_out(&here), |it| {
                self.is_possible(it, true, &here)
            }) {
                let mut inside = here.clone();
                if let Some(test) = test {
                    self.assume(test, true, &mut inside);
                }
                self.follow(body, inside);
                goes_on = falls_through(self.program, self.function, body);
                is_changed |= goes_on && self.change(body);
            } else {
                self.report(body);
            }
            if let Some(test) = test {
                self.assume(test, false, &mut here);
            }
            is_left &= !goes_on;
            if is_left {
                after.clone_from(&here);
            }
        }
        (!is_changed).then_some(after)
    }

    fn report(&mut self, body: &'p [Stmt]) {
        if !matches!(body, [Stmt::Raise(_)]) {
            self.found.extend(body.first().map(span_of));
        }
    }

    /// Whether nothing of what was waited for is left.
    fn is_ruled_out(&self, known: &Known) -> bool {
        let is_not = |it: &Literal| known.iter().any(|known| known.0 == it.0 && known.1 != it.1);
        self.waited.iter().any(|clause| clause.iter().all(is_not))
    }

    fn is_possible(&self, test: &Expr, is_so: bool, known: &Known) -> bool {
        match test {
            Expr::UnaryOp(it) if it.op == UnaryOp::Not => {
                self.is_possible(&it.operand, !is_so, known)
            }
            Expr::BoolOp(it) if (it.op == BoolOp::Or) == is_so => {
                let mut values = it.values.iter();
                values.any(|it| self.is_possible(it, is_so, known))
            }
            _ => {
                let mut known = known.clone();
                self.assume(test, is_so, &mut known);
                !self.is_ruled_out(&known)
            }
        }
    }

    fn assume(&self, test: &Expr, is_so: bool, known: &mut Known) {
        match test {
            Expr::UnaryOp(it) if it.op == UnaryOp::Not => {
                self.assume(&it.operand, !is_so, known);
            }
            Expr::BoolOp(it) if (it.op == BoolOp::And) == is_so => {
                for value in &it.values {
                    self.assume(value, is_so, known);
                }
            }
            _ => {
                known.extend(self.none_of(test, is_so));
                known.extend(self.literal(test).map(|(text, yes)| (text, yes == is_so)));
            }
        }
    }

    /// What something is not if it is none of some values, and is if that is one.
    fn none_of(&self, test: &Expr, is_so: bool) -> Known {
        let text = |it: &Expr| self.model.slice(self.function.file, span_of(it));
        let Some((it, values)) = test.as_compare_expr().and_then(listed) else {
            return Known::new();
        };
        let is_one = (it.ops[..] == [CmpOp::In]) == is_so;
        let says = values.iter().filter(|_| !is_one || values.len() == 1);
        let left = text(&it.left);
        says.map(|it| (format!("{left} == {}", text(it)), is_one))
            .collect()
    }

    fn change(&self, body: &[Stmt]) -> bool {
        self.changes(nodes_of(body))
    }

    /// Whether other code may run, or what was waited for is written to.
    fn changes(&self, nodes: Vec<Node<'_>>) -> bool {
        let (program, function) = (self.program, self.function);
        let asked = nodes_of_expr(self.condition);
        let is_asked = |name: &str| {
            asked.iter().any(|node| match node {
                Node::Expr(Expr::Attribute(it)) => it.attr.as_str() == name,
                Node::Expr(Expr::Name(it)) => it.id.as_str() == name,
                _ => false,
            })
        };
        let holds = |it: &Expr| match it {
            Expr::Attribute(it) => is_asked(it.attr.as_str()),
            Expr::Name(it) => it.id.as_str() == "self" || is_asked(it.id.as_str()),
            _ => false,
        };
        let is_given = |call: &ast::ExprCall| {
            let keywords = call.arguments.keywords.iter().map(|it| &it.value);
            may_change(program, function.file, call)
                && call.arguments.args.iter().chain(keywords).any(holds)
        };
        let writes = |it: FunctionRef| {
            let mut writes = writes::in_function(program, it).into_iter();
            writes.any(|it| is_asked(it.attribute.name))
        };
        nodes.into_iter().any(|node| {
            let is_written =
                writes::by_node(program, function, node).any(|it| is_asked(it.attribute.name));
            is_written
                || match node {
                    Node::Expr(Expr::Await(_) | Expr::Yield(_) | Expr::YieldFrom(_)) => true,
                    Node::Stmt(Stmt::For(it)) => it.is_async,
                    Node::Stmt(Stmt::With(it)) => it.is_async,
                    Node::Expr(Expr::Name(it)) => !it.ctx.is_load() && is_asked(it.id.as_str()),
                    // Another name for the same object.
                    Node::Stmt(Stmt::Assign(it)) if holds(&it.value) => true,
                    Node::Expr(Expr::Call(call)) if is_given(call) => true,
                    Node::Expr(Expr::Call(call)) => program
                        .functions(function.file, call)
                        .chain(program.callbacks(function.file, call))
                        .flat_map(|it| program.runs_from(it))
                        .any(writes),
                    _ => false,
                }
        })
    }
}

/// The one argument of a call of such a function.
fn counted<'p>(call: &'p ast::ExprCall, functions: &[&str]) -> Option<&'p Expr> {
    let name = call.func.as_name_expr()?;
    let [argument] = &call.arguments.args[..] else {
        return None;
    };
    functions.contains(&name.id.as_str()).then_some(argument)
}

/// What a comparison of its length asks to hold something or nothing.
fn some_of<'p>(left: &'p Expr, op: CmpOp, right: &Expr) -> Option<(&'p Expr, bool)> {
    let counted = counted(left.as_call_expr()?, &["len"])?;
    match (op, number(right)?) {
        (CmpOp::Gt | CmpOp::NotEq, 0.0) | (CmpOp::GtE, 1.0) => Some((counted, true)),
        (CmpOp::LtE | CmpOp::Eq, 0.0) | (CmpOp::Lt, 1.0) => Some((counted, false)),
        _ => None,
    }
}

/// The texts and numbers of a collection that is written out, in which a comparison looks for something.
fn listed(it: &ast::ExprCompare) -> Option<(&ast::ExprCompare, &[Expr])> {
    let ([CmpOp::In | CmpOp::NotIn], [right]) = (&it.ops[..], &it.comparators[..]) else {
        return None;
    };
    let values = match right {
        Expr::Tuple(it) => &it.elts,
        Expr::List(it) => &it.elts,
        Expr::Set(it) => &it.elts,
        _ => return None,
    };
    let is_plain = values.iter().all(Expr::is_literal_expr);
    (is_plain && it.left.is_attribute_expr()).then_some((it, &values[..]))
}
