//! A run with composites from end to end: made-up persons whose records differ as real ones do, and families that must stay apart.

mod asked;

use std::collections::BTreeSet;

use jiff::Timestamp;
use policies::keys::SecretBytes;
use proptest::prelude::*;

use super::super::atoms::{Atom, Months};
use super::super::evidence::{COMPARED, Field, Level};
use super::super::fixture::{Zones, atom_id, crosswalk, policy};
use super::super::{LinkJob, LinkReport, run};
use super::*;
use crate::holder::rows_of;
use crate::normalise::insurer::Insurer;
use crate::normalise::sex::Sex;
use crate::normalise::{branch, date, kana, symbol};
use crate::tokens::{Identity, TokenKeys};

/// One record: the true person, the source, who it says it is, months of its insurer line.
#[derive(Clone)]
struct Said {
    person: usize,
    source: &'static str,
    identity: Identity,
    months: Option<(i32, i32)>,
}

const FAMILIES: &str = "サトウ スズキ タカハシ タナカ イトウ ワタナベ ヤマモト ナカムラ コバヤシ カトウ ヨシダ ヤマダ ササキ マツモト イノウエ キムラ ハヤシ シミズ \
    ヤマザキ モリ アベ イケダ ハシモト イシカワ ヤマシタ オガワ イシイ ハセガワ ゴトウ オカダ コンドウ マエダ フジタ エンドウ アオキ サカモト ムラカミ オオタ カネコ フジイ";
const GIVEN: &str = "ハルト ミナト ヒナタ アオイ ヨウコ カズコ ヒロシ タケシ ユウキ ナオミ ケイコ アキラ マサヒロ トモコ サチコ ダイスケ ユミコ シゲル ノリコ タカシ \
    ミツコ ヒデオ クミコ イサム フミエ キヨシ マユミ ススム リエコ ワタル チエコ ノボル エミコ ツトム アヤカ ショウタ モモカ リョウヘイ カオリ ジュンイチ";

/// Small made-up numbers, the same in every run (Knuth's MMIX).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn word(&mut self, of: &str) -> String {
        let words: Vec<&str> = of.split_whitespace().collect();
        words[self.below(words.len())].to_owned()
    }

    fn born(&mut self) -> String {
        format!("{}{:02}{:02}", 1930 + self.below(85), 1 + self.below(12), 1 + self.below(28))
    }
}

struct Person {
    family: String,
    given: String,
    born: String,
    sex: &'static str,
    number: usize,
    branch: usize,
    postcode: String,
}

impl Person {
    fn identity(&self, family: &str, given: &str, born: &str) -> Identity {
        Identity {
            birth: date::birth(born.as_bytes()),
            sex: Sex::read(self.sex),
            kana: kana::name(&format!("{family}　{given}")),
            ..Identity::default()
        }
    }

    fn insured(&self, family: &str, number: usize) -> Identity {
        Identity {
            insurer: Insurer::read("06131239"),
            symbol: symbol::symbol("12"),
            number: symbol::number(&number.to_string()),
            branch: branch::read(&format!("{:02}", self.branch)),
            ..self.identity(family, &self.given, &self.born)
        }
    }

    fn patient(&self, given: &str, born: &str, chart: usize) -> Identity {
        Identity {
            facility: Some("1312345670".to_owned()),
            chart: Some(format!("{chart}")),
            postcode: Some(self.postcode.clone()),
            ..self.identity(&self.family, given, born)
        }
    }
}

/// Families of spouses, siblings and twins, under one number.
fn people(dice: &mut Dice, families: usize) -> Vec<Person> {
    let mut all = Vec::new();
    for family in 0..families {
        let (name, postcode) = (dice.word(FAMILIES), format!("1{:06}", dice.below(900_000)));
        let twins = dice.born();
        for member in 0..4 {
            let twin = member >= 2 && family % 8 == 0;
            let given = match (twin, member) {
                (true, 2) => "カズキ".to_owned(),
                (true, _) => "カズマ".to_owned(),
                (false, _) => dice.word(GIVEN),
            };
            let born = if twin { twins.clone() } else { dice.born() };
            let sex = if twin || member % 2 == 0 { "1" } else { "2" };
            let (family, postcode) = (name.clone(), postcode.clone());
            all.push(Person { family, given, born, sex, number: 1000 + all.len() / 4, branch: member, postcode });
        }
    }
    all
}

/// A letter of the name otherwise.
fn slip(dice: &mut Dice, name: &str) -> String {
    let mut letters: Vec<char> = name.chars().collect();
    let at = dice.below(letters.len());
    letters[at] = 'ヌ';
    letters.into_iter().collect()
}

/// What databases say of them.
fn records(families: usize) -> Vec<Said> {
    let mut dice = Dice(20_261_121);
    let people = people(&mut dice, families);
    let mut all = Vec::new();
    for (person, who) in people.iter().enumerate() {
        let mut say = |source, identity, months| all.push(Said { person, source, identity, months });
        say("ndb", who.insured(&who.family, who.number), Some((24_240, 24_249)));
        let chart = 10_000 + person;
        // Each fifth is written with a slip at the hospital, each ninth has a part of the birth date otherwise.
        // A twin's name with a slip may be either's: nobody can tell from one hospital record.
        let twin = matches!(who.given.as_str(), "カズキ" | "カズマ");
        let given = if person % 5 == 1 && !twin { slip(&mut dice, &who.given) } else { who.given.clone() };
        let born = if person % 9 == 2 { format!("{}28", who.born.get(..6).unwrap()) } else { who.born.clone() };
        say("ehr", who.patient(&given, &born, chart), None);
        // Each seventh marries and changes the employer: another name, another number.
        if person % 7 == 3 {
            let married = dice.word(FAMILIES);
            say("ndb", who.insured(&married, 50_000 + person), Some((24_250, 24_260)));
        }
    }
    all
}

struct World {
    zones: Zones,
    records: Vec<Said>,
    tokens: Vec<PathBuf>,
    run_tokens: Vec<PathBuf>,
}

impl World {
    fn new(families: usize) -> Self {
        let zones = Zones::new();
        let records = records(families);
        let keys = TokenKeys::derive(&SecretBytes::from_slice(&[7; 32]).unwrap());
        let run = SecretBytes::from_slice(&[8; 32]).unwrap();
        let (mut tokens, mut run_tokens) = (Vec::new(), Vec::new());
        for source in ["ndb", "ehr"] {
            let own = || (0_u128..).zip(&records).filter(|(_, said)| said.source == source);
            let atoms: Vec<Atom> = own()
                .map(|(number, said)| Atom {
                    id: atom_id(number),
                    source: u8::try_from(catalog::SOURCES.iter().position(|it| *it == source).unwrap()).unwrap(),
                    batch: 0,
                    tokens: keys.tokens(&said.identity),
                    months: said.months.map(|(first, last)| Months { first, last }),
                })
                .collect();
            tokens.push(zones.tokens(&format!("{source}-1"), source, &atoms, &[]));
            let rows = rows_of(&run, own().map(|(number, said)| (atom_id(number), said.identity.clone())).collect());
            run_tokens.push(zones.run_tokens(&format!("{source}-1-run"), source, &rows, &[]));
        }
        Self { zones, records, tokens, run_tokens }
    }

    fn link(&self, out: &str, run_tokens: &[PathBuf]) -> Result<LinkReport, LinkError> {
        let out = self.zones.path(out);
        let job = LinkJob { run_tokens, ..LinkJob::new(&self.zones.linkage, &out, &self.tokens, policy()) };
        run(&job, Timestamp::UNIX_EPOCH, &mut |_| {})
    }

    /// Pairs of records of one person that came together, those that did wrongly, and all there are.
    fn pairs(&self, out: &str) -> (usize, Vec<(usize, usize)>, usize) {
        let found = crosswalk(&self.zones.path(out), &self.zones.enclave);
        let key = |number: usize| found[&atom_id(number as u128)].0.unwrap();
        let (mut right, mut wrong, mut all) = (0, Vec::new(), 0);
        for (a, one) in self.records.iter().enumerate() {
            for (b, other) in self.records.iter().enumerate().skip(a + 1) {
                let (same, together) = (one.person == other.person, key(a) == key(b));
                all += usize::from(same);
                right += usize::from(same && together);
                if together && !same {
                    wrong.push((a, b));
                }
            }
        }
        (right, wrong, all)
    }

    /// The scored tier alone.
    fn scope<T>(&self, run_tokens: &[PathBuf], then: impl FnOnce(&Scope<'_>) -> T) -> T {
        let handed = super::super::tokens::check(&self.tokens, &self.zones.linkage, &|_| None).unwrap();
        let atoms = Atoms::new(handed.rows(|_| {}).unwrap()).unwrap();
        let roots = super::super::rules::strong(&atoms, policy(), &[]).roots();
        let scratch = self.zones.path("scratch");
        std::fs::create_dir_all(&scratch).unwrap();
        let done = then(&Scope {
            run_tokens,
            keys: &self.zones.linkage,
            atoms: &atoms,
            roots: &roots,
            sources: &handed.sources,
            agreed: handed.agreed.as_ref().unwrap(),
            policy: policy(),
            scratch: &scratch,
        });
        assert_eq!(std::fs::read_dir(&scratch).unwrap().count(), 0, "nothing of the run tokens stays");
        done
    }

    fn refused(&self, run_tokens: &[PathBuf]) -> LinkError {
        self.scope(run_tokens, |scope| pass(scope).err().unwrap())
    }
}

#[test]
fn slips_marriages_and_moves_come_together_and_families_stay_apart() {
    let world = World::new(100);
    world.link("strong", &[]).unwrap();
    let (strong, wrong, all) = world.pairs("strong");
    assert!(wrong.is_empty(), "{wrong:?}");
    let report = world.link("scored", &world.run_tokens).unwrap();
    let (scored, wrong, _) = world.pairs("scored");
    println!("strong {strong}, scored {scored} of {all}, wrong {wrong:?}");
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(strong * 100 < all * 80 && scored * 100 >= all * 97, "strong {strong}, scored {scored} of {all}");
    assert!(report.joined_by["scored"] > 0);
    let out = world.zones.path("scored");
    let told: ScoredReport = serde_json::from_slice(&std::fs::read(out.join("scored.json")).unwrap()).unwrap();
    assert!(
        told.precision.unwrap() > 0.99 && told.calibration.iter().map(|bin| bin.pairs).sum::<u64>() == told.candidates
    );
    let model: Model = serde_json::from_slice(&std::fs::read(out.join("model.json")).unwrap()).unwrap();
    assert_eq!(model.fields, Field::ALL);
    assert!(!world.zones.path("strong").join("model.json").exists());
}

#[test]
fn equal_inputs_give_equal_weights_in_any_order() {
    let world = World::new(40);
    let score = |folders: &[PathBuf]| {
        world.scope(folders, |scope| {
            let found = pass(scope).unwrap();
            (found.pairs, serde_json::to_string(&found.model).unwrap(), found.report)
        })
    };
    let once = score(&world.run_tokens);
    assert!(!once.0.is_empty());
    let turned: Vec<PathBuf> = world.run_tokens.iter().rev().cloned().collect();
    assert!(once == score(&world.run_tokens) && once == score(&turned));
    assert!(once.0.iter().all(|pair| pair.a < pair.b));
}

#[test]
fn new_atoms_are_scored_by_the_model_as_it_stands() {
    let world = World::new(40);
    world.scope(&world.run_tokens, |scope| {
        let full = pass(scope).unwrap();
        let new: HashSet<u32> = full.pairs.iter().step_by(3).map(|pair| pair.a).collect();
        // Which pairs contradict one another is another matter where fewer are looked at.
        let told = |pair: &ScoredPair| (pair.a, pair.b, pair.pattern);
        let of_new = |pair: &&ScoredPair| new.contains(&pair.a) || new.contains(&pair.b);
        let expected: Vec<_> = full.pairs.iter().filter(of_new).map(told).collect();
        let found = score_new(scope, full.model.clone(), &new).unwrap();
        assert!(!expected.is_empty() && found.pairs.iter().map(told).eq(expected) && found.model == full.model);
        assert!(score_new(scope, full.model, &HashSet::new()).unwrap().pairs.is_empty());
    });
}

#[test]
fn run_tokens_that_do_not_fit_are_refused() {
    let world = World::new(3);
    let rows = |ids: &[u128]| {
        let key = SecretBytes::from_slice(&[8; 32]).unwrap();
        rows_of(&key, ids.iter().map(|id| (atom_id(*id), world.records[0].identity.clone())).collect())
    };
    let ndb: u128 = 0;
    let make =
        |name: &str, ids: &[u128], metadata: &[(&str, &str)]| world.zones.run_tokens(name, "ndb", &rows(ids), metadata);
    let good = make("good", &[ndb], &[]);
    let with = |other: &PathBuf| world.refused(&[good.clone(), other.clone()]);
    let mixed = |what: &'static str, metadata: (&str, &str)| {
        let refused = with(&make(&format!("other-{what}").replace(' ', "-"), &[], &[metadata]));
        assert!(matches!(refused, LinkError::Mixed { what: found, .. } if found == what), "{refused}");
    };
    mixed("run", ("sudare.run", "2026-12"));
    mixed("run key", ("sudare.run_key", "other"));
    mixed("epoch key", ("sudare.epoch", "other"));
    mixed("normaliser version", ("sudare.normaliser", "1"));
    assert!(matches!(with(&good), LinkError::Twice { .. }));
    assert!(matches!(with(&make("again", &[ndb], &[])), LinkError::Twice { .. }));
    assert!(matches!(with(&make("unknown", &[999], &[])), LinkError::RunAtoms { .. }));
    // The second record is the hospital's.
    assert!(matches!(with(&make("foreign", &[1], &[])), LinkError::RunAtoms { .. }));
    let nobody = world.zones.run_tokens("nobody", "dpc", &rows(&[]), &[]);
    world.zones.linkage.replace_trusted("dpc", &policies::keys::SigningKey::generate().verifying()).unwrap();
    assert!(matches!(with(&nobody), LinkError::Signature { .. }));
    let stranger = make("stranger", &[], &[("sudare.source", "cancer")]);
    assert!(matches!(with(&stranger), LinkError::Untrusted { .. }));
    let content = make("content", &[], &[]);
    std::fs::copy(content.join("run.arrow.age"), content.join("ndb.claims.arrow.age")).unwrap();
    assert!(matches!(with(&content), LinkError::Content { .. }));
    let bent = make("bent", &[], &[]);
    let mut bytes = std::fs::read(bent.join("run.arrow.age")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    policies::durable::replace(&bent.join("run.arrow.age"), &bytes).unwrap();
    assert!(matches!(with(&bent), LinkError::Signature { .. }));
    let codes: BTreeSet<&str> = [with(&bent).code(), with(&content).code()].into();
    assert_eq!(codes, BTreeSet::from(["link/content", "link/signature"]));
}

fn level() -> impl Strategy<Value = Level> {
    prop_oneof![Just(Level::Unknown), Just(Level::Differs), Just(Level::Near), Just(Level::Exact)]
}

/// What only a person's own records agree in; a name, card or home that is the same may as well be a family's.
const OWN: [Field; 3] = [Field::Given, Field::Birth, Field::Chart];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// More agreement in what is a person's own never makes a pair less likely.
    #[test]
    fn agreement_never_speaks_against(levels in proptest::collection::vec(level(), COMPARED), own in 0..OWN.len()) {
        static MODEL: std::sync::LazyLock<(Model, Vec<String>)> = std::sync::LazyLock::new(|| {
            let world = World::new(40);
            world.scope(&world.run_tokens, |scope| (pass(scope).unwrap().model, scope.sources.to_vec()))
        });
        let (model, names) = &*MODEL;
        let mut levels: [Level; COMPARED] = levels.try_into().unwrap();
        let parameters = model.of(0x0003, names);
        let mut before = i32::MIN;
        for level in [Level::Differs, Level::Near, Level::Exact] {
            levels[OWN[own] as usize] = level;
            let weight = model.weight(parameters, Pattern::new(&levels, [None; 2]));
            prop_assert!(weight >= before, "{:?} {:?} {} {}", OWN[own], level, before, weight);
            before = weight;
        }
    }

    #[test]
    fn a_pattern_reads_as_it_was_packed(levels in proptest::collection::vec(level(), COMPARED), bands in [proptest::option::of(0_u8..7), proptest::option::of(0_u8..7)]) {
        let levels: [Level; COMPARED] = levels.try_into().unwrap();
        let pattern = Pattern::new(&levels, bands);
        prop_assert_eq!(Field::ALL.map(|field| pattern.level(field)), levels);
        prop_assert_eq!(pattern.bands(), bands);
    }
}
