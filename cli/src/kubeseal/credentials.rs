//! Who one is, asked for as client-go does (`tools/clientcmd/auth_loaders.go` v0.36) where neither the
//! kubeconfig nor the command line says so.

use std::io::{self, IsTerminal, Write};

use kube::config::AuthInfo;

use super::failure::{Failure, Outcome, reason_of_system};
use crate::prompt;

/// Whether a user's settings say who it is.
#[must_use]
pub fn identify(user: &AuthInfo) -> bool {
    let texts = [
        &user.username,
        &user.token_file,
        &user.client_certificate,
        &user.client_certificate_data,
    ];
    texts
        .iter()
        .any(|it| it.as_ref().is_some_and(|text| !text.is_empty()))
        || user.token.is_some()
        || user.auth_provider.is_some()
        || user.exec.is_some()
}

/// Asks for name and password: on standard output, from which the name is read, too. That is
/// upstream's choice, and works at a terminal; elsewhere it is an error, as nothing can be read there.
///
/// # Errors
/// When nobody answers.
pub fn ask(user: &mut AuthInfo) -> Outcome<()> {
    show("Please enter Username: ")?;
    user.username = Some(word_from_stdout()?);
    if !io::stdin().is_terminal() {
        return Err(Failure::new("error reading input for Password"));
    }
    let password = prompt::hidden("Please enter Password: ")
        .map_err(|error| Failure::new(reason_of_system(&error)))?;
    let password = String::from_utf8_lossy(&password).into_owned();
    user.password = Some(password.into());
    Ok(())
}

fn show(text: &str) -> Outcome<()> {
    let mut stdout = io::stdout().lock();
    let shown = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    shown.map_err(|error| Failure::of_path("write", "/dev/stdout", &error))
}

/// The next word, byte by byte: what follows it is not ours.
#[cfg(unix)]
fn word_from_stdout() -> Outcome<String> {
    let mut word = Vec::new();
    loop {
        let mut byte = [0];
        let read = match rustix::io::read(io::stdout(), &mut byte) {
            Err(rustix::io::Errno::INTR) => continue,
            read => read,
        };
        match read {
            Err(error) => return Err(Failure::of_path("read", "/dev/stdout", &error.into())),
            Ok(0) if word.is_empty() => return Err(Failure::new("EOF")),
            Ok(_) if byte[0].is_ascii_whitespace() && word.is_empty() => {}
            Ok(read) if read == 0 || byte[0].is_ascii_whitespace() => break,
            Ok(_) => word.push(byte[0]),
        }
    }
    Ok(String::from_utf8_lossy(&word).into_owned())
}

#[cfg(not(unix))]
fn word_from_stdout() -> Outcome<String> {
    Err(Failure::new("read /dev/stdout: not supported"))
}
