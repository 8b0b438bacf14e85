//! Objects and keys as they are, collected at every scrape.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use jiff::SignedDuration;
use kube::{Resource, runtime::reflector::Store};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, gauge::ConstGauge},
};
use seal_api::{Condition, ConditionStatus, ConditionType};
use seal_envelope::Kind;

use crate::{clock::Clock, keys::KeySource, leader::Leadership, watched::Watched};

/// Where the inventory is taken.
pub struct Inventory {
    /// The SealedSecrets.
    pub objects: Store<Watched>,
    /// The keys.
    pub keys: KeySource,
    /// Whether this replica leads.
    pub leadership: Leadership,
    /// The time.
    pub clock: Clock,
    /// After which age of the newest key a new one is made; zero for never.
    pub renew_period: SignedDuration,
    /// Whether age keys are made and renewed, too.
    pub makes_age_keys: bool,
    /// Whether no metric may name a SealedSecret (`--metrics-omit-secret-labels`).
    pub omit_names: bool,
}

impl fmt::Debug for Inventory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inventory").finish_non_exhaustive()
    }
}

impl Collector for Inventory {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        if !self.omit_names {
            self.condition_info(&mut encoder)?;
        }
        self.counts(&mut encoder)?;
        self.conditions(&mut encoder)?;
        self.leader(&mut encoder)?;
        self.keys(&mut encoder)?;
        self.current_keys(&mut encoder)
    }
}

impl Inventory {
    /// Upstream's view of single objects. Only Synced is in it: the usual alert is `!= 1`.
    fn condition_info(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Synced of every SealedSecret: -1 (false), 0 (unknown) or 1 (true)";
        let mut family =
            encoder.encode_descriptor("condition_info", help, None, MetricType::Gauge)?;
        for watched in self.objects.state() {
            let metadata = watched.meta();
            let Some(synced) = condition(&watched, &ConditionType::Synced) else {
                continue;
            };
            let instance = metadata
                .labels
                .as_ref()
                .and_then(|it| it.get("app.kubernetes.io/instance"));
            let labels = [
                (
                    "namespace",
                    metadata.namespace.as_deref().unwrap_or_default(),
                ),
                ("name", metadata.name.as_deref().unwrap_or_default()),
                ("condition", "Synced"),
                (
                    "ss_app_kubernetes_io_instance",
                    instance.map_or("", String::as_str),
                ),
            ];
            let value: i64 = match synced.status {
                ConditionStatus::True => 1,
                ConditionStatus::False => -1,
                ConditionStatus::Unknown => 0,
            };
            ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    /// Counts that name nobody: objects by readiness and reason, and by key.
    fn counts(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut by_state: BTreeMap<(&str, String), i64> = BTreeMap::new();
        let mut by_key: BTreeMap<String, i64> = BTreeMap::new();
        let keyring = &self.keys.snapshot().keyring;
        for watched in self.objects.state() {
            let state = match condition(&watched, &ConditionType::Ready) {
                Some(Condition {
                    status: ConditionStatus::True,
                    reason,
                    ..
                }) => ("True", reason.clone()),
                Some(Condition {
                    status: ConditionStatus::False,
                    reason,
                    ..
                }) => ("False", reason.clone()),
                _ => ("Unknown", String::new()),
            };
            *by_state.entry(state).or_default() += 1;
            let status = watched
                .0
                .as_ref()
                .ok()
                .and_then(|sealed| sealed.status.as_ref());
            let record = status.and_then(|status| status.record.as_ref());
            // A record may name anything: only keys that are here have a series of their own.
            let keys = record.into_iter().flat_map(|record| &record.keys);
            let known = |key: &String| {
                if keyring.contains(key) {
                    key.clone()
                } else {
                    "other".into()
                }
            };
            for key in keys.map(known).collect::<BTreeSet<_>>() {
                *by_key.entry(key).or_default() += 1;
            }
        }

        let help = "SealedSecrets by the status and reason of their condition Ready";
        let mut family = encoder.encode_descriptor("objects", help, None, MetricType::Gauge)?;
        for ((ready, reason), count) in by_state {
            let labels = [("ready", ready), ("reason", reason.as_str())];
            ConstGauge::new(count).encode(family.encode_family(&labels)?)?;
        }
        let help = "SealedSecrets by the keys that opened them when they were last unsealed";
        let mut family =
            encoder.encode_descriptor("objects_by_key", help, None, MetricType::Gauge)?;
        for (key, count) in by_key {
            ConstGauge::new(count).encode(family.encode_family(&[("key", key.as_str())])?)?;
        }
        Ok(())
    }

    /// Conditions of ours alone: the words of others have no end.
    fn conditions(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut counts: BTreeMap<(&str, &str), i64> = BTreeMap::new();
        for watched in self.objects.state() {
            let status = watched.0.as_ref().ok().and_then(|it| it.status.as_ref());
            for condition in status.into_iter().flat_map(|status| &status.conditions) {
                let Some(type_) = condition.type_.name() else {
                    continue;
                };
                let status = match condition.status {
                    ConditionStatus::True => "True",
                    ConditionStatus::False => "False",
                    ConditionStatus::Unknown => "Unknown",
                };
                *counts.entry((type_, status)).or_default() += 1;
            }
        }
        let help = "SealedSecrets by condition and its status";
        let mut family = encoder.encode_descriptor("conditions", help, None, MetricType::Gauge)?;
        for ((condition, status), count) in counts {
            let labels = [("condition", condition), ("status", status)];
            ConstGauge::new(count).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn leader(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Whether this replica leads: 1 (it reconciles and makes keys) or 0";
        let leads = ConstGauge::new(i64::from(self.leadership.holds()));
        leads.encode(encoder.encode_descriptor("leader", help, None, MetricType::Gauge)?)
    }

    fn keys(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let keyring = &self.keys.snapshot().keyring;
        let unmarked = keyring.iter().filter(|key| key.marks().backup.is_none());
        let kinds = Kind::ALL.into_iter();
        let awaited = kinds.flat_map(|kind| keyring.awaiting_backup(kind));
        for (name, help, count) in [
            (
                "keys_not_backed_up",
                "Keys in use without a mark of a backup",
                unmarked.count(),
            ),
            (
                "keys_awaiting_backup",
                "Keys that seal only once they are backed up",
                awaited.count(),
            ),
            ("keys", "Keys in use", keyring.len()),
        ] {
            let count = ConstGauge::new(i64::try_from(count).unwrap_or(i64::MAX));
            count.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        Ok(())
    }

    /// By kind: each has a key that seals, and is renewed or not.
    fn current_keys(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let keyring = &self.keys.snapshot().keyring;
        let name = "key_renew_period_seconds";
        let help = "After which age of the newest key a new one is made; 0 for never";
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for kind in Kind::ALL {
            let renews = kind == Kind::Hybrid || self.makes_age_keys;
            let period = if renews {
                self.renew_period.as_secs()
            } else {
                0
            };
            let labels = [("kind", key_name(kind))];
            ConstGauge::new(period).encode(family.encode_family(&labels)?)?;
        }
        let current = || {
            let kinds = Kind::ALL.into_iter();
            kinds.filter_map(|kind| Some((kind, keyring.current(kind)?)))
        };
        if current().next().is_none() {
            return Ok(());
        }
        let name = "current_key_age_seconds";
        let help = "Seconds since the current key became the newest";
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (kind, key) in current() {
            let age = self.clock.now().duration_since(keyring.time(key)).as_secs();
            let labels = [("kind", key_name(kind))];
            ConstGauge::new(age).encode(family.encode_family(&labels)?)?;
        }
        let Some(end) = current().find_map(|(_, key)| key.public().not_after()) else {
            return Ok(());
        };
        let name = "current_key_expiry_timestamp_seconds";
        let help = "When the certificate of the current key expires, in seconds since 1970";
        let expiry = ConstGauge::new(end.as_second());
        expiry.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
    }
}

/// What the keys are called, as in requests for them.
fn key_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Hybrid => "rsa",
        Kind::Age => "age",
    }
}

fn condition<'a>(watched: &'a Watched, type_: &ConditionType) -> Option<&'a Condition> {
    let status = watched.0.as_ref().ok()?.status.as_ref()?;
    status
        .conditions
        .iter()
        .find(|condition| condition.type_ == *type_)
}
