//! `GET /applications/{application}/sheet` and `…/sheet.pdf`: 審査概要票, one page for those who judge, made by machine.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use policies::UserId;
use policies::access::Relation;
use policies::application::{Application, Content, Period, Problem, Rules, Shell, day_of};
use policies::permit::{RowFilter, Tier};

use super::application::shell::Columns;
use super::document::{Around, dotted, mark, printed, shown};
use super::meeting::{conditions, holders, reason};
use crate::access::{Allowed, Read, relation};
use crate::accounts;
use crate::catalog::{self, Dataset};
use crate::dates;
use crate::documents::{Block, Document, Fact, Span, Table, Words};
use crate::error::PortalError;
use crate::portal::Portal;
use crate::precedents::{Precedent, precedents};
use crate::visit::{Frame, name};

/// Precedents on one sheet.
const PRECEDENTS_MAX: usize = 8;

/// 項目区分 in the order of the sheet: what tells of a person's health first, then what may tell who the person is.
const CLASSES: [&str; 3] = ["sensitive", "quasi", "key"];

/// What the sheet is made from.
struct Sheet<'a> {
    frame: &'a Frame,
    state: &'a Application,
    content: &'a Content,
    /// Columns of each class that needs an eye: class, columns with their labels.
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
    let document = sheet(&portal, &allowed).await?;
    let around = Around::application(&allowed.application()?.id, "sheet.pdf");
    shown(allowed.visit.frame(&portal), document, around)
}

/// `GET /applications/{application}/sheet.pdf`
pub(crate) async fn paper(allowed: Allowed<Read>, State(portal): State<Portal>) -> Result<Response, PortalError> {
    let document = sheet(&portal, &allowed).await?;
    printed(document, &format!("sheet-{}", allowed.application()?.id)).await
}

async fn sheet(portal: &Portal, allowed: &Allowed<Read>) -> Result<Document, PortalError> {
    let state = allowed.application()?;
    let today = day_of(portal.now());
    // What holders say and what was decided elsewhere is for those who judge.
    if matches!(relation(state, &allowed.user, today), Relation::Applicant | Relation::Member) {
        return Err(PortalError::Forbidden);
    }
    let content = state.content().ok_or(PortalError::NotFound)?;
    let frame = &allowed.visit.frame(portal);
    let people = accounts::list(&portal.db).await?;
    let precedents = precedents(&portal.db, &state.id, content, PRECEDENTS_MAX).await?;
    let sheet = Sheet {
        classes: classes(frame, content, &catalog::list(&portal.db).await?),
        names: people.iter().map(|user| (user.id.clone(), name(user, frame.language))).collect(),
        precedents,
        state,
        content,
        frame,
    };
    Ok(sheet.document())
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

impl Sheet<'_> {
    fn document(&self) -> Document {
        let frame = self.frame;
        let mut blocks = vec![
            Block::Facts(self.facts()),
            Block::heading(frame.say("sheet.precedents")),
            Block::text(frame.say("sheet.precedents.text")),
        ];
        blocks.push(self.precedents());
        Document {
            language: frame.lang(),
            kind: frame.say("sheet.title"),
            title: self.content.title.clone(),
            number: self.state.id.to_string(),
            date: dates::formal(dates::today(frame.now), frame.language),
            letterhead: None,
            blocks,
            mark: mark(frame),
        }
    }

    fn facts(&self) -> Vec<Fact> {
        let (frame, content) = (self.frame, self.content);
        let fact = |key: &str, blocks| Fact::new(frame.say(key), blocks);
        let mut facts = vec![
            fact("field.applicant-kind", vec![Block::Text(self.kind())]),
            fact("field.members", vec![self.members()]),
            fact("field.period", content.period.iter().map(|period| self.period(period)).collect()),
            fact("field.tier", vec![Block::Text(self.tier())]),
            fact("field.datasets", vec![Block::Text(self.datasets())]),
        ];
        let class = |(class, columns): &(&'static str, Vec<Column>)| {
            let line =
                |column: &Column| vec![Span::Code(column.name.clone()), Span::text(format!(" {}", column.label))];
            Fact::new(frame.say_of("sheet.class", class), vec![self.or_none(columns.iter().map(line).collect())])
        };
        facts.extend(self.classes.iter().map(class));
        facts.extend([
            fact("sheet.rows", vec![self.rows()]),
            fact("sheet.shells", vec![self.shells()]),
            fact("review.changes", vec![self.changed()]),
        ]);
        let asked: Vec<_> = self.state.round.iter().flat_map(|round| round.holders.values()).collect();
        facts.extend((!asked.is_empty()).then(|| fact("review.holders", vec![holders(frame, asked)])));
        facts
    }

    fn kind(&self) -> Words {
        let kind = self.content.applicant_kind.as_ref();
        let kind = kind.map(|kind| self.frame.say_of("applicant-kind", kind.as_str()));
        let lane = self.state.round.as_ref().map(|round| round.lane(Rules::current()));
        let lane = lane.map(|lane| self.frame.say_of("lane", lane.as_str()));
        dotted(kind.into_iter().chain(lane).map(Span::Text))
    }

    fn members(&self) -> Block {
        let name = |user: &UserId| self.names.get(user).cloned().unwrap_or_else(|| user.to_string());
        Block::list(self.content.members.iter().map(|(user, member)| {
            let place = format!(" {} · {} · {}", member.affiliation, member.place, member.country);
            vec![Span::text(name(user)), Span::small(place)]
        }))
    }

    fn period(&self, period: &Period) -> Block {
        let [from, until] = [period.from, period.until].map(|day| Span::Time(self.frame.day(day)));
        Block::Text(vec![from, Span::text(" – "), until])
    }

    fn tier(&self) -> Words {
        let tier = match self.content.tier {
            Tier::Anonymized => "anonymized",
            Tier::Pseudonymized => "pseudonymized",
        };
        let grade = self.frame.say_of("grade", &self.content.grade.to_string());
        let profile = Span::Code(self.content.profile.clone());
        dotted([Span::text(self.frame.say_of("tier", tier)), Span::text(grade), profile])
    }

    fn datasets(&self) -> Words {
        let datasets = &self.content.datasets;
        let asked: usize = datasets.values().flat_map(|ask| ask.tables.values()).map(|ask| ask.columns.len()).sum();
        let names = datasets.iter().map(|(dataset, ask)| format!("{}/{} ", dataset.to_uppercase(), ask.release));
        let count = self.frame.say("sheet.columns").replace("{n}", &asked.to_string());
        vec![Span::text(names.collect::<String>()), Span::small(count)]
    }

    fn rows(&self) -> Block {
        let filters = &self.content.row_filter;
        if filters.is_empty() {
            return Block::text(self.frame.say("sheet.all-rows"));
        }
        let line =
            |filter: &RowFilter| vec![Span::Code(filter.column.clone()), Span::text(format!(" {}", self.row(filter)))];
        Block::list(filters.iter().map(line))
    }

    fn shells(&self) -> Block {
        let shells = &self.content.shells;
        if shells.is_empty() {
            return self.or_none(Vec::new());
        }
        let item = |shell: &Shell| {
            let columns = Columns::of(self.frame, shell);
            let mut words = vec![Span::text(&shell.title)];
            let column = |(name, kind): &(String, String)| {
                [Span::text(" "), Span::Code(name.clone()), Span::small(format!(" {kind}"))]
            };
            words.extend(columns.columns.iter().flat_map(column));
            words.extend(columns.is_open().then(|| Span::strong(format!(" {}", columns.word(self.frame)))));
            let sql = Block::Folded { title: "SQL".to_owned(), words: vec![Span::text(&shell.sql)] };
            vec![Block::Text(words), sql]
        };
        Block::List { is_numbered: true, items: shells.iter().map(item).collect() }
    }

    fn changed(&self) -> Block {
        match self.changes() {
            None => Block::text(self.frame.say("sheet.first")),
            Some(changes) if changes.is_empty() => Block::text(self.frame.say("sheet.unchanged")),
            Some(changes) => Block::list(changes.into_iter().map(|change| vec![Span::Text(change)])),
        }
    }

    fn or_none(&self, lines: Vec<Words>) -> Block {
        if lines.is_empty() { Block::text(self.frame.say("sheet.none")) } else { Block::list(lines) }
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

    fn precedents(&self) -> Block {
        let frame = self.frame;
        if self.precedents.is_empty() {
            let [title, words] = ["sheet.no-precedents", "sheet.no-precedents.text"].map(|key| frame.say(key));
            return Block::Empty { title, words };
        }
        let head = ["board.application", "meeting.decision", "sheet.shared"].map(|key| frame.say(key)).to_vec();
        let rows = self.precedents.iter().map(|precedent| self.precedent(precedent)).collect();
        Block::Table(Table { name: frame.say("sheet.precedents"), head, rows })
    }

    fn precedent(&self, precedent: &Precedent) -> Vec<Vec<Block>> {
        let frame = self.frame;
        let about = format!("\n{} · {}", precedent.id, frame.day_of(&precedent.at));
        let title = Block::Text(vec![Span::text(&precedent.title), Span::small(about)]);
        let decision = Span::strong(frame.say_of("decision", precedent.decision.as_str()));
        let mut decided = vec![Block::Text(vec![decision])];
        decided.extend(reason(&precedent.decision).map(Block::text));
        let conditions = conditions(&precedent.decision);
        if !conditions.is_empty() {
            decided.push(Block::list(conditions.into_iter().map(|condition| vec![Span::Text(condition)])));
        }
        let overlap = frame.say("sheet.overlap").replace("{n}", &precedent.shared.len().to_string());
        let overlap = overlap.replace("{of}", &precedent.asked.to_string());
        let which = precedent.shared.iter().flat_map(|column| [Span::Code(column.clone()), Span::text(" ")]);
        let which = Block::Folded { title: frame.say("sheet.which"), words: which.collect() };
        vec![vec![title], decided, vec![Block::text(overlap), which]]
    }
}
