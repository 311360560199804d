//! A small file of persons who object, or who take an objection back: CSV with a header line, UTF-8 or CP932. What it says of
//! them lives in memory alone, as long as it takes to make tokens.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use super::{OptOutError, Tokens};
use crate::flat::{self, Next, Records};
use crate::layout::Encoding;
use crate::normalise::insurer::{self, Insurer, LtcInsurer};
use crate::normalise::sex::Sex;
use crate::normalise::{branch, chart, kana, kanji, postcode, symbol, text};
use crate::tokens::{Identity, TokenKeys};

/// What a column says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    Birth,
    Branch,
    Chart,
    Facility,
    Insurer,
    Kana,
    Kanji,
    LtcInsurer,
    LtcNumber,
    Number,
    Postcode,
    Sex,
    Symbol,
}

/// Names in the header line (`docs/opt-out.md`).
const HEADERS: [(&str, Column); 15] = [
    ("氏名", Column::Kanji),
    ("フリガナ", Column::Kana),
    ("生年月日", Column::Birth),
    ("性別", Column::Sex),
    ("保険者番号", Column::Insurer),
    ("記号", Column::Symbol),
    ("被保険者証記号", Column::Symbol),
    ("番号", Column::Number),
    ("被保険者証番号", Column::Number),
    ("枝番", Column::Branch),
    ("介護保険者番号", Column::LtcInsurer),
    ("介護被保険者番号", Column::LtcNumber),
    ("郵便番号", Column::Postcode),
    ("患者番号", Column::Chart),
    ("医療機関コード", Column::Facility),
];

const DELIMITER: u8 = b',';
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// What a file says.
pub(super) struct Told {
    /// Tokens of each person, in the order of the file.
    pub(super) persons: Vec<Tokens>,
    /// Cells that could not be read as what their column is, and were left out.
    pub(super) unread: u64,
}

/// Reads a file. `issuer` is who gives out chart numbers, where it is not an institution.
pub(super) fn read(path: &Path, issuer: Option<&str>, keys: &TokenKeys) -> Result<Told, OptOutError> {
    let mut from = BufReader::new(File::open(path).map_err(OptOutError::io(path))?);
    if from.fill_buf().map_err(OptOutError::io(path))?.starts_with(BYTE_ORDER_MARK) {
        from.consume(BYTE_ORDER_MARK.len());
    }
    let mut records = Records::new(&mut from, DELIMITER);
    let wrong = |record| OptOutError::Record { path: path.to_owned(), record };
    if records.next(&mut 0).map_err(OptOutError::io(path))? != Next::Record {
        return Err(wrong(1));
    }
    let header = Header::of(&records).map_err(|column| OptOutError::Header { path: path.to_owned(), column })?;
    let mut told = Told { persons: Vec::new(), unread: 0 };
    let mut unnamed: Vec<u64> = Vec::new();
    for record in 2.. {
        match records.next(&mut 0).map_err(OptOutError::io(path))? {
            Next::End => break,
            Next::Malformed | Next::TooLong => return Err(wrong(record)),
            Next::Record if records.count() != header.columns.len() => return Err(wrong(record)),
            Next::Record => {}
        }
        let tokens = keys.tokens(&header.identity(&records, issuer, &mut told.unread));
        if tokens.iter().all(Option::is_none) {
            unnamed.push(record);
        }
        told.persons.push(tokens);
    }
    match unnamed.first() {
        None => Ok(told),
        Some(first) => {
            let persons = u64::try_from(unnamed.len()).unwrap_or(u64::MAX);
            Err(OptOutError::Unnamed { path: path.to_owned(), persons, record: *first })
        }
    }
}

/// What stands in which column, and how letters are written: no text of one encoding reads as one of the names in the other.
struct Header {
    encoding: Encoding,
    columns: Vec<Column>,
}

impl Header {
    /// The number of a column that is not known, from 1, if there is one.
    fn of(records: &Records<'_>) -> Result<Self, usize> {
        let in_utf8 = Self::written_in(Encoding::Utf8, records);
        in_utf8.or_else(|utf8| Self::written_in(Encoding::Cp932, records).map_err(|cp932| utf8.max(cp932)))
    }

    fn written_in(encoding: Encoding, records: &Records<'_>) -> Result<Self, usize> {
        let mut columns = Vec::new();
        for at in 0..records.count() {
            let name = flat::text(encoding, records.cell(at)).map(|name| text::fold(&name)).unwrap_or_default();
            let name: String = name.chars().filter(|letter| !text::is_blank(*letter)).collect();
            let column = HEADERS.iter().find(|(known, _)| *known == name).map(|(_, column)| *column);
            match column.filter(|column| !columns.contains(column)) {
                Some(column) => columns.push(column),
                None => return Err(at.saturating_add(1)),
            }
        }
        Ok(Self { encoding, columns })
    }

    /// Who the record speaks of.
    fn identity(&self, records: &Records<'_>, issuer: Option<&str>, unread: &mut u64) -> Identity {
        let mut identity = Identity::default();
        for (at, column) in self.columns.iter().enumerate() {
            let cell = records.cell(at);
            let written = flat::text(self.encoding, cell);
            if written.as_deref().is_some_and(|written| written.chars().all(text::is_blank)) {
                continue;
            }
            let read = written.is_some_and(|written| column.read(&written, &mut identity));
            *unread = unread.saturating_add(u64::from(!read));
        }
        if let Some(issuer) = issuer {
            identity.facility = Some(issuer.to_owned());
        }
        if identity.chart.is_none() || identity.facility.is_none() {
            (identity.chart, identity.facility) = (None, None);
        }
        identity
    }
}

impl Column {
    /// Puts what is written into the identity. `false` if it cannot be read.
    fn read(self, written: &str, into: &mut Identity) -> bool {
        match self {
            Self::Birth => put(&mut into.birth, flat::birth(written)),
            Self::Branch => put(&mut into.branch, branch::read(written)),
            Self::Chart => put(&mut into.chart, chart::read(written)),
            Self::Facility => put(&mut into.facility, flat::facility(written)),
            Self::Insurer => put(&mut into.insurer, Insurer::read(&text::fold(written))),
            Self::Kana => put(&mut into.kana, kana::name(written)),
            // Who writes the name in kana alone is found by it, unless a column of its own says how it sounds.
            Self::Kanji => {
                let sound = kana::name(written);
                let sounds = into.kana.is_none() && put(&mut into.kana, sound);
                put(&mut into.kanji, kanji::name(written)) || sounds
            }
            Self::LtcInsurer => put(&mut into.ltc_insurer, LtcInsurer::read(written)),
            Self::LtcNumber => put(&mut into.ltc_number, insurer::ltc_insured(written)),
            Self::Number => put(&mut into.number, symbol::number(written)),
            Self::Postcode => put(&mut into.postcode, postcode::read(written)),
            Self::Sex => put(&mut into.sex, Sex::read(written)),
            Self::Symbol => put(&mut into.symbol, symbol::symbol(written)),
        }
    }
}

fn put<T>(place: &mut Option<T>, read: Option<T>) -> bool {
    let there = read.is_some();
    if there {
        *place = read;
    }
    there
}
