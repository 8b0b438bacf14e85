//! The command line, as upstream's controller v0.40.0 spells it. Every flag may come from the
//! environment, too: `SEALED_SECRETS_` and its name in capitals.

use std::{collections::BTreeMap, net::SocketAddr, num::NonZeroU32, str::FromStr};

use clap::{ArgAction, Parser, ValueEnum};
use jiff::{SignedDuration, Timestamp, fmt::rfc2822};
use seal_envelope::KeySize;
use seal_keyring::KeyOrder;
use tracing::Level;

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

    /// How many objects may talk to the API server at once
    #[arg(long, env = "SEALED_SECRETS_WORKERS", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..))]
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

    /// How long a request's body may take to arrive
    #[arg(long, env = "SEALED_SECRETS_READ_TIMEOUT", default_value = "2m", value_parser = go_duration)]
    pub read_timeout: SignedDuration,

    /// How long an answer may take
    #[arg(long, env = "SEALED_SECRETS_WRITE_TIMEOUT", default_value = "2m", value_parser = go_duration)]
    pub write_timeout: SignedDuration,

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
}

/// How messages are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines, one object a line.
    Json,
}

/// Pairs of a name and a value.
pub type Pairs = BTreeMap<String, String>;

fn key_size(text: &str) -> Result<KeySize, String> {
    let bits: usize = text
        .parse()
        .map_err(|_| "not a number of bits".to_owned())?;
    KeySize::try_from(bits).map_err(|error| error.to_string())
}

/// A duration as Go's `time.ParseDuration` reads it: `720h`, `1h30m`, `1.5h`, `0`.
fn go_duration(text: &str) -> Result<SignedDuration, String> {
    if text == "0" {
        return Ok(SignedDuration::ZERO);
    }
    let duration: SignedDuration = text
        .parse()
        .map_err(|_| "not a duration such as 720h or 1h30m".to_owned())?;
    if duration.is_negative() {
        return Err("the duration is negative".into());
    }
    Ok(duration)
}

/// `Mon, 02 Jan 2006 15:04:05 -0700`, the only spelling that upstream takes; empty for none.
fn rfc1123z(text: &str) -> Result<Timestamp, String> {
    rfc2822::DateTimeParser::new()
        .parse_timestamp(text)
        .map_err(|_| "not a time such as Mon, 02 Jan 2006 15:04:05 -0700".into())
}

/// As Go's `net.Listen`: `:8080` is every address.
fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let full = match text.strip_prefix(':') {
        Some(port) => format!("[::]:{port}"),
        None => text.replace("localhost:", "127.0.0.1:"),
    };
    full.parse()
        .map_err(|_| "not an address such as :8080 or 127.0.0.1:8080".into())
}

fn pairs(text: &str) -> Result<Pairs, String> {
    let parts = text.split(',').filter(|part| !part.is_empty());
    parts
        .map(|part| match part.split_once('=') {
            Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
            None => Err(format!("{part:?} is not of the form name=value")),
        })
        .collect()
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
    fn bad_values_are_refused_by_name() {
        for bad in [
            "--key-size=1024",
            "--key-ttl=-1h",
            "--listen-addr=x",
            "--workers=0",
        ] {
            let error = parsed(&[bad]).unwrap_err().to_string();
            let flag = bad.split('=').next().unwrap();
            assert!(error.contains(flag), "{bad}: {error}");
        }
    }
}
