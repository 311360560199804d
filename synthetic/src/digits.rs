//! Check digits of the official numbers, and the two widths in which people write them.

/// 検証番号 of insurers and institutions: weights 2, 1, 2, 1 … from the right, digits of the products summed, modulo 10
/// (formats.md, 13.4 and 1).
pub(crate) fn check(body: &str) -> char {
    let sum: u32 = body
        .bytes()
        .rev()
        .zip([2, 1].into_iter().cycle())
        .map(|(digit, weight)| {
            let product = u32::from(digit.saturating_sub(b'0')) * weight;
            product / 10 + product % 10
        })
        .sum();
    char::from_digit((10 - sum % 10) % 10, 10).unwrap_or('0')
}

/// Body and check digit.
pub(crate) fn checked(body: &str) -> String {
    format!("{body}{}", check(body))
}

/// The 6-digit form of a municipality code (JIS X 0401/0402 check digit: weights 6 to 2, 11 less the remainder by 11).
pub(crate) fn municipality6(code5: &str) -> String {
    let sum: u32 = code5.bytes().zip([6, 5, 4, 3, 2]).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    format!("{code5}{}", (11 - sum % 11) % 10)
}

/// Half-width digits, letters and signs as full-width ones.
pub(crate) fn full_width(text: &str) -> String {
    text.chars()
        .map(|sign| match sign {
            '!'..='~' => char::from_u32(u32::from(sign) + 0xfee0).unwrap_or(sign),
            ' ' => '　',
            other => other,
        })
        .collect()
}

/// Full-width kana as half-width kana, voiced marks apart, as the certification file wants it.
pub(crate) fn half_kana(text: &str) -> String {
    const FULL: &str = "ァアィイゥウェエォオカキクケコサシスセソタチッツテトナニヌネノハヒフヘホマミムメモャヤュユョヨラリルレロワヲンー・　";
    const HALF: &str = "ｧｱｨｲｩｳｪｴｫｵｶｷｸｹｺｻｼｽｾｿﾀﾁｯﾂﾃﾄﾅﾆﾇﾈﾉﾊﾋﾌﾍﾎﾏﾐﾑﾒﾓｬﾔｭﾕｮﾖﾗﾘﾙﾚﾛﾜｦﾝｰ･ ";
    use unicode_normalization::UnicodeNormalization;
    text.nfd()
        .map(|sign| match sign {
            '\u{3099}' => 'ﾞ',
            '\u{309a}' => 'ﾟ',
            other => FULL.chars().zip(HALF.chars()).find(|(full, _)| *full == other).map_or(other, |(_, half)| half),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_agree_with_published_numbers() {
        for number in ["138057", "01130012", "138016", "138990"] {
            let (body, last) = number.split_at(number.len() - 1);
            assert_eq!(check(body).to_string(), last);
        }
        assert_eq!(municipality6("13101"), "131016");
        assert_eq!(municipality6("27100"), "271004");
    }

    #[test]
    fn widths() {
        assert_eq!(full_width("A-12"), "Ａ－１２");
        assert_eq!(half_kana("サトウ　ガッコウー"), "ｻﾄｳ ｶﾞｯｺｳｰ");
    }
}
