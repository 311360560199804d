//! A committee whose members sign with passkeys in software, and an application on its way through it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use jiff::civil::date;
use policies::Role;
use policies::application::{
    Actor, ApplicantKind, Ballot, Content, DatasetAsk, Decision, Draft, Ethics, Finding, Fulfilment, HolderAnswer,
    Member, Period, ReviewerCard, Rules, Sitting, TableAsk, Training, Vote, Way, rules::FieldKind,
};
use policies::keys::SecretBytes;
use policies::passkey::{Enrolment, RelyingParty, SoftwareAuthenticator};

use super::super::*;

/// The signer's surroundings: key folders, and the people with their passkeys.
pub(super) struct World {
    pub(super) dir: tempfile::TempDir,
    pub(super) portal: SigningKey,
    seed: SecretBytes,
}

pub(super) fn now() -> Timestamp {
    "2026-11-21T03:00:00Z".parse().unwrap()
}

fn actor(user: &str, role: Role, seats: &[&str], holds: &[&str]) -> Actor {
    Actor {
        user: user.parse().unwrap(),
        affiliation: format!("{user}'s").parse().unwrap(),
        roles: BTreeSet::from([role]),
        seats: seats.iter().map(|seat| (*seat).to_owned()).collect(),
        holds: holds.iter().map(|source| source.parse().unwrap()).collect(),
    }
}

pub(super) fn pi() -> Actor {
    actor("pi", Role::Researcher, &[], &[])
}

pub(super) fn co() -> Actor {
    actor("co", Role::Researcher, &[], &[])
}

pub(super) fn office() -> Actor {
    actor("office", Role::Secretariat, &[], &[])
}

pub(super) fn chair() -> Actor {
    actor("chair", Role::Chair, &[], &[])
}

fn steward() -> Actor {
    actor("steward", Role::Steward, &[], &["ndb"])
}

/// Who answers for a source that must consent.
fn keeper() -> Actor {
    actor("keeper", Role::Steward, &[], &["registry"])
}

pub(super) fn reviewers() -> [Actor; 4] {
    [("r1", "patients"), ("r2", "law"), ("r3", "security"), ("r4", "epidemiology")]
        .map(|(user, seat)| actor(user, Role::Reviewer, &[seat], &[]))
}

/// Somebody who calls herself a reviewer for epidemiology, wherever she is enrolled.
pub(super) fn self_styled(user: &str) -> Actor {
    actor(user, Role::Reviewer, &["epidemiology"], &[])
}

/// The signing desk.
fn party() -> RelyingParty {
    RelyingParty::localhost("http", 8080).elsewhere("http://localhost:8091").unwrap()
}

/// Signs an act with a passkey, whoever's it is.
pub(super) fn sign(record: &mut EventRecord, passkey: &SoftwareAuthenticator) {
    record.signature = Some(passkey.assert(&record.challenge().unwrap(), &party()));
}

impl World {
    /// Everybody is enrolled: eve as a researcher, r5 as a reviewer without a seat.
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        KeyFolder::init(&dir.path().join("permit"), Zone::Permit, now()).unwrap();
        let portal = KeyFolder::init(&dir.path().join("portal"), Zone::Portal, now()).unwrap().signing("sign").unwrap();
        let world = Self { dir, portal, seed: SecretBytes::generate() };
        world.enrol(&Self::everybody());
        world
    }

    pub(super) fn everybody() -> Vec<Actor> {
        let others = [actor("eve", Role::Researcher, &[], &[]), actor("r5", Role::Reviewer, &[], &[])];
        let named = [pi(), co(), office(), chair(), steward(), keeper()];
        named.into_iter().chain(reviewers()).chain(others).collect()
    }

    /// Puts just these people into the signer's registry.
    pub(super) fn enrol(&self, people: &[Actor]) {
        let enrolment = |person: &Actor| {
            let passkey = self.passkey(person);
            Enrolment {
                user: person.user.clone(),
                roles: person.roles.clone(),
                seats: person.seats.clone(),
                holds: person.holds.clone(),
                affiliation: person.affiliation.clone(),
                relying_party: party(),
                credential: passkey.credential().clone(),
                key: passkey.key(),
            }
        };
        let active: Vec<Enrolment> = people.iter().map(enrolment).collect();
        fs::create_dir_all(self.path("store")).unwrap();
        let registry = serde_json::json!({ "active": active, "retired": [] });
        policies::durable::replace(&self.path("store/keyring.json"), registry.to_string().as_bytes()).unwrap();
    }

    pub(super) fn passkey(&self, person: &Actor) -> SoftwareAuthenticator {
        SoftwareAuthenticator::of(&self.seed, &person.user)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) fn open(&self) -> Signer {
        let portal = self.path("portal").join("public/sign.pub");
        Signer::open(&self.path("permit"), &portal, &self.path("store"), &self.path("audit")).unwrap()
    }

    pub(super) fn permit_key(&self) -> VerifyingKey {
        VerifyingKey::read(&self.path("permit").join("public/permit.pub")).unwrap()
    }

    pub(super) fn request(&self, records: &[EventRecord]) -> String {
        let request = PermitRequest { records: records.to_vec(), until: None, portal_head: None };
        jws::sign(jws::EVENTS, &request, &self.portal).unwrap()
    }

    pub(super) fn revoke(&self, signer: &Signer, what: Revoked) -> Result<(), SignerError> {
        let revocation = Revocation { what, reason: "違反".to_owned(), by: "office".parse().unwrap() };
        signer.revoke(&jws::sign(REVOCATION, &revocation, &self.portal).unwrap(), now())
    }

    /// What the engine is told now.
    pub(super) fn status(&self, signer: &Signer) -> StatusDocument {
        jws::verify(jws::STATUS, &signer.status(now()).unwrap(), &self.permit_key()).unwrap()
    }

    /// `records` with more acts, each signed by its own actor where it must be. Nobody asks the rules.
    pub(super) fn go_on(&self, records: &[EventRecord], steps: Vec<(Actor, Event)>) -> Vec<EventRecord> {
        let application = records.first().unwrap().application.clone();
        self.written(&application, records.to_vec(), steps)
    }

    fn written(
        &self,
        application: &ApplicationId,
        mut records: Vec<EventRecord>,
        steps: Vec<(Actor, Event)>,
    ) -> Vec<EventRecord> {
        for (by, event) in steps {
            let passkey = event.must_be_signed().then(|| self.passkey(&by));
            let mut record = EventRecord::after(application, records.last(), Draft { at: now(), by, event });
            if let Some(passkey) = passkey {
                sign(&mut record, &passkey);
            }
            records.push(record);
        }
        records
    }

    /// A granted application with two members who pledged.
    pub(super) fn history(&self, application: &str, project: &str) -> Vec<EventRecord> {
        self.judged(application, content(project), &reviewers(), Some(true))
    }

    /// The same of other content, before other reviewers, and with this consent of the source that is asked for it.
    pub(super) fn judged(
        &self,
        application: &str,
        content: Content,
        reviewers: &[Actor; 4],
        consent: Option<bool>,
    ) -> Vec<EventRecord> {
        let training = Training { course: "情報倫理".to_owned(), until: date(2027, 3, 31), sha256: None };
        let members = [pi(), co()];
        let mut steps = vec![(pi(), Event::Drafted { content })];
        steps.extend(members.clone().map(|member| (member, Event::MemberJoined { training: training.clone() })));
        steps.extend([
            (pi(), Event::Submitted {}),
            (
                office(),
                Event::Accepted { checklist: Rules::current().checklist.iter().map(|line| line.id.clone()).collect() },
            ),
            (steward(), answer("H1-ndb", None)),
        ]);
        steps.extend(consent.map(|consent| (keeper(), answer("H1-registry", Some(consent)))));
        steps.push((office(), Event::ReviewersAssigned { reviewers: reviewers.iter().map(card).collect() }));
        let judges = || reviewers.iter().cloned().chain([chair()]);
        steps.extend(judges().map(|judge| (judge, Event::InterestDeclared { conflict: None })));
        let sitting = Sitting { on: date(2026, 11, 21), way: Way::Meeting };
        steps.push((office(), Event::Scheduled { sitting }));
        let vote = || Vote { ballot: Ballot::For, comment: String::new() };
        steps.extend(reviewers.iter().map(|reviewer| (reviewer.clone(), Event::VoteCast { vote: vote() })));
        steps.push((chair(), decided(Decision::Granted {})));
        let version = &Rules::current().pledge.version;
        steps.extend(members.map(|member| (member, Event::PledgeSigned { version: version.clone() })));
        self.written(&application.parse().unwrap(), Vec::new(), steps)
    }
}

/// Content that asks for nothing of a source that must consent.
pub(super) fn plain(project: &str) -> Content {
    let mut content = content(project);
    content.datasets.remove("registry");
    content
}

/// A decision with a finding for each criterion.
pub(super) fn decided(decision: Decision) -> Event {
    let finding = || Finding { fulfilment: Fulfilment::Met, reason: "十分".to_owned() };
    let findings = Rules::current().criterion_ids().map(|criterion| (criterion.to_owned(), finding())).collect();
    Event::Decided { decision, findings }
}

fn answer(request: &str, consent: Option<bool>) -> Event {
    let answer = HolderAnswer { consent, text: "審査した".to_owned() };
    Event::HolderAnswered { request: request.to_owned(), answer }
}

fn card(reviewer: &Actor) -> (policies::UserId, ReviewerCard) {
    let card = ReviewerCard {
        affiliation: reviewer.affiliation.clone(),
        seats: reviewer.seats.clone(),
        coauthors: BTreeMap::new(),
    };
    (reviewer.user.clone(), card)
}

pub(super) fn content(project: &str) -> Content {
    let member = |who: Actor| {
        let networks = BTreeSet::from(["192.0.2.0/24".parse().unwrap()]);
        let place = "大学A 3号館".to_owned();
        (who.user, Member { affiliation: who.affiliation, place, country: "JP".to_owned(), networks })
    };
    let ask = |table: &str, columns: &[&str]| {
        let columns = columns.iter().map(|column| (*column).to_owned()).collect();
        let tables = BTreeMap::from([(table.to_owned(), TableAsk { columns, reason: "必要".to_owned() })]);
        DatasetAsk { release: "2026.1".to_owned(), tables }
    };
    let said = |field: &policies::application::rules::FormField| match field.kind {
        FieldKind::Choice => field.options[0].id.clone(),
        FieldKind::Confirm => "yes".to_owned(),
        FieldKind::Line | FieldKind::Text => "説明".to_owned(),
    };
    Content {
        project: Some(project.parse().unwrap()),
        title: "t".to_owned(),
        applicant_kind: Some(ApplicantKind::University),
        answers: Rules::current().form.fields().map(|field| (field.id.clone(), said(field))).collect(),
        members: [pi(), co()].map(member).into(),
        datasets: BTreeMap::from([
            ("ndb".to_owned(), ask("ndb.claims", &["sex", "prefecture"])),
            ("registry".to_owned(), ask("registry.cases", &["stage"])),
        ]),
        period: Period::new(date(2026, 11, 1), date(2027, 10, 31)),
        ethics: Some(Ethics {
            board: "大学A".to_owned(),
            number: "2026-12".to_owned(),
            approved_on: date(2026, 10, 1),
            until: date(2028, 9, 30),
        }),
        ..Content::default()
    }
}
