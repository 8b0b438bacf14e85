//! URLs as Go's `net/url` takes them apart, as far as its complaints are shown to people.

/// What a URL begins with.
#[derive(Debug, PartialEq, Eq)]
pub struct Parts {
    /// Before the colon, in lower case; empty when there is none.
    pub scheme: String,
    /// After `//`, with its port; `None` where there is no `//`.
    pub authority: Option<String>,
    /// What comes next, still escaped; what follows `scheme:` without a slash is none.
    pub path: String,
}

/// Takes a text apart.
///
/// # Errors
/// Go's complaint, with the text in quotes.
pub fn parse(text: &str) -> Result<Parts, String> {
    let failed = |why: String| format!("parse {text:?}: {why}");
    if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return Err(failed("net/url: invalid control character in URL".into()));
    }
    let before_fragment = text.split('#').next().unwrap_or_default();
    let (scheme, rest) = split_scheme(before_fragment).map_err(|why| failed(why.into()))?;
    let rest = rest.split('?').next().unwrap_or_default();
    if let Some(after) = rest.strip_prefix("//") {
        let end = after.find('/').unwrap_or(after.len());
        let (authority, path) = after.split_at(end);
        check_port(authority).map_err(failed)?;
        check_escapes(path).map_err(failed)?;
        return Ok(Parts {
            scheme,
            authority: Some(authority.to_owned()),
            path: path.to_owned(),
        });
    }
    let opaque = !scheme.is_empty() && !rest.starts_with('/');
    if !opaque {
        if !rest.starts_with('/') && rest.split('/').next().is_some_and(|it| it.contains(':')) {
            return Err(failed(
                "first path segment in URL cannot contain colon".into(),
            ));
        }
        check_escapes(rest).map_err(failed)?;
    }
    Ok(Parts {
        scheme,
        authority: None,
        path: if opaque {
            String::new()
        } else {
            rest.to_owned()
        },
    })
}

fn split_scheme(text: &str) -> Result<(String, &str), &'static str> {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme"),
            b':' => {
                let (scheme, rest) = text.split_at(at);
                return Ok((scheme.to_lowercase(), rest.get(1..).unwrap_or_default()));
            }
            _ => break,
        }
    }
    Ok((String::new(), text))
}

fn check_port(authority: &str) -> Result<(), String> {
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let port = match host.strip_prefix('[').and_then(|it| it.split_once(']')) {
        Some((_, port)) => port,
        None => host
            .find(':')
            .and_then(|at| host.get(at..))
            .unwrap_or_default(),
    };
    let is_port = match port.strip_prefix(':') {
        Some(digits) => digits.bytes().all(|digit| digit.is_ascii_digit()),
        None => port.is_empty(),
    };
    match is_port {
        true => Ok(()),
        false => Err(format!("invalid port {port:?} after host")),
    }
}

fn check_escapes(path: &str) -> Result<(), String> {
    for (at, _) in path.match_indices('%') {
        let rest = path.get(at..).unwrap_or_default();
        let digits = rest.bytes().skip(1).take(2).filter(u8::is_ascii_hexdigit);
        if digits.count() != 2 {
            let shown: String = rest.chars().take(3).collect();
            return Err(format!("invalid URL escape {shown:?}"));
        }
    }
    Ok(())
}

/// The bytes that a path stands for. Its escapes must have been checked.
#[must_use]
pub fn unescaped(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| *first == b'%');
        let code = code.and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_taken_apart_as_go_does() {
        let scheme = |text| parse(text).map(|parts| parts.scheme);
        assert_eq!(scheme("cert.pem"), Ok(String::new()));
        assert_eq!(scheme("my:cert.pem"), Ok("my".into()));
        assert_eq!(scheme("C:\\cert.pem"), Ok("c".into()));
        assert_eq!(scheme("HTTPS://host/a%20b"), Ok("https".into()));
        assert_eq!(
            parse("::x"),
            Err("parse \"::x\": missing protocol scheme".into())
        );
        assert_eq!(
            parse("http://::bad::"),
            Err("parse \"http://::bad::\": invalid port \"::bad::\" after host".into())
        );
        assert_eq!(unescaped("/a%20b%zz"), "/a b%zz");
    }
}
