//! A project in a temporary directory, and runs of the program in it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A workflow with one finding, in `time.time()` on line 7.
pub(crate) const CLOCK: &str = "\
import time
from temporalio import workflow
@workflow.defn
class Order:
    @workflow.run
    async def run(self):
        return time.time()
";

pub(crate) struct Project {
    directory: TempDir,
}

pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Project {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let project = Self { directory };
        // Nothing above the temporary directory may count.
        std::fs::create_dir(project.path().join(".git")).expect("create");
        for (path, text) in files {
            project.write(path, text.as_bytes());
        }
        project
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().expect("below the project")).expect("create");
        std::fs::write(path, bytes).expect("write");
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.run_in("", arguments, b"")
    }

    pub(crate) fn run_in(&self, directory: &str, arguments: &[&str], stdin: &[u8]) -> Run {
        let mut child = command(&self.path().join(directory), arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("runbook-lint starts");
        // The program need not read its input.
        let _ = child.stdin.take().expect("piped").write_all(stdin);
        Run::new(child.wait_with_output().expect("runbook-lint ends"))
    }

    /// The findings as `path:line code`.
    pub(crate) fn findings(&self, arguments: &[&str]) -> Vec<String> {
        let run = self.run(&[&["check", "--output-format", "json"], arguments].concat());
        run.findings()
    }
}

impl Run {
    fn new(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self {
            status: output.status.code().expect("no signal"),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!("{error}: {}\n{}", self.stdout, self.stderr);
        })
    }

    pub(crate) fn findings(&self) -> Vec<String> {
        let document = self.json();
        let findings = document["findings"].as_array().expect("a list").iter();
        findings
            .map(|it| {
                let path = it["path"].as_str().expect("a path");
                let code = it["code"].as_str().expect("a code");
                format!("{path}:{} {code}", it["start"]["line"])
            })
            .collect()
    }
}

pub(crate) fn command(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runbook-lint"));
    command.current_dir(directory).args(arguments);
    for variable in [
        "NO_COLOR",
        "CLICOLOR_FORCE",
        "CLICOLOR",
        "VIRTUAL_ENV",
        "RAYON_NUM_THREADS",
        "GITHUB_WORKSPACE",
    ] {
        command.env_remove(variable);
    }
    command
}
