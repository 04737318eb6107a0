//! What an execution of a workflow can do, as far as a replay compares it with the history: the
//! commands, in which order, and what decides between them. And what an edit of it means for
//! executions that began before.
//!
//! [`build`] makes the structure of the interpretation, [`normal`] gives equal behaviour equal
//! form, [`automaton`] turns it into states and [`compare`] walks the states of two versions.
//! Which properties of a command count, the catalogue says.

mod automaton;
pub(crate) mod build;
mod builder;
mod compare;
mod constants;
mod definitions;
mod describe;
mod digest;
mod expressions;
mod flow;
mod gates;
mod issue;
mod naming;
mod normal;
mod notes;
pub(crate) mod structure;

pub use compare::{Divergence, Side, Verdict, compare, same};
pub use structure::{
    Choice, Command, Condition, Exit, Loop, Node, Part, Patch, Structure, Try, Value, Wait,
};
