//! The platform's functions for Rust: see `worker/host.js`.

use js_sys::{Array, Promise, Uint8Array};
use walnut_webhooks::Error;
use wasm_bindgen::prelude::{JsCast, JsValue, wasm_bindgen};
use web_sys::{Request, Response};
use worker::Env;

use crate::config::Settings;
use crate::digits;
use crate::failure::Failure;
use crate::forward::How;
use crate::js::{Problem, Result, float, text};
use crate::log::{Level, Line};
use crate::protocol::{self, Arrival};
use crate::task::Awaited;

/// How long the sender of a request may take to send the body, in milliseconds.
pub(crate) const BODY_MS: u32 = 10_000;

mod imported {
    use super::{Array, Env, JsValue, Promise, Request, Response, Uint8Array, wasm_bindgen};

    // A function that returns a promise never throws: its promise rejects. `respond` and `answer` do not fail.
    #[wasm_bindgen(module = "/host.js")]
    extern "C" {
        pub(super) fn read(
            request: &Request,
            declared: f64,
            limit: f64,
            grace: f64,
            ms: u32,
        ) -> Promise;

        pub(super) fn sha256(prefix: &[u8], body: &Uint8Array) -> Promise;

        pub(super) fn post(head: &str, body: &JsValue, ms: u32) -> Promise;

        #[wasm_bindgen(js_name = postInRequest)]
        pub(super) fn post_in_request(head: &str, body: &JsValue, ms: u32) -> Promise;

        pub(super) fn ask(
            env: &Env,
            jurisdiction: Option<&str>,
            shard: u32,
            version: u32,
            request: &JsValue,
        ) -> Promise;

        pub(super) fn pause() -> Promise;

        #[wasm_bindgen(js_name = askAll)]
        pub(super) fn ask_all(
            env: &Env,
            jurisdiction: Option<&str>,
            version: u32,
            requests: &Array,
        ) -> Promise;

        #[wasm_bindgen(js_name = waitForNewer)]
        pub(super) fn wait_for_newer(
            env: &Env,
            jurisdiction: Option<&str>,
            newest: &Array,
            ms: u32,
        ) -> Promise;

        #[wasm_bindgen(js_name = exportLines)]
        pub(super) fn export_lines(
            env: &Env,
            jurisdiction: Option<&str>,
            shards: u32,
            version: u32,
            request: &JsValue,
        ) -> JsValue;

        pub(super) fn store(
            env: &Env,
            jurisdiction: Option<&str>,
            shard: u32,
            version: u32,
            id: &str,
            name: Option<&str>,
            event_type: &str,
            key_slot: &str,
            signature: &str,
            content_type: &str,
            body: &Uint8Array,
            is_test: bool,
            destinations: &Array,
            received: Option<f64>,
            shards: Option<u32>,
            instance: Option<&str>,
            edges: Option<&str>,
        ) -> Promise;

        pub(super) fn random(count: u32) -> Uint8Array;

        pub(super) fn respond(status: u16, headers: &str, body: &JsValue) -> Response;

        pub(super) fn answer(status: u16, allow: Option<&str>, level: u8, text: &str) -> Response;
    }
}

/// Headers in the form that the host reads: a line for each name and each value. No value contains a line feed:
/// external values were headers before, or were checked.
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

/// Reads a body to its end, within `ms` milliseconds. A body of more than `limit` bytes is read `grace` bytes further at
/// most, and then rejected.
pub(crate) async fn read(
    request: &Request,
    declared: u64,
    limit: usize,
    grace: usize,
    ms: u32,
) -> std::result::Result<Uint8Array, Failure> {
    let read = imported::read(request, float(declared), bytes(limit), bytes(grace), ms);
    match Awaited::New(read).await.map(JsCast::dyn_into) {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(none)) if none.is_null() => Err(Error::BodyTooLarge { limit }.into()),
        Ok(Err(none)) if none.as_bool() == Some(false) => Err(Failure::Overloaded),
        Ok(Err(_)) => Err(Failure::BodyTimeout),
        Err(_) => Err(Failure::BodyCutOff),
    }
}

/// Converts a number of bytes to a JavaScript number.
fn bytes(count: usize) -> f64 {
    float(u64::try_from(count).unwrap_or(u64::MAX))
}

/// Calculates the SHA-256 of a prefix and a body with the platform's Web Crypto.
pub(crate) async fn sha256(prefix: &[u8], body: &Uint8Array) -> Result<[u8; 32]> {
    let digest: Uint8Array = Awaited::New(imported::sha256(prefix, body)).await?.unchecked_into();
    digest
        .to_vec()
        .try_into()
        .map_err(|_| Problem::new("the platform's SHA-256 digest is not 32 bytes long"))
}

/// The result of a POST.
pub(crate) struct Posted {
    /// The status of the response, if there was one.
    pub(crate) status: Option<u16>,
    /// The value of `Retry-After`.
    pub(crate) retry_after: Option<String>,
    /// `None`: the status was 2xx.
    pub(crate) failure: Option<Failure>,
    pub(crate) how: Option<How>,
    /// The beginning of the body of a failing response.
    pub(crate) body: Option<String>,
}

/// The context of a POST. In a request, its timer ends with the request, so it need not be cleared.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    Request,
    Inbox,
}

/// Posts a body and waits for the response.
pub(crate) async fn post(
    place: Place,
    url: &str,
    headers: &Lines,
    body: &JsValue,
    timeout_ms: u32,
) -> Posted {
    let head = format!("{url}\n{}", headers.0);
    let posted = match place {
        Place::Request => imported::post_in_request(&head, body, timeout_ms),
        Place::Inbox => imported::post(&head, body, timeout_ms),
    };
    let posted = Awaited::New(posted).await;
    let posted = text(&posted.unwrap_or_default()).unwrap_or_default();
    let (line, body) = posted.split_once('\n').unwrap_or((&posted, ""));
    let mut parts = line.splitn(3, ' ');
    let [word, status, retry_after] = [(); 3].map(|()| parts.next().unwrap_or_default());
    let status = digits::parse(status).filter(|status| *status > 0);
    let non_empty = |text: &str| Some(text.to_owned()).filter(|it| !it.is_empty());
    Posted {
        status,
        retry_after: non_empty(retry_after),
        failure: match word {
            "accepted" => None,
            "timeout" => Some(Failure::OriginTimeout),
            _ => Some(Failure::OriginFailed),
        },
        how: How::new(word, status),
        body: non_empty(body),
    }
}

/// Sends a request to a shard of the inbox; returns the reply.
pub(crate) async fn ask(
    env: &Env,
    settings: &Settings,
    shard: u32,
    request: &JsValue,
) -> Result<JsValue> {
    let jurisdiction = settings.jurisdiction.as_deref();
    Ok(Awaited::New(imported::ask(env, jurisdiction, shard, protocol::VERSION, request)).await?)
}

/// Returns `count` random bytes.
pub(crate) fn random(count: u32) -> Uint8Array {
    imported::random(count)
}

/// Lets other requests run.
pub(crate) async fn pause() -> Result<()> {
    Ok(Awaited::New(imported::pause()).await.map(drop)?)
}

/// Sends a request to each shard at the same time; returns an array of their results.
pub(crate) async fn ask_all(env: &Env, settings: &Settings, requests: &Array) -> Result<JsValue> {
    let jurisdiction = settings.jurisdiction.as_deref();
    Ok(Awaited::New(imported::ask_all(env, jurisdiction, protocol::VERSION, requests)).await?)
}

/// Waits until a shard stores a delivery that is newer than the shard's entry in `newest`, but at most `ms`
/// milliseconds.
pub(crate) async fn wait_for_newer(
    env: &Env,
    settings: &Settings,
    newest: &Array,
    ms: u32,
) -> Result<()> {
    let jurisdiction = settings.jurisdiction.as_deref();
    Ok(Awaited::New(imported::wait_for_newer(env, jurisdiction, newest, ms)).await.map(drop)?)
}

/// Returns a stream of the exports of the shards. `request` is the first request to each shard.
pub(crate) fn export_lines(
    env: &Env,
    settings: &Settings,
    shards: u32,
    request: &JsValue,
) -> JsValue {
    let jurisdiction = settings.jurisdiction.as_deref();
    imported::export_lines(env, jurisdiction, shards, protocol::VERSION, request)
}

/// Sends a delivery to a shard of the inbox; returns the reply. `shards` and `instance` are the number of shards and the
/// ID of this edge, if the Worker knows them.
pub(crate) async fn store(
    env: &Env,
    settings: &Settings,
    shard: u32,
    arrival: &Arrival<'_>,
    shards: Option<u32>,
    instance: Option<&str>,
) -> Result<JsValue> {
    let stored = imported::store(
        env,
        settings.jurisdiction.as_deref(),
        shard,
        protocol::VERSION,
        arrival.id,
        arrival.name,
        arrival.event_type,
        arrival.key_slot.as_str(),
        arrival.signature,
        arrival.content_type,
        arrival.body,
        arrival.is_test,
        &arrival.destinations,
        arrival.received.map(float),
        shards,
        instance,
        arrival.edges,
    );
    Ok(Awaited::New(stored).await?)
}

/// Writes a line to the log, if there is one, and makes a response of JSON. `allow` is the value of the header `Allow`.
pub(crate) fn answer(status: u16, allow: Option<&str>, json: &str, line: Option<Line>) -> Response {
    let Line { level, json: mut text } = line.unwrap_or_default();
    text.push('\n');
    text.push_str(json);
    let level = match level {
        Level::Error => 2,
        Level::Warn => 1,
        Level::Log => 0,
    };
    imported::answer(status, allow, level, &text)
}

/// Makes a response.
pub(crate) fn respond(status: u16, headers: &Lines, body: impl Into<JsValue>) -> Response {
    imported::respond(status, &headers.0, &body.into())
}
