//! Types as values: annotations, and the types that the catalogue gives to outside calls.

use crate::diagnostic::Span;
use crate::syntax::ast::{self, Expr, Stmt};
use crate::syntax::span_of;

use super::{CellKey, ClassId, ContainerKind, FuncId, Key, Machine, Obj, Value};
use crate::index::FunctionNode;

impl<'p> Machine<'p> {
    /// An instance of the annotated type, evaluated in the running scope.
    pub(super) fn annotation(&mut self, annotation: &'p Expr) -> Value {
        match annotation {
            Expr::NoneLiteral(_) => Value::of(Obj::None),
            Expr::StringLiteral(literal) => {
                match self.frame.module.string_annotation(span_of(literal)) {
                    Some(parsed) => self.annotation(parsed),
                    None => Value::unknown(),
                }
            }
            Expr::BinOp(it) if it.op == ast::Operator::BitOr => {
                let left = self.annotation(&it.left);
                let right = self.annotation(&it.right);
                left.joined(&right)
            }
            Expr::Name(_) | Expr::Attribute(_) => {
                let out = std::mem::take(&mut self.frame.out);
                let class = self.evaluate(annotation);
                self.frame.out = out;
                self.instance_of_annotated(&class, annotation)
            }
            Expr::Subscript(it) => self.generic(it),
            _ => Value::unknown(),
        }
    }

    fn instance_of_annotated(&mut self, class: &Value, annotation: &'p Expr) -> Value {
        let mut result = Value::bottom();
        let alternatives = self.leaves(class, |this, id| {
            let parts = this.exact_elements(&Value::of(Obj::Container(id)));
            Some(Value::join_of(&parts.unwrap_or_default()))
        });
        for obj in alternatives {
            match obj {
                // It may be an instance of a subclass.
                Obj::Class(class) => {
                    result = result.opened().joined(&Value::of(Obj::Instance(class, 0)))
                }
                Obj::External(name) => {
                    let name = self.str(name).to_owned();
                    result.join(&self.typed(&name, span_of(annotation)));
                }
                _ => {
                    result.add(Obj::Unknown);
                }
            }
        }
        if result.is_bottom() {
            Value::unknown()
        } else {
            result.without_taint()
        }
    }

    fn generic(&mut self, it: &'p ast::ExprSubscript) -> Value {
        let out = std::mem::take(&mut self.frame.out);
        let base = self.evaluate(&it.value);
        self.frame.out = out;
        let arguments: Vec<&'p Expr> = match &*it.slice {
            Expr::Tuple(tuple) => tuple.elts.iter().collect(),
            single => vec![single],
        };
        let name = match base.objs() {
            [Obj::External(name)] => self.str(*name).to_owned(),
            _ => return self.instance_of_annotated(&base, &it.value),
        };
        let last = name.rsplit('.').next().unwrap_or(&name);
        match last {
            "Optional" => self.annotation(arguments[0]).joined(&Value::of(Obj::None)),
            "Union" => {
                let mut result = Value::bottom();
                for argument in arguments {
                    result.join(&self.annotation(argument));
                }
                result
            }
            "Annotated" | "Final" | "ClassVar" | "Required" | "NotRequired" | "ReadOnly"
            | "Awaitable" | "InitVar" => self.annotation(arguments[0]),
            "Coroutine" => arguments
                .last()
                .map_or_else(Value::unknown, |result| self.annotation(result)),
            "Type" | "type" => self.evaluate(arguments[0]),
            "list" | "List" | "Sequence" | "Iterable" | "Iterator" | "Collection" | "deque"
            | "Deque" | "MutableSequence" | "AsyncIterator" | "AsyncIterable" | "Generator"
            | "AsyncGenerator" => self.annotated_container(ContainerKind::List, it, arguments[0]),
            "set" | "Set" | "AbstractSet" | "MutableSet" => {
                self.annotated_container(ContainerKind::Set, it, arguments[0])
            }
            "frozenset" | "FrozenSet" => {
                self.annotated_container(ContainerKind::FrozenSet, it, arguments[0])
            }
            "dict" | "Dict" | "Mapping" | "MutableMapping" | "defaultdict" | "DefaultDict"
            | "OrderedDict" => {
                let value = arguments.last().copied().unwrap_or(arguments[0]);
                self.annotated_container(ContainerKind::Dict, it, value)
            }
            "tuple" | "Tuple" => {
                let tuple = self.annotation_container(ContainerKind::Tuple, span_of(it));
                let is_homogeneous = matches!(arguments.last(), Some(Expr::EllipsisLiteral(_)));
                for (ix, argument) in arguments.iter().enumerate() {
                    let element = self.annotation(argument);
                    self.put(
                        tuple,
                        if is_homogeneous {
                            Key::Any
                        } else {
                            Key::Int(ix as i64)
                        },
                        &element,
                    );
                }
                Value::of(Obj::Container(tuple))
            }
            "Literal" => {
                let values = arguments.iter().map(|it| self.type_of_literal(it));
                Value::join_of(&values.collect::<Vec<_>>())
            }
            "Callable" => Value::unknown(),
            _ => self.typed(&name, span_of(it)),
        }
    }

    /// What a `Literal` allows is known by its type only: data that comes from outside may be other
    /// than it says.
    fn type_of_literal(&mut self, literal: &Expr) -> Value {
        match literal {
            Expr::StringLiteral(_) => self.instance_of_builtin("str"),
            Expr::NumberLiteral(it) if matches!(it.value, ast::Number::Int(_)) => {
                self.instance_of_builtin("int")
            }
            Expr::NoneLiteral(_) => Value::of(Obj::None),
            _ => Value::unknown(),
        }
    }

    fn annotated_container(
        &mut self,
        kind: ContainerKind,
        it: &'p ast::ExprSubscript,
        element: &'p Expr,
    ) -> Value {
        let id = self.annotation_container(kind, span_of(it));
        let element = self.annotation(element);
        self.put(id, Key::Any, &element);
        if kind.is_set() {
            self.write(CellKey::Declared(id), &element);
        }
        Value::of(Obj::Container(id))
    }

    /// An instance of a type outside the project, by its dotted name.
    pub(super) fn typed(&mut self, name: &str, span: Span) -> Value {
        if name == super::conditions::NONEMPTY_TEXT {
            return self.instance_of_builtin("str").truthy();
        }
        let canonical = self.knowledge.canonical(name).into_owned();
        let kind = match canonical.rsplit('.').next().unwrap_or(&canonical) {
            // A type of another package, such as a counter of metrics.
            _ if canonical.contains('.') && self.knowledge.has_members(&canonical) => None,
            "list" | "List" | "Sequence" | "Iterable" | "deque" => Some(ContainerKind::List),
            "set" | "Set" => Some(ContainerKind::Set),
            "frozenset" | "FrozenSet" => Some(ContainerKind::FrozenSet),
            "dict" | "Dict" | "Mapping" | "defaultdict" | "OrderedDict" => {
                Some(ContainerKind::Dict)
            }
            // Libraries that measure have counters, too.
            "Counter"
                if matches!(
                    &*canonical,
                    "Counter" | "collections.Counter" | "typing.Counter"
                ) =>
            {
                Some(ContainerKind::Dict)
            }
            "tuple" | "Tuple" => Some(ContainerKind::Tuple),
            _ => None,
        };
        if let Some(kind) = kind {
            return Value::of(Obj::Container(self.annotation_container(kind, span)));
        }
        match canonical.as_str() {
            "typing.Any" | "object" | "typing.Self" | "typing.TypeVar" | "Any" => Value::unknown(),
            "None" => Value::of(Obj::None),
            _ => {
                let sym = self.sym(&canonical);
                Value::of(Obj::ExternalInstance(sym))
            }
        }
    }

    /// What the return annotation of a function says.
    pub(super) fn declared_return(&mut self, func: FuncId) -> Value {
        let Some(FunctionNode::Def(def)) = self.function(func).map(|function| function.node) else {
            return Value::unknown();
        };
        match &def.returns {
            Some(annotation) => self.in_module(func.file, |this| this.annotation(annotation)),
            None => Value::unknown(),
        }
    }

    /// The annotation of a name in a class body, as in `session: Session`.
    pub(super) fn declared_attribute(&mut self, class: ClassId, name: &str) -> Value {
        let Some(node) = self.class_node(class) else {
            return Value::bottom();
        };
        for statement in &node.body {
            if let Stmt::AnnAssign(it) = statement
                && matches!(&*it.target, Expr::Name(target) if target.id.as_str() == name)
            {
                return self.in_module(class.file, |this| this.annotation(&it.annotation));
            }
        }
        Value::bottom()
    }

    /// The names that a class body annotates.
    pub(super) fn declared_names(&self, class: ClassId) -> impl Iterator<Item = &'p str> + use<'p> {
        let body = self.class_node(class).map_or(&[][..], |it| &it.body[..]);
        body.iter().filter_map(|statement| match statement {
            Stmt::AnnAssign(it) => it.target.as_name_expr().map(|it| it.id.as_str()),
            _ => None,
        })
    }

    /// Evaluates something as if it stood at the top level of another module.
    fn in_module(
        &mut self,
        file: crate::diagnostic::FileId,
        evaluate: impl FnOnce(&mut Self) -> Value,
    ) -> Value {
        let Some(module) = self.project.module(file) else {
            return Value::unknown();
        };
        self.module_ctx(file);
        let outer_ctx = self.frame.ctx;
        let inner = super::Frame {
            ctx: outer_ctx,
            file,
            vouched: 1,
            ..super::Frame::idle(module)
        };
        let outer = std::mem::replace(&mut self.frame, inner);
        let value = evaluate(self);
        self.frame = outer;
        value
    }

    /// The elements that only an annotation or a decoder knows of.
    pub(super) fn annotation_container(&mut self, kind: ContainerKind, span: Span) -> u32 {
        self.container_of(super::Container {
            kind,
            file: self.frame.file,
            span,
            // What an attribute of the instance at hand holds is made by the code that says so.
            ctx: self.frame.declares_state.then_some(self.frame.ctx),
            shared: self.at_import(),
            class: self.frame.classes.last().map(|(class, _)| *class),
            repeated: true,
        })
    }

    pub(super) fn read_element(&mut self, container: u32, key: Key) -> Value {
        self.read(CellKey::Element(container, key))
    }
}
