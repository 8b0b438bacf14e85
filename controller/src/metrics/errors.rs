//! Failed passes by reason and namespace, as upstream counts them.

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use kube::{Resource, runtime::reflector::Store};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter},
};

use crate::watched::Watched;

/// Failures by namespace and upstream's word for the reason.
#[derive(Debug, Default)]
pub(super) struct UnsealErrors(Mutex<BTreeMap<(String, &'static str), u64>>);

impl UnsealErrors {
    pub(super) fn count(&self, namespace: &str, reason: &'static str) {
        *self
            .lock()
            .entry((namespace.to_owned(), reason))
            .or_default() += 1;
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(String, &'static str), u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The failures of namespaces that hold a SealedSecret. Those of a namespace that is gone would stay
/// for ever (upstream #1747), and whoever may make namespaces could fill the memory of both ends.
pub(super) struct ErrorsByNamespace {
    pub(super) errors: Arc<UnsealErrors>,
    pub(super) objects: Store<Watched>,
}

impl fmt::Debug for ErrorsByNamespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErrorsByNamespace").finish_non_exhaustive()
    }
}

impl Collector for ErrorsByNamespace {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let objects = self.objects.state();
        let inhabited: HashSet<&str> = objects
            .iter()
            .filter_map(|watched| watched.meta().namespace.as_deref())
            .collect();
        let mut errors = self.errors.lock();
        errors.retain(|(namespace, _), _| inhabited.contains(namespace.as_str()));
        let help = "Passes that failed, by reason (fetch, status, unseal, unmanaged, update)";
        let mut family =
            encoder.encode_descriptor("unseal_errors", help, None, MetricType::Counter)?;
        for ((namespace, reason), count) in &*errors {
            let labels = [("reason", *reason), ("namespace", namespace.as_str())];
            ConstCounter::new(*count).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
