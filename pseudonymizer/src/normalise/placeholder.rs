//! What people write where they know nothing, or try a system out: such a value says nothing about anybody, so it is absent. The
//! list is `placeholders.tsv`.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::{kana, kanji};

const LIST: &str = include_str!("placeholders.tsv");

/// Whether a normalised name, or its family name, stands in for one.
pub(crate) fn is_name(whole: &str, given: Option<&str>) -> bool {
    static NAMES: LazyLock<HashSet<String>> = LazyLock::new(|| names("name"));
    static FAMILIES: LazyLock<HashSet<String>> = LazyLock::new(|| names("family"));
    let family = given.and_then(|given| whole.strip_suffix(given));
    NAMES.contains(whole) || family.is_some_and(|family| FAMILIES.contains(family))
}

/// Whether a birth date's digits stand in for one.
pub(crate) fn is_birth(digits: &[u8]) -> bool {
    static DATES: LazyLock<HashSet<&str>> = LazyLock::new(|| listed("birth").collect());
    std::str::from_utf8(digits).is_ok_and(|digits| DATES.contains(digits))
}

fn names(kind: &'static str) -> HashSet<String> {
    listed(kind)
        .flat_map(|name| [kana::letters(name), kanji::letters(name)])
        .flatten()
        .map(|(whole, _)| whole)
        .collect()
}

fn listed(kind: &'static str) -> impl Iterator<Item = &'static str> {
    LIST.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('\t'))
        .filter_map(move |(of, value)| (of == kind).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_of_a_known_kind_and_read() {
        let lines = LIST.lines().filter(|line| !line.starts_with('#')).count();
        let read: usize = ["name", "family", "birth"].into_iter().map(|kind| listed(kind).count()).sum();
        assert_eq!(lines, read);
        for name in listed("name") {
            assert!(kana::name(name).is_none() && kanji::name(name).is_none(), "{name}");
        }
    }
}
