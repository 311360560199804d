//! Branch number (枝番): which person on a card (formats.md 13.6).

use super::text;

/// Two digits. Empty is absent, and absent is not `00`.
pub(crate) fn read(written: &str) -> Option<String> {
    let digits: String = text::fold(written).chars().filter(|letter| !text::is_blank(*letter)).collect();
    let readable = matches!(digits.len(), 1 | 2) && digits.bytes().all(|digit| digit.is_ascii_digit());
    readable.then(|| format!("{digits:0>2}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden() {
        assert_eq!(read("０１").as_deref(), Some("01"));
        assert_eq!(read("1").as_deref(), Some("01"));
        assert_eq!(read("00").as_deref(), Some("00"));
        for absent in ["", " ", "123", "A1"] {
            assert!(read(absent).is_none());
        }
    }
}
