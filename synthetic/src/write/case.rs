//! The register of infectious diseases, made up: `raw/registry/cases.csv`, UTF-8 without a mark, CRLF, a header in Japanese.

use std::path::{Path, PathBuf};

use jiff::civil::Date;

use crate::SyntheticError;
use crate::facilities::{Facilities, Facility};
use crate::records::Case;
use crate::truth::Truth;
use crate::write::{Identity, Sink};

const HEADER: [&str; 16] = [
    "届出番号",
    "氏名",
    "フリガナ",
    "性別",
    "生年月日",
    "郵便番号",
    "被保険者証記号",
    "被保険者証番号",
    "保険者番号",
    "医療機関コード",
    "診断年月日",
    "発病年月日",
    "類型",
    "疾病コード",
    "転帰",
    "備考",
];

/// The one file, opened by its first row.
pub(crate) struct CaseFile {
    path: PathBuf,
    sink: Option<Sink>,
    rows: u64,
}

impl CaseFile {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { path: folder.join("cases.csv"), sink: None, rows: 0 }
    }

    /// Adds a row.
    pub(crate) fn write(
        &mut self,
        one: &Case,
        facilities: &Facilities,
        truth: &mut Truth,
    ) -> Result<(), SyntheticError> {
        let Some(facility) = facilities.at(one.facility) else { return Ok(()) };
        if self.sink.is_none() {
            let mut sink = Sink::create(&self.path)?;
            sink.raw(format!("{}\r\n", HEADER.join(",")).as_bytes())?;
            self.sink = Some(sink);
        }
        let Some(sink) = &mut self.sink else { return Ok(()) };
        self.rows += 1;
        sink.raw(row(one, self.rows, facility).as_bytes())?;
        let identity = Identity {
            facility_code: Some(facility.code.clone()),
            postcode: Some(one.stated.postcode.clone()),
            ..Identity::bare("registry", one.person, &one.stated).named(&one.stated, "　").insured(&one.stated)
        };
        // The form asks for neither a branch nor a public payer.
        let identity = Identity { branch: None, public_payer: None, public_recipient: None, ..identity };
        truth.identity(&sink.name(), self.rows, &identity)
    }

    /// Ends the file.
    pub(crate) fn finish(self) -> Result<(u64, u64), SyntheticError> {
        self.sink.map_or(Ok((0, 0)), |sink| Ok((1, sink.close()?)))
    }
}

fn row(one: &Case, number: u64, facility: &Facility) -> String {
    let stated = &one.stated;
    let cells = [
        format!("K{}{number:06}", one.diagnosed_on.year()),
        stated.kanji.clone(),
        stated.kana("　"),
        if stated.sex == 1 { "男" } else { "女" }.to_owned(),
        slashed(stated.birth),
        stated.postcode.clone(),
        stated.symbol.clone(),
        stated.number.clone(),
        stated.insurer.clone(),
        facility.code.clone(),
        slashed(one.diagnosed_on),
        one.onset_on.map(slashed).unwrap_or_default(),
        one.category.to_owned(),
        one.icd10.to_owned(),
        one.outcome.to_owned(),
        one.remark.clone(),
    ];
    format!("{}\r\n", cells.map(|cell| quoted(&cell)).join(","))
}

/// `YYYY/MM/DD`.
fn slashed(date: Date) -> String {
    format!("{:04}/{:02}/{:02}", date.year(), date.month(), date.day())
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}
