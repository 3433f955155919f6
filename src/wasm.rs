//! The exports of the npm package's WebAssembly. They convert values and decide nothing.
//!
//! Verifiers and streams stay here between calls, under numeric handles. A body passes through a window of fixed size,
//! so memory does not grow with its length. A function that returns [`FAILED`] has set its error in JavaScript.

#![expect(unreachable_pub, reason = "wasm-bindgen exports public functions")]

mod host;
mod table;

use std::cell::RefCell;

use hmac::Mac as _;
use sha2::{Digest, Sha256};
use table::Table;
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

use crate::json::Scan;
use crate::reading::{self, Reading};
use crate::shape::Node;
use crate::{Drift, Error, Key, KeyIndex, Keys, MAX_DEPTH, Signature, Stream, Verifier, age};

/// The size of the window: how many bytes of a body are in WebAssembly's memory at once.
const WINDOW: usize = 64 << 10;

/// How many bytes of a header are read. A longer header is malformed in any case.
const HEADER: usize = 4 << 10;

const FAILED: i32 = -1;

struct Core {
    verifiers: Table<Verifier>,
    streams: Table<Stream>,
    keys: Vec<Zeroizing<Vec<u8>>>,
    window: Vec<u8>,
    header: Vec<u8>,
}

impl Core {
    const NEW: Self = Self {
        verifiers: Table::NEW,
        streams: Table::NEW,
        keys: Vec::new(),
        window: Vec::new(),
        header: Vec::new(),
    };
}

/// Half the size of the standard library's allocator. It is safe only with `opt-level = "z"`, which does not inline its
/// `dealloc`. Otherwise LLVM may assume that the word before a new allocation is zero, but this allocator's tag is there.
/// So the edge has the standard library's allocator.
#[cfg(all(not(target_feature = "atomics"), target_family = "wasm"))]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

thread_local! {
    static CORE: RefCell<Core> = const { RefCell::new(Core::NEW) };
}

/// Runs a call. `None` means an unknown handle, which the facade never passes.
fn run(call: impl FnOnce(&mut Core) -> Option<Result<usize, Error>>) -> i32 {
    let result = CORE.try_with(|core| call(&mut *core.try_borrow_mut().ok()?));
    match result.ok().flatten() {
        Some(Ok(number)) => i32::try_from(number).unwrap_or(FAILED),
        Some(Err(error)) => fail(&error),
        None => FAILED,
    }
}

fn fail(error: &Error) -> i32 {
    host::fail(error);
    FAILED
}

/// Reads `length` bytes of input, one window at a time.
fn each_window(
    window: &mut [u8],
    length: usize,
    mut then: impl FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut from: usize = 0;
    while from < length {
        let size = length.saturating_sub(from).min(window.len());
        let piece = window.get_mut(..size).unwrap_or_default();
        host::input(from, piece);
        then(piece)?;
        from = from.saturating_add(size.max(1));
    }
    Ok(())
}

/// Allocates the buffers for bodies and headers. It must be called once, before every other function.
#[wasm_bindgen]
pub fn start() -> i32 {
    run(|core| {
        core.window.resize(WINDOW, 0);
        core.header.resize(HEADER, 0);
        Some(Ok(0))
    })
}

/// Adds the input as a key for the next [`open_verifier`].
#[wasm_bindgen(js_name = addKey)]
pub fn add_key(length: usize) -> i32 {
    run(|core| {
        let mut key = Zeroizing::new(vec![0; length]);
        host::input(0, &mut key);
        core.keys.push(key);
        Some(Ok(0))
    })
}

/// Creates a verifier with the added keys, wipes their bytes, and returns its handle.
#[wasm_bindgen(js_name = openVerifier)]
pub fn open_verifier(max_body_bytes: usize) -> i32 {
    run(|core| {
        let mut verifier = || {
            let keys = core::mem::take(&mut core.keys);
            let keys = keys.iter().map(Key::new).collect::<Result<Vec<_>, _>>()?;
            let verifier = Verifier::new(Keys::new(keys)?).with_max_body_bytes(max_body_bytes);
            Ok(core.verifiers.insert(verifier))
        };
        Some(verifier())
    })
}

/// Drops a verifier and wipes its keys.
#[wasm_bindgen(js_name = closeVerifier)]
pub fn close_verifier(verifier: usize) -> i32 {
    run(|core| {
        core.verifiers.remove(verifier);
        Some(Ok(0))
    })
}

/// Checks a header's form, and the body's declared length if it is `known`.
#[wasm_bindgen]
pub fn precheck(verifier: usize, known: bool, length: usize) -> i32 {
    run(|core| {
        let header = host::header(&mut core.header);
        let length = known.then_some(length);
        Some(core.verifiers.get(verifier)?.precheck(header, length).map(|_| 0))
    })
}

/// Finds the key that signed a body. `hashed` chooses JavaScript's SHA-256.
fn find_key(
    core: &mut Core,
    verifier: usize,
    length: usize,
    hashed: bool,
) -> Option<Result<usize, Error>> {
    let verifier = core.verifiers.get(verifier)?;
    let header = host::header(&mut core.header);
    if hashed {
        let hash = |block: &_| host::hash(&mut core.window, block);
        return Some(verifier.find_key_hashed(length, header, hash).map(KeyIndex::get));
    }
    if let Some(body) = core.window.get_mut(..length) {
        host::input(0, body);
        return Some(verifier.verify(body, header).map(|verified| verified.key_index().get()));
    }
    // Header and length are checked before the body is hashed, in the contract's order.
    let mut in_pieces = || {
        verifier.precheck(header, Some(length))?;
        let mut stream = verifier.stream();
        each_window(&mut core.window, length, |piece| stream.update(piece))?;
        stream.finish(header).map(KeyIndex::get)
    };
    Some(in_pieces())
}

/// Verifies a body and returns the index of the key that matched. `hashed` chooses JavaScript's SHA-256.
#[wasm_bindgen]
pub fn verify(verifier: usize, length: usize, hashed: bool) -> i32 {
    run(|core| find_key(core, verifier, length, hashed))
}

/// Signs a body with the current key and sets the signature in JavaScript.
#[wasm_bindgen]
pub fn sign(verifier: usize, length: usize) -> i32 {
    run(|core| {
        let mut hmac = core.verifiers.get(verifier)?.current_key()?.hmac();
        let all = each_window(&mut core.window, length, |piece| {
            hmac.update(piece);
            Ok(())
        });
        host::set_text(&Signature::from_hmac(hmac).digits());
        Some(all.map(|()| 0))
    })
}

/// Starts to verify a body that arrives in chunks, and returns its handle.
#[wasm_bindgen(js_name = openStream)]
pub fn open_stream(verifier: usize) -> i32 {
    run(|core| {
        let stream = core.verifiers.get(verifier)?.stream();
        Some(Ok(core.streams.insert(stream)))
    })
}

/// Adds the next chunk of a body.
#[wasm_bindgen(js_name = updateStream)]
pub fn update_stream(stream: usize, length: usize) -> i32 {
    run(|core| {
        let stream = core.streams.get_mut(stream)?;
        Some(each_window(&mut core.window, length, |piece| stream.update(piece)).map(|()| 0))
    })
}

/// Finishes a body, frees its handle, and returns the index of the key that matched.
#[wasm_bindgen(js_name = finishStream)]
pub fn finish_stream(stream: usize) -> i32 {
    run(|core| {
        let stream = core.streams.remove(stream)?;
        Some(stream.finish(host::header(&mut core.header)).map(KeyIndex::get))
    })
}

/// Drops a stream whose body will not be finished.
#[wasm_bindgen(js_name = closeStream)]
pub fn close_stream(stream: usize) -> i32 {
    run(|core| {
        core.streams.remove(stream);
        Some(Ok(0))
    })
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "the conversion saturates"
)]
fn millis(milliseconds: f64) -> i64 {
    milliseconds as i64
}

/// Verifies a body as [`verify`] does, lets JavaScript parse it, and sets the delivery in JavaScript.
///
/// Times are milliseconds, `now` since the Unix epoch; `max_age` is infinite if none is set.
#[wasm_bindgen]
pub fn deliver(
    verifier: usize,
    length: usize,
    hashed: bool,
    now: f64,
    max_age: f64,
    skew: f64,
    require_timestamp: bool,
) -> i32 {
    run(|core| {
        let key_index = find_key(core, verifier, length, hashed)?;
        let deliver = || {
            let key_index = key_index?;
            let top = match host::parse_body(MAX_DEPTH) {
                (Some(top), false) => top,
                (top, flag) => {
                    let mut scan = Scan::default();
                    each_window(&mut core.window, length, |piece| {
                        scan.update(piece);
                        Ok(())
                    })?;
                    top.filter(|_| scan.too_deep_at().is_none())
                        .ok_or_else(|| Error::NotJson(scan.reason(flag)))?
                }
            };
            let Reading { event_type, name, timestamp, session_id, is_test, drift } =
                Reading::new::<true>(&top)?;
            if max_age.is_finite() || require_timestamp {
                let timestamp = timestamp.and_then(|timestamp| timestamp.text());
                if require_timestamp {
                    age::check_readable(timestamp.as_deref())?;
                }
                if max_age.is_finite() {
                    let [now, max_age, skew] = [now, max_age, skew].map(millis);
                    age::check_millis(timestamp.as_deref(), now, max_age, skew)?;
                }
            }
            if session_id.is_none() {
                let mut sha256 = Sha256::new();
                let digest = if hashed {
                    host::hash(&mut core.window, &[])
                } else {
                    each_window(&mut core.window, length, |piece| {
                        sha256.update(piece);
                        Ok(())
                    })?;
                    sha256.finalize().into()
                };
                host::set_text(&reading::body_id(&digest));
            }
            for Drift { path, kind, expected, found } in &drift {
                host::add_drift(path, kind.as_str(), *expected, *found);
            }
            host::deliver(key_index, event_type.is_some(), name, session_id, timestamp, is_test);
            Ok(key_index)
        };
        Some(deliver())
    })
}

/// Traps in the middle of a call.
#[cfg(all(trap, target_family = "wasm"))]
#[wasm_bindgen]
pub fn trap() -> i32 {
    run(|_core| core::arch::wasm32::unreachable())
}
