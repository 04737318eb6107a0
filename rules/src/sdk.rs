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

/// The functions of `temporalio.workflow` that raise where no workflow is running.
pub(crate) const ONLY_IN_WORKFLOWS: &[&str] = &[
    "all_handlers_finished",
    "cancellation_reason",
    "continue_as_new",
    "deprecate_patch",
    "execute_activity",
    "execute_activity_method",
    "execute_child_workflow",
    "execute_local_activity",
    "execute_local_activity_method",
    "extern_functions",
    "get_current_details",
    "get_external_workflow_handle",
    "get_last_completion_result",
    "get_last_failure",
    "has_last_completion_result",
    "info",
    "instance",
    "is_failure_exception",
    "memo",
    "metric_meter",
    "new_random",
    "now",
    "patched",
    "payload_converter",
    "random",
    "random_seed",
    "set_current_details",
    "sleep",
    "start_activity",
    "start_activity_method",
    "start_child_workflow",
    "start_local_activity",
    "start_local_activity_method",
    "time",
    "time_ns",
    "unsafe.is_replaying",
    "upsert_memo",
    "uuid4",
    "uuid7",
    "wait_condition",
];

/// The functions of `temporalio.activity` that raise where no activity is running.
pub(crate) const ONLY_IN_ACTIVITIES: &[&str] = &[
    "cancellation_details",
    "client",
    "heartbeat",
    "info",
    "is_cancelled",
    "is_worker_shutdown",
    "metric_meter",
    "payload_converter",
    "wait_for_cancelled",
    "wait_for_cancelled_sync",
    "wait_for_worker_shutdown",
    "wait_for_worker_shutdown_sync",
];

/// What waits until a condition is so.
pub(crate) const WAIT_CONDITION: &[&str] = &[
    "ntro.workflow.runbook.wait_condition",
    "temporalio.workflow.wait_condition",
];

/// What schedules an activity and waits for it.
pub(crate) const EXECUTE_ACTIVITY: &[&str] = &[
    "temporalio.workflow.execute_activity",
    "temporalio.workflow.execute_activity_class",
    "temporalio.workflow.execute_activity_method",
    "temporalio.workflow.execute_local_activity",
    "temporalio.workflow.execute_local_activity_class",
    "temporalio.workflow.execute_local_activity_method",
];

/// Those of them whose failures nothing wraps.
pub(crate) const EXECUTE_LOCAL_ACTIVITY: &[&str] = &[
    "temporalio.workflow.execute_local_activity",
    "temporalio.workflow.execute_local_activity_class",
    "temporalio.workflow.execute_local_activity_method",
];

/// What schedules one, and gives a handle of it.
pub(crate) const START_ACTIVITY: &[&str] = &[
    "temporalio.workflow.start_activity",
    "temporalio.workflow.start_activity_class",
    "temporalio.workflow.start_activity_method",
    "temporalio.workflow.start_local_activity",
    "temporalio.workflow.start_local_activity_class",
    "temporalio.workflow.start_local_activity_method",
];

/// The same for child workflows.
pub(crate) const EXECUTE_CHILD: &[&str] = &["temporalio.workflow.execute_child_workflow"];
pub(crate) const START_CHILD: &[&str] = &["temporalio.workflow.start_child_workflow"];

/// What sends a signal.
pub(crate) const SIGNALS: &[&str] = &[
    "temporalio.workflow.ChildWorkflowHandle.signal",
    "temporalio.workflow.ExternalWorkflowHandle.signal",
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

/// Names that other SDKs of Temporal have, or other modules for the same thing, and names that people make up,
/// with what is meant by them.
pub(crate) const NAMES_FROM_ELSEWHERE: &[(&str, &str)] = &[
    ("Channel", "asyncio.Queue"),
    ("Duration", "datetime.timedelta"),
    ("WorkflowError", "temporalio.exceptions.ApplicationError"),
    ("activity", "workflow.execute_activity"),
    ("all", "asyncio.gather"),
    ("await_condition", "workflow.wait_condition"),
    ("call_activity", "workflow.execute_activity"),
    ("call_child_workflow", "workflow.execute_child_workflow"),
    ("child_workflow", "workflow.execute_child_workflow"),
    ("common", "temporalio.common"),
    ("condition", "workflow.wait_condition"),
    ("create_timer", "workflow.sleep"),
    ("current_info", "workflow.info"),
    ("current_time", "workflow.now"),
    ("delay", "workflow.sleep"),
    ("emit_metric", "workflow.metric_meter"),
    ("exceptions", "temporalio.exceptions"),
    ("execute_child", "workflow.execute_child_workflow"),
    ("execute_workflow", "workflow.execute_child_workflow"),
    ("execution_info", "workflow.info"),
    ("generate_uuid", "workflow.uuid4"),
    ("get_current_time", "workflow.now"),
    ("get_execution_info", "workflow.info"),
    (
        "get_external_workflow",
        "workflow.get_external_workflow_handle",
    ),
    ("get_handle", "workflow.get_external_workflow_handle"),
    ("get_info", "workflow.info"),
    ("get_logger", "workflow.logger"),
    ("get_memo", "workflow.memo"),
    ("get_random", "workflow.random"),
    ("get_time", "workflow.now"),
    ("get_version", "workflow.patched"),
    (
        "get_workflow_handle",
        "workflow.get_external_workflow_handle",
    ),
    ("get_workflow_info", "workflow.info"),
    (
        "imports_passed_through",
        "workflow.unsafe.imports_passed_through",
    ),
    ("is_replaying", "workflow.unsafe.is_replaying"),
    ("local_activity", "workflow.execute_local_activity"),
    ("log", "workflow.logger"),
    ("metrics", "workflow.metric_meter"),
    ("mutable_side_effect", "workflow.execute_activity"),
    ("new_timer", "workflow.sleep"),
    ("new_uuid", "workflow.uuid4"),
    ("proxy_activities", "workflow.execute_activity"),
    ("register_query", "workflow.set_query_handler"),
    ("register_query_handler", "workflow.set_query_handler"),
    ("register_signal", "workflow.set_signal_handler"),
    ("register_signal_handler", "workflow.set_signal_handler"),
    ("register_update", "workflow.set_update_handler"),
    ("register_update_handler", "workflow.set_update_handler"),
    ("retry_policy", "temporalio.common.RetryPolicy"),
    ("run_activity", "workflow.execute_activity"),
    ("run_child_workflow", "workflow.execute_child_workflow"),
    ("run_local_activity", "workflow.execute_local_activity"),
    (
        "sandbox_unrestricted",
        "workflow.unsafe.sandbox_unrestricted",
    ),
    ("schedule_activity", "workflow.execute_activity"),
    ("set_timer", "workflow.sleep"),
    ("side_effect", "workflow.execute_activity"),
    ("spawn", "asyncio.create_task"),
    ("start_child", "workflow.start_child_workflow"),
    ("start_timer", "workflow.sleep"),
    ("start_workflow", "workflow.start_child_workflow"),
    ("timer", "workflow.sleep"),
    ("today", "workflow.now"),
    ("uuid", "workflow.uuid4"),
    ("wait_all", "asyncio.gather"),
    ("wait_until", "workflow.wait_condition"),
    ("workflow_info", "workflow.info"),
];

/// Names of the same kind for which there is no other name, with what to do instead.
pub(crate) const OTHERWISE: &[(&[&str], &str)] = &[
    (
        &[
            "complete",
            "complete_workflow",
            "end",
            "exit",
            "finish",
            "quit",
            "return_value",
            "set_result",
            "stop",
            "terminate",
        ],
        "return from the `@workflow.run` method",
    ),
    (
        &[
            "abort",
            "fail",
            "fail_workflow",
            "raise_error",
            "set_failure",
            "throw",
        ],
        "raise an `ApplicationError` of `temporalio.exceptions`",
    ),
    (
        &[
            "cancel",
            "cancel_child",
            "cancel_child_workflow",
            "cancel_external_workflow",
            "cancel_workflow",
            "request_cancel",
        ],
        "cancel the handle of what is to end; `workflow.get_external_workflow_handle(…)` gives that of another workflow",
    ),
    (
        &[
            "send_signal",
            "signal_child",
            "signal_child_workflow",
            "signal_external",
            "signal_external_workflow",
            "signal_workflow",
        ],
        "await `signal(…)` of the child's handle, or of what `workflow.get_external_workflow_handle(…)` gives",
    ),
    (
        &[
            "get_parent",
            "get_parent_handle",
            "get_parent_workflow",
            "parent_workflow",
        ],
        "write `workflow.get_external_workflow_handle(workflow.info().parent.workflow_id)`, where there is a parent",
    ),
    (
        &[
            "await_signal",
            "get_signal",
            "get_signal_channel",
            "receive_signal",
            "wait_for_signal",
            "wait_signal",
        ],
        "set an attribute in a `@workflow.signal` handler, and wait for that with `workflow.wait_condition(lambda: …)`",
    ),
    (
        &["get_activity_result", "get_child_result", "get_result"],
        "await the handle, which gives the result",
    ),
    (
        &["any", "race", "select", "wait_any", "wait_first"],
        "write `await workflow.wait(…, return_when=asyncio.FIRST_COMPLETED)`",
    ),
    (
        &[
            "get_state",
            "get_status",
            "set_state",
            "set_status",
            "update_state",
            "update_status",
            "upsert_state",
        ],
        "keep it in an attribute of the workflow, and give it to others with `@workflow.query`",
    ),
    (
        &["now_utc", "utc_now", "utcnow"],
        "write `workflow.now()`, or `workflow.now().replace(tzinfo=None)` where the time must not have a zone",
    ),
];

/// The decorators of the module, which no code of a run needs.
pub(crate) const DECORATORS: &[&str] = &["defn", "init", "query", "run", "signal", "update"];

/// What `workflow.info()` has.
pub(crate) const TEMPORAL_INFO: &[&str] = &[
    "attempt",
    "continued_run_id",
    "cron_schedule",
    "execution_timeout",
    "first_execution_run_id",
    "get_current_build_id",
    "get_current_deployment_version",
    "get_current_history_length",
    "get_current_history_size",
    "headers",
    "is_continue_as_new_suggested",
    "is_target_worker_deployment_version_changed",
    "namespace",
    "original_execution_run_id",
    "parent",
    "priority",
    "raw_memo",
    "retry_policy",
    "root",
    "run_id",
    "run_timeout",
    "search_attributes",
    "start_time",
    "task_queue",
    "task_timeout",
    "typed_search_attributes",
    "workflow_id",
    "workflow_start_time",
    "workflow_type",
];

/// What functions of the SDK give that stands for something that runs.
#[derive(PartialEq, Eq)]
pub(crate) struct Handle {
    pub(crate) name: &'static str,
    own: &'static [&'static str],
    /// Whether it is an `asyncio.Task` too.
    is_task: bool,
}

impl Handle {
    pub(crate) fn members(&self) -> impl Iterator<Item = &'static str> {
        let inherited = if self.is_task { TASK } else { &[] };
        self.own.iter().chain(inherited).copied()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.members().any(|it| it == name)
    }
}

pub(crate) const HANDLES: &[Handle] = &[
    Handle {
        name: "ActivityHandle",
        own: &[],
        is_task: true,
    },
    Handle {
        name: "ChildWorkflowHandle",
        own: &["first_execution_run_id", "id", "signal"],
        is_task: true,
    },
    Handle {
        name: "ExternalWorkflowHandle",
        own: &["cancel", "id", "run_id", "signal"],
        is_task: false,
    },
];

/// What an `asyncio.Task` has.
const TASK: &[&str] = &[
    "add_done_callback",
    "cancel",
    "cancelled",
    "cancelling",
    "done",
    "exception",
    "get_context",
    "get_coro",
    "get_loop",
    "get_name",
    "get_stack",
    "print_stack",
    "remove_done_callback",
    "result",
    "set_exception",
    "set_name",
    "set_result",
    "uncancel",
];

/// Functions that answer something when they are called.
pub(crate) const ANSWERS: &[&str] = &[
    "ntro.workflow.runbook.info",
    "ntro.workflow.runbook.now",
    "temporalio.workflow.all_handlers_finished",
    "temporalio.workflow.cancellation_reason",
    "temporalio.workflow.current_update_info",
    "temporalio.workflow.get_current_details",
    "temporalio.workflow.get_last_completion_result",
    "temporalio.workflow.get_last_failure",
    "temporalio.workflow.has_last_completion_result",
    "temporalio.workflow.in_workflow",
    "temporalio.workflow.info",
    "temporalio.workflow.memo",
    "temporalio.workflow.now",
    "temporalio.workflow.patched",
    "temporalio.workflow.random_seed",
    "temporalio.workflow.time",
    "temporalio.workflow.time_ns",
    "temporalio.workflow.unsafe.in_sandbox",
    "temporalio.workflow.unsafe.is_imports_passed_through",
    "temporalio.workflow.unsafe.is_read_only",
    "temporalio.workflow.unsafe.is_replaying",
    "temporalio.workflow.unsafe.is_replaying_history_events",
    "temporalio.workflow.unsafe.is_sandbox_unrestricted",
];

/// The methods of what `workflow.info()` gives.
pub(crate) const ANSWERS_OF_INFO: &[&str] = &[
    "get_current_build_id",
    "get_current_deployment_version",
    "get_current_history_length",
    "get_current_history_size",
    "is_continue_as_new_suggested",
    "is_target_worker_deployment_version_changed",
];

/// The functions of `temporalio` that workflow code calls, with the number of arguments that may be given by
/// position and the names of all. Those without any are left out.
pub(crate) const TEMPORAL_PARAMETERS: &[(&[&str], usize, &[&str])] = &[
    (
        &["temporalio.activity.defn"],
        1,
        &["fn", "name", "no_thread_cancel_exception", "dynamic"],
    ),
    (&["temporalio.workflow.as_completed"], 1, &["fs", "timeout"]),
    (
        &["temporalio.workflow.continue_as_new"],
        1,
        &[
            "arg",
            "args",
            "workflow",
            "task_queue",
            "run_timeout",
            "task_timeout",
            "backoff_start_interval",
            "retry_policy",
            "memo",
            "search_attributes",
            "versioning_intent",
            "initial_versioning_behavior",
            "event_groups",
        ],
    ),
    (
        &["temporalio.workflow.create_event_group"],
        1,
        &["id", "label"],
    ),
    (
        &["temporalio.workflow.create_nexus_client"],
        0,
        &["service", "endpoint"],
    ),
    (
        &["temporalio.workflow.defn"],
        1,
        &[
            "cls",
            "name",
            "sandboxed",
            "dynamic",
            "failure_exception_types",
            "versioning_behavior",
        ],
    ),
    (
        &[
            "temporalio.workflow.deprecate_patch",
            "temporalio.workflow.patched",
        ],
        1,
        &["id", "event_groups"],
    ),
    (
        &[
            "temporalio.workflow.dynamic_config",
            "temporalio.workflow.run",
        ],
        1,
        &["fn"],
    ),
    (
        &[
            "temporalio.workflow.execute_activity",
            "temporalio.workflow.start_activity",
        ],
        2,
        &[
            "activity",
            "arg",
            "args",
            "task_queue",
            "result_type",
            "schedule_to_close_timeout",
            "schedule_to_start_timeout",
            "start_to_close_timeout",
            "heartbeat_timeout",
            "retry_policy",
            "cancellation_type",
            "activity_id",
            "versioning_intent",
            "summary",
            "event_groups",
            "priority",
        ],
    ),
    (
        &[
            "temporalio.workflow.execute_activity_class",
            "temporalio.workflow.execute_activity_method",
            "temporalio.workflow.start_activity_class",
            "temporalio.workflow.start_activity_method",
        ],
        2,
        &[
            "activity",
            "arg",
            "args",
            "task_queue",
            "schedule_to_close_timeout",
            "schedule_to_start_timeout",
            "start_to_close_timeout",
            "heartbeat_timeout",
            "retry_policy",
            "cancellation_type",
            "activity_id",
            "versioning_intent",
            "summary",
            "event_groups",
            "priority",
        ],
    ),
    (
        &[
            "temporalio.workflow.execute_child_workflow",
            "temporalio.workflow.start_child_workflow",
        ],
        2,
        &[
            "workflow",
            "arg",
            "args",
            "id",
            "task_queue",
            "result_type",
            "cancellation_type",
            "parent_close_policy",
            "execution_timeout",
            "run_timeout",
            "task_timeout",
            "id_reuse_policy",
            "retry_policy",
            "cron_schedule",
            "memo",
            "search_attributes",
            "versioning_intent",
            "static_summary",
            "static_details",
            "event_groups",
            "priority",
            "versioning_override",
        ],
    ),
    (
        &[
            "temporalio.workflow.execute_local_activity",
            "temporalio.workflow.start_local_activity",
        ],
        2,
        &[
            "activity",
            "arg",
            "args",
            "result_type",
            "schedule_to_close_timeout",
            "schedule_to_start_timeout",
            "start_to_close_timeout",
            "retry_policy",
            "local_retry_threshold",
            "cancellation_type",
            "activity_id",
            "summary",
            "event_groups",
        ],
    ),
    (
        &[
            "temporalio.workflow.execute_local_activity_class",
            "temporalio.workflow.execute_local_activity_method",
            "temporalio.workflow.start_local_activity_class",
            "temporalio.workflow.start_local_activity_method",
        ],
        2,
        &[
            "activity",
            "arg",
            "args",
            "schedule_to_close_timeout",
            "schedule_to_start_timeout",
            "start_to_close_timeout",
            "retry_policy",
            "local_retry_threshold",
            "cancellation_type",
            "activity_id",
            "summary",
            "event_groups",
        ],
    ),
    (
        &["temporalio.workflow.get_external_workflow_handle"],
        1,
        &["workflow_id", "run_id"],
    ),
    (
        &["temporalio.workflow.get_external_workflow_handle_for"],
        2,
        &["workflow", "workflow_id", "run_id"],
    ),
    (
        &["temporalio.workflow.get_last_completion_result"],
        1,
        &["type_hint"],
    ),
    (
        &[
            "temporalio.workflow.get_query_handler",
            "temporalio.workflow.get_signal_handler",
            "temporalio.workflow.get_update_handler",
            "temporalio.workflow.new_random",
        ],
        1,
        &["name"],
    ),
    (&["temporalio.workflow.init"], 1, &["init_fn"]),
    (&["temporalio.workflow.is_failure_exception"], 1, &["err"]),
    (
        &["temporalio.workflow.memo_value"],
        2,
        &["key", "default", "type_hint"],
    ),
    (
        &["temporalio.workflow.query"],
        1,
        &["fn", "name", "dynamic", "description"],
    ),
    (
        &["temporalio.workflow.register_random_seed_callback"],
        1,
        &["callback"],
    ),
    (
        &["temporalio.workflow.set_current_details"],
        1,
        &["description"],
    ),
    (
        &[
            "temporalio.workflow.set_dynamic_query_handler",
            "temporalio.workflow.set_dynamic_signal_handler",
        ],
        1,
        &["handler"],
    ),
    (
        &["temporalio.workflow.set_dynamic_update_handler"],
        1,
        &["handler", "validator"],
    ),
    (
        &[
            "temporalio.workflow.set_query_handler",
            "temporalio.workflow.set_signal_handler",
        ],
        2,
        &["name", "handler"],
    ),
    (
        &["temporalio.workflow.set_update_handler"],
        2,
        &["name", "handler", "validator"],
    ),
    (
        &["temporalio.workflow.signal", "temporalio.workflow.update"],
        1,
        &["fn", "name", "dynamic", "unfinished_policy", "description"],
    ),
    (
        &["temporalio.workflow.sleep"],
        1,
        &["duration", "summary", "event_groups"],
    ),
    (
        &["temporalio.workflow.upsert_memo"],
        1,
        &["updates", "event_groups"],
    ),
    (
        &["temporalio.workflow.upsert_search_attributes"],
        1,
        &["attributes", "event_groups"],
    ),
    (
        &["temporalio.workflow.wait"],
        1,
        &["fs", "timeout", "return_when"],
    ),
    (
        &["temporalio.workflow.wait_condition"],
        1,
        &["fn", "timeout", "timeout_summary", "event_groups"],
    ),
    (
        &["temporalio.workflow.signal_with_start_workflow"],
        1,
        &[
            "workflow",
            "args",
            "id",
            "task_queue",
            "signal",
            "signal_args",
            "execution_timeout",
            "run_timeout",
            "task_timeout",
            "id_reuse_policy",
            "id_conflict_policy",
            "retry_policy",
            "cron_schedule",
            "memo",
            "search_attributes",
            "priority",
            "versioning_override",
            "start_delay",
            "static_summary",
            "static_details",
        ],
    ),
];

/// What making an object takes: how many arguments by position, those that it needs, and the names of all.
pub(crate) struct Maker {
    pub(crate) name: &'static str,
    pub(crate) positional: usize,
    pub(crate) needed: &'static [&'static str],
    pub(crate) parameters: &'static [&'static str],
}

/// All that an `ActivityError` takes, which it needs as well.
const ACTIVITY_ERROR: &[&str] = &[
    "message",
    "scheduled_event_id",
    "started_event_id",
    "identity",
    "activity_type",
    "activity_id",
    "retry_state",
];

pub(crate) const MAKERS: &[Maker] = &[
    Maker {
        name: "datetime.timedelta",
        positional: 7,
        needed: &[],
        parameters: &[
            "days",
            "seconds",
            "microseconds",
            "milliseconds",
            "minutes",
            "hours",
            "weeks",
        ],
    },
    Maker {
        name: "temporalio.common.Priority",
        positional: 3,
        needed: &[],
        parameters: &["priority_key", "fairness_key", "fairness_weight"],
    },
    // What is given by position behind the message are the details.
    Maker {
        name: "temporalio.exceptions.ApplicationError",
        positional: usize::MAX,
        needed: &["message"],
        parameters: &[
            "message",
            "type",
            "non_retryable",
            "next_retry_delay",
            "category",
        ],
    },
    Maker {
        name: "temporalio.exceptions.CancelledError",
        positional: usize::MAX,
        needed: &[],
        parameters: &["message"],
    },
    Maker {
        name: "temporalio.exceptions.TerminatedError",
        positional: usize::MAX,
        needed: &["message"],
        parameters: &["message"],
    },
    Maker {
        name: "temporalio.exceptions.TimeoutError",
        positional: 1,
        needed: &["message", "type", "last_heartbeat_details"],
        parameters: &["message", "type", "last_heartbeat_details"],
    },
    Maker {
        name: "temporalio.exceptions.ActivityError",
        positional: 1,
        needed: ACTIVITY_ERROR,
        parameters: ACTIVITY_ERROR,
    },
];

/// What the methods of `workflow.logger` take by name: what else they are given comes to `logging`, which has
/// no such argument.
pub(crate) const LOGGER_PARAMETERS: &[&str] = &[
    "exc_info",
    "extra",
    "level",
    "msg",
    "stack_info",
    "stacklevel",
];

const LOGGER_LEVELS: &[&str] = &[
    "critical",
    "debug",
    "error",
    "exception",
    "info",
    "log",
    "warning",
];

/// Whether a function writes a line to the log of a workflow.
pub(crate) fn is_workflow_logger(function: &str) -> bool {
    let level = function.strip_prefix("temporalio.workflow.logger.");
    level.is_some_and(|it| LOGGER_LEVELS.contains(&it))
}

/// Whether a function writes a line to the log of a workflow or of an activity.
pub(crate) fn is_logger(function: &str) -> bool {
    let level = function.strip_prefix("temporalio.activity.logger.");
    is_workflow_logger(function) || level.is_some_and(|it| LOGGER_LEVELS.contains(&it))
}

/// How many arguments a function takes by position, and the names of its parameters.
pub(crate) fn temporal_parameters(function: &str) -> Option<(usize, &'static [&'static str])> {
    let mut functions = TEMPORAL_PARAMETERS.iter();
    let found = functions.find(|(names, ..)| names.contains(&function));
    found.map(|&(_, positional, names)| (positional, names))
}
