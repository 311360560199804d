//! The people of the demo, one a role at least.

use std::collections::BTreeSet;

use policies::{Role, SourceId};

/// A person of the demo.
pub(super) struct Person {
    /// Short name in `demo.json`.
    pub(super) short: &'static str,
    /// Sign-in name.
    pub(super) user: &'static str,
    pub(super) name_ja: &'static str,
    pub(super) name_en: &'static str,
    pub(super) organisation: &'static str,
    pub(super) roles: &'static [Role],
}

const fn person(
    short: &'static str,
    user: &'static str,
    names: (&'static str, &'static str),
    organisation: &'static str,
    roles: &'static [Role],
) -> Person {
    Person { short, user, name_ja: names.0, name_en: names.1, organisation, roles }
}

impl Person {
    /// Seats of the committee that the person fills (`policies/committee/`).
    pub(super) fn seats(&self) -> BTreeSet<String> {
        let seats: &[&str] = match self.short {
            "reviewer1" => &["law", "patients"],
            "reviewer2" => &["epidemiology", "security"],
            _ => &[],
        };
        seats.iter().map(|seat| (*seat).to_owned()).collect()
    }

    /// Sources that the person speaks for as their holder: a steward's own.
    pub(super) fn holds(&self) -> BTreeSet<SourceId> {
        self.short.strip_prefix("steward-").and_then(|source| source.parse().ok()).into_iter().collect()
    }
}

/// All of them. Names and organisations are made up.
pub(super) const PEOPLE: [Person; 14] = [
    person("researcher", "researcher@univ-a.example", ("研究 一郎", "Ichiro Kenkyu"), "univ-a", &[Role::Researcher]),
    person("researcher2", "researcher2@univ-b.example", ("研究 二葉", "Futaba Kenkyu"), "univ-b", &[Role::Researcher]),
    person("reviewer1", "reviewer1@committee.example", ("審査 花", "Hana Shinsa"), "committee", &[Role::Reviewer]),
    person("reviewer2", "reviewer2@committee.example", ("審査 月", "Tsuki Shinsa"), "committee", &[Role::Reviewer]),
    person("chair", "chair@committee.example", ("委員 長", "Osa Iin"), "committee", &[Role::Chair, Role::Reviewer]),
    person("secretariat", "secretariat@office.example", ("事務 局子", "Kyoko Jimu"), "office", &[Role::Secretariat]),
    person("checker1", "checker1@office.example", ("持出 確", "Kaku Mochidashi"), "office", &[Role::OutputChecker]),
    person("checker2", "checker2@office.example", ("持出 認", "Nin Mochidashi"), "office", &[Role::OutputChecker]),
    person("steward-ndb", "steward-ndb@holder.example", ("管理 納", "Osamu Kanri"), "ndb", &[Role::Steward]),
    person("steward-ltc", "steward-ltc@holder.example", ("管理 介", "Suke Kanri"), "ltc", &[Role::Steward]),
    person("steward-dpc", "steward-dpc@holder.example", ("管理 診", "Shin Kanri"), "dpc", &[Role::Steward]),
    person("steward-ehr", "steward-ehr@holder.example", ("管理 電", "Den Kanri"), "ehr", &[Role::Steward]),
    person(
        "steward-registry",
        "steward-registry@holder.example",
        ("管理 感", "Kan Kanri"),
        "registry",
        &[Role::Steward],
    ),
    person("auditor", "auditor@audit.example", ("監査 実", "Minoru Kansa"), "audit", &[Role::Auditor]),
];
