//! LIFE forms: `SERVICE_USER_INFO_FY2021.csv`, `FORM_0000_2021_FY2021.csv` …, one a form and fiscal year (formats.md, 7).
//!
//! Line 1 the form, line 2 the column ids, then rows. The first year is UTF-8 with a mark and quotes everywhere, the later one
//! CP932 with quotes only where a value holds a comma or a quote.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::SyntheticError;
use crate::facilities::Facilities;
use crate::records::{LifeForm, LifeReport};
use crate::truth::Truth;
use crate::write::{Identity, Sink};

/// The files of all forms and years.
pub(crate) struct LifeFiles {
    folder: PathBuf,
    files: BTreeMap<(LifeForm, i16), (Sink, u64)>,
}

/// The fiscal year written in UTF-8.
const UTF8_YEAR: i16 = 2021;

impl LifeFiles {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), files: BTreeMap::new() }
    }

    /// Adds a row.
    pub(crate) fn write(
        &mut self,
        one: &LifeReport,
        facilities: &Facilities,
        truth: &mut Truth,
    ) -> Result<(), SyntheticError> {
        let Some(facility) = facilities.at(one.facility) else { return Ok(()) };
        let (sink, rows) = match self.files.entry((one.form, one.fiscal_year)) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => entry.insert((open(&self.folder, one)?, 0)),
        };
        *rows += 1;
        let utf8 = one.fiscal_year == UTF8_YEAR;
        let cells: Vec<String> = one.form.fields().map(|field| quoted(one.value(field.id), utf8)).collect();
        put(sink, &format!("{}\r\n", cells.join(",")), utf8)?;
        let stated = &one.stated;
        let identity = match one.form {
            LifeForm::User => Identity::bare("ltc", one.person, stated).named(stated, " ").half_kana(),
            LifeForm::Adl | LifeForm::Promotion => {
                Identity { source: "ltc", person: one.person, ..Identity::default() }
            }
        };
        let identity = Identity { facility_code: Some(facility.code.clone()), ..identity.in_care(stated) };
        truth.identity(&sink.name(), *rows, &identity)
    }

    /// Ends the files.
    pub(crate) fn finish(self) -> Result<(u64, u64), SyntheticError> {
        let mut done = (0, 0);
        for (sink, _) in self.files.into_values() {
            done = (done.0 + 1, done.1 + sink.close()?);
        }
        Ok(done)
    }
}

fn open(folder: &Path, one: &LifeReport) -> Result<Sink, SyntheticError> {
    let (form, year) = (one.form.name(), one.fiscal_year);
    let mut sink = Sink::create(&folder.join(format!("{form}_FY{year}.csv")))?;
    let utf8 = year == UTF8_YEAR;
    if utf8 {
        sink.raw("\u{feff}".as_bytes())?;
    }
    let ids: Vec<&str> = one.form.fields().map(|field| field.id).collect();
    put(&mut sink, &format!("{form}\r\n{}\r\n", ids.join(",")), utf8)?;
    Ok(sink)
}

fn put(sink: &mut Sink, text: &str, utf8: bool) -> Result<(), SyntheticError> {
    if utf8 { sink.raw(text.as_bytes()) } else { sink.cp932(text) }
}

fn quoted(value: &str, always: bool) -> String {
    let needed = value.contains([',', '"']) || (always && !value.is_empty());
    if needed { format!("\"{}\"", value.replace('"', "\"\"")) } else { value.to_owned() }
}
