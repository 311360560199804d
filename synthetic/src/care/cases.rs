//! Notifications of infectious diseases: about one person in thirty, by an institution that has seen the person in that month.

use super::{Scene, outpatient};
use crate::calendar::{self, END, plus_days};
use crate::random::Dice;
use crate::records::{Case, Claim, Form, Record};

/// Share of persons with a notification.
const SHARE: f64 = 1.0 / 30.0;

/// 類型 and ICD-10, with weights.
const DISEASES: [(&str, &str, f64); 10] = [
    ("N", "U071", 40.0),
    ("2", "A162", 14.0),
    ("3", "A043", 8.0),
    ("3", "A039", 3.0),
    ("4", "A481", 7.0),
    ("4", "A753", 3.0),
    ("5", "A539", 12.0),
    ("5", "A379", 6.0),
    ("5", "B24", 3.0),
    ("5", "B059", 2.0),
];

/// Diagnoses of claims that are notified as what they are.
const KNOWN: [(&str, &str, &str); 3] = [("8850104", "N", "U071"), ("0119001", "2", "A162"), ("0420003", "5", "B24")];

/// The notification of a person, if there is one, in the month of one of the claims.
pub(super) fn records(scene: &Scene<'_>, records: &mut Vec<Record>) {
    let dice = &mut scene.dice(901);
    if !dice.chance(SHARE) {
        return;
    }
    let case = {
        let medical = |record: &Record| matches!(record, Record::Claim(claim) if matches!(claim.form, Form::Medical));
        let claims: Vec<&Record> = records.iter().filter(|record| medical(record)).collect();
        let known = claims.iter().find_map(|record| known(record));
        let claim = known.map(|(claim, ..)| claim).or_else(|| match dice.pick(&claims) {
            Some(Record::Claim(claim)) => Some(claim.as_ref()),
            _ => None,
        });
        claim.and_then(|claim| notify(scene, dice, claim, known.map(|(_, category, icd10)| (category, icd10))))
    };
    records.extend(case.map(|case| Record::Case(Box::new(case))));
}

/// A claim with a diagnosis that must be notified.
fn known(record: &Record) -> Option<(&Claim, &'static str, &'static str)> {
    let Record::Claim(claim) = record else { return None };
    let stated = |code: &str| claim.diagnoses.iter().any(|one| one.code == code && !one.modifiers.contains("8002"));
    let found = KNOWN.iter().find(|(code, ..)| stated(code))?;
    Some((claim, found.1, found.2))
}

fn notify(
    scene: &Scene<'_>,
    dice: &mut Dice,
    claim: &Claim,
    known: Option<(&'static str, &'static str)>,
) -> Option<Case> {
    let diagnosed_on = claim.month.day(*claim.visits.first()?);
    let drawn = DISEASES.get(dice.weighted(DISEASES.map(|(.., weight)| weight)))?;
    let (category, icd10) = known.unwrap_or((drawn.0, drawn.1));
    let since = plus_days(diagnosed_on, -dice.between(0, 12)).max(scene.person.birth);
    let dies = scene.person.death.is_some_and(|death| calendar::days_between(diagnosed_on, death) <= 30);
    let outcome = match dice.weighted([70.0, 22.0, 8.0]) {
        _ if dies => "3",
        0 => "1",
        1 => "2",
        _ => "9",
    };
    let stated = scene.stated(dice, claim.month, claim.facility);
    let remark = remark(scene, dice, &stated.kanji);
    let onset_on = Some(since).filter(|on| *on <= END && dice.chance(0.9));
    let person = scene.person.number;
    Some(Case { person, facility: claim.facility, stated, diagnosed_on, onset_on, category, icd10, outcome, remark })
}

/// Seven in ten say nothing; some name the person or a telephone, with commas and quotes.
fn remark(scene: &Scene<'_>, dice: &mut Dice, kanji: &str) -> String {
    if scene.person.canary || dice.chance(0.12) {
        return format!("本人{kanji}, 携帯{}, \"連絡済\"", scene.household.phone);
    }
    match dice.below(10) {
        0 => outpatient::comment(scene, dice, kanji),
        1 => "接触者調査中".to_owned(),
        2 => "海外渡航歴あり".to_owned(),
        _ => String::new(),
    }
}
