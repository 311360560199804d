//! Checkups: one CDA document a person and examination, those of a month under one root in `CHECKUP_YYYYMM.xml`, UTF-8
//! (formats.md, 8.1); those of one insurer as rows of `FKAC131_01130012.csv` (8.2).

mod table;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::SyntheticError;
use crate::calendar::{Month, compact};
use crate::facilities::{Facilities, Facility};
use crate::records::{Checkup, Stated};
use crate::truth::Truth;
use crate::write::{Identity, Sink};

/// The files of all months.
pub(crate) struct CheckupFiles {
    folder: PathBuf,
    months: BTreeMap<Month, (Sink, u64)>,
    table: table::CheckupTable,
}

const OPENING: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<checkups>\n";

impl CheckupFiles {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), months: BTreeMap::new(), table: table::CheckupTable::new(folder) }
    }

    /// Writes a document.
    pub(crate) fn write(
        &mut self,
        one: &Checkup,
        facilities: &Facilities,
        truth: &mut Truth,
    ) -> Result<(), SyntheticError> {
        let Some(facility) = facilities.at(one.facility) else { return Ok(()) };
        let identity = Identity::bare("ndb", one.person, &one.stated).named(&one.stated, "　").insured(&one.stated);
        let identity = Identity {
            kanji: None,
            facility_code: Some(facility.code.clone()),
            postcode: Some(one.stated.postcode.clone()),
            ..identity
        };
        if table::takes(one) {
            return self.table.write(one, facility, &identity, truth);
        }
        let month = Month::of(one.checked_on);
        let (sink, records) = match self.months.entry(month) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                let mut sink = Sink::create(&self.folder.join(format!("CHECKUP_{}.xml", month.text())))?;
                sink.raw(OPENING.as_bytes())?;
                entry.insert((sink, 0))
            }
        };
        *records += 1;
        sink.raw(document(one, facility).as_bytes())?;
        truth.identity(&sink.name(), *records, &identity)
    }

    /// Ends the files.
    pub(crate) fn finish(self) -> Result<(u64, u64), SyntheticError> {
        let mut done = self.table.finish()?;
        for (mut sink, _) in self.months.into_values() {
            sink.raw(b"</checkups>\n")?;
            done = (done.0 + 1, done.1 + sink.close()?);
        }
        Ok(done)
    }
}

fn document(one: &Checkup, facility: &Facility) -> String {
    let stated = &one.stated;
    let day = compact(one.checked_on);
    let mut text = String::with_capacity(6_000);
    text.push_str(
        "<ClinicalDocument xmlns=\"urn:hl7-org:v3\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n",
    );
    add(&mut text, format_args!("<code code=\"10\" codeSystem=\"1.2.392.200119.6.1001\"/>\n"));
    add(&mut text, format_args!("<effectiveTime value=\"{day}\"/>\n<recordTarget><patientRole>\n"));
    insured(&mut text, stated);
    add(&mut text, format_args!("<addr>{}<postalCode>{}</postalCode></addr>\n", stated.address, stated.postcode));
    add(&mut text, format_args!("<patient><name>{}</name>\n", stated.kana("　")));
    add(
        &mut text,
        format_args!("<administrativeGenderCode code=\"{}\" codeSystem=\"1.2.392.200119.6.1104\"/>\n", stated.sex),
    );
    add(&mut text, format_args!("<birthTime value=\"{}\"/></patient>\n", compact(stated.birth)));
    text.push_str("</patientRole></recordTarget>\n");
    author(&mut text, facility, &day);
    text.push_str("<component><structuredBody><component><section>\n");
    text.push_str("<code code=\"01010\" codeSystem=\"1.2.392.200119.6.1010\"/>\n");
    add(&mut text, format_args!("<text>{}様の健診結果</text>\n", stated.kana("　")));
    for measure in &one.measures {
        let value = format!("xsi:type=\"PQ\" value=\"{}\" unit=\"{}\"", measure.value, measure.unit);
        observation(&mut text, measure.code, &value);
    }
    for (code, value) in coded(one) {
        observation(&mut text, code, &format!("xsi:type=\"CD\" code=\"{value}\""));
    }
    text.push_str("</section></component></structuredBody></component>\n</ClinicalDocument>\n");
    text
}

/// Insurer, symbol, number and branch, where there are any.
pub(super) fn insured(text: &mut String, stated: &Stated) {
    let branch = stated.branch.as_deref().unwrap_or_default();
    for (root, value) in
        [("101", stated.insurer.as_str()), ("204", &stated.symbol), ("205", &stated.number), ("211", branch)]
    {
        if !value.is_empty() {
            add(text, format_args!("<id root=\"1.2.392.200119.6.{root}\" extension=\"{value}\"/>\n"));
        }
    }
}

pub(super) fn add(text: &mut String, part: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _done = text.write_fmt(part);
}

/// Ticket, institution and day of the examination.
fn author(text: &mut String, facility: &Facility, day: &str) {
    add(text, format_args!("<author><time value=\"{day}\"/><assignedAuthor><id nullFlavor=\"NI\"/>\n"));
    add(
        text,
        format_args!(
            "<representedOrganization><id root=\"1.2.392.200119.6.102\" extension=\"{}\"/><name>{}</name>\
             <telecom value=\"tel:{}\"/></representedOrganization>\n",
            facility.code, facility.name, facility.phone
        ),
    );
    text.push_str("</assignedAuthor></author>\n<documentationOf><serviceEvent>\n");
    text.push_str("<code code=\"010\" codeSystem=\"1.2.392.200119.6.1002\"/>\n");
    add(text, format_args!("<effectiveTime value=\"{day}\"/></serviceEvent></documentationOf>\n"));
}

fn observation(text: &mut String, code: &str, value: &str) {
    add(
        text,
        format_args!(
            "<entry><observation><code code=\"{code}\" codeSystem=\"1.2.392.200119.6.1005\"/><value {value}/>\
             </observation></entry>\n"
        ),
    );
}

fn coded(one: &Checkup) -> [(&'static str, u8); 13] {
    let [pressure, glucose, lipids] = one.takes;
    let [stroke, heart, kidney] = one.had;
    [
        ("1A010000000191111", one.urine.0),
        ("1A020000000191111", one.urine.1),
        ("9N141000000000011", one.since_meal),
        ("9N501000000000011", one.metabolic),
        ("9N506000000000011", one.guidance),
        ("9N701000000000011", pressure),
        ("9N706000000000011", glucose),
        ("9N711000000000011", lipids),
        ("9N716000000000011", stroke),
        ("9N721000000000011", heart),
        ("9N726000000000011", kidney),
        ("9N736000000000011", one.smokes),
        ("9N786000000000011", one.drinks),
    ]
}
