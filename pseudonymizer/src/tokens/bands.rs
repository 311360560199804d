//! How common a name is, in five coarse bands: all that the linkage zone learns of a name beside its tokens (DESIGN.md, Zones;
//! `research/pseudonymization-anchors.md`, part 3, "TF without names"). The tables are public knowledge, the same at every holder.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::{Identity, variants};
use crate::normalise::kana;

/// The band of names that the table does not have, and of rare ones.
const RARE: u8 = 4;

/// Persons of 100,000 who must have a name for the bands 0 to 3: 2^-7, 2^-10, 2^-13 and 2^-16 of all, steps of 3 bits.
const BANDS: [f64; 4] = [781.25, 97.656_25, 12.207_031_25, 1.525_878_906_25];

/// The bands of family and given name, 0 for the commonest; absent where the name is, or where it is not known how it divides.
pub(crate) fn of(identity: &Identity) -> [Option<u8>; 2] {
    static FAMILIES: LazyLock<HashMap<String, u8>> = LazyLock::new(|| table(include_str!("names/family.txt")));
    static GIVEN: LazyLock<HashMap<String, u8>> = LazyLock::new(|| table(include_str!("names/given.txt")));
    let band = |table: &HashMap<String, u8>, name: &str| table.get(name).copied().unwrap_or(RARE);
    let given = identity.kana.as_ref().and_then(|kana| kana.given.as_deref());
    [variants::family(identity).map(|name| band(&FAMILIES, name)), given.map(|name| band(&GIVEN, name))]
}

/// Lines of a count and names; names in the normaliser's own form.
fn table(text: &str) -> HashMap<String, u8> {
    let mut bands = HashMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        let Some(persons) = words.next().and_then(|word| word.parse::<f64>().ok()) else { continue };
        for (strict, _) in words.filter_map(kana::letters) {
            bands.entry(strict).or_insert_with(|| band(persons));
        }
    }
    bands
}

fn band(persons: f64) -> u8 {
    let place = BANDS.iter().position(|least| persons >= *least);
    place.and_then(|place| u8::try_from(place).ok()).unwrap_or(RARE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bands(written: &str) -> [Option<u8>; 2] {
        of(&Identity { kana: kana::name(written), ..Identity::default() })
    }

    #[test]
    fn common_names_stand_before_rare_ones() {
        assert_eq!(bands("サトウ　カズコ"), [Some(0), Some(0)]);
        assert_eq!(bands("ﾐﾔﾓﾄ ｺﾞﾛｳ"), [Some(1), Some(RARE)]);
        assert_eq!(bands("コデラ　キヨウコ"), bands("コデラ　キョウコ"), "as the normaliser writes it");
        assert_eq!(bands("ジュゲムダ　ゴコウノスリキレ"), [Some(RARE), Some(RARE)]);
        assert_eq!(bands("サトウカズコ"), [None, None]);
        assert_eq!(bands(""), [None, None]);
    }

    #[test]
    fn the_tables_are_whole() {
        for text in [include_str!("names/family.txt"), include_str!("names/given.txt")] {
            let lines = || text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
            let names: usize = lines().map(|line| line.split_whitespace().count() - 1).sum();
            let table = table(text);
            assert_eq!(table.len(), names, "a name stands twice or cannot be read");
            assert!(names >= 180, "{names}");
            let counts: Vec<f64> = lines().map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect();
            assert!(counts.windows(2).all(|pair| pair[0] > pair[1]));
            // More persons than there are would put names into too common a band.
            let persons: f64 = lines()
                .zip(&counts)
                .map(|(line, count)| count * f64::from(u32::try_from(line.split_whitespace().count() - 1).unwrap()))
                .sum();
            assert!(persons < 100_000.0, "{persons}");
            assert!((0..3).all(|band| table.values().any(|found| *found == band)));
        }
    }
}
