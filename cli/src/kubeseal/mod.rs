//! kubeseal: the program under the name that people's scripts call.
//!
//! Flags, environment, output, messages and exit statuses are those of upstream's v0.40.0; facts
//! about them come from its source and from 472 recorded runs (`tests/vectors/kubeseal-cli.json`),
//! which the tests replay. Where upstream loses data, hangs, crashes or calls broken input good,
//! this one does not follow; `docs/migration.md` lists each such case, and what else is known to differ.

pub mod certificate;
pub mod cluster;
pub mod credentials;
pub mod documents;
pub mod failure;
pub mod fetch;
pub mod flags;
pub mod input;
pub mod json;
pub mod kubeconfig;
pub mod merge;
mod metadata;
pub mod pem;
pub mod pflag;
pub mod raw;
pub mod recover;
pub mod rotate;
pub mod seal;
pub mod sealed;
pub mod secrets;
pub mod sink;
mod time;
pub mod tls;
pub mod url;
pub mod validate;

use std::{ffi::OsString, path::Path, process::ExitCode};

use zeroize::Zeroizing;

use crate::{output, report};
use failure::{Failure, Outcome};
use flags::{FLAGS, Flags, Mode};
use input::Input;
use pflag::UsageError;
use sink::Sink;

/// The release of kubeseal whose place this takes.
const VERSION: &str = "0.40.0";
const USAGE_ERROR: u8 = 2;

/// Whether a program is called as kubeseal, by whatever path.
#[must_use]
pub fn is_name(program: &OsString) -> bool {
    let stem = Path::new(program).file_stem();
    stem.is_some_and(|stem| stem == "kubeseal")
}

/// Runs it with these arguments, its name first: status 0 good, 1 could not do it, 2 for arguments
/// that are not right.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut arguments = arguments.into_iter();
    let program = arguments.next().unwrap_or_default();
    let program = program.to_string_lossy();
    let arguments: Result<Vec<String>, _> = arguments.map(OsString::into_string).collect();
    let Ok(arguments) = arguments else {
        return told(Err(Failure::new("an argument is not UTF-8")));
    };
    match Flags::read(&arguments) {
        Ok(flags) => told(dispatch(&program, &flags)),
        Err(error) => refused(&program, &error),
    }
}

fn told(outcome: Outcome<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            report::note(&format_args!("error: {failure}"));
            ExitCode::FAILURE
        }
    }
}

/// The title goes to standard error and everything else to standard output, as pflag does once it
/// has been told where to write.
fn refused(program: &str, error: &UsageError) -> ExitCode {
    report::note(&format_args!("Usage of {program}:"));
    let usages = pflag::usages(FLAGS);
    let (text, status) = match error {
        UsageError::Help => (usages, ExitCode::SUCCESS),
        UsageError::Bad(why) => (format!("{usages}{why}\n"), USAGE_ERROR.into()),
    };
    // There is nowhere to tell that standard output is gone.
    let _ = output::print(text.as_bytes());
    status
}

fn dispatch(program: &str, flags: &Flags) -> Outcome<()> {
    for notice in &flags.notices {
        output::print(format!("{notice}\n").as_bytes())?;
    }
    if flags.version {
        return Ok(output::print(
            format!("kubeseal version: {VERSION}\n").as_bytes(),
        )?);
    }
    if flags.help {
        let usages = pflag::usages(FLAGS);
        return Ok(output::print(
            format!("Usage of {program}:\n{usages}").as_bytes(),
        )?);
    }
    if !flags.from_file.is_empty() && !flags.raw {
        return Err(Failure::new("--from-file requires --raw"));
    }
    let mut input = Input::open(&flags.input_file)?;
    if !flags.raw && flags.mode != Mode::Fetch {
        input.announce("json/yaml k8s resource");
    }
    match &flags.mode {
        // These write nothing to `-w`, and a file that is there is not emptied for it.
        Mode::Validate => return validate::run(flags, &mut input),
        Mode::Merge(path) => return merge::run(flags, path, &mut input),
        _ => {}
    }
    let sink = Sink::open(&flags.output_file)?;
    if flags.mode == Mode::Fetch {
        return sink.finish(&fetch::run(flags)?, Ok(()));
    }
    let mut out = Zeroizing::new(String::new());
    let outcome = match flags.mode {
        Mode::Recover => recover::run(flags, &mut input, &mut out),
        Mode::Rotate => rotate::run(flags, &mut input, &mut out),
        Mode::Raw => raw::run(flags, &mut out),
        _ => seal::run(flags, &mut input, &mut out),
    };
    sink.finish(out.as_bytes(), outcome)
}
