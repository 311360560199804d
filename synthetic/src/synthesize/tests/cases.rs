//! The register of infectious diseases, read back by its header, against the truth.

use super::*;
use arrow::datatypes::Date32Type;

/// The cells of a line; a doubled quote inside quotes is one.
fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut inside) = (vec![String::new()], false);
    let mut signs = line.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '"' if inside && signs.next_if_eq(&'"').is_some() => cells.last_mut().unwrap().push('"'),
            '"' => inside = !inside,
            ',' if !inside => cells.push(String::new()),
            _ => cells.last_mut().unwrap().push(sign),
        }
    }
    cells
}

#[test]
fn notifications_say_what_the_truth_says() {
    let world = shared();
    let folder = world.0.path();
    let text = std::fs::read_to_string(folder.join("raw/registry/cases.csv")).unwrap();
    let mut lines = text.split_terminator("\r\n");
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let at = |name: &str| names.iter().position(|known| *known == name).unwrap();
    let (mut of_file, mut named) = (Vec::new(), 0);
    for line in lines {
        let cells = cells(line);
        assert_eq!((cells.len(), cells[at("医療機関コード")].len()), (16, 10));
        assert!(matches!(cells[at("性別")].as_str(), "男" | "女"));
        let family = cells[at("氏名")].split('　').next().unwrap().to_owned();
        named += usize::from(cells[at("備考")].contains(&family));
        let of = |name: &str| cells[at(name)].replace('/', "");
        let columns = ["診断年月日", "発病年月日", "類型", "疾病コード", "転帰"];
        of_file.push(columns.map(of).join("|"));
    }
    let day = |days: i32| crate::calendar::compact(crate::calendar::plus_days(jiff::civil::date(1970, 1, 1), days));
    let table = read(&folder.join("truth/registry/cases.parquet"));
    let dates = |name: &str| -> Vec<String> {
        let each = table.iter().flat_map(|batch| {
            let column = batch.column_by_name(name).unwrap().as_primitive::<Date32Type>().clone();
            (0..column.len())
                .map(|row| if column.is_null(row) { String::new() } else { day(column.value(row)) })
                .collect::<Vec<_>>()
        });
        each.collect()
    };
    let (diagnosed, onset) = (dates("diagnosed_on"), dates("onset_on"));
    let (category, icd10, outcome) = (texts(&table, "category"), texts(&table, "icd10"), texts(&table, "outcome"));
    let mut truth: Vec<String> = (0..diagnosed.len())
        .map(|row| {
            let text = |column: &[Option<String>]| column[row].clone().unwrap();
            [diagnosed[row].clone(), onset[row].clone(), text(&category), text(&icd10), text(&outcome)].join("|")
        })
        .collect();
    of_file.sort();
    truth.sort();
    assert_eq!(of_file, truth);
    assert_eq!(truth.len() as u64, world.1.rows["registry.cases"]);
    assert!((50..150).contains(&truth.len()) && named > 5, "{} {named}", truth.len());
    // Everybody notified is known to one of the four sources.
    let known: HashSet<u64> = keys(&read(&folder.join("truth/person.parquet")), "person_key").into_iter().collect();
    assert!(keys(&table, "person_key").iter().all(|person| known.contains(person)));
    let identities = read(&folder.join("truth/identities.parquet"));
    let of_register = texts(&identities, "source").iter().filter(|one| one.as_deref() == Some("registry")).count();
    assert_eq!(of_register, truth.len());
}
