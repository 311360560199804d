//! Parameters of prepared statements: values become literals in the statement's text, which is then guarded like any other
//! (disclosure.md, section 5, "Statements and session": the guard runs again once values are bound).

use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use jiff::Span;
use jiff::civil::date;

use crate::error::{Refusal, rules};

/// Parameters of a statement at most.
const COUNT_MAX: usize = 256;

/// A statement with places for values.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    /// Text before, between and after the places.
    pieces: Vec<String>,
    /// Which parameter stands at each place, from 0.
    places: Vec<usize>,
    count: usize,
}

impl Template {
    /// Finds the places `$1`, `$2`, … or `?`. Both kinds in one statement, a gap in the numbers, or a name is refused.
    pub(crate) fn read(sql: &str) -> Result<Self, Refusal> {
        if sql.len() > super::TEXT_BYTES_MAX {
            return Err(Refusal::of(&rules::TEXT));
        }
        super::look_at_tokens(sql)?;
        let dialect = GenericDialect {};
        let tokens = Tokenizer::new(&dialect, sql).tokenize_with_location().map_err(|_| Refusal::of(&rules::SYNTAX))?;
        let marks: Vec<(u64, u64, String)> = tokens
            .into_iter()
            .filter_map(|token| match token.token {
                Token::Placeholder(text) => Some((token.span.start.line, token.span.start.column, text)),
                _ => None,
            })
            .collect();
        let mut places = Vec::new();
        for (line, column, text) in &marks {
            let number = if text == "?" { Some(places.len()) } else { numbered(text) };
            let mixed = marks.iter().any(|(_, _, other)| (other == "?") != (text == "?"));
            match number.filter(|number| !mixed && *number < COUNT_MAX) {
                Some(number) => places.push(number),
                None => return Err(Refusal::of(&rules::PARAMETERS).at(*line, *column)),
            }
        }
        let count = places.iter().max().map_or(0, |last| last + 1);
        if (0..count).any(|number| !places.contains(&number)) {
            return Err(Refusal::of(&rules::PARAMETERS));
        }
        Ok(Self { pieces: cut(sql, &marks)?, places, count })
    }

    /// How many values it takes.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The statement with `$1`, `$2`, … at its places, as the planner knows them.
    pub(crate) fn numbered(&self) -> String {
        self.filled(|place| format!("${}", place + 1))
    }

    /// The statement with these values as literals. One value for each parameter, of a kind that has a literal.
    pub(crate) fn bind(&self, values: &[ScalarValue]) -> Result<String, Refusal> {
        let literals: Option<Vec<String>> = values.iter().map(literal).collect();
        match literals {
            Some(literals) if literals.len() == self.count => {
                Ok(self.filled(|place| literals.get(place).cloned().unwrap_or_default()))
            }
            _ => Err(Refusal::of(&rules::PARAMETERS)),
        }
    }

    fn filled(&self, text: impl Fn(usize) -> String) -> String {
        let mut pieces = self.pieces.iter();
        let mut filled = pieces.next().cloned().unwrap_or_default();
        for (place, piece) in self.places.iter().zip(pieces) {
            filled.push_str(&text(*place));
            filled.push_str(piece);
        }
        filled
    }
}

/// `$3` is the parameter 2.
fn numbered(text: &str) -> Option<usize> {
    let digits = text.strip_prefix('$').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse::<usize>().ok()?.checked_sub(1)
}

/// The text around the marks. The tokenizer counts lines and characters from 1.
fn cut(sql: &str, marks: &[(u64, u64, String)]) -> Result<Vec<String>, Refusal> {
    let mut pieces = vec![String::new()];
    let mut marks = marks.iter().peekable();
    let (mut line, mut column) = (1, 1);
    let mut rest = sql.chars();
    while let Some(next) = rest.clone().next() {
        if let Some((_, _, text)) = marks.next_if(|(at, character, _)| (*at, *character) == (line, column)) {
            // The place must hold what the tokenizer saw there.
            let after = rest.as_str().strip_prefix(text.as_str()).ok_or_else(|| Refusal::of(&rules::SYNTAX))?;
            rest = after.chars();
            column += text.chars().count() as u64;
            pieces.push(String::new());
            continue;
        }
        rest.next();
        (line, column) = if next == '\n' { (line + 1, 1) } else { (line, column + 1) };
        if let Some(piece) = pieces.last_mut() {
            piece.push(next);
        }
    }
    if marks.next().is_some() { Err(Refusal::of(&rules::SYNTAX)) } else { Ok(pieces) }
}

/// A value as a literal, where SQL has one for it.
fn literal(value: &ScalarValue) -> Option<String> {
    if value.is_null() {
        return Some("NULL".to_owned());
    }
    #[expect(clippy::wildcard_enum_match_arm, reason = "an allow-list: all other types have no literal here")]
    match value {
        ScalarValue::Boolean(Some(true)) => Some("TRUE".to_owned()),
        ScalarValue::Boolean(Some(false)) => Some("FALSE".to_owned()),
        ScalarValue::Int8(Some(number)) => Some(signed(i64::from(*number))),
        ScalarValue::Int16(Some(number)) => Some(signed(i64::from(*number))),
        ScalarValue::Int32(Some(number)) => Some(signed(i64::from(*number))),
        ScalarValue::Int64(Some(number)) => Some(signed(*number)),
        ScalarValue::UInt8(Some(number)) => Some(number.to_string()),
        ScalarValue::UInt16(Some(number)) => Some(number.to_string()),
        ScalarValue::UInt32(Some(number)) => Some(number.to_string()),
        ScalarValue::UInt64(Some(number)) => Some(number.to_string()),
        ScalarValue::Float32(Some(number)) => double(f64::from(*number)),
        ScalarValue::Float64(Some(number)) => double(*number),
        ScalarValue::Utf8(Some(text)) | ScalarValue::LargeUtf8(Some(text)) | ScalarValue::Utf8View(Some(text)) => {
            Some(format!("'{}'", text.replace('\'', "''")))
        }
        ScalarValue::Date32(Some(days)) => day(i64::from(*days)),
        ScalarValue::Date64(Some(milliseconds)) => day(milliseconds.div_euclid(86_400_000)),
        ScalarValue::Dictionary(_, value) => literal(value),
        _ => None,
    }
}

fn signed(number: i64) -> String {
    if number < 0 { format!("({number})") } else { number.to_string() }
}

fn double(number: f64) -> Option<String> {
    let text = format!("{number:?}");
    number.is_finite().then(|| if number.is_sign_negative() { format!("({text})") } else { text })
}

fn day(days: i64) -> Option<String> {
    let since = Span::new().try_days(days).ok()?;
    let day = date(1970, 1, 1).checked_add(since).ok().filter(|day| day.year() >= 1)?;
    Some(format!("DATE '{day}'"))
}

/// A value to plan with before one is bound: the guard then sees a literal of the type where the value will stand. A type
/// that the plan does not know is tried in turn.
pub(crate) fn samples(kinds: &[Option<DataType>]) -> impl Iterator<Item = Vec<ScalarValue>> {
    let unknown = [ScalarValue::Null, ScalarValue::Int64(Some(1)), ScalarValue::from("a")];
    let tries = if kinds.iter().all(Option::is_some) { 1 } else { unknown.len() };
    let of = |kind: &Option<DataType>, unknown: &ScalarValue| match kind {
        Some(kind) if kind.is_floating() => ScalarValue::Float64(Some(1.0)),
        Some(kind) if kind.is_numeric() => ScalarValue::Int64(Some(1)),
        Some(DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) => ScalarValue::from("a"),
        Some(DataType::Boolean) => ScalarValue::Boolean(Some(true)),
        // 2000-01-01
        Some(DataType::Date32 | DataType::Date64) => ScalarValue::Date32(Some(10_957)),
        Some(_) | None => unknown.clone(),
    };
    let kinds = kinds.to_vec();
    unknown.into_iter().take(tries).map(move |unknown| kinds.iter().map(|kind| of(kind, &unknown)).collect())
}

#[cfg(test)]
mod tests;
