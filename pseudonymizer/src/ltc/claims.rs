//! Streams claims of long-term care: a 01 record says who, the 02 and 14 records under it say what (formats.md, part 5).

use std::io::BufRead;
use std::path::Path;

use jiff::civil::Date;

use super::{care_level, provider};
use crate::atoms::{Home, Owner, Sighting};
use crate::cell::{self, at};
use crate::intake::{Intake, Version};
use crate::job::PseudonymizeError;
use crate::layout::{Fate, Layout, Span, Use, fields};
use crate::lines::{self, Line};
use crate::normalise::date;
use crate::normalise::insurer::{self, LtcInsurer};
use crate::normalise::sex::Sex;
use crate::report::Reason;
use crate::rows::LtcClaimRow;
use crate::tokens::Identity;

fields! {
    /// Control record.
    Control of "1" { frame { data_count, processing_month } identity {} content {} }
}
fields! {
    /// 基本情報, for tokens and content.
    Base of "01" {
        identity { ltc_insurer_no, ltc_insured_no, birth_date, sex }
        content {
            service_month, provider_no, care_level, stop_date, stop_reason, discharge_date, after_state,
        }
    }
}
fields! {
    /// 基本情報: the insurer, for content.
    BaseInsurer of "01" { identity {} content { ltc_insurer_no } }
}

/// 明細情報 (02) and that of residents of another municipality's home (14).
#[derive(Clone, Copy, Default)]
struct Detail {
    claim: [Span; 4],
    service_kind: Span,
    service_item: Span,
    count: Span,
    service_units: Span,
}

impl Detail {
    fn of(layout: &Layout, tag: &str) -> Self {
        let frame = |name| Span::of(layout, tag, name, Use::Frame);
        let content = |name| Span::of(layout, tag, name, Use::Content);
        let insured = Span::of(layout, tag, "ltc_insured_no", Use::Identity);
        Self {
            claim: [frame("service_month"), frame("provider_no"), frame("ltc_insurer_no"), insured],
            service_kind: content("service_kind"),
            service_item: content("service_item"),
            count: content("count"),
            service_units: content("service_units"),
        }
    }
}

/// The layout, resolved.
#[derive(Default)]
struct Fields {
    control: Control,
    base: Base,
    insurer: BaseInsurer,
    detail: Detail,
    elsewhere: Detail,
    fates: Vec<(Vec<u8>, Fate)>,
    unknown: Option<Fate>,
}

impl Fields {
    fn of(layout: &Layout) -> Self {
        Self {
            control: Control::of(layout),
            base: Base::of(layout),
            insurer: BaseInsurer::of(layout),
            detail: Detail::of(layout, "02"),
            elsewhere: Detail::of(layout, "14"),
            fates: layout.records.iter().map(|record| (record.tag.as_bytes().to_vec(), record.fate)).collect(),
            unknown: Some(layout.unknown),
        }
    }

    fn fate(&self, tag: &[u8]) -> Fate {
        let known = self.fates.iter().find(|(known, _)| known == tag).map(|(_, fate)| *fate);
        known.or(self.unknown).unwrap_or(Fate::Quarantine)
    }
}

/// A claim whose records are being read.
struct Claim {
    /// Month, provider, insurer and insured number as written.
    key: [Vec<u8>; 4],
    exchange: Vec<u8>,
    /// None where the person stays out.
    owner: Option<Owner>,
    month: Date,
    provider: String,
    prefecture: Option<String>,
    municipality: Option<String>,
    care_level: Option<&'static str>,
    /// What all its records say.
    said: Vec<u8>,
}

/// Reads a file of claims.
pub(crate) fn read(from: &mut dyn BufRead, intake: &mut Intake<'_>, path: &Path) -> Result<(), PseudonymizeError> {
    let fields = intake.layout("ltc-claims").map(Fields::of).unwrap_or_default();
    let mut reading = Reading { fields, claim: None, order: 0 };
    let (mut buffer, mut spare) = (Vec::new(), Vec::new());
    let (mut stated, mut found) = (None, 0_u64);
    let mut ended = false;
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
        let mut cells = lines::emptied(spare);
        lines::split_quoted(&buffer, &mut cells);
        match at(&cells, 1) {
            b"1" => {
                let control = reading.fields.control;
                stated = cell::int(control.data_count.at(&cells)).and_then(|count| u64::try_from(count).ok());
                let month = date::month(control.processing_month.at(&cells));
                reading.order = month.map_or(0, |month| i64::from(month.year()) * 12 + i64::from(month.month()));
            }
            b"2" => {
                found = found.saturating_add(1);
                reading.data(cells.get(2..).unwrap_or_default(), &buffer, intake)?;
            }
            b"3" => ended = true,
            _ => intake.put_aside(intake.file.records, Reason::RecordUnknown, &buffer)?,
        }
        spare = lines::emptied(cells);
    }
    reading.close(intake);
    if !ended || stated.is_some_and(|stated| stated != found) {
        intake.note(Reason::FileTotals);
    }
    Ok(())
}

struct Reading {
    fields: Fields,
    claim: Option<Claim>,
    /// Month in which the file was processed: a claim that comes again later stands.
    order: i64,
}

impl Reading {
    fn data(&mut self, payload: &[&[u8]], line: &[u8], intake: &mut Intake<'_>) -> Result<(), PseudonymizeError> {
        let exchange = at(payload, 1);
        // The forms of claims are 71xx, and their records have a kind; all else is known by its exchange id.
        let is_claim = exchange.len() == 4 && exchange.starts_with(b"71") && !matches!(exchange, b"7111" | b"7113");
        let tag = if is_claim { at(payload, 2) } else { exchange };
        match (self.fields.fate(tag), tag) {
            (Fate::Drop, _) => intake.note(Reason::RecordUncarried),
            (Fate::Read, b"01") => {
                self.close(intake);
                match self.base(payload, intake) {
                    Ok(claim) => self.claim = Some(claim),
                    Err(reason) => return intake.put_aside(intake.file.records, reason, line),
                }
            }
            (Fate::Read, b"02") => return self.detail(self.fields.detail, payload, line, intake),
            (Fate::Read, b"14") => return self.detail(self.fields.elsewhere, payload, line, intake),
            (Fate::Read | Fate::Quarantine, _) => {
                return intake.put_aside(intake.file.records, Reason::RecordUnknown, line);
            }
        }
        if is_claim && let Some(claim) = &mut self.claim {
            claim.said.extend_from_slice(said(line));
        }
        Ok(())
    }

    /// Says what the claim was, now that all its records are read.
    fn close(&mut self, intake: &mut Intake<'_>) {
        let Some(claim) = self.claim.take() else { return };
        let Some(owner) = claim.owner else { return };
        let [month, provider, insurer, insured] = &claim.key;
        // A claim of a month is corrected as a whole: taken back and made again (過誤調整).
        let key = [&claim.exchange, month, provider, insurer, insured].map(Vec::as_slice);
        let version =
            Version { key: Some(&key), content: &[&claim.said], order: self.order, together: true, withdraws: false };
        intake.register(owner, &version);
    }

    fn base(&self, payload: &[&[u8]], intake: &mut Intake<'_>) -> Result<Claim, Reason> {
        let base = &self.fields.base;
        let month = date::month(base.service_month.at(payload)).ok_or(Reason::NoDate)?;
        let provider = provider(base.provider_no.at(payload)).ok_or(Reason::NoFacility)?;
        let birth = intake.identifier(base.birth_date.at(payload), |digits| date::birth(digits.as_bytes()));
        let identity = Identity {
            ltc_insurer: intake.identifier(base.ltc_insurer_no.at(payload), LtcInsurer::read),
            ltc_number: intake.identifier(base.ltc_insured_no.at(payload), insurer::ltc_insured),
            birth: birth.filter(|birth| birth.month <= month),
            sex: intake.identifier(base.sex.at(payload), Sex::read),
            ..Identity::default()
        };
        if birth != identity.birth {
            intake.note(Reason::DateOrder);
        }
        let owner = intake.begin(&identity);
        let insurer = cell::cp932(self.fields.insurer.ltc_insurer_no.at(payload)).as_deref().and_then(LtcInsurer::read);
        if let Some(owner) = owner {
            let (home, died) = (home_of(insurer.as_ref()), base.died(payload, month));
            intake.saw(owner, Sighting { on: Some(month), until: None, home, died });
            intake.saw_facility(provider, None, false);
            intake.passed();
        }
        let written = [base.service_month, base.provider_no, base.ltc_insurer_no, base.ltc_insured_no];
        Ok(Claim {
            key: written.map(|field| field.at(payload).to_vec()),
            exchange: at(payload, 1).to_vec(),
            owner,
            month,
            provider: provider.to_owned(),
            prefecture: insurer.as_ref().and_then(LtcInsurer::prefecture).map(|code| format!("{code:02}")),
            municipality: insurer.as_ref().and_then(LtcInsurer::municipality).map(|code| format!("{code:05}")),
            care_level: intake.cell(base.care_level.at(payload), care_level),
            said: Vec::new(),
        })
    }

    fn detail(
        &mut self,
        fields: Detail,
        payload: &[&[u8]],
        line: &[u8],
        intake: &mut Intake<'_>,
    ) -> Result<(), PseudonymizeError> {
        let orphan = intake.file.records;
        let same = |claim: &Claim| claim.key.iter().zip(fields.claim).all(|(known, field)| known == field.at(payload));
        let Some(claim) = self.claim.as_mut().filter(|claim| same(claim)) else {
            return intake.put_aside(orphan, Reason::RecordOrphan, line);
        };
        claim.said.extend_from_slice(said(line));
        let Some(owner) = claim.owner else { return Ok(()) };
        let (Some(kind), Some(item)) =
            (cell::code(fields.service_kind.at(payload), 2), cell::code(fields.service_item.at(payload), 4))
        else {
            return intake.put_aside(orphan, Reason::NoCode, line);
        };
        let mut code = [0; 6];
        code.iter_mut().zip(kind.bytes().chain(item.bytes())).for_each(|(to, byte)| *to = byte);
        let row = LtcClaimRow {
            service_month: Some(claim.month),
            facility_code: Some(&claim.provider),
            insurer_prefecture: claim.prefecture.as_deref(),
            insurer_municipality: claim.municipality.as_deref(),
            care_level: claim.care_level,
            service_type: Some(kind),
            service_code: std::str::from_utf8(&code).ok(),
            units: intake.cell(fields.service_units.at(payload), cell::int),
            days: intake.cell(fields.count.at(payload), cell::int),
        };
        intake.row(owner, &row)
    }
}

impl Base {
    /// 中止理由 4 or 退所後の状態 4: death, on the day of the stop or of the discharge.
    fn died(&self, payload: &[&[u8]], month: Date) -> Option<Date> {
        let ends = [(self.stop_reason, self.stop_date), (self.after_state, self.discharge_date)];
        let (_, on) = ends.into_iter().find(|(why, _)| why.at(payload) == b"4")?;
        Some(date::day(on.at(payload)).map_or(month, date::first_of_month))
    }
}

/// What a line says behind its kind and serial number.
fn said(line: &[u8]) -> &[u8] {
    let behind = memchr::memchr_iter(b',', line).nth(1);
    behind.and_then(|comma| line.get(comma..)).unwrap_or_default()
}

/// The municipality that an insurer is.
pub(crate) fn home_of(insurer: Option<&LtcInsurer>) -> Option<Home> {
    let insurer = insurer?;
    Some(Home { prefecture: insurer.prefecture()?, municipality: insurer.municipality() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_code_asks_for_stand_in_the_layout() {
        let layouts = crate::layout::shipped().unwrap();
        for (tag, names) in [Control::NAMES, Base::NAMES, BaseInsurer::NAMES] {
            let record = layouts["ltc-claims"].record(tag).unwrap();
            let missing: Vec<&&str> = names.iter().filter(|name| record.field(name).is_none()).collect();
            assert!(missing.is_empty(), "{tag}: {missing:?}");
        }
    }
}
