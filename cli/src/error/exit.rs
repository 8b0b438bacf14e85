//! What was found out or went wrong, as an exit status.

use std::process::ExitCode;

use super::Errors;
use crate::report;

/// What a command answers that was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// All is well; what commands answer that are asked no question.
    Yes,
    /// It was found out, and the answer is no.
    No,
}

/// Tells what went wrong and gives the exit status: 0 good, 1 the answer is no, 2 could not do it.
#[must_use]
pub fn exit_code(outcome: Result<Answer, Errors>) -> ExitCode {
    match outcome {
        Ok(Answer::Yes) => ExitCode::SUCCESS,
        Ok(Answer::No) => NO.into(),
        Err(errors) => {
            tell(&errors);
            COULD_NOT.into()
        }
    }
}

/// Tells what is wrong, and what to do about it.
pub fn tell(errors: &Errors) {
    for error in errors.iter() {
        report::error(error, error.hint().as_deref());
    }
}

/// Prints help or version with status 0, or what is wrong with the arguments with status 2.
#[must_use]
pub fn exit_code_of_usage(usage: &clap::Error) -> ExitCode {
    match usage.print() {
        Ok(()) if !usage.use_stderr() => ExitCode::SUCCESS,
        _ => COULD_NOT.into(),
    }
}

const NO: u8 = 1;
const COULD_NOT: u8 = 2;
