//! Sends a delivery to a destination: what it is told besides, and what became of it.

use js_sys::Uint8Array;
use walnut_webhooks::{KeyIndex, SIGNATURE_HEADER};
use wasm_bindgen::JsValue;

use crate::answer::Failure;
use crate::config::Destination;
use crate::host::{self, Lines};
use crate::js::{now, whole};

/// The most bytes of `walnut-delivery-name`; a longer name is cut there.
pub(crate) const MAX_NAME_BYTES: usize = 256;

/// The most bytes of an origin's answer; they are read to its end and forgotten.
const MAX_ANSWER_BYTES: u32 = 1 << 20;

/// What the origin is told of a delivery in headers.
#[derive(Debug)]
pub(crate) struct Headline {
    pub(crate) id: String,
    /// `webhook-id`.
    pub(crate) message_id: String,
    pub(crate) name: Option<String>,
    pub(crate) event_type: String,
    /// Which key matched: `current` or `previous`.
    pub(crate) key: &'static str,
}

/// The names of keys: which one matched.
const KEYS: [&str; 2] = ["current", "previous"];

/// Names the key that matched.
pub(crate) fn key_name(index: KeyIndex) -> &'static str {
    if index.is_current() { KEYS[0] } else { KEYS[1] }
}

/// Reads what [`key_name`] wrote.
pub(crate) fn key_named(text: &str) -> &'static str {
    KEYS.into_iter().find(|name| *name == text).unwrap_or_default()
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
pub(crate) async fn send(
    headline: &Headline,
    signature: &str,
    content_type: Option<&str>,
    body: &JsValue,
    destination: &Destination,
    timeout_ms: u32,
) -> Outcome {
    let headers = headers(headline, signature, content_type, body, destination);
    let posted = host::post(&destination.url, &headers, body, timeout_ms, MAX_ANSWER_BYTES).await;
    Outcome {
        status: posted.status,
        retry_after_ms: posted.retry_after.map(|value| wait_ms(&value)),
        failure: posted.failure,
    }
}

/// Reads `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date. What is neither is no wait.
fn wait_ms(value: &str) -> u64 {
    if !value.is_empty() && value.bytes().all(|c| c.is_ascii_digit()) {
        return value.parse().unwrap_or(u64::MAX).saturating_mul(1000);
    }
    // JavaScript takes much for a date that is none.
    if !value.ends_with(" GMT") {
        return 0;
    }
    whole(&js_sys::Date::parse(value).into()).unwrap_or(0).saturating_sub(now())
}

fn headers(
    headline: &Headline,
    signature: &str,
    content_type: Option<&str>,
    body: &JsValue,
    destination: &Destination,
) -> Lines {
    let mut lines = Lines::default()
        .with(SIGNATURE_HEADER, signature)
        .with("walnut-delivery-id", &headline.id)
        .with("walnut-delivery-type", &headline.event_type)
        .with("walnut-key", headline.key);
    if let Some(value) = content_type {
        lines.push("content-type", value);
    }
    if let Some(name) = &headline.name {
        lines.push("walnut-delivery-name", &encoded(name));
    }
    for (name, value) in &destination.headers {
        lines.push(name, value);
    }
    if let Some(secret) = &destination.secret {
        let seconds = now() / 1000;
        let body = Uint8Array::new(body).to_vec();
        lines.push("webhook-id", &headline.message_id);
        lines.push("webhook-timestamp", &seconds.to_string());
        lines.push("webhook-signature", &secret.sign(&headline.message_id, seconds, &body));
    }
    lines
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
