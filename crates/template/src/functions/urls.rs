//! URLs (Go's `net/url`).

use std::net::Ipv6Addr;

use super::{Args, Run};
use crate::error::{Fault, Outcome};
use crate::heap::Dict;
use crate::text::{Text, find, from, upto};
use crate::value::Value;

pub(super) fn parse(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let text = args.bytes(0)?;
    run.budget.allocate(text.len() * 4 + 512)?;
    let url = Url::parse(text).ok_or_else(|| {
        Fault::with(
            "unable to parse the URL",
            format!("unable to parse url: {:?}", String::from_utf8_lossy(text)),
        )
    })?;
    let hostname = hostname(&url.host).to_vec();
    let userinfo = url.user.as_ref().map(User::to_text).unwrap_or_default();
    let entries = [
        ("scheme", url.scheme),
        ("host", url.host),
        ("hostname", hostname),
        ("path", url.path),
        ("query", url.query),
        ("opaque", url.opaque),
        ("fragment", url.fragment),
        ("userinfo", userinfo),
    ];
    let entries: Dict = entries
        .into_iter()
        .map(|(key, value)| (Text::from(key), Value::text(value)))
        .collect();
    run.dict(entries)
}

pub(super) fn join(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let entries = run.heap.entries(args.dict(0)?);
    let part = |key: &str| match entries.get(key.as_bytes()) {
        None => Ok(Vec::new()),
        Some(Value::Text(text)) => Ok(text.as_bytes().to_vec()),
        Some(_) => Err(Fault::new("the parts of a URL must be strings")),
    };
    let mut url = Url {
        scheme: part("scheme")?,
        host: part("host")?,
        path: part("path")?,
        query: part("query")?,
        opaque: part("opaque")?,
        fragment: part("fragment")?,
        user: None,
    };
    let userinfo = part("userinfo")?;
    if !userinfo.is_empty() {
        let probe = [b"proto://", userinfo.as_slice(), b"@host"].concat();
        url.user = Url::parse(&probe)
            .ok_or_else(|| Fault::new("unable to parse the userinfo"))?
            .user;
    }
    let text = url.to_text();
    run.text(text)
}

#[derive(Default)]
struct Url {
    scheme: Vec<u8>,
    opaque: Vec<u8>,
    user: Option<User>,
    host: Vec<u8>,
    /// Without escapes.
    path: Vec<u8>,
    query: Vec<u8>,
    /// Without escapes.
    fragment: Vec<u8>,
}

struct User {
    name: Vec<u8>,
    password: Option<Vec<u8>>,
}

/// Where in a URL a text stands, which decides what is escaped there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Path,
    User,
    Host,
    Zone,
    Fragment,
}

impl Url {
    fn parse(text: &[u8]) -> Option<Url> {
        let (text, fragment) = cut(text, b"#");
        if text.iter().any(|byte| *byte < b' ' || *byte == 0x7F) {
            return None;
        }
        let mut url = Url::parse_without_fragment(text)?;
        url.fragment = unescape(fragment, Place::Fragment)?;
        Some(url)
    }

    fn parse_without_fragment(text: &[u8]) -> Option<Url> {
        let mut url = Url::default();
        if text == b"*" {
            url.path = text.to_vec();
            return Some(url);
        }
        let (scheme, rest) = scheme(text)?;
        url.scheme = scheme.to_ascii_lowercase();
        let (mut rest, query) = cut(rest, b"?");
        url.query = query.to_vec();
        if !rest.starts_with(b"/") {
            if !url.scheme.is_empty() {
                url.opaque = rest.to_vec();
                return Some(url);
            }
            if cut(rest, b"/").0.contains(&b':') {
                return None;
            }
        }
        let has_authority = !url.scheme.is_empty() || !rest.starts_with(b"///");
        if has_authority && let Some(authority) = rest.strip_prefix(b"//") {
            let end = find(authority, b"/").unwrap_or(authority.len());
            rest = from(authority, end);
            url.authority(upto(authority, end))?;
        }
        url.path = unescape(rest, Place::Path)?;
        Some(url)
    }

    fn authority(&mut self, authority: &[u8]) -> Option<()> {
        let at = authority.iter().rposition(|&byte| byte == b'@');
        let host_start = at.map_or(0, |at| at + 1);
        self.host = self.parse_host(from(authority, host_start))?;
        let Some(at) = at else { return Some(()) };
        let userinfo = upto(authority, at);
        let valid =
            |byte: &u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(byte);
        if !userinfo.iter().all(valid) {
            return None;
        }
        let colon = userinfo.iter().position(|&byte| byte == b':');
        self.user = Some(User {
            name: unescape(upto(userinfo, colon.unwrap_or(userinfo.len())), Place::User)?,
            password: match colon {
                Some(colon) => Some(unescape(from(userinfo, colon + 1), Place::User)?),
                None => None,
            },
        });
        Some(())
    }

    fn parse_host(&self, host: &[u8]) -> Option<Vec<u8>> {
        match host.iter().rposition(|&byte| byte == b'[') {
            Some(0) => return bracketed(host),
            Some(_) => return None,
            None => {}
        }
        if let Some(first) = host.iter().position(|&byte| byte == b':') {
            // Other schemes may list several hosts with ports.
            let strict = matches!(self.scheme.as_slice(), b"http" | b"https");
            let last = host.iter().rposition(|&byte| byte == b':')?;
            let port = from(host, if strict { first } else { last });
            if !is_port(port) {
                return None;
            }
        }
        unescape(host, Place::Host)
    }

    fn to_text(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if !self.scheme.is_empty() {
            out.extend_from_slice(&self.scheme);
            out.push(b':');
        }
        if self.opaque.is_empty() {
            self.push_hierarchy(&mut out);
        } else {
            out.extend_from_slice(&self.opaque);
        }
        if !self.query.is_empty() {
            out.push(b'?');
            out.extend_from_slice(&self.query);
        }
        if !self.fragment.is_empty() {
            out.push(b'#');
            out.extend(escape(&self.fragment, Place::Fragment));
        }
        out
    }

    fn push_hierarchy(&self, out: &mut Vec<u8>) {
        let has_host = !self.host.is_empty();
        if !self.scheme.is_empty() || has_host || self.user.is_some() {
            if has_host || !self.path.is_empty() || self.user.is_some() {
                out.extend_from_slice(b"//");
            }
            if let Some(user) = &self.user {
                out.extend(user.to_text());
                out.push(b'@');
            }
            out.extend(escape(&self.host, Place::Host));
        }
        let path = match self.path.as_slice() {
            b"*" => b"*".to_vec(),
            path => escape(path, Place::Path),
        };
        if !path.is_empty() && !path.starts_with(b"/") && has_host {
            out.push(b'/');
        }
        // A colon in the first segment would read as a scheme.
        if out.is_empty() && cut(&path, b"/").0.contains(&b':') {
            out.extend_from_slice(b"./");
        }
        out.extend(path);
    }
}

impl User {
    fn to_text(&self) -> Vec<u8> {
        let mut text = escape(&self.name, Place::User);
        if let Some(password) = &self.password {
            text.push(b':');
            text.extend(escape(password, Place::User));
        }
        text
    }
}

/// What comes before and after the first separator.
fn cut<'t>(text: &'t [u8], separator: &[u8]) -> (&'t [u8], &'t [u8]) {
    match find(text, separator) {
        Some(at) => (upto(text, at), from(text, at + separator.len())),
        None => (text, b""),
    }
}

/// The scheme, empty if there is none, and what follows it.
fn scheme(text: &[u8]) -> Option<(&[u8], &[u8])> {
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return None,
            b':' => return Some((upto(text, at), from(text, at + 1))),
            _ => break,
        }
    }
    Some((b"", text))
}

/// An IPv6 address in brackets, perhaps with a zone and a port.
fn bracketed(host: &[u8]) -> Option<Vec<u8>> {
    let close = host.iter().rposition(|&byte| byte == b']')?;
    let port = from(host, close + 1);
    if !is_port(port) {
        return None;
    }
    let inner = host.get(1..close)?;
    let zone_at = find(inner, b"%25").unwrap_or(inner.len());
    let mut name = unescape(upto(inner, zone_at), Place::Host)?;
    name.extend(unescape(from(inner, zone_at), Place::Zone)?);
    let (address, zone) = cut(&name, b"%");
    let bare_percent = name.contains(&b'%') && zone.is_empty();
    let address: Option<Ipv6Addr> = std::str::from_utf8(address).ok()?.parse().ok();
    if bare_percent || address.is_none() {
        return None;
    }
    Some([b"[", name.as_slice(), b"]", port].concat())
}

fn is_port(text: &[u8]) -> bool {
    match text.split_first() {
        None => true,
        Some((b':', digits)) => digits.iter().all(u8::is_ascii_digit),
        Some(_) => false,
    }
}

/// The host without port and brackets.
fn hostname(host: &[u8]) -> &[u8] {
    let colon = host.iter().rposition(|&byte| byte == b':');
    let name = match colon {
        Some(colon) if is_port(from(host, colon)) => upto(host, colon),
        _ => host,
    };
    name.strip_prefix(b"[")
        .and_then(|inner| inner.strip_suffix(b"]"))
        .unwrap_or(name)
}

fn stands_as_is(byte: u8, place: Place) -> bool {
    if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
        return true;
    }
    match place {
        Place::Path => b"$&+,/:;=@".contains(&byte),
        Place::User => b"$&+,;=".contains(&byte),
        Place::Host | Place::Zone => b"!$&'()*+,;=:[]<>\"".contains(&byte),
        Place::Fragment => b"$&+,/:;=?@!()*".contains(&byte),
    }
}

fn escape(text: &[u8], place: Place) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        if stands_as_is(byte, place) {
            out.push(byte);
        } else {
            out.extend(format!("%{byte:02X}").bytes());
        }
    }
    out
}

/// Nothing if an escape is malformed or not allowed there.
fn unescape(text: &[u8], place: Place) -> Option<Vec<u8>> {
    let in_host = matches!(place, Place::Host | Place::Zone);
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        if byte != b'%' {
            if in_host && byte.is_ascii() && !stands_as_is(byte, place) {
                return None;
            }
            out.push(byte);
            rest = tail;
            continue;
        }
        let digit = |at: usize| char::from(*tail.get(at)?).to_digit(16);
        let value = u8::try_from(digit(0)? * 16 + digit(1)?).ok()?;
        let allowed = match place {
            // Only bytes beyond ASCII, and the percent sign itself.
            Place::Host => value >= 0x80 || value == b'%',
            Place::Zone => value == b'%' || value == b' ' || stands_as_is(value, Place::Host),
            _ => true,
        };
        if !allowed {
            return None;
        }
        out.push(value);
        rest = from(tail, 2);
    }
    Some(out)
}
