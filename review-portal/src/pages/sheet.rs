//! `GET /applications/{application}/sheet`: 審査概要票, one page for those who judge, made by machine.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::civil::Date;
use policies::UserId;
use policies::access::Relation;
use policies::application::{Application, Content, Decision, HolderRequest, Problem, Rules, Shell, day_of};
use policies::permit::{RowFilter, Tier};

use super::application::shell::Columns;
use super::meeting::{answer_of, conditions, reason};
use crate::access::{Allowed, Read, relation};
use crate::accounts;
use crate::application::every;
use crate::catalog::{self, Dataset};
use crate::dates::Moment;
use crate::error::PortalError;
use crate::pages::page;
use crate::portal::Portal;
use crate::precedents::{Precedent, precedents};
use crate::visit::{Frame, name};

/// Precedents on one sheet.
const PRECEDENTS_MAX: usize = 8;

/// 項目区分 in the order of the sheet: what tells of a person's health first, then what may tell who the person is.
const CLASSES: [&str; 3] = ["sensitive", "quasi", "key"];

#[derive(Template)]
#[template(path = "sheet/show.html")]
struct SheetPage<'a> {
    frame: Frame,
    state: &'a Application,
    content: &'a Content,
    /// Columns asked for, and those of each class that needs an eye: class, columns with their labels.
    asked: usize,
    classes: Vec<(&'static str, Vec<Column>)>,
    names: BTreeMap<UserId, String>,
    precedents: Vec<Precedent>,
}

struct Column {
    name: String,
    label: String,
}

/// `GET /applications/{application}/sheet`
pub(crate) async fn show(allowed: Allowed<Read>, State(portal): State<Portal>) -> Result<Response, PortalError> {
    let state = allowed.application()?;
    let today = day_of(portal.now());
    // What holders say and what was decided elsewhere is for those who judge.
    if matches!(relation(state, &allowed.user, today), Relation::Applicant | Relation::Member) {
        return Err(PortalError::Forbidden);
    }
    let content = state.content().ok_or(PortalError::NotFound)?;
    let frame = allowed.visit.frame(&portal);
    let people = accounts::list(&portal.db).await?;
    let others = every(&portal).await?;
    let classes = classes(&frame, content, &catalog::list(&portal.db).await?);
    page(&SheetPage {
        asked: content.datasets.values().flat_map(|ask| ask.tables.values()).map(|ask| ask.columns.len()).sum(),
        classes,
        names: people.iter().map(|user| (user.id.clone(), name(user, frame.language))).collect(),
        precedents: precedents(&state.id, content, others.iter().map(|listed| &listed.state), PRECEDENTS_MAX),
        state,
        content,
        frame,
    })
}

/// The columns asked for of each class, with the catalog's labels; those that the catalog does not know stand at the end.
fn classes(frame: &Frame, content: &Content, catalog: &[Dataset]) -> Vec<(&'static str, Vec<Column>)> {
    let mut known: BTreeMap<(&str, &str, &str), (&str, &str)> = BTreeMap::new();
    for dataset in catalog {
        let asked = content.datasets.get(&dataset.id).map(|ask| ask.release.as_str());
        let release = dataset.releases.iter().find(|release| Some(release.version.as_str()) == asked);
        for table in release.iter().flat_map(|release| &release.tables) {
            for variable in &table.variables {
                let label = if frame.is_ja() { &variable.label_ja } else { &variable.label_en };
                known.insert((&dataset.id, &table.name, &variable.name), (&variable.class, label));
            }
        }
    }
    let mut by_class: BTreeMap<&str, Vec<Column>> = BTreeMap::new();
    for (dataset, ask) in &content.datasets {
        for (table, ask) in &ask.tables {
            for column in &ask.columns {
                let (class, label) = known.get(&(dataset, table, column)).copied().unwrap_or(("unknown", ""));
                let column = Column { name: format!("{table}.{column}"), label: label.to_owned() };
                by_class.entry(class).or_default().push(column);
            }
        }
    }
    let mut shown: Vec<_> =
        CLASSES.into_iter().map(|class| (class, by_class.remove(class).unwrap_or_default())).collect();
    shown.extend(by_class.remove("unknown").map(|columns| ("unknown", columns)));
    shown
}

impl SheetPage<'_> {
    fn columns(&self, shell: &Shell) -> Columns {
        Columns::of(&self.frame, shell)
    }

    fn day(&self, day: impl Borrow<Date>) -> Moment {
        self.frame.day(*day.borrow())
    }

    fn name(&self, user: &UserId) -> String {
        self.names.get(user).cloned().unwrap_or_else(|| user.to_string())
    }

    fn lane(&self) -> Option<&'static str> {
        Some(self.state.round.as_ref()?.lane(Rules::current()).as_str())
    }

    fn tier(&self) -> &'static str {
        match self.content.tier {
            Tier::Anonymized => "anonymized",
            Tier::Pseudonymized => "pseudonymized",
        }
    }

    /// A restriction of rows in one line.
    fn row(&self, filter: &RowFilter) -> String {
        let mut words = Vec::new();
        if !filter.any_of.is_empty() {
            let values: Vec<_> = filter.any_of.iter().map(String::as_str).collect();
            words.push(format!("= {}", values.join(", ")));
        }
        words.extend(filter.from.as_ref().map(|from| format!("≥ {from}")));
        words.extend(filter.to.as_ref().map(|to| format!("≤ {to}")));
        words.join(self.frame.say("sheet.and").as_str())
    }

    /// Parts that differ from what had been handed in, or was granted, before; none for a first version.
    fn changes(&self) -> Option<Vec<String>> {
        let round = self.state.round.as_ref()?;
        let before = round.before.as_ref().or(round.granted.as_ref())?;
        let part = |field: &String| {
            let (ja, en) = Problem::name_of(field);
            if self.frame.is_ja() { ja } else { en }
        };
        Some(before.changes(&round.content).iter().map(part).collect())
    }

    fn holders(&self) -> Vec<(String, String, String)> {
        let line = |request: &HolderRequest| {
            let (word, text) = answer_of(&self.frame, request);
            (request.dataset.to_uppercase(), word, text)
        };
        self.state.round.iter().flat_map(|round| round.holders.values()).map(line).collect()
    }

    fn overlap(&self, precedent: &Precedent) -> String {
        let words = self.frame.say("sheet.overlap").replace("{n}", &precedent.shared.len().to_string());
        words.replace("{of}", &precedent.asked.to_string())
    }

    fn conditions(decision: &Decision) -> Vec<String> {
        conditions(decision)
    }

    fn reason(decision: &Decision) -> Option<&str> {
        reason(decision)
    }
}
