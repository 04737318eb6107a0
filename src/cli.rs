//! The command line as it is typed; nothing here is resolved yet.

mod output;

use std::path::PathBuf;

use clap::builder::TypedValueParser;
use clap::builder::styling::{AnsiColor, Styles};
use clap::builder::{NonEmptyStringValueParser, PathBufValueParser};
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use lint_core::fix::Applicability;

pub(crate) use output::{FailOn, Format, OutputArgs, ReportTarget};

/// Yellow and cyan cannot be read on a light background.
const STYLES: Styles = Styles::styled().invalid(AnsiColor::Magenta.on_default().bold());

/// Finds what breaks replay in Temporal and ntropii workflow code.
#[derive(Debug, Parser)]
#[command(name = "runbook-lint", version, styles = STYLES, after_help = exit_status(), args_override_self = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// When to use colours.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
}

/// What the program exits with, and what that means.
pub(crate) const EXIT_STATUS: [(&str, &str); 3] = [
    (
        "0",
        "nothing of severity error or warning was found; --fail-on sets another severity",
    ),
    (
        "1",
        "something was found, or a file that workflows need could not be read or parsed",
    ),
    (
        "2",
        "runbook-lint itself failed, or none of the given files could be read",
    ),
];

fn exit_status() -> String {
    let lines = EXIT_STATUS.map(|(status, meaning)| format!("  {status}  {meaning}"));
    format!(
        "Of an option that takes one value and is repeated, the last one counts.\n\nExit status:\n{}",
        lines.join("\n")
    )
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check workflow code.
    #[command(after_help = exit_status())]
    Check(Box<CheckArgs>),
    /// Move runbooks that are written with `temporalio` to the facade of `ntro`.
    Migrate(MigrateArgs),
    /// Draw the call graph that workflows reach.
    Graph(GraphArgs),
    /// Record the commands of all workflows as deployed, in `runbook-lint.lock`.
    Lock(LockArgs),
    /// Find Lucide icons for steps, by name, word or tag.
    Icons(IconsArgs),
    /// Explain a rule, or list all rules.
    #[command(visible_alias = "explain")]
    Rule(RuleArgs),
    /// Serve an editor over the standard input and output.
    Server(ServerArgs),
    /// Set up a project: a configuration, a hook for pre-commit, a workflow for GitHub Actions.
    Init(InitArgs),
    /// Show the resolved configuration and where each value comes from.
    Config(ConfigArgs),
    /// Print a script that completes the command line in a shell.
    Completions(CompletionsArgs),
    /// Write the manual pages.
    Man(ManArgs),
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    #[command(flatten)]
    pub(crate) known: KnownArgs,
    #[command(flatten)]
    pub(crate) fix: FixArgs,

    #[command(flatten)]
    pub(crate) output: OutputArgs,

    /// Read the source of this file from the standard input.
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    pub(crate) stdin_filename: Option<PathBuf>,
    /// Check again whenever a file changes, until it is interrupted.
    #[arg(long, conflicts_with_all = ["stdin_filename", "write_baseline", "prune_baseline"], help_heading = "Files")]
    pub(crate) watch: bool,
    /// Number of threads; the result does not depend on it.
    #[arg(long, value_name = "N", hide = true)]
    pub(crate) threads: Option<usize>,
}

/// Which project is read, and with which configuration.
#[derive(Debug, Default, Args)]
pub(crate) struct InputArgs {
    /// Files and directories to report on [default: .]. The whole project around them is read.
    #[arg(value_name = "PATHS")]
    pub(crate) paths: Vec<PathBuf>,
    /// A configuration file to use instead of the project's, or one setting such as
    /// `severity.wall-clock="warning"`. May be repeated; later ones win.
    #[arg(long, value_name = "FILE|KEY=VALUE", help_heading = "Configuration")]
    pub(crate) config: Vec<String>,
    /// Use no configuration files, and nothing from outside the working directory.
    #[arg(long, help_heading = "Configuration")]
    pub(crate) isolated: bool,
    /// Follow calls into the installed packages of the project's virtual environment.
    #[arg(long, help_heading = "Files")]
    pub(crate) follow_installed: bool,
    /// Exclude also files that are given on the command line.
    #[arg(long, help_heading = "Files")]
    pub(crate) force_exclude: bool,
}

/// Which rules run. Each takes codes, names, prefixes such as `RB1`, or `ALL`.
#[derive(Debug, Default, Args)]
pub(crate) struct SelectionArgs {
    /// Run these rules only.
    #[arg(
        long,
        value_name = "RULES",
        value_delimiter = ',',
        help_heading = "Rules"
    )]
    pub(crate) select: Option<Vec<String>>,
    /// Run these rules in addition.
    #[arg(
        long,
        value_name = "RULES",
        value_delimiter = ',',
        help_heading = "Rules"
    )]
    pub(crate) extend_select: Option<Vec<String>>,
    /// Do not run these rules.
    #[arg(
        long,
        value_name = "RULES",
        value_delimiter = ',',
        help_heading = "Rules"
    )]
    pub(crate) ignore: Option<Vec<String>>,
    /// Run rules in preview as well.
    #[arg(long, help_heading = "Rules")]
    pub(crate) preview: bool,
}

/// Which findings are known already and not reported.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Known findings")]
pub(crate) struct KnownArgs {
    /// Do not report the findings that this file lists.
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// Use no baseline, even if the configuration names one.
    #[arg(long, conflicts_with = "baseline")]
    pub(crate) no_baseline: bool,
    /// Write all present findings to this file, and use it as the baseline.
    #[arg(
        long,
        value_name = "FILE",
        value_parser = PathBufValueParser::new().try_map(not_standard),
        conflicts_with_all = ["baseline", "no_baseline", "prune_baseline", "diff_base", "stdin_filename", "show_files"]
    )]
    pub(crate) write_baseline: Option<PathBuf>,
    /// Take out of the baseline what is no longer found. Nothing is ever added.
    #[arg(long, conflicts_with_all = ["no_baseline", "stdin_filename", "show_files"])]
    pub(crate) prune_baseline: bool,
    /// Report only what has come since the current branch left this revision, uncommitted changes
    /// included. Analyses the project twice.
    #[arg(long, value_name = "REV")]
    pub(crate) diff_base: Option<String>,
}

/// What is fixed, and how. A fix is kept only if the whole project is no worse for it.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Fixes", group(ArgGroup::new("fixing").multiple(true)))]
pub(crate) struct FixArgs {
    /// Apply the safe fixes of what is found, and report the rest.
    #[arg(long, group = "fixing", conflicts_with_all = NOT_WITH_FIXES)]
    pub(crate) fix: bool,
    /// Apply the safe fixes, and report nothing.
    #[arg(long, group = "fixing", conflicts_with_all = NOT_WITH_FIXES)]
    pub(crate) fix_only: bool,
    /// Show what the safe fixes would change, as a patch, and write nothing. Exits with status 1
    /// if there is anything.
    #[arg(
        long,
        group = "fixing",
        conflicts_with_all = NOT_WITH_FIXES,
        conflicts_with_all = ["fix", "fix_only"]
    )]
    pub(crate) diff: bool,
    /// Apply unsafe fixes too: the code may mean something else after them, and their titles say
    /// what.
    #[arg(long, requires = "fixing")]
    pub(crate) unsafe_fixes: bool,
    /// Put a comment that ignores it at each finding, with this reason, and report nothing.
    #[arg(
        long,
        value_name = "REASON",
        value_parser = NonEmptyStringValueParser::new().try_map(in_one_line),
        conflicts_with_all = NOT_WITH_FIXES,
        conflicts_with_all = ["fix", "fix_only", "diff", "unsafe_fixes"]
    )]
    pub(crate) add_ignore: Option<String>,
}

const NOT_WITH_FIXES: [&str; 4] = [
    "write_baseline",
    "prune_baseline",
    "stdin_filename",
    "show_files",
];

impl FixArgs {
    pub(crate) fn is_asked(&self) -> bool {
        self.fix || self.fix_only || self.diff
    }

    /// The least trusted fixes that are applied.
    pub(crate) fn least(&self) -> Applicability {
        if self.unsafe_fixes {
            Applicability::Unsafe
        } else {
            Applicability::Safe
        }
    }
}

fn in_one_line(reason: String) -> Result<String, &'static str> {
    if reason.contains(['\n', '\r']) {
        return Err("a comment has one line");
    }
    Ok(reason)
}

/// A baseline is read again, so it needs a place.
fn not_standard(path: PathBuf) -> Result<PathBuf, &'static str> {
    if path.as_os_str() == "-" {
        return Err("a baseline is kept in a file, not written to the standard output");
    }
    Ok(path)
}

#[derive(Debug, Args)]
#[command(mut_arg("paths", |it| it.help("Files and directories to migrate [default: .]")))]
pub(crate) struct MigrateArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    /// Show what would change, as a patch, and write nothing. Exits with status 1 if there is
    /// anything.
    #[arg(long)]
    pub(crate) diff: bool,
}

#[derive(Debug, Args)]
pub(crate) struct GraphArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    /// Draw all functions and module bodies of the given files, not only what workflows reach.
    #[arg(long)]
    pub(crate) full: bool,
    /// Draw the commands of each workflow in their order, with what decides between them, instead
    /// of calls. As text, as a flowchart for Mermaid or as JSON.
    #[arg(long, conflicts_with = "full")]
    pub(crate) commands: bool,
    /// How to write the graph.
    #[arg(long, alias = "format", value_name = "FORMAT", default_value = "text")]
    pub(crate) output_format: GraphFormat,
    /// Write the graph to a file instead of the standard output, which `-` stands for.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    /// Each caller with its callees below it.
    Text,
    /// A flowchart for Markdown.
    Mermaid,
    /// The language of Graphviz.
    Dot,
    /// With `--full`, an object from callers to lists of callees.
    Json,
    /// A page to look at, with the steps of each workflow; not with `--full`.
    Html,
}

#[derive(Debug, Args)]
#[command(mut_arg("paths", |it| it.help("Files and directories whose project is meant [default: .]")))]
pub(crate) struct LockArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    /// Record only this workflow anew, by its type, and leave the others as they are recorded. May
    /// be repeated.
    #[arg(long, value_name = "WORKFLOW")]
    pub(crate) update: Vec<String>,
    /// Write nothing, and exit with status 1 if the file is not up to date.
    #[arg(long, conflicts_with = "update")]
    pub(crate) check: bool,
}

#[derive(Debug, Args)]
pub(crate) struct IconsArgs {
    /// Words that the names or tags must all contain, or start with.
    #[arg(value_name = "SEARCH", required = true)]
    pub(crate) search: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RuleArgs {
    /// Code or name of the rule, or the beginning of several codes; without it, all rules are listed.
    #[arg(value_name = "CODE|NAME", conflicts_with = "all")]
    pub(crate) rule: Option<String>,
    /// Explain all rules.
    #[arg(long)]
    pub(crate) all: bool,
    /// How to write what is known about the rules.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output_format: RuleFormat,
}

#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    /// The only way to talk to an editor; clients that say so are understood.
    #[arg(long, hide = true)]
    pub(crate) stdio: bool,
}

#[derive(Debug, Args)]
#[command(mut_arg("paths", |it| it.help("Files and directories whose project is meant [default: .]")))]
pub(crate) struct ConfigArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    /// Print the JSON schema of the configuration.
    #[arg(long)]
    pub(crate) schema: bool,
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The root of the project.
    #[arg(value_name = "DIRECTORY", default_value = ".")]
    pub(crate) directory: PathBuf,
    /// Write everything without asking.
    #[arg(long, short)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell that is to complete.
    #[arg(value_name = "SHELL")]
    pub(crate) shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Where to write a page for the program and one for each command; without it, the page of
    /// the program goes to the standard output.
    #[arg(value_name = "DIRECTORY")]
    pub(crate) directory: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RuleFormat {
    Text,
    Json,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_defined() {
        super::Cli::command().debug_assert();
    }
}
