//! The points at which tests make the Worker fail: only in builds with the feature `failpoints`, which are never
//! deployed.

use wasm_bindgen::JsValue;
use worker::Env;

/// If `FAILPOINT` names this point, calls `FAILPOINT_URL` and waits for the response; the test may kill the process
/// meanwhile.
#[cfg(feature = "failpoints")]
pub(crate) async fn reached(env: &Env, point: &str) {
    const MS: u32 = 20_000;
    let variable = |name| crate::js::text(&crate::js::get(env, name)).unwrap_or_default();
    if variable("FAILPOINT") == point {
        let url = variable("FAILPOINT_URL");
        let (place, headers) = (crate::host::Place::Inbox, crate::host::Lines::default());
        crate::host::post(place, &url, &headers, &"".into(), MS).await;
    }
}

/// Does the same before a value is returned.
#[cfg(feature = "failpoints")]
pub(crate) fn after(env: &Env, point: &'static str, value: JsValue) -> JsValue {
    let env = env.clone();
    js_sys::futures::future_to_promise(async move {
        reached(&env, point).await;
        Ok(value)
    })
    .into()
}

/// Traps if a value, bytes or a string, contains a text.
#[cfg(feature = "failpoints")]
pub(crate) fn trap_at(text: &str, value: &JsValue) {
    let bytes = value
        .as_string()
        .map_or_else(|| js_sys::Uint8Array::new(value).to_vec(), String::into_bytes);
    if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
        #[cfg(target_arch = "wasm32")]
        core::arch::wasm32::unreachable();
    }
}

#[cfg(not(feature = "failpoints"))]
#[expect(clippy::unused_async, reason = "the other version awaits")]
pub(crate) async fn reached(_env: &Env, _point: &str) {}

#[cfg(not(feature = "failpoints"))]
pub(crate) fn after(_env: &Env, _point: &'static str, value: JsValue) -> JsValue {
    value
}

#[cfg(not(feature = "failpoints"))]
pub(crate) fn trap_at(_text: &str, _value: &JsValue) {}
