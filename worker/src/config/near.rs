/// The most edits in a misspelling. An edit is an added, missing or replaced character, or two swapped neighbors.
const MOST_EDITS: usize = 2;

/// Returns the known name that is nearest to a misspelt name, ignoring case.
pub(crate) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    (0..=MOST_EDITS).find_map(|edits| {
        let near = |other: &&str| {
            // Two edits are too many for a short name: HOME is two edits from MODE.
            edits <= other.len().div_euclid(3)
                && is_within(edits, name.as_bytes(), other.as_bytes())
        };
        known.iter().copied().find(near)
    })
}

/// Returns whether at most `edits` edits turn one text into the other.
fn is_within(edits: usize, mut one: &[u8], mut other: &[u8]) -> bool {
    while let ([a, after_a @ ..], [b, after_b @ ..]) = (one, other)
        && a.eq_ignore_ascii_case(b)
    {
        (one, other) = (after_a, after_b);
    }
    if one.is_empty() && other.is_empty() {
        return true;
    }
    let Some(edits) = edits.checked_sub(1) else { return false };
    let (after_one, after_other) = (rest(one), rest(other));
    is_within(edits, after_one, other)
        || is_within(edits, one, after_other)
        || is_within(edits, after_one, after_other)
        || matches!((one, other), ([a, b, ..], [c, d, ..]) if a.eq_ignore_ascii_case(d) && b.eq_ignore_ascii_case(c))
            && is_within(edits, rest(after_one), rest(after_other))
}

/// Returns a text without its first byte.
fn rest(text: &[u8]) -> &[u8] {
    text.get(1..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 4] = ["MODE", "SETUP", "MAX_ATTEMPTS", "MAX_EVENT_AGE"];

    #[test]
    fn finds_a_name_at_most_two_edits_away() {
        for near in [
            "MAX_ATTEMPTS",
            "max_attempts",
            "MAX_ATTEMPT",
            "MAXATTEMPT",
            "MAX_ATTEMPTSES",
            "AX_ATEMPTS",
            "MAX-ATTEMTPS",
            "AMX_ATTEMPST",
            "XMAX_ATTEMPTX",
            "mac_atempts",
        ] {
            assert_eq!(nearest(near, &KNOWN), Some("MAX_ATTEMPTS"), "{near}");
        }
        for far in [
            "",
            "MAX",
            "MAX_TEMPTS_",
            "MAX_ATTEMPTS_XY",
            "AMX_ATTEMPST_",
            "STPMETTA_XAM",
            "ATTEMPTS",
        ] {
            assert_eq!(nearest(far, &KNOWN), None, "{far}");
        }
    }

    #[test]
    fn a_short_name_allows_one_edit() {
        for (name, near) in [
            ("mode", Some("MODE")),
            ("MDOE", Some("MODE")),
            ("MODES", Some("MODE")),
            ("HOME", None),
            ("SET_UP", Some("SETUP")),
            ("STOP", None),
        ] {
            assert_eq!(nearest(name, &KNOWN), near, "{name}");
        }
    }

    #[test]
    fn prefers_the_nearest() {
        for known in [["SHARDS", "SHARES"], ["SHARES", "SHARDS"]] {
            assert_eq!(nearest("SHARD", &known), Some("SHARDS"));
            assert_eq!(nearest("SHARE", &known), Some("SHARES"));
        }
    }

    #[test]
    fn reads_any_text() {
        assert_eq!(nearest("MAX_ATTEMPTÉ", &KNOWN), Some("MAX_ATTEMPTS"));
        assert_eq!(nearest(&"MAX_ATTEMPTS".repeat(1000), &KNOWN), None);
    }
}
