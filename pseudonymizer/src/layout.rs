//! Source layouts: what a format's records hold and what becomes of each field, as data (`layouts/*.toml`).
//!
//! Deny by default: a record or field that no layout lists goes to quarantine or is dropped. A layout that would let a direct
//! identifier or free text through does not load (formats.md, 18).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub mod accepted;
mod added;
mod changes;
mod error;
mod file;
mod form;
#[cfg(test)]
pub(crate) mod instead;
mod rules;
mod slot;
mod words;

pub use added::{LoadError, load, of_source, read_file};
pub use changes::{Change, Changes, diff};
pub use error::LayoutError;
pub(crate) use form::{Form, Scalar, Seen, institution, matches};
pub(crate) use slot::{Span, Use, fields, may};
pub use words::{Coverage, Language, coverage, words};

/// How a file of the layout is taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reader {
    /// 特定健診 and 保健指導 as CDA XML: fields by path.
    CheckupXml,
    /// A line a record, cells by position or by the name in a header line.
    Delimited,
    /// FHIR bundles as JSON: fields by resource and path.
    Fhir,
    /// 様式1: an item a line, payloads by item code.
    Form1,
    /// Lines that begin with the kind of the record (UKE, 介護請求).
    Tagged,
}

/// Encoding of a file's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub enum Encoding {
    /// Windows-31J, which practice calls `Shift_JIS`.
    #[default]
    #[serde(rename = "cp932")]
    Cp932,
    /// UTF-8, with or without a mark at the beginning.
    #[serde(rename = "utf-8")]
    Utf8,
}

/// What stands between the cells of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Delimiter {
    /// `,`.
    #[default]
    Comma,
    /// The tabulator.
    Tab,
}

impl Delimiter {
    pub(crate) fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Tab => b'\t',
        }
    }
}

/// Class of a field as it stands in the source (formats.md: D, Q, S, M, F, T).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Direct identifier, of a patient, a professional or an institution.
    Direct,
    /// Free text.
    FreeText,
    /// Measure.
    Measure,
    /// Quasi-identifier.
    Quasi,
    /// Sensitive: health content.
    Sensitive,
    /// Technical.
    Technical,
}

/// What becomes of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Free text freed from identifiers. Known so that a layout may ask for it; refused while no table takes text (schema.md).
    DeIdentify,
    /// Ends here.
    Drop,
    /// Leaves in a coarser form, [`By`].
    Generalise,
    /// Leaves as it is, if it has the form of its type.
    Keep,
    /// Moved in time. Known so that a layout may ask for it; refused in the pseudonymized tier, whose dates are not altered.
    Shift,
    /// Goes into tokens, and ends there.
    Tokenise,
}

/// What a field says about who the record belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attribute {
    /// The line of the address below the postcode.
    Address,
    /// Birth date.
    Birth,
    /// 枝番.
    Branch,
    /// Chart number or another number within the institution; where a delimited file names none, within the source.
    Chart,
    /// Institution that the chart number belongs to.
    Facility,
    /// Family name by its sound.
    FamilyKana,
    /// Family name as written.
    FamilyKanji,
    /// Given name by its sound.
    GivenKana,
    /// Given name as written.
    GivenKanji,
    /// Medical insurer number.
    Insurer,
    /// Name by its sound.
    Kana,
    /// Name as written.
    Kanji,
    /// 介護保険者番号.
    LtcInsurer,
    /// 介護 被保険者番号.
    LtcNumber,
    /// `insurer:symbol:number:branch` (FHIR, formats.md 10.1).
    MemberId,
    /// A national number of the person.
    NationalId,
    /// Number on the card.
    Number,
    /// Postcode.
    Postcode,
    /// Public payer.
    PublicPayer,
    /// Recipient number of a public payer.
    PublicRecipient,
    /// Number of the record itself: says which earlier one it corrects, and is in no token.
    Record,
    /// Sex.
    Sex,
    /// Symbol on the card.
    Symbol,
}

/// Form of a value; what has another is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Letters, digits and `.+-` of a code, at most 20.
    Code,
    /// A day of either calendar, by its length.
    Date,
    /// A decimal number.
    Decimal,
    /// 0 or 1.
    Flag,
    /// A whole number.
    Int,
    /// A month of either calendar, by its length.
    Month,
}

/// How a value is made coarser.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// Age in full years at the record's date.
    Age,
    /// Bands of that width, the lower end stays.
    Band(u32),
    /// Institution: a surrogate number drawn in the enclave, its prefecture and kind.
    Institution,
    /// Insurer: its kind, and a surrogate number drawn in the enclave.
    Insurer,
    /// Month of a day.
    Month,
    /// Home: the municipality of a postcode, or the prefecture of an insurer.
    Municipality,
    /// The first characters, so many.
    Prefix(u8),
    /// Year of a day.
    Year,
}

/// What a kept date says about the record as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// When the person died.
    Death,
    /// When the record was made: where the person is seen, lives, and how old they are. Without it, the first kept date.
    RecordDate,
}

/// Where a field stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// Positions of a line, from 1, both ends in.
    At(u16, u16),
    /// The name in the header line.
    Header(String),
    /// Path within an XML document or a FHIR resource.
    Path(String),
}

/// One field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Where.
    pub place: Place,
    /// Its name in code and reports.
    pub name: String,
    /// Its name in the official layout.
    pub ja: String,
    /// Its class in the source.
    pub class: Class,
    /// What becomes of it.
    pub action: Action,
    /// What it says about the person.
    pub identity: Vec<Attribute>,
    /// Its form.
    pub kind: Option<Kind>,
    /// Its code system, as the catalog names it, or a word for a national table.
    pub codes: Option<String>,
    /// How it is made coarser.
    pub by: Option<By>,
    /// Columns it fills, `table.column`.
    pub to: Vec<String>,
    /// Source value to stored value; a value that is not named is none.
    pub values: BTreeMap<String, String>,
    /// What its date says about the record, where the generic reader reads it.
    pub role: Option<Role>,
}

/// What becomes of a record as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// Known, and all its positions dropped; counted.
    Drop,
    /// Put aside.
    Quarantine,
    /// Its fields say.
    Read,
}

/// One kind of record: a tag of a tagged file, a FHIR resource, an item of 様式1, or the only kind there is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Record {
    /// Tag; empty for the only kind.
    pub tag: String,
    /// Name in the official layout.
    pub ja: String,
    /// Positions in the official layout; 0 where fields have paths or names.
    pub width: u16,
    /// As a whole.
    pub fate: Fate,
    /// Table that a row of the generic reader goes to.
    pub table: Option<String>,
    /// Fields, in the order of the file.
    pub fields: Vec<Field>,
}

impl Record {
    /// The field of that name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// One layout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Layout {
    /// Name of the file without its ending.
    pub id: String,
    /// Source database.
    pub source: String,
    /// The official document and its edition.
    pub edition: String,
    /// Version of this file.
    pub version: String,
    /// Reader.
    pub reader: Reader,
    /// Encoding.
    pub encoding: Encoding,
    /// Delimiter of the delimited reader.
    pub delimiter: Delimiter,
    /// What becomes of records that are not listed: quarantine or drop.
    pub unknown: Fate,
    /// Records.
    pub records: Vec<Record>,
    /// SHA-256 of the file's text, hexadecimal.
    pub sha256: String,
}

impl Layout {
    /// Reads a layout and checks all rules. The error names record and field.
    pub fn parse(text: &str) -> Result<Self, LayoutError> {
        let sha256 = hex::encode(Sha256::digest(text.as_bytes()));
        let layout = file::read(text, sha256)?;
        rules::check(&layout)?;
        Ok(layout)
    }

    /// The record of that tag.
    pub fn record(&self, tag: &str) -> Option<&Record> {
        self.records.iter().find(|record| record.tag == tag)
    }

    /// What becomes of a record of that tag.
    pub fn fate(&self, tag: &[u8]) -> Fate {
        self.records.iter().find(|record| record.tag.as_bytes() == tag).map_or(self.unknown, |record| record.fate)
    }
}

/// The layouts that come with this version, by id.
pub fn shipped() -> Result<BTreeMap<String, Layout>, LayoutError> {
    let read = |text: &str| Layout::parse(text).map(|layout| (layout.id.clone(), layout));
    let layouts = SHIPPED.iter().map(|text| read(text)).collect::<Result<_, _>>()?;
    #[cfg(test)]
    let layouts = instead::put(layouts);
    Ok(layouts)
}

/// Texts of the shipped layouts.
const SHIPPED: &[&str] = &[
    include_str!("../layouts/ndb-dental.toml"),
    include_str!("../layouts/ndb-dpc.toml"),
    include_str!("../layouts/ndb-medical.toml"),
    include_str!("../layouts/ndb-pharmacy.toml"),
    include_str!("../layouts/dpc-d.toml"),
    include_str!("../layouts/dpc-ef.toml"),
    include_str!("../layouts/dpc-form1.toml"),
    include_str!("../layouts/dpc-form4.toml"),
    include_str!("../layouts/dpc-h.toml"),
    include_str!("../layouts/dpc-k.toml"),
    include_str!("../layouts/ltc-certification.toml"),
    include_str!("../layouts/ltc-claims.toml"),
    include_str!("../layouts/ltc-life-2021.toml"),
    include_str!("../layouts/ehr-fhir.toml"),
    include_str!("../layouts/ndb-checkup-csv.toml"),
    include_str!("../layouts/ndb-checkup-xml.toml"),
    include_str!("../layouts/ndb-guidance-xml.toml"),
];

#[cfg(test)]
mod tests;
