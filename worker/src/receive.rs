//! Receives deliveries: verifies each, the cheapest check first, and stores or forwards the genuine ones.

use std::rc::Rc;
use std::time::{Duration, SystemTime};

use js_sys::Uint8Array;
use walnut_webhooks::{Error, Signature, Verified, Verifier};
use wasm_bindgen::JsValue;
use web_sys::{Request, Response};
use worker::{Context, Env};

use crate::answer::{failed, logged};
use crate::config::{Destination, MAX_SKEW_MS, Mode, Settings};
use crate::failure::Failure;
use crate::forward::{self, Headline, MAX_NAME_BYTES};
use crate::host::{BODY_MS, Place};
use crate::protocol::{Arrival, Stored};
use crate::quarantine::{self, Candidate};
use crate::standard::message_id;
use crate::watch::{self, Check};
use crate::{digits, edges, explain, host, log, network, shards};

/// How far past the limit a body is read, in bytes. The sender of a slightly longer body then receives the 413 instead of a
/// connection reset.
const GRACE: usize = 32 << 10;

/// The longest content type that is forwarded, in bytes.
const MAX_TYPE_BYTES: usize = 256;

/// The content type that Walnut sends.
const JSON: &str = "application/json";

/// From this length on, the platform calculates the SHA-256, because it uses the processor's instructions. For a shorter
/// body, calling the platform takes longer than it saves.
const HASHED_BY_HOST: usize = 8 << 10;

/// The head of a request.
pub(crate) struct Head {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) signature: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) content_length: Option<String>,
    /// The value of `walnut-edge`.
    pub(crate) edges: Option<String>,
}

impl Head {
    /// Returns the path of the URL unchanged: dots and escapes in it are not resolved.
    pub(crate) fn path(&self) -> &str {
        // Two slashes precede the host.
        let from = self.url.match_indices('/').nth(2).map_or(self.url.len(), |(at, _)| at);
        let path = self.url.get(from..).unwrap_or_default();
        path.split(['?', '#']).next().unwrap_or_default()
    }

    /// Returns whether Walnut may have sent the request.
    pub(crate) fn is_signed_post(&self) -> bool {
        self.method == "POST" && self.signature.is_some()
    }
}

/// The part of a request that has been read.
pub(crate) struct Incoming<'r> {
    request: &'r Request,
    signature: Option<String>,
    content_type: String,
    declared_length: Option<u64>,
    body: Option<Uint8Array>,
    edges: Option<String>,
}

/// Receives one delivery. The result of the check is noted, unless the delivery is a duplicate or could not be stored.
pub(crate) async fn delivery(
    request: &Request,
    head: Head,
    env: &Env,
    context: &Context,
    settings: &Rc<Settings>,
    now: u64,
    note: impl Fn(Check),
) -> Response {
    let mut incoming = Incoming {
        request,
        signature: head.signature,
        content_type: content_type(head.content_type),
        declared_length: head.content_length.and_then(|length| digits::parse(&length)),
        body: None,
        edges: head.edges,
    };
    let Some(verifier) = &settings.verifier else {
        return quarantine::without_key(incoming, env, context, settings, note).await;
    };
    match incoming.check(verifier, settings, now).await {
        Ok(headline) => match settings.mode {
            Mode::Durable => incoming.store(&headline, env, settings, note).await,
            Mode::Direct => incoming.forward(&headline, settings).await,
        },
        Err(failure) => {
            if matches!(failure, Failure::Loop) {
                note(Check::Refused(failure.code()));
            }
            // A request without a verdict, such as an incomplete one, is neither explained nor counted.
            if let Failure::Refused(error) = &failure {
                note(Check::Refused(error.code()));
                if matches!(error, Error::SignatureMismatch { .. })
                    && let Some(candidate) = incoming.candidate(error.code(), settings)
                {
                    quarantine::keep_after_answer(context, env, settings, candidate);
                }
                if explain::try_acquire(error, now) {
                    let body = match incoming.body {
                        None => explain::body(request).await,
                        body => body,
                    };
                    explain::after_answer(context, env, settings, request, error, body);
                }
            }
            logged(log::refused(&failure), Some(&failure))
        }
    }
}

/// Returns the headline of a verified delivery.
///
/// # Errors
///
/// `stale`, if it was older than `max_age_ms` milliseconds when it was `received`.
pub(crate) fn headline(
    verified: &Verified<'_>,
    max_age_ms: Option<u64>,
    received: u64,
) -> Result<Headline, Failure> {
    // A body that is not JSON can be genuine too, but it has no signed time.
    let summary = verified.summary().ok();
    if let (Some(summary), Some(age)) = (&summary, max_age_ms) {
        let received = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(received));
        let received = received.unwrap_or(SystemTime::UNIX_EPOCH);
        let (age, skew) = (Duration::from_millis(age), Duration::from_millis(MAX_SKEW_MS));
        summary.check_age(received, age, skew)?;
    }
    let is_test = summary.as_ref().is_some_and(|summary| summary.is_test);
    let id = summary.as_ref().map_or_else(|| verified.body_id(), |summary| summary.id.clone());
    Ok(Headline {
        message_id: message_id(&id, None),
        id,
        name: summary.as_ref().and_then(|summary| summary.name.clone()),
        event_type: summary.as_ref().map_or("unknown", |summary| summary.event_type).to_owned(),
        key_slot: verified.key_index().into(),
        is_test,
        edges: String::new(),
        drift: summary.map(|summary| summary.drift).unwrap_or_default(),
    })
}

/// The parts of a request that are stored with its headline.
pub(crate) struct Message<'a> {
    pub(crate) signature: &'a str,
    pub(crate) content_type: &'a str,
    pub(crate) body: &'a Uint8Array,
    /// When it was received, in milliseconds since the Unix epoch. `None` means now.
    pub(crate) received: Option<u64>,
}

/// Stores a verified delivery in the inbox, which forwards it.
///
/// # Errors
///
/// No shard has confirmed that it stored the delivery.
pub(crate) async fn store(
    env: &Env,
    settings: &Settings,
    headline: &Headline,
    message: &Message<'_>,
) -> Result<Stored, Failure> {
    let wants = |it: &&Destination| it.wants(headline.name.as_deref(), headline.is_test);
    // A configuration with mistakes may list too few destinations, so the inbox chooses later.
    let known = if settings.holds() { &[] } else { settings.destinations.as_slice() };
    let names = known.iter().filter(wants);
    let arrival = Arrival {
        id: &headline.id,
        name: headline.name.as_deref().map(shorten),
        event_type: &headline.event_type,
        key_slot: headline.key_slot,
        signature: message.signature,
        content_type: message.content_type,
        body: message.body,
        is_test: headline.is_test,
        destinations: names.map(|it| JsValue::from_str(&it.name)).collect(),
        received: message.received,
        edges: Some(headline.edges.as_str()).filter(|list| !list.is_empty()),
    };
    let stored = shards::store(env, settings, &arrival).await?;
    if stored != Stored::Duplicate {
        watch::note_drift(headline);
    }
    Ok(stored)
}

impl Incoming<'_> {
    /// Verifies a delivery; returns its headline.
    async fn check(
        &mut self,
        verifier: &Verifier,
        settings: &Settings,
        now: u64,
    ) -> Result<Headline, Failure> {
        let length = self.declared_length.map(|it| usize::try_from(it).unwrap_or(usize::MAX));
        verifier.precheck(self.signature.as_deref(), length)?;
        let body = self.read(settings.max_body_bytes).await?;
        let header = self.signature.as_deref();
        let verified = match self.hash_long_body(&body, verifier).await {
            None => verifier.verify(&body, header)?,
            Some(mut digests) => {
                verifier.verify_hashed(&body, header, |_| digests.next().unwrap_or_default())?
            }
        };
        let mut headline = headline(&verified, settings.max_event_age_ms, now)?;
        headline.edges = edges::parse(self.edges.as_deref())?;
        if settings.mode == Mode::Direct {
            headline.edges = edges::add(headline.edges, &edges::isolate_id())?;
        }
        Ok(headline)
    }

    /// Checks the form of the signature.
    pub(crate) fn check_signature(&self) -> Result<(), Error> {
        Signature::parse(self.signature.as_deref()).map(drop)
    }

    /// Returns the network of the client.
    fn network(&self, settings: &Settings) -> String {
        let address = self.request.headers().get(&settings.client_ip_header).ok().flatten();
        network::from_header(address.as_deref())
    }

    /// Returns the candidate for the quarantine, if the body was read. `code` is the code of the answer.
    pub(crate) fn candidate(&self, code: &'static str, settings: &Settings) -> Option<Candidate> {
        Some(Candidate {
            code,
            network: self.network(settings),
            signature: self.signature.clone()?,
            content_type: self.content_type.clone(),
            body: self.body.clone()?,
        })
    }

    /// Reads the body. Reading stops soon after the limit, even if the declared length is shorter: a chunked request may be
    /// longer.
    pub(crate) async fn read(&mut self, limit: usize) -> Result<Vec<u8>, Failure> {
        let declared = self.declared_length.unwrap_or(0);
        let body = host::read(self.request, declared, limit, GRACE, BODY_MS).await?;
        let bytes = body.to_vec();
        self.body = Some(body);
        Ok(bytes)
    }

    /// Lets the platform hash a long body: returns, for each key, the digest of its inner block and the body.
    async fn hash_long_body(
        &self,
        body: &[u8],
        verifier: &Verifier,
    ) -> Option<impl Iterator<Item = [u8; 32]> + use<>> {
        if body.len() < HASHED_BY_HOST {
            return None;
        }
        let mut digests = Vec::new();
        for block in verifier.inner_blocks() {
            digests.push(host::sha256(block, self.body.as_ref()?).await.ok()?);
        }
        Some(digests.into_iter())
    }

    /// Stores a delivery in the inbox, and answers.
    async fn store(
        self,
        headline: &Headline,
        env: &Env,
        settings: &Settings,
        note: impl Fn(Check),
    ) -> Response {
        let network = self.network(settings);
        let message = Message {
            signature: &self.signature.unwrap_or_default(),
            content_type: &self.content_type,
            body: &self.body.unwrap_or_default(),
            received: None,
        };
        match store(env, settings, headline, &message).await {
            Ok(stored) => {
                // A duplicate may be a replay, so it does not show which key Walnut signs with now. A
                // repeated test event may be a replay too, so its network is not noted.
                match stored {
                    Stored::Duplicate => {}
                    Stored::Repeat => note(Check::Matched(headline.key_slot, None)),
                    _ => note(Check::Matched(headline.key_slot, Some(network))),
                }
                logged(log::stored(headline, stored), None)
            }
            Err(failure @ Failure::Loop) => {
                note(Check::Refused(failure.code()));
                logged(log::refused(&failure), Some(&failure))
            }
            // This is not noted as a match: while nothing can be stored, the alert for missing deliveries must not be
            // delayed.
            Err(failure) => failed(&failure),
        }
    }

    /// Forwards a delivery, and returns the destination's answer.
    async fn forward(self, headline: &Headline, settings: &Settings) -> Response {
        let Some(destination) = settings.destinations.first() else {
            return failed(&Failure::Misconfigured);
        };
        let outcome = forward::send(
            Place::Request,
            headline,
            &self.signature.unwrap_or_default(),
            Some(&self.content_type),
            &self.body.unwrap_or_default(),
            destination,
            settings.timeout_ms,
        )
        .await;
        logged(log::forwarded(headline, &destination.name, &outcome), outcome.failure.as_ref())
    }
}

/// Replaces a missing, overlong or non-printable content type with Walnut's, because the header is not signed.
fn content_type(header: Option<String>) -> String {
    let is_good = |text: &String| {
        (1..=MAX_TYPE_BYTES).contains(&text.len())
            && text.bytes().all(|c| c.is_ascii_graphic() || c == b' ')
    };
    header.filter(is_good).unwrap_or_else(|| JSON.to_owned())
}

/// Shortens a name to the longest value that its header can have.
pub(crate) fn shorten(name: &str) -> &str {
    name.get(..name.floor_char_boundary(MAX_NAME_BYTES)).unwrap_or(name)
}
