use std::cell::Cell;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use js_sys::Uint8Array;
use walnut_webhooks::{KeyIndex, Summary, Verified};
use worker::{
    AbortController, Date, DateInit, Delay, Fetch, Headers, Method, Request, RequestInit,
    RequestRedirect, Result,
};

use crate::answer::Failure;
use crate::config::Destination;

/// The most bytes of `walnut-delivery-name`; a longer name is cut there.
pub(crate) const MAX_NAME_BYTES: usize = 256;

/// The most bytes of an origin's answer; they are read to its end and forgotten.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// What the origin is told of a delivery in headers.
#[derive(Debug)]
pub(crate) struct Headline {
    pub(crate) id: String,
    /// `webhook-id`: the id, but for a body that shares it with another.
    pub(crate) message_id: String,
    pub(crate) name: Option<String>,
    pub(crate) event_type: String,
    /// Which key matched: `current` or `previous`.
    pub(crate) key: String,
}

impl Headline {
    /// An authentic body that is not JSON is forwarded all the same.
    pub(crate) fn of(verified: &Verified<'_>, summary: Option<&Summary>) -> Self {
        let id = summary.map_or_else(|| verified.body_id(), |summary| summary.id.clone());
        Self {
            message_id: id.clone(),
            id,
            name: summary.and_then(|summary| summary.name.clone()),
            event_type: summary.map_or("unknown", |summary| summary.event_type).to_owned(),
            key: key_name(verified.key_index()).to_owned(),
        }
    }
}

/// Names the key that matched.
pub(crate) fn key_name(index: KeyIndex) -> &'static str {
    if index.is_current() { "current" } else { "previous" }
}

/// Makes a header value of an event's name: visible ASCII stays, the rest of its UTF-8 is
/// percent-encoded, and so is `%`.
fn encoded(name: &str) -> String {
    let mut value = String::new();
    for byte in name.bytes() {
        let piece = match byte {
            b'%' | 0..=b' ' | 0x7f.. => format!("%{byte:02X}"),
            _ => char::from(byte).to_string(),
        };
        if value.len().saturating_add(piece.len()) > MAX_NAME_BYTES {
            break;
        }
        value.push_str(&piece);
    }
    value
}

/// What became of one attempt.
pub(crate) struct Outcome {
    /// The status that the origin answered with, if it did.
    pub(crate) status: Option<u16>,
    /// How long the origin asks to be left alone, in milliseconds.
    pub(crate) retry_after_ms: Option<u64>,
    /// `None`: the origin has taken the delivery.
    pub(crate) failure: Option<Failure>,
}

/// Sends a body on, byte for byte, and waits for the complete answer.
///
/// Where it does not come in time, the request is aborted.
pub(crate) async fn send(
    body: &[u8],
    headers: &[(&str, String)],
    headline: &Headline,
    destination: &Destination,
    timeout_ms: u32,
) -> Outcome {
    let controller = AbortController::default();
    let signal = controller.signal();
    let status = Cell::new(None);
    let retry_after_ms = Cell::new(None);
    let attempt = pin!(async {
        let request = request(body, headers, headline, destination)?;
        let mut response = Fetch::Request(request).send_with_signal(&signal).await?;
        status.set(Some(response.status_code()));
        let taken = (200..300).contains(&response.status_code());
        if let Some(value) = response.headers().get("retry-after")? {
            retry_after_ms.set(Some(wait_ms(&value)));
        }
        // No 204 has a body; and of a refusal, the status is enough.
        if taken && let Ok(mut pieces) = response.stream() {
            let mut room = MAX_ANSWER_BYTES;
            while let Some(piece) = pieces.next().await {
                // Not the deadline's work alone: while there is always more to read, no timer fires.
                match room.checked_sub(piece?.len()) {
                    Some(left) => room = left,
                    None => return Ok(false),
                }
            }
        }
        Ok::<bool, worker::Error>(taken)
    });
    let deadline = pin!(Delay::from(Duration::from_millis(timeout_ms.into())));
    let failure = match select(attempt, deadline).await {
        Either::Left((Ok(true), _)) => None,
        Either::Left(_) => Some(Failure::OriginFailed),
        Either::Right(_) => Some(Failure::OriginTimeout),
    };
    if failure.is_some() {
        // At once, rather than when the runtime gets round to it.
        controller.abort();
    }
    Outcome { status: status.get(), retry_after_ms: retry_after_ms.get(), failure }
}

/// Reads `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date. What is neither is no wait.
fn wait_ms(value: &str) -> u64 {
    if let Ok(seconds) = value.parse::<u32>() {
        return u64::from(seconds).saturating_mul(1000);
    }
    let date = Date::from(DateInit::String(value.to_owned()));
    date.as_millis().saturating_sub(Date::now().as_millis())
}

fn request(
    body: &[u8],
    headers: &[(&str, String)],
    headline: &Headline,
    destination: &Destination,
) -> Result<Request> {
    let all = Headers::new();
    for (name, value) in headers {
        all.set(name, value)?;
    }
    all.set("walnut-delivery-id", &headline.id)?;
    all.set("walnut-delivery-type", &headline.event_type)?;
    all.set("walnut-key", &headline.key)?;
    if let Some(name) = &headline.name {
        all.set("walnut-delivery-name", &encoded(name))?;
    }
    for (name, value) in &destination.headers {
        all.set(name, value)?;
    }
    if let Some(secret) = &destination.secret {
        let seconds = Date::now().as_millis() / 1000;
        all.set("webhook-id", &headline.message_id)?;
        all.set("webhook-timestamp", &seconds.to_string())?;
        all.set("webhook-signature", &secret.sign(&headline.message_id, seconds, body))?;
    }
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_headers(all)
        .with_redirect(RequestRedirect::Manual)
        .with_body(Some(Uint8Array::from(body).into()));
    Request::new_with_init(&destination.url, &init)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_a_header_value() {
        assert_eq!(encoded("demo_session_finished"), "demo_session_finished");
        assert_eq!(encoded("a b\r\n%é"), "a%20b%0D%0A%25%C3%A9");
        assert_eq!(encoded(&"n".repeat(256)).len(), 256);
        assert_eq!(encoded(&"n".repeat(257)).len(), 256);
        assert_eq!(encoded(&" ".repeat(100)).len(), 255);
    }
}
