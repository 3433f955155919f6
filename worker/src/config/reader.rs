use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use walnut_webhooks::Key;

use super::destinations::is_header_name;
use super::duration::Range;
use super::names::{self, Names};
use super::{
    ADMIN_PATH, HEALTH_PATH, KEY, KEY_PREVIOUS, KEY_PREVIOUS_UNTIL, MOST_OVERLAP_DAYS, Mistakes,
    Mode, Parse, below_admin,
};
use super::{near, url};
use crate::digits;

const DEFAULT_PATH: &str = "/webhook";
const LEAST_TOKEN_BYTES: usize = 32;
const MOST_TOKEN_BYTES: usize = 512;

/// The result of reading a variable.
pub(super) enum Reading<T> {
    Unset,
    /// The value is a mistake, or a misspelling or the former name of the variable is set instead.
    Mistake,
    Valid(T),
}

impl<T> Reading<T> {
    /// Returns the value, or a replacement for a mistake.
    pub(super) fn or(self, unset: T, mistake: T) -> T {
        match self {
            Self::Unset => unset,
            Self::Mistake => mistake,
            Self::Valid(value) => value,
        }
    }

    pub(super) fn valid(self) -> Option<T> {
        if let Self::Valid(value) = self { Some(value) } else { None }
    }
}

/// Reads variables, and collects the mistakes in them. No sentence contains a value: two variables may have been swapped,
/// and one may be a secret.
pub(super) struct Reader<'a> {
    binding: &'a dyn Fn(&str) -> Option<String>,
    parse: Parse<'a>,
    allow_loopback: bool,
    misnamed: Vec<(&'static str, String)>,
    pub(super) mistakes: Mistakes,
    pub(super) warnings: Vec<String>,
}

impl<'a> Reader<'a> {
    /// Checks the names of all variables that are set, and prepares to read the variables.
    pub(super) fn new(
        binding: &'a dyn Fn(&str) -> Option<String>,
        set: &[String],
        parse: Parse<'a>,
    ) -> Self {
        let Names { mistakes, warnings, misnamed } = names::check(set);
        let mut reader =
            Self { binding, parse, allow_loopback: false, misnamed, mistakes, warnings };
        // Read first, because every URL depends on it.
        reader.allow_loopback = reader.switch("ALLOW_LOOPBACK").or(false, false);
        reader
    }

    pub(super) fn mistake(&mut self, sentence: impl Into<String>) {
        self.mistakes.push(sentence.into());
    }

    pub(super) fn get(&self, name: &str) -> Option<String> {
        (self.binding)(name)
    }

    /// Returns the misspelling or former name under which an unset variable is set, if there is one.
    fn misnamed(&self, name: &str) -> Option<&str> {
        let pair = self.misnamed.iter().find(|(meant, _)| *meant == name);
        pair.map(|(_, instead)| instead.as_str())
    }

    /// Reads a variable. `parse` returns its value, or the problem, as the end of a sentence that begins with the
    /// variable.
    fn read<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Reading<T> {
        match self.get(name).map(|text| parse(&text)) {
            Some(Ok(value)) => Reading::Valid(value),
            Some(Err(wrong)) => {
                self.mistake(format!("{name} {wrong}"));
                Reading::Mistake
            }
            None if self.misnamed(name).is_some() => Reading::Mistake,
            None => Reading::Unset,
        }
    }

    /// Reads the mode; `None` if it is not one of the two. If the variable's name is misspelt, the mode is durable, which
    /// loses nothing.
    pub(super) fn mode(&mut self) -> Option<Mode> {
        if self.get("MODE").is_none() {
            return Some(Mode::Durable);
        }
        match self.choice("MODE", &["durable", "direct"]).valid()?.as_str() {
            "direct" => Some(Mode::Direct),
            _ => Some(Mode::Durable),
        }
    }

    /// Reads 0 or 1.
    pub(super) fn switch(&mut self, name: &str) -> Reading<bool> {
        self.read(name, |text| match text {
            "0" => Ok(false),
            "1" => Ok(true),
            _ => Err("must be 0 or 1".to_owned()),
        })
    }

    /// Reads the name of the header with the address of the client.
    pub(super) fn client_ip_header(&mut self) -> Option<String> {
        let parse = |name: &str| {
            let wrong = "must be the name of a header";
            is_header_name(name).then(|| name.to_ascii_lowercase()).ok_or_else(|| wrong.to_owned())
        };
        self.read("CLIENT_IP_HEADER", parse).valid()
    }

    /// Reads one of a few words.
    pub(super) fn choice(&mut self, name: &str, words: &[&str]) -> Reading<String> {
        self.read(name, |text| {
            let wrong = || format!("must be {}", words.join(" or "));
            words.contains(&text).then(|| text.to_owned()).ok_or_else(wrong)
        })
    }

    /// Reads the jurisdiction of the inbox. A mistake is replaced by the nearest jurisdiction, or else the strictest, so
    /// that personal data is not stored elsewhere meanwhile. Such a guess begins with a question mark: a platform without
    /// jurisdictions ignores it (`host.js`).
    pub(super) fn jurisdiction(&mut self) -> Option<String> {
        const NAME: &str = "JURISDICTION";
        const WORDS: [&str; 2] = ["eu", "fedramp"];
        let nearest = |text: String| near::nearest(&text, &WORDS);
        match self.choice(NAME, &WORDS) {
            Reading::Unset => None,
            Reading::Valid(word) => Some(word),
            Reading::Mistake => {
                let name = self.misnamed(NAME).unwrap_or(NAME);
                Some(format!("?{}", self.get(name).and_then(nearest).unwrap_or("eu")))
            }
        }
    }

    /// Reads the path that Walnut posts to; `None` if it is a mistake.
    pub(super) fn path(&mut self) -> Option<String> {
        let parse = |path: &str| {
            let plain = path.starts_with('/')
                && path.bytes().all(|c| c.is_ascii_alphanumeric() || b"/-._~".contains(&c));
            // URL parsers resolve these segments.
            let dots = path.split('/').any(|segment| segment == "." || segment == "..");
            let taken = path == HEALTH_PATH || below_admin(path).is_some();
            (plain && !dots && !taken).then(|| Some(path.to_owned())).ok_or_else(|| {
                format!(
                    "must begin with / and have only letters, digits and -._~/, without a \
                     segment . or .., and must not be {HEALTH_PATH}, {ADMIN_PATH} or below {ADMIN_PATH}/"
                )
            })
        };
        self.read("WEBHOOK_PATH", parse).or(Some(DEFAULT_PATH.to_owned()), None)
    }

    pub(super) fn number(&mut self, name: &str, most: u32) -> Reading<u32> {
        self.read(name, |text| {
            let number = digits::parse(text).filter(|number| (1..=most).contains(number));
            number.ok_or_else(|| format!("must be a whole number from 1 to {most}"))
        })
    }

    /// Reads a duration, in milliseconds.
    pub(super) fn duration(&mut self, name: &str, range: &Range) -> Reading<u64> {
        self.read(name, |text| range.parse(text))
    }

    /// Checks a URL to which personal data may be sent, and returns the URL to request.
    pub(super) fn url(&mut self, name: &str, text: &str) -> Option<String> {
        url::check(self.parse, text, self.allow_loopback)
            .map_err(|problem| self.mistake(format!("{name} {}", problem.message())))
            .ok()
    }

    pub(super) fn alert_url(&mut self) -> Option<String> {
        let text = self.get("ALERT_URL")?;
        self.url("ALERT_URL", &text)
    }

    /// Reads the token of the admin API; `None` if it is not set, or is a mistake.
    pub(super) fn admin_token(&mut self) -> Option<String> {
        let parse = |token: &str| {
            let good = (LEAST_TOKEN_BYTES..=MOST_TOKEN_BYTES).contains(&token.len())
                && token.bytes().all(|c| c.is_ascii_graphic());
            good.then(|| token.to_owned()).ok_or_else(|| {
                format!(
                    "must be {LEAST_TOKEN_BYTES} to {MOST_TOKEN_BYTES} visible ASCII characters without \
                     spaces: generate a random one"
                )
            })
        };
        self.read("ADMIN_TOKEN", parse).valid()
    }

    /// Reads the current key. During set-up, a missing key is not a mistake.
    pub(super) fn key(&mut self, mode: Option<Mode>) -> Option<Key> {
        let setup = mode != Some(Mode::Direct) && self.get("SETUP").is_some_and(|text| text == "1");
        match self.get(KEY) {
            Some(text) => self.read_key(KEY, &text),
            None if setup => None,
            None => {
                self.mistake(format!(
                    "{KEY} is not set: set it to the key that Walnut's settings show. On Cloudflare, use `npx \
                     wrangler secret put {KEY}`"
                ));
                None
            }
        }
    }

    fn read_key(&mut self, name: &str, text: &str) -> Option<Key> {
        Key::new(text).map_err(|error| self.mistake(format!("{name}: {error}"))).ok()
    }

    /// Reads the previous key, and the time until which it is valid. The time is `None` if it is a mistake.
    pub(super) fn previous(&mut self) -> Option<(Key, Option<u64>)> {
        let text = self.get(KEY_PREVIOUS)?;
        let key = self.read_key(KEY_PREVIOUS, &text);
        let parse = |text: &str| {
            let wrong = "must be an RFC 3339 time, such as 2026-01-31T12:00:00Z";
            millis(text).ok_or_else(|| wrong.to_owned())
        };
        let until = self.read(KEY_PREVIOUS_UNTIL, parse);
        if let Reading::Unset = until {
            self.mistake(format!(
                "{KEY_PREVIOUS_UNTIL} is not set: set it to the time until which {KEY_PREVIOUS} is valid, an \
                 RFC 3339 time at most {MOST_OVERLAP_DAYS} days ahead"
            ));
        }
        Some((key?, until.valid()))
    }
}

/// Reads an RFC 3339 time, in milliseconds since the Unix epoch. A time before 1970 becomes 0.
pub(crate) fn millis(rfc3339: &str) -> Option<u64> {
    let time = OffsetDateTime::parse(rfc3339, &Rfc3339).ok()?;
    let seconds = u64::try_from(time.unix_timestamp()).unwrap_or(0);
    Some(seconds.saturating_mul(1000).saturating_add(time.millisecond().into()))
}
