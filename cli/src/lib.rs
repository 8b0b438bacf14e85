//! The program `seal`: Kubernetes Secrets into SealedSecrets, offline and from Git.
//!
//! Arguments come in, files are read, the pure crates beside this one do the work, and one result
//! is written. The modules are the borders of that: [`paths`], [`input`] and [`output`] for files and
//! standard streams, [`config`] for what a repository says of itself, [`recipients`] for whom things
//! are sealed for, [`certificate`], [`age_keys`], [`identities`] and [`cluster`] for where keys come from, [`naming`] for what objects are called, [`room`] for how large they may be,
//! [`plain`] for Secrets that are shown, [`editing`] for sealed files that change in place,
//! [`undo`] for what must not outlive the program, [`git`] for what Git knows, [`prompt`], [`confirm`], [`progress`],
//! [`help`] and [`completion`] for people at a terminal, [`error`] for what can go wrong and the
//! exit status that it gives. Each command has a file of its own under [`commands`].
//!
//! Two rules hold for all commands. Nothing is printed or written before everything has succeeded.
//! And no kubeconfig is looked at unless the command needs the cluster.

pub mod age_keys;
pub mod backup;
pub mod cache;
pub mod certificate;
pub mod cluster;
pub mod commands;
pub mod completion;
pub mod config;
pub mod confirm;
pub mod download;
pub mod editing;
pub mod error;
pub mod git;
pub mod help;
pub mod identities;
pub mod input;
pub mod kubeseal;
pub mod naming;
pub mod output;
pub mod parallel;
pub mod paths;
pub mod plain;
pub mod progress;
pub mod prompt;
pub mod recipients;
pub mod report;
pub mod room;
pub mod undo;

use std::{ffi::OsString, path::Path, process::ExitCode};

use clap::{CommandFactory, FromArgMatches, Parser};

use commands::Command;

/// Encrypts Kubernetes Secrets so that they can live in Git.
///
/// Only the controller in the cluster, which holds the private keys, can turn the result back into
/// Secrets. Works with Bitnami Sealed Secrets.
#[derive(Debug, Parser)]
#[command(
    name = "seal",
    version = concat!("version: v", env!("CARGO_PKG_VERSION")),
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = EXAMPLES
)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  Take the cluster's certificate along, once:
    seal keys fetch -w cert.pem
  Seal a Secret, offline:
    seal encrypt --cert cert.pem secret.yaml -w sealed.yaml
  Seal without a file in plaintext:
    kubectl create secret generic db --from-file=password=/dev/stdin -n team-a \\
      --dry-run=client -o yaml | seal encrypt --cert cert.pem -w sealed.yaml

Exit status: 0 good, 1 the answer is no, 2 could not do it.";

/// Runs the program with these arguments, its name first. Called as `kubeseal` it is [`kubeseal`],
/// called as `kubectl-seal` a plugin of kubectl.
///
/// Help and version go to standard output with status 0; see [`error::exit_code`] for the rest.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut arguments = arguments.into_iter().peekable();
    if arguments.peek().is_some_and(kubeseal::is_name) {
        return kubeseal::run(arguments);
    }
    match arguments.peek().and_then(name).as_deref() {
        Some("kubectl_complete-seal") => completion::answer_kubectl(arguments.skip(1)),
        Some("kubectl-seal") => run_as(help::for_kubectl(command()), arguments),
        _ => {
            completion::answer_shell();
            run_as(command(), arguments)
        }
    }
}

/// The command line: what parses arguments, and what help, manual pages and completions are made
/// from.
#[must_use]
pub fn command() -> clap::Command {
    help::grouped(Program::command())
}

fn run_as(mut command: clap::Command, arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let program = command
        .try_get_matches_from_mut(arguments)
        .and_then(|matches| Program::from_arg_matches(&matches))
        .map_err(|usage| usage.format(&mut command));
    match program {
        Ok(program) => error::exit_code(program.command.run()),
        Err(usage) => error::exit_code_of_usage(&usage),
    }
}

/// By what name the program is called, without its directory and `.exe`.
fn name(program: &OsString) -> Option<String> {
    let stem = Path::new(program).file_stem()?;
    Some(stem.to_str()?.to_owned())
}
