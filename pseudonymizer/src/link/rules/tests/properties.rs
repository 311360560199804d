//! The partition is a function of the set of what is known, and local: made-up atoms that contradict each other in every way.

use std::collections::HashMap;

use proptest::prelude::*;

use super::super::super::atoms::KINDS;
use super::*;

/// Few values, so that atoms share and contradict: chains of namesakes, twins, placeholders, strangers glued by crafted atoms.
fn any_atoms(most: usize) -> impl Strategy<Value = Vec<Atom>> {
    let kinds = ["a1", "a2", "a3", "b1", "b2", "b3", "c1", "c2", "c3", "d1"];
    let cells: Vec<_> =
        kinds.iter().map(|_| prop_oneof![5 => Just(None), 1 => Just(Some(0)), 4 => (1..6_u8).prop_map(Some)]).collect();
    let one = (0..4_usize, proptest::option::weighted(0.9, (0..36_u32, 0..14_u32)), cells).prop_map(
        move |(source, months, cells)| {
            let month = |month: u32| format!("{}-{}", 2020 + month / 12, month % 12 + 1);
            let months =
                months.map_or_else(String::new, |(first, long)| format!("{}..{}", month(first), month(first + long)));
            let tokens = kinds.iter().zip(cells).filter_map(|(kind, cell)| Some(format!("{kind}={}", cell?)));
            format!("{} {months} {}", catalog::SOURCES[source], tokens.collect::<Vec<_>>().join(" "))
        },
    );
    proptest::collection::vec(one, 1..most)
        .prop_map(|all| (0..).zip(all).map(|(number, words): (u32, _)| atom(&format!("{number} {words}"))).collect())
}

fn any_case(most: usize) -> impl Strategy<Value = Case> {
    let two = (0..most, 0..most);
    let verdicts = proptest::collection::vec((two.clone(), any::<bool>()), 0..4);
    let pairs = proptest::collection::vec((two, prop_oneof![Just(12_000), 0..14_000_i32]), 0..12);
    (any_atoms(most), verdicts, pairs).prop_map(|(atoms, verdicts, pairs)| {
        let known = |(a, b): (usize, usize)| {
            let (a, b) = (a % atoms.len(), b % atoms.len());
            (a != b).then_some((a.min(b) as u128, a.max(b) as u128))
        };
        // One answer, one score a pair.
        let verdicts: BTreeMap<_, _> =
            verdicts.into_iter().filter_map(|(two, same)| Some((known(two)?, same))).collect();
        let pairs: BTreeMap<_, _> = pairs.into_iter().filter_map(|(two, weight)| Some((known(two)?, weight))).collect();
        Case {
            atoms,
            verdicts: verdicts.into_iter().map(|((a, b), same)| (a, b, same)).collect(),
            pairs: pairs.into_iter().map(|((a, b), weight)| (a, b, weight)).collect(),
        }
    })
}

/// Thresholds so low that a few atoms are over them.
fn strict() -> LinkagePolicy {
    let mut policy = policy().clone();
    (policy.hubs.atoms, policy.hubs.identities, policy.hubs.components) = (6, 3, 3);
    (policy.caps.insurer_lines, policy.caps.family_names, policy.caps.births, policy.caps.atoms) = (4, 2, 1, 9);
    policy
}

/// By kind and token, how many atoms have it.
type Holders = HashMap<(usize, [u8; 16]), usize>;

impl Case {
    /// What is known of the atoms of one block, without the tokens that `keep` does not keep.
    fn block(&self, members: &BTreeSet<u128>, keep: impl Fn(usize, [u8; 16]) -> bool) -> Self {
        let inside = |a: &u128| members.contains(a);
        let mut atoms: Vec<Atom> =
            self.atoms.iter().zip(0..).filter(|(_, n)| inside(n)).map(|(a, _)| a.clone()).collect();
        for atom in &mut atoms {
            for (place, token) in atom.tokens.iter_mut().enumerate() {
                *token = token.filter(|token| keep(place, *token));
            }
        }
        let verdicts = self.verdicts.iter().filter(|(a, ..)| inside(a)).copied().collect();
        let pairs = self.pairs.iter().filter(|(a, ..)| inside(a)).copied().collect();
        Self { atoms, verdicts, pairs }
    }

    /// Atoms connected by tokens that at most `most` share, by pairs, or by answers; and how many share each token.
    fn blocks(&self, most: usize) -> (Vec<BTreeSet<u128>>, Holders) {
        let mut sharing: HashMap<(usize, [u8; 16]), Vec<u32>> = HashMap::new();
        for (atom, number) in self.atoms.iter().zip(0..) {
            for (place, token) in atom.tokens.iter().enumerate() {
                if let Some(token) = token {
                    sharing.entry((place, *token)).or_default().push(number);
                }
            }
        }
        let mut blocks = Components::new(self.atoms.len());
        for group in sharing.values().filter(|group| group.len() <= most) {
            for two in group.windows(2) {
                blocks.union(two[0], two[1]);
            }
        }
        let known = self.verdicts.iter().map(|(a, b, _)| (a, b)).chain(self.pairs.iter().map(|(a, b, _)| (a, b)));
        known.for_each(|(a, b)| {
            blocks.union(u32::try_from(*a).unwrap(), u32::try_from(*b).unwrap());
        });
        let mut sets: BTreeMap<u32, BTreeSet<u128>> = BTreeMap::new();
        for (number, root) in (0..).zip(blocks.roots()) {
            sets.entry(root).or_default().insert(number);
        }
        let counts = sharing.into_iter().map(|(token, group)| (token, group.len())).collect();
        (sets.into_values().collect(), counts)
    }
}

type Asked = Vec<(i32, Option<Veto>)>;

fn asked(partition: &Partition) -> Asked {
    let mut asked: Asked = partition.grey.iter().map(|grey| (grey.pair.weight, grey.against)).collect();
    asked.sort_unstable();
    asked
}

fn add(to: &mut BTreeMap<&'static str, u64>, more: &BTreeMap<&'static str, u64>) {
    for (name, count) in more {
        *to.entry(name).or_default() += count;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Who is one person does not depend on the order in which atoms, pairs and answers come.
    #[test]
    fn order_does_not_matter((case, atoms, pairs, verdicts) in any_case(40).prop_flat_map(|case| {
        let (atoms, pairs, verdicts) = (case.atoms.clone(), case.pairs.clone(), case.verdicts.clone());
        (Just(case), Just(atoms).prop_shuffle(), Just(pairs).prop_shuffle(), Just(verdicts).prop_shuffle())
    })) {
        for policy in [policy(), &strict()] {
            let (found, partition) = case.run(policy);
            let shuffled = Case { atoms: atoms.clone(), pairs: pairs.clone(), verdicts: verdicts.clone() };
            let (again, other) = shuffled.run(policy);
            prop_assert_eq!(&found, &again);
            prop_assert_eq!(&partition.grey, &other.grey);
            prop_assert_eq!(&partition.vetoes, &other.vetoes);
            prop_assert_eq!(&partition.joined, &other.joined);
        }
    }

    /// Nor on what the tokens are, only on which atoms share them: a new key, a new numbering.
    #[test]
    fn numbering_does_not_matter(case in any_case(40), key in 1..=u8::MAX) {
        let mut renamed = case.clone();
        for (place, token) in renamed.atoms.iter_mut().flat_map(|atom| atom.tokens.iter_mut().enumerate()) {
            let token = token.as_mut();
            token.into_iter().flatten().for_each(|byte| *byte = (*byte ^ key).rotate_left(u32::try_from(place).unwrap()));
        }
        for policy in [policy(), &strict()] {
            prop_assert_eq!(case.run(policy).0, renamed.run(policy).0);
        }
    }

    /// What happens in one block depends on no other: the partition of the whole is the union of those of its blocks, even where a
    /// placeholder lies across them.
    #[test]
    fn blocks_do_not_know_of_each_other(case in any_case(40)) {
        for policy in [policy(), &strict()] {
            let (found, partition) = case.run(policy);
            let (blocks, counts) = case.blocks(policy.hubs.atoms);
            let (mut union, mut grey): (Persons, Asked) = Default::default();
            let (mut joined, mut vetoes) = (BTreeMap::new(), BTreeMap::new());
            for block in blocks {
                let part = case.block(&block, |place, token| counts[&(place, token)] <= policy.hubs.atoms);
                let (persons, of_part) = part.run(policy);
                union.extend(persons);
                grey.extend(asked(&of_part));
                add(&mut joined, &of_part.joined);
                add(&mut vetoes, &of_part.vetoes);
            }
            grey.sort_unstable();
            prop_assert_eq!(found, union);
            prop_assert_eq!(asked(&partition), grey);
            prop_assert_eq!(&partition.joined, &joined);
            prop_assert_eq!(&partition.vetoes, &vetoes);
        }
    }

    /// Whom an answer parts is never one person, and nobody has had more than one person can have.
    #[test]
    fn what_is_parted_stays_apart(case in any_case(60)) {
        let policy = strict();
        let (found, _) = case.run(&policy);
        for (a, b, _) in case.verdicts.iter().filter(|(.., same)| !same) {
            prop_assert!(!found.iter().any(|person| person.contains(a) && person.contains(b)));
        }
        let case = Case { verdicts: Vec::new(), ..case };
        let a3 = Kind::AT_REST.iter().position(|kind| *kind == Kind::A3).unwrap();
        let crowds = case.blocks(policy.hubs.atoms).1;
        for person in case.run(&policy).0 {
            let lines = person.iter().filter_map(|atom| case.atoms[usize::try_from(*atom).unwrap()].tokens[a3]);
            let lines: BTreeSet<_> = lines.filter(|line| crowds[&(a3, *line)] <= policy.hubs.atoms).collect();
            prop_assert!(lines.len() <= policy.caps.insurer_lines);
            prop_assert!(person.len() <= policy.caps.atoms);
        }
        prop_assert_eq!(KINDS, Kind::AT_REST.len());
    }
}
