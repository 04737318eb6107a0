//! What the engine is told about code it cannot see: the standard library, the workflow SDKs and
//! third-party packages.
//!
//! The engine owns the *shape* of this knowledge and the look-up; the data itself is compiled into
//! static tables by the `rules` crate, and users extend it through their settings. All names are
//! fully resolved dotted names (`datetime.datetime.now`); builtins carry no module (`open`).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// One API whose use matters for replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Api {
    /// The dotted name, or a prefix ending in `.*` that matches everything below it.
    pub name: &'static str,
    /// The class of hazard (`clock`, `random`, `file`, …), or [`SAFE`].
    pub class: &'static str,
    pub access: Access,
    pub when: When,
    pub sandbox: Sandbox,
    pub remarks: Remarks,
}

/// What an author should know about one API beyond its class. The engine only hands it on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Remarks {
    /// A sentence of its own; may be empty.
    pub note: &'static str,
    /// What is advised in the place of what its class advises, by name; may be empty.
    pub advice: &'static str,
}

impl Remarks {
    pub const NONE: Self = Self {
        note: "",
        advice: "",
    };
}

/// The class of APIs that are deterministic under replay; an exact entry overrides a wildcard.
pub const SAFE: &str = "safe";

/// The class of values that identify an object within its process (`id`, salted `hash`); comparing
/// them is harmless.
pub const IDENTITY: &str = "process-identity";

/// The class of the order of a set.
pub const ORDER: &str = "order";

/// The class of what gives tasks in the order of a set.
pub const TASK_ORDER: &str = "task-order";

/// The class of globals that a function sets which no workflow calls: the start of the worker.
pub const STARTUP: &str = "startup";

/// The class of data that came over a connection while a module was imported.
pub const FETCHED: &str = "fetched";

/// The class of flags that say whether a module could be imported.
pub const INSTALLED: &str = "installed";

/// The classes of what waits for something else, which may be a command.
pub const WAITS: &[&str] = &[TASK_ORDER, "asyncio", "no-sync", "unsupported", "thread"];

/// The classes of what sends elsewhere what it is given.
pub const SENDS: &[&str] = &["cloud", "db", "llm", "net"];

/// The class of what reads files.
pub const FILE: &str = "file";

/// The class of files beside the code that are read while a module is imported: they change with a
/// deployment only, as the code does.
pub const BUNDLED: &str = "bundled";

/// The class of state that all runs of a worker may share.
pub const SHARED: &str = "shared-state";

/// The class of answers to the question whether history is being replayed.
pub const REPLAY_FLAG: &str = "replay-flag";

/// Which use of the name counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Calling it (directly, through an alias, or by handing it to something that calls it).
    Call,
    /// Any load of the name, such as `os.environ` or `sys.argv`.
    Read,
}

/// A condition on the arguments of a call. An argument hidden behind `*args` or `**kwargs` is
/// unknown, and an unknown argument satisfies no condition except [`When::Always`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    Always,
    /// The argument is absent or literally `None`.
    Missing(Arg),
    /// The argument is present and not literally `None`.
    Present(Arg),
    /// The argument is a string literal equal to one of these.
    Literal(Arg, &'static [&'static str]),
    /// The argument is a string literal that contains one of these.
    Contains(Arg, &'static [&'static str]),
    /// The argument is literally `True`.
    True(Arg),
    /// The argument is a mapping with this key and this value: a text, `True` or `False`.
    Entry(Arg, &'static str, &'static str),
    /// The argument is an instance of one of these types, or a container with one.
    Holds(Arg, &'static [&'static str]),
    /// What the argument is or holds is not known in full.
    Unclear(Arg),
    All(&'static [When]),
    Any(&'static [When]),
}

impl When {
    fn note_texts(self, texts: &mut BTreeSet<&'static str>) {
        match self {
            Self::Contains(_, parts) => texts.extend(parts),
            Self::All(all) | Self::Any(all) => all.iter().for_each(|it| it.note_texts(texts)),
            _ => {}
        }
    }
}

/// One parameter of a known callable, by 0-based position (where it can be passed so) and by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arg {
    pub position: Option<u8>,
    pub name: &'static str,
}

/// What temporalio's default sandbox does with the API (measured; see the catalogue's notes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sandbox {
    /// It raises or fails the workflow task.
    Stops,
    /// It warns only.
    Warns,
    /// It lets the call through.
    Allows,
    /// Not measured.
    Unknown,
}

/// The type of the value that a call of (or a read of) `name` gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Returns {
    pub name: &'static str,
    pub when: When,
    /// A dotted class name. `datetime.datetime#naive` is a refinement of `datetime.datetime`.
    pub ty: &'static str,
}

/// `name` inherits from `base`: members not found on one are looked up on the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Base {
    pub name: &'static str,
    pub base: &'static str,
}

/// `name` is another spelling of `canonical` (`io.open` of `open`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alias {
    pub name: &'static str,
    pub canonical: &'static str,
}

/// Calling `name` runs the callables passed as these arguments, and those that these keep; `self` is
/// the object whose method it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HigherOrder {
    pub name: &'static str,
    pub runs: &'static [Arg],
    /// Callables that only answer queries and validate updates: a replay does not run them.
    pub answers: &'static [Arg],
    /// Whether they run in a thread or process of their own, for which nobody here waits.
    pub elsewhere: bool,
}

/// A call that keeps callables to be run when what keeps them is: an agent keeps its tools, a graph
/// its nodes. Of several entries with one name, all apply whose conditions hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keeper {
    pub name: &'static str,
    pub when: When,
    pub kept_by: KeptBy,
    /// What the workflow runs itself. A name such as `options.notify` is an entry of an argument.
    pub runs: &'static [Arg],
    /// What activities run.
    pub schedules: &'static [Arg],
    /// An argument, and the value to which it maps the names of what it schedules where the
    /// workflow runs it after all.
    pub exempts: Option<(Arg, &'static str)>,
    /// Whether it decorates: without anything to keep, the call gives a decorator.
    pub decorates: bool,
    /// Whether what the workflow runs decides how it goes on.
    pub decides: bool,
}

/// Where a keeper keeps what it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeptBy {
    /// In what the call gives.
    Result,
    /// In the object whose method is called.
    Receiver,
    /// With everything else that is kept under this name.
    Name(&'static str),
}

/// A class outside the project whose subclasses are kept to have these methods called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listener {
    pub name: &'static str,
    pub methods: &'static [&'static str],
    /// The type of what they are given; may be empty.
    pub given: &'static str,
}

/// A call that makes the workflow issue a command (activity, child workflow, timer, signal, …).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Command {
    pub name: &'static str,
    pub kind: CommandKind,
    /// The argument that is passed by reference only: the activity or child workflow.
    pub target: Option<Arg>,
    /// Arguments that a replay compares with the history, such as names and ids.
    pub identity: &'static [Arg],
    /// Arguments that set a timer of the workflow itself.
    pub timers: &'static [Arg],
    /// Whether it starts no timer where its length is nothing.
    pub none_at_zero: bool,
    /// What the history calls the event that it leaves; `None` if it leaves none.
    pub event: Option<&'static str>,
    /// What tells two of them apart in a replay.
    pub compared: &'static [Arg],
    /// Whether the call itself issues it. What is a coroutine does so when it is awaited, or when
    /// its task begins.
    pub at_once: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CommandKind {
    Activity,
    ChildWorkflow,
    Timer,
    Signal,
    Condition,
    ContinueAsNew,
    Other,
    /// Draws from the random numbers of the run, which every draw moves on.
    Draw,
    /// Registers a handler.
    Registration,
}

/// The part a name plays in a workflow SDK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marker {
    pub name: &'static str,
    pub role: Role,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Class decorator of a workflow class.
    WorkflowClass,
    /// Base class of workflow classes.
    WorkflowBase,
    /// Decorator of a function that is a workflow.
    WorkflowFunction,
    /// Base class of what a worker runs around workflows, in the workflow.
    Interceptor,
    /// A method of a worker's interceptor that returns such a class.
    InterceptorFactory,
    /// Base class of what turns the data of workflows into payloads and back, in the workflow.
    Converter,
    /// Function decorator of an activity.
    Activity,
    /// Method decorators of entry points.
    Run,
    Signal,
    Query,
    Update,
    /// `@handler.validator` of an update.
    Validator,
    Step,
    Init,
    /// A method of this name on a workflow class is called by the SDK.
    Hook,
    /// Returns `True` in workflow code.
    InWorkflow,
    /// Returns `False` in workflow code.
    InActivity,
    /// Raises outside an event loop or a workflow, and never in workflow code.
    Present,
    /// Returns whether history is being replayed.
    IsReplaying,
    /// `with` block in which the author vouches for the code.
    SandboxUnrestricted,
    /// `with` block whose imports the sandbox does not watch.
    PassThrough,
    /// A class whose constructor runs `default_factory` of its fields (`dataclasses.dataclass`,
    /// `pydantic.BaseModel`).
    DataClass,
    /// The `field()` function of such a class.
    Field,
    /// Validators that run when such a class is constructed.
    FieldValidator,
    /// Gives or awaits what it is handed in the order in which it is handed.
    Ordered,
    /// Draws from the random numbers of the run.
    Draw,
    /// Registers a handler while the workflow runs.
    Registration,
    /// A method that changes the object whose method it is.
    Changes,
    /// What an interceptor is handed of a command, which it may change.
    CommandInput,
    /// A part of that which a replay compares.
    Compared,
    /// Gives data over a connection, as opposed to the connection.
    Fetches,
    /// A method that fills its object with what it reads.
    Fills,
    /// Where the code stands, or a file beside it.
    BesideCode,
    /// Makes a path absolute, by the working directory: where the code stands, that adds nothing.
    Locates,
    /// A class whose instances are data: what they were made of is what matters.
    Data,
    /// Logging: values that only go here change nothing that replay compares.
    Log,
}

/// The compiled-in tables, each sorted by name.
#[derive(Debug, Clone, Copy)]
pub struct Tables {
    pub apis: &'static [Api],
    pub returns: &'static [Returns],
    pub bases: &'static [Base],
    pub aliases: &'static [Alias],
    pub higher_order: &'static [HigherOrder],
    pub keepers: &'static [Keeper],
    pub listeners: &'static [Listener],
    pub commands: &'static [Command],
    pub markers: &'static [Marker],
    /// Hazard classes whose values vary but are never `None`.
    pub never_none: &'static [&'static str],
    /// Top-level packages that are never looked for in the project (`temporalio`, `ntro`).
    pub sdk_packages: &'static [&'static str],
    /// Top-level packages of engines that copy an SDK.
    pub engines: &'static [&'static str],
    /// Modules that the sandbox never has a copy of, with what is below them.
    pub always_passed: &'static [&'static str],
    /// Top-level modules of the standard library, sorted.
    pub stdlib: &'static [&'static str],
}

/// A user's own entry: a name (or `prefix.*`) and the class it belongs to.
#[derive(Debug, Clone, Default)]
pub struct UserEntries {
    pub apis: BTreeMap<String, &'static str>,
    pub markers: BTreeMap<String, Role>,
    /// Functions and methods of the project that are workflow code although no class says so.
    pub roots: Vec<String>,
    /// Functions that run what they are given elsewhere, as `execute_activity` does.
    pub executors: Vec<String>,
    /// Modules (and what is below them) that the worker passes through the sandbox.
    pub passed_through: Vec<String>,
}

/// The tables together with the user's additions.
#[derive(Debug, Clone)]
pub struct Knowledge {
    tables: &'static Tables,
    user: UserEntries,
    /// Parts of text that tell calls apart, such as `:memory:`.
    telling: BTreeSet<&'static str>,
}

impl Knowledge {
    pub fn new(tables: &'static Tables, user: UserEntries) -> Self {
        let mut telling = BTreeSet::new();
        let apis = tables.apis.iter().map(|it| it.when);
        for when in apis.chain(tables.returns.iter().map(|it| it.when)) {
            when.note_texts(&mut telling);
        }
        telling.remove("");
        Self {
            tables,
            user,
            telling,
        }
    }

    /// Whether text has a part that tells calls apart which are given it.
    pub fn tells(&self, text: &str) -> bool {
        self.telling.iter().any(|part| text.contains(part))
    }

    pub fn tables(&self) -> &'static Tables {
        self.tables
    }

    /// Resolves alternative spellings: `io.open` is `open`, `posixpath.exists` is `os.path.exists`.
    /// What an SDK defines in a private module has the name by which it is public.
    pub fn canonical<'n>(&self, name: &'n str) -> Cow<'n, str> {
        let alias = |name: &str| equal_range(self.tables.aliases, name, |a| a.name).first();
        if let Some(alias) = alias(name) {
            return Cow::Borrowed(alias.canonical);
        }
        let top_level = name.split('.').next().unwrap_or_default();
        if !name.contains("._") || !self.is_sdk_package(top_level) {
            return Cow::Borrowed(name);
        }
        let is_public = |part: &&str| !part.starts_with('_') || part.starts_with("__");
        let public: Vec<&str> = name.split('.').filter(is_public).collect();
        let public = public.join(".");
        Cow::Owned(alias(&public).map_or(public, |alias| alias.canonical.to_owned()))
    }

    /// The class the user gave to this name, exact before wildcard, longest wildcard first.
    pub fn user_class(&self, name: &str) -> Option<&'static str> {
        if self.user.apis.is_empty() {
            return None;
        }
        if let Some(class) = self.user.apis.get(name) {
            return Some(class);
        }
        prefixes(name).find_map(|prefix| self.user.apis.get(&format!("{prefix}.*")).copied())
    }

    /// All entries for the name: the exact ones, else those of its longest wildcard.
    pub fn apis(&self, name: &str) -> &'static [Api] {
        let exact = equal_range(self.tables.apis, name, |a| a.name);
        if !exact.is_empty() {
            return exact;
        }
        prefixes(name)
            .map(|prefix| equal_range(self.tables.apis, &format!("{prefix}.*"), |a| a.name))
            .find(|found| !found.is_empty())
            .unwrap_or(&[])
    }

    /// Whether the name is one of a function or a class, as far as anything is known of it.
    pub fn is_called(&self, name: &str) -> bool {
        let entries = equal_range(self.tables.apis, name, |it| it.name);
        entries.iter().any(|it| it.access == Access::Call)
    }

    /// The public names of a module outside the project, as far as anything is known of them.
    pub fn names_in(&self, module: &str) -> BTreeSet<&'static str> {
        let tables = self.tables;
        let below = format!("{module}.");
        let apis = tables.apis.iter().map(|it| it.name);
        let names = apis
            .chain(tables.returns.iter().map(|it| it.name))
            .chain(tables.higher_order.iter().map(|it| it.name))
            .chain(tables.keepers.iter().map(|it| it.name))
            .chain(tables.commands.iter().map(|it| it.name))
            .chain(tables.markers.iter().map(|it| it.name))
            .chain(tables.aliases.iter().map(|it| it.name));
        let members = names.filter_map(|name| name.strip_prefix(below.as_str()));
        let first = members.filter_map(|member| member.split(['.', '#']).next());
        first.filter(|it| !it.starts_with(['_', '*'])).collect()
    }

    /// Whether anything below the name is known, as there is for a class with methods.
    pub fn has_members(&self, name: &str) -> bool {
        let below = format!("{name}.");
        let at = self
            .tables
            .apis
            .partition_point(|api| api.name < below.as_str());
        self.tables
            .apis
            .get(at)
            .is_some_and(|api| api.name.starts_with(&below))
    }

    pub fn returns(&self, name: &str) -> &'static [Returns] {
        equal_range(self.tables.returns, name, |r| r.name)
    }

    pub fn bases<'k>(&'k self, name: &str) -> impl Iterator<Item = &'static str> + 'k {
        equal_range(self.tables.bases, name, |b| b.name)
            .iter()
            .map(|b| b.base)
    }

    pub fn higher_order(&self, name: &str) -> Option<&'static HigherOrder> {
        equal_range(self.tables.higher_order, name, |h| h.name).first()
    }

    pub fn keepers(&self, name: &str) -> &'static [Keeper] {
        equal_range(self.tables.keepers, name, |k| k.name)
    }

    /// The calls that keep something under a name of its own, for a workflow to look up.
    pub fn registries(&self) -> impl Iterator<Item = &'static Keeper> {
        let keepers = self.tables.keepers.iter();
        keepers.filter(|it| matches!(it.kept_by, KeptBy::Name(_)))
    }

    /// The methods that are called on instances of classes derived from this one.
    pub fn listener(&self, name: &str) -> Option<&'static Listener> {
        equal_range(self.tables.listeners, name, |l| l.name).first()
    }

    pub fn command(&self, name: &str) -> Option<&'static Command> {
        equal_range(self.tables.commands, name, |c| c.name).first()
    }

    pub fn role(&self, name: &str) -> Option<Role> {
        self.user.markers.get(name).copied().or_else(|| {
            equal_range(self.tables.markers, name, |m| m.name)
                .first()
                .map(|m| m.role)
        })
    }

    /// The names that the user gave a part to.
    pub fn user_markers(&self) -> impl Iterator<Item = (&str, Role)> {
        let markers = self.user.markers.iter();
        markers.map(|(name, role)| (name.as_str(), *role))
    }

    pub fn is_log(&self, name: &str) -> bool {
        self.role(name) == Some(Role::Log)
    }

    /// All names that play a part, the user's first.
    pub fn markers(&self) -> impl Iterator<Item = (&str, Role)> {
        self.user_markers().chain(self.sdk_markers())
    }

    pub fn sdk_markers(&self) -> impl Iterator<Item = (&str, Role)> {
        let markers = self.tables.markers.iter();
        markers.map(|marker| (marker.name, marker.role))
    }

    pub fn roots(&self) -> &[String] {
        &self.user.roots
    }

    pub fn is_executor(&self, name: &str) -> bool {
        self.user.executors.iter().any(|it| it == name)
    }

    /// Whether the user says anything about APIs or functions by their names.
    pub fn has_user_names(&self) -> bool {
        !self.user.executors.is_empty() || !self.user.apis.is_empty()
    }

    pub fn passed_through(&self) -> &[String] {
        &self.user.passed_through
    }

    /// The hazard classes whose values are something whatever they are: times, random numbers.
    pub fn never_none(&self) -> &'static [&'static str] {
        self.tables.never_none
    }

    pub fn is_sdk_package(&self, top_level: &str) -> bool {
        self.tables.sdk_packages.contains(&top_level)
    }

    /// Whether the package is an engine of its own, with an API like that of an SDK.
    pub fn is_engine(&self, top_level: &str) -> bool {
        self.tables.engines.contains(&top_level)
    }

    /// Whether the sandbox takes the module of the worker, whatever is said about it.
    pub fn is_always_passed(&self, module: &str) -> bool {
        let mut passed = self.tables.always_passed.iter();
        let package = module.split('.').next().unwrap_or(module);
        self.is_stdlib(package)
            || self.is_sdk_package(package)
            || passed.any(|it| is_at_or_below(module, it))
    }

    pub fn is_stdlib(&self, top_level: &str) -> bool {
        self.tables.stdlib.binary_search(&top_level).is_ok()
    }
}

/// Whether a dotted name is another one, or one below it.
pub(crate) fn is_at_or_below(module: &str, package: &str) -> bool {
    module
        .strip_prefix(package)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// `a.b.c` gives `a.b`, then `a`.
fn prefixes(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(name.rsplit_once('.').map(|(head, _)| head), |head| {
        head.rsplit_once('.').map(|(head, _)| head)
    })
}

/// The run of entries with this key in a table sorted by key.
fn equal_range<T>(
    table: &'static [T],
    key: &str,
    key_of: impl Fn(&T) -> &'static str,
) -> &'static [T] {
    let start = table.partition_point(|entry| key_of(entry) < key);
    let same = table[start..]
        .iter()
        .take_while(|entry| key_of(entry) == key);
    &table[start..start + same.count()]
}
