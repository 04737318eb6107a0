//! `runbook-lint completions` and `runbook-lint man`

use crate::project::Project;

#[test]
fn every_shell_gets_a_script_with_the_commands() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let run = Project::new(&[]).run(&["completions", shell]);
        assert_eq!(run.status, 0, "{shell}: {}", run.stderr);
        for word in ["check", "output-format", "force-exclude"] {
            assert!(run.stdout.contains(word), "{shell} lacks `{word}`");
        }
    }
}

/// What bash offers for a command line that ends in the middle of its last word.
#[cfg(unix)]
fn completed_by_bash(words: &[&str]) -> Vec<String> {
    let script = r#"
        set -eu
        source <("$1" completions bash)
        shift
        function=$(complete -p runbook-lint | sed 's/.* -F \([^ ]*\).*/\1/')
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
        "$function" runbook-lint "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let output = std::process::Command::new("bash")
        .args(["--norc", "-c", script, "bash"])
        .arg(env!("CARGO_BIN_EXE_runbook-lint"))
        .args(words)
        .output()
        .expect("bash can be started");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let offered = String::from_utf8(output.stdout).expect("the offers are text");
    offered.lines().map(str::to_owned).collect()
}

#[cfg(unix)]
#[test]
fn bash_completes_commands_options_and_values() {
    assert_eq!(completed_by_bash(&["runbook-lint", "che"]), ["check"]);
    let options = completed_by_bash(&["runbook-lint", "check", "--output-f"]);
    assert_eq!(options, ["--output-format", "--output-file"]);
    let formats = completed_by_bash(&["runbook-lint", "check", "--output-format", "sa"]);
    assert_eq!(formats, ["sarif"]);
}

#[test]
fn there_is_a_manual_page_for_the_program_and_for_each_command() {
    let project = Project::new(&[]);
    let run = project.run(&["man", "share/man1"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let read = |name: &str| {
        let path = project.path().join("share/man1").join(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    let program = read("runbook-lint.1");
    assert_eq!(program, Project::new(&[]).run(&["man"]).stdout);
    let check = read("runbook-lint-check.1");
    assert!(check.contains("force\\-exclude"), "{check}");
    let pages = std::fs::read_dir(project.path().join("share/man1")).expect("the directory exists");
    let pages = pages.count() - 1;
    let commands = program
        .lines()
        .filter(|it| it.starts_with("runbook\\-lint\\-"));
    assert_eq!(commands.count(), pages, "{program}");
    for page in [program, check] {
        assert!(page.contains(".SH \"EXIT STATUS\""), "{page}");
    }
}

#[test]
fn manual_pages_that_cannot_be_written_are_an_error_with_the_place() {
    let run = Project::new(&[("taken", "")]).run(&["man", "taken"]);
    assert_eq!(run.status, 2);
    assert!(
        run.stderr.contains("cannot write manual pages to `taken`"),
        "{}",
        run.stderr
    );
}
