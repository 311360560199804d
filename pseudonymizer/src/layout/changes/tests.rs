//! What counts as letting more through.

use proptest::prelude::*;

use super::*;

const REGISTRY: &str = include_str!("../../../../examples/sources/registry.toml");

fn registry(changes: &[(&str, &str)]) -> Layout {
    let text = changes.iter().fold(REGISTRY.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    Layout::parse(&text).unwrap_or_else(|fault| panic!("{fault}"))
}

fn names(changes: &[Change]) -> Vec<&str> {
    changes.iter().map(|change| change.field.as_str()).collect()
}

#[test]
fn the_first_version_is_all_new_and_the_same_is_nothing() {
    let layout = registry(&[]);
    let first = diff(None, &layout);
    assert_eq!(first.lets_through.len(), 9, "{:?}", names(&first.lets_through));
    assert!(first.holds_back.is_empty());
    assert_eq!(diff(Some(&layout), &layout), Changes::default());
}

#[test]
fn what_leaves_more_finely_or_to_another_place_is_new() {
    let old = registry(&[]);
    let number = "class = \"direct\", action = \"drop\" },\n  { header = \"氏名\"";
    let kept = "class = \"technical\", action = \"keep\", type = \"code\", to = [\"registry.cases.category\"] },\n  { header = \"氏名\"";
    for (from, to, field) in [
        (number, kept, "notification_number"),
        (
            "class = \"direct\", action = \"tokenise\", as = [\"number\"]",
            "class = \"quasi\", action = \"keep\", type = \"code\", to = [\"registry.cases.x\"]",
            "card_number",
        ),
        ("to = [\"registry.cases.onset_on\"]", "to = [\"registry.cases.onset_on\", \"registry.cases.x\"]", "onset_on"),
        (", values = { \"1\" = \"1\", \"2\" = \"2\", \"3\" = \"3\", \"9\" = \"9\" }", "", "outcome"),
        ("\"9\" = \"9\" }", "\"9\" = \"9\", \"8\" = \"8\" }", "outcome"),
        (", codes = \"icd10\"", "", "disease_code"),
        ("action = \"generalise\", by = \"municipality\"", "action = \"keep\", type = \"code\"", "postcode"),
    ] {
        let new = registry(&[(from, to)]);
        assert_eq!(names(&diff(Some(&old), &new).lets_through), [field], "{from} -> {to}");
        let back = diff(Some(&new), &old);
        assert!(!names(&back.lets_through).contains(&field) || field == "postcode", "{from} -> {to}");
        assert_eq!(names(&back.holds_back), [field], "{from} -> {to}");
    }
}

#[test]
fn a_name_is_no_place() {
    let old = registry(&[]);
    // The old names change places: what is kept now is the remark.
    let swapped = registry(&[
        ("header = \"転帰\"", "header = \"○\""),
        ("header = \"備考\"", "header = \"転帰\""),
        ("header = \"○\"", "header = \"備考\""),
    ]);
    let changes = diff(Some(&old), &swapped);
    assert_eq!(names(&changes.lets_through), ["outcome"]);
    assert_eq!(changes.lets_through[0].before, Some(Action::Drop));
    let renamed = registry(&[("name = \"outcome\", ja", "name = \"end\", ja")]);
    assert!(diff(Some(&old), &renamed).lets_through.is_empty());
    // Cells cut elsewhere are other cells.
    let tab = registry(&[("delimiter = \"comma\"", "delimiter = \"tab\"")]);
    assert_eq!(diff(Some(&old), &tab).lets_through.len(), 9);
}

#[test]
fn coarser_is_not_new_and_tokens_are_told_apart() {
    let old = registry(&[]);
    let month = registry(&[(
        "action = \"keep\", type = \"date\", to = [\"registry.cases.onset_on\"]",
        "action = \"generalise\", by = \"year\", type = \"date\", to = [\"registry.cases.onset_on\"]",
    )]);
    assert!(diff(Some(&old), &month).lets_through.is_empty());
    assert_eq!(names(&diff(Some(&month), &old).lets_through), ["onset_on"]);
    let number = registry(&[(
        "ja = \"届出番号\", class = \"direct\", action = \"drop\"",
        "ja = \"届出番号\", class = \"direct\", action = \"tokenise\", as = [\"national-id\"]",
    )]);
    let changes = diff(Some(&old), &number);
    assert!(changes.lets_through.is_empty());
    assert_eq!(names(&changes.tokenises), ["notification_number"]);
    // A birth date that is read for tokens goes into person.
    let no_birth = registry(&[(
        "action = \"tokenise\", as = [\"birth\"], to = [\"person.birth_date\", \"person.birth_month\"]",
        "action = \"drop\"",
    )]);
    assert_eq!(names(&diff(Some(&no_birth), &old).lets_through), ["birth_date"]);
}

#[test]
fn a_span_that_reaches_over_a_dropped_position_is_new() {
    let tagged = |rest: &str| {
        Layout::parse(&format!(
            "[layout]\nid = \"x\"\nsource = \"x\"\nedition = \"-\"\nversion = \"1\"\nreader = \"tagged\"\n[[record]]\ntag = \"AB\"\nja = \"甲\"\nwidth = 3\nfields = [{rest}]\n"
        ))
        .unwrap()
    };
    let keep = |at: &str, name: &str| {
        format!(
            "{{ at = {at}, name = \"{name}\", ja = \"-\", class = \"measure\", action = \"keep\", type = \"int\" }},"
        )
    };
    let drop = |at: &str, name: &str| {
        format!("{{ at = {at}, name = \"{name}\", ja = \"-\", class = \"technical\", action = \"drop\" }},")
    };
    let old = tagged(&[drop("1", "a"), keep("2", "b"), drop("3", "c")].concat());
    let new = tagged(&[drop("1", "a"), keep("\"2-3\"", "b")].concat());
    assert_eq!(names(&diff(Some(&old), &new).lets_through), ["b"]);
    assert_eq!(names(&diff(Some(&new), &old).holds_back), ["b"]);
    assert!(diff(Some(&new), &old).lets_through.is_empty());
}

proptest! {
    /// Bands that are not new have their edges among the old ones.
    #[test]
    fn bands_nest(known in 1_u32..40, by in 1_u32..400) {
        prop_assert_eq!(coarser(&By::Band(known), &By::Band(by)), (0..by * 3).step_by(by as usize).all(|edge| edge % known == 0));
    }
}
