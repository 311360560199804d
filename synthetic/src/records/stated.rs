//! What a record states about a person's identity: the truth, until `mistakes` has been there.

use jiff::civil::Date;

use crate::calendar::Month;
use crate::population::{Household, Person, Scheme};

/// Identity as it will stand in a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stated {
    /// Family and given name with a full-width space.
    pub(crate) kanji: String,
    /// Full-width katakana.
    pub(crate) family_kana: String,
    pub(crate) given_kana: String,
    /// 1 male, 2 female.
    pub(crate) sex: u8,
    pub(crate) birth: Date,
    /// 8 digits; empty where public assistance alone pays.
    pub(crate) insurer: String,
    pub(crate) symbol: String,
    pub(crate) number: String,
    /// 2 digits.
    pub(crate) branch: Option<String>,
    /// Payer (8) and recipient (7) of public assistance.
    pub(crate) assistance: Option<(String, String)>,
    pub(crate) chart: String,
    /// Insurer of long-term care: 6 digits.
    pub(crate) care_insurer: String,
    pub(crate) care_number: String,
    /// With a hyphen.
    pub(crate) postcode: String,
    pub(crate) address: String,
    pub(crate) phone: String,
}

impl Stated {
    /// The truth about a person in a month.
    pub(crate) fn of(household: &Household, person: &Person, month: Month) -> Self {
        let name = person.name_in(month);
        let cover = person.coverage_in(month);
        let assisted = cover.filter(|cover| cover.scheme == Scheme::Assistance);
        let insured = cover.filter(|cover| cover.scheme != Scheme::Assistance);
        let part = |take: fn(&crate::population::Coverage) -> &String| insured.map(take).cloned().unwrap_or_default();
        Self {
            kanji: name.kanji(),
            family_kana: name.family.kana.to_owned(),
            given_kana: name.given.kana.to_owned(),
            sex: person.sex,
            birth: person.birth,
            insurer: part(|cover| &cover.insurer),
            symbol: part(|cover| &cover.symbol),
            number: part(|cover| &cover.number),
            branch: insured.and_then(|cover| cover.branch.clone()),
            assistance: assisted.map(|cover| (cover.insurer.clone(), cover.number.clone())),
            chart: person.chart(),
            care_insurer: crate::digits::municipality6(crate::places::at(household.home_in(month)).code),
            care_number: person.care_number(),
            postcode: household.postcode_in(month),
            address: household.address_in(month),
            phone: household.phone.clone(),
        }
    }

    /// Kana with `gap` between family and given name.
    pub(crate) fn kana(&self, gap: &str) -> String {
        format!("{}{gap}{}", self.family_kana, self.given_kana)
    }
}
