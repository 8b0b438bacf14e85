//! Symbolic links from one cluster's directory into another's: what is written is the other's file, and
//! its rule of `.seal.yaml` holds.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
};

use crate::{
    directory::{Directory, SECRET},
    sealed::{key_id, text_at, value},
    vectors,
};

const HINT: [&str; 3] = ["metadata", "annotations", "seal.alt/keys"];

/// `apps/prod` is sealed for the key of `cert.pem`, which is pinned, `apps/dev` for another one; the files
/// of `apps/dev` are links into `apps/prod`.
fn furnished() -> Directory {
    let directory = Directory::new();
    let other = &vectors::envelope()["keys"][1];
    directory.put("dev.pem", other["cert_pem"].as_str().unwrap());
    directory.put("dev.key", other["pkcs1_pem"].as_str().unwrap());
    let config = format!(
        "clusters:\n  prod: {{certificate: cert.pem, pins: ['{}']}}\n  dev: {{certificate: dev.pem}}\n\
         rules:\n  - {{path: apps/prod, clusters: [prod]}}\n  - {{path: apps/dev, clusters: [dev]}}\n",
        key_id()
    );
    directory.put(".seal.yaml", config);
    for folder in ["apps/prod", "apps/dev"] {
        fs::create_dir_all(directory.path(folder)).unwrap();
    }
    for file in ["a.yaml", "secret.yaml", "new.yaml"] {
        symlink(
            format!("../prod/{file}"),
            directory.path(&format!("apps/dev/{file}")),
        )
        .unwrap();
    }
    directory.put("apps/prod/secret.yaml", SECRET);
    directory.succeeds("encrypt secret.yaml -w apps/prod/a.yaml", "");
    directory
}

#[test]
fn a_value_that_is_set_or_edited_through_a_link_is_for_the_cluster_of_the_file_itself() {
    let directory = furnished();
    directory.succeeds("set apps/dev/a.yaml user", "new");
    directory.put(
        "editor",
        "#!/bin/sh\nsed -i 's/^password:.*/password: changed/' \"$1\"\n",
    );
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(directory.path("editor"), executable).unwrap();
    let before = value(&directory, "apps/prod/a.yaml", 0, "password");
    let edit = directory
        .seal("edit apps/dev/a.yaml --allow-disk")
        .env("EDITOR", directory.path("editor"))
        .env("PATH", std::env::var_os("PATH").unwrap());
    edit.assert().success();
    assert_ne!(value(&directory, "apps/prod/a.yaml", 0, "password"), before);
    assert_eq!(text_at(&directory, "apps/prod/a.yaml", 0, &HINT), key_id());
    directory.succeeds("check --strict apps/dev/a.yaml", "");
}

#[test]
fn a_file_that_is_sealed_through_a_link_is_for_the_cluster_of_the_file_itself() {
    let directory = furnished();
    directory.succeeds("encrypt --in-place --yes apps/dev/secret.yaml", "");
    directory.succeeds("encrypt secret.yaml -w apps/dev/new.yaml", "");
    for file in ["apps/prod/secret.yaml", "apps/prod/new.yaml"] {
        assert_eq!(text_at(&directory, file, 0, &HINT), key_id(), "{file}");
    }
}

#[test]
fn a_link_does_not_rotate_a_file_to_the_key_of_another_cluster() {
    let directory = furnished();
    let before = directory.read("apps/prod/a.yaml");
    directory.succeeds("rotate -i key.pem -i dev.key apps/dev/a.yaml", "");
    assert_eq!(directory.read("apps/prod/a.yaml"), before);
}

#[test]
fn the_pins_of_the_file_itself_hold_for_a_link() {
    let directory = furnished();
    let before = directory.read("apps/prod/a.yaml");
    let set = "set --cert dev.pem apps/dev/a.yaml user";
    let done = directory.seal(set).stdin("new").assert().code(2);
    let told = String::from_utf8(done.get_output().stderr.clone()).unwrap();
    assert!(told.contains("pins for the cluster prod"), "{told}");
    assert_eq!(directory.read("apps/prod/a.yaml"), before);
}
