//! What keeps a content from being submitted: which part, and why.

use serde::{Deserialize, Serialize};

use crate::application::rules::Rules;

/// One thing that is to be mended before submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The part's word: of the form's question, or `title`, `members`, `datasets`, …
    pub field: String,
    /// What is wrong with it.
    pub kind: ProblemKind,
}

/// What is wrong with a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// Nothing was given, or not all of it.
    Missing,
    /// The rules do not allow what was given.
    NotAllowed,
    /// It ends before today.
    Past,
    /// Another application has it.
    Taken,
    /// Longer than allowed.
    TooLong,
}

/// Parts that are no questions of the form.
const PARTS: [(&str, &str, &str); 17] = [
    ("answers", "記入欄", "answers"),
    ("applicant-kind", "提供申出者の種別", "kind of applicant"),
    ("attachments", "添付書類", "attachments"),
    ("country", "利用場所の国", "country of use"),
    ("datasets", "データセットと変数", "datasets and variables"),
    ("ethics", "倫理審査", "ethics approval"),
    ("grade", "画面に示す値", "what sessions show"),
    ("members", "取扱者と利用場所", "members and places of use"),
    ("period", "利用期間", "period of use"),
    ("profile", "開示基準", "disclosure profile"),
    ("project", "研究課題の略称", "short name of the project"),
    ("reasons", "表ごとの必要理由", "reason for each table"),
    ("rows", "対象の限定", "restriction of rows"),
    ("shells", "集計表の設計", "planned tables"),
    ("tier", "加工の水準", "tier"),
    ("title", "研究課題名", "title"),
    ("urgent", "緊急審査", "urgent review"),
];

impl Problem {
    /// A problem with the part.
    pub fn new(field: &str, kind: ProblemKind) -> Self {
        Self { field: field.to_owned(), kind }
    }

    /// The part's name in Japanese and English; its word where the rules know none.
    pub fn name_of(field: &str) -> (String, String) {
        let part =
            PARTS.iter().find(|(part, ..)| *part == field).map(|(_, ja, en)| ((*ja).to_owned(), (*en).to_owned()));
        let question = || Rules::current().form.fields().find(|known| known.id == field);
        part.or_else(|| question().map(|known| (known.ja.clone(), known.en.clone())))
            .unwrap_or_else(|| (field.to_owned(), field.to_owned()))
    }

    /// The sentence in Japanese.
    pub fn ja(&self) -> String {
        let name = Self::name_of(&self.field).0;
        match self.kind {
            ProblemKind::Missing => format!("「{name}」を入力してください。"),
            ProblemKind::NotAllowed => format!("「{name}」の内容は現在の規程では認められません。"),
            ProblemKind::Past => format!("「{name}」の期限が過ぎています。今日以降に終わるものを入力してください。"),
            ProblemKind::Taken => format!("「{name}」はほかの申請で使われています。別の名前にしてください。"),
            ProblemKind::TooLong => format!("「{name}」が長すぎます。短くしてください。"),
        }
    }

    /// The sentence in English, in the form of an error.
    pub fn en(&self) -> String {
        let name = Self::name_of(&self.field).1;
        match self.kind {
            ProblemKind::Missing => format!("please fill in: {name}"),
            ProblemKind::NotAllowed => format!("the present rules do not allow what is given for: {name}"),
            ProblemKind::Past => format!("this ended before today: {name}"),
            ProblemKind::Taken => format!("another application has this already: {name}"),
            ProblemKind::TooLong => format!("too long, please shorten: {name}"),
        }
    }
}
