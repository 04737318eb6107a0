//! The program as people run it.

mod check;
mod config;
mod formats;
mod icons;
mod json;
mod project;
mod robustness;
mod sarif;
