use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use walnut_webhooks::{Key, MAX_BODY_BYTES, SIGNATURE_HEADER, Verifier};

use crate::walnut::Webhook;

/// Extracts a delivery from a request with `signatures`. Returns its name, or the status and the code of the rejection.
async fn extract(body: &str, signatures: &[&str]) -> Result<String, (u16, String)> {
    let verifier = Arc::new(Verifier::new(Key::new("key").unwrap()));
    let mut request = Request::builder();
    for signature in signatures {
        request = request.header(SIGNATURE_HEADER, *signature);
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
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
        let rejection = extract(body, signatures).await.unwrap_err();
        assert_eq!(rejection, (status, code.to_owned()));
    }
}
