//! Sealed files as people keep them, and what stands in them.

use seal_envelope::Label;
use seal_keyring::identities_from_pem;
use seal_manifest::{Reading, Stream};

use crate::directory::Directory;

/// The id of the key that `cert.pem` is for.
pub(crate) fn key_id() -> String {
    crate::vectors::envelope()["keys"][0]["fingerprint"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// What a value opens to with `key.pem`.
pub(crate) fn opened(directory: &Directory, sealed: &str, label: &str) -> Vec<u8> {
    let identity = identities_from_pem(directory.read("key.pem").as_bytes()).unwrap();
    let envelope = seal_sealing::decode(sealed).unwrap();
    let plaintext = identity[0].open(&envelope, &Label::new(label)).unwrap();
    plaintext.as_bytes().to_vec()
}

/// A text of one of the objects in a file.
pub(crate) fn text_at(directory: &Directory, file: &str, object: usize, path: &[&str]) -> String {
    let stream = Stream::parse(file, directory.read(file), Reading::Strict).unwrap();
    let documents = stream.documents().iter();
    let objects: Vec<_> = documents.flat_map(|it| it.objects().unwrap()).collect();
    let node = path.iter().fold(objects[object], |node, key| {
        node.get(key)
            .unwrap()
            .unwrap_or_else(|| panic!("no {path:?}"))
    });
    node.text().unwrap().to_string()
}

/// A value of one of the objects in a file.
pub(crate) fn value(directory: &Directory, file: &str, object: usize, key: &str) -> String {
    text_at(directory, file, object, &["spec", "encryptedData", key])
}

/// The lines of one text that are not in the other, both ways.
pub(crate) fn changed_lines(before: &str, after: &str) -> (Vec<String>, Vec<String>) {
    let lines = |text: &str| {
        text.split_inclusive('\n')
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let (before, after) = (lines(before), lines(after));
    let without = |these: &[String], those: &[String]| {
        let these = these.iter().filter(|line| !those.contains(line));
        these.cloned().collect()
    };
    (without(&before, &after), without(&after, &before))
}

/// Two objects with comments, and a ConfigMap between them.
pub(crate) const TWO: &str = "\
# Both databases. Ask the team before you change them.
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata:
  name: db   # the name is sealed in
  namespace: team-a
spec:
  encryptedData:
    user: AgAuser= # rotated in 2024
    password: \"AgApassword=\"
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {a: b}
---
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata: {name: cache, annotations: {sealedsecrets.bitnami.com/namespace-wide: \"true\"}, namespace: team-a}
spec:
  encryptedData: {token: 'AgAtoken='}
";
