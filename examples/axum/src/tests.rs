use std::{io, sync::Arc};

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use futures_util::stream;
use walnut_webhooks::{Key, MAX_BODY_BYTES, SIGNATURE_HEADER, Verifier};

use crate::walnut::Webhook;

/// Extracts a delivery from a request with these signatures. Returns its name, or the status and the code of the rejection.
async fn extract(body: impl Into<Body>, signatures: &[&str]) -> Result<String, (u16, String)> {
    let verifier = Arc::new(Verifier::new(Key::new("key").unwrap()));
    let mut request = Request::builder();
    for signature in signatures {
        request = request.header(SIGNATURE_HEADER, *signature);
    }
    let request = request.body(body.into()).unwrap();
    match Webhook::from_request(request, &verifier).await {
        Ok(Webhook(delivery)) => Ok(delivery.name.unwrap()),
        Err((status, json)) => {
            Err((status.as_u16(), json.0["error"]["code"].as_str().unwrap().to_owned()))
        }
    }
}

fn sign(body: &str) -> String {
    Key::new("key").unwrap().sign(body).to_string()
}

#[tokio::test]
async fn extracts_a_genuine_delivery() {
    let body = r#"{"event":"demo_session_started"}"#;
    assert_eq!(extract(body, &[&sign(body)]).await, Ok("demo_session_started".to_owned()));
}

#[tokio::test]
async fn rejects_with_the_status_and_the_code_of_the_error() {
    let body = r#"{"event":"e"}"#;
    let right = sign(body);
    let long = "x".repeat(MAX_BODY_BYTES + 1);
    for (body, signatures, status, code) in [
        (body, &[][..], 401, "missing_signature"),
        (body, &[&*right, &*right], 401, "malformed_signature"),
        ("{}", &[&*right], 401, "signature_mismatch"),
        (&*long, &[&*right], 413, "body_too_large"),
        ("[]", &[&*sign("[]")], 400, "not_json"),
    ] {
        let rejection = extract(body.to_owned(), signatures).await.unwrap_err();
        assert_eq!(rejection, (status, code.to_owned()));
    }
}

#[tokio::test]
async fn rejects_a_body_that_is_cut_off() {
    let pieces = [Ok("{"), Err(io::Error::from(io::ErrorKind::ConnectionReset))];
    let body = Body::from_stream(stream::iter(pieces));
    let rejection = extract(body, &[&sign("{")]).await;
    assert_eq!(rejection, Err((400, "body_cut_off".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn rejects_a_body_that_does_not_end() {
    let body = Body::from_stream(stream::pending::<Result<&str, io::Error>>());
    let rejection = extract(body, &[&sign("{")]).await;
    assert_eq!(rejection, Err((408, "body_timeout".to_owned())));
}
