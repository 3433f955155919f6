//! The npm package's way in: conversions, and no decisions.
//!
//! What lives between calls is held here in tables and named by plain numbers, and bodies come
//! through a window of fixed size, so memory does not grow with what is verified. A function that
//! returns [`REFUSED`] has handed its error to the host.

#![expect(unreachable_pub, reason = "what wasm-bindgen exports is public")]

mod host;
mod table;

use std::cell::RefCell;

use hmac::Mac as _;
use sha2::{Digest, Sha256};
use table::Table;
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

use crate::json::Scan;
use crate::reading::{self, EventType, Reading};
use crate::shape::Node;
use crate::{Error, Key, KeyIndex, Keys, MAX_DEPTH, Signature, Stream, Verifier, age};

/// How much of a body is in WebAssembly's memory at once, in bytes.
const WINDOW: usize = 64 << 10;

/// How much of a header is looked at, in bytes; what is longer is malformed in any case.
const HEADER: usize = 4 << 10;

const REFUSED: i32 = -1;

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

/// Half the size of the standard library's.
#[cfg(all(not(target_feature = "atomics"), target_family = "wasm"))]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

thread_local! {
    static CORE: RefCell<Core> = const { RefCell::new(Core::NEW) };
}

/// Runs with what is held here. `None` is an error that the host has been handed, or else a number
/// that names nothing here, which the facade never passes.
fn with_core<T>(run: impl FnOnce(&mut Core) -> Option<Result<T, Error>>) -> Option<T> {
    CORE.with(|core| match run(&mut *core.try_borrow_mut().ok()?)? {
        Ok(value) => Some(value),
        Err(error) => {
            host::throw(&error);
            None
        }
    })
}

fn number(run: impl FnOnce(&mut Core) -> Option<Result<usize, Error>>) -> i32 {
    with_core(run).and_then(|number| i32::try_from(number).ok()).unwrap_or(REFUSED)
}

/// Takes the host's bytes from 0 to `length`, a window at a time.
fn each_window(
    window: &mut [u8],
    length: usize,
    mut then: impl FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut from: usize = 0;
    while from < length {
        let size = length.saturating_sub(from).min(window.len());
        let piece = window.get_mut(..size).unwrap_or_default();
        host::pull(from, piece);
        then(piece)?;
        from = from.saturating_add(size.max(1));
    }
    Ok(())
}

/// Makes room for bodies and headers, and returns the deepest nesting that is accepted: to be called once, before all
/// others.
#[wasm_bindgen]
pub fn start() -> i32 {
    number(|core| {
        core.window.resize(WINDOW, 0);
        core.header.resize(HEADER, 0);
        Some(Ok(MAX_DEPTH))
    })
}

/// Takes the host's bytes as a key, for the next [`open_verifier`].
#[wasm_bindgen(js_name = addKey)]
pub fn add_key(length: usize) -> i32 {
    number(|core| {
        let mut key = Zeroizing::new(vec![0; length]);
        host::pull(0, &mut key);
        core.keys.push(key);
        Some(Ok(0))
    })
}

/// Makes a verifier of the keys that were added, and returns its number. Their bytes are wiped.
#[wasm_bindgen(js_name = openVerifier)]
pub fn open_verifier(max_body_bytes: usize) -> i32 {
    number(|core| {
        let mut verifier = || {
            let keys = core::mem::take(&mut core.keys);
            let keys = keys.iter().map(Key::new).collect::<Result<Vec<_>, _>>()?;
            let verifier = Verifier::new(Keys::new(keys)?).with_max_body_bytes(max_body_bytes);
            Ok(core.verifiers.insert(verifier))
        };
        Some(verifier())
    })
}

/// Drops a verifier, which wipes its keys.
#[wasm_bindgen(js_name = closeVerifier)]
pub fn close_verifier(verifier: usize) -> i32 {
    number(|core| {
        core.verifiers.remove(verifier);
        Some(Ok(0))
    })
}

/// Checks a header's form, and a declared length where it is known.
#[wasm_bindgen]
pub fn precheck(verifier: usize, known: bool, length: usize) -> i32 {
    number(|core| {
        let header = host::header(&mut core.header);
        let length = known.then_some(length);
        Some(core.verifiers.get(verifier)?.precheck(header, length).map(|_| 0))
    })
}

/// Checks a body and returns the index of the key that matched. `hashed` says that the host's
/// SHA-256 is to be used.
#[wasm_bindgen]
pub fn verify(verifier: usize, length: usize, hashed: bool) -> i32 {
    number(|core| {
        let verifier = core.verifiers.get(verifier)?;
        let header = host::header(&mut core.header);
        if hashed {
            let key_index = verifier.find_key_hashed(length, header, |block| host::hash(block));
            return Some(key_index.map(KeyIndex::get));
        }
        if let Some(body) = core.window.get_mut(..length) {
            host::pull(0, body);
            return Some(verifier.verify(body, header).map(|verified| verified.key_index().get()));
        }
        // Both are looked at before the body is hashed, in the contract's order.
        let mut in_pieces = || {
            verifier.precheck(header, Some(length))?;
            let mut stream = verifier.stream();
            each_window(&mut core.window, length, |piece| stream.update(piece))?;
            stream.finish(header).map(KeyIndex::get)
        };
        Some(in_pieces())
    })
}

/// Signs a body with the current key and hands the 64 digits over.
#[wasm_bindgen]
pub fn sign(verifier: usize, length: usize) -> i32 {
    number(|core| {
        let mut hmac = core.verifiers.get(verifier)?.current_key()?.hmac();
        let all = each_window(&mut core.window, length, |piece| {
            hmac.update(piece);
            Ok(())
        });
        host::hand_over_signature(&Signature::from_hmac(hmac).digits());
        Some(all.map(|()| 0))
    })
}

/// Begins to check a body that comes in pieces, and returns its number.
#[wasm_bindgen(js_name = openStream)]
pub fn open_stream(verifier: usize) -> i32 {
    number(|core| {
        let stream = core.verifiers.get(verifier)?.stream();
        Some(Ok(core.streams.insert(stream)))
    })
}

/// Takes the next piece of a body.
#[wasm_bindgen(js_name = updateStream)]
pub fn update_stream(stream: usize, length: usize) -> i32 {
    number(|core| {
        let stream = core.streams.get_mut(stream)?;
        Some(each_window(&mut core.window, length, |piece| stream.update(piece)).map(|()| 0))
    })
}

/// Ends a body and returns the index of the key that matched. The number is free then.
#[wasm_bindgen(js_name = finishStream)]
pub fn finish_stream(stream: usize) -> i32 {
    number(|core| {
        let stream = core.streams.remove(stream)?;
        Some(stream.finish(host::header(&mut core.header)).map(KeyIndex::get))
    })
}

/// Drops a body that will not be ended, or has ended, and then its number is free already.
#[wasm_bindgen(js_name = closeStream)]
pub fn close_stream(stream: usize) -> i32 {
    number(|core| {
        core.streams.remove(stream);
        Some(Ok(0))
    })
}

#[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "it saturates")]
fn nanos(milliseconds: f64) -> i64 {
    age::saturating_nanos(milliseconds as i64, 1_000_000)
}

/// Reads a verified body that the host has parsed, and hands over what it says.
///
/// `scan` says that the text might be nested too deep. Times are milliseconds, `now` since the Unix
/// epoch; `max_age` is infinite where none is set.
#[wasm_bindgen]
pub fn read(length: usize, scan: bool, hashed: bool, now: f64, max_age: f64, skew: f64) -> i32 {
    number(|core| {
        let top = host::Value::root()?;
        let mut read = || {
            if scan {
                let scan = scanned(&mut core.window, length)?;
                if scan.too_deep_at().is_some() {
                    return Err(Error::NotJson(scan.reason(true)));
                }
            }
            let Reading { event_type, timestamp, id, is_test, drift, .. } =
                Reading::with_drift(&top)?;
            if max_age.is_finite() {
                let timestamp = timestamp.and_then(|timestamp| timestamp.text());
                let [now, max_age, skew] = [now, max_age, skew].map(nanos);
                age::check_nanos(timestamp.as_deref(), now, max_age, skew)?;
            }
            let id = match id {
                Some(id) => id,
                None if hashed => reading::body_id(&host::hash(&[])),
                None => {
                    let mut sha256 = Sha256::new();
                    each_window(&mut core.window, length, |piece| {
                        sha256.update(piece);
                        Ok(())
                    })?;
                    reading::body_id(&sha256.finalize())
                }
            };
            let kind = event_type.map_or(reading::UNKNOWN, EventType::as_str);
            host::hand_over(kind, &id, is_test, &drift);
            Ok(0)
        };
        Some(read())
    })
}

/// Rejects a body that the host could not decode, or decoded and could not parse.
#[wasm_bindgen(js_name = notJson)]
pub fn not_json(length: usize, decoded: bool) -> i32 {
    number(|core| {
        let scan = scanned(&mut core.window, length);
        Some(scan.and_then(|scan| Err(Error::NotJson(scan.reason(decoded)))))
    })
}

fn scanned(window: &mut [u8], length: usize) -> Result<Scan, Error> {
    let mut scan = Scan::default();
    each_window(window, length, |piece| {
        scan.update(piece);
        Ok(())
    })?;
    Ok(scan)
}

/// Traps in the middle of a call.
#[cfg(all(trap, target_family = "wasm"))]
#[wasm_bindgen]
pub fn trap() -> i32 {
    number(|_core| core::arch::wasm32::unreachable())
}
