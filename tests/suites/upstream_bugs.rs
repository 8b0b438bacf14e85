//! docs/upstream-bugs.md names tests that exist.
#![allow(clippy::unwrap_used, reason = "what fails here fails its test")]

use std::{
    fs,
    path::{Path, PathBuf},
};

#[test]
fn every_test_that_the_table_of_bugs_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let table = fs::read_to_string(root.join("docs/upstream-bugs.md")).unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| "));
    let named: Vec<&str> = rows
        .filter_map(|row| row.trim_end_matches(['|', ' ']).rsplit('|').next())
        .flat_map(|tests| tests.split('`').skip(1).step_by(2))
        .collect();
    assert!(named.len() > 40, "{named:?}");

    let mut sources = String::new();
    for part in ["crates", "controller", "cli", "tests"] {
        read(&root.join(part), &mut sources);
    }
    let missing: Vec<_> = named
        .into_iter()
        .filter(|name| !sources.contains(&format!("fn {name}(")))
        .collect();
    assert_eq!(missing, [""; 0], "named in docs/upstream-bugs.md");
}

fn read(directory: &Path, into: &mut String) {
    for entry in fs::read_dir(directory).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            read(&path, into);
        } else if path.extension().is_some_and(|it| it == "rs") {
            into.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}
