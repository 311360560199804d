//! Lines of a file as bytes, one at a time, none longer than a layout allows: a file of another kind cannot fill the memory.

use std::io::{self, BufRead};

use memchr::{memchr, memchr_iter};

/// Longest line that is read, in bytes: SJ allows 2,400 and no layout comes near 64 KiB.
const LINE_MAX: usize = 64 * 1024;

/// The end-of-file byte that closes a UKE file.
const SUBSTITUTE: u8 = 0x1A;

/// What the next line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// In the buffer, without its end.
    Read,
    /// Longer than allowed; its beginning is in the buffer, the rest skipped.
    TooLong,
    /// Nothing left.
    End,
}

/// Reads the next line into `buffer`, without CR, LF and end-of-file bytes. Counts the bytes taken.
pub(crate) fn next(from: &mut dyn BufRead, buffer: &mut Vec<u8>, taken: &mut u64) -> io::Result<Line> {
    next_up_to(LINE_MAX, from, buffer, taken)
}

/// The same with another limit, in bytes.
pub(crate) fn next_up_to(
    limit: usize,
    from: &mut dyn BufRead,
    buffer: &mut Vec<u8>,
    taken: &mut u64,
) -> io::Result<Line> {
    buffer.clear();
    let mut any = false;
    let mut long = false;
    loop {
        let available = from.fill_buf()?;
        if available.is_empty() {
            break;
        }
        any = true;
        let end = memchr(b'\n', available);
        let (part, used) = end.map_or((available, available.len()), |end| {
            (available.get(..end).unwrap_or_default(), end.saturating_add(1))
        });
        let room = limit.saturating_sub(buffer.len());
        long |= part.len() > room;
        buffer.extend_from_slice(part.get(..room.min(part.len())).unwrap_or_default());
        *taken = taken.saturating_add(u64::try_from(used).unwrap_or(u64::MAX));
        from.consume(used);
        if end.is_some() {
            break;
        }
    }
    // Files put one behind the other leave the end byte of one in front of the next.
    if buffer.first() == Some(&SUBSTITUTE) {
        buffer.remove(0);
    }
    while buffer.last().is_some_and(|last| matches!(*last, b'\r' | SUBSTITUTE)) {
        buffer.pop();
    }
    Ok(match (any, long) {
        (false, _) => Line::End,
        (true, true) => Line::TooLong,
        (true, false) => Line::Read,
    })
}

/// Splits at a byte. No byte of a double-byte character of CP932 is a comma, a tab or a line end, so this is safe before decoding.
pub(crate) fn split<'a>(line: &'a [u8], at: u8, into: &mut Vec<&'a [u8]>) {
    into.clear();
    let mut start = 0;
    for end in memchr_iter(at, line) {
        into.push(line.get(start..end).unwrap_or_default());
        start = end.saturating_add(1);
    }
    into.push(line.get(start..).unwrap_or_default());
}

/// The same list, emptied, for cells of another line: its memory is used again.
pub(crate) fn emptied<'b>(mut cells: Vec<&[u8]>) -> Vec<&'b [u8]> {
    cells.clear();
    cells.into_iter().map(|_| <&[u8]>::default()).collect()
}

/// Splits at commas outside of double quotes and takes the quotes off, as the long-term care files need.
pub(crate) fn split_quoted<'a>(line: &'a [u8], into: &mut Vec<&'a [u8]>) {
    into.clear();
    let (mut start, mut inside) = (0, false);
    for (at, byte) in line.iter().enumerate() {
        match byte {
            b'"' => inside = !inside,
            b',' if !inside => {
                into.push(unquoted(line.get(start..at).unwrap_or_default()));
                start = at.saturating_add(1);
            }
            _ => {}
        }
    }
    into.push(unquoted(line.get(start..).unwrap_or_default()));
}

fn unquoted(cell: &[u8]) -> &[u8] {
    cell.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(cell)
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_end_in_many_ways() {
        let mut from = BufReader::with_capacity(3, &b"IR,1\r\nRE,2\nGO\r\n\x1aIR\n\x1a"[..]);
        let (mut buffer, mut taken, mut read) = (Vec::new(), 0, Vec::new());
        while next(&mut from, &mut buffer, &mut taken).unwrap() != Line::End {
            read.push(buffer.clone());
        }
        assert_eq!(read, [&b"IR,1"[..], b"RE,2", b"GO", b"IR", b""]);
        assert_eq!(taken, 20);
    }

    #[test]
    fn a_long_line_is_cut_and_the_next_is_whole() {
        let mut bytes = vec![b'x'; LINE_MAX * 3];
        bytes.extend_from_slice(b"\nshort\n");
        let mut from = BufReader::new(bytes.as_slice());
        let (mut buffer, mut taken) = (Vec::new(), 0);
        assert_eq!(next(&mut from, &mut buffer, &mut taken).unwrap(), Line::TooLong);
        assert_eq!(buffer.len(), LINE_MAX);
        assert_eq!(next(&mut from, &mut buffer, &mut taken).unwrap(), Line::Read);
        assert_eq!(buffer, b"short");
    }

    #[test]
    fn quotes_may_hold_commas() {
        let mut cells = Vec::new();
        split_quoted(b"2,\"a,b\",,\"\"", &mut cells);
        assert_eq!(cells, [&b"2"[..], b"a,b", b"", b""]);
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut from = BufReader::with_capacity(7, bytes.as_slice());
            let (mut buffer, mut taken) = (Vec::new(), 0);
            while next(&mut from, &mut buffer, &mut taken).unwrap() != Line::End {
                let mut cells = Vec::new();
                split(&buffer, b',', &mut cells);
                prop_assert_eq!(cells.join(&b','), buffer.clone());
                split_quoted(&buffer, &mut cells);
            }
            prop_assert_eq!(taken, bytes.len() as u64);
        }
    }
}
