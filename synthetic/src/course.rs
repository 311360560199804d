//! The hidden course of health: which conditions a person has, since when, and how that drives death.

use jiff::civil::Date;

use crate::calendar::{self, END};
use crate::population::Smoking;
use crate::random::{Dice, whole};

/// A condition that lasts, or an event that leaves one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cond {
    Hypertension,
    Diabetes,
    Dyslipidaemia,
    FattyLiver,
    Gout,
    AtrialFibrillation,
    Angina,
    Infarction,
    Stroke,
    HeartFailure,
    Kidney,
    Copd,
    Asthma,
    Rhinitis,
    Depression,
    Schizophrenia,
    Anxiety,
    Insomnia,
    Dementia,
    Parkinson,
    Osteoporosis,
    Knee,
    BackPain,
    Rheumatoid,
    HipFracture,
    Reflux,
    GastricUlcer,
    Constipation,
    Thyroid,
    Prostate,
    Anaemia,
    Cataract,
    Glaucoma,
    LungCancer,
    StomachCancer,
    ColonCancer,
    BreastCancer,
    ProstateCancer,
    Hiv,
    Tuberculosis,
}

/// How often: a logistic curve over age with its top for men and women, and the mean years since onset.
struct Frequency {
    cond: Cond,
    top: [f64; 2],
    mid: f64,
    scale: f64,
    years: f64,
}

const fn often(cond: Cond, top: [f64; 2], mid: f64, scale: f64, years: f64) -> Frequency {
    Frequency { cond, top, mid, scale, years }
}

/// Shares with a diagnosis by age: formats.md, 15 (estimates there), spread over age by hand. In the order of [`Cond`]: later
/// ones may depend on earlier ones.
const FREQUENCIES: [Frequency; COUNT] = [
    often(Cond::Hypertension, [0.60, 0.56], 60.0, 8.0, 9.0),
    often(Cond::Diabetes, [0.21, 0.14], 57.0, 8.0, 9.0),
    often(Cond::Dyslipidaemia, [0.40, 0.46], 57.0, 7.0, 8.0),
    often(Cond::FattyLiver, [0.10, 0.05], 48.0, 7.0, 6.0),
    often(Cond::Gout, [0.12, 0.02], 48.0, 8.0, 8.0),
    often(Cond::AtrialFibrillation, [0.12, 0.08], 78.0, 7.0, 5.0),
    often(Cond::Angina, [0.11, 0.07], 74.0, 7.0, 7.0),
    often(Cond::Infarction, [0.05, 0.025], 74.0, 8.0, 4.0),
    often(Cond::Stroke, [0.13, 0.09], 78.0, 8.0, 4.0),
    often(Cond::HeartFailure, [0.14, 0.14], 82.0, 6.0, 4.0),
    often(Cond::Kidney, [0.14, 0.11], 78.0, 8.0, 5.0),
    often(Cond::Copd, [0.09, 0.04], 70.0, 7.0, 6.0),
    often(Cond::Asthma, [0.05, 0.055], 0.0, 25.0, 9.0),
    often(Cond::Rhinitis, [0.18, 0.18], 10.0, 10.0, 8.0),
    often(Cond::Depression, [0.045, 0.065], 25.0, 8.0, 4.0),
    often(Cond::Schizophrenia, [0.008, 0.008], 25.0, 4.0, 12.0),
    often(Cond::Anxiety, [0.02, 0.03], 25.0, 8.0, 5.0),
    often(Cond::Insomnia, [0.12, 0.16], 65.0, 10.0, 5.0),
    often(Cond::Dementia, [0.38, 0.46], 87.0, 4.5, 3.5),
    often(Cond::Parkinson, [0.02, 0.02], 76.0, 6.0, 5.0),
    often(Cond::Osteoporosis, [0.06, 0.38], 74.0, 7.0, 6.0),
    often(Cond::Knee, [0.16, 0.26], 70.0, 8.0, 6.0),
    often(Cond::BackPain, [0.13, 0.13], 60.0, 12.0, 6.0),
    often(Cond::Rheumatoid, [0.005, 0.014], 55.0, 8.0, 9.0),
    often(Cond::HipFracture, [0.04, 0.10], 84.0, 5.0, 2.5),
    often(Cond::Reflux, [0.15, 0.16], 58.0, 10.0, 5.0),
    often(Cond::GastricUlcer, [0.06, 0.04], 55.0, 10.0, 2.5),
    often(Cond::Constipation, [0.14, 0.16], 78.0, 7.0, 4.0),
    often(Cond::Thyroid, [0.01, 0.04], 50.0, 10.0, 8.0),
    often(Cond::Prostate, [0.28, 0.0], 72.0, 6.0, 6.0),
    often(Cond::Anaemia, [0.02, 0.06], 35.0, 10.0, 3.0),
    often(Cond::Cataract, [0.28, 0.34], 75.0, 5.0, 5.0),
    often(Cond::Glaucoma, [0.10, 0.10], 70.0, 7.0, 7.0),
    often(Cond::LungCancer, [0.035, 0.015], 71.0, 6.0, 2.0),
    often(Cond::StomachCancer, [0.026, 0.011], 72.0, 6.0, 2.5),
    often(Cond::ColonCancer, [0.026, 0.020], 71.0, 7.0, 2.5),
    often(Cond::BreastCancer, [0.0, 0.028], 55.0, 7.0, 3.0),
    often(Cond::ProstateCancer, [0.032, 0.0], 73.0, 5.0, 3.5),
    often(Cond::Hiv, [0.0015, 0.0001], 30.0, 4.0, 8.0),
    often(Cond::Tuberculosis, [0.0015, 0.001], 60.0, 15.0, 1.0),
];

const COUNT: usize = Cond::Tuberculosis as usize + 1;

/// What a person brings to the dice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Risk {
    pub(crate) sex: u8,
    pub(crate) birth: Date,
    pub(crate) bmi: f64,
    pub(crate) smoking: Smoking,
}

/// Since when a person has each condition.
#[derive(Clone, Debug, Default)]
pub(crate) struct Course(Vec<(Cond, Date)>);

impl Course {
    /// Draws a course.
    pub(crate) fn draw(dice: &mut Dice, risk: Risk) -> Self {
        let mut course = Self::default();
        let age = f64::from(calendar::age_on(risk.birth, END));
        for frequency in &FREQUENCIES {
            let top = if risk.sex == 1 { frequency.top[0] } else { frequency.top[1] };
            let share = top / (1.0 + (-(age - frequency.mid) / frequency.scale).exp());
            let share = (share * course.factor(frequency.cond, risk)).min(0.9);
            if dice.chance(share) {
                // Nobody gets an illness of the old as a child.
                let longest = (age - (frequency.mid - 4.0 * frequency.scale).clamp(0.0, 45.0)).max(0.5);
                let years = dice.exponential(frequency.years).min(longest);
                let onset = calendar::plus_days(END, -whole(years * 365.25));
                course.0.push((frequency.cond, onset.max(risk.birth)));
            }
        }
        course
    }

    /// Since when, if at all.
    pub(crate) fn onset(&self, cond: Cond) -> Option<Date> {
        self.0.iter().find(|(known, _)| *known == cond).map(|(_, onset)| *onset)
    }

    /// Whether it is there on a day.
    pub(crate) fn has(&self, cond: Cond, on: Date) -> bool {
        self.onset(cond).is_some_and(|onset| onset <= on)
    }

    /// All that are there on a day, with their onset.
    pub(crate) fn on(&self, day: Date) -> impl Iterator<Item = (Cond, Date)> + '_ {
        self.0.iter().copied().filter(move |(_, onset)| *onset <= day)
    }

    /// How the rest of the person changes the chance of a condition.
    fn factor(&self, cond: Cond, risk: Risk) -> f64 {
        let with = |other: Cond, times: f64| if self.onset(other).is_some() { times } else { 1.0 };
        let weight = (0.09 * (risk.bmi - 23.0)).exp();
        let smoke = |current: f64, former: f64, never: f64| match risk.smoking {
            Smoking::Current => current,
            Smoking::Former => former,
            Smoking::Never => never,
        };
        match cond {
            Cond::Hypertension | Cond::Dyslipidaemia | Cond::Knee => weight.min(2.0) * 0.95,
            Cond::Diabetes => weight.min(2.5) * with(Cond::Hypertension, 1.3),
            Cond::FattyLiver | Cond::Gout => weight.min(3.0),
            Cond::Infarction | Cond::Angina => {
                smoke(1.6, 1.1, 0.7) * with(Cond::Diabetes, 1.8) * with(Cond::Hypertension, 1.4)
            }
            Cond::Stroke => {
                smoke(1.4, 1.0, 0.8)
                    * with(Cond::Hypertension, 1.6)
                    * with(Cond::AtrialFibrillation, 2.0)
                    * with(Cond::Diabetes, 1.3)
            }
            Cond::HeartFailure => {
                with(Cond::Hypertension, 1.4) * with(Cond::Infarction, 3.0) * with(Cond::AtrialFibrillation, 2.0)
            }
            Cond::Kidney => with(Cond::Diabetes, 2.6) * with(Cond::Hypertension, 1.4),
            Cond::Copd => smoke(3.0, 2.0, 0.25),
            Cond::LungCancer => smoke(2.6, 1.6, 0.4),
            Cond::StomachCancer => smoke(1.4, 1.1, 0.8),
            Cond::Dementia => with(Cond::Stroke, 1.7) * with(Cond::Diabetes, 1.2),
            Cond::Insomnia => with(Cond::Depression, 3.0) * with(Cond::Anxiety, 2.0),
            Cond::HipFracture => with(Cond::Osteoporosis, 2.2) * with(Cond::Dementia, 1.8) * with(Cond::Parkinson, 1.8),
            Cond::GastricUlcer => with(Cond::Knee, 2.2) * with(Cond::BackPain, 2.2) * smoke(1.4, 1.0, 0.8),
            Cond::AtrialFibrillation
            | Cond::Asthma
            | Cond::Rhinitis
            | Cond::Depression
            | Cond::Schizophrenia
            | Cond::Anxiety
            | Cond::Parkinson
            | Cond::Osteoporosis
            | Cond::BackPain
            | Cond::Rheumatoid
            | Cond::Reflux
            | Cond::Constipation
            | Cond::Thyroid
            | Cond::Prostate
            | Cond::Anaemia
            | Cond::Cataract
            | Cond::Glaucoma
            | Cond::ColonCancer
            | Cond::BreastCancer
            | Cond::ProstateCancer
            | Cond::Hiv
            | Cond::Tuberculosis => 1.0,
        }
    }

    /// The day of death within the window, if any: Gompertz above 40 (formats.md, 15), raised by what the person has.
    pub(crate) fn death(&self, dice: &mut Dice, risk: Risk) -> Option<Date> {
        let mut day = calendar::START;
        while day <= END {
            let age = f64::from(calendar::age_on(risk.birth, day));
            let men = 0.001 * ((age - 40.0).max(0.0) * 0.1).exp();
            let sex = if risk.sex == 1 { 1.0 } else { 0.5 + 0.4 * ((age - 80.0) / 15.0).clamp(0.0, 1.0) };
            let smoke = if risk.smoking == Smoking::Current { 1.4 } else { 0.95 };
            let ill: f64 = DEADLY.iter().filter(|(cond, _)| self.has(*cond, day)).map(|(_, times)| times).product();
            let quarter = (0.7 * men * sex * smoke * ill / 4.0).min(0.5);
            if dice.chance(if age < 1.0 { quarter + 0.0004 } else { quarter }) {
                let on = calendar::plus_days(day, dice.between(0, 89));
                return (on > risk.birth && on <= END).then_some(on);
            }
            day = calendar::plus_days(day, 91);
        }
        None
    }
}

const DEADLY: [(Cond, f64); 9] = [
    (Cond::LungCancer, 8.0),
    (Cond::StomachCancer, 4.0),
    (Cond::ColonCancer, 3.5),
    (Cond::HeartFailure, 2.5),
    (Cond::HipFracture, 1.8),
    (Cond::Dementia, 1.7),
    (Cond::Stroke, 1.6),
    (Cond::Copd, 1.6),
    (Cond::Kidney, 1.3),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequencies_stand_in_the_order_of_the_conditions() {
        for (at, frequency) in FREQUENCIES.iter().enumerate() {
            assert_eq!(frequency.cond as usize, at);
        }
    }

    #[test]
    fn smokers_get_lung_cancer_more_often() {
        let mut dice = Dice::new(1, 1);
        let mut cases = |smoking| {
            let risk = Risk { sex: 1, birth: Date::constant(1945, 5, 5), bmi: 23.0, smoking };
            (0..20_000).filter(|_| Course::draw(&mut dice, risk).onset(Cond::LungCancer).is_some()).count()
        };
        assert!(cases(Smoking::Current) > 3 * cases(Smoking::Never));
    }
}
