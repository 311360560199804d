//! A postcode: 7 digits for the tokens of one linkage run, and the municipality that it says (formats.md 13.9).

use super::text;

/// Seven digits, without hyphen and 〒. `None` for fillers.
pub(crate) fn read(written: &str) -> Option<String> {
    let mut digits = text::fold_closed(written);
    digits.retain(|letter| letter != '〒' && letter != 'ー' && !text::is_dash(letter));
    let readable = digits.len() == 7 && digits.bytes().all(|digit| digit.is_ascii_digit()) && !text::is_filler(&digits);
    readable.then_some(digits)
}

/// The municipality of a postcode in any width, with or without hyphen.
pub(crate) fn municipality(written: &str) -> Option<&'static str> {
    catalog::facility::municipality_of_postcode(&read(written)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn width_and_hyphen_do_not_matter() {
        assert!(municipality("0600001").is_some());
        assert_eq!(municipality("０６０－０００１"), municipality("0600001"));
        assert!(municipality("150").is_none());
    }
}
