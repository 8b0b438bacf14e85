//! The program as people run it: arguments, files and standard input in; output, messages, exit
//! status and files out.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // A test may fail.

mod age_clusters;
mod age_files;
mod age_keys;
mod backup;
mod bad_certificates;
mod bad_files;
mod bad_sealed;
mod bad_secrets;
mod certificates;
mod check;
mod check_tree;
mod completions;
mod config;
mod confirm;
mod decrypt;
mod diff;
mod directory;
mod edit;
mod encrypt;
mod encrypt_files;
mod encrypt_in_place;
mod encrypt_values;
mod errors;
mod help;
mod init;
mod interrupted;
mod keys;
mod keys_for_machines;
mod links;
mod output;
mod paths;
mod plugins;
mod random;
mod rare_errors;
mod recipients;
mod reference;
mod rotate;
mod schemas;
mod sealed;
mod server;
mod set;
mod styles;
mod template;
mod terminal;
mod unset;
mod value;
mod vectors;
