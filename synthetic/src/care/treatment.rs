//! What is done about each condition: codes, drugs, tests, and at whose practice.

use crate::course::Cond;

/// Whose patients they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Practice {
    /// 眼科.
    Eye,
    /// 内科: the family doctor.
    Internal,
    /// 精神科.
    Mind,
    /// 整形外科.
    Orthopaedic,
    /// 外科・腫瘍: at a hospital.
    Tumour,
}

impl Practice {
    /// 診療科 (別表10).
    pub(crate) fn department(self) -> &'static str {
        match self {
            Self::Internal => "01",
            Self::Mind => "02",
            Self::Orthopaedic => "12",
            Self::Tumour => "11",
            Self::Eye => "26",
        }
    }
}

/// A drug: code, dose a day (oral) or a time, points a day or a time.
pub(crate) type Dose = (&'static str, f64, i32);

/// What is done about a condition.
pub(crate) struct Treatment {
    pub(crate) practice: Practice,
    /// Disease codes; a person keeps one of them.
    pub(crate) diseases: &'static [&'static str],
    /// Drugs taken every day: one of each group, with the probability in percent.
    pub(crate) drugs: &'static [(u32, &'static [Dose])],
    /// Tests and fees at a visit: section, code, points, probability in percent.
    pub(crate) tests: &'static [(&'static str, &'static str, i32, f64)],
}

const BLOOD: (&str, &str, i32, f64) = ("60", "160008010", 21, 25.0);
const KIDNEY_TEST: (&str, &str, i32, f64) = ("60", "160020010", 11, 25.0);
const NSAID: &[Dose] = &[("620098801", 3.0, 3), ("620004991", 2.0, 4), ("620006312", 3.0, 2)];
const GASTRIC: &[Dose] = &[
    ("620009411", 1.0, 4),
    ("622422501", 1.0, 12),
    ("622060001", 1.0, 7),
    ("620004321", 3.0, 3),
    ("620003220", 2.0, 3),
];

macro_rules! treatment {
    ($practice:ident, $diseases:expr, $drugs:expr, $tests:expr) => {
        Treatment { practice: Practice::$practice, diseases: &$diseases, drugs: &$drugs, tests: &$tests }
    };
}

/// What is done about a condition.
#[expect(clippy::too_many_lines, reason = "a table: one entry a condition")]
pub(crate) fn of(cond: Cond) -> Treatment {
    match cond {
        Cond::Hypertension => treatment!(
            Internal,
            ["8833421", "8833421", "4019014"],
            [
                (75, &[("620007818", 1.0, 2), ("620007818", 1.0, 2), ("620002478", 1.0, 2)]),
                (55, &[("622113201", 1.0, 4), ("620005874", 1.0, 4), ("622148501", 1.0, 4)])
            ],
            [KIDNEY_TEST]
        ),
        Cond::Diabetes => treatment!(
            Internal,
            ["2500015", "2500015", "2500015", "8843989", "8843993"],
            [
                (45, &[("622052901", 3.0, 3)]),
                (35, &[("610412061", 1.0, 5)]),
                (60, &[("621950801", 1.0, 11), ("622088701", 1.0, 14), ("622335301", 1.0, 18)]),
                (15, &[("620001234", 1.0, 1)])
            ],
            [("60", "160010010", 49, 60.0), ("60", "160023910", 11, 60.0)]
        ),
        Cond::Dyslipidaemia => treatment!(
            Internal,
            ["2720004", "2720004", "2720001"],
            [(70, &[("622081101", 1.0, 4), ("622574001", 1.0, 3), ("620003112", 1.0, 3)])],
            [("60", "160022510", 18, 30.0)]
        ),
        Cond::FattyLiver => treatment!(Internal, ["5718009"], [], [("60", "160019210", 17, 40.0)]),
        Cond::Gout => treatment!(Internal, ["8835348"], [(80, &[("622060601", 1.0, 3)])], []),
        Cond::AtrialFibrillation => treatment!(
            Internal,
            ["4273010"],
            [
                (80, &[("620000444", 2.0, 26), ("622037801", 1.0, 41), ("620002301", 2.0, 2)]),
                (50, &[("620003477", 1.0, 2)])
            ],
            [("60", "160068410", 130, 20.0)]
        ),
        Cond::Angina => {
            treatment!(
                Internal,
                ["4139007"],
                [(75, &[("620001877", 1.0, 1)]), (30, &[("620003477", 1.0, 2)])],
                [("60", "160068410", 130, 15.0)]
            )
        }
        Cond::Infarction => {
            treatment!(
                Internal,
                ["4100007"],
                [(85, &[("620001877", 1.0, 1)]), (60, &[("622418901", 1.0, 5)])],
                [("60", "160068410", 130, 20.0)]
            )
        }
        Cond::Stroke => {
            treatment!(Internal, ["8831097"], [(65, &[("622418901", 1.0, 5), ("620001877", 1.0, 1)])], [])
        }
        Cond::HeartFailure => treatment!(
            Internal,
            ["4280008", "4289018"],
            [(75, &[("620007021", 1.0, 1)]), (40, &[("620004566", 1.0, 2)]), (40, &[("620003477", 1.0, 2)])],
            [("60", "160035010", 133, 25.0)]
        ),
        Cond::Kidney => treatment!(Internal, ["5859011"], [], [KIDNEY_TEST, BLOOD]),
        Cond::Copd => {
            treatment!(Internal, ["8834616"], [(60, &[("620005123", 1.0, 9)])], [("60", "160078310", 90, 8.0)])
        }
        Cond::Asthma => {
            treatment!(Internal, ["4939008"], [(60, &[("620007788", 1.0, 9)]), (45, &[("620006733", 1.0, 9)])], [])
        }
        Cond::Rhinitis => {
            treatment!(Internal, ["4770008"], [(85, &[("620008211", 2.0, 6), ("622511101", 1.0, 6)])], [])
        }
        Cond::Depression => treatment!(
            Mind,
            ["2962004"],
            [(75, &[("620004655", 2.0, 9), ("622087401", 1.0, 14)]), (35, &[("620006991", 2.0, 2)])],
            [("80", "180012110", 330, 90.0)]
        ),
        Cond::Schizophrenia => {
            treatment!(Mind, ["2950001"], [(90, &[("620005721", 2.0, 4)])], [("80", "180012110", 330, 95.0)])
        }
        Cond::Anxiety => {
            treatment!(Mind, ["3004006"], [(70, &[("620006991", 2.0, 2)])], [("80", "180012110", 330, 60.0)])
        }
        Cond::Insomnia => {
            treatment!(Internal, ["3074005"], [(85, &[("620000612", 1.0, 3), ("622377001", 1.0, 9)])], [])
        }
        Cond::Dementia => treatment!(
            Internal,
            ["3310001", "3310001", "3310001", "2904003", "3310009", "2900009"],
            [(60, &[("620008877", 1.0, 11), ("622055501", 1.0, 13)])],
            [("60", "160100010", 80, 5.0)]
        ),
        Cond::Parkinson => treatment!(Internal, ["3320002"], [(90, &[("620003998", 3.0, 9)])], []),
        Cond::Osteoporosis => {
            treatment!(Orthopaedic, ["7330002"], [(60, &[("622066801", 1.0, 7), ("620006544", 0.2, 5)])], [])
        }
        Cond::Knee => treatment!(
            Orthopaedic,
            ["7151005"],
            [(45, NSAID), (35, GASTRIC)],
            [("40", "140029410", 35, 50.0), ("70", "170000410", 68, 8.0)]
        ),
        Cond::BackPain => treatment!(
            Orthopaedic,
            ["7242004"],
            [(40, NSAID), (30, GASTRIC)],
            [("40", "140029410", 35, 40.0), ("70", "170000410", 68, 8.0)]
        ),
        Cond::Rheumatoid => treatment!(Orthopaedic, ["7140006"], [(80, &[("620005011", 0.5, 8)])], [BLOOD]),
        Cond::HipFracture => treatment!(Orthopaedic, ["8208001", "8208010"], [], [("80", "180027410", 185, 50.0)]),
        Cond::Reflux => treatment!(Internal, ["5301003"], [(85, GASTRIC)], []),
        Cond::GastricUlcer => treatment!(Internal, ["5319009"], [(90, GASTRIC)], [("60", "160093810", 1140, 6.0)]),
        Cond::Constipation => treatment!(Internal, ["5640001"], [(85, &[("620007155", 3.0, 2)])], []),
        Cond::Thyroid => treatment!(Internal, ["2449001"], [(90, &[("620009876", 1.0, 1)])], [BLOOD]),
        Cond::Prostate => treatment!(Internal, ["6009001"], [(80, &[("620001901", 1.0, 4)])], []),
        Cond::Anaemia => treatment!(Internal, ["2809003"], [(80, &[("620002644", 2.0, 2)])], [BLOOD]),
        Cond::Cataract => treatment!(Eye, ["3669003"], [], [("60", "160084210", 56, 80.0)]),
        Cond::Glaucoma => treatment!(Eye, ["3650002"], [], [("60", "160084210", 56, 80.0)]),
        Cond::LungCancer => {
            treatment!(Tumour, ["1629009"], [], [("13", "113002310", 360, 60.0), ("70", "170011810", 1000, 30.0)])
        }
        Cond::StomachCancer => {
            treatment!(
                Tumour,
                ["1519009"],
                [(40, GASTRIC)],
                [("13", "113002310", 360, 50.0), ("70", "170011810", 1000, 20.0)]
            )
        }
        Cond::ColonCancer => treatment!(
            Tumour,
            ["1539006"],
            [(25, &[("620005880", 4.0, 60)])],
            [("13", "113002310", 360, 50.0), ("70", "170011810", 1000, 20.0)]
        ),
        Cond::BreastCancer => {
            treatment!(Tumour, ["1749001"], [(65, &[("620002855", 1.0, 15)])], [("13", "113002310", 360, 50.0)])
        }
        Cond::ProstateCancer => {
            treatment!(Tumour, ["1859001"], [(50, &[("620006120", 1.0, 20)])], [("13", "113002310", 360, 50.0)])
        }
        Cond::Hiv => treatment!(Tumour, ["0420003"], [], [BLOOD]),
        Cond::Tuberculosis => treatment!(Tumour, ["0119001"], [], [("70", "170000410", 68, 50.0)]),
    }
}

/// A short illness: disease code, months in which it is usual (all if empty), weight for children, adults and the old, drugs.
pub(crate) struct Acute {
    pub(crate) disease: &'static str,
    pub(crate) winter: bool,
    pub(crate) weights: [f64; 3],
    pub(crate) drugs: &'static [Dose],
    pub(crate) test: Option<(&'static str, &'static str, i32)>,
}

macro_rules! acute {
    ($disease:expr, $winter:expr, $weights:expr, $drugs:expr, $test:expr) => {
        Acute { disease: $disease, winter: $winter, weights: $weights, drugs: &$drugs, test: $test }
    };
}

/// The short illnesses that bring people to a clinic.
pub(crate) const ACUTE: [Acute; 11] = [
    acute!(
        "4659007",
        false,
        [30.0, 22.0, 10.0],
        [("620004412", 3.0, 3), ("620002900", 3.0, 2), ("620000033", 3.0, 2)],
        None
    ),
    acute!("4660004", false, [14.0, 9.0, 7.0], [("620004412", 3.0, 3), ("620005321", 2.0, 8)], None),
    acute!("4871001", true, [6.0, 4.0, 1.0], [("620002077", 2.0, 40)], Some(("60", "160214310", 136))),
    acute!("8850104", true, [6.0, 7.0, 3.0], [("620000033", 3.0, 2)], Some(("60", "160224710", 300))),
    acute!("0090005", false, [12.0, 9.0, 4.0], [("620000033", 3.0, 2)], None),
    acute!("6929012", false, [14.0, 12.0, 14.0], [], None),
    acute!("3720003", false, [6.0, 5.0, 5.0], [], None),
    acute!("5950001", false, [1.0, 5.0, 6.0], [("620008123", 1.0, 14)], Some(("60", "160000310", 26))),
    acute!("7242004", false, [1.0, 11.0, 16.0], [("620098801", 3.0, 3), ("620004321", 3.0, 3)], None),
    acute!("5359003", false, [2.0, 9.0, 8.0], [("620004321", 3.0, 3)], None),
    acute!("8134001", false, [3.0, 2.0, 5.0], [("620098801", 3.0, 3)], Some(("70", "170000410", 68))),
];
