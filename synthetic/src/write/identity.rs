//! What a written record states about who it is of, for `truth/identities.parquet`.

use crate::digits;
use crate::records::Stated;

/// The identifiers of one record as they stand in it; `None` where the layout has no place for them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Identity {
    pub(crate) source: &'static str,
    pub(crate) person: u64,
    pub(crate) kanji: Option<String>,
    pub(crate) kana: Option<String>,
    pub(crate) sex: Option<String>,
    pub(crate) birth_date: Option<String>,
    pub(crate) insurer: Option<String>,
    pub(crate) symbol: Option<String>,
    pub(crate) number: Option<String>,
    pub(crate) branch: Option<String>,
    pub(crate) public_payer: Option<String>,
    pub(crate) public_recipient: Option<String>,
    pub(crate) ltc_insurer: Option<String>,
    pub(crate) ltc_number: Option<String>,
    pub(crate) chart: Option<String>,
    pub(crate) facility_code: Option<String>,
    pub(crate) postcode: Option<String>,
}

impl Identity {
    /// Sex and birth date only.
    pub(crate) fn bare(source: &'static str, person: u64, stated: &Stated) -> Self {
        Self {
            source,
            person,
            sex: Some(stated.sex.to_string()),
            birth_date: Some(crate::calendar::compact(stated.birth)),
            ..Self::default()
        }
    }

    /// With the numbers of health insurance.
    pub(crate) fn insured(self, stated: &Stated) -> Self {
        let some = |text: &String| (!text.is_empty()).then(|| text.clone());
        let assistance = stated.assistance.as_ref();
        Self {
            insurer: some(&stated.insurer),
            symbol: some(&stated.symbol),
            number: some(&stated.number),
            branch: stated.branch.clone(),
            public_payer: assistance.map(|(payer, _)| payer.clone()),
            public_recipient: assistance.map(|(_, recipient)| recipient.clone()),
            ..self
        }
    }

    /// With the numbers of long-term care insurance.
    pub(crate) fn in_care(self, stated: &Stated) -> Self {
        Self { ltc_insurer: Some(stated.care_insurer.clone()), ltc_number: Some(stated.care_number.clone()), ..self }
    }

    /// With both forms of the name, kana full-width.
    pub(crate) fn named(self, stated: &Stated, gap: &str) -> Self {
        let kana = stated.kana(gap);
        Self {
            kanji: (!stated.kanji.is_empty()).then(|| stated.kanji.clone()),
            kana: (!kana.is_empty()).then_some(kana),
            ..self
        }
    }

    /// With kana in half width.
    pub(crate) fn half_kana(self) -> Self {
        Self { kana: self.kana.map(|kana| digits::half_kana(&kana)), ..self }
    }

    /// With the chart number of an institution.
    pub(crate) fn charted(self, stated: &Stated, facility: &str) -> Self {
        Self { chart: Some(stated.chart.clone()), facility_code: Some(facility.to_owned()), ..self }
    }
}
