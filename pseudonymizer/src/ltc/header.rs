//! A file's header line: which column stands where. Columns that the layout lists under none of its names are not read.

use crate::layout::{Layout, Place, Use, may};
use crate::normalise::text;

/// Names of a header line, as they are compared.
pub(super) struct Header {
    names: Vec<String>,
}

impl Header {
    /// Reads a header line.
    pub(super) fn read(cells: &[&[u8]]) -> Self {
        let name = |cell: &&[u8]| {
            let written = std::str::from_utf8(cell).map(Into::into).ok().or_else(|| text::cp932(cell));
            written.as_deref().map(plain).unwrap_or_default()
        };
        Self { names: cells.iter().map(name).collect() }
    }

    /// How many columns there are.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// Place of a field, from 1; 0, where no cell stands, if the file has no such column or the layout does not let it be used so.
    pub(super) fn place(&self, layout: &Layout, record: &str, name: &str, wanted: Use) -> usize {
        let field = layout.record(record).and_then(|record| record.field(name)).filter(|field| may(field, wanted));
        field.and_then(|field| self.find(&field.place)).unwrap_or(0)
    }

    /// Where a field's column stands, from 1.
    pub(super) fn find(&self, place: &Place) -> Option<usize> {
        let Place::Header(names) = place else { return None };
        let known = |name: &String| !name.is_empty() && names.split('|').any(|one| plain(one) == *name);
        self.names.iter().position(known).map(|place| place.saturating_add(1))
    }

    /// How many columns the layout does not list.
    pub(super) fn unlisted(&self, layout: &Layout, record: &str) -> usize {
        let fields = layout.record(record).map(|record| record.fields.as_slice()).unwrap_or_default();
        let listed = fields.iter().filter(|field| self.find(&field.place).is_some()).count();
        self.len().saturating_sub(listed)
    }
}

/// Compatibility form without blanks and underscores: two dialects of one name differ in these.
fn plain(name: &str) -> String {
    text::fold(name).chars().filter(|letter| !text::is_blank(*letter) && *letter != '_').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_found_under_any_of_its_names() {
        let (sjis, _, _) = encoding_rs::SHIFT_JIS.encode("被保険者ｶﾅ氏名");
        let header = Header::read(&["性別".as_bytes(), &sjis, b"", b"evaluate_date"]);
        let find = |names: &str| header.find(&Place::Header(names.to_owned()));
        assert_eq!(find("性別コード|性別"), Some(1));
        assert_eq!(find("被保険者カナ氏名"), Some(2));
        assert_eq!(find("evaluate_date"), Some(4));
        assert_eq!(find(""), None);
        assert_eq!(find("氏名"), None);
    }
}
