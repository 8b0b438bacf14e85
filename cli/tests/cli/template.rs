use snapbox::str;

use crate::directory::Directory;

const SEALED: &str = "\
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata:
  name: db
  namespace: team-a
spec:
  encryptedData:
    password: AQAA
    port: AQAA
  template:
    type: Opaque
    data:
      url: postgres://app:{{ .password }}@{{ .host }}:{{ add1 (atoi .port) }}
      host: db.example
      binary: '{{ \"/w==\" | b64dec }}'
";

#[test]
fn templates_are_rendered_with_examples_and_without_any_key() {
    let directory = Directory::new();
    directory.put("sealed.yaml", SEALED);
    let shown = directory.succeeds("template --value port=5431 sealed.yaml", "");
    snapbox::assert_data_eq!(
        shown,
        str![[r#"
---
apiVersion: v1
data:
  binary: /w==
kind: Secret
metadata:
  name: db
  namespace: team-a
stringData:
  host: db.example
  password: example-password
  port: "5431"
  url: postgres://app:example-password@db.example:5432
type: Opaque

"#]]
    );
}

#[test]
fn what_a_template_gets_wrong_is_told_in_full_with_its_place() {
    let directory = Directory::new();
    let broken = SEALED
        .replace("{{ .password }}", "{{ fail \"no \" }}")
        .replace("db.example\n", "'{{ nofunc }}'\n");
    directory.put("sealed.yaml", broken);
    directory.fails(
        "template sealed.yaml",
        "",
        str![[r#"
error: sealed.yaml:14:13: SealedSecret team-a/db: host: line 1, column 4 of the template: function "nofunc": not defined
error: sealed.yaml:13:12: SealedSecret team-a/db: url: line 1, column 19 of the template: no 

"#]],
    );
}

#[test]
fn an_example_needs_its_key() {
    let directory = Directory::new();
    directory.fails(
        "template --value port",
        "",
        str![[r#"
error: invalid value 'port' for '--value <KEY=TEXT>': expected KEY=TEXT

For more information, try '--help'.

"#]],
    );
}
