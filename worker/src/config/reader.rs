use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use walnut_webhooks::Key;

use super::duration::{self, DAY_MS, HOUR_MS};
use super::url::Url;
use super::{
    ADMIN_PATH, HEALTH_PATH, KEY_PREVIOUS, KEY_PREVIOUS_UNTIL, MOST_OVERLAP_DAYS, Mistakes, Mode,
    below_admin,
};
use crate::digits;

const DEFAULT_PATH: &str = "/webhook";
const MOST_URL_BYTES: usize = 2048;
const LEAST_TOKEN_BYTES: usize = 32;
const MOST_TOKEN_BYTES: usize = 512;

/// Reads variables, and collects the mistakes in them. No sentence has a value in it, since two variables may have been
/// swapped, and one be a secret.
pub(super) struct Reader<'a> {
    binding: &'a dyn Fn(&str) -> Option<String>,
    is_url: &'a dyn Fn(&str) -> bool,
    loopback: bool,
    pub(super) mistakes: Mistakes,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        binding: &'a dyn Fn(&str) -> Option<String>,
        is_url: &'a dyn Fn(&str) -> bool,
    ) -> Self {
        let mut reader = Self { binding, is_url, loopback: false, mistakes: Vec::new() };
        // First, since every URL depends on it.
        reader.loopback = reader.choice("ALLOW_LOOPBACK", &["0", "1"]).as_deref() == Some("1");
        reader
    }

    pub(super) fn mistake(&mut self, sentence: impl Into<String>) {
        self.mistakes.push(sentence.into());
    }

    pub(super) fn get(&self, name: &str) -> Option<String> {
        (self.binding)(name)
    }

    pub(super) fn mode(&mut self) -> Mode {
        match self.choice("MODE", &["durable", "direct"]).as_deref() {
            Some("direct") => Mode::Direct,
            _ => Mode::Durable,
        }
    }

    /// Reads one of a few words; `None` where it is not set, or is another.
    pub(super) fn choice(&mut self, name: &str, words: &[&str]) -> Option<String> {
        let text = self.get(name)?;
        if words.contains(&text.as_str()) {
            return Some(text);
        }
        self.mistake(format!("{name} must be {}", words.join(" or ")));
        None
    }

    pub(super) fn path(&mut self) -> String {
        let path = self.get("WEBHOOK_PATH").unwrap_or_else(|| DEFAULT_PATH.to_owned());
        let plain = path.starts_with('/')
            && path.bytes().all(|c| c.is_ascii_alphanumeric() || b"/-._~".contains(&c));
        // Parsers take these out.
        let dots = path.split('/').any(|segment| segment == "." || segment == "..");
        let taken = path == HEALTH_PATH || below_admin(&path).is_some();
        if !plain || dots || taken {
            self.mistake(format!(
                "WEBHOOK_PATH must begin with / and hold only letters, digits and \
                 -._~/, with no segment . or .., and {HEALTH_PATH}, {ADMIN_PATH} and {ADMIN_PATH}/… are taken"
            ));
        }
        path
    }

    pub(super) fn number(&mut self, name: &str, default: u32, most: u32) -> u32 {
        let Some(text) = self.get(name) else { return default };
        match digits::parse(&text) {
            Some(number) if (1..=most).contains(&number) => number,
            _ => {
                self.mistake(format!("{name} must be a whole number from 1 to {most}"));
                default
            }
        }
    }

    /// Reads a duration, in milliseconds; `None` where it is not set, or wrong.
    pub(super) fn duration(&mut self, name: &str, limits: [&str; 2]) -> Option<u64> {
        self.time(name, limits, "a duration such as 90s, 30m, 72h or 3d,", duration::parse)
    }

    /// Reads a number of days, as milliseconds; `None` where it is not set, or wrong.
    pub(super) fn days(&mut self, name: &str, limits: [&str; 2]) -> Option<u64> {
        self.time(name, limits, "a number", |text| duration::times(text, DAY_MS))
    }

    /// Reads a number of hours, as milliseconds; `None` where it is not set, or wrong.
    pub(super) fn hours(&mut self, name: &str, limits: [&str; 2]) -> Option<u64> {
        self.time(name, limits, "a number", |text| duration::times(text, HOUR_MS))
    }

    fn time(
        &mut self,
        name: &str,
        [least, most]: [&str; 2],
        what: &str,
        read: impl Fn(&str) -> Option<u64>,
    ) -> Option<u64> {
        let text = self.get(name)?;
        let ms = read(&text).filter(|ms| read(least) <= Some(*ms) && Some(*ms) <= read(most));
        if ms.is_none() {
            self.mistake(format!("{name} must be {what} from {least} to {most}"));
        }
        ms
    }

    /// Checks a URL that personal data may be sent to. No sentence has it, since one may hold a token.
    pub(super) fn url(&mut self, name: &str, text: &str) -> Option<String> {
        if text.len() > MOST_URL_BYTES {
            self.mistake(format!(
                "{name} is longer than {MOST_URL_BYTES} bytes: set a shorter URL"
            ));
            return None;
        }
        let Some(url) = Url::parse(text).filter(|_| (self.is_url)(text)) else {
            self.mistake(format!(
                "{name} is not a URL: set it to an https URL, without a user name or password, with \
                 an international host name in Punycode and all else that is special percent-encoded"
            ));
            return None;
        };
        let allowed = url.is_https() || self.loopback && url.is_plain_loopback();
        if !allowed {
            self.mistake(format!(
                "{name} must be https: deliveries hold personal data (http is for loopback only, \
                 with ALLOW_LOOPBACK=1)"
            ));
            return None;
        }
        Some(text.to_owned())
    }

    pub(super) fn alert_url(&mut self) -> Option<String> {
        let text = self.get("ALERT_URL")?;
        self.url("ALERT_URL", &text)
    }

    pub(super) fn admin_token(&mut self) -> Option<String> {
        let token = self.get("ADMIN_TOKEN")?;
        let good = (LEAST_TOKEN_BYTES..=MOST_TOKEN_BYTES).contains(&token.len())
            && token.bytes().all(|c| c.is_ascii_graphic());
        if !good {
            self.mistake(format!(
                "ADMIN_TOKEN must be {LEAST_TOKEN_BYTES} to {MOST_TOKEN_BYTES} visible ASCII \
                 characters, without blanks: make a random one"
            ));
        }
        Some(token)
    }

    pub(super) fn required_key(&mut self, name: &str) -> Option<Key> {
        let Some(text) = self.get(name) else {
            self.mistake(format!(
                "{name} is not set: set it to the key shown in Walnut's settings, with `npx wrangler \
                 secret put {name}`"
            ));
            return None;
        };
        self.key(name, &text)
    }

    fn key(&mut self, name: &str, text: &str) -> Option<Key> {
        Key::new(text).map_err(|error| self.mistake(format!("{name}: {error}"))).ok()
    }

    /// The previous key, and the time until which it may match.
    pub(super) fn previous(&mut self) -> Option<(Key, u64)> {
        let text = self.get(KEY_PREVIOUS)?;
        let key = self.key(KEY_PREVIOUS, &text);
        let until = self.get(KEY_PREVIOUS_UNTIL).map(|text| millis(&text));
        match until {
            Some(Some(_)) => {}
            Some(None) => {
                self.mistake(format!(
                    "{KEY_PREVIOUS_UNTIL} is no RFC 3339 time, such as 2026-01-31T12:00:00Z"
                ));
            }
            None => self.mistake(format!(
                "{KEY_PREVIOUS_UNTIL} is not set: {KEY_PREVIOUS} needs an end, an RFC 3339 time at most \
                 {MOST_OVERLAP_DAYS} days ahead"
            )),
        }
        Some((key?, until??))
    }
}

/// Parses a time, as milliseconds since the Unix epoch. A time before 1970 counts as 1970: both have passed.
pub(crate) fn millis(rfc3339: &str) -> Option<u64> {
    let time = OffsetDateTime::parse(rfc3339, &Rfc3339).ok()?;
    let seconds = u64::try_from(time.unix_timestamp()).unwrap_or(0);
    Some(seconds.saturating_mul(1000).saturating_add(time.millisecond().into()))
}
