//! What measurements a person's course leads to: diabetes raises `HbA1c`, kidney disease lowers eGFR, hypertension raises
//! pressure.

use jiff::civil::Date;

use super::Scene;
use crate::course::Cond;
use crate::random::Dice;

/// Decimals are rounded when written.
pub(crate) struct Labs<'a> {
    scene: &'a Scene<'a>,
    on: Date,
    age: f64,
    man: bool,
}

impl<'a> Labs<'a> {
    pub(crate) fn new(scene: &'a Scene<'a>, on: Date) -> Self {
        Self { scene, on, age: f64::from(scene.person.age_on(on)), man: scene.person.sex == 1 }
    }

    fn has(&self, cond: Cond) -> bool {
        self.scene.person.course.has(cond, self.on)
    }

    /// A deviation that stays with the person: about standard normal.
    fn own(&self, topic: u64) -> f64 {
        (0..6).map(|part| f64::from(self.scene.fixed(topic * 31 + part)) / 99.0 - 0.5).sum::<f64>() * 1.41
    }

    /// Systolic and diastolic pressure, mmHg.
    pub(crate) fn pressure(&self, dice: &mut Dice) -> (f64, f64) {
        let base = if self.man { 124.0 } else { 118.0 };
        let ill = if self.has(Cond::Hypertension) { 13.0 } else { 0.0 };
        let weight = (self.scene.person.bmi - 23.0) * 0.8;
        let systolic = base + 0.4 * (self.age - 50.0) + ill + weight + 9.0 * self.own(1) + 7.0 * dice.normal();
        let systolic = systolic.clamp(80.0, 230.0);
        (systolic, (systolic * 0.58 + 4.0 + 5.0 * dice.normal()).clamp(40.0, 130.0))
    }

    /// `HbA1c`, %.
    pub(crate) fn hba1c(&self, dice: &mut Dice) -> f64 {
        let value = if self.has(Cond::Diabetes) {
            6.3 + 0.75 * (0.55 * self.own(2)).exp() + 0.25 * dice.normal()
        } else {
            5.45 + 0.006 * (self.age - 50.0)
                + 0.02 * (self.scene.person.bmi - 23.0)
                + 0.2 * self.own(2)
                + 0.1 * dice.normal()
        };
        value.clamp(4.0, 14.0)
    }

    /// Fasting glucose, mg/dL.
    pub(crate) fn glucose(&self, dice: &mut Dice) -> f64 {
        let hba1c = self.hba1c(dice);
        ((hba1c - 5.5) * 24.0 + 95.0 + 7.0 * dice.normal()).clamp(55.0, 450.0)
    }

    /// eGFR, mL/min/1.73 m2.
    pub(crate) fn egfr(&self, dice: &mut Dice) -> f64 {
        let base = 96.0 - 0.55 * (self.age - 35.0) + 8.0 * self.own(3);
        let ill = if self.has(Cond::Kidney) { base * 0.58 } else { base.max(50.0) };
        let years = f64::from(crate::calendar::days_between(crate::calendar::START, self.on)) / 365.25;
        let fall = if self.has(Cond::Kidney) { 3.0 * years } else { 0.8 * years };
        (ill - fall + 2.0 * dice.normal()).clamp(4.0, 140.0)
    }

    /// Creatinine from eGFR (Japanese Society of Nephrology, 2009), mg/dL.
    pub(crate) fn creatinine(&self, egfr: f64) -> f64 {
        let factor = 194.0 * self.age.max(18.0).powf(-0.287) * if self.man { 1.0 } else { 0.739 };
        (factor / egfr).powf(1.0 / 1.094)
    }

    /// LDL cholesterol, mg/dL; treated half of the time.
    pub(crate) fn ldl(&self, dice: &mut Dice) -> f64 {
        let ill = if self.has(Cond::Dyslipidaemia) { 8.0 } else { -3.0 };
        (121.0 + ill + 24.0 * self.own(4) + 10.0 * dice.normal()).clamp(40.0, 280.0)
    }

    /// HDL cholesterol, mg/dL.
    pub(crate) fn hdl(&self, dice: &mut Dice) -> f64 {
        let base = if self.man { 56.0 } else { 68.0 };
        (base - (self.scene.person.bmi - 23.0) * 1.2 + 11.0 * self.own(5) + 4.0 * dice.normal()).clamp(20.0, 140.0)
    }

    /// Triglyceride, mg/dL.
    pub(crate) fn triglyceride(&self, dice: &mut Dice) -> f64 {
        let base = if self.man { 110.0 } else { 85.0 };
        let weight = (0.06 * (self.scene.person.bmi - 23.0)).exp();
        (base * weight * (0.35 * self.own(6) + 0.3 * dice.normal()).exp()).clamp(25.0, 1500.0)
    }

    /// AST, ALT and γ-GT, U/L.
    pub(crate) fn liver(&self, dice: &mut Dice) -> [f64; 3] {
        let fat: f64 = if self.has(Cond::FattyLiver) { 1.9 } else { 1.0 };
        let man = if self.man { 1.25 } else { 1.0 };
        let spread = (0.3 * self.own(7) + 0.15 * dice.normal()).exp();
        [
            (20.0 * fat.powf(0.6) * spread).clamp(8.0, 400.0),
            (17.0 * fat * man * spread).clamp(5.0, 600.0),
            (20.0 * fat * man * (0.6 * self.own(8)).exp()).clamp(6.0, 1200.0),
        ]
    }

    /// Uric acid, mg/dL.
    pub(crate) fn uric_acid(&self, dice: &mut Dice) -> f64 {
        let base = if self.man { 5.9 } else { 4.6 } + if self.has(Cond::Gout) { 0.8 } else { 0.0 };
        (base + 0.9 * self.own(9) + 0.3 * dice.normal()).clamp(1.5, 12.0)
    }

    /// Haemoglobin, g/dL.
    pub(crate) fn hemoglobin(&self, dice: &mut Dice) -> f64 {
        let base = if self.man { 15.0 } else { 13.2 } - if self.has(Cond::Anaemia) { 2.0 } else { 0.0 };
        (base - 0.02 * (self.age - 50.0).max(0.0) + 0.8 * self.own(10) + 0.3 * dice.normal()).clamp(5.0, 19.0)
    }

    /// BNP, pg/mL.
    pub(crate) fn bnp(&self, dice: &mut Dice) -> f64 {
        let base = if self.has(Cond::HeartFailure) { 220.0 } else { 18.0 };
        (base * (0.7 * dice.normal()).exp()).clamp(4.0, 4000.0)
    }
}
