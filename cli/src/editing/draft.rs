//! What people see in their editor: one line for each value.

use std::collections::{BTreeMap, BTreeSet};

use seal_manifest::{EmitError, Node, Reading, ScalarStyle, Stream, to_yaml};
use zeroize::Zeroizing;

use super::{error::EditingError, secret_key};
use crate::{
    commands::encrypt::MOST_DATA,
    error::{Error, Errors},
};

/// Stands where a value stays sealed. A text that reads so has to be quoted.
const SEALED: &str = "!sealed";
const BINARY: &str = "!!binary";

/// A value as it is shown.
#[derive(Debug)]
pub enum Shown {
    /// As the tag `!sealed`.
    Sealed,
    /// The same, and that no key opens it.
    Unopened,
    /// In plaintext.
    Open(Zeroizing<Vec<u8>>),
}

/// What is wanted of a value.
#[derive(Debug, PartialEq, Eq)]
pub enum Wanted {
    /// To be sealed under this key.
    Set(String, Zeroizing<Vec<u8>>),
    /// To be removed.
    Remove(String),
}

/// The values of one object, to be edited as text.
#[derive(Debug)]
pub struct Draft {
    /// Lines of comment about the object.
    pub head: Vec<String>,
    /// By key.
    pub values: BTreeMap<String, Shown>,
}

const HELP: [&str; 4] = [
    "A value that reads !sealed stays as it is: write another in its place to seal that.",
    "Remove a line to remove its value, add lines for new ones.",
    "Values are text: quote what holds \": \", \" #\" or begins with a special character.",
    "Others are written as !!binary and base64.",
];

impl Draft {
    /// The text to edit, wiped when dropped.
    ///
    /// # Errors
    /// When a key or a value cannot be written as YAML.
    pub fn text(&self) -> Result<Zeroizing<String>, EmitError> {
        let mut pieces = Vec::new();
        let head = self.head.iter().map(String::as_str);
        for line in head.chain(HELP) {
            pieces.push(Zeroizing::new(format!("# {line}\n")));
        }
        for (key, value) in &self.values {
            pieces.push(line(key, value)?);
        }
        let length = pieces.iter().map(|piece| piece.len()).sum();
        let mut text = Zeroizing::new(String::with_capacity(length));
        pieces.iter().for_each(|piece| text.push_str(piece));
        Ok(text)
    }

    /// What has come of it; nothing when everything was deleted, which is how an edit is called off.
    ///
    /// # Errors
    /// Everything that is not right, by its place in the text.
    pub fn read(&self, name: &str, text: &[u8]) -> Result<Vec<Wanted>, Errors> {
        let stream = Stream::parse(name, text.to_vec(), Reading::Strict)?;
        let root = match stream.documents() {
            [] => return Ok(Vec::new()),
            [document] => document.root(),
            [_, second, ..] => {
                return Err(wrong(&second.root(), "one document is enough").into());
            }
        };
        let mut wanted = Vec::new();
        let mut seen = BTreeSet::new();
        let mut errors = Errors::default();
        for entry in root.entries()? {
            let key = entry.key.into_owned();
            let read = match secret_key(&key) {
                Ok(_) => self.value(&stream, &key, &entry.value),
                Err(why) => Err(wrong(&entry.key_node, why)),
            };
            match read {
                Ok(Some(value)) => wanted.push(Wanted::Set(key.clone(), value)),
                Ok(None) => {}
                Err(error) => errors.push(error),
            }
            seen.insert(key);
        }
        let gone = self.values.keys().filter(|key| !seen.contains(*key));
        wanted.extend(gone.map(|key| Wanted::Remove(key.clone())));
        errors.or(wanted)
    }

    /// A new value, or none where it stays.
    fn value(
        &self,
        stream: &Stream,
        key: &str,
        node: &Node<'_>,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        let shown = self.values.get(key);
        let span = node.properties_span().unwrap_or_default();
        let value = match stream.text().get(span).unwrap_or_default() {
            SEALED => return stays(node, shown),
            BINARY => decoded(node)?,
            "" | "!!str" => text(stream, node)?,
            _ => {
                return Err(wrong(
                    node,
                    "a value that begins with \"!\" or \"&\" has to be quoted",
                ));
            }
        };
        if value.len() > MOST_DATA {
            return Err(wrong(node, "longer than the 1 MiB that a Secret holds"));
        }
        Ok(match shown {
            Some(Shown::Open(old)) if *old == value => None,
            _ => Some(value),
        })
    }
}

fn line(key: &str, value: &Shown) -> Result<Zeroizing<String>, EmitError> {
    let text = match value {
        Shown::Open(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => return to_yaml(&BTreeMap::from([(key, text)])),
            Err(_) => {
                let base64 = Zeroizing::new(seal_sealing::encode(bytes));
                Zeroizing::new([BINARY, base64.as_str()].join(" "))
            }
        },
        Shown::Sealed => Zeroizing::new(SEALED.to_owned()),
        Shown::Unopened => Zeroizing::new(format!("{SEALED} # no key given opens it")),
    };
    let empty = to_yaml(&BTreeMap::from([(key, "")]))?;
    let start = empty.trim_end_matches("\"\"\n");
    let mut line = Zeroizing::new(String::with_capacity(start.len() + text.len() + 1));
    line.push_str(start);
    line.push_str(&text);
    line.push('\n');
    Ok(line)
}

fn stays(node: &Node<'_>, shown: Option<&Shown>) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
    let empty = node.as_str() == Some("");
    match shown {
        None => Err(wrong(node, "there is no such sealed value that could stay")),
        Some(_) if !empty => Err(wrong(
            node,
            "remove !sealed in front of a new value, or quote all of it",
        )),
        Some(_) => Ok(None),
    }
}

fn decoded(node: &Node<'_>) -> Result<Zeroizing<Vec<u8>>, Error> {
    let letters = node.as_str().unwrap_or_default();
    let letters = Zeroizing::new(letters.split_ascii_whitespace().collect::<String>());
    seal_sealing::decode(&letters).map_err(|_| wrong(node, "not base64, which !!binary needs"))
}

fn text(stream: &Stream, node: &Node<'_>) -> Result<Zeroizing<Vec<u8>>, Error> {
    if node.is_mapping() || node.is_sequence() {
        return Err(wrong(
            node,
            "expected text; what holds \": \" or begins with \"[\", \"{\" or \"- \" has to be quoted",
        ));
    }
    if node.is_null() {
        return Err(wrong(
            node,
            "no value; write !sealed to leave it as it is, or \"\" for an empty one",
        ));
    }
    let behind = stream.text().get(node.span().end..).unwrap_or_default();
    let rest = behind.lines().next().unwrap_or_default();
    if node.scalar_style() == Some(ScalarStyle::Plain) && rest.trim_start().starts_with('#') {
        return Err(wrong(
            node,
            "what follows \" #\" is a comment; quote the value if it belongs to it",
        ));
    }
    let mut text = node.text()?;
    Ok(Zeroizing::new(std::mem::take(&mut *text).into_bytes()))
}

fn wrong(node: &Node<'_>, why: &'static str) -> Error {
    let at = node.location();
    EditingError::Draft { at, why }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(values: &[(&str, Option<&[u8]>)]) -> Draft {
        let shown = |value: &Option<&[u8]>| match value {
            Some(bytes) => Shown::Open(Zeroizing::new(bytes.to_vec())),
            None => Shown::Sealed,
        };
        let values = values
            .iter()
            .map(|(key, value)| ((*key).to_owned(), shown(value)));
        Draft {
            head: vec!["about it".into()],
            values: values.collect(),
        }
    }

    fn set(key: &str, value: &[u8]) -> Wanted {
        Wanted::Set(key.into(), Zeroizing::new(value.to_vec()))
    }

    #[test]
    fn a_text_that_is_saved_as_it_was_changes_nothing() {
        let values: [&[u8]; 9] = [
            b"", b"text", b"0777", b"a\nb\n", b" # x", b"\xff\0", b"!sealed", b"null", b"&a *b",
        ];
        for value in values {
            let draft = draft(&[("a.b", Some(value)), ("n", None)]);
            let text = draft.text().unwrap();
            assert_eq!(draft.read("", text.as_bytes()).unwrap(), [], "{}", *text);
        }
    }

    #[test]
    fn values_are_set_kept_and_removed_by_their_lines() {
        let draft = draft(&[("gone", None), ("kept", None), ("open", Some(b"old"))]);
        let text = "kept: !sealed\nopen: new\nadded: |\n  two\n  lines\nbytes: !!binary AP8=\n";
        let wanted = draft.read("", text.as_bytes()).unwrap();
        let expected = [
            set("open", b"new"),
            set("added", b"two\nlines\n"),
            set("bytes", b"\0\xff"),
            Wanted::Remove("gone".into()),
        ];
        assert_eq!(wanted, expected);
    }

    #[test]
    fn what_would_not_arrive_as_it_was_typed_is_refused() {
        let draft = draft(&[("a", None)]);
        for typed in [
            "abc # def",
            "!Secret",
            "&secret x",
            "!sealed new",
            "0777",
            "yes",
            "",
            "~",
            "[a]",
            "{a: b}",
            "a: b",
            "*x",
            "!!binary =",
            "@x",
            "'a' # b\n---\nb: c",
        ] {
            let text = format!("a: {typed}\n");
            assert!(draft.read("", text.as_bytes()).is_err(), "{typed}");
        }
        for text in ["a b: x\n", "b: !sealed\n", "a: x\na: y\n", "text\n"] {
            assert!(draft.read("", text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn an_empty_file_calls_the_edit_off() {
        let draft = draft(&[("a", None)]);
        assert_eq!(draft.read("", b"# nothing\n").unwrap(), []);
    }
}
