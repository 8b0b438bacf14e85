//! Questions at a terminal.

use std::io;

use zeroize::Zeroizing;

/// What a terminal takes as one line (`N_TTY_BUF_SIZE` of Linux), less the line break.
const MOST_BYTES: usize = 4095;

/// Asks on standard error for a line of standard input, which must be a terminal, without echo. The
/// echo comes back however the program ends.
///
/// # Errors
/// When the terminal fails, nothing is typed, or more than a terminal takes.
#[cfg(unix)]
pub fn hidden(prompt: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    use std::io::Write;

    use crate::undo::{Undo, uninterrupted};

    let before = tcgetattr(io::stdin())?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    silent.local_modes.insert(LocalModes::ECHONL);
    let _echo = uninterrupted(|| {
        tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
        Ok::<_, io::Error>(Undo::new(move || {
            // There is nobody to tell.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &before);
        }))
    })?;
    let mut stderr = io::stderr().lock();
    write!(stderr, "{prompt}").and_then(|()| stderr.flush())?;
    drop(stderr);
    read_line()
}

/// Asks for a line of standard input, without echo.
///
/// # Errors
/// Always: this system has no terminal that we know to silence.
#[cfg(not(unix))]
pub fn hidden(_: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    Err(io::Error::other(
        "no way to hide what is typed on this system; use a file, or standard input",
    ))
}

/// Without the buffer of standard input, which nobody wipes.
#[cfg(unix)]
fn read_line() -> io::Result<Zeroizing<Vec<u8>>> {
    let mut buffer = Zeroizing::new(vec![0; MOST_BYTES + 1]);
    let read = loop {
        match rustix::io::read(io::stdin(), buffer.as_mut_slice()) {
            Err(rustix::io::Errno::INTR) => {}
            read => break read?,
        }
    };
    buffer.truncate(read);
    if buffer.last() == Some(&b'\n') {
        buffer.pop();
    }
    match buffer.len() {
        0 if read == 0 => Err(io::Error::other("nothing was typed")),
        MOST_BYTES.. => Err(io::Error::other(
            "a terminal takes lines of at most 4094 bytes; use a file, or standard input",
        )),
        _ => Ok(buffer),
    }
}

/// Waits for Enter; `false` when there will be none.
#[must_use]
pub fn wait_for_enter() -> bool {
    let mut line = String::new();
    matches!(io::stdin().read_line(&mut line), Ok(length) if length > 0)
}
