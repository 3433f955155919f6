//! What the core asks of the JavaScript around it: see `host.ts`. Numbers alone go across, since
//! every other type costs glue on both sides.

use wasm_bindgen::prelude::*;

use crate::shape::{DriftKind, Field, Kind, MAX_FIELDS, Node};
use crate::{Drift, Error};

#[wasm_bindgen(raw_module = "./host.js")]
extern "C" {
    #[wasm_bindgen(js_name = header)]
    fn header_of_request(to: usize, room: usize) -> i32;
    fn copy(from: usize, length: usize, to: usize);
    fn sha256(prefix: usize, prefix_length: usize, to: usize);
    fn learn(fields: usize, name: usize, name_length: usize);
    fn documented(object: u32, fields: usize, to: usize) -> bool;
    fn element(container: u32, index: usize) -> u32;
    fn name(object: u32, index: usize) -> u32;
    fn size(container: u32) -> usize;
    fn text(string: u32, to: usize, room: usize) -> usize;
    fn refuse(code: usize, code_length: usize, message: usize, message_length: usize, status: u16);
    fn signed(digits: usize, length: usize);
    fn delivered(kind: usize, kind_length: usize, id: usize, id_length: usize, is_test: bool);
    fn drifted(
        path: usize,
        path_length: usize,
        kind: usize,
        kind_length: usize,
        expected: usize,
        expected_length: usize,
        found: usize,
        found_length: usize,
    );
}

/// Lets the host see a part of memory.
fn at(bytes: &[u8]) -> usize {
    bytes.as_ptr().expose_provenance()
}

/// Lets the host write to a part of memory.
fn at_mut(bytes: &mut [u8]) -> usize {
    bytes.as_mut_ptr().expose_provenance()
}

/// Takes the header, as much of it as there is room for.
pub(super) fn header(room: &mut [u8]) -> Option<&[u8]> {
    let length = header_of_request(at_mut(room), room.len());
    // A negative length says that there is none.
    room.get(..usize::try_from(length).ok()?)
}

/// Takes a piece of the bytes that the host holds ready: the body, or a key.
pub(super) fn pull(from: usize, to: &mut [u8]) {
    copy(from, to.len(), at_mut(to));
}

/// Takes the SHA-256 of `prefix` and the body, by the host's own means.
pub(super) fn hash(prefix: &[u8]) -> [u8; 32] {
    let mut digest = [0; 32];
    sha256(at(prefix), prefix.len(), at_mut(&mut digest));
    digest
}

/// Hands an error over, to be thrown once the core has returned.
pub(super) fn throw(error: &Error) {
    let (code, message) = (error.code().as_bytes(), error.message());
    refuse(at(code), code.len(), at(message.as_bytes()), message.len(), error.status());
}

pub(super) fn hand_over_signature(digits: &str) {
    signed(at(digits.as_bytes()), digits.len());
}

pub(super) fn hand_over(kind: &'static str, id: &str, is_test: bool, drift: &[Drift]) {
    for Drift { path, kind, expected, found } in drift {
        let [kind, expected, found] =
            [DriftKind::as_str(*kind), expected.unwrap_or_default(), found.unwrap_or_default()];
        drifted(
            at(path.as_bytes()),
            path.len(),
            at(kind.as_bytes()),
            kind.len(),
            at(expected.as_bytes()),
            expected.len(),
            at(found.as_bytes()),
            found.len(),
        );
    }
    delivered(at(kind.as_bytes()), kind.len(), at(id.as_bytes()), id.len(), is_test);
}

/// A value that the host's `JSON.parse` made: its kind in the lowest four bits, by the numbers that `host.ts` has for
/// them, and above, where the host holds it. As a whole, 0 is none.
#[derive(Clone, Copy)]
pub(super) struct Value(u32);

impl Value {
    /// The top of the body.
    pub(super) fn root() -> Option<Self> {
        Self::held(element(0, 0))
    }

    fn held(value: u32) -> Option<Self> {
        (value != 0).then_some(Self(value))
    }

    fn string(self) -> String {
        // A UTF-16 unit is three bytes of UTF-8 at most.
        let mut bytes = vec![0; size(self.0).saturating_mul(3)];
        let length = text(self.0, at_mut(&mut bytes), bytes.len());
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
        // The names stand where they stand, so that the host has to be told them once.
        let names = fields.as_ptr().expose_provenance();
        if !documented(self.0, names, to) {
            for Field { name, .. } in fields {
                learn(names, at(name.as_bytes()), name.len());
            }
            documented(self.0, names, to);
        }
        found.map(Self::held)
    }

    fn size(&self) -> usize {
        size(self.0)
    }

    fn members(&self) -> impl Iterator<Item = (String, Self)> {
        let object = self.0;
        (0..self.size()).filter_map(move |index| {
            Some((Self(name(object, index)).string(), Self::held(element(object, index))?))
        })
    }

    fn items(&self) -> impl Iterator<Item = Self> {
        let array = self.0;
        (0..size(array)).filter_map(move |index| Self::held(element(array, index)))
    }
}
