//! Coded items that 様式1 asks for with some diseases and ages (formats.md, 9.1), with the payload that each value stands in.

use crate::care::inpatient::{Admission, Reason};
use crate::course::Cond;
use crate::population::Person;
use crate::random::Dice;

/// Code, number of the payload, value.
type Item = (&'static str, usize, String);

/// All items of a stay.
pub(super) fn items(dice: &mut Dice, person: &Person, stay: &Admission) -> Vec<Item> {
    let mut items = Vec::new();
    let age = person.age_on(stay.from);
    let mut add = |code, payload, value: i32| items.push((code, payload, value.to_string()));
    if age >= 65 {
        let demented = person.course.has(Cond::Dementia, stay.from);
        add("A004010", 2, if demented { dice.between(1, 4) } else { 0 });
    }
    if person.sex == 2 && (15..50).contains(&age) {
        add("A002010", 2, 0);
    }
    match stay.reason {
        Reason::HeartFailure => add("M050010", 2, dice.between(2, 4)),
        Reason::Infarction => add("M050030", 2, dice.between(1, 4)),
        Reason::Stroke => {
            // mRS before the onset, and days since it (1: three or fewer).
            add("M010010", 2, dice.between(0, 5));
            add("M010010", 3, if stay.emergency { 1 } else { dice.between(2, 3) });
        }
        Reason::Copd => add("M040010", 2, dice.between(2, 5)),
        Reason::Pneumonia => {
            let old = i32::from(age >= if person.sex == 1 { 70 } else { 75 });
            add("M040020", 2, old + dice.between(0, 3) + i32::from(stay.died));
        }
        Reason::Cirrhosis => add("M060010", 2, dice.between(5, 13)),
        Reason::LungCancer
        | Reason::LungCancerDrugs
        | Reason::StomachCancer
        | Reason::ColonCancer
        | Reason::BreastCancer => cancer(dice, stay.reason == Reason::LungCancerDrugs, &mut add),
        Reason::Cataract
        | Reason::Cholecystitis
        | Reason::Diabetes
        | Reason::HipFracture
        | Reason::KidneyFailure
        | Reason::Mind
        | Reason::Polyp
        | Reason::Ulcer => {}
    }
    items
}

/// First or again; T, N, M and edition of the classification; stage; drugs.
fn cancer(dice: &mut Dice, drugs: bool, add: &mut impl FnMut(&'static str, usize, i32)) {
    let spread = i32::from(drugs || dice.chance(0.1));
    let (tumour, nodes) = (dice.between(1, 4), dice.between(0, 2));
    add("CAN0010", 3, i32::from(dice.chance(0.15)));
    for (payload, value) in [(3, tumour), (4, nodes), (5, spread), (6, 8)] {
        add("CAN0020", payload, value);
    }
    let stage = match (spread, nodes, tumour) {
        (1, ..) => 4,
        (_, 1.., _) => 3,
        (_, _, 3..) => 2,
        _ => 1,
    };
    add("CAN0030", 3, stage);
    add("CAN0040", 3, if drugs { 2 } else { 0 });
}
