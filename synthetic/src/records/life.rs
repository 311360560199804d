//! A row of a LIFE form (科学的介護情報システム, edition 2021), and the official list of the forms' columns.

use std::sync::LazyLock;

use jiff::civil::Date;

use super::Stated;

/// A form with rows here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LifeForm {
    /// ADL維持等情報.
    Adl,
    /// 科学的介護推進情報.
    Promotion,
    /// 利用者情報: who the rows of the other forms are of.
    User,
}

impl LifeForm {
    /// Its physical name: the first line of a file.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Adl => "FORM_0900_2021",
            Self::Promotion => "FORM_0000_2021",
            Self::User => "SERVICE_USER_INFO",
        }
    }

    /// Its columns in order.
    pub(crate) fn fields(self) -> impl Iterator<Item = &'static Field> {
        FIELDS.iter().filter(move |field| field.form == self.name())
    }
}

/// A column of the official list.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    form: &'static str,
    /// Its id.
    pub(crate) id: &'static str,
    number: bool,
    coded: bool,
    /// Marked as encrypted, hashed or local only.
    hidden: bool,
}

/// What a column's value says to an analyst.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Said<'a> {
    Code(&'a str),
    Number(f64),
}

impl Field {
    /// What a value says: a number without a code list is a number, anything with one is a code, and all the rest (keys, dates,
    /// texts, what is hidden, what is empty or blank) says nothing.
    pub(crate) fn says<'a>(&self, value: &'a str) -> Option<Said<'a>> {
        if self.hidden || value.trim().is_empty() {
            None
        } else if self.coded {
            Some(Said::Code(value))
        } else if self.number {
            value.parse().ok().map(Said::Number)
        } else {
            None
        }
    }
}

/// A row: values by column; all other columns are empty.
#[derive(Clone, Debug)]
pub(crate) struct LifeReport {
    pub(crate) person: u64,
    pub(crate) facility: usize,
    pub(crate) stated: Stated,
    pub(crate) form: LifeForm,
    /// Year in which the fiscal year of the file begins.
    pub(crate) fiscal_year: i16,
    /// None for [`LifeForm::User`].
    pub(crate) assessed_on: Option<Date>,
    /// Stated by [`LifeForm::User`].
    pub(crate) died_on: Option<Date>,
    pub(crate) values: Vec<(&'static str, String)>,
}

impl LifeReport {
    /// The value of a column, empty where none is given.
    pub(crate) fn value(&self, id: &str) -> &str {
        self.values.iter().find(|(known, _)| *known == id).map_or("", |(_, value)| value)
    }
}

/// From the official item list (外部インターフェース項目一覧, 厚生労働省老健局, 2021-03, edition 1.00), the forms above.
static FIELDS: LazyLock<Vec<Field>> = LazyLock::new(|| {
    let lines = include_str!("../../data/life_fields.tsv").lines().skip(1);
    let fields = lines.filter_map(|line| {
        let mut cells = line.split('\t');
        let (form, id, kind) = (cells.next()?, cells.next()?, cells.next()?);
        let (_format, codes, hidden) = (cells.next()?, cells.next()?, cells.next()?);
        let (coded, hidden) = (!codes.is_empty(), !hidden.is_empty());
        Some(Field { form, id, number: kind == "number", coded, hidden })
    });
    fields.collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_say_what_their_kind_allows() {
        let field = |form: LifeForm, id: &str| form.fields().find(|field| field.id == id).unwrap().clone();
        assert_eq!(LifeForm::User.fields().count(), 21);
        assert_eq!(LifeForm::Promotion.fields().count(), 89);
        assert_eq!(LifeForm::Adl.fields().count(), 19);
        assert_eq!(field(LifeForm::Promotion, "weight").says("48.5"), Some(Said::Number(48.5)));
        assert_eq!(field(LifeForm::Promotion, "meal_form").says("01"), Some(Said::Code("01")));
        for (id, value) in [("weight", ""), ("bedsore", " "), ("evaluate_date", "20210410"), ("filing_staff", "架空")]
        {
            assert_eq!(field(LifeForm::Promotion, id).says(value), None);
        }
        assert_eq!(field(LifeForm::Adl, "insured_no").says("0000123456"), None);
    }
}
