//! One binary for all tests of the rules: the catalogue is linked once.

mod catalogue_probes;
mod examples;
mod meta;
mod n102;
mod support;
