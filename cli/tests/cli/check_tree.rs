//! Which files of a directory are checked: all that may be committed.

use std::{fs, os::unix::fs::symlink};

use snapbox::str;

use crate::{
    diff::{git, seal},
    directory::Directory,
};

const PLAINTEXT: &str = "kind: Secret\napiVersion: v1\nstringData: {a: b}\n";

/// A directory of plaintext Secrets, `secret.yaml` aside.
fn tree(files: &[&str]) -> Directory {
    let directory = Directory::new();
    fs::remove_file(directory.path("secret.yaml")).unwrap();
    for file in files {
        fs::create_dir_all(directory.path(file).parent().unwrap()).unwrap();
        directory.put(file, PLAINTEXT);
    }
    directory
}

#[test]
fn plaintext_in_hidden_directories_and_files_is_found() {
    let files = [".k8s/s.yaml", "apps/.s.yml", ".git/s.yaml", "ignored.yaml"];
    let directory = tree(&files);
    directory.put(".gitignore", "ignored.yaml\n");
    let found = str![[r#"
.k8s/s.yaml:1:1: error: a Secret in plaintext; seal it with: seal encrypt [plaintext-secret]
apps/.s.yml:1:1: error: a Secret in plaintext; seal it with: seal encrypt [plaintext-secret]

"#]];
    let check = |arguments: &str| directory.seal(arguments).assert().code(1);
    check("check").stdout_eq(found.clone());
    check("check ./").stdout_eq(found);
    check("check .k8s").stdout_eq(str![[r#"
.k8s/s.yaml:1:1: error: a Secret in plaintext; seal it with: seal encrypt [plaintext-secret]

"#]]);
}

#[test]
fn plaintext_that_is_tracked_although_ignored_is_found() {
    let files = ["apps/forced.yaml", "apps/not.yaml", "gone.yaml", "z.yaml"];
    let directory = tree(&files);
    symlink("apps/not.yaml", directory.path("link.yaml")).unwrap();
    git(&directory, "init -q -b main .");
    git(
        &directory,
        "add apps/forced.yaml gone.yaml link.yaml z.yaml",
    );
    directory.put(".gitignore", "*.yaml\n");
    fs::remove_file(directory.path("gone.yaml")).unwrap();
    let all = str![[r#"
apps/forced.yaml:1:1: error: a Secret in plaintext; seal it with: seal encrypt [plaintext-secret]
z.yaml:1:1: error: a Secret in plaintext; seal it with: seal encrypt [plaintext-secret]

"#]];
    let check = |arguments: &str| seal(&directory, arguments).assert().code(1);
    check("check").stdout_eq(all.clone());
    check("check ./").stdout_eq(all.clone());
    // As in a hook that Git has started.
    let hook = seal(&directory, "check").env("GIT_DIR", "nowhere").assert();
    hook.code(1).stdout_eq(all);
    check("check apps").stdout_eq(str![[r#"
apps/forced.yaml:1:1: error: a Secret in plaintext; seal it with: seal encrypt [plaintext-secret]

"#]]);
    // Commands that write pass over it.
    seal(&directory, "rotate --cert cert.pem --dry-run apps")
        .assert()
        .code(2);
}

#[test]
fn a_repository_that_git_cannot_read_is_told_of_and_checked_all_the_same() {
    let directory = tree(&["a.yaml"]);
    fs::create_dir(directory.path(".git")).unwrap();
    let done = seal(&directory, "check").assert().code(1);
    done.stdout_eq(str![[r#"
a.yaml:1:1: error: a Secret in plaintext; seal it with: seal encrypt [plaintext-secret]

"#]])
        .stderr_eq(str![[r#"
.: not looked for ignored files that are tracked: git ls-files: not a git repository (or any of the parent directories): .git
0 SealedSecrets in 1 files: 1 errors, 0 warnings

"#]]);
}
