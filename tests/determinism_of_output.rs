//! The same project gives the same bytes: with any number of threads, with the paths given in any
//! order, and on every run.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

const PACKAGES: usize = 40;
const HELPERS: usize = 22;
const WORKFLOWS: usize = 3;
/// Of so many helper modules one does something that varies.
const SPACING: usize = 11;

#[test]
fn a_project_of_a_thousand_files_gives_the_same_bytes_always() {
    let project = generate();
    let files = count(project.path());
    assert!(files >= 1_000, "{files} files");
    let packages: Vec<String> = (0..PACKAGES).map(package).collect();
    let backwards: Vec<&str> = packages.iter().rev().map(String::as_str).collect();
    let reference = run(project.path(), "json", "1", &["."]);
    assert!(reference.len() > 100_000, "{} bytes", reference.len());
    let again = run(project.path(), "json", "1", &["."]);
    assert!(reference == again, "two runs differ");
    let threads = run(project.path(), "json", "4", &["."]);
    assert!(reference == threads, "four threads differ from one");
    let reversed = run(project.path(), "json", "4", &backwards);
    assert!(reference == reversed, "the order of the paths matters");
    for format in ["full", "concise", "sarif"] {
        let one = run(project.path(), format, "1", &["."]);
        let four = run(project.path(), format, "4", &backwards);
        assert!(
            one == four,
            "{format}: threads or the order of the paths matter"
        );
    }
}

fn run(project: &Path, format: &str, threads: &str, paths: &[&str]) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_runbook-lint"))
        .args([
            "check",
            "--isolated",
            "--statistics",
            "--output-format",
            format,
        ])
        .args(paths)
        .env("RAYON_NUM_THREADS", threads)
        .current_dir(project)
        .output()
        .expect("the linter can be started");
    assert_eq!(
        output.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// Packages of workflows, and of helpers that call each other in chains and in circles, also
/// across packages. Each chain ends at something that varies.
fn generate() -> TempDir {
    let project = tempfile::tempdir().expect("a temporary directory");
    for number in 0..PACKAGES {
        let directory = project.path().join(package(number));
        fs::create_dir(&directory).expect("a directory");
        write(&directory, "__init__", "");
        for ix in 0..HELPERS {
            write(&directory, &format!("helper{ix}"), &helper(number, ix));
        }
        for ix in 0..WORKFLOWS {
            write(&directory, &format!("flow{ix}"), &workflow(ix));
        }
    }
    project
}

fn package(number: usize) -> String {
    format!("fund{number:02}")
}

fn write(directory: &Path, module: &str, text: &str) {
    fs::write(directory.join(format!("{module}.py")), text).expect("a file can be written");
}

fn helper(number: usize, ix: usize) -> String {
    let next = (ix + 1) % HELPERS;
    let neighbour = package((number + 1) % PACKAGES);
    let culprit = match (ix % SPACING, number % 4) {
        (0, 0) => "time.time()",
        (0, 1) => "random.random()",
        (0, 2) => "uuid.uuid4().int",
        (0, _) => "len(os.environ)",
        _ => "len(NAMES)",
    };
    let names = match ix % 5 {
        0 => "\n\ndef names():\n    return [name for name in NAMES] + [STARTED]\n",
        _ => "",
    };
    format!(
        "import os\nimport random\nimport time\nimport uuid\n\n\
         from . import helper{next}\nfrom {neighbour} import helper{ix} as neighbour\n\n\n\
         STARTED = time.time()\nNAMES = {{'nav', 'fee', 'helper{ix}'}}\n\n\n\
         class Clock:\n    def __init__(self, depth):\n        self.depth = depth\n\n    \
         @property\n    def now(self):\n        return chain(self.depth)\n\n\n\
         def chain(depth):\n    if depth <= 0:\n        return {culprit}\n    \
         return helper{next}.chain(depth - 1)\n\n\n\
         def around(depth):\n    return helper{next}.around(depth) + neighbour.leaf() if depth else leaf()\n\n\n\
         def leaf():\n    return {culprit}\n\n\n\
         def apply(function, *values):\n    return function(*values)\n{names}"
    )
}

fn workflow(ix: usize) -> String {
    let (first, second, named) = (ix * 5, ix * 5 + 3, ix * 5);
    format!(
        "from temporalio import workflow\n\n\
         from . import helper{first}, helper{second}\nfrom .helper{named} import names\n\n\n\
         @workflow.defn\nclass Close{ix}:\n    \
         @workflow.run\n    async def run(self, depth: int) -> list:\n        \
         found = [helper{first}.chain(depth), helper{second}.around(depth)]\n        \
         found.append(helper{first}.Clock(depth).now)\n        \
         found.append(helper{second}.apply(helper{first}.leaf))\n        \
         if helper{second}.apply(lambda: helper{first}.leaf()):\n            \
         await workflow.execute_activity('close', names())\n        \
         return found\n\n    \
         @workflow.query\n    def at(self) -> float:\n        return helper{second}.leaf()\n"
    )
}

fn count(directory: &Path) -> usize {
    let entries = fs::read_dir(directory).expect("the directory can be listed");
    let paths = entries.map(|entry| entry.expect("the entry can be read").path());
    paths
        .map(|path| if path.is_dir() { count(&path) } else { 1 })
        .sum()
}
