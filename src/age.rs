use std::time::{Duration, SystemTime};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::Error;

/// Checks a signed time against a clock.
pub(crate) fn check(
    timestamp: Option<&str>,
    now: SystemTime,
    max_age: Duration,
    skew: Duration,
) -> Result<(), Error> {
    let now = match now.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => millis(after),
        Err(before) => millis(before.duration()).saturating_neg(),
    };
    check_millis(timestamp, now, millis(max_age), millis(skew))
}

/// Checks a signed time against a clock. All times are milliseconds, `now` since the Unix epoch.
pub(crate) fn check_millis(
    timestamp: Option<&str>,
    now: i64,
    max_age: i64,
    skew: i64,
) -> Result<(), Error> {
    let Some((text, signed)) = timestamp.and_then(|text| Some((text, parse(text)?))) else {
        return Ok(());
    };
    let future = signed.saturating_sub(now) > skew;
    if future || now.saturating_sub(signed) > max_age {
        let limit = if future { skew } else { max_age };
        let limit_secs = u32::try_from(limit / 1000).unwrap_or(u32::MAX);
        return Err(Error::Stale { timestamp: text.to_owned(), future, limit_secs });
    }
    Ok(())
}

/// Checks that the time is present and readable.
pub(crate) fn check_readable(timestamp: Option<&str>) -> Result<(), Error> {
    timestamp.and_then(parse).map(|_| ()).ok_or(Error::NoTimestamp)
}

/// Parses an RFC 3339 time, as milliseconds since the Unix epoch. A leap second counts as the end of the second before.
fn parse(rfc3339: &str) -> Option<i64> {
    let time = OffsetDateTime::parse(rfc3339, &Rfc3339).ok()?;
    // Years have four digits, so this can't overflow. In WebAssembly, a checked operation would be a function call.
    let seconds = time.unix_timestamp().wrapping_mul(1000);
    Some(seconds.wrapping_add(time.millisecond().into()))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn age(timestamp: &str, now: u64) -> Result<(), bool> {
        let now = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(now)).unwrap();
        let checked =
            check(Some(timestamp), now, Duration::from_secs(100), Duration::from_secs(10));
        checked.map_err(|error| {
            let Error::Stale { future, limit_secs, .. } = error else { panic!("{error:?}") };
            assert_eq!(limit_secs, if future { 10 } else { 100 });
            future
        })
    }

    #[test]
    fn rejects_an_event_past_either_limit_and_accepts_one_at_it() {
        let signed = "1970-01-01T01:00:00Z";
        assert_eq!(age(signed, 3_700_000), Ok(()));
        assert_eq!(age(signed, 3_700_001), Err(false));
        assert_eq!(age(signed, 3_590_000), Ok(()));
        assert_eq!(age(signed, 3_589_999), Err(true));
        assert_eq!(age("1970-01-01T02:00:00+01:00", 3_700_000), Ok(()));
        assert_eq!(age("1970-01-01T02:00:00+01:00", 3_700_001), Err(false));
        assert_eq!(age("yesterday", 3_700_001), Ok(()));
    }

    #[test]
    fn requires_a_readable_time() {
        assert_eq!(check_readable(Some("1970-01-01T01:00:00Z")), Ok(()));
        for unreadable in [None, Some(""), Some("yesterday"), Some("1970-01-01")] {
            assert_eq!(check_readable(unreadable), Err(Error::NoTimestamp));
        }
    }

    #[test]
    fn accepts_every_duration_and_clock() {
        let year_0 = Some("0000-01-01T00:00:00Z");
        let before = SystemTime::UNIX_EPOCH.checked_sub(Duration::from_secs(1)).unwrap();
        assert_eq!(check(year_0, before, Duration::MAX, Duration::MAX), Ok(()));
        assert!(check(year_0, before, Duration::ZERO, Duration::MAX).is_err());
        assert!(
            check(Some("1970-01-01T00:00:00Z"), before, Duration::MAX, Duration::ZERO).is_err()
        );
    }

    #[test]
    fn parses_only_times_of_rfc_3339() {
        for (text, millis) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-01t00:00:01z", Some(1000)),
            ("1970-01-01 00:00:00.1239999999Z", Some(123)),
            ("1969-12-31T23:59:59.999Z", Some(-1)),
            ("2000-02-29T12:00:00+11:30", Some(951_784_200_000)),
            ("0000-01-01T00:00:00Z", Some(-62_167_219_200_000)),
            ("9999-12-31T23:59:59Z", Some(253_402_300_799_000)),
            // A leap second: UTC inserts one at the end of a month.
            ("2016-12-31T23:59:60Z", Some(1_483_228_799_999)),
            ("2016-12-31T15:59:60-08:00", Some(1_483_228_799_999)),
            ("2016-12-30T23:59:60Z", None),
            ("2023-11-01T19:15:60Z", None),
            ("2023-02-29T00:00:00Z", None),
            ("2023-11-01T24:00:00Z", None),
            ("2023-11-01T19:15:20", None),
            ("2023-11-01T19:15:20.Z", None),
            ("2023-11-01T19:15:20+0200", None),
            (" 2023-11-01T19:15:20Z", None),
            ("2023-11-01", None),
            ("", None),
        ] {
            assert_eq!(parse(text), millis, "{text}");
        }
    }
}
