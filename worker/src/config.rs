mod destinations;
mod duration;
mod reader;
#[cfg(test)]
mod tests;
mod url;

use std::cell::OnceCell;
use std::rc::Rc;

use walnut_webhooks::{Keys, Verifier};
use worker::Env;

pub(crate) use destinations::Destination;
use duration::DAY_MS;
use reader::Reader;
pub(crate) use reader::millis;
pub(crate) use url::Url;

use crate::js;
use crate::life::Limits;

/// The variables of the HMAC keys.
pub(crate) const KEY: &str = "WALNUT_WEBHOOK_KEY";
pub(crate) const KEY_PREVIOUS: &str = "WALNUT_WEBHOOK_KEY_PREVIOUS";
const KEY_PREVIOUS_UNTIL: &str = "WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL";

/// The header with the address of the client, if no other is set: Cloudflare's.
const CLIENT_IP_HEADER: &str = "cf-connecting-ip";

/// The path of the health check.
pub(crate) const HEALTH_PATH: &str = "/healthz";
/// The path of the page for the delivery log; the admin API is below it.
const ADMIN_PATH: &str = "/admin";

const DEFAULT_BODY_BYTES: u32 = 1 << 20;
const MOST_BODY_BYTES: u32 = 3 << 19;
const DEFAULT_TIMEOUT_MS: u32 = 20_000;
/// Walnut waits 30 seconds for a response; the difference is for the network.
const MOST_TIMEOUT_MS: u32 = 28_000;
const MOST_SHARDS: u32 = 256;
const DEFAULT_ATTEMPTS: u32 = 200;
const MOST_ATTEMPTS: u32 = 1000;
const DEFAULT_EVENT_AGE_MS: u64 = 3 * DAY_MS;
const DEFAULT_DELIVERY_AGE_MS: u64 = 3 * DAY_MS;
const DEFAULT_RETENTION_MS: u64 = 7 * DAY_MS;
/// How much a shard stores at most, in megabytes: the platform's limit is 10 GB, and results need room too.
const MOST_STORED_MB: u32 = 9000;
const MB: u64 = 1_000_000;
/// How far ahead the end of the previous key may be.
const MOST_OVERLAP_DAYS: u64 = 7;
/// How far in the future the signed time may be, in milliseconds, since clocks differ.
pub(crate) const MAX_SKEW_MS: u64 = 5 * 60 * 1000;

// The shortest and the longest time of each, as an operator writes it.
const EVENT_AGES: [&str; 2] = ["0", "90d"];
const DELIVERY_AGES: [&str; 2] = ["1s", "30d"];
const RETENTION_DAYS: [&str; 2] = ["0.00001", "90"];
const SILENCE_HOURS: [&str; 2] = ["0.00001", "8760"];

/// The mistakes in the configuration, a sentence each. No sentence contains a value, which may be a secret.
pub(crate) type Mistakes = Vec<String>;

/// Parses a URL; `None` if it is not an absolute URL.
type Parse<'a> = &'a dyn Fn(&str) -> Option<Url>;

thread_local! {
    /// The configuration is read once, since bindings do not change during the life of an isolate.
    static CONFIG: OnceCell<Result<Config, Mistakes>> = const { OnceCell::new() };
}

/// The configuration, as far as it does not depend on the time.
pub(crate) struct Config {
    settings: Rc<Settings>,
    previous: Option<Previous>,
}

/// The settings during the overlap after a key reset, while the previous key is valid too.
struct Previous {
    settings: Rc<Settings>,
    /// The end of the overlap, in milliseconds since the Unix epoch.
    until: u64,
}

/// When a request from Walnut is answered 200.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Once the delivery is stored.
    Durable,
    /// Once the one destination has accepted the delivery.
    Direct,
}

/// What the configuration says, at one time. Times are in milliseconds.
#[derive(Clone)]
pub(crate) struct Settings {
    /// The mistakes in the configuration. While there are some, deliveries are stored and held.
    pub(crate) mistakes: Mistakes,
    /// What may be a mistake, a sentence each. It changes nothing.
    pub(crate) warnings: Vec<String>,
    /// Where Walnut posts to; `None`, if `WEBHOOK_PATH` is a mistake, is any path that has no other use.
    pub(crate) path: Option<String>,
    /// `None` if no key is set.
    pub(crate) verifier: Option<Verifier>,
    pub(crate) max_body_bytes: usize,
    pub(crate) mode: Mode,
    /// The time limit of one attempt.
    pub(crate) timeout_ms: u32,
    /// Exactly one in direct mode; never empty, unless there are mistakes.
    pub(crate) destinations: Vec<Destination>,
    pub(crate) shards: u32,
    pub(crate) jurisdiction: Option<String>,
    /// How old the signed time may be; `None` is no limit.
    pub(crate) max_event_age_ms: Option<u64>,
    pub(crate) limits: Limits,
    /// How long a body is kept after its delivery has ended.
    pub(crate) retention_ms: u64,
    /// The size of a shard's database from which on it stores no more deliveries, in bytes.
    pub(crate) max_stored_bytes: u64,
    pub(crate) admin_token: Option<String>,
    pub(crate) alert_url: Option<String>,
    /// After how long without a delivery an alert is raised.
    pub(crate) silence_ms: Option<u64>,
    /// The end of the previous key, since the Unix epoch, while that key is valid.
    pub(crate) previous_until: Option<u64>,
    /// Whether requests are accepted before the inbox has had a key.
    pub(crate) setup: bool,
    /// Whether requests that no key verifies are kept.
    pub(crate) quarantine: bool,
    /// The header with the address of the client.
    pub(crate) client_ip_header: String,
}

impl Settings {
    /// Tells whether deliveries are held, because the configuration has mistakes.
    pub(crate) fn holds(&self) -> bool {
        !self.mistakes.is_empty()
    }
}

/// Returns the part of a path below `/admin`; `None` if the path is not there.
pub(crate) fn below_admin(path: &str) -> Option<&str> {
    path.strip_prefix(ADMIN_PATH).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Returns the settings of an environment at a time, in milliseconds since the Unix epoch.
///
/// # Errors
///
/// The mistakes in the configuration, if nothing can be received with them: in direct mode, or with an unknown mode.
pub(crate) fn settings(env: &Env, now: u64) -> Result<Rc<Settings>, Mistakes> {
    CONFIG.with(|config| {
        match config.get_or_init(|| Config::read(bindings(env), &parse_with_platform)) {
            Ok(config) => config.at(now),
            Err(mistakes) => Err(mistakes.clone()),
        }
    })
}

/// Reads bindings by name: text, or the JSON of another value, such as a number.
pub(crate) fn bindings(env: &Env) -> impl Fn(&str) -> Option<String> {
    move |name| {
        let value = js::get(env, name);
        js::text(&value).or_else(|| js_sys::JSON::stringify(&value).ok()?.as_string())
    }
}

fn parse_with_platform(text: &str) -> Option<Url> {
    let url = web_sys::Url::new(text).ok()?;
    Some(Url {
        protocol: url.protocol(),
        username: url.username(),
        password: url.password(),
        hostname: url.hostname(),
        href: url.href(),
    })
}

impl Config {
    /// Reads all variables and secrets, and lists every mistake in them. `parse` is the URL parser of whoever will
    /// request the URLs.
    pub(crate) fn read(
        binding: impl Fn(&str) -> Option<String>,
        parse: Parse<'_>,
    ) -> Result<Self, Mistakes> {
        let mut reader = Reader::new(&binding, parse);

        let mode = reader.mode();
        let path = reader.path();
        let max_body_bytes = reader.number("MAX_BODY_BYTES", DEFAULT_BODY_BYTES, MOST_BODY_BYTES);
        let max_body_bytes = usize::try_from(max_body_bytes).unwrap_or(usize::MAX);
        let timeout_ms = reader.number("ORIGIN_TIMEOUT_MS", DEFAULT_TIMEOUT_MS, MOST_TIMEOUT_MS);
        let destinations = destinations::read(&mut reader);
        if mode == Some(Mode::Direct) && destinations.len() > 1 {
            reader.mistake(
                "DESTINATIONS has more than one entry: MODE=direct supports only one, because Walnut \
                 receives only one response",
            );
        }
        if mode == Some(Mode::Direct) && destinations.iter().any(|it| it.events.is_some()) {
            reader.mistake(
                "DESTINATIONS has events: remove them, because with MODE=direct the destination \
                 receives every event",
            );
        }
        let shards = reader.number("SHARDS", 1, MOST_SHARDS);
        let jurisdiction = reader.choice("JURISDICTION", &["eu", "fedramp"]);
        let event_age = reader.duration("MAX_EVENT_AGE", EVENT_AGES);
        let max_attempts = reader.number("MAX_ATTEMPTS", DEFAULT_ATTEMPTS, MOST_ATTEMPTS);
        let delivery_age = reader.duration("MAX_DELIVERY_AGE", DELIVERY_AGES);
        let retention = reader.days("RETENTION_DAYS", RETENTION_DAYS);
        let max_stored_mb = reader.number("MAX_STORED_MB", MOST_STORED_MB, MOST_STORED_MB);
        let admin_token = reader.admin_token();
        let alert_url = reader.alert_url();
        let silence_ms = reader.hours("ALERT_SILENCE_HOURS", SILENCE_HOURS);
        let setup = reader.switch("SETUP", false);
        let quarantine = reader.switch("QUARANTINE", true);
        let client_ip_header = reader.client_ip_header();
        let current = reader.key(setup);
        let previous = reader.previous();

        let mistakes = std::mem::take(&mut reader.mistakes);
        // Direct mode stores nothing, so it can hold nothing.
        let Some(mode) = mode.filter(|mode| *mode == Mode::Durable || mistakes.is_empty()) else {
            return Err(mistakes);
        };
        let verifier = |keys: Keys| Verifier::new(keys).with_max_body_bytes(max_body_bytes);
        let settings = Settings {
            mistakes,
            warnings: Vec::new(),
            path,
            verifier: current.clone().map(|current| verifier(current.into())),
            max_body_bytes,
            mode,
            timeout_ms,
            destinations,
            shards,
            jurisdiction,
            max_event_age_ms: Some(event_age.unwrap_or(DEFAULT_EVENT_AGE_MS))
                .filter(|age| *age > 0),
            limits: Limits {
                max_attempts,
                max_age_ms: delivery_age.unwrap_or(DEFAULT_DELIVERY_AGE_MS),
            },
            retention_ms: retention.unwrap_or(DEFAULT_RETENTION_MS),
            max_stored_bytes: u64::from(max_stored_mb).saturating_mul(MB),
            admin_token,
            alert_url,
            silence_ms,
            previous_until: None,
            setup,
            quarantine,
            client_ip_header,
        };
        let previous = current
            .zip(previous)
            .map(|(current, (key, until))| {
                let verifier = Some(verifier(Keys::new([current, key])?));
                let settings =
                    Settings { verifier, previous_until: Some(until), ..settings.clone() };
                Ok(Previous { settings: Rc::new(settings), until })
            })
            .transpose()
            .map_err(|error: walnut_webhooks::Error| vec![error.to_string()])?;
        Ok(Self { settings: Rc::new(settings), previous })
    }

    /// Returns the settings at a time, in milliseconds since the Unix epoch.
    pub(crate) fn at(&self, now: u64) -> Result<Rc<Settings>, Mistakes> {
        match &self.previous {
            Some(previous) if previous.until.saturating_sub(now) > MOST_OVERLAP_DAYS * DAY_MS => {
                let mistake = format!(
                    "{KEY_PREVIOUS_UNTIL} is more than {MOST_OVERLAP_DAYS} days ahead: set an earlier time"
                );
                if self.settings.mode == Mode::Direct {
                    return Err(vec![mistake]);
                }
                let mut settings = Settings::clone(&self.settings);
                settings.mistakes.push(mistake);
                Ok(Rc::new(settings))
            }
            Some(previous) if now < previous.until => Ok(Rc::clone(&previous.settings)),
            _ => Ok(Rc::clone(&self.settings)),
        }
    }
}
