//! Which raw files there are, and of which kind: told by how they begin, not by their names.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::flat;
use crate::layout::Layout;
use crate::normalise::text;

use super::PseudonymizeError;
use crate::report::Reason;

/// Kinds, in the order in which they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Of the generic reader, by its layout.
    Added,
    /// 医科, DPC and 調剤 receipts.
    Receipts,
    /// 特定健診 and 特定保健指導 XML.
    Checkup,
    /// 特定健診 and 特定保健指導 as an archive of XML files.
    CheckupArchive,
    /// 特定健診 as a table.
    CheckupTable,
    /// 要介護認定 CSV.
    Certification,
    /// 介護給付費請求 CSV.
    LtcClaims,
    /// LIFE CSV.
    Life,
    /// 様式1.
    Form1,
    /// EF統合ファイル.
    Items,
    /// Dファイル.
    Classes,
    /// Hファイル.
    Nursing,
    /// 様式4, which fills no column.
    Form4,
    /// Kファイル: identifiers alone.
    CommonIds,
    /// FHIR JSON, one document a file or a line.
    Fhir,
    /// None of these.
    Unknown,
}

impl Kind {
    /// Its name in the report.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Certification => "ltc-certification",
            Self::Checkup => "checkup-xml",
            Self::Classes => "dpc-d",
            Self::CommonIds => "dpc-k",
            Self::CheckupArchive => "checkup-zip",
            Self::CheckupTable => "checkup-csv",
            Self::Fhir => "fhir",
            Self::Form1 => "dpc-form1",
            Self::Form4 => "dpc-form4",
            Self::Items => "dpc-ef",
            Self::Life => "ltc-life",
            Self::LtcClaims => "ltc-claims",
            Self::Nursing => "dpc-h",
            Self::Receipts => "receipts",
            Self::Unknown => "unknown",
        }
    }

    /// Whose files they are.
    pub(crate) fn source(self) -> Option<&'static str> {
        Some(match self {
            Self::Receipts | Self::Checkup | Self::CheckupArchive | Self::CheckupTable => "ndb",
            Self::Certification | Self::Life | Self::LtcClaims => "ltc",
            Self::Classes | Self::CommonIds | Self::Form1 | Self::Form4 | Self::Items | Self::Nursing => "dpc",
            Self::Fhir => "ehr",
            Self::Added | Self::Unknown => return None,
        })
    }
}

/// A raw file.
#[derive(Debug)]
pub(crate) struct Raw {
    /// From 1, in the order of the sorted paths.
    pub(crate) number: usize,
    pub(crate) path: PathBuf,
    pub(crate) kind: Kind,
    /// The layout of a file of [`Kind::Added`].
    pub(crate) layout: Option<String>,
}

impl Raw {
    /// Why a file is not read for a source. Only the layout of the job's own source tells a file of an added one.
    pub(crate) fn skipped_in(&self, source: &str) -> Option<Reason> {
        match self.kind.source() {
            _ if self.kind == Kind::Added => None,
            Some(own) if own == source => None,
            Some(_) => Some(Reason::FileOtherSource),
            None => Some(Reason::FileUnknown),
        }
    }
}

/// All files named, those in folders too, sorted.
pub(crate) fn find(named: &[PathBuf], layouts: &BTreeMap<String, Layout>) -> Result<Vec<Raw>, PseudonymizeError> {
    let mut paths = Vec::new();
    for path in named {
        walk(path, &mut paths)?;
    }
    paths.sort();
    paths.dedup();
    let raw = |(path, number): (PathBuf, usize)| {
        let (kind, layout) = kind_of(&path, layouts)?;
        Ok(Raw { number, path, kind, layout })
    };
    paths.into_iter().zip(1..).map(raw).collect()
}

fn walk(path: &Path, into: &mut Vec<PathBuf>) -> Result<(), PseudonymizeError> {
    let io = || PseudonymizeError::io(path);
    if !fs::metadata(path).map_err(io())?.is_dir() {
        into.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path).map_err(io())? {
        walk(&entry.map_err(io())?.path(), into)?;
    }
    Ok(())
}

/// Bytes looked at.
const HEAD: u64 = 8192;

fn kind_of(path: &Path, layouts: &BTreeMap<String, Layout>) -> Result<(Kind, Option<String>), PseudonymizeError> {
    let mut head = Vec::new();
    let file = File::open(path).map_err(PseudonymizeError::io(path))?;
    file.take(HEAD).read_to_end(&mut head).map_err(PseudonymizeError::io(path))?;
    let added = layouts.values().find(|layout| flat::is_of(layout, &head));
    Ok(added.map_or_else(|| (told_by(&head), None), |layout| (Kind::Added, Some(layout.id.clone()))))
}

fn told_by(head: &[u8]) -> Kind {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let line = head.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    let starts = |words: &[&[u8]]| words.iter().any(|word| line.starts_with(word));
    let first = head.iter().find(|byte| !byte.is_ascii_whitespace());
    if starts(&[b"IR,", b"YK,", b"UK,"]) {
        Kind::Receipts
    } else if first == Some(&b'<') && contains(head, b"ClinicalDocument") {
        Kind::Checkup
    } else if first == Some(&b'{') && contains(head, b"\"resourceType\"") {
        Kind::Fhir
    } else if head.starts_with(b"PK\x03\x04") && contains(head, b".xml") {
        Kind::CheckupArchive
    } else if let Some(kind) = tabbed(line, head) {
        kind
    } else if is_life_form(line) {
        Kind::Life
    } else if is_control_record(line) {
        Kind::LtcClaims
    } else if is_checkup_header(line) {
        Kind::CheckupTable
    } else if is_certification_header(line) {
        Kind::Certification
    } else {
        Kind::Unknown
    }
}

/// 様式1 has 17 columns, EF 31, D 30, H 20, 様式4 five; each may begin with a title row, and trailing tabs may be missing.
fn tabbed(line: &[u8], head: &[u8]) -> Option<Kind> {
    let row = head
        .split(|byte| matches!(byte, b'\r' | b'\n'))
        .find(|row| row.iter().take_while(|byte| byte.is_ascii_digit()).count() == 9 && row.get(9) == Some(&b'\t'))
        .unwrap_or(line);
    let cells: Vec<&[u8]> = row.split(|byte| *byte == b'\t').collect();
    let has_digits =
        |at: usize, width| cells.get(at).is_some_and(|cell| cell.len() == width && cell.iter().all(u8::is_ascii_digit));
    let is_date = |at: usize| has_digits(at, 8);
    let is_item_code = |at: usize| {
        cells.get(at).is_some_and(|cell| cell.len() == 7 && cell.first().is_some_and(u8::is_ascii_alphabetic))
    };
    match cells.len() {
        9..=18 if is_date(2) && is_item_code(5) => Some(Kind::Form1),
        9..=21 if is_date(3) && is_date(4) && is_date(5) && is_item_code(6) => Some(Kind::Nursing),
        // EF has the day of the act in column 24, D in column 18.
        24..=32 if is_date(2) && is_date(3) && is_date(23) => Some(Kind::Items),
        22..=32 if is_date(2) && is_date(3) && is_date(17) => Some(Kind::Classes),
        24..=32 if is_date(2) && is_date(3) => Some(Kind::Items),
        4..=6 if is_date(2) && is_date(3) => Some(Kind::Form4),
        // 施設コード, 対象年月, データ識別番号, 一次共通ID and perhaps what it is made of.
        3..=8 if has_digits(0, 9) && has_digits(1, 6) => Some(Kind::CommonIds),
        _ => None,
    }
}

/// The first line of a LIFE file is the physical name of its form.
fn is_life_form(line: &[u8]) -> bool {
    let name = line.split(|byte| *byte == b',').next().unwrap_or_default();
    let name = name.strip_prefix(b"\"").and_then(|name| name.strip_suffix(b"\"")).unwrap_or(name);
    let edition = |rest: &[u8]| {
        let digits =
            |part: Option<&[u8]>| part.is_some_and(|part| part.len() == 4 && part.iter().all(u8::is_ascii_digit));
        rest.len() == 9 && digits(rest.get(..4)) && rest.get(4) == Some(&b'_') && digits(rest.get(5..))
    };
    name == b"SERVICE_USER_INFO" || name.strip_prefix(b"FORM_").is_some_and(edition)
}

/// `1,serial,volume,count,data kind,…`.
fn is_control_record(line: &[u8]) -> bool {
    let mut cells = Vec::new();
    crate::lines::split_quoted(line, &mut cells);
    let digits = |at: usize| crate::cell::int(crate::cell::at(&cells, at)).is_some();
    crate::cell::at(&cells, 1) == b"1"
        && cells.len() >= 10
        && digits(2)
        && digits(4)
        && crate::cell::at(&cells, 5).len() == 3
}

fn is_certification_header(line: &[u8]) -> bool {
    let header = std::str::from_utf8(line).map(Into::into).ok().or_else(|| text::cp932(line));
    header.is_some_and(|header| header.contains("被保険者番号") && header.contains("認定申請日"))
}

fn is_checkup_header(line: &[u8]) -> bool {
    let header = std::str::from_utf8(line).map(Into::into).ok().or_else(|| text::cp932(line));
    header.is_some_and(|header| header.contains("実施年月日") && header.contains("健診機関") && header.contains("_値"))
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(haystack, needle).is_some()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn beginnings_tell_kinds() {
        let cases: [(&[u8], Kind); 16] = [
            (b"IR,1,13,1,1234566,,", Kind::Receipts),
            (b"YK,1,13,4,1234566,,", Kind::Receipts),
            (b"1,1,0,3,711,0,000000,1370100001,13,7,202208,0\r\n", Kind::LtcClaims),
            (b"<?xml version=\"1.0\"?>\n<ClinicalDocument xmlns=\"urn:hl7-org:v3\">", Kind::Checkup),
            (b"\xEF\xBB\xBF{ \"resourceType\": \"Bundle\"", Kind::Fhir),
            (b"131234566\t0000001001\t20220801\t1\t0\tA000010\t20220401\t0\t19580314\t1\t1000001", Kind::Form1),
            (b"131234566\tW01\t0000001001\t20220809\t20220801\t20220801\tTAR0010\t20220401\t0\t0", Kind::Nursing),
            (b"131234566\t0000001001\t20220801\t20220809\t1", Kind::Form4),
            (b"131234566\t202208\t0000001001\tabc", Kind::CommonIds),
            (
                b"131234566\t1\t20220809\t20220801\t93\t0001\tL\t\t\t\t1\t0\t0\t0\t001\t1\t1111\t20220801\t01\t010\tD\tW\t0\t0\t\t20220801\t20220809\t20220801\t010010xx99x4xx",
                Kind::Classes,
            ),
            (b"\xEF\xBB\xBFSERVICE_USER_INFO\r\n", Kind::Life),
            (b"\"FORM_0900_2024\"\r", Kind::Life),
            (b"FORM_ABCD_2021\r\n", Kind::Unknown),
            (b"", Kind::Unknown),
            (b"PK\x03\x04", Kind::Unknown),
            (b"<html>", Kind::Unknown),
        ];
        for (head, kind) in cases {
            assert_eq!(told_by(head), kind);
        }
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(head in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _kind = told_by(&head);
        }
    }
}
