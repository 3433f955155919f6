//! JSON responses.

use serde::Serialize;
use web_sys::Response;

use crate::failure::Failure;
use crate::host;
use crate::json::{self, Item};
use crate::log::Line;

const OK: &str = r#"{"ok":true}"#;

/// Makes the response of the health check during set-up.
pub(crate) fn in_setup() -> Response {
    host::answer(200, None, r#"{"ok":true,"status":"setup"}"#, None)
}

/// Makes the response to an accepted request.
pub(crate) fn ok() -> Response {
    host::answer(200, None, OK, None)
}

/// Makes a response of a failure's status, code and message.
pub(crate) fn failed(failure: &Failure) -> Response {
    respond(failure, None)
}

/// Writes a line to the log, and makes the response to a request that failed, or was accepted.
pub(crate) fn logged(line: Line, failure: Option<&Failure>) -> Response {
    match failure {
        Some(failure) => respond(failure, Some(line)),
        None => host::answer(200, None, OK, Some(line)),
    }
}

/// Makes a response of a value as JSON.
pub(crate) fn value(value: &impl Serialize) -> Response {
    host::answer(200, None, &json::text(value), None)
}

/// Makes a response of an object.
pub(crate) fn object(fields: &[(&str, Item<'_>)]) -> Response {
    host::answer(200, None, &json::object(fields), None)
}

fn respond(failure: &Failure, line: Option<Line>) -> Response {
    let allow = match failure {
        Failure::MethodNotAllowed(allowed) => Some(*allowed),
        _ => None,
    };
    let message = failure.message();
    let error =
        json::object(&[("code", failure.code().into()), ("message", message.as_str().into())]);
    let body = json::object(&[("error", Item::Json(error))]);
    host::answer(failure.status(), allow, &body, line)
}
