//! The order of sets: where it arises, what owes anything to it, and uses in which none shows.

use crate::diagnostic::Span;
use crate::facts::Elements;
use crate::index::FunctionNode;
use crate::syntax::ast::Expr;
use crate::syntax::span_of;

use super::args::{Args, Argument};
use super::{
    CellKey, Code, ContainerKind, EventKind, Kinds, Machine, Obj, SinkKind, SourceId, Sym, Value,
};

/// Calls that give the same in whatever order they see their arguments' elements.
fn shows_none(callee: &str) -> bool {
    matches!(
        callee,
        "isinstance"
            | "issubclass"
            | "str.startswith"
            | "str.endswith"
            | "bytes.startswith"
            | "bytes.endswith"
            | "math.prod"
            | "math.fsum"
            | "heapq.nlargest"
            | "heapq.nsmallest"
            | "statistics.median"
            | "statistics.multimode"
    )
}

/// The same for methods of sets, of what they are given.
fn compares_as_set(method: &str) -> bool {
    matches!(
        method,
        "update"
            | "union"
            | "difference"
            | "difference_update"
            | "intersection"
            | "intersection_update"
            | "symmetric_difference"
            | "symmetric_difference_update"
            | "issubset"
            | "issuperset"
            | "isdisjoint"
    )
}

/// `value.startswith(…)`, which text has, and what behaves like text.
fn tests_affix(callee: &Expr) -> bool {
    matches!(callee, Expr::Attribute(it) if matches!(it.attr.as_str(), "startswith" | "endswith"))
}

/// `[]`, `()` or `{}`: what is compared with it is asked whether it is empty.
pub(super) fn is_empty_literal(expression: &Expr) -> bool {
    match expression {
        Expr::List(it) => it.elts.is_empty(),
        Expr::Tuple(it) => it.elts.is_empty(),
        Expr::Dict(it) => it.items.is_empty(),
        _ => false,
    }
}

/// Whether such an expression makes a mapping without any keys.
fn is_empty_mapping(made: &str) -> bool {
    let (name, given) = made.split_once('(').unwrap_or((made, ")"));
    match name.rsplit('.').next() {
        Some("{}" | "dict" | "OrderedDict" | "Counter") => given == ")",
        Some("defaultdict") => !given.contains(','),
        _ => false,
    }
}

/// What has an order, and a size that its contents do not change.
pub(super) const SEQUENCES: &[ContainerKind] = &[
    ContainerKind::Dict,
    ContainerKind::List,
    ContainerKind::Tuple,
];

pub(super) const SETS: &[ContainerKind] = &[ContainerKind::FrozenSet, ContainerKind::Set];

impl<'p> Machine<'p> {
    /// What `"%s" % values` and `"{}".format(…)` owe to the order of sets that they write out.
    pub(super) fn order_in_text(&mut self, values: &[Value], span: Span) -> Option<SourceId> {
        let mut order = None;
        for value in values {
            let parts = self.exact_elements(value);
            for part in parts.iter().flatten() {
                order = self.note_order(part, span).or(order);
            }
            order = self.note_order(value, span).or(order);
        }
        order
    }

    /// What a call owes to its arguments that gives as many elements as they have: their elements
    /// vary for themselves.
    pub(super) fn size_of_arguments(&mut self, args: &Args) -> Value {
        let mut taint = Value::bottom();
        for argument in &args.positional {
            let value = &argument.value;
            let own = if !value.objs().is_empty() && self.are_containers(value, SEQUENCES) {
                self.size_taint(value).tainted_by(value)
            } else {
                self.deep_taint(value, argument.span)
            };
            taint.add_taint(own.taint());
        }
        taint
    }

    /// Says of the elements of lists that what moves them around owes something to a value.
    pub(super) fn taint_elements(&mut self, lists: &Value, by: &Value) {
        if by.taint().is_empty() {
            return;
        }
        for obj in lists.objs().to_vec() {
            if let Obj::Container(id) = obj {
                let elements = self.all_elements(&Value::of(obj)).tainted_by(by);
                for (key, _) in self.entries(&Value::of(obj)) {
                    self.put(id, key, &elements);
                }
            }
        }
    }

    /// The arguments of a call as they are where they owe nothing to the order of sets, if none
    /// shows in what the callee does with them.
    pub(super) fn settled_arguments(
        &mut self,
        callee: &Value,
        written: &'p Expr,
        args: &Args,
    ) -> Option<Args> {
        let called = |obj: &Obj| match obj {
            Obj::Bound(id) => self.bounds.get(*id).0,
            obj => *obj,
        };
        let shows_none = |obj: &Obj| match &called(obj) {
            Obj::External(name) => shows_none(self.str(*name)),
            Obj::ContainerMethod(id, method) => {
                self.containers.get(*id).kind.is_set() && compares_as_set(self.str(*method))
            }
            Obj::Unknown | Obj::Made(_) => tests_affix(written),
            _ => false,
        };
        let has_key = args.keywords.iter().any(|(name, _)| name.is_some());
        if has_key || callee.objs().is_empty() || !callee.objs().iter().all(shows_none) {
            return None;
        }
        let positional = args.positional.iter().map(|argument| Argument {
            value: self.settled(&argument.value, argument.span),
            ..argument.clone()
        });
        Some(Args {
            positional: positional.collect(),
            ..args.clone()
        })
    }

    /// A list of the running function that is sorted has the order that sorting gives it, and no longer
    /// that of a set. Only what a variable stands for can be told from what it was before.
    pub(super) fn sort_variable(&mut self, variable: Sym, args: &Args, span: Span) {
        let Some(list) = self.frame.state.vars.get(&variable).cloned() else {
            return;
        };
        let is_own = |obj: &Obj| match obj {
            Obj::Container(id) => self.containers.get(*id).ctx == Some(self.frame.ctx),
            _ => false,
        };
        if list.part().is_some() || !list.objs().iter().all(is_own) {
            return;
        }
        let whole = self.deep_taint(&list, span);
        if self.taint_of_kinds(&whole, Kinds::ORDER).is_empty() {
            return;
        }
        let mut args = args.clone();
        args.positional = vec![Argument {
            value: list,
            starred: false,
            span,
        }];
        let sorted = self.sym("sorted");
        if let Some(sorted) = self.call_builtin(sorted, &args, span) {
            self.frame.state.vars.insert(variable, sorted);
        }
    }

    pub(super) fn are_containers(&self, value: &Value, kinds: &[ContainerKind]) -> bool {
        value.objs().iter().all(|obj| match obj {
            Obj::Container(id) => kinds.contains(&self.containers.get(*id).kind),
            _ => false,
        })
    }

    /// The value without what it owes to the order of sets, which is used in a way that shows none.
    pub(super) fn settled(&mut self, value: &Value, span: Span) -> Value {
        let order = self.only_order(value);
        self.record_sink(&order, SinkKind::Settled, span);
        self.without_order(value)
    }

    /// The value without what it owes to the order of sets.
    pub(super) fn without_order(&mut self, value: &Value) -> Value {
        self.with_kinds(value, Kinds::ORDER.not())
    }

    /// What the value owes to the order of sets, as a value without objects.
    pub(super) fn only_order(&mut self, value: &Value) -> Value {
        let order = self.taint_of_kinds(value, Kinds::ORDER);
        Value::bottom().with_taint(order)
    }

    /// Adds to an element of a set that it is a coroutine, which begins when somebody awaits it.
    pub(super) fn as_element(&mut self, element: &'p Expr, mut value: Value) -> Value {
        let span = span_of(element);
        let callees = self.frame.out.edges.iter().filter(|edge| edge.span == span);
        let is_coroutine = element.is_call_expr()
            && callees
                .into_iter()
                .any(|edge| match &self.ctx(edge.callee).code {
                    Code::Function(it) => self.function(it.func).is_some_and(|it| match it.node {
                        FunctionNode::Def(def) => def.is_async && !it.is_generator,
                        _ => false,
                    }),
                    Code::Fields { .. } => false,
                });
        if is_coroutine {
            let coroutine = self.sym("types.CoroutineType");
            value.add(Obj::ExternalInstance(coroutine));
        }
        value
    }

    /// Notes that the order of a set becomes visible here and returns it as a source.
    pub(super) fn note_order(&mut self, value: &Value, span: Span) -> Option<SourceId> {
        self.order_source(value, span, false)
    }

    /// The same where the order may not become visible: it counts only if commands follow it.
    pub(super) fn note_possible_order(&mut self, value: &Value, span: Span) -> Option<SourceId> {
        self.order_source(value, span, true)
    }

    fn order_source(&mut self, value: &Value, span: Span, possible: bool) -> Option<SourceId> {
        if self.frame.vouched > 0 {
            return None;
        }
        let elements = self.unordered_source(value)?;
        let name = self.sym("set iteration order");
        let source = super::Source {
            ctx_file: self.frame.file,
            span,
            name,
            class: crate::knowledge::ORDER,
            at_import: self.at_import(),
            sandbox: crate::knowledge::Sandbox::Allows,
            remarks: crate::knowledge::Remarks::NONE,
            field: None,
        };
        let source = self.source_id(source);
        self.record_event(
            span,
            EventKind::Unordered { elements, possible },
            Some(source),
        );
        Some(source)
    }

    /// Why the order of the value's elements varies, if it is a set whose order does.
    pub(super) fn unordered_source(&mut self, value: &Value) -> Option<Elements> {
        let elements = self.set_order(value);
        if elements.is_bottom() {
            None
        } else {
            self.hash_of(&elements)
        }
    }

    /// The elements whose hashes decide the order of a value's entries: those of a set with more
    /// than one, and of the sets that the entries of a list or mapping were taken from.
    pub(super) fn set_order(&mut self, value: &Value) -> Value {
        let mut elements = Value::bottom();
        let mut in_sets = None;
        let mut declared = Value::bottom();
        for obj in value.objs().to_vec() {
            let Obj::Container(id) = obj else { continue };
            let object = Value::of(obj);
            if !self.containers.get(id).kind.is_set() {
                elements.join(&self.read(CellKey::SetOrder(id)));
            } else if !self.is_single(&object) {
                let own = self.all_elements(&object);
                in_sets.get_or_insert_with(Value::bottom).join(&own);
                declared.join(&self.read(CellKey::Declared(id)));
            }
        }
        // An annotation says more than elements that are not known.
        let in_sets = match in_sets {
            Some(own) if !declared.is_bottom() => {
                Some(own.filter(|obj| !is_unknown(&obj)).joined(&declared))
            }
            own => own,
        };
        // A set that is made empty is filled with what the others have; of one that is alone nothing
        // is known.
        elements.join(&match in_sets {
            Some(known) if known.objs().is_empty() => Value::unknown(),
            Some(known) => known,
            None => Value::bottom(),
        });
        elements.without_taint()
    }

    /// The sets of an annotation, if it says more of the elements than the sets of the value.
    pub(super) fn sets_declared(
        &mut self,
        value: &Value,
        declared: impl FnOnce(&mut Self) -> Value,
    ) -> Value {
        let mut says_little = false;
        for obj in value.objs().to_vec() {
            if self.is_set(obj) {
                let elements = self.all_elements(&Value::of(obj));
                let mut elements = elements.objs().iter().peekable();
                says_little |= elements.peek().is_none() || elements.any(is_unknown);
            }
        }
        if !says_little {
            return Value::bottom();
        }
        let declared = declared(self);
        declared.filter(|obj| self.is_set(obj))
    }

    /// The sets that the running code makes hold what an annotation says, where no more is known.
    pub(super) fn declare_elements(&mut self, made: &Value, declared: &Value) {
        let mut elements = Value::bottom();
        for &obj in declared.objs() {
            if let Obj::Container(id) = obj {
                elements.join(&self.read(CellKey::Declared(id)));
            }
        }
        for &obj in made.objs() {
            if let Obj::Container(id) = obj
                && self.is_set(obj)
                && self.containers.get(id).ctx == Some(self.frame.ctx)
            {
                self.write(CellKey::Declared(id), &elements);
            }
        }
    }

    fn is_set(&self, obj: Obj) -> bool {
        matches!(obj, Obj::Container(id) if self.containers.get(id).kind.is_set())
    }

    /// A key that is stored in a loop over a set stands where the order of the set puts it, in a
    /// mapping that was empty before. Where the key was there already, it stays where it is.
    pub(super) fn fill_in_order(&mut self, object: &Value, key: &Value) {
        if self.frame.fill_order.is_bottom() || key.is_one_constant() {
            return;
        }
        let order = self.frame.fill_order.clone();
        for obj in object.objs().to_vec() {
            let Obj::Container(id) = obj else { continue };
            let container = *self.containers.get(id);
            let source = self.project.source(container.file);
            let made = source.map_or("", |source| source.slice(container.span));
            if container.ctx == Some(self.frame.ctx) && is_empty_mapping(made) {
                self.write(CellKey::SetOrder(id), &order);
            }
        }
    }

    pub(super) fn hash_of(&mut self, elements: &Value) -> Option<Elements> {
        if self.may_be_task(elements) {
            return Some(Elements::Address);
        }
        let mut result = None;
        let hashed = self.leaves(elements, |this, id| {
            let is_tuple = this.containers.get(id).kind == ContainerKind::Tuple;
            is_tuple.then(|| {
                let inner = this.all_elements(&Value::of(Obj::Container(id)));
                if inner.objs().is_empty() {
                    Value::unknown()
                } else {
                    inner
                }
            })
        });
        for &obj in &hashed {
            let one = match obj {
                Obj::Str(_) => Some(Elements::Salted),
                Obj::None | Obj::Bool(_) | Obj::Int(_) => None,
                Obj::ExternalInstance(ty) => external_hash(self.names.name(ty)),
                Obj::Func(_)
                | Obj::Class(_)
                | Obj::Bound(_)
                | Obj::External(_)
                | Obj::Module(_) => Some(Elements::Address),
                Obj::Instance(class, _) => self.instance_hash(class),
                _ => Some(Elements::Unknown),
            };
            result = match (result, one) {
                (Some(Elements::Salted), _) | (_, Some(Elements::Salted)) => Some(Elements::Salted),
                (Some(Elements::Address), _) | (_, Some(Elements::Address)) => {
                    Some(Elements::Address)
                }
                (Some(it), _) | (None, Some(it)) => Some(it),
                (None, None) => None,
            };
        }
        if hashed.is_empty() {
            Some(Elements::Unknown)
        } else {
            result
        }
    }

    /// Whether the callee gives the same result in whatever order it sees its elements, so that a
    /// comprehension written as its argument need not be ordered.
    pub(super) fn ignores_order(&self, callee: &Value) -> bool {
        let ignores = |obj: &Obj| match obj {
            Obj::External(name) => matches!(
                self.str(*name),
                "any"
                    | "all"
                    | "len"
                    | "sum"
                    | "min"
                    | "max"
                    | "set"
                    | "frozenset"
                    | "sorted"
                    | "math.fsum"
                    | "collections.Counter"
            ),
            Obj::ContainerMethod(id, _) => self.containers.get(*id).kind.is_set(),
            _ => false,
        };
        !callee.objs().is_empty() && callee.objs().iter().all(ignores)
    }
}

fn is_unknown(obj: &Obj) -> bool {
    matches!(obj, Obj::Unknown | Obj::Made(_))
}

fn external_hash(ty: &str) -> Option<Elements> {
    match ty.split('#').next().unwrap_or(ty) {
        "int" | "bool" | "float" | "complex" | "decimal.Decimal" | "fractions.Fraction"
        | "uuid.UUID" | "datetime.timedelta" | "range" => None,
        "str"
        | "bytes"
        | "datetime.datetime"
        | "datetime.date"
        | "datetime.time"
        | "pathlib.Path"
        | "pathlib.PurePath"
        | "pathlib.PosixPath"
        | "pathlib.PurePosixPath" => Some(Elements::Salted),
        "types.CoroutineType" | "object" => Some(Elements::Address),
        _ => Some(Elements::Unknown),
    }
}
