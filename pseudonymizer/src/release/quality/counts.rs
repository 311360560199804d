//! Persons counted by group and source, and the veiled cells that come of it.

use std::collections::HashSet;

use catalog::quality::{Axis, History, HistoryKind, Link, LinkCell, LinkTable, Rules, Shown, UNKNOWN};

use super::Other;
use super::histories::Person;
use super::institutions::Institutions;
use super::veil::{self, Group};

/// Bands of age, by their first year. 40 and 65: insured for long-term care (介護保険法, article 9); 75: another insurer
/// (高齢者の医療の確保に関する法律, article 50).
const BANDS: [(i32, &str); 6] = [(0, "0-14"), (15, "15-39"), (40, "40-64"), (65, "65-74"), (75, "75-84"), (85, "85+")];
/// Nobody is insured for long-term care before.
const CARE_FROM: i32 = 40;
/// The source of which that is known.
const CARE: &str = "ltc";
const PREFECTURES: u8 = 47;

/// All counts of a release.
pub(crate) struct Counts<'a> {
    others: &'a [Other],
    institutions: Institutions,
    last_month: Option<i32>,
    all: Group,
    tables: Vec<Table>,
    histories: [u64; HistoryKind::ALL.len()],
}

struct Table {
    axis: Axis,
    names: Vec<String>,
    /// One a name, and behind them that of whom it is not known.
    groups: Vec<Group>,
    /// By group the institutions behind it, where they count.
    behind: Vec<HashSet<u32>>,
}

/// What leaves.
pub(crate) struct Veiled {
    pub(crate) persons: Option<u64>,
    pub(crate) links: Vec<Link>,
    pub(crate) histories: Vec<History>,
}

impl<'a> Counts<'a> {
    pub(crate) fn new(dataset: &str, others: &'a [Other], institutions: Institutions, last_month: Option<i32>) -> Self {
        let bands = BANDS.iter().filter(|(from, _)| dataset != CARE || *from >= CARE_FROM);
        let mut axes = vec![
            (Axis::Age, bands.map(|(_, name)| (*name).to_owned()).collect()),
            (Axis::Sex, vec!["1".to_owned(), "2".to_owned()]),
            (Axis::Prefecture, (1..=PREFECTURES).map(|number| format!("{number:02}")).collect()),
        ];
        let families = institutions.software().families();
        if !families.is_empty() {
            axes.push((Axis::Software, families.to_vec()));
        }
        let table = |(axis, names): (Axis, Vec<String>)| {
            let group = || Group { linked: vec![0; others.len()], ..Group::default() };
            let groups = (0..=names.len()).map(|_| group()).collect();
            let behind = vec![HashSet::new(); names.len() + 1];
            Table { axis, names, groups, behind }
        };
        let all = Group { linked: vec![0; others.len()], ..Group::default() };
        let tables = axes.into_iter().map(table).collect();
        Self { others, institutions, last_month, all, tables, histories: [0; HistoryKind::ALL.len()] }
    }

    /// Counts a person once in every table.
    pub(crate) fn add(&mut self, person: &Person) {
        let found: Vec<bool> =
            self.others.iter().map(|other| (person.sources() & other.bits).count_ones() >= other.at_least).collect();
        let number = person.last_institution();
        let institution = number.and_then(|number| self.institutions.get(number));
        let family = institution.and_then(|at| at.family);
        let families = self.institutions.software().families();
        let age = self.last_month.and_then(|month| person.age(month));
        for table in &mut self.tables {
            let name = match table.axis {
                Axis::Age => age.and_then(band).map(str::to_owned),
                Axis::Prefecture => {
                    let place = person.home().or_else(|| institution.map(|at| u32::from(at.prefecture)));
                    place.map(|number| format!("{number:02}"))
                }
                Axis::Sex => person.sex().map(|sex| sex.to_string()),
                Axis::Software => family.and_then(|place| families.get(usize::from(place))).cloned(),
            };
            let known = name.and_then(|name| table.names.iter().position(|known| *known == name));
            let place = known.unwrap_or(table.names.len());
            if let Some(group) = table.groups.get_mut(place) {
                count(group, &found);
            }
            if let (Axis::Software, Some(number), Some(behind)) = (table.axis, number, table.behind.get_mut(place)) {
                behind.insert(number);
            }
        }
        count(&mut self.all, &found);
        for (kind, persons) in HistoryKind::ALL.into_iter().zip(&mut self.histories) {
            *persons += u64::from(person.has(kind));
        }
    }

    /// The cells that may leave.
    pub(crate) fn veiled(mut self, rules: Rules) -> Veiled {
        let k = rules.min_persons;
        let persons = (self.all.persons >= k).then(|| veil::rounded(self.all.persons, rules.base, k));
        let both = |part: u64| part >= k && self.all.persons.saturating_sub(part) >= k;
        let history = |(kind, persons): (HistoryKind, u64)| History {
            kind,
            persons: both(persons).then(|| veil::rounded(persons, rules.base, k)),
        };
        let histories = HistoryKind::ALL.into_iter().zip(self.histories).map(history).collect();
        let mut links: Vec<Link> = (self.others.iter().enumerate())
            .map(|(to, other)| {
                let linked = self.all.linked.get(to).copied().unwrap_or(0);
                let rest = self.all.persons.saturating_sub(linked);
                let total = veil::tells(linked, rest, k).then(|| shown(&self.all, to, rules));
                Link { to: other.name.clone(), total, tables: Vec::new() }
            })
            .collect();
        for table in &mut self.tables {
            for (link, made) in links.iter_mut().zip(table.veiled(self.others, rules)) {
                link.tables.push(made);
            }
        }
        Veiled { persons, links, histories }
    }
}

impl Table {
    /// By other source.
    ///
    /// Of how many persons the group is not known is a property of the records. It is a group like others where it could show a
    /// rate, and left out where not: the groups of whom it is known do not stand in for it.
    fn veiled(&mut self, others: &[Other], rules: Rules) -> Vec<LinkTable> {
        let named = self.names.len();
        if self.groups.last().is_some_and(|unknown| unknown.persons < 2 * rules.min_persons) {
            self.groups.truncate(named);
        } else {
            self.names.push(UNKNOWN.to_owned());
        }
        if self.axis == Axis::Software {
            for (group, behind) in self.groups.iter_mut().zip(&self.behind).take(named) {
                group.refused = (behind.len() as u64) < rules.min_institutions;
            }
        }
        let listed: Vec<Vec<bool>> =
            others.iter().map(|other| self.names.iter().map(|name| self.can_be(name, &other.name)).collect()).collect();
        let patterns = veil::withheld(&self.groups, &listed, rules.min_persons);
        let table = |(to, (pattern, listed)): (usize, (Vec<bool>, Vec<bool>))| {
            let cells = self.names.iter().zip(&self.groups).zip(pattern.iter().zip(&listed));
            let cells = cells.filter(|(_, (_, listed))| **listed).map(|((name, group), (withheld, _))| LinkCell {
                group: name.clone(),
                shown: (!withheld).then(|| shown(group, to, rules)),
            });
            LinkTable { axis: self.axis, cells: cells.collect() }
        };
        patterns.into_iter().zip(listed).enumerate().map(table).collect()
    }

    /// Whether persons of the group can be found in the source at all.
    fn can_be(&self, name: &str, source: &str) -> bool {
        let young = || BANDS.iter().any(|(from, band)| *band == name && *from < CARE_FROM);
        !(self.axis == Axis::Age && source == CARE && young())
    }
}

fn count(group: &mut Group, found: &[bool]) {
    group.persons += 1;
    for (linked, found) in group.linked.iter_mut().zip(found) {
        *linked += u64::from(*found);
    }
}

fn shown(group: &Group, to: usize, rules: Rules) -> Shown {
    let round = |count: u64| veil::rounded(count, rules.base, rules.min_persons);
    Shown { persons: round(group.persons), linked: round(group.linked.get(to).copied().unwrap_or(0)) }
}

fn band(age: i32) -> Option<&'static str> {
    BANDS.iter().rev().find(|(from, _)| age >= *from).map(|(_, name)| *name)
}
