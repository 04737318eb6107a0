//! Compiles the catalogue's TOML files into static tables; `src/catalogue.rs` explains the format.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

const DIRECTORY: &str = "catalogue";
const SAFE: &str = "safe";

/// The files that are not named after a class.
const OTHER_FILES: [&str; 6] = [
    "advice",
    "classes",
    "types",
    "sdk",
    "frameworks",
    "compared",
];

/// Stands for the table of a command whose properties nobody has measured.
const NOT_MEASURED: &str = "not measured";

/// For each command, which of its properties a replay compares.
type Compared = BTreeMap<String, BTreeMap<String, bool>>;

type Result<T> = std::result::Result<T, String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Class {
    title: String,
    varies: String,
    temporal: String,
    runbook: String,
    #[serde(default, rename = "gives-value")]
    gives_value: bool,
    #[serde(default, rename = "never-none")]
    never_none: bool,
    severity: Option<MaxSeverity>,
    #[serde(default = "yes")]
    fix: bool,
}

fn yes() -> bool {
    true
}

/// What takes the place of what the class says about an API.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advice {
    varies: Option<String>,
    /// What to write instead, whatever the SDK is.
    help: Option<String>,
    temporal: Option<String>,
    runbook: Option<String>,
    #[serde(rename = "gives-value")]
    gives_value: Option<bool>,
    severity: Option<MaxSeverity>,
    fix: Option<bool>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum MaxSeverity {
    Info,
    Warning,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClassFile {
    api: Vec<Api>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Api {
    name: String,
    #[serde(default)]
    access: Access,
    when: Option<When>,
    #[serde(default)]
    sandbox: Sandbox,
    #[serde(default)]
    note: String,
    /// The table of `advice.toml` that says it better than the class.
    #[serde(default)]
    advice: String,
    setup: Option<String>,
    example: String,
    /// The class is the name of the file.
    #[serde(skip)]
    class: String,
}

/// As `lint_core::knowledge` has it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Access {
    #[default]
    Call,
    Read,
}

/// As `lint_core::knowledge` has it; what was not measured is left out.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Sandbox {
    Stops,
    Warns,
    Allows,
    #[default]
    #[serde(skip)]
    Unknown,
}

/// A variant of an enumeration in `lint_core::knowledge`, written in kebab case. The compiler finds
/// one that does not exist.
#[derive(Deserialize)]
#[serde(from = "String")]
struct Variant(String);

impl From<String> for Variant {
    fn from(kebab: String) -> Self {
        let words = kebab.split('-').map(|word| {
            let (first, rest) = word.split_at(word.len().min(1));
            first.to_uppercase() + rest
        });
        Self(words.collect())
    }
}

/// A condition as written: arguments are `position:name`, and a list starts with its argument.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum When {
    Missing(String),
    Present(String),
    Literal(Vec<String>),
    Contains(Vec<String>),
    True(String),
    Entry(Vec<String>),
    Holds(Vec<String>),
    Unclear(String),
    All(Vec<When>),
    Any(Vec<When>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TypesFile {
    returns: Vec<Returns>,
    base: Vec<Base>,
    alias: Vec<Alias>,
    higher_order: Vec<HigherOrder>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Returns {
    name: String,
    when: Option<When>,
    r#type: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Base {
    name: String,
    base: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Alias {
    name: String,
    canonical: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HigherOrder {
    name: String,
    #[serde(default)]
    runs: Vec<String>,
    #[serde(default)]
    answers: Vec<String>,
    #[serde(default)]
    elsewhere: bool,
}

/// What agent frameworks are, said by the tables of the other files.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct FrameworksFile {
    keeper: Vec<Keeper>,
    listener: Vec<Listener>,
    returns: Vec<Returns>,
    base: Vec<Base>,
    higher_order: Vec<HigherOrder>,
    command: Vec<Command>,
    alias: Vec<Alias>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Keeper {
    name: String,
    when: Option<When>,
    /// `receiver`, or a name for a workflow to look up.
    by: Option<String>,
    #[serde(default)]
    runs: Vec<String>,
    #[serde(default)]
    schedules: Vec<String>,
    /// An argument and a value.
    exempts: Option<(String, String)>,
    #[serde(default)]
    decorates: bool,
    #[serde(default)]
    decides: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listener {
    name: String,
    methods: Vec<String>,
    #[serde(default)]
    given: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct SdkFile {
    sdk_packages: BTreeSet<String>,
    engines: BTreeSet<String>,
    always_passed: BTreeSet<String>,
    stdlib: BTreeSet<String>,
    command: Vec<Command>,
    marker: Vec<Marker>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Command {
    name: String,
    kind: String,
    /// The table of `compared.toml` that was measured for it, if it is not that of its kind.
    compared: Option<String>,
    target: Option<String>,
    /// What names the command and what it is sent to; a replay need not compare all of it.
    #[serde(default)]
    identity: Vec<String>,
    #[serde(default)]
    timers: Vec<String>,
    /// Whether it starts no timer where its length is nothing.
    #[serde(default)]
    none_at_zero: bool,
    /// What the history calls the event that it leaves, if not by its kind.
    event: Option<String>,
    /// Whether the call itself issues it, and not the coroutine that it gives.
    #[serde(default)]
    at_once: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Marker {
    name: String,
    role: Variant,
}

/// The rows of one table, as Rust source under their names.
#[derive(Default)]
struct Table(Vec<(String, String)>);

impl Table {
    fn push(&mut self, name: &str, row: String) {
        self.0.push((name.to_owned(), row));
    }

    /// Sorts by name and keeps the order of rows that share one.
    fn finish(mut self) -> Self {
        self.0.sort_by(|a, b| a.0.cmp(&b.0));
        self
    }

    /// Sorts a table in which every name may occur once.
    fn finish_unique(self, file: &str, what: &str) -> Result<Self> {
        let table = self.finish();
        match table.0.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            Some(pair) => Err(format!("{file}: {what} `{}` is listed twice", pair[0].0)),
            None => Ok(table),
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    fn source(&self) -> String {
        slice(self.0.iter().map(|(_, row)| row.clone()))
    }
}

/// The conditions of each name so far. The first entry that matches wins, so one that repeats a
/// condition or follows an unconditional entry is dead.
#[derive(Default)]
struct Conditions(BTreeMap<String, Vec<String>>);

impl Conditions {
    fn add(&mut self, name: &str, when: &str) -> Result<()> {
        let earlier = self.0.entry(name.to_owned()).or_default();
        if earlier
            .iter()
            .any(|other| other == when || other == "When::Always")
        {
            return Err(format!(
                "`{name}` can never match, an earlier entry covers it"
            ));
        }
        earlier.push(when.to_owned());
        Ok(())
    }
}

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed={DIRECTORY}");
    println!("cargo::rerun-if-changed=build.rs");
    match compile() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            for line in message.lines() {
                println!("cargo::error={line}");
            }
            ExitCode::FAILURE
        }
    }
}

fn compile() -> Result<()> {
    let classes: BTreeMap<String, Class> = read("classes.toml")?;
    check_classes(&classes)?;
    check_file_names(&classes)?;
    let apis = read_apis(&classes)?;
    let advice: BTreeMap<String, Advice> = read("advice.toml")?;
    check_advice(&advice, &apis)?;
    let mut types: TypesFile = read("types.toml")?;
    let mut sdk: SdkFile = read("sdk.toml")?;
    let frameworks: FrameworksFile = read("frameworks.toml")?;
    types.returns.extend(frameworks.returns);
    types.base.extend(frameworks.base);
    types.higher_order.extend(frameworks.higher_order);
    types.alias.extend(frameworks.alias);
    sdk.command.extend(frameworks.command);

    let api_table = api_table(&apis)?;
    let returns = returns_table(&types.returns)?;
    let bases = base_table(&types.base)?;
    let higher_order = higher_order_table(&types.higher_order)?;
    let keepers = keeper_table(&frameworks.keeper)?;
    let listeners = listener_table(&frameworks.listener)?;
    let commands = command_table(&sdk.command, &read("compared.toml")?)?;
    let markers = marker_table(&sdk.marker)?;
    let known: BTreeSet<&str> = [
        &api_table,
        &returns,
        &bases,
        &higher_order,
        &keepers,
        &listeners,
        &commands,
        &markers,
    ]
    .into_iter()
    .flat_map(Table::names)
    .chain(frameworks.keeper.iter().filter_map(|it| it.by.as_deref()))
    .collect();
    let aliases = alias_table(&types.alias, &known)?;

    let never_none: BTreeSet<String> = classes
        .iter()
        .filter(|(_, class)| class.never_none)
        .map(|(id, _)| id.clone())
        .collect();

    let tables = format!(
        "pub static TABLES: Tables = Tables {{\n\
         apis: {}, returns: {}, bases: {}, aliases: {}, higher_order: {}, keepers: {},\n\
         listeners: {}, commands: {}, markers: {}, never_none: {}, sdk_packages: {},\n\
         engines: {}, always_passed: {}, stdlib: {} }};\n",
        api_table.source(),
        returns.source(),
        bases.source(),
        aliases.source(),
        higher_order.source(),
        keepers.source(),
        listeners.source(),
        commands.source(),
        markers.source(),
        strings(&never_none),
        strings(&sdk.sdk_packages),
        strings(&sdk.engines),
        strings(&sdk.always_passed),
        strings(&sdk.stdlib),
    );
    let source =
        tables + &class_source(&classes) + &advice_source(&advice) + &example_source(&apis)?;
    let out = env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?;
    let path = PathBuf::from(out).join("catalogue.rs");
    fs::write(&path, source).map_err(|error| format!("{}: {error}", path.display()))
}

fn read<T: DeserializeOwned>(file: &str) -> Result<T> {
    let path = Path::new(DIRECTORY).join(file);
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

fn check_classes(classes: &BTreeMap<String, Class>) -> Result<()> {
    for (id, class) in classes {
        let texts = [&class.title, &class.varies, &class.temporal, &class.runbook];
        if texts.iter().any(|text| text.trim().is_empty()) {
            return Err(format!("classes.toml: class `{id}` has an empty text"));
        }
    }
    if classes.contains_key(SAFE) {
        Ok(())
    } else {
        Err("classes.toml: no class `safe`".to_owned())
    }
}

/// A file that belongs to no class would otherwise be ignored silently.
fn check_file_names(classes: &BTreeMap<String, Class>) -> Result<()> {
    let entries = fs::read_dir(DIRECTORY).map_err(|error| format!("{DIRECTORY}: {error}"))?;
    for entry in entries {
        let path = entry
            .map_err(|error| format!("{DIRECTORY}: {error}"))?
            .path();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let is_toml = path
            .extension()
            .is_some_and(|extension| extension == "toml");
        if is_toml && !OTHER_FILES.contains(&stem.as_ref()) && !classes.contains_key(stem.as_ref())
        {
            return Err(format!(
                "{}: `{stem}` is not a class of classes.toml",
                path.display()
            ));
        }
    }
    Ok(())
}

/// Advice says something, all of it in full, and is given by some API.
fn check_advice(advice: &BTreeMap<String, Advice>, apis: &[Api]) -> Result<()> {
    let mut unused: BTreeSet<&str> = advice.keys().map(String::as_str).collect();
    for api in apis.iter().filter(|api| !api.advice.is_empty()) {
        unused.remove(api.advice.as_str());
        if !advice.contains_key(&api.advice) {
            return Err(format!(
                "{}.toml: api `{}`: advice.toml has no `{}`",
                api.class, api.name, api.advice
            ));
        }
    }
    if let Some(id) = unused.first() {
        return Err(format!("advice.toml: no api has the advice `{id}`"));
    }
    for (id, it) in advice {
        let texts = [&it.varies, &it.help, &it.temporal, &it.runbook];
        let mut written = texts.into_iter().flatten();
        if written.any(|text| text.trim().is_empty()) {
            return Err(format!("advice.toml: `{id}` has an empty text"));
        }
        let is_complete = match (&it.help, &it.temporal, &it.runbook) {
            (None, Some(_), Some(_)) | (Some(_), None, None) => true,
            (None, None, None) => it.varies.is_some(),
            _ => false,
        };
        if !is_complete {
            return Err(format!(
                "advice.toml: `{id}` needs `help`, or `temporal` and `runbook`, or none of them and `varies`"
            ));
        }
    }
    Ok(())
}

/// All entries with their names spelt out: those of `safe` first, then class by class.
fn read_apis(classes: &BTreeMap<String, Class>) -> Result<Vec<Api>> {
    let mut apis = Vec::new();
    let others = classes
        .keys()
        .map(String::as_str)
        .filter(|class| *class != SAFE);
    for class in std::iter::once(SAFE).chain(others) {
        let file = format!("{class}.toml");
        for mut api in read::<ClassFile>(&file)?.api {
            check_name(&file, &api.name)?;
            class.clone_into(&mut api.class);
            apis.push(api);
        }
    }
    Ok(apis)
}

fn api_table(apis: &[Api]) -> Result<Table> {
    let mut table = Table::default();
    let mut conditions = Conditions::default();
    for api in apis {
        let located = |error: String| format!("{}.toml: api `{}`: {error}", api.class, api.name);
        let when = when_source(api.when.as_ref()).map_err(located)?;
        for (name, _) in expand(&api.name) {
            conditions.add(&name, &when).map_err(located)?;
            table.push(
                &name,
                format!(
                    "Api {{ name: {name:?}, class: {:?}, access: Access::{:?}, when: {when}, \
                     sandbox: Sandbox::{:?}, remarks: Remarks {{ note: {:?}, advice: {:?} }} }}",
                    api.class, api.access, api.sandbox, api.note, api.advice
                ),
            );
        }
    }
    Ok(table.finish())
}

fn returns_table(entries: &[Returns]) -> Result<Table> {
    let mut table = Table::default();
    let mut conditions = Conditions::default();
    for entry in entries {
        check_name("types.toml", &entry.name)?;
        let located = |error: String| format!("types.toml: returns `{}`: {error}", entry.name);
        let when = when_source(entry.when.as_ref()).map_err(located)?;
        for (name, _) in expand(&entry.name) {
            conditions.add(&name, &when).map_err(located)?;
            let ty = &entry.r#type;
            table.push(
                &name,
                format!("Returns {{ name: {name:?}, when: {when}, ty: {ty:?} }}"),
            );
        }
    }
    Ok(table.finish())
}

/// A class may have several bases.
fn base_table(entries: &[Base]) -> Result<Table> {
    let mut table = Table::default();
    for entry in entries {
        check_name("types.toml", &entry.name)?;
        for (name, _) in expand(&entry.name) {
            table.push(
                &name,
                format!("Base {{ name: {name:?}, base: {:?} }}", entry.base),
            );
        }
    }
    Ok(table.finish())
}

/// An alias of a whole module or class (`posixpath.*`) becomes one row for each known member, one
/// of a package (`engine.**`) also for those of its modules.
fn alias_table(entries: &[Alias], known: &BTreeSet<&str>) -> Result<Table> {
    let mut table = Table::default();
    let mut push = |name: &str, canonical: &str| {
        table.push(
            name,
            format!("Alias {{ name: {name:?}, canonical: {canonical:?} }}"),
        );
    };
    for entry in entries {
        check_name("types.toml", &entry.name)?;
        let canonicals = expand(&entry.canonical);
        for ((name, _), (canonical, _)) in expand(&entry.name).iter().zip(canonicals.iter().cycle())
        {
            let is_package = name.ends_with("**");
            let [from, to] =
                [name, canonical].map(|it| it.contains('*').then(|| it.trim_end_matches('*')));
            match (from, to) {
                (Some(from), Some(to)) => {
                    let members = known.iter().filter_map(|known| known.strip_prefix(to));
                    for member in members.filter(|member| is_package || !member.contains('.')) {
                        let name = format!("{from}{member}");
                        if !known.contains(name.as_str()) {
                            push(&name, &format!("{to}{member}"));
                        }
                    }
                }
                (None, None) => push(name, canonical),
                _ => {
                    return Err(format!(
                        "types.toml: alias `{name}`: only one side ends in `*`"
                    ));
                }
            }
        }
    }
    table.finish_unique("types.toml", "alias")
}

fn higher_order_table(entries: &[HigherOrder]) -> Result<Table> {
    let mut table = Table::default();
    for entry in entries {
        check_name("types.toml", &entry.name)?;
        let located = |error| format!("types.toml: higher-order `{}`: {error}", entry.name);
        let runs = args_source(&entry.runs).map_err(located)?;
        let answers = args_source(&entry.answers).map_err(located)?;
        for (name, _) in expand(&entry.name) {
            table.push(
                &name,
                format!(
                    "HigherOrder {{ name: {name:?}, runs: {runs}, answers: {answers}, \
                     elsewhere: {} }}",
                    entry.elsewhere
                ),
            );
        }
    }
    table.finish_unique("types.toml", "higher-order")
}

fn keeper_table(entries: &[Keeper]) -> Result<Table> {
    let mut table = Table::default();
    for entry in entries {
        check_name("frameworks.toml", &entry.name)?;
        let fields = keeper_fields(entry)
            .map_err(|error| format!("frameworks.toml: keeper `{}`: {error}", entry.name))?;
        for (name, _) in expand(&entry.name) {
            table.push(&name, format!("Keeper {{ name: {name:?}, {fields} }}"));
        }
    }
    Ok(table.finish())
}

fn keeper_fields(entry: &Keeper) -> Result<String> {
    let kept_by = match entry.by.as_deref() {
        None => "KeptBy::Result".to_owned(),
        Some("receiver") => "KeptBy::Receiver".to_owned(),
        Some(name) => format!("KeptBy::Name({name:?})"),
    };
    let exempts = match &entry.exempts {
        Some((arg, value)) => format!("Some(({}, {value:?}))", arg_source(arg)?),
        None => "None".to_owned(),
    };
    Ok(format!(
        "when: {}, kept_by: {kept_by}, runs: {}, schedules: {}, exempts: {exempts}, decorates: {}, decides: {}",
        when_source(entry.when.as_ref())?,
        args_source(&entry.runs)?,
        args_source(&entry.schedules)?,
        entry.decorates,
        entry.decides
    ))
}

fn listener_table(entries: &[Listener]) -> Result<Table> {
    let mut table = Table::default();
    for entry in entries {
        check_name("frameworks.toml", &entry.name)?;
        let methods = strings(&entry.methods);
        for (name, _) in expand(&entry.name) {
            table.push(
                &name,
                format!(
                    "Listener {{ name: {name:?}, methods: {methods}, given: {:?} }}",
                    entry.given
                ),
            );
        }
    }
    table.finish_unique("frameworks.toml", "listener")
}

fn command_table(entries: &[Command], compared: &Compared) -> Result<Table> {
    let mut table = Table::default();
    for entry in entries {
        check_name("sdk.toml", &entry.name)?;
        let fields = command_fields(entry, compared)
            .map_err(|error| format!("sdk.toml: command `{}`: {error}", entry.name))?;
        for (name, _) in expand(&entry.name) {
            table.push(&name, format!("Command {{ name: {name:?}, {fields} }}"));
        }
    }
    table.finish_unique("sdk.toml", "command")
}

fn command_fields(entry: &Command, compared: &Compared) -> Result<String> {
    let target = match &entry.target {
        Some(target) => format!("Some({})", arg_source(target)?),
        None => "None".to_owned(),
    };
    Ok(format!(
        "kind: CommandKind::{}, target: {target}, identity: {}, timers: {}, none_at_zero: {}, event: {:?}, at_once: {}, compared: {}",
        Variant::from(entry.kind.clone()).0,
        args_source(&compared_identity(entry, compared)?)?,
        args_source(&entry.timers)?,
        entry.none_at_zero,
        event(entry),
        entry.at_once,
        args_source(&compared_by_replay(entry, compared)?)?
    ))
}

/// What tells two commands apart in a replay. Where the SDK's own was not measured, it is what the
/// Temporal command behind it shows: the target, or everything if there is none.
fn compared_by_replay(entry: &Command, compared: &Compared) -> Result<Vec<String>> {
    let mut identity = compared_identity(entry, compared)?;
    if entry.compared.as_deref() == Some(NOT_MEASURED)
        && let Some(target) = &entry.target
    {
        let table = event(entry).and_then(|event| compared.get(event));
        let is_compared = |arg: &String| table.and_then(|it| it.get(arg)) == Some(&true);
        identity.retain(|arg| arg == target || is_compared(arg));
    }
    Ok(identity)
}

/// What the history calls what the command leaves there.
fn event(entry: &Command) -> Option<&str> {
    let own = (entry.kind != "other").then_some(entry.kind.as_str());
    let event = entry.event.as_deref().or(own)?;
    (event != "none").then_some(event)
}

/// What of the identity a replay compares. Where nothing was measured, all of it.
fn compared_identity(entry: &Command, compared: &Compared) -> Result<Vec<String>> {
    let table = entry.compared.as_ref().unwrap_or(&entry.kind);
    if table == NOT_MEASURED {
        return Ok(entry.identity.clone());
    }
    let mut identity = Vec::new();
    for arg in &entry.identity {
        let name = arg.split_once(':').map_or(arg.as_str(), |(_, name)| name);
        let is_compared = compared.get(table).and_then(|table| table.get(name));
        match is_compared {
            Some(true) => identity.push(arg.clone()),
            Some(false) => {}
            None => return Err(format!("compared.toml does not say `{name}` of `{table}`")),
        }
    }
    Ok(identity)
}

fn marker_table(entries: &[Marker]) -> Result<Table> {
    let mut table = Table::default();
    for entry in entries {
        check_name("sdk.toml", &entry.name)?;
        for (name, _) in expand(&entry.name) {
            table.push(
                &name,
                format!("Marker {{ name: {name:?}, role: Role::{} }}", entry.role.0),
            );
        }
    }
    table.finish_unique("sdk.toml", "marker")
}

fn class_source(classes: &BTreeMap<String, Class>) -> String {
    let rows = classes.iter().map(|(id, class)| {
        format!(
            "Class {{ id: {id:?}, title: {:?}, varies: {:?}, temporal: {:?}, runbook: {:?}, \
             gives_value: {}, severity: {}, fix: {} }}",
            class.title,
            class.varies,
            class.temporal,
            class.runbook,
            class.gives_value,
            severity_source(class.severity),
            class.fix
        )
    });
    format!("pub static CLASSES: &[Class] = {};\n", slice(rows))
}

fn severity_source(severity: Option<MaxSeverity>) -> String {
    match severity {
        Some(it) => format!("Some(lint_core::diagnostic::Severity::{it:?})"),
        None => "None".to_owned(),
    }
}

fn advice_source(advice: &BTreeMap<String, Advice>) -> String {
    let rows = advice.iter().map(|(id, it)| {
        format!(
            "Advice {{ id: {id:?}, varies: {:?}, temporal: {:?}, runbook: {:?}, \
             gives_value: {:?}, severity: {}, fix: {:?} }}",
            it.varies,
            it.temporal.as_ref().or(it.help.as_ref()),
            it.runbook.as_ref().or(it.help.as_ref()),
            it.gives_value,
            severity_source(it.severity),
            it.fix
        )
    });
    format!("pub static ADVICE: &[Advice] = {};\n", slice(rows))
}

fn example_source(apis: &[Api]) -> Result<String> {
    let mut rows = Vec::new();
    for api in apis {
        check_example(api)
            .map_err(|error| format!("{}.toml: api `{}`: {error}", api.class, api.name))?;
        for (name, choices) in expand(&api.name) {
            let setup = match &api.setup {
                Some(setup) => fill(setup, &choices),
                None => default_setup(&name),
            };
            let code = fill(&api.example, &choices);
            rows.push(format!(
                "Example {{ name: {name:?}, class: {:?}, setup: {setup:?}, code: {code:?} }}",
                api.class
            ));
        }
    }
    Ok(format!(
        "pub static EXAMPLES: &[Example] = {};\n",
        slice(rows.into_iter())
    ))
}

/// The example has a `{}` for each list of alternatives.
fn check_example(api: &Api) -> Result<()> {
    let lists = api.name.matches('{').count();
    let places = api.example.matches("{}").count();
    if api.example.trim().is_empty() {
        Err("the example is empty".to_owned())
    } else if lists == places {
        Ok(())
    } else {
        Err(format!(
            "{lists} lists of alternatives, but {places} `{{}}` in the example"
        ))
    }
}

/// A dotted name needs its package imported, a builtin needs nothing.
fn default_setup(name: &str) -> String {
    name.split_once('.')
        .map(|(package, _)| format!("import {package}"))
        .unwrap_or_default()
}

fn check_name(file: &str, name: &str) -> Result<()> {
    let valid = |c: char| c.is_alphanumeric() || "._{},*#".contains(c);
    let star_is_last = name
        .find('*')
        .is_none_or(|at| name[..at].ends_with('.') && name[at..].len() <= 2 && name.ends_with('*'));
    let balanced = name.matches('{').count() == name.matches('}').count();
    if !name.is_empty() && name.chars().all(valid) && star_is_last && balanced {
        Ok(())
    } else {
        Err(format!("{file}: `{name}` is not a dotted name"))
    }
}

/// Spells out the alternatives of `a.{b,c}.d`: each name with the choices that led to it.
fn expand(name: &str) -> Vec<(String, Vec<&str>)> {
    let Some((head, rest)) = name.split_once('{') else {
        return vec![(name.to_owned(), Vec::new())];
    };
    let (choices, tail) = rest.split_once('}').unwrap_or((rest, ""));
    let tails = expand(tail);
    let mut names = Vec::new();
    for choice in choices.split(',') {
        for (tail, later) in &tails {
            let mut all = vec![choice];
            all.extend(later);
            names.push((format!("{head}{choice}{tail}"), all));
        }
    }
    names
}

/// Puts the choices, in order, where the template says `{}`.
fn fill(template: &str, choices: &[&str]) -> String {
    choices.iter().fold(template.to_owned(), |text, choice| {
        text.replacen("{}", choice, 1)
    })
}

fn when_source(when: Option<&When>) -> Result<String> {
    let Some(when) = when else {
        return Ok("When::Always".to_owned());
    };
    Ok(match when {
        When::Missing(arg) => format!("When::Missing({})", arg_source(arg)?),
        When::Present(arg) => format!("When::Present({})", arg_source(arg)?),
        When::True(arg) => format!("When::True({})", arg_source(arg)?),
        When::Unclear(arg) => format!("When::Unclear({})", arg_source(arg)?),
        When::Holds(list) => format!("When::Holds({})", arg_and_texts(list)?),
        When::Entry(list) => match &list[..] {
            [arg, key, value] => {
                format!("When::Entry({}, {key:?}, {value:?})", arg_source(arg)?)
            }
            _ => return Err("an argument, a key and a value are needed".to_owned()),
        },
        When::Literal(list) => format!("When::Literal({})", arg_and_texts(list)?),
        When::Contains(list) => format!("When::Contains({})", arg_and_texts(list)?),
        When::All(list) => format!("When::All({})", whens_source(list)?),
        When::Any(list) => format!("When::Any({})", whens_source(list)?),
    })
}

fn whens_source(list: &[When]) -> Result<String> {
    let parts: Vec<String> = list
        .iter()
        .map(|when| when_source(Some(when)))
        .collect::<Result<_>>()?;
    Ok(slice(parts.into_iter()))
}

fn arg_and_texts(list: &[String]) -> Result<String> {
    match list {
        [arg, texts @ ..] if !texts.is_empty() => {
            Ok(format!("{}, {}", arg_source(arg)?, strings(texts)))
        }
        _ => Err("an argument and at least one text are needed".to_owned()),
    }
}

fn args_source(args: &[String]) -> Result<String> {
    let parts: Vec<String> = args
        .iter()
        .map(|arg| arg_source(arg))
        .collect::<Result<_>>()?;
    Ok(slice(parts.into_iter()))
}

/// `1:tz` can be passed both ways, `1` by position only and `tz` by name only.
fn arg_source(arg: &str) -> Result<String> {
    let (position, name) = match arg.split_once(':') {
        Some((position, name)) => (Some(position), name),
        None if arg.starts_with(|c: char| c.is_ascii_digit()) => (Some(arg), ""),
        None => (None, arg),
    };
    let position: Option<u8> = position
        .map(|text| {
            text.parse()
                .map_err(|_| format!("`{arg}` is not `position:name`"))
        })
        .transpose()?;
    Ok(format!("Arg {{ position: {position:?}, name: {name:?} }}"))
}

fn strings<T: Debug>(texts: impl IntoIterator<Item = T>) -> String {
    slice(texts.into_iter().map(|text| format!("{text:?}")))
}

fn slice(rows: impl Iterator<Item = String>) -> String {
    format!("&[{}]", rows.map(|row| row + ",\n").collect::<String>())
}
