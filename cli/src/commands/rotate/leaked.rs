//! What needs a key that others may know is sealed again, and nothing else.

use std::{collections::HashSet, path::PathBuf};

use seal_envelope::{Identity, KeyId, Kind};

use super::{
    RotationError, Speaking, aim::Aim, candidates, inputs, offline::Opener, report::RotateReport,
    tree::Target, work::Rotation,
};
use crate::{
    error::{Error, Errors},
    recipients::{Sealing, SealingOptions},
};

/// What is to be sealed again, and with what it is opened.
#[derive(Debug)]
pub(crate) struct Leaked<'a> {
    /// The key that nothing shall be sealed for any more.
    pub(crate) key: &'a KeyId,
    /// The private keys of the cluster, that one included.
    pub(crate) identities: Vec<&'a Identity>,
    /// The files in which something needs it.
    pub(crate) files: Vec<PathBuf>,
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
        let rotation = Rotation::new(None, false).only(&self.places);
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
        let at_hand = |sealing: &mut Sealing<'_>| sealing.certificate_at_hand(settings);
        let recipients = match sealing.recipients(settings) {
            Ok(recipients) if !recipients.ids().contains(self.key) => recipients,
            Ok(recipients) if recipients.kind().envelope() == Kind::Age => {
                let key = self.key.clone();
                return Err(RotationError::StillNamed { key }.into());
            }
            Ok(_) | Err(Error::NoCertificate) => at_hand(sealing)?.recipients().clone(),
            Err(error) => return Err(error),
        };
        let wanted = recipients.ids();
        if wanted.contains(self.key) {
            let key = self.key.clone();
            return Err(RotationError::StillSeals { key }.into());
        }
        let mut known = self.identities.iter().map(|identity| identity.id());
        if !known.any(|id| wanted.contains(id)) {
            let wanted: Vec<_> = wanted.iter().map(KeyId::as_str).collect();
            return Err(RotationError::OtherKey {
                expected: wanted.join(", "),
                found: at_hand(sealing)?.key_id().to_string(),
            }
            .into());
        }
        Ok(Target {
            aim: Aim::Recipients(recipients),
            controller: sealing.controller(settings),
        })
    }
}
