use std::time::{Duration, SystemTime};

use futures_util::StreamExt;
use walnut_webhooks::{Error, SIGNATURE_HEADER};
use worker::{Env, Request, Response, Result};

use crate::answer::{Failure, failed, ok};
use crate::config::{Destination, Mode, Settings};
use crate::forward::{self, Headline, MAX_NAME_BYTES, key_name};
use crate::inbox::store::Arrival;
use crate::watch::Check;
use crate::{log, shards};

/// How far ahead the signed time may be, in milliseconds.
pub(crate) const MAX_SKEW_MS: u64 = 5 * 60 * 1000;

/// Takes one delivery: checks it, cheapest first, and stores or forwards it. Each check is
/// noted.
pub(crate) async fn delivery(
    mut request: Request,
    env: &Env,
    settings: &Settings,
    now: u64,
    note: impl Fn(Check),
) -> Result<Response> {
    let refused = |error: Error| {
        let failure = Failure::from(error);
        log::refused(&failure);
        note(Check::Refused(failure.code()));
        failed(&failure)
    };
    let signature = request.headers().get(SIGNATURE_HEADER)?;
    let content_type = request.headers().get("content-type")?;

    let body = match body(&mut request, signature.as_deref(), settings).await {
        Ok(body) => body,
        Err(error) => return refused(error),
    };
    let verified = match settings.verifier.verify(&body, signature.as_deref()) {
        Ok(verified) => verified,
        Err(error) => return refused(error),
    };
    // A body that is not JSON is authentic all the same; it has no time of its own.
    let summary = verified.summary().ok();
    if let (Some(summary), Some(age)) = (&summary, settings.max_event_age_ms) {
        let now = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(now));
        let now = now.unwrap_or(SystemTime::UNIX_EPOCH);
        let (age, skew) = (Duration::from_millis(age), Duration::from_millis(MAX_SKEW_MS));
        if let Err(error) = summary.check_age(now, age, skew) {
            return refused(error);
        }
    }
    note(Check::Matched(key_name(verified.key_index())));
    let headline = Headline::of(&verified, summary.as_ref());
    let signature = signature.unwrap_or_default();
    match settings.mode {
        Mode::Durable => {
            let is_test = summary.is_some_and(|summary| summary.is_test);
            let arrival = arrival(headline, is_test, signature, content_type, settings);
            stored(&arrival, &body, env, settings).await
        }
        Mode::Direct => forwarded(&headline, signature, content_type, &body, settings).await,
    }
}

fn arrival(
    headline: Headline,
    is_test: bool,
    signature: String,
    content_type: Option<String>,
    settings: &Settings,
) -> Arrival {
    let wants = |it: &&Destination| it.wants(headline.name.as_deref());
    let destinations =
        settings.destinations.iter().filter(wants).map(|it| it.name.clone()).collect();
    Arrival {
        id: headline.id,
        name: headline.name.map(shortened),
        event_type: headline.event_type,
        is_test,
        signed_with: headline.key,
        signature,
        content_type,
        destinations,
    }
}

/// Hands a delivery to the inbox, which owns it from then on.
async fn stored(
    arrival: &Arrival,
    body: &[u8],
    env: &Env,
    settings: &Settings,
) -> Result<Response> {
    match shards::store(env, settings, arrival, body).await {
        Ok(stored) => {
            log::accepted(arrival, &stored);
            ok()
        }
        Err(failure) => failed(&failure),
    }
}

/// Forwards a delivery, and answers with what became of it.
async fn forwarded(
    headline: &Headline,
    signature: String,
    content_type: Option<String>,
    body: &[u8],
    settings: &Settings,
) -> Result<Response> {
    let Some(destination) = settings.destinations.first() else {
        return failed(&Failure::Misconfigured);
    };
    let mut headers = vec![(SIGNATURE_HEADER, signature)];
    headers.extend(content_type.map(|value| ("content-type", value)));
    let outcome = forward::send(body, &headers, headline, destination, settings.timeout_ms).await;
    log::forwarded(headline, &destination.name, &outcome);
    outcome.failure.as_ref().map_or_else(ok, failed)
}

/// Cuts a name where no header would show more of it.
fn shortened(mut name: String) -> String {
    let mut length = MAX_NAME_BYTES.min(name.len());
    while !name.is_char_boundary(length) {
        length = length.saturating_sub(1);
    }
    name.truncate(length);
    name
}

/// Reads a body that is worth reading: its header has the right form, and it is within the limit.
async fn body(
    request: &mut Request,
    signature: Option<&str>,
    settings: &Settings,
) -> std::result::Result<Vec<u8>, Error> {
    let declared = request.headers().get("content-length").ok().flatten();
    let length = declared.and_then(|length| length.parse().ok());
    settings.verifier.precheck(signature, length)?;
    // Whoever sent half a body is gone; what came is not what was signed.
    Ok(counted(request, settings.max_body_bytes).await?.unwrap_or_default())
}

/// How far past the limit a body is read, in bytes. A sender that ends there hears the answer; one
/// whose bytes are left unread would rather hear its connection reset.
const GRACE: usize = 32 << 10;

/// Reads a body, and stops soon after it goes over the limit, whatever length was declared: a request
/// can be chunked as well, and is then as long as its sender likes.
async fn counted(
    request: &mut Request,
    limit: usize,
) -> std::result::Result<Result<Vec<u8>>, Error> {
    let mut stream = match request.stream() {
        Ok(stream) => stream,
        Err(error) => return Ok(Err(error)),
    };
    let mut body = Vec::new();
    let mut length: usize = 0;
    while let Some(piece) = stream.next().await {
        let piece = match piece {
            Ok(piece) => piece,
            Err(error) => return Ok(Err(error)),
        };
        length = length.saturating_add(piece.len());
        if length <= limit {
            body.extend_from_slice(&piece);
        } else if length > limit.saturating_add(GRACE) {
            break;
        }
    }
    if length > limit {
        return Err(Error::BodyTooLarge { limit });
    }
    Ok(Ok(body))
}
