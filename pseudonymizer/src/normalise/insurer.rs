//! Insurer numbers: 8 digits in medical care, 6 in long-term care, two spaces of numbers that are never compared (formats.md 13.4).

use super::text;

/// A medical insurer, 8 digits.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Insurer(String);

impl Insurer {
    /// Reads a number as recorded: 8 digits, or fewer where blanks stand for zeros in front (国保 6, old 政管 and 船員 4) or a
    /// spreadsheet has lost them.
    pub(crate) fn read(written: &str) -> Option<Self> {
        padded(written, 4).map(Self)
    }

    /// The 8 digits.
    pub(crate) fn digits(&self) -> &str {
        &self.0
    }

    /// Whether the last digit is the check digit of the others (modulus 10, weights 2 and 1 from the right). A failing number
    /// is kept: it may still agree with the same number elsewhere.
    pub(crate) fn check_digit_holds(&self) -> bool {
        let mut digits = self.0.chars().rev().filter_map(|digit| digit.to_digit(10));
        let last = digits.next().unwrap_or_default();
        let sum: u32 =
            digits.zip([2, 1].into_iter().cycle()).map(|(digit, weight)| digit * weight).map(|n| n / 10 + n % 10).sum();
        (10 - sum % 10) % 10 == last
    }

    /// `ndb.claims.insurer_type`, by 法別番号.
    pub(crate) fn kind(&self) -> &'static str {
        match self.0.get(..2).unwrap_or_default() {
            "01" => "kyokai",
            "06" | "63" | "72" | "73" | "74" | "75" => "union",
            "02" | "07" | "31" | "32" | "33" | "34" => "mutual",
            "00" | "67" => "national",
            "39" => "late_elderly",
            _ => "other",
        }
    }

    /// Whether it insures the late elderly (法別番号 39), each under a number of their own.
    pub(crate) fn is_late_elderly(&self) -> bool {
        self.0.starts_with("39")
    }

    /// Prefecture of residence, for the insurers that are a prefecture's own: 国保 (`00PP…`) and 後期高齢者 (`39PP…`).
    pub(crate) fn prefecture(&self) -> Option<u8> {
        matches!(self.0.get(..2)?, "00" | "39").then_some(())?;
        self.0.get(2..4)?.parse().ok().filter(|prefecture| (1..=47).contains(prefecture))
    }
}

/// A long-term care insurer, 6 digits: a municipality's code with its check digit.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct LtcInsurer(String);

impl LtcInsurer {
    /// Reads 6 digits, or 8 with two zeros in front.
    pub(crate) fn read(written: &str) -> Option<Self> {
        let digits = padded(written, 5)?;
        digits.strip_prefix("00").map(|six| Self(six.to_owned()))
    }

    /// The 6 digits.
    pub(crate) fn digits(&self) -> &str {
        &self.0
    }

    /// Municipality, 5 digits.
    pub(crate) fn municipality(&self) -> Option<u32> {
        self.0.get(..5)?.parse().ok()
    }

    /// Prefecture.
    pub(crate) fn prefecture(&self) -> Option<u8> {
        self.0.get(..2)?.parse().ok().filter(|prefecture| (1..=47).contains(prefecture))
    }
}

/// Reads an insured person's number in long-term care: 10 characters; `H` in front for public assistance alone.
pub(crate) fn ltc_insured(written: &str) -> Option<String> {
    let number = text::fold_capital(written);
    let readable = !number.is_empty()
        && number.len() <= 10
        && number.chars().all(|letter| letter.is_ascii_alphanumeric())
        && !text::is_filler(&number);
    readable.then(|| format!("{number:0>10}"))
}

/// 8 digits, zeros in front, of at least so many written.
fn padded(written: &str, digits_min: usize) -> Option<String> {
    let digits = text::fold_closed(written);
    let readable = (digits_min..=8).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
    (readable && !text::is_filler(&digits)).then(|| format!("{digits:0>8}"))
}
