//! What workflows did before, which an edit is held against: at a revision, or when they were
//! deployed.

mod record;
pub(crate) mod recorded;
mod text;

pub use record::record;
pub use recorded::{Recorded, Reference};
pub use text::{Malformed, parse, write, write_workflow};
