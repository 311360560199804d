//! What a layout may not say, and what code sees of what it says.

use super::*;

fn with(fields: &str) -> Result<Layout, LayoutError> {
    Layout::parse(&format!(
        "[layout]\nid = \"x-one\"\nsource = \"x\"\nedition = \"none\"\nversion = \"1\"\nreader = \"tagged\"\n\
         [[record]]\ntag = \"AB\"\nja = \"甲\"\nwidth = 3\nfields = [\n{fields}\n]\n"
    ))
}

const TAG: &str = "{ at = 1, name = \"tag\", ja = \"種\", class = \"technical\", action = \"drop\" },\n";

fn rest(two: &str, three: &str) -> String {
    format!(
        "{TAG}{{ at = 2, name = \"two\", ja = \"二\", {two} }},\n{{ at = 3, name = \"three\", ja = \"三\", {three} }},"
    )
}

const SEX: &str = "class = \"quasi\", action = \"keep\", type = \"code\", as = [\"sex\"]";
const NAME: &str = "class = \"direct\", action = \"tokenise\", as = [\"kana\"]";

#[test]
fn code_sees_what_the_layout_lets_through_and_blanks_for_the_rest() {
    fields! { Ab of "AB" { identity { two, three } content { tag, none } } }
    let layout = with(&rest(NAME, SEX)).unwrap();
    let cells: Vec<&[u8]> = vec![b"AB", b"name", b"1"];
    let ab = Ab::of(&layout);
    assert_eq!(Ab::NAMES, ("AB", &["two", "three", "tag", "none"][..]));
    assert_eq!((ab.two.at(&cells), ab.three.at(&cells)), (&b"name"[..], &b"1"[..]));
    assert_eq!((ab.tag.at(&cells), ab.none.at(&cells)), (&b""[..], &b""[..]));
    assert!(ab.tag.all(&cells).is_empty());
    assert_eq!(Ab::NAMES.1, ["two", "three", "tag", "none"]);
    assert_eq!(layout.fate(b"AB"), Fate::Read);
    assert_eq!(layout.fate(b"ZZ"), Fate::Quarantine);
}

#[test]
fn a_layout_that_lets_identifiers_or_text_through_does_not_load() {
    for wrong in [
        "class = \"direct\", action = \"keep\", type = \"code\"",
        "class = \"direct\", action = \"generalise\", by = { prefix = 3 }, type = \"code\"",
        "class = \"free-text\", action = \"keep\", type = \"code\"",
        "class = \"free-text\", action = \"de-identify\"",
        "class = \"quasi\", action = \"shift\", type = \"date\"",
        "class = \"direct\", action = \"tokenise\"",
        "class = \"direct\", action = \"drop\", as = [\"kana\"]",
        "class = \"quasi\", action = \"keep\"",
        "class = \"quasi\", action = \"generalise\", type = \"code\"",
        "class = \"quasi\", action = \"drop\", to = [\"a.b\"]",
        "class = \"quasi\", action = \"publish\"",
        "class = \"quasi\", action = \"drop\", note = \"\"",
    ] {
        assert!(with(&rest(NAME, wrong)).is_err(), "{wrong}");
    }
}

#[test]
fn each_position_has_exactly_one_action() {
    let twice = format!(
        "{TAG}{{ at = 2, name = \"two\", ja = \"二\", {NAME} }},\n{{ at = \"2-3\", name = \"three\", ja = \"三\", {SEX} }},"
    );
    let missing = format!("{TAG}{{ at = 2, name = \"two\", ja = \"二\", {NAME} }},");
    let behind = format!("{}{{ at = 4, name = \"four\", ja = \"四\", {SEX} }},", rest(NAME, SEX));
    for (wrong, place) in [(twice, "position 2"), (missing, "position 3"), (behind, "position 4")] {
        let told = with(&wrong).unwrap_err().to_string();
        assert!(told.contains(place) && told.contains("AB"), "{told}");
    }
}

#[test]
fn what_steers_the_reader_names_nobody_and_is_not_carried() {
    fields! { Ab of "AB" { frame { tag, two, three } identity {} content {} } }
    let ab = Ab::of(&with(&rest(NAME, SEX)).unwrap());
    assert!(ab.tag.is_open() && !ab.two.is_open() && !ab.three.is_open());
    assert_eq!((ab.tag.ends(), ab.two.ends()), ((1, 1), (0, 0)));
    assert_eq!(Ab::NAMES, ("AB", &["tag", "two", "three"][..]));
}

#[test]
fn shipped_layouts_load() {
    let layouts = shipped().unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(layouts.len(), SHIPPED.len());
}
