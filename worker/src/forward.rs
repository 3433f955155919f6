//! Sends a delivery to a destination: one attempt, with the headers that describe the delivery.

use js_sys::Uint8Array;
use walnut_webhooks::{Drift, SIGNATURE_HEADER};
use wasm_bindgen::JsValue;

use crate::config::Destination;
use crate::edges;
use crate::failure::Failure;
use crate::host::{self, Lines, Place};
use crate::js::{now, whole};
use crate::keys::KeySlot;

/// The longest `walnut-delivery-name`, in bytes; a longer name is cut.
pub(crate) const MAX_NAME_BYTES: usize = 256;

/// The facts about a delivery in the headers of a request.
#[derive(Debug)]
pub(crate) struct Headline {
    /// The idempotency key.
    pub(crate) id: String,
    /// The value of `webhook-id`.
    pub(crate) message_id: String,
    /// The name of the event.
    pub(crate) name: Option<String>,
    pub(crate) event_type: String,
    pub(crate) key_slot: KeySlot,
    pub(crate) is_test: bool,
    /// The edges that it has been through, this one included.
    pub(crate) edges: String,
    /// The differences from the documented shape, if the body was read.
    pub(crate) drift: Vec<Drift>,
}

/// How an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// The connection failed.
    Refused,
    /// The name of the host is unknown.
    Dns,
    Tls,
    Timeout,
    /// The connection ended before the response, or the response was not HTTP.
    Reset,
    /// The status is not 2xx.
    Status,
}

impl How {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Dns => "dns",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Reset => "reset",
            Self::Status => "status",
        }
    }

    /// Reads the result of a request from `host.js`. Cloudflare replaces some errors with a status
    /// from 520 to 530.
    pub(crate) fn new(word: &str, status: Option<u16>) -> Option<Self> {
        Some(match (word, status) {
            ("accepted", _) => return None,
            ("refused", _) | (_, Some(521 | 523)) => Self::Refused,
            ("dns", _) | (_, Some(530)) => Self::Dns,
            ("tls", _) | (_, Some(525 | 526)) => Self::Tls,
            ("timeout", _) | (_, Some(522 | 524)) => Self::Timeout,
            (_, None | Some(520)) => Self::Reset,
            _ => Self::Status,
        })
    }
}

/// Encodes the name of an event as a header value: all UTF-8 bytes except visible ASCII are percent-encoded, and so is `%`.
fn encode_name(name: &str) -> String {
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

/// The result of one attempt.
pub(crate) struct Outcome {
    /// The status of the response, if there was one.
    pub(crate) status: Option<u16>,
    /// The wait that the destination asks for, in milliseconds.
    pub(crate) retry_after_ms: Option<u64>,
    /// `None`: the destination has accepted the delivery.
    pub(crate) failure: Option<Failure>,
    pub(crate) how: Option<How>,
    /// The beginning of the body of a failing response.
    pub(crate) body: Option<String>,
}

/// Sends a body, byte for byte, and waits for the response.
pub(crate) async fn send(
    place: Place,
    headline: &Headline,
    signature: &str,
    content_type: Option<&str>,
    body: &JsValue,
    destination: &Destination,
    timeout_ms: u32,
) -> Outcome {
    let headers = headers(headline, signature, content_type, body, destination);
    let posted = host::post(place, &destination.url, &headers, body, timeout_ms).await;
    Outcome {
        status: posted.status,
        retry_after_ms: posted.retry_after.map(|value| wait_ms(&value)),
        failure: posted.failure,
        how: posted.how,
        body: posted.body,
    }
}

/// Reads `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date. Any other value is ignored.
fn wait_ms(value: &str) -> u64 {
    if !value.is_empty() && value.bytes().all(|c| c.is_ascii_digit()) {
        return value.parse().unwrap_or(u64::MAX).saturating_mul(1000);
    }
    // JavaScript parses many texts that are not HTTP dates.
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
        .with("walnut-key", headline.key_slot.as_str());
    if let Some(value) = content_type {
        lines.push("content-type", value);
    }
    if let Some(name) = &headline.name {
        lines.push("walnut-delivery-name", &encode_name(name));
    }
    if headline.is_test {
        lines.push("walnut-test", "1");
    }
    if !headline.edges.is_empty() {
        lines.push(edges::HEADER, &headline.edges);
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
    fn reports_how_an_attempt_failed() {
        let how = |word, status| How::new(word, status).map_or("", How::as_str);
        for status in [200, 204] {
            assert_eq!(how("accepted", Some(status)), "");
        }
        for word in ["refused", "dns", "tls", "timeout", "reset"] {
            assert_eq!(how(word, None), word);
        }
        assert_eq!(how("", None), "reset");
        for (status, expected) in [
            (520, "reset"),
            (521, "refused"),
            (522, "timeout"),
            (523, "refused"),
            (524, "timeout"),
            (525, "tls"),
            (526, "tls"),
            (530, "dns"),
        ] {
            assert_eq!(how("status", Some(status)), expected);
        }
        for status in [103, 302, 400, 500, 519, 527, 529, 531, 599] {
            assert_eq!(how("status", Some(status)), "status");
        }
    }

    #[test]
    fn encodes_a_name_as_a_header_value() {
        assert_eq!(encode_name("demo_session_finished"), "demo_session_finished");
        assert_eq!(encode_name("a b\r\n%é"), "a%20b%0D%0A%25%C3%A9");
        assert_eq!(encode_name(&"n".repeat(256)).len(), 256);
        assert_eq!(encode_name(&"n".repeat(257)).len(), 256);
        assert_eq!(encode_name(&" ".repeat(100)).len(), 255);
    }
}
