//! A layout in words: what is covered, what is kept and where it goes, what becomes part of a token, what ends.

use super::{Action, Attribute, By, Class, Fate, Field, Kind, Layout, Place, Record};

/// Language of the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English.
    En,
    /// 日本語.
    Ja,
}

/// Positions (or named columns, or paths) of a record, by what becomes of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// All of the record; loading has checked that each has exactly one action.
    pub positions: u32,
    /// Kept as they are.
    pub kept: u32,
    /// Leave in a coarser form.
    pub generalised: u32,
    /// End in tokens.
    pub tokenised: u32,
    /// End.
    pub dropped: u32,
}

/// Counts a record's positions by action.
pub fn coverage(record: &Record) -> Coverage {
    let mut counts = Coverage::default();
    for field in &record.fields {
        let positions = match field.place {
            Place::At(from, to) => u32::from(to.saturating_sub(from)).saturating_add(1),
            Place::Header(_) | Place::Path(_) => 1,
        };
        let count = match field.action {
            Action::Keep | Action::Shift => &mut counts.kept,
            Action::Generalise => &mut counts.generalised,
            Action::Tokenise => &mut counts.tokenised,
            Action::DeIdentify | Action::Drop => &mut counts.dropped,
        };
        *count = count.saturating_add(positions);
        counts.positions = counts.positions.saturating_add(positions);
    }
    counts
}

/// The layout, sentence by sentence.
pub fn words(layout: &Layout, language: Language) -> Vec<String> {
    let mut lines = Vec::new();
    for record in &layout.records {
        lines.push(whole(record, language));
        lines.extend(record.fields.iter().filter_map(|field| leaving(field, language)));
        lines.extend(record.fields.iter().filter_map(|field| tokenised(field, language)));
        lines.extend(ending(record, language));
    }
    let fate = match (layout.unknown, language) {
        (Fate::Drop, Language::En) => "records that are not listed are dropped",
        (Fate::Drop, Language::Ja) => "記載のないレコードは破棄します",
        (Fate::Quarantine | Fate::Read, Language::En) => "records that are not listed go to quarantine",
        (Fate::Quarantine | Fate::Read, Language::Ja) => "記載のないレコードは隔離します",
    };
    lines.push(fate.to_owned());
    lines
}

fn whole(record: &Record, language: Language) -> String {
    let name = if record.tag.is_empty() { record.ja.clone() } else { format!("{} {}", record.tag, record.ja) };
    let Coverage { positions, kept, generalised, tokenised, dropped } = coverage(record);
    match (record.fate, language) {
        (Fate::Drop, Language::En) => format!("{name}: known, dropped as a whole"),
        (Fate::Drop, Language::Ja) => format!("{name}: 既知のレコードですが、全体を破棄します"),
        (Fate::Quarantine, Language::En) => format!("{name}: put into quarantine as a whole"),
        (Fate::Quarantine, Language::Ja) => format!("{name}: 全体を隔離します"),
        (Fate::Read, Language::En) => format!(
            "{name}: {positions} positions, each with one action: {kept} kept, {generalised} generalised, \
             {tokenised} tokenised, {dropped} dropped"
        ),
        (Fate::Read, Language::Ja) => format!(
            "{name}: {positions} 項目のすべてに扱いが一つずつあります（保持 {kept}、一般化 {generalised}、\
             トークン化 {tokenised}、破棄 {dropped}）"
        ),
    }
}

fn leaving(field: &Field, language: Language) -> Option<String> {
    let form = match (&field.by, field.action) {
        (Some(by), Action::Generalise) => coarse(by, language),
        (None, Action::Keep) => kind(field.kind, language).to_owned(),
        _ => return None,
    };
    let name = named(field, language);
    let listed = if field.values.is_empty() {
        String::new()
    } else {
        let words = field.values.len();
        match language {
            Language::En => format!(", {words} listed words only"),
            Language::Ja => format!("、列挙した {words} 語のみ"),
        }
    };
    let to = if field.to.is_empty() { "-".to_owned() } else { field.to.join(", ") };
    let token = if field.identity.is_empty() { String::new() } else { also(field, language) };
    Some(match (field.action, language) {
        (Action::Generalise, Language::En) => format!("  generalised: {name}, {form}{listed} -> {to}{token}"),
        (Action::Generalise, Language::Ja) => format!("  一般化: {name}（{form}{listed}）→ {to}{token}"),
        (_, Language::En) => format!("  kept: {name}, {form}{listed} -> {to}{token}"),
        (_, Language::Ja) => format!("  保持: {name}（{form}{listed}）→ {to}{token}"),
    })
}

fn also(field: &Field, language: Language) -> String {
    let what = attributes(field, language);
    match language {
        Language::En => format!("; also in tokens, as {what}"),
        Language::Ja => format!("。{what}としてトークンにも使います"),
    }
}

fn tokenised(field: &Field, language: Language) -> Option<String> {
    (field.action == Action::Tokenise).then_some(())?;
    let (name, what) = (named(field, language), attributes(field, language));
    let to = if field.to.is_empty() { String::new() } else { format!(" -> {}", field.to.join(", ")) };
    Some(match language {
        Language::En => format!("  tokenised: {name}, as {what}{to}"),
        Language::Ja => format!("  トークン化: {name}（{what}）{to}"),
    })
}

fn ending(record: &Record, language: Language) -> Option<String> {
    let names: Vec<String> =
        record.fields.iter().filter(|field| field.action == Action::Drop).map(|field| named(field, language)).collect();
    let free = record.fields.iter().filter(|field| field.class == Class::FreeText).count();
    let names = (!names.is_empty()).then(|| names.join(", "))?;
    Some(match language {
        Language::En => format!("  dropped: {names} ({free} of free text)"),
        Language::Ja => format!("  破棄: {names}（うち自由記載 {free}）"),
    })
}

fn named(field: &Field, language: Language) -> String {
    match language {
        Language::En => format!("{} ({})", field.name, field.ja),
        Language::Ja => field.ja.clone(),
    }
}

fn kind(kind: Option<Kind>, language: Language) -> &'static str {
    let (en, ja) = match kind {
        Some(Kind::Code) => ("a code", "コード"),
        Some(Kind::Date) => ("a date", "日付"),
        Some(Kind::Decimal) => ("a decimal number", "小数"),
        Some(Kind::Flag) => ("yes or no", "有無"),
        Some(Kind::Int) => ("a whole number", "整数"),
        Some(Kind::Month) => ("a month", "年月"),
        None => ("as it is", "そのまま"),
    };
    pick(language, en, ja)
}

fn coarse(by: &By, language: Language) -> String {
    let (en, ja) = match by {
        By::Age => ("as age in full years", "満年齢"),
        By::Band(width) if language == Language::En => return format!("in bands of {width}"),
        By::Band(width) => return format!("{width} ごとの階級"),
        By::Institution => ("as a surrogate number of the institution", "医療機関の代替番号"),
        By::Insurer => ("as a surrogate number of the insurer", "保険者の代替番号"),
        By::Month => ("as its month", "年月"),
        By::Municipality => ("as the municipality of the home", "居住地の市区町村"),
        By::Prefix(length) if language == Language::En => return format!("its first {length} characters"),
        By::Prefix(length) => return format!("先頭 {length} 文字"),
        By::Year => ("as its year", "年"),
    };
    pick(language, en, ja).to_owned()
}

fn attributes(field: &Field, language: Language) -> String {
    let names: Vec<&str> = field.identity.iter().map(|attribute| attribute_name(*attribute, language)).collect();
    names.join(pick(language, " or ", "または"))
}

fn attribute_name(attribute: Attribute, language: Language) -> &'static str {
    let (en, ja) = match attribute {
        Attribute::Address => ("address", "住所"),
        Attribute::Birth => ("birth date", "生年月日"),
        Attribute::Branch => ("branch number", "枝番"),
        Attribute::Chart => ("chart number", "患者番号"),
        Attribute::Facility => ("institution of the chart number", "患者番号の医療機関"),
        Attribute::FamilyKana => ("family name by its sound", "姓（読み）"),
        Attribute::FamilyKanji => ("family name as written", "姓（表記）"),
        Attribute::GivenKana => ("given name by its sound", "名（読み）"),
        Attribute::GivenKanji => ("given name as written", "名（表記）"),
        Attribute::Insurer => ("insurer", "保険者番号"),
        Attribute::Kana => ("name by its sound", "氏名（読み）"),
        Attribute::Kanji => ("name as written", "氏名（表記）"),
        Attribute::LtcInsurer => ("long-term care insurer", "介護保険者番号"),
        Attribute::LtcNumber => ("insured number in long-term care", "介護被保険者番号"),
        Attribute::MemberId => ("insured number with insurer", "保険者・記号・番号・枝番"),
        Attribute::NationalId => ("national number", "全国共通の個人番号"),
        Attribute::Number => ("number on the card", "被保険者証番号"),
        Attribute::Postcode => ("postcode", "郵便番号"),
        Attribute::PublicPayer => ("public payer", "公費負担者番号"),
        Attribute::PublicRecipient => ("recipient of a public payer", "公費受給者番号"),
        Attribute::Record => ("number of the record", "記録の番号"),
        Attribute::Sex => ("sex", "性別"),
        Attribute::Symbol => ("symbol on the card", "被保険者証記号"),
    };
    pick(language, en, ja)
}

fn pick<'w>(language: Language, en: &'w str, ja: &'w str) -> &'w str {
    match language {
        Language::En => en,
        Language::Ja => ja,
    }
}
