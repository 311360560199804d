//! A receipt in memory: its lines one behind the other, split once. Cells are reached by the layout's fields alone.

use crate::layout::Span;

/// First two characters of a record.
pub(super) type Tag = [u8; 2];

/// Tag of a line whose first cell is none.
const NONE: Tag = [0; 2];

/// Cells of a line that are told apart: no layout has more than 109 (SS of 歯科); what stands behind is never read.
const CELLS_MAX: usize = 128;

/// The tag of a line.
pub(super) fn tag_of(line: &[u8]) -> Tag {
    match line {
        [one, two] | [one, two, b',', ..] => [*one, *two],
        _ => NONE,
    }
}

/// Lines of one receipt, from its RE to the next.
#[derive(Default)]
pub(super) struct Receipt {
    bytes: Vec<u8>,
    /// Where cells end, within their line.
    ends: Vec<u32>,
    lines: Vec<Place>,
}

#[derive(Clone, Copy)]
struct Place {
    number: u64,
    tag: Tag,
    bytes: (usize, usize),
    ends: (usize, usize),
}

/// One line.
#[derive(Clone, Copy)]
pub(super) struct Line<'r> {
    /// Number of the record in the file, from 1.
    pub(super) number: u64,
    pub(super) tag: Tag,
    /// All of it, for quarantine.
    pub(super) bytes: &'r [u8],
    ends: &'r [u32],
}

impl Receipt {
    /// Adds a line.
    pub(super) fn push(&mut self, number: u64, line: &[u8]) {
        let (byte, end) = (self.bytes.len(), self.ends.len());
        self.bytes.extend_from_slice(line);
        split(line, &mut self.ends);
        let bytes = (byte, self.bytes.len());
        self.lines.push(Place { number, tag: tag_of(line), bytes, ends: (end, self.ends.len()) });
        self.bytes.push(b'\n');
    }

    /// Takes all lines out; the room stays.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.lines.clear();
    }

    /// Whether nothing stands there.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Lines, in the order of the file.
    pub(super) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.lines.iter().map(|place| self.line(place))
    }

    /// The first line.
    pub(super) fn first(&self) -> Option<Line<'_>> {
        self.lines.first().map(|place| self.line(place))
    }

    /// Everything, for quarantine.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Everything behind the first line.
    pub(super) fn rest(&self) -> &[u8] {
        let start = self.lines.first().map_or(0, |place| place.bytes.1);
        self.bytes.get(start..).unwrap_or_default()
    }

    fn line(&self, place: &Place) -> Line<'_> {
        Line {
            number: place.number,
            tag: place.tag,
            bytes: self.bytes.get(place.bytes.0..place.bytes.1).unwrap_or_default(),
            ends: self.ends.get(place.ends.0..place.ends.1).unwrap_or_default(),
        }
    }
}

impl<'r> Line<'r> {
    /// The cell of a field; blank where there is none.
    pub(super) fn cell(self, field: Span) -> &'r [u8] {
        let (from, _) = field.ends();
        self.between(from, from)
    }

    /// The cells of a field, as far as the line goes.
    pub(super) fn cells(self, field: Span) -> impl Iterator<Item = &'r [u8]> {
        let (from, to) = field.ends();
        let first = from.checked_sub(1).unwrap_or(self.ends.len()).min(self.ends.len());
        let ends = self.ends.get(first..to.clamp(first, self.ends.len())).unwrap_or_default();
        let place = |end: u32| usize::try_from(end).unwrap_or(usize::MAX);
        let before = first.checked_sub(1).and_then(|before| self.ends.get(before));
        let mut start = before.map_or(0, |comma| place(*comma).saturating_add(1));
        ends.iter().map(move |end| {
            let cell = self.bytes.get(start..place(*end)).unwrap_or_default();
            start = place(*end).saturating_add(1);
            cell
        })
    }

    /// The bytes from one position to another, both in.
    pub(super) fn between(self, from: usize, to: usize) -> &'r [u8] {
        let Some(before) = from.checked_sub(1) else { return &[] };
        let end = |position: usize| self.ends.get(position).and_then(|end| usize::try_from(*end).ok());
        let start = match before.checked_sub(1) {
            Some(previous) => end(previous).map(|comma| comma.saturating_add(1)),
            None => Some(0),
        };
        let last = to.min(self.ends.len()).checked_sub(1).and_then(end);
        start.zip(last).and_then(|(start, last)| self.bytes.get(start..last)).unwrap_or_default()
    }
}

/// Where the cells of a line end. No byte of a double-byte character of CP932 is a comma, and the layouts know no quotes
/// (formats.md 0), so this is right before decoding.
fn split(line: &[u8], ends: &mut Vec<u32>) {
    // Without a branch that depends on the bytes: most of a line is empty cells and short codes in turn.
    let mut found = [0_u32; CELLS_MAX];
    let mut count = 0_usize;
    for (at, byte) in (0_u32..).zip(line) {
        if let Some(slot) = found.get_mut(count) {
            *slot = at;
        }
        count = count.saturating_add(usize::from(*byte == b','));
    }
    if let Some(slot) = found.get_mut(count) {
        *slot = u32::try_from(line.len()).unwrap_or(u32::MAX);
        count = count.saturating_add(1);
    }
    ends.extend_from_slice(found.get(..count.min(CELLS_MAX)).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cells(line: &[u8]) -> Vec<Vec<u8>> {
        let mut receipt = Receipt::default();
        receipt.push(7, b"before");
        receipt.push(8, line);
        let line = receipt.lines().nth(1).unwrap();
        (1..=line.ends.len()).map(|at| line.between(at, at).to_vec()).collect()
    }

    #[test]
    fn lines_keep_their_numbers_tags_and_cells() {
        let mut receipt = Receipt::default();
        receipt.push(3, b"RE,1,x");
        receipt.push(4, b"SY");
        receipt.push(5, b"SYX,1");
        receipt.push(6, b"");
        let lines: Vec<_> = receipt.lines().map(|line| (line.number, line.tag)).collect();
        assert_eq!(lines, [(3, *b"RE"), (4, *b"SY"), (5, NONE), (6, NONE)]);
        assert_eq!(receipt.rest(), b"\nSY\nSYX,1\n\n");
        let first = receipt.first().unwrap();
        assert_eq!((first.between(2, 3), first.between(3, 9), first.between(0, 2)), (&b"1,x"[..], &b"x"[..], &b""[..]));
        assert_eq!(first.between(4, 5), b"");
        receipt.clear();
        assert!(receipt.is_empty() && receipt.first().is_none());
    }

    #[test]
    fn a_field_of_many_cells_ends_with_its_line() {
        let layout = &crate::layout::shipped().unwrap()["ndb-medical"];
        let days = Span::content(layout, "SI", "days");
        let of = |line: &str| {
            let mut receipt = Receipt::default();
            receipt.push(1, line.as_bytes());
            let cells: Vec<Vec<u8>> = receipt.first().unwrap().cells(days).map(<[u8]>::to_vec).collect();
            cells
        };
        let front = "SI,12,1,112007410,,73,1,,,,,,";
        assert_eq!(of(front), Vec::<Vec<u8>>::new());
        assert_eq!(of(&format!("{front},1,,2")), [b"1".to_vec(), Vec::new(), b"2".to_vec()]);
        assert_eq!(of(&format!("{front}{}", ",".repeat(40))).len(), 31);
        let mut receipt = Receipt::default();
        receipt.push(1, b"SI,1");
        assert_eq!(receipt.first().unwrap().cells(Span::default()).count(), 0);
    }

    proptest! {
        #[test]
        fn cells_are_what_stands_between_commas(line in "[,A-Z0-9]{0,300}") {
            let expected: Vec<Vec<u8>> = line.split(',').take(CELLS_MAX).map(|cell| cell.as_bytes().to_vec()).collect();
            prop_assert_eq!(cells(line.as_bytes()), expected);
        }

        #[test]
        fn random_bytes_never_panic(line in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(cells(&line).len() <= CELLS_MAX);
        }
    }
}
