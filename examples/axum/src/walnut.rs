//! An extractor, which verifies a request before the handler runs.

use std::sync::Arc;

use axum::Json;
use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use serde_json::{Value, json};
use walnut_webhooks::{Delivery, Error, MAX_BODY_BYTES, Verifier};

type Rejection = (StatusCode, Json<Value>);

/// A genuine delivery.
pub(crate) struct Webhook(pub(crate) Delivery);

impl FromRequest<Arc<Verifier>> for Webhook {
    type Rejection = Rejection;

    async fn from_request(request: Request, state: &Arc<Verifier>) -> Result<Self, Rejection> {
        let (head, body) = request.into_parts();
        let verify = async {
            state.precheck(&head.headers, None)?;
            let too_large = |_| Error::BodyTooLarge { limit: MAX_BODY_BYTES };
            let body = to_bytes(body, MAX_BODY_BYTES).await.map_err(too_large)?;
            state.verify(&body, &head.headers)?.delivery()
        };
        verify.await.map(Self).map_err(|error| {
            let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
            (status, Json(json!({"error": {"code": error.code(), "message": error.to_string()}})))
        })
    }
}
