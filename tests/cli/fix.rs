//! `--fix`, `--fix-only`, `--diff`: files change as a whole, and only for the better.

use std::fs;

use super::project::{CLOCK, Project};

/// [`CLOCK`] after its fix.
const FIXED: &str = "\
from temporalio import workflow
@workflow.defn
class Order:
    @workflow.run
    async def run(self):
        return workflow.time()
";

fn text(project: &Project, path: &str) -> String {
    fs::read_to_string(project.path().join(path)).expect("a text")
}

#[test]
fn safe_fixes_are_applied_and_a_second_run_changes_nothing() {
    let project = Project::new(&[("nav.py", CLOCK)]);
    let run = project.run(&["check", "--fix", "."]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(
        run.stderr.contains("fixed 1 finding in 1 file"),
        "{}",
        run.stderr
    );
    assert_eq!(text(&project, "nav.py"), FIXED);
    let run = project.run(&["check", "--fix", "."]);
    assert!(run.stderr.contains("fixed 0 findings"), "{}", run.stderr);
    assert_eq!(text(&project, "nav.py"), FIXED);
}

#[test]
fn a_diff_changes_nothing_and_says_whether_there_is_any() {
    let project = Project::new(&[("nav.py", CLOCK)]);
    let run = project.run(&["check", "--diff", "."]);
    assert_eq!(run.status, 1);
    assert!(
        run.stdout.starts_with("--- nav.py\n+++ nav.py\n"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout
            .contains("\n-        return time.time()\n+        return workflow.time()\n")
    );
    assert_eq!(text(&project, "nav.py"), CLOCK);
    project.run(&["check", "--fix-only", "."]);
    let run = project.run(&["check", "--diff", "."]);
    assert_eq!((run.status, run.stdout.as_str()), (0, ""));
}

#[test]
fn unsafe_fixes_are_asked_for() {
    let naive = CLOCK.replace("time.time()", "datetime.now()");
    let naive = naive.replace("import time\n", "from datetime import datetime\n");
    let project = Project::new(&[("nav.py", &naive)]);
    let run = project.run(&["check", "--fix", "."]);
    assert_eq!(run.status, 1);
    assert_eq!(text(&project, "nav.py"), naive);
    let run = project.run(&["check", "--fix", "--unsafe-fixes", "."]);
    assert_eq!(run.status, 0, "{}", run.stdout);
    assert!(text(&project, "nav.py").contains("workflow.now().replace(tzinfo=None)"));
}

#[test]
fn fixes_of_one_pass_do_not_take_imports_from_each_other() {
    let source = "\
import asyncio
import time
from temporalio import workflow
@workflow.defn
class Order:
    @workflow.run
    async def run(self, tasks: list):
        for task in asyncio.as_completed(tasks):
            await task
        time.sleep(3)
";
    let project = Project::new(&[("nav.py", source)]);
    project.run(&["check", "--fix", "--unsafe-fixes", "."]);
    let fixed = text(&project, "nav.py");
    assert!(
        fixed.starts_with("import asyncio\nfrom temporalio"),
        "{fixed}"
    );
    assert!(fixed.contains("workflow.as_completed(tasks)"), "{fixed}");
    assert!(fixed.contains("await asyncio.sleep(3)"), "{fixed}");
}

#[test]
fn what_is_suppressed_known_or_elsewhere_is_left_alone() {
    let quiet = CLOCK.replace("time.time()", "time.time()  # noqa: RB101");
    let project = Project::new(&[("a.py", CLOCK), ("b.py", CLOCK), ("c.py", &quiet)]);
    project.run(&["check", "--fix", "a.py", "c.py"]);
    assert_eq!(text(&project, "a.py"), FIXED);
    assert_eq!(text(&project, "b.py"), CLOCK);
    assert_eq!(text(&project, "c.py"), quiet);
    project.run(&["check", "--write-baseline", "known.toml", "."]);
    project.run(&["check", "--baseline", "known.toml", "--fix", "."]);
    assert_eq!(text(&project, "b.py"), CLOCK);
}

#[test]
fn line_ends_encodings_and_marks_stay() {
    let crlf = CLOCK.replace('\n', "\r\n");
    let marked = format!("\u{feff}{CLOCK}");
    let latin: Vec<u8> = [b"# coding: latin-1\n# \xe9\n", CLOCK.as_bytes()].concat();
    let project = Project::new(&[("crlf.py", &crlf), ("marked.py", &marked)]);
    project.write("latin.py", &latin);
    project.run(&["check", "--fix", "."]);
    assert_eq!(text(&project, "crlf.py"), FIXED.replace('\n', "\r\n"));
    assert_eq!(text(&project, "marked.py"), format!("\u{feff}{FIXED}"));
    let expected = [b"# coding: latin-1\n# \xe9\n", FIXED.as_bytes()].concat();
    assert_eq!(
        fs::read(project.path().join("latin.py")).expect("bytes"),
        expected
    );
}

#[test]
fn a_comment_that_suppresses_nothing_goes() {
    let source = FIXED.replace("time()", "time()  # noqa: RB101").replace(
        "class Order",
        "# runbook-lint: ignore[wall-clock]\nclass Order",
    );
    let project = Project::new(&[("nav.py", &source)]);
    project.run(&["check", "--fix", "."]);
    assert_eq!(text(&project, "nav.py"), FIXED);
    // Others may have something to say in it.
    let source = FIXED.replace("time()", "time()  # noqa: E501, RB101");
    project.write("nav.py", source.as_bytes());
    project.run(&["check", "--fix", "."]);
    assert_eq!(text(&project, "nav.py"), source);
}

#[test]
fn a_bundle_moves_to_the_facade_at_once() {
    let source = "\
from ntro.workflow import NtroWorkflow
from temporalio import workflow


@workflow.defn
class StrikeNavWorkflow(NtroWorkflow):
    @workflow.run
    async def run(self, context: dict) -> dict:
        return {\"at\": workflow.now().isoformat()}
";
    let path = "strike-nav/templates/workflow.py";
    let project = Project::new(&[
        (path, source),
        ("strike-nav/runbook.md", "---\nslug: strike-nav\n---\n"),
    ]);
    let run = project.run(&["migrate", "--isolated", "--diff", "."]);
    assert_eq!(run.status, 1, "{}", run.stderr);
    assert!(run.stdout.contains("+@runbook.defn"), "{}", run.stdout);
    assert_eq!(text(&project, path), source);
    let run = project.run(&["migrate", "--isolated", "."]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let migrated = text(&project, path);
    assert!(
        !migrated.contains("temporalio") && !migrated.contains("@workflow"),
        "{migrated}"
    );
    let run = project.run(&["migrate", "--isolated", "--diff", "."]);
    assert_eq!((run.status, run.stdout.as_str()), (0, ""));
}

#[cfg(unix)]
mod on_unix {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    use super::*;

    #[test]
    fn permissions_stay_and_links_are_followed() {
        let project = Project::new(&[("nav.py", CLOCK), ("shared/real.txt", CLOCK)]);
        let path = project.path().join("nav.py");
        fs::set_permissions(&path, Permissions::from_mode(0o754)).expect("set");
        let link = project.path().join("linked.py");
        std::os::unix::fs::symlink("shared/real.txt", &link).expect("a link");
        project.run(&["check", "--fix", "."]);
        let mode = fs::metadata(&path).expect("metadata").permissions().mode();
        assert_eq!(mode & 0o777, 0o754);
        assert!(link.is_symlink());
        assert_eq!(text(&project, "shared/real.txt"), FIXED);
    }

    /// Under a limit on the size of files, every write of more than nothing fails, and kills the
    /// program unless the signal is ignored: a full disk, and an interruption in the middle.
    fn limited(project: &Project, ignored: bool) -> i32 {
        let trap = if ignored { "trap '' XFSZ; " } else { "" };
        let script = format!("{trap}ulimit -f 0; exec \"$0\" check --isolated --fix-only .");
        let status = Command::new("bash")
            .args(["-c", &script, env!("CARGO_BIN_EXE_runbook-lint")])
            .current_dir(project.path())
            .output()
            .expect("bash runs")
            .status;
        status.code().unwrap_or(-1)
    }

    #[test]
    fn nothing_is_half_written() {
        let project = Project::new(&[("a.py", CLOCK), ("b.py", CLOCK)]);
        for ignored in [true, false] {
            let status = limited(&project, ignored);
            assert_ne!(status, 0, "ignored: {ignored}");
            assert_eq!(text(&project, "a.py"), CLOCK);
            assert_eq!(text(&project, "b.py"), CLOCK);
        }
    }
}
