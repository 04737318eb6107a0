//! What a fix would turn into something else stays, each form beside one that may be fixed.

use super::fix::{fixed, is_changed, text, workflow};
use super::project::Project;

/// The files after all fixes.
fn all_fixed(files: &[(&str, &str)]) -> Vec<String> {
    let project = Project::new(files);
    project.run(&["check", "--fix-only", "--unsafe-fixes", "."]);
    files.iter().map(|(path, _)| text(&project, path)).collect()
}

#[test]
fn converters_have_no_workflow_api() {
    let converter = |value: &str| {
        format!(
            "import random\nimport uuid\n\nfrom temporalio import workflow\nfrom temporalio.converter import EncodingPayloadConverter\n\n\n\
             class Stamped(EncodingPayloadConverter):\n    def to_payload(self, value):\n        return {value}\n\n\n\
             @workflow.defn\nclass Flow:\n    @workflow.run\n    async def run(self):\n        return 1\n"
        )
    };
    for (value, is_fixed) in [
        ("str(uuid.uuid4())", false),
        ("random.random()", false),
        ("list({'a', 'b'})", true),
    ] {
        let code = converter(value);
        assert_eq!(is_changed(&[("flow.py", &code)]), is_fixed, "{value}");
    }
}

#[test]
fn a_helper_with_the_logger_of_workflows_runs_nowhere_else() {
    let order = workflow("import helpers", "return helpers.named(path)");
    for (logger, expected) in [
        ("workflow.logger", "workflow.uuid4()"),
        ("logging.getLogger()", "named_activity"),
    ] {
        let helpers = format!(
            "import logging\nimport uuid\n\nfrom temporalio import workflow\n\n\ndef named(path: str) -> str:\n    {logger}.info(path)\n    \
             return str(uuid.uuid4())\n"
        );
        let fixed = all_fixed(&[("order.py", &order), ("helpers.py", &helpers)]);
        assert!(fixed[1].contains(expected), "{logger}: {}", fixed[1]);
    }
}

#[test]
fn a_helper_that_changes_what_it_is_given_runs_in_the_workflow() {
    let order = workflow(
        "import helpers",
        "rows: dict[str, list[str]] = {}\nhelpers.add(rows)\nreturn rows",
    );
    for (body, is_fixed) in [
        ("rows |= {'a': [fresh]}", false),
        ("other = rows\n    other['a'] = [fresh]", false),
        (
            "for row in rows.values():\n        row.append(fresh)",
            false,
        ),
        ("(first := rows['a']).append(fresh)", false),
        (
            "first, *rest = rows.values()\n    first.append(fresh)",
            false,
        ),
        (
            "for row in list(rows.values()):\n        row.append(fresh)",
            false,
        ),
        ("[row.append(fresh) for _, row in rows.items()]", false),
        ("deeper(fresh, given=rows)", false),
        ("heapq.heappush(rows['a'], fresh)", false),
        ("rows = dict(rows)\n    print(rows, fresh)", true),
        ("copy = rows.copy()\n    copy['a'] = [fresh]", true),
        ("names = sorted(rows)\n    names.append(fresh)", true),
        ("other = {**rows, 'a': [fresh]}\n    other['b'] = []", true),
        ("read(rows, fresh)", true),
    ] {
        let helpers = format!(
            "import heapq\nimport uuid\n\n\ndef add(rows: dict[str, list[str]]) -> None:\n    fresh = uuid.uuid4().hex\n    {body}\n\n\n\
             def deeper(fresh: str, given: dict[str, list[str]]) -> None:\n    given.setdefault('a', []).append(fresh)\n\n\n\
             def read(rows: dict[str, list[str]], fresh: str) -> None:\n    print(len(rows), fresh)\n"
        );
        let files = [("order.py", order.as_str()), ("helpers.py", &helpers)];
        assert_eq!(is_changed(&files), is_fixed, "{body}");
    }
}

#[test]
fn a_helper_that_changes_the_process_runs_in_the_workflow() {
    let order = workflow("import helpers", "return helpers.load(path)");
    for (body, is_fixed) in [
        ("os.chdir(path)", false),
        ("os.environ['PLACE'] = path", false),
        ("os.environ.update(PLACE=path)", false),
        ("place = os.getcwd()", true),
    ] {
        let helpers = format!(
            "import os\n\n\ndef load(path: str) -> str:\n    {body}\n    return open(path).read()\n"
        );
        let files = [("order.py", order.as_str()), ("helpers.py", &helpers)];
        assert_eq!(is_changed(&files), is_fixed, "{body}");
    }
    let changed = fixed("import os", "os.chdir(path)\nos.remove(path)\nreturn 1");
    assert!(changed.contains("os.chdir(path)"), "{changed}");
    assert!(!changed.contains("os.remove(path)"), "{changed}");
}

#[test]
fn what_is_handed_over_is_called_as_before() {
    let order = workflow(
        "from helpers import clock, direct, measure",
        "return measure(clock) + direct()",
    );
    let helpers = "import time\n\n\ndef measure(clock_of) -> float:\n    return clock_of() + 1\n\n\ndef clock() -> float:\n    \
                   return time.time()\n\n\ndef direct() -> float:\n    return clock_too()\n\n\ndef clock_too() -> float:\n    return time.time()\n";
    let fixed = all_fixed(&[("order.py", &order), ("helpers.py", helpers)]);
    assert!(
        fixed[0].contains("measure(clock) + direct(now="),
        "{}",
        fixed[0]
    );
    assert!(fixed[1].contains("return clock_of() + 1"), "{}", fixed[1]);
}

#[test]
fn a_parameter_is_given_once() {
    let helpers = "from datetime import datetime\n\n\ndef stamp(path, now: datetime | None = None):\n    now = now or datetime.now()\n    \
                   return path, now\n\n\ndef bare(path, /):\n    return path, datetime.now()\n";
    for (call, is_fixed) in [
        ("stamp(path)", true),
        ("stamp(path, None)", false),
        ("stamp(*[path])", false),
        ("bare(path)", false),
    ] {
        let order = workflow("import helpers", &format!("return helpers.{call}"));
        let files = [("order.py", order.as_str()), ("helpers.py", helpers)];
        assert_eq!(is_changed(&files), is_fixed, "{call}");
    }
    let models = "from dataclasses import dataclass, field\nfrom time import time\n\n\n@dataclass\nclass Row:\n    name: str\n    \
                  at: float = field(default_factory=time)\n";
    for (call, is_fixed) in [("Row(path)", true), ("Row(*path)", false)] {
        let order = workflow("from models import Row", &format!("return {call}"));
        let files = [("order.py", order.as_str()), ("models.py", models)];
        assert_eq!(is_changed(&files), is_fixed, "{call}");
    }
}

#[test]
fn a_loop_that_waits_for_the_clock_keeps_it() {
    let helpers = |body: &str| {
        let body = body.replace('\n', "\n    ");
        format!("import time\n\n\ndef poll(until: float):\n    n = 0\n    {body}\n    return n\n")
    };
    let order = workflow("import helpers", "return helpers.poll(3.0)");
    for (body, is_fixed) in [
        ("while time.time() < until:\n    n += 1", false),
        (
            "while True:\n    if time.time() > until:\n        break",
            false,
        ),
        (
            "while True:\n    at = time.time()\n    if at > until:\n        return n",
            false,
        ),
        (
            "for n in range(9):\n    if time.time() > until:\n        break",
            false,
        ),
        ("for n in range(9):\n    n = [n, time.time()]", true),
        ("if time.time() > until:\n    return 1", true),
    ] {
        let helpers = helpers(body);
        let files = [("order.py", order.as_str()), ("helpers.py", &helpers)];
        assert_eq!(is_changed(&files), is_fixed, "{body}");
    }
    for (body, is_fixed) in [
        (
            "while time.time() < 3:\n    path += 'a'\nreturn path",
            false,
        ),
        (
            "while time.time() < 3:\n    await workflow.sleep(1)\nreturn path",
            true,
        ),
        (
            "while len(path) < 3:\n    path += \"a\"\n    at = time.time()\nreturn at",
            true,
        ),
    ] {
        let order = workflow("import time", body);
        assert_eq!(is_changed(&[("order.py", &order)]), is_fixed, "{body}");
    }
    let body = "for it in path:\n    if time.time() > 3:\n        return it";
    let project = Project::new(&[("order.py", &workflow("import time", body))]);
    let report = project
        .run(&["check", "--output-format", "json", "."])
        .json();
    assert_eq!(report["findings"][0]["fixes"][0]["applicability"], "unsafe");
}

#[test]
fn errors_that_callers_expect_stay_what_they_are() {
    let load = "\n\n    async def load(self, path):\n        return open(path).read()\n";
    for (errors, is_fixed) in [("FileNotFoundError", false), ("Exception", true)] {
        let body =
            format!("try:\n    return await self.load(path)\nexcept {errors}:\n    return ''");
        let order = workflow("", &body) + load;
        assert_eq!(is_changed(&[("order.py", &order)]), is_fixed, "{errors}");
        let body = format!("with suppress({errors}):\n    return open(path).read()");
        let order = workflow("from contextlib import suppress", &body);
        assert_eq!(is_changed(&[("order.py", &order)]), is_fixed, "{errors}");
    }
    // A method that nothing guards.
    let order = workflow("", "return await self.load(path)") + load;
    assert!(is_changed(&[("order.py", &order)]));
}

#[test]
fn what_a_payload_does_not_keep_is_no_input() {
    let models = "from decimal import Decimal\nfrom enum import Enum\n\n\nclass Mode(Enum):\n    A = 'a'\n\n\ndef mode() -> Mode:\n    \
                  return Mode.A\n\n\ndef limit() -> int:\n    return 3\n\n\ndef share() -> Decimal:\n    return Decimal(3)\n";
    for (value, is_fixed) in [
        ("mode()", false),
        ("share()", false),
        ("Path(path)", false),
        ("limit()", true),
        ("path.upper()", true),
    ] {
        let body = format!("it = {value}\nreturn os.getenv(str(it))");
        let order = workflow(
            "import os\nfrom pathlib import Path\nfrom models import limit, mode, share",
            &body,
        );
        let files = [("order.py", order.as_str()), ("models.py", models)];
        assert_eq!(is_changed(&files), is_fixed, "{value}");
    }
    for (value, kind) in [("Path('/a')", None), ("'/a'", Some("place: str"))] {
        let order = workflow(
            "import os\nfrom pathlib import Path",
            "return os.getenv(self.place)",
        )
        .replace(
            "    @workflow.run",
            &format!(
                "    def __init__(self) -> None:\n        self.place = {value}\n\n    @workflow.run"
            ),
        );
        let project = Project::new(&[("order.py", &order)]);
        project.run(&["check", "--fix-only", "--unsafe-fixes", "."]);
        let made = std::fs::read_to_string(project.path().join("activities.py")).ok();
        assert_eq!(made.is_some(), kind.is_some(), "{value}");
        let is_it = |made: String| kind.is_some_and(|kind| made.contains(kind));
        assert!(made.is_none_or(is_it), "{value}");
    }
}

#[test]
fn what_stands_in_a_list_is_defined_above_it() {
    let order = workflow(
        "import os\nfrom acts import first",
        "return os.environ['PLACE']",
    );
    let acts = "from temporalio import activity\n\n\n@activity.defn\nasync def first(path: str) -> str:\n    return path\n\n\n\
                ALL = [first]\n";
    let worker = "from temporalio.worker import Worker\n\nfrom acts import ALL\nfrom order import Order\n\n\n\
                  worker = Worker(None, workflows=[Order], activities=ALL)\n";
    let fixed = all_fixed(&[
        ("order.py", &order),
        ("acts.py", acts),
        ("worker.py", worker),
    ]);
    let at = |text: &str| {
        fixed[1]
            .find(text)
            .unwrap_or_else(|| panic!("{text}: {}", fixed[1]))
    };
    assert!(
        at("async def read_place") < at("ALL = [first, read_place]"),
        "{}",
        fixed[1]
    );
}

#[test]
fn a_worker_without_the_activity_is_told() {
    let order = workflow("import os", "return os.environ['PLACE']");
    let worker = |activities: &str| {
        format!(
            "from temporalio.worker import Worker\n\nfrom order import Order\n\n\nworker = Worker(None, workflows=[Order]{activities})\n"
        )
    };
    for (other, is_told) in [("", true), (", activities=[]", false)] {
        let files = [
            ("order.py", order.as_str()),
            ("a.py", &worker(", activities=[]")),
            ("b.py", &worker(other)),
        ];
        let report = Project::new(&files)
            .run(&["check", "--output-format", "json", "."])
            .json();
        let title = report["findings"][0]["fixes"][0]["title"].to_string();
        assert_eq!(
            title.contains("register it with the worker"),
            is_told,
            "{title}"
        );
        let fixed = Project::new(&files).run(&["check", "--fix", "--unsafe-fixes", "."]);
        let to_do = "left to do: register the activity `";
        assert_eq!(fixed.stderr.contains(to_do), is_told, "{}", fixed.stderr);
        assert!(
            fixed.stderr.contains("  a.py: changed by these fixes"),
            "{}",
            fixed.stderr
        );
    }
}

#[test]
fn a_list_in_a_variable_gets_the_activity() {
    let order = workflow("import os", "return os.environ['PLACE']");
    let worker = |lists: &str, again: &str| {
        format!(
            "from temporalio.worker import Worker\n\nfrom order import Order\n\n\nasync def main(client):\n    {lists}\n    {again}\n    \
             await Worker(client, workflows=kinds, activities=steps).run()\n"
        )
    };
    for (again, is_registered) in [("print(steps)", true), ("steps = list(steps)", false)] {
        let worker = worker("kinds = [Order]\n    steps = []", again);
        let fixed = all_fixed(&[("order.py", &order), ("worker.py", &worker)]);
        assert_eq!(
            !fixed[1].contains("steps = []"),
            is_registered,
            "{}",
            fixed[1]
        );
    }
}

#[test]
fn an_import_that_may_fail_stays_in_its_try() {
    let records =
        "def record(path: str) -> str:\n    with open(path) as file:\n        return file.read()\n";
    for (imports, is_tried) in [
        (
            "try:\n    from records import record\nexcept ImportError:\n    record = None\n",
            true,
        ),
        ("from records import record", false),
    ] {
        let order = workflow(imports, "return record(path)");
        let fixed = all_fixed(&[("order.py", &order), ("records.py", records)]);
        let import = fixed[0].lines().find(|it| it.contains("record_activity"));
        let import = import.unwrap_or_default();
        assert_eq!(import.starts_with("    "), is_tried, "{}", fixed[0]);
        assert!(import.contains("from records import"), "{}", fixed[0]);
    }
}

#[test]
fn where_the_sdk_may_be_missing_nothing_of_it_stands_at_the_top() {
    let order = workflow("import os", "return os.environ['PLACE']");
    let tried =
        "try:\n    from temporalio import workflow\nexcept ImportError:\n    workflow = None\n";
    let tried = order.replace("from temporalio import workflow\n", tried);
    assert!(is_changed(&[("order.py", &order)]));
    assert!(!is_changed(&[("order.py", &tried)]));
}

#[test]
fn a_script_beside_it_has_no_package() {
    let order = workflow("import os", "return os.environ['PLACE']");
    for (script, import) in [
        ("from order import Order\n", "from activities import"),
        ("from flows.order import Order\n", "from .activities import"),
    ] {
        let files = [
            ("flows/__init__.py", ""),
            ("flows/order.py", order.as_str()),
            ("flows/start.py", script),
        ];
        let fixed = all_fixed(&files);
        assert!(fixed[1].contains(import), "{script}: {}", fixed[1]);
    }
}

#[test]
fn imports_stand_where_they_can_be_used() {
    let order = workflow("import os\nimport json", "return os.environ['PLACE']").replace(
        "from temporalio import workflow",
        "if json:\n    from temporalio import workflow",
    );
    let order = order.replace("return os", "json.loads(path)\n        return os");
    let fixed = all_fixed(&[("order.py", &order)]).remove(0);
    let at = |text: &str| {
        fixed
            .find(text)
            .unwrap_or_else(|| panic!("{text}: {fixed}"))
    };
    assert!(
        at("    from temporalio import workflow") < at("imports_passed_through"),
        "{fixed}"
    );
}

#[test]
fn a_module_that_a_function_imports_moves_along() {
    let order = workflow("", "import os\n\nreturn os.environ['PLACE']");
    let project = Project::new(&[("order.py", &order)]);
    project.run(&["check", "--fix-only", "--unsafe-fixes", "."]);
    let made = text(&project, "activities.py");
    assert!(made.contains("import os\n"), "{made}");
    assert!(made.contains("def read_place() -> str:"), "{made}");
    assert!(!text(&project, "order.py").contains("import os"));
    // What it is depends on what is installed.
    let either =
        "try:\n    import os\nexcept ImportError:\n    os = None\nreturn os.environ['PLACE']";
    assert!(!is_changed(&[("order.py", &workflow("", either))]));
}

#[test]
fn a_set_of_tasks_gets_an_order() {
    for (tasks, expected) in [
        ("{a, b}", Some("workflow.wait([a, b])")),
        ("[a, b]", Some("workflow.wait([a, b])")),
        ("{it for it in [a, b]}", None),
        ("tasks", None),
        ("listed", Some("workflow.wait(listed)")),
    ] {
        let body = format!(
            "a = asyncio.create_task(asyncio.sleep(1))\nb = asyncio.create_task(asyncio.sleep(2))\n\
             tasks = set([a, b])\nlisted = [a, b]\nawait asyncio.wait({tasks})\nreturn len(tasks) + len(listed)"
        );
        let fixed = fixed("import asyncio", &body);
        let kept = expected.unwrap_or("asyncio.wait(");
        assert!(fixed.contains(kept), "{tasks}: {fixed}");
    }
}

#[test]
fn elements_of_a_type_without_order_are_not_sorted() {
    let imports = "from enum import Enum\n\n\nclass Kind(Enum):\n    A = 1\n    B = 2\n";
    for (kind, is_sorted) in [("Kind", false), ("str | None", false), ("str", true)] {
        let body = "for it in path:\n    await workflow.sleep(len(str(it)))";
        let order = workflow(imports, body).replace("path: str", &format!("path: set[{kind}]"));
        assert_eq!(is_changed(&[("order.py", &order)]), is_sorted, "{kind}");
    }
}

#[test]
fn a_coroutine_takes_the_place_of_another_one() {
    let acts = "from temporalio import activity\n\n\n@activity.defn\nasync def book(path: str) -> str:\n    return path\n";
    for (call, is_fixed) in [
        ("await asyncio.gather(book(path), book('b'))", true),
        ("await asyncio.gather(*[book(it) for it in path])", true),
        ("await asyncio.create_task(book(path))", true),
        ("book(path)", false),
    ] {
        let order = workflow("import asyncio\nfrom acts import book", call);
        let fixed = all_fixed(&[("order.py", &order), ("acts.py", acts)]).remove(0);
        assert_eq!(
            fixed.contains("workflow.execute_activity("),
            is_fixed,
            "{call}: {fixed}"
        );
        assert!(
            !fixed.contains("await workflow.execute_activity("),
            "{call}: {fixed}"
        );
    }
}

#[test]
fn what_a_logger_adds_to_its_messages_is_not_lost() {
    for (logger, is_fixed) in [
        (
            "logging.LoggerAdapter(logging.getLogger(), {'a': path})",
            false,
        ),
        ("logging.getLogger('a')", true),
        ("loguru.logger.bind(a=path)", false),
        ("loguru.logger", true),
    ] {
        let order = workflow(
            "import logging\nimport loguru",
            &format!("{logger}.info('x')"),
        );
        assert_eq!(is_changed(&[("order.py", &order)]), is_fixed, "{logger}");
    }
}

#[test]
fn an_argument_keeps_its_comment() {
    let helpers = "from datetime import datetime, timezone\n\n\ndef stamp(path, kind):\n    return path, kind, datetime.now(timezone.utc)\n";
    let body = "return helpers.stamp(\n    path,\n    kind='a'  # fixed\n)";
    let order = workflow("import helpers", body);
    let fixed = all_fixed(&[("order.py", &order), ("helpers.py", helpers)]).remove(0);
    assert!(
        fixed.contains("kind='a',  # fixed\n            now=workflow.now()\n"),
        "{fixed}"
    );
}

#[test]
fn a_text_below_a_field_stays_there() {
    let models = "from dataclasses import dataclass\n\n\n@dataclass\nclass Ask:\n    name: str\n    \"\"\"The name.\"\"\"\n";
    let order = workflow(
        "import os\nfrom models import Ask",
        "return [os.environ['PLACE'] for _ in range(2)]",
    )
    .replace("path: str", "ask: Ask");
    let fixed = all_fixed(&[("order.py", &order), ("models.py", models)]).remove(1);
    assert!(
        fixed.contains("\"\"\"The name.\"\"\"\n    place: str\n"),
        "{fixed}"
    );
}

#[test]
fn the_module_is_named_as_it_was_imported() {
    let order = workflow(
        "import time\nimport temporalio.workflow",
        "return time.time()",
    )
    .replace("from temporalio import workflow\n", "")
    .replace("@workflow", "@temporalio.workflow");
    let fixed = all_fixed(&[("order.py", &order)]).remove(0);
    assert!(
        fixed.contains("return temporalio.workflow.time()"),
        "{fixed}"
    );
    assert!(!fixed.contains("from temporalio"), "{fixed}");
}

#[test]
fn many_activities_are_made_in_one_run() {
    let reads: String = (0..14).map(|n| format!("os.environ['A{n}'],")).collect();
    let fixed = fixed("import os", &format!("return [{reads}]"));
    assert!(!fixed.contains("os.environ"), "{fixed}");
}

#[test]
fn what_holds_what_a_payload_does_not_keep_is_no_input() {
    for (fields, is_fixed) in [
        ("at: Path", false),
        ("rows: list[Plain]", false),
        ("by_id: dict[UUID, str]", false),
        (
            "n: int = 0\n\n    def __post_init__(self) -> None:\n        self.n += 1",
            false,
        ),
        (
            "names: dict[str, list[int]]\n    id: UUID\n    next: list[\"Row\"]",
            true,
        ),
        (
            "n: int = 0\n\n    def __post_init__(self) -> None:\n        print(self.n)",
            true,
        ),
    ] {
        let helpers = format!(
            "import os\nfrom dataclasses import dataclass\nfrom pathlib import Path\nfrom uuid import UUID\n\n\nclass Plain:\n    n = 1\n\n\n\
             @dataclass\nclass Row:\n    {fields}\n\n\ndef load(row: Row) -> str:\n    return os.environ[str(row)]\n"
        );
        let order = workflow("import helpers", "return helpers.load(path)")
            .replace("path: str", "path: helpers.Row");
        let files = [("order.py", order.as_str()), ("helpers.py", &helpers)];
        assert_eq!(is_changed(&files), is_fixed, "{fields}");
    }
}

#[test]
fn a_set_made_on_the_spot_is_sorted() {
    for set in ["set(path)", "frozenset(path)", "{it for it in path}"] {
        let fixed = fixed(
            "",
            &format!("for it in {set}:\n    await workflow.sleep(len(it))"),
        );
        assert!(fixed.contains(&format!("in sorted({set})")), "{fixed}");
    }
}

#[test]
fn a_helper_that_nothing_calls_any_more_is_not_imported() {
    let helpers = "import uuid\n\n\ndef fresh() -> str:\n    return str(uuid.uuid4())\n\n\ndef later() -> str:\n    return ''\n";
    let order = workflow(
        "from helpers import fresh, later",
        "return [fresh(), fresh(), later()]",
    );
    let fixed = all_fixed(&[("order.py", &order), ("helpers.py", helpers)]).remove(0);
    assert!(
        fixed.contains("from helpers import fresh_activity, later\n"),
        "{fixed}"
    );
}
