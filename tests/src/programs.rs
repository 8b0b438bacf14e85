//! The Go programs pinned in `tests/go`, built by `scripts/go-programs`.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
};

use serde_json::Value;

/// The repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("this crate lies in the repository")
}

/// A file of a module of `tests/go`: a program, or what lies beside it.
///
/// # Errors
///
/// What is missing, when the programs cannot be built here.
pub fn program(module: &str, name: &str) -> Result<PathBuf, String> {
    let path = home(module)?.join(name);
    path.exists()
        .then_some(path)
        .ok_or_else(|| format!("the Go module {module} has no {name}"))
}

/// The custom resource definitions that lie beside a program.
pub(crate) fn crds(program: &Path) -> Vec<Value> {
    let mut crds = Vec::new();
    for file in fs::read_dir(program.with_file_name("crds")).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        crds.push(serde_yaml::from_str(&text).unwrap());
    }
    crds
}

/// A command of `kubectl`; says nothing of the cluster yet.
pub fn kubectl() -> Command {
    Command::new(program("kubernetes", "kubectl").unwrap_or_else(|why| panic!("{why}")))
}

/// One of our programs, as built with these tests.
pub(crate) fn beside_the_tests(name: &str) -> PathBuf {
    // target/PROFILE/deps/suites-HASH
    let test = env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join(name);
    assert!(
        path.exists(),
        "{} is not built: cargo build --workspace",
        path.display()
    );
    path
}

/// Where the programs of a module lie; built when they are wanted first.
fn home(module: &str) -> Result<PathBuf, String> {
    type Homes = BTreeMap<String, Result<PathBuf, String>>;
    static HOMES: Mutex<Homes> = Mutex::new(Homes::new());
    let mut homes = HOMES.lock().unwrap_or_else(PoisonError::into_inner);
    let known = homes.entry(module.to_owned());
    known.or_insert_with(|| built(module)).clone()
}

fn built(module: &str) -> Result<PathBuf, String> {
    // Its progress goes past the test's captured output: a first build takes minutes.
    let output = Command::new(root().join("scripts/go-programs"))
        .arg(module)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("scripts/go-programs: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "scripts/go-programs {module} failed; its message stands above"
        ));
    }
    let home = String::from_utf8_lossy(&output.stdout);
    Ok(PathBuf::from(home.trim_end()))
}
