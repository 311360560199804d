//! Streams certifications of need of care: one row each, columns found by the header's names, because two dialects order them
//! differently (formats.md, part 6).

use std::io::BufRead;
use std::path::Path;

use jiff::civil::Date;

use super::header::Header;
use super::{care_level, claims::home_of};
use crate::atoms::Sighting;
use crate::cell;
use crate::intake::{Intake, Version};
use crate::job::PseudonymizeError;
use crate::layout::{Layout, Use};
use crate::lines::{self, Line};
use crate::normalise::insurer::{self, LtcInsurer};
use crate::normalise::sex::Sex;
use crate::normalise::{date, kana, kanji, postcode};
use crate::report::Reason;
use crate::rows::CertificationRow;
use crate::tokens::Identity;

/// Places of the columns that are read, from the header line; all others are dropped unread.
struct Columns {
    applied_on: usize,
    bedridden_level: usize,
    birth_date: usize,
    care_level: usize,
    certified_on: usize,
    dementia_level: usize,
    first_judgement: usize,
    insured_no: usize,
    insurer_home: usize,
    insurer_no: usize,
    kana: usize,
    kanji: usize,
    postcode: usize,
    minutes: usize,
    scores: [usize; 5],
    sex: usize,
    valid_from: usize,
    valid_to: usize,
    withdrawn: usize,
}

impl Columns {
    fn of(layout: &Layout, header: &Header) -> Self {
        let place = |name, wanted| header.place(layout, "", name, wanted);
        let content = |name| place(name, Use::Content);
        let identity = |name| place(name, Use::Identity);
        Self {
            applied_on: content("applied_on"),
            bedridden_level: content("bedridden_level"),
            birth_date: identity("birth_date"),
            care_level: content("care_level"),
            certified_on: content("certified_on"),
            dementia_level: content("dementia_level"),
            first_judgement: content("first_judgement"),
            insured_no: identity("insured_no"),
            insurer_home: content("insurer_no"),
            insurer_no: identity("insurer_no"),
            kana: identity("kana"),
            kanji: identity("kanji"),
            postcode: identity("postcode"),
            minutes: content("minutes"),
            scores: ["score1", "score2", "score3", "score4", "score5"].map(content),
            sex: identity("sex"),
            valid_from: content("valid_from"),
            valid_to: content("valid_to"),
            withdrawn: place("withdrawn", Use::Frame),
        }
    }
}

/// Reads a file of certifications.
pub(crate) fn read(from: &mut dyn BufRead, intake: &mut Intake<'_>, path: &Path) -> Result<(), PseudonymizeError> {
    let (mut buffer, mut spare) = (Vec::new(), Vec::new());
    let mut columns: Option<Columns> = None;
    loop {
        let line = lines::next(from, &mut buffer, &mut intake.file.bytes).map_err(PseudonymizeError::io(path))?;
        if line == Line::End {
            return Ok(());
        }
        if buffer.is_empty() {
            continue;
        }
        intake.read_one();
        if line == Line::TooLong {
            intake.put_aside(intake.file.records, Reason::RecordLong, &buffer)?;
            continue;
        }
        let mut cells = lines::emptied(spare);
        lines::split_quoted(&buffer, &mut cells);
        match &columns {
            Some(columns) => row(columns, &cells, &buffer, intake)?,
            None => columns = header(&cells, intake),
        }
        spare = lines::emptied(cells);
    }
}

/// Finds the columns; those that the layout does not list are counted.
fn header(cells: &[&[u8]], intake: &mut Intake<'_>) -> Option<Columns> {
    let header = Header::read(cells);
    let layout = intake.layout("ltc-certification")?;
    let (columns, unlisted) = (Columns::of(layout, &header), header.unlisted(layout, ""));
    (0..unlisted).for_each(|_| intake.note(Reason::PartUnknown));
    Some(columns)
}

fn row(columns: &Columns, cells: &[&[u8]], line: &[u8], intake: &mut Intake<'_>) -> Result<(), PseudonymizeError> {
    let cell = |place| cell::at(cells, place);
    let Some(applied_on) = date::day(cell(columns.applied_on)) else {
        return intake.put_aside(intake.file.records, Reason::NoDate, line);
    };
    if !matches!(cell(columns.withdrawn), b"" | b"0" | b"00") {
        intake.note(Reason::Withdrawn);
        return Ok(());
    }
    let identity = Identity {
        ltc_insurer: intake.identifier(cell(columns.insurer_no), LtcInsurer::read),
        ltc_number: intake.identifier(cell(columns.insured_no), insurer::ltc_insured),
        birth: intake.identifier(cell(columns.birth_date), |digits| date::birth(digits.as_bytes())),
        sex: intake.identifier(cell(columns.sex), Sex::read),
        kana: intake.identifier(cell(columns.kana), kana::name),
        kanji: intake.identifier(cell(columns.kanji), kanji::name),
        postcode: intake.identifier(cell(columns.postcode), postcode::read),
        ..Identity::default()
    };
    let Some(owner) = intake.begin(&identity) else { return Ok(()) };
    let version = Version { key: None, content: cells, order: 0, together: true, withdraws: false };
    intake.register(owner, &version);
    let insurer = cell::cp932(cell(columns.insurer_home)).as_deref().and_then(LtcInsurer::read);
    let home = home_of(insurer.as_ref());
    intake.saw(owner, Sighting { on: Some(applied_on), home, ..Sighting::default() });
    let mut decimal = |place| intake.cell(cell(place), cell::decimal);
    let minutes = decimal(columns.minutes);
    let [score1, score2, score3, score4, score5] = columns.scores.map(decimal);
    let row = CertificationRow {
        applied_on: Some(applied_on),
        certified_on: intake.cell(cell(columns.certified_on), date::day),
        valid_from: intake.cell(cell(columns.valid_from), date::day),
        valid_to: intake.cell(cell(columns.valid_to), date::day),
        care_level: intake.cell(cell(columns.care_level), care_level),
        first_judgement: intake.cell(cell(columns.first_judgement), care_level),
        minutes,
        score1,
        score2,
        score3,
        score4,
        score5,
        dementia_level: intake.cell(cell(columns.dementia_level), dementia),
        bedridden_level: intake.cell(cell(columns.bedridden_level), bedridden),
    };
    let backwards = |from: Option<Date>, to: Option<Date>| from.zip(to).is_some_and(|(from, to)| to < from);
    if backwards(Some(applied_on), row.certified_on) || backwards(row.valid_from, row.valid_to) {
        intake.note(Reason::DateOrder);
    }
    intake.passed();
    intake.row(owner, &row)
}

/// 認知症高齢者の日常生活自立度: 1 自立, 2 `I`, 3 `IIa` … 8 `M`.
fn dementia(code: &[u8]) -> Option<&'static str> {
    const LEVELS: [&str; 8] = ["0", "1", "2a", "2b", "3a", "3b", "4", "M"];
    level(code, &LEVELS)
}

/// 障害高齢者の日常生活自立度: 1 自立, 2 J1 … 9 C2.
fn bedridden(code: &[u8]) -> Option<&'static str> {
    const LEVELS: [&str; 9] = ["0", "J1", "J2", "A1", "A2", "B1", "B2", "C1", "C2"];
    level(code, &LEVELS)
}

fn level(code: &[u8], levels: &[&'static str]) -> Option<&'static str> {
    let place = usize::try_from(cell::int(code)?).ok()?;
    levels.get(place.checked_sub(1)?).copied()
}
