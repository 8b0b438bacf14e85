//! Age keys for tests: their files, and what opens with them.

use std::collections::BTreeMap;

use seal_envelope::{Identity, KeyKind, Label, Shape, Stanzas, generate_age};

use crate::{directory::Directory, sealed::value};

/// Keys by name, each with `NAME.key` (the identity, as `age-keygen` writes it) and `NAME.txt` (its
/// recipient) in the directory.
pub(crate) struct AgeKeys(BTreeMap<&'static str, (Identity, String)>);

impl AgeKeys {
    pub(crate) fn put_in(directory: &Directory, kind: KeyKind, names: &[&'static str]) -> Self {
        let make = |name: &&'static str| {
            let text = generate_age(kind).unwrap();
            let identity = Identity::from_age(&text).unwrap();
            let recipient = identity.recipient().age().unwrap();
            let file = format!("# created: today\n# public key: {recipient}\n{}\n", *text);
            directory.put(&format!("{name}.key"), file);
            let file = format!("# {name}\n\n{recipient}\n");
            directory.put(&format!("{name}.txt"), file);
            (*name, (identity, text.to_string()))
        };
        Self(names.iter().map(make).collect())
    }

    pub(crate) fn recipient(&self, name: &str) -> &str {
        self.0[name].0.recipient().age().unwrap()
    }

    pub(crate) fn identity(&self, name: &str) -> Identity {
        Identity::from_age(&self.0[name].1).unwrap()
    }

    pub(crate) fn id(&self, name: &str) -> String {
        self.0[name].0.id().to_string()
    }

    /// What the hint of an object is that is sealed for these.
    pub(crate) fn hint(&self, names: &[&str]) -> String {
        let mut ids: Vec<_> = names.iter().map(|name| self.id(name)).collect();
        ids.sort();
        ids.join(",")
    }

    /// The names of the keys that open a value of `team-a/db`, and what it opens to.
    pub(crate) fn openers(&self, sealed: &str) -> (Vec<&'static str>, Option<String>) {
        let envelope = seal_sealing::decode(sealed).unwrap();
        let label = Label::new("team-a/db");
        let mut value = None;
        let mut openers = Vec::new();
        for (name, (identity, _)) in &self.0 {
            if let Ok(plaintext) = identity.open(&envelope, &label) {
                openers.push(*name);
                value = String::from_utf8(plaintext.as_bytes().to_vec()).ok();
            }
        }
        (openers, value)
    }

    /// Fails unless a value of the first object of a file opens with these keys and with no other,
    /// and is for no more recipients.
    #[track_caller]
    pub(crate) fn expect_openers(
        &self,
        directory: &Directory,
        file: &str,
        key: &str,
        names: &[&str],
    ) {
        let sealed = value(directory, file, 0, key);
        assert_eq!(self.openers(&sealed).0, names, "{file} {key}");
        assert_eq!(stanzas(&sealed).recipients(), names.len(), "{file} {key}");
    }
}

/// What the header of a sealed value tells.
#[track_caller]
pub(crate) fn stanzas(sealed: &str) -> Stanzas {
    let envelope = seal_sealing::decode(sealed).unwrap();
    match Shape::of(&envelope) {
        Some(Shape::Age { stanzas, .. }) => stanzas,
        shape => panic!("{shape:?}"),
    }
}
