//! Random input for the program: programs by a grammar, and changed texts of every kind that it
//! reads. Whatever comes, it ends in time and without a panic, says the same twice, and leaves
//! nothing broken behind. docs/decisions/0010-fuzzing.md says why it is made like this.
//!
//!     cargo test --test fuzz                                   the same short run each time
//!     FUZZ_MINUTES=60 cargo test --test fuzz engine            as many other inputs as fit
//!     FUZZ_SEED=17 cargo test --test fuzz engine               the input of one failure
//!
//! RUNBOOK_LINT names another build of the program, such as a faster one for a long run.

mod mutations;
mod programs;
mod random;

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use mutations::mutated;
use random::Random;

/// No input of a few kilobytes may take longer, on a busy machine and in a build for development.
const TIME: Duration = Duration::from_secs(120);
/// The seeds of long runs begin here, so that they repeat nothing of the short ones.
const FIRST_OF_LONG_RUN: u64 = 1_000_000;

/// One input, in a project of its own.
struct Case {
    target: &'static str,
    seed: u64,
    random: Random,
    project: TempDir,
}

struct Run {
    status: i32,
    stdout: Vec<u8>,
}

impl Run {
    fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.stdout).ok()
    }
}

impl Case {
    fn new(target: &'static str, seed: u64) -> Self {
        let project = TempDir::new().expect("a temporary directory");
        // Nothing above the directory may count.
        std::fs::create_dir(project.path().join(".git")).expect("create");
        let random = Random::new(seed);
        Self {
            target,
            seed,
            random,
            project,
        }
    }

    fn fails(&self, what: &str) -> ! {
        let Self { target, seed, .. } = self;
        panic!("{what}; FUZZ_SEED={seed} cargo test --test fuzz {target} shows it again");
    }

    fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.project.path().join(path);
        std::fs::create_dir_all(path.parent().expect("below the project")).expect("create");
        std::fs::write(path, bytes).expect("write");
    }

    /// Changes a file that is there. Returns whether it is.
    fn mutate(&mut self, path: &str) -> bool {
        let Ok(text) = std::fs::read_to_string(self.project.path().join(path)) else {
            return false;
        };
        let bytes = mutated(&mut self.random, &text);
        self.write(path, bytes);
        true
    }

    /// Runs the program, which must end, and without a panic.
    fn run(&self, arguments: &[&str]) -> Run {
        let outputs = TempDir::new().expect("a temporary directory");
        let [stdout, stderr] = ["stdout", "stderr"].map(|name| outputs.path().join(name));
        let create = |path: &Path| File::create(path).expect("create");
        let built = || env!("CARGO_BIN_EXE_runbook-lint").into();
        let mut child = Command::new(std::env::var_os("RUNBOOK_LINT").unwrap_or_else(built))
            .args(arguments)
            .current_dir(self.project.path())
            .stdout(create(&stdout))
            .stderr(create(&stderr))
            .spawn()
            .expect("runbook-lint starts");
        let start = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().expect("a status") {
                break status;
            }
            if start.elapsed() > TIME {
                let _ = child.kill();
                self.fails(&format!("{arguments:?} does not end"));
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        let read = |path: &Path| std::fs::read(path).expect("read");
        let said = String::from_utf8_lossy(&read(&stderr)).into_owned();
        match status.code() {
            Some(status @ 0..=2) if !said.contains("panicked") => Run {
                status,
                stdout: read(&stdout),
            },
            status => self.fails(&format!("{arguments:?} ends with {status:?}: {said}")),
        }
    }

    /// A check that says the same twice.
    fn check(&self, arguments: &[&str]) -> Run {
        let arguments = [&["check", "--output-format", "json"], arguments].concat();
        let (run, again) = (self.run(&arguments), self.run(&arguments));
        if (run.status, &run.stdout) != (again.status, &again.stdout) {
            self.fails("two runs differ");
        }
        run
    }

    fn write_program(&mut self) {
        for (path, text) in programs::project(&mut self.random) {
            self.write(&path, text);
        }
    }
}

#[expect(clippy::print_stdout, reason = "a long run says how far it came")]
fn fuzz(target: &'static str, runs: u64, one: fn(&mut Case)) {
    let number = |name| {
        std::env::var(name)
            .ok()
            .and_then(|it| it.parse::<u64>().ok())
    };
    if let Some(seed) = number("FUZZ_SEED") {
        return one(&mut Case::new(target, seed));
    }
    let Some(minutes) = number("FUZZ_MINUTES") else {
        return (0..runs).for_each(|seed| one(&mut Case::new(target, seed)));
    };
    let start = Instant::now();
    let mut seed = FIRST_OF_LONG_RUN;
    while start.elapsed() < Duration::from_secs(60 * minutes) {
        one(&mut Case::new(target, seed));
        seed += 1;
    }
    let done = seed - FIRST_OF_LONG_RUN;
    println!("{target}: {done} inputs in {} s", start.elapsed().as_secs());
}

#[test]
fn engine() {
    fuzz("engine", 20, |case| {
        case.write_program();
        if case.random.one_in(5) {
            case.mutate("m0.py");
        }
        let unreadable = |run: &Run| {
            let document = run.json()?;
            Some(document["errors"].as_array()?.len())
        };
        let before = unreadable(&case.check(&["--isolated"]));
        case.run(&["check", "--isolated", "--fix", "--unsafe-fixes"]);
        let after = unreadable(&case.check(&["--isolated", "--preview"]));
        if after > before {
            case.fails("a fix leaves a file that cannot be parsed");
        }
        case.run(&["graph", "--isolated", "--commands"]);
    });
}

#[test]
fn configuration() {
    const VALUES: [&str; 12] = [
        "true",
        "-1",
        "\"all\"",
        "\"RB101\"",
        "[\"RB1\", \"**/*.py\"]",
        "[\"[\"]",
        "[]",
        "{}",
        "{ \"*.py\" = [\"RB1\"] }",
        "{ \"time.time\" = \"safe\" }",
        "{ RB101 = \"info\" }",
        "1979-05-27",
    ];
    let schema = include_str!("../schema/runbook-lint.schema.json");
    let schema: Value = serde_json::from_str(schema).expect("a schema");
    let properties = schema["properties"].as_object().expect("properties");
    let keys: &'static Vec<String> = Box::leak(Box::new(properties.keys().cloned().collect()));
    assert!(keys.len() > 10);
    KEYS.set(keys).expect("set once");
    fuzz("configuration", 60, |case| {
        let keys = KEYS.get().expect("set above");
        let mut text = String::new();
        for _ in 0..1 + case.random.below(5) {
            let key = &keys[case.random.below(keys.len())];
            let value = case.random.choose(&VALUES);
            text += &format!("{key} = {value}\n");
        }
        case.write("runbook-lint.toml", text);
        if case.random.one_in(2) {
            case.mutate("runbook-lint.toml");
        }
        case.write("flow.py", FLOW);
        case.check(&[]);
        case.run(&["config"]);
    });
}

static KEYS: std::sync::OnceLock<&Vec<String>> = std::sync::OnceLock::new();

const FLOW: &str = "\
import time
from temporalio import workflow

def stamp():
    return time.time()

@workflow.defn
class Order:
    @workflow.run
    async def run(self):
        for item in {'a', 'b'}:
            await workflow.execute_activity(item, stamp())
        return time.time()
";

#[test]
fn runbook() {
    fuzz("runbook", 60, |case| {
        for (path, text) in BUNDLE {
            case.write(&format!("runbooks/nav-close/{path}"), text);
        }
        case.mutate("runbooks/nav-close/runbook.md");
        case.check(&["--isolated"]);
        case.run(&["check", "--isolated", "--fix", "--unsafe-fixes"]);
    });
}

macro_rules! bundle {
    ($($path:literal),*) => {
        [$(($path, include_str!(concat!("../fixtures/bundles/nav-close/runbooks/nav-close/", $path)))),*]
    };
}
const BUNDLE: [(&str, &str); 4] = bundle![
    "runbook.md",
    "templates/workflow.py",
    "templates/activities.py",
    "templates/models.py"
];

#[test]
fn baseline() {
    fuzz("baseline", 60, |case| {
        case.write("flow.py", FLOW);
        case.run(&["check", "--isolated", "--write-baseline", "known.json"]);
        if !case.mutate("known.json") {
            case.fails("no baseline was written");
        }
        case.check(&["--isolated", "--baseline", "known.json"]);
    });
}

#[test]
fn suppressions() {
    const COMMENTS: [&str; 12] = [
        "# noqa",
        "# noqa: RB101",
        "# noqa:RB1,, RB999 : x",
        "# type: ignore # noqa : rb101",
        "# runbook-lint: ignore[RB101]",
        "# runbook-lint: ignore[wall-clock, RB1] because",
        "# runbook-lint: ignore[",
        "# runbook-lint: ignore",
        "# runbook-lint: file-ignore[RB101]",
        "# runbook-lint: pure",
        "# runbook-lint: pure because ﬁ\u{2028}",
        "\\",
    ];
    fuzz("suppressions", 60, |case| {
        let mut text = String::new();
        for line in FLOW.lines() {
            text += line;
            if case.random.one_in(3) {
                text += "  ";
                text += case.random.choose(&COMMENTS);
            }
            text += case
                .random
                .choose(&["\n", "\n", "\n", "\r\n", "\n# runbook-lint: pure\n"]);
        }
        case.write("flow.py", text);
        if case.random.one_in(2) {
            case.mutate("flow.py");
        }
        case.check(&["--isolated"]);
        case.run(&["check", "--isolated", "--add-ignore", "known"]);
        case.check(&["--isolated"]);
    });
}

#[test]
fn lock() {
    fuzz("lock", 60, |case| {
        case.write("flow.py", FLOW);
        case.run(&["lock", "--isolated"]);
        if !case.mutate("runbook-lint.lock") {
            case.fails("no lock file was written");
        }
        case.check(&["--isolated"]);
        case.run(&["lock", "--isolated", "--check"]);
    });
}
