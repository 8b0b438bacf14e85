//! `.pre-commit-hooks.yaml` under the real pre-commit, as a team has it in its repository.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "what fails here fails its test"
)]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use seal_tests::{Outcome, Workdir, seal};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: team-a}\nstringData: {password: hunter2}\n";

#[test]
fn a_commit_with_a_plaintext_secret_is_stopped_and_one_without_is_made() {
    let Some(team) = Team::with_seal(true) else {
        return;
    };
    team.desk.write(
        "apps/settings.yaml",
        "kind: ConfigMap\ndata: {on: \"yes\"}\n",
    );
    team.git(&["add", "."]).expect_success();
    team.git(&["commit", "--message", "Settings"])
        .expect_success();

    team.desk.write("apps/db.yaml", SECRET);
    team.git(&["add", "."]).expect_success();
    // What is staged counts, whatever stands in the work tree by now.
    team.desk.write("apps/db.yaml", "kind: ConfigMap\n");
    let refused = team.git(&["commit", "--message", "Database"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    let told = refused.stdout + &refused.stderr;
    let finding = "apps/db.yaml:1:1: error: a Secret in plaintext; seal it with: seal encrypt [plaintext-secret]";
    assert!(told.contains(finding), "{told}");
    assert!(
        told.contains("seal check") && !told.contains("hunter2"),
        "{told}"
    );

    team.git(&["add", "."]).expect_success();
    team.git(&["commit", "--message", "Nothing secret"])
        .expect_success();
    let log = team.git(&["log", "--format=%s"]).expect_success();
    assert_eq!(log, "Nothing secret\nSettings\n");
}

#[test]
fn whoever_has_no_seal_is_told_and_commits_nothing() {
    let Some(team) = Team::with_seal(false) else {
        return;
    };
    team.desk.write("apps/db.yaml", SECRET);
    team.git(&["add", "."]).expect_success();
    let refused = team.git(&["commit", "--message", "Database"]);
    let told = refused.stdout + &refused.stderr;
    assert_eq!(refused.code, Some(1), "{told}");
    assert!(told.contains("Executable `seal` not found"), "{told}");
}

/// A repository whose `.pre-commit-config.yaml` names the hook of another one, which is ours at a tag.
struct Team {
    desk: Workdir,
    path: String,
}

impl Team {
    /// `None`, told loudly, where pre-commit cannot be had.
    fn with_seal(is_there: bool) -> Option<Self> {
        let pre_commit = pre_commit()?;
        let desk = Workdir::new();
        let mut path = vec![pre_commit.parent().unwrap().to_owned()];
        if is_there {
            let programs = desk.path().join("programs");
            fs::create_dir(&programs).unwrap();
            std::os::unix::fs::symlink(seal(), programs.join("seal")).unwrap();
            path.push(programs);
        }
        // Nobody's seal but this one.
        let others = env::var_os("PATH").unwrap_or_default();
        path.extend(env::split_paths(&others).filter(|it| !it.join("seal").exists()));
        let path = env::join_paths(path).unwrap().into_string().unwrap();
        let team = Self { desk, path };
        team.git(&["init", "--quiet", "--initial-branch=main", "hooks"])
            .expect_success();
        let hooks = fs::read(Path::new(ROOT).join(".pre-commit-hooks.yaml")).unwrap();
        team.desk.write("hooks/.pre-commit-hooks.yaml", hooks);
        for args in [
            &["add", "."][..],
            &["commit", "--quiet", "--message", "Hooks"],
            &["tag", "v1"],
        ] {
            team.git(&[&["-C", "hooks"], args].concat())
                .expect_success();
        }
        team.git(&["init", "--quiet", "--initial-branch=main", "."])
            .expect_success();
        team.desk.write(".gitignore", "*\n!apps/\n!apps/*\n");
        let hooks = team.desk.path().join("hooks").display().to_string();
        team.desk.write(
            ".pre-commit-config.yaml",
            format!("repos:\n- repo: {hooks}\n  rev: v1\n  hooks:\n  - id: seal-check\n"),
        );
        team.run("pre-commit", &["install"]).expect_success();
        Some(team)
    }

    fn git(&self, args: &[&str]) -> Outcome {
        let who = ["-c", "user.name=Anna", "-c", "user.email=anna@example.com"];
        self.run("git", &[&who[..], args].concat())
    }

    fn run(&self, program: &str, args: &[&str]) -> Outcome {
        let mut command = Command::new("env");
        command
            .arg(format!("PATH={}", self.path))
            .arg(program)
            .args(args)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("PRE_COMMIT_HOME", self.desk.path().join("cache"));
        self.desk.run(&mut command, "")
    }
}

fn pre_commit() -> Option<PathBuf> {
    let installed = Command::new(Path::new(ROOT).join("scripts/pre-commit"))
        .output()
        .unwrap();
    if installed.status.success() {
        let path = String::from_utf8(installed.stdout).unwrap();
        return Some(path.trim_end().into());
    }
    let why = String::from_utf8_lossy(&installed.stderr).into_owned();
    assert!(env::var("CI").as_deref() != Ok("true"), "{why}");
    eprintln!("SKIPPED: no pre-commit: {why}");
    None
}
