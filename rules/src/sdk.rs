//! What `ntro` 0.1.2 offers to the author of a runbook.

/// The version that these tables describe.
pub(crate) const VERSION: &str = "ntro 0.1.2";

/// The members of `ntro.workflow.runbook`.
pub(crate) const RUNBOOK: &[&str] = &[
    "defn",
    "execute_activity",
    "execute_child_workflow",
    "info",
    "logger",
    "now",
    "query",
    "run",
    "signal",
    "start_child_workflow",
    "step",
    "wait_condition",
];

/// The members of `ntro.workflow.activity`.
pub(crate) const ACTIVITY: &[&str] = &["defn", "info", "logger"];

/// The names that `ntro.workflow` exports, without its submodules.
pub(crate) const WORKFLOW: &[&str] = &[
    "IngestIssueSummary",
    "IngestOutcome",
    "IngestProgressSnapshot",
    "NtroWorkflow",
    "PreviousTaskHandle",
    "UIComponent",
    "WorkflowError",
    "activity",
    "find_committed_document",
    "get_registered",
    "get_runtime",
    "list_registered_slugs",
    "register_workflow",
    "run_local",
    "runbook",
    "set_runtime",
    "ui_step",
];

/// The submodules of `ntro.workflow`.
pub(crate) const WORKFLOW_MODULES: &[&str] = &[
    "_base",
    "_facade",
    "agents",
    "decorators",
    "exceptions",
    "registry",
    "runtime",
    "steps",
    "task",
];

/// The fields of `runbook.info()` that both runtimes have.
pub(crate) const WORKFLOW_INFO: &[&str] = &["attempt", "run_id", "task_queue", "workflow_id"];

/// The fields of `activity.info()` that both runtimes have.
pub(crate) const ACTIVITY_INFO: &[&str] = &["activity_id", "attempt", "workflow_id"];

/// The attributes in which `NtroWorkflow` keeps the state of a run.
pub(crate) const RESERVED_ATTRIBUTES: &[&str] = &[
    "_ai_config",
    "_children_by_step_id",
    "_current_step_id",
    "_gate_token",
    "_pending_action",
    "_pending_payload",
    "_pending_row_actions",
    "_received_user_action",
    "_step_snapshots",
    "_steps_completed",
    "_user_feedback",
];

/// The queries that `NtroWorkflow` registers.
pub(crate) const BASE_QUERIES: &[&str] = &[
    "children_by_step_id",
    "current_pending_action",
    "current_steps",
    "current_ui_state",
    "step_snapshots",
];

/// The signals that `NtroWorkflow` registers.
pub(crate) const BASE_SIGNALS: &[&str] = &["user_action"];

/// The other methods of `NtroWorkflow`, without `on_row_action`, which is there to be overridden.
pub(crate) const BASE_METHODS: &[&str] = &[
    "_capture_step_snapshot",
    "_drain_row_actions",
    "_orchestrate_checks",
    "_seed_running_checks",
    "_set_pending_payload",
    "await_signal_with_action",
    "collect_documents",
    "find_committed_document",
    "load_previous_task",
    "run_child_workflow",
    "run_child_workflows",
    "run_step",
    "set_user_feedback",
    "use_ai_config",
    "wait_for_action",
    "wait_for_signal_predicate",
];

/// Whether `NtroWorkflow` has a member of this name that is not meant to be replaced.
pub(crate) fn is_base_member(name: &str) -> bool {
    [BASE_QUERIES, BASE_SIGNALS, BASE_METHODS]
        .iter()
        .any(|names| names.contains(&name))
}
