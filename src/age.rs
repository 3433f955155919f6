use std::time::{Duration, SystemTime};

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

/// Checks that there is a readable time.
pub(crate) fn check_readable(timestamp: Option<&str>) -> Result<(), Error> {
    timestamp.and_then(parse).map(|_| ()).ok_or(Error::NoTimestamp)
}

/// Parses an RFC 3339 time, as milliseconds since the Unix epoch.
#[cfg(feature = "edge")]
#[must_use]
pub fn parse_time(rfc3339: &str) -> Option<i64> {
    parse(rfc3339)
}

/// Parses an RFC 3339 time, as milliseconds since the Unix epoch. A leap second counts as the end of the second before.
///
/// In WebAssembly, an operation that checks for overflow would be a call. All numbers here have four digits at most, so
/// none can wrap.
pub(crate) fn parse(rfc3339: &str) -> Option<i64> {
    let text = rfc3339.as_bytes().split_first_chunk::<19>();
    // Any character may separate the date from the time.
    let (
        &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, _, h1, h2, b':', n1, n2, b':', s1, s2],
        rest,
    ) = text?
    else {
        return None;
    };
    let year = digits(y1, y2)?.wrapping_mul(100).wrapping_add(digits(y3, y4)?);
    let (month, day) = (digits(m1, m2)?, digits(d1, d2)?);
    let (hour, minute, second) = (digits(h1, h2)?, digits(n1, n2)?, digits(s1, s2)?);
    let (mut millis, rest) = fraction(rest)?;
    let offset = offset(rest)?;

    let first = day_number(year, month, 1);
    let next_month = day_number(year, month.wrapping_add(1), 1);
    let date = first.wrapping_add(day).wrapping_sub(1);
    let is_in_range = (1..=12).contains(&month) && day > 0 && date < next_month;
    if !is_in_range || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let minutes = date.wrapping_mul(24).wrapping_add(hour).wrapping_mul(60).wrapping_add(minute);
    let mut seconds = minutes.wrapping_sub(offset).wrapping_mul(60).wrapping_add(second);
    if second == 60 {
        // UTC has leap seconds at the end of a month only.
        if ![first, next_month].contains(&(seconds / DAY_SECS)) || seconds % DAY_SECS != 0 {
            return None;
        }
        seconds = seconds.wrapping_sub(1);
        millis = 999;
    }
    Some(seconds.wrapping_mul(1000).wrapping_add(millis))
}

const DAY_SECS: i64 = 24 * 60 * 60;

/// Reads two digits.
fn digits(tens: u8, ones: u8) -> Option<i64> {
    let are_digits = tens.is_ascii_digit() && ones.is_ascii_digit();
    let [tens, ones] = [tens, ones].map(|digit| i64::from(digit & 0x0f));
    are_digits.then_some(tens.wrapping_mul(10).wrapping_add(ones))
}

/// Reads the fraction of a second, in milliseconds, if there is one; returns what follows it, too.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let [b'.', text @ ..] = text else { return Some((0, text)) };
    let length = text.iter().take_while(|c| c.is_ascii_digit()).count();
    let (fraction, rest) = text.split_at_checked(length)?;
    let digits = fraction.iter().map(|digit| i64::from(digit & 0x0f));
    let millis = digits.zip([100, 10, 1]).map(|(digit, unit)| digit.wrapping_mul(unit)).sum();
    (length > 0).then_some((millis, rest))
}

/// Reads the offset from UTC, in minutes.
fn offset(text: &[u8]) -> Option<i64> {
    match *text {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (digits(h1, h2)?, digits(m1, m2)?);
            let offset = hours.wrapping_mul(60).wrapping_add(minutes);
            let offset = if sign == b'-' { offset.wrapping_neg() } else { offset };
            (hours <= 23 && minutes <= 59).then_some(offset)
        }
        _ => None,
    }
}

/// Returns how many days a date is after 1970. The month after the last is the first of the next year.
fn day_number(year: i64, month: i64, day: i64) -> i64 {
    // A year that begins in March ends with the leap day. 400 years more, so that none is negative.
    let (year, month) = if month < 3 {
        (year.wrapping_add(399), month.wrapping_add(9))
    } else {
        (year.wrapping_add(400), month.wrapping_sub(3))
    };
    let leap_days = (year / 4).wrapping_sub(year / 100).wrapping_add(year / 400);
    let months = month.wrapping_mul(153).wrapping_add(2) / 5;
    let days = year.wrapping_mul(365).wrapping_add(leap_days).wrapping_add(months);
    days.wrapping_add(day).wrapping_sub(DAYS_BEFORE_1970)
}

/// From 400 years before the year 0, which begins in March, to 1970.
const DAYS_BEFORE_1970: i64 = 865_566;

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
    fn every_duration_and_clock_is_accepted() {
        let year_0 = Some("0000-01-01T00:00:00Z");
        let before = SystemTime::UNIX_EPOCH.checked_sub(Duration::from_secs(1)).unwrap();
        assert_eq!(check(year_0, before, Duration::MAX, Duration::MAX), Ok(()));
        assert!(check(year_0, before, Duration::ZERO, Duration::MAX).is_err());
        assert!(
            check(Some("1970-01-01T00:00:00Z"), before, Duration::MAX, Duration::ZERO).is_err()
        );
    }

    #[test]
    fn parses_what_rfc_3339_allows() {
        for (text, millis) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-01t00:00:01z", Some(1000)),
            ("1970-01-01 00:00:00.1239999999Z", Some(123)),
            ("1969-12-31T23:59:59.999Z", Some(-1)),
            ("2000-02-29T12:00:00+11:30", Some(951_784_200_000)),
            ("0000-01-01T00:00:00Z", Some(-62_167_219_200_000)),
            ("9999-12-31T23:59:59Z", Some(253_402_300_799_000)),
            // A leap second, which UTC has at the end of a month.
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

    #[test]
    fn parses_as_another_parser_does() {
        use time::{OffsetDateTime, format_description::well_known::Rfc3339};

        let other = |text: &str| {
            let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
            Some(time.unix_timestamp() * 1000 + i64::from(time.millisecond()))
        };
        let mut seen = [0, 0];
        for year in [0, 1, 4, 100, 400, 1582, 1899, 1969, 1970, 1999, 2000, 2016, 2023, 2100, 9999]
        {
            for month in 0..=13 {
                for day in [0, 1, 2, 27, 28, 29, 30, 31, 32] {
                    for time in [
                        "00:00:00",
                        "00:00:60.5",
                        "07:59:60",
                        "12:34:56.78901",
                        "23:59:59",
                        "23:59:60",
                        "24:00:00",
                        "1:00:00",
                    ] {
                        for zone in [
                            "Z", "+00:00", "-00:01", "+08:00", "+23:59", "-23:59", "-24:00",
                            "+01:60", "+1:00", "",
                        ] {
                            let text = format!("{year:04}-{month:02}-{day:02}T{time}{zone}");
                            let parsed = parse(&text);
                            assert_eq!(parsed, other(&text), "{text}");
                            seen[usize::from(parsed.is_some())] += 1;
                        }
                    }
                }
            }
        }
        assert!(seen.iter().all(|count| *count > 10_000), "{seen:?}");
        let valid = "2016-02-29T23:59:59.9999999999+05:30";
        for (at, _) in valid.char_indices() {
            let (before, rest) = valid.split_at(at);
            assert_eq!(parse(before), other(before), "{before}");
            for c in ["", "0", "9", "-", "+", ":", ".", "T", " ", "Z", "é"] {
                let text = [before, c, rest.split_at(1).1].concat();
                assert_eq!(parse(&text), other(&text), "{text}");
            }
        }
    }
}
