//! The functions that the core imports from JavaScript: `host.ts` implements them.
//!
//! Those that every `verify` calls take plain numbers, because wasm-bindgen's typed arguments would cost it 9 to 39 %.

use wasm_bindgen::prelude::*;

use crate::Error;
use crate::shape::{Field, Kind, MAX_FIELDS, Node};

#[wasm_bindgen(raw_module = "./host.js")]
extern "C" {
    #[wasm_bindgen(js_name = readHeader)]
    fn read_header(to: usize, room: usize) -> i32;
    #[wasm_bindgen(js_name = readInput)]
    fn read_input(from: usize, length: usize, to: usize);
    fn sha256(prefix: usize, prefix_length: usize, to: usize);
    #[wasm_bindgen(js_name = addFieldName)]
    fn add_field_name(fields: usize, name: &str);
    #[wasm_bindgen(js_name = findFields)]
    fn find_fields(object: u32, fields: usize, to: usize) -> bool;
    fn element(container: u32, index: usize) -> u32;
    #[wasm_bindgen(js_name = memberName)]
    fn member_name(object: u32, index: usize) -> u32;
    fn size(container: u32) -> usize;
    #[wasm_bindgen(js_name = readText)]
    fn read_text(string: u32, to: usize, room: usize) -> usize;
    #[wasm_bindgen(js_name = setError)]
    fn set_error(code: &str, message: &str, status: u16);
    #[wasm_bindgen(js_name = setSignature)]
    pub(super) fn set_signature(digits: &str);
    #[wasm_bindgen(js_name = setReading)]
    fn set_reading(
        is_documented: bool,
        id: usize,
        id_length: usize,
        name: u32,
        timestamp: u32,
        is_test: bool,
    );
    #[wasm_bindgen(js_name = addDrift)]
    pub(super) fn add_drift(path: &str, kind: &str, expected: Option<&str>, found: Option<&str>);
}

fn address(bytes: &[u8]) -> usize {
    bytes.as_ptr().expose_provenance()
}

/// Returns the address of bytes that JavaScript is going to write.
fn address_mut(bytes: &mut [u8]) -> usize {
    bytes.as_mut_ptr().expose_provenance()
}

/// Reads the header into `buffer`, cut to its length.
pub(super) fn header(buffer: &mut [u8]) -> Option<&[u8]> {
    let length = read_header(address_mut(buffer), buffer.len());
    // A negative length means that there is no header.
    buffer.get(..usize::try_from(length).ok()?)
}

/// Fills `to` with the call's input, a body or a key, from the byte `from` on.
pub(super) fn input(from: usize, to: &mut [u8]) {
    read_input(from, to.len(), address_mut(to));
}

/// Calculates the SHA-256 of `prefix` and the body in JavaScript.
pub(super) fn hash(prefix: &[u8]) -> [u8; 32] {
    let mut digest = [0; 32];
    sha256(address(prefix), prefix.len(), address_mut(&mut digest));
    digest
}

/// Sets the error that is thrown once the core has returned.
pub(super) fn fail(error: &Error) {
    set_error(error.code(), &error.message(), error.status());
}

/// Sets what `verify` returns, with all drift that was added.
pub(super) fn deliver(
    is_documented: bool,
    id: &str,
    name: Option<Value>,
    timestamp: Option<Value>,
    is_test: bool,
) {
    let [name, timestamp] =
        [name, timestamp].map(|string| string.map_or(0, |Value(handle)| handle));
    let id = id.as_bytes();
    set_reading(is_documented, address(id), id.len(), name, timestamp, is_test);
}

/// The handle of a value that JavaScript's `JSON.parse` made: its kind in the lowest four bits, by the numbers in
/// `host.ts`, and its index above them. 0 is no value.
#[derive(Clone, Copy)]
pub(super) struct Value(u32);

impl Value {
    /// Returns the top value of the body.
    pub(super) fn root() -> Option<Self> {
        Self::from_handle(element(0, 0))
    }

    fn from_handle(handle: u32) -> Option<Self> {
        (handle != 0).then_some(Self(handle))
    }

    fn string(self) -> String {
        // A UTF-16 unit is three bytes of UTF-8 at most.
        let mut bytes = vec![0; size(self.0).saturating_mul(3)];
        let length = read_text(self.0, address_mut(&mut bytes), bytes.len());
        bytes.truncate(length);
        String::from_utf8(bytes).unwrap_or_default()
    }
}

impl Node for Value {
    fn kind(&self) -> Kind {
        match self.0 & 15 {
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
        self.0 & 15 == 4
    }

    fn text(&self) -> Option<String> {
        (self.kind() == Kind::String).then(|| self.string())
    }

    fn documented(&self, fields: &'static [Field]) -> [Option<Self>; MAX_FIELDS] {
        let mut found = [0; MAX_FIELDS];
        let to = found.as_mut_ptr().expose_provenance();
        // The list never moves, so its address identifies it, and JavaScript reads its names only once.
        let list = fields.as_ptr().expose_provenance();
        if !find_fields(self.0, list, to) {
            for Field { name, .. } in fields {
                add_field_name(list, name);
            }
            find_fields(self.0, list, to);
        }
        found.map(Self::from_handle)
    }

    fn size(&self) -> usize {
        size(self.0)
    }

    fn members(&self) -> impl Iterator<Item = (String, Self)> {
        let object = self.0;
        (0..self.size()).filter_map(move |index| {
            let name = Self(member_name(object, index)).string();
            Some((name, Self::from_handle(element(object, index))?))
        })
    }

    fn items(&self) -> impl Iterator<Item = Self> {
        let array = self.0;
        (0..size(array)).filter_map(move |index| Self::from_handle(element(array, index)))
    }
}
