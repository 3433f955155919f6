//! The npm package's way in: conversions, and no decisions.
//!
//! What lives between calls is held here in tables and named by plain numbers, and bodies come
//! through a window of fixed size, so memory does not grow with what is verified.

#![expect(
    unreachable_pub,
    clippy::needless_pass_by_value,
    reason = "what wasm-bindgen exports is public and owns its arguments"
)]

use std::cell::RefCell;
use std::time::{Duration, SystemTime};

use hmac::Mac;
use js_sys::{Array, Object, Reflect, Uint8Array};
use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use sha2::{Digest, Sha256};
use slab::Slab;
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

use crate::delivery::{self, EventType, Reading};
use crate::json::Nesting;
use crate::key;
use crate::shape::{Kind, Node};
use crate::{Drift, Error, Key, KeyIndex, Keys, MalformedSignature, NotJson, Stream, Verifier};

/// How much of a body is in WebAssembly's memory at once, in bytes.
const WINDOW: u32 = 64 << 10;

thread_local! {
    static VERIFIERS: RefCell<Slab<Verifier>> = const { RefCell::new(Slab::new()) };
    static STREAMS: RefCell<Slab<Stream>> = const { RefCell::new(Slab::new()) };
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; size(WINDOW).unwrap_or_default()]);
}

/// What is thrown: the facade makes a `WebhookError` of it.
#[derive(Serialize)]
struct Thrown<'e> {
    code: &'e str,
    status: u16,
    message: String,
}

fn thrown(error: &Error) -> JsValue {
    let thrown = Thrown { code: error.code(), status: error.status(), message: error.to_string() };
    serde_wasm_bindgen::to_value(&thrown).unwrap_or_else(Into::into)
}

/// A number that names nothing here, which the facade never passes.
fn no_such(what: &str) -> JsValue {
    js_sys::Error::new(&["walnut-webhooks has no such ", what].concat()).into()
}

fn size(length: u32) -> Option<usize> {
    usize::try_from(length).ok()
}

fn each_window(
    bytes: &Uint8Array,
    mut then: impl FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), JsValue> {
    BUFFER.with_borrow_mut(|buffer| {
        let length = bytes.length();
        let mut from: u32 = 0;
        while from < length {
            let to = from.saturating_add(WINDOW).min(length);
            let piece = bytes.subarray(from, to);
            let window = size(piece.length()).and_then(|size| buffer.get_mut(..size));
            let window = window.ok_or_else(|| no_such("window"))?;
            piece.copy_to(window);
            then(window).map_err(|error| thrown(&error))?;
            from = to;
        }
        Ok(())
    })
}

fn with_verifier<T>(
    verifier: usize,
    then: impl FnOnce(&Verifier) -> Result<T, JsValue>,
) -> Result<T, JsValue> {
    VERIFIERS.with_borrow(|all| then(all.get(verifier).ok_or_else(|| no_such("verifier"))?))
}

/// Keys a verifier and returns its number. Rust's copies of the keys are wiped.
#[wasm_bindgen(js_name = openVerifier)]
pub fn open_verifier(keys: Vec<Uint8Array>, max_body_bytes: usize) -> Result<usize, JsValue> {
    let key = |bytes: Uint8Array| Key::new(Zeroizing::new(bytes.to_vec()).as_slice());
    let keys = keys.into_iter().map(key).collect::<Result<Vec<_>, _>>().and_then(Keys::new);
    let verifier = Verifier::new(keys.map_err(|error| thrown(&error))?);
    let verifier = verifier.with_max_body_bytes(max_body_bytes);
    Ok(VERIFIERS.with_borrow_mut(|all| all.insert(verifier)))
}

/// Drops a verifier, which wipes its keys.
#[wasm_bindgen(js_name = closeVerifier)]
pub fn close_verifier(verifier: usize) {
    VERIFIERS.with_borrow_mut(|all| drop(all.try_remove(verifier)));
}

/// Checks a header's form, and a declared length where there is one.
#[wasm_bindgen]
pub fn precheck(
    verifier: usize,
    header: Option<String>,
    length: Option<usize>,
) -> Result<(), JsValue> {
    with_verifier(verifier, |verifier| {
        verifier.precheck(header.as_deref(), length).map(drop).map_err(|error| thrown(&error))
    })
}

/// Checks a body and returns the index of the key that matched.
#[wasm_bindgen]
pub fn verify(
    verifier: usize,
    body: &Uint8Array,
    header: Option<String>,
) -> Result<usize, JsValue> {
    with_verifier(verifier, |verifier| {
        // Both are looked at before the body is hashed, in the contract's order.
        let header = header.as_deref();
        verifier.precheck(header, size(body.length())).map_err(|error| thrown(&error))?;
        let mut stream = verifier.stream();
        each_window(body, |window| stream.update(window))?;
        stream.finish(header).map(KeyIndex::get).map_err(|error| thrown(&error))
    })
}

/// Signs a body with the current key and returns the 64 digits.
#[wasm_bindgen]
pub fn sign(verifier: usize, body: &Uint8Array) -> Result<String, JsValue> {
    with_verifier(verifier, |verifier| {
        let mut hmac = verifier.current_key().ok_or_else(|| no_such("key"))?.hmac();
        each_window(body, |window| {
            hmac.update(window);
            Ok(())
        })?;
        Ok(key::signature(hmac).to_string())
    })
}

/// Begins to check a body that comes in pieces, and returns its number.
#[wasm_bindgen(js_name = openStream)]
pub fn open_stream(verifier: usize) -> Result<usize, JsValue> {
    let stream = with_verifier(verifier, |verifier| Ok(verifier.stream()))?;
    Ok(STREAMS.with_borrow_mut(|all| all.insert(stream)))
}

/// Takes the next piece of a body.
#[wasm_bindgen(js_name = updateStream)]
pub fn update_stream(stream: usize, chunk: &Uint8Array) -> Result<(), JsValue> {
    STREAMS.with_borrow_mut(|all| {
        let stream = all.get_mut(stream).ok_or_else(|| no_such("stream"))?;
        each_window(chunk, |window| stream.update(window))
    })
}

/// Ends a body and returns the index of the key that matched. The number is free then.
#[wasm_bindgen(js_name = finishStream)]
pub fn finish_stream(stream: usize, header: Option<String>) -> Result<usize, JsValue> {
    let stream =
        STREAMS.with_borrow_mut(|all| all.try_remove(stream)).ok_or_else(|| no_such("stream"))?;
    stream.finish(header.as_deref()).map(KeyIndex::get).map_err(|error| thrown(&error))
}

/// Drops a body that will not be ended.
#[wasm_bindgen(js_name = closeStream)]
pub fn close_stream(stream: usize) {
    STREAMS.with_borrow_mut(|all| drop(all.try_remove(stream)));
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Read {
    r#type: &'static str,
    id: String,
    is_test: bool,
    drift: Vec<ReadDrift>,
}

#[derive(Serialize)]
struct ReadDrift {
    path: String,
    kind: &'static str,
    expected: Option<&'static str>,
    found: Option<&'static str>,
}

impl From<Drift> for ReadDrift {
    fn from(Drift { path, kind, expected, found }: Drift) -> Self {
        Self { path, kind: kind.as_str(), expected, found }
    }
}

/// Reads a verified body that the host has parsed: `value` is what its `JSON.parse` made of `body`.
#[wasm_bindgen]
pub fn read(body: &Uint8Array, value: JsValue) -> Result<JsValue, JsValue> {
    let mut nesting = Nesting::default();
    each_window(body, |window| {
        nesting.update(window);
        Ok(())
    })?;
    nesting
        .finish()
        .and_then(|()| match value.kind() {
            Kind::Object => Ok(()),
            _ => Err(Error::NotJson(NotJson::NotAnObject)),
        })
        .map_err(|error| thrown(&error))?;

    let Reading { event_type, id, is_test, drift, .. } = Reading::of(&value);
    let id = if let Some(id) = id {
        id
    } else {
        let mut sha256 = Sha256::new();
        each_window(body, |window| {
            sha256.update(window);
            Ok(())
        })?;
        delivery::body_id(&sha256.finalize())
    };
    let read = Read {
        r#type: event_type.map_or("unknown", EventType::as_str),
        id,
        is_test,
        drift: drift.into_iter().map(Into::into).collect(),
    };
    Ok(read.serialize(&Serializer::new().serialize_missing_as_null(true))?)
}

/// Makes the error for a body that the host could not decode, or decoded and could not parse.
#[wasm_bindgen(js_name = notJson)]
pub fn not_json(body: &Uint8Array, decoded: bool) -> JsValue {
    const BYTE_ORDER_MARK: &[u8; 3] = b"\xef\xbb\xbf";
    let mut start = [0; 3];
    if body.length() >= 3 {
        body.subarray(0, 3).copy_to(&mut start);
    }
    thrown(&Error::NotJson(match decoded {
        false => NotJson::Utf8,
        true if body.length() == 0 => NotJson::Empty,
        true if start == *BYTE_ORDER_MARK => NotJson::ByteOrderMark,
        true => NotJson::Syntax,
    }))
}

/// Makes the error for a header that came more than once.
#[wasm_bindgen(js_name = repeatedHeader)]
pub fn repeated_header() -> JsValue {
    thrown(&Error::MalformedSignature(MalformedSignature::Repeated))
}

/// Checks a signed time; all numbers are milliseconds, `now` since the Unix epoch.
#[wasm_bindgen(js_name = checkAge)]
pub fn check_age(timestamp: &str, now: f64, max_age: f64, skew: f64) -> Result<(), JsValue> {
    let millis = |ms: f64| Duration::try_from_secs_f64(ms / 1000.0).unwrap_or(Duration::MAX);
    let now = SystemTime::UNIX_EPOCH.checked_add(millis(now)).unwrap_or(SystemTime::UNIX_EPOCH);
    delivery::check_age(Some(timestamp), now, millis(max_age), millis(skew))
        .map_err(|error| thrown(&error))
}

/// A value that the host parsed: plain data, so reading it runs nobody's code.
impl Node for JsValue {
    fn kind(&self) -> Kind {
        if self.is_null() {
            Kind::Null
        } else if let Some(value) = self.as_bool() {
            Kind::Boolean(value)
        } else if let Some(value) = self.as_f64() {
            Kind::Number(value)
        } else if self.is_string() {
            Kind::String
        } else if Array::is_array(self) {
            Kind::Array
        } else {
            Kind::Object
        }
    }

    fn text(&self) -> Option<String> {
        self.as_string()
    }

    fn member(&self, name: &str) -> Option<Self> {
        Reflect::get(self, &JsValue::from_str(name)).ok().filter(|value| !value.is_undefined())
    }

    fn names(&self) -> Vec<String> {
        Object::keys(self.unchecked_ref::<Object>())
            .iter()
            .filter_map(|name| name.as_string())
            .collect()
    }

    fn items(&self) -> impl Iterator<Item = Self> {
        Array::from(self).to_vec().into_iter()
    }
}
