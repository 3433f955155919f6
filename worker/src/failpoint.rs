//! Where a test makes the Worker fail: only in the build with the feature `failpoints`, never in the one
//! that is deployed.

use wasm_bindgen::JsValue;
use worker::Env;

/// Says to `FAILPOINT_URL` that a point was reached, and waits for the answer, if `FAILPOINT` names it:
/// whoever listens there may end the process meanwhile.
#[cfg(feature = "failpoints")]
pub(crate) async fn reached(env: &Env, point: &str) {
    const MS: u32 = 20_000;
    let variable = |name| crate::js::text(&crate::js::get(env, name)).unwrap_or_default();
    if variable("FAILPOINT") == point {
        let url = variable("FAILPOINT_URL");
        crate::host::post(&url, &crate::host::Lines::default(), &"".into(), MS, 0).await;
    }
}

/// The same, before a value is handed out.
#[cfg(feature = "failpoints")]
pub(crate) fn after(env: &Env, point: &'static str, value: JsValue) -> JsValue {
    let env = env.clone();
    js_sys::futures::future_to_promise(async move {
        reached(&env, point).await;
        Ok(value)
    })
    .into()
}

/// Traps if a text is there: in bytes, or in a text.
#[cfg(feature = "failpoints")]
pub(crate) fn trap_at(text: &str, there: &JsValue) {
    let bytes = there
        .as_string()
        .map_or_else(|| js_sys::Uint8Array::new(there).to_vec(), String::into_bytes);
    if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
        #[cfg(target_arch = "wasm32")]
        core::arch::wasm32::unreachable();
    }
}

#[cfg(not(feature = "failpoints"))]
#[expect(clippy::unused_async, reason = "the other one waits")]
pub(crate) async fn reached(_env: &Env, _point: &str) {}

#[cfg(not(feature = "failpoints"))]
pub(crate) fn after(_env: &Env, _point: &'static str, value: JsValue) -> JsValue {
    value
}

#[cfg(not(feature = "failpoints"))]
pub(crate) fn trap_at(_text: &str, _there: &JsValue) {}
