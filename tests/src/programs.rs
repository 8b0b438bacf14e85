//! The Go programs pinned in `tests/go`, built by `scripts/go-programs`.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

/// The repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("this crate lies in the repository")
}

/// A file of the module `kubernetes`, `etcd` or `sealed-secrets`: a program, or what lies beside it.
///
/// # Errors
///
/// What is missing, when the programs cannot be built here.
pub fn program(module: &str, name: &str) -> Result<PathBuf, String> {
    static HOMES: OnceLock<Result<Vec<PathBuf>, String>> = OnceLock::new();
    HOMES
        .get_or_init(homes)
        .as_ref()
        .map_err(Clone::clone)?
        .iter()
        .filter(|home| {
            let is = home.file_name().unwrap_or_default().to_string_lossy();
            is.rsplit_once('-').is_some_and(|(stem, _)| stem == module)
        })
        .map(|home| home.join(name))
        .find(|path| path.exists())
        .ok_or_else(|| format!("the Go module {module} has no {name}"))
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

fn homes() -> Result<Vec<PathBuf>, String> {
    // Its progress goes past the test's captured output: a first build takes minutes.
    let output = Command::new(root().join("scripts/go-programs"))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("scripts/go-programs: {error}"))?;
    if !output.status.success() {
        return Err("scripts/go-programs failed; its message stands above".to_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(PathBuf::from)
        .collect())
}
