//! Where ours answers otherwise: where upstream loses data, hangs, crashes or calls broken input good,
//! where it writes a file anew of which only some values change,
//! and where its message may quote a value, shows an address in its memory, another one in every run, is
//! that of its YAML parser, or lacks the reason that our controller gives. Of the recorded runs there are no others; `docs/migration.md` gives the
//! reason of each, and tells what else is known.

mod texts;

use serde_json::Value;

use crate::transcripts::Transcript;
use texts::*;

/// One transcript, and our answer.
pub(crate) struct Deviation {
    pub(crate) name: &'static str,
    answer: Answer,
}

enum Answer {
    /// Status 1, this message, nothing printed, every file as it was.
    Refuses(&'static str),
    /// As upstream, but this goes to standard output, and this is in it.
    Prints(&'static str, &'static str),
    /// As upstream, but this file is not touched.
    LeavesFile(&'static str),
    /// As upstream, but this file is edited and not written anew.
    Edits(&'static str),
    /// Status 0 and this file.
    Writes(&'static str, &'static str, &'static str),
}

use Answer::{Edits, LeavesFile, Prints, Refuses, Writes};

const fn deviation(name: &'static str, answer: Answer) -> Deviation {
    Deviation { name, answer }
}

pub(crate) const DEVIATIONS: &[Deviation] = &[
    deviation("f-directory", Refuses("error: read sub: is a directory\n")),
    deviation(
        "multi-separator-glued",
        Refuses(
            "error: <stdin>:9:1: a line that begins with \"---\" separates documents; put a line \
             break after the \"---\"\n",
        ),
    ),
    deviation("multi-end-marker", Prints(SEALED_YAML_TWICE, DB_AND_WEB)),
    deviation(
        "multi-second-broken-yaml",
        Refuses("error: <stdin>:10:6: unclosed bracket '['\n"),
    ),
    deviation(
        "multi-first-broken-yaml",
        Refuses("error: <stdin>:1:5: mapping values are not allowed in this context\n"),
    ),
    deviation(
        "multi-last-broken-yaml",
        Refuses("error: <stdin>:10:2: a tab in the indentation; use blanks\n"),
    ),
    deviation(
        "json-two-after-5000-spaces",
        Prints(concat!(sealed_json!(), sealed_json!()), DB_TWICE),
    ),
    deviation(
        "json-garbage-after-one",
        Refuses(
            "error: <stdin>:2:1: text after the end of a document; remove it, or separate \
             documents by a line \"---\"\n",
        ),
    ),
    deviation(
        "json-garbage-after-two",
        Refuses(
            "error: <stdin>:3:1: text after the end of a document; remove it, or separate \
             documents by a line \"---\"\n",
        ),
    ),
    deviation(
        "kind-configmap-base64",
        Refuses("error: <stdin>:1:1: expected a Secret, found a ConfigMap\n"),
    ),
    deviation(
        "non-utf8-json",
        Refuses("error: no secrets found. Ensure the input is valid and UTF-8 encoded\n"),
    ),
    deviation(
        "w-is-a-directory",
        Refuses("error: open sub: is a directory\n"),
    ),
    deviation(
        "merge-template-labels-nil",
        Writes("sealed.json", MERGED_WITH_LABEL, EXTRA_KEPT),
    ),
    deviation(
        "merge-no-encrypted-data",
        Writes("sealed.json", MERGED_INTO_NOTHING, EXTRA_ALONE),
    ),
    deviation(
        "merge-file-multi-document",
        Refuses(
            "error: sealed.yaml: holds several documents, and --merge-into would have to guess \
             which one is meant; split the file\n",
        ),
    ),
    deviation("merge-w-emptied", Edits("sealed.json")),
    deviation("merge-replaced-key", Edits("sealed.json")),
    deviation("merge-string-data", Edits("sealed.json")),
    deviation("merge-yaml-file-default-format", Edits("sealed.yaml")),
    deviation("merge-nameless-input", Edits("sealed.json")),
    deviation("merge-namespace-flag-matches", Edits("sealed.json")),
    deviation("merge-name-flag-ignored", Edits("sealed.json")),
    deviation("merge-template-labels", Edits("sealed.json")),
    deviation("merge-empty-encrypted-data", Edits("sealed.json")),
    deviation("merge-no-template", Edits("sealed.json")),
    deviation("merge-template-data-kept", Edits("sealed.json")),
    deviation("merge-type-not-taken-over", Edits("sealed.json")),
    deviation("merge-status-kept", Edits("sealed.json")),
    deviation("merge-metadata-kept", Edits("sealed.json")),
    deviation("merge-comments-lost", Edits("sealed.yaml")),
    deviation(
        "merge-namespace-wide-file-annotated-input",
        Edits("sealed.json"),
    ),
    deviation("merge-cluster-wide-flag-strict-file", Edits("sealed.json")),
    deviation("merge-cluster-wide-file-no-namespace", Edits("sealed.json")),
    deviation("merge-file-without-namespace", Edits("sealed.json")),
    deviation("merge-input-empty-data-allowed", Edits("sealed.json")),
    deviation("merge-f", Edits("sealed.json")),
    deviation("merge-symlink-kept", Edits("sealed.json")),
    deviation("env-merge-into", Edits("sealed.json")),
    deviation("live-re-encrypt-in-place-yaml", Edits("s.yaml")),
    deviation("live-re-encrypt-in-place-json", Edits("s.json")),
    deviation(
        "unseal-multi-document",
        Prints(concat!(secret_json!("db"), secret_json!("second")), ""),
    ),
    deviation(
        "unseal-template-env",
        Refuses("error: template url:1:4: function env: not defined (url)\n"),
    ),
    deviation(
        "unseal-template-and-item-errors",
        Refuses(
            "error: no key could decrypt secret (wrong)\ntemplate url:1:7: unclosed action \
             (url)\n",
        ),
    ),
    deviation(
        "unseal-input-broken-yaml",
        Refuses("error: <stdin>:1:4: unclosed bracket '['\n"),
    ),
    deviation(
        "cert-ec",
        Refuses("error: expected RSA public key but found one of algorithm 1.2.840.10045.2.1\n"),
    ),
    deviation(
        "cert-chain-ec-first",
        Refuses("error: expected RSA public key but found one of algorithm 1.2.840.10045.2.1\n"),
    ),
    deviation(
        "live-no-ports",
        Refuses(
            "error: cannot get sealed secret service: the Service no-ports has no ports.\nPlease, use the flag --controller-name and --controller-namespace to set up the name and namespace of the sealed secrets controller\n",
        ),
    ),
    deviation(
        "live-validate-empty-input",
        Refuses("error: <stdin>: holds no SealedSecret\n"),
    ),
    deviation("live-validate-w", LeavesFile("out.yaml")),
    deviation(
        "live-re-encrypt-in-place-second-fails",
        Refuses(
            "error: cannot re-encrypt secret: an error on the server (\"no key could decrypt secret\") has prevented the request from succeeding (post services http:sealed-secrets-controller:http)\n",
        ),
    ),
    deviation(
        "live-re-encrypt-template-data-lost",
        Prints(
            resealed!(
                "",
                "",
                ",\n      \"data\": {\n        \"password\": null,\n        \"url\": \"pg://{{ .password }}\"\n      }"
            ),
            RESEALED,
        ),
    ),
    deviation(
        "live-re-encrypt-broken-template",
        Prints(
            resealed!(
                "",
                "",
                ",\n      \"data\": {\n        \"x\": \"{{ .nope\"\n      }"
            ),
            RESEALED,
        ),
    ),
    deviation(
        "live-re-encrypt-template-labels-lost",
        Prints(
            resealed!(
                "",
                ",\n        \"labels\": {\n          \"app\": \"shop\"\n        },\n        \"annotations\": {\n          \"note\": \"x\"\n        }",
                ""
            ),
            RESEALED,
        ),
    ),
    deviation(
        "live-re-encrypt-labels-of-the-sealed-secret",
        Prints(
            resealed!(
                ",\n    \"labels\": {\n      \"app\": \"shop\"\n    },\n    \"annotations\": {\n      \"note\": \"x\"\n    }",
                "",
                ""
            ),
            RESEALED,
        ),
    ),
    deviation(
        "live-re-encrypt-labels-on-both",
        Prints(
            resealed!(
                ",\n    \"labels\": {\n      \"app\": \"shop\"\n    }",
                ",\n        \"labels\": {\n          \"app\": \"shop\"\n        }",
                ""
            ),
            RESEALED,
        ),
    ),
    deviation(
        "live-re-encrypt-server-side-fields",
        Prints(
            resealed!(
                ",\n    \"uid\": \"6f7f3c1e-1111-4222-8333-444455556666\",\n    \"resourceVersion\": \"77\"",
                ",\n        \"resourceVersion\": \"77\",\n        \"generation\": 4,\n        \"creationTimestamp\": \"2024-01-02T03:04:05Z\"",
                ""
            ),
            RESEALED,
        ),
    ),
    deviation(
        "live-re-encrypt-last-applied",
        Prints(
            resealed!(
                ",\n    \"annotations\": {\n      \"kubectl.kubernetes.io/last-applied-configuration\": \"{}\"\n    }",
                ",\n        \"annotations\": {\n          \"kubectl.kubernetes.io/last-applied-configuration\": \"{}\"\n        }",
                ""
            ),
            RESEALED,
        ),
    ),
    deviation("live-re-encrypt-v1-data", Prints(RESEALED_V1, "")),
];

impl Deviation {
    /// The transcript as ours should make it.
    pub(crate) fn apply(&self, case: &Transcript) -> Transcript {
        let mut case = case.clone();
        let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        match self.answer {
            Refuses(message) => {
                case.exit = Some(1);
                case.stdout.clear();
                case.stderr = message.into();
                case.files_after.clear();
                case.opened.clear();
            }
            Prints(stdout, opened) => {
                case.stdout = stdout.into();
                case.opened.clear();
                if !opened.is_empty() {
                    case.opened.insert("stdout".into(), parsed(opened));
                }
            }
            LeavesFile(name) => {
                case.files_after.remove(name);
            }
            Edits(file) => {
                case.edited = Some(file);
                // What upstream empties beside it stays.
                case.files_after.retain(|name, _| name == file);
            }
            Writes(file, text, opened) => {
                case.exit = Some(0);
                case.stderr.clear();
                case.files_after.insert(file.into(), text.into());
                case.opened.insert(format!("file:{file}"), parsed(opened));
            }
        }
        case
    }
}
