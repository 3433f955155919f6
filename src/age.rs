use std::time::{Duration, SystemTime};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::Error;

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// Checks a signed time against a clock.
pub(crate) fn check(
    timestamp: Option<&str>,
    now: SystemTime,
    max_age: Duration,
    skew: Duration,
) -> Result<(), Error> {
    let now = match now.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => nanos(after),
        Err(before) => nanos(before.duration()).saturating_neg(),
    };
    check_nanos(timestamp, now, nanos(max_age), nanos(skew))
}

/// Checks a signed time against a clock. All times are nanoseconds, `now` since the Unix epoch; a time that is more
/// than 292 years from it counts as 292 years.
pub(crate) fn check_nanos(
    timestamp: Option<&str>,
    now: i64,
    max_age: i64,
    skew: i64,
) -> Result<(), Error> {
    let Some((text, signed)) = timestamp.and_then(|text| Some((text, parse(text)?))) else {
        return Ok(());
    };
    let stale = |future| Err(Error::Stale { timestamp: text.to_owned(), future });
    if now.saturating_sub(signed) > max_age {
        return stale(false);
    }
    if signed.saturating_sub(now) > skew {
        return stale(true);
    }
    Ok(())
}

/// Parses an RFC 3339 time, as nanoseconds since the Unix epoch. Digits after the nanoseconds are dropped, and a leap
/// second counts as the end of the second before it.
fn parse(rfc3339: &str) -> Option<i64> {
    let time = OffsetDateTime::parse(rfc3339, &Rfc3339).ok()?;
    let seconds = saturating_nanos(time.unix_timestamp(), NANOS_PER_SECOND);
    Some(seconds.saturating_add(time.nanosecond().into()))
}

/// Multiplies a time by the nanoseconds of its unit. This is smaller in WebAssembly than `saturating_mul`, which is a
/// call there.
pub(crate) fn saturating_nanos(time: i64, unit: i64) -> i64 {
    let most = i64::MAX.checked_div(unit).unwrap_or_default();
    time.clamp(most.wrapping_neg(), most).wrapping_mul(unit)
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn age(timestamp: &str, now: u64) -> Result<(), &'static str> {
        let now = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(now)).unwrap();
        check(Some(timestamp), now, Duration::from_secs(100), Duration::from_secs(10))
            .map_err(|error| error.code())
    }

    #[test]
    fn rejects_an_event_past_either_limit_and_accepts_one_at_it() {
        let signed = "1970-01-01T01:00:00Z"; // 3600
        assert_eq!(age(signed, 3700), Ok(()));
        assert_eq!(age("1970-01-01T00:59:59.999999999Z", 3700), Err("stale"));
        assert_eq!(age(signed, 3701), Err("stale"));
        assert_eq!(age(signed, 3590), Ok(()));
        assert_eq!(age(signed, 3589), Err("stale"));
        assert_eq!(age("1970-01-01T02:00:00+01:00", 3700), Ok(()));
        assert_eq!(age("yesterday", 3700), Ok(()));
    }

    #[test]
    fn parses_what_rfc_3339_allows() {
        for (text, nanos) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-01t00:00:01z", Some(NANOS_PER_SECOND)),
            ("1970-01-01 00:00:00.1234567899Z", Some(123_456_789)),
            ("1969-12-31T23:59:59.999999999Z", Some(-1)),
            ("2000-02-29T12:00:00+11:30", Some(951_784_200 * NANOS_PER_SECOND)),
            ("0000-01-01T00:00:00Z", Some(-9_223_372_036 * NANOS_PER_SECOND)),
            // A leap second, which UTC has at the end of a month.
            ("2016-12-31T23:59:60Z", Some(1_483_228_800 * NANOS_PER_SECOND - 1)),
            ("2016-12-31T15:59:60-08:00", Some(1_483_228_800 * NANOS_PER_SECOND - 1)),
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
            assert_eq!(parse(text), nanos, "{text}");
        }
    }
}
