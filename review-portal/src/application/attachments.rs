//! Documents that were handed in, each stored once under the hash of its bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use policies::application::{Application, Attachment};
use sha2::{Digest, Sha256};

use crate::database::Database;
use crate::error::PortalError;
use jiff::Timestamp;

/// The longest document in bytes.
pub(crate) const BYTES_MAX: usize = 10 * 1024 * 1024;

/// In whose last bytes the trailer must stand (PDF Reference 1.7, implementation note 18: within the last 1024 bytes).
const TRAILER_WITHIN: usize = 1024;

const NAME_MAX: usize = 120; // characters

/// Why a document is not taken: a word of the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    Empty,
    NotPdf,
    TooLarge,
    TooMany,
}

impl Unfit {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NotPdf => "not-pdf",
            Self::TooLarge => "too-large",
            Self::TooMany => "too-many",
        }
    }
}

/// Whether the bytes are a whole PDF, whatever their name says: header at the beginning, cross-reference and end at the end (ISO
/// 32000-1, 7.5.2 and 7.5.5).
pub(crate) fn check(bytes: &[u8]) -> Result<(), Unfit> {
    if bytes.is_empty() {
        return Err(Unfit::Empty);
    }
    if bytes.len() > BYTES_MAX {
        return Err(Unfit::TooLarge);
    }
    let end = bytes.get(bytes.len().saturating_sub(TRAILER_WITHIN)..).unwrap_or_default();
    let has = |mark: &[u8]| end.windows(mark.len()).any(|window| window == mark);
    if bytes.starts_with(b"%PDF-") && has(b"startxref") && has(b"%%EOF") { Ok(()) } else { Err(Unfit::NotPdf) }
}

/// Stores the bytes, unless they are there. Answers how the content names them.
pub(crate) async fn store(db: &Database, name: &str, bytes: &[u8], now: Timestamp) -> Result<Attachment, PortalError> {
    let sha256 = hex::encode(Sha256::digest(bytes));
    let insert = sqlx::query(
        "insert into attachment (sha256, body, created_at) values ($1, $2, $3) on conflict (sha256) do nothing",
    );
    let insert = insert.bind(sha256.as_str()).bind(STANDARD.encode(bytes)).bind(now.to_string());
    insert.execute(db.pool()).await?;
    let length = u64::try_from(bytes.len()).map_err(|_| PortalError::Stored)?;
    Ok(Attachment { sha256, name: plain(name), bytes: length })
}

/// The bytes of a document.
pub(crate) async fn bytes(db: &Database, sha256: &str) -> Result<Option<Vec<u8>>, PortalError> {
    let find = sqlx::query_scalar::<_, String>("select body from attachment where sha256 = $1");
    let body = find.bind(sha256).fetch_optional(db.pool()).await?;
    body.map(|body| STANDARD.decode(body).map_err(|_| PortalError::Stored)).transpose()
}

/// The document of that hash in what this application asks, asked before, or was granted.
pub(crate) fn named<'a>(state: &'a Application, sha256: &str) -> Option<&'a Attachment> {
    let round = state.round.iter();
    let asked = round.flat_map(|round| [Some(&round.content), round.before.as_ref(), round.granted.as_ref()]);
    let mut contents = asked.flatten().chain(state.usage.iter().map(|usage| &usage.content));
    contents.find_map(|content| content.attachments.iter().find(|file| file.sha256 == sha256))
}

/// A file's name without folders, control characters and what headers take for their own; it ends as a PDF's does.
fn plain(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let fits = |letter: &char| {
        // Marks that turn the direction of text hide a name's real end.
        let turns = matches!(*letter, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        !letter.is_control() && !turns && !"\"'<>:|?*;".contains(*letter)
    };
    let name: String = last.chars().filter(fits).take(NAME_MAX).collect();
    let name = name.trim().trim_start_matches('.');
    let bare = name.strip_suffix(".pdf").or_else(|| name.strip_suffix(".PDF")).unwrap_or(name);
    if bare.is_empty() { "document.pdf".to_owned() } else { format!("{bare}.pdf") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &[u8] = b"%PDF-1.7\n1 0 obj\nendobj\nstartxref\n9\n%%EOF\n";

    #[test]
    fn only_a_whole_pdf_is_one() {
        assert_eq!(check(WHOLE), Ok(()));
        assert_eq!(check(b""), Err(Unfit::Empty));
        assert_eq!(check(b"<html>%PDF-1.7 startxref %%EOF"), Err(Unfit::NotPdf));
        assert_eq!(check(&WHOLE[..WHOLE.len() - 8]), Err(Unfit::NotPdf), "cut off");
        let mut long = WHOLE.to_vec();
        long.extend(std::iter::repeat_n(b' ', TRAILER_WITHIN));
        assert_eq!(check(&long), Err(Unfit::NotPdf), "something hangs behind the end");
        long.resize(BYTES_MAX + 1, b' ');
        assert_eq!(check(&long), Err(Unfit::TooLarge));
    }

    #[test]
    fn names_lose_what_is_dangerous_and_stay_readable() {
        for (given, kept) in [
            ("倫理審査 承認書.pdf", "倫理審査 承認書.pdf"),
            ("../../etc/passwd", "passwd.pdf"),
            ("C:\\Users\\me\\a.PDF", "a.pdf"),
            ("a\r\nSet-Cookie: x=1.pdf", "aSet-Cookie x=1.pdf"),
            ("\u{202e}fdp.exe", "fdp.exe.pdf"),
            ("\"><script>.pdf", "script.pdf"),
            ("...", "document.pdf"),
            ("", "document.pdf"),
        ] {
            assert_eq!(plain(given), kept, "{given:?}");
        }
        assert!(plain(&"長".repeat(5000)).chars().count() <= NAME_MAX + 4);
    }
}
