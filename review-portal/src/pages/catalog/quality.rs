//! A release's figures on linkage, ready for the page: sentences, tables, and bars with their intervals as SVG.

use catalog::quality::{ANY, Axis, Link, LinkTable, Quality, Shown, UNKNOWN};

use super::figure;
use crate::language::Language;

/// Groups that a table shows at once; a longer one is folded.
const ROWS_MAX: usize = 12;

/// What the page shows.
pub(crate) struct View {
    pub(crate) persons: String,
    pub(crate) month: String,
    pub(crate) least: String,
    pub(crate) links: Vec<LinkView>,
    pub(crate) histories: Vec<HistoryView>,
}

/// One other source.
pub(crate) struct LinkView {
    pub(crate) title: String,
    pub(crate) total: Option<Row>,
    pub(crate) tables: Vec<TableView>,
}

/// One way to group persons.
pub(crate) struct TableView {
    pub(crate) title: String,
    pub(crate) chart: Option<Chart>,
    pub(crate) rows: Vec<Row>,
    pub(crate) folded: bool,
}

/// One group.
pub(crate) struct Row {
    pub(crate) group: String,
    pub(crate) figures: Option<Figures>,
}

/// A group's figures as words.
pub(crate) struct Figures {
    pub(crate) rate: String,
    pub(crate) interval: String,
    pub(crate) linked: String,
    pub(crate) persons: String,
}

/// One kind of implausible history.
pub(crate) struct HistoryView {
    pub(crate) kind: &'static str,
    /// Persons and persons per 100,000.
    pub(crate) figures: Option<(String, String)>,
}

/// Bars, in units of the drawing (360 wide: about the width of a phone, so that words keep their size).
pub(crate) struct Chart {
    pub(crate) height: u32,
    /// Where the scale's words stand.
    pub(crate) foot: u32,
    pub(crate) full: String,
    pub(crate) bars: Vec<Bar>,
}

/// One bar.
pub(crate) struct Bar {
    pub(crate) top: u32,
    pub(crate) middle: u32,
    pub(crate) base: u32,
    pub(crate) label: String,
    /// Length, interval from and to, and where the rate is written.
    pub(crate) drawn: Option<Drawn>,
}

/// A bar that is shown.
pub(crate) struct Drawn {
    pub(crate) length: String,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) rate: String,
}

impl View {
    /// What is shown of a release's quality.
    pub(crate) fn of(quality: &Quality, language: Language) -> Self {
        let words = Words(language);
        let history = |history: &catalog::quality::History| HistoryView {
            kind: history.kind.as_str(),
            figures: history
                .persons
                .zip(quality.per_100_000(history))
                .map(|(persons, per)| (number(persons), format!("{per:.0}"))),
        };
        Self {
            persons: quality.persons.map_or_else(|| language.say("quality.withheld"), number),
            month: quality.last_month.map_or_else(|| "–".to_owned(), |month| month.strftime("%Y-%m").to_string()),
            least: quality.rules.min_persons.to_string(),
            links: quality.links.iter().map(|link| words.link(link)).collect(),
            histories: quality.histories.iter().map(history).collect(),
        }
    }
}

struct Words(Language);

impl Words {
    fn link(&self, link: &Link) -> LinkView {
        let about = catalog::datasets::about(&link.to);
        let title = match (self.0, about) {
            _ if link.to == ANY => self.0.say("quality.any"),
            (Language::Ja, Some(about)) => about.title_ja.to_owned(),
            (Language::En, Some(about)) => about.title_en.to_owned(),
            (_, None) => link.to.clone(),
        };
        let total = link.total.map(|shown| Row { group: String::new(), figures: Some(figures(shown)) });
        LinkView { title, total, tables: link.tables.iter().map(|table| self.table(table)).collect() }
    }

    fn table(&self, table: &LinkTable) -> TableView {
        let cells = || table.cells.iter().map(|cell| (self.group(table.axis, &cell.group), cell.shown));
        // Of many groups the picture has those that are shown; the table has all.
        let long = table.cells.len() > ROWS_MAX;
        let drawn: Vec<_> = cells().filter(|(_, shown)| !long || shown.is_some()).collect();
        TableView {
            title: self.0.say(&format!("quality.axis.{}", table.axis.as_str())),
            chart: drawn.iter().any(|(_, shown)| shown.is_some()).then(|| Self::chart(&drawn)),
            rows: cells().map(|(group, shown)| Row { group, figures: shown.map(figures) }).collect(),
            folded: long,
        }
    }

    fn group(&self, axis: Axis, group: &str) -> String {
        if group == UNKNOWN {
            return self.0.say("quality.unknown");
        }
        match axis {
            Axis::Age if self.0 == Language::Ja => {
                let band = group.replace('-', "〜");
                band.strip_suffix('+').map_or_else(|| format!("{band}歳"), |from| format!("{from}歳以上"))
            }
            Axis::Prefecture => {
                let name = catalog::codes::prefecture(group);
                let name = name.map(|(ja, en)| if self.0 == Language::Ja { ja } else { en });
                name.unwrap_or(group).to_owned()
            }
            Axis::Sex => self.0.say(&format!("quality.sex.{group}")),
            Axis::Age | Axis::Software => group.to_owned(),
        }
    }

    fn chart(cells: &[(String, Option<Shown>)]) -> Chart {
        let highest = cells.iter().filter_map(|(_, shown)| Some(shown.as_ref()?.interval().1)).fold(0.0, f64::max);
        let full = SCALES.into_iter().find(|full| highest <= *full).unwrap_or(1.0);
        let bars: Vec<Bar> = (0..)
            .zip(cells)
            .map(|(row, (label, shown))| Bar {
                top: row * ROW + 5,
                middle: row * ROW + ROW / 2,
                base: row * ROW + ROW / 2 + 5,
                label: short(label),
                drawn: shown.map(|shown| drawn(shown, full)),
            })
            .collect();
        let foot = u32::try_from(bars.len()).unwrap_or(0) * ROW;
        Chart { height: foot + 22, foot: foot + 16, full: percent(full, 0), bars }
    }
}

/// Height of a row of a chart.
const ROW: u32 = 28;
/// Where bars begin, and how long the longest can be.
const LEFT: f64 = 112.0;
const WIDTH: f64 = 190.0;
/// What a full bar may stand for.
const SCALES: [f64; 6] = [0.02, 0.05, 0.1, 0.25, 0.5, 1.0];
/// Letters of a label in a chart.
const LABEL_MAX: usize = 7;

fn drawn(shown: Shown, full: f64) -> Drawn {
    let at = |rate: f64| (rate / full).clamp(0.0, 1.0) * WIDTH;
    let (low, high) = shown.interval();
    Drawn {
        length: format!("{:.1}", at(shown.rate())),
        from: format!("{:.1}", LEFT + at(low)),
        to: format!("{:.1}", LEFT + at(high)),
        rate: rate(shown),
    }
}

fn figures(shown: Shown) -> Figures {
    let (low, high) = shown.interval();
    let digits = digits(shown);
    let interval = format!("{}–{}", percent(low, digits), percent(high, digits));
    Figures { rate: rate(shown), interval, linked: number(shown.linked), persons: number(shown.persons) }
}

fn rate(shown: Shown) -> String {
    percent(shown.rate(), digits(shown))
}

/// Decimals of a percentage: no more than the count of persons bears (disclosure.md, 4e).
fn digits(shown: Shown) -> usize {
    usize::from(shown.persons >= 100)
}

fn percent(rate: f64, digits: usize) -> String {
    format!("{:.digits$}%", rate * 100.0)
}

fn number(count: u64) -> String {
    figure(i64::try_from(count).ok())
}

/// A label that fits: a wide letter takes two places of a narrow one.
fn short(label: &str) -> String {
    let width = |letter: char| if letter.is_ascii() { 1 } else { 2 };
    if label.chars().map(width).sum::<usize>() <= LABEL_MAX * 2 {
        return label.to_owned();
    }
    let mut used = 0;
    let kept = label.chars().take_while(|letter| {
        used += width(*letter);
        used < LABEL_MAX * 2
    });
    format!("{}…", kept.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_no_more_digits_than_they_bear() {
        let shown = |persons, linked| Shown { persons, linked };
        assert_eq!(rate(shown(60, 20)), "33%");
        assert_eq!(rate(shown(600, 200)), "33.3%");
        assert_eq!(short("東京都"), "東京都");
        assert_eq!(short("とても長い名前の製品"), "とても長い名…");
        assert_eq!(short("hospital-system"), "hospital-syst…");
    }

    #[test]
    fn bars_stay_inside_their_drawing() {
        for (persons, linked) in [(20, 10), (1_000, 990), (100_000, 10), (25, 15)] {
            let cells = [("a".to_owned(), Some(Shown { persons, linked })), ("b".to_owned(), None)];
            let chart = Words::chart(&cells);
            let bar = chart.bars[0].drawn.as_ref().unwrap();
            let place = |text: &str| text.parse::<f64>().unwrap();
            assert!(place(&bar.to) <= LEFT + WIDTH && place(&bar.from) >= LEFT && place(&bar.length) <= WIDTH);
            assert!(
                place(&bar.from) <= LEFT + place(&bar.length) + 0.1
                    && LEFT + place(&bar.length) <= place(&bar.to) + 0.1
            );
            assert!(chart.bars[1].drawn.is_none() && chart.bars[1].base < chart.foot && chart.foot < chart.height);
        }
    }
}
