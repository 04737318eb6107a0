//! What `ntro` 0.1.2 offers to the author of a runbook, and `temporalio` 1.35 to that of a workflow.

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

/// The version of the Temporal SDK that the tables below describe.
pub(crate) const TEMPORAL_VERSION: &str = "temporalio 1.35";

/// The public names of `temporalio.workflow`.
pub(crate) const TEMPORAL_WORKFLOW: &[&str] = &[
    "ActivityCancellationType",
    "ActivityConfig",
    "ActivityHandle",
    "AnyType",
    "CallableAsyncNoParam",
    "CallableAsyncSingleParam",
    "CallableAsyncType",
    "CallableSyncNoParam",
    "CallableSyncOrAsyncReturnNoneType",
    "CallableSyncOrAsyncType",
    "CallableSyncSingleParam",
    "CallableType",
    "ChildWorkflowCancellationType",
    "ChildWorkflowConfig",
    "ChildWorkflowHandle",
    "ClassType",
    "ContinueAsNewError",
    "ContinueAsNewVersioningBehavior",
    "DynamicWorkflowConfig",
    "EventGroup",
    "ExternalWorkflowHandle",
    "HandlerUnfinishedPolicy",
    "Info",
    "LocalActivityConfig",
    "LoggerAdapter",
    "MethodAsyncNoParam",
    "MethodAsyncSingleParam",
    "MethodSyncNoParam",
    "MethodSyncOrAsyncNoParam",
    "MethodSyncOrAsyncSingleParam",
    "MethodSyncSingleParam",
    "MultiParamSpec",
    "NexusClient",
    "NexusOperationCancellationType",
    "NexusOperationHandle",
    "NondeterminismError",
    "ParamType",
    "ParentClosePolicy",
    "ParentInfo",
    "ProtocolReturnType",
    "ReadOnlyContextError",
    "ReturnType",
    "RootInfo",
    "SandboxImportNotificationPolicy",
    "SelfType",
    "UnfinishedSignalHandlersWarning",
    "UnfinishedUpdateHandlersWarning",
    "UpdateInfo",
    "UpdateMethodMultiParam",
    "VersioningIntent",
    "all_handlers_finished",
    "as_completed",
    "cancellation_reason",
    "continue_as_new",
    "create_event_group",
    "create_nexus_client",
    "current_update_info",
    "defn",
    "deprecate_patch",
    "dynamic_config",
    "execute_activity",
    "execute_activity_class",
    "execute_activity_method",
    "execute_child_workflow",
    "execute_local_activity",
    "execute_local_activity_class",
    "execute_local_activity_method",
    "extern_functions",
    "get_current_details",
    "get_dynamic_query_handler",
    "get_dynamic_signal_handler",
    "get_dynamic_update_handler",
    "get_external_workflow_handle",
    "get_external_workflow_handle_for",
    "get_last_completion_result",
    "get_last_failure",
    "get_query_handler",
    "get_signal_handler",
    "get_update_handler",
    "has_last_completion_result",
    "in_workflow",
    "info",
    "init",
    "instance",
    "is_failure_exception",
    "logger",
    "memo",
    "memo_value",
    "metric_meter",
    "new_random",
    "now",
    "patched",
    "payload_converter",
    "query",
    "random",
    "random_seed",
    "register_random_seed_callback",
    "run",
    "set_current_details",
    "set_dynamic_query_handler",
    "set_dynamic_signal_handler",
    "set_dynamic_update_handler",
    "set_query_handler",
    "set_signal_handler",
    "set_update_handler",
    "signal",
    "signal_with_start_workflow",
    "sleep",
    "start_activity",
    "start_activity_class",
    "start_activity_method",
    "start_child_workflow",
    "start_local_activity",
    "start_local_activity_class",
    "start_local_activity_method",
    "time",
    "time_ns",
    "unsafe",
    "update",
    "upsert_memo",
    "upsert_search_attributes",
    "uuid4",
    "uuid7",
    "wait",
    "wait_condition",
];

/// Names that people look for there, with the modules that have them.
pub(crate) const NAMES_OF_OTHERS: &[(&str, &[&str])] = &[
    (
        "asyncio",
        &[
            "ALL_COMPLETED",
            "FIRST_COMPLETED",
            "FIRST_EXCEPTION",
            "Condition",
            "Event",
            "Future",
            "InvalidStateError",
            "Lock",
            "Queue",
            "Semaphore",
            "Task",
            "TaskGroup",
            "TimeoutError",
            "create_task",
            "current_task",
            "ensure_future",
            "gather",
            "get_event_loop",
            "shield",
            "timeout",
            "wait_for",
        ],
    ),
    ("datetime", &["datetime", "timedelta", "timezone"]),
    (
        "temporalio.common",
        &[
            "Priority",
            "RawValue",
            "RetryPolicy",
            "SearchAttributeKey",
            "SearchAttributePair",
            "TypedSearchAttributes",
            "VersioningBehavior",
            "WorkflowIDConflictPolicy",
            "WorkflowIDReusePolicy",
        ],
    ),
    (
        "temporalio.exceptions",
        &[
            "ActivityError",
            "ApplicationError",
            "ApplicationErrorCategory",
            "CancelledError",
            "ChildWorkflowError",
            "FailureError",
            "NexusOperationError",
            "RetryState",
            "ServerError",
            "TemporalError",
            "TerminatedError",
            "TimeoutType",
            "WorkflowAlreadyStartedError",
        ],
    ),
];
