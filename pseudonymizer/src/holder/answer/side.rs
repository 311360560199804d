//! Two identities beside each other, for one pair of eyes.

use jiff::ToSpan;
use jiff::civil::Date;
use zeroize::Zeroizing;

use crate::holder::batch::Known;
use crate::tokens::Identity;

/// What stands in which row, in this order: who it is, then the cards.
const ROWS: [&str; 16] = [
    "kana",
    "kanji",
    "birth",
    "sex",
    "postcode",
    "insurer",
    "symbol",
    "number",
    "branch",
    "ltc_insurer",
    "ltc_number",
    "facility",
    "chart",
    "national_id",
    "public_payer",
    "public_recipient",
];

/// The row of the months in which the insurer's line is seen.
const MONTHS: &str = "months";

/// One field of both. Neither `Debug` nor `Serialize`.
pub struct SideRow {
    /// Name of the field, also of its message.
    pub field: &'static str,
    /// What the two say; none where nothing is known.
    pub cells: [Option<Zeroizing<String>>; 2],
}

impl SideRow {
    /// Whether both say the same.
    pub fn is_same(&self) -> bool {
        let [a, b] = &self.cells;
        a.is_some() && a == b
    }

    /// Whether both say something, and not the same.
    pub fn differs(&self) -> bool {
        let [a, b] = &self.cells;
        a.is_some() && b.is_some() && a != b
    }
}

/// Both, field by field; fields that neither has are left out. Wiped on drop. Neither `Debug` nor `Serialize`.
pub struct SideBySide(pub Vec<SideRow>);

impl SideBySide {
    pub(super) fn of(x: &Known, y: &Known) -> Self {
        let (a, b) = (Fields::of(x), Fields::of(y));
        let row = |field| SideRow { field, cells: [a.cell(field), b.cell(field)] };
        let months = SideRow { field: MONTHS, cells: [months(x), months(y)] };
        let rows = ROWS.into_iter().map(row).chain([months]);
        Self(rows.filter(|row| row.cells.iter().any(Option::is_some)).collect())
    }
}

struct Fields(Vec<Option<Zeroizing<String>>>);

impl Fields {
    fn of(known: &Known) -> Self {
        Self(known.identity.to_fields().into_iter().map(|field| field.map(Zeroizing::new)).collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        let place = Identity::FIELDS.iter().position(|field| *field == name)?;
        self.0.get(place)?.as_deref().map(String::as_str)
    }

    fn cell(&self, name: &str) -> Option<Zeroizing<String>> {
        let text = self.get(name)?;
        let given = self.get(match name {
            "kana" => "kana_given",
            "kanji" => "kanji_given",
            _ => "",
        });
        let spaced = given.and_then(|given| Some(format!("{} {given}", text.strip_suffix(given)?)));
        Some(Zeroizing::new(match name {
            "birth" => birth(text),
            _ => spaced.unwrap_or_else(|| text.to_owned()),
        }))
    }
}

/// `19580314` to `1958-03-14`.
fn birth(digits: &str) -> String {
    let parts = (digits.get(..4), digits.get(4..6), digits.get(6..));
    if let (Some(year), Some(month), Some(day)) = parts { format!("{year}-{month}-{day}") } else { digits.to_owned() }
}

fn months(known: &Known) -> Option<Zeroizing<String>> {
    const EPOCH: Date = Date::constant(1970, 1, 1);
    let month = |days: i32| Some(EPOCH.checked_add(i64::from(days).days()).ok()?.strftime("%Y-%m").to_string());
    let [first, last] = known.months;
    Some(Zeroizing::new(format!("{} .. {}", month(first?)?, month(last?)?)))
}
