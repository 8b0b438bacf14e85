//! Why an object does not open, found out in slices: it costs private-key operations, too.

use seal_api::SealedSecret;
use seal_envelope::Identity;
use seal_sealing::{Cause, Diagnosing, FailedItem, ItemError, UnsealError};

use crate::outcome::{Failure, Reason, shortened};

/// The search for the reason of the first failed item; it tells for all of them.
pub(super) struct Explanation {
    error: UnsealError,
    diagnosing: Diagnosing,
}

impl Explanation {
    pub(super) fn of(error: UnsealError) -> Self {
        Self {
            error,
            diagnosing: Diagnosing::default(),
        }
    }

    /// Goes on with about so many private-key operations; the answer is how many were made, and the
    /// failure once it is found: the reason of the first failed item, upstream's text for all of
    /// them, and what to do about the first.
    pub(super) fn step(
        &mut self,
        sealed: &SealedSecret,
        identities: &[&Identity],
        operations: usize,
    ) -> (usize, Option<Failure>) {
        let UnsealError::Items(items) = &self.error else {
            return (0, Some(whole(&self.error)));
        };
        let Some(FailedItem { item, error }) = items.first() else {
            return (0, Some(whole(&self.error)));
        };
        let text = shortened(self.error.to_string());
        match error {
            ItemError::Base64(_) => {
                let told = format!("{text}: seal the value again");
                (0, Some(Failure::new(Reason::Corrupt, told)))
            }
            ItemError::Template(_) => (0, Some(Failure::new(Reason::BadTemplate, text))),
            ItemError::NoKey => {
                let sealed_text = sealed.spec.encrypted_data.get(item);
                let sealed_text = sealed_text.map_or("", String::as_str);
                let (made, cause) =
                    self.diagnosing
                        .step(sealed, sealed_text, identities, operations);
                let failure = cause.map(|cause| {
                    let item = seal_sealing::printable(item);
                    Failure::new(reason(&cause), format!("{text}: {item}: {cause}"))
                });
                (made, failure)
            }
        }
    }
}

fn reason(cause: &Cause) -> Reason {
    match cause {
        Cause::WrongKey { .. } => Reason::WrongKey,
        Cause::WrongScope { .. } | Cause::WrongName { .. } | Cause::WrongNameOrCorrupt { .. } => {
            Reason::WrongScope
        }
        Cause::Corrupt => Reason::Corrupt,
    }
}

/// The failure of an object as a whole.
pub(super) fn whole(error: &UnsealError) -> Failure {
    let reason = match error {
        UnsealError::V1(ItemError::NoKey) => Reason::WrongKey,
        UnsealError::V1(_) | UnsealError::V1NotASecret => Reason::Corrupt,
        _ => Reason::Malformed,
    };
    Failure::new(reason, shortened(error.to_string()))
}
