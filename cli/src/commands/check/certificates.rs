//! The keys that files are to be sealed for, and the certificates that say so.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp};
use seal_envelope::KeyId;
use seal_manifest::Location;

use super::{
    finding::{Finding, Rule},
    sealed::Expected,
};
use crate::{
    certificate::{self, Place},
    config::{Configs, Settings},
    error::{Error, Errors},
    input::Source,
};

/// Certificates of the command line, or else of `.seal.yaml`, each read once. URLs and clusters are
/// not asked.
#[derive(Debug)]
pub(super) struct Certificates<'a> {
    named: &'a [PathBuf],
    soon: SignedDuration,
    configs: Configs,
    keys: HashMap<PathBuf, KeyId>,
    findings: Vec<Finding>,
}

impl<'a> Certificates<'a> {
    pub(super) fn new(named: &'a [PathBuf], days: u16) -> Self {
        Self {
            named,
            soon: SignedDuration::from_hours(24 * i64::from(days)),
            configs: Configs::default(),
            keys: HashMap::new(),
            findings: Vec::new(),
        }
    }

    /// What `.seal.yaml` says of a file.
    pub(super) fn settings(&mut self, file: &Path) -> Result<Settings, Errors> {
        self.configs.settings_of(file)
    }

    /// What a file is to be sealed for.
    pub(super) fn expected(&mut self, file: &Path) -> Result<Expected, Errors> {
        let mut expected = Expected::default();
        if !self.named.is_empty() {
            for path in self.named {
                expected.keys.insert(self.key(path)?);
            }
            return Ok(expected);
        }
        let settings = self.configs.settings_of(file)?;
        for cluster in &settings.clusters {
            let key = match &cluster.certificate {
                Some(Place::File(path)) => Some(self.key(path)?),
                _ => None,
            };
            if cluster.pins.is_empty() {
                expected.keys.extend(key);
            } else {
                expected.pinned = true;
                expected.keys.extend(cluster.pins.iter().cloned());
            }
        }
        Ok(expected)
    }

    fn key(&mut self, path: &Path) -> Result<KeyId, Error> {
        if let Some(key) = self.keys.get(path) {
            return Ok(key.clone());
        }
        let source = Source::File(path.to_owned());
        let certificate = certificate::parse(&source.to_string(), &source.read()?)?;
        let (key, not_after) = (certificate.key_id().clone(), certificate.not_after());
        let at = Location {
            source: source.to_string(),
            line: 1,
            column: 1,
        };
        let now = Timestamp::now();
        if certificate.is_expired(now) {
            let message = format!("the certificate of key {key} expired on {not_after}");
            self.findings
                .push(Finding::error(Rule::CertificateExpired, at, message));
        } else if not_after.duration_since(now) < self.soon {
            let message = format!(
                "the certificate of key {key} expires on {not_after}; fetch the next one with: seal \
                 keys fetch"
            );
            self.findings
                .push(Finding::warning(Rule::CertificateExpiring, at, message));
        }
        self.keys.insert(path.to_owned(), key.clone());
        Ok(key)
    }

    pub(super) fn into_findings(self) -> Vec<Finding> {
        self.findings
    }
}
