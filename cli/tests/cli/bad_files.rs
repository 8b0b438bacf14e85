//! Files that cannot be read or written.

use std::{fs, os::unix::fs::PermissionsExt};

use snapbox::str;

use crate::directory::Directory;

const ENCRYPT: &str = "encrypt --cert cert.pem secret.yaml -w";

#[test]
fn missing_files_and_directories_are_told_as_such() {
    let directory = Directory::new();
    directory.fails(
        "encrypt --cert cert.pem nofile.yaml kubeconfig",
        "",
        str![[r#"
error: cannot read nofile.yaml: No such file or directory
error: kubeconfig: no file there ends in .yaml, .yml or .json
  hint: what .gitignore excludes is passed over, and by all but seal check what is hidden; name such files one by one

"#]],
    );
}

#[test]
fn an_output_in_no_directory_is_not_written() {
    Directory::new().fails(
        &format!("{ENCRYPT} nodir/sealed.yaml"),
        "",
        str![[r#"
error: cannot write nodir/sealed.yaml: No such file or directory; it was left as it was

"#]],
    );
}

#[test]
fn a_read_only_output_stays_as_it_was() {
    let directory = Directory::new();
    directory.put("sealed.yaml", "as it was\n");
    let read_only = fs::Permissions::from_mode(0o444);
    fs::set_permissions(directory.path("sealed.yaml"), read_only).unwrap();
    directory.fails(
        &format!("{ENCRYPT} sealed.yaml"),
        "",
        str![[r#"
error: cannot write sealed.yaml: the file is read-only; it was left as it was

"#]],
    );
}

#[test]
fn an_output_that_is_full_is_told() {
    let directory = Directory::new();
    directory.fails(
        &format!("{ENCRYPT} /dev/full"),
        "",
        str![[r#"
error: cannot write /dev/full: No space left on device; it was left as it was

"#]],
    );
}
