//! Who a record belongs to: the cells that its layout names with `as`, through the normaliser.

use std::borrow::Cow;

use crate::intake::Intake;
use crate::layout::{Attribute, Encoding, Field, Layout};
use crate::normalise::insurer::{self, LtcInsurer};
use crate::normalise::sex::Sex;
use crate::normalise::{address, branch, chart, kana, kanji, postcode, symbol, text};
use crate::report::Reason;
use crate::tokens::Identity;

use super::cells;
use super::records::Records;

/// The fields of a layout that say who somebody is.
pub(super) struct Parts<'l> {
    encoding: Encoding,
    /// Who gives out the chart numbers where the layout has no field that says so: the source itself.
    issuer: Option<String>,
    fields: Vec<(&'l Field, usize)>,
}

/// The pieces that make one attribute together.
#[derive(Default)]
struct Pieces {
    family_kana: Option<String>,
    family_kanji: Option<String>,
    given_kana: Option<String>,
    given_kanji: Option<String>,
}

impl<'l> Parts<'l> {
    pub(super) fn of(layout: &Layout, fields: impl Iterator<Item = (&'l Field, usize)>) -> Self {
        let fields: Vec<_> = fields.filter(|(field, _)| !field.identity.is_empty()).collect();
        let issuer = issuer(layout, fields.iter().map(|(field, _)| *field));
        Self { encoding: layout.encoding, issuer, fields }
    }

    /// Reads them. An identifier that cannot be read is left out and counted; so is a name of which a part is missing.
    pub(super) fn read(&self, records: &Records<'_>, intake: &mut Intake<'_>) -> Identity {
        let issued = Identity { facility: self.issuer.clone(), ..Identity::default() };
        let (mut identity, mut pieces) = (issued, Pieces::default());
        for (field, at) in &self.fields {
            let cell = records.cell(*at);
            if cell.is_empty() {
                continue;
            }
            let Some(word) = cells::word(field, self.encoding, cell) else {
                intake.note(Reason::IdentifierForm);
                continue;
            };
            match field.identity.as_slice() {
                [one] => attribute(*one, &word, &mut identity, &mut pieces, intake),
                several => either(several, &word, &mut identity, intake),
            }
        }
        pieces.join(&mut identity, intake);
        if identity.chart.is_none() || identity.facility.is_none() {
            (identity.chart, identity.facility) = (None, None);
        }
        identity
    }
}

/// Who gives out the chart numbers of a layout: the source itself, where no field names an institution for them.
pub(crate) fn issuer<'f>(layout: &Layout, mut fields: impl Iterator<Item = &'f Field>) -> Option<String> {
    let stated = fields.any(|field| field.identity.contains(&Attribute::Facility));
    // No institution's code has a colon.
    (!stated).then(|| format!("source:{}", layout.source))
}

fn attribute(one: Attribute, word: &str, identity: &mut Identity, pieces: &mut Pieces, intake: &mut Intake<'_>) {
    match one {
        Attribute::Address => identity.address = intake.written(word, address::read),
        Attribute::Birth => identity.birth = intake.written(word, cells::birth),
        Attribute::Branch => identity.branch = intake.written(word, branch::read),
        Attribute::Chart => identity.chart = intake.written(word, chart::read),
        Attribute::Facility => identity.facility = intake.written(word, facility),
        Attribute::FamilyKana => pieces.family_kana = Some(word.to_owned()),
        Attribute::FamilyKanji => pieces.family_kanji = Some(word.to_owned()),
        Attribute::GivenKana => pieces.given_kana = Some(word.to_owned()),
        Attribute::GivenKanji => pieces.given_kanji = Some(word.to_owned()),
        // What is no number after folding is none in CP932 either, and is counted there.
        Attribute::Insurer => identity.insurer = intake.insurer(text::fold(word).as_bytes()),
        Attribute::Kana => identity.kana = intake.written(word, kana::name),
        Attribute::Kanji => identity.kanji = intake.written(word, kanji::name),
        Attribute::LtcInsurer => identity.ltc_insurer = intake.written(word, LtcInsurer::read),
        Attribute::LtcNumber => identity.ltc_number = intake.written(word, insurer::ltc_insured),
        Attribute::NationalId => identity.national_id = intake.written(word, chart::read),
        Attribute::Number => identity.number = intake.written(word, symbol::number),
        Attribute::Sex => identity.sex = intake.written(word, Sex::read),
        Attribute::Symbol => identity.symbol = intake.written(word, symbol::symbol),
        Attribute::Postcode => identity.postcode = intake.written(word, postcode::read),
        // These are not read here (`layout::added`).
        Attribute::MemberId | Attribute::PublicPayer | Attribute::PublicRecipient | Attribute::Record => {}
    }
}

/// A name that may be written either way; counted as unreadable if it is neither.
fn either(several: &[Attribute], word: &str, identity: &mut Identity, intake: &mut Intake<'_>) {
    if several.contains(&Attribute::Kana) {
        identity.kana = kana::name(word);
    }
    if several.contains(&Attribute::Kanji) {
        identity.kanji = kanji::name(word);
    }
    if identity.kana.is_none() && identity.kanji.is_none() {
        intake.note(Reason::IdentifierForm);
    }
}

impl Pieces {
    fn join(&self, identity: &mut Identity, intake: &mut Intake<'_>) {
        let whole = |family: &Option<String>, given: &Option<String>| -> Option<Cow<'static, str>> {
            Some(format!("{} {}", family.as_ref()?, given.as_ref()?).into())
        };
        if let Some(name) = whole(&self.family_kana, &self.given_kana) {
            identity.kana = intake.written(&name, kana::name);
        }
        if let Some(name) = whole(&self.family_kanji, &self.given_kanji) {
            identity.kanji = intake.written(&name, kanji::name);
        }
    }
}

/// An institution's 10 digits: prefecture, fee table, number.
pub(crate) fn facility(written: &str) -> Option<String> {
    let digits = text::fold(written);
    (digits.len() == 10 && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
}
