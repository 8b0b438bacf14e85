//! What the API server takes for a name (`k8s.io/apimachinery/pkg/util/validation`).

/// What a name is made of.
pub(super) const SUBDOMAIN: &str =
    "lowercase letters, digits, - and ., at most 253, a letter or digit around each .";
/// What a namespace is made of.
pub(super) const LABEL: &str = "lowercase letters, digits and -, at most 63, no - at its ends";
/// What a key of a Secret is made of.
pub(super) const KEY: &str = "letters, digits, -, _ and ., at most 253, and not . or .. before all";

/// RFC 1123 subdomain (`IsDNS1123Subdomain`): names of Secrets.
pub(super) fn is_subdomain(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(is_part)
}

/// RFC 1123 label (`IsDNS1123Label`): names of namespaces.
pub(super) fn is_label(name: &str) -> bool {
    name.len() <= 63 && is_part(name)
}

fn is_part(part: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !part.is_empty() && part.bytes().all(is_inner) && !part.starts_with('-') && !part.ends_with('-')
}

/// `IsConfigMapKey`: keys of Secrets, too.
pub(super) fn is_key(key: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !key.is_empty()
        && key.len() <= 253
        && key.bytes().all(is_inner)
        && key != "."
        && !key.starts_with("..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_the_api_server_takes() {
        let long = "a".repeat(254);
        for good in ["a", "db", "db-1.example", "0", &long[..253]] {
            assert!(is_subdomain(good), "{good:?}");
        }
        for bad in [
            "",
            "A",
            "a_b",
            "-a",
            "a-",
            "a..b",
            ".a",
            "a.-b",
            "ä",
            long.as_str(),
        ] {
            assert!(!is_subdomain(bad), "{bad:?}");
        }
        assert!(is_label(&long[..63]) && !is_label(&long[..64]) && !is_label("a.b"));
    }

    #[test]
    fn keys_are_those_that_the_api_server_takes() {
        let long = "a".repeat(254);
        for good in ["a", "tls.crt", ".env", "A_b-c.0", "_", "-", &long[..253]] {
            assert!(is_key(good), "{good:?}");
        }
        for bad in ["", ".", "..", "..data", "a b", "a/b", "ä", long.as_str()] {
            assert!(!is_key(bad), "{bad:?}");
        }
    }
}
