//! Why a server's certificate is not trusted, as Go's `crypto/x509` tells it.

use rustls::CertificateError;
use rustls::pki_types::{ServerName, UnixTime};

/// The TLS library's error, where this is one, or wraps one as errors of connections do.
#[must_use]
pub fn certificate_error<'a>(
    mut error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a CertificateError> {
    while let Some(inner) = error
        .downcast_ref::<std::io::Error>()
        .and_then(std::io::Error::get_ref)
    {
        error = inner;
    }
    match error.downcast_ref::<rustls::Error>() {
        Some(rustls::Error::InvalidCertificate(error)) => Some(error),
        _ => None,
    }
}

/// In Go's words, where it has such an error.
#[must_use]
pub fn reason(error: &CertificateError) -> String {
    let expired = "certificate has expired or is not yet valid: ";
    match error {
        CertificateError::UnknownIssuer => "certificate signed by unknown authority".to_owned(),
        CertificateError::ExpiredContext { time, not_after } => {
            format!(
                "{expired}current time {} is after {}",
                at(*time),
                at(*not_after)
            )
        }
        CertificateError::NotValidYetContext { time, not_before } => {
            format!(
                "{expired}current time {} is before {}",
                at(*time),
                at(*not_before)
            )
        }
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => wrong_name(expected, presented),
        error => error.to_string(),
    }
}

/// RFC 3339, to the second.
fn at(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    let time = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX);
    time.to_string()
}

/// Go lists the names of the same kind as the one wanted: addresses for an address, else names.
fn wrong_name(expected: &ServerName<'static>, presented: &[String]) -> String {
    // The TLS library writes them as `DnsName("db.example")` and `IpAddress(127.0.0.1)`.
    let named = |kind: &str| {
        let inner = |text: &String| {
            let text = text
                .strip_prefix(kind)?
                .strip_prefix('(')?
                .strip_suffix(')')?;
            Some(text.trim_matches('"').to_owned())
        };
        presented.iter().filter_map(inner).collect::<Vec<_>>()
    };
    let (wanted, valid) = match expected {
        ServerName::IpAddress(address) => {
            let wanted = std::net::IpAddr::from(*address).to_string();
            let valid = named("IpAddress");
            if valid.is_empty() {
                return format!(
                    "cannot validate certificate for {wanted} because it doesn't contain any IP SANs"
                );
            }
            (wanted, valid)
        }
        other => (other.to_str().into_owned(), named("DnsName")),
    };
    match valid.is_empty() {
        true => format!("certificate is not valid for any names, but wanted to match {wanted}"),
        false => format!(
            "certificate is valid for {}, not {wanted}",
            valid.join(", ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn wrong(expected: &str, presented: &[&str]) -> String {
        reason(&CertificateError::NotValidForNameContext {
            expected: ServerName::try_from(expected.to_owned()).unwrap(),
            presented: presented.iter().map(|it| (*it).to_owned()).collect(),
        })
    }

    #[test]
    fn names_are_told_as_go_tells_them() {
        let all = [
            "DnsName(\"a.b\")",
            "DnsName(\"c\")",
            "IpAddress(10.0.0.1)",
            "IpAddress(::1)",
        ];
        assert_eq!(
            wrong("x.y", &all),
            "certificate is valid for a.b, c, not x.y"
        );
        assert_eq!(
            wrong("10.0.0.2", &all),
            "certificate is valid for 10.0.0.1, ::1, not 10.0.0.2"
        );
        assert_eq!(
            wrong("10.0.0.2", &all[..2]),
            "cannot validate certificate for 10.0.0.2 because it doesn't contain any IP SANs"
        );
        assert_eq!(
            wrong("x.y", &[]),
            "certificate is not valid for any names, but wanted to match x.y"
        );
    }

    #[test]
    fn times_and_issuers_are_told_as_go_tells_them() {
        let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let (time, not_after) = (at(86_400), at(3600));
        assert_eq!(
            reason(&CertificateError::ExpiredContext { time, not_after }),
            "certificate has expired or is not yet valid: current time 1970-01-02T00:00:00Z is \
             after 1970-01-01T01:00:00Z"
        );
        assert_eq!(
            reason(&CertificateError::UnknownIssuer),
            "certificate signed by unknown authority"
        );
    }
}
