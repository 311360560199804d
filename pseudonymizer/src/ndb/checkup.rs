//! 特定健診 as CDA XML: a document a person and examination. Only the paths named here are read; names of doctors, texts and
//! addresses are passed over (formats.md 8.1).

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::path::Path;

mod document;
mod items;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

use crate::intake::Intake;
use crate::job::PseudonymizeError;
use crate::report::Reason;
use document::Document;

/// Deepest nesting that is read; the schema needs about 20 levels.
const DEPTH_MAX: usize = 64;

/// Longest tag or run of text that is read, in bytes: what is longer cannot fill the memory.
const EVENT_MAX: usize = 1024 * 1024;

/// Reads a file: one document, or several one behind the other or under one root.
pub(crate) fn read(from: &mut dyn BufRead, intake: &mut Intake<'_>, path: &Path) -> Result<(), PseudonymizeError> {
    let left = Cell::new(EVENT_MAX);
    let mut reader = Reader::from_reader(Bounded { inner: from, left: &left });
    let mut walk = Walk::default();
    let mut buffer = Vec::new();
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
            Err(_) => return intake.put_aside(intake.file.records.saturating_add(1), Reason::RecordForm, b""),
        };
        intake.file.bytes = reader.buffer_position();
        match event {
            Event::Eof => return walk.end(intake),
            // A document type could name entities; none is ever needed.
            Event::DocType(_) => return intake.put_aside(1, Reason::RecordForm, b""),
            Event::Start(element) => walk.open(&element),
            Event::Empty(element) => {
                walk.open(&element);
                walk.close(intake)?;
            }
            Event::End(_) => walk.close(intake)?,
            Event::Text(text) => walk.text(&text.xml_content(XmlVersion::Implicit1_0)),
            Event::CData(text) => walk.text(&text.xml_content(XmlVersion::Implicit1_0)),
            Event::GeneralRef(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
        if walk.path.len() > DEPTH_MAX {
            return intake.put_aside(intake.file.records.saturating_add(1), Reason::RecordForm, b"");
        }
    }
}

/// A reader that gives up when one event takes too many bytes.
struct Bounded<'a> {
    inner: &'a mut dyn BufRead,
    left: &'a Cell<usize>,
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
        self.left.set(self.left.get().saturating_sub(used));
        self.inner.consume(used);
    }
}

/// Where the reader is, and what it has gathered.
#[derive(Default)]
struct Walk {
    path: Vec<String>,
    document: Option<Document>,
    text: String,
}

impl Walk {
    fn open(&mut self, element: &BytesStart<'_>) {
        let name = element.local_name().as_ref().to_owned();
        if name == "ClinicalDocument" {
            self.document = Some(Document::default());
        }
        self.path.push(name);
        self.text.clear();
        let Some(document) = &mut self.document else { return };
        let attribute = |wanted: &str| {
            let found =
                element.attributes().flatten().find(|attribute| attribute.key.local_name().as_ref() == wanted)?;
            found.normalized_value(XmlVersion::Implicit1_0).ok().map(std::borrow::Cow::into_owned)
        };
        document.open(&Steps(&self.path), &attribute);
    }

    fn text(&mut self, part: &str) {
        if self.document.is_some() && Steps(&self.path).wants_text() {
            self.text.push_str(part);
        }
    }

    fn close(&mut self, intake: &mut Intake<'_>) -> Result<(), PseudonymizeError> {
        let text = std::mem::take(&mut self.text);
        if let Some(document) = &mut self.document {
            document.close(&Steps(&self.path), text);
        }
        let closed = self.path.pop();
        match self.document.take_if(|_| closed.as_deref() == Some("ClinicalDocument")) {
            Some(document) => {
                intake.read_one();
                document.write(intake)
            }
            None => Ok(()),
        }
    }

    /// A document that the end of the file cuts short is put aside.
    fn end(self, intake: &mut Intake<'_>) -> Result<(), PseudonymizeError> {
        match self.document {
            Some(_) => intake.put_aside(intake.file.records.saturating_add(1), Reason::RecordForm, b""),
            None => Ok(()),
        }
    }
}

/// Names of the elements from the root to here.
struct Steps<'a>(&'a [String]);

impl Steps<'_> {
    /// Whether the last elements are these.
    fn end_with(&self, names: &[&str]) -> bool {
        let mut own = self.0.iter().rev();
        names.iter().rev().all(|name| own.next().is_some_and(|own| own == name))
    }

    fn wants_text(&self) -> bool {
        self.end_with(&["patientRole", "addr", "postalCode"])
            || self.end_with(&["patient", "name"])
            || self.end_with(&["patient", "name", "family"])
            || self.end_with(&["patient", "name", "given"])
    }
}
