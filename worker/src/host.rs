//! What the platform does for Rust: see `worker/host.js`.

use js_sys::{Array, Promise, Uint8Array};
use walnut_webhooks::Error;
use wasm_bindgen::prelude::{JsCast, JsValue, wasm_bindgen};
use web_sys::{Request, Response};
use worker::Env;

use crate::answer::Failure;
use crate::config::Settings;
use crate::js::{Problem, Result, float, text};
use crate::task::Awaited;

mod imported {
    use super::{Array, Env, JsValue, Promise, Request, Response, Uint8Array, wasm_bindgen};

    // None that returns a promise throws at once: what fails is the promise. `respond` does not fail.
    #[wasm_bindgen(module = "/host.js")]
    extern "C" {
        pub(super) fn read(
            request: &Request,
            declared: f64,
            most: f64,
            grace: f64,
            ms: u32,
        ) -> Promise;

        pub(super) fn sha256(prefix: &[u8], body: &Uint8Array) -> Promise;

        pub(super) fn post(url: &str, headers: &str, body: &JsValue, ms: u32, most: u32)
        -> Promise;

        pub(super) fn ask(
            env: &Env,
            jurisdiction: Option<&str>,
            shard: u32,
            operation: &str,
            question: &JsValue,
        ) -> Promise;

        #[wasm_bindgen(js_name = askAll)]
        pub(super) fn ask_all(
            env: &Env,
            jurisdiction: Option<&str>,
            operation: &str,
            questions: &JsValue,
        ) -> Promise;

        pub(super) fn store(
            env: &Env,
            jurisdiction: Option<&str>,
            shard: u32,
            arrival: &Array,
        ) -> Promise;

        pub(super) fn respond(status: u16, headers: &str, body: &JsValue) -> Response;
    }
}

/// Names and values of headers, as the host takes them. No value has a line feed in it: those that come
/// from outside were headers before, or were checked.
#[derive(Default)]
pub(crate) struct Lines(String);

impl Lines {
    pub(crate) fn push(&mut self, name: &str, value: &str) {
        for part in [name, "\n", value, "\n"] {
            self.0.push_str(part);
        }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.push(name, value);
        self
    }
}

/// Reads a body to its end, if that comes in `ms`. Of one that is longer than `most`, no more is read than
/// `grace`.
pub(crate) async fn read(
    request: &Request,
    declared: u64,
    most: usize,
    grace: usize,
    ms: u32,
) -> std::result::Result<Uint8Array, Failure> {
    let (length, bytes, more) = (float(declared), size(most), size(grace));
    let read = Awaited::New(imported::read(request, length, bytes, more, ms)).await;
    match read.map(JsCast::dyn_into) {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(none)) if none.is_null() => Err(Error::BodyTooLarge { limit: most }.into()),
        Ok(Err(_)) => Err(Failure::BodyTimeout),
        Err(_) => Err(Failure::BodyCutOff),
    }
}

/// A number of bytes, as JavaScript counts.
fn size(bytes: usize) -> f64 {
    float(u64::try_from(bytes).unwrap_or(u64::MAX))
}

/// Returns the SHA-256 of a prefix and a body, by the platform's own means.
pub(crate) async fn sha256(prefix: &[u8], body: &Uint8Array) -> Result<[u8; 32]> {
    let digest: Uint8Array = Awaited::New(imported::sha256(prefix, body)).await?.unchecked_into();
    digest.to_vec().try_into().map_err(|_| Problem::new("a digest has another length"))
}

/// What came of a post.
pub(crate) struct Posted {
    /// The status of the answer, if there was one.
    pub(crate) status: Option<u16>,
    /// What it said in `Retry-After`.
    pub(crate) retry_after: Option<String>,
    /// `None`: it was a success, and came completely.
    pub(crate) failure: Option<Failure>,
}

/// Posts a body, and reads the answer to its end.
pub(crate) async fn post(
    url: &str,
    headers: &Lines,
    body: &JsValue,
    timeout_ms: u32,
    most_bytes: u32,
) -> Posted {
    let posted = Awaited::New(imported::post(url, &headers.0, body, timeout_ms, most_bytes)).await;
    let posted: Array = posted.unwrap_or_default().dyn_into().unwrap_or_default();
    let status = posted.get(0).as_f64().filter(|status| *status > 0.0);
    Posted {
        status: status.map(status_of),
        retry_after: text(&posted.get(1)),
        failure: match text(&posted.get(2)).as_deref() {
            Some("complete") => None,
            Some("late") => Some(Failure::OriginTimeout),
            _ => Some(Failure::OriginFailed),
        },
    }
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a status has three digits"
)]
fn status_of(status: f64) -> u16 {
    status as u16
}

/// Asks a shard of the inbox to do something.
pub(crate) async fn ask(
    env: &Env,
    settings: &Settings,
    shard: u32,
    operation: &str,
    question: &JsValue,
) -> Result<JsValue> {
    Awaited::New(imported::ask(env, settings.jurisdiction.as_deref(), shard, operation, question))
        .await
        .map_err(Problem::from)
}

/// Asks all shards, each its own question; returns their answers.
pub(crate) async fn ask_all(
    env: &Env,
    settings: &Settings,
    operation: &str,
    questions: &JsValue,
) -> Result<JsValue> {
    Awaited::New(imported::ask_all(env, settings.jurisdiction.as_deref(), operation, questions))
        .await
        .map_err(Problem::from)
}

/// Stores a delivery in a shard of the inbox, and returns what became of it, in a word.
pub(crate) async fn store(
    env: &Env,
    settings: &Settings,
    shard: u32,
    arrival: &Array,
) -> Result<String> {
    let stored =
        Awaited::New(imported::store(env, settings.jurisdiction.as_deref(), shard, arrival))
            .await?;
    text(&stored).ok_or_else(|| Problem::new("the inbox did not say what became of it"))
}

/// Makes an answer.
pub(crate) fn respond(status: u16, headers: &Lines, body: impl Into<JsValue>) -> Response {
    imported::respond(status, &headers.0, &body.into())
}
