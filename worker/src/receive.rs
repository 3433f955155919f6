use futures_util::StreamExt;
use walnut_webhooks::{Error, SIGNATURE_HEADER};
use worker::{Request, Response, Result};

use crate::answer::{Failure, failed, ok};
use crate::config::Settings;
use crate::forward::{self, Headline};
use crate::log;

/// Takes one delivery: checks it, cheapest first, and forwards it.
pub(crate) async fn delivery(mut request: Request, settings: &Settings) -> Result<Response> {
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
    let headline = Headline::of(&verified);
    let mut headers = vec![(SIGNATURE_HEADER, signature.unwrap_or_default())];
    headers.extend(content_type.map(|value| ("content-type", value)));

    let outcome = forward::to_origin(&body, &headers, &headline, settings).await;
    log::forwarded(&headline, outcome.status, outcome.failure.as_ref());
    match outcome.failure {
        None => ok(),
        Some(failure) => failed(&failure),
    }
}

fn refused(error: Error) -> Result<Response> {
    let failure = Failure::from(error);
    log::refused(&failure);
    failed(&failure)
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
