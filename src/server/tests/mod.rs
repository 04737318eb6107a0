//! The server as an editor sees it.

mod diagnostics;
mod editor;
mod features;
mod lifecycle;
mod random_edits;
