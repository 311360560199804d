//! What changed between two texts, line by line: the longest common subsequence stays, the rest is taken out or put in.

use std::iter;

/// Beyond this many lines a text counts as changed as a whole: the table of a comparison grows with the product.
const LINES_MAX: usize = 1000;

/// One line of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    Added(&'a str),
    Kept(&'a str),
    Removed(&'a str),
}

impl<'a> Line<'a> {
    pub(crate) fn text(&self) -> &'a str {
        match self {
            Self::Added(text) | Self::Kept(text) | Self::Removed(text) => text,
        }
    }

    /// The sign in front of the line, as `diff -u` writes it.
    pub(crate) fn sign(&self) -> &'static str {
        match self {
            Self::Added(_) => "+",
            Self::Kept(_) => " ",
            Self::Removed(_) => "-",
        }
    }

    pub(crate) fn class(&self) -> &'static str {
        match self {
            Self::Added(_) => "added",
            Self::Kept(_) => "kept",
            Self::Removed(_) => "removed",
        }
    }
}

/// Lines of `old` and `new` in order; what was taken out stands before what came in its place.
pub(crate) fn lines<'a>(old: &'a str, new: &'a str) -> Vec<Line<'a>> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    if old.len() > LINES_MAX || new.len() > LINES_MAX {
        let removed = old.into_iter().map(Line::Removed);
        return removed.chain(new.into_iter().map(Line::Added)).collect();
    }
    let common = common(&old, &new);
    let longest = |i: usize, j: usize| common.get(i).and_then(|row| row.get(j)).copied().unwrap_or_default();
    let (mut i, mut j) = (0, 0);
    let step = || match (old.get(i), new.get(j)) {
        (Some(was), Some(is)) if was == is => {
            (i, j) = (i + 1, j + 1);
            Some(Line::Kept(is))
        }
        (Some(was), is) if is.is_none() || longest(i + 1, j) >= longest(i, j + 1) => {
            i += 1;
            Some(Line::Removed(was))
        }
        (_, Some(is)) => {
            j += 1;
            Some(Line::Added(is))
        }
        (_, None) => None,
    };
    iter::from_fn(step).collect()
}

/// `[i][j]`: how many lines `old` from its `i`-th and `new` from its `j`-th have in common, in order.
fn common(old: &[&str], new: &[&str]) -> Vec<Vec<u32>> {
    let mut table = vec![vec![0; new.len() + 1]];
    for was in old.iter().rev() {
        let below = table.last().map(Vec::as_slice).unwrap_or_default();
        let mut row = vec![0_u32];
        // From the right: `pair` is below's cells j and j + 1, `row` ends with this row's cell j + 1.
        for (is, pair) in new.iter().zip(below.windows(2)).rev() {
            let right = row.last().copied().unwrap_or_default();
            let (down, across) = (pair.first().copied().unwrap_or_default(), pair.last().copied().unwrap_or_default());
            row.push(if was == is { across + 1 } else { down.max(right) });
        }
        row.reverse();
        table.push(row);
    }
    table.reverse();
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(old: &str, new: &str) -> String {
        lines(old, new).iter().flat_map(|line| [line.sign(), line.text(), "\n"]).collect()
    }

    #[test]
    fn what_stays_stays_and_the_rest_is_marked() {
        assert_eq!(written("a\nb\nc", "a\nB\nc\nd"), " a\n-b\n+B\n c\n+d\n");
        assert_eq!(written("", "a"), "+a\n");
        assert_eq!(written("a", ""), "-a\n");
        assert_eq!(written("", ""), "");
        assert_eq!(written("a\nb", "b\na"), "-a\n b\n+a\n");
        assert_eq!(written("a\r\nb", "a\nb"), " a\n b\n", "ends of lines are no change");
    }

    /// Whatever the texts: without what was added it is the old one, without what was removed the new one.
    #[test]
    fn both_texts_can_be_read_from_it() {
        let words = ["a", "b", "c", ""];
        let mut seed = 7_u64;
        let mut text = || {
            let mut lines = Vec::new();
            for _ in 0..12 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                lines.push(words[(seed >> 60) as usize % 4]);
            }
            lines.join("\n")
        };
        for _ in 0..200 {
            let (old, new) = (text(), text());
            let of = |without: &str| {
                let kept = lines(&old, &new).into_iter().filter(|line| line.sign() != without);
                kept.map(|line| line.text().to_owned()).collect::<Vec<_>>()
            };
            assert_eq!(of("+"), old.lines().collect::<Vec<_>>());
            assert_eq!(of("-"), new.lines().collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_text_beyond_the_limit_is_changed_as_a_whole() {
        let long = "a\n".repeat(LINES_MAX + 1);
        assert_eq!(lines(&long, "a").len(), LINES_MAX + 2);
    }
}
