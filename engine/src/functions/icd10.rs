//! `icd10_in(code, 'E10-E14, I21.9')`: whether a code lies in a list of codes, ranges and prefixes, written as a literal.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err, plan_err};
use datafusion::logical_expr::ScalarUDF;

use super::own::Own;

/// Name in SQL.
pub(crate) const NAME: &str = "icd10_in";
/// Entries of a list at most, as after IN.
const ENTRIES_MAX: usize = 1_000;
/// Characters of a code at most, without the dot: a letter, two digits and up to four more.
const CODE_CHARACTERS_MAX: usize = 7;
/// Characters of a category: what stands before the dot.
const CATEGORY_CHARACTERS: usize = 3;

static FUNCTION: LazyLock<Arc<ScalarUDF>> =
    LazyLock::new(|| Own::exact(NAME, vec![DataType::Utf8, DataType::Utf8], DataType::Boolean, run).udf());

/// The function.
pub(super) fn icd10_in() -> Arc<ScalarUDF> {
    Arc::clone(&FUNCTION)
}

/// A list, ready to be asked: from and to, compared with as many characters of a code as each has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CodeList(Vec<(String, String)>);

impl CodeList {
    /// Reads a list; nothing if one entry is not understood, or there is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let spaced = text.replace(',', " ").replace('-', " - ");
        let mut words = spaced.split_whitespace().peekable();
        let mut entries = Vec::new();
        while let Some(word) = words.next() {
            let from = bound(word)?;
            let to = if words.next_if_eq(&"-").is_some() { bound(words.next()?)? } else { from.clone() };
            let backwards = to.as_str() < from.get(..to.len()).unwrap_or(&from);
            if backwards || entries.len() == ENTRIES_MAX {
                return None;
            }
            entries.push((from, to));
        }
        (!entries.is_empty()).then_some(Self(entries))
    }

    /// Whether a code lies in it; small letters and dots do not matter.
    fn holds(&self, code: &str) -> bool {
        let code: String = code.trim().chars().filter(|c| *c != '.').map(|c| c.to_ascii_uppercase()).collect();
        let head = |bound: &str| code.get(..bound.len()).unwrap_or(&code).to_owned();
        !code.is_empty() && self.0.iter().any(|(from, to)| head(from) >= *from && head(to) <= *to)
    }
}

/// A code or the beginning of one: a letter, then up to two digits, then up to four letters or digits, perhaps after a dot.
fn bound(word: &str) -> Option<String> {
    let (category, rest) = match word.split_once('.') {
        Some((category, rest)) if category.len() == CATEGORY_CHARACTERS && !rest.is_empty() => (category, rest),
        Some(_) => return None,
        None => (word, ""),
    };
    let code = format!("{category}{rest}").to_ascii_uppercase();
    let fits = code.len() <= CODE_CHARACTERS_MAX
        && code.chars().enumerate().all(|(at, c)| match at {
            0 => c.is_ascii_uppercase(),
            1 | 2 => c.is_ascii_digit(),
            _ => c.is_ascii_digit() || c.is_ascii_uppercase(),
        });
    (fits && !code.is_empty()).then_some(code)
}

fn run(args: &[ArrayRef]) -> Result<ArrayRef> {
    let [codes, lists] = args else { return plan_err!("two arguments are expected") };
    let (codes, lists) = (codes.as_string::<i32>(), lists.as_string::<i32>());
    if codes.is_empty() || lists.is_null(0) {
        return Ok(Arc::new(BooleanArray::new_null(codes.len())));
    }
    // The guard saw to it that the list is one literal.
    let Some(list) = CodeList::parse(lists.value(0)) else { return exec_err!("the list of codes is not understood") };
    Ok(Arc::new(codes.iter().map(|code| code.map(|code| list.holds(code))).collect::<BooleanArray>()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(list: &str, inside: &[&str], outside: &[&str]) {
        let list = CodeList::parse(list).unwrap();
        for code in inside {
            assert!(list.holds(code), "{code} in {list:?}");
        }
        for code in outside {
            assert!(!list.holds(code), "{code} not in {list:?}");
        }
    }

    #[test]
    fn codes_ranges_and_prefixes() {
        check("E10-E14", &["E10", "E109", "E11.9", "e119", "E14", "E149"], &["E09", "E15", "E1", "", "F11", "E150"]);
        check("I21.9", &["I219", "I21.9"], &["I21", "I210", "I22"]);
        check("E10-E14, I21.9", &["E119", "I219"], &["I21"]);
        check("E10 - E14 I21", &["E119", "I214"], &["I20"]);
        check("C00-D48", &["C00", "C349", "D481"], &["B99", "D49"]);
        check("E1", &["E10", "E1"], &["E20", "E"]);
        check("F", &["F32", "F329"], &["G30"]);
        check("E10.5-E11.3", &["E105", "E109", "E11", "E113", "E1139"], &["E10", "E104", "E114"]);
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for list in [
            "",
            " ,",
            "E10-",
            "-E14",
            "E14-E10",
            "10",
            "E1A",
            "E10..1",
            "E1.0",
            "E10.",
            "%",
            "E10'",
            "E10-E12-E14",
            "Ｅ10",
            "E10123456",
        ] {
            assert_eq!(CodeList::parse(list), None, "{list}");
        }
        assert!(CodeList::parse(&"E10 ".repeat(ENTRIES_MAX)).is_some());
        assert!(CodeList::parse(&"E10 ".repeat(ENTRIES_MAX + 1)).is_none());
    }

    proptest! {
        /// Neither a list nor a code of whatever text fails.
        #[test]
        fn any_text_is_a_list_or_none(list in "\\PC{0,12}|[A-Ea-e0-9., -]{0,20}", code in "\\PC{0,8}") {
            if let Some(list) = CodeList::parse(&list) {
                list.holds(&code);
            }
        }

        /// A code lies in its own list and in that of its category.
        #[test]
        fn a_code_lies_in_itself(code in "[A-Z][0-9]{2}([0-9]{1,2})?") {
            prop_assert!(CodeList::parse(&code).unwrap().holds(&code));
            prop_assert!(CodeList::parse(code.get(..3).unwrap()).unwrap().holds(&code));
        }
    }
}
