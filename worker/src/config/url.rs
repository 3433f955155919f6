use crate::digits;

/// A URL that deliveries may be sent to, as far as it must be known.
///
/// What counts as one is less than what a browser makes something of (<https://url.spec.whatwg.org>): no scheme, host
/// or port that is read in another way than it is written, so that what was checked is what is asked. Whether there
/// can be such a host is not known here: neither Punycode nor an address of IPv6 is decoded.
pub(super) struct Url<'t> {
    scheme: &'t str,
    host: &'t str,
}

impl<'t> Url<'t> {
    pub(super) fn parse(text: &'t str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end)?;
        // An address of IPv6 has colons of its own.
        let host_end = authority.find(']').map_or(0, |bracket| bracket.saturating_add(1));
        let port = authority.get(host_end..)?.find(':').map(|colon| colon.saturating_add(host_end));
        let (host, port) = authority.split_at_checked(port.unwrap_or(authority.len()))?;
        let good = scheme.bytes().all(|c| c.is_ascii_alphabetic())
            && is_host(host)
            && (port.is_empty() || is_port(port))
            && path.bytes().all(|c| c.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&c));
        good.then_some(Self { scheme, host })
    }

    pub(super) fn is_https(&self) -> bool {
        self.scheme == "https"
    }

    /// Whether it is http on this machine.
    pub(super) fn is_plain_loopback(&self) -> bool {
        let in_127 = |host: &str| {
            host.strip_prefix("127.").is_some_and(|rest| rest.split('.').count() == 3)
                && is_ipv4(host)
        };
        self.scheme == "http"
            && (self.host == "localhost" || self.host == "[::1]" || in_127(self.host))
    }
}

/// A name of letters, digits and hyphens between full stops, or an address.
fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[') {
        return address.strip_suffix(']').is_some_and(|address| {
            address.contains(':') && address.bytes().all(|c| c == b':' || c.is_ascii_hexdigit())
        });
    }
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_')
    };
    // What ends in a number is read as an address, in ways that few know.
    let last = host.rsplit('.').next().unwrap_or_default();
    let number = last.starts_with(|c: char| c.is_ascii_digit());
    host.split('.').all(is_label) && (!number || is_ipv4(host))
}

fn is_ipv4(host: &str) -> bool {
    let byte = |part: &str| {
        !(part.len() > 1 && part.starts_with('0')) && digits::parse::<u8>(part).is_some()
    };
    host.split('.').count() == 4 && host.split('.').all(byte)
}

fn is_port(port: &str) -> bool {
    port.strip_prefix(':').is_some_and(|port| digits::parse::<u16>(port).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_as_they_are_written() {
        for text in [
            "https://a.example",
            "https://a.example/",
            "https://a.example:8443/b/c?d=%20e&f=[g]",
            "https://xn--bcher-kva.example/x",
            "https://10.0.0.1/x",
            "https://[2001:db8::1]:8443/",
            "https://a.example?x=1",
            "https://a_b.example",
            "https://localhost",
        ] {
            assert!(Url::parse(text).is_some_and(|url| url.is_https()), "{text}");
        }
    }

    #[test]
    fn what_is_read_otherwise_is_none() {
        for text in [
            "",
            "a.example",
            "https:",
            "https://",
            "https:/a.example",
            "https:///a.example",
            "https:a.example",
            " https://a.example",
            "https://a.example ",
            "https://a.example/a b",
            "https://user@a.example",
            "https://user:pass@a.example",
            "https://a.example\\b",
            "https://a.example/\n",
            "https://a.example/#x",
            "https://b\u{fc}cher.example",
            "https://a.example/\u{e9}",
            "https://a..example",
            "https://a.example.",
            "https://.a",
            "https://a.example:",
            "https://a.example:0x1",
            "https://a.example:65536",
            "https://a.example:+1",
            "https://[::1",
            "https://[::1]x",
            "https://[a.example]",
            "https://127.1",
            "https://0x7f.0.0.1",
            "https://1.2.3.4.5",
            "https://256.0.0.1",
            "https://01.0.0.1",
            "https://a%2eexample",
        ] {
            assert!(Url::parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn other_schemes_are_neither() {
        for text in ["ftp://a.example", "HTTPS://a.example", "http://a.example", "ws://localhost"] {
            let url = Url::parse(text).unwrap();
            assert!(!url.is_https() && !url.is_plain_loopback(), "{text}");
        }
    }
}
