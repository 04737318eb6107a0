//! What holds for all rules.

use std::collections::BTreeSet;
use std::path::Path;
use std::{env, fs};

use lint_core::knowledge::SAFE;
use lint_core::rule::{Category, ExampleKind};
use rules::catalogue::CLASSES;

#[test]
fn codes_are_sorted_and_unique() {
    let codes: Vec<_> = rules::metadata().map(|rule| rule.code).collect();
    assert!(codes.is_sorted_by(|a, b| a < b), "{codes:?}");
}

#[test]
fn names_are_unique_and_no_codes() {
    let mut seen = BTreeSet::new();
    for rule in rules::metadata() {
        assert!(seen.insert(rule.name), "{} is used twice", rule.name);
        let kebab = rule.name.split('-').all(|word| {
            word.starts_with(|c: char| c.is_ascii_lowercase())
                && word
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        });
        assert!(kebab, "{} is not in kebab case", rule.name);
        assert_ne!(rule.name, SAFE);
    }
}

#[test]
fn categories_go_with_codes_and_folders() {
    for rule in rules::metadata() {
        let codes = match rule.category {
            Category::Lint => "RB0",
            Category::Determinism => "RB1",
            Category::Contract => "RB2",
            Category::Steps => "RB3",
            Category::Calls => "RB4",
            Category::Bundle => "RB5",
            Category::Lifecycle => "RB6",
            Category::Versioning => "RB7",
        };
        assert!(rule.code.starts_with(codes), "{}", rule.code);
        let folder = rule.category.as_str();
        let file = format!("{folder}/{}.rs", rule.name.replace('-', "_"));
        assert!(rule.file.ends_with(&file), "{}: {}", rule.code, rule.file);
    }
}

#[test]
fn every_file_of_a_rule_is_registered() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let registered: BTreeSet<_> = rules::metadata()
        .map(|rule| rule.name.replace('-', "_"))
        .collect();
    let mut files = BTreeSet::new();
    for folder in [
        "lint",
        "determinism",
        "contract",
        "steps",
        "calls",
        "bundle",
        "lifecycle",
        "versioning",
    ] {
        for entry in fs::read_dir(source.join(folder)).expect("the folder exists") {
            let path = entry.expect("the folder can be listed").path();
            let stem = path
                .file_stem()
                .expect("a file has a name")
                .to_string_lossy();
            // Files that several rules of a folder share start in no doc comment of a rule.
            let text = fs::read_to_string(&path).expect("the file can be read");
            if stem != "mod" && text.contains("derive(RuleMetadata)") {
                files.insert(stem.into_owned());
            }
        }
    }
    assert_eq!(files, registered);
}

#[test]
fn every_class_of_the_catalogue_has_one_rule() {
    let known: Vec<_> = CLASSES
        .iter()
        .map(|class| class.id)
        .filter(|id| *id != SAFE)
        .collect();
    let mut claimed: Vec<_> = rules::all()
        .iter()
        .flat_map(|rule| rule.classes())
        .copied()
        .collect();
    claimed.sort_unstable();
    assert_eq!(claimed, known);
}

#[test]
fn users_name_classes_by_rules() {
    assert_eq!(rules::class_named("wall-clock"), Some("clock"));
    assert_eq!(rules::class_named("network-io"), Some("net"));
    assert_eq!(rules::class_named(SAFE), Some(SAFE));
    assert_eq!(rules::class_named("clock"), None);
    assert_eq!(rules::class_named("unordered-iteration"), None);
}

#[test]
fn every_rule_shows_what_is_bad_and_what_is_good() {
    for rule in rules::metadata() {
        for kind in [ExampleKind::Bad, ExampleKind::Good] {
            assert!(
                rule.examples.iter().any(|e| e.kind == kind),
                "{}: {kind:?}",
                rule.code
            );
        }
    }
}
