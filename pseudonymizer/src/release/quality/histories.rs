//! One person's events folded: who it is, and whether the history is one that no life has.

use catalog::quality::HistoryKind;

use super::events::{Event, month_of};

/// A person's years at most (Japan's oldest reached 119).
const AGE_MAX: i32 = 120;

/// What is known of a person. No `Debug`.
#[expect(clippy::struct_excessive_bools, reason = "four separate observations, no state")]
#[derive(Clone)]
pub(crate) struct Person {
    key: u64,
    sources: u32,
    birth_month: Option<i32>,
    birth_day: Option<i32>,
    two_births: bool,
    men: bool,
    women: bool,
    /// When it was said, prefecture.
    lives: Option<(Option<i32>, u32)>,
    died: Option<i32>,
    first_care: Option<i32>,
    /// Day and institution.
    last_care: Option<(i32, Option<u32>)>,
    obstetric: bool,
    /// First day, last day, institution.
    stays: Vec<(i32, i32, u32)>,
}

impl Person {
    pub(crate) fn new(key: u64) -> Self {
        Self {
            key,
            sources: 0,
            birth_month: None,
            birth_day: None,
            two_births: false,
            men: false,
            women: false,
            lives: None,
            died: None,
            first_care: None,
            last_care: None,
            obstetric: false,
            stays: Vec::new(),
        }
    }

    pub(crate) fn key(&self) -> u64 {
        self.key
    }

    /// In which sources, as the crosswalk's bits.
    pub(crate) fn sources(&self) -> u32 {
        self.sources
    }

    /// Adds an event. The order of events does not matter.
    pub(crate) fn with(mut self, event: Event) -> Self {
        match event {
            Event::Born { month, day } => self.born(month, day),
            Event::Care { first, last, institution } => {
                self.first_care = Some(self.first_care.map_or(first, |known| known.min(first)));
                self.last_care = self.last_care.max(Some((last, institution)));
            }
            Event::Died { month } => self.died = self.died.max(Some(month)),
            Event::Found { sources } => self.sources |= sources,
            Event::Lives { on, prefecture } => self.lives = self.lives.max(Some((on, prefecture))),
            Event::Obstetric => self.obstetric = true,
            Event::Sex { code: 1 } => self.men = true,
            Event::Sex { code: 2 } => self.women = true,
            Event::Sex { .. } => {}
            Event::Stay { first, last, institution } => self.stays.push((first, last, institution)),
        }
        self
    }

    fn born(&mut self, month: i32, day: Option<i32>) {
        let other_month = self.birth_month.is_some_and(|known| month_of(known) != month_of(month));
        let other_day = matches!((self.birth_day, day), (Some(a), Some(b)) if a != b);
        self.two_births |= other_month || other_day;
        self.birth_month = Some(self.birth_month.map_or(month, |known| known.min(month)));
        self.birth_day = self.birth_day.or(day);
    }

    /// `1`, `2`, none if unknown or both.
    pub(crate) fn sex(&self) -> Option<u8> {
        match (self.men, self.women) {
            (true, false) => Some(1),
            (false, true) => Some(2),
            (true, true) | (false, false) => None,
        }
    }

    /// Whole years in that month (counted from year 0), or in that of death if it came first.
    pub(crate) fn age(&self, month: i32) -> Option<i32> {
        let end = self.died.and_then(month_of).map_or(month, |died| died.min(month));
        Some((end - month_of(self.birth_month?)?).div_euclid(12))
    }

    /// 1 to 47.
    pub(crate) fn home(&self) -> Option<u32> {
        self.lives.map(|(_, prefecture)| prefecture)
    }

    /// The institution of the last care.
    pub(crate) fn last_institution(&self) -> Option<u32> {
        self.last_care.and_then(|(_, institution)| institution)
    }

    /// Whether the history is of that kind.
    pub(crate) fn has(&self, kind: HistoryKind) -> bool {
        let after = |a: Option<i32>, b: Option<i32>| matches!((a.and_then(month_of), b.and_then(month_of)), (Some(a), Some(b)) if a > b);
        let last = self.last_care.map(|(day, _)| day);
        match kind {
            HistoryKind::CareAfterDeath => after(last, self.died),
            HistoryKind::CareBeforeBirth => after(self.birth_month, self.first_care),
            HistoryKind::OverOneHundredAndTwenty => {
                let months = last.and_then(month_of).zip(self.birth_month.and_then(month_of));
                months.is_some_and(|(last, birth)| (last - birth).div_euclid(12) > AGE_MAX)
            }
            HistoryKind::PregnantMan => self.obstetric && self.sex() == Some(1),
            HistoryKind::TwoBirths => self.two_births,
            HistoryKind::TwoHospitals => two_hospitals(&self.stays),
            HistoryKind::TwoSexes => self.men && self.women,
        }
    }
}

/// Whether two stays at different institutions share two days or more; a shared one is a transfer.
fn two_hospitals(stays: &[(i32, i32, u32)]) -> bool {
    let mut stays = stays.to_vec();
    stays.sort_unstable();
    // The stays so far that end last: over all, and at any other institution than that one.
    let mut latest: Option<(i32, u32)> = None;
    let mut other: Option<(i32, u32)> = None;
    for (first, last, institution) in stays {
        let rival = [latest, other].into_iter().flatten().find(|(_, at)| *at != institution);
        if rival.is_some_and(|(end, _)| end.min(last) - first >= 1) {
            return true;
        }
        match latest {
            Some((end, at)) if at == institution => latest = Some((end.max(last), at)),
            Some((end, _)) if end >= last => other = other.max(Some((last, institution))),
            before => {
                other = before;
                latest = Some((last, institution));
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(year: i16, month: i8, day: i8) -> i32 {
        catalog::codes::days(jiff::civil::date(year, month, day))
    }

    fn person(events: &[Event]) -> Person {
        events.iter().fold(Person::new(1), |person, event| person.with(*event))
    }

    fn kinds(events: &[Event]) -> Vec<HistoryKind> {
        let person = person(events);
        HistoryKind::ALL.into_iter().filter(|kind| person.has(*kind)).collect()
    }

    #[test]
    fn a_life_is_plausible_and_what_no_life_has_is_found() {
        let born = Event::Born { month: day(1950, 4, 1), day: Some(day(1950, 4, 9)) };
        let care = |from: i32, to: i32| Event::Care { first: from, last: to, institution: None };
        let man = Event::Sex { code: 1 };
        let life = [born, man, care(day(1990, 1, 1), day(2020, 5, 31)), Event::Died { month: day(2020, 5, 1) }];
        assert_eq!(kinds(&life), []);
        assert_eq!(kinds(&[born, born, man, man]), []);
        let again = |event: Event| kinds(&[&life[..], &[event]].concat());
        assert_eq!(again(care(day(2020, 6, 1), day(2020, 6, 1))), [HistoryKind::CareAfterDeath]);
        assert_eq!(again(care(day(1950, 3, 31), day(1950, 3, 31))), [HistoryKind::CareBeforeBirth]);
        assert_eq!(again(Event::Obstetric), [HistoryKind::PregnantMan]);
        assert_eq!(again(Event::Sex { code: 2 }), [HistoryKind::TwoSexes]);
        assert_eq!(again(Event::Born { month: day(1950, 5, 1), day: None }), [HistoryKind::TwoBirths]);
        let twin = Event::Born { month: day(1950, 4, 1), day: Some(day(1950, 4, 10)) };
        assert_eq!(again(twin), [HistoryKind::TwoBirths]);
        let old = Event::Born { month: day(1898, 1, 1), day: None };
        assert_eq!(kinds(&[old, care(day(2020, 1, 1), day(2020, 1, 1))]), [HistoryKind::OverOneHundredAndTwenty]);
        assert_eq!(kinds(&[Event::Obstetric]), [], "a sex that nobody stated is no man's");
    }

    #[test]
    fn ages_stop_at_death() {
        let born = Event::Born { month: day(1950, 4, 1), day: None };
        let march = 2020 * 12 + 2;
        assert_eq!(person(&[born]).age(march), Some(69));
        assert_eq!(person(&[born]).age(march + 1), Some(70));
        assert_eq!(person(&[born, Event::Died { month: day(2000, 4, 1) }]).age(march), Some(50));
        assert_eq!(person(&[]).age(march), None);
    }

    #[test]
    fn a_transfer_is_no_second_hospital() {
        assert!(!two_hospitals(&[(1, 10, 1), (10, 20, 2)]));
        assert!(two_hospitals(&[(1, 10, 1), (9, 20, 2)]));
        assert!(!two_hospitals(&[(1, 10, 1), (5, 20, 1)]));
        assert!(two_hospitals(&[(1, 10, 1), (5, 20, 1), (15, 16, 2)]));
        assert!(two_hospitals(&[(1, 30, 1), (2, 3, 1), (4, 5, 2)]));
        assert!(!two_hospitals(&[(1, 1, 1), (1, 1, 2)]));
    }

    proptest! {
        /// The sweep finds what comparing every pair finds.
        #[test]
        fn every_pair_is_seen(stays in proptest::collection::vec((0..30_i32, 0..8_i32, 0..3_u32), 0..8)) {
            let stays: Vec<_> = stays.into_iter().map(|(first, days, at)| (first, first + days, at)).collect();
            let pairs = stays.iter().any(|a| stays.iter().any(|b| a.2 != b.2 && a.1.min(b.1) - a.0.max(b.0) >= 1));
            prop_assert_eq!(two_hospitals(&stays), pairs);
        }
    }
}
