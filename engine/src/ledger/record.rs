//! One answer as bytes: little-endian fields one after the other, counts before lists.

use jiff::civil::Date;

use super::Verdict;
use crate::veil::sketch::{SUMS, Sketch};

/// First byte of a record.
const VERSION: u8 = 1;

/// What one answer made known.
#[derive(Debug, PartialEq)]
pub(super) struct Record {
    pub(super) day: Date,
    pub(super) plan: [u8; 32],
    pub(super) shape: [u8; 32],
    /// Hash of the numbers that were judged.
    pub(super) content: [u8; 32],
    /// Fresh numbers in it.
    pub(super) fresh: u64,
    /// Persons of the smallest number shown.
    pub(super) smallest: Option<u64>,
    pub(super) marks: Vec<Mark>,
    pub(super) entries: Vec<Entry>,
}

/// A verdict that is not `Fresh`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mark {
    pub(super) measure: u64,
    pub(super) row: u64,
    pub(super) verdict: Verdict,
}

/// A number that is known from now on.
#[derive(Debug, PartialEq)]
pub(super) enum Entry {
    Cell { sketch: Sketch, value: f64, origin: u64 },
    KnownTotal { id: u32 },
    Subtotal { sketch: Sketch, value: f64 },
    Total { sketch: Sketch, value: f64 },
}

impl Record {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend(self.day.year().to_le_bytes());
        bytes.extend(self.day.month().to_le_bytes());
        bytes.extend(self.day.day().to_le_bytes());
        for digest in [&self.plan, &self.shape, &self.content] {
            bytes.extend(digest);
        }
        bytes.extend(self.fresh.to_le_bytes());
        bytes.push(u8::from(self.smallest.is_some()));
        bytes.extend(self.smallest.unwrap_or(0).to_le_bytes());
        bytes.extend((self.marks.len() as u64).to_le_bytes());
        self.marks.iter().for_each(|mark| mark.encode(&mut bytes));
        bytes.extend((self.entries.len() as u64).to_le_bytes());
        self.entries.iter().for_each(|entry| entry.encode(&mut bytes));
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = Reader(bytes);
        if rest.take()? != [VERSION] {
            return None;
        }
        let (year, [month], [day]) = (i16::from_le_bytes(rest.take()?), rest.take()?, rest.take()?);
        let day = Date::new(year, i8::from_le_bytes([month]), i8::from_le_bytes([day])).ok()?;
        let (plan, shape, content) = (rest.take()?, rest.take()?, rest.take()?);
        let (fresh, [has_smallest], smallest) = (rest.whole()?, rest.take()?, rest.whole()?);
        let marks = (0..rest.whole()?).map(|_| Mark::decode(&mut rest)).collect::<Option<_>>()?;
        let entries = (0..rest.whole()?).map(|_| Entry::decode(&mut rest)).collect::<Option<_>>()?;
        let record = Self {
            day,
            plan,
            shape,
            content,
            fresh,
            smallest: (has_smallest == 1).then_some(smallest),
            marks,
            entries,
        };
        rest.0.is_empty().then_some(record)
    }
}

impl Mark {
    fn encode(&self, bytes: &mut Vec<u8>) {
        let (kind, value) = match self.verdict {
            Verdict::Fresh => (0, 0.0),
            Verdict::Snapped(value) => (1, value),
            Verdict::Withheld => (2, 0.0),
        };
        bytes.extend(self.measure.to_le_bytes());
        bytes.extend(self.row.to_le_bytes());
        bytes.push(kind);
        bytes.extend(value.to_bits().to_le_bytes());
    }

    fn decode(rest: &mut Reader<'_>) -> Option<Self> {
        let (measure, row, [kind], value) = (rest.whole()?, rest.whole()?, rest.take()?, rest.value()?);
        let verdict = match kind {
            0 => Verdict::Fresh,
            1 => Verdict::Snapped(value),
            2 => Verdict::Withheld,
            _ => return None,
        };
        Some(Self { measure, row, verdict })
    }
}

impl Entry {
    fn encode(&self, bytes: &mut Vec<u8>) {
        let (kind, sketch, value, origin) = match self {
            Self::Cell { sketch, value, origin } => (0, sketch, *value, *origin),
            Self::Subtotal { sketch, value } => (1, sketch, *value, 0),
            Self::Total { sketch, value } => (2, sketch, *value, 0),
            Self::KnownTotal { id } => {
                bytes.push(3);
                bytes.extend(id.to_le_bytes());
                return;
            }
        };
        bytes.push(kind);
        bytes.extend(origin.to_le_bytes());
        bytes.extend(value.to_bits().to_le_bytes());
        sketch.sums().iter().for_each(|sum| bytes.extend(sum.to_le_bytes()));
    }

    fn decode(rest: &mut Reader<'_>) -> Option<Self> {
        let [kind] = rest.take()?;
        if kind == 3 {
            return Some(Self::KnownTotal { id: u32::from_le_bytes(rest.take()?) });
        }
        let (origin, value) = (rest.whole()?, rest.value()?);
        let mut sums = [0; SUMS];
        for sum in &mut sums {
            *sum = rest.whole()?;
        }
        let sketch = Sketch::from_sums(sums);
        match kind {
            0 => Some(Self::Cell { sketch, value, origin }),
            1 => Some(Self::Subtotal { sketch, value }),
            2 => Some(Self::Total { sketch, value }),
            _ => None,
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn whole(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn value(&mut self) -> Option<f64> {
        self.whole().map(f64::from_bits)
    }
}
