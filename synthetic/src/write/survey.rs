//! The DPC survey: `FF1_YYMM.txt` (様式1), `FF4_…` (様式4), `EFn_…` (EF統合), `Dn_…` (D) and `Hn_…` (H), one of each a month
//! of discharge, tab-separated CP932 (formats.md, 9.1 to 9.5).

mod daily;
mod nursing;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::SyntheticError;
use crate::calendar::{Month, compact};
use crate::facilities::{Facilities, Facility};
use crate::records::{Stay, StayItem};
use crate::truth::Truth;
use crate::write::{Identity, Sink};

/// The files of all months.
pub(crate) struct SurveyFiles {
    folder: PathBuf,
    months: BTreeMap<Month, MonthFiles>,
}

/// The files of a month of discharge.
struct MonthFiles {
    form1: Sink,
    form4: Sink,
    items: Sink,
    daily: Sink,
    nursing: Sink,
    /// In 様式1.
    stays: u64,
}

impl MonthFiles {
    fn create(folder: &Path, month: Month) -> Result<Self, SyntheticError> {
        let create = |kind: &str| Sink::create(&folder.join(format!("{kind}_{}.txt", month.short())));
        let (mut items, mut daily) = (create("EFn")?, create("Dn")?);
        items.cp932(TITLE)?;
        daily.cp932(daily::TITLE)?;
        Ok(Self { form1: create("FF1")?, form4: create("FF4")?, items, daily, nursing: create("Hn")?, stays: 0 })
    }

    fn add(&mut self, stay: &Stay, facility: &Facility) -> Result<(), SyntheticError> {
        self.stays += 1;
        let head = head(stay, facility);
        // Zeros of a shorter number are spaces here.
        let insurer = &stay.insurer;
        let insurer = if insurer.starts_with("00") { insurer.get(2..).unwrap_or_default() } else { insurer };
        self.form1.cp932(&form1_rows(stay, facility))?;
        self.form4.cp932(&form4_row(stay, facility))?;
        self.items.cp932(&item_rows(stay, &head, insurer))?;
        self.daily.cp932(&daily::rows(stay, &head, insurer, facility))?;
        self.nursing.cp932(&nursing::rows(stay, facility))
    }
}

const TITLE: &str = "施設コード\tデータ識別番号\t退院年月日\t入院年月日\tデータ区分\t順序番号\t行為明細番号\t\
    病院点数マスタコード\tレセプト電算コード\t解釈番号\t診療明細名称\t使用量\t基準単位\t明細点数・金額\t円・点区分\t\
    出来高実績点数\t行為明細区分情報\t行為点数\t行為薬剤料\t行為材料料\t行為回数\t保険者番号\tレセプト種別コード\t\
    実施年月日\tレセプト科区分\t診療科区分\t医師コード\t病棟コード\t病棟区分\t入外区分\t施設タイプ\r\n";

impl SurveyFiles {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), months: BTreeMap::new() }
    }

    /// Writes a stay to the files of its month of discharge.
    pub(crate) fn write(
        &mut self,
        stay: &Stay,
        facilities: &Facilities,
        truth: &mut Truth,
    ) -> Result<(), SyntheticError> {
        let Some(facility) = facilities.at(stay.hospital) else { return Ok(()) };
        let month = Month::of(stay.discharged_on);
        let files = match self.months.entry(month) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => entry.insert(MonthFiles::create(&self.folder, month)?),
        };
        files.add(stay, facility)?;
        let identity = Identity {
            postcode: Some(stay.stated.postcode.clone()),
            ..Identity::bare("dpc", stay.person, &stay.stated).charted(&stay.stated, &facility.code)
        };
        truth.identity(&files.form1.name(), files.stays, &identity)
    }

    /// Ends the files.
    pub(crate) fn finish(self) -> Result<(u64, u64), SyntheticError> {
        let mut done = (0, 0);
        for month in self.months.into_values() {
            for sink in [month.form1, month.form4, month.items, month.daily, month.nursing] {
                done = (done.0 + 1, done.1 + sink.close()?);
            }
        }
        Ok(done)
    }
}

/// The first four columns of EF and D.
fn head(stay: &Stay, facility: &Facility) -> String {
    let (discharged, admitted) = (compact(stay.discharged_on), compact(stay.admitted_on));
    format!("{}\t{}\t{discharged}\t{admitted}", facility.survey_code(), stay.stated.chart)
}

/// 様式4: whether anything but health insurance pays (1: it alone).
fn form4_row(stay: &Stay, facility: &Facility) -> String {
    let (admitted, discharged) = (compact(stay.admitted_on), compact(stay.discharged_on));
    format!("{}\t{}\t{admitted}\t{discharged}\t1\r\n", facility.survey_code(), stay.stated.chart)
}

fn form1_rows(stay: &Stay, facility: &Facility) -> String {
    let head = format!("{}\t{}\t{}\t1\t0", facility.survey_code(), stay.stated.chart, compact(stay.admitted_on));
    let mut text = String::with_capacity(2_000);
    let mut row = |code: &str, seq: usize, payloads: &[(usize, &str)]| {
        let mut cells = [""; 9];
        for (place, value) in payloads {
            if let Some(cell) = cells.get_mut(place - 1) {
                *cell = value;
            }
        }
        let line = format!("{head}\t{code}\t20220401\t{seq}\t{}\r\n", cells.join("\t"));
        text.push_str(&line);
    };
    let flag = |yes: bool| if yes { "1" } else { "0" };
    let postcode = stay.stated.postcode.replace('-', "");
    row("A000010", 0, &[(1, &compact(stay.stated.birth)), (2, &stay.stated.sex.to_string()), (3, &postcode)]);
    let urgency = if stay.emergency { "301" } else { "100" };
    let (admitted, discharged) = (compact(stay.admitted_on), compact(stay.discharged_on));
    let (route, to) = (stay.route_in.to_string(), stay.discharge_to.to_string());
    let ambulance = flag(stay.ambulance);
    row("A000020", 0, &[(1, &admitted), (2, &route), (3, "0"), (4, "1"), (5, urgency), (6, ambulance), (7, "0")]);
    let outcome = stay.outcome.to_string();
    row("A000030", 0, &[(1, &discharged), (2, &to), (3, &outcome), (4, flag(stay.died_within_24h)), (5, "0")]);
    row("A001010", 0, &[(2, &stay.height_cm.to_string()), (3, &stay.weight_kg)]);
    row("A001020", 0, &[(2, &stay.smoking_index.to_string())]);
    for code in ["A006010", "A006020", "A006030"] {
        row(code, 0, &[(2, stay.main), (9, "主たる傷病")]);
    }
    for (seq, icd10) in stay.comorbidities.iter().enumerate() {
        row("A006040", seq + 1, &[(2, icd10), (9, "併存症")]);
    }
    if let Some(icd10) = stay.complication {
        row("A006050", 1, &[(2, icd10), (9, "続発症")]);
    }
    if let Some((k, on)) = stay.operation {
        row("A007010", 1, &[(1, &compact(on)), (2, k), (4, "1"), (5, "0"), (6, "4"), (9, "手術")]);
    }
    row("ADL0010", 0, &[(2, &stay.adl.0)]);
    row("ADL0020", 0, &[(2, &stay.adl.1)]);
    row("JCS0010", 0, &[(2, stay.jcs.0)]);
    row("JCS0020", 0, &[(2, stay.jcs.1)]);
    // The values of a code stand in one row.
    for of_code in stay.items.chunk_by(|one, next| one.0 == next.0) {
        let payloads: Vec<(usize, &str)> = of_code.iter().map(|(_, place, value)| (*place, value.as_str())).collect();
        row(of_code.first().map_or("", |(code, ..)| code), 0, &payloads);
    }
    text
}

fn item_rows(stay: &Stay, head: &str, insurer: &str) -> String {
    let mut text = String::new();
    let mut order: BTreeMap<&str, usize> = BTreeMap::new();
    for item in &stay.acts {
        let number = order.entry(item.category).or_default();
        *number += 1;
        let end =
            format!("{insurer:>8}\t{}\t{}\t01\t010\tD000000001\tW01\t0\t0\t\r\n", stay.receipt_type, compact(item.on));
        text.push_str(&item_pair(item, &format!("{head}\t{}\t{number:04}", item.category), &end));
    }
    text
}

/// The act's E row (000) and its one F row (001).
fn item_pair(item: &StayItem, head: &str, end: &str) -> String {
    let (code, name, points) = (item.code, item.name, item.points);
    let (drug, material, act) = match code.as_bytes().first() {
        Some(b'6') => (points, 0, 0),
        Some(b'7') => (0, points, 0),
        _ => (0, 0, points),
    };
    let local = format!("L{}", code.get(3..).unwrap_or_default());
    let mut text = format!(
        "{head}\t000\t{local}\t{code}\t\t{name}\t0000000.000\t000\t000000000000\t0\t00000000\t000000000000\t\
         {act:08}\t{drug:08}\t{material:08}\t001\t{end}"
    );
    let part = format!(
        "{head}\t001\t{local}\t{code}\t\t{name}\t{:011.3}\t000\t{points:012}\t0\t{points:08}\t000000000000\t\
         00000000\t00000000\t00000000\t001\t{end}",
        item.quantity
    );
    text.push_str(&part);
    text
}
