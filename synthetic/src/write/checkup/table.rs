//! Checkups of one insurer as a table: CP932, a header line, a row an examination (formats.md, 8.2).

use std::path::{Path, PathBuf};

use super::coded;
use crate::SyntheticError;
use crate::calendar::compact;
use crate::facilities::Facility;
use crate::random;
use crate::records::Checkup;
use crate::truth::Truth;
use crate::write::{Identity, Sink};

/// The first digits of the insurer that sends tables: 協会けんぽ of Tokyo.
const INSURER: &str = "0113001";
const NAME: &str = "FKAC131_01130012.csv";

/// Columns before the items.
const HEAD: [&str; 13] = [
    "取込日",
    "健診機関",
    "保険者番号",
    "記号",
    "番号",
    "枝番",
    "氏名カナ",
    "性別",
    "生年月日",
    "郵便番号",
    "住所",
    "受診券整理番号",
    "実施年月日",
];

/// Whether a checkup stands in the table.
pub(super) fn takes(one: &Checkup) -> bool {
    one.stated.insurer.starts_with(INSURER)
}

/// The one file, opened by its first row.
pub(super) struct CheckupTable {
    path: PathBuf,
    sink: Option<Sink>,
    rows: u64,
}

impl CheckupTable {
    pub(super) fn new(folder: &Path) -> Self {
        Self { path: folder.join(NAME), sink: None, rows: 0 }
    }

    /// Adds a row.
    pub(super) fn write(
        &mut self,
        one: &Checkup,
        facility: &Facility,
        identity: &Identity,
        truth: &mut Truth,
    ) -> Result<(), SyntheticError> {
        if self.sink.is_none() {
            let mut sink = Sink::create(&self.path)?;
            sink.cp932(&header(one))?;
            self.sink = Some(sink);
        }
        let Some(sink) = &mut self.sink else { return Ok(()) };
        self.rows += 1;
        sink.cp932(&row(one, facility))?;
        truth.identity(&sink.name(), self.rows, identity)
    }

    /// Ends the file.
    pub(super) fn finish(self) -> Result<(u64, u64), SyntheticError> {
        self.sink.map_or(Ok((0, 0)), |sink| Ok((1, sink.close()?)))
    }
}

/// The same items stand in every examination, in the same order.
fn header(one: &Checkup) -> String {
    let items = one.measures.iter().map(|measure| measure.code).chain(coded(one).map(|(code, _)| code));
    let names: Vec<String> =
        HEAD.iter().map(|name| (*name).to_owned()).chain(items.map(|code| format!("{code}_値"))).collect();
    format!("{}\r\n", names.join(","))
}

fn row(one: &Checkup, facility: &Facility) -> String {
    let stated = &one.stated;
    let ticket = format!("{:02}1{:08}", one.checked_on.year() % 100, random::permute(one.person, 8, 37));
    let mut cells = vec![
        compact(one.checked_on.last_of_month()),
        facility.code.clone(),
        stated.insurer.clone(),
        stated.symbol.clone(),
        stated.number.clone(),
        stated.branch.clone().unwrap_or_default(),
        stated.kana("　"),
        stated.sex.to_string(),
        compact(stated.birth),
        stated.postcode.clone(),
        stated.address.clone(),
        ticket,
        compact(one.checked_on),
    ];
    cells.extend(one.measures.iter().map(|measure| measure.value.clone()));
    cells.extend(coded(one).map(|(_, value)| value.to_string()));
    format!("{}\r\n", cells.join(","))
}
