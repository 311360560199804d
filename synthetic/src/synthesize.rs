//! From options to a folder: household after household, record after record.

use std::collections::BTreeMap;
use std::path::Path;

use crate::SyntheticError;
use crate::care::{self, Scene};
use crate::corrections::{self, Way};
use crate::facilities::Facilities;
use crate::mistakes::{Mistakes, OFFICIAL, Site};
use crate::population::{Household, Person, Population};
use crate::random::Dice;
use crate::records::Record;
use crate::truth::Truth;
use crate::write::{Raw, Sink};

/// Whether records state identifiers with mistakes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Errors {
    /// All identifiers are right; only true changes (marriage, insurer) happen.
    #[default]
    None,
    /// Mistakes at the rates of formats.md, 14.
    Realistic,
}

/// What to make.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Persons, at least one.
    pub persons: u64,
    /// Same seed, same bytes.
    pub seed: u64,
    /// Mistakes.
    pub errors: Errors,
}

/// How far it is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Persons done.
    pub persons: u64,
    /// Persons asked for.
    pub of: u64,
}

/// What has been made.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Persons, with or without records.
    pub persons: u64,
    /// Raw files.
    pub files: u64,
    /// Their size.
    pub bytes: u64,
    /// Rows of each truth table, by its name in SQL.
    pub rows: BTreeMap<String, u64>,
}

/// Persons between two calls of `progress`.
const PROGRESS_EVERY: u64 = 500;
/// Set in the number of a household's stream for what happens to it, apart from who it is.
const EVENTS: u64 = 1 << 62;
/// Set in the number of a person's stream for how receipts are sent.
const SENDING: u64 = 3 << 61;

/// Writes `out/raw/{ndb,ltc,dpc,ehr,registry}/…` in official formats, `out/raw/steward/facility_software.csv` (which of six made-up
/// families of software each institution uses; it is in the truth too), and `out/truth/…` beside them.
///
/// Files of the same name are overwritten.
pub fn synthesize(
    options: &Options,
    out: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Summary, SyntheticError> {
    if options.persons == 0 {
        return Err(SyntheticError::NoPersons);
    }
    let facilities = Facilities::new(options.persons, options.seed);
    let mistakes = match options.errors {
        Errors::None => Mistakes::none(),
        Errors::Realistic => Mistakes::at(OFFICIAL, options.seed),
    };
    let mut raw = Raw::new(out);
    let mut truth = Truth::create(out, &facilities)?;
    let mut done = 0;
    for (number, household) in
        Population::new(options.persons, options.seed, options.errors == Errors::Realistic).enumerate()
    {
        let mut dice = Dice::new(options.seed, EVENTS | number as u64);
        for person in &household.members {
            let scene = Scene {
                facilities: &facilities,
                household: &household,
                person,
                mistakes: &mistakes,
                seed: options.seed,
            };
            let records = care::records(&scene, &mut dice);
            let ways = corrections::ways(&mut Dice::new(options.seed, SENDING | person.number), &records);
            for (record, way) in records.iter().zip(ways) {
                let Record::Claim(claim) = record else {
                    raw.write(record, &facilities, &mut truth)?;
                    truth.record(record, &facilities)?;
                    continue;
                };
                if way == Way::Once && mistakes.sends_twice(&mut dice) {
                    raw.write(record, &facilities, &mut truth)?;
                }
                for (version, sent) in way.versions(claim) {
                    raw.claim(&version, sent, &facilities, &mut truth)?;
                }
                if way.holds() {
                    truth.record(record, &facilities)?;
                }
            }
            truth.person(person)?;
            if person.canary {
                truth.canary(person.number, &unmistakable(&household, person))?;
            }
            done += 1;
            if done % PROGRESS_EVERY == 0 {
                progress(Progress { persons: done, of: options.persons });
            }
        }
    }
    let (files, bytes) = raw.finish(&facilities, &mut truth)?;
    for folder in ["raw/steward", "truth"] {
        software(&facilities, &out.join(folder).join("facility_software.csv"))?;
    }
    let rows = truth.finish(&facilities)?;
    progress(Progress { persons: done, of: options.persons });
    Ok(Summary { persons: done, files, bytes, rows })
}

#[cfg(test)]
mod tests;

/// Which software each institution uses, as a steward knows it.
fn software(facilities: &Facilities, file: &Path) -> Result<(), SyntheticError> {
    let mut sink = Sink::create(file)?;
    sink.raw(b"facility_code,software\n")?;
    for facility in facilities.all() {
        let letter = Site::of(&facility.code).software.letter();
        sink.raw(format!("{},{letter}\n", facility.code).as_bytes())?;
    }
    sink.close().map(drop)
}

/// Every string that points to a canary, as records state it.
fn unmistakable(household: &Household, person: &Person) -> Vec<(&'static str, String)> {
    let month = crate::calendar::FIRST;
    let mut strings = vec![
        ("kanji", person.name.kanji()),
        ("kanji", person.name.kanji().replace('　', "")),
        ("kana", person.name.kana("")),
        ("kana", person.name.kana("　")),
        ("kana", crate::digits::half_kana(&person.name.kana(" "))),
        ("chart", person.canary_chart()),
        ("care_number", person.care_number()),
        ("phone", household.phone.clone()),
        ("phone", crate::digits::full_width(&household.phone)),
        ("address", household.address_in(month)),
    ];
    for cover in &person.coverages {
        strings.push(("insured", format!("{}{}{}", cover.insurer, cover.symbol, cover.number)));
        strings.push(("insured", format!("{}:{}:{}", cover.insurer, cover.symbol, cover.number)));
    }
    strings
}
