//! What the generic reader makes of cells.

use std::borrow::Cow;

use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::*;
use crate::layout::{Encoding, Field};
use crate::rows::Value;

/// A field of a delimited layout, as a file writes it.
fn field(said: &str) -> Field {
    let text = format!(
        "[layout]\nid = \"x\"\nsource = \"x\"\nedition = \"-\"\nversion = \"1\"\nreader = \"delimited\"\nencoding = \"utf-8\"\n\
         [[record]]\nja = \"甲\"\ntable = \"x.y\"\nfields = [{{ header = \"a\", name = \"a\", ja = \"a\", class = \"quasi\", {said} }}]\n"
    );
    Layout::parse(&text).unwrap_or_else(|fault| panic!("{said}: {fault}")).records[0].fields[0].clone()
}

fn value(said: &str, cell: &str) -> Option<Value<'static>> {
    let field = field(said);
    let own = |value| match value {
        Value::Text(text) => Value::Text(Cow::Owned(Cow::into_owned(text))),
        Value::Bool(value) => Value::Bool(value),
        Value::Date(value) => Value::Date(value),
        Value::Double(value) => Value::Double(value),
        Value::Int(value) => Value::Int(value),
        Value::None => Value::None,
    };
    cells::value(&field, Encoding::Utf8, cell.as_bytes(), Some(date(2022, 3, 1))).map(own)
}

#[expect(clippy::unnecessary_wraps, reason = "compared with what a cell gives, which may be nothing")]
fn word(text: &str) -> Option<Value<'static>> {
    Some(Value::Text(text.to_owned().into()))
}

#[expect(clippy::unnecessary_wraps, reason = "compared with what a cell gives, which may be nothing")]
fn on(day: Date) -> Option<Value<'static>> {
    Some(Value::Date(day))
}

#[test]
fn kept_cells_have_the_form_of_their_type() {
    let keep = |kind: &str, cell: &str| value(&format!("action = \"keep\", type = \"{kind}\""), cell);
    let day = date(2022, 7, 5);
    for written in ["20220705", "2022-07-05", "2022/07/05", "5040705"] {
        assert_eq!(keep("date", written), on(day), "{written}");
    }
    for written in
        ["2022-07/05", "2022/7/5", "2022-07-05T00:00", "20220231", "5040732", "山田", "2022-0705", "", "2022--7-5"]
    {
        assert_eq!(keep("date", written), None, "{written}");
    }
    for written in ["202207", "2022-07", "2022/07", "50407"] {
        assert_eq!(keep("month", written), on(date(2022, 7, 1)), "{written}");
    }
    assert_eq!(
        (keep("flag", "1"), keep("flag", "0"), keep("flag", "yes")),
        (Some(Value::Bool(true)), Some(Value::Bool(false)), None)
    );
    assert_eq!(
        (keep("int", "-12"), keep("int", "1.5"), keep("int", "99999999999")),
        (Some(Value::Int(-12)), None, None)
    );
    assert_eq!(
        (keep("decimal", "1.50"), keep("decimal", "inf"), keep("decimal", "1e9")),
        (Some(Value::Double(1.5)), None, None)
    );
    assert_eq!(
        (keep("code", "A16.2"), keep("code", "山田太郎"), keep("code", "Yamada Taro")),
        (word("A16.2"), None, None)
    );
    assert_eq!(keep("code", "ABCDEFGHIJKLMNOPQRSTU"), None);
    let icd10 = |cell: &str| value("action = \"keep\", type = \"code\", codes = \"icd10\"", cell);
    assert_eq!((icd10("A16.2"), icd10("TUBERCULOSIS")), (word("A162"), None));
}

#[test]
fn listed_words_alone_pass() {
    let said = "action = \"keep\", type = \"flag\", values = { \"有\" = \"1\", \"無\" = \"0\" }";
    assert_eq!(
        (value(said, "有"), value(said, "無"), value(said, "1")),
        (Some(Value::Bool(true)), Some(Value::Bool(false)), None)
    );
    let field = field(said);
    let (sjis, _, _) = encoding_rs::SHIFT_JIS.encode("有");
    assert_eq!(cells::value(&field, Encoding::Cp932, &sjis, None), Some(Value::Bool(true)));
    assert_eq!(cells::value(&field, Encoding::Utf8, &sjis, None), None);
}

#[test]
fn generalised_cells_are_coarser() {
    let by = |by: &str, cell: &str| value(&format!("action = \"generalise\", {by}"), cell);
    assert_eq!(by("by = \"month\", type = \"date\"", "1958/03/14"), on(date(1958, 3, 1)));
    assert_eq!(by("by = \"month\", type = \"date\"", "19580300"), on(date(1958, 3, 1)));
    assert_eq!(by("by = \"year\", type = \"date\"", "3330314"), Some(Value::Int(1958)));
    assert_eq!(by("by = \"age\", type = \"date\"", "19580314"), Some(Value::Int(63)));
    assert_eq!(by("by = \"age\", type = \"date\"", "20230101"), None);
    assert_eq!(by("by = { band = 5 }, type = \"int\"", "63"), Some(Value::Int(60)));
    assert_eq!(by("by = { band = 5 }, type = \"int\"", "-1"), Some(Value::Int(-5)));
    assert_eq!(by("by = { band = 10 }, type = \"decimal\"", "63.9"), Some(Value::Double(60.0)));
    assert_eq!(by("by = { prefix = 3 }, type = \"code\"", "E1190"), word("E11"));
    assert_eq!(
        (by("by = \"institution\"", "1311234566"), by("by = \"institution\"", "131123456")),
        (word("1311234566"), None)
    );
    assert_eq!(by("by = \"insurer\"", "138057"), word("00138057"));
    assert_eq!((by("by = \"municipality\"", "100-1111"), by("by = \"municipality\"", "4223")), (word("13101"), None));
}

#[test]
fn files_are_told_by_their_names_or_by_their_width() {
    let text = "[layout]\nid = \"x\"\nsource = \"x\"\nedition = \"-\"\nversion = \"1\"\nreader = \"delimited\"\nDELIMITER\n\
        [[record]]\nja = \"甲\"\ntable = \"x.y\"\nRECORD\n";
    let named = "fields = [{ header = \"氏名\", name = \"a\", ja = \"a\", class = \"direct\", action = \"drop\" }, { header = \"ｺｰﾄﾞ\", name = \"b\", ja = \"b\", class = \"quasi\", action = \"drop\" }]";
    let layout = Layout::parse(&text.replace("DELIMITER", "encoding = \"utf-8\"").replace("RECORD", named)).unwrap();
    for (head, own) in [
        ("余,氏名,コード\r\n", true),
        ("\u{feff}氏名, コ ー ド ,余\n1,2", true),
        ("\"氏名\",\"コード\"", true),
        ("氏名\tコード\n", false),
        ("氏名,コード,氏名\n", false),
        ("氏名\nコード\n", false),
        ("", false),
    ] {
        assert_eq!(is_of(&layout, head.as_bytes()), own, "{head}");
    }
    let (sjis, _, _) = encoding_rs::SHIFT_JIS.encode("氏名,コード\n");
    assert!(!is_of(&layout, &sjis));
    let cp932 = Layout::parse(&text.replace("DELIMITER", "").replace("RECORD", named)).unwrap();
    assert!(is_of(&cp932, &sjis));
    let placed = "width = 2\nfields = [{ at = 1, name = \"a\", ja = \"a\", class = \"direct\", action = \"drop\" }, { at = 2, name = \"b\", ja = \"b\", class = \"quasi\", action = \"drop\" }]";
    let tab = Layout::parse(&text.replace("DELIMITER", "delimiter = \"tab\"").replace("RECORD", placed)).unwrap();
    assert!(is_of(&tab, b"1\t2\n3\t4\n") && !is_of(&tab, b"1\t2\t3\n") && !is_of(&tab, b"1,2\n"));
}

proptest! {
    #[test]
    fn any_head_is_judged_and_any_cell_is_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for kind in ["code", "date", "decimal", "flag", "int", "month"] {
            let field = field(&format!("action = \"keep\", type = \"{kind}\""));
            for encoding in [Encoding::Cp932, Encoding::Utf8] {
                // Whatever the bytes are, what comes out is a value of the type, and a code has no letter of a name.
                if let Some(Value::Text(text)) = cells::value(&field, encoding, &bytes, None) {
                    prop_assert!(text.is_ascii() && text.len() <= 20);
                }
            }
        }
    }
}
