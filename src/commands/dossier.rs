//! A dossier in words and one picture: how two groups of records agree, and when each was insured.

use policies::review::ReviewTurn;
use pseudonymizer::link::review::{Agreement, Dossier, Level, Line, Month, Waiting};

use crate::lang::Lang;
use crate::output;

/// Columns of the picture of months.
const COLUMNS: i32 = 48;

/// Prints it.
pub(super) fn show(waiting: &Waiting<'_>, lang: Lang) {
    let dossier = waiting.dossier;
    let class = lang.text(&format!("review-class-{}", dossier.class.as_str()));
    let words = [("number", &*dossier.number.to_string()), ("class", &class), ("probability", &percent(dossier))];
    output::line(&lang.with("review-dossier", &words));
    output::line(&format!("{}: {}", lang.text("review-turn"), turn(waiting, lang)));
    for conflict in &dossier.conflicts {
        output::line(&format!("{}: {}", lang.text("review-conflict"), known(lang, "veto", conflict)));
    }
    output::line("");
    agreements(dossier, lang);
    output::line("");
    sides(dossier, lang);
    output::line("");
    for decision in ["same", "different", "leave"] {
        let seen = |side: usize| dossier.sides.get(side).map(|side| sources(&side.sources)).unwrap_or_default();
        let words = [("a", &*seen(0)), ("b", &seen(1))];
        output::line(&lang.with(&format!("review-effect-{decision}"), &words));
    }
}

/// The probability for reading: `83 %`. Never 0 or 100: that is for a decision.
pub(super) fn percent(dossier: &Dossier) -> String {
    format!("{:.0} %", (dossier.probability() * 100.0).clamp(1.0, 99.0))
}

/// Whose turn it is, and since when.
pub(super) fn turn(waiting: &Waiting<'_>, lang: Lang) -> String {
    let whose = whose(&waiting.turn, lang);
    match waiting.since {
        Some(since) => {
            lang.with("review-turn-since", &[("turn", &whose), ("day", &since.strftime("%Y-%m-%d").to_string())])
        }
        None => whose,
    }
}

/// Whose turn it is.
pub(super) fn whose(turn: &ReviewTurn, lang: Lang) -> String {
    match turn {
        ReviewTurn::Ask(source) => lang.with("review-turn-ask", &[("source", source)]),
        ReviewTurn::Clerk => lang.text("review-turn-clerk"),
        ReviewTurn::Holder(source) => lang.with("review-turn-holder", &[("source", source)]),
    }
}

/// The message of a name that comes from elsewhere; the name itself where there is none.
fn known(lang: Lang, group: &str, name: &str) -> String {
    known_or(lang, &format!("{group}-{name}"), name.to_owned())
}

fn known_or(lang: Lang, key: &str, otherwise: String) -> String {
    let text = lang.text(key);
    if text == key { otherwise } else { text }
}

fn agreements(dossier: &Dossier, lang: Lang) {
    let row = |it: &Agreement| {
        let level = it.level.as_str();
        let plain = lang.text(&format!("level-{level}"));
        vec![known(lang, "part", &it.part), known_or(lang, &format!("level-{}-{level}", it.part), plain)]
    };
    let told = dossier.tokens.iter().chain(&dossier.composites).filter(|it| it.level != Level::Absent);
    let mut rows: Vec<Vec<String>> = told.map(row).collect();
    for (part, band) in ["family", "given"].into_iter().zip(dossier.bands) {
        if let Some(band) = band {
            rows.push(vec![lang.text(&format!("band-of-{part}")), lang.text(&format!("band-{}", band.min(4)))]);
        }
    }
    let header = ["review-part", "review-agrees"].map(|key| lang.text(key));
    output::line(&output::table(&header.each_ref().map(String::as_str), &rows));
}

fn sides(dossier: &Dossier, lang: Lang) {
    let all = || dossier.sides.iter().flat_map(|side| &side.lines).filter_map(|line| line.months);
    let first = all().map(|[first, _]| first).min();
    let last = all().map(|[_, last]| last).max();
    let span = first.zip(last);
    let mut rows = Vec::new();
    for (name, side) in ["A", "B"].into_iter().zip(&dossier.sides) {
        for (at, line) in side.lines.iter().enumerate() {
            let seen = if at == 0 { format!("{name}  {}", sources(&side.sources)) } else { name.to_owned() };
            let kind = lang.with(&format!("line-{}", line.kind.as_str()), &[("number", &line.number.to_string())]);
            let months = line.months.map(|[first, last]| format!("{first} .. {last}"));
            let bar = span.map(|span| bar(line, span)).unwrap_or_default();
            rows.push(vec![seen, kind, months.unwrap_or_default(), bar]);
        }
    }
    let header = ["review-side", "review-line", "review-months", ""]
        .map(|key| if key.is_empty() { String::new() } else { lang.text(key) });
    output::line(&output::table(&header.each_ref().map(String::as_str), &rows));
}

fn sources(counts: &std::collections::BTreeMap<String, u64>) -> String {
    let one = |(source, atoms): (&String, &u64)| format!("{source} {atoms}");
    counts.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// A line's months on the span of all: `   ######  `.
fn bar(line: &Line, (first, last): (Month, Month)) -> String {
    let Some([from, to]) = line.months else { return String::new() };
    let all = last.since(first) + 1;
    let width = all.min(COLUMNS);
    let place = |months: i32| months * width / all;
    let (begin, end) = (place(from.since(first)), place(to.since(first)));
    let cell = |at: i32| if (begin..=end).contains(&at) { '#' } else { '.' };
    (0..width).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use pseudonymizer::link::review::LineKind;

    use super::*;

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    #[test]
    fn a_bar_stands_where_its_months_are() {
        let span = (month("2020-01"), month("2020-12"));
        let line = |first, last| Line { kind: LineKind::Medical, number: 1, months: Some([month(first), month(last)]) };
        assert_eq!(bar(&line("2020-01", "2020-03"), span), "###.........");
        assert_eq!(bar(&line("2020-12", "2020-12"), span), "...........#");
        let long = (month("2000-01"), month("2039-12"));
        let bar = bar(&line("2000-01", "2039-12"), long);
        assert_eq!((bar.len(), bar.contains('.')), (48, false));
    }
}
