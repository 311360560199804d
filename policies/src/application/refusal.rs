//! Why a command is not obeyed: a stable code, and the sentence that the page shows, in both languages.

/// A part of an application's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Datasets, tables, columns.
    Datasets,
    /// 取扱者.
    Members,
    /// 利用期間.
    Period,
    /// Disclosure profile.
    Profile,
    /// Short name of the project.
    Project,
    /// 利用目的.
    Purpose,
    /// 研究課題名.
    Title,
}

impl Field {
    /// The name of the form field.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Datasets => "datasets",
            Self::Members => "members",
            Self::Period => "period",
            Self::Profile => "profile",
            Self::Project => "project",
            Self::Purpose => "purpose",
            Self::Title => "title",
        }
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Datasets => ("データセットと変数", "datasets and variables"),
            Self::Members => ("取扱者", "members"),
            Self::Period => ("利用期間（今日以降に終わる期間）", "period of use (ending today or later)"),
            Self::Profile => ("開示基準", "disclosure profile"),
            Self::Project => ("研究課題の略称", "short name of the project"),
            Self::Purpose => ("利用目的", "purpose"),
            Self::Title => ("研究課題名", "title"),
        }
    }
}

/// Why not. Display is the English sentence, in the form of an error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.en())]
pub enum Refusal {
    /// This reviewer has voted in this round.
    AlreadyVoted,
    /// This member has signed.
    AlreadyPledged,
    /// A comment, reason, condition or report is required.
    CommentRequired,
    /// A reviewer with a conflict of interest, or of a member's organisation.
    ConflictOfInterest,
    /// Something is missing.
    Incomplete(Field),
    /// The decision does not follow the votes.
    NotByMajority,
    /// Only the applicant may.
    NotApplicant,
    /// Not an assigned reviewer.
    NotAssigned,
    /// Not a member.
    NotMember,
    /// Too few votes.
    NoQuorum,
    /// Not at this stage.
    OutOfTurn,
    /// Who asks may not judge.
    OwnApplication,
    /// A pledge is missing.
    PledgesMissing,
    /// Fewer reviewers without conflict than the quorum.
    TooFewReviewers,
    /// Longer than allowed.
    TooLong(Field),
    /// The role does not allow it.
    WrongRole,
}

impl Refusal {
    /// Stable code, listed in `docs/errors.md`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AlreadyPledged => "application/already-pledged",
            Self::AlreadyVoted => "application/already-voted",
            Self::CommentRequired => "application/comment-required",
            Self::ConflictOfInterest => "application/conflict-of-interest",
            Self::Incomplete(_) => "application/incomplete",
            Self::NoQuorum => "application/no-quorum",
            Self::NotApplicant => "application/not-applicant",
            Self::NotAssigned => "application/not-assigned",
            Self::NotByMajority => "application/not-by-majority",
            Self::NotMember => "application/not-member",
            Self::OutOfTurn => "application/out-of-turn",
            Self::OwnApplication => "application/own-application",
            Self::PledgesMissing => "application/pledges-missing",
            Self::TooFewReviewers => "application/too-few-reviewers",
            Self::TooLong(_) => "application/too-long",
            Self::WrongRole => "application/wrong-role",
        }
    }

    /// The field that the refusal is about.
    pub fn field(&self) -> Option<Field> {
        if let Self::Incomplete(field) | Self::TooLong(field) = self { Some(*field) } else { None }
    }

    /// The sentence in Japanese.
    pub fn ja(&self) -> String {
        let sentence = match self {
            Self::AlreadyPledged => "誓約書には署名済みです。",
            Self::AlreadyVoted => "この採決ではすでに投票しています。",
            Self::CommentRequired => "理由・条件・報告の文章を入力してください。",
            Self::ConflictOfInterest => {
                "利益相反（申告済み、または取扱者と同じ所属）のため、この申請の審査・採決・決定には加われません。"
            }
            Self::Incomplete(field) => return format!("「{}」を入力してください。", field.words().0),
            Self::NoQuorum => "有効な票が2票に達していないため、決定できません。",
            Self::NotApplicant => "この操作ができるのは申出者だけです。",
            Self::NotAssigned => "この申請の審査委員に指名されていません。",
            Self::NotByMajority => "決定が投票の結果と合いません。承認には賛成が過半数必要です。",
            Self::NotMember => "この申請の取扱者ではありません。",
            Self::OutOfTurn => "申請の現在の段階では、この操作はできません。ページを開き直して状態を確かめてください。",
            Self::OwnApplication => "自分が関わる申請について、受付・審査・決定の操作はできません。",
            Self::PledgesMissing => "取扱者全員の誓約書がそろうまで、承諾通知書は発行できません。",
            Self::TooFewReviewers => "利益相反のない審査委員が2名以上必要です。審査委員を追加してください。",
            Self::TooLong(field) => return format!("「{}」が長すぎます。短くしてください。", field.words().0),
            Self::WrongRole => "この操作に必要な役割がありません。",
        };
        sentence.to_owned()
    }

    /// The sentence in English.
    pub fn en(&self) -> String {
        let sentence = match self {
            Self::AlreadyPledged => "you have signed your pledge already",
            Self::AlreadyVoted => "you have voted in this round already",
            Self::CommentRequired => "a text is required here: the reason, the conditions or the report",
            Self::ConflictOfInterest => {
                "you have a conflict of interest (declared, or the same organisation as a member) and take no part in this application"
            }
            Self::Incomplete(field) => return format!("please fill in: {}", field.words().1),
            Self::NoQuorum => "fewer than two valid votes have been cast, so nothing can be decided",
            Self::NotApplicant => "only the applicant may do this",
            Self::NotAssigned => "you are not an assigned reviewer of this application",
            Self::NotByMajority => {
                "the decision does not follow the votes; a grant needs a majority for it, a rejection none"
            }
            Self::NotMember => "you are not a member of this application",
            Self::OutOfTurn => "this cannot be done at the present stage; open the page again to see where it stands",
            Self::OwnApplication => "who asks in an application may not judge it",
            Self::PledgesMissing => "the permit cannot be issued before every member has signed the pledge",
            Self::TooFewReviewers => "two reviewers without a conflict of interest are needed; assign more",
            Self::TooLong(field) => return format!("too long, please shorten: {}", field.words().1),
            Self::WrongRole => "your roles do not allow this",
        };
        sentence.to_owned()
    }
}
