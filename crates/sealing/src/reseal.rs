use std::collections::BTreeMap;

use seal_api::SealedSecret;
use seal_envelope::{Plaintext, Recipients, SealError};

use crate::{label, seal_value};

/// Seals values again for `recipients`, in the scope, name and namespace of the object that they
/// were taken out of. The answer is the base64 by item; nothing else of the object need change.
///
/// # Errors
/// [`SealError`] when the system's random generator fails.
pub fn reseal<'a>(
    sealed: &SealedSecret,
    opened: impl IntoIterator<Item = (&'a str, &'a Plaintext)>,
    recipients: &Recipients,
) -> Result<BTreeMap<String, String>, SealError> {
    let namespace = sealed.metadata.namespace.as_deref().unwrap_or_default();
    let name = sealed.metadata.name.as_deref().unwrap_or_default();
    let label = label(sealed.scope(), namespace, name);
    let again = |(item, value): (&str, &Plaintext)| {
        Ok((item.into(), seal_value(value, &label, recipients)?))
    };
    opened.into_iter().map(again).collect()
}
