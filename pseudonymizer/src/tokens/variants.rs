//! What is near an identifier: a name with a letter left out, parts of a birth date, a name by its sound alone
//! (`research/pseudonymization-anchors.md`, part 2, V1, V2, V4).

use jiff::civil::Date;
use zeroize::Zeroizing;

use super::Identity;
use super::kinds::{Input, day};

/// Letters that a name must have left: with fewer, a token would say the other attribute alone.
const LETTERS_MIN: usize = 2;

/// Letters of a register's number from which on one may be left out: shorter ones are too near to one another.
const NUMBER_LETTERS_MIN: usize = 6;

/// One value of an input that has several.
pub(super) type Variant = Zeroizing<Vec<u8>>;

/// All values of an input that has several; none where it is absent.
pub(super) fn of(input: Input, identity: &Identity) -> Vec<Variant> {
    let kana = identity.kana.as_ref();
    let name = if input == Input::BornPart {
        return identity.born().map(parts).unwrap_or_default();
    } else if input == Input::ChartNear {
        return own_number(identity).map(number_near).unwrap_or_default();
    } else if input == Input::AddressNear {
        identity.address.as_deref()
    } else if input == Input::PostcodeNear {
        identity.postcode.as_deref()
    } else if input == Input::FamilyNear {
        family(identity)
    } else if input == Input::GivenNear {
        kana.and_then(|kana| kana.given.as_deref())
    } else {
        kana.filter(|_| input == Input::KanaNear).map(|kana| kana.strict.as_str())
    };
    name.map(near).unwrap_or_default()
}

/// The family name in kana, where the given name is known.
pub(super) fn family(identity: &Identity) -> Option<&str> {
    let kana = identity.kana.as_ref()?;
    kana.strict.strip_suffix(kana.given.as_deref()?).filter(|family| !family.is_empty())
}

/// The number, if the source itself gives it out (`flat::identity::issuer`).
fn own_number(identity: &Identity) -> Option<&str> {
    identity
        .chart
        .as_deref()
        .filter(|_| identity.facility.as_deref().is_some_and(|issuer| issuer.starts_with("source:")))
}

fn number_near(number: &str) -> Vec<Variant> {
    if number.chars().count() < NUMBER_LETTERS_MIN {
        return vec![Zeroizing::new(number.as_bytes().to_vec())];
    }
    near(number)
}

/// Both names in the order of their letters: a register that swaps them says the same.
pub(super) fn both_names(identity: &Identity) -> Option<Zeroizing<Vec<u8>>> {
    let (family, given) = (family(identity)?, identity.kana.as_ref()?.given.as_deref()?);
    let both = [family.min(given), family.max(given)];
    Some(Zeroizing::new(both.join(" ").into_bytes()))
}

/// The name and all that one left-out letter makes of it, each once: two names that differ in one letter, or of which one lacks one,
/// share some (the deletion neighbourhood of Bocek, Hunt, Stiller 2007).
fn near(name: &str) -> Vec<Variant> {
    let letters: Vec<char> = name.chars().collect();
    let without = |left_out: usize| {
        let kept = letters.iter().enumerate().filter(|(place, _)| *place != left_out).map(|(_, letter)| letter);
        Zeroizing::new(kept.collect::<String>().into_bytes())
    };
    let mut all = vec![Zeroizing::new(name.as_bytes().to_vec())];
    if letters.len() > LETTERS_MIN {
        all.extend((0..letters.len()).map(without));
    }
    all.sort_unstable_by(|a, b| a.as_slice().cmp(b));
    all.dedup();
    all
}

/// Year and month, month and day, year and day, and the whole date with day and month in order of size; each behind a mark of its own.
fn parts(born: Date) -> Vec<Variant> {
    let [high, low, month, day] = day(born);
    let (less, more) = (month.min(day), month.max(day));
    let parts: [&[u8]; 4] =
        [&[1, high, low, month], &[2, month, day], &[3, high, low, day], &[4, high, low, less, more]];
    parts.map(|part| Zeroizing::new(part.to_vec())).into()
}

/// A loose name with long vowels made short: a letter that only draws out the vowel before it is left out, so that オオノ, オウノ and
/// オーノ are one.
pub(super) fn sound(loose: &str) -> Zeroizing<String> {
    let mut short = Zeroizing::new(String::with_capacity(loose.len()));
    let mut before: Option<char> = None;
    for letter in loose.chars() {
        let drawn_out = before.is_some_and(|before| match letter {
            'ア' | 'イ' | 'エ' | 'オ' => {
                vowel(before) == Some(letter) || (letter == 'イ' && vowel(before) == Some('エ'))
            }
            'ウ' => matches!(vowel(before), Some('ウ' | 'オ')),
            _ => false,
        });
        if !drawn_out {
            short.push(letter);
            before = Some(letter);
        }
    }
    short
}

/// The vowel that a letter ends in.
fn vowel(letter: char) -> Option<char> {
    const ROWS: [(char, &str); 5] = [
        ('ア', "アカサタナハマヤラワ"),
        ('イ', "イキシチニヒミリ"),
        ('ウ', "ウクスツヌフムユル"),
        ('エ', "エケセテネヘメレ"),
        ('オ', "オコソトノホモヨロ"),
    ];
    ROWS.into_iter().find(|(_, row)| row.contains(letter)).map(|(vowel, _)| vowel)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_of_eight_letters_has_nine_values_and_a_short_one_only_itself() {
        assert_eq!(near("ヤマダタロウイチ").len(), 9);
        assert_eq!(near("アオイ").len(), 4);
        assert_eq!(near("アイ").len(), 1, "one letter and a birth date is nearly a birth date");
        assert_eq!(near("キキキ").len(), 2, "equal letters leave equal names");
    }

    #[test]
    fn dates_with_a_slip_share_a_part_and_others_do_not() {
        let share = |a: Date, b: Date| parts(a).iter().any(|part| parts(b).contains(part));
        let born = date(1958, 3, 12);
        for slip in [date(1958, 3, 13), date(1958, 4, 12), date(1985, 3, 12), date(1958, 12, 3)] {
            assert!(share(born, slip), "{slip}");
        }
        for other in [date(1958, 4, 13), date(1959, 3, 13), date(1959, 12, 3)] {
            assert!(!share(born, other), "{other}");
        }
    }

    #[test]
    fn long_vowels_are_short_and_nothing_else_is_lost() {
        let one = |names: &[&str]| names.iter().map(|name| sound(name).to_string()).collect::<BTreeSet<_>>().len();
        assert_eq!(one(&["オオノ", "オウノ", "オノ"]), 1);
        assert_eq!(one(&["サトウ", "サトオ", "サト"]), 1);
        assert_eq!(one(&["ケイコ", "ケエコ", "ケコ"]), 1);
        assert_eq!(one(&["ユウコ", "ユコ"]), 1);
        assert_eq!(one(&["サイトウ", "サト"]), 2);
        assert_eq!(one(&["マイ", "マ"]), 2);
        assert_eq!(sound("アイオイ").as_str(), "アイオイ");
    }

    proptest! {
        /// One letter changed, put in or left out: the names share a value.
        #[test]
        fn one_slip_is_near(name in "[ア-ン]{3,8}", at in 0_usize..8, other in proptest::char::range('ア', 'ン'), how in 0..3) {
            let mut letters: Vec<char> = name.chars().collect();
            let at = at % letters.len();
            match how {
                0 => { letters[at] = other; }
                1 => letters.insert(at, other),
                _ => { letters.remove(at); }
            }
            let slip: String = letters.iter().collect();
            prop_assert!(near(&name).iter().any(|value| near(&slip).contains(value)), "{} {}", name, slip);
        }

        #[test]
        fn no_value_is_nearly_empty(name in "\\PC{1,12}") {
            for value in near(&name) {
                let left = std::str::from_utf8(&value).unwrap().chars().count();
                prop_assert!(left >= LETTERS_MIN || *value == *name.as_bytes());
            }
            let _sound = sound(&name);
        }
    }
}
