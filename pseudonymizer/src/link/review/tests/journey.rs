//! From a batch of the samples to a dossier, to its holder, and back into the crosswalk.

use std::path::Path;

use policies::audit::{self, AuditLog};

use super::*;
use crate::holder::{AnswerJob, Answering};
use crate::link::{self, LinkJob, tokens};
use crate::{Job, Options, pseudonymize};

#[test]
fn two_atoms_of_one_holder_become_one_person_by_its_word() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let make = |name: &str, zone| KeyFolder::init(&at(name), zone, NOW).unwrap();
    let (linkage, enclave, holder) =
        (make("linkage", Zone::Linkage), make("enclave", Zone::Enclave), make("ndb-keys", Zone::Holder));
    holder.trust("linkage", &linkage.signing("sign").unwrap().verifying()).unwrap();
    linkage.trust("ndb", &holder.signing("sign").unwrap().verifying()).unwrap();
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let job = Job {
        source: "ndb".parse().unwrap(),
        keys: &holder,
        link_to: linkage.recipient().unwrap(),
        release_to: enclave.recipient().unwrap(),
        out: at("ndb"),
        files: ["RECEIPTC_202207.UKE", "RECEIPTC_202209.UKE"].map(|file| samples.join(file)).into(),
        options: Options::default(),
    };
    pseudonymize(&job, NOW, &mut |_| true).unwrap();
    let (folder, handed) = (at("crosswalk"), vec![at("ndb").join("tokens")]);
    let persons = |answers: &[PathBuf]| {
        let job = LinkJob { answers, ..LinkJob::new(&linkage, &folder, &handed, policy()) };
        link::run(&job, NOW, &mut |_| {}).unwrap().persons
    };
    let before = persons(&[]);

    // As a scored pass would find two of them.
    let read = tokens::check(&handed, &linkage, &|_| None).unwrap();
    let atoms = Atoms::new(read.rows(|_| {}).unwrap()).unwrap();
    let roots = rules::strong(&atoms, policy(), &[]).scored(&[]).roots;
    let other = (0_u32..).zip(&roots).find(|(_, root)| **root != roots[0]).unwrap().0;
    let pair = ScoredPair { a: 0, b: other, weight: ScoredPair::weight_of(0.8), pattern: Pattern(1) };
    let partition = rules::strong(&atoms, policy(), &[]).scored(&[pair]);
    let store = Store::open(&folder).unwrap();
    let pass =
        Pass { atoms: &atoms, sources: &read.sources, partition: &partition, scored: &|_| true, whole: true, run: 2 };
    renew(&linkage, &store, &[], &pass).unwrap();
    store.publish().unwrap();
    let seals = BTreeMap::from([("ndb".to_owned(), holder.recipient().unwrap())]);
    let asked = ask(&linkage, &folder, &at("questions"), &seals, false, NOW).unwrap();
    assert_eq!((asked.len(), persons(&[])), (1, before), "a run without composites leaves the queue");

    let batches = [at("ndb")];
    let of = AnswerJob { keys: &holder, batches: &batches, questions: &asked[0].path };
    let mut answering = Answering::open(&of).unwrap();
    assert_eq!((answering.elsewhere(), answering.digest()), (0, &*asked[0].digest));
    answering.note(0, Answer::Yes).unwrap();
    let made = answering.finish(&at("answers.jws"), NOW).unwrap();
    assert_eq!(persons(&[at("answers.jws")]), before - 1);
    assert_eq!(persons(&[]), before - 1, "kept by the zone");
    assert_eq!(Review::open(&linkage, &folder).unwrap().waiting().count(), 0);

    // What is recorded of it, as the commands record it, says counts and digests.
    let chain = AuditLog::open(holder.path(), Zone::Holder, holder.signing("sign").unwrap()).unwrap();
    let act = audit::Act::new("tokens", "questions:answered", &made.questions).with("answers", made.digest);
    chain.append(NOW, &act.with("answered", made.answered)).unwrap();
    let written = fs::read_to_string(holder.path().join(audit::FILE)).unwrap();
    assert!(atoms.ids().iter().all(|id| !written.contains(&hex::encode(id))));
}
