//! What a session must know of messages that it has not come to yet.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use lint_core::project::Interrupt;
use lsp_server::{Message, RequestId};
use lsp_types::{CancelParams, Id};

/// Written by the thread that reads, read by the session.
#[derive(Default)]
pub(super) struct Control {
    edits: Arc<AtomicU64>,
    cancelled: Mutex<HashSet<RequestId>>,
}

impl Control {
    /// Takes note of a message that is about to wait for its turn.
    pub(super) fn note(&self, message: &Message) {
        let Message::Notification(notification) = message else {
            return;
        };
        if is_edit(&notification.method) {
            self.edits.fetch_add(1, Ordering::Release);
        }
        if notification.method == "$/cancelRequest"
            && let Some(id) = cancelled(&notification.params)
        {
            self.cancelled().insert(id);
        }
    }

    /// Tells whether there have been more edits than these.
    pub(super) fn interrupt(&self, handled: u64) -> Interrupt {
        let edits = self.edits.clone();
        Arc::new(move || edits.load(Ordering::Acquire) != handled)
    }

    pub(super) fn is_cancelled(&self, id: &RequestId) -> bool {
        self.cancelled().contains(id)
    }

    /// The cancellation has been handled.
    pub(super) fn forget(&self, id: &RequestId) {
        self.cancelled().remove(id);
    }

    fn cancelled(&self) -> std::sync::MutexGuard<'_, HashSet<RequestId>> {
        self.cancelled
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an analysis that runs while this comes in is outdated.
pub(super) fn is_edit(method: &str) -> bool {
    matches!(
        method,
        "textDocument/didOpen" | "textDocument/didChange" | "textDocument/didClose"
    )
}

/// The request that is to be cancelled.
pub(super) fn cancelled(params: &serde_json::Value) -> Option<RequestId> {
    let params: CancelParams = serde_json::from_value(params.clone()).ok()?;
    Some(match params.id {
        Id::Int(id) => id.into(),
        Id::String(id) => id.into(),
    })
}
