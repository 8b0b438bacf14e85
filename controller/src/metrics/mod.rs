//! What is measured: upstream's names and types, and what its operators miss.
//!
//! Counters and histograms are kept here; what is a property of the objects and keys as they are is
//! collected anew at every scrape ([`Inventory`]), so that a removed object's series goes away by
//! itself.

mod errors;
mod inventory;

pub use inventory::Inventory;

use std::{sync::Arc, time::Duration};

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use self::errors::{ErrorsByNamespace, UnsealErrors};

/// What every name begins with.
const PREFIX: &str = "sealed_secrets_controller";
/// Go's `prometheus.DefBuckets`, in seconds.
const BUCKETS: [f64; 11] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// The counters and histograms. Cloning shares them.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Measured>);

#[derive(Debug)]
struct Measured {
    unseal_requests: Counter,
    unseal_errors: Arc<UnsealErrors>,
    passes: Histogram,
    queued: Gauge,
    waits: Histogram,
    operations: Counter,
    retries: Counter,
    repairs: Counter,
    published: Family<Published, Gauge>,
    http_requests: Family<HttpRequest, Counter>,
    http_durations: Family<HttpRoute, Histogram, fn() -> Histogram>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Published {
    configmap: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HttpRequest {
    path: &'static str,
    code: u16,
    method: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HttpRoute {
    path: &'static str,
    method: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildInfo {
    revision: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        Self(Arc::new(Measured {
            unseal_requests: Counter::default(),
            unseal_errors: Arc::default(),
            passes: histogram(),
            queued: Gauge::default(),
            waits: histogram(),
            operations: Counter::default(),
            retries: Counter::default(),
            repairs: Counter::default(),
            published: Family::default(),
            http_requests: Family::default(),
            http_durations: Family::new_with_constructor(histogram),
        }))
    }
}

fn histogram() -> Histogram {
    Histogram::new(BUCKETS)
}

impl Metrics {
    /// A pass that wanted something done.
    pub fn pass(&self, took: Duration) {
        self.0.unseal_requests.inc();
        self.0.passes.observe(took.as_secs_f64());
    }

    /// A pass that failed; `reason` is one of upstream's words.
    pub fn failed(&self, reason: &'static str, namespace: &str) {
        self.0.unseal_errors.count(namespace, reason);
    }

    /// A pass that will be made again.
    pub fn retry(&self) {
        self.0.retries.inc();
    }

    /// A Secret that was put right.
    pub fn repair(&self) {
        self.0.repairs.inc();
    }

    /// Whether a ConfigMap of ours is as it should be.
    pub fn published(&self, configmap: &'static str, is_right: bool) {
        let label = Published { configmap };
        let gauge = self.0.published.get_or_create(&label);
        gauge.set(is_right.into());
    }

    /// Work that begins to wait for its turn.
    pub fn queued(&self) {
        self.0.queued.inc();
    }

    /// Work that is done or given up, and how long it took from the first.
    pub fn unqueued(&self, took: Duration) {
        self.0.queued.dec();
        self.0.waits.observe(took.as_secs_f64());
    }

    /// Private-key operations that were made.
    pub fn operations(&self, made: usize) {
        self.0.operations.inc_by(made as u64);
    }

    /// How many private-key operations were made so far.
    #[must_use]
    pub fn operations_made(&self) -> u64 {
        self.0.operations.get()
    }

    /// A request that was answered.
    pub fn http(&self, path: &'static str, method: &'static str, code: u16, took: Duration) {
        self.0
            .http_requests
            .get_or_create(&HttpRequest { path, code, method })
            .inc();
        let route = HttpRoute { path, method };
        self.0
            .http_durations
            .get_or_create(&route)
            .observe(took.as_secs_f64());
    }

    /// Everything there is to scrape.
    #[must_use]
    pub fn registry(&self, inventory: Inventory) -> Registry {
        let mut registry = Registry::with_prefix(PREFIX);
        let it = &self.0;
        let build: Family<BuildInfo, Gauge> = Family::default();
        build
            .get_or_create(&BuildInfo {
                revision: env!("CARGO_PKG_VERSION"),
            })
            .set(1);
        registry.register("build_info", "Build information", build);
        registry.register(
            "unseal_requests",
            "Passes over SealedSecrets that wanted something done",
            it.unseal_requests.clone(),
        );
        registry.register_with_unit(
            "reconcile_duration",
            "How long such passes took",
            Unit::Seconds,
            it.passes.clone(),
        );
        registry.register(
            "queue_depth",
            "Objects that wait to be unsealed",
            it.queued.clone(),
        );
        registry.register_with_unit(
            "queue_wait",
            "From the wish to unseal an object to its end",
            Unit::Seconds,
            it.waits.clone(),
        );
        registry.register(
            "private_key_operations",
            "Private-key operations made",
            it.operations.clone(),
        );
        registry.register(
            "retries",
            "Passes that will be made again",
            it.retries.clone(),
        );
        registry.register(
            "drift_repairs",
            "Secrets that were changed or deleted by others and put right",
            it.repairs.clone(),
        );
        registry.register(
            "published",
            "Whether a ConfigMap of the controller is as it should be: 1 or 0; of the leader alone",
            it.published.clone(),
        );
        registry.register(
            "http_requests",
            "Requests answered",
            it.http_requests.clone(),
        );
        registry.register_with_unit(
            "http_request_duration",
            "How long answers took",
            Unit::Seconds,
            it.http_durations.clone(),
        );
        let errors = ErrorsByNamespace {
            errors: Arc::clone(&it.unseal_errors),
            objects: inventory.objects.clone(),
        };
        registry.register_collector(Box::new(errors));
        registry.register_collector(Box::new(inventory));
        registry
    }
}

/// The text of a scrape, in the OpenMetrics format.
///
/// # Errors
/// When a collector fails, which none of ours does.
pub fn scrape(registry: &Registry) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    text::encode(&mut text, registry)?;
    Ok(text)
}
