//! Composites are asked for where they are needed: what that finds, who is asked for, and when there is nothing to ask.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use policies::jws::Document;

use super::*;
use crate::link::ask::Request;
use crate::link::review::AtomId;
use crate::link::{AskJob, Asked, ask};

const FAMILIES_OF: usize = 60;

/// Number, source, identity and months of a new record.
type NewRecord = (u128, &'static str, Identity, Option<(i32, i32)>);

/// A world with a full pass, and what comes after it: two batches and who is meant by their records.
struct Later {
    world: World,
    new: Vec<NewRecord>,
    folders: Vec<PathBuf>,
    /// Records of the two persons in the full pass.
    old: [u128; 2],
}

fn at_rest(number: u128, source: &str, identity: &Identity, months: Option<(i32, i32)>) -> Atom {
    Atom {
        id: atom_id(number),
        source: u8::try_from(catalog::SOURCES.iter().position(|it| *it == source).unwrap()).unwrap(),
        batch: 0,
        tokens: TokenKeys::derive(&SecretBytes::from_slice(&[7; 32]).unwrap()).tokens(identity),
        months: months.map(|(first, last)| Months { first, last }),
    }
}

impl Later {
    /// One person shows the card again and is written with a slip at another hospital; another one comes to the hospital again, having
    /// married and changed the employer meanwhile. Neither the slip nor the marriage leaves a token at rest in common.
    fn new() -> Self {
        let world = World::new(FAMILIES_OF);
        world.link("link", &world.run_tokens).unwrap();
        let people = people(&mut Dice(20_261_121), FAMILIES_OF);
        let plain = |person: &usize| {
            let twin = matches!(&*people[*person].given, "カズキ" | "カズマ");
            person % 5 != 1 && person % 9 != 2 && person % 7 != 3 && !twin
        };
        let mut plain = (0..people.len()).filter(plain);
        let (slips, marries) = (plain.nth(20).unwrap(), plain.nth(20).unwrap());
        let of = |person: usize| world.records.iter().position(|said| said.person == person).unwrap() as u128;
        let (one, other) = (&people[slips], &people[marries]);
        let wrong: String = one.given.chars().take(1).chain("ヌ".chars()).chain(one.given.chars().skip(2)).collect();
        let new = vec![
            (9001, "ndb", one.insured(&one.family, one.number), Some((24_250, 24_251))),
            (9002, "ehr", one.patient(&wrong, &one.born, 77_001), None),
            (9003, "ehr", other.patient(&other.given, &other.born, 10_000 + marries), None),
            (9004, "ndb", other.insured("ムシャノコウジ", 88_000), Some((24_250, 24_260))),
        ];
        let write = |source: &str| {
            let own = new.iter().filter(|it| it.1 == source);
            let atoms: Vec<Atom> = own.map(|it| at_rest(it.0, it.1, &it.2, it.3)).collect();
            world.zones.tokens(&format!("{source}-2"), source, &atoms, &[])
        };
        let (folders, old) = (["ndb", "ehr"].map(write).to_vec(), [of(slips), of(marries)]);
        Self { world, new, folders, old }
    }

    fn ask(&self, out: &str, to: &str) -> Result<Asked, LinkError> {
        let (out, to) = (self.world.zones.path(out), self.world.zones.path(to));
        let job =
            AskJob { keys: &self.world.zones.linkage, out: &out, tokens: &self.folders, policy: policy(), to: &to };
        ask(&job, Timestamp::UNIX_EPOCH)
    }

    /// Run tokens as the holders make them: a folder of each batch, of the atoms that `asked` names in it.
    fn run_tokens(
        &self,
        round: &str,
        asked: impl Fn(&str, &[u8; 16]) -> bool,
        metadata: &[(&str, &str)],
    ) -> Vec<PathBuf> {
        let key = SecretBytes::from_slice(&[8; 32]).unwrap();
        let mut folders = Vec::new();
        for batch in ["ndb-1", "ehr-1", "ndb-2", "ehr-2"] {
            let source = batch.split('-').next().unwrap();
            let old = (0_u128..).zip(&self.world.records).map(|(number, said)| (number, said.source, &said.identity));
            let new = self.new.iter().map(|it| (it.0, it.1, &it.2));
            let rows: Vec<_> = if batch.ends_with('1') { old.collect() } else { new.collect() };
            let own = rows.into_iter().filter(|row| row.1 == source && asked(batch, &atom_id(row.0)));
            let own: Vec<_> = own.map(|(number, _, identity)| (atom_id(number), identity.clone())).collect();
            let metadata = [&[("sudare.batch", batch)], metadata].concat();
            let name = format!("{batch}-{round}");
            folders.push(self.world.zones.run_tokens(&name, source, &rows_of(&key, own), &metadata));
        }
        folders
    }

    fn link(&self, out: &str, run_tokens: &[PathBuf]) -> Result<LinkReport, LinkError> {
        let out = self.world.zones.path(out);
        let job = LinkJob { run_tokens, ..LinkJob::new(&self.world.zones.linkage, &out, &self.folders, policy()) };
        run(&job, Timestamp::UNIX_EPOCH, &mut |_| {})
    }

    fn keys(&self, out: &str) -> BTreeMap<[u8; 16], u64> {
        let rows = crosswalk(&self.world.zones.path(out), &self.world.zones.enclave);
        rows.into_iter().map(|(id, (key, _))| (id, key.unwrap())).collect()
    }

    /// What a request says, as its holder reads it.
    fn request(&self, path: &Path) -> Request {
        let key = self.world.zones.linkage.signing("sign").unwrap().verifying();
        Request::verify(&fs::read_to_string(path).unwrap(), &key).unwrap()
    }
}

fn sets(keys: &BTreeMap<[u8; 16], u64>) -> BTreeSet<BTreeSet<[u8; 16]>> {
    let mut sets: BTreeMap<u64, BTreeSet<[u8; 16]>> = BTreeMap::new();
    for (id, key) in keys {
        sets.entry(*key).or_default().insert(*id);
    }
    sets.into_values().collect()
}

fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

fn copy(from: &Path, to: &Path) {
    for (path, bytes) in files(from) {
        let target = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        policies::durable::replace(&target, &bytes).unwrap();
    }
}

/// Records that hang together by tokens at rest, or as persons by the composites of the full pass, with those of the new batches.
fn touched(later: &Later) -> BTreeSet<[u8; 16]> {
    let old = (0_u128..).zip(&later.world.records).map(|(n, said)| at_rest(n, said.source, &said.identity, None));
    let old: Vec<Atom> = old.collect();
    let persons = later.keys("link");
    let mut seen: BTreeSet<[u8; 16]> = BTreeSet::new();
    let (mut tokens, mut keys) = (BTreeSet::new(), BTreeSet::new());
    for (number, source, identity, _) in &later.new {
        tokens.extend((0..).zip(at_rest(*number, source, identity, None).tokens).filter(|(_, token)| token.is_some()));
    }
    loop {
        let before = seen.len();
        for atom in &old {
            let own: Vec<(u8, _)> = (0..).zip(atom.tokens).filter(|(_, token)| token.is_some()).collect();
            let key = persons[&atom.id];
            if keys.contains(&key) || own.iter().any(|token| tokens.contains(token)) {
                seen.insert(atom.id);
                keys.insert(key);
                tokens.extend(own);
            }
        }
        if seen.len() == before {
            return seen;
        }
    }
}

#[test]
fn what_only_composites_find_is_found_by_those_of_the_asked_atoms_alone() {
    let later = Later::new();
    let zones = &later.world.zones;
    for out in ["strong", "whole"] {
        copy(&zones.path("link"), &zones.path(out));
    }
    let expected = touched(&later);
    let before = files(&zones.path("link"));
    let asked = later.ask("link", "requests").unwrap();
    assert_eq!(before, files(&zones.path("link")), "asking changes nothing");

    // Old atoms of the touched blocks and new ones, nobody else, in the batches where they lie.
    let sources: Vec<&str> = asked.requests.iter().map(|request| &*request.source).collect();
    assert_eq!(sources, ["ehr", "ndb"]);
    let mut named: BTreeSet<(String, [u8; 16])> = BTreeSet::new();
    for made in &asked.requests {
        let request = later.request(&made.path);
        assert_eq!((&request.source, &request.holder), (&made.source, &zones.holder.verifying().fingerprint()));
        assert!(request.batches.keys().eq(&made.batches) && made.new == 2, "{made:?}");
        let ids = request.batches.values().flatten().count() as u64;
        assert_eq!(
            (made.new + made.old, made.path.file_name().unwrap().to_str()),
            (ids, Some(&*format!("{}.jws", made.source)))
        );
        let own = later.world.records.iter().filter(|said| said.source == made.source).count() as u64;
        assert_eq!((made.held, made.digest.len()), (own, 64));
        let few = |count: u64| f64::from(u32::try_from(count).unwrap());
        assert!((made.share() - few(made.old) / few(own)).abs() < 1e-9);
        for (batch, atoms) in request.batches {
            assert!(batch.starts_with(&made.source));
            named.extend(atoms.into_iter().map(|AtomId(id)| (batch.clone(), id)));
        }
    }
    let new: BTreeSet<[u8; 16]> = later.new.iter().map(|it| atom_id(it.0)).collect();
    let in_batches = |end: char| -> BTreeSet<[u8; 16]> {
        named.iter().filter(|(batch, _)| batch.ends_with(end)).map(|(_, id)| *id).collect()
    };
    assert_eq!(in_batches('2'), new);
    assert_eq!(in_batches('1'), expected);
    assert_eq!(asked.held, later.world.records.len() as u64);
    assert!(asked.share() > 0.0 && asked.share() < 0.05, "{}", asked.share());

    // The holders' rows of these atoms find what tokens at rest do not, and as much as those of all atoms.
    let rows =
        later.run_tokens("asked", |batch, id| named.contains(&(batch.to_owned(), *id)), &[("sudare.asked", "d")]);
    let whole = later.run_tokens("whole", |_, _| true, &[]);
    later.link("strong", &[]).unwrap();
    later.link("whole", &whole).unwrap();
    later.link("link", &rows).unwrap();
    let joined = |out: &str| {
        let keys = later.keys(out);
        let same = |a: u128, b: u128| keys[&atom_id(a)] == keys[&atom_id(b)];
        [(later.old[0], 9001), (later.old[0], 9002), (later.old[1], 9003), (later.old[1], 9004)]
            .map(|(a, b)| same(a, b))
    };
    assert_eq!(joined("strong"), [true, false, true, false]);
    assert_eq!(joined("link"), [true; 4]);
    assert_eq!(sets(&later.keys("link")), sets(&later.keys("whole")));

    // Such rows are not enough to learn from.
    let refused = later.world.refused(&rows[..1]);
    assert!(matches!(refused, LinkError::Part { .. }) && refused.code() == "link/part", "{refused}");
    // What is linked is not asked for again.
    let again = later.ask("link", "again").unwrap();
    assert!(again.requests.is_empty() && again.held_already.len() == 2 && !zones.path("again").exists());
}

#[test]
fn nothing_is_asked_where_a_full_pass_is_due_or_the_input_is_wrong() {
    let mut later = Later::new();
    let zones = &later.world.zones;
    // Nothing was ever linked there, and the folder is not made by asking.
    let unscored = |asked: Result<Asked, LinkError>| matches!(asked, Err(LinkError::Unscored { .. }));
    assert!(unscored(later.ask("nowhere", "requests")) && !zones.path("nowhere").exists());
    fs::create_dir(zones.path("empty")).unwrap();
    assert!(unscored(later.ask("empty", "requests")));
    // Linked, but never with composites.
    later.world.link("strong", &[]).unwrap();
    assert!(unscored(later.ask("strong", "requests")));

    // The place is taken.
    later.ask("link", "requests").unwrap();
    assert!(matches!(later.ask("link", "requests"), Err(LinkError::Exists { .. })));
    // The same batch twice; a batch that nobody signed for whom the zone trusts; another policy.
    let good = later.folders.clone();
    later.folders.push(good[0].clone());
    assert!(matches!(later.ask("link", "twice"), Err(LinkError::Twice { .. })));
    later.folders = Vec::new();
    assert!(matches!(later.ask("link", "none"), Err(LinkError::Nothing)));
    later.folders = good;
    let zones = &later.world.zones;
    let (out, to) = (zones.path("link"), zones.path("other"));
    let mut strict = policy().clone();
    strict.overlap_months_max = 0;
    let job = AskJob { keys: &zones.linkage, out: &out, tokens: &later.folders, policy: &strict, to: &to };
    assert!(matches!(ask(&job, Timestamp::UNIX_EPOCH), Err(LinkError::Mixed { what: "policy of linkage", .. })));
    let changed = later.folders[0].join("tokens.arrow.age");
    let mut bytes = fs::read(&changed).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    policies::durable::replace(&changed, &bytes).unwrap();
    assert!(matches!(later.ask("link", "changed"), Err(LinkError::Signature { .. })));
    for never in ["twice", "none", "other", "changed"] {
        assert!(!zones.path(never).exists(), "{never}");
    }
}
