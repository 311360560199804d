//! Which of several records of one key stands: the last valid one. Duplicates by content count once (返戻, 再請求, 取下げ; documents
//! that replace or delete one another).

use crate::tokens::Token;

/// Bytes of one entry.
const BYTES: usize = 16 + 16 + 8 + 8 + 8 + 1;
const TOGETHER: u8 = 1;
const WITHDRAWS: u8 = 2;

/// One record's entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    /// Keyed digest of what makes it the same record.
    pub(crate) key: Token,
    /// Later stands.
    pub(crate) order: i64,
    /// Order of reading: unit, then number in the unit.
    pub(crate) sequence: u64,
    /// Keyed digest of all that it says.
    pub(crate) content: Token,
    /// Its surrogate.
    pub(crate) record: u64,
    /// Whether several of one order stand beside each other.
    pub(crate) together: bool,
    /// Whether it takes away those of its key of its own and earlier orders.
    pub(crate) withdraws: bool,
}

impl Entry {
    /// Appends the entry.
    pub(crate) fn put(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.key);
        to.extend_from_slice(&self.content);
        to.extend_from_slice(&self.order.to_be_bytes());
        to.extend_from_slice(&self.sequence.to_be_bytes());
        to.extend_from_slice(&self.record.to_be_bytes());
        to.push(u8::from(self.together) * TOGETHER + u8::from(self.withdraws) * WITHDRAWS);
    }

    /// Reads all entries of a piece.
    pub(crate) fn all(bytes: &[u8]) -> impl Iterator<Item = Self> {
        bytes.chunks_exact(BYTES).filter_map(Self::read)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (key, rest) = bytes.split_first_chunk()?;
        let (content, rest) = rest.split_first_chunk()?;
        let (order, rest) = rest.split_first_chunk()?;
        let (sequence, rest) = rest.split_first_chunk()?;
        let (record, rest) = rest.split_first_chunk()?;
        let flags = *rest.first()?;
        Some(Self {
            key: *key,
            content: *content,
            order: i64::from_be_bytes(*order),
            sequence: u64::from_be_bytes(*sequence),
            record: u64::from_be_bytes(*record),
            together: flags & TOGETHER != 0,
            withdraws: flags & WITHDRAWS != 0,
        })
    }
}

/// Why an entry does not stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fallen {
    /// The same content stands already.
    Duplicate,
    /// A later one of its key stands in its place.
    Replaced,
    /// It was withdrawn, or is a withdrawal.
    Withdrawn,
}

/// The entries that do not stand, each with the reason. A function of the set of entries: their order does not matter.
pub(crate) fn fallen(mut entries: Vec<Entry>) -> Vec<(Entry, Fallen)> {
    entries.sort_unstable();
    let mut gone = Vec::new();
    for of_key in entries.chunk_by(|a, b| a.key == b.key) {
        let withdrawn = of_key.iter().filter(|entry| entry.withdraws).map(|entry| entry.order).max();
        let standing = of_key.iter().filter(|entry| withdrawn.is_none_or(|until| entry.order > until));
        let last = standing.clone().map(|entry| entry.order).max();
        let final_one = standing.map(|entry| (entry.order, entry.sequence)).max();
        let mut contents: Vec<Token> = Vec::new();
        for entry in of_key {
            let reason = if withdrawn.is_some_and(|until| entry.order <= until) {
                Some(Fallen::Withdrawn)
            } else if Some(entry.order) != last {
                Some(Fallen::Replaced)
            } else if contents.contains(&entry.content) {
                Some(Fallen::Duplicate)
            } else if !entry.together && Some((entry.order, entry.sequence)) != final_one {
                Some(same_content(entry, of_key, final_one))
            } else {
                contents.push(entry.content);
                None
            };
            gone.extend(reason.map(|reason| (*entry, reason)));
        }
    }
    gone
}

/// A record before the one that stands: a duplicate of it, or replaced by it.
fn same_content(entry: &Entry, of_key: &[Entry], stands: Option<(i64, u64)>) -> Fallen {
    let same = |other: &&Entry| Some((other.order, other.sequence)) == stands && other.content == entry.content;
    if of_key.iter().any(|other| same(&other)) { Fallen::Duplicate } else { Fallen::Replaced }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(key: u8, content: u8, order: i64, sequence: u64) -> Entry {
        Entry {
            key: [key; 16],
            content: [content; 16],
            order,
            sequence,
            record: sequence,
            together: true,
            withdraws: false,
        }
    }

    fn gone(entries: &[Entry]) -> Vec<(u64, Fallen)> {
        fallen(entries.to_vec()).into_iter().map(|(entry, why)| (entry.record, why)).collect()
    }

    #[test]
    fn the_last_valid_one_stands() {
        let (first, corrected, again) = (entry(1, 1, 24, 1), entry(1, 2, 25, 2), entry(1, 2, 25, 3));
        assert_eq!(gone(&[first, corrected, again]), [(1, Fallen::Replaced), (3, Fallen::Duplicate)]);
        assert_eq!(gone(&[first, entry(1, 2, 24, 2)]), [], "two of one month stand beside each other");
        let alone = |one: Entry| Entry { together: false, ..one };
        assert_eq!(gone(&[alone(first), alone(entry(1, 2, 24, 2))]), [(1, Fallen::Replaced)]);
        assert_eq!(gone(&[alone(first), alone(entry(1, 1, 24, 2))]), [(1, Fallen::Duplicate)]);
        let withdrawal = Entry { withdraws: true, ..corrected };
        assert_eq!(gone(&[first, withdrawal]), [(1, Fallen::Withdrawn), (2, Fallen::Withdrawn)]);
        assert_eq!(
            gone(&[first, withdrawal, entry(1, 3, 26, 4)]),
            [(1, Fallen::Withdrawn), (2, Fallen::Withdrawn)],
            "what comes after a withdrawal stands"
        );
    }

    fn any_entry() -> impl Strategy<Value = Entry> {
        (0..3_u8, 0..3_u8, 0..3_i64, any::<bool>())
            .prop_map(|(key, content, order, withdraws)| Entry { withdraws, ..entry(key, content, order, 0) })
    }

    proptest! {
        #[test]
        fn the_order_of_reading_does_not_matter_for_what_is_said(
            entries in proptest::collection::vec(any_entry(), 0..12), turn in 0..12_usize,
        ) {
            let numbered = |entries: &[Entry]| -> Vec<Entry> {
                entries.iter().zip(1..).map(|(entry, number)| Entry { sequence: number, record: number, ..*entry }).collect()
            };
            let said = |entries: &[Entry]| -> Vec<(Token, Token, i64)> {
                let entries = numbered(entries);
                let gone: Vec<u64> = fallen(entries.clone()).iter().map(|(entry, _)| entry.record).collect();
                let mut left: Vec<_> = entries.iter().filter(|entry| !gone.contains(&entry.record))
                    .map(|entry| (entry.key, entry.content, entry.order)).collect();
                left.sort_unstable();
                left
            };
            let mut turned = entries.clone();
            turned.rotate_left(turn.checked_rem(entries.len().max(1)).unwrap_or(0));
            prop_assert_eq!(said(&entries), said(&turned));
        }

        #[test]
        fn entries_come_back_as_written(entries in proptest::collection::vec(any_entry(), 0..5)) {
            let mut bytes = Vec::new();
            for entry in &entries {
                entry.put(&mut bytes);
            }
            prop_assert_eq!(Entry::all(&bytes).collect::<Vec<_>>(), entries);
        }
    }
}
