//! Runs the linter on the example of each catalogue entry, in the spellings that Python has for it.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::lint;
use lint_core::knowledge::SAFE;
use lint_core::rule::{Category, RuleMetadata};
use rules::catalogue::{EXAMPLES, Example, TABLES};

/// Entries that the linter does not treat as the catalogue says, and why.
const EXCEPTIONS: &[(&str, &str)] = &[];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Spelling {
    /// `import a.b`, then `a.b.f()`; the name of a builtin alone.
    Plain,
    /// `from a.b import f`, then `f()`.
    From,
    /// `import a.b as aliased`, then `aliased.f()`.
    Alias,
}

const SPELLINGS: [Spelling; 3] = [Spelling::Plain, Spelling::From, Spelling::Alias];

/// A workflow that does what the example shows, if that can be spelled so.
fn probe(example: &Example, spelling: Spelling) -> Option<String> {
    let (setup, code) = match (spelling, module(example)) {
        (Spelling::Plain, _) => (example.setup.to_owned(), example.code.to_owned()),
        (Spelling::From, module) => {
            let module = module?;
            let (name, code) = match module {
                "builtins" => (example.name, example.code.to_owned()),
                _ => {
                    let at = mentions(example.code, module).next()?;
                    let rest = &example.code[at + module.len() + 1..];
                    let name = &rest[..identifier(rest)];
                    let member = format!("{module}.{name}");
                    (name, replace(example.code, &member, name))
                }
            };
            (
                format!("{}\nfrom {module} import {name}", example.setup),
                code,
            )
        }
        (Spelling::Alias, module) => {
            let module = module?;
            let code = match module {
                "builtins" => replace(
                    example.code,
                    example.name,
                    &format!("aliased.{}", example.name),
                ),
                _ => replace(example.code, module, "aliased"),
            };
            (
                format!("{}\nimport {module} as aliased", example.setup),
                code,
            )
        }
    };
    Some(format!(
        "{setup}\n\
         from temporalio import workflow as temporal_workflow\n\
         \n\
         \n\
         @temporal_workflow.defn\n\
         class Probe:\n    \
             @temporal_workflow.run\n    \
             async def run(self) -> None:\n        \
                 {}\n",
        code.replace('\n', "\n        ")
    ))
}

/// The module that the example takes the name from.
fn module(example: &Example) -> Option<&str> {
    if example.setup.is_empty() {
        let is_call = example.code.starts_with(&format!("{}(", example.name));
        return is_call.then_some("builtins");
    }
    let imported = example
        .setup
        .lines()
        .filter_map(|line| line.strip_prefix("import "))
        .flat_map(|modules| modules.split(", "));
    imported
        .filter(|module| {
            let mut mentions = mentions(example.code, module);
            example.name.starts_with(&format!("{module}."))
                && mentions.any(|at| example.code[at + module.len()..].starts_with('.'))
        })
        .max_by_key(|module| module.len())
}

/// Where the dotted name stands in the code, as a name of its own or the start of a longer one.
fn mentions<'c>(code: &'c str, name: &'c str) -> impl Iterator<Item = usize> + 'c {
    code.match_indices(name)
        .map(|(at, _)| at)
        .filter(move |&at| {
            let before = code[..at].chars().next_back();
            let inside = |c: char| c.is_alphanumeric() || "_.'\"".contains(c);
            !before.is_some_and(inside) && identifier(&code[at + name.len()..]) == 0
        })
}

fn replace(code: &str, name: &str, by: &str) -> String {
    let mut replaced = String::new();
    let mut end = 0;
    for at in mentions(code, name) {
        replaced += &code[end..at];
        replaced += by;
        end = at + name.len();
    }
    replaced + &code[end..]
}

/// The length of the identifier at the start of the text.
fn identifier(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len())
}

fn rule_of(class: &str) -> Option<&'static str> {
    let rule = rules::all()
        .iter()
        .find(|rule| rule.classes().contains(&class));
    rule.map(|rule| rule.metadata().code)
}

fn is_stdlib(name: &str) -> bool {
    let top_level = name.split('.').next().unwrap_or(name);
    TABLES.stdlib.binary_search(&top_level).is_ok() || !name.contains('.')
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "the figures are what the test is run for"
)]
fn entries_are_found_and_safe_ones_are_not() {
    let probes: BTreeMap<String, (&Example, Spelling, String)> = (0..)
        .zip(EXAMPLES)
        .flat_map(|(number, example)| {
            SPELLINGS.into_iter().filter_map(move |spelling| {
                let path = format!("probe_{number}_{spelling:?}.py").to_lowercase();
                Some((path, (example, spelling, probe(example, spelling)?)))
            })
        })
        .collect();
    let files = probes
        .iter()
        .map(|(path, (_, _, text))| (path.clone(), text.clone()));
    let mut codes: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let is_about_apis = |metadata: &RuleMetadata| metadata.category == Category::Determinism;
    for found in lint(files, is_about_apis) {
        let codes = codes.entry(found.path).or_default();
        codes.insert(found.diagnostic.code);
    }

    let mut right: BTreeMap<(bool, bool, Spelling), (u32, u32)> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut exceptions: BTreeSet<&str> = EXCEPTIONS.iter().map(|(name, _)| *name).collect();
    for (path, (example, spelling, text)) in &probes {
        let found = codes.remove(path).unwrap_or_default();
        let is_right = match rule_of(example.class) {
            Some(code) => found.contains(code),
            None => found.is_empty(),
        };
        let counted = (is_stdlib(example.name), example.class == SAFE, *spelling);
        let (n, m) = right.entry(counted).or_default();
        *m += 1;
        if is_right {
            *n += 1;
        } else if !EXCEPTIONS.iter().any(|(name, _)| *name == example.name) {
            let line = text.lines().last().unwrap_or_default().trim();
            wrong.push(format!(
                "{} ({}, {spelling:?}): found {found:?} in `{line}`",
                example.name, example.class
            ));
        }
        if !is_right {
            exceptions.remove(example.name);
        }
    }
    let summary: String = right
        .iter()
        .map(|((stdlib, safe, spelling), (n, m))| {
            let origin = if *stdlib {
                "standard library"
            } else {
                "third party"
            };
            let kind = if *safe { "safe" } else { "hazards" };
            format!("{origin}, {kind}, {spelling:?}: {n}/{m}\n")
        })
        .collect();
    let wrong_list: String = wrong
        .iter()
        .take(400)
        .map(|line| format!("  {line}\n"))
        .collect();
    println!("{summary}");
    assert!(
        wrong.is_empty(),
        "{} probes are wrong:\n{wrong_list}",
        wrong.len()
    );
    assert!(
        exceptions.is_empty(),
        "no exceptions any more: {exceptions:?}"
    );
}
