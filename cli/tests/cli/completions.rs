use std::{
    io::{self, Write},
    os::unix::fs::symlink,
    process::Command as Process,
};

use snapbox::cmd::Command;

use crate::{directory::Directory, sealed::TWO, terminal::Terminal};

/// What bash offers when somebody types this line and presses Tab, sorted.
fn offered(directory: &Directory, line: &str) -> Vec<String> {
    // What readline does: the words, the one at the cursor, and the function registered for the first.
    let script = r#"
        source <(seal completions bash) || exit
        [[ $(complete -p seal) == *' -F '* ]] || exit
        read -r -a COMP_WORDS <<<"$1"
        [[ $1 != *' ' ]] || COMP_WORDS+=('')
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE=$1 COMP_POINT=${#1} COMP_TYPE=9
        "$(complete -p seal | sed 's/.* -F \([^ ]*\) .*/\1/')" seal "${COMP_WORDS[COMP_CWORD]}" x
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let output = Process::new("bash")
        .args(["--norc", "--noprofile", "-c", script, "bash", line])
        .current_dir(directory.path(""))
        .env_clear()
        .env("PATH", path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let mut words: Vec<_> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| line.trim().to_owned())
        .collect();
    words.sort();
    words
}

#[test]
fn bash_offers_commands_options_and_their_values() {
    let directory = Directory::new();
    assert_eq!(offered(&directory, "seal enc"), ["encrypt"]);
    assert_eq!(offered(&directory, "seal keys fe"), ["fetch"]);
    assert_eq!(offered(&directory, "seal encrypt --sc"), ["--scope"]);
    assert_eq!(
        offered(&directory, "seal encrypt --scope "),
        ["cluster-wide", "namespace-wide", "strict"]
    );
}

#[test]
fn bash_offers_files() {
    let directory = Directory::new();
    assert_eq!(offered(&directory, "seal encrypt sec"), ["secret.yaml"]);
    assert_eq!(offered(&directory, "seal encrypt --cert ce"), ["cert.pem"]);
    assert_eq!(offered(&directory, "seal encrypt -w kube"), ["kubeconfig/"]);
}

#[test]
fn bash_offers_the_keys_of_the_file_that_is_edited() {
    let directory = Directory::new();
    directory.put("sealed.yaml", TWO);
    for command in ["seal set", "seal set --cert cert.pem", "seal unset"] {
        let typed = |word: &str| {
            let mut words = offered(&directory, &format!("{command} sealed.yaml {word}"));
            words.retain(|word| !word.starts_with('-'));
            words
        };
        assert_eq!(typed(""), ["password", "token", "user"], "{command}");
        assert_eq!(typed("pa"), ["password"], "{command}");
    }
    assert_eq!(
        offered(&directory, "seal unset sealed.yaml user t"),
        ["token"]
    );
    // What cannot be read has no keys, and nobody is told while typing.
    directory.put("sealed.yaml", "kind: [");
    assert_eq!(offered(&directory, "seal set sealed.yaml pa"), [""]);
}

/// `PATH` with our program before all others.
fn path() -> String {
    let program = snapbox::cmd::cargo_bin!("seal");
    let ours = program.parent().unwrap().display();
    format!("{ours}:{}", std::env::var("PATH").unwrap())
}

/// Tells, past the captured output, what could not be tried.
fn skipped(lacking: &str) {
    let _ = writeln!(io::stderr(), "SKIPPED: there is no {lacking}");
}

/// Whether a shell is here; if not, that is told.
fn has(shell: &str) -> bool {
    let found = Process::new(shell).arg("--version").output().is_ok();
    if !found {
        skipped(shell);
    }
    found
}

/// What is typed, and what stands there after Tab.
const COMPLETED: [(&str, &str); 5] = [
    ("seal enc", "encrypt"),
    ("seal encrypt --cert ce", "cert.pem"),
    ("seal encrypt sec", "secret.yaml"),
    ("seal set sealed.yaml pa", "password"),
    ("seal unset sealed.yaml user t", "token"),
];

#[test]
fn fish_offers_commands_files_and_keys() {
    if !has("fish") {
        return;
    }
    let directory = Directory::new();
    directory.put("sealed.yaml", TWO);
    for (line, expected) in COMPLETED {
        let script = "seal completions fish | source; complete -C $argv[1]";
        let output = Process::new("fish")
            .args(["--no-config", "-c", script, line])
            .current_dir(directory.path(""))
            .env_clear()
            .env("PATH", path())
            .env("HOME", directory.path("nobody"))
            .output()
            .unwrap();
        let offered = String::from_utf8(output.stdout).unwrap();
        let words: Vec<_> = offered.lines().map(|it| it.split('\t').next()).collect();
        assert_eq!(words, [Some(expected)], "{line}");
    }
}

#[test]
fn zsh_completes_commands_files_and_keys() {
    if !has("zsh") {
        return;
    }
    let directory = Directory::new();
    directory.put("sealed.yaml", TWO);
    let path = path();
    let env = [
        ("PATH", path.as_str()),
        ("TERM", "xterm"),
        ("PS1", "ready> "),
    ];
    for (line, expected) in COMPLETED {
        let mut terminal = Terminal::start(&directory, &["zsh", "-f", "-i"], &env);
        terminal.shows("ready> ");
        terminal.types(
            "autoload -Uz compinit; compinit -u -D; source <(seal completions zsh); print do''ne\n",
        );
        terminal.shows("done");
        let (before, word) = line.rsplit_once(' ').unwrap();
        terminal.types(&format!("{line}\t"));
        terminal.shows(&format!("{before} {expected}"));
        assert!(expected.starts_with(word));
        terminal.types("\u{15}exit\n");
        terminal.ends();
    }
}

#[test]
fn there_is_a_script_for_every_shell() {
    let directory = Directory::new();
    for (shell, word) in [
        ("bash", "complete -o"),
        ("zsh", "#compdef seal"),
        ("fish", "complete --keep-order"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let script = directory.succeeds(&format!("completions {shell}"), "");
        assert!(script.contains(word), "{shell}: {script}");
    }
}

/// The program under another name.
fn called(directory: &Directory, name: &str) -> Command {
    let link = directory.path(name);
    if !link.exists() {
        symlink(snapbox::cmd::cargo_bin!("seal"), &link).unwrap();
    }
    Command::new(link)
        .current_dir(directory.path(""))
        .env_clear()
}

#[test]
fn kubectl_is_told_candidates_and_to_offer_nothing_else() {
    let directory = Directory::new();
    let told = |words: &[&str]| {
        let done = called(&directory, "kubectl_complete-seal")
            .args(words)
            .assert()
            .success();
        String::from_utf8(done.get_output().stdout.clone()).unwrap()
    };
    assert_eq!(
        told(&["enc"]),
        "encrypt\tSeals Secrets: manifests in, SealedSecrets out\n:4\n"
    );
    assert_eq!(told(&["encrypt", "--cert", "cert"]), "cert.pem\n:4\n");
}

#[test]
fn kubectl_seal_is_what_its_help_calls_the_program() {
    let directory = Directory::new();
    let done = called(&directory, "kubectl-seal")
        .arg("--help")
        .assert()
        .success();
    let help = String::from_utf8(done.get_output().stdout.clone()).unwrap();
    assert!(help.contains("Usage: kubectl seal <COMMAND>\n"), "{help}");
    assert!(help.contains("\n    kubectl seal encrypt --cert"), "{help}");
    assert!(help.contains("| kubectl seal encrypt"), "{help}");
    let done = called(&directory, "kubectl-seal")
        .args(["keys", "fetch", "--help"])
        .assert();
    let help = String::from_utf8(done.get_output().stdout.clone()).unwrap();
    assert!(help.contains("Usage: kubectl seal keys fetch"), "{help}");
    assert!(
        help.contains("\n  kubectl seal keys fetch -w cert.pem\n"),
        "{help}"
    );
}

#[test]
fn kubectl_itself_finds_the_plugin() {
    let directory = Directory::new();
    called(&directory, "kubectl-seal");
    let path = format!(
        "{}:{}",
        directory.path("").display(),
        std::env::var("PATH").unwrap()
    );
    let output = Process::new("kubectl")
        .args(["seal", "--version"])
        .current_dir(directory.path(""))
        .env_clear()
        .env("PATH", path)
        .output();
    // Not everybody has kubectl; the other tests call the plugin as kubectl does.
    let Ok(output) = output else {
        skipped("kubectl");
        return;
    };
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        concat!("seal version: v", env!("CARGO_PKG_VERSION"), "\n")
    );
}
