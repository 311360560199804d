//! Items of an examination by their 17-character codes: the first five say what was measured, the last two how it is recorded
//! (01 a number, 11 a code, 49 a text, which is never read).

use jiff::civil::Date;

use crate::cell;
use crate::intake::Intake;
use crate::report::Reason;
use crate::rows::CheckupRow;

/// First checkup day of the fourth period, whose questionnaire answers smoking and drinking with other codes.
const FOURTH_PERIOD: Date = Date::constant(2024, 4, 1);

/// Most items of one document that are kept; the official list has some 500.
const ITEMS_MAX: usize = 2000;

/// A recorded value.
pub(super) enum Recorded {
    Code(String),
    Number(String),
}

/// The items of a document.
#[derive(Default)]
pub(super) struct Items {
    open: Vec<(String, Option<Recorded>)>,
    done: Vec<(String, Recorded)>,
}

impl Items {
    /// An observation begins; they may nest.
    pub(super) fn begin(&mut self) {
        self.open.push((String::new(), None));
    }

    pub(super) fn code(&mut self, code: String) {
        if let Some((own, _)) = self.open.last_mut() {
            *own = code;
        }
    }

    pub(super) fn value(&mut self, value: Option<Recorded>) {
        if let Some((_, own)) = self.open.last_mut() {
            *own = value;
        }
    }

    /// An observation ends.
    pub(super) fn end(&mut self) {
        if let Some((code, Some(value))) = self.open.pop()
            && self.done.len() < ITEMS_MAX
        {
            self.done.push((code, value));
        }
    }

    /// The number of the first of these analytes that is recorded.
    fn number(&self, analytes: &[&str], intake: &mut Intake<'_>) -> Option<f64> {
        let (_, value) = analytes.iter().find_map(|analyte| self.find(analyte))?;
        match value {
            Recorded::Number(text) => intake.cell(text.as_bytes(), cell::decimal),
            Recorded::Code(_) => {
                intake.note(Reason::CellForm);
                None
            }
        }
    }

    /// The code of an analyte, read.
    fn coded<T>(&self, analyte: &str, intake: &mut Intake<'_>, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let (Recorded::Code(code) | Recorded::Number(code)) = &self.find(analyte)?.1;
        let value = read(code.trim());
        if value.is_none() {
            intake.note(Reason::CellForm);
        }
        value
    }

    fn find(&self, analyte: &str) -> Option<&(String, Recorded)> {
        self.done.iter().find(|(code, _)| code.len() == 17 && code.starts_with(analyte) && !code.ends_with("49"))
    }

    /// The row of an examination. Of several readings of blood pressure the one that stands for all comes first.
    pub(super) fn row<'a>(&self, checked_on: Date, facility: &'a str, intake: &mut Intake<'_>) -> CheckupRow<'a> {
        let mut number = |analytes: &[&str]| self.number(analytes, intake);
        let row = CheckupRow {
            checked_on: Some(checked_on),
            facility_code: Some(facility),
            height_cm: number(&["9N001"]),
            weight_kg: number(&["9N006"]),
            bmi: number(&["9N011"]),
            waist_cm: number(&["9N016"]),
            sbp: number(&["9A755", "9A752", "9A751"]),
            dbp: number(&["9A765", "9A762", "9A761"]),
            triglyceride: number(&["3F015"]),
            hdl: number(&["3F070"]),
            ldl: number(&["3F077"]),
            ast: number(&["3B035"]),
            alt: number(&["3B045"]),
            ggt: number(&["3B090"]),
            glucose: number(&["3D010"]),
            hba1c: number(&["3D046"]),
            creatinine: number(&["3C015"]),
            egfr: number(&["8A065"]),
            uric_acid: number(&["3C020"]),
            hemoglobin: number(&["2A030"]),
            ..CheckupRow::default()
        };
        self.answers(row, checked_on >= FOURTH_PERIOD, intake)
    }

    #[expect(clippy::needless_pass_by_value, reason = "the row is taken and given back with more in it")]
    fn answers<'a>(&self, row: CheckupRow<'a>, fourth: bool, intake: &mut Intake<'_>) -> CheckupRow<'a> {
        CheckupRow {
            fasting: self.coded("9N141", intake, |code| code.parse::<u8>().ok().map(|code| code == 1)),
            urine_protein: self.coded("1A010", intake, urine),
            urine_glucose: self.coded("1A020", intake, urine),
            smoking: self.coded("9N736", intake, if fourth { smoking_since_2024 } else { smoking }),
            drinking: self.coded("9N786", intake, if fourth { drinking_since_2024 } else { drinking }),
            antihypertensive: self.coded("9N701", intake, yes),
            antidiabetic: self.coded("9N706", intake, yes),
            antilipidemic: self.coded("9N711", intake, yes),
            history_stroke: self.coded("9N716", intake, yes),
            history_heart: self.coded("9N721", intake, yes),
            history_kidney: self.coded("9N726", intake, yes),
            metabolic: self.coded("9N501", intake, metabolic),
            guidance_level: self.coded("9N506", intake, guidance),
            ..row
        }
    }
}

fn yes(code: &str) -> Option<bool> {
    match code {
        "1" => Some(true),
        "2" => Some(false),
        _ => None,
    }
}

fn urine(code: &str) -> Option<&'static str> {
    Some(match code {
        "1" => "-",
        "2" => "+-",
        "3" => "1+",
        "4" => "2+",
        "5" => "3+",
        _ => return None,
    })
}

fn smoking(code: &str) -> Option<&'static str> {
    match code {
        "1" => Some("current"),
        "2" => Some("no"),
        _ => None,
    }
}

fn smoking_since_2024(code: &str) -> Option<&'static str> {
    match code {
        "1" => Some("current"),
        "2" => Some("former"),
        "3" => Some("never"),
        _ => None,
    }
}

fn drinking(code: &str) -> Option<&'static str> {
    match code {
        "1" => Some("daily"),
        "2" => Some("sometimes"),
        "3" => Some("rarely"),
        _ => None,
    }
}

fn drinking_since_2024(code: &str) -> Option<&'static str> {
    match code {
        "1" => Some("daily"),
        "2" | "3" | "4" | "5" => Some("sometimes"),
        "6" | "7" | "8" => Some("rarely"),
        _ => None,
    }
}

fn metabolic(code: &str) -> Option<&'static str> {
    Some(match code {
        "1" => "yes",
        "2" => "pre",
        "3" => "none",
        "4" => "unknown",
        _ => return None,
    })
}

/// 4, not decidable, has no word and counts as malformed.
fn guidance(code: &str) -> Option<&'static str> {
    Some(match code {
        "1" => "active",
        "2" => "motivational",
        "3" => "none",
        _ => return None,
    })
}
