//! Tests of gathering: what spills and what does not give the same atoms, as an independent count does.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;

use super::super::atoms::{Kind, Months};
use super::*;

/// What must come of the rows, by the words of [`Atoms`] alone.
fn numbered(rows: &[Atom]) -> Vec<[u32; KINDS]> {
    let mut sorted = rows.to_vec();
    sorted.sort_by_key(|atom| atom.id);
    let mut known: HashMap<(usize, [u8; 16]), u32> = HashMap::new();
    let mut counts = [0; KINDS];
    let mut number = |kind: usize, token: Option<[u8; 16]>| {
        let next = &mut counts[kind];
        token.map_or(0, |token| {
            *known.entry((kind, token)).or_insert_with(|| {
                *next += 1;
                *next
            })
        })
    };
    sorted.iter().map(|atom| std::array::from_fn(|kind| number(kind, atom.tokens[kind]))).collect()
}

fn tokens_of(atoms: &Atoms) -> Vec<[u32; KINDS]> {
    let all = (0..).take(atoms.len());
    all.map(|atom| Kind::AT_REST.map(|kind| atoms.token(atom, kind).unwrap_or(0))).collect()
}

/// Few different tokens, spread over the buckets, so that many are shared.
fn token() -> impl Strategy<Value = Option<[u8; 16]>> {
    let bytes = |(high, low): (u8, u8)| std::array::from_fn(|at| if at == 0 { high } else { low });
    proptest::option::of((0_u8..=255).prop_flat_map(|high| (Just(high & 0xF0), 0_u8..2)).prop_map(bytes))
}

prop_compose! {
    fn row()(source in 0_u8..5, batch: u32, tokens in proptest::array::uniform10(token()), months in proptest::option::of((-9999_i32..24_500, 0_i32..200))) -> Atom {
        let months = months.map(|(first, length)| Months { first, last: first + length });
        Atom { id: [0; 16], source, batch, tokens, months }
    }
}

prop_compose! {
    fn rows()(ids in proptest::collection::btree_set(any::<[u8; 16]>(), 0..120))
        (rows in proptest::collection::vec(row(), ids.len()), ids in Just(ids)) -> Vec<Atom> {
        ids.into_iter().zip(rows).map(|(id, row)| Atom { id, ..row }).collect()
    }
}

fn gathered(rows: &[Atom], parts: &[usize], memory_max: Option<usize>) -> Result<Atoms, Fault> {
    let dir = tempfile::tempdir().unwrap();
    let mut shares: Vec<Gather> = (0..3)
        .map(|_| memory_max.map_or_else(Gather::in_memory, |most| Gather::on_disk(most, dir.path()).unwrap()))
        .collect();
    for (row, part) in rows.iter().zip(parts) {
        shares[*part].push(row).unwrap();
    }
    let atoms = Gather::finish(shares, 3);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    atoms
}

proptest! {
    #[test]
    fn any_order_and_any_split_on_disk_or_in_memory_give_what_the_words_say(
        (rows, mixed) in rows().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
        parts in proptest::collection::vec(0_usize..3, 120),
        memory_max in proptest::option::of(0_usize..4000),
    ) {
        let mut atoms = gathered(&mixed, &parts, memory_max).unwrap();
        prop_assert_eq!(tokens_of(&atoms), numbered(&rows));
        prop_assert_eq!(tokens_of(&Atoms::new(rows.clone()).unwrap()), numbered(&rows));
        prop_assert_eq!(atoms.ids(), rows.iter().map(|row| row.id).collect::<Vec<_>>());
        prop_assert_eq!(atoms.sources(), rows.iter().map(|row| row.source).collect::<Vec<_>>());
        prop_assert_eq!(atoms.batches(), rows.iter().map(|row| row.batch).collect::<Vec<_>>());
        for (atom, row) in (0..).zip(&rows) {
            prop_assert_eq!(atoms.months(atom), row.months);
        }
        for kind in Kind::AT_REST {
            let mut wanted: Vec<Vec<u32>> = Vec::new();
            for (atom, row) in (0_u32..).zip(numbered(&rows)).filter(|(_, row)| row[kind.place()] > 0) {
                let token = row[kind.place()] as usize;
                wanted.resize(wanted.len().max(token), Vec::new());
                wanted[token - 1].push(atom);
            }
            prop_assert_eq!(atoms.distinct(kind) as usize, wanted.len());
            let spelled: Vec<Vec<Named>> = atoms.spelled(kind).collect::<Result<_, _>>().unwrap();
            let spelled: Vec<([u8; 12], u32)> =
                spelled.iter().flatten().map(|name| (*name.token().first_chunk().unwrap(), name.number())).collect();
            let name = |(row, numbers): (&Atom, [u32; KINDS])| {
                Some((*row.tokens[kind.place()]?.first_chunk().unwrap(), numbers[kind.place()]))
            };
            let names: BTreeMap<[u8; 12], u32> = rows.iter().zip(numbered(&rows)).filter_map(name).collect();
            prop_assert_eq!(spelled, names.into_iter().collect::<Vec<_>>());
            wanted.retain(|group| group.len() > 1);
            let groups = |atoms: &Atoms| atoms.groups(kind).into_iter().map(<[u32]>::to_vec).collect::<Vec<_>>();
            prop_assert_eq!(groups(&atoms), wanted.clone());
            if let Some(first) = wanted.first().and_then(|group| group.first()) {
                let counted = |atoms: &Atoms| atoms.multiplicities(kind);
                let (token, mut counts) = (atoms.token(*first, kind).unwrap(), counted(&atoms));
                prop_assert_eq!(counts[token as usize] as usize, wanted[0].len());
                prop_assert_eq!(counts.iter().sum::<u32>() as usize, atoms.of_kind(kind).count());
                atoms.set_apart(kind, token, 1000);
                prop_assert_eq!(groups(&atoms), &wanted[1..]);
                counts[token as usize] = 1000;
                prop_assert_eq!(counted(&atoms), counts);
            }
        }
    }

    #[test]
    fn an_atom_that_comes_twice_is_noticed_wherever_it_stands(
        rows in rows(), again in any::<prop::sample::Index>(), parts in proptest::collection::vec(0_usize..3, 121),
        memory_max in proptest::option::of(0_usize..4000),
    ) {
        prop_assume!(!rows.is_empty());
        let twice = Atom { source: 0, ..rows[again.index(rows.len())].clone() };
        let rows: Vec<Atom> = rows.into_iter().chain([twice]).collect();
        prop_assert!(matches!(gathered(&rows, &parts, memory_max), Err(Fault::Twice)));
    }
}

#[test]
fn tokens_that_differ_in_the_twelfth_byte_alone_differ_and_ids_in_the_last() {
    let near = |which: usize, last: u8| std::array::from_fn(|at| if at == which { last } else { 7 });
    let tokens = |token| [Some(near(11, token)); KINDS];
    let row = |id, token| Atom { id: near(15, id), source: 0, batch: 0, tokens: tokens(token), months: None };
    let atoms = Atoms::new(vec![row(2, 1), row(1, 2), row(3, 1)]).unwrap();
    assert_eq!(tokens_of(&atoms), [[1; KINDS], [2; KINDS], [2; KINDS]]);
}

#[test]
fn nothing_makes_nothing() {
    assert_eq!(gathered(&[], &[], Some(0)).unwrap().len(), 0);
}
