//! Claims of long-term care: `LTC_YYYYMM.csv`, one a service month, all fields quoted but those of control and end records.
//! Layout: formats.md, 5 (様式第二 and its sisters; 01 基本, 02 明細, 10 集計).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::SyntheticError;
use crate::calendar::{self, Month};
use crate::facilities::Facilities;
use crate::records::LongTermClaim;
use crate::truth::Truth;
use crate::write::{Identity, Sink};

/// The files of all months.
pub(crate) struct LongTermFiles {
    folder: PathBuf,
    files: BTreeMap<Month, OneFile>,
}

struct OneFile {
    sink: Sink,
    /// Data records so far.
    records: u64,
    claims: u64,
}

/// Where the count of data records stands in the control record, and its fixed length.
const COUNT_AT: u64 = 6;
const COUNT_DIGITS: usize = 9;

impl LongTermFiles {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), files: BTreeMap::new() }
    }

    /// Adds a claim to its month.
    pub(crate) fn write(
        &mut self,
        claim: &LongTermClaim,
        facilities: &Facilities,
        truth: &mut Truth,
    ) -> Result<(), SyntheticError> {
        let Some(facility) = facilities.at(claim.facility) else { return Ok(()) };
        let file = match self.files.entry(claim.month) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(OneFile::create(&self.folder, claim.month)?)
            }
        };
        file.add(claim, &facility.code)?;
        let identity = Identity {
            facility_code: Some(facility.code.clone()),
            ..Identity::bare("ltc", claim.person, &claim.stated).in_care(&claim.stated)
        };
        truth.identity(&file.sink.name(), file.claims, &identity)
    }

    /// Ends the files.
    pub(crate) fn finish(self) -> Result<(u64, u64), SyntheticError> {
        let mut done = (0, 0);
        for file in self.files.into_values() {
            done = (done.0 + 1, done.1 + file.finish()?);
        }
        Ok(done)
    }
}

impl OneFile {
    fn create(folder: &Path, month: Month) -> Result<Self, SyntheticError> {
        let mut sink = Sink::create(&folder.join(format!("LTC_{}.csv", month.text())))?;
        let count = "0".repeat(COUNT_DIGITS);
        sink.cp932(&format!("1,1,0,{count},711,0,000000,0000000000,00,7,{},0\r\n", month.plus(1).text()))?;
        Ok(Self { sink, records: 0, claims: 0 })
    }

    fn add(&mut self, claim: &LongTermClaim, provider: &str) -> Result<(), SyntheticError> {
        self.claims += 1;
        let head = [
            claim.month.text(),
            provider.to_owned(),
            format!("00{}", claim.stated.care_insurer),
            claim.stated.care_number.clone(),
        ];
        let units: i32 = claim.lines.iter().map(|line| line.unit_points * line.count).sum();
        self.record(claim.exchange, "01", &head, &basic(claim, units))?;
        for line in &claim.lines {
            let (kind, item) = line.code.split_at_checked(2).unwrap_or((line.code, ""));
            let mut fields = vec![kind.to_owned(), item.to_owned(), line.unit_points.to_string()];
            fields.push(line.count.to_string());
            fields.extend([const { String::new() }; 3]);
            fields.push((line.unit_points * line.count).to_string());
            fields.extend([const { String::new() }; 4]);
            self.record(claim.exchange, "02", &head, &fields)?;
        }
        let kind = claim.lines.first().and_then(|line| line.code.get(..2)).unwrap_or_default();
        self.record(claim.exchange, "10", &head, &summary(kind, units))
    }

    /// A data record: kind 2, serial, then quoted fields.
    fn record(
        &mut self,
        exchange: &str,
        kind: &str,
        head: &[String; 4],
        rest: &[String],
    ) -> Result<(), SyntheticError> {
        self.records += 1;
        let mut text = format!("2,{},\"{exchange}\",\"{kind}\"", self.records + 1);
        for field in head.iter().chain(rest) {
            text.push_str(",\"");
            text.push_str(field);
            text.push('"');
        }
        text.push_str("\r\n");
        self.sink.cp932(&text)
    }

    fn finish(mut self) -> Result<u64, SyntheticError> {
        self.sink.cp932(&format!("3,{}\r\n", self.records + 2))?;
        let width = COUNT_DIGITS;
        self.sink.patch(COUNT_AT, format!("{:0width$}", self.records).as_bytes())?;
        self.sink.close()
    }
}

/// Fields 7 to 56 of 基本情報.
fn basic(claim: &LongTermClaim, units: i32) -> Vec<String> {
    let mut fields = vec![String::new(); 50];
    let mut set = |number: usize, text: String| {
        if let Some(field) = fields.get_mut(number - 7) {
            *field = text;
        }
    };
    set(13, calendar::compact(claim.stated.birth));
    set(14, claim.stated.sex.to_string());
    set(15, claim.level.code().to_owned());
    set(16, "1".to_owned());
    set(17, calendar::compact(claim.valid.0));
    set(18, calendar::compact(claim.valid.1));
    set(19, "1".to_owned());
    if let Some(death) = claim.died_on {
        set(22, calendar::compact(death));
        set(23, "4".to_owned());
    }
    set(29, "90".to_owned());
    set(33, units.to_string());
    set(34, (units * 9).to_string());
    set(35, units.to_string());
    fields
}

/// Fields 7 to 38 of 集計情報.
fn summary(kind: &str, units: i32) -> Vec<String> {
    let mut fields = vec![String::new(); 32];
    let values = [
        (7, kind.to_owned()),
        (9, units.to_string()),
        (10, units.to_string()),
        (14, units.to_string()),
        (15, "1000".to_owned()),
        (16, (units * 9).to_string()),
        (17, units.to_string()),
    ];
    for (number, text) in values {
        if let Some(field) = fields.get_mut(number - 7) {
            *field = text;
        }
    }
    fields
}
