//! The compiled-in catalogue of Python APIs that matter for replay.
//!
//! The data lives in `rules/catalogue/*.toml`; `rules/build.rs` checks it and turns it into static
//! tables, so there is nothing to load at start-up.
//!
//! # Adding an API
//!
//! Put an `[[api]]` table into the file of its hazard class (`clock.toml`, `net.toml`, …; the
//! classes and their texts are in `classes.toml`):
//!
//! ```toml
//! [[api]]
//! name = "time.{time,time_ns}"           # braces list alternatives
//! sandbox = "stops"                      # stops | warns | allows; leave out if not measured
//! example = "time.{}()"                  # `{}` takes the alternatives; becomes a generated test
//!
//! [[api]]
//! name = "time.strftime"
//! when = { missing = "1:t" }             # only if the argument is absent or None
//! sandbox = "allows"
//! note = "Without a time tuple it formats the current time."
//! example = "time.strftime('%H')"
//! ```
//!
//! - `name` is what the resolver sees after imports and types: `pathlib.Path.read_text` for a call
//!   on any `Path`, `open` for the builtin. It may end in `.*`; the longest wildcard applies, and
//!   an exact name beats it. A wildcard must not cover exceptions, plain types or constants.
//! - `access` is `call` (the default) or `read` for attributes such as `os.environ`.
//! - `when` is one of `missing`, `present`, `true` (an argument), `literal`, `contains` (a list of
//!   an argument and texts), `entry` (an argument, a key of the mapping that it is, and the value
//!   there), `holds` (an argument and types of which it is or has an instance), `unclear` (an
//!   argument that is not known in full), `all`, `any` (a list of conditions). An argument is `1:tz`, or `1` if
//!   it has no name, or `tz` if it is keyword-only; positions do not count `self`. Every string
//!   literal contains the empty text.
//! - A name may have several entries; the first whose condition holds decides. `safe.toml` is
//!   read first, then the other files by name.
//! - `advice` names a table of `advice.toml`, which says what its class says wrongly of this API.
//! - `setup` holds the import lines of the example if `import <package>` does not do.
//!
//! `frameworks.toml` says what agent frameworks keep of the code of a project, and what runs it.
//! `types.toml` says what calls return, which classes inherit from which, which names are
//! alternative spellings, and which functions run the callables they are given. `sdk.toml`
//! describes the workflow SDKs.

use lint_core::knowledge::{
    Access, Alias, Api, Arg, Base, Command, CommandKind, HigherOrder, Keeper, KeptBy, Listener,
    Marker, Remarks, Returns, Role, Sandbox, Tables, When,
};

/// What is said about all APIs of one hazard class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Class {
    pub id: &'static str,
    pub title: &'static str,
    /// Completes "`time.time` …": what the API does and how that varies.
    pub varies: &'static str,
    /// What to write instead in Temporal code.
    pub temporal: &'static str,
    /// What to write instead in an ntro runbook.
    pub runbook: &'static str,
    /// Whether the APIs do nothing but give a value: no harm is done if nobody uses it. The others
    /// act, so an unused value says nothing about them.
    pub gives_value: bool,
    /// The highest severity that a finding about them has, if it is not that of the rule.
    pub severity: Option<lint_core::diagnostic::Severity>,
    /// Whether moving the code elsewhere, as it stands, helps.
    pub fix: bool,
}

/// What is said about some APIs in the place of what their class says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advice {
    pub id: &'static str,
    pub varies: Option<&'static str>,
    pub temporal: Option<&'static str>,
    pub runbook: Option<&'static str>,
    pub gives_value: Option<bool>,
    pub severity: Option<lint_core::diagnostic::Severity>,
    pub fix: Option<bool>,
}

/// A line of Python that uses an entry; the generated tests run the linter on each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Example {
    pub name: &'static str,
    pub class: &'static str,
    pub setup: &'static str,
    pub code: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/catalogue.rs"));

/// Looks up a class; `None` for the classes of syntax-driven rules, which keep their own texts.
pub fn class(id: &str) -> Option<&'static Class> {
    CLASSES
        .binary_search_by(|class| class.id.cmp(id))
        .ok()
        .map(|at| &CLASSES[at])
}

/// What is known about an API of a class, with its own advice in the place of what the class says.
pub fn advised(class: &str, advice: &str) -> Option<Class> {
    let class = *self::class(class)?;
    let own = ADVICE.binary_search_by(|it| it.id.cmp(advice));
    let Ok(own) = own.map(|at| &ADVICE[at]) else {
        return Some(class);
    };
    Some(Class {
        varies: own.varies.unwrap_or(class.varies),
        temporal: own.temporal.unwrap_or(class.temporal),
        runbook: own.runbook.unwrap_or(class.runbook),
        gives_value: own.gives_value.unwrap_or(class.gives_value),
        severity: own.severity.or(class.severity),
        fix: own.fix.unwrap_or(class.fix),
        ..class
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lint_core::knowledge::{Knowledge, SAFE, UserEntries};

    fn knowledge() -> Knowledge {
        Knowledge::new(&TABLES, UserEntries::default())
    }

    /// The classes of all entries that apply to a name, in order.
    fn classes(name: &str) -> Vec<&'static str> {
        knowledge().apis(name).iter().map(|api| api.class).collect()
    }

    fn returns(name: &str) -> Vec<&'static str> {
        knowledge()
            .returns(name)
            .iter()
            .map(|returns| returns.ty)
            .collect()
    }

    fn assert_sorted(table: &str, mut names: impl Iterator<Item = &'static str>, strictly: bool) {
        let mut last = names.next().expect("the table has entries");
        for name in names {
            assert!(
                last < name || (!strictly && last == name),
                "{table}: {name} follows {last}"
            );
            last = name;
        }
    }

    #[test]
    fn tables_are_sorted_by_name() {
        assert_sorted("apis", TABLES.apis.iter().map(|entry| entry.name), false);
        assert_sorted(
            "returns",
            TABLES.returns.iter().map(|entry| entry.name),
            false,
        );
        assert_sorted("bases", TABLES.bases.iter().map(|entry| entry.name), false);
        assert_sorted(
            "aliases",
            TABLES.aliases.iter().map(|entry| entry.name),
            true,
        );
        assert_sorted(
            "higher_order",
            TABLES.higher_order.iter().map(|entry| entry.name),
            true,
        );
        assert_sorted(
            "commands",
            TABLES.commands.iter().map(|entry| entry.name),
            true,
        );
        assert_sorted(
            "markers",
            TABLES.markers.iter().map(|entry| entry.name),
            true,
        );
        assert_sorted("sdk_packages", TABLES.sdk_packages.iter().copied(), true);
        assert_sorted("stdlib", TABLES.stdlib.iter().copied(), true);
        assert_sorted("classes", CLASSES.iter().map(|class| class.id), true);
    }

    #[test]
    fn every_class_in_use_exists() {
        for api in TABLES.apis {
            assert!(
                class(api.class).is_some(),
                "{} is of class {}",
                api.name,
                api.class
            );
        }
        assert_eq!(class("order"), None);
    }

    #[test]
    fn every_class_has_entries() {
        for class in CLASSES {
            assert!(
                TABLES.apis.iter().any(|api| api.class == class.id),
                "{} is empty",
                class.id
            );
        }
    }

    #[test]
    fn exact_names_are_found() {
        assert_eq!(classes("datetime.datetime.utcnow"), ["clock"]);
        assert_eq!(classes("uuid.uuid4"), ["uuid"]);
        assert_eq!(classes("open"), ["file"]);
        assert_eq!(classes("os.environ"), ["env"]);
        assert_eq!(classes("sqlalchemy.orm.Session.execute"), ["db"]);
        assert_eq!(classes("asyncio.gather"), [SAFE]);
        assert!(classes("math.tau").is_empty());
    }

    #[test]
    fn wildcards_are_found_below_their_prefix_only() {
        assert_eq!(
            classes("openai.AsyncOpenAI.chat.completions.create"),
            ["llm"]
        );
        assert_eq!(classes("botocore.client.BaseClient.get_object"), ["cloud"]);
        assert_eq!(classes("redis.asyncio.Redis.hgetall"), ["db"]);
        assert!(classes("openai.types.chat.ChatCompletion").is_empty());
    }

    #[test]
    fn exact_names_beat_wildcards() {
        assert_eq!(classes("faker.Faker.name"), ["random"]);
        assert_eq!(classes("faker.Faker.seed_instance"), [SAFE]);
    }

    #[test]
    fn types_exceptions_and_pure_builders_are_left_alone() {
        for name in [
            "requests.Timeout",
            "requests.exceptions.HTTPError",
            "httpx.Timeout",
            "httpx.Limits",
            "httpx.HTTPStatusError",
            "aiohttp.ClientTimeout",
            "sqlalchemy.select",
            "sqlalchemy.Column",
            "sqlalchemy.orm.mapped_column",
            "redis.exceptions.ConnectionError",
            "openai.RateLimitError",
            "anthropic.types.Message",
            "botocore.exceptions.ClientError",
            "boto3.dynamodb.conditions.Key",
            "pandas.DataFrame",
            "psutil.NoSuchProcess",
            "subprocess.CalledProcessError",
            "ntro.capabilities.ai.ExtractionResult",
            "ntro.ingest.IngestOutcome",
            "temporalio.client.WorkflowFailureError",
        ] {
            assert!(classes(name).is_empty(), "{name} is {:?}", classes(name));
        }
    }

    #[test]
    fn conditions_and_their_order_are_kept() {
        assert_eq!(classes("time.localtime"), ["clock", "localtz"]);
        assert_eq!(classes("sqlite3.connect"), [SAFE, "db"]);
        let seed = Arg {
            position: Some(0),
            name: "x",
        };
        assert_eq!(
            knowledge().apis("random.Random")[0].when,
            When::Missing(seed)
        );
        let zone = Arg {
            position: Some(1),
            name: "tz",
        };
        assert_eq!(
            knowledge().apis("datetime.datetime.fromtimestamp")[0].when,
            When::Missing(zone)
        );
        let mtime = Arg {
            position: None,
            name: "mtime",
        };
        assert_eq!(
            knowledge().apis("gzip.compress")[0].when,
            When::Missing(mtime)
        );
        assert!(matches!(
            knowledge().apis("uuid.uuid8")[0].when,
            When::Any([_, _, _])
        ));
    }

    #[test]
    fn aliases_lead_to_their_canonical_names() {
        let knowledge = knowledge();
        assert_eq!(knowledge.canonical("io.open"), "open");
        assert_eq!(knowledge.canonical("posixpath.exists"), "os.path.exists");
        assert_eq!(knowledge.canonical("asyncio.tasks.wait"), "asyncio.wait");
        assert_eq!(
            knowledge.canonical("random._inst.shuffle"),
            "random.shuffle"
        );
        assert_eq!(
            knowledge.canonical("ntro.workflow._facade.runbook.now"),
            "ntro.workflow.runbook.now"
        );
        assert_eq!(knowledge.canonical("time.time"), "time.time");
    }

    #[test]
    fn every_alias_ends_at_a_name_that_is_no_alias() {
        let knowledge = knowledge();
        for alias in TABLES.aliases {
            assert_eq!(
                knowledge.canonical(alias.canonical),
                alias.canonical,
                "{}",
                alias.name
            );
        }
    }

    #[test]
    fn types_follow_calls_and_attributes() {
        assert_eq!(returns("pathlib.Path.parent"), ["pathlib.Path"]);
        assert_eq!(returns("boto3.client"), ["botocore.client.BaseClient"]);
        assert_eq!(
            returns("datetime.datetime.utcnow"),
            ["datetime.datetime#naive"]
        );
        assert_eq!(
            returns("datetime.datetime"),
            ["datetime.datetime#naive", "datetime.datetime"]
        );
        assert_eq!(
            knowledge().bases("pathlib.PosixPath").collect::<Vec<_>>(),
            ["pathlib.Path"]
        );
    }

    #[test]
    fn sdk_names_are_known() {
        let knowledge = knowledge();
        assert_eq!(
            knowledge.role("ntro.workflow.runbook.step"),
            Some(Role::Step)
        );
        assert_eq!(
            knowledge.role("temporalio.workflow.defn"),
            Some(Role::WorkflowClass)
        );
        assert_eq!(knowledge.role("logging.Logger.info"), Some(Role::Log));
        let command = knowledge
            .command("temporalio.workflow.start_activity_method")
            .map(|c| c.kind);
        assert_eq!(command, Some(CommandKind::Activity));
        let timer = knowledge.command("asyncio.sleep").map(|c| c.timers.len());
        assert_eq!(timer, Some(1));
        assert_eq!(
            knowledge
                .higher_order("temporalio.workflow.wait_condition")
                .map(|it| it.runs.len()),
            Some(1)
        );
        assert!(knowledge.is_sdk_package("ntro") && knowledge.is_stdlib("zoneinfo"));
    }

    #[test]
    fn safe_entries_come_first_for_their_names() {
        for api in TABLES.apis.iter().filter(|api| api.class == SAFE) {
            assert_eq!(classes(api.name).first(), Some(&SAFE), "{}", api.name);
        }
    }

    #[test]
    fn every_example_belongs_to_an_entry_of_its_class() {
        for example in EXAMPLES {
            assert!(
                classes(example.name).contains(&example.class),
                "{}",
                example.name
            );
        }
    }
}
