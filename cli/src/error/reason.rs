//! Why other libraries and the system did not do what they should, in their words.

use std::io;

use kube::config::KubeconfigError;

/// The system's words, without its number.
pub(crate) fn reason_of_io(error: &io::Error) -> String {
    without_number(error.to_string())
}

fn without_number(text: String) -> String {
    match text.rfind(" (os error ") {
        Some(end) => text.get(..end).unwrap_or_default().to_owned(),
        None => text,
    }
}

/// Why a kubeconfig is none. Below its first line the parser's message shows the file, and whatever tokens
/// stand near the place.
pub(crate) fn reason_of_kubeconfig(error: &KubeconfigError) -> String {
    let text = reason_of(error);
    text.lines().next().unwrap_or_default().to_owned()
}

/// An error with its causes, each told once.
pub(crate) fn reason_of(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = String::new();
    let mut next: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = next {
        let part = error.to_string();
        if !text.contains(&part) {
            let separator = if text.is_empty() { "" } else { ": " };
            text = format!("{text}{separator}{part}");
        }
        next = error.source();
    }
    without_number(text)
}
