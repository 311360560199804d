//! One CSV a database, and the truth beside them.

use std::collections::BTreeSet;
use std::path::Path;

use super::life::{EVENTS, Life};
use crate::SyntheticError;
use crate::mistakes::{Slips, Software};
use crate::write::Sink;

/// A database of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Database {
    Claims,
    Care,
    Hospital,
    Record,
}

/// What a row of a database states; a database's columns are some of these.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    pub(super) month: i32,
    pub(super) weight: u32,
    pub(super) insurer: String,
    pub(super) symbol: String,
    pub(super) number: String,
    pub(super) branch: String,
    pub(super) kana: String,
    pub(super) kanji: String,
    pub(super) birth: String,
    pub(super) sex: u8,
    pub(super) facility: String,
    pub(super) chart: String,
    pub(super) postcode: String,
    pub(super) care_insurer: String,
    pub(super) care_number: String,
    pub(super) id5: String,
}

/// What is true of a row.
pub(super) struct Truth<'a> {
    pub(super) life: &'a Life,
    pub(super) age: i32,
    pub(super) prefecture: &'static str,
    pub(super) software: Software,
    pub(super) slips: Slips,
    /// Further letters: of the card, the chart, id5.
    pub(super) marks: &'a str,
}

/// All files.
pub(super) struct Files {
    claims: Sink,
    care: Sink,
    hospital: Sink,
    record: Sink,
    truth: Sink,
    sites: BTreeSet<(String, char)>,
    software: Sink,
    rows: [u64; 4],
    line: String,
}

impl Files {
    pub(super) fn create(out: &Path) -> Result<Self, SyntheticError> {
        let open = |name: &str, header: &str| {
            let mut sink = Sink::create(&out.join(name))?;
            sink.raw(header.as_bytes())?;
            sink.raw(b"\n").map(|()| sink)
        };
        let insured = "insurer,symbol,number,branch";
        Ok(Self {
            claims: open(
                "claims.csv",
                &format!("serial,month,weight,{insured},kana,kanji,birth,sex,facility,chart,id5"),
            )?,
            care: open("care.csv", "serial,month,weight,care_insurer,care_number,kana,kanji,birth,sex,postcode,id5")?,
            hospital: open("hospital.csv", "serial,month,weight,birth,sex,postcode,facility,chart,id5")?,
            record: open(
                "record.csv",
                &format!("serial,month,weight,{insured},kana,kanji,birth,sex,postcode,facility,chart"),
            )?,
            truth: open("truth.csv", "serial,person,household,twin,age_band,sex,prefecture,software,errors,weight")?,
            software: open("facility_software.csv", "facility_code,software")?,
            sites: BTreeSet::new(),
            rows: [0; 4],
            line: String::new(),
        })
    }

    /// Adds a row and its truth.
    pub(super) fn row(&mut self, database: Database, row: &Row, truth: &Truth<'_>) -> Result<(), SyntheticError> {
        let Some(count) = self.rows.get_mut(database as usize) else { return Ok(()) };
        *count += 1;
        let letter = ["n", "l", "d", "e"].get(database as usize).copied().unwrap_or("n");
        let serial = format!("{letter}{count}");
        let (month, weight) =
            (format!("{:04}{:02}15", row.month.div_euclid(12), row.month.rem_euclid(12) + 1), row.weight.to_string());
        let sex = if row.sex == 1 { "1" } else { "2" };
        let head = [serial.as_str(), &month, &weight];
        let insured = [row.insurer.as_str(), &row.symbol, &row.number, &row.branch];
        let (name, person) = ([row.kana.as_str(), &row.kanji], [row.birth.as_str(), sex]);
        let chart = [row.facility.as_str(), &row.chart];
        let (postcode, id5) = ([row.postcode.as_str()], [row.id5.as_str()]);
        let care = [row.care_insurer.as_str(), &row.care_number];
        let (sink, parts): (&mut Sink, Vec<&[&str]>) = match database {
            Database::Claims => (&mut self.claims, vec![&head, &insured, &name, &person, &chart, &id5]),
            Database::Care => (&mut self.care, vec![&head, &care, &name, &person, &postcode, &id5]),
            Database::Hospital => (&mut self.hospital, vec![&head, &person, &postcode, &chart, &id5]),
            Database::Record => (&mut self.record, vec![&head, &insured, &name, &person, &postcode, &chart]),
        };
        self.line.clear();
        for cell in parts.into_iter().flatten() {
            self.line.push_str(cell);
            self.line.push(',');
        }
        self.line.pop();
        self.line.push('\n');
        sink.raw(self.line.as_bytes())?;
        if !row.facility.is_empty() {
            let site = (row.facility.clone(), truth.software.letter());
            if self.sites.insert(site) {
                self.software.raw(format!("{},{}\n", row.facility, truth.software.letter()).as_bytes())?;
            }
        }
        self.truth(&serial, row.weight, truth)
    }

    fn truth(&mut self, serial: &str, weight: u32, truth: &Truth<'_>) -> Result<(), SyntheticError> {
        let life = truth.life;
        let mut letters: String = truth.slips.letters().collect();
        letters.push_str(truth.marks);
        letters.extend(EVENTS.iter().filter(|(event, _)| life.has(*event)).map(|(_, letter)| letter));
        letters.extend(life.hard.then_some('f'));
        let band = (truth.age / 10 * 10).clamp(0, 90);
        let line = format!(
            "{serial},{},{},{},{band},{},{},{},{letters},{weight}\n",
            life.number,
            life.household,
            u8::from(life.twin),
            life.sex,
            truth.prefecture,
            truth.software.letter()
        );
        self.truth.raw(line.as_bytes())
    }

    /// Rows of claims, care, hospital and record.
    pub(super) fn finish(self) -> Result<[u64; 4], SyntheticError> {
        for sink in [self.claims, self.care, self.hospital, self.record, self.truth, self.software] {
            sink.close()?;
        }
        Ok(self.rows)
    }
}
