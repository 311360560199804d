//! A document as PDF: one template of our own, the document's strings as data beside it, nothing else within reach.

use std::sync::LazyLock;
use std::time::Duration;

use serde::Deserialize as _;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use typst::diag::{FileError, FileResult};
use typst::foundations::{Bytes, Datetime, Dict, Duration as Offset, Smart};
use typst::syntax::{FileId, Source};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt as _, World};
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

use super::{Document, glyphs};

/// Documents that are set at once; the others wait.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// Longer than this nobody waits: for a place, and then for the document.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// Longest content, in bytes of its strings: some 200,000 Japanese characters, 100 sheets. Time grows with it.
const CONTENT_MAX: usize = 600_000;

static TEMPLATE: LazyLock<Source> = LazyLock::new(|| Source::detached(include_str!("../../documents/document.typ")));

/// The letters of the paper (static/VENDORED.md); a test sets a document in each.
static FONTS: LazyLock<Fonts> = LazyLock::new(|| {
    const REGULAR: &[u8] = include_bytes!("../../documents/vendor/noto-sans-jp/NotoSansJP-Regular.ttf");
    const SEMIBOLD: &[u8] = include_bytes!("../../documents/vendor/noto-sans-jp/NotoSansJP-SemiBold.ttf");
    let fonts: Vec<_> = [REGULAR, SEMIBOLD].into_iter().flat_map(|font| Font::iter(Bytes::new(font))).collect();
    Fonts { book: LazyHash::new(FontBook::from_fonts(&fonts)), fonts }
});

struct Fonts {
    book: LazyHash<FontBook>,
    fonts: Vec<Font>,
}

/// Why there is no paper.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PaperError {
    /// Others are being made.
    #[error("too many documents at once")]
    Busy,
    /// It took too long.
    #[error("the document takes too long")]
    Slow,
    /// The content is too long.
    #[error("the document is too long")]
    TooLong,
    /// The template and the content do not fit.
    #[error("the document cannot be set")]
    Unset,
}

/// Sets a document as PDF, tagged and with its letters, after PDF/UA-1 (ISO 14289-1) and PDF/A-2a (ISO 19005-2).
pub(crate) async fn print(document: Document) -> Result<Vec<u8>, PaperError> {
    let place = timeout(WAIT_MAX, AT_ONCE.acquire()).await.map_err(|_| PaperError::Busy)?;
    let place = place.map_err(|_| PaperError::Busy)?;
    // The place goes along: who stops waiting does not let another one in beside it.
    let setting = tokio::task::spawn_blocking(move || {
        let paper = set(&document);
        // What was typed by people stays in no cache.
        typst::comemo::evict(0);
        drop(place);
        paper
    });
    timeout(WAIT_MAX, setting).await.map_err(|_| PaperError::Slow)?.map_err(|_| PaperError::Unset)?
}

fn set(document: &Document) -> Result<Vec<u8>, PaperError> {
    let mut content = serde_json::to_value(document).map_err(|_| PaperError::Unset)?;
    glyphs::fit(&mut content, &covers);
    if size(&content) > CONTENT_MAX {
        return Err(PaperError::TooLong);
    }
    let inputs = Dict::deserialize(serde_json::json!({ "document": content })).map_err(|_| PaperError::Unset)?;
    let desk = Desk { library: LazyHash::new(Library::builder().with_inputs(inputs).build()) };
    let set = typst::compile(&desk).output.map_err(|_| PaperError::Unset)?;
    let standards = PdfStandards::new(&[PdfStandard::A_2a, PdfStandard::Ua_1]).map_err(|_| PaperError::Unset)?;
    let options = PdfOptions { creator: Smart::Custom(Some("Sudare".to_owned())), standards, ..PdfOptions::default() };
    typst_pdf::pdf(&set, &options).map_err(|_| PaperError::Unset)
}

fn covers(letter: char) -> bool {
    FONTS.fonts.iter().any(|font| font.info().coverage.contains(u32::from(letter)))
}

/// Bytes of all strings.
fn size(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Array(values) => values.iter().map(size).sum(),
        serde_json::Value::Object(fields) => fields.values().map(size).sum(),
        serde_json::Value::String(text) => text.len() + 1,
        serde_json::Value::Bool(_) | serde_json::Value::Null | serde_json::Value::Number(_) => 1,
    }
}

/// All that the template can see: itself, its data, two fonts. No file, no package, no clock.
struct Desk {
    library: LazyHash<Library>,
}

impl World for Desk {
    fn library(&self) -> &LazyHash<Library> {
        &self.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &FONTS.book
    }

    fn main(&self) -> FileId {
        TEMPLATE.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == TEMPLATE.id() { Ok(TEMPLATE.clone()) } else { Err(FileError::AccessDenied) }
    }

    fn file(&self, _: FileId) -> FileResult<Bytes> {
        Err(FileError::AccessDenied)
    }

    fn font(&self, index: usize) -> Option<Font> {
        FONTS.fonts.get(index).cloned()
    }

    fn today(&self, _: Option<Offset>) -> Option<Datetime> {
        None
    }
}
