//! Atoms that share a token, kind by kind, in one flat buffer.

/// Groups of at least two atoms, one after the other.
pub(crate) struct Groups {
    members: Vec<u32>,
    /// Where each group ends among the members.
    ends: Vec<u32>,
}

impl Groups {
    /// `tokens`: each atom that has one, ascending, with its token, numbered from 1 to `distinct`. Groups come in the order of their
    /// tokens' numbers, members ascending.
    pub(crate) fn new<I: Iterator<Item = (u32, u32)>>(distinct: u32, tokens: impl Fn() -> I) -> Self {
        const ALONE: u32 = u32::MAX;
        let mut places = vec![0_u32; distinct as usize];
        let place_of = |token: u32| token.wrapping_sub(1) as usize;
        tokens().for_each(|(_, token)| {
            if let Some(count) = places.get_mut(place_of(token)) {
                *count += 1;
            }
        });
        let mut at = 0;
        for place in &mut places {
            let count = *place;
            *place = if count > 1 { at } else { ALONE };
            at += if count > 1 { count } else { 0 };
        }
        let mut members = vec![0; at as usize];
        tokens().for_each(|(atom, token)| {
            let Some(place) = places.get_mut(place_of(token)).filter(|place| **place != ALONE) else { return };
            if let Some(member) = members.get_mut(*place as usize) {
                *member = atom;
            }
            *place += 1;
        });
        // Each place has moved on to the end of its group.
        places.retain(|place| *place != ALONE);
        places.shrink_to_fit();
        Self { members, ends: places }
    }
}

impl<'a> IntoIterator for &'a Groups {
    type Item = &'a [u32];
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        Iter { rest: &self.members, begun: 0, ends: self.ends.iter() }
    }
}

/// The groups, each a slice of its atoms.
pub(crate) struct Iter<'a> {
    rest: &'a [u32],
    begun: u32,
    ends: std::slice::Iter<'a, u32>,
}

impl<'a> Iterator for Iter<'a> {
    type Item = &'a [u32];

    fn next(&mut self) -> Option<&'a [u32]> {
        let end = *self.ends.next()?;
        let (group, rest) = self.rest.split_at_checked(end.checked_sub(self.begun)? as usize)?;
        (self.rest, self.begun) = (rest, end);
        Some(group)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn groups_are_those_of_a_map(tokens in proptest::collection::vec(0_u32..20, 0..100)) {
            let mut map: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
            for (atom, token) in (0..).zip(&tokens).filter(|(_, token)| **token > 0) {
                map.entry(*token).or_default().push(atom);
            }
            let groups = Groups::new(19, || (0..).zip(tokens.iter().copied()).filter(|(_, token)| *token > 0));
            let found: Vec<Vec<u32>> = groups.into_iter().map(<[u32]>::to_vec).collect();
            prop_assert_eq!(found, map.into_values().filter(|group| group.len() > 1).collect::<Vec<_>>());
        }
    }
}
