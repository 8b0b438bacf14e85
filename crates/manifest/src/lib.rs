//! YAML and JSON manifests: reading them as Kubernetes does, and knowing where everything stands.
//!
//! [`Stream::parse`] makes one pass of parser events over an input and keeps, for every node, its
//! bytes, its style, its tag and its anchor. Reading is done on that tree:
//!
//! ```
//! use seal_manifest::{Reading, Stream};
//!
//! let text = "kind: Secret\nstringData:\n  user: admin\n  mode: \"0777\"\n";
//! let stream = Stream::parse("db.yaml", text, Reading::Strict)?;
//! for object in stream.documents()[0].objects()? {
//!     assert_eq!(object.kind().as_deref(), Some("Secret"));
//!     if let Some(data) = object.field("stringData")? {
//!         for entry in data.entries()? {
//!             let _secret: zeroize::Zeroizing<String> = entry.value.text()?;
//!         }
//!     }
//! }
//! # Ok::<(), seal_manifest::Error>(())
//! ```
//!
//! Kubernetes reads YAML 1.1 by way of JSON (`sigs.k8s.io/yaml`): `0777` is 511, `on` is true, `n`
//! as a key is `false`, the last of two equal keys wins. A [`Reading`] says what to do about it:
//! [`Kubernetes`](Reading::Kubernetes) does the same, [`Strict`](Reading::Strict) refuses what
//! could be meant differently and says how to quote. Where Kubernetes' tools drop or skip a
//! document (a broken one, one behind `...`, one whose `---` has text glued to it), both readings
//! refuse the input instead.
//!
//! Editing in place makes use of the same nodes. [`Stream::edit`] collects what is wanted, by path or
//! by node and for several documents and objects at once; [`Edits::apply`] makes the new text:
//!
//! ```
//! use seal_manifest::{Reading, Stream};
//!
//! let text = "# ours\nmetadata: {name: db}\nspec:\n    encryptedData:\n        old: 'AgA=' # 2024\n";
//! let stream = Stream::parse("db.yaml", text, Reading::Strict)?;
//! let object = stream.documents()[0].root();
//! let mut edits = stream.edit();
//! edits.set(object, &["spec", "encryptedData", "old"], "AgB=")?;
//! edits.set(object, &["spec", "encryptedData", "new"], "AgC=")?;
//! edits.set(object, &["metadata", "annotations", "seal.alt/keys"], "k1")?;
//! assert_eq!(
//!     edits.apply()?.text(),
//!     "# ours\nmetadata: {name: db, annotations: {seal.alt/keys: k1}}\nspec:\n    \
//!      encryptedData:\n        old: 'AgB=' # 2024\n        new: 'AgC='\n"
//! );
//! # Ok::<(), seal_manifest::EditError>(())
//! ```
//!
//! Edits are first data (what each node shall become), then replacements of bytes, applied in one
//! go. The result is parsed, or the line where that proves as much, and compared with the original
//! node by node: what was asked for has changed and nothing else, or there is no result. Every byte outside of the replacements stays. So
//! that the replacements are those a reviewer expects:
//!
//! - A scalar keeps its style where the new text allows: plain where every version of YAML reads
//!   it as text, block scalars where they can hold it. A tag that does not go with text (`!!binary`)
//!   goes, an anchor stays.
//! - A new key comes behind the last one of its mapping, with the indentation, line ends and quoting
//!   of its siblings. `{}` and nulls become block mappings, inside of brackets flow mappings.
//! - A removed key takes along the comment behind it and comment lines below that are indented
//!   deeper. Comment lines above stay. A mapping that loses all keys becomes `{}`.
//! - An alias can be replaced by a text of its own. What an alias or a merge (`<<`) elsewhere repeats
//!   is not edited, for both places would change: the error names them. A key that comes from a merge
//!   is set as a key of its own.
//!
//! [`Stream::replace`] puts other documents in the place of whole ones.
//!
//! A manifest may hold plaintext. So texts are wiped from memory when they are dropped, `Debug`
//! prints places instead of contents, and errors name keys, types and positions but never a value.
//! What a malicious input can cost is bounded: nesting by [`MAX_DEPTH`], nodes by [`MAX_NODES`],
//! aliases by a multiple of the input's size.
//!
//! [`to_yaml`] and [`to_json_pretty`] write new objects byte for byte as `kubectl` and `kubeseal`
//! do.
//!
//! The crate knows lists, kinds and API versions, but nothing of Secrets, sealing, files or
//! clusters, and depends on no other crate of the workspace.

mod document;
mod edit;
mod emit;
mod error;
mod json;
mod mapping;
mod node;
mod number;
mod order;
mod parse;
mod scalar;
mod source;
mod stream;
mod style;
mod timestamp;
mod tree;
mod wiped;

pub use document::{Document, Format, Reading};
pub use edit::{EditError, Edited, Edits};
pub use emit::{EmitError, to_yaml};
pub use error::{Ambiguity, Error, Location, Problem};
pub use json::to_json_pretty;
pub use mapping::Entry;
pub use node::Node;
pub use parse::{MAX_DEPTH, MAX_NODES};
pub use scalar::Scalar;
pub use stream::Stream;
pub use tree::ScalarStyle;
