//! A steward's list of institutions and the family of the software that wrote their records: `--facility-software FILE`.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use csv_core::{ReadRecordResult, Reader};

use crate::release::error::ReleaseError;

/// Bytes of the list at most: some 200,000 institutions with room.
const BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Families at most; more are no families.
const FAMILIES_MAX: usize = 100;
/// Letters of a family's name at most.
const NAME_MAX: usize = 40;

/// Institution code → family. Empty if no list was named.
#[derive(Default)]
pub(crate) struct Software {
    families: Vec<String>,
    by_code: HashMap<String, u16>,
}

impl Software {
    /// Reads CSV (RFC 4180, UTF-8): a heading line, then institution code and family. Further columns are not read.
    pub(crate) fn read(path: &Path) -> Result<Self, ReleaseError> {
        let fault = |line| ReleaseError::Software { path: path.to_owned(), line };
        let meta = fs::metadata(path).map_err(ReleaseError::io(path))?;
        if meta.len() > BYTES_MAX {
            return Err(fault(0));
        }
        let bytes = fs::read(path).map_err(ReleaseError::io(path))?;
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let rows = records(bytes);
        let mut named: Vec<(String, String)> = Vec::new();
        for (line, row) in (2..).zip(rows.iter().skip(1)) {
            let [code, family, ..] = row.as_slice() else { return Err(fault(line)) };
            let text =
                |cell: &[u8]| std::str::from_utf8(cell).map(|cell| cell.trim().to_owned()).map_err(|_| fault(line));
            let (code, family) = (text(code)?, text(family)?);
            if code.is_empty() || !is_name(&family) {
                return Err(fault(line));
            }
            named.push((code, family));
        }
        let mut families: Vec<String> = named.iter().map(|(_, family)| family.clone()).collect();
        families.sort_unstable();
        families.dedup();
        if families.is_empty() || families.len() > FAMILIES_MAX {
            return Err(fault(0));
        }
        let place = |family: &String| families.binary_search(family).ok().and_then(|place| u16::try_from(place).ok());
        let mut by_code = HashMap::with_capacity(named.len());
        for (line, (code, family)) in (2..).zip(named) {
            let place = place(&family).ok_or_else(|| fault(line))?;
            // An institution with two families has none that could be told.
            if by_code.insert(code, place).is_some_and(|other| other != place) {
                return Err(fault(line));
            }
        }
        Ok(Self { families, by_code })
    }

    /// Names in order.
    pub(crate) fn families(&self) -> &[String] {
        &self.families
    }

    pub(crate) fn family(&self, code: &str) -> Option<u16> {
        self.by_code.get(code).copied()
    }
}

/// A family's name leaves with the figures: it must be a name, not a text.
fn is_name(family: &str) -> bool {
    (1..=NAME_MAX).contains(&family.chars().count())
        && family != catalog::quality::UNKNOWN
        && family.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_' | '.' | '/' | '・'))
}

fn records(bytes: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let (mut reader, mut rest) = (Reader::new(), bytes);
    let (mut cells, mut ends) = (vec![0; 4096], vec![0; 64]);
    let (mut rows, mut written, mut ended) = (Vec::new(), 0, 0);
    loop {
        let (cells_left, ends_left) = (cells.get_mut(written..), ends.get_mut(ended..));
        let (Some(cells_left), Some(ends_left)) = (cells_left, ends_left) else { return rows };
        let (result, read, wrote, fields) = reader.read_record(rest, cells_left, ends_left);
        rest = rest.get(read..).unwrap_or_default();
        written += wrote;
        ended += fields;
        match result {
            ReadRecordResult::InputEmpty => {}
            ReadRecordResult::OutputFull => cells.resize(cells.len() * 2, 0),
            ReadRecordResult::OutputEndsFull => ends.resize(ends.len() * 2, 0),
            ReadRecordResult::Record => {
                let starts = std::iter::once(0).chain(ends.iter().copied());
                let spans = starts.zip(ends.iter().copied()).take(ended);
                rows.push(spans.map(|(from, to)| cells.get(from..to).unwrap_or_default().to_vec()).collect());
                (written, ended) = (0, 0);
            }
            ReadRecordResult::End => return rows,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Software, ReleaseError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("software.csv");
        policies::durable::replace(&path, text.as_bytes()).unwrap();
        Software::read(&path)
    }

    #[test]
    fn a_list_gives_families_and_a_broken_one_its_line() {
        let list = read("\u{feff}code,family,x\r\n1310100015,\"Orca, no\",1\r\n").err().unwrap();
        assert!(matches!(list, ReleaseError::Software { line: 2, .. }), "a comma is in no name");
        let list = read("code,family\n1310100015,ORCA 5\n1310100023,甲電算\n1310100031,ORCA 5\n").unwrap();
        assert_eq!(list.families(), ["ORCA 5", "甲電算"]);
        assert_eq!(list.family("1310100031"), Some(0));
        assert_eq!(list.family("1310100099"), None);
        for (text, line) in [
            ("", 0),
            ("code,family\n", 0),
            ("code,family\n1310100015\n", 2),
            ("code,family\n1310100015,a\n1310100015,b\n", 3),
            ("code,family\n1310100015,a\n,b\n", 3),
            ("code,family\n1310100015,unknown\n", 2),
            ("code,family\n1310100015,<b>\n", 2),
        ] {
            assert!(matches!(read(text), Err(ReleaseError::Software { line: found, .. }) if found == line), "{text}");
        }
    }

    #[test]
    fn long_lists_are_read_whole() {
        let line = |number| format!("13{number:08},F{:02}{}", number % 7, "x".repeat(20));
        let lines: Vec<String> = (0..5000).map(line).collect();
        let list = read(&format!("code,family\n{}\n", lines.join("\n"))).unwrap();
        assert_eq!((list.families().len(), list.by_code.len()), (7, 5000));
    }
}
