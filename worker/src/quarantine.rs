//! The Worker's side of the quarantine: which rejected requests it asks the first shard to keep, what an inbox without a
//! key answers, and what the keys say of a kept request later.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::Uint8Array;
use walnut_webhooks::{Error, Value};
use web_sys::Response;
use worker::{Context, Env};

use crate::answer::logged;
use crate::config::{Mode, Settings};
use crate::failure::Failure;
use crate::forward::Headline;
use crate::js::now;
use crate::keys::KeySlot;
use crate::protocol::{Full, HadKey, Keep, Kept};
use crate::receive::{self, Incoming};
use crate::watch::{self, Check};
use crate::{log, network, shards};

/// The longest body that is kept, in bytes.
const MAX_BODY_BYTES: usize = 64 << 10;

/// What unsigned requests are counted as during set-up.
const UNSIGNED: &str = "unsigned";

/// The code of what was answered 200 during set-up.
const ACCEPTED: &str = "accepted";

/// How long an isolate that was told that there is no room does not ask again, in milliseconds.
const FULL_MS: u64 = 60_000;

thread_local! {
    static FULL: RefCell<Told> = RefCell::default();
    /// Whether the inbox has ever had a key, as far as this isolate knows.
    static HAD_KEY: Cell<bool> = const { Cell::new(false) };
}

/// Whom this isolate was told that there is no room for, and until when, in milliseconds since the Unix epoch.
#[derive(Default)]
struct Told {
    /// The key of the hashes.
    key: String,
    all_until: u64,
    /// The networks that there was room for nevertheless.
    open_to: Vec<String>,
    /// Single networks. There are few, since each has used up a tenth of the room.
    closed: Vec<(String, u64)>,
}

impl Told {
    fn note(&mut self, network: &str, full: Full, now: u64) {
        let until = now.saturating_add(FULL_MS);
        self.key = full.key;
        if let Some(open_to) = full.open_to {
            (self.all_until, self.open_to) = (until, open_to);
        } else {
            self.closed.retain(|(_, until)| now < *until);
            self.closed.push((network::hash(&self.key, network), until));
        }
    }

    fn is_full_for(&self, network: &str, now: u64) -> bool {
        let is_over = now >= self.all_until && self.closed.iter().all(|(_, until)| now >= *until);
        if is_over {
            return false;
        }
        let hash = network::hash(&self.key, network);
        let is_closed = |(closed, until): &(String, u64)| *closed == hash && now < *until;
        (now < self.all_until && !self.open_to.contains(&hash)) || self.closed.iter().any(is_closed)
    }
}

/// What the keys say of a kept request.
#[derive(Default)]
pub(crate) struct Finding {
    /// Set if a key verifies it, and it was not too old when it was received.
    pub(crate) genuine: Option<Genuine>,
    is_stale: bool,
    has_key: bool,
}

/// A kept request that a key verifies.
pub(crate) struct Genuine {
    pub(crate) headline: Headline,
    pub(crate) is_test: bool,
}

/// Verifies a kept request with the keys that are set now. Its age is that at which it was received.
pub(crate) fn verify(settings: &Settings, body: &[u8], signature: &str, received: u64) -> Finding {
    let Some(verifier) = &settings.verifier else { return Finding::default() };
    let verified = verifier.verify(body, signature).map_err(Failure::from);
    match verified.and_then(|verified| receive::headline(&verified, settings, received)) {
        Ok((headline, is_test)) => {
            Finding { genuine: Some(Genuine { headline, is_test }), is_stale: false, has_key: true }
        }
        Err(failure) => Finding {
            genuine: None,
            is_stale: matches!(failure, Failure::Refused(Error::Stale { .. })),
            has_key: true,
        },
    }
}

impl Finding {
    /// Returns the key that verifies the request.
    pub(crate) fn slot(&self) -> Option<KeySlot> {
        self.genuine.as_ref().map(|it| it.headline.key_slot)
    }

    pub(crate) fn cause(&self) -> &'static str {
        self.words().0
    }

    pub(crate) fn fix(&self) -> &'static str {
        self.words().1
    }

    fn words(&self) -> (&'static str, &'static str) {
        match self.slot() {
            Some(KeySlot::Current) => ("current_key", "Nothing: it is delivered soon."),
            Some(_) => (
                "previous_key",
                "Deliver it, if you know that Walnut sent it. After a leak, others can sign with the previous key too.",
            ),
            None if self.is_stale => (
                "stale",
                "Raise MAX_EVENT_AGE, if Walnut sent it: it was older than that when it arrived.",
            ),
            None if self.has_key => (
                "unknown_key",
                "Set WALNUT_WEBHOOK_KEY to the key that Walnut's settings show. Ignore it, if Walnut did not send it.",
            ),
            None => ("no_key", "Set WALNUT_WEBHOOK_KEY to the key that Walnut's settings show."),
        }
    }
}

/// A rejected request that may be kept.
pub(crate) struct Candidate {
    /// The code of the answer.
    pub(crate) code: &'static str,
    pub(crate) network: String,
    pub(crate) signature: String,
    pub(crate) content_type: String,
    pub(crate) body: Uint8Array,
}

impl Candidate {
    /// Makes the message, if the body is a JSON object with the name of an event.
    fn message(&self) -> Option<Keep> {
        let length = usize::try_from(self.body.length()).ok();
        if length.is_none_or(|length| length > MAX_BODY_BYTES) {
            return None;
        }
        let body = Value::parse_any(&self.body.to_vec()).ok()?;
        let name = body.get("event").and_then(Value::as_str)?;
        Some(Keep {
            code: self.code.to_owned(),
            name: receive::shortened(name).to_owned(),
            network: self.network.clone(),
            signature: self.signature.clone(),
            content_type: self.content_type.clone(),
            body: self.body.clone().into(),
        })
    }

    /// Asks the first shard to keep the request.
    async fn keep(&self, env: &Env, settings: &Settings) -> Outcome {
        let asked = now();
        if is_full_for(&self.network, asked) {
            return Outcome::Full;
        }
        let Some(message) = self.message() else { return Outcome::Unfit };
        match shards::ask(env, settings, shards::FIRST, message).await {
            Ok(Kept { full: Some(full), .. }) => {
                FULL.with_borrow_mut(|told| told.note(&self.network, full, asked));
                Outcome::Full
            }
            Ok(Kept { had_key, .. }) => Outcome::Kept { had_key },
            Err(problem) => {
                log::inbox_failed(&problem);
                Outcome::Full
            }
        }
    }
}

/// What became of a candidate.
enum Outcome {
    Kept {
        had_key: bool,
    },
    /// There is no room for it, or the inbox did not answer.
    Full,
    /// It is too long, or not a JSON object with the name of an event.
    Unfit,
}

fn is_full_for(network: &str, now: u64) -> bool {
    FULL.with_borrow(|told| told.is_full_for(network, now))
}

/// Has a request kept after it was answered.
pub(crate) fn keep_after_answer(
    context: &Context,
    env: &Env,
    settings: &Rc<Settings>,
    candidate: Candidate,
) {
    if !settings.quarantine || settings.mode == Mode::Direct {
        return;
    }
    if is_full_for(&candidate.network, now()) {
        return watch::note_dropped();
    }
    let (env, settings) = (env.clone(), Rc::clone(settings));
    context.wait_until(async move {
        match candidate.keep(&env, &settings).await {
            Outcome::Kept { .. } => log::kept(candidate.code).write(),
            Outcome::Full => watch::note_dropped(),
            Outcome::Unfit => {}
        }
    });
}

/// Returns the mistake that the key is gone after set-up, as far as this isolate knows it.
pub(crate) fn mistake(settings: &Settings) -> Option<String> {
    (settings.setup && settings.verifier.is_none() && HAD_KEY.get()).then(|| {
        "WALNUT_WEBHOOK_KEY is not set, and SETUP has no effect, because the inbox has had a key: set the key that \
         Walnut's settings show"
            .to_owned()
    })
}

/// Tells whether set-up is on: no key is set, and the inbox has never had one.
pub(crate) async fn is_in_setup(env: &Env, settings: &Settings) -> bool {
    if !settings.setup || settings.verifier.is_some() {
        return false;
    }
    match shards::ask(env, settings, shards::FIRST, HadKey).await {
        Ok(had_key) => {
            HAD_KEY.set(had_key);
            log::configuration(&shards::mistakes(settings), &settings.warnings, now());
            !had_key
        }
        Err(problem) => {
            log::inbox_failed(&problem);
            false
        }
    }
}

/// Answers a request while no key is set. During set-up it is accepted: a signed one once it is kept, another one at once.
pub(crate) async fn without_key(
    mut incoming: Incoming<'_>,
    env: &Env,
    context: &Context,
    settings: &Rc<Settings>,
    note: impl Fn(Check),
) -> Response {
    let in_setup = is_in_setup(env, settings).await;
    let refuse = |failure: &Failure| {
        note(Check::Refused(failure.code()));
        logged(log::refused(failure), Some(failure))
    };
    match incoming.check_signature() {
        Ok(()) => {}
        Err(_) if !in_setup => return refuse(&Failure::Misconfigured),
        Err(Error::MissingSignature) => {
            note(Check::Refused(UNSIGNED));
            return logged(log::accepted_in_setup(UNSIGNED), None);
        }
        Err(error) => return refuse(&error.into()),
    }
    let code = if in_setup { ACCEPTED } else { Failure::Misconfigured.code() };
    let candidate = match incoming.read(MAX_BODY_BYTES).await {
        Ok(_) => incoming.candidate(code, settings),
        Err(Failure::Refused(_)) => None,
        Err(failure) => return refuse(&failure),
    };
    if !in_setup {
        if let Some(candidate) = candidate {
            keep_after_answer(context, env, settings, candidate);
        }
        return refuse(&Failure::Misconfigured);
    }
    let outcome = match &candidate {
        Some(candidate) if settings.quarantine => candidate.keep(env, settings).await,
        _ => Outcome::Unfit,
    };
    match outcome {
        Outcome::Kept { had_key: false } => logged(log::accepted_in_setup("kept"), None),
        // The key was set while this isolate still runs without it.
        Outcome::Kept { had_key: true } => refuse(&Failure::Misconfigured),
        Outcome::Full | Outcome::Unfit => refuse(&Failure::StoreFailed),
    }
}
