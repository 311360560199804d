//! Where people live: prefectures by a Zipf law, municipalities by their size.

use std::sync::LazyLock;

use crate::random::Dice;

/// A municipality of the code list.
#[derive(Clone, Debug)]
pub(crate) struct Municipality {
    /// 5 digits.
    pub(crate) code: &'static str,
    /// 1-based number among those of its prefecture in the list: the district number of institutions.
    pub(crate) district: usize,
    /// First three digits of its postcodes.
    pub(crate) postcode: &'static str,
    /// Name with its prefecture.
    pub(crate) name: String,
    /// Inhabitants.
    pub(crate) population: f64,
}

impl Municipality {
    /// 2 digits.
    pub(crate) fn prefecture(&self) -> &'static str {
        self.code.get(..2).unwrap_or("13")
    }
}

/// All municipalities, in order of code.
pub(crate) fn all() -> &'static [Municipality] {
    static ALL: LazyLock<Vec<Municipality>> = LazyLock::new(read);
    &ALL
}

/// The municipality at that place of the list; the first for a place that does not exist.
pub(crate) fn at(place: usize) -> &'static Municipality {
    static NOWHERE: LazyLock<Municipality> = LazyLock::new(|| Municipality {
        code: "13101",
        district: 1,
        postcode: "100",
        name: String::new(),
        population: 1.0,
    });
    all().get(place).unwrap_or(&NOWHERE)
}

/// Draws a home: a place in [`all`].
pub(crate) fn home(dice: &mut Dice) -> usize {
    static WEIGHTS: LazyLock<Vec<f64>> = LazyLock::new(weights);
    dice.weighted(WEIGHTS.iter().copied())
}

/// The twelve prefectures in which nine in ten live, largest first (a Zipf law of exponent 0.7).
pub(crate) const CENTRES: [&str; 12] = ["13", "27", "14", "23", "11", "12", "28", "01", "40", "22", "34", "31"];
/// Share of the population outside [`CENTRES`].
const ELSEWHERE: f64 = 0.1;

fn weights() -> Vec<f64> {
    let zipf: Vec<f64> = (1..=12).map(|rank| f64::from(rank).powf(-0.7)).collect();
    let whole: f64 = zipf.iter().sum();
    let total = |prefecture: &str| -> f64 {
        all().iter().filter(|place| place.prefecture() == prefecture).map(|place| place.population).sum()
    };
    let rest: f64 =
        all().iter().filter(|place| !CENTRES.contains(&place.prefecture())).map(|place| place.population).sum();
    let weight = |place: &Municipality| {
        let rank = CENTRES.iter().position(|code| *code == place.prefecture());
        match rank.and_then(|rank| zipf.get(rank)) {
            Some(share) => (1.0 - ELSEWHERE) * share / whole * place.population / total(place.prefecture()),
            None => ELSEWHERE * place.population / rest,
        }
    };
    all().iter().map(weight).collect()
}

fn read() -> Vec<Municipality> {
    let rows = |text: &'static str| text.lines().skip(1).map(|line| line.split('\t').collect::<Vec<&'static str>>());
    let prefectures: Vec<_> = rows(include_str!("../../catalog/data/code/prefecture.tsv")).collect();
    let postcodes: Vec<_> = rows(include_str!("../../catalog/data/postcode.tsv")).collect();
    let mut places: Vec<Municipality> = Vec::new();
    for row in rows(include_str!("../../catalog/data/code/municipality.tsv")) {
        let [code, name, _, prefecture, _, population, ..] = row.as_slice() else { continue };
        let find = |list: &[Vec<&'static str>], wanted: &str, key: usize, value: usize| {
            list.iter().find(|row| row.get(key) == Some(&wanted)).and_then(|row| row.get(value).copied())
        };
        let before = places.iter().filter(|place| place.prefecture() == *prefecture).count();
        places.push(Municipality {
            code,
            district: before + 1,
            postcode: find(&postcodes, code, 1, 0).unwrap_or("100"),
            name: format!("{}{name}", find(&prefectures, prefecture, 0, 1).unwrap_or_default()),
            population: population.parse().unwrap_or(1.0),
        });
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prefecture_has_a_home_and_a_postcode_that_leads_back() {
        assert_eq!(all().iter().map(Municipality::prefecture).collect::<std::collections::BTreeSet<_>>().len(), 47);
        for place in all() {
            let postcode = format!("{}0001", place.postcode);
            assert_eq!(catalog::facility::municipality_of_postcode(&postcode), Some(place.code));
        }
        assert!((weights().iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }
}
