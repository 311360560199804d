//! A person: who they are, where insured, how ill. The truth of everything that records state.

use jiff::civil::Date;

use crate::calendar::{self, Month};
use crate::course::Course;
use crate::names::Name;
use crate::population::Coverage;

/// Whether a person smokes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Smoking {
    Current,
    Former,
    Never,
}

/// A person.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    /// The true person key, from 1.
    pub(crate) number: u64,
    /// 1 male, 2 female.
    pub(crate) sex: u8,
    pub(crate) birth: Date,
    pub(crate) death: Option<Date>,
    /// The name at the window's start (or birth).
    pub(crate) name: Name,
    /// A new name from a month on.
    pub(crate) renamed: Option<(Month, Name)>,
    /// In order of their first month.
    pub(crate) coverages: Vec<Coverage>,
    pub(crate) course: Course,
    pub(crate) smoking: Smoking,
    pub(crate) height_cm: f64,
    pub(crate) bmi: f64,
    /// A planted person with unmistakable identifiers.
    pub(crate) canary: bool,
}

impl Person {
    /// The name in a month.
    pub(crate) fn name_in(&self, month: Month) -> &Name {
        match &self.renamed {
            Some((from, name)) if *from <= month => name,
            _ => &self.name,
        }
    }

    /// The insurance in a month.
    pub(crate) fn coverage_in(&self, month: Month) -> Option<&Coverage> {
        self.coverages.iter().rev().find(|coverage| coverage.from <= month).or_else(|| self.coverages.first())
    }

    /// Completed years on a day.
    pub(crate) fn age_on(&self, day: Date) -> i32 {
        calendar::age_on(self.birth, day)
    }

    /// Born before the month ends and alive on its first day (or born in it).
    pub(crate) fn lives_in(&self, month: Month) -> bool {
        self.birth <= month.last() && self.death.is_none_or(|death| death >= month.first())
    }

    /// The last day of a month on which the person can be seen.
    pub(crate) fn last_day_in(&self, month: Month) -> Date {
        self.death.map_or_else(|| month.last(), |death| death.min(month.last()))
    }

    /// The chart number at any institution: 10 digits, the same as the DPC survey's data id.
    pub(crate) fn chart(&self) -> String {
        if self.canary {
            return format!("0{}", self.canary_chart());
        }
        format!("{:010}", crate::random::permute(self.number, 9, 23))
    }

    /// A canary's unmistakable 9 digits.
    pub(crate) fn canary_chart(&self) -> String {
        format!("977{:06}", crate::random::permute(self.number, 6, 29))
    }

    /// The number of the long-term care insurance, 10 digits.
    pub(crate) fn care_number(&self) -> String {
        format!("{:010}", crate::random::permute(self.number, 10, 31))
    }
}
