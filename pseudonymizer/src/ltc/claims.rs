//! Streams claims of long-term care: a 01 record says who, the 02 records under it say what (formats.md, part 5).

use std::io::BufRead;
use std::path::Path;

use jiff::civil::Date;

use super::care_level;
use crate::atoms::{Home, Owner, Sighting};
use crate::cell::{self, at};
use crate::intake::{Intake, Version};
use crate::job::PseudonymizeError;
use crate::lines::{self, Line};
use crate::normalise::date;
use crate::normalise::insurer::{self, LtcInsurer};
use crate::normalise::sex::Sex;
use crate::report::Reason;
use crate::rows::LtcClaimRow;
use crate::tokens::Identity;

/// 01 record that the 02 records below belong to.
struct Base {
    /// Month, provider, insurer and insured number as written.
    key: Vec<Vec<u8>>,
    owner: Owner,
    month: Date,
    provider: String,
    insurer: Option<LtcInsurer>,
    care_level: Option<&'static str>,
}

/// What came of a claim's 01 record.
enum Current {
    /// None yet.
    Nothing,
    /// Its lines are written.
    Open(Base),
    /// Its lines are dropped with it: the same claim came before.
    Duplicate(Vec<Vec<u8>>),
}

/// Reads a file of claims.
pub(crate) fn read(from: &mut dyn BufRead, intake: &mut Intake<'_>, path: &Path) -> Result<(), PseudonymizeError> {
    let mut buffer = Vec::new();
    let mut current = Current::Nothing;
    let (mut stated, mut found) = (None, 0_u64);
    loop {
        let line = lines::next(from, &mut buffer, &mut intake.file.bytes).map_err(PseudonymizeError::io(path))?;
        match line {
            Line::End => break,
            Line::Read if buffer.is_empty() => continue,
            Line::Read => intake.read_one(),
            Line::TooLong => {
                intake.read_one();
                intake.put_aside(intake.file.records, Reason::RecordLong, &buffer)?;
                continue;
            }
        }
        let mut cells = Vec::new();
        lines::split_quoted(&buffer, &mut cells);
        match at(&cells, 1) {
            b"1" => stated = cell::int(at(&cells, 4)).and_then(|count| u64::try_from(count).ok()),
            b"2" => {
                found = found.saturating_add(1);
                let payload = cells.get(2..).unwrap_or_default();
                data(payload, &buffer, &mut current, intake)?;
            }
            b"3" => {}
            _ => intake.put_aside(intake.file.records, Reason::RecordUnknown, &buffer)?,
        }
    }
    if stated.is_some_and(|stated| stated != found) {
        intake.note(Reason::FileTotals);
    }
    Ok(())
}

fn data(
    payload: &[&[u8]],
    line: &[u8],
    current: &mut Current,
    intake: &mut Intake<'_>,
) -> Result<(), PseudonymizeError> {
    let exchange = at(payload, 1);
    let is_claim = exchange.len() == 4 && exchange.starts_with(b"71");
    match at(payload, 2) {
        _ if !is_claim => intake.note(Reason::RecordUncarried),
        b"01" => match base(payload, intake) {
            Ok(next) => *current = next,
            Err(reason) => {
                *current = Current::Nothing;
                intake.put_aside(intake.file.records, reason, line)?;
            }
        },
        b"02" | b"14" => detail(payload, line, current, intake)?,
        kind if cell::digits(kind, 2).is_some() => intake.note(Reason::RecordUncarried),
        _ => intake.note(Reason::RecordUnknown),
    }
    Ok(())
}

/// The fields that a claim's records share: month, provider, insurer, insured.
fn key(payload: &[&[u8]]) -> Vec<Vec<u8>> {
    (3..=6).map(|place| at(payload, place).to_vec()).collect()
}

fn base(payload: &[&[u8]], intake: &mut Intake<'_>) -> Result<Current, Reason> {
    let month = date::month(at(payload, 3)).ok_or(Reason::NoDate)?;
    let provider = provider(at(payload, 4)).ok_or(Reason::NoFacility)?;
    let birth = intake.identifier(at(payload, 13), |digits| date::birth(digits.as_bytes()));
    let identity = Identity {
        ltc_insurer: intake.identifier(at(payload, 5), LtcInsurer::read),
        ltc_number: intake.identifier(at(payload, 6), insurer::ltc_insured),
        birth: birth.filter(|birth| birth.month <= month),
        sex: intake.identifier(at(payload, 14), Sex::read),
        ..Identity::default()
    };
    let Some(owner) = intake.begin(&identity) else { return Ok(Current::Duplicate(key(payload))) };
    intake.register(owner, &Version { key: None, content: payload, order: 0, together: true, withdraws: false });
    // 中止理由 4: death, on the day of the stop.
    let died = (at(payload, 23) == b"4").then(|| date::day(at(payload, 22)).map_or(month, date::first_of_month));
    let home = home_of(identity.ltc_insurer.as_ref());
    intake.saw(owner, Sighting { on: Some(month), until: None, home, died });
    intake.saw_facility(&provider, None, false);
    intake.passed();
    let care_level = intake.cell(at(payload, 15), care_level);
    Ok(Current::Open(Base { key: key(payload), owner, month, provider, insurer: identity.ltc_insurer, care_level }))
}

fn detail(payload: &[&[u8]], line: &[u8], current: &Current, intake: &mut Intake<'_>) -> Result<(), PseudonymizeError> {
    let orphan = intake.file.records;
    let base = match current {
        Current::Open(base) if base.key == key(payload) => base,
        Current::Duplicate(known) if *known == key(payload) => return Ok(()),
        Current::Duplicate(_) | Current::Nothing | Current::Open(_) => {
            return intake.put_aside(orphan, Reason::RecordOrphan, line);
        }
    };
    let (Some(kind), Some(item)) = (cell::code(at(payload, 7), 2), cell::code(at(payload, 8), 4)) else {
        return intake.put_aside(orphan, Reason::NoCode, line);
    };
    let code = format!("{kind}{item}");
    let row = LtcClaimRow {
        service_month: Some(base.month),
        facility_code: Some(&base.provider),
        insurer_prefecture: base.insurer.as_ref().and_then(LtcInsurer::prefecture).map(|code| format!("{code:02}")),
        insurer_municipality: base.insurer.as_ref().and_then(LtcInsurer::municipality).map(|code| format!("{code:05}")),
        care_level: base.care_level,
        service_type: Some(kind),
        service_code: Some(&code),
        units: intake.cell(at(payload, 14), cell::int),
        days: intake.cell(at(payload, 10), cell::int),
    };
    intake.row(base.owner, &row)
}

/// 10 characters that begin with a prefecture.
fn provider(cell: &[u8]) -> Option<String> {
    let code = cell::code(cell, 10)?;
    let known = code.get(..2)?.parse::<u8>().is_ok_and(|prefecture| (1..=47).contains(&prefecture));
    known.then(|| code.to_owned())
}

/// The municipality that an insurer is.
pub(crate) fn home_of(insurer: Option<&LtcInsurer>) -> Option<Home> {
    let insurer = insurer?;
    Some(Home { prefecture: insurer.prefecture()?, municipality: insurer.municipality() })
}
