//! Dates as people in Japan write them: both calendars in Japanese, day month year in English; Japan's time.

use std::fmt;

use jiff::civil::{Date, date};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, Zoned};
use serde::Serialize;

use crate::language::Language;

const JAPAN: Offset = Offset::constant(9);

/// Eras (元号) by their first day, the latest first, and the year before their first. Meiji begins here with the Gregorian calendar (太政官布告第337号, 明治5年):
/// days before it had other numbers, and stand without an era.
const ERAS: [(Date, &str, &str, i16); 5] = [
    (date(2019, 5, 1), "令和", "Reiwa", 2018),
    (date(1989, 1, 8), "平成", "Heisei", 1988),
    (date(1926, 12, 25), "昭和", "Showa", 1925),
    (date(1912, 7, 30), "大正", "Taisho", 1911),
    (date(1873, 1, 1), "明治", "Meiji", 1867),
];

/// A time on a page: for machines and for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Moment {
    /// RFC 3339, or a bare date: what `<time datetime>` takes.
    pub(crate) iso: String,
    /// What is read.
    pub(crate) text: String,
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// 「2026年（令和8年）11月21日」, `21 November 2026`.
pub(crate) fn day(date: Date, language: Language) -> String {
    match language {
        Language::En => date.strftime("%-d %B %Y").to_string(),
        Language::Ja => format!("{}年{}{}月{}日", date.year(), ja_era(date), date.month(), date.day()),
    }
}

/// A day for a page.
pub(crate) fn on(date: Date, language: Language) -> Moment {
    Moment { iso: date.to_string(), text: day(date, language) }
}

/// A day and minute for a page, in Japan's time.
pub(crate) fn at(at: Timestamp, language: Language) -> Moment {
    let there = japan(at);
    let text = format!("{} {:02}:{:02}", day(there.date(), language), there.hour(), there.minute());
    Moment { iso: at.to_string(), text }
}

/// The last minute before `end`: a period's end is its last day, not the midnight after it.
pub(crate) fn until(end: Timestamp, language: Language) -> Moment {
    at(end.checked_sub(SignedDuration::from_secs(1)).unwrap_or(end), language)
}

/// A day as letters are dated, in both calendars in either language: 「2026年（令和8年）11月22日」, `22 November 2026 (Reiwa 8)`.
pub(crate) fn formal(date: Date, language: Language) -> Moment {
    let Moment { iso, text } = on(date, language);
    match (language, era(date)) {
        (Language::En, Some((_, name, year))) => Moment { iso, text: format!("{text} ({name} {year})") },
        _ => Moment { iso, text },
    }
}

/// Which day it is in Japan.
pub(crate) fn today(now: Timestamp) -> Date {
    japan(now).date()
}

/// Midnights in Japan between two times; none if `from` lies ahead.
pub(crate) fn days(from: Timestamp, now: Timestamp) -> u64 {
    let days = (today(now) - today(from)).get_days();
    u64::try_from(days).unwrap_or_default()
}

/// 「3日前から」, `for 3 days`; 「今日から」, `since today`.
pub(crate) fn since(from: Timestamp, now: Timestamp, language: Language) -> String {
    match (language, days(from, now)) {
        (Language::En, 0) => "since today".to_owned(),
        (Language::En, 1) => "since yesterday".to_owned(),
        (Language::En, days) => format!("for {days} days"),
        (Language::Ja, 0) => "今日から".to_owned(),
        (Language::Ja, days) => format!("{days}日前から"),
    }
}

/// The era's names and the year in it; none before its calendar.
fn era(date: Date) -> Option<(&'static str, &'static str, i16)> {
    let (_, ja, en, before) = ERAS.iter().find(|(first, ..)| *first <= date)?;
    Some((ja, en, date.year() - before))
}

fn ja_era(date: Date) -> String {
    match era(date) {
        None => String::new(),
        Some((name, _, 1)) => format!("（{name}元年）"),
        Some((name, _, year)) => format!("（{name}{year}年）"),
    }
}

fn japan(at: Timestamp) -> Zoned {
    at.to_zoned(TimeZone::fixed(JAPAN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_calendars_in_japanese_and_the_day_first_in_english() {
        for (text, ja, en) in [
            ("2026-11-21", "2026年（令和8年）11月21日", "21 November 2026"),
            ("2019-05-01", "2019年（令和元年）5月1日", "1 May 2019"),
            ("2019-04-30", "2019年（平成31年）4月30日", "30 April 2019"),
            ("1989-01-08", "1989年（平成元年）1月8日", "8 January 1989"),
            ("1989-01-07", "1989年（昭和64年）1月7日", "7 January 1989"),
            ("1926-12-25", "1926年（昭和元年）12月25日", "25 December 1926"),
            ("1926-12-24", "1926年（大正15年）12月24日", "24 December 1926"),
            ("1912-07-30", "1912年（大正元年）7月30日", "30 July 1912"),
            ("1912-07-29", "1912年（明治45年）7月29日", "29 July 1912"),
            ("1873-01-01", "1873年（明治6年）1月1日", "1 January 1873"),
            ("1872-12-31", "1872年12月31日", "31 December 1872"),
        ] {
            let date: Date = text.parse().unwrap();
            assert_eq!((day(date, Language::Ja).as_str(), day(date, Language::En).as_str()), (ja, en));
        }
    }

    #[test]
    fn letters_are_dated_in_both_calendars_in_either_language() {
        let formal = |text: &str, language| formal(text.parse().unwrap(), language).text;
        assert_eq!(formal("2026-11-22", Language::Ja), "2026年（令和8年）11月22日");
        assert_eq!(formal("2026-11-22", Language::En), "22 November 2026 (Reiwa 8)");
        assert_eq!(formal("2019-05-01", Language::En), "1 May 2019 (Reiwa 1)");
        assert_eq!(formal("1872-12-31", Language::En), "31 December 1872");
    }

    #[test]
    fn a_day_begins_in_japan() {
        let late: Timestamp = "2026-11-20T15:00:00Z".parse().unwrap();
        assert_eq!(at(late, Language::Ja).text, "2026年（令和8年）11月21日 00:00");
        assert_eq!(until(late, Language::En).text, "20 November 2026 23:59");
        assert_eq!(at(late, Language::En).iso, "2026-11-20T15:00:00Z");
        assert_eq!(on(today(late), Language::Ja).iso, "2026-11-21");
    }

    #[test]
    fn days_are_counted_by_midnights() {
        let from: Timestamp = "2026-11-20T14:59:00Z".parse().unwrap();
        let after = |seconds| from.checked_add(SignedDuration::from_secs(seconds)).unwrap();
        for (seconds, ja, en) in [
            (0, "今日から", "since today"),
            (59, "今日から", "since today"),
            (60, "1日前から", "since yesterday"),
            (60 + 86_400 * 2, "3日前から", "for 3 days"),
            (-86_400, "今日から", "since today"),
            (60 + 86_400 * 399, "400日前から", "for 400 days"),
        ] {
            let now = after(seconds);
            let told = (since(from, now, Language::Ja), since(from, now, Language::En));
            assert_eq!((told.0.as_str(), told.1.as_str()), (ja, en));
        }
    }
}
