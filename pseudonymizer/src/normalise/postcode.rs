//! A postcode says a municipality and is gone (formats.md 13.9).

use super::text;

/// The municipality of a postcode in any width, with or without hyphen.
pub(crate) fn municipality(written: &str) -> Option<&'static str> {
    catalog::facility::municipality_of_postcode(&text::fold(written))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn width_and_hyphen_do_not_matter() {
        assert_eq!(municipality("１５０－０００２"), municipality("1500002"));
        assert!(municipality("150").is_none());
    }
}
