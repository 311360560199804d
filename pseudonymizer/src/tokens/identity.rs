//! What a record says about who it belongs to, normalised.

use jiff::civil::Date;

use super::kinds::day;
use super::message::Message;
use crate::normalise::date::{self, Birth};
use crate::normalise::insurer::{Insurer, LtcInsurer};
use crate::normalise::kana::{self, Kana};
use crate::normalise::kanji::{self, Kanji};
use crate::normalise::sex::Sex;
use crate::normalise::symbol::{self, Part};

/// What a record says about who it belongs to. Lives in the holder zone alone, and leaves its memory sealed or not at all: neither
/// `Debug` nor `Serialize`.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Medical insurer.
    pub(crate) insurer: Option<Insurer>,
    /// Symbol on the card.
    pub(crate) symbol: Option<Part>,
    /// Number on the card.
    pub(crate) number: Option<Part>,
    /// Branch number.
    pub(crate) branch: Option<String>,
    /// Birth.
    pub(crate) birth: Option<Birth>,
    /// Sex.
    pub(crate) sex: Option<Sex>,
    /// Name by its sound.
    pub(crate) kana: Option<Kana>,
    /// Name as written.
    pub(crate) kanji: Option<Kanji>,
    /// Long-term care insurer.
    pub(crate) ltc_insurer: Option<LtcInsurer>,
    /// Insured number in long-term care.
    pub(crate) ltc_number: Option<String>,
    /// Institution, 10 characters, where a chart number stands beside it.
    pub(crate) facility: Option<String>,
    /// Chart number.
    pub(crate) chart: Option<String>,
    /// Postcode of the home, 7 digits.
    pub(crate) postcode: Option<String>,
    /// The line of the address below the postcode.
    pub(crate) address: Option<String>,
    /// A national person number, e.g. id5.
    pub(crate) national_id: Option<String>,
    /// Payer of public assistance (公費負担者番号).
    pub(crate) public_payer: Option<String>,
    /// Recipient of public assistance (受給者番号).
    pub(crate) public_recipient: Option<String>,
}

impl Identity {
    /// Names of the fields of [`Self::to_fields`], in its order.
    pub(crate) const FIELDS: [&str; 19] = [
        "insurer",
        "symbol",
        "number",
        "branch",
        "birth",
        "sex",
        "kana",
        "kana_given",
        "kanji",
        "kanji_given",
        "ltc_insurer",
        "ltc_number",
        "facility",
        "chart",
        "postcode",
        "national_id",
        "public_payer",
        "public_recipient",
        "address",
    ];

    /// The day of birth.
    pub(crate) fn born(&self) -> Option<Date> {
        self.birth.and_then(|birth| birth.day)
    }

    /// Every field as text, for keeping identities sealed in the holder's zone. Loose and core forms follow from the others.
    pub(crate) fn to_fields(&self) -> [Option<String>; Self::FIELDS.len()] {
        let exact = |part: &Option<Part>| part.as_ref().map(|part| part.exact.clone());
        let birth = |birth: Birth| match birth.day {
            Some(day) => day.strftime("%Y%m%d").to_string(),
            None => birth.month.strftime("%Y%m00").to_string(),
        };
        [
            self.insurer.as_ref().map(|insurer| insurer.digits().to_owned()),
            exact(&self.symbol),
            exact(&self.number),
            self.branch.clone(),
            self.birth.map(birth),
            self.sex.map(|sex| sex.code().to_owned()),
            self.kana.as_ref().map(|kana| kana.strict.clone()),
            self.kana.as_ref().and_then(|kana| kana.given.clone()),
            self.kanji.as_ref().map(|kanji| kanji.whole.clone()),
            self.kanji.as_ref().and_then(|kanji| kanji.given.clone()),
            self.ltc_insurer.as_ref().map(|insurer| insurer.digits().to_owned()),
            self.ltc_number.clone(),
            self.facility.clone(),
            self.chart.clone(),
            self.postcode.clone(),
            self.national_id.clone(),
            self.public_payer.clone(),
            self.public_recipient.clone(),
            self.address.clone(),
        ]
    }

    /// The identity of such fields; fields that are missing at the end are absent. Normalised anew, so that identities kept by an
    /// older version give the tokens of this one.
    pub(crate) fn from_fields(fields: &[Option<&str>]) -> Self {
        let field = |name: &str| {
            let place = Self::FIELDS.iter().position(|field| *field == name)?;
            fields.get(place).copied().flatten()
        };
        let owned = |name: &str| field(name).map(str::to_owned);
        let spaced = |name: &str, given: &str| {
            let whole = field(name)?;
            let family = field(given).and_then(|given| Some((whole.strip_suffix(given)?, given)));
            Some(family.map_or_else(|| whole.to_owned(), |(family, given)| format!("{family} {given}")))
        };
        Self {
            insurer: field("insurer").and_then(Insurer::read),
            symbol: field("symbol").and_then(symbol::symbol),
            number: field("number").and_then(symbol::number),
            branch: owned("branch"),
            birth: field("birth").and_then(|digits| date::birth(digits.as_bytes())),
            sex: field("sex").and_then(Sex::read),
            kana: spaced("kana", "kana_given").as_deref().and_then(kana::name),
            kanji: spaced("kanji", "kanji_given").as_deref().and_then(kanji::name),
            ltc_insurer: field("ltc_insurer").and_then(LtcInsurer::read),
            ltc_number: owned("ltc_number"),
            facility: owned("facility"),
            chart: owned("chart"),
            postcode: owned("postcode"),
            address: owned("address"),
            national_id: owned("national_id"),
            public_payer: owned("public_payer"),
            public_recipient: owned("public_recipient"),
        }
    }

    /// What tells one set of identifiers from another: all that tokens at rest are made of, and the numbers of public assistance.
    /// Where the name is divided, the postcode and the address, are left out: they differ between files about the same person.
    pub(super) fn put(&self, to: &mut Message) {
        let mut text = |value: Option<&str>| to.optional(value.map(str::as_bytes));
        text(self.insurer.as_ref().map(Insurer::digits));
        text(self.symbol.as_ref().map(|symbol| symbol.exact.as_str()));
        text(self.number.as_ref().map(|number| number.exact.as_str()));
        text(self.branch.as_deref());
        text(self.sex.map(Sex::code));
        text(self.kana.as_ref().map(|kana| kana.strict.as_str()));
        text(self.kanji.as_ref().map(|kanji| kanji.whole.as_str()));
        text(self.ltc_insurer.as_ref().map(LtcInsurer::digits));
        for value in [&self.ltc_number, &self.facility, &self.chart] {
            text(value.as_deref());
        }
        for value in [&self.national_id, &self.public_payer, &self.public_recipient] {
            text(value.as_deref());
        }
        to.optional(self.birth.map(|birth| day(birth.month)).as_ref().map(<[u8; 4]>::as_slice));
        to.optional(self.born().map(day).as_ref().map(<[u8; 4]>::as_slice));
    }
}
