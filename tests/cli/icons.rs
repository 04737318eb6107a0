//! `runbook-lint icons`

use crate::project::Project;

fn first_line(search: &[&str]) -> String {
    let arguments: Vec<&str> = ["icons"].iter().chain(search).copied().collect();
    let run = Project::new(&[]).run(&arguments);
    run.stdout.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn icons_are_found_by_tag_by_spelling_and_by_nearness() {
    assert!(first_line(&["money"]).starts_with("Banknote  ("));
    assert_eq!(
        first_line(&["check-circle-2"]),
        "CheckCircle2  (called CircleCheck today)"
    );
    assert_eq!(first_line(&["file", "text"]), "FileText");
    assert_eq!(first_line(&["FileSerch"]), "FileSearch");
}

#[test]
fn a_search_that_finds_nothing_says_so() {
    let run = Project::new(&[]).run(&["icons", "zzqx"]);
    assert_eq!(run.status, 1);
    assert!(run.stderr.contains("no icon of Lucide"), "{}", run.stderr);
}
