//! From the command line and configuration files to settings.
//!
//! [`Options`] are what people write, one [`Layer`] per file and for the command line; [`Settings`]
//! are what the rest of the program reads: nothing in them is optional, and each remembers where
//! it comes from.

mod error;
mod files;
mod options;
mod patterns;
mod selection;
mod settings;

pub(crate) use error::{ConfigError, Origin, plainly};
pub(crate) use files::{absolute, configured_root, project_root, relative_key};
pub(crate) use options::Options;
pub(crate) use selection::unknown_rule;
pub(crate) use settings::Settings;

use error::Source;

/// The options of one file, or those of the command line.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    options: Options,
    source: Source,
}
