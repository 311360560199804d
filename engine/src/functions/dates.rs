//! Ages and Japanese fiscal years, total on every day that a `Date32` can hold.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, AsArray, Int32Array};
use arrow::datatypes::{DataType, Date32Type, Int32Type};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::ScalarUDF;

use super::own::Own;

static AGE_AT: LazyLock<Arc<ScalarUDF>> =
    LazyLock::new(|| Own::exact("age_at", vec![DataType::Date32, DataType::Date32], DataType::Int32, run_age_at).udf());
static FISCAL_YEAR: LazyLock<Arc<ScalarUDF>> =
    LazyLock::new(|| Own::exact("fiscal_year", vec![DataType::Date32], DataType::Int32, run_fiscal_year).udf());

/// `age_at(birth_month, date)`: completed years, NULL before the birth.
pub(super) fn age_at() -> Arc<ScalarUDF> {
    Arc::clone(&AGE_AT)
}

/// `fiscal_year(date)`: April to March, by the year of its April.
pub(super) fn fiscal_year() -> Arc<ScalarUDF> {
    Arc::clone(&FISCAL_YEAR)
}

fn run_age_at(args: &[ArrayRef]) -> Result<ArrayRef> {
    let [births, days] = args else { return plan_err!("two arguments are expected") };
    let pairs = births.as_primitive::<Date32Type>().iter().zip(days.as_primitive::<Date32Type>());
    Ok(Arc::new(pairs.map(|(birth, day)| age(birth?, day?)).collect::<Int32Array>()))
}

fn run_fiscal_year(args: &[ArrayRef]) -> Result<ArrayRef> {
    let [days] = args else { return plan_err!("one argument is expected") };
    let year = |day: i32| {
        let (year, month, _) = civil(day);
        i32::try_from(if month >= 4 { year } else { year - 1 }).ok()
    };
    Ok(Arc::new(days.as_primitive::<Date32Type>().unary_opt::<_, Int32Type>(year)))
}

fn age(birth: i32, day: i32) -> Option<i32> {
    if day < birth {
        return None;
    }
    let ((born, born_month, born_day), (year, month, of_month)) = (civil(birth), civil(day));
    let before_birthday = (month, of_month) < (born_month, born_day);
    i32::try_from(year - born - i64::from(before_birthday)).ok()
}

/// Year, month and day of a day since 1970-01-01, in the proleptic Gregorian calendar (Howard Hinnant, `civil_from_days`).
fn civil(day: i32) -> (i64, i64, i64) {
    let shifted = i64::from(day) + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, of_month)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> i32 {
        let date: jiff::civil::Date = text.parse().unwrap();
        date.since(jiff::civil::date(1970, 1, 1)).unwrap().get_days()
    }

    #[test]
    fn years_are_completed_on_the_birthday() {
        for (birth, at, expected) in [
            ("1929-05-01", "2022-04-30", Some(92)),
            ("1929-05-01", "2022-05-01", Some(93)),
            ("2020-02-29", "2021-02-28", Some(0)),
            ("2020-02-29", "2021-03-01", Some(1)),
            ("2022-05-01", "2022-05-01", Some(0)),
            ("2022-05-01", "2022-04-30", None),
        ] {
            assert_eq!(age(day(birth), day(at)), expected, "{birth} {at}");
        }
    }

    #[test]
    fn a_fiscal_year_begins_in_april() {
        for (at, expected) in [("2023-03-31", 2022), ("2023-04-01", 2023), ("2024-01-01", 2023), ("1969-12-31", 1969)] {
            let found = run_fiscal_year(&[Arc::new(arrow::array::Date32Array::from(vec![day(at)]))]).unwrap();
            assert_eq!(found.as_primitive::<Int32Type>().value(0), expected, "{at}");
        }
    }

    proptest! {
        /// The calendar is jiff's, as far as that one reaches.
        #[test]
        fn civil_days_agree_with_jiff(number in -4_000_000..2_900_000_i32) {
            let date = jiff::civil::date(1970, 1, 1).saturating_add(jiff::Span::new().days(number));
            prop_assume!(date > jiff::civil::Date::MIN && date < jiff::civil::Date::MAX);
            prop_assert_eq!(civil(number), (i64::from(date.year()), i64::from(date.month()), i64::from(date.day())));
        }

        /// No pair of days fails.
        #[test]
        fn ages_are_total(birth in any::<i32>(), at in any::<i32>()) {
            let found = age(birth, at);
            prop_assert_eq!(found.is_none(), at < birth);
            prop_assert!(found.is_none_or(|years| years >= 0));
        }
    }
}
