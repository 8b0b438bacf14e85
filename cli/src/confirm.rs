//! Asking before something is destroyed, or trusted.

use std::io::{self, BufRead, IsTerminal, Write};

use clap::Args;

use crate::error::Error;

/// The option of commands that ask.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Confirmation {
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

impl Confirmation {
    /// Asks before something goes that only a backup, or Git, brings back. Without a terminal what
    /// was asked for is done: a script has nobody to protect from a slip, and must not stop working
    /// for want of an option.
    ///
    /// # Errors
    /// [`Error::Declined`].
    pub fn ask_before_loss(self, question: &str) -> Result<(), Error> {
        match somebody_sits_there() {
            true => self.ask(question),
            false => Ok(()),
        }
    }

    /// Asks somebody who sits before a terminal; only y and yes are consent.
    ///
    /// # Errors
    /// [`Error::Declined`], and [`Error::NobodyToAsk`] where there is no terminal and no `--yes`:
    /// what waits for ever for an answer is worse than what fails.
    pub fn ask(self, question: &str) -> Result<(), Error> {
        if self.yes {
            return Ok(());
        }
        if !somebody_sits_there() {
            return Err(Error::NobodyToAsk {
                question: question.to_owned(),
            });
        }
        let mut stderr = anstream::stderr();
        // There is nowhere to tell that standard error is gone.
        let _ = write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush());
        let mut answer = String::new();
        match io::stdin().lock().read_line(&mut answer) {
            Ok(_) if is_consent(&answer) => Ok(()),
            _ => Err(Error::Declined),
        }
    }
}

fn somebody_sits_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

fn is_consent(answer: &str) -> bool {
    let answer = answer.trim();
    answer.eq_ignore_ascii_case("y") || answer.eq_ignore_ascii_case("yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_consent() {
        for answer in ["y\n", "Y", " yes \n", "YES"] {
            assert!(is_consent(answer), "{answer:?}");
        }
        for answer in ["", "\n", "n", "no", "yeah", "1", "true"] {
            assert!(!is_consent(answer), "{answer:?}");
        }
    }

    #[test]
    fn yes_on_the_command_line_asks_nobody() {
        assert!(Confirmation { yes: true }.ask("Really?").is_ok());
    }
}
