//! What ours prints and writes there.

macro_rules! sealed_json {
    () => {
        r#"{
  "kind": "SealedSecret",
  "apiVersion": "bitnami.com/v1alpha1",
  "metadata": {
    "name": "db",
    "namespace": "team-a"
  },
  "spec": {
    "template": {
      "metadata": {
        "name": "db",
        "namespace": "team-a"
      }
    },
    "encryptedData": {
      "password": "<ciphertext>"
    }
  }
}
"#
    };
}
pub(super) use sealed_json;

macro_rules! secret_json {
    ($name:literal) => {
        concat!(
            "{\n  \"kind\": \"Secret\",\n  \"apiVersion\": \"v1\",\n  \"metadata\": {\n    \"name\": \"",
            $name,
            "\",\n    \"namespace\": \"team-a\",\n    \"ownerReferences\": [\n      {\n        \
             \"apiVersion\": \"bitnami.com/v1alpha1\",\n        \"kind\": \"SealedSecret\",\n        \
             \"name\": \"",
            $name,
            "\",\n        \"uid\": \"\",\n        \"controller\": true\n      }\n    ]\n  },\n  \
             \"data\": {\n    \"other\": \"c3RheXM=\",\n    \"password\": \"b2xk\"\n  }\n}\n"
        )
    };
}
pub(super) use secret_json;

/// What our controller makes of a SealedSecret: all of it stays but the sealed values.
macro_rules! resealed {
    ($metadata:literal, $template_metadata:literal, $template:literal) => {
        concat!(
            "{\n  \"kind\": \"SealedSecret\",\n  \"apiVersion\": \"bitnami.com/v1alpha1\",\n  \
             \"metadata\": {\n    \"name\": \"db\",\n    \"namespace\": \"team-a\"",
            $metadata,
            "\n  },\n  \"spec\": {\n    \"template\": {\n      \"metadata\": {\n        \"name\": \
             \"db\",\n        \"namespace\": \"team-a\"",
            $template_metadata,
            "\n      }",
            $template,
            "\n    },\n    \"encryptedData\": {\n      \"password\": \"<ciphertext>\"\n    }\n  }\n}\n"
        )
    };
}
pub(super) use resealed;

pub(super) const RESEALED: &str = r#"[
  {"name": "db", "namespace": "team-a", "scope": "strict", "keys": ["b"],
   "items": {"password": "czNjcjN0"}}]"#;

pub(super) const RESEALED_V1: &str = r#"{
  "kind": "SealedSecret",
  "apiVersion": "bitnami.com/v1alpha1",
  "metadata": {
    "name": "db",
    "namespace": "team-a"
  },
  "spec": {
    "template": {
      "metadata": {
        "name": "db",
        "namespace": "team-a"
      }
    },
    "data": "<ciphertext>",
    "encryptedData": {}
  }
}
"#;

pub(super) const SEALED_YAML_TWICE: &str = "---
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata:
  name: db
  namespace: team-a
spec:
  encryptedData:
    password: <ciphertext>
    user: <ciphertext>
  template:
    metadata:
      name: db
      namespace: team-a
---
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata:
  name: web
  namespace: team-a
spec:
  encryptedData:
    password: <ciphertext>
    user: <ciphertext>
  template:
    metadata:
      name: web
      namespace: team-a
";

pub(super) const DB_AND_WEB: &str = r#"[
  {"name": "db", "namespace": "team-a", "scope": "strict", "keys": ["a"],
   "items": {"password": "czNjcjN0", "user": "YXBw"}},
  {"name": "web", "namespace": "team-a", "scope": "strict", "keys": ["a"],
   "items": {"password": "czNjcjN0", "user": "YXBw"}}]"#;

pub(super) const DB_TWICE: &str = r#"[
  {"name": "db", "namespace": "team-a", "scope": "strict", "keys": ["a"],
   "items": {"password": "czNjcjN0"}},
  {"name": "db", "namespace": "team-a", "scope": "strict", "keys": ["a"],
   "items": {"password": "czNjcjN0"}}]"#;

pub(super) const MERGED_WITH_LABEL: &str = r#"{
  "kind": "SealedSecret",
  "apiVersion": "bitnami.com/v1alpha1",
  "metadata": {
    "name": "db",
    "namespace": "team-a"
  },
  "spec": {
    "encryptedData": {
      "password": "<ciphertext>",
      "other": "<ciphertext>",
      "extra": "<ciphertext>"
    },
    "template": {
      "metadata": {
        "name": "db",
        "namespace": "team-a",
        "labels": {
          "b": "2"
        }
      }
    }
  }
}
"#;

pub(super) const EXTRA_KEPT: &str = r#"[
  {"name": "db", "namespace": "team-a", "scope": "strict", "keys": ["a"],
   "items": {"extra": "dg==", "other": "c3RheXM=", "password": "b2xk"},
   "kept": ["other", "password"]}]"#;

pub(super) const MERGED_INTO_NOTHING: &str = r#"{"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": {"name": "db", "namespace": "team-a"}, "spec": {"encryptedData": {"extra": "<ciphertext>"}}}"#;

pub(super) const EXTRA_ALONE: &str = r#"[
  {"name": "db", "namespace": "team-a", "scope": "strict", "keys": ["a"],
   "items": {"extra": "bmV3IHZhbHVl"}}]"#;
