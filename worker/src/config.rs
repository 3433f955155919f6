mod destinations;
mod duration;
mod names;
mod near;
mod reader;
#[cfg(test)]
mod tests;
mod url;

use std::cell::OnceCell;
use std::rc::Rc;

use walnut_webhooks::{Keys, Verifier};
use worker::Env;

pub(crate) use destinations::Destination;
use duration::{DAY_MS, Range};
pub(crate) use near::nearest;
pub(crate) use reader::millis;
use reader::{Reader, Reading};
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
const DEFAULT_TIMEOUT_MS: u64 = 20_000;
const MOST_SHARDS: u32 = 256;
const DEFAULT_ATTEMPTS: u32 = 200;
const MOST_ATTEMPTS: u32 = 1000;
const DEFAULT_EVENT_AGE_MS: u64 = 3 * DAY_MS;
const DEFAULT_DELIVERY_AGE_MS: u64 = 3 * DAY_MS;
const DEFAULT_RETENTION_MS: u64 = 7 * DAY_MS;
/// The most that a shard may store, in megabytes. The platform's limit is 10 GB, and results need room too.
const MOST_STORED_MB: u32 = 9000;
const MB: u64 = 1_000_000;
/// How far ahead the end of the previous key may be.
const MOST_OVERLAP_DAYS: u64 = 7;
/// How far in the future the signed time may be, in milliseconds, since clocks differ.
pub(crate) const MAX_SKEW_MS: u64 = 5 * 60 * 1000;

/// Walnut waits 30 seconds for a response; the difference is for the network.
const TIMEOUTS: Range = Range { least: "1ms", most: "28s", example: "20s" };
const EVENT_AGES: Range = Range { least: "0", most: "90d", example: "72h" };
const DELIVERY_AGES: Range = Range { least: "1s", most: "30d", example: "3d" };
const RETENTIONS: Range = Range { least: "864ms", most: "90d", example: "7d" };
const SILENCES: Range = Range { least: "36ms", most: "365d", example: "24h" };

/// The mistakes in the configuration, a sentence each. No sentence contains a value, which may be a secret.
pub(crate) type Mistakes = Vec<String>;

/// Parses a URL; `None` if it is not an absolute URL.
type Parse<'a> = &'a dyn Fn(&str) -> Option<Url>;

thread_local! {
    /// The configuration is read once, since bindings do not change during the life of an isolate.
    static CONFIG: OnceCell<Result<Config, Mistakes>> = const { OnceCell::new() };
}

/// The configuration for all times. [`Config::at`] returns the settings at one time.
pub(crate) struct Config {
    settings: Rc<Settings>,
    previous: Option<Previous>,
}

/// The settings during the overlap after a key reset, while the previous key is valid too.
struct Previous {
    settings: Rc<Settings>,
    /// The end of the overlap, in milliseconds since the Unix epoch; `None` if it is a mistake.
    until: Option<u64>,
}

/// The event after which a request from Walnut is answered 200.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Once the delivery is stored.
    Durable,
    /// Once the one destination has accepted the delivery.
    Direct,
}

/// How alerts are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AlertFormat {
    /// An object with a `text`, which Slack shows.
    Json,
    /// A message with a card, which a workflow of Microsoft Teams accepts.
    Teams,
}

/// The values of the configuration at one time. Times are in milliseconds.
#[derive(Clone)]
pub(crate) struct Settings {
    /// The mistakes in the configuration. As long as there are any, deliveries are stored and held.
    pub(crate) mistakes: Mistakes,
    /// Possible mistakes, a sentence each. They change nothing.
    pub(crate) warnings: Vec<String>,
    /// The path that Walnut posts to. `None` means that `WEBHOOK_PATH` is a mistake: then every path without another use
    /// is accepted.
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
    /// Whether `SHARDS` is valid, so that this is the configured number.
    pub(crate) knows_shards: bool,
    pub(crate) jurisdiction: Option<String>,
    /// The maximum age of the signed time; `None` means no limit.
    pub(crate) max_event_age_ms: Option<u64>,
    pub(crate) limits: Limits,
    /// How long a body is kept after its delivery has ended.
    pub(crate) retention_ms: u64,
    /// The size of a shard's database at which it stops storing deliveries, in bytes.
    pub(crate) max_stored_bytes: u64,
    pub(crate) admin_token: Option<String>,
    pub(crate) alert_url: Option<String>,
    pub(crate) alert_format: AlertFormat,
    /// The time without a delivery after which an alert is sent.
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
    /// Returns whether deliveries are held, because the configuration has mistakes.
    pub(crate) fn holds(&self) -> bool {
        !self.mistakes.is_empty()
    }

    /// Returns whether a destination of this name is configured.
    pub(crate) fn has_destination(&self, name: &str) -> bool {
        self.destinations.iter().any(|it| it.name == name)
    }
}

/// Returns the part of a path below `/admin`; `None` for any other path.
pub(crate) fn below_admin(path: &str) -> Option<&str> {
    path.strip_prefix(ADMIN_PATH).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Returns the settings of an environment at a time, in milliseconds since the Unix epoch.
///
/// # Errors
///
/// The mistakes in the configuration, if the edge can't receive events with them: in direct mode, or with an unknown
/// mode.
pub(crate) fn settings(env: &Env, now: u64) -> Result<Rc<Settings>, Mistakes> {
    CONFIG.with(|config| {
        match config.get_or_init(|| Config::read(bindings(env), &names(env), &parse_with_platform))
        {
            Ok(config) => config.at(now),
            Err(mistakes) => Err(mistakes.clone()),
        }
    })
}

/// Returns a function that reads bindings by name: a text, or the JSON of another value, such as a number.
pub(crate) fn bindings(env: &Env) -> impl Fn(&str) -> Option<String> {
    move |name| {
        let value = js::get(env, name);
        js::text(&value).or_else(|| js_sys::JSON::stringify(&value).ok()?.as_string())
    }
}

/// Returns the names of the variables that are set. A list counts as a variable, because DESTINATIONS may be one. An
/// object does not: it is another binding, such as the inbox.
fn names(env: &Env) -> Vec<String> {
    let is_variable = |name: &String| {
        let value = js::get(env, name);
        value.is_string()
            || value.as_f64().is_some()
            || value.as_bool().is_some()
            || js_sys::Array::is_array(&value)
    };
    js::keys(env).filter(is_variable).collect()
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
    /// Reads all variables and secrets, and lists every mistake in them. `set` has the names of all variables that are
    /// set. `parse` is the URL parser of the platform that will request the URLs.
    pub(crate) fn read(
        binding: impl Fn(&str) -> Option<String>,
        set: &[String],
        parse: Parse<'_>,
    ) -> Result<Self, Mistakes> {
        let mut reader = Reader::new(&binding, set, parse);
        let mode = reader.mode();
        let mut settings = read_settings(&mut reader, mode);
        let current = reader.key(mode);
        let previous = reader.previous();
        if settings.setup && !settings.quarantine && current.is_none() {
            reader.mistake("SETUP needs the quarantine, which keeps requests: remove QUARANTINE");
        }
        if settings.setup && current.is_some() {
            let warning = format!("SETUP has no effect, because {KEY} is set: remove SETUP");
            reader.warnings.push(warning);
        }
        settings.mistakes = std::mem::take(&mut reader.mistakes);
        settings.warnings = std::mem::take(&mut reader.warnings);
        // Direct mode stores nothing, so it can't hold deliveries.
        if mode.is_none_or(|mode| mode == Mode::Direct && settings.holds()) {
            return Err(settings.mistakes);
        }

        let max_body_bytes = settings.max_body_bytes;
        let verifier = |keys: Keys| Some(Verifier::new(keys).with_max_body_bytes(max_body_bytes));
        settings.verifier = current.clone().and_then(|current| verifier(current.into()));
        let previous = current
            .zip(previous)
            .map(|(current, (key, until))| {
                let verifier = verifier(Keys::new([current, key])?);
                let settings = Settings { verifier, previous_until: until, ..settings.clone() };
                Ok(Previous { settings: Rc::new(settings), until })
            })
            .transpose()
            .map_err(|error: walnut_webhooks::Error| vec![error.to_string()])?;
        Ok(Self { settings: Rc::new(settings), previous })
    }

    /// Returns the settings at a time, in milliseconds since the Unix epoch.
    pub(crate) fn at(&self, now: u64) -> Result<Rc<Settings>, Mistakes> {
        let Some(previous) = &self.previous else { return Ok(Rc::clone(&self.settings)) };
        let latest = now.saturating_add(MOST_OVERLAP_DAYS * DAY_MS);
        match previous.until {
            Some(until) if until <= now => Ok(Rc::clone(&self.settings)),
            Some(until) if until <= latest => Ok(Rc::clone(&previous.settings)),
            // Without a valid end, the previous key is not valid either, because others may know it. Requests that it
            // signed wait in the quarantine.
            until => {
                let mut settings = Settings::clone(&self.settings);
                if until.is_some() {
                    settings.mistakes.push(format!(
                        "{KEY_PREVIOUS_UNTIL} is more than {MOST_OVERLAP_DAYS} days ahead: set an earlier time"
                    ));
                }
                if settings.mode == Mode::Direct {
                    Err(settings.mistakes)
                } else {
                    Ok(Rc::new(settings))
                }
            }
        }
    }
}

/// Reads everything except the keys. A mistake is replaced by the most permissive value: a typo must not cause the
/// rejection of a genuine event or the loss of a stored one.
fn read_settings(reader: &mut Reader<'_>, mode: Option<Mode>) -> Settings {
    let path = reader.path();
    let max_body_bytes =
        reader.number("MAX_BODY_BYTES", MOST_BODY_BYTES).or(DEFAULT_BODY_BYTES, MOST_BODY_BYTES);
    let timeout =
        reader.duration("ORIGIN_TIMEOUT", &TIMEOUTS).or(DEFAULT_TIMEOUT_MS, TIMEOUTS.most_ms());
    let destinations = destinations::read(reader);
    let shards = reader.number("SHARDS", MOST_SHARDS);
    let knows_shards = !matches!(shards, Reading::Mistake);
    let jurisdiction = reader.jurisdiction();
    let event_age = reader
        .duration("MAX_EVENT_AGE", &EVENT_AGES)
        .or(DEFAULT_EVENT_AGE_MS, EVENT_AGES.most_ms());
    let max_attempts =
        reader.number("MAX_ATTEMPTS", MOST_ATTEMPTS).or(DEFAULT_ATTEMPTS, MOST_ATTEMPTS);
    let delivery_age = reader
        .duration("MAX_DELIVERY_AGE", &DELIVERY_AGES)
        .or(DEFAULT_DELIVERY_AGE_MS, DELIVERY_AGES.most_ms());
    let retention =
        reader.duration("RETENTION", &RETENTIONS).or(DEFAULT_RETENTION_MS, RETENTIONS.most_ms());
    let max_stored_mb =
        reader.number("MAX_STORED_MB", MOST_STORED_MB).or(MOST_STORED_MB, MOST_STORED_MB);
    let admin_token = reader.admin_token();
    let alert_url = reader.alert_url();
    let alert_format = reader.choice("ALERT_FORMAT", &["json", "teams"]).valid();
    let silence = reader.duration("ALERT_SILENCE", &SILENCES).valid();
    for name in ["ALERT_FORMAT", "ALERT_SILENCE"] {
        if reader.get(name).is_some() && reader.get("ALERT_URL").is_none() {
            reader.warnings.push([name, " has no effect without ALERT_URL"].concat());
        }
    }
    let setup = reader.switch("SETUP");
    if mode == Some(Mode::Direct) {
        check_direct(reader, &destinations, &setup);
    }
    Settings {
        mistakes: Vec::new(),
        warnings: Vec::new(),
        path,
        verifier: None,
        max_body_bytes: usize::try_from(max_body_bytes).unwrap_or(usize::MAX),
        mode: mode.unwrap_or(Mode::Durable),
        timeout_ms: u32::try_from(timeout).unwrap_or(u32::MAX),
        destinations,
        shards: shards.or(1, 1),
        knows_shards,
        jurisdiction,
        max_event_age_ms: Some(event_age).filter(|age| *age > 0),
        limits: Limits { max_attempts, max_age_ms: delivery_age },
        retention_ms: retention,
        max_stored_bytes: u64::from(max_stored_mb).saturating_mul(MB),
        admin_token,
        alert_url,
        alert_format: match alert_format.as_deref() {
            Some("teams") => AlertFormat::Teams,
            _ => AlertFormat::Json,
        },
        silence_ms: silence,
        previous_until: None,
        setup: setup.or(false, true),
        quarantine: reader.switch("QUARANTINE").or(true, true),
        client_ip_header: reader.client_ip_header().unwrap_or_else(|| CLIENT_IP_HEADER.to_owned()),
    }
}

/// Reports the settings that direct mode does not support.
fn check_direct(reader: &mut Reader<'_>, destinations: &[Destination], setup: &Reading<bool>) {
    if destinations.len() > 1 {
        reader.mistake(
            "DESTINATIONS has more than one entry, or further lists: MODE=direct supports only one \
             destination, because Walnut receives only one response",
        );
    }
    if destinations.iter().any(|it| it.events.is_some()) {
        reader.mistake(
            "DESTINATIONS has events: remove them, because with MODE=direct the destination \
             receives every event",
        );
    }
    if destinations.iter().any(|it| !it.tests) {
        reader.mistake(
            "DESTINATIONS has tests: remove it, because with MODE=direct the destination receives \
             test events too",
        );
    }
    if let Reading::Valid(true) = setup {
        reader.mistake("SETUP needs MODE=durable: with MODE=direct, the edge can store nothing");
    }
    for name in ["QUARANTINE", "CLIENT_IP_HEADER"] {
        if reader.get(name).is_some() {
            let warning = format!("{name} has no effect with MODE=direct, which stores nothing");
            reader.warnings.push(warning);
        }
    }
}
