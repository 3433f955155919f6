use serde_json::json;
use walnut_webhooks::Error;
use worker::{Response, ResponseBuilder, Result};

/// Why a request does not get a 200.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// The core refused it.
    Refused(Error),
    /// The origin can't be reached, or did not answer with a 2xx.
    OriginFailed,
    /// The origin did not answer completely in time.
    OriginTimeout,
    /// The inbox did not store the delivery.
    StoreFailed,
    Misconfigured,
    NotFound,
    /// The admin API was asked without its token.
    Unauthorized,
    /// What the admin API was asked is not in order, and how it should be.
    InvalidRequest(&'static str),
    /// The body of the delivery is gone.
    Forgotten,
    /// With the methods that are.
    MethodNotAllowed(&'static str),
}

impl Failure {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Refused(error) => error.code(),
            Self::OriginFailed => "origin_failed",
            Self::OriginTimeout => "origin_timeout",
            Self::StoreFailed => "store_failed",
            Self::Misconfigured => "misconfigured",
            Self::NotFound => "not_found",
            Self::Unauthorized => "unauthorized",
            Self::InvalidRequest(_) => "invalid_request",
            Self::Forgotten => "forgotten",
            Self::MethodNotAllowed(_) => "method_not_allowed",
        }
    }

    fn status(&self) -> u16 {
        match self {
            Self::Refused(error) => error.status(),
            Self::OriginFailed => 502,
            Self::OriginTimeout => 504,
            Self::StoreFailed => 503,
            Self::Misconfigured => 500,
            Self::NotFound => 404,
            Self::Unauthorized => 401,
            Self::InvalidRequest(_) => 400,
            Self::Forgotten => 409,
            Self::MethodNotAllowed(_) => 405,
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Refused(error) => error.to_string(),
            Self::OriginFailed => "the origin did not take the delivery: send it again".to_owned(),
            Self::OriginTimeout => "the origin did not answer in time: send it again".to_owned(),
            Self::StoreFailed => "the delivery was not stored: send it again".to_owned(),
            Self::Misconfigured => "the edge is misconfigured: its log says how".to_owned(),
            Self::Unauthorized => "send the admin token as a bearer token".to_owned(),
            Self::InvalidRequest(what) => (*what).to_owned(),
            Self::Forgotten => "the body of this delivery is gone".to_owned(),
            Self::NotFound => "there is nothing here".to_owned(),
            Self::MethodNotAllowed(allowed) => format!("the method must be {allowed}"),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// Answers 200, the one success that there is.
pub(crate) fn ok() -> Result<Response> {
    with_body(200, &json!({ "ok": true }), None)
}

/// Answers with the failure's status, code and message.
pub(crate) fn failed(failure: &Failure) -> Result<Response> {
    let body = json!({ "error": { "code": failure.code(), "message": failure.message() } });
    let allow = match failure {
        Failure::MethodNotAllowed(allowed) => Some(*allowed),
        _ => None,
    };
    with_body(failure.status(), &body, allow)
}

/// Answers 200 with JSON.
pub(crate) fn json(body: &serde_json::Value) -> Result<Response> {
    with_body(200, body, None)
}

fn with_body(status: u16, body: &serde_json::Value, allow: Option<&str>) -> Result<Response> {
    let mut builder = ResponseBuilder::new()
        .with_status(status)
        .with_header("content-type", "application/json")?
        .with_header("cache-control", "no-store")?;
    if let Some(methods) = allow {
        builder = builder.with_header("allow", methods)?;
    }
    Ok(builder.fixed(body.to_string().into_bytes()))
}
