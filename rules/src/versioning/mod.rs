//! The rules about patches, one file for each.

mod incompatible_edit;
mod patch_decided;
mod patches;
mod repeated_patch;
mod sketch;

pub(crate) use incompatible_edit::IncompatibleEdit;
pub(crate) use patch_decided::PatchDecided;
pub(crate) use repeated_patch::RepeatedPatch;
