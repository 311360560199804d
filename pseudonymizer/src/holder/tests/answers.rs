//! Questions to a holder from end to end, with a batch of the samples; what is refused, and what never leaves.

use std::collections::BTreeSet;
use std::path::Path;

use policies::durable;
use policies::jws::Document;
use policies::keys::SigningKey;

use super::*;
use crate::link::review::sheet::{Answers, QUESTIONS_MAX, Question, Sheet};
use crate::link::review::{Answer, AtomId, CaseNumber};
use crate::seal;

const FILES: [(&str, &[&str]); 2] =
    [("ndb", &["RECEIPTC_202207.UKE", "RECEIPTC_202209.UKE"]), ("ltc", &["i2208a.csv", "nintei_head18.csv"])];

fn atoms(world: &World, at: usize) -> Vec<[u8; 16]> {
    let (source, folder) = &world.batches[at];
    let file = folder.join("holder/identities.arrow.age");
    let tables = read(&file, &world.holders[source].seal().unwrap());
    let ids = |table: &RecordBatch| -> Vec<[u8; 16]> {
        table
            .column_by_name("atom")
            .unwrap()
            .as_fixed_size_binary()
            .iter()
            .map(|id| id.unwrap().try_into().unwrap())
            .collect()
    };
    tables.iter().flat_map(ids).collect()
}

fn sheet(world: &World, source: &str, pairs: &[([u8; 16], [u8; 16])]) -> Sheet {
    let question = |(n, (x, y)): (u64, &([u8; 16], [u8; 16]))| Question {
        question: CaseNumber::of(n),
        x: AtomId(*x),
        y: AtomId(*y),
    };
    Sheet {
        source: source.to_owned(),
        holder: world.holders[source].signing("sign").unwrap().verifying().fingerprint(),
        asked_at: NOW,
        questions: (1..).zip(pairs).map(question).collect(),
    }
}

fn write(world: &World, name: &str, sheet: &Sheet, key: &SigningKey) -> PathBuf {
    let path = world.path(name);
    durable::replace(&path, sheet.sign(key).unwrap().as_bytes()).unwrap();
    path
}

fn open(world: &World, source: &str, questions: &Path) -> Result<Answering, HolderError> {
    let batches: Vec<PathBuf> =
        world.batches.iter().filter(|(of, _)| *of == source).map(|(_, folder)| folder.clone()).collect();
    Answering::open(&AnswerJob { keys: &world.holders[source], batches: &batches, questions })
}

fn zone(world: &World) -> SigningKey {
    world.linkage.signing("sign").unwrap()
}

#[test]
fn a_holder_sees_both_and_says_yes_no_or_unknown() {
    let world = World::new(&FILES);
    let ids = atoms(&world, 0);
    let asked = sheet(&world, "ndb", &[(ids[0], ids[1]), (ids[1], ids[2]), (ids[0], [9; 16])]);
    let path = write(&world, "questions.jws", &asked, &zone(&world));
    let mut answering = open(&world, "ndb", &path).unwrap();
    assert_eq!((answering.count(), answering.elsewhere()), (3, 1));
    assert!(matches!(answering.finish(&world.path("a.jws"), NOW), Err(HolderError::Unanswered)));
    let shown = answering.side_by_side(0).unwrap();
    let row = |field: &str| shown.0.iter().find(|row| row.field == field).unwrap();
    assert!(row("birth").cells[0].as_ref().unwrap().len() == 10);
    assert!(shown.0.iter().any(SideRow::differs) && row("sex").is_same() != row("sex").differs());
    assert!(answering.side_by_side(2).is_none());
    answering.note(0, Answer::Yes).unwrap();
    assert!(matches!(answering.note(2, Answer::Yes), Err(HolderError::Elsewhere { .. })));
    drop(answering);

    // Another day, and a newer file that asks the other way round.
    let again = sheet(&world, "ndb", &[(ids[2], ids[1]), (ids[1], ids[0])]);
    let path = write(&world, "newer.jws", &again, &zone(&world));
    let mut answering = open(&world, "ndb", &path).unwrap();
    assert_eq!((answering.answer(0), answering.answer(1)), (None, Some(Answer::Yes)));
    answering.note(0, Answer::Unknown).unwrap();
    answering.note(1, Answer::No).unwrap();
    let made = answering.finish(&world.path("a.jws"), NOW).unwrap();
    assert_eq!((made.answered, made.of), (2, 2));
    let signed = fs::read_to_string(world.path("a.jws")).unwrap();
    let own = world.holders["ndb"].signing("sign").unwrap().verifying();
    let said = Answers::verify(&signed, &own).unwrap();
    assert_eq!(said.questions, made.questions);
    assert_eq!(said.answers.iter().map(|it| it.answer).collect::<Vec<_>>(), [Answer::Unknown, Answer::No]);
}

/// Every piece of text that the identities hold, of three letters and more.
fn identifiers(world: &World) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (source, folder) in &world.batches {
        for table in read(&folder.join("holder/identities.arrow.age"), &world.holders[source].seal().unwrap()) {
            for column in table.columns().iter().filter_map(|column| column.as_string_opt::<i32>()) {
                found.extend(column.iter().flatten().filter(|text| text.chars().count() > 4).map(str::to_owned));
            }
        }
    }
    found
}

#[test]
fn answers_name_questions_and_nothing_else() {
    let world = World::new(&FILES);
    let ids = atoms(&world, 0);
    let asked = sheet(&world, "ndb", &[(ids[0], ids[1])]);
    let sealed =
        seal::seal_bytes(asked.sign(&zone(&world)).unwrap().as_bytes(), &world.holders["ndb"].recipient().unwrap());
    let path = world.path("questions.jws.age");
    durable::replace(&path, &sealed.unwrap()).unwrap();
    let mut answering = open(&world, "ndb", &path).unwrap();
    answering.note(0, Answer::Yes).unwrap();
    answering.finish(&world.path("a.jws"), NOW).unwrap();
    let signed = fs::read_to_string(world.path("a.jws")).unwrap();
    let said = Answers::verify(&signed, &world.holders["ndb"].signing("sign").unwrap().verifying()).unwrap();
    let text = serde_json::to_string(&said).unwrap();
    let kept = fs::read_to_string(world.holders["ndb"].path().join("answers.json")).unwrap();
    assert!(ids.iter().all(|id| !text.contains(&hex::encode(id))));
    let identifiers = identifiers(&world);
    assert!(identifiers.len() > 10);
    assert!(identifiers.iter().all(|known| !text.contains(known.as_str()) && !kept.contains(known.as_str())));
}

#[test]
fn who_may_not_ask_gets_no_answer() {
    let world = World::new(&FILES);
    let (ids, foreign) = (atoms(&world, 0), atoms(&world, 1));
    let good = sheet(&world, "ndb", &[(ids[0], ids[1])]);
    let own = world.holders["ndb"].signing("sign").unwrap();
    for (name, key) in [("stranger", &SigningKey::generate()), ("itself", &own)] {
        let path = write(&world, name, &good, key);
        assert!(matches!(open(&world, "ndb", &path), Err(HolderError::Questions { .. })), "{name}");
    }
    let path = write(&world, "good", &good, &zone(&world));
    assert!(matches!(open(&world, "ltc", &path), Err(HolderError::OtherHolder { .. })));
    let of_ltc = Sheet { source: "ltc".to_owned(), ..good };
    let path = write(&world, "source", &of_ltc, &zone(&world));
    assert!(matches!(open(&world, "ndb", &path), Err(HolderError::Mixed { .. })));
    let many = vec![(ids[0], ids[1]); QUESTIONS_MAX + 1];
    let path = write(&world, "many", &sheet(&world, "ndb", &many), &zone(&world));
    assert!(matches!(open(&world, "ndb", &path), Err(HolderError::TooMany { .. })));
    let path = write(&world, "self", &sheet(&world, "ndb", &[(ids[0], ids[0])]), &zone(&world));
    assert!(matches!(open(&world, "ndb", &path), Err(HolderError::Questions { .. })));
    // Atoms of others are not here, whoever asks.
    let path = write(&world, "foreign", &sheet(&world, "ndb", &[(ids[0], foreign[0])]), &zone(&world));
    assert_eq!(open(&world, "ndb", &path).unwrap().elsewhere(), 1);
    let answers = world.path("no-questions");
    durable::replace(&answers, b"\xff\x00").unwrap();
    assert!(matches!(open(&world, "ndb", &answers), Err(HolderError::Questions { .. })));
}

#[test]
fn a_clerk_s_file_is_taken_whole_or_not_at_all() {
    let world = World::new(&FILES);
    let ids = atoms(&world, 0);
    let asked = sheet(&world, "ndb", &[(ids[0], ids[1]), (ids[1], ids[2])]);
    let path = write(&world, "questions.jws", &asked, &zone(&world));
    let mut answering = open(&world, "ndb", &path).unwrap();
    let [one, two] = [CaseNumber::of(1), CaseNumber::of(2)];
    let file = world.path("answers.csv");
    for (text, line) in [
        (format!("{one},yes\n{two},maybe\n"), 2),
        (format!("{one},yes\n{one},no\n"), 2),
        (format!("{},yes\n", CaseNumber::of(3)), 1),
        (format!("question,answer\n\n{one}\n"), 3),
        ("12345678,yes".to_owned(), 1),
    ] {
        durable::replace(&file, text.as_bytes()).unwrap();
        let refused = answering.note_file(&file);
        assert!(matches!(refused, Err(HolderError::AnswerLine { line: found, .. }) if found == line), "{text}");
        assert!((0..2).all(|at| answering.answer(at).is_none()));
    }
    durable::replace(&file, format!("question,answer\r\n{one}, yes\r\n{two},unknown\r\n").as_bytes()).unwrap();
    assert_eq!(answering.note_file(&file).unwrap(), 2);
    assert_eq!((answering.answer(0), answering.answer(1)), (Some(Answer::Yes), Some(Answer::Unknown)));
}
