//! Whether the API server has room for a SealedSecret.

use std::io;

use serde_json::{Map, Value};

use crate::error::Error;

/// What etcd takes in one request unless it is told otherwise (`--max-request-bytes`, 1.5 MiB). The
/// API server's own limit for what it is sent, 3 MiB, is never reached before.
pub const MOST_STORED: usize = 1_572_864;

/// What comes to an object once it is there: uid and times, who manages it, the status that the
/// controller writes, and etcd's own frame. An object without room for its status could be made, but
/// would never be seen to be unsealed.
pub const ADDED: usize = 8 << 10;

/// Beside its name, what the API server notes of each field: `"f:NAME":{},`.
const NOTED: usize = 8;

/// Bytes that a SealedSecret takes as the API server stores it: JSON as Go writes it, the fields as
/// its writer's, and what is [added](ADDED).
#[must_use]
pub fn stored(object: &Value) -> usize {
    let mut json = Counted::default();
    // Neither a value nor the counter refuses anything.
    let _ = serde_json::to_writer(&mut json, object);
    let values = object
        .pointer("/spec/encryptedData")
        .and_then(Value::as_object);
    let noted: usize = values.map_or(0, |it| it.keys().map(|key| key.len() + NOTED).sum());
    json.0 + noted + ADDED
}

/// How many bytes Go's encoder writes for this JSON.
#[derive(Default)]
struct Counted(usize);

impl io::Write for Counted {
    fn write(&mut self, json: &[u8]) -> io::Result<usize> {
        // It writes these as \u003c and so on.
        let is_escaped = |byte: &u8| matches!(byte, b'<' | b'>' | b'&');
        let escaped = json.iter().filter(|byte| is_escaped(byte)).count();
        self.0 += json.len() + 5 * escaped;
        Ok(json.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Makes sure that the API server would take a SealedSecret, which stands at `at`.
///
/// # Errors
/// [`Error::TooLarge`].
pub fn expect_room(object: &Value, at: &str) -> Result<(), Error> {
    let bytes = stored(object);
    if bytes <= MOST_STORED {
        return Ok(());
    }
    let text = |field| object.pointer(field).and_then(Value::as_str);
    let parts = [text("/metadata/namespace"), text("/metadata/name")];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    Err(Error::TooLarge {
        at: at.to_owned(),
        called: parts.join("/"),
        bytes,
        most: MOST_STORED,
    })
}

/// Puts a text at a path of fields, those on the way included, to see how large an object becomes.
pub fn put(object: &mut Value, path: &[&str], text: &str) {
    let [first, rest @ ..] = path else {
        *object = Value::from(text);
        return;
    };
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    if let Some(fields) = object.as_object_mut() {
        put(fields.entry(*first).or_insert(Value::Null), rest, text);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_is_counted_as_go_writes_it_with_what_the_api_server_notes() {
        let object = json!({
            "spec": { "encryptedData": { "ab": "x" }, "template": { "data": { "t": "<&>" } } },
        });
        let escaped = r#"{"spec":{"encryptedData":{"ab":"x"},"template":{"data":{"t":"\u003c\u0026\u003e"}}}}"#;
        let noted = r#""f:ab":{},"#;
        assert_eq!(stored(&object), escaped.len() + noted.len() + ADDED);
    }

    #[test]
    fn an_object_that_fits_to_the_byte_is_taken_and_no_larger_one() {
        let object = |length: usize| json!({ "a": "x".repeat(length) });
        let most = MOST_STORED - stored(&object(0));
        assert!(expect_room(&object(most), "a.yaml:1:1").is_ok());
        let error = expect_room(&object(most + 1), "a.yaml:1:1").unwrap_err();
        assert!(error.to_string().contains("1572865 bytes"), "{error}");
    }
}
