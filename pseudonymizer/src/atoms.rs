//! Atoms: the distinct sets of identifiers of a batch, and what records say of their persons. Readers write entries; the end of
//! the batch gathers them by atom. An atom's id is random to everybody without the batch's own key.

use jiff::civil::Date;

use crate::tokens::{KINDS, Token};

/// Who and which record a row belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner {
    /// The atom's id.
    pub(crate) atom: Token,
    /// Surrogate of the record; also its claim, stay or document id.
    pub(crate) record: u64,
}

/// Where a person lives, as far as a record tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Home {
    /// Five digits as a number.
    pub(crate) municipality: Option<u32>,
    /// 1 to 47.
    pub(crate) prefecture: u8,
}

/// What one record adds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sighting {
    /// Date of the record.
    pub(crate) on: Option<Date>,
    /// Last date of the record, where it spans some (a stay).
    pub(crate) until: Option<Date>,
    /// Where the person lives.
    pub(crate) home: Option<Home>,
    /// First of the month of death.
    pub(crate) died: Option<Date>,
}

/// What an identity gives its atom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AtomEntry {
    pub(crate) id: Token,
    pub(crate) tokens: [Option<Token>; KINDS],
    /// Days since 1970-01-01, as all dates here.
    pub(crate) birth_date: Option<i32>,
    pub(crate) birth_month: Option<i32>,
    /// `1` or `2`.
    pub(crate) sex: Option<u8>,
    /// Whether an insurer is part of it.
    pub(crate) insured: bool,
    /// Its normalised identifiers, for the holder alone.
    pub(crate) fields: Vec<Option<String>>,
}

/// A sighting with whom it belongs to, days as numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SightingEntry {
    pub(crate) atom: Token,
    pub(crate) record: u64,
    on: Option<i32>,
    until: Option<i32>,
    home: Option<Home>,
    died: Option<i32>,
}

/// What the batch knows of one atom.
#[derive(Clone, Debug)]
pub(crate) struct AtomFacts {
    pub(crate) entry: AtomEntry,
    pub(crate) home: Option<(i32, Home)>,
    pub(crate) seen: Option<(i32, i32)>,
    pub(crate) died: Option<i32>,
}

/// No day: before any calendar.
const NO_DAY: i32 = i32::MIN;

/// Length of a field that is not there; no identifier is so long.
const NO_FIELD: u16 = u16::MAX;

impl AtomEntry {
    /// Appends the entry.
    pub(crate) fn put(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.id);
        for token in &self.tokens {
            to.push(u8::from(token.is_some()));
            to.extend_from_slice(token.as_ref().map_or(&[][..], |token| token));
        }
        for day in [self.birth_date, self.birth_month] {
            to.extend_from_slice(&day.unwrap_or(NO_DAY).to_be_bytes());
        }
        to.extend_from_slice(&[self.sex.unwrap_or(0), u8::from(self.insured)]);
        let fields = self.fields.get(..usize::from(u8::MAX)).unwrap_or(&self.fields);
        to.push(u8::try_from(fields.len()).unwrap_or(u8::MAX));
        for field in fields {
            let field = field.as_deref().filter(|field| field.len() < usize::from(NO_FIELD));
            let length = field.map_or(NO_FIELD, |field| u16::try_from(field.len()).unwrap_or(NO_FIELD));
            to.extend_from_slice(&length.to_be_bytes());
            to.extend_from_slice(field.unwrap_or_default().as_bytes());
        }
    }

    /// Reads all entries of a piece; what is cut short ends it.
    pub(crate) fn all(mut bytes: &[u8]) -> Vec<Self> {
        let mut entries = Vec::new();
        while let Some(entry) = Self::take(&mut bytes) {
            entries.push(entry);
        }
        entries
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let id = *chunk(bytes)?;
        let mut tokens = [None; KINDS];
        for token in &mut tokens {
            if *chunk::<1>(bytes)? == [1] {
                *token = Some(*chunk(bytes)?);
            }
        }
        let birth_date = day(i32::from_be_bytes(*chunk(bytes)?));
        let birth_month = day(i32::from_be_bytes(*chunk(bytes)?));
        let [sex, insured, count] = *chunk(bytes)?;
        let mut fields = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            let length = u16::from_be_bytes(*chunk(bytes)?);
            if length == NO_FIELD {
                fields.push(None);
                continue;
            }
            let (field, rest) = bytes.split_at_checked(usize::from(length))?;
            fields.push(Some(String::from_utf8(field.to_vec()).ok()?));
            *bytes = rest;
        }
        Some(Self {
            id,
            tokens,
            birth_date,
            birth_month,
            sex: Some(sex).filter(|sex| *sex != 0),
            insured: insured == 1,
            fields,
        })
    }

    /// Takes over what the other entry of the same atom knows and this one does not.
    fn fill(&mut self, other: Self) {
        for (own, other) in self.tokens.iter_mut().zip(other.tokens) {
            *own = own.or(other);
        }
        self.birth_date = self.birth_date.or(other.birth_date);
        self.birth_month = self.birth_month.or(other.birth_month);
        self.sex = self.sex.or(other.sex);
        self.insured |= other.insured;
        for (own, other) in self.fields.iter_mut().zip(other.fields) {
            if own.is_none() {
                *own = other;
            }
        }
    }

    /// Richer entries first, then by what they say: the result is a function of the set.
    fn rank(&self) -> impl Ord + use<> {
        let empty = self.fields.iter().filter(|field| field.is_none()).count();
        (empty, self.fields.clone())
    }
}

impl SightingEntry {
    /// A sighting of an owner. Without a date it says that a record stands, and what it tells of a death.
    pub(crate) fn of(owner: Owner, sighting: &Sighting) -> Self {
        Self {
            atom: owner.atom,
            record: owner.record,
            on: sighting.on.map(catalog::codes::days),
            until: sighting.until.map(catalog::codes::days),
            home: sighting.home,
            died: sighting.died.map(catalog::codes::days),
        }
    }

    /// Appends the entry.
    pub(crate) fn put(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.atom);
        to.extend_from_slice(&self.record.to_be_bytes());
        to.extend_from_slice(&self.on.unwrap_or(NO_DAY).to_be_bytes());
        to.extend_from_slice(&self.until.unwrap_or(NO_DAY).to_be_bytes());
        to.push(self.home.map_or(0, |home| home.prefecture));
        to.extend_from_slice(&self.home.and_then(|home| home.municipality).unwrap_or(0).to_be_bytes());
        to.extend_from_slice(&self.died.unwrap_or(NO_DAY).to_be_bytes());
    }

    /// Reads all entries of a piece.
    pub(crate) fn all(mut bytes: &[u8]) -> Vec<Self> {
        let mut entries = Vec::with_capacity(bytes.len() / 41);
        while let Some(entry) = Self::take(&mut bytes) {
            entries.push(entry);
        }
        entries
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let atom = *chunk(bytes)?;
        let record = u64::from_be_bytes(*chunk(bytes)?);
        let on = day(i32::from_be_bytes(*chunk(bytes)?));
        let until = day(i32::from_be_bytes(*chunk(bytes)?));
        let [prefecture] = *chunk(bytes)?;
        let municipality = Some(u32::from_be_bytes(*chunk(bytes)?)).filter(|code| *code != 0);
        let died = day(i32::from_be_bytes(*chunk(bytes)?));
        let home = (prefecture != 0).then_some(Home { municipality, prefecture });
        Some(Self { atom, record, on, until, home, died })
    }
}

fn chunk<'a, const N: usize>(bytes: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (chunk, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(chunk)
}

fn day(days: i32) -> Option<i32> {
    Some(days).filter(|days| *days != NO_DAY)
}

/// Gathers entries and sightings to atoms, in the order of their ids. Atoms without any sighting are left out: no record that
/// stands is theirs.
pub(crate) fn gather(mut entries: Vec<AtomEntry>, mut sightings: Vec<SightingEntry>) -> Vec<AtomFacts> {
    entries.sort_unstable_by_key(|entry| entry.id);
    // Few atoms have several entries; their order must not depend on that of the files.
    for same in entries.chunk_by_mut(|a, b| a.id == b.id).filter(|same| same.len() > 1) {
        same.sort_by_cached_key(AtomEntry::rank);
    }
    sightings.sort_unstable_by_key(|sighting| sighting.atom);
    let mut of_atoms = sightings.chunk_by(|a, b| a.atom == b.atom).peekable();
    let mut facts: Vec<AtomFacts> = Vec::new();
    for entry in entries {
        if let Some(last) = facts.last_mut().filter(|last| last.entry.id == entry.id) {
            last.entry.fill(entry);
            continue;
        }
        while of_atoms.next_if(|group| group.first().is_some_and(|first| first.atom < entry.id)).is_some() {}
        let own = of_atoms.next_if(|group| group.first().is_some_and(|first| first.atom == entry.id));
        facts.extend(own.map(|own| seen(entry, own)));
    }
    facts
}

fn seen(entry: AtomEntry, sightings: &[SightingEntry]) -> AtomFacts {
    let first = sightings.iter().filter_map(|sighting| sighting.on).min();
    let last = sightings.iter().filter_map(|sighting| sighting.until.max(sighting.on)).max();
    let home = sightings.iter().filter_map(|sighting| Some((sighting.on?, sighting.home?)));
    let home = home.max_by_key(|(on, home)| (*on, home.municipality.is_some(), *home));
    let died = sightings.iter().filter_map(|sighting| sighting.died).min();
    AtomFacts { entry, home, seen: first.zip(last), died }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn entry(id: u8, fields: &[&str]) -> AtomEntry {
        AtomEntry {
            id: [id; 16],
            tokens: std::array::from_fn(|kind| (kind % 2 == 0).then_some([7; 16])),
            birth_date: (!fields.is_empty()).then_some(-4_309),
            birth_month: None,
            sex: Some(b'1'),
            insured: true,
            fields: fields.iter().map(|field| Some((*field).to_owned()).filter(|field| !field.is_empty())).collect(),
        }
    }

    fn owner(id: u8, record: u64) -> Owner {
        Owner { atom: [id; 16], record }
    }

    #[test]
    fn facts_gather_by_atom_and_the_newest_home_stands() {
        let tokyo = Home { prefecture: 13, municipality: None };
        let shibuya = Home { prefecture: 13, municipality: Some(13113) };
        let say = |on, home, died| Sighting { on: Some(on), home, died, until: None };
        let sightings = [
            say(date(2022, 9, 1), Some(tokyo), None),
            say(date(2022, 7, 1), Some(shibuya), None),
            say(date(2022, 9, 1), Some(shibuya), Some(date(2022, 9, 1))),
        ];
        let sightings = sightings.iter().zip(1..).map(|(one, n)| SightingEntry::of(owner(2, n), one)).collect();
        let poor = AtomEntry { birth_date: None, sex: None, ..entry(2, &["", "x"]) };
        let facts = gather(vec![poor, entry(2, &["a", "x"]), entry(3, &["b"])], sightings);
        assert_eq!(facts.len(), 1, "an atom that no record stands for is left out");
        let days = catalog::codes::days;
        assert_eq!(facts[0].seen, Some((days(date(2022, 7, 1)), days(date(2022, 9, 1)))));
        assert_eq!(facts[0].home.unwrap().1, shibuya);
        assert_eq!(facts[0].died, Some(days(date(2022, 9, 1))));
        assert_eq!((facts[0].entry.birth_date, facts[0].entry.fields[0].as_deref()), (Some(-4_309), Some("a")));
    }

    proptest! {
        #[test]
        fn entries_come_back_as_written(fields in proptest::collection::vec(proptest::option::of(".{0,20}"), 0..5), id in any::<u8>()) {
            let entry = AtomEntry { fields, ..entry(id, &[]) };
            let mut bytes = Vec::new();
            entry.put(&mut bytes);
            entry.put(&mut bytes);
            prop_assert_eq!(AtomEntry::all(&bytes), vec![entry.clone(), entry]);
        }

        #[test]
        fn pieces_cut_short_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _entries = (AtomEntry::all(&bytes), SightingEntry::all(&bytes));
        }
    }
}
