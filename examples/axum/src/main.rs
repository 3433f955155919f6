//! Receives Walnut's webhooks in axum:  `WALNUT_WEBHOOK_KEY=... cargo run --package axum-example`

#![allow(clippy::print_stdout, reason = "it shows what it received")]

use std::{env, sync::Arc};

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing::post};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use walnut_webhooks::{Error, Key, MAX_BODY_BYTES, MalformedSignature, SIGNATURE_HEADER, Verifier};

#[tokio::main]
async fn main() -> Result<(), Box<dyn core::error::Error>> {
    let key = Key::new(env::var("WALNUT_WEBHOOK_KEY").unwrap_or_default())?;
    let app =
        Router::new().route("/webhook", post(receive)).with_state(Arc::new(Verifier::new(key)));
    let port = env::var("PORT").unwrap_or_else(|_| String::from("3000"));
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on http://{}/webhook", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

async fn receive(
    State(verifier): State<Arc<Verifier>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Refusal> {
    let signature = signature(&headers)?;
    verifier.precheck(signature, None)?;
    // Nothing else fails here but a connection that breaks, and then nobody hears the answer.
    let too_large = |_| Error::BodyTooLarge { limit: MAX_BODY_BYTES };
    let body = to_bytes(body, MAX_BODY_BYTES).await.map_err(too_large)?;
    let delivery = verifier.verify(&body, signature)?.delivery()?;
    println!("{} {}", delivery.event_type(), delivery.id);
    Ok(Json(json!({ "ok": true })))
}

fn signature(headers: &HeaderMap) -> Result<Option<&[u8]>, Error> {
    let mut values = headers.get_all(SIGNATURE_HEADER).iter();
    let first = values.next().map(AsRef::as_ref);
    match values.next() {
        None => Ok(first),
        Some(_) => Err(Error::MalformedSignature(MalformedSignature::Repeated)),
    }
}

struct Refusal(Error);

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(error) = self;
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
        let body = json!({ "error": { "code": error.code(), "message": error.to_string() } });
        (status, Json(body)).into_response()
    }
}
