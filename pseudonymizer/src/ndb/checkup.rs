//! 特定健診 and 特定保健指導 as CDA XML: a document a person and examination or report. Only the paths that the layouts list are
//! read; names of doctors, texts and addresses are passed over (formats.md 8.1).

use std::cell::{Cell, RefCell};
use std::io::{self, BufRead, Read};
use std::path::Path;

pub(crate) mod archive;
mod examination;
mod header;
mod items;
mod paths;
pub(crate) mod table;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use crate::intake::Intake;
use crate::job::PseudonymizeError;
use crate::layout::Layout;
use crate::report::Reason;
pub(crate) use examination::home;
pub(crate) use header::Header;
pub(crate) use items::Items;
use paths::{Node, Paths, State, What};

/// Deepest nesting that is read; the schema needs about 20 levels.
const DEPTH_MAX: usize = 64;

/// Longest tag or run of text that is read, in bytes: what is longer cannot fill the memory.
const EVENT_MAX: usize = 1024 * 1024;

/// Reads a file: one document, or several one behind the other or under one root.
pub(crate) fn read(from: &mut dyn BufRead, intake: &mut Intake<'_>, path: &Path) -> Result<(), PseudonymizeError> {
    let Some(mut walk) = Walk::of(intake.layout("ndb-checkup-xml"), intake.layout("ndb-guidance-xml")) else {
        intake.note(Reason::FileUnknown);
        return Ok(());
    };
    documents(&mut walk, from, intake, path)
}

/// Reads the documents of a file, or of an archive's entry.
fn documents(
    walk: &mut Walk,
    from: &mut dyn BufRead,
    intake: &mut Intake<'_>,
    path: &Path,
) -> Result<(), PseudonymizeError> {
    walk.begin();
    let (left, seen) = (Cell::new(EVENT_MAX), RefCell::new(Vec::new()));
    let mut reader = Reader::from_reader(Bounded { inner: from, left: &left, seen: &seen });
    let (mut buffer, before) = (Vec::new(), intake.file.bytes);
    loop {
        buffer.clear();
        left.set(EVENT_MAX);
        let event = match reader.read_event_into(&mut buffer) {
            Ok(event) => event,
            Err(quick_xml::Error::Io(cause)) if cause.kind() != io::ErrorKind::InvalidData => {
                let cause = io::Error::from(cause.kind());
                return Err(PseudonymizeError::Io { path: path.to_owned(), cause });
            }
            // What is no XML cannot be read on: the rest of the file is left.
            Err(_) => return broken(intake, &seen),
        };
        intake.file.bytes = before.saturating_add(reader.buffer_position());
        let ended = match event {
            Event::Eof if walk.base.is_some() => return broken(intake, &seen),
            Event::Eof => return Ok(()),
            // A document type could name entities; none is ever needed.
            Event::DocType(_) => return broken(intake, &seen),
            Event::Start(element) => {
                walk.open(&element);
                false
            }
            Event::Empty(element) => {
                walk.open(&element);
                walk.close()
            }
            Event::End(_) => walk.close(),
            Event::Text(text) => walk.text(&text.xml_content(XmlVersion::Implicit1_0)),
            Event::CData(text) => walk.text(&text.xml_content(XmlVersion::Implicit1_0)),
            Event::GeneralRef(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => false,
        };
        if walk.stack.len() > DEPTH_MAX {
            return broken(intake, &seen);
        }
        if ended {
            intake.read_one();
            if let Some(reason) = walk.write(intake)? {
                intake.put_aside(intake.file.records, reason, &seen.borrow())?;
            }
            seen.borrow_mut().clear();
        }
    }
}

/// Puts aside what was read of a document that cannot be read to its end.
fn broken(intake: &mut Intake<'_>, seen: &RefCell<Vec<u8>>) -> Result<(), PseudonymizeError> {
    intake.put_aside(intake.file.records.saturating_add(1), Reason::RecordForm, &seen.borrow())
}

/// A reader that gives up when one event takes too many bytes.
struct Bounded<'a> {
    inner: &'a mut dyn BufRead,
    left: &'a Cell<usize>,
    /// The bytes of the document at hand, for quarantine.
    seen: &'a RefCell<Vec<u8>>,
}

impl Read for Bounded<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let room = into.len().min(self.left.get());
        let read = self.inner.read(into.get_mut(..room).unwrap_or_default())?;
        self.left.set(self.left.get().saturating_sub(read));
        Ok(read)
    }
}

impl BufRead for Bounded<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left.get() == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, used: usize) {
        let mut seen = self.seen.borrow_mut();
        if let Ok(available) = self.inner.fill_buf() {
            let room = EVENT_MAX.saturating_sub(seen.len()).min(used);
            seen.extend_from_slice(available.get(..room).unwrap_or_default());
        }
        self.left.set(self.left.get().saturating_sub(used));
        self.inner.consume(used);
    }
}

/// What a layout gathers of a document.
struct Part {
    header: Header,
    items: Items,
}

impl Part {
    fn of(layout: &Layout) -> Option<Self> {
        Some(Self { header: Header::of(layout.record("ClinicalDocument")?), items: Items::of(layout) })
    }

    fn take(&mut self, what: What, value: &str) {
        match what {
            What::Header(place) => self.header.set(place, value),
            What::ItemCode => self.items.code(value),
            What::Null => self.items.null(),
            What::Value => self.items.number(value),
            What::ValueCode => self.items.coded(value),
            What::Section => {}
        }
    }
}

/// Where the reader is, and what it has gathered: for the layout of checkups, and for that of guidance.
struct Walk {
    paths: Paths,
    parts: [Part; 2],
    stack: Vec<State>,
    /// Elements around the document that is open.
    base: Option<usize>,
    text: String,
    section: String,
}

impl Walk {
    fn of(checkup: Option<&Layout>, guidance: Option<&Layout>) -> Option<Self> {
        let layouts = [checkup?, guidance?];
        Some(Self {
            paths: Paths::of(&layouts),
            parts: [Part::of(layouts[0])?, Part::of(layouts[1])?],
            stack: Vec::new(),
            base: None,
            text: String::new(),
            section: String::new(),
        })
    }

    /// Forgets an element that a file before has left open.
    fn begin(&mut self) {
        self.stack.clear();
        self.base = None;
    }

    fn open(&mut self, element: &BytesStart<'_>) {
        let name = element.local_name();
        let above = self.stack.last().copied().unwrap_or_default();
        let state = match (self.base, name.as_ref()) {
            (None, "ClinicalDocument") => {
                self.base = Some(self.stack.len());
                self.section.clear();
                for part in &mut self.parts {
                    part.header.clear();
                    part.items.clear();
                }
                self.paths.root()
            }
            (None, _) => State::default(),
            (Some(_), name) => self.paths.step(above, name),
        };
        self.stack.push(state);
        let Some(node) = self.paths.node(state) else { return };
        if node.is_observation {
            self.parts.iter_mut().for_each(|part| part.items.begin());
        }
        if !node.text.is_empty() {
            self.text.clear();
        }
        if !node.leaves.is_empty() {
            attributes(element, node, &mut self.parts, &mut self.section);
        }
    }

    /// Never ends a document.
    fn text(&mut self, part: &str) -> bool {
        let node = self.stack.last().and_then(|state| self.paths.node(*state));
        if node.is_some_and(|node| !node.text.is_empty()) && self.text.len() < EVENT_MAX {
            self.text.push_str(part);
        }
        false
    }

    /// Whether a document ends with this element.
    fn close(&mut self) -> bool {
        let Some(state) = self.stack.pop() else { return false };
        if let Some(node) = self.paths.node(state) {
            for target in &node.text {
                if let Some(part) = self.parts.get_mut(target.part) {
                    part.take(target.what, &self.text);
                }
            }
            if !node.text.is_empty() {
                self.text.clear();
            }
            if node.is_observation {
                self.parts.iter_mut().for_each(|part| part.items.end());
            }
        }
        let ended = self.base == Some(self.stack.len());
        if ended {
            self.base = None;
        }
        ended
    }

    /// Writes the rows of the document that has ended. The reason why it must be put aside, if so.
    fn write(&self, intake: &mut Intake<'_>) -> Result<Option<Reason>, PseudonymizeError> {
        let [checkup, guidance] = &self.parts;
        match (checkup.header.code("category").as_deref(), guidance.header.code("category").as_deref()) {
            (Some(category), _) => examination::write(&checkup.header, &checkup.items, category == "deletion", intake),
            (None, Some(category)) => super::guidance::write(&guidance.header, &guidance.items, Some(category), intake),
            (None, None) => {
                intake.note(Reason::RecordUncarried);
                Ok(None)
            }
        }
    }
}

/// Hands the wanted attributes of an element to those who want them.
fn attributes(element: &BytesStart<'_>, node: &Node, parts: &mut [Part; 2], section: &mut String) {
    let mut found = [const { None }; ATTRIBUTES_MAX];
    for attribute in element.attributes().flatten() {
        let name = attribute.key.local_name();
        let place = node.attributes.iter().position(|own| **own == *name.as_ref());
        if let Some(slot) = place.and_then(|place| found.get_mut(place)) {
            *slot = attribute.normalized_value(XmlVersion::Implicit1_0).ok();
        }
    }
    let value = |place: usize| found.get(place).and_then(Option::as_deref);
    for leaf in &node.leaves {
        let fits = leaf.only.as_ref().is_none_or(|(place, wanted)| value(*place) == Some(wanted))
            && leaf.section.as_deref().is_none_or(|wanted| wanted == section);
        let Some(value) = value(leaf.attribute).filter(|_| fits) else { continue };
        if leaf.target.what == What::Section {
            section.clear();
            section.push_str(value.get(..value.len().min(20)).unwrap_or_default());
        } else if let Some(part) = parts.get_mut(leaf.target.part) {
            part.take(leaf.target.what, value);
        }
    }
}

/// Most attributes of one element that paths ask for.
const ATTRIBUTES_MAX: usize = 8;
