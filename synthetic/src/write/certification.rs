//! Certifications of need: `nintei.csv`, one row each, header names as in the certification software's exchange file
//! (formats.md, 6), half-width kana.

use std::path::{Path, PathBuf};

use crate::SyntheticError;
use crate::calendar::compact;
use crate::records::Certification;
use crate::truth::Truth;
use crate::write::{Identity, Sink};

/// The one file, opened by its first record.
pub(crate) struct CertificationFile {
    path: PathBuf,
    sink: Option<Sink>,
    records: u64,
}

/// Columns in order. The first 18 stand in every edition; readers go by name.
const HEADER: [&str; 46] = [
    "識別コード",
    "保険者番号",
    "被保険者番号",
    "認定申請日",
    "枝番",
    "申請区分法令コード",
    "申請区分申請時コード",
    "取下区分コード",
    "被保険者区分コード",
    "申請代行区分コード",
    "生年月日",
    "年齢",
    "性別コード",
    "被保険者ｶﾅ氏名",
    "漢字氏名",
    "郵便番号",
    "住所",
    "電話番号",
    "病院施設等の名称",
    "病院施設等の所在地",
    "意見書_認知症高齢者の日常生活自立度",
    "障害高齢者の日常生活自立度",
    "認知症高齢者の日常生活自立度",
    "一次判定結果",
    "要介護認定等基準時間",
    "要介護認定等基準時間_食事",
    "要介護認定等基準時間_排泄",
    "要介護認定等基準時間_移動",
    "要介護認定等基準時間_清潔保持",
    "要介護認定等基準時間_間接",
    "要介護認定等基準時間_BPSD関連",
    "要介護認定等基準時間_機能訓練",
    "要介護認定等基準時間_医療関連",
    "要介護認定等基準時間_認知症加算",
    "中間評価項目得点第1群",
    "中間評価項目得点第2群",
    "中間評価項目得点第3群",
    "中間評価項目得点第4群",
    "中間評価項目得点第5群",
    "警告コード",
    "二次判定日",
    "二次判定結果",
    "認定有効期間開始",
    "認定有効期間終了",
    "前回識別コード",
    "コメント等",
];

impl CertificationFile {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { path: folder.join("nintei.csv"), sink: None, records: 0 }
    }

    /// Adds a row.
    pub(crate) fn write(&mut self, one: &Certification, truth: &mut Truth) -> Result<(), SyntheticError> {
        if self.sink.is_none() {
            let mut sink = Sink::create(&self.path)?;
            sink.cp932(&format!("{}\r\n", HEADER.join(",")))?;
            self.sink = Some(sink);
        }
        let Some(sink) = &mut self.sink else { return Ok(()) };
        sink.cp932(&format!("{}\r\n", fields(one).join(",")))?;
        self.records += 1;
        let stated = &one.stated;
        let identity = Identity::bare("ltc", one.person, stated).named(stated, " ").half_kana().in_care(stated);
        let identity = Identity { postcode: Some(stated.postcode.clone()), ..identity };
        truth.identity(&sink.name(), self.records, &identity)
    }

    /// Ends the file.
    pub(crate) fn finish(self) -> Result<(u64, u64), SyntheticError> {
        match self.sink {
            Some(sink) => Ok((1, sink.close()?)),
            None => Ok((0, 0)),
        }
    }
}

fn fields(one: &Certification) -> Vec<String> {
    let stated = &one.stated;
    let tenths = |value: i32| format!("{}.{}", value / 10, value % 10);
    let mut fields: Vec<String> = vec![
        "09B".to_owned(),
        stated.care_insurer.clone(),
        stated.care_number.clone(),
        compact(one.applied_on),
        "0".to_owned(),
        "1".to_owned(),
        "1".to_owned(),
        "0".to_owned(),
        "1".to_owned(),
        "1".to_owned(),
        compact(stated.birth),
        one.age.to_string(),
        stated.sex.to_string(),
        crate::digits::half_kana(&stated.kana(" ")),
        stated.kanji.clone(),
        stated.postcode.clone(),
        stated.address.clone(),
        stated.phone.clone(),
    ];
    fields.extend([String::new(), String::new()]);
    fields.push((one.dementia + 1).to_string());
    fields.push((one.bedridden + 1).to_string());
    fields.push((one.dementia + 1).to_string());
    fields.push(one.first_judgement.code().to_owned());
    fields.push(tenths(one.minutes));
    fields.extend([const { String::new() }; 9]);
    fields.extend(one.scores.iter().map(|score| tenths(*score)));
    fields.push(String::new());
    fields.push(compact(one.certified_on));
    fields.push(one.level.code().to_owned());
    fields.push(compact(one.valid.0));
    fields.push(compact(one.valid.1));
    fields.extend(["09B".to_owned(), String::new()]);
    fields
}
