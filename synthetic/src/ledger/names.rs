//! Names as common as in Japan: kana surnames by a Zipf–Mandelbrot law (the commonest 1.4 % of persons, ten 10 %, a hundred 33 %, sum
//! of squares 0.0019), given names by sex and generation (0.0026 to 0.0087). The common ones are real, the rare ones are made up of
//! plausible parts (`research/pseudonymization-anchors.md`, part 2, the arithmetic).

use std::collections::HashSet;

use crate::names;
use crate::random::Dice;

/// A name with its ways of being written.
pub(super) struct Entry {
    pub(super) kana: String,
    kanji: Vec<String>,
}

/// Names by rank, with cumulative shares.
struct List {
    names: Vec<Entry>,
    upto: Vec<f64>,
}

pub(super) struct Names {
    surnames: List,
    /// By sex (0 male, 1 female), then by generation.
    given: Vec<[List; 4]>,
}

/// A name drawn: kana and kanji.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Drawn {
    pub(super) kana: String,
    pub(super) kanji: String,
}

const SURNAMES: usize = 10_000;
const GIVEN: usize = 900;
/// Flattening of the Zipf–Mandelbrot law by sex and generation, fitted to the sums of squares above.
const FLAT: [[f64; 4]; 2] = [[15.0, 21.0, 29.0, 45.0], [6.0, 14.0, 28.0, 45.0]];

impl List {
    fn new(mut names: Vec<Entry>, size: usize, flat: f64, slope: f64) -> Self {
        names.truncate(size);
        let mut sum = 0.0;
        let mut upto: Vec<f64> = Vec::with_capacity(names.len());
        let mut rank = 1.0;
        for _ in &names {
            sum += f64::powf(rank + flat, -slope);
            upto.push(sum);
            rank += 1.0;
        }
        upto.iter_mut().for_each(|one| *one /= sum);
        Self { names, upto }
    }

    fn draw(&self, dice: &mut Dice) -> Drawn {
        let unit = dice.unit();
        let at = self.upto.partition_point(|upto| *upto <= unit);
        let entry = self.names.get(at).or_else(|| self.names.last());
        let written = dice.unit();
        entry.map_or_else(|| Drawn { kana: "サトウ".to_owned(), kanji: "佐藤".to_owned() }, |entry| {
            // The first way of writing is the commonest.
            let place = if written < 0.5 { 0 } else { crate::random::whole((written - 0.5) * 2.0 * 64.0).unsigned_abs() as usize };
            let kanji = entry.kanji.get(place % entry.kanji.len().max(1)).cloned().unwrap_or_default();
            Drawn { kana: entry.kana.clone(), kanji }
        })
    }

    #[cfg(test)]
    fn squares(&self) -> f64 {
        let mut before = 0.0;
        self.upto.iter().map(|upto| (upto - std::mem::replace(&mut before, *upto)).powi(2)).sum()
    }
}

impl Names {
    pub(super) fn new() -> Self {
        let surnames = List::new(surnames(), SURNAMES, 8.0, 0.96);
        let given = (0..2_u8).map(|sex| [0, 1, 2, 3].map(|era: usize| {
            let flat = FLAT.get(usize::from(sex)).and_then(|eras| eras.get(era)).copied().unwrap_or(20.0);
            List::new(given(sex, era), GIVEN, flat, 1.1)
        }));
        Self { surnames, given: given.collect() }
    }

    pub(super) fn surname(&self, dice: &mut Dice) -> Drawn {
        self.surnames.draw(dice)
    }

    pub(super) fn given(&self, dice: &mut Dice, sex: u8, born: i16) -> Drawn {
        let era = names::era(born);
        match self.given.get(usize::from(sex == 2)).and_then(|eras| eras.get(era)) {
            Some(list) => list.draw(dice),
            None => self.surnames.draw(dice),
        }
    }
}

fn push(list: &mut Vec<Entry>, known: &mut HashSet<String>, kana: &str, kanji: String) {
    if known.insert(kana.to_owned()) {
        list.push(Entry { kana: kana.to_owned(), kanji: vec![kanji] });
    } else if let Some(entry) = list.iter_mut().find(|entry| entry.kana == kana)
        && !entry.kanji.contains(&kanji)
        && entry.kanji.len() < 6
    {
        entry.kanji.push(kanji);
    }
}

/// The common ones by frequency, then pairs of parts, then pairs with a part in front.
fn surnames() -> Vec<Entry> {
    let (mut list, mut known) = (Vec::new(), HashSet::new());
    for part in names::surnames_by_weight() {
        push(&mut list, &mut known, part.kana, part.kanji.to_owned());
    }
    // Rare names come in a mixed order, so that rank and part have nothing to do with each other.
    let mut made: Vec<(String, String)> = Vec::new();
    for (a, first) in FRONT.iter().enumerate() {
        for (b, second) in BACK.iter().enumerate() {
            made.push((format!("{}{}", first.1, second.1), format!("{}{}", first.0, second.0)));
            if let Some(third) = BEFORE.get((a * 7 + b * 3) % BEFORE.len()) {
                let kana = format!("{}{}{}", third.1, first.1, second.1);
                made.push((kana, format!("{}{}{}", third.0, first.0, second.0)));
            }
            if let Some(third) = BEFORE.get((a * 5 + b * 11 + 4) % BEFORE.len()) {
                let kana = format!("{}{}{}", first.1, third.1, second.1);
                made.push((kana, format!("{}{}{}", first.0, third.0, second.0)));
            }
        }
    }
    made.sort_by_key(|(kana, _)| spot(kana));
    for (kana, kanji) in made {
        if known.insert(kana.clone()) {
            list.push(Entry { kana, kanji: vec![kanji] });
        }
    }
    list
}

fn given(sex: u8, era: usize) -> Vec<Entry> {
    let (mut list, mut known) = (Vec::new(), HashSet::new());
    for part in names::given_of(sex + 1, era) {
        push(&mut list, &mut known, part.kana, part.kanji.to_owned());
    }
    let (stems, ends): (&[(&str, &str)], &[(&str, &str)]) =
        if sex == 0 { (&MALE_STEMS, &MALE_ENDS) } else { (&FEMALE_STEMS, &FEMALE_ENDS) };
    let mut made: Vec<(String, String)> = Vec::new();
    for (kanjis, stem) in stems {
        for (end_kanji, end) in ends {
            for kanji in kanjis.chars() {
                made.push((format!("{stem}{end}"), format!("{kanji}{end_kanji}")));
            }
        }
    }
    // Another order in each generation: names go out of fashion.
    made.sort_by_key(|(kana, kanji)| (crate::random::mix(spot(kana) ^ era as u64), kanji.clone()));
    for (kana, kanji) in made {
        push(&mut list, &mut known, &kana, kanji);
    }
    list
}

fn spot(kana: &str) -> u64 {
    kana.bytes().fold(11, |spot, byte| crate::random::mix(spot ^ u64::from(byte)))
}

const FRONT: [(&str, &str); 80] = [
    ("秋", "アキ"), ("浅", "アサ"), ("芦", "アシ"), ("荒", "アラ"), ("有", "アリ"), ("粟", "アワ"), ("飯", "イイ"), ("池", "イケ"),
    ("石", "イシ"), ("泉", "イズミ"), ("磯", "イソ"), ("板", "イタ"), ("稲", "イナ"), ("今", "イマ"), ("岩", "イワ"), ("植", "ウエ"),
    ("内", "ウチ"), ("梅", "ウメ"), ("浦", "ウラ"), ("榎", "エノキ"), ("大", "オオ"), ("岡", "オカ"), ("奥", "オク"), ("柿", "カキ"),
    ("梶", "カジ"), ("片", "カタ"), ("勝", "カツ"), ("金", "カネ"), ("亀", "カメ"), ("川", "カワ"), ("岸", "キシ"), ("北", "キタ"),
    ("桐", "キリ"), ("草", "クサ"), ("熊", "クマ"), ("黒", "クロ"), ("桑", "クワ"), ("越", "コシ"), ("米", "ヨネ"), ("坂", "サカ"),
    ("笹", "ササ"), ("沢", "サワ"), ("塩", "シオ"), ("重", "シゲ"), ("芝", "シバ"), ("島", "シマ"), ("清", "キヨ"), ("白", "シラ"),
    ("杉", "スギ"), ("鈴", "スズ"), ("砂", "スナ"), ("関", "セキ"), ("高", "タカ"), ("滝", "タキ"), ("竹", "タケ"), ("立", "タテ"),
    ("谷", "タニ"), ("玉", "タマ"), ("月", "ツキ"), ("辻", "ツジ"), ("鶴", "ツル"), ("寺", "テラ"), ("富", "トミ"), ("鳥", "トリ"),
    ("永", "ナガ"), ("中", "ナカ"), ("夏", "ナツ"), ("西", "ニシ"), ("沼", "ヌマ"), ("野", "ノ"), ("萩", "ハギ"), ("畑", "ハタ"),
    ("浜", "ハマ"), ("早", "ハヤ"), ("平", "ヒラ"), ("福", "フク"), ("藤", "フジ"), ("星", "ホシ"), ("松", "マツ"), ("森", "モリ"),
];

const BACK: [(&str, &str); 60] = [
    ("川", "カワ"), ("田", "タ"), ("山", "ヤマ"), ("野", "ノ"), ("村", "ムラ"), ("井", "イ"), ("島", "シマ"), ("崎", "サキ"),
    ("原", "ハラ"), ("木", "キ"), ("本", "モト"), ("沢", "サワ"), ("谷", "タニ"), ("上", "ウエ"), ("下", "シタ"), ("口", "グチ"),
    ("内", "ウチ"), ("中", "ナカ"), ("尾", "オ"), ("岡", "オカ"), ("林", "バヤシ"), ("森", "モリ"), ("橋", "バシ"), ("塚", "ヅカ"),
    ("浦", "ウラ"), ("辺", "ベ"), ("見", "ミ"), ("瀬", "セ"), ("地", "ジ"), ("戸", "ド"), ("倉", "クラ"), ("坂", "サカ"),
    ("津", "ツ"), ("永", "ナガ"), ("根", "ネ"), ("場", "バ"), ("畑", "ハタ"), ("浜", "ハマ"), ("東", "ヒガシ"), ("平", "ヒラ"),
    ("淵", "ブチ"), ("堀", "ホリ"), ("間", "マ"), ("松", "マツ"), ("丸", "マル"), ("宮", "ミヤ"), ("元", "ゲン"), ("屋", "ヤ"),
    ("吉", "ヨシ"), ("良", "ラ"), ("池", "イケ"), ("石", "イシ"), ("江", "エ"), ("垣", "ガキ"), ("形", "ガタ"), ("岸", "ギシ"),
    ("窪", "クボ"), ("河", "ガワ"), ("城", "シロ"), ("代", "シロダ"),
];

const BEFORE: [(&str, &str); 16] = [
    ("小", "コ"), ("大", "オオ"), ("上", "カミ"), ("下", "シモ"), ("東", "ヒガシ"), ("西", "ニシ"), ("南", "ミナミ"), ("北", "キタ"),
    ("前", "マエ"), ("後", "ウシロ"), ("古", "フル"), ("新", "シン"), ("長", "ナガ"), ("千", "チ"), ("三", "ミ"), ("八", "ヤ"),
];

const MALE_STEMS: [(&str, &str); 40] = [
    ("昭明秋", "アキ"), ("敦淳", "アツ"), ("一和", "カズ"), ("勝克", "カツ"), ("清潔", "キヨ"), ("邦国", "クニ"), ("賢健", "ケン"), ("孝高隆", "タカ"),
    ("武岳", "タケ"), ("忠正", "タダ"), ("達辰", "タツ"), ("哲徹", "テツ"), ("輝照", "テル"), ("利敏俊", "トシ"), ("友智", "トモ"), ("直尚", "ナオ"),
    ("信伸", "ノブ"), ("則紀典", "ノリ"), ("治春", "ハル"), ("久尚", "ヒサ"), ("秀英", "ヒデ"), ("博浩宏", "ヒロ"), ("文史", "フミ"), ("誠真", "マコ"),
    ("正雅昌", "マサ"), ("道通", "ミチ"), ("光満", "ミツ"), ("元基", "モト"), ("康靖", "ヤス"), ("幸行之", "ユキ"), ("豊裕", "ユタ"), ("義良芳", "ヨシ"),
    ("竜龍", "リュウ"), ("翔将", "ショウ"), ("悠雄", "ユウ"), ("陽洋", "ヨウ"), ("大太", "ダイ"), ("伊以", "イ"), ("栄永", "エイ"), ("耕幸", "コウ"),
];

const MALE_ENDS: [(&str, &str); 30] = [
    ("夫", "オ"), ("彦", "ヒコ"), ("也", "ヤ"), ("人", "ト"), ("樹", "キ"), ("司", "シ"), ("志", "ジ"), ("一", "イチ"), ("郎", "ロウ"), ("太", "タ"),
    ("介", "スケ"), ("平", "ヘイ"), ("吾", "ゴ"), ("己", "ミ"), ("典", "ノリ"), ("信", "ノブ"), ("之", "ユキ"), ("治", "ハル"), ("斗", "トシ"), ("馬", "マ"),
    ("吉", "キチ"), ("三", "ゾウ"), ("次郎", "ジロウ"), ("太郎", "タロウ"), ("一郎", "イチロウ"), ("弘", "ヒロ"), ("満", "ミツ"), ("成", "ナリ"), ("明", "アキ"), ("輔", "スケル"),
];

const FEMALE_STEMS: [(&str, &str); 44] = [
    ("亜愛", "ア"), ("明秋", "アキ"), ("綾彩", "アヤ"), ("郁", "イク"), ("歌", "ウタ"), ("江恵", "エ"), ("香佳", "カ"), ("和一", "カズ"),
    ("加華", "カヨ"), ("菊", "キク"), ("君", "キミ"), ("清", "キヨ"), ("久", "ク"), ("小", "コ"), ("沙佐", "サ"), ("幸", "サチ"),
    ("里", "サト"), ("静", "シズ"), ("志", "シ"), ("澄", "スミ"), ("鈴", "スズ"), ("多", "タ"), ("貴", "タカ"), ("千知", "チ"),
    ("月", "ツキ"), ("照", "テル"), ("時", "トキ"), ("敏", "トシ"), ("友朋", "トモ"), ("奈菜", "ナ"), ("夏", "ナツ"), ("信", "ノブ"),
    ("春", "ハル"), ("久", "ヒサ"), ("秀", "ヒデ"), ("博", "ヒロ"), ("文", "フミ"), ("真麻", "マ"), ("美三", "ミ"), ("光", "ミツ"),
    ("桃", "モモ"), ("由有", "ユ"), ("幸雪", "ユキ"), ("佳良", "ヨシ"),
];

const FEMALE_ENDS: [(&str, &str); 26] = [
    ("子", "コ"), ("美", "ミ"), ("江", "エ"), ("代", "ヨ"), ("香", "カ"), ("菜", "ナ"), ("里", "リ"), ("乃", "ノ"), ("葉", "ハ"), ("世", "セ"),
    ("枝", "エダ"), ("音", "ネ"), ("穂", "ホ"), ("織", "オリ"), ("衣", "イ"), ("実", "ミノ"), ("奈美", "ナミ"), ("里子", "リコ"), ("佳子", "カコ"), ("美子", "ミコ"),
    ("恵子", "エコ"), ("代子", "ヨコ"), ("理奈", "リナ"), ("亜", "ア"), ("優", "ユ"), ("月", "ツキ"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_common_as_in_japan() {
        let names = Names::new();
        assert_eq!(names.surnames.names.len(), SURNAMES);
        let upto = |rank: usize| names.surnames.upto[rank - 1];
        assert!((upto(1) - 0.014).abs() < 0.001 && (upto(10) - 0.1).abs() < 0.01 && (upto(100) - 0.33).abs() < 0.02);
        assert!((names.surnames.squares() - 0.00195).abs() < 0.0001, "{}", names.surnames.squares());
        for (sex, era, squares) in [(0, 0, 0.0047), (0, 1, 0.0039), (0, 3, 0.0026), (1, 0, 0.0087), (1, 3, 0.0026)] {
            let list = &names.given[sex][era];
            assert!(list.names.len() >= 700, "{sex} {era} {}", list.names.len());
            assert!((list.squares() / squares - 1.0).abs() < 0.15, "{sex} {era} {}", list.squares());
        }
    }
}
