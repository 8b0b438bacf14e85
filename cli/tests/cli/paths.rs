use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use seal_cli::{
    input::Source,
    paths::{Input, expand},
};
use tempfile::TempDir;

/// A tree with files of these names, which hold their own names.
fn tree(files: &[&str]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for file in files {
        let path = directory.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
    }
    directory
}

/// What the arguments, given below the directory, stand for, each as `path (relative)`, or what is
/// wrong with them.
fn expanded(directory: &Path, arguments: &[&str]) -> Vec<String> {
    let below = |argument: &&str| match *argument {
        "-" => Source::Stdin,
        path => Source::File(directory.join(path)),
    };
    let arguments: Vec<_> = arguments.iter().map(below).collect();
    let told: Vec<_> = match expand(&arguments) {
        Ok(inputs) => inputs
            .iter()
            .map(
                |Input {
                     source, relative, ..
                 }| format!("{source} ({})", relative.display()),
            )
            .collect(),
        Err(errors) => errors.to_string().lines().map(str::to_owned).collect(),
    };
    let directory = format!("{}/", directory.display());
    told.iter().map(|it| it.replace(&directory, "")).collect()
}

#[test]
fn a_directory_stands_for_its_manifests_sorted_by_path() {
    let tree = tree(&[
        "apps/b/two.yml",
        "apps/a.yaml",
        "apps/b/one.JSON",
        "apps/README.md",
        "apps/b/.hidden.yaml",
        "apps/.git/config.yaml",
    ]);
    let found = [
        "apps/a.yaml (a.yaml)",
        "apps/b/one.JSON (b/one.JSON)",
        "apps/b/two.yml (b/two.yml)",
    ];
    assert_eq!(expanded(tree.path(), &["apps"]), found);
    assert_eq!(expanded(tree.path(), &["apps/"]), found);
}

#[test]
fn what_git_ignores_is_passed_over_unless_named() {
    let tree = tree(&[
        "a.yaml",
        "plain/b.yaml",
        "c.secret.yaml",
        "deep/d.yaml",
        "deep/e.yaml",
    ]);
    fs::write(tree.path().join(".gitignore"), "/plain/\n*.secret.yaml\n").unwrap();
    fs::write(tree.path().join("deep/.gitignore"), "e.yaml\n").unwrap();
    assert_eq!(
        expanded(tree.path(), &[""]),
        ["a.yaml (a.yaml)", "deep/d.yaml (deep/d.yaml)"]
    );
    assert_eq!(
        expanded(tree.path(), &["c.secret.yaml", "deep/e.yaml"]),
        ["c.secret.yaml (c.secret.yaml)", "deep/e.yaml (e.yaml)"]
    );
    assert_eq!(
        expanded(tree.path(), &["plain/*", "*.secret.yaml"]),
        ["plain/b.yaml (b.yaml)", "c.secret.yaml (c.secret.yaml)"]
    );
}

#[test]
fn patterns_reach_as_far_as_the_shell_s_would() {
    let tree = tree(&[
        "x/a.yaml",
        "x/y/b.yaml",
        "x/y/z/c.yaml",
        "x/notes.txt",
        "x/.z/d.yaml",
    ]);
    for (pattern, found) in [
        ("x/*.yaml", vec!["x/a.yaml (a.yaml)"]),
        ("x/*/*", vec!["x/y/b.yaml (y/b.yaml)"]),
        (
            "x/**/{b,c}.yaml",
            vec!["x/y/b.yaml (y/b.yaml)", "x/y/z/c.yaml (y/z/c.yaml)"],
        ),
        ("**/b.yaml", vec!["x/y/b.yaml (x/y/b.yaml)"]),
        ("x/.z/*", vec!["x/.z/d.yaml (d.yaml)"]),
        ("x/[ab].yaml", vec!["x/a.yaml (a.yaml)"]),
    ] {
        assert_eq!(expanded(tree.path(), &[pattern]), found, "{pattern}");
    }
}

#[test]
fn a_file_that_is_called_like_a_pattern_is_that_file() {
    let tree = tree(&["[a].yaml", "a.yaml"]);
    assert_eq!(
        expanded(tree.path(), &["[a].yaml"]),
        ["[a].yaml ([a].yaml)"]
    );
}

#[test]
fn arguments_keep_their_order_and_no_file_comes_twice() {
    let tree = tree(&["b/1.yaml", "a.txt"]);
    symlink("b/1.yaml", tree.path().join("link.yaml")).unwrap();
    assert_eq!(
        expanded(
            tree.path(),
            &["b/1.yaml", "-", "a.txt", "b", "b/../b/1.yaml", "link.yaml"]
        ),
        ["b/1.yaml (1.yaml)", "<stdin> (stdin.yaml)", "a.txt (a.txt)"]
    );
    assert_eq!(expanded(tree.path(), &[]), ["<stdin> (stdin.yaml)"]);
}

#[test]
fn symbolic_links_in_directories_are_not_followed() {
    let tree = tree(&["in/a.yaml", "out/b.yaml"]);
    symlink("../out", tree.path().join("in/linked")).unwrap();
    symlink("../out/b.yaml", tree.path().join("in/b.yaml")).unwrap();
    assert_eq!(expanded(tree.path(), &["in"]), ["in/a.yaml (a.yaml)"]);
}

#[test]
fn everything_that_leads_nowhere_is_told_at_once() {
    let tree = tree(&["empty/README.md", "a.yaml"]);
    assert_eq!(
        expanded(
            tree.path(),
            &["nofile.yaml", "a.yaml", "empty", "no/*.yaml", "a[.yaml"]
        ),
        [
            "cannot read nofile.yaml: No such file or directory",
            "empty: no file there ends in .yaml, .yml or .json",
            "no/*.yaml: no file there ends in .yaml, .yml or .json",
            "the pattern \"a[.yaml\" is malformed: unclosed character class; missing ']'",
        ]
    );
    assert_eq!(
        expanded(tree.path(), &["-", "-"]),
        ["standard input (-) can be read only once"]
    );
}

#[test]
fn an_unreadable_directory_is_told() {
    let tree = tree(&["a/b.yaml", "a/closed/c.yaml"]);
    let closed = tree.path().join("a/closed");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    // For root nothing is closed.
    let is_closed = fs::read_dir(&closed).is_err();
    let found = expanded(tree.path(), &["a"]);
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).unwrap();
    if is_closed {
        assert_eq!(found, ["cannot read a/closed: Permission denied"]);
    }
}
