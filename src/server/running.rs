//! What a session has while it runs, and how a request may end.

use lsp_server::ErrorCode;
use serde_json::Value;

use super::client::Client;
use super::control::Control;
use super::delivery::Delivery;
use super::documents::Documents;
use super::workspace::Workspace;

/// A session between `initialize` and `shutdown`.
pub(super) struct Running<'c> {
    pub(super) client: Client,
    pub(super) documents: Documents,
    pub(super) workspace: Workspace,
    pub(super) delivery: Delivery,
    pub(super) control: &'c Control,
    /// How many edits have been handled.
    pub(super) edits: u64,
}

/// Why a request gets no result.
pub(super) struct Failure {
    pub(super) code: ErrorCode,
    pub(super) message: String,
    pub(super) data: Option<Value>,
}

impl Failure {
    pub(super) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            data: None,
        }
    }

    pub(super) fn method(method: &str) -> Self {
        let message = format!("there is no method `{method}`");
        Self::new(ErrorCode::MethodNotFound, message)
    }

    pub(super) fn params(error: &serde_json::Error) -> Self {
        Self::new(ErrorCode::InvalidParams, error.to_string())
    }

    pub(super) fn bug() -> Self {
        let message = "this is a bug in runbook-lint; its log says more";
        Self::new(ErrorCode::InternalError, message)
    }
}

pub(super) type Outcome<T> = Result<T, Failure>;
