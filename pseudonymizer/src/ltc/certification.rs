//! Streams certifications of need of care: one row each, columns found by the header's names, because two dialects order them
//! differently (formats.md, part 6).

use std::io::BufRead;
use std::path::Path;

use super::{care_level, claims::home_of};
use crate::atoms::Sighting;
use crate::cell::{self, at};
use crate::intake::{Intake, Version};
use crate::job::PseudonymizeError;
use crate::lines::{self, Line};
use crate::normalise::insurer::{self, LtcInsurer};
use crate::normalise::sex::Sex;
use crate::normalise::{date, kana, kanji, text};
use crate::report::Reason;
use crate::rows::CertificationRow;
use crate::tokens::Identity;

/// Columns that are kept or make tokens; all others are dropped unread.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Applied,
    Bedridden,
    Birth,
    Certified,
    Dementia,
    First,
    Insured,
    Insurer,
    Kana,
    Kanji,
    Level,
    Minutes,
    Score(u8),
    Sex,
    ValidFrom,
    ValidTo,
    Withdrawn,
}

/// Names in the two dialects, NFKC, without blanks and underscores.
const NAMES: [(&str, Wanted); 29] = [
    ("保険者番号", Wanted::Insurer),
    ("被保険者番号", Wanted::Insured),
    ("認定申請日", Wanted::Applied),
    ("取下区分コード", Wanted::Withdrawn),
    ("取下区分", Wanted::Withdrawn),
    ("生年月日", Wanted::Birth),
    ("性別コード", Wanted::Sex),
    ("性別", Wanted::Sex),
    ("被保険者カナ氏名", Wanted::Kana),
    ("漢字氏名", Wanted::Kanji),
    ("障害高齢者の日常生活自立度", Wanted::Bedridden),
    ("障害高齢者自立度", Wanted::Bedridden),
    ("認知症高齢者の日常生活自立度", Wanted::Dementia),
    ("認知症高齢者自立度", Wanted::Dementia),
    ("一次判定結果", Wanted::First),
    ("要介護認定等基準時間", Wanted::Minutes),
    ("中間評価項目得点第1群", Wanted::Score(1)),
    ("中間評価項目得点第2群", Wanted::Score(2)),
    ("中間評価項目得点第3群", Wanted::Score(3)),
    ("中間評価項目得点第4群", Wanted::Score(4)),
    ("中間評価項目得点第5群", Wanted::Score(5)),
    ("二次判定日", Wanted::Certified),
    ("二次判定結果", Wanted::Level),
    ("認定有効期間開始", Wanted::ValidFrom),
    ("認定有効期間開始日", Wanted::ValidFrom),
    ("認定有効期間開始年月日", Wanted::ValidFrom),
    ("認定有効期間終了", Wanted::ValidTo),
    ("認定有効期間終了日", Wanted::ValidTo),
    ("認定有効期間終了年月日", Wanted::ValidTo),
];

/// Where each wanted column stands.
struct Header(Vec<(Wanted, usize)>);

impl Header {
    fn read(cells: &[&[u8]]) -> Self {
        let places = cells.iter().zip(1..).filter_map(|(cell, place)| {
            let name: String = text::fold(&text::cp932(cell)?)
                .chars()
                .filter(|letter| !text::is_blank(*letter) && *letter != '_')
                .collect();
            let (_, wanted) = NAMES.iter().find(|(known, _)| *known == name)?;
            Some((*wanted, place))
        });
        Self(places.collect())
    }

    fn cell<'a>(&self, cells: &[&'a [u8]], wanted: Wanted) -> &'a [u8] {
        self.0.iter().find(|(known, _)| *known == wanted).map_or(b"", |(_, place)| at(cells, *place))
    }
}

/// Reads a file of certifications.
pub(crate) fn read(from: &mut dyn BufRead, intake: &mut Intake<'_>, path: &Path) -> Result<(), PseudonymizeError> {
    let mut buffer = Vec::new();
    let mut header: Option<Header> = None;
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
        let mut cells = Vec::new();
        lines::split_quoted(&buffer, &mut cells);
        match &header {
            None => header = Some(Header::read(&cells)),
            Some(header) => row(header, &cells, &buffer, intake)?,
        }
    }
}

fn row(header: &Header, cells: &[&[u8]], line: &[u8], intake: &mut Intake<'_>) -> Result<(), PseudonymizeError> {
    let cell = |wanted| header.cell(cells, wanted);
    let Some(applied_on) = date::day(cell(Wanted::Applied)) else {
        return intake.put_aside(intake.file.records, Reason::NoDate, line);
    };
    if !matches!(cell(Wanted::Withdrawn), b"" | b"0" | b"00") {
        intake.note(Reason::Withdrawn);
        return Ok(());
    }
    let identity = Identity {
        ltc_insurer: intake.identifier(cell(Wanted::Insurer), LtcInsurer::read),
        ltc_number: intake.identifier(cell(Wanted::Insured), insurer::ltc_insured),
        birth: intake.identifier(cell(Wanted::Birth), |digits| date::birth(digits.as_bytes())),
        sex: intake.identifier(cell(Wanted::Sex), Sex::read),
        kana: intake.identifier(cell(Wanted::Kana), kana::name),
        kanji: intake.identifier(cell(Wanted::Kanji), kanji::name),
        ..Identity::default()
    };
    let Some(owner) = intake.begin(&identity) else { return Ok(()) };
    intake.register(owner, &Version { key: None, content: cells, order: 0, together: true, withdraws: false });
    let home = home_of(identity.ltc_insurer.as_ref());
    intake.saw(owner, Sighting { on: Some(applied_on), home, ..Sighting::default() });
    let mut decimal = |wanted| intake.cell(cell(wanted), cell::decimal);
    let minutes = decimal(Wanted::Minutes);
    let [score1, score2, score3, score4, score5] = [1, 2, 3, 4, 5].map(|group| decimal(Wanted::Score(group)));
    let row = CertificationRow {
        applied_on: Some(applied_on),
        certified_on: intake.cell(cell(Wanted::Certified), date::day),
        valid_from: intake.cell(cell(Wanted::ValidFrom), date::day),
        valid_to: intake.cell(cell(Wanted::ValidTo), date::day),
        care_level: intake.cell(cell(Wanted::Level), care_level),
        first_judgement: intake.cell(cell(Wanted::First), care_level),
        minutes,
        score1,
        score2,
        score3,
        score4,
        score5,
        dementia_level: intake.cell(cell(Wanted::Dementia), dementia),
        bedridden_level: intake.cell(cell(Wanted::Bedridden), bedridden),
    };
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
