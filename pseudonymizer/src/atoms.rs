//! Atoms: the distinct sets of identifiers of a batch. The map is keyed by a keyed digest, so it holds no identifier; an atom's id
//! is random.

use std::collections::HashMap;

use jiff::civil::Date;
use rand::Rng;

use crate::normalise::sex::Sex;
use crate::tokens::{Identity, KINDS, Token, TokenKeys};

/// Number of an atom within the batch.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Atom(usize);

/// Who and which record a row belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) atom: Atom,
    pub(crate) record: u64,
}

/// Where a person lives, as far as a record tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Home {
    /// 1 to 47.
    pub(crate) prefecture: u8,
    /// Five digits as a number.
    pub(crate) municipality: Option<u32>,
}

/// What the batch knows of one atom.
pub(crate) struct AtomFacts {
    pub(crate) id: Token,
    pub(crate) tokens: [Option<Token>; KINDS],
    pub(crate) birth_date: Option<Date>,
    pub(crate) birth_month: Option<Date>,
    pub(crate) sex: Option<&'static str>,
    pub(crate) home: Option<(Date, Home)>,
    pub(crate) seen: Option<(Date, Date)>,
    /// First and last month in which the atom's insurer stood on a record.
    pub(crate) insured: Option<(Date, Date)>,
    pub(crate) died: Option<Date>,
}

/// What one record adds.
#[derive(Clone, Copy, Default)]
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

/// All atoms of a batch, in order of first appearance.
#[derive(Default)]
pub(crate) struct Atoms {
    places: HashMap<Token, usize>,
    facts: Vec<AtomFacts>,
}

impl Atoms {
    /// The atom of an identity, new or known.
    pub(crate) fn of(&mut self, identity: &Identity, keys: &TokenKeys) -> Atom {
        let next = self.facts.len();
        let place = *self.places.entry(keys.digest(identity)).or_insert(next);
        if place == next {
            let mut id = [0; 16];
            rand::rng().fill_bytes(&mut id);
            let insured = identity.insurer.is_some() || identity.ltc_insurer.is_some();
            self.facts.push(AtomFacts {
                id,
                tokens: keys.tokens(identity),
                birth_date: identity.born(),
                birth_month: identity.birth.map(|birth| birth.month),
                sex: identity.sex.map(Sex::code),
                home: None,
                seen: None,
                insured: insured.then_some((Date::MAX, Date::MIN)),
                died: None,
            });
        }
        Atom(place)
    }

    /// Adds what a record says.
    pub(crate) fn saw(&mut self, atom: Atom, sighting: Sighting) {
        let (Some(facts), Some(on)) = (self.facts.get_mut(atom.0), sighting.on) else { return };
        let until = sighting.until.unwrap_or(on);
        facts.seen = Some(facts.seen.map_or((on, until), |(first, last)| (first.min(on), last.max(until))));
        facts.insured =
            facts.insured.map(|(first, last)| (first.min(on.first_of_month()), last.max(until.first_of_month())));
        if let Some(home) = sighting.home {
            let newer = facts.home.is_none_or(|(known_on, known)| {
                (on, home.municipality.is_some()) > (known_on, known.municipality.is_some())
            });
            if newer {
                facts.home = Some((on, home));
            }
        }
        facts.died = match (facts.died, sighting.died) {
            (Some(known), Some(said)) => Some(known.min(said)),
            (known, said) => known.or(said),
        };
    }

    /// The id that content carries.
    pub(crate) fn id(&self, atom: Atom) -> Token {
        self.facts.get(atom.0).map_or([0; 16], |facts| facts.id)
    }

    /// Whether anything links the atom.
    pub(crate) fn has_token(&self, atom: Atom) -> bool {
        self.facts.get(atom.0).is_some_and(|facts| facts.tokens.iter().any(Option::is_some))
    }

    /// All atoms, in the order of their random ids: the order of the files does not show.
    pub(crate) fn into_facts(self) -> Vec<AtomFacts> {
        let mut facts = self.facts;
        facts.sort_unstable_by_key(|facts| facts.id);
        facts
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use policies::keys::SecretBytes;

    use super::*;
    use crate::normalise::date;

    #[test]
    fn the_same_identifiers_are_one_atom_and_facts_gather() {
        let keys = TokenKeys::derive(&SecretBytes::from_slice(&[1; 32]).unwrap());
        let mut atoms = Atoms::default();
        let who = Identity { birth: date::birth(b"19580314"), sex: Sex::read("1"), ..Identity::default() };
        let first = atoms.of(&who, &keys);
        assert!(first == atoms.of(&who, &keys));
        assert!(first != atoms.of(&Identity { sex: None, ..who }, &keys));
        let tokyo = Home { prefecture: 13, municipality: None };
        let shibuya = Home { prefecture: 13, municipality: Some(13113) };
        atoms.saw(first, Sighting { on: Some(date(2022, 9, 1)), home: Some(tokyo), ..Sighting::default() });
        atoms.saw(first, Sighting { on: Some(date(2022, 7, 1)), home: Some(shibuya), ..Sighting::default() });
        atoms.saw(
            first,
            Sighting { on: Some(date(2022, 9, 1)), home: Some(shibuya), died: Some(date(2022, 9, 1)), until: None },
        );
        let facts = &atoms.facts[0];
        assert_eq!(facts.seen, Some((date(2022, 7, 1), date(2022, 9, 1))));
        assert_eq!(facts.home.unwrap().1, shibuya);
        assert_eq!(facts.died, Some(date(2022, 9, 1)));
        assert!(facts.insured.is_none());
    }
}
