//! Where a test makes the Worker fail: only in the build with the feature `failpoints`, never in the one
//! that is deployed.

use worker::Env;

/// Says to `FAILPOINT_URL` that a point was reached, and waits for the answer, if `FAILPOINT` names it:
/// whoever listens there may end the process meanwhile.
#[cfg(feature = "failpoints")]
pub(crate) async fn reached(env: &Env, point: &str) {
    let variable = |name| env.var(name).map(|value| value.to_string()).unwrap_or_default();
    if variable("FAILPOINT") == point
        && let Ok(url) = variable("FAILPOINT_URL").parse()
        && let Err(error) = worker::Fetch::Url(url).send().await
    {
        worker::console_error!("{error}");
    }
}

/// Traps if a text is there.
#[cfg(feature = "failpoints")]
pub(crate) fn trap_at(text: &str, there: &[u8]) {
    if there.windows(text.len()).any(|window| window == text.as_bytes()) {
        #[cfg(target_arch = "wasm32")]
        core::arch::wasm32::unreachable();
    }
}

#[cfg(not(feature = "failpoints"))]
#[expect(clippy::unused_async, reason = "the other one waits")]
pub(crate) async fn reached(_env: &Env, _point: &str) {}

#[cfg(not(feature = "failpoints"))]
pub(crate) fn trap_at(_text: &str, _there: &[u8]) {}
