//! The analysis engine. It knows no rule and no output format; see ARCHITECTURE.md.
pub mod analysis;
pub mod diagnostic;
pub mod facts;
pub mod graph;
pub mod index;
mod interp;
pub mod knowledge;
pub mod names;
mod passthrough;
pub mod project;
mod reach;
pub mod rule;
pub mod source;
pub mod suggest;
pub mod suppression;
pub mod syntax;
mod workflows;
