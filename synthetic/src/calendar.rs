//! Months and ages.

use jiff::civil::Date;

/// A calendar month, counted from year 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Month(pub(crate) i32);

/// First service month of the observation window.
pub(crate) const FIRST: Month = Month(2021 * 12 + 3);
/// Last service month of the observation window.
pub(crate) const LAST: Month = Month(2023 * 12 + 2);
/// First day of the window.
pub(crate) const START: Date = Date::constant(2021, 4, 1);
/// Last day of the window.
pub(crate) const END: Date = Date::constant(2023, 3, 31);

impl Month {
    /// The month of a date.
    pub(crate) fn of(date: Date) -> Self {
        Self(i32::from(date.year()) * 12 + i32::from(date.month()) - 1)
    }

    /// All months of the window.
    pub(crate) fn window() -> impl Iterator<Item = Self> {
        (FIRST.0..=LAST.0).map(Self)
    }

    /// Its first day.
    pub(crate) fn first(self) -> Date {
        self.day(1)
    }

    /// Its last day.
    pub(crate) fn last(self) -> Date {
        self.first().last_of_month()
    }

    /// Number of its days.
    pub(crate) fn days(self) -> i32 {
        i32::from(self.first().days_in_month())
    }

    /// A day of it, the last one if there are fewer.
    pub(crate) fn day(self, day: i32) -> Date {
        let year = i16::try_from(self.0.div_euclid(12)).unwrap_or(0);
        let month = i8::try_from(self.0.rem_euclid(12) + 1).unwrap_or(1);
        let first = Date::new(year, month, 1).unwrap_or(Date::ZERO);
        let day = i8::try_from(day.clamp(1, i32::from(first.days_in_month()))).unwrap_or(1);
        Date::new(year, month, day).unwrap_or(first)
    }

    /// Later by so many months.
    pub(crate) fn plus(self, months: i32) -> Self {
        Self(self.0 + months)
    }

    /// `YYYYMM`.
    pub(crate) fn text(self) -> String {
        format!("{:04}{:02}", self.0.div_euclid(12), self.0.rem_euclid(12) + 1)
    }

    /// `YYMM` of file names.
    pub(crate) fn short(self) -> String {
        format!("{:02}{:02}", self.0.div_euclid(12) % 100, self.0.rem_euclid(12) + 1)
    }
}

/// `YYYYMMDD`.
pub(crate) fn compact(date: Date) -> String {
    format!("{:04}{:02}{:02}", date.year(), date.month(), date.day())
}

/// Completed years on a day; 0 before birth.
pub(crate) fn age_on(birth: Date, day: Date) -> i32 {
    let years = i32::from(day.year()) - i32::from(birth.year());
    let before = (day.month(), day.day()) < (birth.month(), birth.day());
    (years - i32::from(before)).max(0)
}

/// A day so many days later; the same day if that leaves the calendar.
pub(crate) fn plus_days(date: Date, days: i32) -> Date {
    date.saturating_add(jiff::Span::new().days(days))
}

/// Days from `from` to `to`.
pub(crate) fn days_between(from: Date, to: Date) -> i32 {
    catalog::codes::days(to) - catalog::codes::days(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_and_ages() {
        assert_eq!(FIRST.first(), START);
        assert_eq!(LAST.last(), END);
        assert_eq!(Month::window().count(), 24);
        assert_eq!(Month::of(END).text(), "202303");
        let birth = Date::constant(1950, 4, 2);
        assert_eq!((age_on(birth, Date::constant(2022, 4, 1)), age_on(birth, Date::constant(2022, 4, 2))), (71, 72));
        assert_eq!(days_between(START, plus_days(START, 40)), 40);
    }
}
