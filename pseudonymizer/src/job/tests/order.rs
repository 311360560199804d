//! Content and tokens never meet again: order tells nothing, ids are new in every batch, and neither side's files hold the other's
//! values. Which kinds of tokens may leave at all.

use arrow::datatypes::UInt64Type;

use super::*;

/// Persons in the order of the file: their number is their place.
const PERSONS: i32 = 1500;

fn receipts(world: &World, name: &str, chart: impl Fn(i32) -> String) -> PathBuf {
    let one = |at: i32| {
        let (born, number, chart) =
            (19_300_000 + at % 70 * 10_000 + (1 + at % 12) * 100 + 1 + at % 28, at * 37, chart(at));
        format!(
            "RE,{at},1112,202207,X,1,{born},,,,,,,{chart}\r\nHO,06131239,１,{number:08},1,{at}\r\nSN,1,01,,,,00,,\r\nSY,8833421,20150410,1\r\n"
        )
    };
    let head = "IR,1,13,1,1234566,,X,202208,00,\r\n".to_owned();
    let lines: Vec<String> = std::iter::once(head).chain((1..=PERSONS).map(one)).collect();
    world.write(name, &ndb::cp932(&lines.concat()))
}

/// Rank correlation of places in a file and rows of a table (Spearman 1904). Without ties.
fn correlation(places: &[i32]) -> f64 {
    let mut by_value: Vec<usize> = (0..places.len()).collect();
    by_value.sort_by_key(|row| places[*row]);
    let n = f64::from(u32::try_from(places.len()).unwrap());
    let squares: f64 = by_value
        .iter()
        .enumerate()
        .map(|(rank, row)| {
            let gap = f64::from(u32::try_from(rank).unwrap()) - f64::from(u32::try_from(*row).unwrap());
            gap * gap
        })
        .sum();
    1.0 - 6.0 * squares / (n * (n * n - 1.0))
}

/// A batch as it lies in its files, rows in their order: points and ids of claims, atoms of claims, tokens and persons.
struct Raw {
    points: Vec<i32>,
    claims: Vec<u64>,
    of_claims: Vec<Vec<u8>>,
    of_tokens: Vec<Vec<u8>>,
    of_persons: Vec<Vec<u8>>,
}

fn raw(world: &World, out: &str) -> Raw {
    let open = |name: &str, identity: &SealIdentity| read(&world.dir.path().join(out).join(name), identity);
    let (enclave, linkage) = (world.enclave.seal().unwrap(), world.linkage.seal().unwrap());
    let claims = open("content/ndb.claims.arrow.age", &enclave);
    let atoms = |rows: &RecordBatch| -> Vec<Vec<u8>> {
        let atoms = rows.column_by_name("atom").unwrap().as_fixed_size_binary();
        (0..atoms.len()).map(|row| atoms.value(row).to_vec()).collect()
    };
    Raw {
        points: claims.column_by_name("points").unwrap().as_primitive::<Int32Type>().values().to_vec(),
        claims: claims.column_by_name("claim_id").unwrap().as_primitive::<UInt64Type>().values().to_vec(),
        of_claims: atoms(&claims),
        of_tokens: atoms(&open("tokens/tokens.arrow.age", &linkage)),
        of_persons: atoms(&open("content/person.arrow.age", &enclave)),
    }
}

#[test]
fn order_tells_nothing_and_ids_are_new_in_every_batch() {
    let world = World::new();
    let file = receipts(&world, "a.UKE", |at| format!("{:08}", at * 41));
    let batches: Vec<Raw> = (0..4)
        .map(|run| {
            let out = format!("out-{run}");
            world.try_run("ndb", std::slice::from_ref(&file), &out).unwrap();
            raw(&world, &out)
        })
        .collect();
    // Of n rows in random order the correlation has a standard deviation of 1 / sqrt(n - 1): 0.026 here. Five of them.
    let bound = 5.0 / f64::from(PERSONS - 1).sqrt();
    for batch in &batches {
        let place: BTreeMap<&Vec<u8>, i32> = batch.of_claims.iter().zip(batch.points.iter().copied()).collect();
        assert_eq!(place.len(), usize::try_from(PERSONS).unwrap(), "a person a claim, a place a person");
        let places = |atoms: &[Vec<u8>]| atoms.iter().map(|atom| place[atom]).collect::<Vec<i32>>();
        let ids: Vec<i32> = {
            let mut rows: Vec<(u64, i32)> = batch.claims.iter().copied().zip(batch.points.iter().copied()).collect();
            rows.sort_unstable();
            rows.into_iter().map(|(_, place)| place).collect()
        };
        for order in [batch.points.clone(), places(&batch.of_tokens), places(&batch.of_persons), ids] {
            let found = correlation(&order);
            assert!(found.abs() < bound, "{found}");
        }
    }
    for (at, one) in batches.iter().enumerate() {
        for other in batches.iter().skip(at + 1) {
            assert_ne!(one.points, other.points);
            // Nor do two batches of the same files have the same order of their own.
            let mine: BTreeMap<i32, i32> = one.points.iter().copied().zip(0..).collect();
            let theirs: Vec<i32> = other.points.iter().map(|place| mine[place]).collect();
            assert!(correlation(&theirs).abs() < bound);
            let atoms: HashSet<&Vec<u8>> = one.of_tokens.iter().collect();
            assert!(other.of_tokens.iter().all(|atom| !atoms.contains(atom)));
            let claims: HashSet<u64> = one.claims.iter().copied().collect();
            assert!(other.claims.iter().all(|claim| !claims.contains(claim)));
        }
    }
}

#[test]
fn correlation_would_be_found() {
    let in_order: Vec<i32> = (1..=PERSONS).collect();
    assert!((correlation(&in_order) - 1.0).abs() < 1e-9);
    let nearly: Vec<i32> = (0..PERSONS / 10).flat_map(|block| (0..10).rev().map(move |at| block * 10 + at)).collect();
    assert!(correlation(&nearly) > 0.99);
}

#[test]
fn token_files_hold_no_clinical_code_and_content_files_no_token() {
    let world = World::new();
    let batches = [
        world.run("ndb", &["RECEIPTC_202207.UKE", "RECEIPTD_202208.UKE", "RECEIPTY_202207.UKE"]),
        world.run("ltc", &["i2208a.csv", "nintei_head18.csv"]),
        world.run("dpc", &["EFn_131234566_2208.txt", "FF1_131234566_2208.txt", "Dn_131234566_2208.txt"]),
    ];
    let lists =
        ["code.disease", "code.drug", "code.procedure", "code.material", "code.dpc", "code.jlac", "code.ltc_service"];
    let first = |list: &str| {
        let rows = catalog::codes::embedded(list).unwrap().unwrap();
        rows.column(0).as_string::<i32>().iter().flatten().map(str::to_owned).collect::<Vec<_>>()
    };
    let codes: HashSet<String> = lists.iter().flat_map(|list| first(list)).filter(|code| code.is_ascii()).collect();
    assert!(codes.len() > 20, "{}", codes.len());
    for batch in &batches {
        let linkage = world.linkage.seal().unwrap();
        let mut tokens = Vec::new();
        seal::open(&batch.folder.join("tokens/tokens.arrow.age"), &linkage).unwrap().read_to_end(&mut tokens).unwrap();
        let kinds = batch.tokens.schema();
        for field in kinds.fields() {
            let token = matches!(field.data_type(), arrow::datatypes::DataType::FixedSizeBinary(16));
            assert!(token || ["first_month", "last_month"].contains(&field.name().as_str()), "{}", field.name());
        }
        // Shorter codes stand in random bytes by chance.
        for code in codes.iter().filter(|code| code.len() >= 6) {
            assert!(memchr::memmem::find(&tokens, code.as_bytes()).is_none(), "{code}");
        }
        let mut content = Vec::new();
        for table in batch.tables.keys() {
            let path = batch.folder.join(format!("content/{table}.arrow.age"));
            for rows in BatchReader::open(&path, &world.enclave.seal().unwrap()).unwrap() {
                let rows = rows.unwrap();
                let text = arrow::util::pretty::pretty_format_batches(&[rows]).unwrap().to_string();
                content.extend_from_slice(text.as_bytes());
            }
            seal::open(&path, &world.enclave.seal().unwrap()).unwrap().read_to_end(&mut content).unwrap();
        }
        for (kind, tokens) in ndb::tokens_by_kind(batch) {
            for token in tokens {
                assert!(memchr::memmem::find(&content, &token).is_none(), "{kind}");
                assert!(memchr::memmem::find(&content, hex::encode(&token).as_bytes()).is_none(), "{kind}");
            }
        }
        let atom = &batch.atoms("person")[0];
        assert!(memchr::memmem::find(&content, atom).is_some(), "the search would find one");
    }
}

#[test]
fn a_placeholder_that_many_share_refuses_its_kind_alone() {
    let world = World::new();
    // Every third patient has the number that a system writes where none is known.
    let file =
        receipts(&world, "a.UKE", |at| if at % 3 == 0 { "12345678".to_owned() } else { format!("{:08}", at * 41) });
    let shared = u64::try_from(PERSONS / 3).unwrap();
    let mut job = world.job("ndb", std::slice::from_ref(&file), world.dir.path().join("out"));
    let report = pseudonymize(&job, Timestamp::UNIX_EPOCH, &mut |_| true).unwrap();
    let batch = world.batch("ndb", std::slice::from_ref(&file), "out");
    assert!(batch.report.unchanged);
    let refused: Vec<(&String, &u64)> = report.refused.iter().collect();
    assert_eq!(refused, [(&"d1".to_owned(), &shared)]);
    for (kind, made) in &report.tokens {
        assert_eq!(batch.tokens(kind).is_empty(), *made == 0, "{kind}");
    }
    assert!(report.tokens["d1"] == 0 && report.tokens["a1"] == u64::try_from(PERSONS).unwrap(), "the others stay");
    assert!(fs::read_to_string(batch.folder.join("report.json")).unwrap().contains("\"refused\""));
    // The bound is the source's: with room for all of them, nothing is refused.
    job.options.max_multiplicity = u32::try_from(shared).unwrap();
    job.out = world.dir.path().join("wide");
    let wide = pseudonymize(&job, Timestamp::UNIX_EPOCH, &mut |_| true).unwrap();
    assert!(wide.refused.is_empty() && wide.tokens.values().sum::<u64>() > report.tokens.values().sum());
}
