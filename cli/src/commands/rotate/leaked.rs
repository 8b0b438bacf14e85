//! What needs a key that others may know is sealed again, and nothing else.

use std::{collections::HashSet, path::PathBuf};

use seal_envelope::{Identity, KeyId, Kind, Recipients};

use super::{
    RotationError, Speaking, aim::Aim, candidates, inputs, offline::Opener, report::RotateReport,
    tree::Target, work::Rotation,
};
use crate::{
    config::Settings,
    error::{Error, Errors},
    recipients::{Sealing, SealingOptions},
};

/// What is to be sealed again, and with what it is opened.
#[derive(Debug)]
pub(crate) struct Leaked<'a> {
    /// The key that nothing shall be sealed for any more.
    pub(crate) key: &'a KeyId,
    /// The kind of the envelopes that it makes.
    pub(crate) kind: Kind,
    /// The private keys of the cluster, that one included.
    pub(crate) identities: Vec<&'a Identity>,
    /// The files in which something needs it.
    pub(crate) files: Vec<PathBuf>,
    /// The namespace of SealedSecrets that name none.
    pub(crate) namespace: Option<&'a str>,
    /// Where in them the SealedSecrets stand that need it.
    pub(crate) places: HashSet<String>,
}

impl Leaked<'_> {
    /// Seals every value of these SealedSecrets again that is not under the current key, in place.
    ///
    /// # Errors
    /// What stood in the way from the beginning. What failed later stands beside the report.
    pub(crate) fn seal_again(
        &self,
        sealing: &SealingOptions,
    ) -> Result<(RotateReport, Errors), Errors> {
        let mut sealing = Sealing::new(sealing);
        let inputs = inputs(&self.files)?;
        let candidates = candidates(&inputs, &mut sealing, |file| self.target(file))?;
        let rotation = Rotation::new(self.namespace, false).only(&self.places);
        let mut opener = Opener {
            identities: self.identities.clone(),
            all: false,
        };
        Ok(rotation.run(&candidates, &mut opener))
    }

    /// A certificate of the leaked key is one that nobody has fetched anew: what the cluster publishes
    /// takes its place. Recipients are named one by one; there the leaked key must have gone first.
    /// Those of another cluster are refused, for nothing here would open what is sealed for them.
    fn target(&self, file: Speaking<'_, '_>) -> Result<Target, Error> {
        let Speaking {
            settings, sealing, ..
        } = file;
        let (recipients, is_list) = match sealing.recipients(settings) {
            Ok(named) if named.ids().contains(self.key) => match named.kind().envelope() {
                Kind::Hybrid => (self.at_hand(sealing, settings)?, false),
                Kind::Age => {
                    let key = self.key.clone();
                    return Err(RotationError::StillNamed { key }.into());
                }
            },
            Ok(named) if self.may_become(&named, sealing) => {
                let is_list = named.kind().envelope() == Kind::Age;
                (named, is_list)
            }
            Ok(_) | Err(Error::NoCertificate) => (self.at_hand(sealing, settings)?, false),
            Err(error) => return Err(error),
        };
        let wanted = recipients.ids();
        if wanted.contains(self.key) {
            let key = self.key.clone();
            return Err(RotationError::StillSeals { key }.into());
        }
        let mut known = self.identities.iter().map(|identity| identity.id());
        if !known.any(|id| wanted.contains(id)) {
            return Err(RotationError::OtherKey {
                expected: joined(&recipients),
                found: joined(&self.at_hand(sealing, settings)?),
            }
            .into());
        }
        Ok(Target {
            may_drop: is_list || sealing.is_for_hybrid_alone(),
            aim: Aim::Recipients(recipients),
            controller: sealing.controller(settings),
        })
    }

    /// What is in age, perhaps against quantum computers, becomes hybrid only where that is asked for.
    fn may_become(&self, recipients: &Recipients, sealing: &Sealing<'_>) -> bool {
        self.kind == Kind::Hybrid
            || recipients.kind().envelope() == Kind::Age
            || sealing.is_for_hybrid_alone()
    }

    /// The key of the leaked one's kind with which the cluster of the command line seals now.
    fn at_hand(&self, sealing: &mut Sealing<'_>, settings: &Settings) -> Result<Recipients, Error> {
        match self.kind {
            Kind::Age if !sealing.is_for_hybrid_alone() => sealing.recipients_at_hand(settings),
            _ => {
                let certificate = sealing.certificate_at_hand(settings)?;
                Ok(certificate.recipients().clone())
            }
        }
    }
}

fn joined(recipients: &Recipients) -> String {
    let ids = recipients.ids();
    let ids: Vec<_> = ids.iter().map(KeyId::as_str).collect();
    ids.join(", ")
}
