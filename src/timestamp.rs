//! Reads RFC 3339 times. `time` does it as well, and is what the tests compare with, but it would be
//! a sixth of what the WebAssembly build weighs. Nothing wraps: a number has four digits at most. But
//! in WebAssembly, an operation that would say so is a call.

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// Reads an RFC 3339 time, as nanoseconds since the Unix epoch, at most 292 years from it; `None` is no such
/// time.
///
/// Digits beyond nanoseconds are dropped, and a leap second counts as the end of the second before.
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    let mut text = Text(text.as_bytes());
    let year = text.number(4, 0..=9999)?;
    text.one_of(b"-")?;
    let month = text.number(2, 1..=12)?;
    text.one_of(b"-")?;
    let day = text.number(2, 1..=days(year, month))?;
    text.one_of(b"Tt ")?;
    let hour = text.number(2, 0..=23)?;
    text.one_of(b":")?;
    let minute = text.number(2, 0..=59)?;
    text.one_of(b":")?;
    let second = text.number(2, 0..=60)?;
    let nanos = if text.one_of(b".").is_some() { text.fraction()? } else { 0 };
    let ahead = match text.one_of(b"Zz+-")? {
        b'+' => text.offset()?,
        b'-' => text.offset()?.wrapping_neg(),
        _ => 0,
    };
    if !text.0.is_empty() {
        return None;
    }
    let (second, nanos) =
        if second == 60 { (59, NANOS_PER_SECOND.wrapping_sub(1)) } else { (second, nanos) };
    let hours = since_epoch(year, month, day).wrapping_mul(24).wrapping_add(hour);
    let minutes = hours.wrapping_mul(60).wrapping_add(minute).wrapping_sub(ahead);
    let seconds = minutes.wrapping_mul(60).wrapping_add(second);
    Some(to_nanos(seconds, NANOS_PER_SECOND).saturating_add(nanos))
}

/// Multiplies a time by the nanoseconds of its unit; what is beyond 292 years becomes those.
pub(crate) fn to_nanos(time: i64, unit: i64) -> i64 {
    let most = i64::MAX.checked_div(unit).unwrap_or_default();
    time.clamp(most.wrapping_neg(), most).wrapping_mul(unit)
}

fn is_leap(year: i64) -> bool {
    let divides = |by: i64| year.checked_rem(by) == Some(0);
    divides(4) && (!divides(100) || divides(400))
}

fn days(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Counts days since the Unix epoch.
fn since_epoch(year: i64, month: i64, day: i64) -> i64 {
    // The leap days of all the years before, from the year 0 on; 1970 begins with day 719,528.
    let years = year
        .wrapping_mul(365)
        .wrapping_add(year.wrapping_add(3) / 4)
        .wrapping_sub(year.wrapping_add(99) / 100)
        .wrapping_add(year.wrapping_add(399) / 400);
    let months = (1..month).map(|month| days(year, month)).sum::<i64>();
    years.wrapping_add(months).wrapping_add(day).wrapping_sub(719_529)
}

/// What is left to read.
struct Text<'t>(&'t [u8]);

impl Text<'_> {
    fn one_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        bytes.contains(first).then(|| self.0 = rest)?;
        Some(*first)
    }

    fn digit(&mut self) -> Option<i64> {
        self.one_of(b"0123456789").and_then(|digit| digit.checked_sub(b'0')).map(i64::from)
    }

    fn number(&mut self, digits: usize, range: core::ops::RangeInclusive<i64>) -> Option<i64> {
        let mut number: i64 = 0;
        for _ in 0..digits {
            number = number.wrapping_mul(10).wrapping_add(self.digit()?);
        }
        range.contains(&number).then_some(number)
    }

    fn fraction(&mut self) -> Option<i64> {
        let (mut nanos, mut unit): (i64, i64) = (0, 100_000_000);
        let mut next = Some(self.digit()?);
        while let Some(digit) = next {
            nanos = nanos.wrapping_add(digit.wrapping_mul(unit));
            unit = unit.wrapping_div(10);
            next = self.digit();
        }
        Some(nanos)
    }

    /// Minutes.
    fn offset(&mut self) -> Option<i64> {
        let hours = self.number(2, 0..=23)?;
        self.one_of(b":")?;
        Some(hours.wrapping_mul(60).wrapping_add(self.number(2, 0..=59)?))
    }
}

#[cfg(test)]
mod tests {
    use time::{OffsetDateTime, format_description::well_known::Rfc3339};

    use super::*;

    fn theirs(text: &str) -> Option<i64> {
        let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        let (least, most) = (i64::MIN / NANOS_PER_SECOND, i64::MAX / NANOS_PER_SECOND);
        let seconds = time.unix_timestamp().clamp(least, most).wrapping_mul(NANOS_PER_SECOND);
        Some(seconds.saturating_add(time.nanosecond().into()))
    }

    #[test]
    fn each_day_is_where_time_has_it() {
        for year in [0, 1, 1600, 1700, 1899, 1900, 1969, 1970, 1999, 2000, 2023, 2024, 2100, 9999] {
            for month in 0..=13 {
                for day in 0..=32 {
                    let text = format!("{year:04}-{month:02}-{day:02}T12:34:56.789Z");
                    assert_eq!(parse(&text), theirs(&text), "{text}");
                }
            }
        }
    }

    #[test]
    fn each_form_is_read_as_time_reads_it() {
        for text in [
            "2023-11-01T19:15:20.666248Z",
            "2023-11-01t19:15:20z",
            "2023-11-01 19:15:20Z",
            "2023-11-01T19:15:20+02:00",
            "2023-11-01T19:15:20.5-11:30",
            "2023-11-01T23:59:59.999999999+23:59",
            "2023-11-01T19:15:20.1234567891234Z",
            "2016-12-31T23:59:60Z",
            "1969-12-31T23:59:59.999999999Z",
            "",
            "2023",
            "2023-11-01",
            "2023-11-01T19:15:20",
            "2023-11-01T19:15:20.Z",
            "2023-11-01T19:15Z",
            "2023-11-01T24:00:00Z",
            "2023-11-01T19:60:00Z",
            "2023-11-01T19:15:61Z",
            "2023-11-01T19:15:20+24:00",
            "2023-11-01T19:15:20+02:60",
            "2023-11-01T19:15:20+0200",
            "2023-11-01T19:15:20ZZ",
            " 2023-11-01T19:15:20Z",
            "+2023-11-01T19:15:20Z",
            "2023-1-01T19:15:20Z",
            "2023-11-01T19:15:2\u{660}Z",
        ] {
            assert_eq!(parse(text), theirs(text), "{text:?}");
        }
    }
}
