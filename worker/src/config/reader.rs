use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use walnut_webhooks::Key;

use super::duration::{self, DAY_MS, HOUR_MS};
use super::url;
use super::{
    ADMIN_PATH, CLIENT_IP_HEADER, HEALTH_PATH, KEY, KEY_PREVIOUS, KEY_PREVIOUS_UNTIL,
    MOST_OVERLAP_DAYS, Mistakes, Mode, Parse, below_admin,
};
use crate::digits;

const DEFAULT_PATH: &str = "/webhook";
const LEAST_TOKEN_BYTES: usize = 32;
const MOST_TOKEN_BYTES: usize = 512;

/// Reads variables, and collects the mistakes in them. No sentence contains a value: two variables may have been swapped,
/// and one may be a secret.
pub(super) struct Reader<'a> {
    binding: &'a dyn Fn(&str) -> Option<String>,
    parse: Parse<'a>,
    allow_loopback: bool,
    pub(super) mistakes: Mistakes,
}

impl<'a> Reader<'a> {
    pub(super) fn new(binding: &'a dyn Fn(&str) -> Option<String>, parse: Parse<'a>) -> Self {
        let mut reader = Self { binding, parse, allow_loopback: false, mistakes: Vec::new() };
        // Read first, because every URL depends on it.
        reader.allow_loopback = reader.switch("ALLOW_LOOPBACK", false);
        reader
    }

    pub(super) fn mistake(&mut self, sentence: impl Into<String>) {
        self.mistakes.push(sentence.into());
    }

    pub(super) fn get(&self, name: &str) -> Option<String> {
        (self.binding)(name)
    }

    /// Reads the mode; `None` if it is a mistake.
    pub(super) fn mode(&mut self) -> Option<Mode> {
        if self.get("MODE").is_none() {
            return Some(Mode::Durable);
        }
        match self.choice("MODE", &["durable", "direct"])?.as_str() {
            "direct" => Some(Mode::Direct),
            _ => Some(Mode::Durable),
        }
    }

    /// Reads 0 or 1.
    pub(super) fn switch(&mut self, name: &str, default: bool) -> bool {
        self.choice(name, &["0", "1"]).map_or(default, |word| word == "1")
    }

    /// Reads the name of the header with the address of the client.
    pub(super) fn client_ip_header(&mut self) -> String {
        let Some(name) = self.get("CLIENT_IP_HEADER") else { return CLIENT_IP_HEADER.to_owned() };
        if !super::destinations::is_header_name(&name) {
            self.mistake("CLIENT_IP_HEADER must be the name of a header");
        }
        name.to_ascii_lowercase()
    }

    /// Reads one of a few words; `None` if it is not set, or is another word.
    pub(super) fn choice(&mut self, name: &str, words: &[&str]) -> Option<String> {
        let text = self.get(name)?;
        if words.contains(&text.as_str()) {
            return Some(text);
        }
        self.mistake(format!("{name} must be {}", words.join(" or ")));
        None
    }

    /// Reads the path that Walnut posts to; `None` if it is a mistake.
    pub(super) fn path(&mut self) -> Option<String> {
        let path = self.get("WEBHOOK_PATH").unwrap_or_else(|| DEFAULT_PATH.to_owned());
        let plain = path.starts_with('/')
            && path.bytes().all(|c| c.is_ascii_alphanumeric() || b"/-._~".contains(&c));
        // URL parsers resolve these segments.
        let dots = path.split('/').any(|segment| segment == "." || segment == "..");
        let taken = path == HEALTH_PATH || below_admin(&path).is_some();
        if !plain || dots || taken {
            self.mistake(format!(
                "WEBHOOK_PATH must begin with / and have only letters, digits and -._~/, without a \
                 segment . or .., and must not be {HEALTH_PATH}, {ADMIN_PATH} or below {ADMIN_PATH}/"
            ));
            return None;
        }
        Some(path)
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

    /// Reads a duration, in milliseconds; `None` if it is not set, or is a mistake.
    pub(super) fn duration(&mut self, name: &str, limits: [&str; 2]) -> Option<u64> {
        self.time(name, limits, "a duration such as 90s, 30m, 72h or 3d,", duration::parse)
    }

    /// Reads a number of days, as milliseconds; `None` if it is not set, or is a mistake.
    pub(super) fn days(&mut self, name: &str, limits: [&str; 2]) -> Option<u64> {
        self.time(name, limits, "a number", |text| duration::times(text, DAY_MS))
    }

    /// Reads a number of hours, as milliseconds; `None` if it is not set, or is a mistake.
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

    /// Checks a URL that personal data may be sent to; returns the URL to request.
    pub(super) fn url(&mut self, name: &str, text: &str) -> Option<String> {
        url::check(self.parse, text, self.allow_loopback)
            .map_err(|unfit| self.mistake(format!("{name} {}", unfit.message())))
            .ok()
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
                 characters without spaces: generate a random one"
            ));
        }
        Some(token)
    }

    /// Reads the current key. During set-up, it is no mistake that there is none yet.
    pub(super) fn key(&mut self, setup: bool) -> Option<Key> {
        match self.get(KEY) {
            Some(text) => self.read_key(KEY, &text),
            None if setup => None,
            None => {
                self.mistake(format!(
                    "{KEY} is not set: set it to the key that Walnut's settings show, with `npx wrangler secret put \
                     {KEY}`"
                ));
                None
            }
        }
    }

    fn read_key(&mut self, name: &str, text: &str) -> Option<Key> {
        Key::new(text).map_err(|error| self.mistake(format!("{name}: {error}"))).ok()
    }

    /// Reads the previous key, and the time until which it is valid.
    pub(super) fn previous(&mut self) -> Option<(Key, u64)> {
        let text = self.get(KEY_PREVIOUS)?;
        let key = self.read_key(KEY_PREVIOUS, &text);
        let until = self.get(KEY_PREVIOUS_UNTIL).map(|text| millis(&text));
        match until {
            Some(Some(_)) => {}
            Some(None) => {
                self.mistake(format!(
                    "{KEY_PREVIOUS_UNTIL} must be an RFC 3339 time, such as 2026-01-31T12:00:00Z"
                ));
            }
            None => self.mistake(format!(
                "{KEY_PREVIOUS_UNTIL} is not set: set it to the time until which {KEY_PREVIOUS} is valid, an \
                 RFC 3339 time at most {MOST_OVERLAP_DAYS} days ahead"
            )),
        }
        Some((key?, until??))
    }
}

/// Reads an RFC 3339 time, in milliseconds since the Unix epoch. A time before 1970 becomes 0.
pub(crate) fn millis(rfc3339: &str) -> Option<u64> {
    let time = OffsetDateTime::parse(rfc3339, &Rfc3339).ok()?;
    let seconds = u64::try_from(time.unix_timestamp()).unwrap_or(0);
    Some(seconds.saturating_mul(1000).saturating_add(time.millisecond().into()))
}
