use super::Parse;

/// The longest URL that is accepted, in bytes.
const MAX_URL_BYTES: usize = 2048;

/// The parts of a URL as the platform parses it. Only `href` is requested, so the requested URL is the checked one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Url {
    /// The scheme and a colon.
    pub(crate) protocol: String,
    /// The user name before the host.
    pub(crate) username: String,
    /// The password before the host.
    pub(crate) password: String,
    /// The host without its port; an IPv6 address is in brackets.
    pub(crate) hostname: String,
    /// The whole URL.
    pub(crate) href: String,
}

/// The reason why a URL is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UrlProblem {
    NotAUrl,
    TooLong,
    HasCredentials,
    HasFragment,
    NotHttps,
}

impl UrlProblem {
    /// Returns the problem and the fix, as the end of a sentence that begins with the variable.
    pub(super) fn message(self) -> String {
        match self {
            Self::NotAUrl => "is not a URL: set it to an absolute https URL".to_owned(),
            Self::TooLong => {
                format!("is longer than {MAX_URL_BYTES} bytes: set it to a shorter URL")
            }
            Self::HasCredentials => {
                "has a user name or password: remove them, and use a header of DESTINATIONS instead"
                    .to_owned()
            }
            Self::HasFragment => "has a fragment: remove the # and the text after it".to_owned(),
            Self::NotHttps => {
                "must be https, because deliveries contain personal data (http is for loopback \
                 addresses only, with ALLOW_LOOPBACK=1)"
                    .to_owned()
            }
        }
    }
}

/// Checks a URL to which personal data may be sent, and returns the URL to request.
pub(super) fn check(
    parse: Parse<'_>,
    text: &str,
    allow_loopback: bool,
) -> Result<String, UrlProblem> {
    let url = parse(text).ok_or(UrlProblem::NotAUrl)?;
    let is_loopback = url.protocol == "http:" && is_loopback(&url.hostname);
    if url.href.len() > MAX_URL_BYTES {
        Err(UrlProblem::TooLong)
    } else if !(url.username.is_empty() && url.password.is_empty()) {
        Err(UrlProblem::HasCredentials)
    } else if url.href.contains('#') {
        Err(UrlProblem::HasFragment)
    } else if url.protocol == "https:" || allow_loopback && is_loopback {
        Ok(url.href)
    } else {
        Err(UrlProblem::NotHttps)
    }
}

/// Returns whether a host is a loopback address. The URL parser has normalized it: an address has only one form, and a
/// host whose last label is a number is an address.
fn is_loopback(hostname: &str) -> bool {
    let is_number = |label: &str| !label.is_empty() && label.bytes().all(|c| c.is_ascii_digit());
    let in_127 = hostname.starts_with("127.") && hostname.rsplit('.').next().is_some_and(is_number);
    in_127 || hostname == "localhost" || hostname == "[::1]"
}
