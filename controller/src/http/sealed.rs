//! `/v1/verify` and `/v1/rotate`, as upstream answers them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use axum::{
    body::{Body, HttpBody},
    extract::{RawQuery, State},
    http::{
        StatusCode,
        header::{CONTENT_TYPE, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use futures::TryStreamExt;
use seal_api::SealedSecret;
use seal_envelope::{KeyId, Kind, Opened, SealError};
use seal_keyring::Keyring;
use seal_manifest::{Reading, Stream};
use seal_sealing::{key_hints, reseal, set_key_hints};
use serde_json::Value;
use tokio::time::timeout;

use super::Served;
use crate::unsealer::{Allowance, Refusal, Values};

/// Why a request is refused. The texts tell nothing about what is inside an envelope.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("the body is longer than {limit} bytes")]
    TooLong { limit: usize },
    #[error("the body did not arrive in time")]
    TooSlow,
    #[error("the answer took too long: ask with fewer objects at a time")]
    TimedOut,
    #[error("{0}")]
    Malformed(String),
    #[error(transparent)]
    Closed(#[from] Refusal),
    #[error("there is no sealing key yet")]
    NoKey,
    #[error("the value could not be sealed")]
    Seal(#[from] SealError),
}

impl Refused {
    /// Upstream's statuses: 409 for what does not open when verifying, 500 when rotating and for
    /// malformed input.
    fn status(&self, does_not_open: StatusCode) -> StatusCode {
        match self {
            Self::TooLong { .. } | Self::Closed(Refusal::TooMuch) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TimedOut | Self::NoKey => StatusCode::SERVICE_UNAVAILABLE,
            Self::Closed(Refusal::Busy) => StatusCode::TOO_MANY_REQUESTS,
            Self::Closed(Refusal::DoesNotOpen) => does_not_open,
            Self::Malformed(_) | Self::Seal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn response(&self, does_not_open: StatusCode) -> Response {
        let status = self.status(does_not_open);
        let text = format!("{self}\n");
        match status {
            StatusCode::TOO_MANY_REQUESTS => (status, [(RETRY_AFTER, "1")], text).into_response(),
            _ => (status, text).into_response(),
        }
    }
}

/// 200 when every value of every object sent opens, 409 when one does not.
pub(super) async fn verify(State(served): State<Served>, body: Body) -> Response {
    let answer = timeout(served.limits.answer, async {
        let mut document = read(&served, body).await?;
        let keyring = &served.keys.snapshot().keyring;
        let mut allowance = Allowance::default();
        for object in objects(&mut document)? {
            served
                .unsealer
                .open(&decode(object)?, keyring, &mut allowance)
                .await?;
        }
        Ok::<_, Refused>(StatusCode::OK)
    });
    match answer.await.unwrap_or(Err(Refused::TimedOut)) {
        Ok(status) => status.into_response(),
        Err(refused) => refused.response(StatusCode::CONFLICT),
    }
}

/// With this query, values that the current key opens already stay as they are. Upstream, which knows
/// no such thing, seals all of them again, and so do we without it.
const KEEP_CURRENT: &str = "keep=current";

/// The document sent, every value sealed again with the current key of its kind and every other field
/// as it was, as JSON. Age values are for that key alone afterwards, whoever else could open them.
pub(super) async fn rotate(
    State(served): State<Served>,
    RawQuery(query): RawQuery,
    body: Body,
) -> Response {
    let keep_current = query.as_deref() == Some(KEEP_CURRENT);
    let answer = timeout(served.limits.answer, async {
        let mut document = read(&served, body).await?;
        let keyring = served.keys.snapshot().keyring.clone();
        let mut allowance = Allowance::default();
        for object in objects(&mut document)? {
            rotate_one(&served, &keyring, &mut allowance, object, keep_current).await?;
        }
        Ok::<_, Refused>(document)
    });
    match answer.await.unwrap_or(Err(Refused::TimedOut)) {
        Ok(document) => {
            ([(CONTENT_TYPE, "application/json")], document.to_string()).into_response()
        }
        Err(refused) => refused.response(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

async fn rotate_one(
    served: &Served,
    keyring: &Keyring,
    allowance: &mut Allowance,
    object: &mut Value,
    keep_current: bool,
) -> Result<(), Refused> {
    let sealed = decode(object)?;
    let opened = served.unsealer.open(&sealed, keyring, allowance).await?;
    let mut rotated = std::mem::take(object);
    // Thousands of values take a while to seal: work for a thread of its own, as parsing is.
    let turn = Arc::clone(&served.working).acquire_owned().await;
    let keyring = keyring.clone();
    let work = move || {
        let _turn = turn;
        reseal_in(&mut rotated, sealed, &opened, &keyring, keep_current)?;
        Ok(rotated)
    };
    let rotated = tokio::task::spawn_blocking(work).await;
    *object = rotated.unwrap_or(Err(Refused::Seal(SealError)))?;
    Ok(())
}

/// Replaces the values of an object and its hint; nothing else of it changes.
fn reseal_in(
    object: &mut Value,
    mut sealed: SealedSecret,
    opened: &Values,
    keyring: &Keyring,
    keep_current: bool,
) -> Result<(), Refused> {
    let Resealed { texts, keys } = resealed(&sealed, opened, keyring, keep_current)?;
    if !keys.is_empty() {
        set_key_hints(&mut sealed.metadata, &keys);
    }
    let annotations = serde_json::to_value(&sealed.metadata.annotations).unwrap_or_default();

    let is_blob = sealed.spec.data.is_some();
    for (item, text) in texts {
        let field = match object.pointer_mut("/spec") {
            Some(spec) if is_blob => spec.get_mut("data"),
            Some(spec) => spec
                .get_mut("encryptedData")
                .and_then(|items| items.get_mut(&item)),
            None => None,
        };
        if let Some(field) = field {
            *field = text.into();
        }
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("annotations".into(), annotations);
    }
    Ok(())
}

/// The values that were sealed again, by item, and the keys of all values.
#[derive(Default)]
struct Resealed {
    texts: BTreeMap<String, String>,
    keys: BTreeSet<KeyId>,
}

/// Seals each value with the current key of the kind that opened it.
fn resealed(
    sealed: &SealedSecret,
    opened: &Values,
    keyring: &Keyring,
    keep_current: bool,
) -> Result<Resealed, Refused> {
    let mut all = Resealed::default();
    for kind in Kind::ALL {
        let is_of_kind = |opened: &Opened| {
            let key = keyring.find(opened.key.as_str());
            key.is_some_and(|key| key.kind() == kind)
        };
        let values: Vec<_> = opened.iter().filter(|(_, it)| is_of_kind(it)).collect();
        if values.is_empty() {
            continue;
        }
        let current = keyring.current(kind).ok_or(Refused::NoKey)?;
        let (staying, moving): (Vec<_>, Vec<_>) = values
            .into_iter()
            .partition(|(_, opened)| keep_current && opened.key == *current.id());
        let moving = moving
            .iter()
            .map(|(item, opened)| (item.as_str(), &opened.plaintext));
        let recipients = current.public().recipients();
        all.texts.extend(reseal(sealed, moving, recipients)?);
        all.keys.insert(current.id().clone());
        if kind == Kind::Age && !staying.is_empty() {
            // Such a value may be for others, too. Who they are only the hint tells.
            let hints = key_hints(&sealed.metadata).into_iter();
            all.keys
                .extend(hints.filter(|id| !keyring.contains(id.as_str())));
        }
    }
    Ok(all)
}

async fn read(served: &Served, body: Body) -> Result<Value, Refused> {
    let body = timeout(served.limits.read, collect(body, served.limits.body)).await;
    let bytes = body.map_err(|_| Refused::TooSlow)??;
    // Parsing is work for a thread of its own, and for one at a time, also when nobody waits for it
    // any more.
    let turn = Arc::clone(&served.working).acquire_owned().await;
    let parsed = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        parse(bytes)
    });
    let parsed = parsed.await;
    parsed.unwrap_or_else(|_| Err(Refused::Malformed("the body cannot be read".into())))
}

/// The whole body. It comes in pieces that may be as small as a byte, each of which costs more than it
/// holds, so that they are not kept.
async fn collect(body: Body, limit: usize) -> Result<Vec<u8>, Refused> {
    let announced = body.size_hint().exact().unwrap_or_default();
    let announced = usize::try_from(announced).unwrap_or(usize::MAX).min(limit);
    let mut bytes = Vec::with_capacity(announced);
    let mut pieces = body.into_data_stream();
    let broken = |_| Refused::Malformed("the body broke off".into());
    while let Some(piece) = pieces.try_next().await.map_err(broken)? {
        if bytes.len() + piece.len() > limit {
            return Err(Refused::TooLong { limit });
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

fn parse(bytes: Vec<u8>) -> Result<Value, Refused> {
    let malformed = |error: seal_manifest::Error| Refused::Malformed(error.to_string());
    let stream = Stream::parse("body", bytes, Reading::Kubernetes).map_err(malformed)?;
    match stream.documents() {
        [document] => document.to_json().map_err(malformed),
        [] => Err(Refused::Malformed(
            "the body is empty: send a SealedSecret".into(),
        )),
        _ => Err(Refused::Malformed(
            "the body holds several documents: send a List".into(),
        )),
    }
}

/// The objects of a document: itself, or the items of a list. None at all is nothing to vouch for.
fn objects(document: &mut Value) -> Result<Vec<&mut Value>, Refused> {
    let kind = document
        .get("kind")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let objects = match kind.ends_with("List") {
        true => document.get_mut("items").and_then(Value::as_array_mut),
        false => return Ok(vec![document]),
    };
    let objects: Vec<_> = objects.into_iter().flatten().collect();
    if objects.is_empty() {
        return Err(Refused::Malformed("the List holds no SealedSecret".into()));
    }
    Ok(objects)
}

/// Stricter than upstream, which calls `{}` verified.
fn decode(object: &Value) -> Result<SealedSecret, Refused> {
    let malformed = |text: &str| Refused::Malformed(text.to_owned());
    if object.get("kind").is_none() {
        return Err(malformed("the object has no kind: send a SealedSecret"));
    }
    let items = object
        .pointer("/spec/encryptedData")
        .filter(|items| !items.is_null());
    if items.is_some_and(|items| !items.is_object()) {
        return Err(malformed("spec.encryptedData is not a mapping"));
    }
    SealedSecret::decode(object.clone()).map_err(|error| Refused::Malformed(error.to_string()))
}
