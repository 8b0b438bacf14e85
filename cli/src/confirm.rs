//! Asking before something is destroyed.

use std::io::{self, BufRead, IsTerminal, Write};

use clap::Args;

use crate::error::Error;

/// The option of commands that destroy something.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Confirmation {
    /// Do not ask, for scripts
    #[arg(long)]
    pub yes: bool,
}

impl Confirmation {
    /// Asks somebody who sits before a terminal; only y and yes are consent.
    ///
    /// # Errors
    /// [`Error::Declined`], and [`Error::NobodyToAsk`] where there is no terminal and no `--yes`:
    /// what waits for ever for an answer is worse than what fails.
    pub fn ask(self, question: &str) -> Result<(), Error> {
        if self.yes {
            return Ok(());
        }
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
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
