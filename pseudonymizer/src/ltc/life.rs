//! Streams the forms of LIFE: line 1 the form, line 2 the ids of its columns, then a row each (formats.md, part 7). An item that
//! the layout keeps becomes a row of `ltc.life`.

use std::borrow::Cow;
use std::io::{self, BufRead};
use std::path::Path;

use super::header::Header;
use super::provider;
use crate::atoms::Sighting;
use crate::cell::{self, at};
use crate::intake::{Intake, Version};
use crate::job::PseudonymizeError;
use crate::layout::{Fate, Field, Kind, Layout, Place, Use, may};
use crate::lines;
use crate::normalise::insurer::{self, LtcInsurer};
use crate::normalise::sex::Sex;
use crate::normalise::{date, kana, kanji, text};
use crate::report::Reason;
use crate::rows::LifeRow;
use crate::tokens::Identity;

/// Form that says who the users are; the others name them by insurer and number alone.
const USERS: &str = "SERVICE_USER_INFO";

/// Longest row, in bytes: the widest form has 221 columns, of which a dozen hold some hundred letters.
const ROW_MAX: usize = 128 * 1024;

/// What a cell says. Nothing and a deletion are not the same: a row that comes again leaves what it says nothing of as it was, and
/// one blank takes it away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said<'a> {
    Cleared,
    Nothing,
    Value(&'a [u8]),
}

impl<'a> Said<'a> {
    fn of(cell: &'a [u8]) -> Self {
        match cell {
            b"" => Self::Nothing,
            b" " => Self::Cleared,
            value => Self::Value(value),
        }
    }

    fn value(self) -> Option<&'a [u8]> {
        match self {
            Self::Value(value) => Some(value),
            Self::Cleared | Self::Nothing => None,
        }
    }
}

/// How an item's value is read.
enum How {
    Code,
    Icd10,
    /// One of the official list's.
    Listed(Vec<(String, String)>),
    Number,
}

/// A column that is kept.
struct Item {
    place: usize,
    id: String,
    how: How,
}

/// Places of a form's columns; 0 for one that it has not.
struct Form {
    name: String,
    width: usize,
    facility: usize,
    insurer: usize,
    insured: usize,
    number: usize,
    detail: usize,
    /// None for a form that has no day of its own: diseases and drugs that belong to another.
    assessed_on: Option<usize>,
    user: User,
    items: Vec<Item>,
}

/// Columns of [`USERS`] alone.
struct User {
    kanji: [usize; 2],
    kana: [usize; 2],
    sex: usize,
    birth: usize,
    died_on: usize,
}

impl Form {
    fn of(layout: &Layout, name: &str, header: &Header) -> Self {
        let place = |field, wanted| header.place(layout, name, field, wanted);
        let identity = |field| place(field, Use::Identity);
        let fields = layout.record(name).map(|record| record.fields.as_slice()).unwrap_or_default();
        let kept = || fields.iter().filter(|field| may(field, Use::Content));
        let assessed = kept().find(|field| goes_to(field, "ltc.life.assessed_on"));
        Self {
            name: name.to_owned(),
            width: header.len(),
            facility: place("care_facility_id", Use::Content),
            insurer: identity("insurer_no"),
            insured: identity("insured_no"),
            number: identity("external_system_management_number"),
            detail: identity("external_system_management_detail_number"),
            assessed_on: assessed.map(|field| header.find(&field.place).unwrap_or(0)),
            user: User {
                kanji: ["last_name", "first_name"].map(identity),
                kana: ["last_name_kana", "first_name_kana"].map(identity),
                sex: identity("gender"),
                birth: identity("birthday"),
                died_on: place("death_date", Use::Content),
            },
            items: kept().filter_map(|field| Item::of(field, header)).collect(),
        }
    }
}

impl Item {
    fn of(field: &Field, header: &Header) -> Option<Self> {
        let how = if goes_to(field, "ltc.life.value") {
            How::Number
        } else if !goes_to(field, "ltc.life.value_code") || field.kind != Some(Kind::Code) {
            return None;
        } else if field.codes.as_deref() == Some("icd10") {
            How::Icd10
        } else if field.values.is_empty() {
            How::Code
        } else {
            How::Listed(field.values.iter().map(|(from, to)| (from.clone(), to.clone())).collect())
        };
        let Place::Header(id) = &field.place else { return None };
        Some(Self { place: header.find(&field.place)?, id: id.clone(), how })
    }
}

fn goes_to(field: &Field, column: &str) -> bool {
    field.to.iter().any(|to| to == column)
}

/// Reads a file of one form.
pub(crate) fn read(from: &mut dyn BufRead, intake: &mut Intake<'_>, path: &Path) -> Result<(), PseudonymizeError> {
    let mut reading = Reading { name: None, form: None, encoding: Encoding::Unsettled };
    let (mut buffer, mut spare) = (Vec::new(), Vec::new());
    while let Some(whole) = next(from, &mut buffer, &mut intake.file.bytes).map_err(PseudonymizeError::io(path))? {
        if buffer.is_empty() {
            continue;
        }
        intake.read_one();
        if !whole {
            intake.put_aside(intake.file.records, Reason::RecordLong, &buffer)?;
            continue;
        }
        let mut cells = lines::emptied(spare);
        reading.line(&buffer, &mut cells, intake)?;
        spare = lines::emptied(cells);
    }
    Ok(())
}

/// The next line, which CR, LF or both end. `None` at the end of the file, `false` for a line that was too long and was cut.
fn next(from: &mut dyn BufRead, buffer: &mut Vec<u8>, taken: &mut u64) -> io::Result<Option<bool>> {
    buffer.clear();
    let (mut any, mut whole) = (false, true);
    loop {
        let available = from.fill_buf()?;
        if available.is_empty() {
            return Ok(any.then_some(whole));
        }
        any = true;
        let end = memchr::memchr2(b'\r', b'\n', available);
        let part = available.get(..end.unwrap_or(available.len())).unwrap_or_default();
        let room = ROW_MAX.saturating_sub(buffer.len()).min(part.len());
        whole &= room == part.len();
        buffer.extend_from_slice(part.get(..room).unwrap_or_default());
        let used = part.len().saturating_add(usize::from(end.is_some()));
        *taken = taken.saturating_add(u64::try_from(used).unwrap_or(u64::MAX));
        from.consume(used);
        if end.is_some() {
            return Ok(Some(whole));
        }
    }
}

/// Encoding of a file, as far as its lines have told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Cp932,
    /// No line so far that only one of them can be.
    Unsettled,
    /// By its mark.
    Utf8,
}

impl Encoding {
    /// A line that is no UTF-8 settles it.
    fn learn(&mut self, line: &[u8]) {
        if *self == Self::Unsettled && std::str::from_utf8(line).is_err() {
            *self = Self::Cp932;
        }
    }

    fn decode(self, cell: &[u8]) -> Option<Cow<'_, str>> {
        match self {
            Self::Cp932 => text::cp932(cell),
            Self::Unsettled | Self::Utf8 => std::str::from_utf8(cell).ok().map(Cow::Borrowed),
        }
    }
}

struct Reading {
    name: Option<String>,
    form: Option<Form>,
    encoding: Encoding,
}

impl Reading {
    fn line<'b>(
        &mut self,
        line: &'b [u8],
        cells: &mut Vec<&'b [u8]>,
        intake: &mut Intake<'_>,
    ) -> Result<(), PseudonymizeError> {
        let Some(name) = &self.name else {
            let unmarked = line.strip_prefix(b"\xEF\xBB\xBF");
            if unmarked.is_some() {
                self.encoding = Encoding::Utf8;
            }
            self.name = Some(String::from_utf8_lossy(unmarked.unwrap_or(line)).trim_matches(['"', ',']).to_owned());
            return Ok(());
        };
        self.encoding.learn(line);
        lines::split_quoted(line, cells);
        if let Some(form) = &self.form {
            return if form.width == cells.len() {
                form.row(self.encoding, cells, line, intake)
            } else {
                intake.put_aside(intake.file.records, Reason::RecordForm, line)
            };
        }
        let known = intake.layout("ltc-life-2021").filter(|layout| layout.fate(name.as_bytes()) == Fate::Read);
        let Some(layout) = known else {
            return intake.put_aside(intake.file.records, Reason::RecordUnknown, line);
        };
        let header = Header::read(cells);
        let unlisted = header.unlisted(layout, name);
        self.form = Some(Form::of(layout, name, &header));
        (0..unlisted).for_each(|_| intake.note(Reason::PartUnknown));
        Ok(())
    }
}

impl Form {
    fn row(
        &self,
        encoding: Encoding,
        cells: &[&[u8]],
        line: &[u8],
        intake: &mut Intake<'_>,
    ) -> Result<(), PseudonymizeError> {
        let users = self.name == USERS;
        let said = |place| Said::of(at(cells, place)).value().unwrap_or_default();
        let facility = provider(said(self.facility));
        if facility.is_none() && !users {
            return intake.put_aside(intake.file.records, Reason::NoFacility, line);
        }
        let assessed_on = self.assessed_on.and_then(|place| intake.cell(said(place), date::day));
        if assessed_on.is_none() && self.assessed_on.is_some() {
            return intake.put_aside(intake.file.records, Reason::NoDate, line);
        }
        let identity = self.identity(encoding, cells, intake);
        let Some(owner) = intake.begin_insured(&identity) else { return Ok(()) };
        let external =
            [self.facility, self.insurer, self.insured, self.number, self.detail].map(|place| at(cells, place));
        let [facility_key, insurer, insured, number, detail] = external;
        let key = [self.name.as_bytes(), facility_key, insurer, insured, number, detail];
        let key = (!said(self.number).is_empty()).then_some(&key[..]);
        intake.register(owner, &Version { key, content: cells, order: 0, together: false, withdraws: false });
        let died = intake.cell(said(self.user.died_on), date::day).map(date::first_of_month);
        intake.saw(owner, Sighting { on: assessed_on, died, ..Sighting::default() });
        if let Some(code) = facility {
            intake.saw_facility(code, None, false);
        }
        intake.passed();
        let row = LifeRow { facility_code: facility, assessed_on, form: Some(&self.name), ..LifeRow::default() };
        for item in &self.items {
            if let Said::Value(value) = Said::of(at(cells, item.place)) {
                item.write(value, &row, owner, intake)?;
            }
        }
        Ok(())
    }

    fn identity(&self, encoding: Encoding, cells: &[&[u8]], intake: &mut Intake<'_>) -> Identity {
        let said = |place| Said::of(at(cells, place)).value().unwrap_or_default();
        let name = |places: [usize; 2]| {
            // Letters that the file's encoding does not have are no name, and are counted as such.
            let decode = |place| encoding.decode(said(place)).unwrap_or(Cow::Borrowed("\u{FFFD}"));
            let [family, given] = places.map(decode);
            if family.is_empty() { given.into_owned() } else { format!("{family} {given}") }
        };
        let user = &self.user;
        Identity {
            ltc_insurer: intake.identifier(said(self.insurer), LtcInsurer::read),
            ltc_number: intake.identifier(said(self.insured), insurer::ltc_insured),
            birth: intake.identifier(said(user.birth), |digits| date::birth(digits.as_bytes())),
            sex: intake.identifier(said(user.sex), Sex::read),
            kana: intake.written(&name(user.kana), kana::name),
            kanji: intake.written(&name(user.kanji), kanji::name),
            ..Identity::default()
        }
    }
}

impl Item {
    fn write(
        &self,
        said: &[u8],
        row: &LifeRow<'_>,
        owner: crate::atoms::Owner,
        intake: &mut Intake<'_>,
    ) -> Result<(), PseudonymizeError> {
        let item = Some(self.id.as_str());
        match &self.how {
            How::Number => {
                let Some(value) = intake.cell(said, cell::decimal) else { return Ok(()) };
                intake.row(owner, &LifeRow { item, value: Some(value), ..row.clone() })
            }
            How::Icd10 => {
                let Some(code) = intake.cell(said, cell::icd10) else { return Ok(()) };
                intake.row(owner, &LifeRow { item, value_code: Some(&code), ..row.clone() })
            }
            How::Code => {
                let Some(code) = intake.cell(said, short_code) else { return Ok(()) };
                intake.row(owner, &LifeRow { item, value_code: Some(code), ..row.clone() })
            }
            How::Listed(codes) => {
                let Some((_, code)) = codes.iter().find(|(from, _)| from.as_bytes() == said) else {
                    intake.note(Reason::CodeUnlisted);
                    return Ok(());
                };
                intake.row(owner, &LifeRow { item, value_code: Some(code), ..row.clone() })
            }
        }
    }
}

/// A code of a list that is too long to stand in the layout: ten half-width letters and digits at most.
fn short_code(cell: &[u8]) -> Option<&str> {
    let fits = (1..=10).contains(&cell.len()) && cell.iter().all(u8::is_ascii_alphanumeric);
    fits.then(|| std::str::from_utf8(cell).ok()).flatten()
}

#[cfg(test)]
mod tests;
