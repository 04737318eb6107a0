//! What the stores of an attribute leave there: whether it may be nothing or false after them.

use lint_core::facts::FunctionRef;
use lint_core::index::{Function, FunctionNode};
use lint_core::syntax::ast::{self, Expr, Operator, Stmt};
use lint_core::syntax::last_name;

use crate::program::{Node, Program, bodies, nodes_of, nodes_of_expr, own_nodes};
use crate::sites::number;

/// An attribute with the function that reads it.
pub(super) type Read<'p> = (FunctionRef, &'p ast::ExprAttribute);

/// A reason why an attribute is not true in a condition.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lack {
    /// It is `None`.
    Nothing,
    /// It is something else that is false: a number, a text or a collection.
    False,
}

impl Lack {
    /// Whether a value that is written out lacks it.
    fn is_written(self, value: &Expr) -> bool {
        let is_false = match value {
            Expr::NoneLiteral(_) => return self == Self::Nothing,
            Expr::BooleanLiteral(it) => !it.value,
            Expr::StringLiteral(it) => it.value.is_empty(),
            Expr::List(it) => it.elts.is_empty(),
            Expr::Dict(it) => it.items.is_empty(),
            other => number(other) == Some(0.0),
        };
        self == Self::False && is_false
    }

    /// Whether a value of this annotation may lack it.
    fn is_allowed(self, annotation: &Expr) -> bool {
        match annotation {
            Expr::NoneLiteral(_) => self == Self::Nothing,
            Expr::Name(it) => self == Self::False && MAY_BE_FALSE.contains(&it.id.as_str()),
            Expr::BinOp(it) if it.op == Operator::BitOr => {
                self.is_allowed(&it.left) || self.is_allowed(&it.right)
            }
            Expr::Subscript(it) => match &*it.value {
                Expr::Name(of) if of.id.as_str() == "Optional" => {
                    self == Self::Nothing || self.is_allowed(&it.slice)
                }
                of => self.is_allowed(of),
            },
            _ => false,
        }
    }
}

/// Classes of which some values are false.
const MAY_BE_FALSE: &[&str] = &[
    "Decimal",
    "bool",
    "bytes",
    "dict",
    "float",
    "int",
    "list",
    "set",
    "str",
    "timedelta",
];

/// The stores of an attribute in the files of its classes.
pub(super) struct Stores<'p> {
    stores: Vec<Store<'p>>,
    /// What the class or a method says that it is.
    annotation: Option<&'p Expr>,
}

/// A statement that stores an attribute.
struct Store<'p> {
    function: &'p Function<'p>,
    /// The statements among which it stands, and its number among them.
    block: &'p [Stmt],
    ix: usize,
    /// `None` if the attribute is deleted.
    value: Option<&'p Expr>,
}

impl<'p> Stores<'p> {
    pub(super) fn of(program: Program<'_, 'p>, (function, read): Read<'_>) -> Self {
        let name = read.attr.as_str();
        let classes = program.owners(function.file, read);
        let mut found = Self {
            stores: Vec::new(),
            annotation: None,
        };
        for class in classes {
            let Some(index) = program.index(class.file) else {
                continue;
            };
            // Of an object that is not known, it may be the attribute.
            let is_it = |it: &Expr| match it {
                Expr::Attribute(it) if it.attr.as_str() == name => {
                    let owners = program.owners(class.file, it);
                    owners.is_empty() || owners.iter().any(|it| classes.contains(it))
                }
                _ => false,
            };
            let is_field = |it: &Expr| matches!(it, Expr::Name(it) if it.id.as_str() == name);
            found.annotate(&index.class(class.ix).node.body, &is_field);
            for function in &index.functions {
                if let FunctionNode::Def(def) = function.node {
                    found.annotate(&def.body, &is_it);
                    found.add(function, &def.body, &is_it);
                }
            }
        }
        found
    }

    fn annotate(&mut self, body: &'p [Stmt], is_it: &dyn Fn(&Expr) -> bool) {
        let annotations = body.iter().filter_map(|it| it.as_ann_assign_stmt());
        let mut own = annotations.filter(|it| is_it(&it.target));
        let own = own.next().map(|it| &*it.annotation);
        self.annotation = self.annotation.or(own);
    }

    fn add(
        &mut self,
        function: &'p Function<'p>,
        block: &'p [Stmt],
        is_it: &dyn Fn(&Expr) -> bool,
    ) {
        for (ix, statement) in block.iter().enumerate() {
            let value = stored(statement, is_it);
            self.stores.extend(value.map(|value| Store {
                function,
                block,
                ix,
                value,
            }));
            for inner in bodies(statement) {
                self.add(function, inner, is_it);
            }
        }
    }

    /// Those that are no part of making the object.
    fn later(&self) -> impl Iterator<Item = &Store<'p>> {
        let stores = self.stores.iter();
        stores.filter(|it| !it.function.qualname.ends_with(".__init__"))
    }

    /// Whether one of them sets what is written out to be lacking, or deletes the attribute.
    pub(super) fn take_away(&self, lack: Lack) -> bool {
        self.later()
            .any(|it| it.value.is_none_or(|value| lack.is_written(value)))
    }

    /// Whether all of them are certain to leave it there, without these lacks.
    pub(super) fn always_exclude(&self, lacks: &[Lack]) -> bool {
        let is_there = |it: &Store<'_>, lack| {
            let value = it.value;
            value.is_some_and(|value| excludes(it.function, value, lack))
        };
        self.later().all(|it| {
            let is_whole = !it.block[it.ix].is_aug_assign_stmt();
            is_whole && !it.takes_any() && lacks.iter().all(|lack| is_there(it, *lack))
        })
    }

    /// Whether the attribute may lack something after one of them.
    pub(super) fn may_leave(&self, lack: Lack) -> bool {
        self.later().any(|it| self.leaves(it, lack))
    }

    fn leaves(&self, store: &Store<'_>, lack: Lack) -> bool {
        let Some(value) = store.value else {
            return true;
        };
        if value.is_literal_expr() || value.is_list_expr() || value.is_dict_expr() {
            return lack.is_written(value);
        }
        parameter(store.function, value).is_some_and(|it| {
            it.annotation().is_some_and(|it| lack.is_allowed(it))
                && !(lack == Lack::False && store.is_tested(it))
        })
    }

    /// Whether this attribute is set to what does not lack something wherever the flag is set, and no
    /// other code can run in between.
    pub(super) fn come_with(&self, flag: &Self, lack: Lack) -> bool {
        let mut set = flag.stores.iter().filter(|it| it.is_set()).peekable();
        set.peek().is_some()
            && set.all(|flag| {
                let own = self.stores.iter();
                own.filter(|it| it.is_beside(flag)).any(|it| {
                    it.value
                        .is_some_and(|value| excludes(it.function, value, lack))
                })
            })
    }
}

/// Whether a value that is written out is nothing, or false.
pub(super) fn is_false(value: &Expr) -> bool {
    Lack::Nothing.is_written(value) || Lack::False.is_written(value)
}

impl<'p> Store<'p> {
    fn is_set(&self) -> bool {
        self.value.is_some_and(|it| !is_false(it))
    }

    /// Whether it stores a parameter that may be anything, or `None` if it is not given.
    fn takes_any(&self) -> bool {
        let parameter = self.value.and_then(|it| parameter(self.function, it));
        parameter.is_some_and(|it| {
            let is_any = |it: &Expr| matches!(last_name(it), "Any" | "object");
            it.annotation().is_some_and(is_any) || it.default().is_some_and(is_false)
        })
    }

    /// Whether both stand among the same statements, with no `await` from one to the other.
    fn is_beside(&self, other: &Self) -> bool {
        let between = self.ix.min(other.ix)..=self.ix.max(other.ix);
        let is_await = |it: &Node<'_>| matches!(it, Node::Expr(Expr::Await(_)));
        std::ptr::eq(self.block, other.block)
            && !nodes_of(&self.block[between]).iter().any(is_await)
    }

    /// Whether the function asks for a parameter before it stores it, as far as its conditions tell.
    fn is_tested(&self, parameter: &ast::ParameterWithDefault) -> bool {
        let is_it = |it: &Node<'_>| matches!(it, Node::Expr(Expr::Name(it)) if it.id == parameter.name().id);
        own_nodes(Some(self.function)).any(|node| match node {
            Node::Stmt(Stmt::If(it)) => nodes_of_expr(&it.test).iter().any(is_it),
            _ => false,
        })
    }
}

/// Whether what a function stores certainly does not lack something.
pub(super) fn excludes(function: &Function<'_>, value: &Expr, lack: Lack) -> bool {
    let is_class = |callee: &Expr| match callee {
        Expr::Name(it) => it.id.starts_with(char::is_uppercase),
        Expr::Attribute(it) => it.attr.starts_with(char::is_uppercase),
        _ => false,
    };
    let annotation = |value| parameter(function, value).and_then(|it| it.annotation());
    match value {
        Expr::Call(call) => is_class(&call.func),
        Expr::FString(_) => lack == Lack::Nothing,
        it if it.is_literal_expr() || it.is_list_expr() || it.is_dict_expr() => {
            !lack.is_written(it)
        }
        it => annotation(it).is_some_and(|it| !lack.is_allowed(it)),
    }
}

/// The parameter that a function stores as it is given.
fn parameter<'p>(function: &Function<'p>, value: &Expr) -> Option<&'p ast::ParameterWithDefault> {
    let name = value.as_name_expr()?;
    let mut parameters = function.node.parameters()?.iter_non_variadic_params();
    let is_set = own_nodes(Some(function)).any(
        |it| matches!(it, Node::Expr(Expr::Name(it)) if it.ctx.is_store() && it.id == name.id),
    );
    parameters.find(|it| !is_set && it.name().id == name.id)
}

/// What a statement stores in the attribute, if it does; `None` within if it deletes that.
pub(super) fn stored<'p>(
    statement: &'p Stmt,
    is_it: &dyn Fn(&Expr) -> bool,
) -> Option<Option<&'p Expr>> {
    let assigned = |target: &Expr, value: &'p Expr| match (target, value) {
        (Expr::Tuple(targets), Expr::Tuple(values)) => {
            let ix = targets.elts.iter().position(is_it)?;
            values.elts.get(ix)
        }
        (Expr::Tuple(targets), value) => targets.elts.iter().any(is_it).then_some(value),
        (target, value) => is_it(target).then_some(value),
    };
    match statement {
        Stmt::Assign(it) => {
            let mut targets = it.targets.iter();
            targets
                .find_map(|target| assigned(target, &it.value))
                .map(Some)
        }
        Stmt::AnnAssign(it) if is_it(&it.target) => it.value.as_deref().map(Some),
        Stmt::AugAssign(it) if is_it(&it.target) => Some(Some(&it.value)),
        Stmt::Delete(it) => it.targets.iter().any(is_it).then_some(None),
        _ => None,
    }
}
