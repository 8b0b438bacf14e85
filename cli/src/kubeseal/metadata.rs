//! Metadata of which nothing is sealed: Go reads it into its types, and refuses what does not fit.

use seal_manifest::{Node, Scalar};

use super::{
    secrets::{Reader, go_type, scalar},
    time::expect_time,
};

type Read = Result<(), seal_manifest::Error>;

impl Reader {
    /// Reads a field of the metadata that no SealedSecret gets.
    pub(super) fn unsealed_metadata(&mut self, name: &str, value: &Node<'_>) -> Read {
        let field = |name: &str| format!("ObjectMeta.metadata.{name}");
        for (known, type_) in [
            ("selfLink", "string"),
            ("uid", "types.UID"),
            ("resourceVersion", "string"),
        ] {
            if name.eq_ignore_ascii_case(known) {
                self.text_of(value, &field(known), type_)?;
            }
        }
        if name.eq_ignore_ascii_case("generation") {
            self.integer(value, &field("generation"))?;
        }
        if name.eq_ignore_ascii_case("deletionGracePeriodSeconds") {
            self.integer(value, &field("deletionGracePeriodSeconds"))?;
            // A pointer in Go: zero is something, too.
            self.is_empty = false;
        }
        for known in ["creationTimestamp", "deletionTimestamp"] {
            if name.eq_ignore_ascii_case(known) {
                self.time(value, &field(known))?;
            }
        }
        if name.eq_ignore_ascii_case("ownerReferences") {
            self.owners(value, &field("ownerReferences"))?;
        }
        Ok(())
    }

    fn integer(&mut self, node: &Node<'_>, field: &str) -> Read {
        let found = match scalar(node)? {
            Some(Scalar::Integer(number)) => match i64::try_from(number) {
                Ok(number) => {
                    self.is_empty &= number == 0;
                    return Ok(());
                }
                Err(_) => format!("number {number}"),
            },
            // YAML comes by way of JSON, where a number without a fraction has none.
            Some(Scalar::Float(number)) if number.fract() == 0.0 && number.abs() < 9e18 => {
                self.is_empty &= number == 0.0;
                return Ok(());
            }
            Some(Scalar::Float(number)) => format!("number {number}"),
            _ => go_type(node).to_owned(),
        };
        self.keep(&format!(
            "json: cannot unmarshal {found} into Go struct field {field} of type int64"
        ));
        Ok(())
    }

    fn time(&mut self, node: &Node<'_>, field: &str) -> Read {
        match scalar(node)? {
            Some(Scalar::Text(text)) => match expect_time(&text) {
                Ok(()) => self.is_empty = false,
                Err(why) => self.keep(&why),
            },
            _ => self.mismatch(node, field, "string"),
        }
        Ok(())
    }

    fn owners(&mut self, node: &Node<'_>, field: &str) -> Read {
        if !node.is_sequence() {
            self.mismatch(node, field, "[]v1.OwnerReference");
            return Ok(());
        }
        self.is_empty = false;
        for owner in node.items()? {
            if owner.is_null() {
                continue;
            }
            if !owner.is_mapping() {
                self.mismatch(&owner, field, "v1.OwnerReference");
                continue;
            }
            for entry in self.entries(&owner)? {
                let value = &entry.value;
                let is = |name: &str| entry.key.eq_ignore_ascii_case(name);
                let field = |name: &str| format!("OwnerReference.metadata.ownerReferences.{name}");
                if value.is_null() {
                    continue;
                }
                for (known, type_) in [
                    ("apiVersion", "string"),
                    ("kind", "string"),
                    ("name", "string"),
                    ("uid", "types.UID"),
                ] {
                    if is(known) {
                        self.text_of(value, &field(known), type_)?;
                    }
                }
                for known in ["controller", "blockOwnerDeletion"] {
                    if is(known) {
                        self.boolean(value, &field(known))?;
                    }
                }
            }
        }
        Ok(())
    }
}
