//! What an institution's code says: place by its first digits, kind by its fee table.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::codes;

/// Where an institution lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Prefecture, 2 digits.
    pub prefecture: String,
    /// Medical area, 4 digits, where the district is known.
    pub medical_area: Option<&'static str>,
}

/// The place of an institution by its 10-digit code: prefecture (2), fee table (1), district (2), number (4), check digit (1).
///
/// The district number (郡市区番号) is looked up in `data/district.tsv` (prefecture and district → municipality).
/// `None` if the code does not begin with a prefecture.
pub fn place(code: &str) -> Option<Place> {
    static DISTRICTS: LazyLock<HashMap<&str, &str>> =
        LazyLock::new(|| codes::columns(include_str!("../data/district.tsv"), "district", "municipality"));
    let prefecture =
        code.get(..2).filter(|digits| digits.parse::<u8>().is_ok_and(|number| (1..=47).contains(&number)))?;
    let district = code.get(3..5).map(|district| format!("{prefecture}{district}"));
    let municipality = district.as_deref().and_then(|district| DISTRICTS.get(district).copied());
    Some(Place {
        prefecture: prefecture.to_owned(),
        medical_area: municipality.and_then(codes::medical_area_of_municipality),
    })
}

/// Municipality (5 digits) of a postcode (7 digits, hyphens allowed), by the longest known beginning.
pub fn municipality_of_postcode(postcode: &str) -> Option<&'static str> {
    static POSTCODES: LazyLock<HashMap<&str, &str>> =
        LazyLock::new(|| codes::columns(include_str!("../data/postcode.tsv"), "postcode", "municipality"));
    let digits: String = postcode.chars().filter(char::is_ascii_digit).collect();
    (digits.len() == 7).then_some(())?;
    POSTCODES.get(digits.as_str()).or_else(|| POSTCODES.get(digits.get(..3)?)).copied()
}

/// `hospital`, `clinic`, `dental`, `pharmacy` or `ltc`, by fee table digit and beds (Medical Care Act, article 1-5: a hospital
/// has 20 beds or more). `ltc` says that the code comes from the long-term care system.
pub fn kind(code: &str, beds: Option<i32>, ltc: bool) -> Option<&'static str> {
    if ltc {
        return Some("ltc");
    }
    match code.get(2..3)? {
        "1" if beds.is_some_and(|beds| beds >= 20) => Some("hospital"),
        "1" => Some("clinic"),
        "3" => Some("dental"),
        "4" => Some("pharmacy"),
        _ => None,
    }
}

/// Size band of an institution by its beds; none stated counts as none.
pub fn beds_band(beds: Option<i32>) -> &'static str {
    match beds.unwrap_or(0) {
        ..=0 => "0",
        1..=19 => "1-19",
        20..=199 => "20-199",
        200..=399 => "200-399",
        400.. => "400+",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_bands() {
        assert_eq!(kind("1311234566", Some(300), false), Some("hospital"));
        assert_eq!(kind("1311234566", None, false), Some("clinic"));
        assert_eq!(kind("1370100001", None, true), Some("ltc"));
        assert_eq!(beds_band(Some(200)), "200-399");
        assert!(place("9911234566").is_none());
        assert_eq!(place("1311234566").unwrap().prefecture, "13");
    }
}
