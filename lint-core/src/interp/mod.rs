//! The abstract interpreter: which functions run, with which values, and what they touch.
//!
//! Every reached function is interpreted in *contexts*, one for each combination of receiver and
//! callable arguments. Inside a function the interpretation follows the flow of control; between
//! functions values meet in *cells* (parameters, returns, globals, attributes, elements). When a
//! cell grows, the contexts that read it run again, until nothing changes. A run replaces the
//! outcome of the run before, so that what a context reports belongs to the final values.
//!
//! The machine is sequential, and its queue, tables and joins are ordered by first use: the
//! result depends on the project alone.

mod args;
mod assignment;
mod attempts;
mod attributes;
mod builtins;
mod calls;
mod changes;
mod classes;
mod comparisons;
mod comprehensions;
mod conditions;
mod containers;
mod contextvars;
mod control;
mod expressions;
mod forms;
mod functions;
mod imports;
mod issuing;
mod iteration;
mod keepers;
mod kinds;
mod loops;
mod marks;
mod mro;
mod namespaces;
mod operators;
mod order;
mod outside;
mod parameters;
mod parts;
mod patterns;
mod scopes;
mod seen;
mod spread;
mod startup;
mod statements;
mod stored;
mod subscripts;
mod switches;
mod taint;
#[cfg(test)]
mod tests;
mod texts;
mod turns;
mod types;
mod value;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::diagnostic::{FileId, Span};
use crate::facts::Elements;
use crate::index::{Function, FunctionNode, MODULE_BODY, Module};
use crate::knowledge::{Api, CommandKind, Knowledge, Remarks, Role, Sandbox, is_at_or_below};
use crate::project::Project;
use crate::syntax::{ast, span_of};

pub(crate) use builtins::mutates;
pub(crate) use keepers::MadeClass;
pub(crate) use marks::Mark;
pub(crate) use mro::Mro;
pub(crate) use seen::Seen;
pub(crate) use spread::{Distance, Springs};
pub(crate) use taint::{Kinds, Sources};
pub use turns::Order;
pub(crate) use turns::{Kind, STEPS_OF_GROUP};
pub(crate) use value::{ClassId, CtxId, FuncId, FuncRef, Obj, Origin, SourceId, Sym, Value};
use value::{Dropped, Interner, Table};

/// A function with more contexts than this gets one that stands for all further ones.
const MAX_CONTEXTS_OF_FUNCTION: u32 = 24;
/// Contexts that run because a decorator is applied do not count, up to so many calls away: joining
/// them would make every decorated function call all others, and there are no more of them than
/// decorators in the source. What is called from further away may be recursive.
const MAX_CALLS_OF_DECORATOR: u32 = 4;
/// The analysis of one project stops growing here.
const MAX_CONTEXTS: usize = 150_000;

/// Where values of different contexts meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum CellKey {
    Global(FileId, Sym),
    /// A local that inner functions use.
    Local(CtxId, Sym),
    Param(CtxId, u16),
    /// The default of a parameter, evaluated where the function is defined.
    Default(FuncRef, u16),
    Return(CtxId),
    Yield(CtxId),
    /// What is sent into a generator.
    Sent(CtxId),
    /// What decides over the calls of a context; see `control.rs`.
    Control(CtxId),
    /// What decides over the exceptions that leave a context.
    Thrown(CtxId),
    /// What decides over which elements a container has.
    Size(u32),
    /// What the keys come from under which something was stored.
    KeyTaint(u32),
    /// What several origins taint together.
    Union(u32),
    ClassAttr(ClassId, Sym),
    /// Whether any class has an attribute of this name.
    DefinedByClasses(Sym),
    /// Whether other code may have set attributes of instances of a class; see `switches.rs`.
    Unsettled(ClassId),
    /// What a decorator of the class stored in its place.
    DecoratedAttr(ClassId, Sym),
    ClassBases(ClassId),
    /// What any code stored in an attribute of any instance that a run makes.
    InstanceAttr(ClassId, Sym),
    /// The same for instances made at import, without what varies with the import.
    ImportAttr(ClassId, Sym),
    /// The same for one variant of instances; 0 holds what code stored that knew of none.
    VariantAttr(ClassId, u32, Sym),
    /// Whether a constructor call of a variant leaves a field as the class has it.
    Unset(ClassId, u32, Sym),
    FunctionAttr(FuncId, Sym),
    Element(u32, Key),
    /// The elements of the sets in whose order the entries of a list or mapping stand.
    SetOrder(u32),
    /// What annotations say of the elements of a set.
    Declared(u32),
    /// What a `defaultdict` calls for a missing key.
    ContainerFactory(u32),
    PartialCallee(u32),
    /// What is kept to be run later.
    Kept(keepers::Shelf, keepers::Slot),
    FieldFactory(u32),
    FieldDefault(u32),
}

/// A key of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key {
    Int(i64),
    Str(Sym),
    /// Any key, or a place in it that is not known.
    Any,
}

#[derive(Debug, Default)]
struct Cell {
    /// Its taint is what was stored; `taint` is what that comes to.
    value: Value,
    taint: taint::Taint,
    readers: Readers,
}

/// The contexts that read a cell. One may be noted several times.
#[derive(Debug, Default)]
struct Readers(Vec<CtxId>);

impl Readers {
    fn note(&mut self, reader: CtxId) {
        if self.0.last() == Some(&reader) {
            return;
        }
        if self.0.len() == self.0.capacity() {
            self.0.sort_unstable();
            self.0.dedup();
            // So the next time is far enough for this one to cost nothing.
            self.0.reserve(self.0.len().max(4));
        }
        self.0.push(reader);
    }

    /// All of them, in order and each once; there are none then.
    fn take(&mut self) -> Vec<CtxId> {
        let mut readers = std::mem::take(&mut self.0);
        readers.sort_unstable();
        readers.dedup();
        readers
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum ContainerKind {
    List,
    Tuple,
    Dict,
    Set,
    FrozenSet,
}

impl ContainerKind {
    pub(crate) fn is_set(self) -> bool {
        matches!(self, Self::Set | Self::FrozenSet)
    }

    /// Whether `+=` and its like change a container of this kind, rather than make another one.
    pub(crate) fn is_mutable(self) -> bool {
        !matches!(self, Self::Tuple | Self::FrozenSet)
    }

    /// What Python calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Tuple => "tuple",
            Self::Dict => "dict",
            Self::Set => "set",
            Self::FrozenSet => "frozenset",
        }
    }
}

/// A container by the expression that makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Container {
    kind: ContainerKind,
    file: FileId,
    span: Span,
    /// The context that makes it; `None` for one that stands for an annotation.
    ctx: Option<CtxId>,
    /// Whether it is made once per process, by a module or class body.
    shared: bool,
    /// The class whose body makes it: a data class copies its defaults for each instance.
    class: Option<ClassId>,
    /// Made in a loop: it stands for several, so stores never replace contents.
    repeated: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Property {
    getter: Obj,
    setter: Option<Obj>,
}

/// Which instances of a class stand together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Variant {
    class: ClassId,
    /// Made while a module is imported, so that all runs of a worker share it.
    at_import: bool,
    /// The callables that the constructor got, and `Unknown` if it got what varies.
    given: Vec<Obj>,
}

/// What a context interprets.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Code {
    Function(FuncRef),
    /// The fields of a data class that a constructor call does not set.
    Fields {
        class: ClassId,
        set: Rc<[Sym]>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct CtxKey {
    code: Code,
    at_import: bool,
    /// The callable objects in each parameter that has any; the receiver of a method.
    signature: Vec<(u16, Vec<Obj>)>,
}

pub(crate) struct Ctx {
    pub(crate) code: Code,
    progress: turns::Progress,
    /// How many calls it is away from the application of a decorator, if it runs for one.
    decorates: Option<u32>,
    /// Whether it is evaluated while a module is imported: a module body, and what it calls.
    pub(crate) at_import: bool,
    pub(crate) outcome: Outcome,
}

/// What one run of a context does.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) edges: Vec<Edge>,
    pub(crate) events: BTreeSet<Event>,
    pub(crate) sinks: BTreeSet<Sink>,
    /// What decides over calls, and which contexts these run: a sink if one of them issues commands.
    pub(crate) decisions: BTreeMap<Sink, Vec<CtxId>>,
    /// What decides over the exceptions that leave this context.
    pub(crate) thrown: BTreeSet<Sink>,
    /// Whether it issues commands, or waits for something that may.
    pub(crate) issues: bool,
    /// Whether it calls something of which a value has dropped a part.
    drops: bool,
    /// Where the values of sources are returned; what that means depends on who called.
    pub(crate) returned: BTreeSet<(Origin, Span)>,
    /// Where values are read that may vary with the import of a module, under which names.
    imported: BTreeSet<(Span, Sym, Origin)>,
    /// What is called on resources: it shares the cause of the first that the value comes from.
    resources: BTreeSet<(Span, EventKind, Vec<Origin>)>,
    /// Calls that leave the project, for the graph.
    pub(crate) externals: BTreeSet<Sym>,
    /// Activities and child workflows that commands start, for the graph.
    pub(crate) scheduled: BTreeSet<Scheduled>,
    /// What expressions were seen to be, for rules that read the code themselves.
    pub(crate) seen: BTreeSet<(Span, Seen)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Scheduled {
    pub(crate) span: Span,
    pub(crate) kind: CommandKind,
    pub(crate) name: Sym,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Edge {
    pub(crate) span: Span,
    pub(crate) callee: CtxId,
    pub(crate) how: How,
    /// In code whose author vouches for it (`sandbox_unrestricted`, `is_replaying`).
    pub(crate) vouched: bool,
}

/// Why a call happens, for the trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum How {
    Call,
    Construct,
    Property,
    Operator,
    Iterate,
    Enter,
    /// Handed to something that calls it.
    Callback,
    /// `default_factory` or validator of a field.
    Factory,
    /// Registered as a query handler or validator, which a replay does not run.
    Answer,
    /// The same, if what a mapping holds does not fill the field.
    MayFill,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Event {
    pub(crate) span: Span,
    pub(crate) kind: EventKind,
    pub(crate) source: Option<SourceId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum EventKind {
    Api {
        name: Sym,
        class: &'static str,
        sandbox: Sandbox,
        remarks: Remarks,
    },
    DirectActivity(FuncId),
    Unordered {
        elements: Elements,
        /// Whether it shows only if commands follow it.
        possible: bool,
    },
    /// State that runs may share is changed. A memo fills it where it was found empty.
    SharedState {
        name: Sym,
        memo: bool,
    },
    ImportTime {
        source: SourceId,
        name: Sym,
    },
    StateWrite(Sym),
    /// The contents of a container change that another context made.
    ContentWrite {
        container: u32,
        name: Sym,
    },
    /// Under the replay flag, a command is issued, or state changed, here or in what is called.
    ReplayFlag {
        name: Sym,
        state: bool,
        callee: Option<CtxId>,
    },
    /// A module is imported that Python does not bring along.
    Import {
        what: Imported,
        /// Whether the sandbox takes the one of the worker.
        passed: bool,
    },
    Command {
        kind: CommandKind,
        name: Sym,
    },
}

impl EventKind {
    /// In the order none stands before it, so what happens at a place begins there.
    const FIRST: Self = Self::Api {
        name: Sym::FIRST,
        class: "",
        sandbox: Sandbox::Stops,
        remarks: Remarks::NONE,
    };
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Imported {
    /// A module outside the project.
    Package(Sym),
    Module(FileId),
    /// One that is taken from its package, which may have it.
    Member(FileId),
}

/// A place that the values of sources reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sink {
    pub(crate) origin: Origin,
    pub(crate) span: Span,
    pub(crate) kind: SinkKind,
    pub(crate) except: Except,
}

/// Which sources mean nothing at a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Except {
    Nothing,
    Source(SourceId),
    /// Those that arise at the sink itself.
    Own,
}

/// Ordered from harmless to fatal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SinkKind {
    /// The order of a set, where none shows.
    Settled,
    /// The identity of an object, compared with that of others in the same process.
    Compared,
    Log,
    /// Handed to code that is not known.
    External,
    /// The length of a timer, which a replay does not compare.
    Timer,
    /// How a command is carried out: a timeout, the queue, how often it is tried.
    Setting,
    /// The length of a timer that is not started at all where it is nothing.
    Limit,
    State,
    Payload,
    Result,
    Order,
    Exception,
    Branch,
    Loop,
    /// What a replay compares of a command: its kind, its name, its id.
    Identity,
}

/// The origin of varying values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Source {
    pub(crate) ctx_file: FileId,
    pub(crate) span: Span,
    pub(crate) name: Sym,
    pub(crate) class: &'static str,
    /// Whether it is evaluated once, when a module is imported.
    pub(crate) at_import: bool,
    pub(crate) sandbox: Sandbox,
    pub(crate) remarks: Remarks,
    /// Which field is filled, where a call fills several.
    pub(crate) field: Option<Sym>,
}

/// The state that follows the flow of control.
#[derive(Debug, Clone, Default)]
struct State {
    vars: BTreeMap<Sym, Value>,
    /// Last stores into containers that this context made itself.
    heap: BTreeMap<(u32, Key), Value>,
    /// Attributes of local variables that this context stored last; see `stored.rs`.
    attributes: BTreeMap<(Sym, Sym), Value>,
    /// Sets that a condition said to have no more than one element.
    single: BTreeSet<u32>,
    /// Whether control cannot come here.
    dead: bool,
}

/// A call that conditions and statements ask about.
#[derive(Debug)]
struct Called {
    /// The role of the SDK function that it calls.
    role: Option<Role>,
    /// The classes of an `isinstance`, or what `len` counts.
    tested: Option<Value>,
}

#[derive(Debug, Default)]
struct PartialCalls {
    running: bool,
    count: usize,
}

/// The run in progress.
struct Frame<'p> {
    ctx: CtxId,
    file: FileId,
    module: &'p Module,
    function: &'p Function<'p>,
    at_import: bool,
    state: State,
    /// Class bodies being executed, innermost last.
    classes: Vec<(ClassId, BTreeMap<Sym, Value>)>,
    /// For each loop being executed, the joined states at its `break`s.
    breaks: Vec<Option<State>>,
    continues: Vec<Option<State>>,
    out: Outcome,
    returned: Value,
    has_returned: bool,
    yielded: Value,
    vouched: u32,
    /// How many conditions that ask whether history is being replayed decide over the statement.
    replaying: u32,
    /// Whether the last condition was one of them.
    asks_replay: bool,
    /// The replay flag, as the conditions around ask for it: what variables get there depends on it.
    asked_replay: Vec<Origin>,
    passthrough: u32,
    /// Whether the annotation being evaluated is one of an attribute.
    declares_state: bool,
    /// How many of the loops around go through the members of a class, one in each round.
    members: u32,
    flow: control::Flow,
    commands: u32,
    /// Whether the instance whose attribute is read may be one of the run.
    may_be_own: bool,
    /// What the object that is being called comes from, and where it stands.
    callee: Value,
    /// Whether the call in progress applies a decorator.
    decorating: bool,
    /// Whether the comprehension evaluated next is consumed in a way that no order shows in.
    ignores_order: bool,
    /// The elements of the sets that the loops around go through: mappings that they fill stand in
    /// that order.
    fill_order: Value,
    /// How deep the calls of the interpreter's own helpers are nested in one another.
    depth: u32,
    /// The partials that the outermost of these helpers has called.
    partials: BTreeMap<u32, PartialCalls>,
    /// Variables that have been assigned, and whether always an object that was made for that.
    fresh: FxHashMap<Sym, bool>,
    /// Those of which something was read that may change the object when it is called.
    lent: BTreeSet<Sym>,
    /// Whether the function hands the object behind a variable to nobody, as far as asked.
    unshared: FxHashMap<Sym, bool>,
    /// What is remembered of calls, by their places.
    calls: FxHashMap<Span, Called>,
}

/// Which code is interpreted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// What workflows reach.
    Workflows,
    /// Every function of every given file, for the full call graph.
    Full,
}

pub(crate) struct Machine<'p> {
    pub(crate) project: &'p Project<'p>,
    pub(crate) knowledge: &'p Knowledge,
    mode: Mode,
    names: Interner,
    known: Known,
    cells: Vec<Cell>,
    /// What each of them is.
    cell_keys: Vec<CellKey>,
    cell_ids: FxHashMap<CellKey, u32>,
    /// Names of the global cells of each module, in the order in which they were made.
    globals_of: FxHashMap<FileId, Vec<Sym>>,
    /// The same for the attributes of each class.
    attributes_of: FxHashMap<ClassId, Vec<Sym>>,
    ctxs: Vec<Ctx>,
    ctx_ids: FxHashMap<CtxKey, CtxId>,
    contexts_of: FxHashMap<(Code, bool), u32>,
    turn: turns::Turn,
    steps: u64,
    /// How deep what is being executed is nested, over all contexts being run.
    nesting: u32,
    containers: Table<Container>,
    /// Known keys of each container, in order of first store.
    container_keys: Vec<Vec<Key>>,
    /// Containers that a context other than their maker stores into.
    container_shared_writes: Vec<bool>,
    /// Containers with the members of a class; see `namespaces.rs`.
    namespaces: FxHashSet<u32>,
    /// Those that are `__dict__` of instances, with these.
    holders: FxHashMap<u32, Value>,
    /// What `keys()` and `items()` give: operators make sets of it.
    views: FxHashSet<u32>,
    /// Containers whose entries are read as attributes: `types.SimpleNamespace`.
    records: FxHashSet<u32>,
    /// Containers that stand for futures, by what was set as their results.
    futures: FxHashSet<u32>,
    bounds: Table<(Obj, Obj)>,
    partials: Table<(FileId, Span, CtxId)>,
    partial_args: FxHashMap<u32, args::Args>,
    keepers: Table<keepers::Keeper>,
    properties: Table<Property>,
    fields: Table<(FileId, Span)>,
    parts: Table<(ClassId, Sym)>,
    flows: taint::Flows,
    marks: marks::Marks,
    variants: Table<Variant>,
    variants_of: FxHashMap<ClassId, u32>,
    /// The functions that fill what was asked about; see `startup.rs`.
    setters: FxHashMap<startup::Filled, Rc<[FuncId]>>,
    /// What the text of files says of attributes; see `switches.rs`.
    attributes_in: FxHashMap<FileId, Rc<switches::Attributes<'p>>>,
    orders: mro::Orders,
    /// What containers are copies of, first of all.
    originals: FxHashMap<u32, u32>,
    /// What members of classes outside the project are.
    members: FxHashMap<(Sym, Sym), Option<Sym>>,
    /// What the catalogue says of them.
    apis: FxHashMap<Sym, &'static [Api]>,
    /// Modules imported below `imports_passed_through()`.
    passed_through: Vec<FileId>,
    /// Where the names come from that modules import from others of the project.
    imported_from: FxHashMap<(FileId, Sym), (FileId, Sym)>,
    module_ctxs: FxHashMap<FileId, CtxId>,
    interpreted: FxHashSet<FuncId>,
    frame: Frame<'p>,
}

/// Names that the interpreter itself looks for.
struct Known {
    self_return: Sym,
    all: Sym,
    class: Sym,
    dict: Sym,
}

impl<'p> Machine<'p> {
    pub(crate) fn new(
        project: &'p Project<'p>,
        knowledge: &'p Knowledge,
        mode: Mode,
        any: &'p Module,
    ) -> Self {
        let mut names = Interner::default();
        let known = Known {
            // No key of a dictionary, which `"return"` could be.
            self_return: names.intern("\0return"),
            all: names.intern("__all__"),
            class: names.intern("__class__"),
            dict: names.intern("__dict__"),
        };
        Self {
            project,
            knowledge,
            mode,
            names,
            known,
            cells: Vec::new(),
            cell_keys: Vec::new(),
            cell_ids: FxHashMap::default(),
            globals_of: FxHashMap::default(),
            attributes_of: FxHashMap::default(),
            ctxs: Vec::new(),
            ctx_ids: FxHashMap::default(),
            contexts_of: FxHashMap::default(),
            turn: turns::Turn::default(),
            steps: 0,
            nesting: 0,
            containers: Table::default(),
            container_keys: Vec::new(),
            container_shared_writes: Vec::new(),
            namespaces: FxHashSet::default(),
            holders: FxHashMap::default(),
            views: FxHashSet::default(),
            records: FxHashSet::default(),
            futures: FxHashSet::default(),
            bounds: Table::default(),
            partials: Table::default(),
            partial_args: FxHashMap::default(),
            keepers: Table::default(),
            properties: Table::default(),
            fields: Table::default(),
            parts: Table::default(),
            flows: taint::Flows::default(),
            marks: marks::Marks::default(),
            variants: Table::default(),
            variants_of: FxHashMap::default(),
            setters: FxHashMap::default(),
            attributes_in: FxHashMap::default(),
            orders: mro::Orders::default(),
            originals: FxHashMap::default(),
            members: FxHashMap::default(),
            apis: FxHashMap::default(),
            passed_through: Vec::new(),
            imported_from: FxHashMap::default(),
            module_ctxs: FxHashMap::default(),
            interpreted: FxHashSet::default(),
            frame: Frame::idle(any),
        }
    }

    // ---- names ----

    pub(crate) fn sym(&mut self, name: &str) -> Sym {
        self.names.intern(name)
    }

    pub(crate) fn str(&self, sym: Sym) -> &str {
        self.names.name(sym)
    }

    pub(crate) fn function(&self, func: FuncId) -> Option<&'p Function<'p>> {
        Some(self.project.module(func.file)?.index().function(func.ix))
    }

    /// `package.module.Class.method`; a module body has the name of its module.
    pub(crate) fn function_name(&self, func: FuncId) -> String {
        let module = self.project.module_name(func.file);
        match self.function(func) {
            Some(function) if func.ix != MODULE_BODY => format!("{module}.{}", function.qualname),
            _ => module,
        }
    }

    pub(crate) fn class_name(&self, class: ClassId) -> String {
        let module = self.project.module_name(class.file);
        match self.project.module(class.file) {
            Some(parsed) => format!("{module}.{}", parsed.index().class(class.ix).qualname),
            None => module,
        }
    }

    pub(crate) fn class_node(&self, class: ClassId) -> Option<&'p ast::StmtClassDef> {
        Some(
            self.project
                .module(class.file)?
                .index()
                .class(class.ix)
                .node,
        )
    }

    // ---- results ----

    pub(crate) fn ctx(&self, id: CtxId) -> &Ctx {
        &self.ctxs[id.0 as usize]
    }

    /// Whether a function was interpreted at least once.
    pub(crate) fn has_context(&self, func: FuncId) -> bool {
        self.interpreted.contains(&func)
    }

    /// All contexts, in the order in which they were made.
    pub(crate) fn ctxs(&self) -> impl Iterator<Item = CtxId> + use<> {
        (0..self.ctxs.len() as u32).map(CtxId)
    }

    /// Whether the sandbox does not watch a module: its import was passed through, or the worker
    /// names it or a package around it.
    pub(crate) fn is_passed_through(&self, file: FileId, by_worker: &BTreeSet<String>) -> bool {
        let name = self.project.module_name(file);
        self.passed_through.contains(&file) || self.is_named_to_pass(&name, by_worker)
    }

    /// Whether the worker or the configuration names a module to pass through, or a package around it.
    pub(crate) fn is_named_to_pass(&self, module: &str, by_worker: &BTreeSet<String>) -> bool {
        let mut named = by_worker.iter().chain(self.knowledge.passed_through());
        named.any(|it| it == "*" || is_at_or_below(module, it))
    }

    /// The function behind a method that is bound to its receiver.
    pub(crate) fn bound_callee(&self, id: u32) -> Obj {
        self.bounds.get(id).0
    }

    /// The value of a global, if it has only one.
    pub(crate) fn constant(&mut self, file: FileId, name: &str) -> Option<Obj> {
        let name = self.sym(name);
        let id = *self.cell_ids.get(&CellKey::Global(file, name))?;
        let value = &self.cells[id as usize].value;
        match value.objs() {
            [one] if !value.is_open() => Some(*one),
            _ => None,
        }
    }

    /// What a local that inner functions use may be.
    pub(crate) fn captured_values(&mut self, ctx: CtxId, name: &str) -> Vec<Obj> {
        let name = self.sym(name);
        let id = self.cell_ids.get(&CellKey::Local(ctx, name));
        let value = id.map(|id| &self.cells[*id as usize].value);
        value.map_or_else(Vec::new, |value| value.objs().to_vec())
    }

    /// The context that makes a container.
    pub(crate) fn maker(&self, container: u32) -> Option<CtxId> {
        self.containers.get(container).ctx
    }

    pub(crate) fn ctx_file(&self, id: CtxId) -> FileId {
        match &self.ctx(id).code {
            Code::Function(it) => it.func.file,
            Code::Fields { class, .. } => class.file,
        }
    }

    /// The function a context runs, or the class whose fields it sets.
    pub(crate) fn ctx_name(&self, id: CtxId) -> String {
        match &self.ctx(id).code {
            Code::Function(it) => self.function_name(it.func),
            Code::Fields { class, .. } => self.class_name(*class),
        }
    }

    /// The attributes of a class that are known, in the order in which they were made.
    pub(crate) fn class_attributes(&self, class: ClassId) -> Vec<Sym> {
        self.attributes_of.get(&class).cloned().unwrap_or_default()
    }

    /// The classes that a context returns.
    pub(crate) fn returned_classes(&mut self, ctx: CtxId) -> Vec<ClassId> {
        let value = self.read(CellKey::Return(ctx));
        let classes = value.objs().iter().filter_map(|obj| match obj {
            Obj::Class(class) => Some(*class),
            _ => None,
        });
        classes.collect()
    }

    /// Has the bodies of modules run once more.
    pub(crate) fn run_modules_again(&mut self) {
        for file in self.project.files() {
            if let Some(&ctx) = self.module_ctxs.get(&file) {
                self.enqueue(ctx);
            }
        }
    }

    /// The functions that an attribute of a class may be.
    pub(crate) fn member_functions_of(&mut self, class: ClassId, name: Sym) -> Vec<FuncRef> {
        let value = self.member_of(class, name);
        let functions = value.objs().iter().filter_map(|obj| match obj {
            Obj::Func(it) | Obj::StaticMethod(it) | Obj::ClassMethod(it) => Some(*it),
            _ => None,
        });
        functions.collect()
    }

    // ---- cells ----

    fn cell(&mut self, key: CellKey) -> u32 {
        if let Some(&id) = self.cell_ids.get(&key) {
            return id;
        }
        match key {
            CellKey::Global(file, name) => self.globals_of.entry(file).or_default().push(name),
            CellKey::ClassAttr(class, name) | CellKey::DecoratedAttr(class, name) => {
                let same = [
                    CellKey::ClassAttr(class, name),
                    CellKey::DecoratedAttr(class, name),
                ];
                if !same.iter().any(|key| self.cell_ids.contains_key(key)) {
                    self.attributes_of.entry(class).or_default().push(name);
                }
            }
            _ => {}
        }
        let id = self.cells.len() as u32;
        self.cells.push(Cell::default());
        self.cell_keys.push(key);
        self.cell_ids.insert(key, id);
        id
    }

    /// The value of a cell; the running context runs again when it grows.
    fn read(&mut self, key: CellKey) -> Value {
        let id = self.cell(key);
        let reader = self.frame.ctx;
        let cell = &mut self.cells[id as usize];
        cell.readers.note(reader);
        self.steps += 1 + cell.value.objs().len() as u64;
        let is_tainted = !cell.value.taint().is_empty();
        let origin = is_tainted.then_some(Origin::Cell(id, Kinds::ALL));
        cell.value.as_read().with_taint(origin)
    }

    /// Joins a value into a cell; says whether that changed it.
    fn write(&mut self, key: CellKey, value: &Value) -> bool {
        if self.is_out_of_steps() {
            return false;
        }
        let id = self.cell(key);
        let cell = &mut self.cells[id as usize];
        let is_first = cell.value.is_bottom();
        let was_tainted = !cell.value.taint().is_empty();
        let is_more = cell.value.join_objects(value);
        let origins = cell.value.lacking(value.taint());
        if !cell.value.add_taint(&origins) && !is_more {
            return false;
        }
        self.taint_cell(id, &origins);
        let cell = &mut self.cells[id as usize];
        if is_more || was_tainted == cell.value.taint().is_empty() {
            for reader in cell.readers.take() {
                self.enqueue(reader);
            }
        }
        if let CellKey::ClassAttr(_, name) | CellKey::DecoratedAttr(_, name) = key
            && is_first
        {
            self.write(CellKey::DefinedByClasses(name), &Value::of(Obj::None));
        }
        true
    }

    // ---- contexts ----

    /// The context for this code and signature, made and queued when new.
    fn context(&mut self, code: Code, at_import: bool, signature: Vec<(u16, Vec<Obj>)>) -> CtxId {
        let id = self.context_of(code, at_import, signature);
        self.reached(id);
        id
    }

    fn context_of(
        &mut self,
        code: Code,
        at_import: bool,
        signature: Vec<(u16, Vec<Obj>)>,
    ) -> CtxId {
        let mut key = CtxKey {
            code,
            at_import,
            signature,
        };
        if let Some(&id) = self.ctx_ids.get(&key) {
            return id;
        }
        let generic_code = match &key.code {
            Code::Function(it) => Code::Function(FuncRef {
                func: it.func,
                closure: CtxId(0),
            }),
            fields @ Code::Fields { .. } => fields.clone(),
        };
        let stays_apart = self.is_near_decorator();
        let count = self
            .contexts_of
            .entry((generic_code.clone(), at_import))
            .or_default();
        *count += u32::from(!stays_apart);
        if *count > MAX_CONTEXTS_OF_FUNCTION || self.ctxs.len() > MAX_CONTEXTS {
            // The receiver stays apart even here: it decides what a method call means.
            key.signature.retain(|(ix, objs)| {
                *ix == 0 && objs.iter().all(|obj| matches!(obj, Obj::Instance(..)))
            });
            if *count > 8 * MAX_CONTEXTS_OF_FUNCTION || self.ctxs.len() > MAX_CONTEXTS {
                key.signature.clear();
                if let Some(&id) = self.ctx_ids.get(&CtxKey {
                    code: generic_code.clone(),
                    at_import,
                    signature: Vec::new(),
                }) {
                    return id;
                }
            }
            if let Some(&id) = self.ctx_ids.get(&key) {
                return id;
            }
        }
        let id = CtxId(self.ctxs.len() as u32);
        let overflow = CtxKey {
            code: generic_code,
            at_import,
            signature: Vec::new(),
        };
        if key.signature.is_empty() {
            self.ctx_ids.entry(overflow).or_insert(id);
        }
        self.ctxs.push(Ctx {
            code: key.code.clone(),
            progress: turns::Progress::default(),
            decorates: self.calls_of_decorator(),
            at_import,
            outcome: Outcome::default(),
        });
        self.ctx_ids.insert(key, id);
        self.enqueue(id);
        id
    }

    /// How many calls away from the application of a decorator a context is that the running code
    /// calls.
    fn calls_of_decorator(&self) -> Option<u32> {
        let caller = self.ctxs.get(self.frame.ctx.0 as usize);
        let calls = caller.and_then(|it| it.decorates).map(|calls| calls + 1);
        // A decorator that is applied by another one counts on, or a function that decorates what calls it
        // would have contexts without end.
        calls.or(self.frame.decorating.then_some(0))
    }

    /// Whether contexts that the running code calls stay apart, since a decorator is applied.
    fn is_near_decorator(&self) -> bool {
        let calls = self.calls_of_decorator();
        calls.is_some_and(|calls| calls < MAX_CALLS_OF_DECORATOR)
    }

    /// The context that executes a module body, if anything imports it.
    pub(crate) fn known_module_ctx(&self, file: FileId) -> Option<CtxId> {
        self.module_ctxs.get(&file).copied()
    }

    /// The context that executes a module body.
    pub(crate) fn module_ctx(&mut self, file: FileId) -> CtxId {
        if let Some(&id) = self.module_ctxs.get(&file) {
            return id;
        }
        let closure = CtxId(self.ctxs.len() as u32);
        let func = FuncId {
            file,
            ix: MODULE_BODY,
        };
        let id = self.context(Code::Function(FuncRef { func, closure }), true, Vec::new());
        self.module_ctxs.insert(file, id);
        id
    }

    /// A context in which nothing is known of the arguments but the receiver.
    pub(crate) fn entry_ctx(&mut self, function: FuncRef, receiver: Option<Obj>) -> CtxId {
        let signature = receiver.map(|obj| (0, vec![obj])).into_iter().collect();
        let id = self.context(Code::Function(function), false, signature);
        if let Some(receiver) = receiver {
            let first = self.first_argument(function.func, id, receiver);
            self.write(CellKey::Param(id, 0), &first);
        }
        id
    }

    /// What the first parameter of a context gets: the receiver, or a tuple around it if the
    /// function is a wrapper that takes `*args`.
    fn first_argument(&mut self, func: FuncId, ctx: CtxId, receiver: Obj) -> Value {
        let node = self.function(func).and_then(|it| it.node.parameters());
        let vararg = node.filter(|it| it.posonlyargs.is_empty() && it.args.is_empty());
        let Some(vararg) = vararg.and_then(|it| it.vararg.as_deref()) else {
            return Value::of(receiver);
        };
        let tuple = self.container_of(Container {
            kind: ContainerKind::Tuple,
            file: func.file,
            span: span_of(&vararg.name),
            ctx: Some(ctx),
            shared: false,
            class: None,
            repeated: false,
        });
        self.put(tuple, Key::Int(0), &Value::of(receiver));
        Value::of(Obj::Container(tuple))
    }

    // ---- recording ----

    fn record_edge(&mut self, span: Span, callee: CtxId, how: How) {
        if !self.frame.state.dead {
            self.other_code_runs();
            self.reached(callee);
            let vouched = self.frame.vouched > 0;
            self.frame.out.edges.push(Edge {
                span,
                callee,
                how,
                vouched,
            });
            if !vouched {
                self.note_decided_call(callee);
            }
            let name = self.known.self_return;
            self.note_replay_flag(span, name, false, Some(callee));
        }
    }

    fn record_event(&mut self, span: Span, kind: EventKind, source: Option<SourceId>) {
        if self.frame.vouched == 0 && !self.frame.state.dead {
            self.frame.out.events.insert(Event { span, kind, source });
        }
    }

    /// Remembers what happens only as the replay flag decides.
    fn note_replay_flag(&mut self, span: Span, name: Sym, state: bool, callee: Option<CtxId>) {
        if self.frame.replaying > 0 && !self.frame.state.dead {
            let kind = EventKind::ReplayFlag {
                name,
                state,
                callee,
            };
            let source = None;
            self.frame.out.events.insert(Event { span, kind, source });
        }
    }

    fn record_sink(&mut self, value: &Value, kind: SinkKind, span: Span) {
        self.record_sink_except(value, kind, span, Except::Nothing);
    }

    fn record_sink_except(&mut self, value: &Value, kind: SinkKind, span: Span, except: Except) {
        let sinks = value.taint().iter().map(|&origin| Sink {
            origin,
            span,
            kind,
            except,
        });
        self.frame.out.sinks.extend(sinks);
    }

    /// Whether the running code is evaluated while a module is imported, once per process.
    fn at_import(&self) -> bool {
        self.frame.at_import
    }

    /// Whether names that the running code binds are those of a module or class.
    fn in_module_body(&self) -> bool {
        matches!(self.frame.function.node, FunctionNode::Module(_))
            && !matches!(self.ctx(self.frame.ctx).code, Code::Fields { .. })
    }

    /// Whether an instance was made while a module was imported.
    fn is_made_at_import(&self, variant: u32) -> bool {
        variant > 0 && self.variants.get(variant - 1).at_import
    }

    /// Makes a hazard out of the use of a known API and returns it as the origin of the result.
    fn hazard(
        &mut self,
        name: Sym,
        class: &'static str,
        sandbox: Sandbox,
        remarks: Remarks,
        span: Span,
    ) -> Option<SourceId> {
        if self.frame.vouched > 0 {
            return None;
        }
        let at_import = self.at_import();
        let ctx_file = self.frame.file;
        let source = Source {
            ctx_file,
            span,
            name,
            class,
            at_import,
            sandbox,
            remarks,
            field: None,
        };
        let source = self.source_id(source);
        self.record_event(
            span,
            EventKind::Api {
                name,
                class,
                sandbox,
                remarks,
            },
            Some(source),
        );
        Some(source)
    }

    /// Runs a helper that follows values into values. They may contain themselves, so beyond a
    /// bound the answer is that nothing is known.
    fn nested(&mut self, work: impl FnOnce(&mut Self) -> Value) -> Value {
        const MAX_NESTING: u32 = 40;
        if self.is_out_of_steps() {
            return Value::bottom();
        }
        if self.frame.depth >= MAX_NESTING {
            return Value::unknown();
        }
        self.frame.depth += 1;
        let value = work(self);
        self.frame.depth -= 1;
        if self.frame.depth == 0 {
            self.frame.partials.clear();
        }
        value
    }

    // ---- small tables ----

    fn bound(&mut self, callee: Obj, receiver: Obj) -> Obj {
        Obj::Bound(self.bounds.id((callee, receiver)))
    }

    fn external(&mut self, name: &str) -> Obj {
        let canonical = self.knowledge.canonical(name);
        Obj::External(self.names.intern(&canonical))
    }
}

impl<'p> Frame<'p> {
    fn idle(module: &'p Module) -> Self {
        Self {
            ctx: CtxId(0),
            file: FileId(0),
            module,
            function: module.index().function(MODULE_BODY),
            at_import: false,
            state: State::default(),
            classes: Vec::new(),
            breaks: Vec::new(),
            continues: Vec::new(),
            out: Outcome::default(),
            returned: Value::bottom(),
            has_returned: false,
            yielded: Value::bottom(),
            vouched: 0,
            replaying: 0,
            asks_replay: false,
            asked_replay: Vec::new(),
            passthrough: 0,
            declares_state: false,
            members: 0,
            flow: control::Flow::default(),
            commands: 0,
            may_be_own: false,
            callee: Value::bottom(),
            decorating: false,
            ignores_order: false,
            fill_order: Value::bottom(),
            depth: 0,
            partials: BTreeMap::new(),
            fresh: FxHashMap::default(),
            lent: BTreeSet::new(),
            unshared: FxHashMap::default(),
            calls: FxHashMap::default(),
        }
    }
}

impl State {
    /// Joins another way to get to the same place.
    fn join(&mut self, other: &Self) {
        if other.dead {
            return;
        }
        if self.dead {
            self.clone_from(other);
            return;
        }
        for (name, value) in &other.vars {
            self.vars.entry(*name).or_default().join(value);
        }
        self.single.retain(|id| other.single.contains(id));
        // A store that only one way makes leaves the contents of the cell on the other way.
        self.heap.retain(|place, _| other.heap.contains_key(place));
        for (place, value) in &mut self.heap {
            if let Some(other) = other.heap.get(place) {
                value.join(other);
            }
        }
        self.attributes
            .retain(|place, _| other.attributes.contains_key(place));
        for (place, value) in &mut self.attributes {
            if let Some(other) = other.attributes.get(place) {
                value.join(other);
            }
        }
    }
}
