//! Explains in the log why a signature was rejected: at most twice a minute, and after the response, so that attackers
//! cannot cause much work.

use std::cell::Cell;
use std::time::Duration;

use js_sys::{Array, Uint8Array};
use walnut_webhooks::{Error, SIGNATURE_HEADER};
use walnut_webhooks_explain::{Cause, Explanation, MAX_EXPLAINED_BODY_BYTES, explain};
use web_sys::Request;
use worker::{Context, Delay, Env};
use zeroize::Zeroizing;

use crate::config::{self, Settings};
use crate::js::{items, text};
use crate::{host, log};

/// The shortest time between two explanations of the same kind, in milliseconds.
const EVERY_MS: u64 = 60_000;

/// How long to wait for a body that verification did not need, in milliseconds. No body can be read after the response.
const BODY_MS: u32 = 200;

/// The log line for a body that was not read: an explanation would be about an empty body.
const NOT_EXAMINED: [&str; 2] = [
    "The body was not examined, because it has more than 64 KiB or did not arrive whole within 200 ms.",
    "Send a smaller event to learn whether the signature is in another header or in another form.",
];

/// How many bytes of other headers are examined.
const MAX_HEADER_BYTES: usize = 8 << 10;

thread_local! {
    /// The times of the last explanation of a missing or malformed signature, and of a mismatch, in milliseconds since the
    /// Unix epoch. They are limited separately, so that requests without a signature do not hide a wrong key.
    static LAST: [Cell<u64>; 2] = const { [Cell::new(0), Cell::new(0)] };
}

/// Returns whether to explain a rejection now. If so, the next one of its kind is not explained for a minute.
pub(crate) fn try_acquire(error: &Error, now: u64) -> bool {
    LAST.with(|[by_form, by_match]| {
        let last = match error {
            Error::MissingSignature | Error::MalformedSignature(_) => by_form,
            Error::SignatureMismatch { .. } => by_match,
            _ => return false,
        };
        let is_time = now.saturating_sub(last.get()) >= EVERY_MS;
        if is_time {
            last.set(now);
        }
        is_time
    })
}

/// Reads the body of a request that was rejected for its headers, if it arrives soon and is not too long.
pub(crate) async fn body(request: &Request) -> Option<Uint8Array> {
    host::read(request, 0, MAX_EXPLAINED_BODY_BYTES, 0, BODY_MS).await.ok()
}

/// Explains a rejection after the response has been sent.
pub(crate) fn after_answer(
    context: &Context,
    env: &Env,
    settings: &Settings,
    request: &Request,
    error: &Error,
    body: Option<Uint8Array>,
) {
    let Some(body) = body else {
        let [problem, fix] = NOT_EXAMINED;
        log::explained(Some(error.code()), Cause::Unknown, problem, fix);
        return;
    };
    let signature = request.headers().get(SIGNATURE_HEADER).ok().flatten();
    let mut bytes: usize = 0;
    let others: Vec<(String, String)> = items(&Array::from(&request.headers()))
        .filter_map(|pair| {
            let mut pair = items(&pair);
            Some((text(&pair.next()?)?, text(&pair.next()?)?))
        })
        .take_while(|(name, value)| {
            bytes = bytes.saturating_add(name.len()).saturating_add(value.len());
            bytes <= MAX_HEADER_BYTES
        })
        .collect();
    let keys = keys(env, settings);
    context.wait_until(async move {
        // Without a wait, this would run before the response is sent.
        Delay::from(Duration::ZERO).await;
        let body = body.to_vec();
        let others = others.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let result = explained(&keys, &body, signature.as_deref(), others.collect());
        log::explained(result.code, result.cause, &result.problem, result.fix);
    });
}

/// Returns the keys that are valid now.
pub(crate) fn keys(env: &Env, settings: &Settings) -> Vec<Zeroizing<String>> {
    let mut names = vec![config::KEY];
    // An expired previous key is no longer valid.
    names.extend(settings.previous_until.map(|_| config::KEY_PREVIOUS));
    names.into_iter().filter_map(config::bindings(env)).map(Zeroizing::new).collect()
}

/// Explains a signature. Only this function calls `explain`, because the compiler copies it for each combination of types.
pub(crate) fn explained(
    keys: &[Zeroizing<String>],
    body: &[u8],
    signature: Option<&str>,
    others: Vec<(&str, &[u8])>,
) -> Explanation {
    let keys: Vec<&[u8]> = keys.iter().map(|key| key.as_bytes()).collect();
    explain(&keys, body, signature.map(str::as_bytes), others)
}
