//! The program as people run it.

mod baseline;
mod causes;
mod check;
mod completions;
mod config;
mod diff_base;
mod files;
mod fix;
mod fix_meaning;
mod formats;
mod graph;
mod hostile_repository;
mod icons;
mod init;
mod json;
mod lock;
mod project;
mod robustness;
mod sarif;
mod server;
mod watch;
