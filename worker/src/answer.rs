//! JSON responses.

use serde::Serialize;
use web_sys::Response;

use crate::failure::Failure;
use crate::log::Line;
use crate::{host, json};

const OK: &str = r#"{"ok":true}"#;

/// Makes the response to an accepted request.
pub(crate) fn ok() -> Response {
    host::answer(200, None, OK, None)
}

/// Makes a response of a failure's status, code and message.
pub(crate) fn failed(failure: &Failure) -> Response {
    respond(failure, None)
}

/// Writes a line to the log, and makes the response to a request that failed, or was accepted.
pub(crate) fn logged(line: &Line<'_>, failure: Option<&Failure>) -> Response {
    match failure {
        Some(failure) => respond(failure, Some(line)),
        None => host::answer(200, None, OK, Some(line)),
    }
}

/// Makes a response of a value as JSON.
pub(crate) fn value(value: &impl Serialize) -> Response {
    host::answer(200, None, &json::text(value), None)
}

fn respond(failure: &Failure, line: Option<&Line<'_>>) -> Response {
    #[derive(Serialize)]
    struct Body {
        error: Error,
    }
    #[derive(Serialize)]
    struct Error {
        code: &'static str,
        message: String,
    }
    let allow = match failure {
        Failure::MethodNotAllowed(allowed) => Some(*allowed),
        _ => None,
    };
    let error = Error { code: failure.code(), message: failure.message() };
    host::answer(failure.status(), allow, &json::text(&Body { error }), line)
}
