//! One binary for all tests of the rules: the catalogue is linked once.

mod bundle;
mod calls;
mod catalogue_probes;
mod contract;
mod determinism;
mod edits;
mod examples;
mod meta;
mod n102;
mod support;
