//! Receipts of all claim months, resolved to those that hold, against the truth.

use super::*;
use arrow::datatypes::{Date32Type, Int32Type};

/// A receipt as it was sent.
#[derive(Clone, Debug, Default)]
struct Receipt {
    /// Institution, treatment month, receipt type, person, prescriber.
    key: String,
    claimed: String,
    month: String,
    kind: char,
    points: String,
    diagnoses: usize,
    returned: bool,
    text: String,
}

fn receipts(folder: &Path) -> Vec<Receipt> {
    let mut all: Vec<Receipt> = Vec::new();
    for path in raw_files(folder, "ndb", "RECEIPT") {
        let kind = path.file_name().unwrap().to_string_lossy().chars().nth(7).unwrap();
        let (mut facility, mut claimed) = (String::new(), String::new());
        for line in cp932(&path).trim_end_matches('\u{1a}').lines() {
            let cells: Vec<&str> = line.split(',').collect();
            match cells[0] {
                "IR" => (facility, claimed) = (cells[2..5].concat(), cells[7].to_owned()),
                "YK" => (facility, claimed) = (cells[2..5].concat(), cells[6].to_owned()),
                "RE" => {
                    let kana = cells.iter().rev().find(|cell| cell.chars().any(|sign| sign > '゠')).unwrap();
                    let prescriber = if kind == 'Y' { cells[9..12].concat() } else { String::new() };
                    let key =
                        format!("{facility}|{}|{}|{kana}{}{}|{prescriber}", cells[3], cells[2], cells[5], cells[6]);
                    let (claimed, month) = (claimed.clone(), cells[3].to_owned());
                    all.push(Receipt { key, claimed, month, kind, ..Receipt::default() });
                }
                _ => {}
            }
            let Some(last) = all.last_mut() else { continue };
            match cells[0] {
                "HO" | "KO" if last.points.is_empty() => cells[5].clone_into(&mut last.points),
                "SY" | "SB" | "HS" => last.diagnoses += 1,
                "HR" => last.returned = true,
                _ => {}
            }
            if !matches!(cells[0], "RE" | "IR" | "YK" | "GO") {
                last.text.push_str(line);
            }
        }
    }
    all
}

/// Every claim that holds: month, kind, points, number of diagnoses.
fn truth(folder: &Path) -> Vec<String> {
    let claims = read(&folder.join("truth/ndb/claims.parquet"));
    let mut diagnoses: HashMap<u64, usize> = HashMap::new();
    for id in keys(&read(&folder.join("truth/ndb/diagnoses.parquet")), "claim_id") {
        *diagnoses.entry(id).or_default() += 1;
    }
    let kinds = texts(&claims, "claim_type");
    let ids = keys(&claims, "claim_id");
    let whole = |column: &str| -> Vec<i32> {
        let values = |batch: &RecordBatch| {
            let array = batch.column_by_name(column).unwrap();
            let dates = array.as_primitive_opt::<Date32Type>().map(|dates| dates.values().to_vec());
            dates.unwrap_or_else(|| array.as_primitive::<Int32Type>().values().to_vec())
        };
        claims.iter().flat_map(values).collect()
    };
    let (months, points) = (whole("service_month"), whole("points"));
    (0..ids.len())
        .map(|at| {
            let month = crate::calendar::plus_days(jiff::civil::date(1970, 1, 1), months[at]);
            let kind = match kinds[at].as_deref() {
                Some("dental") => 'S',
                Some("dpc") => 'D',
                Some("medical") => 'C',
                _ => 'Y',
            };
            let diagnoses = diagnoses.get(&ids[at]).copied().unwrap_or_default();
            format!("{}|{kind}|{}|{diagnoses}", crate::calendar::compact(month), points[at])
        })
        .collect()
}

#[test]
fn the_latest_claim_month_that_was_not_returned_holds() {
    let world = shared();
    let folder = world.0.path();
    let all = receipts(folder);
    let mut under: BTreeMap<&str, Vec<&Receipt>> = BTreeMap::new();
    for one in &all {
        under.entry(&one.key).or_default().push(one);
    }
    let (mut holding, mut corrected, mut repeated, mut gone) = (Vec::new(), 0, 0, 0);
    for versions in under.values() {
        let valid: Vec<&&Receipt> = versions.iter().filter(|one| !one.returned).collect();
        let Some(latest) = valid.iter().map(|one| &one.claimed).max() else {
            gone += 1;
            continue;
        };
        if valid.iter().any(|one| one.claimed != *latest) {
            // Versions are alone under their key: two, of which one may be the very same.
            assert_eq!(valid.len(), 2);
            if valid[0].text == valid[1].text { repeated += 1 } else { corrected += 1 }
        }
        for one in valid.iter().filter(|one| one.claimed == *latest) {
            holding.push(format!("{}01|{}|{}|{}", one.month, one.kind, one.points, one.diagnoses));
        }
    }
    let mut truth = truth(folder);
    holding.sort();
    truth.sort();
    assert_eq!(holding.len(), truth.len());
    assert_eq!(holding, truth);
    let share = |count: usize| f64::from(u32::try_from(count).unwrap()) / f64::from(u32::try_from(all.len()).unwrap());
    assert!((0.005..0.012).contains(&share(corrected)), "{corrected}");
    assert!((0.002..0.006).contains(&share(repeated)), "{repeated}");
    assert!((0.0004..0.002).contains(&share(gone)), "{gone}");
    let resent = all.iter().filter(|one| one.returned).count() - gone;
    assert!(resent > 5, "{resent}");
}
