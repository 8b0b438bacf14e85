//! What readers of YAML take differently.

use seal_manifest::{Error, Node, Problem, Reading, Stream};

use super::finding::{Finding, Rule};

/// Every scalar and key of an object that is ambiguous. `node` is of a reading for Kubernetes, which
/// lets everything pass.
pub(super) fn ambiguities(node: &Node<'_>, findings: &mut Vec<Finding>) {
    if node.is_mapping() {
        for entry in node.entries().unwrap_or_default() {
            ambiguities(&entry.key_node, findings);
            ambiguities(&entry.value, findings);
        }
    } else if node.is_sequence() {
        for item in node.items().unwrap_or_default() {
            ambiguities(&item, findings);
        }
    } else if let Err(error) = node.refuse_ambiguous() {
        findings.push(found(error));
    }
}

/// The first key of every object that stands twice. Only a strict reading tells.
pub(super) fn duplicates(name: &str, text: &str, findings: &mut Vec<Finding>) {
    let Ok(stream) = Stream::parse(name, text, Reading::Strict) else {
        return;
    };
    for document in stream.documents() {
        let objects = match document.objects() {
            Ok(objects) => objects,
            Err(error) => {
                findings.push(found(error));
                continue;
            }
        };
        for object in objects
            .iter()
            .filter(|object| object.kind().is_some_and(|it| concerns(&it)))
        {
            if let Err(error) = entered(object) {
                findings.push(found(error));
            }
        }
    }
}

/// Whether objects of this kind are checked.
pub(super) fn concerns(kind: &str) -> bool {
    matches!(kind, "SealedSecret" | "Secret")
}

/// Reads every mapping.
fn entered(node: &Node<'_>) -> Result<(), Error> {
    if node.is_mapping() {
        for entry in node.entries()? {
            entered(&entry.value)?;
        }
    } else if node.is_sequence() {
        node.items()?.iter().try_for_each(entered)?;
    }
    Ok(())
}

/// An error of reading as a finding.
pub(super) fn found(error: Error) -> Finding {
    let rule = match error.problem {
        Problem::DuplicateKey { .. } | Problem::MergeOverrides { .. } => Rule::DuplicateKey,
        Problem::Ambiguous(_) | Problem::UnicodeBreak => Rule::AmbiguousYaml,
        _ => Rule::Syntax,
    };
    Finding::error(rule, error.location, error.problem.to_string())
}
