//! Takes deliveries: checks them, the cheapest first, and stores or forwards the genuine ones.

use std::time::{Duration, SystemTime};

use js_sys::Uint8Array;
use walnut_webhooks::SIGNATURE_HEADER;
use web_sys::{Request, Response};
use worker::{Context, Env};

use crate::answer::{Failure, failed, ok};
use crate::config::{Destination, Mode, Settings};
use crate::forward::{self, Headline, MAX_NAME_BYTES, key_name};
use crate::inbox::store::{Arrival, Stored};
use crate::standard::message_id;
use crate::watch::Check;
use crate::{digits, explain, host, log, shards};

/// How far ahead the signed time may be, in milliseconds.
pub(crate) const MAX_SKEW_MS: u64 = 5 * 60 * 1000;

/// How far past the limit a body is read, in bytes. A sender that ends there hears the answer; one
/// whose bytes are left unread would rather hear its connection reset.
const GRACE: usize = 32 << 10;

/// How long a whole body may take, in milliseconds.
pub(crate) const BODY_MS: u32 = 10_000;

/// The most bytes of a content type that is sent on.
const MAX_TYPE_BYTES: usize = 256;

/// Walnut's own content type.
const JSON: &str = "application/json";

/// From how many bytes on the platform hashes, whose SHA-256 is the processor's own: below, asking it
/// takes longer than it saves.
const HASHED_BY_HOST: usize = 8 << 10;

/// A request, as far as it was read.
struct Incoming<'r> {
    request: &'r Request,
    signature: Option<String>,
    content_type: String,
    declared_length: Option<u64>,
    body: Option<Uint8Array>,
}

/// Takes one delivery. Its check is noted, unless it is a duplicate, or could not be stored.
pub(crate) async fn delivery(
    request: &Request,
    env: &Env,
    context: &Context,
    settings: &Settings,
    now: u64,
    note: impl Fn(Check),
) -> Response {
    let headers = request.headers();
    let header = |name| headers.get(name).ok().flatten();
    let mut incoming = Incoming {
        request,
        signature: header(SIGNATURE_HEADER),
        content_type: content_type(header("content-type")),
        declared_length: header("content-length").and_then(|length| digits::parse(&length)),
        body: None,
    };
    match incoming.check(settings, now).await {
        Ok((headline, is_test)) => match settings.mode {
            Mode::Durable => incoming.store(&headline, is_test, env, settings, note).await,
            Mode::Direct => incoming.forward(&headline, settings).await,
        },
        Err(failure) => {
            // What has no verdict is neither explained nor counted.
            if let Failure::Refused(error) = &failure {
                if explain::takes_turn(error, now) {
                    let body = match incoming.body {
                        None => explain::body(request).await,
                        body => body,
                    };
                    explain::after_answer(context, env, settings, request, error, body);
                }
                note(Check::Refused(error.code()));
            }
            log::refused(&failure);
            failed(&failure)
        }
    }
}

impl Incoming<'_> {
    /// Checks a delivery; says what it is, and whether it is a test.
    async fn check(&mut self, settings: &Settings, now: u64) -> Result<(Headline, bool), Failure> {
        let verifier = &settings.verifier;
        let length = self.declared_length.map(|it| usize::try_from(it).unwrap_or(usize::MAX));
        verifier.precheck(self.signature.as_deref(), length)?;
        let body = self.read(settings).await?;
        let header = self.signature.as_deref();
        let verified = match self.hashed(&body, settings).await {
            None => verifier.verify(&body, header)?,
            Some(mut digests) => {
                verifier.verify_hashed(&body, header, |_| digests.next().unwrap_or_default())?
            }
        };
        // A body that is not JSON is authentic all the same; it has no time of its own.
        let summary = verified.summary().ok();
        if let (Some(summary), Some(age)) = (&summary, settings.max_event_age_ms) {
            let now = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(now));
            let now = now.unwrap_or(SystemTime::UNIX_EPOCH);
            let (age, skew) = (Duration::from_millis(age), Duration::from_millis(MAX_SKEW_MS));
            summary.check_age(now, age, skew)?;
        }
        let is_test = summary.as_ref().is_some_and(|summary| summary.is_test);
        let id = summary.as_ref().map_or_else(|| verified.body_id(), |summary| summary.id.clone());
        let headline = Headline {
            message_id: message_id(&id, None),
            id,
            name: summary.as_ref().and_then(|summary| summary.name.clone()),
            event_type: summary.map_or("unknown", |summary| summary.event_type).to_owned(),
            key: key_name(verified.key_index()),
        };
        Ok((headline, is_test))
    }

    /// Reads the body. It stops soon after the limit, whatever length was declared: a request can be chunked
    /// as well, and is then as long as its sender likes.
    async fn read(&mut self, settings: &Settings) -> Result<Vec<u8>, Failure> {
        let limit = settings.max_body_bytes;
        let declared = self.declared_length.unwrap_or(0);
        let body = host::read(self.request, declared, limit, GRACE, BODY_MS).await?;
        let bytes = body.to_vec();
        self.body = Some(body);
        Ok(bytes)
    }

    /// Has the platform hash what is longer than it pays to hash here: for each key, the digest of its
    /// inner block and the body.
    async fn hashed(
        &self,
        body: &[u8],
        settings: &Settings,
    ) -> Option<impl Iterator<Item = [u8; 32]> + use<>> {
        if body.len() < HASHED_BY_HOST {
            return None;
        }
        let mut digests = Vec::new();
        for block in settings.verifier.inner_blocks() {
            digests.push(host::sha256(block, self.body.as_ref()?).await.ok()?);
        }
        Some(digests.into_iter())
    }

    /// Hands a delivery to the inbox, which owns it from then on.
    async fn store(
        self,
        headline: &Headline,
        is_test: bool,
        env: &Env,
        settings: &Settings,
        note: impl Fn(Check),
    ) -> Response {
        let wants = |it: &&Destination| it.wants(headline.name.as_deref());
        let arrival = Arrival::values(
            headline,
            headline.name.as_deref().map(shortened),
            &self.signature.unwrap_or_default(),
            &self.content_type,
            &self.body.unwrap_or_default(),
            is_test,
            settings.destinations.iter().filter(wants).map(|it| it.name.as_str()),
        );
        match shards::store(env, settings, &headline.id, &arrival).await {
            Ok(stored) => {
                // What comes again may be a replay, which says nothing of the key that Walnut signs with now.
                if stored != Stored::Duplicate.as_str() {
                    note(Check::Matched(headline.key));
                }
                log::stored(headline, &stored);
                ok()
            }
            // Not noted: while nothing can be stored, no alert may wait for deliveries that are none.
            Err(failure) => failed(&failure),
        }
    }

    /// Forwards a delivery, and answers with what became of it.
    async fn forward(self, headline: &Headline, settings: &Settings) -> Response {
        let Some(destination) = settings.destinations.first() else {
            return failed(&Failure::Misconfigured);
        };
        let outcome = forward::send(
            headline,
            &self.signature.unwrap_or_default(),
            Some(&self.content_type),
            &self.body.unwrap_or_default(),
            destination,
            settings.timeout_ms,
        )
        .await;
        log::forwarded(headline, &destination.name, &outcome);
        outcome.failure.as_ref().map_or_else(ok, failed)
    }
}

/// Keeps a content type that any origin can take, and makes another Walnut's: it is not signed.
fn content_type(came: Option<String>) -> String {
    let is_good = |text: &String| {
        (1..=MAX_TYPE_BYTES).contains(&text.len())
            && text.bytes().all(|c| c.is_ascii_graphic() || c == b' ')
    };
    came.filter(is_good).unwrap_or_else(|| JSON.to_owned())
}

/// Cuts a name where no header would show more of it.
fn shortened(name: &str) -> &str {
    name.get(..name.floor_char_boundary(MAX_NAME_BYTES)).unwrap_or(name)
}
