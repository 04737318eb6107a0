//! The rules about patches, one file for each.

mod patch_decided;
mod patches;
mod repeated_patch;

pub(crate) use patch_decided::PatchDecided;
pub(crate) use repeated_patch::RepeatedPatch;
