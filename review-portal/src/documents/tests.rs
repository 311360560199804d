//! Documents on paper, read back by another's tools (poppler), with text that tries to be more than text.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::{Block, Document, Fact, Letterhead, PaperError, Span, Table, print};
use crate::dates;
use crate::language::Language;

/// What people might type to reach the typesetter.
const MARKUP: [&str; 14] = [
    "#eval(\"1+1\")",
    "#read(\"/etc/passwd\")",
    "#image(\"http://example.org/a.png\")",
    "#import \"@preview/x:1.0.0\"",
    "#set page(fill: red)",
    "$ x^2 $",
    "@ref <label>",
    "*bold* _it_ `raw`",
    "= heading",
    "\\ \\u{202e} \\n",
    "// gone? /* gone? */",
    "<script>alert(1)</script>",
    "https://example.org/[x](y)",
    "-- --- ... ~ \"q\" 'q'",
];

/// A poppler tool's answer on `pdf`.
fn poppler(tool: &str, arguments: &[&str], pdf: &[u8]) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().write_all(pdf).unwrap();
    let path = file.path().to_str().unwrap();
    let mut command = Command::new(tool);
    let last: &[&str] = if tool == "pdftotext" { &["-"] } else { &[] };
    let output = command.args(arguments).arg(path).args(last).stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{tool}: {error}; ./tests/setup installs poppler-utils"));
    assert!(output.status.success(), "{tool}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Text without any space: lines on paper break where they like.
pub(crate) fn dense(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_whitespace() && !matches!(letter, '\u{200b}' | '\u{c}')).collect()
}

/// What stands on the paper.
pub(crate) fn text_of(pdf: &[u8]) -> String {
    dense(&poppler("pdftotext", &["-enc", "UTF-8"], pdf))
}

/// Pages of the paper.
pub(crate) fn pages_of(pdf: &[u8]) -> usize {
    let info = poppler("pdfinfo", &[], pdf);
    info.lines().find_map(|line| line.strip_prefix("Pages:")).unwrap().trim().parse().unwrap()
}

/// A document with `words` in every place that holds words.
fn everywhere(words: &str) -> Document {
    let text = || words.to_owned();
    let spans = || {
        vec![
            Span::Alert(text()),
            Span::Code(text()),
            Span::link("/x", words),
            Span::small(words),
            Span::strong(words),
            Span::text(words),
            Span::Time(dates::Moment { iso: text(), text: text() }),
        ]
    };
    let rows = vec![vec![vec![Block::text(words)], vec![Block::Text(spans())]]];
    let blocks = vec![
        Block::Empty { title: text(), words: text() },
        Block::Facts(vec![Fact::new(words, vec![Block::text(words), Block::list([spans()])])]),
        Block::Folded { title: text(), words: spans() },
        Block::Heading(spans()),
        Block::numbered([spans()]),
        Block::Meta(spans()),
        Block::Section(vec![Block::text(words)]),
        Block::Table(Table { name: text(), head: vec![text(), text()], rows }),
    ];
    Document {
        language: "ja",
        kind: text(),
        title: text(),
        number: text(),
        date: dates::on("2026-11-22".parse().unwrap(), Language::Ja),
        letterhead: Some(Letterhead { addressee: vec![text(), text()], sender: vec![text(), text()] }),
        blocks,
        mark: Some(text()),
    }
}

#[tokio::test]
async fn markup_in_every_place_is_shown_as_it_was_typed() {
    let hostile = MARKUP.join("\n");
    let paper = print(everywhere(&hostile)).await.unwrap();
    let text = text_of(&paper);
    for words in MARKUP {
        let many = text.matches(&dense(words)).count();
        assert!(many >= 40, "{words}: {many} times");
    }
    assert!(!text.contains("root:"), "a file was read");
    assert_eq!(print(everywhere(&hostile)).await.unwrap(), paper, "the same content gives the same paper");
}

#[tokio::test]
async fn the_paper_is_tagged_named_archived_and_carries_its_letters() {
    for (language, info_lang) in [("ja", "ja-JP"), ("en", "en-GB")] {
        let paper = print(Document { language, ..everywhere("髙木﨑 審査 A") }).await.unwrap();
        let info = poppler("pdfinfo", &[], &paper);
        for words in ["Tagged:          yes", "(A4)", "Title:           髙木﨑 審査 A　髙木﨑 審査 A"] {
            assert!(info.contains(words), "{words}: {info}");
        }
        assert!(info.contains("JavaScript:      no"), "{info}");
        let raw = String::from_utf8_lossy(&paper);
        for words in ["<pdfaid:part>2<", "<pdfaid:conformance>A<", "<pdfuaid:part>1<", &format!("/Lang({info_lang})")] {
            assert!(raw.contains(words), "{words} in {language}");
        }
        let fonts = poppler("pdffonts", &[], &paper);
        let rows: Vec<_> = fonts.lines().skip(2).collect();
        assert!(
            !rows.is_empty() && rows.iter().all(|row| row.contains("NotoSansJP") && row.contains(" yes yes yes ")),
            "{fonts}"
        );
        assert!(text_of(&paper).contains("髙木﨑"));
    }
}

#[tokio::test]
async fn long_texts_unbroken_words_and_strange_letters_are_set() {
    let long = "あ".repeat(8000);
    let unbroken = "x".repeat(8000);
    for words in [long.as_str(), &unbroken, "👩\u{200d}🔬 مرحبا \u{202e}abc \u{e000} 𠮷 \u{10ffff}", "", " ", "\n\n\n"]
    {
        let date = dates::on("0001-01-01".parse().unwrap(), Language::En);
        let (title, number) = ("\u{200b}".to_owned(), String::new());
        let document = Document { title, number, date, blocks: vec![Block::text(words)], ..everywhere("x") };
        let text = text_of(&print(document).await.unwrap());
        let many = |letter| text.matches(letter).count();
        match words.chars().next() {
            Some('あ') => assert_eq!(many('あ'), 8000),
            Some('x') => assert!(many('x') > 8000, "{}: a word left the paper", many('x')),
            Some('👩') => assert!(text.contains("〓〓") && text.contains("abc") && text.contains('𠮷'), "{text}"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn what_is_too_long_is_refused_before_it_is_set() {
    let blocks = (0..30).map(|_| Block::text("あ".repeat(8000))).collect();
    let refused = print(Document { blocks, ..everywhere("x") }).await;
    assert!(matches!(refused, Err(PaperError::TooLong)), "{:?}", refused.map(|paper| paper.len()));
}
