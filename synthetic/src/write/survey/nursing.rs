//! H rows: 重症度、医療・看護必要度, one a stay-day and code, 20 columns, no title row (formats.md, 9.5).
//!
//! `TAR0010` target or not, `ASS0013` A items, `ASS0021` states and help, `ASS0031` C items (this code is an assumption: no
//! public source names it).

use std::fmt::Write as _;

use crate::calendar::{compact, plus_days};
use crate::facilities::Facility;
use crate::records::{NursingDay, Stay};

const VERSION: &str = "20220401";

/// The rows of a stay: codes of a day together, days in order.
pub(super) fn rows(stay: &Stay, facility: &Facility) -> String {
    let mut text = String::new();
    let head = format!(
        "{}\tW01\t{}\t{}\t{}",
        facility.survey_code(),
        stay.stated.chart,
        compact(stay.discharged_on),
        compact(stay.admitted_on)
    );
    if stay.nursing.is_empty() {
        // Not to be assessed: the days are named, and nothing is said of them.
        let mut on = stay.admitted_on;
        while on <= stay.discharged_on {
            row(&mut text, &format!("{head}\t{}", compact(on)), "TAR0010", &["0"]);
            on = plus_days(on, 1);
        }
    }
    // Systems differ: some write an item of A as three digits.
    let long = facility.beds.is_multiple_of(2);
    for day in &stay.nursing {
        write_day(&mut text, &head, day, long);
    }
    text
}

fn write_day(text: &mut String, head: &str, day: &NursingDay, long: bool) {
    let head = format!("{head}\t{}", compact(day.on));
    row(text, &head, "TAR0010", &["1"]);
    let item = |value: u8| match (long, value) {
        (true, 0) => "000",
        (true, _) => "010",
        (false, 0) => "0",
        (false, _) => "1",
    };
    row(text, &head, "ASS0013", &day.a.map(item));
    let digit = |value: &u8| ["0", "1", "2"].get(usize::from(*value)).copied().unwrap_or("2");
    let state: Vec<&str> = day.state.iter().chain(&day.help).map(digit).collect();
    row(text, &head, "ASS0021", &state);
    row(text, &head, "ASS0031", &day.c.map(|value| if value == 0 { "0" } else { "1" }));
}

/// Code, version, number in the day (0) and eleven payloads.
fn row(text: &mut String, head: &str, code: &str, payloads: &[&str]) {
    // Writing to a String cannot fail.
    let _done = write!(text, "{head}\t{code}\t{VERSION}\t0");
    for place in 0..11 {
        text.push('\t');
        text.push_str(payloads.get(place).copied().unwrap_or_default());
    }
    text.push_str("\r\n");
}
