//! A patient's number within one institution: チャート番号 of claims, データ識別番号 of DPC, the local identifier of FHIR.

use super::text;

/// Longest number that RE field 14 holds, in characters.
const LENGTH_MAX: usize = 20;

/// Half width, upper case, no blanks; a number of digits alone loses the zeros in front, because DPC files pad it to ten.
pub(crate) fn read(written: &str) -> Option<String> {
    let folded = text::fold_capital(written);
    let digits = folded.bytes().all(|digit| digit.is_ascii_digit());
    let number = if digits { folded.trim_start_matches('0') } else { &folded };
    let readable = !number.is_empty()
        && number.chars().count() <= LENGTH_MAX
        && !number.chars().any(text::is_placeholder)
        && !text::is_filler(number);
    readable.then(|| number.to_owned())
}
