//! One run, in folders of its own with exactly the recorded environment.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    os::unix::fs::{PermissionsExt, symlink},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{server::Server, transcripts::Transcript};

/// Longer than any run takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came of it, with the placeholders of the transcripts put back in.
pub(crate) struct Observed {
    /// `None` when it had to be killed.
    pub(crate) exit: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Every file of the working directory, links not followed.
    pub(crate) files: BTreeMap<String, Found>,
    /// What the working directory held before.
    pub(crate) before: BTreeMap<String, Found>,
    /// What was left where temporary files go.
    pub(crate) leftovers: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Found {
    File { mode: u32, content: Vec<u8> },
    Link(String),
    Directory,
}

pub(crate) fn run(case: &Transcript, places: &[(&'static str, String)]) -> Observed {
    let (directory, home, temporary) = (folder(), folder(), folder());
    let server = Server::start(case.http.clone());
    let placeholders = [
        ("$DIR", text(directory.path())),
        ("$HOME", text(home.path())),
        ("$HTTP", server.url()),
    ];
    let placeholders: Vec<_> = placeholders
        .into_iter()
        .chain(places.iter().cloned())
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let filled = |text: &str| {
        let fill = |text: String, (name, value): &(&str, String)| text.replace(name, value);
        placeholders.iter().fold(text.to_owned(), fill)
    };
    furnish(case, directory.path(), home.path(), &filled);
    let before = files(directory.path());
    let mut command = Command::new(env!("CARGO_BIN_EXE_seal"));
    command
        .arg0("kubeseal")
        .args(case.args.iter().map(|argument| filled(argument)))
        .current_dir(directory.path())
        .env_clear()
        .env("HOME", home.path())
        .env("TMPDIR", temporary.path())
        .env("PATH", std::env::var_os("PATH").unwrap())
        .envs(case.env.iter().map(|(name, value)| (name, filled(value))));
    let stdin = match (&case.stdin, &case.stdin_b64) {
        (_, Some(bytes)) => seal_sealing::decode(bytes).unwrap().to_vec(),
        (text, None) => filled(text.as_deref().unwrap_or_default()).into_bytes(),
    };
    let (exit, stdout, stderr) = finish(&mut command, &stdin);
    let emptied = |bytes: Vec<u8>| {
        let text = String::from_utf8(bytes).unwrap();
        let empty = |text: String, (name, value): &(&str, String)| text.replace(value, name);
        placeholders.iter().fold(text, empty)
    };
    Observed {
        exit,
        stdout: emptied(stdout),
        stderr: emptied(stderr),
        files: files(directory.path()),
        before,
        leftovers: files(temporary.path()).into_keys().collect(),
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn furnish(case: &Transcript, directory: &Path, home: &Path, filled: &impl Fn(&str) -> String) {
    for name in &case.dirs {
        fs::create_dir_all(directory.join(name)).unwrap();
    }
    let put = |path: PathBuf, bytes: &[u8]| {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    };
    for (name, content) in &case.files {
        put(directory.join(name), filled(content).as_bytes());
    }
    for (name, content) in &case.files_b64 {
        let bytes = seal_sealing::decode(content).unwrap();
        put(directory.join(name), &bytes);
    }
    for (name, content) in &case.home_files {
        put(home.join(name), filled(content).as_bytes());
    }
    for (name, target) in &case.links {
        symlink(target, directory.join(name)).unwrap();
    }
    for (name, mode) in &case.modes {
        let mode = u32::from_str_radix(mode, 8).unwrap();
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(directory.join(name), permissions).unwrap();
    }
}

fn finish(command: &mut Command, stdin: &[u8]) -> (Option<i32>, Vec<u8>, Vec<u8>) {
    let pipe = Stdio::piped;
    let mut child = command
        .stdin(pipe())
        .stdout(pipe())
        .stderr(pipe())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let read = |mut from: Box<dyn std::io::Read + Send>| {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            from.read_to_end(&mut bytes).unwrap();
            bytes
        })
    };
    let stdout = read(Box::new(child.stdout.take().unwrap()));
    let stderr = read(Box::new(child.stderr.take().unwrap()));
    // A program that does not read its input closes the pipe.
    let _ = input.write_all(stdin);
    drop(input);
    let begun = Instant::now();
    let exit = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status.code();
        }
        if begun.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            break None;
        }
        thread::sleep(Duration::from_millis(1));
    };
    (exit, stdout.join().unwrap(), stderr.join().unwrap())
}

fn files(directory: &Path) -> BTreeMap<String, Found> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        let what = if kind.is_symlink() {
            Found::Link(text(&fs::read_link(entry.path()).unwrap()))
        } else if kind.is_dir() {
            Found::Directory
        } else {
            Found::File {
                mode: entry.metadata().unwrap().permissions().mode() & 0o7777,
                content: fs::read(entry.path()).unwrap(),
            }
        };
        found.insert(entry.file_name().into_string().unwrap(), what);
    }
    found
}
