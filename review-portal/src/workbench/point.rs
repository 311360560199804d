//! Where in a query's text a refusal points: the line with its neighbours, the place in it marked.

/// Lines shown before and after the one that is meant.
const AROUND: u64 = 2;
/// Letters shown before and after the place in a long line.
const LETTERS: usize = 60;

/// One shown line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    /// From 1.
    pub(crate) number: u64,
    pub(crate) before: String,
    /// The word at the place; empty in lines that are not meant.
    pub(crate) mark: String,
    pub(crate) after: String,
    /// Whether the refusal means this line.
    pub(crate) is_meant: bool,
}

/// The lines around `line`; none if the text has no such line. `line`, `column`: from 1, in characters, as the engine counts.
pub(crate) fn excerpt(sql: &str, line: u64, column: Option<u64>) -> Vec<Shown> {
    let numbered = || (1_u64..).zip(sql.lines());
    if !numbered().any(|(number, _)| number == line) {
        return Vec::new();
    }
    let near = numbered().filter(|(number, _)| number.abs_diff(line) <= AROUND);
    let shown = near.map(|(number, text)| {
        if number == line {
            meant(number, text, column)
        } else {
            let before = cut_end(text);
            Shown { number, before, mark: String::new(), after: String::new(), is_meant: false }
        }
    });
    shown.collect()
}

fn meant(number: u64, text: &str, column: Option<u64>) -> Shown {
    let start = column.and_then(|column| usize::try_from(column).ok()).and_then(|column| column.checked_sub(1));
    let Some(start) = start else {
        return Shown { number, before: String::new(), mark: cut_end(text), after: String::new(), is_meant: true };
    };
    let letters: Vec<char> = text.chars().collect();
    let start = start.min(letters.len());
    let is_word = |letter: &char| letter.is_alphanumeric() || matches!(letter, '_' | '.');
    let rest = || letters.iter().skip(start);
    let word: String = rest().take_while(|letter| is_word(letter)).take(LETTERS).collect();
    let mark: String = if word.is_empty() { rest().take(1).collect() } else { word };
    let end = start + mark.chars().count();
    let from = start.saturating_sub(LETTERS);
    let mut before: String = letters.iter().take(start).skip(from).collect();
    if from > 0 {
        before.insert(0, '…');
    }
    // A place behind the end of the line: something is missing there.
    let mark = if mark.is_empty() { "␣".to_owned() } else { mark };
    Shown { number, before, mark, after: cut_end(&letters.iter().skip(end).collect::<String>()), is_meant: true }
}

fn cut_end(text: &str) -> String {
    let shown: String = text.chars().take(2 * LETTERS).collect();
    if shown.len() < text.len() { shown + "…" } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_at_the_place_is_marked_among_its_neighbours() {
        let sql = "-- 都道府県別\nSELECT *\nFROM ndb.claims\nWHERE x = 1\nGROUP BY y";
        let shown = excerpt(sql, 3, Some(6));
        assert_eq!(shown.iter().map(|line| line.number).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        let line = shown.iter().find(|line| line.is_meant).unwrap();
        assert_eq!((line.before.as_str(), line.mark.as_str(), line.after.as_str()), ("FROM ", "ndb.claims", ""));
        let star = &excerpt(sql, 2, Some(8))[1];
        assert_eq!((star.before.as_str(), star.mark.as_str()), ("SELECT ", "*"));
        let japanese = &excerpt(sql, 1, Some(4))[0];
        assert_eq!(japanese.mark, "都道府県別");
    }

    #[test]
    fn places_outside_of_the_text_do_no_harm() {
        assert!(excerpt("select 1", 2, Some(1)).is_empty());
        assert!(excerpt("", 1, Some(1)).is_empty());
        assert!(excerpt("a", 0, None).is_empty());
        assert_eq!(excerpt("ab", 1, Some(9))[0].mark, "␣");
        assert_eq!(excerpt("ab", 1, Some(0))[0].mark, "ab");
        assert_eq!(excerpt("ab", 1, Some(u64::MAX))[0].before, "ab");
        let long = "x ".repeat(10_000);
        let line = &excerpt(&long, 1, Some(10_001))[0];
        assert!(line.before.chars().count() <= LETTERS + 1 && line.after.chars().count() <= 2 * LETTERS + 1);
        assert!(line.before.starts_with('…') && line.after.ends_with('…'));
    }
}
