//! How a pass ended, and the one table that says what each ending means.

use std::{collections::BTreeSet, fmt};

use kube::core::response::StatusCause;
use seal_api::annotations::RECREATE_IMMUTABLE;

use crate::client::NotLeading;

/// The end of a message while there will be another attempt.
const TRYING_AGAIN: &str = "; trying again";

/// Why a SealedSecret is not a Secret now. The name of the variant is the reason in the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// No key here opens a value.
    WrongKey,
    /// A value was sealed in another scope, or for another name or namespace; or it is damaged where
    /// that looks the same.
    WrongScope,
    /// A value is damaged or no base64.
    Corrupt,
    /// A template failed.
    BadTemplate,
    /// The object itself is not what the API asks for.
    Malformed,
    /// A Secret of that name belongs to somebody else.
    NotOwned,
    /// The Secret may not be changed.
    Immutable,
    /// The API server takes no such Secret.
    Refused,
    /// The SealedSecret asks for a Secret that would become a sealing key.
    Protected,
    /// The namespace is being deleted: nothing can be made in it any more.
    Terminating,
    /// There is no key at all yet.
    NoKeys,
    /// The API server refused or failed.
    ApiError,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 12] = [
        Self::WrongKey,
        Self::WrongScope,
        Self::Corrupt,
        Self::BadTemplate,
        Self::Malformed,
        Self::NotOwned,
        Self::Immutable,
        Self::Refused,
        Self::Protected,
        Self::Terminating,
        Self::NoKeys,
        Self::ApiError,
    ];

    /// Whether only a change of the input, the keyring or the Secret can help.
    #[must_use]
    pub fn is_hopeless(self) -> bool {
        !matches!(self, Self::NoKeys | Self::ApiError)
    }

    /// The reason in upstream's `unseal_errors_total`.
    #[must_use]
    pub fn metric(self) -> &'static str {
        match self {
            Self::NotOwned | Self::Protected => "unmanaged",
            Self::Immutable | Self::Refused | Self::Terminating | Self::ApiError => "update",
            _ => "unseal",
        }
    }

    /// The reason of the event: upstream tells unsealing apart from writing.
    #[must_use]
    pub fn event(self) -> &'static str {
        match self {
            Self::NotOwned | Self::Immutable | Self::Protected | Self::ApiError => {
                "ErrUpdateFailed"
            }
            _ => "ErrUnsealFailed",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A pass that did not reach its goal. The message is for people: what is wrong and what to do. It
/// never holds a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Why.
    pub reason: Reason,
    /// Why, and what to do.
    pub message: String,
    /// Whether it is tried no more although time could mend it.
    pub given_up: bool,
}

impl Failure {
    /// A failure.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            given_up: false,
        }
    }

    /// Whether only a change of the input, the keyring or the Secret can help.
    #[must_use]
    pub fn is_hopeless(&self) -> bool {
        self.given_up || self.reason.is_hopeless()
    }

    /// The same after so many retries, when there will be no other (`--max-unseal-retries`).
    #[must_use]
    pub fn given_up(mut self, retries: u32) -> Self {
        if !self.is_hopeless() {
            let message = self.message.trim_end_matches(TRYING_AGAIN);
            self.message = format!(
                "{message}; given up after {retries} retries until the SealedSecret, its Secret or \
                 the sealing keys change"
            );
            self.given_up = true;
        }
        self
    }

    /// A failure of a call to the API server: an answer that time can mend, unless the Secret is
    /// immutable.
    ///
    /// The server's own words are not passed on: those of an admission webhook may quote a value.
    #[must_use]
    pub fn of_write(error: &kube::Error) -> Self {
        let kube::Error::Api(status) = error else {
            let why = match NotLeading::caused(error) {
                true => "this replica does not lead any more; the one that does takes over".into(),
                false => format!("the API server cannot be reached{TRYING_AGAIN}"),
            };
            return Self::new(Reason::ApiError, why);
        };
        let says = |text| status.message.contains(text);
        let causes = || status.details.iter().flat_map(|details| &details.causes);
        match status.code {
            422 if causes().any(|cause| cause.message.contains("field is immutable")) => Self::new(
                Reason::Immutable,
                format!(
                    "the target Secret is immutable or would change its type; delete it to have it \
                     made anew, or annotate the SealedSecret with {RECREATE_IMMUTABLE}: \"true\""
                ),
            ),
            422 if causes().any(|cause| !cause.field.is_empty()) => Self::new(
                Reason::Refused,
                format!(
                    "the API server refuses the Secret because of {}",
                    fields(causes())
                ),
            ),
            403 if causes().any(|cause| cause.reason == "NamespaceTerminating") => {
                Self::new(Reason::Terminating, "the namespace is being deleted")
            }
            403 if says("is forbidden: User \"") => Self::new(
                Reason::ApiError,
                "the controller may not do this to Secrets of this namespace: check its RBAC",
            ),
            403 if says("exceeded quota") => {
                Self::new(Reason::ApiError, "the quota of the namespace is used up")
            }
            400 | 403 | 422 => Self::new(
                Reason::ApiError,
                "an admission policy of the cluster refuses the Secret: kubectl apply \
                 --dry-run=server with a Secret like it tells which",
            ),
            code => Self::new(
                Reason::ApiError,
                format!(
                    "the API server answered {code} {}{TRYING_AGAIN}",
                    status.reason
                ),
            ),
        }
    }
}

/// The fields that the server found wrong, without their values and always in the same order.
fn fields<'a>(causes: impl Iterator<Item = &'a StatusCause>) -> String {
    let fields: BTreeSet<_> = causes
        .map(|cause| format!("{} ({})", cause.field, cause.reason))
        .collect();
    shortened(fields.into_iter().collect::<Vec<_>>().join(", "))
}

/// A message that is no longer than people read and etcd should store.
#[must_use]
pub fn shortened(mut text: String) -> String {
    const LONGEST: usize = 1024;
    if text.len() > LONGEST {
        text.truncate(text.floor_char_boundary(LONGEST));
        text.push('…');
    }
    text
}

/// What a pass did to the Secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Success {
    /// It was made or changed because the SealedSecret asks for it.
    Written,
    /// It had been changed or deleted by somebody else and was put right.
    Repaired,
    /// It could not be changed and was deleted and made again, as its SealedSecret asks.
    Recreated,
    /// It was already right.
    AlreadyRight,
    /// It had been changed by somebody else and was left so, as the drift policy asks.
    Drifted,
}

impl fmt::Display for Success {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Written => "unsealed",
            Self::Repaired => "put right what was changed or deleted",
            Self::Recreated => "made anew what could not be changed",
            Self::AlreadyRight => "the Secret is right",
            Self::Drifted => "left alone what somebody else has changed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operations_manual_says_what_to_do_about_every_reason() {
        let manual = include_str!("../../docs/operations.md");
        for reason in Reason::ALL {
            assert!(manual.contains(&format!("\n| `{reason}` |")), "{reason}");
        }
    }
}
