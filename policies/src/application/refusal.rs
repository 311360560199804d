//! Why a command is not obeyed: a stable code, and the sentence that the page shows, in both languages.

use super::content::Problem;

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $ja:literal, $en:literal;)*) => {
        /// Why not. Display is the English sentence, in the form of an error.
        #[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
        #[error("{}", self.en())]
        pub enum Refusal {
            $($(#[$doc])* $name,)*
            /// What keeps the content from being submitted; never empty.
            Incomplete(Vec<Problem>),
        }

        impl Refusal {
            /// All but the incomplete content.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Stable code, listed in `docs/errors.md`.
            pub fn code(&self) -> &'static str {
                match self {
                    $(Self::$name => concat!("application/", $code),)*
                    Self::Incomplete(_) => "application/incomplete",
                }
            }

            /// The sentence in Japanese.
            pub fn ja(&self) -> String {
                match self {
                    $(Self::$name => $ja.to_owned(),)*
                    Self::Incomplete(problems) => problems.iter().map(Problem::ja).collect(),
                }
            }

            /// The sentence in English.
            pub fn en(&self) -> String {
                match self {
                    $(Self::$name => $en.to_owned(),)*
                    Self::Incomplete(problems) => problems.iter().map(Problem::en).collect::<Vec<_>>().join("; "),
                }
            }
        }
    };
}

refusals! {
    /// That request, condition or restriction was answered.
    AlreadyAnswered = "already-answered", "すでに回答・確認されています。", "this has been answered already";
    /// This member has signed.
    AlreadyPledged = "already-pledged", "誓約書には署名済みです。", "you have signed your pledge already";
    /// This reviewer has voted in this sitting.
    AlreadyVoted = "already-voted", "この採決ではすでに投票しています。", "you have voted already";
    /// Not every line of the checklist is confirmed.
    ChecklistIncomplete = "checklist-incomplete", "受付確認の項目をすべて確認してください。足りないものがあれば差戻しにします。", "confirm every line of the checklist, or return the application";
    /// A comment, reason, condition or report is required.
    CommentRequired = "comment-required", "理由・条件・報告の文章を入力してください。", "a text is required here: the reason, the conditions or the report";
    /// A condition is not met yet.
    ConditionsOpen = "conditions-open", "条件がすべて満たされるまで、承諾通知書は発行できません。", "the permit cannot be issued before every condition is met";
    /// A conflict of interest, declared or found.
    ConflictOfInterest = "conflict-of-interest", "利益相反（申告済み、取扱者と同じ所属、または共著）のため、この申請の審査・採決・決定には加われません。", "you have a conflict of interest (declared, the affiliation of a member, or a paper written together) and take no part in this application";
    /// The date lies in the past.
    DateInThePast = "date-in-the-past", "今日以降の日付を入力してください。", "give a date that is not in the past";
    /// The incident's final report is not recorded as made.
    FinalReportMissing = "final-report-missing", "確報の報告先を記録するまで、事故の対応は終了できません。", "an incident is closed only after its final report is recorded with its addressee";
    /// Not every criterion has a finding with a reason.
    FindingsMissing = "findings-missing", "審査基準のそれぞれについて、判断と理由を入力してください。", "give a finding and a reason for each criterion";
    /// A holder's consent is missing or refused, or an opinion is missing and its days are not over.
    HolderNotHeard = "holder-not-heard", "データ保有者の同意または意見がそろっていないため、承認できません。", "a holder's consent or opinion is missing, so this cannot be granted";
    /// Who judges says first whether there is a conflict.
    InterestNotDeclared = "interest-not-declared", "先に、この申請についての利益相反の有無を申告してください。", "declare first whether you have a conflict of interest in this application";
    /// Members who are named have not accepted.
    MembersNotJoined = "members-not-joined", "参加を承諾していない取扱者がいるため、受理できません。本人の承諾を待つか、差戻しにして取扱者から外してもらってください。", "a person is named as a member who has not accepted; wait for the answer, or return the application so that the name is taken out";
    /// Too few votes.
    NoQuorum = "no-quorum", "有効な票が定足数に達していないため、決定できません。", "the votes cast do not reach the quorum, so nothing can be decided";
    /// There is no entry of that number, or its values make no sense.
    NoSuchEntry = "no-such-entry", "該当する項目がありません。ページを開き直して確かめてください。", "there is no such entry; open the page again";
    /// Only the applicant may.
    NotApplicant = "not-applicant", "この操作ができるのは申出者だけです。", "only the applicant may do this";
    /// The source is asked for an opinion, not for consent, or the other way round.
    NotAsked = "not-asked", "この保有者に求められているもの（意見または同意）と回答が合いません。", "the answer is not of the kind that this holder is asked for";
    /// Not an assigned reviewer.
    NotAssigned = "not-assigned", "この申請の審査委員に指名されていません。", "you are not an assigned reviewer of this application";
    /// The decision does not follow the votes.
    NotByMajority = "not-by-majority", "決定が投票の結果と合いません。承認には賛成が過半数必要です。", "the decision does not follow the votes; a grant needs a majority for it, a rejection none";
    /// Nothing is different from what was granted, or nothing is taken away.
    NothingChanged = "nothing-changed", "変更がありません。", "nothing is changed";
    /// Not a member.
    NotMember = "not-member", "この申請の取扱者ではありません。", "you are not a member of this application";
    /// The condition was not reported as met.
    NotReported = "not-reported", "申出者の報告を待っています。報告の後に確認できます。", "the applicant has not reported this condition as met yet";
    /// Not the steward of that source.
    NotTheHolder = "not-the-holder", "このデータベースの保有者として回答する権限がありません。", "you do not answer for this database";
    /// The pledge's text has changed since the page was opened.
    OldPledge = "old-pledge", "誓約書の文面が改められました。ページを開き直して、もう一度お読みください。", "the text of the pledge has changed; open the page again and read it";
    /// Not at this stage.
    OutOfTurn = "out-of-turn", "申請の現在の段階では、この操作はできません。ページを開き直して状態を確かめてください。", "this cannot be done at the present stage; open the page again to see where it stands";
    /// Who asks may not judge.
    OwnApplication = "own-application", "自分が関わる申請について、受付・審査・決定の操作はできません。", "who asks in an application may not judge it";
    /// No member is ready.
    PledgesMissing = "pledges-missing", "誓約書と有効な研修修了証がそろった取扱者がいないため、承諾通知書は発行できません。", "no member has accepted, is trained and has pledged, so the permit cannot be issued";
    /// An amendment cannot rename the project.
    ProjectFixed = "project-fixed", "承認された研究課題の略称は変更できません。", "the short name of a granted project cannot be changed";
    /// Those who vote do not hold every seat that must be present.
    SeatMissing = "seat-missing", "出席が必要な区分（患者代表・法律・安全管理・疫学）の委員がそろっていません。", "a seat that must be present (patients, law, security, epidemiology) is not held by those who vote";
    /// The reviewer was named for a seat that the account does not hold.
    SeatNotHeld = "seat-not-held", "指名された区分の委員として登録されていません。事務局にお知らせください。", "you are named for a seat that you do not hold; tell the secretariat";
    /// The stream is as long as the permit signer takes it.
    StreamFull = "stream-full", "この申請の記録が長くなりすぎたため、これ以上は書き加えられません。事務局にお知らせください。", "the record of this application is too long for further texts; tell the secretariat";
    /// Longer than any text may be.
    TextTooLong = "text-too-long", "文章が長すぎます。1万字以内にしてください。", "the text is too long; keep it within 10,000 characters";
    /// The meeting's day has not come.
    TooEarly = "too-early", "審査会の当日になるまで、投票と決定はできません。", "votes are cast and decisions made on the day of the meeting, not before";
    /// Fewer reviewers without conflict than the quorum.
    TooFewReviewers = "too-few-reviewers", "利益相反がないと申告した審査委員が定足数に足りません。審査委員を追加してください。", "fewer reviewers have declared no conflict of interest than the quorum; assign more";
    /// The role does not allow it.
    WrongRole = "wrong-role", "この操作に必要な役割がありません。", "your roles do not allow this";
}

impl Refusal {
    /// What keeps the content from being submitted; empty for other refusals.
    pub fn problems(&self) -> &[Problem] {
        if let Self::Incomplete(problems) = self { problems } else { &[] }
    }
}
