//! Records of a delimited file (RFC 4180): a cell in quotes may hold delimiters and line ends. No record is longer than
//! [`RECORD_MAX`]; one whose quotes never close costs its first line, and reading goes on with the next.

use std::io::{self, BufRead};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};

use crate::lines::{self, Line};

/// Longest record that is read, in bytes.
const RECORD_MAX: usize = 64 * 1024;

/// Most cells of a record.
const CELLS_MAX: usize = 1024;

/// What the next record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing left.
    End,
    /// More cells than any file has, or quotes that do not close; its first line is in [`Records::raw`].
    Malformed,
    /// Its cells can be asked for.
    Record,
    /// A line longer than allowed; its beginning is in [`Records::raw`].
    TooLong,
}

/// A delimited file, record by record.
pub(crate) struct Records<'f> {
    from: &'f mut dyn BufRead,
    core: Reader,
    raw: Vec<u8>,
    line: Vec<u8>,
    again: Vec<u8>,
    again_from: usize,
    long_line: Option<Vec<u8>>,
    output: Vec<u8>,
    filled: usize,
    ends: Vec<usize>,
    count: usize,
}

/// How far a record is after a line.
enum Fed {
    Malformed,
    More,
    Whole,
}

impl<'f> Records<'f> {
    pub(crate) fn new(from: &'f mut dyn BufRead, delimiter: u8) -> Self {
        Self {
            from,
            core: ReaderBuilder::new().delimiter(delimiter).terminator(Terminator::Any(b'\n')).build(),
            raw: Vec::new(),
            line: Vec::new(),
            again: Vec::new(),
            again_from: 0,
            long_line: None,
            output: vec![0; RECORD_MAX.saturating_add(1)],
            filled: 0,
            ends: vec![0; CELLS_MAX],
            count: 0,
        }
    }

    /// Reads the next record; blank lines between records are passed over. Counts the bytes taken from the file.
    pub(crate) fn next(&mut self, taken: &mut u64) -> io::Result<Next> {
        self.raw.clear();
        self.core.reset();
        (self.filled, self.count) = (0, 0);
        loop {
            let inside = !self.raw.is_empty();
            match self.take_line(taken)? {
                Line::End if inside => return Ok(self.give_up(false)),
                Line::End => return Ok(Next::End),
                Line::TooLong if inside => {
                    self.long_line = Some(std::mem::take(&mut self.line));
                    return Ok(self.give_up(false));
                }
                Line::TooLong => {
                    self.raw.clone_from(&self.line);
                    return Ok(Next::TooLong);
                }
                Line::Read if !inside && self.line.is_empty() => {}
                Line::Read if inside && self.raw.len().saturating_add(self.line.len()) >= RECORD_MAX => {
                    return Ok(self.give_up(true));
                }
                Line::Read => match self.feed() {
                    Fed::Whole => return Ok(Next::Record),
                    Fed::Malformed => return Ok(self.give_up(false)),
                    Fed::More => {}
                },
            }
        }
    }

    /// How many cells the record has.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// A cell, from 0, without blanks around it; empty where there is none.
    pub(crate) fn cell(&self, at: usize) -> &[u8] {
        let ends = self.ends.get(..self.count).unwrap_or_default();
        let Some(end) = ends.get(at) else { return b"" };
        let start = at.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
        self.output.get(start..*end).unwrap_or_default().trim_ascii()
    }

    /// The record as it stands in the file.
    pub(crate) fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The next line into `line`: one that is to be read again, or one of the file.
    fn take_line(&mut self, taken: &mut u64) -> io::Result<Line> {
        let rest = self.again.get(self.again_from..).unwrap_or_default();
        if let Some(end) = memchr::memchr(b'\n', rest) {
            self.line.clear();
            self.line.extend_from_slice(rest.get(..end).unwrap_or_default());
            self.again_from = self.again_from.saturating_add(end).saturating_add(1);
            return Ok(Line::Read);
        }
        if let Some(long) = self.long_line.take() {
            self.line = long;
            return Ok(Line::TooLong);
        }
        lines::next_up_to(RECORD_MAX, self.from, &mut self.line, taken)
    }

    /// Gives the line to the parser. The end of the line ends the record unless it stands inside quotes.
    fn feed(&mut self) -> Fed {
        if !self.raw.is_empty() {
            self.raw.push(b'\n');
        }
        self.raw.extend_from_slice(&self.line);
        self.line.push(b'\n');
        let mut input = self.line.as_slice();
        while !input.is_empty() {
            let (output, ends) = (self.output.get_mut(self.filled..), self.ends.get_mut(self.count..));
            let (result, read, wrote, ended) =
                self.core.read_record(input, output.unwrap_or_default(), ends.unwrap_or_default());
            self.filled = self.filled.saturating_add(wrote);
            self.count = self.count.saturating_add(ended);
            input = input.get(read..).unwrap_or_default();
            match result {
                ReadRecordResult::Record => return Fed::Whole,
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => return Fed::Malformed,
                ReadRecordResult::InputEmpty | ReadRecordResult::End => {}
            }
        }
        Fed::More
    }

    /// Keeps the record's first line as what is put aside, and all that was read behind it to be read again.
    fn give_up(&mut self, line_too: bool) -> Next {
        let end = memchr::memchr(b'\n', &self.raw).unwrap_or(self.raw.len());
        let mut again = self.raw.split_off(end);
        // What is left begins with the line end that closed the first line.
        if !again.is_empty() {
            again.remove(0);
            again.push(b'\n');
        }
        if line_too {
            again.extend_from_slice(&self.line);
            again.push(b'\n');
        }
        again.extend_from_slice(self.again.get(self.again_from..).unwrap_or_default());
        (self.again, self.again_from, self.count) = (again, 0, 0);
        Next::Malformed
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use proptest::prelude::*;

    use super::*;

    fn all(bytes: &[u8]) -> Vec<(Next, Vec<String>)> {
        let mut from = BufReader::with_capacity(7, bytes);
        let mut records = Records::new(&mut from, b',');
        let (mut taken, mut read) = (0, Vec::new());
        loop {
            let next = records.next(&mut taken).unwrap();
            if next == Next::End {
                assert_eq!(taken, bytes.len() as u64);
                return read;
            }
            let cells = (0..records.count()).map(|at| String::from_utf8_lossy(records.cell(at)).into_owned());
            read.push((next, cells.collect()));
        }
    }

    fn cells(bytes: &[u8]) -> Vec<Vec<String>> {
        all(bytes).into_iter().map(|(_, cells)| cells).collect()
    }

    #[test]
    fn quotes_blanks_and_line_ends() {
        let read = cells(b"\xEF\xBB\xBFa, b ,c\r\n\r\n1,\"x, \"\"y\"\"\nz\",\n\"\",q\"q,3");
        assert_eq!(read, [vec!["a", "b", "c"], vec!["1", "x, \"y\"\nz", ""], vec!["", "q\"q", "3"]]);
    }

    #[test]
    fn quotes_that_never_close_cost_one_line() {
        let read = all(b"1,2\n3,\"4\n5,6\n7,8\n");
        let kinds: Vec<Next> = read.iter().map(|(next, _)| *next).collect();
        assert_eq!(kinds, [Next::Record, Next::Malformed, Next::Record, Next::Record]);
        assert_eq!(read[3].1, ["7", "8"]);
        let mut long = b"1,\"2\n".to_vec();
        (0..20_000).for_each(|_| long.extend_from_slice(b"3,4444\n"));
        let read = all(&long);
        assert_eq!((read[0].0, read.len()), (Next::Malformed, 20_001));
    }

    #[test]
    fn a_long_line_is_one_bad_record() {
        let mut bytes = b"1,\"2\n".to_vec();
        bytes.extend(vec![b'x'; 3 * RECORD_MAX]);
        bytes.extend_from_slice(b"\n3,4\n");
        let kinds: Vec<Next> = all(&bytes).iter().map(|(next, _)| *next).collect();
        assert_eq!(kinds, [Next::Malformed, Next::TooLong, Next::Record]);
        let many = all(&[vec![b','; CELLS_MAX + 5], b"\n1\n".to_vec()].concat());
        assert_eq!((many[0].0, many[1].0), (Next::Malformed, Next::Record));
    }

    proptest! {
        /// No line is lost and none comes twice, whatever the quotes do.
        #[test]
        fn random_bytes_end(bytes in proptest::collection::vec(prop_oneof![Just(b'"'), Just(b','), Just(b'\n'), Just(b'x'), any::<u8>()], 0..300)) {
            let lines = bytes.split(|byte| *byte == b'\n').count();
            prop_assert!(all(&bytes).len() <= lines);
        }

        #[test]
        fn what_is_written_is_read(rows in proptest::collection::vec(proptest::collection::vec("[a-z\"\n,あ]{0,6}", 2..4), 1..6)) {
            let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
            let text: String = rows.iter().map(|row| row.iter().map(quoted).collect::<Vec<_>>().join(",") + "\r\n").collect();
            let trimmed: Vec<Vec<String>> =
                rows.iter().map(|row| row.iter().map(|cell| cell.trim_ascii().to_owned()).collect()).collect();
            prop_assert_eq!(cells(text.as_bytes()), trimmed);
        }
    }
}
