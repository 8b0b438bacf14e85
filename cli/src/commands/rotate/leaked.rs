//! What needs a key that others may know is sealed again, and nothing else.

use std::{collections::HashSet, path::PathBuf};

use seal_envelope::{Identity, KeyId};

use super::{
    RotationError, candidates, inputs, offline::Opener, report::RotateReport, tree::Target,
    work::Rotation,
};
use crate::{
    certificate::{CertificateOptions, Recipients},
    config::Settings,
    error::{Error, Errors},
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
        certificate: &CertificateOptions,
    ) -> Result<(RotateReport, Errors), Errors> {
        let mut recipients = Recipients::new(certificate);
        let inputs = inputs(&self.files)?;
        let candidates = candidates(&inputs, &mut recipients, |settings, recipients| {
            self.target(settings, recipients)
        })?;
        let rotation = Rotation::new(None, false).only(&self.places);
        Ok(rotation.run(&candidates, &mut Opener(self.identities.clone())))
    }

    /// A certificate of the leaked key is one that nobody has fetched anew: what the cluster publishes
    /// takes its place. One of another cluster is refused, for nothing here would open what is sealed
    /// with it.
    fn target(
        &self,
        settings: &Settings,
        recipients: &mut Recipients<'_>,
    ) -> Result<Target, Error> {
        let certificate = match recipients.certificate(settings) {
            Ok(certificate) if certificate.key_id() != self.key => certificate,
            Ok(_) | Err(Error::NoCertificate) => recipients.certificate_at_hand(settings)?,
            Err(error) => return Err(error),
        };
        if certificate.key_id() == self.key {
            let key = self.key.clone();
            return Err(RotationError::StillSeals { key }.into());
        }
        let mut known = self.identities.iter().map(|identity| identity.id());
        if !known.any(|id| id == certificate.key_id()) {
            return Err(RotationError::OtherKey {
                expected: certificate.key_id().clone(),
                found: recipients
                    .certificate_at_hand(settings)?
                    .key_id()
                    .to_string(),
            }
            .into());
        }
        Ok(Target {
            recipients: certificate.recipients().clone(),
            controller: recipients.controller(settings),
        })
    }
}
