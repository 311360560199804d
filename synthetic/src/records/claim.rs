//! A medical, DPC, dental or pharmacy claim, and the draft that adds up its points while it is written.

use jiff::civil::Date;

use super::Stated;
use crate::calendar::Month;
use crate::population::{Coverage, Person, Scheme};

/// One receipt.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) person: u64,
    pub(crate) sex: u8,
    /// Completed years on the first day of the month.
    pub(crate) age: i32,
    pub(crate) month: Month,
    /// 0 for what holds in the end, 1 for a version that was replaced.
    pub(crate) attempt: u64,
    /// Place in [`crate::facilities::Facilities::all`].
    pub(crate) facility: usize,
    pub(crate) form: Form,
    pub(crate) inpatient: bool,
    /// Who truly insures.
    pub(crate) cover: Coverage,
    pub(crate) stated: Stated,
    pub(crate) admitted_on: Option<Date>,
    /// 別表10.
    pub(crate) department: Option<&'static str>,
    pub(crate) points: i32,
    pub(crate) copay: Option<i32>,
    /// Days of the month with care, ascending.
    pub(crate) visits: Vec<i32>,
    pub(crate) public: Option<PublicExpense>,
    pub(crate) diagnoses: Vec<Diagnosis>,
    pub(crate) items: Vec<Item>,
    /// 症状詳記.
    pub(crate) note: Option<String>,
}

/// Which layout a claim has, and what only that layout holds.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    Dental(Mouth),
    Dpc(Bundle),
    Medical,
    Pharmacy(Prescription),
}

/// What a dental claim adds.
#[derive(Clone, Debug)]
pub(crate) struct Mouth {
    /// 診療開始日.
    pub(crate) started_on: Date,
    /// 歯式 of each diagnosis: six characters a tooth.
    pub(crate) teeth: Vec<String>,
}

/// What a DPC claim adds: 診断群分類, 傷病 with their roles, 包括評価.
#[derive(Clone, Debug)]
pub(crate) struct Bundle {
    /// 14 characters.
    pub(crate) code: &'static str,
    pub(crate) admitted_on: Date,
    /// Once known.
    pub(crate) discharged_on: Option<Date>,
    /// DPC転帰区分, with the discharge: 2 軽快, 6 died of the main disease, 7 of another.
    pub(crate) outcome: Option<u8>,
    /// Disease code and role: 11 main, 21 trigger, 22 most resources, 31 comorbidity.
    pub(crate) diseases: Vec<(&'static str, &'static str)>,
    pub(crate) emergency: bool,
    pub(crate) points_a_day: i32,
    /// コーディングデータ: the care that the daily payment covers.
    pub(crate) covered: Vec<Covered>,
}

/// An act, drug or material covered by the daily payment.
#[derive(Clone, Debug)]
pub(crate) struct Covered {
    pub(crate) on: Date,
    pub(crate) section: &'static str,
    pub(crate) code: &'static str,
    /// Drugs only.
    pub(crate) dose: Option<f64>,
}

/// What a pharmacy's claim adds.
#[derive(Clone, Debug)]
pub(crate) struct Prescription {
    /// Place of the prescribing institution in [`crate::facilities::Facilities::all`].
    pub(crate) prescriber: usize,
    pub(crate) doctor: String,
    pub(crate) prescribed_on: Date,
    pub(crate) dispensed_on: Date,
    pub(crate) groups: Vec<Dispensed>,
}

/// Drugs taken alike.
#[derive(Clone, Debug)]
pub(crate) struct Dispensed {
    /// 剤形: 1 内服, 3 注射, 5 外用.
    pub(crate) form: u8,
    /// Days of supply (oral) or 1.
    pub(crate) quantity: i32,
    /// Code, dose.
    pub(crate) drugs: Vec<(&'static str, f64)>,
    /// Drug points of one day or time.
    pub(crate) points: i32,
}

impl Claim {
    /// The payer organisation's number of the receipt, 17 digits.
    pub(crate) fn search_number(&self) -> u64 {
        let first = u64::from(self.visits.first().copied().unwrap_or(0).unsigned_abs());
        let spot =
            self.person << 24 ^ (self.facility as u64) << 12 ^ u64::from(self.month.0.unsigned_abs()) << 5 ^ first;
        crate::random::mix(spot ^ self.attempt << 60) % 100_000_000_000_000_000
    }
}

/// A public payer: assistance alone, or one beside the insurer.
#[derive(Clone, Debug)]
pub(crate) struct PublicExpense {
    pub(crate) payer: String,
    pub(crate) recipient: String,
}

/// 傷病名.
#[derive(Clone, Debug)]
pub(crate) struct Diagnosis {
    /// 7 digits; `0000999` with a text.
    pub(crate) code: &'static str,
    pub(crate) text: Option<String>,
    pub(crate) start: Date,
    /// 転帰区分: 1 その他 2 治ゆ 3 死亡 4 中止.
    pub(crate) outcome: u8,
    /// Four digits each.
    pub(crate) modifiers: &'static str,
    pub(crate) main: bool,
}

/// 診療行為, 医薬品, 特定器材 or コメント.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    Comment(Comment),
    Drug(Drug),
    Material(Material),
    Procedure(Procedure),
}

/// A comment record.
#[derive(Clone, Debug)]
pub(crate) struct Comment {
    pub(crate) section: &'static str,
    pub(crate) code: &'static str,
    pub(crate) text: String,
}

/// A procedure record.
#[derive(Clone, Debug)]
pub(crate) struct Procedure {
    /// 診療識別, also where the record leaves it blank.
    pub(crate) section: &'static str,
    /// Continues the group above: no 診療識別 is written.
    pub(crate) continues: bool,
    pub(crate) code: &'static str,
    pub(crate) points: Option<i32>,
    pub(crate) times: i32,
    pub(crate) days: Vec<i32>,
}

/// A drug record.
#[derive(Clone, Debug)]
pub(crate) struct Drug {
    pub(crate) section: &'static str,
    pub(crate) continues: bool,
    pub(crate) code: &'static str,
    /// Amount a day (oral) or a time.
    pub(crate) dose: f64,
    pub(crate) points: Option<i32>,
    /// Days of supply (oral) or times.
    pub(crate) times: i32,
    pub(crate) day: i32,
}

/// A material record.
#[derive(Clone, Debug)]
pub(crate) struct Material {
    pub(crate) section: &'static str,
    pub(crate) code: &'static str,
    pub(crate) quantity: f64,
    pub(crate) points: i32,
    pub(crate) day: i32,
}

/// A claim in writing.
pub(crate) struct Draft(pub(crate) Claim);

impl Draft {
    /// An empty claim of a person. `None` for somebody without any insurance.
    pub(crate) fn new(person: &Person, stated: Stated, month: Month, facility: usize) -> Option<Self> {
        let cover = person.coverage_in(month)?.clone();
        let public = stated.assistance.clone().map(|(payer, recipient)| PublicExpense { payer, recipient });
        Some(Self(Claim {
            person: person.number,
            sex: person.sex,
            age: person.age_on(month.first()),
            month,
            attempt: 0,
            facility,
            form: Form::Medical,
            inpatient: false,
            cover,
            stated,
            admitted_on: None,
            department: None,
            points: 0,
            copay: None,
            visits: Vec::new(),
            public,
            diagnoses: Vec::new(),
            items: Vec::new(),
            note: None,
        }))
    }

    /// Adds a diagnosis; the first is the main one.
    pub(crate) fn diagnose(&mut self, code: &'static str, start: Date) -> &mut Diagnosis {
        let main = self.0.diagnoses.is_empty();
        let one = Diagnosis { code, text: None, start, outcome: 1, modifiers: "", main };
        let at = self.0.diagnoses.len();
        self.0.diagnoses.push(one);
        // The entry pushed above is there.
        #[expect(clippy::indexing_slicing, reason = "pushed on the line before")]
        &mut self.0.diagnoses[at]
    }

    /// Adds a procedure done once on each of the days.
    pub(crate) fn procedure(&mut self, section: &'static str, code: &'static str, points: i32, days: &[i32]) {
        let times = i32::try_from(days.len()).unwrap_or(0);
        if times == 0 {
            return;
        }
        self.0.points += points * times;
        let days = days.to_vec();
        self.0.items.push(Item::Procedure(Procedure {
            section,
            continues: false,
            code,
            points: Some(points),
            times,
            days,
        }));
    }

    /// Adds a group of drugs given together: points stand on the last, the section on the first.
    pub(crate) fn drugs(&mut self, section: &'static str, group: &[(&'static str, f64, i32)], times: i32, day: i32) {
        let sum: i32 = group.iter().map(|(_, _, points)| *points).sum();
        self.0.points += sum * times;
        for (at, (code, dose, _)) in group.iter().enumerate() {
            let last = at + 1 == group.len();
            self.0.items.push(Item::Drug(Drug {
                section,
                continues: at > 0,
                code,
                dose: *dose,
                points: last.then_some(sum),
                times,
                day,
            }));
        }
    }

    /// Adds a material used once.
    pub(crate) fn material(&mut self, section: &'static str, code: &'static str, points: i32, day: i32) {
        self.0.points += points;
        self.0.items.push(Item::Material(Material { section, code, quantity: 1.0, points, day }));
    }

    /// Adds a free comment.
    pub(crate) fn comment(&mut self, section: &'static str, text: String) {
        self.0.items.push(Item::Comment(Comment { section, code: "810000001", text }));
    }

    /// The finished claim with its copayment (30, 20 or 10 % by age, of 10 yen a point).
    pub(crate) fn finish(mut self, visits: Vec<i32>) -> Claim {
        let rate = match self.0.age {
            6..70 => 3,
            ..6 | 70..75 => 2,
            75.. => 1,
        };
        self.0.copay = (self.0.cover.scheme != Scheme::Assistance && self.0.inpatient).then(|| self.0.points * rate);
        self.0.visits = visits;
        self.0
    }
}
