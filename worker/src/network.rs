//! The network of a client, as a keyed hash: the quarantine distinguishes networks, but does not need to know them.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How many bytes of a hash are used.
const HASH_BYTES: usize = 16;

/// Returns the network of an address, as a text: the first 24 bits of an IPv4 address, or 48 of an IPv6 address. If
/// there are several addresses, the last one counts, because the nearest proxy has added it. All clients without a
/// valid address are one network.
pub(crate) fn from_header(header: Option<&str>) -> String {
    let last = header.unwrap_or_default().rsplit(',').next().unwrap_or_default().trim();
    let address = last
        .parse::<IpAddr>()
        .ok()
        .or_else(|| last.parse::<SocketAddr>().ok().map(|address| address.ip()));
    let mut text = String::new();
    match address.map(|address| address.to_canonical()) {
        Some(IpAddr::V4(address)) => {
            for part in address.octets().iter().take(3) {
                let _ = write!(text, "{part}.");
            }
        }
        Some(IpAddr::V6(address)) => {
            for part in address.segments().iter().take(3) {
                let _ = write!(text, "{part:x}:");
            }
        }
        None => {}
    }
    text
}

/// Hashes a network with a key.
pub(crate) fn hash(key: &str, network: &str) -> String {
    // HMAC accepts a key of any length. The constructor is fallible only because some other MACs reject a length.
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else { return String::new() };
    let mac = mac.chain_update(network).finalize().into_bytes();
    hex(mac.iter().take(HASH_BYTES))
}

/// Writes bytes as lowercase hex digits.
pub(crate) fn hex<'a>(bytes: impl Iterator<Item = &'a u8>) -> String {
    bytes.fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_network_have_the_same_text() {
        for (address, network) in [
            ("203.0.113.9", "203.0.113."),
            (" 203.0.113.255 ", "203.0.113."),
            ("203.0.113.9:443", "203.0.113."),
            ("198.51.100.1, 203.0.113.9", "203.0.113."),
            ("::ffff:203.0.113.9", "203.0.113."),
            ("2001:db8:1:2::3", "2001:db8:1:"),
            ("2001:DB8:1:ffff::", "2001:db8:1:"),
            ("[2001:db8:1::1]:443", "2001:db8:1:"),
            ("::1", "0:0:0:"),
            ("", ""),
            ("unknown", ""),
            ("203.0.113", ""),
            ("203.0.113.9, ", ""),
        ] {
            assert_eq!(from_header(Some(address)), network, "{address}");
        }
        assert_eq!(from_header(None), "");
    }

    #[test]
    fn the_hash_depends_on_key_and_network() {
        let hashed = hash("key", "203.0.113.");
        assert_eq!(hashed.len(), 2 * HASH_BYTES);
        assert_eq!(hash("key", "203.0.113."), hashed);
        assert_ne!(hash("key", "203.0.114."), hashed);
        assert_ne!(hash("other", "203.0.113."), hashed);
    }
}
