//! Every step of the normaliser against `golden.tsv`, and what holds for all of them.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::insurer::{Insurer, LtcInsurer};
use super::*;

type Step = fn(&str) -> Option<String>;

/// Steps by their names in the file. The first are normalisers: read again, their result is itself.
const NORMALISERS: [(&str, Step); 17] = [
    ("address", address::read),
    ("branch", branch::read),
    ("chart", chart::read),
    ("fold", |text| Some(text::fold(text))),
    ("insurer", |text| Insurer::read(text).map(|insurer| insurer.digits().to_owned())),
    ("kana_loose", |text| kana::name(text).map(|kana| kana.loose)),
    ("kana_strict", |text| kana::name(text).map(|kana| kana.strict)),
    ("kanji", |text| kanji::name(text).map(|kanji| kanji.whole)),
    ("ltc_insured", insurer::ltc_insured),
    ("ltc_insurer", |text| LtcInsurer::read(text).map(|insurer| insurer.digits().to_owned())),
    ("number_core", |text| symbol::number(text).map(|number| number.core)),
    ("number_exact", |text| symbol::number(text).map(|number| number.exact)),
    ("postcode", postcode::read),
    ("sex", |text| sex::Sex::read(text).map(|sex| sex.code().to_owned())),
    ("symbol_core", |text| symbol::symbol(text).map(|symbol| symbol.core)),
    ("symbol_exact", |text| symbol::symbol(text).map(|symbol| symbol.exact)),
    ("decode", |text| Some(text.to_owned())),
];

const READERS: [(&str, Step); 9] = [
    ("birth", |text| {
        let birth = date::birth(text.as_bytes())?;
        Some(birth.day.map_or_else(|| birth.month.strftime("%Y-%m").to_string(), |day| day.to_string()))
    }),
    ("day", |text| date::day(text.as_bytes()).map(|day| day.to_string())),
    ("insurer_check", |text| {
        let holds = Insurer::read(text)?.check_digit_holds();
        Some(if holds { "holds" } else { "fails" }.to_owned())
    }),
    ("insurer_kind", |text| Some(Insurer::read(text)?.kind().to_owned())),
    ("insurer_prefecture", |text| Some(Insurer::read(text)?.prefecture()?.to_string())),
    ("iso", |text| date::iso(text).map(|day| day.to_string())),
    ("kana_given", |text| kana::name(text)?.given),
    ("kanji_given", |text| kanji::name(text)?.given),
    ("month", |text| date::month(text.as_bytes()).map(|month| month.to_string())),
];

/// `\u{…}`, `\t` and `(empty)` written out.
fn plain(cell: &str) -> String {
    let mut text = cell.replace("(empty)", "").replace("\\t", "\t");
    while let Some((before, rest)) = text.split_once("\\u{") {
        let (code, after) = rest.split_once('}').unwrap();
        let letter = char::from_u32(u32::from_str_radix(code, 16).unwrap()).unwrap();
        text = format!("{before}{letter}{after}");
    }
    text
}

fn input(cell: &str) -> Option<String> {
    match cell.strip_prefix("hex:") {
        Some(bytes) => text::cp932(&hex::decode(bytes).unwrap()).map(std::borrow::Cow::into_owned),
        None => Some(plain(cell)),
    }
}

#[test]
fn every_step_gives_what_is_written() {
    let steps: BTreeMap<&str, Step> = NORMALISERS.into_iter().chain(READERS).collect();
    let mut used = BTreeSet::new();
    let mut cases = 0;
    let mut wrong = Vec::new();
    for line in include_str!("golden.tsv").lines().filter(|line| !line.starts_with('#')) {
        let [name, from, expected] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("three columns: {line}") };
        let step = steps.get(name).unwrap_or_else(|| panic!("no step is called {name}"));
        let expected = (expected != "-").then(|| plain(expected));
        let found = input(from).and_then(|text| step(&text));
        if found != expected {
            wrong.push(format!("{line}: {found:?}"));
        }
        used.insert(name);
        cases += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(used, steps.into_keys().collect(), "steps without a case");
    assert!(cases >= 150);
}

/// Tables belong to the version: tokens made with another table never meet.
#[test]
fn a_changed_table_is_a_new_version() {
    let tables = [include_str!("kanji.tsv"), include_str!("placeholders.tsv")];
    let digest = hex::encode(Sha256::digest(tables.concat()));
    assert_eq!(VERSION, "2");
    assert_eq!(digest.split_at(16).0, "aba0a29bff6414ab", "raise VERSION, then write the new digest here");
}

#[test]
fn the_two_calendars_and_widths_of_one_birth_agree() {
    let same = ["19890107", "3640107", "３６４０１０７", "１９８９０１０７"];
    assert!(same.iter().all(|written| date::birth(written.as_bytes()) == date::birth(b"19890107")));
}

fn written() -> impl Strategy<Value = String> {
    let letters = "[0-9０-９A-Za-zＡ-Ｚぁ-ゟァ-ヿ\u{FF61}-\u{FF9F}一-龠々髙﨑邊・ 　ー―−－‐の（）()「」●゛゜\u{3099}\u{FE31}\u{E0100}.,'-]{0,16}";
    prop_oneof![any::<String>(), letters.prop_map(String::from), "[0-9.-]{0,12}".prop_map(String::from)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn reading_twice_changes_nothing(text in written()) {
        for (name, step) in NORMALISERS {
            if let Some(once) = step(&text) {
                let again = step(&once);
                prop_assert_eq!(again.as_ref(), Some(&once), "{}", name);
            }
        }
    }

    #[test]
    fn nothing_panics(text in written(), bytes in proptest::collection::vec(any::<u8>(), 0..24)) {
        let decoded = text::cp932(&bytes).map(std::borrow::Cow::into_owned).unwrap_or_default();
        for (_, step) in READERS.into_iter().chain(NORMALISERS) {
            let _read = (step(&text), step(&decoded));
        }
        let _read = (date::day(&bytes), date::month(&bytes), date::birth(&bytes));
    }

    #[test]
    fn the_given_name_is_the_names_end(text in written()) {
        if let Some(kana) = kana::name(&text) {
            prop_assert!(kana.given.is_none_or(|given| kana.strict.ends_with(&given) && given.len() < kana.strict.len()));
        }
        if let Some(kanji) = kanji::name(&text) {
            prop_assert!(kanji.given.is_none_or(|given| kanji.whole.ends_with(&given) && given.len() < kanji.whole.len()));
        }
    }

    #[test]
    fn widths_do_not_matter(digits in "[0-9A-Z]{1,12}") {
        let wide: String = digits.chars().map(|c| char::from_u32(u32::from(c) + 0xFEE0).unwrap()).collect();
        prop_assert_eq!(symbol::number(&digits).map(|number| number.exact), symbol::number(&wide).map(|number| number.exact));
        prop_assert_eq!(chart::read(&digits), chart::read(&wide));
    }
}
