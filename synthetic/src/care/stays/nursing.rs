//! 重症度、医療・看護必要度, day by day: more at the beginning and around an operation, less towards the discharge.

use crate::calendar::{self, plus_days};
use crate::care::Scene;
use crate::care::inpatient::{self, Admission, Reason};
use crate::course::Cond;
use crate::random::Dice;
use crate::records::NursingDay;

/// Those below are not assessed.
const ASSESSED_FROM: i32 = 15;

/// Every day of a stay, both ends counted; none for children.
pub(super) fn days(dice: &mut Dice, scene: &Scene<'_>, stay: &Admission) -> Vec<NursingDay> {
    if scene.person.age_on(stay.from) < ASSESSED_FROM {
        return Vec::new();
    }
    let frail = scene.person.course.has(Cond::Dementia, stay.from) || scene.person.age_on(stay.from) >= 85;
    (0..stay.days()).map(|day| assess(dice, stay, day, frail)).collect()
}

fn assess(dice: &mut Dice, stay: &Admission, day: i32, frail: bool) -> NursingDay {
    let on = plus_days(stay.from, day);
    let heavy = matches!(
        stay.reason,
        Reason::HipFracture | Reason::Stroke | Reason::Pneumonia | Reason::HeartFailure | Reason::Infarction
    );
    let dying = stay.died && calendar::days_between(on, stay.to) < 4;
    let weak = match (heavy, day) {
        _ if dying => 0.9,
        (true, ..4) => 0.7,
        (true, _) => 0.4,
        (false, ..2) => 0.3,
        (false, _) => 0.1,
    } + if frail { 0.2 } else { 0.0 };
    let mut state = |most: u8| (0..most).map(|_| u8::from(dice.chance(weak))).sum::<u8>();
    let state = [state(2), state(2), state(1), state(2), state(2), state(1), 2 * state(1)];
    let [_, transfer, mouth, meals, clothes, _, _] = state;
    let help = [transfer, mouth, meals, clothes].map(|state| u8::from(state > 0 && dice.chance(0.9)));
    NursingDay { on, a: treatment(stay, day), state, help, c: surgery(stay, day) }
}

/// 創傷処置, 呼吸ケア, 注射薬剤3種類以上, シリンジポンプ, 輸血, 専門的な治療, 救急搬送後の入院.
fn treatment(stay: &Admission, day: i32) -> [u8; 7] {
    let ward = inpatient::ward(stay.reason);
    let lungs = matches!(stay.reason, Reason::Pneumonia | Reason::Copd | Reason::HeartFailure);
    let heart = matches!(stay.reason, Reason::HeartFailure | Reason::Infarction);
    [
        ward.operation.is_some() && (1..=5).contains(&day),
        lungs && day < 5,
        ward.drug.is_some() && day < 3,
        heart && day < 4,
        stay.reason == Reason::Ulcer && day < 2,
        stay.reason == Reason::LungCancerDrugs && day < 3,
        stay.emergency && day < 5,
    ]
    .map(u8::from)
}

/// 開頭, 開胸, 開腹, 骨, 胸腔鏡・腹腔鏡, 全身麻酔・脊椎麻酔, 救命等に係る内科的治療: so many days from the operation on.
fn surgery(stay: &Admission, day: i32) -> [u8; 7] {
    let place = match stay.reason {
        Reason::LungCancer => Some((1, 9)),
        Reason::StomachCancer | Reason::ColonCancer => Some((2, 6)),
        Reason::HipFracture => Some((3, 10)),
        Reason::Cholecystitis => Some((4, 4)),
        Reason::BreastCancer => Some((5, 5)),
        Reason::Infarction | Reason::Stroke => Some((6, 4)),
        Reason::Cataract
        | Reason::Cirrhosis
        | Reason::Copd
        | Reason::Diabetes
        | Reason::HeartFailure
        | Reason::KidneyFailure
        | Reason::LungCancerDrugs
        | Reason::Mind
        | Reason::Pneumonia
        | Reason::Polyp
        | Reason::Ulcer => None,
    };
    let mut items = [0; 7];
    if let Some((place, lasts)) = place
        && (1..=lasts).contains(&day)
        && let Some(item) = items.get_mut(place)
    {
        *item = 1;
    }
    items
}
