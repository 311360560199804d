//! 特定保健指導: one CDA document a course, those that began in a month under one root in `GUIDANCE_YYYYMM.xml`, UTF-8
//! (formats.md, 8.1: the guidance file has a postcode, no name and no address).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::checkup::{add, insured};
use crate::SyntheticError;
use crate::calendar::{Month, compact};
use crate::facilities::{Facilities, Facility};
use crate::records::Guidance;
use crate::truth::Truth;
use crate::write::{Identity, Sink};

/// The files of all months.
pub(crate) struct GuidanceFiles {
    folder: PathBuf,
    months: BTreeMap<Month, (Sink, u64)>,
}

const OPENING: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<guidances>\n";

impl GuidanceFiles {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), months: BTreeMap::new() }
    }

    /// Writes a document.
    pub(crate) fn write(
        &mut self,
        one: &Guidance,
        facilities: &Facilities,
        truth: &mut Truth,
    ) -> Result<(), SyntheticError> {
        let Some(facility) = facilities.at(one.facility) else { return Ok(()) };
        let month = Month::of(one.started_on);
        let (sink, records) = match self.months.entry(month) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                let mut sink = Sink::create(&self.folder.join(format!("GUIDANCE_{}.xml", month.text())))?;
                sink.raw(OPENING.as_bytes())?;
                entry.insert((sink, 0))
            }
        };
        *records += 1;
        sink.raw(document(one, facility).as_bytes())?;
        let identity = Identity {
            facility_code: Some(facility.code.clone()),
            postcode: Some(one.stated.postcode.clone()),
            ..Identity::bare("ndb", one.person, &one.stated).insured(&one.stated)
        };
        truth.identity(&sink.name(), *records, &identity)
    }

    /// Ends the files.
    pub(crate) fn finish(self) -> Result<(u64, u64), SyntheticError> {
        let mut done = (0, 0);
        for (mut sink, _) in self.months.into_values() {
            sink.raw(b"</guidances>\n")?;
            done = (done.0 + 1, done.1 + sink.close()?);
        }
        Ok(done)
    }
}

fn document(one: &Guidance, facility: &Facility) -> String {
    let stated = &one.stated;
    let (low, high) = (compact(one.started_on), one.ended_on.map(compact));
    let written = high.clone().unwrap_or_else(|| low.clone());
    let mut text = String::with_capacity(3_000);
    text.push_str(
        "<ClinicalDocument xmlns=\"urn:hl7-org:v3\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n",
    );
    add(&mut text, format_args!("<code code=\"{}\" codeSystem=\"1.2.392.200119.6.1001\"/>\n", one.category()));
    add(&mut text, format_args!("<effectiveTime value=\"{written}\"/>\n<recordTarget><patientRole>\n"));
    insured(&mut text, stated);
    add(&mut text, format_args!("<addr><postalCode>{}</postalCode></addr>\n<patient>\n", stated.postcode));
    add(
        &mut text,
        format_args!("<administrativeGenderCode code=\"{}\" codeSystem=\"1.2.392.200119.6.1104\"/>\n", stated.sex),
    );
    add(&mut text, format_args!("<birthTime value=\"{}\"/></patient>\n", compact(stated.birth)));
    text.push_str("</patientRole></recordTarget>\n");
    add(
        &mut text,
        format_args!(
            "<author><time value=\"{written}\"/><assignedAuthor><id nullFlavor=\"NI\"/>\n<representedOrganization>\
             <id root=\"1.2.392.200119.6.102\" extension=\"{}\"/><name>{}</name></representedOrganization>\n\
             </assignedAuthor></author>\n",
            facility.code, facility.name
        ),
    );
    let high = high.map(|high| format!("<high value=\"{high}\"/>")).unwrap_or_default();
    add(
        &mut text,
        format_args!(
            "<documentationOf><serviceEvent>\n<effectiveTime><low value=\"{low}\"/>{high}</effectiveTime>\
             </serviceEvent></documentationOf>\n"
        ),
    );
    text.push_str("<component><structuredBody><component><section>\n");
    text.push_str("<code code=\"01020\" codeSystem=\"1.2.392.200119.6.1010\"/>\n");
    add(
        &mut text,
        format_args!(
            "<entry><observation><code code=\"1020000001\" codeSystem=\"1.2.392.200119.6.1005\"/>\
             <value xsi:type=\"CD\" code=\"{}\"/></observation></entry>\n",
            one.level
        ),
    );
    text.push_str("</section></component></structuredBody></component>\n</ClinicalDocument>\n");
    text
}
