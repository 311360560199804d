//! Institutions as they are met: a number each, where it lies, and the family of its software.

use std::collections::HashMap;

use super::Software;

/// What is known of an institution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Institution {
    /// Prefecture, 1 to 47; 0 if unknown.
    pub(crate) prefecture: u8,
    /// Place among [`Software::families`]; none if the list does not name the institution.
    pub(crate) family: Option<u16>,
}

/// All institutions met so far.
pub(crate) struct Institutions {
    software: Software,
    numbers: HashMap<String, u32>,
    known: Vec<Institution>,
}

impl Institutions {
    pub(crate) fn new(software: Software) -> Self {
        Self { software, numbers: HashMap::new(), known: Vec::new() }
    }

    pub(crate) fn software(&self) -> &Software {
        &self.software
    }

    /// The number of a code.
    pub(crate) fn number(&mut self, code: &str) -> Option<u32> {
        if let Some(number) = self.numbers.get(code) {
            return Some(*number);
        }
        let number = u32::try_from(self.known.len()).ok()?;
        let prefecture = catalog::facility::place(code).and_then(|place| place.prefecture.parse().ok()).unwrap_or(0);
        self.known.push(Institution { prefecture, family: self.software.family(code) });
        self.numbers.insert(code.to_owned(), number);
        Some(number)
    }

    /// What is known of the institution of that number.
    pub(crate) fn get(&self, number: u32) -> Option<Institution> {
        self.known.get(usize::try_from(number).ok()?).copied()
    }
}
