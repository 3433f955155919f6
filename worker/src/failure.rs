//! The causes of failed requests: the code, the status and the message of each.

use walnut_webhooks::Error;

/// The reason why a request is not answered 200.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// Verification rejected the request.
    Refused(Error),
    /// The connection closed before the body was complete, so the signature cannot be checked.
    BodyCutOff,
    /// The body was not complete within the time limit.
    BodyTimeout,
    /// The bodies that are being read leave too little room for this one.
    Overloaded,
    /// The origin cannot be reached, or answered with a status other than 2xx.
    OriginFailed,
    /// The origin did not complete its response within the time limit.
    OriginTimeout,
    /// The delivery has been through this edge before, or through many others.
    Loop,
    /// The inbox did not store the delivery.
    StoreFailed,
    /// The inbox did not answer a request of the admin API.
    InboxFailed,
    /// The configuration has mistakes that prevent this request.
    Misconfigured,
    /// The configuration has mistakes, but deliveries are stored.
    Unhealthy,
    /// There is no such path.
    NotFound,
    /// The path has another text in place of a delivery's `deliveryId`.
    NotDeliveryId,
    /// No delivery has this `deliveryId`.
    NoDelivery,
    /// No destination has this name. The sentence lists the existing names.
    NoDestination(String),
    /// The admin API was called without a valid token.
    Unauthorized,
    /// The admin API was called with a wrong parameter. The sentence states the expected value.
    InvalidRequest(String),
    /// The body of the delivery was erased or has expired.
    Forgotten,
    /// No key that is set now verifies the kept request.
    NotVerified,
    /// The path does not support the method. The text lists the supported methods.
    MethodNotAllowed(&'static str),
}

impl Failure {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Refused(error) => error.code(),
            Self::BodyCutOff => "body_cut_off",
            Self::BodyTimeout => "body_timeout",
            Self::Overloaded => "overloaded",
            Self::OriginFailed => "origin_failed",
            Self::OriginTimeout => "origin_timeout",
            Self::Loop => "loop",
            Self::StoreFailed => "store_failed",
            Self::InboxFailed => "inbox_failed",
            Self::Misconfigured | Self::Unhealthy => "misconfigured",
            Self::NotFound | Self::NotDeliveryId | Self::NoDelivery | Self::NoDestination(_) => {
                "not_found"
            }
            Self::Unauthorized => "unauthorized",
            Self::InvalidRequest(_) => "invalid_request",
            Self::Forgotten => "forgotten",
            Self::NotVerified => "not_verified",
            Self::MethodNotAllowed(_) => "method_not_allowed",
        }
    }

    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Refused(error) => error.status(),
            Self::OriginFailed => 502,
            Self::OriginTimeout => 504,
            Self::Loop => 508,
            Self::Overloaded | Self::StoreFailed | Self::InboxFailed | Self::Unhealthy => 503,
            Self::Misconfigured => 500,
            Self::NotFound | Self::NotDeliveryId | Self::NoDelivery | Self::NoDestination(_) => 404,
            Self::Unauthorized => 401,
            Self::BodyCutOff | Self::InvalidRequest(_) => 400,
            Self::BodyTimeout => 408,
            Self::Forgotten | Self::NotVerified => 409,
            Self::MethodNotAllowed(_) => 405,
        }
    }

    pub(crate) fn message(&self) -> String {
        match self {
            Self::Refused(error) => error.to_string(),
            Self::BodyCutOff => "the request body is incomplete: send the request again".to_owned(),
            Self::BodyTimeout => {
                "the request body was not received in time: send the request again".to_owned()
            }
            Self::Overloaded => {
                "the edge is receiving too many bodies at once: send the request again".to_owned()
            }
            Self::OriginFailed => {
                "the origin did not accept the delivery: send the request again".to_owned()
            }
            Self::OriginTimeout => {
                "the origin did not respond in time: send the request again".to_owned()
            }
            Self::Loop => {
                "this edge or 8 other edges have already forwarded this delivery: remove the destination that sends it back"
                    .to_owned()
            }
            Self::StoreFailed => "the delivery was not stored: send the request again".to_owned(),
            Self::InboxFailed => {
                "the inbox did not answer: send the request again; the edge's log has the reason"
                    .to_owned()
            }
            Self::Misconfigured | Self::Unhealthy => {
                "the edge's configuration has mistakes: its log lists them, and in durable mode /admin/status does too"
                    .to_owned()
            }
            Self::Unauthorized => {
                "the admin token is missing or wrong: send it as a bearer token".to_owned()
            }
            Self::InvalidRequest(sentence) | Self::NoDestination(sentence) => sentence.clone(),
            Self::Forgotten => "the body of this delivery was erased or has expired".to_owned(),
            Self::NotVerified => {
                "no key that is set now verifies this request: set the key that signed it"
                    .to_owned()
            }
            Self::NotFound => "there is nothing at this address".to_owned(),
            Self::NotDeliveryId => {
                "the address needs a deliveryId: POST /admin/search finds the delivery by its id"
                    .to_owned()
            }
            Self::NoDelivery => "no delivery has this deliveryId".to_owned(),
            Self::MethodNotAllowed(allowed) => format!("the method must be {allowed}"),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}
