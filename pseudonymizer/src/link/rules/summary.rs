//! What a component says of its person, and what speaks against two of them being one.
//!
//! Tokens are equal or not: that two birth dates differ can only be seen where everything else in a token is known to be equal. One
//! number of a late elderly person (c2) under two insured numbers with birth date and sex (a3) is such a place, two branches (a1)
//! under one number (a2) another. Elsewhere a wrong birth date looks like another name and another number.

use policies::LinkagePolicy;

use super::super::atoms::{Kind, Months};
use super::super::components::Veto;
use super::apart::{Cause, Mark};
use super::facts::Facts;

/// What a component says.
#[derive(Default)]
pub(super) struct Summary {
    atoms: usize,
    /// Full insured numbers with branch (a1), each with the number that it is a branch of.
    cards: Vec<((u32, u32), u32)>,
    medical: Vec<Line>,
    care: Vec<Line>,
    national: Vec<u32>,
    charts: Vec<u32>,
    kana: Vec<u32>,
    kana_loose: Vec<u32>,
    kanji: Vec<u32>,
    marks: Vec<Mark>,
    months: Option<Months>,
}

/// A number at an insurer and when it was used. Cards of the late elderly have no symbol (Act on Medical Care for the Elderly): they
/// have a number of their own alone.
#[derive(Clone, Copy)]
struct Line {
    number: Option<u32>,
    /// The number that is a late elderly person's own.
    own: Option<u32>,
    months: Option<Months>,
}

impl Line {
    fn is(&self, other: &Self) -> bool {
        (self.number.is_some() && self.number == other.number) || (self.own.is_some() && self.own == other.own)
    }
}

impl Summary {
    /// Begins anew, keeping its room.
    pub(super) fn clear(&mut self) {
        self.atoms = 0;
        self.months = None;
        self.cards.clear();
        self.marks.clear();
        for lines in [&mut self.medical, &mut self.care] {
            lines.clear();
        }
        for tokens in [&mut self.national, &mut self.charts, &mut self.kana, &mut self.kana_loose, &mut self.kanji] {
            tokens.clear();
        }
    }

    pub(super) fn add(&mut self, facts: &Facts<'_>, atom: u32) {
        self.atoms += 1;
        let (months, tokens) = (facts.months(atom), facts.tokens(atom));
        let sets = [
            (Kind::B1, &mut self.kana),
            (Kind::B3, &mut self.kana_loose),
            (Kind::B2, &mut self.kanji),
            (Kind::C3, &mut self.national),
            (Kind::D1, &mut self.charts),
        ];
        for (kind, set) in sets {
            if let Some(token) = tokens.of(kind) {
                insert(set, token);
            }
        }
        let number = |kind| tokens.of(kind).unwrap_or(0);
        if let Some(card) = tokens.of(Kind::A1) {
            insert(&mut self.cards, ((number(Kind::A2), number(Kind::A3)), card));
        }
        let [medical, own, care] = [Kind::A3, Kind::C2, Kind::C1].map(|kind| tokens.of(kind));
        if medical.or(own).is_some() {
            extend(&mut self.medical, Line { number: medical, own, months });
        }
        if care.is_some() {
            extend(&mut self.care, Line { number: care, own: None, months });
        }
        facts.marks(atom).for_each(|mark| insert(&mut self.marks, mark));
        self.months = hull(self.months, months);
    }

    /// How many atoms it has.
    pub(super) fn atoms(&self) -> usize {
        self.atoms
    }

    /// As if all atoms of the other had been added.
    pub(super) fn absorb(&mut self, other: &Self) {
        self.atoms += other.atoms;
        for (ours, theirs) in [
            (&mut self.kana, &other.kana),
            (&mut self.kana_loose, &other.kana_loose),
            (&mut self.kanji, &other.kanji),
            (&mut self.national, &other.national),
            (&mut self.charts, &other.charts),
        ] {
            for token in theirs {
                insert(ours, *token);
            }
        }
        other.cards.iter().for_each(|card| insert(&mut self.cards, *card));
        other.marks.iter().for_each(|mark| insert(&mut self.marks, *mark));
        other.medical.iter().for_each(|line| extend(&mut self.medical, *line));
        other.care.iter().for_each(|line| extend(&mut self.care, *line));
        self.months = hull(self.months, other.months);
    }

    /// Months between the two, 0 if they overlap or one says nothing of time.
    pub(super) fn gap(&self, other: &Self) -> i32 {
        self.months.zip(other.months).map_or(0, |(a, b)| a.gap(b))
    }

    /// Whether one was there beside the other, for longer than a change takes or before the other ended as after it began: what follows
    /// does not lie within what it follows, however short it is. Who says nothing of time may have been there.
    fn coexists(&self, other: &Self, policy: &LinkagePolicy) -> bool {
        let within = |a: Months, b: Months| b.first <= a.first && a.last <= b.last;
        let beside = |a: Months, b: Months| a.overlap(b) > policy.overlap_months_max || within(a, b) || within(b, a);
        self.months.zip(other.months).is_none_or(|(a, b)| beside(a, b))
    }

    /// Both have a name, and neither strict kana nor loose kana nor kanji agree. Kana and kanji alone cannot be compared.
    pub(super) fn names_differ(&self, other: &Self) -> bool {
        let comparable = [(&self.kana, &other.kana), (&self.kanji, &other.kanji)];
        comparable.iter().any(|(ours, theirs)| !ours.is_empty() && !theirs.is_empty()) && !self.shares_name(other)
    }

    fn shares_name(&self, other: &Self) -> bool {
        shares(&self.kana, &other.kana)
            || shares(&self.kana_loose, &other.kana_loose)
            || shares(&self.kanji, &other.kanji)
    }

    /// An insured number with birth date and sex.
    fn shares_number(&self, other: &Self) -> bool {
        let number = |ours: &Line, theirs: &Line| ours.number.is_some() && ours.number == theirs.number;
        self.medical.iter().any(|ours| other.medical.iter().any(|theirs| number(ours, theirs)))
    }

    /// A late elderly person's own number, whatever birth date stands beside it.
    fn shares_own(&self, other: &Self) -> bool {
        let own = |ours: &Line, theirs: &Line| ours.own.is_some() && ours.own == theirs.own;
        self.medical.iter().any(|ours| other.medical.iter().any(|theirs| own(ours, theirs)))
    }

    /// One insured number with two branches. Where zeros or hyphens of the number differ, branches cannot be compared.
    fn branches_differ(&self, other: &Self) -> bool {
        let same = self.cards.iter().any(|(_, ours)| other.cards.iter().any(|(_, theirs)| ours == theirs));
        !same && self.cards.iter().any(|(ours, _)| other.cards.iter().any(|(theirs, _)| ours == theirs))
    }

    /// Never one person, whatever else agrees: somebody said so; two national numbers without an insured number in common (id5 is
    /// kept through every change of insurer; Imamura 2024 counts 120,000 who have two under one insured number) or with two names under
    /// one that has the same birth date in it (where a wrong birth month makes two of one, under a number of one's own, names differ by
    /// it too); two branches of one insured number with two names, which are twins.
    pub(super) fn hard(&self, other: &Self, policy: &LinkagePolicy) -> Option<Veto> {
        let marked = self.marks.iter().find_map(|ours| {
            other.marks.iter().any(|theirs| ours.parts(*theirs)).then_some(match ours.cause {
                Cause::Answer => Veto::Answer,
                Cause::Quarantine => Veto::Quarantined,
            })
        });
        if marked.is_some() {
            return marked;
        }
        let national = differ(&self.national, &other.national)
            && if self.shares_number(other) { self.names_differ(other) } else { !self.shares_own(other) };
        if self.branches_differ(other) && self.names_differ(other) {
            Some(Veto::Twins)
        } else if national {
            Some(Veto::NationalIds)
        } else {
            (self.atoms + other.atoms > policy.caps.atoms).then_some(Veto::TooManyAtoms)
        }
    }

    /// One person has one medical insurer, and one long-term care insurer, at a time. The two are number spaces of their own.
    pub(super) fn lines(&self, other: &Self, policy: &LinkagePolicy) -> Option<Veto> {
        if overlap(&self.medical, &other.medical, policy) {
            Some(Veto::OverlapMedical)
        } else {
            overlap(&self.care, &other.care, policy).then_some(Veto::OverlapLtc)
        }
    }

    /// The same where a name is all that they share: a line that lies within another one, however short, is a namesake's who seldom sees
    /// a doctor more often than it is a number written wrongly, which scores find.
    fn lines_of_namesakes(&self, other: &Self, policy: &LinkagePolicy) -> Option<Veto> {
        let within = |a: Months, b: Months| b.first < a.first && a.last < b.last;
        let inside = |ours: &Line, theirs: &Line| {
            !ours.is(theirs) && ours.months.zip(theirs.months).is_some_and(|(a, b)| within(a, b) || within(b, a))
        };
        let medical = || self.medical.iter().any(|ours| other.medical.iter().any(|theirs| inside(ours, theirs)));
        self.lines(other, policy).or_else(|| medical().then_some(Veto::OverlapMedical))
    }

    /// Under a number that is one person's: only what contradicts in two ways, a name and an insurer at the same time.
    pub(super) fn contradiction(&self, other: &Self, policy: &LinkagePolicy) -> Option<Veto> {
        let two_ways = || self.names_differ(other) && self.lines(other, policy).is_some();
        self.hard(other, policy).or_else(|| two_ways().then_some(Veto::Contradiction))
    }

    /// Under one branch of an insured number: as under a number that is one person's, but twins were given one branch where two names
    /// are there side by side, each more than once: a name written wrongly is there once.
    pub(super) fn under_branch(&self, other: &Self, policy: &LinkagePolicy) -> Option<Veto> {
        let beside = || self.months.zip(other.months).is_some_and(|(a, b)| a.overlap(b) > policy.overlap_months_max);
        let twins = || self.lasts() && other.lasts() && beside() && self.names_differ(other);
        self.contradiction(other, policy).or_else(|| twins().then_some(Veto::Twins))
    }

    /// Under a national number: names agree, or one name goes on where the other ended, at whatever insurer. A few numbers are another
    /// person's (Imamura 2024), who is there all the time.
    pub(super) fn national(&self, other: &Self, policy: &LinkagePolicy) -> Option<Veto> {
        let differ = || self.names_differ(other) && self.coexists(other, policy);
        self.contradiction(other, policy).or_else(|| differ().then_some(Veto::Names))
    }

    /// Under an insured number without branch. Same-sex twins share it; a name that changed by marriage goes on where the other
    /// ended, or in the same chart. Where months lie between, twins who seldom see a doctor are as likely, and a given name decides,
    /// which scores compare. Two branches ask for a name that agrees.
    pub(super) fn under_number(&self, other: &Self, policy: &LinkagePolicy) -> Option<Veto> {
        let hard = self.hard(other, policy);
        if hard.is_some() {
            return hard;
        }
        if self.branches_differ(other) && !self.shares_name(other) {
            return Some(Veto::Branches);
        }
        let goes_on = || self.gap(other) <= policy.renamed_months_max && !self.coexists(other, policy);
        let changed = || shares(&self.charts, &other.charts) || goes_on();
        (self.names_differ(other) && !changed()).then_some(Veto::Names)
    }

    /// Under a number that is a late elderly person's own: names agree, or the chart does.
    pub(super) fn under_own_number(&self, other: &Self, policy: &LinkagePolicy) -> Option<Veto> {
        let apart = || self.names_differ(other) && !shares(&self.charts, &other.charts);
        self.hard(other, policy).or_else(|| apart().then_some(Veto::Names))
    }

    /// In one chart: names agree. Charts are written wrongly, and used again once they need not be kept any longer, so that insurers
    /// at the same time, or years between, ask for a name that agrees.
    pub(super) fn in_chart(&self, other: &Self, policy: &LinkagePolicy) -> Option<Veto> {
        let hard = self.hard(other, policy);
        if hard.is_some() || self.shares_name(other) {
            return hard;
        }
        if self.names_differ(other) {
            Some(Veto::Names)
        } else if self.gap(other) >= policy.chart_kept_months {
            Some(Veto::ChartAgain)
        } else {
            self.lines(other, policy)
        }
    }

    /// In one chart, under another name: one that went on where the other ended, with no two insurers at a time, as by a marriage
    /// that brought another insurer with it.
    pub(super) fn in_chart_renamed(&self, other: &Self, policy: &LinkagePolicy) -> Option<Veto> {
        let against = self.hard(other, policy).or_else(|| self.lines(other, policy));
        if against.is_some() || self.shares_name(other) {
            return against;
        }
        if self.gap(other) >= policy.chart_kept_months {
            return Some(Veto::ChartAgain);
        }
        (self.names_differ(other) && self.coexists(other, policy)).then_some(Veto::Names)
    }

    /// Of one name, birth date and sex: no two insurers at a time, and no two ways to write what reads the same, since two of three
    /// who share a reading write it differently; nor two ways to read what is written the same, each more than once.
    pub(super) fn of_one_name(&self, other: &Self, policy: &LinkagePolicy) -> Option<Veto> {
        let hard = self.hard(other, policy);
        if hard.is_some() {
            return hard;
        }
        let differs = || {
            let read = differ(&self.kana, &other.kana) && differ(&self.kana_loose, &other.kana_loose);
            differ(&self.kanji, &other.kanji) || (read && self.lasts() && other.lasts())
        };
        self.lines_of_namesakes(other, policy).or_else(|| differs().then_some(Veto::Kanji))
    }

    /// Whether this is a slip in what another one says: seen in one month alone, which lies among those of the other.
    pub(super) fn is_slip_of(&self, other: &Self) -> bool {
        self.months.zip(other.months).is_some_and(|(own, all)| {
            own.first == own.last && all.first < all.last && all.first <= own.first && own.last <= all.last
        })
    }

    /// Seen in more months than one.
    pub(super) fn lasts(&self) -> bool {
        self.months.is_some_and(|months| months.first < months.last)
    }

    /// Joined by scores: a name may differ there, since that is what scores find.
    pub(super) fn scored(&self, other: &Self, policy: &LinkagePolicy) -> Option<Veto> {
        self.hard(other, policy).or_else(|| self.lines(other, policy))
    }
}

fn insert<T: PartialEq>(set: &mut Vec<T>, one: T) {
    if !set.contains(&one) {
        set.push(one);
    }
}

fn extend(lines: &mut Vec<Line>, line: Line) {
    match lines.iter_mut().find(|known| (known.number, known.own) == (line.number, line.own)) {
        Some(known) => known.months = hull(known.months, line.months),
        None => lines.push(line),
    }
}

fn hull(a: Option<Months>, b: Option<Months>) -> Option<Months> {
    a.zip(b).map(|(a, b)| a.hull(b)).or(a).or(b)
}

fn shares(a: &[u32], b: &[u32]) -> bool {
    a.iter().any(|token| b.contains(token))
}

fn differ(a: &[u32], b: &[u32]) -> bool {
    !a.is_empty() && !b.is_empty() && !shares(a, b)
}

fn overlap(a: &[Line], b: &[Line], policy: &LinkagePolicy) -> bool {
    let months = |ours: &Line, theirs: &Line| ours.months.zip(theirs.months).map_or(0, |(a, b)| a.overlap(b));
    a.iter().any(|ours| b.iter().any(|theirs| !ours.is(theirs) && months(ours, theirs) > policy.overlap_months_max))
}
