//! `sudare tokens answer`: a holder's clerk looks at two identities side by side and says whether they are one person. Identities are
//! shown on the terminal alone, on its second screen, and are gone from it afterwards.

use std::path::{Path, PathBuf};

use anyhow::Result;
use console::{Key, Term};
use policies::audit::{Act, AuditLog};
use policies::keys::KeyFolder;
use pseudonymizer::holder::{AnswerJob, Answering, SideBySide, SideRow};
use pseudonymizer::link::review::Answer;
use zeroize::Zeroizing;

use crate::clock;
use crate::lang::Lang;
use crate::output::{self, Misuse, Outcome};

/// Switches to the terminal's second screen, which keeps no history, and back.
const SECOND_SCREEN: &str = "\x1b[?1049h";
const FIRST_SCREEN: &str = "\x1b[?1049l";

/// What to answer and where the answers go.
pub(super) struct Places<'a> {
    pub(super) batches: &'a [PathBuf],
    pub(super) questions: &'a Path,
    pub(super) answers_file: Option<&'a Path>,
    pub(super) out: &'a Path,
}

/// Opens the questions, lets them be answered, signs what is answered so far. Both are recorded, as counts and digests.
pub(super) fn answer(keys: &KeyFolder, audit: &AuditLog, at: &Places<'_>, lang: Lang) -> Result<Outcome> {
    let term = Term::stdout();
    if at.answers_file.is_none() && !term.is_term() {
        return Err(Misuse(lang.text("answer-terminal")).into());
    }
    let mut answering = Answering::open(&AnswerJob { keys, batches: at.batches, questions: at.questions })?;
    let count = u64::try_from(answering.count()).unwrap_or(u64::MAX);
    let opened = answering.digest().to_owned();
    audit.append(clock::now(), &Act::new("tokens", "questions:opened", &opened).with("questions", count))?;
    match at.answers_file {
        Some(path) => {
            let noted = answering.note_file(path)?;
            output::note(&lang.with("answer-noted", &[("count", &noted.to_string())]));
        }
        None => on_screen(&term, &mut answering, lang)?,
    }
    if answering.elsewhere() > 0 {
        output::note(&lang.with("answer-elsewhere", &[("count", &answering.elsewhere().to_string())]));
    }
    let made = answering.finish(at.out, clock::now())?;
    let act = Act::new("tokens", "questions:answered", &made.questions).with("answers", made.digest.clone());
    audit.append(clock::now(), &act.with("answered", made.answered).with("questions", made.of))?;
    let (answered, of, path) = (made.answered.to_string(), made.of.to_string(), at.out.display().to_string());
    output::line(&lang.with("answer-made", &[("answered", &answered), ("of", &of), ("path", &path)]));
    if made.answered < made.of {
        output::note(&lang.text("answer-go-on"));
    }
    Ok(Outcome::Done)
}

fn on_screen(term: &Term, answering: &mut Answering, lang: Lang) -> Result<()> {
    term.write_str(SECOND_SCREEN)?;
    let ended = ask(term, answering, lang);
    // Whatever happened: the identities go from the screen.
    term.clear_screen()?;
    term.write_str(FIRST_SCREEN)?;
    ended
}

/// One question after the other, those first that are not answered; arrows go back and forth.
#[expect(clippy::wildcard_enum_match_arm, reason = "any other key means nothing here")]
fn ask(term: &Term, answering: &mut Answering, lang: Lang) -> Result<()> {
    let here: Vec<usize> = (0..answering.count()).filter(|at| answering.side_by_side(*at).is_some()).collect();
    let Some(last) = here.len().checked_sub(1) else { return Ok(()) };
    let open = |answering: &Answering| here.iter().position(|at| answering.answer(*at).is_none());
    let mut place = open(answering).unwrap_or(0);
    while let Some(at) = here.get(place).copied() {
        let Some(sides) = answering.side_by_side(at) else { break };
        term.clear_screen()?;
        term.write_str(&page(answering, at, (place, here.len()), &sides, lang))?;
        drop(sides);
        let said = match term.read_key_raw()? {
            Key::ArrowLeft | Key::ArrowUp => {
                place = place.saturating_sub(1);
                continue;
            }
            Key::ArrowRight | Key::ArrowDown => {
                place = place.saturating_add(1).min(last);
                continue;
            }
            Key::Char('1') => Answer::Yes,
            Key::Char('2') => Answer::No,
            Key::Char('3') => Answer::Unknown,
            Key::Char('q') | Key::Escape | Key::CtrlC => break,
            _ => continue,
        };
        answering.note(at, said)?;
        match open(answering) {
            None => break,
            Some(first) => {
                let later =
                    (place..here.len()).find(|it| here.get(*it).is_some_and(|at| answering.answer(*at).is_none()));
                place = later.unwrap_or(first);
            }
        }
    }
    Ok(())
}

/// A question with both identities. The text is wiped when it has been shown; what the layout of the table copied is not.
fn page(
    answering: &Answering,
    at: usize,
    (place, of): (usize, usize),
    sides: &SideBySide,
    lang: Lang,
) -> Zeroizing<String> {
    let number = answering.number(at).map(|number| number.to_string()).unwrap_or_default();
    let words = [("place", &*(place + 1).to_string()), ("of", &of.to_string()), ("number", &number)];
    let row = |row: &SideRow| {
        let mark = if row.is_same() {
            "="
        } else if row.differs() {
            "≠"
        } else {
            ""
        };
        let word = |cell: &str| match (row.field, cell) {
            ("sex", "1" | "2") => lang.text(&format!("sex-{cell}")),
            _ => cell.to_owned(),
        };
        let [a, b] = row.cells.each_ref().map(|cell| cell.as_ref().map_or_else(|| "-".to_owned(), |cell| word(cell)));
        vec![lang.text(&format!("identity-{}", row.field)), a, mark.to_owned(), b]
    };
    let rows: Vec<Vec<String>> = sides.0.iter().map(row).collect();
    let table = Zeroizing::new(output::table(&["", "A", "", "B"], &rows));
    for row in rows {
        for cell in row {
            drop(Zeroizing::new(cell));
        }
    }
    let choices = [Answer::Yes, Answer::No, Answer::Unknown].into_iter().zip(1..).map(|(answer, key)| {
        let mark = if answering.answer(at) == Some(answer) { "●" } else { " " };
        format!("{mark} {key}  {}", lang.text(&format!("answer-{}", answer.as_str())))
    });
    let choices: Vec<String> = choices.collect();
    let (head, foot) = (lang.with("answer-question", &words), lang.text("answer-keys"));
    // The terminal is not in line mode while it waits for a key.
    let text = Zeroizing::new(format!("{head}\n\n{}\n\n{}\n\n{foot}\n", *table, choices.join("\n")));
    Zeroizing::new(text.replace('\n', "\r\n"))
}
