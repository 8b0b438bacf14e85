//! The command line, as upstream's controller v0.40.0 spells it. Every flag may come from the
//! environment, too: `SEALED_SECRETS_` and its name in capitals.

mod election;
mod klog;
mod values;

pub use election::ElectionFlags;
pub use klog::KlogFlags;
pub use values::Pairs;

use std::{net::SocketAddr, num::NonZeroU32, str::FromStr};

use clap::{ArgAction, Parser, ValueEnum};
use jiff::{SignedDuration, Timestamp};
use seal_envelope::{KeyKind, KeySize};
use seal_keyring::KeyOrder;
use tracing::Level;

use crate::http::TrustedProxies;

use self::values::{go_duration, key_size, listen_address, pairs, rfc1123z};

/// Turns SealedSecrets into Secrets.
///
/// Holds the private keys of this cluster, unseals every SealedSecret, keeps its Secret as Git says
/// and serves the certificate that seals.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "seal-controller",
    version = concat!("v", env!("CARGO_PKG_VERSION")),
    disable_version_flag = true,
    args_override_self = true
)]
pub struct Args {
    /// Print the version
    #[arg(long, action = ArgAction::SetTrue)]
    pub version: bool,

    /// What the names of key Secrets begin with
    #[arg(
        long,
        env = "SEALED_SECRETS_KEY_PREFIX",
        default_value = "sealed-secrets-key"
    )]
    pub key_prefix: String,

    /// Size of new keys in bits: 2048, 3072, 4096 or 8192
    #[arg(long, env = "SEALED_SECRETS_KEY_SIZE", default_value = "4096", value_parser = key_size)]
    pub key_size: KeySize,

    /// Make age keys, too, and renew them like the others: x25519, or pq, whose envelopes no quantum
    /// computer opens; off makes none, and those that are there go on
    #[arg(
        long,
        env = "SEALED_SECRETS_AGE_KEYS",
        value_enum,
        default_value = "off"
    )]
    pub age_keys: AgeKeys,

    /// How long the certificates of new keys are valid, such as 87600h
    #[arg(long, env = "SEALED_SECRETS_KEY_TTL", default_value = "87600h", value_parser = go_duration)]
    pub key_ttl: SignedDuration,

    /// Common name of new certificates
    #[arg(long, env = "SEALED_SECRETS_MY_CN", default_value = "")]
    pub my_cn: String,

    /// After this time a new key is made; 0 for never
    #[arg(
        long,
        alias = "rotate-period",
        env = "SEALED_SECRETS_KEY_RENEW_PERIOD",
        default_value = "720h",
        value_parser = go_duration
    )]
    pub key_renew_period: SignedDuration,

    /// What makes a key the newest: CertNotBefore or SecretCreationTimestamp
    #[arg(
        long,
        env = "SEALED_SECRETS_KEY_ORDER_PRIORITY",
        default_value = "CertNotBefore",
        value_parser = KeyOrder::from_str
    )]
    pub key_order_priority: KeyOrder,

    /// Let a new key seal only once it is marked as backed up
    #[arg(
        long,
        env = "SEALED_SECRETS_REQUIRE_BACKUP",
        default_value_t = false,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        action = ArgAction::Set
    )]
    pub require_backup: bool,

    /// How many keys an hour are made because key administrators ask for them
    #[arg(
        long,
        env = "SEALED_SECRETS_KEY_REQUESTS_PER_HOUR",
        default_value_t = 4
    )]
    pub key_requests_per_hour: usize,

    /// Make a new key if the newest is older than this time (RFC 1123 with a numeric zone)
    #[arg(long, env = "SEALED_SECRETS_KEY_CUTOFF_TIME", value_parser = rfc1123z)]
    pub key_cutoff_time: Option<Timestamp>,

    /// Annotations of new key Secrets: k=v,…
    #[arg(
        long,
        env = "SEALED_SECRETS_PRIVATEKEY_ANNOTATIONS",
        default_value = "",
        value_parser = pairs
    )]
    pub privatekey_annotations: Pairs,

    /// Labels of new key Secrets: k=v,…
    #[arg(long, env = "SEALED_SECRETS_PRIVATEKEY_LABELS", default_value = "", value_parser = pairs)]
    pub privatekey_labels: Pairs,

    /// Unseal in all namespaces, or only in the controller's own and the additional ones
    #[arg(
        long,
        env = "SEALED_SECRETS_ALL_NAMESPACES",
        default_value_t = true,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        action = ArgAction::Set
    )]
    pub all_namespaces: bool,

    /// Unseal in these namespaces and the controller's own, not in all: a,b
    #[arg(
        long,
        env = "SEALED_SECRETS_ADDITIONAL_NAMESPACES",
        value_delimiter = ','
    )]
    pub additional_namespaces: Vec<String>,

    /// Unseal only SealedSecrets with these labels: name=value,…
    #[arg(long, env = "SEALED_SECRETS_LABEL_SELECTOR", default_value = "")]
    pub label_selector: String,

    /// Read the deprecated field data
    #[arg(
        long,
        env = "SEALED_SECRETS_ACCEPT_DEPRECATED_V1_DATA",
        default_value_t = true,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        action = ArgAction::Set
    )]
    pub accept_deprecated_v1_data: bool,

    /// Write the status of SealedSecrets
    #[arg(
        long,
        env = "SEALED_SECRETS_UPDATE_STATUS",
        default_value_t = true,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        action = ArgAction::Set
    )]
    pub update_status: bool,

    /// Delete the Secret of a SealedSecret that is gone instead of leaving it to Kubernetes
    #[arg(
        long,
        env = "SEALED_SECRETS_OLD_GC_BEHAVIOR",
        default_value_t = false,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        action = ArgAction::Set
    )]
    pub old_gc_behavior: bool,

    /// Watch no Secrets: those that others change or delete stay so
    #[arg(
        long,
        env = "SEALED_SECRETS_SKIP_RECREATE",
        default_value_t = false,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        action = ArgAction::Set
    )]
    pub skip_recreate: bool,

    /// What to do about Secrets that others have changed
    #[arg(
        long,
        env = "SEALED_SECRETS_DRIFT_POLICY",
        value_enum,
        default_value = "heal"
    )]
    pub drift_policy: DriftPolicy,

    /// Give up an object after so many retries, until something changes; without it never
    #[arg(long, env = "SEALED_SECRETS_MAX_UNSEAL_RETRIES")]
    pub max_unseal_retries: Option<u32>,

    /// Requests a second to the API server; without it, and below 0, as many as it takes
    #[arg(
        long,
        env = "SEALED_SECRETS_KUBECLIENT_QPS",
        value_parser = values::rate,
        allow_negative_numbers = true
    )]
    pub kubeclient_qps: Option<f32>,

    /// Requests to the API server that may exceed --kubeclient-qps for a moment
    #[arg(long, env = "SEALED_SECRETS_KUBECLIENT_BURST")]
    pub kubeclient_burst: Option<NonZeroU32>,

    /// How many objects may talk to the API server at once
    #[arg(long, env = "SEALED_SECRETS_WORKERS", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    pub workers: u16,

    /// Where health, readiness and the certificate are served; without a host on all addresses
    #[arg(long, env = "SEALED_SECRETS_LISTEN_ADDR", default_value = ":8080", value_parser = listen_address)]
    pub listen_addr: SocketAddr,

    /// Where metrics are served; without a host on all addresses
    #[arg(long, env = "SEALED_SECRETS_LISTEN_METRICS_ADDR", default_value = ":8081", value_parser = listen_address)]
    pub listen_metrics_addr: SocketAddr,

    /// Name no SealedSecret in the metrics
    #[arg(
        long,
        env = "SEALED_SECRETS_METRICS_OMIT_SECRET_LABELS",
        default_value_t = false,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        action = ArgAction::Set
    )]
    pub metrics_omit_secret_labels: bool,

    /// Requests a second that one peer may send to /v1/verify and /v1/rotate
    #[arg(long, env = "SEALED_SECRETS_RATE_LIMIT", default_value = "2")]
    pub rate_limit: NonZeroU32,

    /// Requests that one peer may send at once to /v1/verify and /v1/rotate
    #[arg(long, env = "SEALED_SECRETS_RATE_LIMIT_BURST", default_value = "2")]
    pub rate_limit_burst: NonZeroU32,

    /// Proxies whose X-Forwarded-For is believed, so that each client behind them counts as a peer:
    /// addresses and networks, such as 10.0.0.0/8,fd00::/8
    #[arg(
        long,
        env = "SEALED_SECRETS_TRUSTED_PROXIES",
        default_value = "",
        value_parser = TrustedProxies::from_str
    )]
    pub trusted_proxies: TrustedProxies,

    /// How long a request's header may take to arrive, and then its body; so long a connection may be idle
    #[arg(long, env = "SEALED_SECRETS_READ_TIMEOUT", default_value = "2m", value_parser = go_duration)]
    pub read_timeout: SignedDuration,

    /// How long an answer may take
    #[arg(long, env = "SEALED_SECRETS_WRITE_TIMEOUT", default_value = "2m", value_parser = go_duration)]
    pub write_timeout: SignedDuration,

    /// Accepted for compatibility: key Secrets are always watched
    #[arg(
        long,
        env = "SEALED_SECRETS_WATCH_FOR_SECRETS",
        default_value_t = true,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        action = ArgAction::Set
    )]
    pub watch_for_secrets: bool,

    /// Log informational messages to standard output, the others to standard error
    #[arg(
        long,
        env = "SEALED_SECRETS_LOG_INFO_STDOUT",
        default_value_t = true,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        action = ArgAction::Set
    )]
    pub log_info_stdout: bool,

    /// The least severe messages that are logged: ERROR, WARN, INFO, DEBUG or TRACE
    #[arg(long, env = "SEALED_SECRETS_LOG_LEVEL", default_value = "INFO", value_parser = Level::from_str)]
    pub log_level: Level,

    /// How messages are logged
    #[arg(
        long,
        env = "SEALED_SECRETS_LOG_FORMAT",
        value_enum,
        default_value = "text"
    )]
    pub log_format: LogFormat,

    /// One of several replicas reconciles
    #[command(flatten)]
    pub election: ElectionFlags,

    /// klog's flags, which upstream's users pass along
    #[command(flatten)]
    pub klog: KlogFlags,
}

/// Which age keys are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AgeKeys {
    /// None.
    Off,
    /// X25519.
    #[value(name = "x25519")]
    X25519,
    /// ML-KEM-768 with X25519.
    #[value(name = "pq")]
    PostQuantum,
}

impl AgeKeys {
    /// Their algorithm; `None` when none are made.
    #[must_use]
    pub fn kind(self) -> Option<KeyKind> {
        match self {
            Self::Off => None,
            Self::X25519 => Some(KeyKind::X25519),
            Self::PostQuantum => Some(KeyKind::MlKem768X25519),
        }
    }
}

/// What to do about a Secret that somebody else has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DriftPolicy {
    /// Put it right.
    Heal,
    /// Leave it, and tell with an event.
    Report,
    /// Leave it.
    Ignore,
}

/// How messages are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines, one object a line.
    Json,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parsed(args: &[&str]) -> Result<Args, clap::Error> {
        Args::try_parse_from(std::iter::once(&"controller").chain(args))
    }

    #[test]
    fn the_definition_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn the_defaults_are_upstreams() {
        let args = parsed(&[]).unwrap();
        assert_eq!(args.key_prefix, "sealed-secrets-key");
        assert_eq!(args.key_size, KeySize::Rsa4096);
        assert_eq!(args.key_ttl, SignedDuration::from_hours(87_600));
        assert_eq!(args.key_renew_period, SignedDuration::from_hours(720));
        assert_eq!(args.listen_addr.to_string(), "[::]:8080");
        assert!(args.update_status && args.accept_deprecated_v1_data);
    }

    #[test]
    fn values_are_read_as_go_reads_them() {
        let args = parsed(&[
            "--key-renew-period=1h30m",
            "--key-cutoff-time",
            "Mon, 02 Jan 2006 15:04:05 -0700",
            "--update-status=false",
            "--accept-deprecated-v1-data",
            "--privatekey-labels=a=1,b=x=y",
        ])
        .unwrap();
        assert_eq!(args.key_renew_period, SignedDuration::from_mins(90));
        assert_eq!(
            args.key_cutoff_time.unwrap().to_string(),
            "2006-01-02T22:04:05Z"
        );
        assert!(!args.update_status && args.accept_deprecated_v1_data);
        assert_eq!(args.privatekey_labels["b"], "x=y");
        assert!(
            parsed(&["--rotate-period=0"])
                .unwrap()
                .key_renew_period
                .is_zero()
        );
    }

    #[test]
    fn every_flag_of_upstream_is_taken() {
        let args = "--key-prefix=k --key-size=4096 --key-ttl=1h --my-cn=x --rotate-period=1h \
            --key-order-priority=CertNotBefore --accept-deprecated-v1-data=true --all-namespaces=false \
            --additional-namespaces=a,b --label-selector=a=b --rate-limit=2 --rate-limit-burst=2 \
            --metrics-omit-secret-labels --privatekey-annotations=a=b --old-gc-behavior=false \
            --update-status --watch-for-secrets=false --skip-recreate --log-info-stdout=false \
            --log-level=ERROR --log-format=json --max-unseal-retries=5 --kubeclient-qps=5 \
            --kubeclient-burst=10 --listen-addr=:8080 --listen-metrics-addr=:8081 --read-timeout=2m \
            --write-timeout=2m -v 4 --v=2 --logtostderr --alsologtostderr=false --vmodule=a=1";
        let args: Vec<_> = args.split_whitespace().collect();
        let args = parsed(&args).unwrap();
        assert_eq!(args.additional_namespaces, ["a", "b"]);
        assert!(args.skip_recreate && !args.all_namespaces && !args.log_info_stdout);
        assert_eq!(
            (args.max_unseal_retries, args.kubeclient_qps),
            (Some(5), Some(5.0))
        );
    }

    #[test]
    fn age_keys_are_made_where_that_is_asked_for() {
        let kind = |args: &[&str]| parsed(args).unwrap().age_keys.kind();
        assert_eq!(kind(&[]), None);
        assert_eq!(kind(&["--age-keys=off"]), None);
        assert_eq!(kind(&["--age-keys=x25519"]), Some(KeyKind::X25519));
        assert_eq!(kind(&["--age-keys=pq"]), Some(KeyKind::MlKem768X25519));
    }

    #[test]
    fn nothing_is_limited_unless_that_is_asked_for() {
        let args = parsed(&[]).unwrap();
        assert_eq!((args.max_unseal_retries, args.kubeclient_qps), (None, None));
        assert!(args.all_namespaces && args.log_info_stdout);
        // As upstream's chart passes its value kubeClientQPS: -1.
        let args = parsed(&["--kubeclient-qps", "-1"]).unwrap();
        assert_eq!(args.kubeclient_qps, Some(-1.0));
    }

    #[test]
    fn bad_values_are_refused_by_name() {
        for bad in [
            "--key-size=1024",
            "--key-ttl=-1h",
            "--listen-addr=x",
            "--trusted-proxies=10.0.0.0/33",
            "--workers=0",
            "--age-keys=rsa",
        ] {
            let error = parsed(&[bad]).unwrap_err().to_string();
            let flag = bad.split('=').next().unwrap();
            assert!(error.contains(flag), "{bad}: {error}");
        }
    }
}
