//! The Worker's side of the quarantine. It asks the first shard to keep rejected requests, and answers requests while no key
//! is set.

mod finding;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

pub(crate) use finding::{Cause, verify};
use js_sys::Uint8Array;
use walnut_webhooks::{Error, Value};
use web_sys::Response;
use worker::{Context, Env};

use crate::answer::logged;
use crate::config::{Mode, Settings};
use crate::failure::Failure;
use crate::js::{Result, now};
use crate::protocol::{Full, HadKey, Keep, Kept};
use crate::receive::{self, Incoming};
use crate::watch::{self, Check};
use crate::{log, network, shards};

/// The longest body that is kept, in bytes.
const MAX_BODY_BYTES: usize = 64 << 10;

/// How many bytes of bodies an isolate holds until they are kept: as many as the quarantine can keep.
const MOST_WAITING_BYTES: u64 = 8 << 20;

/// How many kept requests an isolate remembers.
const MOST_RECENT: usize = 64;

/// The code that counts unsigned requests during set-up.
const UNSIGNED: &str = "unsigned";

/// The code of a kept request that was answered 200 during set-up.
const ACCEPTED: &str = "accepted";

/// How long an isolate waits before it asks again after the first shard had no room, in milliseconds.
const FULL_MS: u64 = 60_000;

thread_local! {
    static REPLIES: RefCell<LastReplies> = RefCell::default();
    /// Whether the inbox has ever had a key, once this isolate has asked. The configuration of an isolate never changes, so
    /// one without a key never gets one.
    static HAD_KEY: Cell<Option<bool>> = const { Cell::new(None) };
    /// How many bytes of bodies wait to be kept.
    static WAITING: Cell<u64> = const { Cell::new(0) };
}

/// The last replies of the first shard. Times are in milliseconds since the Unix epoch.
#[derive(Default)]
struct LastReplies {
    /// The key of the hashes.
    key: String,
    all_until: u64,
    /// The networks that still had room when all others had none.
    open_to: Vec<String>,
    /// Single networks that have no room. There are few, because each has used up a tenth of the room.
    closed: Vec<(String, u64)>,
    /// The requests that were kept last. For a while, the isolate does not ask to keep equal ones.
    kept: Vec<Recent>,
}

/// A request that was kept recently.
struct Recent {
    signature: String,
    size: u32,
    network: String,
    had_key: bool,
    until: u64,
}

impl LastReplies {
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

    fn note_kept(&mut self, candidate: &Candidate, had_key: bool, now: u64) {
        if self.kept.len() >= MOST_RECENT {
            self.kept.remove(0);
        }
        self.kept.push(Recent {
            signature: candidate.signature.clone(),
            size: candidate.body.length(),
            network: candidate.network.clone(),
            had_key,
            until: now.saturating_add(FULL_MS),
        });
    }

    /// Returns whether an equal request was kept recently, and if so, whether the inbox has had a key.
    fn has_kept(&self, candidate: &Candidate, now: u64) -> Option<bool> {
        let is_equal = |recent: &&Recent| {
            recent.signature == candidate.signature
                && recent.size == candidate.body.length()
                && recent.network == candidate.network
                && is_future(recent.until, now)
        };
        self.kept.iter().find(is_equal).map(|recent| recent.had_key)
    }

    fn is_full_for(&self, network: &str, now: u64) -> bool {
        let is_closed = self.closed.iter().any(|(_, until)| is_future(*until, now));
        if !is_closed && !is_future(self.all_until, now) {
            return false;
        }
        let hash = network::hash(&self.key, network);
        (is_future(self.all_until, now) && !self.open_to.contains(&hash))
            || self.closed.iter().any(|(closed, until)| *closed == hash && is_future(*until, now))
    }
}

/// Returns whether a time is in the future. If it is too far ahead, the clock was set back.
fn is_future(until: u64, now: u64) -> bool {
    (1..=FULL_MS).contains(&until.saturating_sub(now))
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
            name: receive::shorten(name).to_owned(),
            network: self.network.clone(),
            signature: self.signature.clone(),
            content_type: self.content_type.clone(),
            body: self.body.clone().into(),
        })
    }

    /// Asks the first shard to keep the request.
    async fn keep(&self, env: &Env, settings: &Settings) -> Outcome {
        let asked = now();
        if let Some(had_key) = REPLIES.with_borrow(|replies| replies.has_kept(self, asked)) {
            return Outcome::Kept { had_key, is_new: false };
        }
        if is_full_for(&self.network, asked) {
            return Outcome::Full;
        }
        let Some(message) = self.message() else { return Outcome::Unsuitable };
        match shards::ask(env, settings, shards::FIRST, message).await {
            Ok(Kept { full: Some(full), .. }) => {
                REPLIES.with_borrow_mut(|replies| replies.note(&self.network, full, asked));
                Outcome::Full
            }
            Ok(Kept { had_key, is_new, .. }) => {
                REPLIES.with_borrow_mut(|replies| replies.note_kept(self, had_key, asked));
                Outcome::Kept { had_key, is_new }
            }
            Err(problem) => {
                log::inbox_failed(&problem);
                Outcome::Full
            }
        }
    }
}

/// The result for a candidate.
enum Outcome {
    Kept {
        had_key: bool,
        /// Whether the request is new: no equal one was kept before.
        is_new: bool,
    },
    /// The first shard has no room for it, or did not answer.
    Full,
    /// The body is too long, or not a JSON object with the name of an event.
    Unsuitable,
}

fn is_full_for(network: &str, now: u64) -> bool {
    REPLIES.with_borrow(|replies| replies.is_full_for(network, now))
}

/// Asks the first shard to keep a request after it was answered.
pub(crate) fn keep_after_answer(
    context: &Context,
    env: &Env,
    settings: &Rc<Settings>,
    candidate: Candidate,
) {
    if !settings.quarantine || settings.mode == Mode::Direct {
        return;
    }
    let bytes = u64::from(candidate.body.length());
    let waiting = WAITING.get().saturating_add(bytes);
    if waiting > MOST_WAITING_BYTES || is_full_for(&candidate.network, now()) {
        return watch::note_dropped();
    }
    WAITING.set(waiting);
    let waiting_bytes = WaitingBytes(bytes);
    let (env, settings) = (env.clone(), Rc::clone(settings));
    context.wait_until(async move {
        match candidate.keep(&env, &settings).await {
            Outcome::Kept { is_new: true, .. } => log::kept(candidate.code).write(),
            Outcome::Full => watch::note_dropped(),
            Outcome::Kept { .. } | Outcome::Unsuitable => {}
        }
        drop(waiting_bytes);
    });
}

/// A number of bytes that wait to be kept. Dropping it ends the wait.
struct WaitingBytes(u64);

impl Drop for WaitingBytes {
    fn drop(&mut self) {
        WAITING.set(WAITING.get().saturating_sub(self.0));
    }
}

/// Returns the mistake that the key was removed after set-up, if this isolate knows that the inbox has had a key.
pub(crate) fn mistake(settings: &Settings) -> Option<String> {
    (settings.setup && settings.verifier.is_none() && HAD_KEY.get() == Some(true)).then(|| {
        "WALNUT_WEBHOOK_KEY is not set, and SETUP has no effect, because the inbox has had a key: set the key that \
         Walnut's settings show"
            .to_owned()
    })
}

/// Returns whether set-up is on: no key is set, and the inbox has never had one.
///
/// # Errors
///
/// The first shard does not answer.
pub(crate) async fn is_in_setup(env: &Env, settings: &Settings) -> Result<bool> {
    if !settings.setup || settings.verifier.is_some() {
        return Ok(false);
    }
    if let Some(had_key) = HAD_KEY.get() {
        return Ok(!had_key);
    }
    let had_key = shards::ask(env, settings, shards::FIRST, HadKey).await?;
    HAD_KEY.set(Some(had_key));
    log::configuration(&shards::mistakes(settings), &settings.warnings, now());
    Ok(!had_key)
}

/// Answers a request while no key is set. During set-up, a signed request is accepted once it is kept, and an unsigned one
/// at once.
pub(crate) async fn without_key(
    mut incoming: Incoming<'_>,
    env: &Env,
    context: &Context,
    settings: &Rc<Settings>,
    note: impl Fn(Check),
) -> Response {
    let refuse = |failure: &Failure| {
        note(Check::Refused(failure.code()));
        logged(log::refused(failure), Some(failure))
    };
    let in_setup = match is_in_setup(env, settings).await {
        Ok(in_setup) => in_setup,
        Err(problem) => {
            log::inbox_failed(&problem);
            return refuse(&Failure::StoreFailed);
        }
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
        _ => Outcome::Unsuitable,
    };
    match outcome {
        Outcome::Kept { had_key: false, .. } => logged(log::accepted_in_setup("kept"), None),
        // The key was set, but this isolate still runs without it.
        Outcome::Kept { had_key: true, .. } => refuse(&Failure::Misconfigured),
        Outcome::Full | Outcome::Unsuitable => refuse(&Failure::StoreFailed),
    }
}
