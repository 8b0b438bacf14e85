//! Sealed files in the styles in which people write them: what a command does not touch stays.

use crate::{
    directory::Directory,
    sealed::{opened, value},
};

/// Each with a value `password` that changes, and another that stays.
const STYLES: [(&str, &str); 8] = [
    (
        "helm",
        "# Source: db/templates/sealed.yaml\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: \"db\"\n  namespace: 'team-a'\n  labels:\n    helm.sh/chart: db-1.2.3\n\n\nspec:\n    encryptedData:\n        password: \"AgA=\"\n        user: \"AgB=\"\n    template:\n        type: Opaque\n",
    ),
    (
        "kustomize",
        "---\nkind: SealedSecret\napiVersion: bitnami.com/v1alpha1\nspec:\n  encryptedData:\n    password: AgA=\n    user: AgB=\nmetadata:\n  namespace: team-a\n  name: db\n  annotations:\n    kustomize.config.k8s.io/behavior: merge\n...\n",
    ),
    (
        "flow",
        "{apiVersion: bitnami.com/v1alpha1, kind: SealedSecret, metadata: {name: db, namespace: team-a},\n spec: {encryptedData: {password: AgA=, # old\n  user: AgB=}}}\n",
    ),
    (
        "block scalars",
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: db, namespace: team-a}\nspec:\n  encryptedData:\n    password: |-\n      AgA=\n    user: >-\n      AgB=\n      AgC=\n",
    ),
    (
        "anchors",
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: &names\n  name: &name db\n  namespace: team-a\nspec:\n  encryptedData:\n    password: AgA=\n    user: AgB=\n  template:\n    metadata: *names\n",
    ),
    (
        "windows",
        "\u{feff}apiVersion: bitnami.com/v1alpha1\r\nkind: SealedSecret\r\nmetadata:\r\n  name: db\r\n  namespace: team-a\r\nspec:\r\n  encryptedData:\r\n    password: AgA= # old\r\n    user: AgB=\r\n",
    ),
    (
        "tabs",
        "apiVersion: bitnami.com/v1alpha1\t# tab\nkind: SealedSecret\nmetadata:\n  name: db\t#\ttabs\n  namespace: team-a\nspec:\n  encryptedData:\n    password: AgA=\t# old\n    user: AgB=\t\n",
    ),
    (
        "long lines",
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: db\n  namespace: team-a\nspec:\n  encryptedData:\n    user: LONG\n    password: AgA=\n",
    ),
];

/// The text with each of its pieces between the places of one value.
fn around<'a>(text: &'a str, sealed: &str) -> (&'a str, &'a str) {
    text.split_once(sealed).unwrap()
}

#[test]
fn a_value_changes_in_every_style_and_not_a_byte_beside_it() {
    for (style, text) in STYLES {
        let text = text.replace("LONG", &"Ag".repeat(3000));
        let directory = Directory::new();
        directory.put("sealed.yaml", &text);
        directory.succeeds("set --cert cert.pem sealed.yaml password", "new");
        let sealed = value(&directory, "sealed.yaml", 0, "password");
        assert_eq!(opened(&directory, &sealed, "team-a/db"), b"new", "{style}");
        let after = directory.read("sealed.yaml");
        assert_eq!(around(&after, &sealed), around(&text, "AgA="), "{style}");
    }
}

#[test]
fn a_new_value_that_is_removed_again_leaves_the_file_as_it_was() {
    for (style, text) in STYLES {
        let text = text.replace("LONG", &"Ag".repeat(3000));
        let directory = Directory::new();
        directory.put("sealed.yaml", &text);
        directory.succeeds("set --cert cert.pem sealed.yaml added", "new");
        assert_ne!(directory.read("sealed.yaml"), text, "{style}");
        directory.succeeds("unset sealed.yaml added", "");
        assert_eq!(directory.read("sealed.yaml"), text, "{style}");
    }
}
