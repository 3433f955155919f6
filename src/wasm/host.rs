//! The functions that the core imports from JavaScript: `host.ts` implements them.
//!
//! The functions that each call of `verify` needs have plain numbers as arguments: wasm-bindgen's typed arguments would
//! make `verify` 9 to 39 % slower.

use core::num::NonZeroU32;

use wasm_bindgen::prelude::*;

use crate::Error;
use crate::shape::{Field, Kind, MAX_FIELDS, Node};

#[wasm_bindgen(raw_module = "./host.js")]
extern "C" {
    #[wasm_bindgen(js_name = readHeader)]
    fn read_header(to: usize, room: usize) -> i32;
    #[wasm_bindgen(js_name = readInput)]
    fn read_input(from: usize, length: usize, to: usize);
    fn parse(max_depth: usize) -> u32;
    fn sha256(prefix: usize, prefix_length: usize, to: usize);
    #[wasm_bindgen(js_name = addFieldName)]
    fn add_field_name(fields: usize, name: &str);
    #[wasm_bindgen(js_name = findFields)]
    fn find_fields(object: u32, fields: usize, to: usize) -> i32;
    fn element(container: u32, index: usize) -> u32;
    #[wasm_bindgen(js_name = memberName)]
    fn member_name(object: u32, index: usize) -> u32;
    fn size(container: u32) -> usize;
    #[wasm_bindgen(js_name = readText)]
    fn read_text(string: u32, to: usize, room: usize) -> usize;
    #[wasm_bindgen(js_name = setError)]
    fn set_error(code: &str, message: &str, status: u16);
    #[wasm_bindgen(js_name = setText)]
    pub(super) fn set_text(text: &str);
    #[wasm_bindgen(js_name = setDelivery)]
    fn set_delivery(
        key_index: usize,
        is_documented: bool,
        name: u32,
        session_id: u32,
        timestamp: u32,
        is_test: bool,
    );
    #[wasm_bindgen(js_name = addDrift)]
    pub(super) fn add_drift(path: &str, kind: &str, expected: Option<&str>, found: Option<&str>);
}

/// The length of the buffer for reading a string, in bytes. The strings that are checked in a usual event fit.
const USUAL_TEXT: usize = 128;

/// Returns the address of a buffer that JavaScript will fill.
fn address(bytes: &mut [u8]) -> usize {
    bytes.as_mut_ptr().expose_provenance()
}

/// Reads the header into `buffer`, which cuts off a longer header.
pub(super) fn header(buffer: &mut [u8]) -> Option<&[u8]> {
    let length = read_header(address(buffer), buffer.len());
    // A negative length means that the header is absent.
    buffer.get(..usize::try_from(length).ok()?)
}

/// Fills `to` with the call's input (a body or a key), starting at the byte `from`.
pub(super) fn input(from: usize, to: &mut [u8]) {
    read_input(from, to.len(), address(to));
}

/// Calculates the SHA-256 of `prefix` and the body in JavaScript, which may copy a short body behind the prefix in `window`.
pub(super) fn hash<const N: usize>(window: &mut [u8], prefix: &[u8; N]) -> [u8; 32] {
    let mut digest = [0; 32];
    if let Some(start) = window.first_chunk_mut() {
        *start = *prefix;
    }
    sha256(address(window), N, address(&mut digest));
    // The prefix is derived from a key.
    if let Some(start) = window.first_chunk_mut() {
        *start = [0; N];
    }
    digest
}

/// Lets JavaScript parse the body. Returns its value and whether it may be nested deeper than `max_depth`. If the body is
/// not JSON, returns no value and whether the body is UTF-8.
pub(super) fn parse_body(max_depth: usize) -> (Option<Value>, bool) {
    let parsed = parse(max_depth);
    (Value::from_handle(parsed >> 1), parsed & 1 == 1)
}

/// Sets the error that JavaScript throws once the core has returned.
pub(super) fn fail(error: &Error) {
    set_error(error.code(), &error.message(), error.status());
}

/// Sets the delivery, with the drift that was added before. Without a `session_id`, the text that was set before is the ID.
pub(super) fn deliver(
    key_index: usize,
    is_documented: bool,
    name: Option<Value>,
    session_id: Option<Value>,
    timestamp: Option<Value>,
    is_test: bool,
) {
    let [name, session_id, timestamp] =
        [name, session_id, timestamp].map(|string| string.map_or(0, Value::bits));
    set_delivery(key_index, is_documented, name, session_id, timestamp, is_test);
}

/// The handle of a value that JavaScript's `JSON.parse` made: its kind in the lowest four bits, by the numbers in
/// `host.ts`, and its index above them. 0 means "no value".
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Value(NonZeroU32);

impl Value {
    fn from_handle(handle: u32) -> Option<Self> {
        NonZeroU32::new(handle).map(Self)
    }

    fn bits(self) -> u32 {
        self.0.get()
    }

    fn string(self) -> String {
        let mut bytes = vec![0; USUAL_TEXT];
        let mut length = read_text(self.bits(), address(&mut bytes), bytes.len());
        if length > bytes.len() {
            bytes.resize(length, 0);
            length = read_text(self.bits(), address(&mut bytes), bytes.len());
        }
        bytes.truncate(length);
        String::from_utf8(bytes).unwrap_or_default()
    }
}

impl Node for Value {
    fn kind(&self) -> Kind {
        match self.bits() & 15 {
            1 => Kind::Null,
            2 => Kind::Boolean(false),
            3 => Kind::Boolean(true),
            4 | 5 => Kind::Number,
            6 => Kind::String,
            7 => Kind::Array,
            _ => Kind::Object,
        }
    }

    fn is_whole(&self) -> bool {
        self.bits() & 15 == 4
    }

    fn text(&self) -> Option<String> {
        (self.kind() == Kind::String).then(|| self.string())
    }

    fn documented(&self, fields: &'static [Field]) -> ([Option<Self>; MAX_FIELDS], usize) {
        // JavaScript writes handles; 0 is `None`.
        let mut found = [None; MAX_FIELDS];
        let to = found.as_mut_ptr().expose_provenance();
        // The list never moves, so its address identifies it, and JavaScript reads its names only once.
        let list = fields.as_ptr().expose_provenance();
        let mut size = find_fields(self.bits(), list, to);
        if size < 0 {
            for Field { name, .. } in fields {
                add_field_name(list, name);
            }
            size = find_fields(self.bits(), list, to);
        }
        (found, usize::try_from(size).unwrap_or_default())
    }

    fn members(&self) -> impl Iterator<Item = (String, Self)> {
        let object = self.bits();
        (0..size(object)).filter_map(move |index| {
            let name = Self::from_handle(member_name(object, index))?.string();
            Some((name, Self::from_handle(element(object, index))?))
        })
    }

    fn items(&self) -> impl Iterator<Item = Self> {
        let array = self.bits();
        (0..size(array)).filter_map(move |index| Self::from_handle(element(array, index)))
    }
}
