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

pub(crate) fn text(project: &Project, path: &str) -> String {
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

/// A workflow with this body, and these imports.
pub(crate) fn workflow(imports: &str, body: &str) -> String {
    let body = body.replace('\n', "\n        ");
    format!(
        "{imports}\nfrom temporalio import workflow\n\n\n@workflow.defn\nclass Order:\n    @workflow.run\n    \
         async def run(self, path: str):\n        {body}\n"
    )
}

/// The file after all fixes.
pub(crate) fn fixed(imports: &str, body: &str) -> String {
    let project = Project::new(&[("order.py", &workflow(imports, body))]);
    let run = project.run(&["check", "--fix-only", "--unsafe-fixes", "."]);
    assert!(!run.stderr.contains("put back"), "{}", run.stderr);
    text(&project, "order.py")
}

#[test]
fn what_cannot_be_recorded_is_only_sketched() {
    let order = workflow("import helpers", "return helpers.load(path)");
    let project = Project::new(&[
        ("order.py", &order),
        (
            "helpers.py",
            "def load(path: str):\n    return open(path)\n",
        ),
    ]);
    let report = project
        .run(&["check", "--output-format", "json", "."])
        .json();
    let fix = &report["findings"][0]["fixes"][0];
    assert_eq!(fix["applicability"], "display-only");
    assert_eq!(
        fix["title"],
        "run `load` in an activity: what `load` gives may be impossible to record"
    );
    project.run(&["check", "--fix-only", "--unsafe-fixes", "."]);
    assert_eq!(text(&project, "order.py"), order);
}

#[test]
fn code_that_others_run_as_well_is_left_alone() {
    let names = "import uuid\n\n\nclass Named:\n    def name(self) -> str:\n        return str(uuid.uuid4())\n";
    let order = workflow("from names import Named", "return self.name()")
        .replace("class Order", "class Order(Named)");
    let client = "from names import Named\n\n\nclass Client(Named): ...\n";
    for (client, is_fixed) in [(client, false), ("", true)] {
        let project = Project::new(&[
            ("names.py", names),
            ("order.py", &order),
            ("client.py", client),
        ]);
        project.run(&["check", "--fix-only", "--unsafe-fixes", "."]);
        let after = text(&project, "names.py");
        assert_eq!(after.contains("workflow.uuid4()"), is_fixed, "{after}");
    }
}

#[test]
fn an_activity_raises_what_the_code_does_not_expect() {
    let read = |errors: &str| {
        let body = format!("try:\n    return open(path).read()\nexcept {errors}:\n    return ''");
        fixed("", &body)
    };
    assert!(read("OSError").contains("return open(path).read()"));
    assert!(read("(OSError, ValueError)").contains("return open(path).read()"));
    let caught = read("Exception");
    assert!(
        caught.contains("retry_policy=RetryPolicy(maximum_attempts=1)"),
        "{caught}"
    );
}

#[test]
fn a_comment_is_not_lost() {
    let body = "return datetime.now(  # aware on purpose\n    timezone.utc\n)";
    let after = fixed("from datetime import datetime, timezone\n", body);
    assert!(after.contains("# aware on purpose"), "{after}");
}

#[test]
fn no_import_is_left_that_only_the_old_code_needed() {
    let imports = "import os\nimport time\nimport uuid\nfrom datetime import datetime, timezone\n";
    let body =
        "return [os.environ['REGION'], time.time(), uuid.uuid4(), datetime.now(timezone.utc)]";
    let after = fixed(imports, body);
    let head: Vec<&str> = after
        .lines()
        .take_while(|it| !it.starts_with('@'))
        .collect();
    assert_eq!(
        head.join("\n").trim_end(),
        "from datetime import timedelta\n\nfrom temporalio import workflow\n\nwith \
         workflow.unsafe.imports_passed_through():\n    from activities import read_region"
    );
}

/// What an activity returns and what a workflow is started with stay in the history.
#[test]
fn a_secret_is_not_moved_into_the_history() {
    let source = |variable: &str| {
        format!(
            "\
import os
from temporalio import workflow
@workflow.defn
class Order:
    @workflow.run
    async def run(self) -> str:
        return os.environ[\"{variable}\"]
"
        )
    };
    let fixed = |variable: &str| {
        let before = source(variable);
        let project = Project::new(&[("nav.py", &before)]);
        project.run(&["check", "--fix", "--unsafe-fixes", "."]);
        text(&project, "nav.py") != before
    };
    assert!(fixed("REGION"));
    for secret in ["OPENAI_API_KEY", "GITHUB_TOKEN", "DATABASE_PASSWORD"] {
        assert!(!fixed(secret), "{secret}");
    }
}

#[test]
fn it_is_said_what_can_be_fixed_and_how() {
    let project = Project::new(&[("wf.py", CLOCK)]);
    let run = project.run(&["check", "--isolated", "."]);
    let hint = "can be fixed: 1 with `--fix`";
    assert!(run.stdout.contains(hint), "{}", run.stdout);
    let run = project.run(&["check", "--isolated", "--fix", "."]);
    assert!(!run.stdout.contains("can be fixed"), "{}", run.stdout);
    let run = project.run(&["check", "--unsafe-fixes", "."]);
    assert_eq!(run.status, 2, "it fixes nothing by itself");
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
    let left = FIXED.replace("time()", "time()  # noqa: E501");
    assert_eq!(text(&project, "nav.py"), left);
    // So may its reason, about another rule.
    let both = "time.time()  # runbook-lint: ignore[RB101, RB102, RB999] for people";
    let source = CLOCK.replace("time.time()", both);
    project.write("nav.py", source.as_bytes());
    project.run(&["check", "--fix", "."]);
    let left = source.replace("RB101, RB102, RB999", "RB101");
    assert_eq!(text(&project, "nav.py"), left);
}

#[test]
fn findings_get_comments() {
    let source = "\
import time
from temporalio import workflow
@workflow.defn
class Order:
    @workflow.run
    async def run(self):
        a = time.time()  # seconds
        b = time.time() + hash(\"\")
        c = f\"\"\"{
            time.time()
        }\"\"\"
        return [a, b, c, time.time() \\
            ]  # runbook-lint: ignore[RB102] old
";
    let project = Project::new(&[("nav.py", source)]);
    let run = project.run(&[
        "check",
        "--isolated",
        "--add-ignore",
        "to be looked at",
        ".",
    ]);
    let comment = "# runbook-lint: ignore[RB101] to be looked at";
    let expected = source
        .replace("# seconds", &format!("# seconds  {comment}"))
        .replace(
            "hash(\"\")",
            "hash(\"\")  # runbook-lint: ignore[RB101, RB117] to be looked at",
        );
    assert_eq!(text(&project, "nav.py"), expected, "{}", run.stderr);
    // Inside of a text, and before a backslash, there is no place for a comment.
    assert_eq!(run.status, 2);
    assert!(
        run.stderr.contains("2 findings in `nav.py` could not"),
        "{}",
        run.stderr
    );
    let run = project.run(&["check", "--isolated", "--add-ignore", "two\nlines", "."]);
    assert_eq!(run.status, 2);
}

#[test]
fn a_helper_gets_the_time_and_others_keep_the_clock() {
    let helper = "\
import datetime


def stamp(
    name: str,  # of the fund
) -> str:
    return f\"{name} {_today()}\"


def _today():
    return datetime.date.today()
";
    let workflow = "\
from temporalio import workflow

from helpers import stamp


@workflow.defn
class Order:
    @workflow.run
    async def run(self, name: str) -> str:
        return stamp(name) + stamp(\"b\")
";
    let project = Project::new(&[("nav.py", workflow), ("helpers.py", helper)]);
    let run = project.run(&["check", "--isolated", "--fix", "--unsafe-fixes", "."]);
    assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
    let expected = helper
        .replace(
            "    name: str,  # of the fund\n",
            "    name: str,  # of the fund\n    *,\n    now: datetime.datetime | None = None,\n",
        )
        .replace("{_today()}", "{_today(now=now)}")
        .replace(
            "def _today()",
            "def _today(*, now: datetime.datetime | None = None)",
        )
        .replace(
            "datetime.date.today()",
            "datetime.date.today() if now is None else now.date()",
        );
    assert_eq!(text(&project, "helpers.py"), expected);
    let expected = workflow
        .replace("stamp(name)", "stamp(name, now=workflow.now())")
        .replace("stamp(\"b\")", "stamp(\"b\", now=workflow.now())");
    assert_eq!(text(&project, "nav.py"), expected);
}

#[test]
fn code_moves_beside_the_activities_and_workers_get_it() {
    let workflow = "\
import os
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from app.work import greet


@workflow.defn
class Order:
    @workflow.run
    async def run(self, path: str) -> str:
        os.makedirs(path)
        return await workflow.execute_activity(
            greet, path, start_to_close_timeout=timedelta(minutes=1)
        )
";
    let work = "\
from temporalio import activity


@activity.defn
async def greet(name: str) -> str:
    return name
";
    let worker = "\
from temporalio.worker import Worker

from app.flow import Order
from app.work import greet


def start(client):
    return Worker(client, task_queue=\"q\", workflows=[Order], activities=[greet])
";
    let project = Project::new(&[
        ("app/flow.py", workflow),
        ("app/work.py", work),
        ("worker.py", worker),
    ]);
    let run = project.run(&["check", "--isolated", "--fix", "--unsafe-fixes", "."]);
    assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
    let expected = workflow
        .replace("import os\n", "")
        .replace("import greet\n", "import greet, os_makedirs\n")
        .replace(
            "        os.makedirs(path)\n",
            "        await workflow.execute_activity(
            os_makedirs, path, start_to_close_timeout=timedelta(minutes=5)
        )\n",
        );
    assert_eq!(text(&project, "app/flow.py"), expected);
    let expected = format!(
        "import asyncio\nimport os\n\n{work}\n
@activity.defn
async def os_makedirs(path: str) -> None:
    await asyncio.to_thread(lambda: os.makedirs(path))
"
    );
    assert_eq!(text(&project, "app/work.py"), expected);
    let expected = worker
        .replace("import greet\n", "import greet, os_makedirs\n")
        .replace("[greet]", "[\n        greet,\n        os_makedirs,\n    ]");
    assert_eq!(text(&project, "worker.py"), expected);
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

    #[test]
    fn a_file_that_must_not_be_written_is_left_alone() {
        use std::os::unix::process::CommandExt;

        let project = Project::new(&[("a.py", CLOCK), ("b.py", CLOCK)]);
        let mode = |path: &str, mode: u32| {
            let path = project.path().join(path);
            fs::set_permissions(path, Permissions::from_mode(mode)).expect("set");
        };
        mode("", 0o777);
        mode("a.py", 0o444);
        mode("b.py", 0o666);
        let mut command = Command::new(env!("CARGO_BIN_EXE_runbook-lint"));
        command
            .args(["check", "--isolated", "--fix-only", "."])
            .current_dir(project.path());
        // Nothing is read-only for the superuser.
        let owner = std::os::unix::fs::MetadataExt::uid(&fs::metadata(project.path()).expect("it"));
        if owner == 0 {
            command.uid(65534);
        }
        let output = command.output().expect("runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("`a.py` was not changed"), "{said}");
        assert_eq!(text(&project, "a.py"), CLOCK);
        assert_eq!(text(&project, "b.py"), FIXED);
    }

    /// Under a limit on the size of files, in KiB, a write of more fails, and kills the program
    /// unless the signal is ignored: a full disk, and an interruption in the middle.
    fn limited(project: &Project, ignored: bool, limit: u32) -> i32 {
        let trap = if ignored { "trap '' XFSZ; " } else { "" };
        let script = format!("{trap}ulimit -f {limit}; exec \"$0\" check --isolated --fix-only .");
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
        let long = format!("{CLOCK}{}", "# A line that takes its room.\n".repeat(99));
        let project = Project::new(&[("a.py", CLOCK), ("b.py", &long)]);
        for (ignored, limit) in [(true, 0), (false, 0), (true, 1), (false, 1)] {
            let status = limited(&project, ignored, limit);
            assert_ne!(status, 0, "ignored: {ignored}, limit: {limit}");
            assert!([CLOCK, FIXED].contains(&text(&project, "a.py").as_str()));
            assert_eq!(text(&project, "b.py"), long);
        }
    }

    /// Whenever the program is killed, each file is as it was or as it should be, and a later run
    /// does the rest.
    #[test]
    fn a_killed_run_leaves_whole_files() {
        const FILES: usize = 40;
        let names: Vec<String> = (0..FILES).map(|it| format!("order_{it}.py")).collect();
        let files: Vec<(&str, &str)> = names.iter().map(|it| (it.as_str(), CLOCK)).collect();
        let run = |project: &Project| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_runbook-lint"));
            command.args(["check", "--isolated", "--quiet", "--fix-only", "."]);
            command.current_dir(project.path()).spawn().expect("runs")
        };
        let whole = Project::new(&files);
        let started = std::time::Instant::now();
        run(&whole).wait().expect("it ends");
        let duration = started.elapsed();
        for part in 0..20 {
            let project = Project::new(&files);
            let mut child = run(&project);
            std::thread::sleep(duration * part / 20);
            // It may be done already.
            child.kill().expect("it can be killed");
            child.wait().expect("it ends");
            for name in &names {
                assert!(
                    [CLOCK, FIXED].contains(&text(&project, name).as_str()),
                    "{name}"
                );
            }
            run(&project).wait().expect("it ends");
            for name in &names {
                assert_eq!(text(&project, name), FIXED, "{name}");
            }
        }
    }
}

/// Whether anything is fixed, with unsafe fixes, in a project of these files.
pub(crate) fn is_changed(files: &[(&str, &str)]) -> bool {
    let project = Project::new(files);
    let run = project.run(&["check", "--fix-only", "--unsafe-fixes", "."]);
    assert!(run.stderr.contains("fixed "), "{}", run.stderr);
    let is_changed = |(path, before): &(&str, &str)| text(&project, path) != *before;
    files.iter().any(is_changed)
}

#[test]
fn where_a_workflow_has_no_time_yet_the_clock_stays() {
    let around = |method: &str| {
        format!(
            "import time\n\nfrom temporalio import worker\n\n\nclass Timed(worker.WorkflowInboundInterceptor):\n    {method}:\n        \
             self.started = time.time()\n\n\nclass Timing(worker.Interceptor):\n    def workflow_interceptor_class(self, input):\n        \
             return Timed\n"
        )
    };
    for (method, is_fixed) in [
        ("def init(self, outbound)", false),
        ("def __init__(self, next)", false),
        ("async def execute_workflow(self, input)", true),
    ] {
        let code = around(method);
        assert_eq!(is_changed(&[("timing.py", &code)]), is_fixed, "{method}");
    }
    // Clients and activities convert as well.
    let converter = "import time\n\nfrom temporalio.converter import EncodingPayloadConverter\n\n\nclass Stamped(EncodingPayloadConverter):\n    \
                     def to_payload(self, value):\n        return time.time()\n";
    assert!(!is_changed(&[
        ("stamped.py", converter),
        ("flow.py", &workflow("", "return 1"))
    ]));
}

#[test]
fn an_instant_keeps_its_place_in_time() {
    for (before, after) in [
        ("datetime.now().timestamp()", "workflow.now().timestamp()"),
        (
            "datetime.now().astimezone(zone)",
            "workflow.now().astimezone(zone)",
        ),
        (
            "datetime.utcnow().timestamp()",
            "workflow.now().timestamp()",
        ),
        (
            "datetime.now().isoformat()",
            "workflow.now().replace(tzinfo=None).isoformat()",
        ),
    ] {
        let fixed = fixed("from datetime import datetime", &format!("return {before}"));
        assert!(fixed.contains(&format!("return {after}\n")), "{fixed}");
    }
}

#[test]
fn elements_that_cannot_be_compared_are_not_sorted() {
    let imports = "from dataclasses import dataclass\nfrom enum import Enum, IntEnum\n\n\nclass Kind(Enum):\n    A = 1\n    B = 2\n\n\n\
                   class Rank(IntEnum):\n    A = 1\n    B = 2\n\n\n@dataclass(frozen=True)\nclass Row:\n    name: str\n\n\n\
                   @dataclass(frozen=True, order=True)\nclass Line:\n    name: str\n";
    for (set, is_sorted) in [
        ("{Kind.A, Kind.B}", false),
        ("{Row('a'), Row('b')}", false),
        ("set([Row('a'), Row('b')])", false),
        ("{Line('a'), Line('b')}", true),
        ("{1, 'a'}", false),
        ("{None, 'a'}", false),
        ("{'a', 'b'}", true),
    ] {
        let body = format!("for it in {set}:\n    await workflow.sleep(len(str(it)))");
        let fixed = fixed(imports, &body);
        assert_eq!(fixed.contains("in sorted("), is_sorted, "{set}: {fixed}");
    }
}

#[test]
fn what_is_used_as_a_set_stays_one() {
    for (use_, is_fixed) in [
        ("done - {1}", false),
        ("pending.add(1)", false),
        ("len(done)", true),
    ] {
        let body = format!("done, pending = await asyncio.wait([path, use])\nreturn {use_}");
        let fixed = fixed("import asyncio", &body);
        assert_eq!(
            fixed.contains("workflow.wait("),
            is_fixed,
            "{use_}: {fixed}"
        );
    }
}

#[test]
fn a_helper_with_effects_in_the_process_stays_there() {
    let order = workflow("import helpers", "return helpers.load(path)");
    for (state, body, is_fixed) in [
        ("SEEN = {}", "SEEN[path] = 1", false),
        ("SEEN = []", "SEEN.append(path)", false),
        (
            "from contextvars import ContextVar\nSEEN = ContextVar('seen')",
            "SEEN.set(path)",
            false,
        ),
        ("COUNT = 0", "global COUNT\n    COUNT += 1", false),
        ("SEEN = {}", "seen = dict(SEEN)\n    seen[path] = 1", true),
    ] {
        let helpers = format!(
            "{state}\n\n\ndef load(path: str) -> str:\n    {body}\n    return open(path).read()\n"
        );
        let files = [
            ("order.py", order.as_str()),
            ("helpers.py", helpers.as_str()),
        ];
        assert_eq!(is_changed(&files), is_fixed, "{helpers}");
    }
    let shuffles =
        "import random\n\n\ndef load(path: list[str]) -> None:\n    random.shuffle(path)\n";
    let files = [("order.py", order.as_str()), ("helpers.py", shuffles)];
    assert!(!is_changed(&files));
}

#[test]
fn what_only_a_type_checker_imports_is_not_used() {
    let order = workflow("import helpers", "return helpers.load(path)");
    for (head, is_fixed) in [
        ("from models import Row", true),
        (
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from models import Row",
            false,
        ),
    ] {
        let helpers = format!(
            "from __future__ import annotations\n{head}\n\n\ndef load(path: str) -> Row:\n    return Row(open(path).read())\n"
        );
        let models =
            "from dataclasses import dataclass\n\n\n@dataclass\nclass Row:\n    text: str\n";
        let files = [
            ("order.py", order.as_str()),
            ("helpers.py", helpers.as_str()),
            ("models.py", models),
        ];
        assert_eq!(is_changed(&files), is_fixed, "{head}");
    }
}

#[test]
fn what_leaves_its_finding_is_no_fix() {
    let helpers =
        "import time\n\n\ndef start(path, at=None):\n    return path, at or time.time()\n";
    let order = workflow("import helpers", "return helpers.start(path)");
    let project = Project::new(&[("order.py", &order), ("helpers.py", helpers)]);
    let run = project.run(&["check", "--fix-only", "--unsafe-fixes", "."]);
    assert!(run.stderr.contains("its finding stays"), "{}", run.stderr);
    assert!(run.stderr.contains("fixed 0 findings"), "{}", run.stderr);
    assert_eq!(text(&project, "order.py"), order);
}

#[test]
fn a_docstring_needs_no_import() {
    let fixed = fixed(
        "import time",
        "\"\"\"Takes the time.\"\"\"\nreturn time.time()",
    );
    assert!(!fixed.contains("import time"), "{fixed}");
}

#[test]
fn one_bad_fix_stops_no_other() {
    // Starting a child without awaiting it is another finding where it is awaited.
    let children = "workflow.start_child_workflow(\"Child\", path, id=\"c\")";
    let body = format!("{children}\nasyncio.sleep(3)\nworkflow.sleep(3)\nreturn 1");
    let fixed = |body: &str| {
        let project = Project::new(&[("order.py", &workflow("import asyncio", body))]);
        project.run(&["check", "--fix-only", "--unsafe-fixes", "."]);
        text(&project, "order.py")
    };
    let fixed = fixed(&body);
    assert!(fixed.contains("await asyncio.sleep(3)"), "{fixed}");
    assert!(fixed.contains("await workflow.sleep(3)"), "{fixed}");
}

#[test]
fn a_remark_does_not_keep_an_error() {
    // The activity is awaited where all errors are caught, and the loop goes on.
    let body = "text = \"\"\nwhile not text:\n    try:\n        text = open(path).read()\n    except Exception:\n        \
                text = \"\"\n    await workflow.sleep(1)\nreturn text";
    let fixed = fixed("", body);
    assert!(fixed.contains("workflow.execute_activity("), "{fixed}");
}

#[test]
fn the_workflow_itself_is_no_input_of_an_activity() {
    let helpers = "import os\n\n\ndef setup(it, path: str) -> None:\n    setattr(it, \"ready\", os.environ.get(path))\n";
    let order = workflow("import helpers", "helpers.setup(self, path)");
    assert!(!is_changed(&[
        ("order.py", &order),
        ("helpers.py", helpers)
    ]));
}
