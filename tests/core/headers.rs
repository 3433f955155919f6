//! Verifies requests by the map of all their headers: the feature `http`.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use http::{HeaderMap, HeaderValue};
use walnut_webhooks::{
    Error, Key, KeyIndex, MalformedSignature, SIGNATURE_HEADER, Signature, Verifier,
};

const BODY: &str = r#"{"event":"e"}"#;

fn key() -> Key {
    Key::new("key").unwrap()
}

/// Makes the headers of a request with these signatures.
fn headers(signatures: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("example.com"));
    for signature in signatures {
        headers.append("X-Walnut-Signature", signature.parse().unwrap());
    }
    headers
}

/// Verifies a body with each function that accepts headers, and returns their common verdict.
fn verdict(headers: &HeaderMap) -> Result<usize, Error> {
    let verifier = Verifier::new(key());
    let whole = verifier.verify(BODY, headers).map(|verified| verified.key_index());
    let mut stream = verifier.stream();
    stream.update(BODY).unwrap();
    assert_eq!(stream.finish(headers), whole);
    let parsed = verifier.precheck(headers, None);
    assert_eq!(parsed, Signature::parse(headers));
    if !matches!(whole, Err(Error::SignatureMismatch { .. })) {
        assert_eq!(parsed.err(), whole.clone().err());
    }
    whole.map(KeyIndex::get)
}

#[test]
fn accepts_one_signature() {
    let right = key().sign(BODY).to_string();
    assert_eq!(verdict(&headers(&[&right])), Ok(0));
    let mismatch = Err(Error::SignatureMismatch { keys: 1 });
    assert_eq!(verdict(&headers(&[&"0".repeat(64)])), mismatch);
}

#[test]
fn rejects_a_request_without_a_signature() {
    assert_eq!(verdict(&headers(&[])), Err(Error::MissingSignature));
    assert_eq!(verdict(&HeaderMap::new()), Err(Error::MissingSignature));
}

#[test]
fn rejects_two_signatures_even_if_both_are_right() {
    let right = key().sign(BODY).to_string();
    let repeated = Err(Error::MalformedSignature(MalformedSignature::Repeated));
    for signatures in [[&*right, &*right], [&*right, "0"], ["", &*right]] {
        let headers = headers(&signatures);
        assert_eq!(verdict(&headers), repeated, "{signatures:?}");
        assert_eq!(headers.get_all(SIGNATURE_HEADER).iter().count(), 2);
    }
    let right = HeaderValue::from_str(&right).unwrap();
    let mut three = HeaderMap::new();
    for _ in 0..3 {
        three.append(SIGNATURE_HEADER, right.clone());
    }
    assert_eq!(verdict(&three), repeated);
}

#[test]
fn rejects_a_value_that_is_not_a_signature() {
    let error = |value: &[u8]| {
        let mut headers = HeaderMap::new();
        headers.insert(SIGNATURE_HEADER, HeaderValue::from_bytes(value).unwrap());
        verdict(&headers).unwrap_err()
    };
    assert_eq!(error(b""), Error::MalformedSignature(MalformedSignature::Empty));
    assert_eq!(error(b"\xff"), Error::MalformedSignature(MalformedSignature::Length(1)));
}
