//! `seal completions`: what a shell has to run to complete this program's words.

use clap::Args;
use clap_complete::env::{Bash, EnvCompleter, Fish, Powershell, Zsh};

use crate::{
    error::Errors,
    output::{self, OutputError},
};

/// Prints the script that lets a shell complete commands, options, file names and keys.
///
/// The script asks this program at every press of the Tab key, so it stays right when the program
/// is replaced by a newer one.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

/// The shells that can be taught.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
}

const EXAMPLES: &str = "\
Examples:
  bash, in ~/.bashrc:
    source <(seal completions bash)
  zsh, in ~/.zshrc, behind compinit:
    source <(seal completions zsh)
  fish, in ~/.config/fish/config.fish:
    seal completions fish | source
  PowerShell, in $PROFILE:
    seal completions powershell | Out-String | Invoke-Expression
  kubectl seal, by way of kubectl's own completion:
    ln -s \"$(command -v seal)\" ~/.local/bin/kubectl_complete-seal";

impl Completions {
    /// Carries it out.
    ///
    /// # Errors
    /// When the script cannot be printed.
    pub fn run(self) -> Result<(), Errors> {
        const PROGRAM: &str = "seal";
        let shell: &dyn EnvCompleter = match self.shell {
            Shell::Bash => &Bash,
            Shell::Zsh => &Zsh,
            Shell::Fish => &Fish,
            Shell::Powershell => &Powershell,
        };
        let mut script = Vec::new();
        shell
            .write_registration("COMPLETE", PROGRAM, PROGRAM, PROGRAM, &mut script)
            .map_err(OutputError::Print)?;
        Ok(output::print(&script)?)
    }
}
