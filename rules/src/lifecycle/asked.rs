//! What code asks of the failure of an activity or a child that is never so: of which class its cause is, or what its
//! text says.

use lint_core::diagnostic::{Severity, Span};
use lint_core::facts::FunctionRef;
use lint_core::names::{Base, Resolved};
use lint_core::syntax::ast::{
    self, CmpOp, ExceptHandler, Expr, InterpolatedStringElement, Pattern, Stmt,
};
use lint_core::syntax::{last_name, span_of};

use super::arriving::{Caught, Raises, UNWRAPPED, external, listed};
use super::exceptions::ancestors;
use crate::model::Model;
use crate::program::{Node, Program, nodes_of, nodes_of_expr};
use crate::sites::{Written, shown};

/// A question to which the answer is always no, as it is told.
pub(super) struct Asked<'p> {
    pub(super) at: &'p Expr,
    pub(super) message: String,
    pub(super) help: String,
    pub(super) severity: Severity,
}

/// What the handlers of a `try` ask of what they caught.
pub(super) fn asked_in<'p>(
    model: &Model<'p>,
    program: Program<'_, 'p>,
    function: FunctionRef,
    it: &'p ast::StmtTry,
) -> Vec<Asked<'p>> {
    let mut asked = Vec::new();
    for ExceptHandler::ExceptHandler(handler) in &it.handlers {
        let (Some(types), Some(name)) = (&handler.type_, &handler.name) else {
            continue;
        };
        let each: Vec<Caught> = listed(types)
            .iter()
            .map(|it| Caught::by_class(model, function, it))
            .collect();
        let is_wrapped = each.iter().all(|it| *it == Caught::Wrapped);
        if is_wrapped || each.contains(&Caught::Everything) {
            let body = (!is_wrapped).then_some(&it.body[..]);
            let failure = Failure::new(model, program, function, name, &handler.body, body);
            if let Some(failure) = failure {
                asked.extend(failure.questions());
                asked.extend(failure.reports_text().filter(|_| is_wrapped));
            }
        }
    }
    asked
}

/// What a function asks of a parameter that is annotated as the failure of an activity or a child.
pub(super) fn asked_of_parameters<'p>(
    model: &Model<'p>,
    program: Program<'_, 'p>,
    function: FunctionRef,
) -> Vec<Asked<'p>> {
    let Some(def) = program.def(function) else {
        return Vec::new();
    };
    let is_wrapped = |it: &Expr| Caught::by_class(model, function, it) == Caught::Wrapped;
    let failures = def.parameters.iter().filter_map(|it| {
        it.annotation().filter(|it| is_wrapped(it))?;
        Failure::new(model, program, function, it.name(), &def.body, None)
    });
    failures.flat_map(|it| it.questions()).collect()
}

/// A variable that stands for a failure that arrived, in code that does not set it again.
struct Failure<'m, 'f, 'p> {
    model: &'m Model<'p>,
    program: Program<'f, 'p>,
    function: FunctionRef,
    name: &'p str,
    nodes: Vec<Node<'p>>,
    /// The body of the `try`, if something else may have been raised in there.
    tried: Option<&'p [Stmt]>,
    /// Where a condition says that it is the failure of an activity or a child.
    narrowed: Vec<Span>,
}

/// What an expression is of a failure.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Itself,
    /// Its cause, or the cause of that.
    Cause,
}

impl<'m, 'f, 'p> Failure<'m, 'f, 'p> {
    fn new(
        model: &'m Model<'p>,
        program: Program<'f, 'p>,
        function: FunctionRef,
        name: &'p str,
        code: &'p [Stmt],
        tried: Option<&'p [Stmt]>,
    ) -> Option<Self> {
        let nodes = nodes_of(code);
        let is_set = |node: &Node<'_>| match node {
            Node::Expr(Expr::Name(it)) => it.id == name && !it.ctx.is_load(),
            _ => false,
        };
        if nodes.iter().any(is_set) {
            return None;
        }
        let mut failure = Self {
            model,
            program,
            function,
            name,
            nodes,
            tried,
            narrowed: Vec::new(),
        };
        failure.narrowed = failure.narrowed();
        Some(failure)
    }

    fn questions(&self) -> Vec<Asked<'p>> {
        let mut asked = Vec::new();
        for node in &self.nodes {
            match node {
                Node::Expr(at) => {
                    asked.extend(self.asks_class(at));
                    asked.extend(self.asks_name(at));
                    asked.extend(self.asks_text(at));
                }
                Node::Stmt(Stmt::Match(it)) => {
                    if let Some(part) = self.part(&it.subject) {
                        let cases = it.cases.iter();
                        cases.for_each(|it| self.asks_pattern(&it.pattern, part, &mut asked));
                    }
                }
                Node::Stmt(_) => {}
            }
        }
        asked
    }

    /// `return str(error)`, and the same in an attribute.
    fn reports_text(&self) -> Option<Asked<'p>> {
        let mut reported = self.nodes.iter().filter_map(|node| match node {
            Node::Stmt(Stmt::Return(it)) => it.value.as_deref(),
            Node::Stmt(Stmt::Assign(it)) => {
                let keeps = it.targets.iter().any(Expr::is_attribute_expr);
                keeps.then_some(&*it.value)
            }
            _ => None,
        });
        let shows = |it: &Expr| match it {
            Expr::FString(it) => it.value.elements().any(|it| match it {
                InterpolatedStringElement::Literal(_) => false,
                InterpolatedStringElement::Interpolation(it) => {
                    self.part(&it.expression) == Some(Part::Itself)
                }
            }),
            other => self.is_text(other),
        };
        let text = |it: &'p Expr| {
            let nodes = nodes_of_expr(it).into_iter();
            let mut exprs = nodes.filter_map(|it| match it {
                Node::Expr(it) => Some(it),
                Node::Stmt(_) => None,
            });
            exprs.find(|it| shows(it))
        };
        let at = reported.find_map(text).filter(|_| !self.looks_at_cause())?;
        Some(self.told_of_text(at, "it does not tell what failed", Severity::Info))
    }

    /// `isinstance(error.cause, Declined)`
    fn asks_class(&self, at: &'p Expr) -> Option<Asked<'p>> {
        let call = at.as_call_expr()?;
        let [of, classes] = &call.arguments.args[..] else {
            return None;
        };
        let asks = matches!(&*call.func, Expr::Name(it) if it.id == "isinstance");
        asks.then(|| self.never(self.part(of)?, at, classes))
            .flatten()
    }

    /// `type(error.cause) is Declined`, and the same by its name.
    fn asks_name(&self, at: &'p Expr) -> Option<Asked<'p>> {
        let it = at.as_compare_expr()?;
        let ([CmpOp::Eq | CmpOp::Is | CmpOp::In], [right]) = (&it.ops[..], &it.comparators[..])
        else {
            return None;
        };
        if let Some(part) = self.part_of_type(&it.left) {
            return self.never(part, at, right);
        }
        let name = it.left.as_attribute_expr()?;
        let part = self.part_of_type(&name.value)?;
        let literal = right.as_string_literal_expr()?.value.to_str();
        let is_of_sdk = OF_SDK.iter().any(|it| it.ends_with(literal));
        let is_asked = name.attr.as_str() == "__name__" && part == Part::Cause && !is_of_sdk;
        (is_asked && self.is_certain(part, span_of(at), Caught::Never))
            .then(|| self.told_of_class(part, at, &format!("`{literal}`"), literal))
    }

    fn asks_pattern(&self, pattern: &'p Pattern, part: Part, asked: &mut Vec<Asked<'p>>) {
        match pattern {
            Pattern::MatchClass(it) => {
                asked.extend(self.never(part, &it.cls, &it.cls));
                let keywords = it.arguments.keywords.iter();
                keywords
                    .filter(|it| is_cause(&it.attr))
                    .for_each(|it| self.asks_pattern(&it.pattern, Part::Cause, asked));
            }
            Pattern::MatchAs(it) => {
                if let Some(pattern) = &it.pattern {
                    self.asks_pattern(pattern, part, asked);
                }
            }
            Pattern::MatchOr(it) => {
                let patterns = it.patterns.iter();
                patterns.for_each(|it| self.asks_pattern(it, part, asked));
            }
            _ => {}
        }
    }

    /// `"declined" in str(error)`, and other questions about the text of the failure itself.
    fn asks_text(&self, at: &'p Expr) -> Option<Asked<'p>> {
        let sought = self.sought(at)?;
        let is_said = |it: &String| {
            let it = it.to_lowercase();
            TEXTS.iter().any(|text| text.contains(&it))
        };
        let never = !sought.is_empty() && !sought.iter().any(is_said) && !self.looks_at_cause();
        (never && self.is_certain(Part::Itself, span_of(at), Caught::Raised))
            .then(|| self.told_of_text(at, "this is never so", Severity::Warning))
    }

    fn told_of_text(&self, at: &'p Expr, so: &str, severity: Severity) -> Asked<'p> {
        Asked {
            at,
            message: format!(
                "the text of a failed activity or child is the same whatever was raised in there, such as \
                 `Activity task failed`, so {so}"
            ),
            help: format!(
                "look at `{}.cause`, which has the text and the type",
                self.name
            ),
            severity,
        }
    }

    /// The texts of which one is sought in the text of the failure.
    fn sought(&self, at: &'p Expr) -> Option<Vec<String>> {
        match at {
            Expr::Compare(it) => {
                let ([CmpOp::In | CmpOp::Eq], [right]) = (&it.ops[..], &it.comparators[..]) else {
                    return None;
                };
                let (text, sought) = match it.ops[0] {
                    CmpOp::In => (right, &*it.left),
                    _ => (&*it.left, right),
                };
                let literal = sought.as_string_literal_expr()?;
                self.is_text(text)
                    .then(|| vec![literal.value.to_str().to_owned()])
            }
            Expr::Call(call) => {
                let method = call.func.as_attribute_expr();
                let method =
                    method.filter(|it| it.attr.as_str() == "startswith" && self.is_text(&it.value));
                if method.is_some() {
                    let literal = call.arguments.args.first()?.as_string_literal_expr()?;
                    return Some(vec![literal.value.to_str().to_owned()]);
                }
                let [Expr::Generator(each)] = &call.arguments.args[..] else {
                    return None;
                };
                let [generator] = &each.generators[..] else {
                    return None;
                };
                let it = each.elt.as_compare_expr()?;
                let ([CmpOp::In], [text]) = (&it.ops[..], &it.comparators[..]) else {
                    return None;
                };
                let target = generator.target.as_name_expr()?;
                let is_each = it.left.as_name_expr().is_some_and(|it| it.id == target.id);
                let asks = matches!(&*call.func, Expr::Name(it) if it.id == "any");
                if !asks || !is_each || !self.is_text(text) {
                    return None;
                }
                let (list, elements) = self.written(&generator.iter).elements(self.model)?;
                let texts = elements.iter().map(|it| list.with(it).text(self.model));
                texts.collect()
            }
            _ => None,
        }
    }

    /// Whether an expression is the text of the failure itself.
    fn is_text(&self, expr: &Expr) -> bool {
        let is_itself = |it: &Expr| self.part(it) == Some(Part::Itself);
        match expr {
            Expr::Call(call) => match (&*call.func, &call.arguments.args[..]) {
                (Expr::Name(it), [of]) => matches!(it.id.as_str(), "str" | "repr") && is_itself(of),
                (Expr::Attribute(it), []) => {
                    let keeps = ["lower", "upper", "strip", "casefold"];
                    keeps.contains(&it.attr.as_str()) && self.is_text(&it.value)
                }
                _ => false,
            },
            Expr::Attribute(it) => it.attr.as_str() == "message" && is_itself(&it.value),
            Expr::FString(it) => it.value.elements().all(|it| match it {
                InterpolatedStringElement::Literal(_) => false,
                InterpolatedStringElement::Interpolation(it) => is_itself(&it.expression),
            }),
            Expr::Name(it) => self.value(it).is_some_and(|it| self.is_text(it)),
            _ => false,
        }
    }

    /// What an expression is of the failure.
    fn part(&self, expr: &Expr) -> Option<Part> {
        match expr {
            Expr::Name(it) if it.id == self.name => Some(Part::Itself),
            Expr::Name(it) => self.part(self.value(it)?),
            Expr::Named(it) => self.part(&it.value),
            Expr::Attribute(it) if is_cause(&it.attr) => {
                self.part(&it.value)?;
                Some(Part::Cause)
            }
            Expr::Call(call) => {
                let (of, name) = match &call.arguments.args[..] {
                    [of, name] | [of, name, Expr::NoneLiteral(_)] => (of, name),
                    _ => return None,
                };
                let name = name.as_string_literal_expr()?.value.to_str();
                let reads = matches!(&*call.func, Expr::Name(it) if it.id == "getattr");
                let is_read = reads && is_cause(name) && self.part(of).is_some();
                is_read.then_some(Part::Cause)
            }
            _ => None,
        }
    }

    /// Of what an expression is the class.
    fn part_of_type(&self, expr: &Expr) -> Option<Part> {
        match expr {
            Expr::Attribute(it) if it.attr.as_str() == "__class__" => self.part(&it.value),
            Expr::Call(call) => match (&*call.func, &call.arguments.args[..]) {
                (Expr::Name(it), [of]) if it.id == "type" => self.part(of),
                _ => None,
            },
            _ => None,
        }
    }

    /// What the only assignment to a local variable gives it, if that stands further up in this code.
    fn value(&self, variable: &ast::ExprName) -> Option<&'p Expr> {
        let name = variable.id.as_str();
        let names = self.model.names_in(self.function.file);
        if names.is_set_again(self.function.file, self.function.ix, name) {
            return None;
        }
        let is_it = |it: &Expr| it.as_name_expr().is_some_and(|it| it.id.as_str() == name);
        let value = self.nodes.iter().find_map(|node| match node {
            Node::Stmt(Stmt::Assign(it)) => {
                let is_set = matches!(&it.targets[..], [target] if is_it(target));
                is_set.then_some(&*it.value)
            }
            Node::Expr(Expr::Named(it)) => is_it(&it.target).then_some(&*it.value),
            _ => None,
        });
        value.filter(|it| span_of(*it).end <= span_of(variable).start)
    }

    fn written(&self, value: &'p Expr) -> Written<'p> {
        Written {
            file: self.function.file,
            function: self.function.ix,
            value,
        }
    }

    fn never(&self, part: Part, at: &'p Expr, classes: &'p Expr) -> Option<Asked<'p>> {
        let listed = match classes {
            Expr::List(it) => &it.elts[..],
            Expr::Set(it) => &it.elts[..],
            other => listed(other),
        };
        let last = last_name(listed.first()?);
        let caught = listed
            .iter()
            .map(|it| Caught::by_class(self.model, self.function, it));
        let caught = match caught.max()? {
            Caught::Raised => Caught::Raised,
            Caught::Cancelled if part == Part::Itself => Caught::Cancelled,
            _ => Caught::Never,
        };
        let never = listed.iter().all(|it| self.is_never(part, it));
        let is_seen_to = match part {
            Part::Itself => {
                self.looks_at_cause()
                    || self.names(&["ActivityError", "ChildWorkflowError", "FailureError"])
            }
            Part::Cause => {
                self.names(&[last]) && OF_SDK.iter().any(|it| it.ends_with(last)) || self.says(last)
            }
        };
        let is_told = never && !is_seen_to && !self.is_one_of_several(span_of(at));
        (is_told && self.is_certain(part, span_of(at), caught)).then(|| {
            let class = shown(self.model, self.function.file, classes);
            self.told_of_class(part, at, &class, last)
        })
    }

    fn told_of_class(&self, part: Part, at: &'p Expr, class: &str, last: &str) -> Asked<'p> {
        let message = match part {
            Part::Itself => format!(
                "what an activity or a child raises arrives as a failure with a cause, so it is never {class}"
            ),
            Part::Cause => format!(
                "the cause of such a failure is always a failure of the SDK, whatever was raised, so it is never {class}"
            ),
        };
        let of_sdk = OF_SDK.iter().find(|it| it.rsplit('.').next() == Some(last));
        let help = match of_sdk {
            Some(of_sdk) => format!("ask whether its cause is a `{of_sdk}`"),
            None => "ask whether its cause is an `ApplicationError`, and for the `type` of that, which is the name of \
                     the class that was raised"
                .to_owned(),
        };
        Asked {
            at,
            message,
            help,
            severity: Severity::Warning,
        }
    }

    /// Whether a class is certainly none of the failure, or of its cause.
    fn is_never(&self, part: Part, class: &Expr) -> bool {
        let (file, ix) = (self.function.file, self.function.ix);
        let names = self.model.names_in(file);
        if let Some(Resolved::Class { file, ix }) = names.resolve(file, ix, class) {
            // Only bases that are known tell that nothing else takes part in the answer.
            let bases = self.model.names_in(file).bases(file, ix);
            let is_exception = |it: &Base| match it {
                Base::External(it) => {
                    let it = it.strip_prefix("builtins.").unwrap_or(it);
                    matches!(it, "Exception" | "BaseException") || is_of_python(it) || is_of_sdk(it)
                }
                _ => false,
            };
            let is_class = |it: &Base| match it {
                Base::Class { .. } => true,
                Base::External(it) => matches!(it.as_str(), "object" | "builtins.object"),
                Base::Unknown => false,
            };
            return bases.iter().any(is_exception)
                && bases.iter().all(|it| is_class(it) || is_exception(it));
        }
        let Some(name) = external(self.model, self.function, class) else {
            return false;
        };
        match part {
            Part::Cause if is_of_sdk(&name) => false,
            // A task that is cancelled raises it, and `except BaseException` takes that.
            Part::Itself if name == "asyncio.CancelledError" => self.tried.is_none(),
            Part::Itself if is_of_sdk(&name) => OF_CAUSE.contains(&&*name),
            _ => {
                is_of_python(&name)
                    || Caught::by_class(self.model, self.function, class) == Caught::Never
                        && !name.starts_with("ntro.")
            }
        }
    }

    /// Whether it is known that the failure of an activity or a child is asked, and nothing else that is of the class.
    fn is_certain(&self, part: Part, at: Span, caught: Caught) -> bool {
        let Some(body) = self
            .tried
            .filter(|_| !self.narrowed.iter().any(|it| it.contains(at)))
        else {
            return true;
        };
        let raises = Raises::anything(self.program, self.function);
        let arrives = caught.in_stead(&raises, body);
        // What a local activity raises has no cause, and is no other failure around the one that has the text.
        arrives.is_some_and(|it| part == Part::Cause || !it.contains(&UNWRAPPED))
    }

    /// The code behind conditions that say that it is the failure of an activity or a child.
    fn narrowed(&self) -> Vec<Span> {
        let mut found = Vec::new();
        let says = |test: &Expr| match test {
            Expr::BoolOp(it) if it.op == ast::BoolOp::And => {
                it.values.iter().any(|it| self.is_wrapped(it))
            }
            other => self.is_wrapped(other),
        };
        let span = |body: &[Stmt]| {
            Some(Span::new(
                span_of(body.first()?).start,
                span_of(body.last()?).end,
            ))
        };
        for node in &self.nodes {
            match node {
                Node::Stmt(Stmt::If(it)) => {
                    found.extend(says(&it.test).then(|| span(&it.body)).flatten());
                    let clauses = it.elif_else_clauses.iter();
                    let clauses = clauses.filter(|it| it.test.as_ref().is_some_and(says));
                    found.extend(clauses.filter_map(|it| span(&it.body)));
                }
                Node::Expr(at @ Expr::BoolOp(it)) if it.op == ast::BoolOp::And => {
                    found.extend(self.is_wrapped(&it.values[0]).then(|| span_of(*at)));
                }
                _ => {}
            }
        }
        found
    }

    /// `isinstance(error, ActivityError)`
    fn is_wrapped(&self, test: &Expr) -> bool {
        let Expr::Call(call) = test else {
            return false;
        };
        let [of, classes] = &call.arguments.args[..] else {
            return false;
        };
        let is_wrapped =
            |it: &Expr| Caught::by_class(self.model, self.function, it) == Caught::Wrapped;
        matches!(&*call.func, Expr::Name(it) if it.id == "isinstance")
            && self.part(of) == Some(Part::Itself)
            && listed(classes).iter().all(is_wrapped)
    }

    /// Whether code looks at the cause, or gives the failure to a function that may.
    fn looks_at_cause(&self) -> bool {
        let is_itself = |it: &Expr| self.part(it) == Some(Part::Itself);
        self.nodes.iter().any(|node| match node {
            Node::Expr(it) if self.part(it) == Some(Part::Cause) => true,
            Node::Expr(Expr::Call(call)) => {
                let mut functions = self.program.functions(self.function.file, call);
                call.arguments.args.iter().any(is_itself) && functions.next().is_some()
            }
            _ => false,
        })
    }

    /// Whether code names one of these classes of the SDK.
    fn names(&self, classes: &[&str]) -> bool {
        self.nodes.iter().any(|node| match node {
            Node::Expr(it @ (Expr::Name(_) | Expr::Attribute(_)))
                if classes.contains(&last_name(it)) =>
            {
                external(self.model, self.function, it).is_some_and(|it| is_of_sdk(&it))
            }
            _ => false,
        })
    }

    /// Whether code has the name of a class as a text and looks at a type, as in `error.cause.type == "Declined"`.
    fn says(&self, class: &str) -> bool {
        let has = |wanted: &dyn Fn(&Expr) -> bool| {
            let mut nodes = self.nodes.iter();
            nodes.any(|node| matches!(node, Node::Expr(it) if wanted(it)))
        };
        has(&|it| matches!(it, Expr::Attribute(it) if it.attr.as_str() == "type"))
            && has(&|it| matches!(it, Expr::StringLiteral(it) if it.value.to_str() == class))
    }

    /// Whether a question is one side of an `or` of which another side asks something else.
    fn is_one_of_several(&self, at: Span) -> bool {
        let asks_class = |it: &Expr| {
            nodes_of_expr(it).into_iter().any(
                |node| matches!(node, Node::Expr(Expr::Call(it)) if last_name(&it.func) == "isinstance"),
            )
        };
        self.nodes.iter().any(|node| match node {
            Node::Expr(or @ Expr::BoolOp(it)) if it.op == ast::BoolOp::Or => {
                span_of(*or).contains(at) && !it.values.iter().all(asks_class)
            }
            _ => false,
        })
    }
}

fn is_cause(attribute: &str) -> bool {
    matches!(attribute, "cause" | "__cause__")
}

fn is_of_sdk(class: &str) -> bool {
    class.starts_with("temporalio.") || class.starts_with("nexusrpc.")
}

/// Whether a class is an exception of Python that is not a base of all.
fn is_of_python(class: &str) -> bool {
    const MORE: &[&str] = &[
        "TimeoutError",
        "StopIteration",
        "asyncio.TimeoutError",
        "asyncio.CancelledError",
    ];
    !matches!(class, "Exception" | "BaseException")
        && (MORE.contains(&class) || ancestors(&[class.to_owned()]).is_some())
}

/// What the SDK makes of failures that are causes.
const OF_SDK: &[&str] = &[
    "temporalio.exceptions.ActivityError",
    "temporalio.exceptions.ApplicationError",
    "temporalio.exceptions.CancelledError",
    "temporalio.exceptions.ChildWorkflowError",
    "temporalio.exceptions.FailureError",
    "temporalio.exceptions.NexusOperationError",
    "temporalio.exceptions.ServerError",
    "temporalio.exceptions.TerminatedError",
    "temporalio.exceptions.TimeoutError",
];

/// Those that only ever are causes of the failure of an activity or a child.
const OF_CAUSE: &[&str] = &[
    "temporalio.exceptions.ApplicationError",
    "temporalio.exceptions.CancelledError",
    "temporalio.exceptions.TimeoutError",
];

/// The texts of failures of activities and children in small letters, as they were seen, and their names in `repr`.
const TEXTS: &[&str] = &[
    "activity cancelled",
    "activity canceled",
    "activity error",
    "activity task failed",
    "activity task timed out",
    "activityerror('')",
    "child workflow error",
    "child workflow execution canceled",
    "child workflow execution cancelled",
    "child workflow execution failed",
    "child workflow execution terminated",
    "child workflow execution timed out",
    "childworkflowerror('')",
    "local activity timed out",
    "workflow execution already started",
];
