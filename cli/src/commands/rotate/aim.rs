//! Whom the values of a file are to be sealed for, and what their envelopes tell of it without a key.

use std::collections::BTreeSet;

use seal_envelope::{KeyId, KeyKind, Kind, Recipients, Shape, Stanzas};
use seal_sealing::decode;

use super::RotationError;
use crate::{config::Settings, error::Error, recipients::Sealing};

/// How the base64 of every age envelope begins.
pub(super) const AGE: &[u8] = b"YWdlLWVuY3J5cHRpb24ub3JnL";

/// The controller keeps what a value is.
const KEEPS_KIND: &str =
    "the controller keeps the kind of each value, and the wanted one is another";
const KEEPS_ITS_OWN: &str =
    "the controller seals for its own key alone, and more recipients are wanted";
const NO_AGE_KEY: &str = "the controller publishes no age recipient";

/// What a file is to be sealed for.
#[derive(Debug, Clone)]
pub(super) enum Aim {
    /// Private keys open the values, which are then sealed for these.
    Recipients(Recipients),
    /// The controller opens and seals them: each kind for its own current key, or why not.
    Controller {
        hybrid: Result<KeyId, &'static str>,
        age: Result<KeyId, &'static str>,
    },
}

/// What an envelope tells of its recipients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Header {
    Hybrid,
    Age(Stanzas),
    /// Damaged so that it shows.
    Unreadable,
}

impl Header {
    pub(super) fn of(text: &str) -> Self {
        // Almost all values are hybrid, and need not be decoded to know it.
        if !text.trim_start().as_bytes().starts_with(AGE) {
            return Self::Hybrid;
        }
        match Shape::of(&decode(text).unwrap_or_default()) {
            Some(Shape::Age { stanzas, .. }) => Self::Age(stanzas),
            _ => Self::Unreadable,
        }
    }
}

impl Aim {
    /// What the controller of a file can do for it.
    pub(super) fn of_controller(
        settings: &Settings,
        sealing: &mut Sealing<'_>,
        has_age: bool,
    ) -> Result<Self, Error> {
        let wanted = match sealing.recipients(settings) {
            Err(Error::NoCertificate) => None,
            wanted => Some(wanted?),
        };
        let age_key = match has_age {
            true => sealing.recipient_of_cluster(settings)?,
            false => None,
        };
        let Some(wanted) = wanted.filter(|it| it.kind().envelope() == Kind::Age) else {
            let certificate = sealing.certificate_of_cluster(settings)?;
            let own = certificate.key_id();
            if let Ok(named) = sealing.recipients(settings)
                && !named.ids().contains(own)
            {
                return Err(other_key(&named.ids(), own));
            }
            return Ok(Self::Controller {
                hybrid: Ok(own.clone()),
                age: match sealing.is_for_hybrid_alone() {
                    true => Err(KEEPS_KIND),
                    false => age_key.ok_or(NO_AGE_KEY),
                },
            });
        };
        let age = match age_key {
            _ if wanted.ids().len() > 1 => Err(KEEPS_ITS_OWN),
            Some(own) if !wanted.ids().contains(&own) => {
                return Err(other_key(&wanted.ids(), &own));
            }
            own => own.ok_or(NO_AGE_KEY),
        };
        let hybrid = Err(KEEPS_KIND);
        Ok(Self::Controller { hybrid, age })
    }

    /// Whether values are sealed for age recipients.
    pub(super) fn is_for_age(&self) -> bool {
        match self {
            Self::Recipients(recipients) => recipients.kind().envelope() == Kind::Age,
            Self::Controller { .. } => false,
        }
    }

    /// The keys that the hint of an object with such values shall name.
    pub(super) fn ids(&self, headers: &[Header]) -> BTreeSet<KeyId> {
        match self {
            Self::Recipients(recipients) => recipients.ids(),
            Self::Controller { .. } => headers
                .iter()
                .filter_map(|header| self.own(*header)?.ok().cloned())
                .collect(),
        }
    }

    /// The controller's key for a value, or why it is not asked; `None` where nobody asks it, or the
    /// value is damaged.
    pub(super) fn own(&self, header: Header) -> Option<Result<&KeyId, &'static str>> {
        let (Self::Controller { hybrid, age }, header) = (self, header) else {
            return None;
        };
        let own = match header {
            Header::Hybrid => hybrid,
            Header::Age(_) => age,
            Header::Unreadable => return None,
        };
        Some(own.as_ref().map_err(|why| *why))
    }

    /// Whether a value is of the right kind and for as many recipients as it shall be.
    pub(super) fn fits(&self, header: Header) -> bool {
        match (self, header) {
            (_, Header::Unreadable) => true,
            (Self::Controller { .. }, Header::Hybrid) => {
                self.own(header).is_some_and(|it| it.is_ok())
            }
            (Self::Controller { age, .. }, Header::Age(stanzas)) => {
                age.is_ok() && stanzas.recipients() == 1
            }
            (Self::Recipients(wanted), Header::Hybrid) => wanted.kind().envelope() == Kind::Hybrid,
            (Self::Recipients(wanted), Header::Age(stanzas)) => {
                let count = wanted.ids().len();
                let of_kind = match wanted.kind() {
                    KeyKind::Rsa(_) => return false,
                    KeyKind::X25519 => stanzas.x25519,
                    KeyKind::MlKem768X25519 => stanzas.post_quantum,
                };
                of_kind == count && stanzas.recipients() == count
            }
        }
    }
}

/// How many can open a value, and who that is, as far as the hint of its object has it.
pub(super) fn openers(stanzas: Stanzas, hints: &BTreeSet<KeyId>) -> String {
    let count = match stanzas.recipients() {
        1 => "1 recipient".to_owned(),
        count => format!("{count} recipients"),
    };
    let keys: Vec<_> = hints.iter().map(KeyId::as_str).collect();
    match keys.is_empty() {
        true => count,
        false => format!("{count} ({})", keys.join(", ")),
    }
}

fn other_key(expected: &BTreeSet<KeyId>, found: &KeyId) -> Error {
    let expected: Vec<_> = expected.iter().map(KeyId::as_str).collect();
    RotationError::OtherKey {
        expected: expected.join(", "),
        found: found.to_string(),
    }
    .into()
}
