//! What each dataset is, in both languages.

use crate::installed::added_source;

/// A dataset's description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// A source, or `person`.
    pub id: &'static str,
    /// Title in Japanese.
    pub title_ja: &'static str,
    /// Title in English.
    pub title_en: &'static str,
    /// Description in Japanese.
    pub description_ja: &'static str,
    /// Description in English.
    pub description_en: &'static str,
}

/// The description of that dataset.
pub fn about(id: &str) -> Option<About> {
    if let Some(source) = added_source(id) {
        return Some(About {
            id: source.id(),
            title_ja: &source.title_ja,
            title_en: &source.title_en,
            description_ja: &source.description_ja,
            description_en: &source.description_en,
        });
    }
    include_str!("../data/datasets.tsv").lines().skip(1).find_map(|line| {
        let mut parts = line.split('\t');
        let mut next = || parts.next().unwrap_or_default();
        let found =
            About { id: next(), title_ja: next(), title_en: next(), description_ja: next(), description_en: next() };
        (found.id == id).then_some(found)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dataset_of_a_release_is_described() {
        for id in crate::SOURCES.iter().chain(&["person"]) {
            assert!(!about(id).unwrap().description_en.is_empty(), "{id}");
        }
        assert!(about("none").is_none());
    }
}
