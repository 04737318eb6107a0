//! The interpreter on small programs: that it ends, and what it finds on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::mpsc;
use std::time::Duration;

use crate::analysis::analyse_within;
use crate::facts::HazardKind;
use crate::knowledge::{Knowledge, Role, Tables, UserEntries};
use crate::project::Project;
use crate::syntax::STACK_SIZE;

use super::STEPS_OF_GROUP;

static TABLES: Tables = Tables {
    apis: &[],
    returns: &[],
    bases: &[],
    aliases: &[],
    higher_order: &[],
    keepers: &[],
    listeners: &[],
    commands: &[],
    markers: &[],
    never_none: &[],
    sdk_packages: &["sdk"],
    engines: &[],
    always_passed: &[],
    stdlib: &["functools", "time", "typing"],
};

/// What workflows were found to do.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    /// Pairs of a workflow and something that it uses.
    uses: BTreeSet<(String, String)>,
    cut_short: Vec<String>,
}

impl Seen {
    fn uses(&self, workflow: &str) -> bool {
        let use_ = (workflow.to_owned(), "time.time".to_owned());
        self.uses.contains(&use_)
    }
}

/// Fails when there is no answer within a minute: exponential work has none.
fn analyse(files: BTreeMap<String, String>, steps: u64) -> Seen {
    let (answer, answered) = mpsc::channel();
    let work = move || {
        let user = UserEntries {
            apis: BTreeMap::from([("time.time".to_owned(), "clock")]),
            markers: BTreeMap::from([
                ("sdk.defn".to_owned(), Role::WorkflowClass),
                ("sdk.run".to_owned(), Role::Run),
            ]),
            ..UserEntries::default()
        };
        let knowledge = Knowledge::new(&TABLES, user);
        let names = files.keys().cloned();
        let project = Project::new(&files, names, vec![String::new()], Vec::new());
        let facts = analyse_within(&project, &knowledge, steps);
        let uses = facts.hazards.iter().filter_map(|hazard| {
            let workflow = facts.workflows[hazard.workflow].name.clone();
            matches!(hazard.kind, HazardKind::Api { .. })
                .then(|| (workflow, hazard.culprit.clone()))
        });
        let uses = uses.collect();
        let cut_short = facts.cut_short.clone();
        // Nobody listens any more when it took too long.
        let _ = answer.send(Seen { uses, cut_short });
    };
    let workers = rayon::ThreadPoolBuilder::new().stack_size(STACK_SIZE);
    let workers = workers.num_threads(1).build();
    workers.expect("a thread can be started").spawn(work);
    let seen = answered.recv_timeout(Duration::from_secs(60));
    seen.expect("the analysis ends, and does not panic")
}

fn analyse_files(files: &[(&str, &str)]) -> Seen {
    let files = files.iter();
    let files = files.map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    analyse(files.collect(), STEPS_OF_GROUP)
}

/// A workflow `main.W` after some definitions, with this body.
fn workflow(definitions: &str, body: &str) -> String {
    let mut text = format!(
        "import functools, time, typing\nimport sdk\n{definitions}\n@sdk.defn\nclass W:\n    @sdk.run\n    async def run(self, a, b):\n"
    );
    for line in body.lines() {
        let _ = writeln!(text, "        {line}");
    }
    text
}

/// Whether such a workflow reaches the clock. It is analysed to its end.
fn reaches_the_clock(definitions: &str, body: &str) -> bool {
    let seen = analyse_files(&[("main.py", &workflow(definitions, body))]);
    assert_eq!(seen.cut_short, [""; 0]);
    seen.uses("main.W")
}

#[test]
fn containers_that_hold_themselves_are_followed_once() {
    let definitions = "\
K = (int,)
L = (str,)
for i in range(3):
    K, L = (K, L, K), (L, K, L)
def annotated(x: K) -> L:
    return x
def tested(x):
    if isinstance(x, K):
        return x.y
    try:
        return x()
    except (K, L) as error:
        return error";
    let body = "\
t = u = v = ()
while a:
    t, u, v = (t, u, v), (v, t, u), (u, u, t)
for x in {t, u, v}:
    pass
annotated(a)
tested(a)
";
    assert!(!reaches_the_clock(definitions, body));
    let body = format!("{body}return time.time()");
    assert!(reaches_the_clock(definitions, &body));
}

#[test]
fn copies_of_copies_come_to_an_end() {
    let body = "\
x, y = {'items': [{'a': 1}]}, {'kept': [[]]}
while a:
    x = {'old': copy.deepcopy(y), 'more': [copy.deepcopy(x)]}
    y = {'new': copy.deepcopy(x), 'rest': [y]}
";
    assert!(!reaches_the_clock("import copy", body));
    let body = format!("{body}return time.time()");
    assert!(reaches_the_clock("import copy", &body));
}

#[test]
fn partials_that_hold_one_another_call_what_they_end_in() {
    let definitions = "def harmless():\n    return 1";
    for (callee, expected) in [("time.time", true), ("harmless", false)] {
        let body = format!(
            "x = functools.partial({callee})\n\
             y = functools.partial({callee})\n\
             while a:\n    \
                 x = functools.partial(x if a else y)\n    \
                 y = functools.partial(y if a else x)\n\
             return x()"
        );
        assert_eq!(reaches_the_clock(definitions, &body), expected);
    }
}

/// Statements nested in one another, around an innermost one.
fn nested(heads: &[&str], depth: usize, innermost: &str) -> String {
    let mut text = String::from("def f(a, b):\n");
    for level in 0..depth {
        let head = heads[level % heads.len()];
        let _ = writeln!(text, "{}{head}", " ".repeat(level + 1));
    }
    let _ = writeln!(text, "{}{innermost}", " ".repeat(depth + 1));
    text + " return a\n"
}

#[test]
fn nested_loops_do_not_multiply() {
    for heads in [
        &["for a in a:"][..],
        &["while a:"],
        &["while b or (b := a):", "for a in b:"],
    ] {
        let tainted = nested(heads, 20, "a = [a, time.time()]");
        assert!(reaches_the_clock(&tainted, "return f(a, b)"));
        let harmless = nested(heads, 20, "a = [a, 1]");
        assert!(!reaches_the_clock(&harmless, "return f(a, b)"));
    }
}

#[test]
fn what_a_deep_loop_stores_comes_round_with_the_loops_around_it() {
    let loops = nested(&["for x in a:"], 8, "d, c, b = c, b, time.time");
    let definitions = loops.replace(" return a\n", " return d()\n");
    let definitions = definitions.replace("(a, b):", "(a, b=len, c=len, d=len):");
    assert!(reaches_the_clock(&definitions, "return f(a)"));
}

#[test]
fn conditions_in_conditions_are_evaluated_once() {
    for (open, close) in [
        ("a if isinstance(a, (", ")) else b"),
        ("a if b(", ") else b"),
        ("a if len(b(", ", b).x) == 1 else b"),
    ] {
        let chain = open.repeat(60) + "b" + &close.repeat(60);
        let definitions = format!("def f(a, b):\n return {chain}");
        assert!(!reaches_the_clock(&definitions, "return f(a, b)"));
    }
}

#[test]
fn diamonds_and_long_chains_of_classes_have_one_order() {
    let clock = "class A0:\n    def m(self): return time.time()\n";
    let mut diamonds = clock.to_owned();
    for i in 1..60 {
        let before = i - 1;
        let _ = write!(
            diamonds,
            "class B{i}(A{before}): pass\nclass C{i}(A{before}): pass\n\
             class A{i}(B{i}, C{i}):\n    def m(self): return super().m()\n"
        );
    }
    assert!(reaches_the_clock(&diamonds, "return A59().m()"));
    let mut chain = clock.to_owned();
    for i in 1..1_500 {
        let _ = writeln!(chain, "class A{i}(A{}): pass", i - 1);
    }
    assert!(reaches_the_clock(&chain, "return A1499().m()"));
    let overridden = "class Z(A1499):\n    def m(self): return 1\n";
    assert!(!reaches_the_clock(&(chain + overridden), "return Z().m()"));
}

#[test]
fn classes_that_derive_from_themselves_end() {
    let definitions = "\
class A: pass
for i in range(3):
    class A(A): pass
B = A
class A(B): pass
class B(A):
    def m(self): return time.time()
class A(B): pass";
    assert!(reaches_the_clock(definitions, "return A().m()"));
}

#[test]
fn a_chain_of_imports_is_as_long_as_it_likes() {
    for import in ["from m{} import stamp\n", "from m{} import *\n"] {
        let mut files = BTreeMap::new();
        let link = |i: usize| import.replace("{}", &i.to_string());
        for i in 0..4_000 {
            files.insert(format!("m{i}.py"), link(i + 1));
        }
        let stamp = "import time\ndef stamp(): return time.time()\ndef fixed(): return 1\n";
        files.insert("m4000.py".to_owned(), stamp.to_owned());
        let main = workflow(&link(0), "return stamp()");
        files.insert("main.py".to_owned(), main);
        let seen = analyse(files.clone(), STEPS_OF_GROUP);
        assert!(seen.uses("main.W"), "{import}");
        let main = workflow(&link(0), "return fixed()");
        files.insert("main.py".to_owned(), main.replace("stamp\n", "fixed\n"));
        assert!(!analyse(files, STEPS_OF_GROUP).uses("main.W"), "{import}");
    }
}

#[test]
fn a_chain_of_calls_is_as_long_as_it_likes() {
    let last = 4_000;
    let mut definitions = format!("def f{last}(): return time.time()\n");
    for i in 0..last {
        let _ = writeln!(definitions, "def f{i}(): return [f{}()]", i + 1);
    }
    assert!(reaches_the_clock(&definitions, "return f0()"));
}

/// So many functions, of which the last reads the clock, in a table.
fn functions(count: usize) -> String {
    let mut definitions = String::new();
    for i in 0..count {
        let body = if i + 1 == count { "time.time()" } else { "1" };
        let _ = writeln!(definitions, "def f{i}(): return {body}");
    }
    let entries: Vec<String> = (0..count).map(|i| format!("'k{i}': f{i}")).collect();
    let _ = writeln!(definitions, "TABLE = {{{}}}", entries.join(", "));
    definitions
}

#[test]
fn a_table_of_functions_may_be_long() {
    for body in [
        "return TABLE[a]()",
        "return [f() for f in TABLE.values()]",
        "return TABLE.get(a)()",
    ] {
        assert!(reaches_the_clock(&functions(200), body), "{body}");
    }
    let registry = "\
LIST = []
for f in TABLE.values(): LIST.append(f)";
    let definitions = format!("{}{registry}", functions(200));
    assert!(reaches_the_clock(&definitions, "return LIST[a]()"));
}

#[test]
fn methods_with_a_prefix_may_be_many() {
    let mut class = "class Box:\n".to_owned();
    for i in 0..200 {
        let body = if i == 199 { "time.time()" } else { "1" };
        let _ = writeln!(class, "    def on_{i}(self): return {body}");
    }
    assert!(reaches_the_clock(
        &class,
        "return getattr(Box(), f'on_{a}')()"
    ));
}

#[test]
fn what_a_table_drops_is_named() {
    let use_of = |body| {
        let text = workflow(&functions(2_000), body);
        analyse_files(&[("main.py", &text)]).cut_short
    };
    assert_eq!(use_of("return TABLE[a]()"), ["main.W"]);
    // What nobody calls is not missed.
    assert_eq!(use_of("return len(TABLE)"), [""; 0]);
}

/// More mappings than a value holds, each with this under a key.
fn mappings(entry: &str) -> String {
    let mappings: Vec<String> = (0..40).map(|_| format!("{{'a': {entry}}}")).collect();
    let functions = "def first(): return 1\ndef second(): return 2\n";
    format!("{functions}ALL = [{}]\n", mappings.join(", "))
}

#[test]
fn mappings_of_data_are_dropped_without_a_word() {
    let use_of = |entry, body| {
        let text = workflow(&mappings(entry), body);
        analyse_files(&[("main.py", &text)]).cut_short
    };
    assert_eq!(use_of("'x'", "return ALL[a].get('a').upper()"), [""; 0]);
    assert_eq!(use_of("first", "return ALL[a].keys()"), [""; 0]);
    // What stands in others may be another function.
    assert_eq!(use_of("first", "return ALL[a].get('a')()"), ["main.W"]);
    assert_eq!(use_of("first", "return ALL[a]['a']()"), ["main.W"]);
}

#[test]
fn what_is_dropped_at_import_is_named_where_it_is_used() {
    let called = format!("{}RESULT = TABLE[len(__name__)]()\n", functions(2_000));
    let cut_short = |import, body| {
        let main = workflow(import, body);
        let files = [
            ("library.py", called.as_str()),
            ("names.py", "from library import RESULT\n"),
            ("main.py", &main),
        ];
        analyse_files(&files).cut_short
    };
    assert_eq!(cut_short("import library", "return 1"), [""; 0]);
    assert_eq!(
        cut_short("import library", "return library.RESULT"),
        ["main.W"]
    );
    assert_eq!(
        cut_short("from names import RESULT", "return RESULT"),
        ["main.W"]
    );
}

#[test]
fn a_module_runs_to_its_end_where_it_is_imported() {
    let seen = analyse_files(&[
        ("registry.py", "import plugin\nHANDLERS = plugin.HANDLERS\n"),
        (
            "plugin.py",
            "import time\nHANDLERS = {}\nHANDLERS['now'] = time.time\n",
        ),
        (
            "main.py",
            &workflow("from registry import *", "return HANDLERS['now']()"),
        ),
    ]);
    assert!(seen.uses("main.W"));
}

/// Functions that hand one another ever new callables: more work than a small budget allows.
fn heavy() -> String {
    let functions = (0..30).map(|i| {
        let (near, far) = ((i * 7 + 1) % 30, (i * 3 + 2) % 30);
        format!("def f{i}(g):\n    return [f{near}(lambda: g()), f{far}(g)]\n")
    });
    functions.collect()
}

#[test]
fn a_workflow_beyond_its_budget_costs_no_other_its_findings() {
    let light = "import sdk, time\nfrom helper import stamp\n@sdk.defn\nclass Light:\n    @sdk.run\n    async def run(self): return stamp()\n";
    let heavy = workflow(&heavy(), "return f0(len)");
    for name in ["a", "z"] {
        let files = [
            (
                "helper.py",
                "import time\ndef stamp(): return time.time()\n",
            ),
            ("light.py", light),
        ];
        let mut files: BTreeMap<String, String> = files
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect();
        files.insert(format!("{name}.py"), heavy.clone());
        let seen = analyse(files, 2_000);
        assert_eq!(seen.cut_short, [format!("{name}.W")]);
        assert!(seen.uses("light.Light"));
    }
}

#[test]
fn a_module_beyond_its_budget_is_named() {
    let files = [
        ("light.py", workflow("", "return time.time()")),
        ("slow.py", workflow(&(heavy() + "f0(len)"), "return 1")),
    ];
    let files = files.map(|(name, text)| (name.to_owned(), text));
    let seen = analyse(BTreeMap::from(files), 2_000);
    assert_eq!(seen.cut_short.first().map(String::as_str), Some("slow"));
    assert!(!seen.cut_short.contains(&"light".to_owned()));
    assert!(seen.uses("light.W"));
}

/// What is seen of these files with so little work that `heavy` does not come to its end.
fn analyse_shortly(files: &[(&str, &str)]) -> Seen {
    let files = files.iter();
    let files = files.map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    analyse(files.collect(), 2_000)
}

#[test]
fn what_a_module_imports_hides_no_workflow_behind_the_import() {
    let library = heavy() + "f0(len)\n";
    let main = workflow("import library", "return time.time()");
    let seen = analyse_shortly(&[("library.py", &library), ("main.py", &main)]);
    assert_eq!(seen.cut_short, ["main", "main.W"]);
    assert!(seen.uses("main.W"));
}

#[test]
fn a_heavy_call_hides_nothing_that_is_done_after_it() {
    let body = "f0(len)\nreturn time.time()";
    let helper = format!(
        "{}def helper():\n    f0(len)\n    return time.time()\n",
        heavy()
    );
    for (definitions, body) in [(heavy(), body), (helper, "return helper()")] {
        let seen = analyse_shortly(&[("main.py", &workflow(&definitions, body))]);
        assert_eq!(seen.cut_short, ["main.W"]);
        assert!(seen.uses("main.W"));
    }
}

#[test]
fn deep_names_of_imports_are_resolved_as_far_as_they_exist() {
    let dotted = vec!["main"; 5_000].join(".");
    assert!(reaches_the_clock(
        &format!("import {dotted}"),
        "return time.time()"
    ));
}

#[test]
fn a_decorator_that_applies_itself_makes_few_contexts() {
    let definitions = "def decorate(function):\n    @decorate\n    def inner(argument):\n        return function\n    return inner\n";
    let body = "@decorate\ndef helper():\n    return 1\nreturn time.time()";
    let seen = analyse_shortly(&[("main.py", &workflow(definitions, body))]);
    assert_eq!(seen.cut_short, [""; 0]);
    assert!(seen.uses("main.W"));
}
