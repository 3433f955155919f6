use serde::Serialize;
use walnut_webhooks::Error;
use wasm_bindgen::JsValue;
use web_sys::Response;

use crate::host::{self, Lines};

/// Why a request does not get a 200.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// The core refused it.
    Refused(Error),
    /// The body broke off: what came of it says nothing.
    BodyCutOff,
    /// The body did not come in time.
    BodyTimeout,
    /// The origin can't be reached, or did not answer with a 2xx.
    OriginFailed,
    /// The origin did not answer completely in time.
    OriginTimeout,
    /// The inbox did not store the delivery.
    StoreFailed,
    /// The inbox did not answer a question of the admin API.
    InboxFailed,
    Misconfigured,
    NotFound,
    /// The admin API was asked without its token.
    Unauthorized,
    /// What the admin API was asked is not in order, and how it should be.
    InvalidRequest(String),
    /// The body of the delivery is gone.
    Forgotten,
    /// With the methods that are.
    MethodNotAllowed(&'static str),
}

impl Failure {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Refused(error) => error.code(),
            Self::BodyCutOff => "body_cut_off",
            Self::BodyTimeout => "body_timeout",
            Self::OriginFailed => "origin_failed",
            Self::OriginTimeout => "origin_timeout",
            Self::StoreFailed => "store_failed",
            Self::InboxFailed => "inbox_failed",
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
            Self::StoreFailed | Self::InboxFailed => 503,
            Self::Misconfigured => 500,
            Self::NotFound => 404,
            Self::Unauthorized => 401,
            Self::BodyCutOff | Self::InvalidRequest(_) => 400,
            Self::BodyTimeout => 408,
            Self::Forgotten => 409,
            Self::MethodNotAllowed(_) => 405,
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Refused(error) => error.to_string(),
            Self::BodyCutOff => "the body broke off: send it again".to_owned(),
            Self::BodyTimeout => "the body did not come in time: send it again".to_owned(),
            Self::OriginFailed => "the origin did not take the delivery: send it again".to_owned(),
            Self::OriginTimeout => "the origin did not answer in time: send it again".to_owned(),
            Self::StoreFailed => "the delivery was not stored: send it again".to_owned(),
            Self::InboxFailed => "the inbox did not answer: ask again; the log says why".to_owned(),
            Self::Misconfigured => "the edge is misconfigured: its log says how".to_owned(),
            Self::Unauthorized => "send the admin token as a bearer token".to_owned(),
            Self::InvalidRequest(what) => what.clone(),
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
pub(crate) fn ok() -> Response {
    json(200, Lines::default(), r#"{"ok":true}"#)
}

/// Answers with the failure's status, code and message.
pub(crate) fn failed(failure: &Failure) -> Response {
    #[derive(Serialize)]
    struct Answer {
        error: Told,
    }
    #[derive(Serialize)]
    struct Told {
        code: &'static str,
        message: String,
    }
    let headers = match failure {
        Failure::MethodNotAllowed(allowed) => Lines::default().with("allow", allowed),
        _ => Lines::default(),
    };
    let told = Told { code: failure.code(), message: failure.message() };
    json(failure.status(), headers, text(&Answer { error: told }))
}

/// Answers 200 with a value as JSON.
pub(crate) fn value(value: &JsValue) -> Response {
    let text = js_sys::JSON::stringify(value).map(JsValue::from);
    json(200, Lines::default(), text.unwrap_or_default())
}

fn json(status: u16, headers: Lines, body: impl Into<JsValue>) -> Response {
    let headers = headers
        .with("content-type", "application/json")
        .with("cache-control", "no-store")
        .with("x-content-type-options", "nosniff");
    host::respond(status, &headers, body)
}

/// Writes a value as JSON. All that is written so has texts and numbers only, which can't fail.
pub(crate) fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
