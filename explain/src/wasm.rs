//! The export of the npm entry `walnut-webhooks/explain`.

#![expect(unreachable_pub, reason = "wasm-bindgen exports public functions")]

use js_sys::{Array, Object, Uint8Array};
use serde::Serialize;
use serde_wasm_bindgen::{Error, Serializer};
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

/// Half the size of the standard library's allocator.
#[cfg(all(not(target_feature = "atomics"), target_family = "wasm"))]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

/// Explains a request, and returns an [`Explanation`](crate::Explanation) as an object.
///
/// `body` is `None` if it is longer than `max_body_bytes`. `others` are the request's other headers; a value that is
/// not a string is left out.
///
/// # Errors
///
/// None in practice: an explanation has only strings, numbers and booleans.
#[wasm_bindgen]
#[expect(clippy::needless_pass_by_value, reason = "wasm-bindgen passes values")]
pub fn explain(
    keys: Vec<Uint8Array>,
    body: Option<Uint8Array>,
    max_body_bytes: usize,
    header: Option<String>,
    others: &Object,
) -> Result<JsValue, Error> {
    let keys: Vec<_> = keys.iter().map(|key| Zeroizing::new(key.to_vec())).collect();
    let header = header.as_deref().map(str::as_bytes);
    let explanation = if let Some(body) = body {
        let others: Vec<_> = Object::entries(others).iter().filter_map(name_and_value).collect();
        let others = others.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        crate::explain(&keys, &body.to_vec(), header, others)
    } else {
        crate::explain_too_large(&keys, header, max_body_bytes)
    };
    explanation.serialize(&Serializer::new().serialize_missing_as_null(true))
}

fn name_and_value(entry: JsValue) -> Option<(String, String)> {
    let entry: Array = entry.unchecked_into();
    Some((entry.get(0).as_string()?, entry.get(1).as_string()?))
}
