//! The keys that files are to be sealed for, and the certificates and recipients that say so.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};
use seal_envelope::KeyId;
use seal_manifest::Location;

use super::{
    finding::{Finding, Rule},
    recipients::{AgeKeys, Expected},
};
use crate::{
    age_keys::{self, RecipientOptions},
    certificate::{self, Place},
    config::{Cluster, Configs, Listed, Settings},
    error::{Error, Errors},
    input::Source,
};

/// Certificates and recipients of the command line, or else of `.seal.yaml`, each read once. URLs and
/// clusters are not asked.
#[derive(Debug)]
pub(super) struct Certificates<'a> {
    named: &'a [PathBuf],
    recipients: &'a RecipientOptions,
    named_recipients: Option<AgeKeys>,
    lists: HashMap<PathBuf, Vec<KeyId>>,
    soon: SignedDuration,
    configs: Configs,
    keys: HashMap<PathBuf, KeyId>,
    findings: Vec<Finding>,
}

impl<'a> Certificates<'a> {
    pub(super) fn new(named: &'a [PathBuf], recipients: &'a RecipientOptions, days: u16) -> Self {
        Self {
            named,
            recipients,
            named_recipients: None,
            lists: HashMap::new(),
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
        if !self.named.is_empty() || self.recipients.are_given() {
            for path in self.named {
                expected.keys.insert(self.key(path)?);
            }
            expected.age = self.named_recipients()?;
            if expected.age.is_none() {
                expected.certificates = expected.keys.clone();
            }
            return Ok(expected);
        }
        let settings = self.configs.settings_of(file)?;
        for cluster in &settings.clusters {
            let key = match &cluster.certificate {
                Some(Place::File(path)) => Some(self.key(path)?),
                _ => None,
            };
            // With an escrow nothing is sealed with a certificate.
            if settings.escrow.is_empty() {
                expected.certificates.extend(key.clone());
            }
            match cluster.pins.is_empty() {
                true => expected.keys.extend(key),
                false => expected.keys.extend(cluster.pins.iter().cloned()),
            }
        }
        let has_pins = |cluster: &Arc<Cluster>| !cluster.pins.is_empty();
        expected.pinned = !settings.clusters.is_empty() && settings.clusters.iter().all(has_pins);
        let escrow = self.age_keys("escrow", &settings.escrow)?;
        expected.keys.extend(escrow.keys.keys().cloned());
        expected.age = self.age_recipients(&settings, escrow)?;
        if expected.age.is_some() {
            expected.certificates.clear();
        }
        Ok(expected)
    }

    /// The age recipients of a file, where it is sealed for some.
    fn age_recipients(
        &mut self,
        settings: &Settings,
        escrow: AgeKeys,
    ) -> Result<Option<AgeKeys>, Error> {
        let clusters = &settings.clusters;
        if clusters.len() < 2 && clusters.iter().all(|it| it.recipients.is_empty()) {
            return Ok(None);
        }
        let is_alone = clusters.len() == 1 && escrow.keys.is_empty();
        let mut all = escrow;
        for cluster in clusters {
            if let Some(Place::File(path)) = cluster.certificate.as_ref().filter(|_| is_alone) {
                all.instead.insert(self.key(path)?);
            }
            let whose = format!("cluster {}", cluster.name);
            let found = self.age_keys(&whose, &cluster.recipients)?;
            all.complete &= found.complete && !found.keys.is_empty();
            all.keys.extend(found.keys);
        }
        Ok(Some(all))
    }

    fn age_keys(&mut self, whose: &str, listed: &[Listed]) -> Result<AgeKeys, Error> {
        let mut all = AgeKeys {
            complete: true,
            ..AgeKeys::default()
        };
        for listed in listed {
            let ids = match listed {
                Listed::Inline(found) => vec![found.recipient.id().clone()],
                Listed::At(Place::File(path)) => self.list(path)?,
                Listed::At(Place::Url(_)) => {
                    all.complete = false;
                    Vec::new()
                }
            };
            all.keys
                .extend(ids.into_iter().map(|id| (id, whose.to_owned())));
        }
        Ok(all)
    }

    fn named_recipients(&mut self) -> Result<Option<AgeKeys>, Error> {
        if self.named_recipients.is_none() && self.recipients.are_given() {
            let found = self.recipients.read()?;
            let ids = found.iter().map(|found| found.recipient.id().clone());
            self.named_recipients = Some(AgeKeys {
                keys: ids.map(|id| (id, "the command line".to_owned())).collect(),
                complete: true,
                ..AgeKeys::default()
            });
        }
        Ok(self.named_recipients.clone())
    }

    fn list(&mut self, path: &Path) -> Result<Vec<KeyId>, Error> {
        if let Some(ids) = self.lists.get(path) {
            return Ok(ids.clone());
        }
        let source = Source::File(path.to_owned());
        let found = age_keys::in_text(&source.to_string(), &source.read()?)?;
        let ids: Vec<_> = found.iter().map(|it| it.recipient.id().clone()).collect();
        self.lists.insert(path.to_owned(), ids.clone());
        Ok(ids)
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
