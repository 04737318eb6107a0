//! A line of a documentation comment.

use std::fmt::Display;

use proc_macro2::Span;
use syn::Error;

/// Its span is that of the whole comment line.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) text: String,
    pub(crate) span: Span,
}

impl Line {
    pub(crate) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    pub(crate) fn is_heading(&self) -> bool {
        let text = self.text.trim_start();
        let title = text.trim_start_matches('#');
        (1..=6).contains(&(text.len() - title.len()))
            && (title.is_empty() || title.starts_with(' '))
    }

    pub(crate) fn error(&self, message: impl Display) -> Error {
        Error::new(self.span, message)
    }
}
