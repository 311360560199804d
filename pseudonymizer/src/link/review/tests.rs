//! The queue from pass to pass, questions and answers, and what must not pass.

mod journey;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use policies::Zone;
use policies::jws::{self, Document};
use policies::keys::SigningKey;
use policies::review::{PatternClass, ReviewTurn};
use proptest::prelude::*;

use super::sheet::{Answered, Answers, Sheet};
use super::*;
use crate::link::atoms::Atom;
use crate::link::evidence::{Pattern, ScoredPair, Verdict};
use crate::link::fixture::{Zones, atom, policy};
use crate::link::rules;
use crate::seal;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// A folder of link, and passes over atoms by words with pairs by the places of their words.
struct World {
    zones: Zones,
    folder: PathBuf,
}

type Pair = (usize, usize, f64, u64);

impl World {
    fn new() -> Self {
        let zones = Zones::new();
        zones.linkage.trust("ndb", &zones.holder.verifying()).unwrap();
        let folder = zones.path("crosswalk");
        Self { zones, folder }
    }

    fn read(&self) -> Ledger {
        Ledger::read(&self.zones.linkage, &self.folder.join(FILE)).unwrap()
    }

    fn review(&self) -> Review {
        Review::open(&self.zones.linkage, &self.folder).unwrap()
    }

    /// One pass; gives the number of persons.
    fn pass(&self, words: &[&str], pairs: &[Pair], answers: &[PathBuf]) -> Result<usize, LinkError> {
        self.pass_of(words, pairs, answers, true)
    }

    fn pass_of(&self, words: &[&str], pairs: &[Pair], answers: &[PathBuf], scored: bool) -> Result<usize, LinkError> {
        let read: Vec<Atom> = words.iter().map(|words| atom(words)).collect();
        let atoms = Atoms::new(read.clone()).unwrap();
        let place = |at: usize| u32::try_from(atoms.ids().binary_search(&read[at].id).unwrap()).unwrap();
        let pairs: Vec<ScoredPair> = pairs
            .iter()
            .map(|(a, b, probability, pattern)| {
                let (a, b) = (place(*a), place(*b));
                let weight = ScoredPair::weight_of(*probability);
                ScoredPair { a: a.min(b), b: a.max(b), weight, pattern: Pattern(*pattern) }
            })
            .collect();
        let verdicts = verdicts(&self.zones.linkage, &self.folder, answers, &atoms)?;
        let partition = rules::strong(&atoms, policy(), &verdicts).scored(&pairs);
        let store = Store::open(&self.folder)?;
        let sources = catalog::SOURCES.map(str::to_owned);
        let pass =
            Pass { atoms: &atoms, sources: &sources, partition: &partition, scored: &|_| scored, whole: true, run: 1 };
        renew(&self.zones.linkage, &store, answers, &pass)?;
        store.publish()?;
        Ok(partition.roots.iter().collect::<std::collections::BTreeSet<_>>().len())
    }

    fn numbers(&self) -> Vec<CaseNumber> {
        self.review().waiting().map(|waiting| waiting.dossier.number).collect()
    }

    fn decide(&self, number: CaseNumber, decision: Decision) -> Result<(), LinkError> {
        let of = Decide { keys: &self.zones.linkage, folder: &self.folder, number, decision, reason: "seen before" };
        decide(&of, NOW)
    }

    fn ask(&self, again: bool) -> Vec<Asked> {
        let at = Timestamp::from_second(i64::from(again)).unwrap();
        ask(&self.zones.linkage, &self.folder, &self.zones.path("questions"), &BTreeMap::new(), again, at).unwrap()
    }

    fn sheet(&self) -> (Sheet, String) {
        let signed = fs::read_to_string(self.zones.path("questions/ndb.questions.jws")).unwrap();
        let key = self.zones.linkage.signing("sign").unwrap().verifying();
        (Sheet::verify(&signed, &key).unwrap(), jws::digest(&signed))
    }

    /// Answers all questions of the newest file alike.
    fn answer(&self, name: &str, answer: Answer, at: i64, key: &SigningKey) -> PathBuf {
        let (sheet, questions) = self.sheet();
        let said = sheet.questions.iter().map(|it| Answered { question: it.question, answer });
        let answers = Answers {
            source: sheet.source,
            questions,
            answered_at: Timestamp::from_second(at).unwrap(),
            answers: said.collect(),
        };
        self.written(name, &answers, key)
    }

    fn written(&self, name: &str, answers: &Answers, key: &SigningKey) -> PathBuf {
        let path = self.zones.path(name);
        policies::durable::replace(&path, answers.sign(key).unwrap().as_bytes()).unwrap();
        path
    }
}

/// Two persons of NDB who may be one, and one of LTC.
const THREE: [&str; 3] = [
    "1 ndb 2019-04..2020-03 a3=canary-a b1=canary-yamada",
    "2 ndb 2020-04..2021-03 a3=canary-b b1=canary-suzuki",
    "3 ltc 2020-01..2021-03 c1=canary-c b1=canary-sato",
];

fn code(result: Result<usize, LinkError>) -> &'static str {
    result.unwrap_err().code()
}

#[test]
fn a_dossier_says_how_and_when_and_whose_turn_it_is() {
    let world = World::new();
    assert_eq!(world.pass(&THREE, &[(0, 1, 0.8, 7), (1, 2, 0.6, 8), (0, 2, 0.3, 9)], &[]).unwrap(), 3);
    let review = world.review();
    let all: Vec<_> = review.waiting().collect();
    assert_eq!(all.len(), 2, "what is below the band is not asked about");
    let [across, within] = [&all[0], &all[1]];
    assert_eq!(across.dossier.sources, ["ltc", "ndb"], "two sources come first");
    assert_eq!((&across.turn, &within.turn), (&ReviewTurn::Clerk, &ReviewTurn::Ask("ndb".to_owned())));
    let line = |line: &Line| {
        let months = line.months.map(|[first, last]| format!("{first}..{last}")).unwrap_or_default();
        format!("{} {} {months}", line.kind.as_str(), line.number)
    };
    let mut lines: Vec<String> = within.dossier.sides.iter().flat_map(|side| &side.lines).map(line).collect();
    lines.sort_unstable();
    assert_eq!(lines, ["medical 1 2019-04..2020-03", "medical 2 2020-04..2021-03"]);
    let level = |part: &str| within.dossier.tokens.iter().find(|it| it.part == part).unwrap().level;
    assert_eq!((level("a3"), level("b1"), level("d1")), (Level::Differs, Level::Differs, Level::Absent));
    assert_eq!(within.dossier.class, PatternClass::Composites);
    assert!((within.dossier.probability() - 0.8).abs() < 0.001);
    assert!(review.dossier(CaseNumber::of(1)).is_err());
}

#[test]
fn what_speaks_against_a_sure_pair_is_asked_about_first() {
    let world = World::new();
    let words = ["1 ndb 2019-01..2020-12 a3=a", "2 ndb 2019-01..2020-12 a3=b", "3 ndb a3=c", "4 ndb a3=d"];
    world.pass(&words, &[(0, 1, 0.999, 1), (2, 3, 0.97, 1)], &[]).unwrap();
    let review = world.review();
    let first = review.waiting().next().unwrap();
    assert_eq!(first.dossier.class, PatternClass::Conflict);
    assert_eq!(first.dossier.conflicts, ["medical_lines_overlap"]);
}

#[test]
fn numbers_stay_and_the_decided_do_not_come_back_until_something_is_new() {
    let world = World::new();
    let pairs: [Pair; 2] = [(0, 1, 0.8, 7), (1, 2, 0.6, 8)];
    world.pass(&THREE, &pairs, &[]).unwrap();
    let before = world.numbers();
    world.pass(&THREE, &pairs, &[]).unwrap();
    assert_eq!(world.numbers(), before);
    world.pass_of(&THREE, &[], &[], false).unwrap();
    assert_eq!(world.numbers(), before, "a pass without composites leaves the queue");
    for (number, decision) in before.iter().zip([Decision::Leave, Decision::Different]) {
        world.decide(*number, decision).unwrap();
    }
    assert!(world.numbers().is_empty());
    world.pass(&THREE, &pairs, &[]).unwrap();
    assert!(world.numbers().is_empty());
    // Another pattern, and a heavier pair with a new atom of the same person, are new.
    world.pass(&THREE, &[(0, 1, 0.8, 70), (1, 2, 0.6, 8)], &[]).unwrap();
    assert_eq!(world.numbers().len(), 1);
    let four = [&THREE[..], &["4 ltc 2021-04..2021-06 c1=canary-c b1=canary-sato"]].concat();
    world.pass(&four, &[(0, 1, 0.8, 7), (1, 2, 0.6, 8), (1, 3, 0.7, 8)], &[]).unwrap();
    assert_eq!(world.numbers().len(), 1);
    world.pass(&THREE, &[], &[]).unwrap();
    assert!(world.numbers().is_empty(), "a pass replaces the queue");
    // The same records, another pair of them the heaviest, but it looks the same.
    let five = [&four[..], &["5 ltc 2021-07..2021-09 c1=canary-c b1=canary-sato"]].concat();
    world.pass(&five, &[(1, 3, 0.6, 8)], &[]).unwrap();
    world.decide(world.numbers()[0], Decision::Leave).unwrap();
    world.pass(&five, &[(1, 4, 0.7, 8)], &[]).unwrap();
    assert!(world.numbers().is_empty());
    let unknown = world.decide(CaseNumber::of(77), Decision::Same).unwrap_err();
    assert_eq!(unknown.code(), "link/dossier");
}

#[test]
fn a_pass_over_a_part_leaves_the_rest_of_the_queue() {
    let world = World::new();
    let words = ["1 ndb a3=a", "2 ndb a3=b", "3 ndb a3=c", "4 ndb a3=d"];
    world.pass(&words, &[(0, 1, 0.6, 7), (2, 3, 0.8, 8)], &[]).unwrap();
    let before = world.numbers();
    let atoms = Atoms::new(words[2..].iter().map(|words| atom(words)).collect()).unwrap();
    let partition = rules::strong(&atoms, policy(), &[]).scored(&[]);
    let sources = catalog::SOURCES.map(str::to_owned);
    for (whole, left) in [(false, 1), (true, 0)] {
        let store = Store::open(&world.folder).unwrap();
        let pass = Pass { atoms: &atoms, sources: &sources, partition: &partition, scored: &|_| true, whole, run: 2 };
        renew(&world.zones.linkage, &store, &[], &pass).unwrap();
        store.publish().unwrap();
        assert_eq!(world.numbers(), before[..left]);
    }
}

#[test]
fn a_pattern_is_told_in_words_and_bands() {
    use crate::link::evidence::{COMPARED, Level as Known};
    let mut levels = [Known::Unknown; COMPARED];
    levels[..4].copy_from_slice(&[Known::Differs, Known::Exact, Known::Near, Known::Exact]);
    let world = World::new();
    world.pass(&THREE, &[(0, 1, 0.8, Pattern::new(&levels, [None, Some(3)]).0)], &[]).unwrap();
    let review = world.review();
    let dossier = review.waiting().next().unwrap().dossier;
    let told: Vec<String> =
        dossier.composites.iter().take(5).map(|it| format!("{} {}", it.part, it.level.as_str())).collect();
    assert_eq!(told, ["family differs", "given same", "birth near", "sex same", "number absent"]);
    assert_eq!(dossier.bands, [None, Some(3)]);
}

/// Verdicts that stand of atoms that are there.
fn verdicts(keys: &KeyFolder, out: &Path, answers: &[PathBuf], atoms: &Atoms) -> Result<Vec<Verdict>, LinkError> {
    let place = |id: [u8; 16]| atoms.ids().binary_search(&id).ok().and_then(|at| u32::try_from(at).ok());
    let verdict = |(a, b, same)| Some(Verdict { a: place(a)?, b: place(b)?, same });
    Ok(said(keys, out, answers)?.into_iter().filter_map(verdict).collect())
}

#[test]
fn a_clerk_s_same_joins_and_the_later_word_counts() {
    let world = World::new();
    let pairs: [Pair; 1] = [(0, 1, 0.8, 7)];
    world.pass(&THREE, &pairs, &[]).unwrap();
    let number = world.numbers()[0];
    world.decide(number, Decision::Same).unwrap();
    assert_eq!(world.pass(&THREE, &pairs, &[]).unwrap(), 2);
    world.decide(number, Decision::Different).unwrap();
    let atoms = Atoms::new(THREE.map(atom).into()).unwrap();
    let said = verdicts(&world.zones.linkage, &world.folder, &[], &atoms).unwrap();
    assert!(said.len() == 1 && !said[0].same);
    assert_eq!(world.pass(&THREE, &pairs, &[]).unwrap(), 3);
    world.decide(number, Decision::Leave).unwrap();
    assert!(verdicts(&world.zones.linkage, &world.folder, &[], &atoms).unwrap().is_empty());
    // An atom that was not handed over has no verdict, and loses none.
    world.decide(number, Decision::Same).unwrap();
    assert_eq!(world.pass(&THREE[..1], &[], &[]).unwrap(), 1);
    assert_eq!(world.pass(&THREE, &pairs, &[]).unwrap(), 2);
}

#[test]
fn a_holder_s_answers_count_from_the_run_that_takes_them_on() {
    let world = World::new();
    let pairs: [Pair; 2] = [(0, 1, 0.8, 7), (1, 2, 0.6, 8)];
    world.pass(&THREE, &pairs, &[]).unwrap();
    let asked = world.ask(false);
    assert_eq!((asked.len(), asked[0].questions, &*asked[0].source), (1, 1, "ndb"), "LTC has one side only");
    let out = world.review();
    assert!(out.waiting().any(|it| it.turn == ReviewTurn::Holder("ndb".to_owned()) && it.since == Some(NOW)));
    assert!(world.ask(false).is_empty(), "nothing is asked twice");

    let no = world.answer("no.jws", Answer::No, 10, &world.zones.holder);
    let yes = world.answer("yes.jws", Answer::Yes, 20, &world.zones.holder);
    let unknown = world.answer("unknown.jws", Answer::Unknown, 30, &world.zones.holder);
    assert_eq!(world.pass(&THREE, &pairs, std::slice::from_ref(&yes)).unwrap(), 2);
    assert_eq!(world.pass(&THREE, &pairs, &[]).unwrap(), 2, "answers are kept");
    // What was said before, brought afterwards, changes nothing.
    assert_eq!(world.pass(&THREE, &pairs, &[no, yes]).unwrap(), 2);
    assert_eq!(world.review().standing().decided[&PatternClass::Composites], [1, 0, 0]);
    // Taken back: a clerk's turn.
    assert_eq!(world.pass(&THREE, &pairs, &[unknown]).unwrap(), 3);
    assert!(world.review().waiting().all(|it| it.turn == ReviewTurn::Clerk));
}

#[test]
fn an_answer_that_nobody_asked_for_is_refused_and_nothing_of_it_kept() {
    let world = World::new();
    let pairs: [Pair; 1] = [(0, 1, 0.8, 7)];
    world.pass(&THREE, &pairs, &[]).unwrap();
    let number = CaseNumber::of(5);
    let answers = |questions: &str, source: &str, question| Answers {
        source: source.to_owned(),
        questions: questions.to_owned(),
        answered_at: NOW,
        answers: vec![Answered { question, answer: Answer::Yes }],
    };
    let holder = &world.zones.holder;
    let early = world.written("early.jws", &answers(&"0".repeat(64), "ndb", number), holder);
    assert_eq!(code(world.pass(&THREE, &pairs, &[early])), "link/answers", "nothing was asked yet");
    world.ask(false);
    let (sheet, digest) = world.sheet();
    let question = sheet.questions[0].question;
    let strange = SigningKey::generate();
    world.zones.linkage.trust("ltc", &strange.verifying()).unwrap();
    for (name, answers, key, wanted) in [
        ("untrusted", answers(&digest, "ndb", question), &SigningKey::generate(), "link/answers"),
        ("another-holder", answers(&digest, "ndb", question), &strange, "link/answers"),
        ("another-source", answers(&digest, "ltc", question), holder, "link/answers"),
        ("another-file", answers(&"0".repeat(64), "ndb", question), holder, "link/question"),
        ("another-question", answers(&digest, "ndb", number), holder, "link/question"),
    ] {
        let path = world.written(name, &answers, key);
        assert_eq!(code(world.pass(&THREE, &pairs, &[path])), wanted, "{name}");
    }
    let mut twice = answers(&digest, "ndb", question);
    twice.answers.push(twice.answers[0]);
    assert_eq!(code(world.pass(&THREE, &pairs, &[world.written("twice", &twice, holder)])), "link/question");
    let garbled = world.zones.path("garbled");
    policies::durable::replace(&garbled, &[0xff, 0, 1]).unwrap();
    assert_eq!(code(world.pass(&THREE, &pairs, &[garbled])), "link/answers");
    // The zone's own questions are no answers.
    assert_eq!(code(world.pass(&THREE, &pairs, &[world.zones.path("questions/ndb.questions.jws")])), "link/answers");
    // A good file beside a bad one is not taken either.
    let (good, old) = (world.answer("good", Answer::Yes, 1, holder), world.zones.path("another-file"));
    assert_eq!(code(world.pass(&THREE, &pairs, &[good.clone(), old])), "link/question");
    assert_eq!(world.pass(&THREE, &pairs, &[]).unwrap(), 3);
    // Replayed from an older queue.
    world.ask(true);
    assert_eq!(code(world.pass(&THREE, &pairs, &[good])), "link/replaced");
    let newest = world.answer("newest", Answer::Yes, 2, holder);
    assert_eq!(world.pass(&THREE, &pairs, &[newest]).unwrap(), 2);
}

#[test]
fn questions_are_sealed_to_a_holder_with_a_seal_and_name_its_own_atoms_alone() {
    let world = World::new();
    let keys = KeyFolder::init(&world.zones.path("ndb-keys"), Zone::Holder, NOW).unwrap();
    world.pass(&THREE, &[(0, 1, 0.8, 7), (1, 2, 0.6, 8)], &[]).unwrap();
    let seals = BTreeMap::from([("ndb".to_owned(), keys.recipient().unwrap())]);
    let out = world.zones.path("questions");
    let asked = ask(&world.zones.linkage, &world.folder, &out, &seals, false, NOW).unwrap();
    let sealed = fs::read(&asked[0].path).unwrap();
    assert!(seal::open_bytes(&sealed, &world.zones.linkage.seal().unwrap()).is_err());
    let signed = String::from_utf8(seal::open_bytes(&sealed, &keys.seal().unwrap()).unwrap()).unwrap();
    let sheet = Sheet::verify(&signed, &world.zones.linkage.signing("sign").unwrap().verifying()).unwrap();
    let named: Vec<[u8; 16]> = sheet.questions.iter().flat_map(|it| [it.x.0, it.y.0]).collect();
    let own = THREE.map(atom).map(|atom| (atom.source, atom.id));
    assert_eq!(named.len(), 2);
    assert!(named.iter().all(|id| own.iter().any(|(source, known)| *source == 0 && known == id)));
}

/// Everything that a person or another zone gets to see.
fn seen(world: &World) -> Vec<u8> {
    let review = world.review();
    let mut all = Vec::new();
    for waiting in review.waiting() {
        all.extend(serde_json::to_vec(waiting.dossier).unwrap());
        all.extend(format!("{waiting:?}").into_bytes());
    }
    all.extend(serde_json::to_vec(&review.summary(NOW)).unwrap());
    all.extend(format!("{:?}", review.standing()).into_bytes());
    all
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

fn words() -> impl Strategy<Value = Vec<String>> {
    let one = (0..3_usize, 0..4_u32, 0..4_u32, 0..3_u32, 0..24_i32);
    proptest::collection::vec(one, 2..14).prop_map(|rows| {
        let row = |(number, (source, a, b, d, month)): (usize, (usize, u32, u32, u32, i32))| {
            let (name, year) = (catalog::SOURCES[source], 2018 + month / 12);
            let month = month % 12 + 1;
            format!("{number} {name} {year}-{month:02}..{year}-{month:02} a3=num{a} b1=name{b} d1=chart{d}{source}")
        };
        rows.into_iter().enumerate().map(row).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever the atoms and the pairs: what is shown holds no token, no atom; questions name two atoms of the holder that is asked; the
    /// queue is the same whatever the order, but for its random numbers.
    #[test]
    fn nothing_that_leaves_says_who(words in words(), pairs in proptest::collection::vec((0..14_usize, 0..14_usize, 0.5..0.98_f64, 0..9_u64), 1..12)) {
        let world = World::new();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let read: Vec<Atom> = words.iter().map(|words| atom(words)).collect();
        let pairs: Vec<Pair> = pairs.into_iter().filter(|pair| pair.0 != pair.1 && pair.0.max(pair.1) < words.len()).collect();
        world.pass(&words, &pairs, &[]).unwrap();
        for source in &catalog::SOURCES[1..3] {
            world.zones.linkage.trust(source, &world.zones.holder.verifying()).unwrap();
        }
        let strip = |review: &Review| -> Vec<String> {
            let mut shown = Vec::new();
            for waiting in review.waiting() {
                let bare = Dossier { number: CaseNumber::of(0), ..waiting.dossier.clone() };
                shown.push(serde_json::to_string(&bare).unwrap());
            }
            shown
        };
        let first = strip(&world.review());
        let asked = world.ask(false);
        let shown = seen(&world);
        for one in &read {
            for id in one.tokens.iter().flatten().chain([&one.id]) {
                prop_assert!(!contains(&shown, id) && !contains(&shown, hex::encode(id).as_bytes()));
            }
        }
        let key = world.zones.linkage.signing("sign").unwrap().verifying();
        for file in asked {
            let sheet = Sheet::verify(&fs::read_to_string(&file.path).unwrap(), &key).unwrap();
            let place = catalog::SOURCES.iter().position(|source| *source == file.source).unwrap();
            for question in &sheet.questions {
                prop_assert!(question.x != question.y);
                for id in [question.x, question.y] {
                    prop_assert!(read.iter().any(|one| one.id == id.0 && usize::from(one.source) == place));
                }
            }
        }
        // What lies in the folder is sealed.
        let lying = fs::read(world.folder.join(FILE)).unwrap();
        prop_assert!(read.iter().all(|one| !contains(&lying, hex::encode(one.id).as_bytes())));

        let other = World::new();
        let mirrored: Vec<Pair> = pairs.iter().rev().map(|pair| (pair.1, pair.0, pair.2, pair.3)).collect();
        other.pass(&words, &mirrored, &[]).unwrap();
        prop_assert_eq!(first, strip(&other.review()));
    }
}

#[test]
fn errors_name_the_file_and_nothing_else() {
    let world = World::new();
    world.pass(&THREE, &[(0, 1, 0.8, 7)], &[]).unwrap();
    world.ask(false);
    let (_, digest) = world.sheet();
    let answers = Answers {
        source: "ndb".to_owned(),
        questions: digest,
        answered_at: NOW,
        answers: vec![Answered { question: CaseNumber::of(4), answer: Answer::Yes }],
    };
    let path = world.written("answers.jws", &answers, &world.zones.holder);
    let error = world.pass(&THREE, &[], &[path]).unwrap_err();
    let told = format!("{error} {error:?}");
    assert!(told.contains("answers.jws"));
    for one in THREE.map(atom) {
        assert!(one.tokens.iter().flatten().chain([&one.id]).all(|id| !told.contains(&hex::encode(id))));
    }
    assert!(!told.contains("canary") && !told.contains(&CaseNumber::of(4).to_string()));
    // A ledger of another form is not overwritten with an empty one.
    let sealed = seal::seal_bytes(b"{\"version\":9}", &world.zones.linkage.recipient().unwrap()).unwrap();
    policies::durable::replace(&world.folder.join(FILE), &sealed).unwrap();
    assert_eq!(code(world.pass(&THREE, &[], &[])), "link/queue");
    assert_eq!(world.decide(CaseNumber::of(4), Decision::Same).unwrap_err().code(), "link/queue");
    assert_eq!(fs::read(world.folder.join(FILE)).unwrap(), sealed);
}

#[test]
fn the_summary_counts_in_tens() {
    let world = World::new();
    let words: Vec<String> = (0..40).map(|n| format!("{n} ndb a3=n{n} b1=n{n}")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let pairs: Vec<Pair> = (0..12).map(|n| (2 * n, 2 * n + 1, 0.8, 1)).collect();
    world.pass(&words, &pairs, &[]).unwrap();
    world.decide(world.numbers()[0], Decision::Same).unwrap();
    let summary = world.review().summary(NOW);
    assert_eq!(summary.waiting.len(), 1);
    assert_eq!(summary.waiting[0].pairs.to_string(), "10–19");
    assert!(summary.answered[0].decided.is_few() && summary.answered[0].same_tenths.is_none());
    assert_eq!(world.read().queue.len(), 11);
}
