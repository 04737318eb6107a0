//! How a hazard becomes a diagnostic. All determinism rules say it in the same form:
//!
//! > `time.time()`, reached through `stamp()` in workflow `StrikeNav`, reads the worker's clock, so
//! > each replay sees another time; commands depend on it, so the replay fails

use lint_core::diagnostic::{Diagnostic, Fix, Impact, Severity, TraceStep};
use lint_core::facts::{Facade, Facts, Hazard, HazardKind, Workflow, WorkflowKind};
use lint_core::knowledge::{BUNDLED, INSTALLED, STARTUP, Sandbox, TASK_ORDER};
use lint_core::rule::RuleMetadata;

use crate::catalogue;
use crate::hydrated::is_whole;
use crate::loading;
use crate::program::Program;
use crate::rule::{Context, Rule};

/// The classes of APIs that always raise in a workflow.
const RAISES: &[&str] = &["no-sync", "unsupported"];

/// The class of what the time is.
const CLOCK: &str = "clock";

/// The class of what only tells somebody something: neither commands nor data depend on it.
const TELLS: &str = "log";

/// Classes of values that configure a worker. What connects it to others is no value: for clients
/// and handles, using them is the hazard.
const CONFIGURATION: &[&str] = &["env", "file", "ntro", BUNDLED, INSTALLED, STARTUP];

/// Reports the uses of APIs of the classes that the rule claims.
pub(crate) fn report_apis(rule: &dyn Rule, facts: &Facts<'_>, report: &mut Vec<Diagnostic>) {
    report.extend(apis(rule, facts).map(|(case, class)| case.diagnose_api(rule, &class)));
}

/// The same, with the fixes that there may be for each, the best one first.
pub(crate) fn report_fixable_apis<F: IntoIterator<Item = Fix>>(
    rule: &dyn Rule,
    cx: &Context<'_>,
    fixes: impl Fn(&Context<'_>, &Case<'_, '_>) -> F,
    report: &mut Vec<Diagnostic>,
) {
    let program = Program::new(cx.facts);
    let told = apis(rule, cx.facts).filter(|(case, _)| {
        !(case.hazard.may_fill && is_whole(&cx.model, program, case.hazard.place))
    });
    report.extend(told.map(|(case, class)| {
        let mut diagnostic = case.diagnose_api(rule, &class);
        if !case.shares_modules() {
            diagnostic.notes.extend(loading::note(cx, case.hazard));
        }
        diagnostic.fixes = fixes(cx, &case).into_iter().collect();
        diagnostic
    }));
}

/// The uses of APIs of the classes that the rule claims, each with its class.
pub(crate) fn apis<'f, 'p>(
    rule: &dyn Rule,
    facts: &'f Facts<'p>,
) -> impl Iterator<Item = (Case<'f, 'p>, catalogue::Class)> {
    Case::all(facts).filter_map(|case| match case.hazard.kind {
        HazardKind::Api { class } if rule.classes().contains(&class) => Some((case, case.class()?)),
        _ => None,
    })
}

/// A hazard with what is known around it.
#[derive(Clone, Copy)]
pub(crate) struct Case<'f, 'p> {
    facts: &'f Facts<'p>,
    pub(crate) hazard: &'f Hazard,
}

impl<'f, 'p> Case<'f, 'p> {
    pub(crate) fn all(facts: &'f Facts<'p>) -> impl Iterator<Item = Self> {
        facts
            .hazards
            .iter()
            .map(move |hazard| Self { facts, hazard })
    }

    /// The same about another hazard.
    pub(crate) fn of<'h>(&self, hazard: &'h Hazard) -> Case<'h, 'p>
    where
        'f: 'h,
    {
        Case { hazard, ..*self }
    }

    pub(crate) fn workflow(&self) -> &'f Workflow {
        &self.facts.workflows[self.hazard.workflow]
    }

    /// The facade whose API the code may use: converters run in clients and activities as well, where
    /// there is none.
    pub(crate) fn api(&self) -> Facade {
        match self.workflow().kind {
            WorkflowKind::Converter => Facade::Other,
            _ => self.workflow().facade,
        }
    }

    pub(crate) fn for_facade(&self, temporal: &'static str, runbook: &'static str) -> &'static str {
        match self.workflow().facade {
            Facade::Temporal | Facade::Other => temporal,
            Facade::Runbook => runbook,
        }
    }

    pub(crate) fn diagnose_api(&self, rule: &dyn Rule, class: &catalogue::Class) -> Diagnostic {
        let help = self.for_facade(class.temporal, class.runbook);
        self.diagnose(rule.metadata(), &self.sentence(class.varies), help)
    }

    /// Says what the culprit does, and how the workflow gets to it. `does` completes
    /// "`time.time()` …".
    pub(crate) fn sentence(&self, does: &str) -> String {
        let mut culprit = self.culprit();
        if let Some(first) = &self.hazard.first_call {
            let is_said = first.starts_with(self.hazard.written.trim_end_matches(')'));
            culprit = match is_said {
                true => code(first),
                false => format!("{} of {culprit}", code(first)),
            };
        }
        let workflow = self.workflow_name();
        if self.hazard.trace.is_empty() {
            format!("{culprit} in {workflow} {does}")
        } else {
            let expression = code(&self.hazard.expression);
            let reached = if self.hazard.may_fill {
                "which may fill a field of"
            } else {
                "reached through"
            };
            format!("{culprit}, {reached} {expression} in {workflow}, {does}")
        }
    }

    /// The culprit as it is written, and as it resolves if that says more.
    pub(crate) fn culprit(&self) -> String {
        let Hazard {
            kind,
            written,
            culprit,
            ..
        } = self.hazard;
        let name = written.trim_end_matches("()");
        // `datetime.now` is enough for `datetime.datetime.now`, and `now` is not.
        let is_enough =
            name == culprit || (name.contains('.') && culprit.ends_with(&format!(".{name}")));
        let resolved_says_more = !matches!(kind, HazardKind::Unordered { .. }) && !is_enough;
        if resolved_says_more {
            format!("{} ({})", code(written), code(culprit))
        } else {
            code(written)
        }
    }

    /// "workflow `StrikeNav`"
    pub(crate) fn workflow_name(&self) -> String {
        let Workflow { name, kind, .. } = self.workflow();
        let name = name.rsplit('.').next().unwrap_or(name);
        format!("{} {}", kind.noun(), code(name))
    }

    pub(crate) fn diagnose(
        &self,
        rule: &RuleMetadata,
        message: &str,
        help: &'static str,
    ) -> Diagnostic {
        let hazard = self.hazard;
        let severity = self.severity(rule.severity);
        let consequence = match self.impact() {
            _ if hazard.may_fill => "",
            // What a deployment changes is the same in most replays.
            Impact::Replay if self.is_deployed() => {
                "; commands depend on it, so a replay fails after a deployment that changes it"
            }
            Impact::Drift if self.is_deployed() => {
                "; the data it reaches differs after a deployment that changes it"
            }
            // A sandbox that loads the module anew keeps the runs apart.
            Impact::Replay if self.is_shared_at_most() => {
                "; where they share it, commands depend on other runs, and a replay fails"
            }
            Impact::Drift if self.is_shared_at_most() => {
                "; where they share it, the data it reaches depends on other runs"
            }
            Impact::Replay if !hazard.is_impact_sure => {
                "; commands may depend on it, and then the replay fails"
            }
            Impact::Replay if self.may_skip_timer() => {
                "; where it leaves no time, no timer is started, and the replay fails"
            }
            Impact::Replay => "; commands depend on it, so the replay fails",
            Impact::Drift if self.is_stopped() => {
                "; where the sandbox does not stop it, the data it reaches differs, and nothing reports it"
            }
            Impact::Drift => "; the data it reaches differs, and nothing reports it",
            Impact::Unknown | Impact::None => "",
        };
        Diagnostic {
            code: rule.code,
            name: rule.name,
            severity,
            message: format!("{message}{consequence}"),
            help: Some(help.to_owned()),
            notes: self.notes(severity),
            place: hazard.place,
            workflow: Some(self.workflow().name.clone()),
            entry: Some(hazard.entry.clone()),
            culprit: Some(hazard.culprit.clone()),
            subject: hazard.variable.clone(),
            impact: self.impact(),
            trace: hazard.trace.clone(),
            fixes: Vec::new(),
        }
    }

    pub(crate) fn severity(&self, usual: Severity) -> Severity {
        let highest = self.class().and_then(|class| class.severity);
        let usual = highest.map_or(usual, |it| usual.min(it));
        if self.is_not_replayed() {
            usual.min(Severity::Info)
        } else if self.impact() == Impact::None || self.hazard.may_fill {
            usual.min(Severity::Warning)
        } else {
            usual
        }
    }

    /// The class of the API that is used, as far as it is right for that one.
    pub(crate) fn class(&self) -> Option<catalogue::Class> {
        match self.hazard.kind {
            HazardKind::Api { class } | HazardKind::ImportTime { class } => {
                catalogue::advised(class, self.hazard.remarks.advice)
            }
            _ => None,
        }
    }

    /// Whether it helps to move the code elsewhere as it stands.
    pub(crate) fn may_move(&self) -> bool {
        self.class().is_none_or(|class| class.fix)
    }

    /// Whether it configures the worker, when that is started or a module is imported.
    pub(crate) fn is_configuration(&self) -> bool {
        matches!(self.hazard.kind, HazardKind::ImportTime { class } if CONFIGURATION.contains(&class))
    }

    fn tells(&self) -> bool {
        self.hazard.kind == HazardKind::Api { class: TELLS }
    }

    /// Whether only a deployment changes the value: the interpreter and the code on the worker.
    fn is_deployed(&self) -> bool {
        matches!(self.hazard.kind, HazardKind::Api { class: "platform" })
    }

    /// Whether it is state that runs share only without the sandbox.
    fn is_shared_at_most(&self) -> bool {
        self.hazard.kind == HazardKind::SharedState && !self.shares_modules()
    }

    /// Whether runs surely share the module: the sandbox does not load it anew for each of them.
    /// The worker makes the classes of interceptors, so their modules are its own.
    pub(crate) fn shares_modules(&self) -> bool {
        self.hazard.passed_through || !self.workflow().is_sandboxed || self.is_of_worker()
    }

    /// Whether the code belongs to an object that the worker makes, outside of the sandbox.
    fn is_of_worker(&self) -> bool {
        self.workflow().kind == WorkflowKind::Interceptor
    }

    /// Read-only handlers are not replayed, so it does no harm there if something varies. What
    /// changes state is harmful there, too.
    fn is_not_replayed(&self) -> bool {
        let changes = matches!(
            self.hazard.kind,
            HazardKind::SharedState
                | HazardKind::StateWrite
                | HazardKind::ReplayFlag { .. }
                | HazardKind::Command { .. }
        );
        self.hazard.read_only && !changes
    }

    /// The impact. It is none where nothing is replayed, and otherwise only known to be none for
    /// what does nothing but give a value.
    pub(crate) fn impact(&self) -> Impact {
        if self.is_not_replayed() {
            return Impact::None;
        }
        let gives_value = match self.hazard.kind {
            HazardKind::Api { .. } => self.class().is_some_and(|class| class.gives_value),
            HazardKind::Unordered { .. } | HazardKind::ImportTime { .. } => true,
            HazardKind::DirectActivity
            | HazardKind::SharedState
            | HazardKind::StateWrite
            | HazardKind::ReplayFlag { .. }
            | HazardKind::LateImport { .. }
            | HazardKind::Command { .. } => false,
        };
        match self.hazard.impact {
            _ if self.tells() => Impact::None,
            // Each worker may have queues, timeouts and intervals of its own.
            _ if self.hazard.is_setting && self.is_configuration() => Impact::None,
            // It raises before it gives anything.
            _ if matches!(self.hazard.kind, HazardKind::Api { class } if RAISES.contains(&class)) => {
                Impact::Unknown
            }
            Impact::None if !gives_value => Impact::Unknown,
            Impact::Drift if self.may_skip_timer() => Impact::Replay,
            impact => impact,
        }
    }

    /// Whether it is the time, and decides whether a timer is started: until the replay, what is left
    /// of a deadline is over.
    fn may_skip_timer(&self) -> bool {
        self.hazard.may_skip_timer && self.hazard.kind == HazardKind::Api { class: CLOCK }
    }

    /// Whether Temporal's sandbox refuses it in the first run already, where it is on.
    fn is_stopped(&self) -> bool {
        matches!(self.hazard.kind, HazardKind::Api { .. })
            && self.hazard.sandbox == Sandbox::Stops
            && !self.shares_modules()
    }

    fn notes(&self, severity: Severity) -> Vec<String> {
        let mut notes = Vec::new();
        if self.is_not_replayed() {
            notes.push(
                "Only query handlers and update validators reach this, and those are not replayed."
                    .to_owned(),
            );
        } else {
            notes.extend(self.impact_note());
        }
        if severity > Severity::Info {
            notes.extend(self.sandbox_note().map(str::to_owned));
        }
        if !self.hazard.remarks.note.is_empty() {
            notes.push(self.hazard.remarks.note.to_owned());
        }
        notes
    }

    fn impact_note(&self) -> Option<String> {
        let what = match self.hazard.kind {
            HazardKind::Unordered { .. } | HazardKind::Api { class: TASK_ORDER } => "order",
            _ => "value",
        };
        let at = self
            .hazard
            .impact_at
            .as_ref()
            .map(|step| self.describe(step));
        match self.impact() {
            Impact::Replay if !self.hazard.is_impact_sure => {
                let at = at.unwrap_or_else(|| "which commands are issued".to_owned());
                Some(format!(
                    "This {what} is kept together with others, and one of them controls {at}; which one is not known."
                ))
            }
            Impact::Replay if self.may_skip_timer() => {
                let at = at.unwrap_or_else(|| "the length of a timer".to_owned());
                Some(format!(
                    "This {what} reaches {at}. One of no length is not started, so a replay may issue different commands than the history records."
                ))
            }
            Impact::Replay => {
                let at = at.unwrap_or_else(|| "which commands are issued".to_owned());
                Some(format!(
                    "This {what} controls {at}, so a replay may issue different commands than the history records."
                ))
            }
            Impact::Drift => {
                let reaches = if self.hazard.is_impact_sure {
                    "reaches"
                } else {
                    "may reach"
                };
                let at = at
                    .map(|at| format!("This {what} {reaches} {at}. "))
                    .unwrap_or_default();
                let where_it_runs = if self.is_stopped() {
                    "without the sandbox "
                } else {
                    ""
                };
                Some(format!(
                    "{at}Temporal compares commands, not their data, so {where_it_runs}the replay passes with other data than the history records."
                ))
            }
            Impact::None if self.tells() => None,
            Impact::None if self.hazard.is_setting => {
                let at = at.unwrap_or_else(|| "an option of a command".to_owned());
                Some(format!(
                    "This {what} reaches at most {at}: a replay does not compare that, and the workflow cannot read it."
                ))
            }
            Impact::None => Some(format!(
                "This {what} reaches at most a log: neither commands nor data depend on it."
            )),
            Impact::Unknown => None,
        }
    }

    /// "the branch on line 12 of `orders.workflow.OrderWorkflow.run`"
    fn describe(&self, step: &TraceStep) -> String {
        let line = self
            .facts
            .project
            .source(step.place.file)
            .map(|source| format!(" on line {}", source.line(step.place.span.start)))
            .unwrap_or_default();
        format!("{}{line} of {}", step.message, code(&step.function))
    }

    fn sandbox_note(&self) -> Option<&'static str> {
        match self.hazard.sandbox {
            _ if !self.workflow().is_sandboxed => None,
            // The sandbox replaces builtins for all code that runs in it.
            Sandbox::Stops if matches!(&*self.hazard.culprit, "open" | "input") => None,
            _ if self.is_of_worker() => Some(
                "The worker makes interceptors outside of Temporal's sandbox, so it does not stop this in production.",
            ),
            _ if self.hazard.passed_through => Some(
                "Its module is passed through Temporal's sandbox, so the sandbox does not stop this in production.",
            ),
            Sandbox::Allows => Some("Temporal's sandbox does not stop this in production."),
            Sandbox::Warns => Some("Temporal's sandbox only warns about this."),
            Sandbox::Stops | Sandbox::Unknown => None,
        }
    }
}

/// Source text in backticks on one line. The text must therefore not contain either itself.
pub(crate) fn code(text: &str) -> String {
    format!("`{}`", text.replace('`', "'").replace(['\n', '\r'], " "))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use lint_core::diagnostic::{FileId, Place, Span};
    use lint_core::facts::{Elements, Seen, WorkflowKind};
    use lint_core::knowledge::{Knowledge, Remarks, UserEntries};
    use lint_core::project::Project;

    use super::*;
    use crate::catalogue::TABLES;
    use crate::rule::Context;

    const PLACE: Place = Place {
        file: FileId(0),
        span: Span { start: 0, end: 1 },
    };

    /// What the rules say about a hazard in a workflow with this facade.
    fn report(facade: Facade, hazard: Hazard) -> Vec<Diagnostic> {
        report_of(WorkflowKind::Class, facade, hazard)
    }

    fn report_of(kind: WorkflowKind, facade: Facade, hazard: Hazard) -> Vec<Diagnostic> {
        let files = BTreeMap::from([("nav.py".to_owned(), "x = 1\n".to_owned())]);
        let project = Project::new(&files, files.keys().cloned(), Vec::new(), Vec::new());
        project.module(PLACE.file);
        let knowledge = Knowledge::new(&TABLES, UserEntries::default());
        let seen = Seen {
            workflows: vec![Workflow {
                name: "nav.StrikeNav".to_owned(),
                place: PLACE,
                kind,
                is_defined: false,
                inherits_run: false,
                is_sandboxed: true,
                facade,
                entries: Vec::new(),
            }],
            hazards: vec![hazard],
            ..Seen::default()
        };
        let facts = Facts::of(&project, &knowledge, Arc::new(seen), vec![PLACE.file]);
        let mut report = Vec::new();
        let cx = Context::new(&facts);
        for rule in crate::all() {
            rule.check(&cx, &mut report);
        }
        report
    }

    fn clock() -> Hazard {
        Hazard {
            kind: HazardKind::Api { class: "clock" },
            place: PLACE,
            expression: "datetime.now()".to_owned(),
            trace: Vec::new(),
            workflow: 0,
            entry: "run".to_owned(),
            culprit: "datetime.datetime.now".to_owned(),
            variable: None,
            written: "datetime.now()".to_owned(),
            impact: Impact::Unknown,
            impact_at: None,
            is_impact_sure: true,
            is_setting: false,
            may_skip_timer: false,
            read_only: false,
            sandbox: Sandbox::Stops,
            passed_through: false,
            first_call: None,
            may_fill: false,
            read: None,
            remarks: Remarks::NONE,
        }
    }

    fn step(message: &str) -> TraceStep {
        TraceStep {
            place: PLACE,
            function: "nav.StrikeNav.run".to_owned(),
            message: message.to_owned(),
        }
    }

    fn only(mut report: Vec<Diagnostic>) -> Diagnostic {
        assert_eq!(report.len(), 1, "{report:?}");
        report.remove(0)
    }

    #[test]
    fn the_culprit_is_named_as_written_and_as_resolved() {
        let found = only(report(Facade::Runbook, clock()));
        assert_eq!(
            found.message,
            "`datetime.now()` in workflow `StrikeNav` reads the worker's clock, so each replay sees \
             another time"
        );
        assert_eq!(found.severity, Severity::Error);
        assert!(
            found
                .help
                .is_some_and(|help| help.contains("runbook.now()"))
        );

        let hazard = Hazard {
            written: "now()".to_owned(),
            ..clock()
        };
        let found = only(report(Facade::Runbook, hazard));
        assert!(
            found
                .message
                .starts_with("`now()` (`datetime.datetime.now`) in workflow"),
            "{}",
            found.message
        );

        let hazard = Hazard {
            culprit: "time.time".to_owned(),
            written: "time.time()".to_owned(),
            expression: "stamp()".to_owned(),
            trace: vec![step("calls `stamp`"), step("calls `time.time`")],
            impact: Impact::Replay,
            impact_at: Some(step("the branch")),
            ..clock()
        };
        let found = only(report(Facade::Temporal, hazard));
        assert_eq!(
            found.message,
            "`time.time()`, reached through `stamp()` in workflow `StrikeNav`, reads the worker's \
             clock, so each replay sees another time; commands depend on it, so the replay fails"
        );
        assert_eq!(
            found.notes,
            [
                "This value controls the branch on line 1 of `nav.StrikeNav.run`, so a replay may issue \
                 different commands than the history records."
            ]
        );
        assert!(
            found
                .help
                .is_some_and(|help| help.contains("workflow.now()"))
        );
    }

    #[test]
    fn an_unused_value_is_a_warning_but_an_unused_result_of_an_action_is_not() {
        let unused = |class| {
            let hazard = Hazard {
                kind: HazardKind::Api { class },
                impact: Impact::None,
                ..clock()
            };
            let found = only(report(Facade::Temporal, hazard));
            (found.severity, found.impact)
        };
        assert_eq!(unused("clock"), (Severity::Warning, Impact::None));
        assert_eq!(unused("net"), (Severity::Error, Impact::Unknown));
        assert_eq!(unused("log"), (Severity::Info, Impact::None));
    }

    #[test]
    fn handlers_that_are_not_replayed_may_vary_but_not_change() {
        let found = |kind, read_only| {
            let hazard = Hazard {
                kind,
                read_only,
                impact: Impact::Replay,
                ..clock()
            };
            report(Facade::Temporal, hazard)
        };
        let clock = only(found(HazardKind::Api { class: "clock" }, true));
        assert_eq!(
            (clock.severity, clock.impact),
            (Severity::Info, Impact::None)
        );
        assert!(!clock.message.contains("fails"), "{}", clock.message);
        let write = only(found(HazardKind::StateWrite, true));
        assert_eq!((write.code, write.severity), ("RB120", Severity::Error));
        assert!(found(HazardKind::StateWrite, false).is_empty());
    }

    #[test]
    fn data_differs_only_where_the_sandbox_lets_it() {
        let found = |passed_through| {
            let hazard = Hazard {
                passed_through,
                impact: Impact::Drift,
                ..clock()
            };
            only(report(Facade::Temporal, hazard)).message
        };
        let consequence = "the data it reaches differs, and nothing reports it";
        assert!(found(true).ends_with(&format!("another time; {consequence}")));
        let stopped = format!("where the sandbox does not stop it, {consequence}");
        assert!(found(false).ends_with(&stopped));
    }

    #[test]
    fn notes_say_what_the_sandbox_lets_through() {
        let hazard = Hazard {
            passed_through: true,
            ..clock()
        };
        let found = only(report(Facade::Temporal, hazard));
        assert!(
            found.notes[0].contains("passed through"),
            "{:?}",
            found.notes
        );
        let hazard = Hazard {
            kind: HazardKind::Unordered {
                elements: Elements::Salted,
            },
            sandbox: Sandbox::Allows,
            ..clock()
        };
        let found = only(report(Facade::Temporal, hazard));
        assert!(
            found.notes[0].contains("does not stop"),
            "{:?}",
            found.notes
        );
    }

    #[test]
    fn the_sandbox_does_not_load_interceptors_anew() {
        let found = |kind, culprit: &str| {
            let hazard = Hazard {
                kind,
                culprit: culprit.to_owned(),
                ..clock()
            };
            only(report_of(
                WorkflowKind::Interceptor,
                Facade::Temporal,
                hazard,
            ))
        };
        let state = found(HazardKind::SharedState, "nav.SEEN");
        assert!(
            state
                .message
                .contains("all runs and activities of a worker share"),
            "{state:?}"
        );
        let clock = found(HazardKind::Api { class: "clock" }, "time.time");
        assert!(
            clock.notes[0].contains("outside of Temporal's sandbox"),
            "{clock:?}"
        );
        let file = found(HazardKind::Api { class: "file" }, "open");
        assert_eq!(file.notes, Vec::<String>::new());
    }

    #[test]
    fn values_at_import_are_findings_of_one_rule() {
        let at_import = |class, impact| {
            let hazard = Hazard {
                kind: HazardKind::ImportTime { class },
                impact,
                expression: "STARTED".to_owned(),
                ..clock()
            };
            report(Facade::Temporal, hazard)
        };
        let found = only(at_import("clock", Impact::Unknown));
        assert_eq!(
            found.message,
            "`STARTED` in workflow `StrikeNav` is set from `datetime.now()` at import, so each \
             worker may have another value"
        );
        assert_eq!(
            only(at_import("env", Impact::Drift)).severity,
            Severity::Warning
        );
        assert_eq!(
            only(at_import("env", Impact::None)).severity,
            Severity::Info
        );
        assert!(at_import("log", Impact::Unknown).is_empty());
    }
}
