//! A name as written, variant characters made one (formats.md 13.3). Never the only key.

use super::text;

/// Variant characters and the form they are read as. Pairs; the second never stands on the left.
const VARIANTS: [(char, char); 57] = [
    ('髙', '高'),
    ('﨑', '崎'),
    ('嵜', '崎'),
    ('濵', '浜'),
    ('濱', '浜'),
    ('邊', '辺'),
    ('邉', '辺'),
    ('齋', '斉'),
    ('齊', '斉'),
    ('斎', '斉'),
    ('澤', '沢'),
    ('廣', '広'),
    ('國', '国'),
    ('眞', '真'),
    ('德', '徳'),
    ('惠', '恵'),
    ('櫻', '桜'),
    ('嶋', '島'),
    ('嶌', '島'),
    ('冨', '富'),
    ('渕', '淵'),
    ('渊', '淵'),
    ('榮', '栄'),
    ('藏', '蔵'),
    ('龍', '竜'),
    ('瀧', '滝'),
    ('關', '関'),
    ('莊', '荘'),
    ('萬', '万'),
    ('與', '与'),
    ('豐', '豊'),
    ('靜', '静'),
    ('禮', '礼'),
    ('寶', '宝'),
    ('寳', '宝'),
    ('壽', '寿'),
    ('實', '実'),
    ('條', '条'),
    ('圓', '円'),
    ('舘', '館'),
    ('曻', '昇'),
    ('桒', '桑'),
    ('㐂', '喜'),
    ('淸', '清'),
    ('黑', '黒'),
    ('橫', '横'),
    ('增', '増'),
    ('瀨', '瀬'),
    ('靑', '青'),
    ('鄕', '郷'),
    ('祿', '禄'),
    ('𠮷', '吉'),
    ('鷗', '鴎'),
    ('佛', '仏'),
    ('應', '応'),
    ('學', '学'),
    ('廐', '厩'),
];

/// Reads a name. `None` if empty, if a character is a placeholder or gaiji, or if it is written in kana or Latin alone.
pub(crate) fn name(written: &str) -> Option<String> {
    let read: String = text::fold(written)
        .chars()
        .filter(|letter| !text::is_blank(*letter) && !is_selector(*letter))
        .map(plain)
        .collect();
    let has_kanji = read.chars().any(
        |letter| matches!(letter, '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}' | '々'),
    );
    (has_kanji && !read.chars().any(text::is_placeholder)).then_some(read)
}

fn is_selector(letter: char) -> bool {
    matches!(letter, '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}')
}

fn plain(letter: char) -> char {
    VARIANTS.iter().find(|(variant, _)| *variant == letter).map_or(letter, |(_, read)| *read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden() {
        assert_eq!(name("渡邊　京子").unwrap(), "渡辺京子");
        assert_eq!(name("渡邉 京子"), name("渡辺　京子"));
        assert_eq!(name("齋藤\u{E0100} 髙").unwrap(), "斉藤高");
        assert_eq!(name("さくら"), None);
        assert_eq!(name("ﾔﾏﾀﾞ ﾀﾛｳ"), None);
        assert_eq!(name("山●太郎"), None);
        assert_eq!(name("山\u{E001}太郎"), None);
    }

    #[test]
    fn the_table_is_settled_in_one_step() {
        for (_, read) in VARIANTS {
            assert_eq!(plain(read), read);
        }
    }
}
