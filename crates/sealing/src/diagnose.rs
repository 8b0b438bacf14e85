use std::fmt;

use seal_api::{Scope, SealedSecret};
use seal_envelope::{Diagnosis, Identity, KeyId, Kind};

use crate::{base64::decode, key_hints, label};

/// Why one item of a SealedSecret does not open: for its controller's status and for those who
/// recover it with the private keys, never for the HTTP API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// Sealed for a key that is not here.
    WrongKey {
        /// What it is sealed in.
        kind: Kind,
        /// The keys that the object says it is sealed with and that are not here.
        hints: Vec<KeyId>,
        /// Those that are here, where a hybrid value may as well be sealed with one of them, for another
        /// name or namespace, or be damaged: it does not tell.
        held: Vec<KeyId>,
    },
    /// Sealed with a key that is here, but in another scope than the annotations say.
    WrongScope {
        /// The scope in which it opens.
        sealed: Scope,
        /// The scope that the annotations ask for.
        asked: Scope,
    },
    /// Sealed with a key that is here, for another name or namespace. Only age envelopes tell.
    WrongName {
        /// The key that opens it.
        key: KeyId,
    },
    /// Truncated or damaged.
    Corrupt,
    /// Sealed with a key that is here, as all of the hint are, but it opens in no scope of this object:
    /// sealed for another name or namespace, or damaged. Only of hybrid envelopes is no more known.
    WrongNameOrCorrupt {
        /// The keys of the hint that make such envelopes: one of them, as a rule.
        keys: Vec<KeyId>,
    },
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongKey { kind, hints, held } => wrong_key(*kind, hints, held, f),
            Self::WrongScope { sealed, asked } => write!(
                f,
                "sealed with {sealed} scope, but the annotations ask for {asked}: {}",
                match sealed.annotation() {
                    Some(name) => format!("annotate the SealedSecret with {name}: \"true\""),
                    None => "remove the annotation of the wider scope".into(),
                }
            ),
            Self::WrongName { key } => write!(
                f,
                "sealed with {key} for another name or namespace: the object was renamed or moved \
                 after sealing; seal it again for this name and namespace"
            ),
            Self::Corrupt => f.write_str("truncated or damaged; seal it again"),
            Self::WrongNameOrCorrupt { keys } => write!(
                f,
                "sealed with {} but it does not open here: the object was renamed or moved after \
                 sealing, or the value is damaged; seal it again for this name and namespace",
                any_of(keys)
            ),
        }
    }
}

fn any_of(keys: &[KeyId]) -> String {
    let ids: Vec<_> = keys.iter().map(KeyId::as_str).collect();
    ids.join(" or ")
}

fn wrong_key(
    kind: Kind,
    hints: &[KeyId],
    held: &[KeyId],
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let ids: Vec<_> = hints.iter().map(KeyId::as_str).collect();
    let ids = ids.join(", ");
    match (kind, hints.is_empty()) {
        (Kind::Hybrid, true) => f.write_str(
            "no key here opens it: it was sealed for another cluster, for another name or \
             namespace, or with a key that is gone; seal it again with this cluster's certificate",
        ),
        (Kind::Hybrid, false) => {
            let (is, that) = match hints.len() {
                1 => ("is", "that key"),
                _ => ("are", "the right one"),
            };
            write!(
                f,
                "sealed with {}, which {is} not among the keys here; restore {that} or seal it again \
                 with this cluster's certificate",
                any_of(hints)
            )?;
            match held.is_empty() {
                true => Ok(()),
                false => write!(
                    f,
                    " (or, if it is sealed with {}: the object was renamed or moved after sealing, or \
                     the value is damaged)",
                    any_of(held)
                ),
            }
        }
        (Kind::Age, true) => f.write_str(
            "no age key here opens it: it was sealed for other recipients, or with a key that is \
             gone; seal it again for this cluster's age recipient, too",
        ),
        (Kind::Age, false) => write!(
            f,
            "sealed for {ids}, none of which is among the keys here; restore one of them or \
             seal it again for this cluster's age recipient, too"
        ),
    }
}

/// Finds out why an item does not open, trying the object's own three labels and no others.
///
/// Costs up to three private-key operations for each identity.
#[must_use]
pub fn diagnose(sealed: &SealedSecret, text: &str, identities: &[&Identity]) -> Cause {
    let mut diagnosing = Diagnosing::default();
    loop {
        if let (_, Some(cause)) = diagnosing.step(sealed, text, identities, usize::MAX) {
            return cause;
        }
    }
}

/// The same in slices, for those who must not be kept busy by one item.
#[derive(Debug, Default)]
pub struct Diagnosing {
    tried: usize,
}

impl Diagnosing {
    /// Tries the next identities, with about so many private-key operations. The answer is how many
    /// it made at most, and the cause once it is known. Everything but `operations` must be the same
    /// at every step.
    pub fn step(
        &mut self,
        sealed: &SealedSecret,
        text: &str,
        identities: &[&Identity],
        operations: usize,
    ) -> (usize, Option<Cause>) {
        let Ok(envelope) = decode(text) else {
            return (0, Some(Cause::Corrupt));
        };
        let namespace = sealed.metadata.namespace.as_deref().unwrap_or_default();
        let name = sealed.metadata.name.as_deref().unwrap_or_default();
        let labels = Scope::ALL.map(|scope| label(scope, namespace, name));
        let rest = identities.get(self.tried..).unwrap_or_default();
        let slice = (operations / labels.len()).clamp(1, rest.len().max(1));
        let now = rest.get(..slice).unwrap_or_default();
        self.tried += now.len();
        let made = now.len() * labels.len();

        let cause = match seal_envelope::diagnose(&envelope, &labels, now.iter().copied()) {
            Diagnosis::OpensUnder { label, .. } => match Scope::ALL.get(label) {
                Some(sealed_scope) if *sealed_scope != sealed.scope() => Cause::WrongScope {
                    sealed: *sealed_scope,
                    asked: sealed.scope(),
                },
                _ => Cause::Corrupt,
            },
            Diagnosis::OtherLabel { key } => Cause::WrongName { key },
            Diagnosis::Damaged { .. } | Diagnosis::Malformed => Cause::Corrupt,
            Diagnosis::NoKey if self.tried < identities.len() => return (made, None),
            Diagnosis::NoKey => not_opened(sealed, Kind::of(&envelope), identities),
        };
        (made, Some(cause))
    }
}

/// No key opens it: the hint tells whether that key is here. It names the keys of all values of the
/// object: as long as one of them is missing, a hybrid value may be sealed with that one. An age envelope
/// for a key that is here would have told more.
fn not_opened(sealed: &SealedSecret, kind: Kind, identities: &[&Identity]) -> Cause {
    let find = |hint: &KeyId| identities.iter().find(|it| it.id() == hint);
    let (mut held, hints): (Vec<_>, Vec<_>) = key_hints(&sealed.metadata)
        .into_iter()
        .partition(|hint| find(hint).is_some());
    held.retain(|hint| {
        kind == Kind::Hybrid
            && find(hint).is_some_and(|it| it.recipient().kind().envelope() == kind)
    });
    match hints.is_empty() && !held.is_empty() {
        true => Cause::WrongNameOrCorrupt { keys: held },
        false => Cause::WrongKey { kind, hints, held },
    }
}
