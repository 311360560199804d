//! Dates in both dialects, told apart by their length alone: western `YYYYMMDD`/`YYYYMM`, era `GYYMMDD`/`GYYMM` (formats.md 13.7).

use jiff::civil::Date;

/// A birth: the day, or in old records just the month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Birth {
    /// The day, where recorded.
    pub(crate) day: Option<Date>,
    /// First of the month.
    pub(crate) month: Date,
}

/// A day, 8 digits western or 7 era. `None` for blank, for `00000000` and for days that do not exist.
pub(crate) fn day(digits: &[u8]) -> Option<Date> {
    let (year, rest) = match digits.len() {
        8 => (number(digits.get(..4)?)?, digits.get(4..)?),
        7 => (era_year(digits.get(..3)?)?, digits.get(3..)?),
        _ => return None,
    };
    build(year, number(rest.get(..2)?)?, number(rest.get(2..)?)?)
}

/// A month, 6 digits western or 5 era, as its first day.
pub(crate) fn month(digits: &[u8]) -> Option<Date> {
    let (year, rest) = match digits.len() {
        6 => (number(digits.get(..4)?)?, digits.get(4..)?),
        5 => (era_year(digits.get(..3)?)?, digits.get(3..)?),
        _ => return None,
    };
    build(year, number(rest)?, 1)
}

/// A birth date; day `00` leaves the month alone.
pub(crate) fn birth(digits: &[u8]) -> Option<Birth> {
    if let Some(day) = day(digits) {
        return Some(Birth { day: Some(day), month: first_of_month(day) });
    }
    let (front, back) = digits.split_at_checked(digits.len().checked_sub(2)?)?;
    (back == b"00").then(|| month(front)).flatten().map(|month| Birth { day: None, month })
}

/// A date of FHIR: `YYYY-MM-DD` with or without a time behind it.
pub(crate) fn iso(written: &str) -> Option<Date> {
    let date: Date = written.get(..10)?.parse().ok()?;
    let rest = written.get(10..)?;
    ((rest.is_empty() || rest.starts_with('T')) && PLAUSIBLE.contains(&date.year())).then_some(date)
}

/// First day of a day's month.
pub(crate) fn first_of_month(day: Date) -> Date {
    day.first_of_month()
}

/// Completed years between two days. `None` before the birth.
pub(crate) fn years(birth: Date, on: Date) -> Option<i32> {
    let before_birthday = (on.month(), on.day()) < (birth.month(), birth.day());
    let years = i32::from(on.year()) - i32::from(birth.year()) - i32::from(before_birthday);
    (years >= 0).then_some(years)
}

/// From the first year of 明治 on.
const PLAUSIBLE: std::ops::RangeInclusive<i16> = 1868..=2199;

fn build(year: i16, month: i16, day: i16) -> Option<Date> {
    PLAUSIBLE.contains(&year).then_some(())?;
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// Year of an era; years past an era's end are read on (昭和64, 平成32), systems write them.
fn era_year(digits: &[u8]) -> Option<i16> {
    let (era, years) = digits.split_first()?;
    let before = match era {
        b'1' => 1867,
        b'2' => 1911,
        b'3' => 1925,
        b'4' => 1988,
        b'5' => 2018,
        _ => return None,
    };
    number(years).filter(|years| *years > 0)?.checked_add(before)
}

fn number(digits: &[u8]) -> Option<i16> {
    digits.iter().try_fold(0_i16, |sum, digit| {
        digit.is_ascii_digit().then_some(())?;
        sum.checked_mul(10)?.checked_add(i16::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn golden() {
        let cases: [(&[u8], Date); 6] = [
            (b"19580314", date(1958, 3, 14)),
            (b"3330314", date(1958, 3, 14)),
            (b"4170410", date(2005, 4, 10)),
            (b"1450101", date(1912, 1, 1)),
            (b"5010501", date(2019, 5, 1)),
            (b"4320101", date(2020, 1, 1)),
        ];
        for (digits, expected) in cases {
            assert_eq!(day(digits), Some(expected));
        }
        assert_eq!(month(b"42110"), Some(date(2009, 10, 1)));
        assert_eq!(month(b"202207"), Some(date(2022, 7, 1)));
        for none in [&b""[..], b"00000000", b"20220231", b"2022071", b"6010101", b"4000101", b"2022-7-1"] {
            assert_eq!(day(none), None);
        }
        assert_eq!(birth(b"19200500"), Some(Birth { day: None, month: date(1920, 5, 1) }));
        assert_eq!(birth(b"2090500"), Some(Birth { day: None, month: date(1920, 5, 1) }));
        assert_eq!(iso("2023-11-12T10:00:00+09:00"), Some(date(2023, 11, 12)));
        assert_eq!(iso("2023-11"), None);
    }

    #[test]
    fn years_are_completed_years() {
        assert_eq!(years(date(1958, 3, 14), date(2022, 3, 1)), Some(63));
        assert_eq!(years(date(1958, 3, 1), date(2022, 3, 1)), Some(64));
        assert_eq!(years(date(2022, 3, 2), date(2022, 3, 1)), None);
    }

    proptest! {
        #[test]
        fn both_dialects_name_the_same_day(year in 1927_i16..2030, month in 1_i8..=12, on in 1_i8..=28) {
            let era = if year > 2019 { (5, 2018) } else if year > 1989 { (4, 1988) } else { (3, 1925) };
            let western = format!("{year:04}{month:02}{on:02}");
            let own = format!("{}{:02}{month:02}{on:02}", era.0, year - era.1);
            prop_assert_eq!(day(western.as_bytes()), Some(date(year, month, on)));
            prop_assert_eq!(day(own.as_bytes()), Some(date(year, month, on)));
        }

        #[test]
        fn random_bytes_never_panic(digits in proptest::collection::vec(any::<u8>(), 0..10)) {
            let _read = (day(&digits), month(&digits), birth(&digits));
        }

        #[test]
        fn random_text_never_panics(written in any::<String>()) {
            let _read = iso(&written);
        }
    }
}
