//! The pages about rules, made of their metadata.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use lint_core::rule::{Category, RuleMetadata};

use crate::pages;

const SOURCES: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/");
const CATEGORIES: [Category; 8] = [
    Category::Determinism,
    Category::Contract,
    Category::Steps,
    Category::Calls,
    Category::Bundle,
    Category::Lifecycle,
    Category::Versioning,
    Category::Lint,
];
/// The part of the summary that lists the rules.
const PART: &str = "# Rules";
/// Above the addresses of the rules that a page mentions.
const LINKS: &str = "<!-- links to rules, generated -->";

/// All generated pages by their paths.
pub(crate) fn all() -> BTreeMap<String, String> {
    let rules = rules::metadata().map(|rule| (format!("rules/{}", file(rule)), page(rule)));
    let categories = CATEGORIES
        .into_iter()
        .map(|it| (format!("rules/{}.md", slug(it)), category_page(it)));
    rules
        .chain(categories)
        .chain([("rules/index.md".to_owned(), index())])
        .collect()
}

/// The summary with its list of rules made anew, up to the next part.
pub(crate) fn in_summary(summary: &str) -> String {
    let (before, rest) = summary
        .split_once(&format!("{PART}\n"))
        .expect("rules have a part");
    let after = rest.find("\n# ").map_or("", |at| &rest[at + 1..]);
    let mut out = format!("{before}{PART}\n\n- [All rules](rules/index.md)\n");
    for category in CATEGORIES {
        let _ = writeln!(out, "- [{}](rules/{}.md)", title(category), slug(category));
        for rule in of(category) {
            let _ = writeln!(
                out,
                "  - [{} {}](rules/{})",
                rule.code,
                rule.name,
                file(rule)
            );
        }
    }
    out + "\n" + after
}

/// The page with every code of a rule in its sentences made a link.
pub(crate) fn link_codes(path: &str, text: &str) -> String {
    let folder = if path.starts_with("rules/") {
        ""
    } else {
        "rules/"
    };
    let text = text.split(LINKS).next().unwrap_or(text).trim_end();
    let mut out = String::new();
    let mut mentioned = BTreeSet::new();
    for (line, is_code) in pages::lines(text) {
        let own = path.trim_start_matches("rules/");
        if is_code || line.starts_with('#') {
            out += line;
        } else {
            out += &link_codes_of_line(line, own, &mut mentioned);
        }
        out.push('\n');
    }
    if !mentioned.is_empty() {
        let _ = writeln!(out, "\n{LINKS}\n");
    }
    for (code, file) in mentioned {
        let _ = writeln!(out, "[{code}]: {folder}{file}");
    }
    out
}

/// Code between backticks, the texts of links and the rule of the page itself stay as they are.
fn link_codes_of_line(
    line: &str,
    own: &str,
    mentioned: &mut BTreeSet<(&'static str, String)>,
) -> String {
    let mut out = String::new();
    for (ix, part) in line.split('`').enumerate() {
        let is_code = ix % 2 == 1;
        if ix > 0 {
            out.push('`');
        }
        let mut rest = part;
        while let Some(at) = rest.find("RB").filter(|_| !is_code) {
            let (before, found) = rest.split_at(at);
            let rule = rules::metadata().find(|rule| found.starts_with(rule.code));
            let (code, after) = found.split_at(rule.map_or("RB".len(), |rule| rule.code.len()));
            let is_in_brackets = before.ends_with('[');
            out += before;
            rest = after;
            match rule.map(|rule| (rule.code, file(rule))) {
                Some(link) if link.1 != own && !is_in_brackets => {
                    mentioned.insert(link);
                    let _ = write!(out, "[{code}]");
                }
                Some(link) if after.starts_with(']') => {
                    mentioned.insert(link);
                    out += code;
                }
                _ => out += code,
            }
        }
        out += rest;
    }
    out
}

fn of(category: Category) -> impl Iterator<Item = &'static RuleMetadata> {
    rules::metadata().filter(move |rule| rule.category == category)
}

/// Addresses of rules are part of reports, so this form is not changed.
fn file(rule: &RuleMetadata) -> String {
    format!("{}-{}.md", rule.code.to_lowercase(), rule.name)
}

fn severity(rule: &RuleMetadata) -> String {
    let opt_in = if rule.default { "" } else { ", opt-in" };
    let preview = if rule.preview { ", preview" } else { "" };
    format!("{}{opt_in}{preview}", rule.severity)
}

fn page(rule: &RuleMetadata) -> String {
    let fix = rule.fix.map_or_else(String::new, |fix| {
        format!("*Fix:* [{}](../fixes.md). ", fix.as_str())
    });
    let mut out = format!(
        "# {} ({})\n\n{}.\n\n\
         *Severity:* {}. *Category:* [{}]({}.md). {fix}*Since:* {}. *Source:* [{}]({SOURCES}{}).\n\n",
        rule.name,
        rule.code,
        capitalized(rule.summary),
        severity(rule),
        title(rule.category),
        slug(rule.category),
        rule.since,
        rule.file.rsplit('/').next().unwrap_or(rule.file),
        rule.file,
    );
    if !rule.default {
        let _ = writeln!(
            out,
            "This rule runs only where it is [selected](../configuration.md#extend-select): \
             `--extend-select {}`.\n",
            rule.code
        );
    }
    if rule.preview {
        let _ = writeln!(
            out,
            "This rule is in [preview](../configuration.md#preview): it runs with `--preview`, or where it \
             is selected by its code, `--extend-select {}`.\n",
            rule.code
        );
    }
    let mut lines = rule.docs.trim().lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else {
            out += &unlinked(line);
            out.push('\n');
            continue;
        };
        let code: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        if !out.ends_with("\n\n") {
            out.push('\n');
        }
        out += &block(info, &code);
    }
    let _ = writeln!(
        out,
        "\n## See also\n\nHow to [suppress](../suppressions.md) a finding or \
         [change](../configuration.md) the severity of a rule; all rules in [{}]({}.md).",
        title(rule.category),
        slug(rule.category),
    );
    out
}

/// A block of code below the name of its file. What the name says about the language wins, since
/// the documentation of rules knows only a few.
fn block(info: &str, code: &[&str]) -> String {
    let (language, path) = info.split_once(" path=").unwrap_or((info, ""));
    let language = match path.rsplit_once('.') {
        Some((_, "txt")) => "text",
        Some((_, "sql")) => "sql",
        _ => language,
    };
    if code.is_empty() {
        return format!("`{path}` is empty.\n\n");
    }
    let name = match path {
        "" => String::new(),
        path => format!("`{path}`:\n\n"),
    };
    format!("{name}```{language}\n{}\n```\n", code.join("\n"))
}

/// Within the program, links between rules are codes only.
fn unlinked(line: &str) -> String {
    let mut line = line.to_owned();
    for rule in rules::metadata() {
        line = line.replace(&format!("[{0}]({0}.md)", rule.code), rule.code);
    }
    line
}

fn index() -> String {
    let mut out = "# All rules\n\n".to_owned();
    let count = rules::metadata().count();
    let opt_in = rules::metadata().filter(|rule| !rule.default).count();
    let preview = rules::metadata().filter(|rule| rule.preview).count();
    let _ = write!(
        out,
        "There are {count} rules, {preview} of them in [preview](../configuration.md#preview). \
         {opt_in} are *opt-in*: they run only where they are \
         [selected](../configuration.md#extend-select). `runbook-lint rule CODE` shows the page of a \
         rule in the terminal.\n\n\
         In the examples, a comment with the code of the rule marks each line that is reported. All \
         examples are run as tests: the wrong ones are reported on exactly these lines, the right ones \
         are not reported at all.\n"
    );
    for category in CATEGORIES {
        let _ = write!(
            out,
            "\n## {}\n\n{}\n\n{}",
            title(category),
            about(category),
            table(category)
        );
    }
    out
}

fn category_page(category: Category) -> String {
    format!(
        "# {}\n\n{}\n\n{}",
        title(category),
        about(category),
        table(category)
    )
}

fn table(category: Category) -> String {
    let mut out = "| rule | severity | finds |\n|---|---|---|\n".to_owned();
    for rule in of(category) {
        let _ = writeln!(
            out,
            "| [{}]({}) {} | {} | {} |",
            rule.code,
            file(rule),
            rule.name,
            severity(rule),
            rule.summary
        );
    }
    out
}

fn slug(category: Category) -> &'static str {
    match category {
        Category::Determinism => "determinism",
        Category::Contract => "classes",
        Category::Steps => "steps",
        Category::Calls => "calls",
        Category::Bundle => "bundles",
        Category::Lifecycle => "lifecycle",
        Category::Versioning => "versioning",
        Category::Lint => "suppressions",
    }
}

fn title(category: Category) -> &'static str {
    match category {
        Category::Determinism => "Determinism",
        Category::Contract => "Classes and decorators",
        Category::Steps => "Steps",
        Category::Calls => "Calls",
        Category::Bundle => "Bundles and runbook.md",
        Category::Lifecycle => "Handlers and lifecycle",
        Category::Versioning => "Patches",
        Category::Lint => "Suppressions",
    }
}

fn about(category: Category) -> &'static str {
    match category {
        Category::Determinism => {
            "What makes a replay differ from the run that was recorded. These rules hold for every \
             Temporal workflow, with `ntro` or without, and follow calls through the whole project."
        }
        Category::Contract => {
            "The class of a runbook, its decorators and handlers, and how it uses the `ntro` SDK. \
             Few of these rules look at Temporal workflows that do not use `ntro`."
        }
        Category::Steps => "`@runbook.step`: what runs, and what the breadcrumb of the UI shows.",
        Category::Calls => "How activities, gates for people, and child runbooks are called.",
        Category::Bundle => "The files of a bundle and the frontmatter of `runbook.md`.",
        Category::Lifecycle => {
            "Handlers that run beside each other and before `run`, how a run ends, and failures: for every \
             Temporal workflow, with `ntro` or without."
        }
        Category::Versioning => "`workflow.patched()` and `workflow.deprecate_patch()`.",
        Category::Lint => "Comments that quiet findings and need not, or say something unknown.",
    }
}

fn capitalized(sentence: &str) -> String {
    let mut characters = sentence.chars();
    let first = characters.next().map(|it| it.to_uppercase().to_string());
    first.unwrap_or_default() + characters.as_str()
}
