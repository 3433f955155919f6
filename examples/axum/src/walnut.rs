//! The extractor: it verifies a request before a handler gets it.

use std::{sync::Arc, time::Duration};

use axum::Json;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Request};
use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio::time::timeout;
use walnut_webhooks::{Delivery, Error, MAX_BODY_BYTES, Verifier};

/// Walnut waits for an answer for 30 seconds.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

type Rejection = (StatusCode, Json<Value>);

/// A genuine delivery.
pub(crate) struct Webhook(pub(crate) Delivery);

impl FromRequest<Arc<Verifier>> for Webhook {
    type Rejection = Rejection;

    async fn from_request(request: Request, state: &Arc<Verifier>) -> Result<Self, Rejection> {
        let headers = request.headers().clone();
        state.precheck(&headers, None).map_err(|error| reject(&error))?;
        let body = timeout(BODY_TIMEOUT, read(request)).await.unwrap_or_else(|_| {
            Err(rejection(408, "body_timeout", "The body did not arrive in time."))
        })?;
        let delivery = state.verify(&body, &headers).and_then(|verified| verified.delivery());
        delivery.map(Self).map_err(|error| reject(&error))
    }
}

async fn read(mut request: Request) -> Result<Bytes, Rejection> {
    DefaultBodyLimit::max(MAX_BODY_BYTES).apply(&mut request);
    Bytes::from_request(request, &()).await.map_err(|error| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => reject(&Error::BodyTooLarge { limit: MAX_BODY_BYTES }),
        _ => rejection(400, "body_cut_off", "The connection ended before the body did."),
    })
}

fn reject(error: &Error) -> Rejection {
    rejection(error.status(), error.code(), &error.to_string())
}

fn rejection(status: u16, code: &str, message: &str) -> Rejection {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    (status, Json(json!({"error": {"code": code, "message": message}})))
}
