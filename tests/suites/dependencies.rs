//! docs/dependencies.md tells of every direct dependency, and of no other.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what fails here fails its test"
)]

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use serde_json::Value;

#[test]
fn every_dependency_has_its_line_in_the_documentation() {
    assert_eq!(documented(), declared());
}

/// The names in the first column of the tables.
fn documented() -> BTreeSet<String> {
    fs::read_to_string(root().join("docs/dependencies.md"))
        .unwrap()
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .map(|line| line.split('`').next().unwrap().to_owned())
        .collect()
}

/// What the manifests of the workspace name, as its code calls them.
fn declared() -> BTreeSet<String> {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version=1"])
        .arg("--manifest-path")
        .arg(root().join("Cargo.toml"))
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .flat_map(|package| package["dependencies"].as_array().unwrap())
        .filter(|dependency| dependency["path"].is_null())
        .map(|dependency| {
            dependency["rename"]
                .as_str()
                .or(dependency["name"].as_str())
        })
        .map(|name| name.unwrap().to_owned())
        .collect()
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
