//! A patient's number within one institution: チャート番号 of claims, データ識別番号 of DPC, the local identifier of FHIR.

use super::text;

/// Longest number that RE field 14 holds, in characters.
const LENGTH_MAX: usize = 20;

/// Half width, upper case, no blanks; a number of digits alone loses the zeros in front, because DPC files pad it to ten.
pub(crate) fn read(written: &str) -> Option<String> {
    let folded: String =
        text::fold(written).chars().filter(|letter| !text::is_blank(*letter)).flat_map(char::to_uppercase).collect();
    let number =
        if folded.bytes().all(|digit| digit.is_ascii_digit()) { folded.trim_start_matches('0') } else { &folded };
    let readable =
        !number.is_empty() && number.chars().count() <= LENGTH_MAX && !number.chars().any(text::is_placeholder);
    readable.then(|| number.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden() {
        assert_eq!(read("0000001001"), read("１００１"));
        assert_eq!(read("ch001001").as_deref(), Some("CH001001"));
        assert!(read("0000000000").is_none());
        assert!(read("").is_none());
    }
}
