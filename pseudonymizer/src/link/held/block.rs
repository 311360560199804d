//! A block: atoms that share tokens, directly or through others, with their persons and what else is known of them. What happens in
//! one never depends on another, so that a block is what is read, linked again, and written anew.

use super::bytes::{Bytes, put, put_signed};
use crate::link::atoms::{Atom, KINDS, Months};
use crate::link::crosswalk::Grade;
use crate::link::keys::Person;

/// How a grade is written in a block.
fn code(grade: Grade) -> u8 {
    match grade {
        Grade::Single => 0,
        Grade::Strong => 1,
        Grade::Scored => 2,
    }
}

fn grade(written: u8) -> Option<Grade> {
    [Grade::Single, Grade::Strong, Grade::Scored].into_iter().find(|grade| code(*grade) == written)
}

/// A person of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HeldPerson {
    pub(crate) key: u64,
    /// The run that gave the key.
    pub(crate) born: u32,
    pub(crate) grade: Grade,
    /// Place in the block of the atom that the key was given to first. None if it is gone.
    pub(crate) anchor: Option<u32>,
}

impl HeldPerson {
    pub(crate) fn person(&self, anchor: Option<[u8; 16]>) -> Person {
        Person { key: self.key, born: self.born, grade: self.grade, anchor }
    }
}

/// An atom of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HeldAtom {
    pub(crate) id: [u8; 16],
    pub(crate) number: u32,
    /// Place among the names of the sources.
    pub(crate) source: u8,
    /// Place among the batches.
    pub(crate) batch: u32,
    /// Numbers of its tokens, by the places of their kinds.
    pub(crate) tokens: [Option<u32>; KINDS],
    pub(crate) months: Option<Months>,
    /// Place of its person in the block.
    pub(crate) person: u32,
    /// Whether its person stays out of its source.
    pub(crate) out: bool,
    /// The sources whose lists touch it, as bits.
    pub(crate) listed: u128,
}

impl HeldAtom {
    /// Numbers of its tokens.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u32> {
        self.tokens.into_iter().flatten()
    }

    /// The atom to be linked again: [`stand_in`]s are its tokens.
    pub(crate) fn atom(&self) -> Atom {
        let tokens = self.tokens.map(|token| token.map(stand_in));
        Atom { id: self.id, source: self.source, batch: self.batch, tokens, months: self.months }
    }
}

/// A scored pair or an answer, by places in the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HeldPair {
    pub(crate) a: u32,
    pub(crate) b: u32,
    pub(crate) weight: i32,
    pub(crate) pattern: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) atoms: Vec<HeldAtom>,
    pub(crate) persons: Vec<HeldPerson>,
    pub(crate) pairs: Vec<HeldPair>,
    /// Two atoms, and whether they are one person.
    pub(crate) verdicts: Vec<(u32, u32, bool)>,
}

/// Stands for a token of that number: zeros before and after it, among the bytes by which tokens are told apart
/// ([`Named`](crate::link::names::Named)). No permuted token begins with so many but by an accident of 1 in 2^64.
pub(crate) fn stand_in(number: u32) -> [u8; 16] {
    (u128::from(number) << u32::BITS).to_be_bytes()
}

/// The number that a token stands for, if it is no token but a stand-in.
pub(crate) fn number_in(token: &[u8; 16]) -> Option<u32> {
    let value = u128::from_be_bytes(*token);
    if value & u128::from(u32::MAX) == 0 { u32::try_from(value >> u32::BITS).ok() } else { None }
}

impl Block {
    /// As one that nothing is in yet, its room kept.
    pub(super) fn clear(&mut self) {
        self.atoms.clear();
        self.persons.clear();
        self.pairs.clear();
        self.verdicts.clear();
    }

    /// Appends the block. `tokens`: room for the numbers of its tokens.
    pub(super) fn encode(&self, tokens: &mut Vec<u32>, to: &mut Vec<u8>) {
        tokens.clear();
        tokens.extend(self.atoms.iter().flat_map(HeldAtom::numbers));
        tokens.sort_unstable();
        tokens.dedup();
        put(tokens.len() as u64, to);
        let mut last = 0;
        for token in tokens.iter() {
            put(u64::from(token - last), to);
            last = *token;
        }
        put(self.persons.len() as u64, to);
        for person in &self.persons {
            to.extend_from_slice(&person.key.to_le_bytes());
            to.push(code(person.grade));
            put(u64::from(person.born), to);
            put(person.anchor.map_or(0, |place| u64::from(place) + 1), to);
        }
        put(self.atoms.len() as u64, to);
        let mut last = 0;
        for held in &self.atoms {
            held.encode(i64::from(last), tokens, to);
            last = held.number;
        }
        put(self.pairs.len() as u64, to);
        for pair in &self.pairs {
            put(u64::from(pair.a), to);
            put(u64::from(pair.b), to);
            put_signed(i64::from(pair.weight), to);
            put(pair.pattern, to);
        }
        put(self.verdicts.len() as u64, to);
        for (a, b, same) in &self.verdicts {
            put(u64::from(*a), to);
            put(u64::from(*b), to);
            to.push(u8::from(*same));
        }
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut from = Bytes(bytes);
        let mut last = 0_u32;
        let mut token = |from: &mut Bytes<'_>| {
            last = last.checked_add(from.small()?)?;
            Some(last)
        };
        let tokens: Vec<u32> = (0..from.number()?).map(|_| token(&mut from)).collect::<Option<_>>()?;
        let person = |from: &mut Bytes<'_>| {
            let key = u64::from_le_bytes(from.array()?);
            let [written] = from.array()?;
            Some(HeldPerson { key, grade: grade(written)?, born: from.small()?, anchor: from.small()?.checked_sub(1) })
        };
        let persons = (0..from.number()?).map(|_| person(&mut from)).collect::<Option<_>>()?;
        let mut atoms: Vec<HeldAtom> = Vec::new();
        for _ in 0..from.number()? {
            let last = atoms.last().map_or(0, |held| held.number);
            atoms.push(HeldAtom::decode(i64::from(last), &tokens, &mut from)?);
        }
        let pair = |from: &mut Bytes<'_>| {
            let (a, b) = (from.small()?, from.small()?);
            Some(HeldPair { a, b, weight: i32::try_from(from.signed()?).ok()?, pattern: from.number()? })
        };
        let pairs = (0..from.number()?).map(|_| pair(&mut from)).collect::<Option<_>>()?;
        let verdict = |from: &mut Bytes<'_>| {
            let (a, b, [same]) = (from.small()?, from.small()?, from.array()?);
            Some((a, b, same == 1))
        };
        let verdicts = (0..from.number()?).map(|_| verdict(&mut from)).collect::<Option<_>>()?;
        Some(Self { atoms, persons, pairs, verdicts })
    }
}

const OUT: u8 = 1;
const LISTED: u8 = 2;

impl HeldAtom {
    fn encode(&self, last: i64, tokens: &[u32], to: &mut Vec<u8>) {
        put_signed(i64::from(self.number) - last, to);
        to.extend_from_slice(&self.id);
        to.push(self.source);
        put(u64::from(self.batch), to);
        let flags = if self.out { OUT } else { 0 } | if self.listed == 0 { 0 } else { LISTED };
        to.push(flags);
        if self.listed != 0 {
            to.extend_from_slice(&self.listed.to_le_bytes());
        }
        put(u64::from(self.person), to);
        match self.months {
            None => to.push(0),
            Some(Months { first, last }) => {
                put(u64::from(first.unsigned_abs()) + 1, to);
                put_signed(i64::from(last) - i64::from(first), to);
            }
        }
        for token in &self.tokens {
            let place = token.and_then(|number| tokens.binary_search(&number).ok());
            put(place.map_or(0, |place| place as u64 + 1), to);
        }
    }

    fn decode(last: i64, tokens: &[u32], from: &mut Bytes<'_>) -> Option<Self> {
        let number = u32::try_from(last.checked_add(from.signed()?)?).ok()?;
        let (id, [source], batch, [flags]) = (from.array()?, from.array()?, from.small()?, from.array()?);
        let listed = if flags & LISTED == 0 { 0 } else { u128::from_le_bytes(from.array()?) };
        let person = from.small()?;
        let months = match from.small()? {
            0 => None,
            first => {
                let first = i32::try_from(first - 1).ok()?;
                Some(Months { first, last: first.checked_add(i32::try_from(from.signed()?).ok()?)? })
            }
        };
        let mut held = [None; KINDS];
        for token in &mut held {
            if let Some(place) = from.number()?.checked_sub(1) {
                *token = Some(*tokens.get(usize::try_from(place).ok()?)?);
            }
        }
        Some(Self { id, number, source, batch, tokens: held, months, person, out: flags & OUT != 0, listed })
    }
}
