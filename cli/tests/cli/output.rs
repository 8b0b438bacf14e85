//! Files that are written.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::directory::Directory;

const ENCRYPT: &str = "encrypt --cert cert.pem secret.yaml -w";

fn names(directory: &Directory) -> Vec<String> {
    let files = directory.files().into_keys();
    files
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn a_file_that_is_there_keeps_its_permissions_and_gets_no_neighbours() {
    let directory = Directory::new();
    directory.put("sealed.yaml", "old");
    let permissions = fs::Permissions::from_mode(0o640);
    fs::set_permissions(directory.path("sealed.yaml"), permissions).unwrap();
    let before = names(&directory);
    directory.succeeds(&format!("{ENCRYPT} sealed.yaml"), "");
    assert_eq!(directory.mode("sealed.yaml"), 0o640);
    assert!(
        directory
            .read("sealed.yaml")
            .starts_with("---\napiVersion: bitnami.com/v1alpha1\n")
    );
    assert_eq!(names(&directory), before);
}

#[test]
fn a_new_file_has_the_permissions_of_any_other() {
    let directory = Directory::new();
    directory.succeeds(&format!("{ENCRYPT} sealed.yaml"), "");
    assert_eq!(directory.mode("sealed.yaml"), directory.mode("secret.yaml"));
}

#[test]
fn the_name_of_the_file_chooses_the_format_unless_it_is_said() {
    let directory = Directory::new();
    directory.succeeds(&format!("{ENCRYPT} sealed.json"), "");
    assert!(
        directory
            .read("sealed.json")
            .starts_with("{\n  \"apiVersion\"")
    );
    directory.succeeds(&format!("{ENCRYPT} sealed.json -o yaml"), "");
    assert!(directory.read("sealed.json").starts_with("---\n"));
}

#[test]
fn a_symbolic_link_stays_one_and_its_target_is_replaced() {
    let directory = Directory::new();
    fs::create_dir(directory.path("deep")).unwrap();
    for (link, target) in [
        ("link.yaml", "deep/sealed.yaml"),
        ("deep/sealed.yaml", "real.yaml"),
    ] {
        std::os::unix::fs::symlink(target, directory.path(link)).unwrap();
    }
    directory.succeeds(&format!("{ENCRYPT} link.yaml"), "");
    assert!(
        fs::symlink_metadata(directory.path("link.yaml"))
            .unwrap()
            .is_symlink()
    );
    assert!(directory.read("deep/real.yaml").starts_with("---\n"));
    assert!(
        !fs::symlink_metadata(directory.path("deep/real.yaml"))
            .unwrap()
            .is_symlink()
    );
}

#[test]
fn a_device_is_written_to() {
    let directory = Directory::new();
    for device in ["/dev/stdout", "-"] {
        let printed = directory.succeeds(&format!("{ENCRYPT} {device}"), "");
        assert!(printed.starts_with("---\n"), "{device}");
    }
}

#[test]
fn standard_output_that_is_a_file_is_written_behind_what_it_holds() {
    let directory = Directory::new();
    directory.put("log", "before\n");
    let log = fs::OpenOptions::new()
        .append(true)
        .open(directory.path("log"));
    let mut seal = std::process::Command::new(env!("CARGO_BIN_EXE_seal"));
    seal.args(format!("{ENCRYPT} /dev/stdout").split_whitespace())
        .current_dir(directory.path("."))
        .env_clear()
        .stdout(log.unwrap());
    assert!(seal.status().unwrap().success());
    let log = directory.read("log");
    assert!(log.starts_with("before\n---\n"), "{log}");
}
