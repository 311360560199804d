//! From a person's course to the records that institutions make of it.

mod cases;
mod checkups;
mod dental;
mod documents;
mod inpatient;
mod labs;
mod life;
mod long_term;
mod outpatient;
mod stays;
mod treatment;

use crate::calendar::Month;
use crate::facilities::Facilities;
use crate::mistakes::{HARD_SHARE, Mistakes, Patient, Site};
use crate::population::{Household, Person};
use crate::random::{self, Dice};
use crate::records::{Record, Stated};

/// Everything that decides a person's records.
pub(crate) struct Scene<'a> {
    pub(crate) facilities: &'a Facilities,
    pub(crate) household: &'a Household,
    pub(crate) person: &'a Person,
    pub(crate) mistakes: &'a Mistakes,
    pub(crate) seed: u64,
}

/// Set in the number of a stream that belongs to one person and topic.
const TOPICS: u64 = 1 << 63;
/// Decides with a person's number whose name is a hard one.
const HARD_NAMES: u64 = 0x6861_7264;

impl Scene<'_> {
    /// What an institution's record of that month states, mistakes included.
    fn stated(&self, dice: &mut Dice, month: Month, facility: usize) -> Stated {
        let code = self.facilities.at(facility).map_or("", |facility| &facility.code);
        self.stated_by(dice, month, Site::of(code))
    }

    /// The same, of whoever writes it.
    fn stated_by(&self, dice: &mut Dice, month: Month, site: Site) -> Stated {
        let mut stated = Stated::of(self.household, self.person, month);
        let number = self.person.number;
        let hard = random::share(random::mix(number ^ HARD_NAMES)) < HARD_SHARE;
        let patient = Patient { number, hard, age: self.person.age_on(month.first()) };
        self.mistakes.spoil(dice, site, patient, &mut stated);
        stated
    }

    /// A stream of chance of its own for the person and topic: what it decides moves nothing else.
    fn dice(&self, topic: u64) -> Dice {
        let spot = random::mix(self.person.number ^ random::mix(topic.wrapping_mul(7919)));
        Dice::new(self.seed, TOPICS | spot >> 1)
    }

    /// A choice that stays the same for the person and topic: 0 to 99.
    fn fixed(&self, topic: u64) -> u32 {
        let hash = random::mix(self.person.number.wrapping_mul(1009) ^ random::mix(topic));
        u32::try_from(hash % 100).unwrap_or(0)
    }

    /// One of a list that stays the same for the person and topic.
    fn keeps<'a, T>(&self, topic: u64, list: &'a [T]) -> Option<&'a T> {
        list.get(self.fixed(topic) as usize % list.len().max(1))
    }
}

/// All records of a person, without order between the sources.
pub(crate) fn records(scene: &Scene<'_>, dice: &mut Dice) -> Vec<Record> {
    let mut records = Vec::new();
    let stays = inpatient::admissions(scene, dice);
    for stay in &stays {
        inpatient::claims(scene, dice, stay, &mut records);
    }
    stays::records(scene, dice, &stays, &mut records);
    outpatient::claims(scene, dice, &stays, &mut records);
    dental::claims(scene, &stays, &mut records);
    checkups::records(scene, dice, &mut records);
    cases::records(scene, &mut records);
    documents::records(scene, dice, &stays, &mut records);
    long_term::records(scene, dice, &stays, &mut records);
    records
}
