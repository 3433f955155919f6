//! JSON responses.

use serde::Serialize;
use web_sys::Response;

use crate::failure::Failure;
use crate::host::{self, Lines};
use crate::json;

/// Makes the response to an accepted request.
pub(crate) fn ok() -> Response {
    respond(200, Lines::default(), r#"{"ok":true}"#)
}

/// Makes a response of a failure's status, code and message.
pub(crate) fn failed(failure: &Failure) -> Response {
    #[derive(Serialize)]
    struct Body {
        error: Error,
    }
    #[derive(Serialize)]
    struct Error {
        code: &'static str,
        message: String,
    }
    let headers = match failure {
        Failure::MethodNotAllowed(allowed) => Lines::default().with("allow", allowed),
        _ => Lines::default(),
    };
    let error = Error { code: failure.code(), message: failure.message() };
    respond(failure.status(), headers, &json::text(&Body { error }))
}

/// Makes a response of a value as JSON.
pub(crate) fn value(value: &impl Serialize) -> Response {
    respond(200, Lines::default(), &json::text(value))
}

fn respond(status: u16, headers: Lines, body: &str) -> Response {
    let headers = headers
        .with("content-type", "application/json")
        .with("cache-control", "no-store")
        .with("x-content-type-options", "nosniff");
    host::respond(status, &headers, body)
}
