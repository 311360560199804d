//! What institutions write down over the years: episodes of care at one institution, cut where an identifier changes. Each piece
//! gives a row for its first and one for its last month, which carry the claims of all its months as their weight.

use super::file::{Database, Files, Row, Truth};
use super::life::{Held, Home, Life};
use super::sites::{Country, Kind, Style, postcode};
use crate::SyntheticError;
use crate::calendar::{self, Month};
use crate::digits;
use crate::mistakes::{Mistakes, Patient, Rates, Site, large};
use crate::places;
use crate::random::{self, Dice};
use crate::records::Stated;

/// Mistakes of the ledger (part 6): 0.87 % of persons' kana, sex, birth date or address differ from the register; numbers wrong in
/// 0.02 to 0.12 % of claims, branches in 0.1 %; typing, order, kanji as there. The styles of institutions come on top.
pub(super) const RATES: Rates = Rates {
    birth: 0.0011,
    branch: 0.02,
    // Most names give no occasion to it, so that a few in 1,000 are changed; the same for zeros.
    kana: 0.04,
    kanji: 0.02,
    number: 0.0017,
    order: 0.0005,
    sex: 0.0011,
    typo: 0.002,
    width: 0.02,
    zeros: 0.02,
    eras: true,
};

/// Branch numbers stand in claims from October 2021 on, id5 from April 2022.
const BRANCHES: i32 = 2021 * 12 + 9;
pub(super) const ID5: i32 = 2022 * 12 + 3;
/// A chart number given out a second time (part 2, D1).
const CHART_REUSED: f64 = 1e-4;
/// Slots of charts that may be given out again.
const CHARTS: usize = 1 << 16;

/// Writes what there is to see of persons.
pub(super) struct Visits<'a> {
    pub(super) country: &'a Country,
    pub(super) mistakes: Mistakes,
    pub(super) seed: u64,
    pub(super) files: Files,
    /// Persons and years with claims, and those in which ID1 or ID2 changes.
    pub(super) years: (u64, u64),
    pub(super) charts: Vec<(u64, u64)>,
}

/// Care at one institution.
struct Episode {
    code: String,
    site: Site,
    style: Style,
    kind: Kind,
    from: i32,
    to: i32,
    /// Claims a month.
    rate: f64,
    inpatient: bool,
}

impl<'a> Visits<'a> {
    pub(super) fn new(country: &'a Country, seed: u64, files: Files) -> Self {
        let mistakes = Mistakes::at(RATES, seed);
        Self { country, mistakes, seed, files, years: (0, 0), charts: vec![(0, 0); CHARTS] }
    }

    /// All rows of a person.
    pub(super) fn write(&mut self, life: &Life) -> Result<(), SyntheticError> {
        let dice = &mut Dice::new(self.seed ^ 0x5649_5349, life.number);
        if life.seen.0 > life.seen.1 {
            return Ok(());
        }
        let episodes = self.episodes(dice, life);
        self.changes(life, &episodes);
        let changes = life.changes();
        for episode in &episodes {
            self.episode(dice, life, episode, &changes)?;
        }
        self.care(dice, life)
    }

    fn episodes(&self, dice: &mut Dice, life: &Life) -> Vec<Episode> {
        let (from, to) = life.seen;
        let born = Month::of(life.birth).0;
        let mut all = Vec::new();
        let years = f64::from(to - from + 1) / 12.0;
        let age = i32::midpoint(from, to) / 12 - born / 12;
        // Few young men see nobody for years; the old see several institutions all the time.
        let (yearly, months, stays) = match age {
            ..10 => (0.55, 14.0, 0.04),
            10..20 => (0.30, 8.0, 0.015),
            20..40 => (0.26, 9.0, 0.035),
            40..65 => (0.30, 20.0, 0.06),
            65..80 => (0.40, 36.0, 0.14),
            _ => (0.42, 40.0, 0.28),
        };
        let pharmacy = life.home(from).map(|home| self.country.institution(dice, home, Kind::Pharmacy));
        for _ in 0..dice.poisson(yearly * years).max(1) {
            let start = dice.between(from, to);
            let length = random::whole(dice.exponential(months));
            let kind = if dice.chance(0.25) { Kind::Hospital } else { Kind::Clinic };
            let Some(home) = life.home(start) else { continue };
            let code = self.country.institution(dice, home, kind);
            let end = (start + length).min(to);
            all.push(Episode::new(code, kind, (start, end), 0.7, false));
            if let Some(code) = pharmacy.clone().filter(|_| dice.chance(0.35)) {
                all.push(Episode::new(code, Kind::Pharmacy, (start, end), 0.6, false));
            }
        }
        for _ in 0..dice.poisson(stays * years) {
            let start = dice.between(from, to);
            let Some(home) = life.home(start) else { continue };
            let code = self.country.institution(dice, home, Kind::Hospital);
            let end = (start + i32::from(dice.chance(0.3))).min(to);
            all.push(Episode::new(code, Kind::Hospital, (start, end), 1.0, true));
        }
        all
    }

    /// Counts the years in which somebody has claims under two ID1 (insurer, symbol, number) or two ID2 (name), as Kubo 2017 does: the
    /// cards and names that institutions were shown, from the last claim before the year on.
    fn changes(&mut self, life: &Life, episodes: &[Episode]) {
        let (first, last) = (life.seen.0.div_euclid(12) + 1, life.seen.1.div_euclid(12));
        for year in first..last {
            let months = (year * 12 + 3)..(year * 12 + 15);
            if !episodes.iter().any(|one| one.from < months.end && one.to >= months.start) {
                continue;
            }
            self.years.0 += 1;
            let card = life.cards.iter().any(|held| months.contains(&held.from) && held.from > life.seen.0);
            let name = life.surnames.iter().any(|(from, _)| months.contains(from));
            self.years.1 += u64::from(card || name);
        }
    }

    fn episode(
        &mut self,
        dice: &mut Dice,
        life: &Life,
        episode: &Episode,
        changes: &[i32],
    ) -> Result<(), SyntheticError> {
        let mut cuts: Vec<i32> = vec![episode.from];
        let inside = |month: &i32| *month > episode.from && *month <= episode.to;
        cuts.extend(changes.iter().chain(&[BRANCHES, ID5]).copied().filter(inside));
        cuts.sort_unstable();
        cuts.dedup();
        let mut before: Option<(i32, i32)> = None;
        // Pieces that show the same card under the same name are one.
        let mut pieces: Vec<(i32, i32)> = Vec::new();
        for (at, from) in cuts.iter().enumerate() {
            let to = cuts.get(at + 1).map_or(episode.to, |next| next - 1);
            match (before, pieces.last_mut()) {
                (Some(last), Some(piece)) if Self::same(life, episode, last.0, *from) => piece.1 = to,
                _ => pieces.push((*from, to)),
            }
            before = pieces.last().copied();
        }
        for (from, to) in pieces {
            let claims = (f64::from(to - from + 1) * episode.rate).max(1.0);
            let weight = random::whole(claims).unsigned_abs();
            let halves = if to > from {
                vec![(from, weight.div_ceil(2)), (to, (weight / 2).max(1))]
            } else {
                vec![(from, weight)]
            };
            for (month, weight) in halves {
                self.visit(dice, life, episode, month, weight)?;
            }
        }
        Ok(())
    }

    fn same(life: &Life, episode: &Episode, a: i32, b: i32) -> bool {
        let of = |month: i32| {
            (
                life.card(month, episode.site.spot).map(|(at, _)| at),
                life.surname(month),
                life.home(month),
                life.id(month),
            )
        };
        of(a) == of(b) && (a < BRANCHES) == (b < BRANCHES) && (a < ID5) == (b < ID5)
    }

    fn visit(
        &mut self,
        dice: &mut Dice,
        life: &Life,
        episode: &Episode,
        month: i32,
        weight: u32,
    ) -> Result<(), SyntheticError> {
        let Some(home) = life.home(month) else { return Ok(()) };
        let Some((place, held)) = life.card(month, episode.site.spot) else { return Ok(()) };
        let patient = Patient { number: life.number, hard: life.hard, age: age(life, month) };
        let mut marks = String::new();
        if life.right_card(month) != Some(place) {
            marks.push('c');
        }
        let chart = self.chart(life, episode, &mut marks);
        let mut stated = stated(life, held, home, month, chart);
        let slips = self.mistakes.spoil(dice, episode.site, patient, &mut stated);
        let style = episode.style;
        let claim = Row {
            chart: if style.chart && episode.kind != Kind::Pharmacy { stated.chart.clone() } else { String::new() },
            postcode: String::new(),
            id5: Self::id5(life, episode, month, &mut marks),
            ..row(&stated, style, month, weight, &episode.code)
        };
        let truth = |marks| Truth {
            life,
            age: patient.age,
            prefecture: places::at(home.place).prefecture(),
            software: episode.site.software,
            slips,
            marks,
        };
        self.files.row(Database::Claims, &claim, &truth(&marks))?;
        // A hospital's own files: what it has on file is one thing for all of them.
        if episode.inpatient && episode.is_dpc() {
            let row = Row { postcode: stated.postcode.clone(), chart: stated.chart.clone(), ..claim.clone() };
            self.files.row(Database::Hospital, &row, &truth(&marks))?;
        }
        if episode.kind == Kind::Hospital && episode.has_records() && Self::shares(life, episode) {
            let whole = Style { kana: true, kanji: true, ..style };
            let row = row(&stated, whole, month, weight, &episode.code);
            self.files.row(Database::Record, &row, &truth(&marks))?;
        }
        Ok(())
    }

    /// Half of a hospital's patients have a document in the shared record.
    fn shares(life: &Life, episode: &Episode) -> bool {
        random::share(random::mix(episode.site.spot ^ random::mix(life.number ^ 0x0065_6872))) < 0.5
    }

    /// The person's number at the institution, which may have been another's.
    fn chart(&mut self, life: &Life, episode: &Episode, marks: &mut String) -> u64 {
        let own = random::permute(life.number, 9, episode.site.spot % 1000) + 1;
        let spot = random::mix(episode.site.spot ^ random::mix(life.number ^ 0x0063_6861));
        let Some(slot) = self.charts.get_mut(random::place(episode.site.spot, CHARTS)) else { return own };
        if slot.0 == episode.site.spot && random::share(spot) < CHART_REUSED {
            marks.push('a');
            return slot.1;
        }
        if random::share(random::mix(spot)) < 0.1 {
            *slot = (episode.site.spot, own);
        }
        own
    }

    fn id5(life: &Life, episode: &Episode, month: i32, marks: &mut String) -> String {
        // Missing in 3 % of outpatient and 8 % of inpatient claims (Imamura 2024), for a person at an institution.
        let missing = if episode.inpatient { 0.08 } else { 0.03 };
        let spot = random::mix(episode.site.spot ^ random::mix(life.number ^ 0x0069_6435));
        let Some(id) = life.id(month).filter(|_| month >= ID5 && episode.style.id) else { return String::new() };
        if random::share(spot) < missing {
            marks.push('v');
            return String::new();
        }
        format!("{id:016X}")
    }
}

impl Episode {
    fn new(code: String, kind: Kind, (from, to): (i32, i32), rate: f64, inpatient: bool) -> Self {
        let site = Site::of(&code);
        Self { code, site, style: Style::of(site), kind, from, to, rate, inpatient }
    }

    /// Half of the hospitals, the larger ones.
    fn is_dpc(&self) -> bool {
        random::share(random::mix(self.site.spot ^ 0x0064_7063)) < 0.5
    }

    /// Four in ten hospitals take part in the shared record.
    fn has_records(&self) -> bool {
        random::share(random::mix(self.site.spot ^ 0x0065_6872)) < 0.4
    }
}

pub(super) fn age(life: &Life, month: i32) -> i32 {
    ((month - Month::of(life.birth).0) / 12).max(0)
}

/// The truth of a month, as an institution would write it without mistakes.
pub(super) fn stated(life: &Life, held: &Held, home: Home, month: i32, chart: u64) -> Stated {
    let card = &held.card;
    let surname = life.surname(month);
    let kana = surname.map(|name| name.kana.clone()).unwrap_or_default();
    let kanji = surname.map(|name| name.kanji.as_str()).unwrap_or_default();
    Stated {
        kanji: format!("{kanji}　{}", life.given.kanji),
        family_kana: kana,
        given_kana: life.given.kana.clone(),
        sex: life.sex,
        birth: life.birth,
        insurer: card.insurer.clone(),
        symbol: card.symbol.clone(),
        number: card.number.clone(),
        branch: card.branch.filter(|_| month >= BRANCHES).map(|branch| format!("{branch:02}")),
        assistance: None,
        chart: chart.to_string(),
        care_insurer: String::new(),
        care_number: String::new(),
        postcode: postcode(home),
        address: String::new(),
        phone: String::new(),
    }
}

/// A statement in an institution's style.
pub(super) fn row(stated: &Stated, style: Style, month: i32, weight: u32, facility: &str) -> Row {
    let kana = stated.kana(style.gap);
    let kana = if style.large { large(&kana) } else { kana };
    let kana = if style.half { digits::half_kana(&kana) } else { kana };
    let bare = |text: &String| if style.bare { text.trim_start_matches(['0', '０']).to_owned() } else { text.clone() };
    Row {
        month,
        weight,
        insurer: stated.insurer.clone(),
        symbol: bare(&stated.symbol),
        number: bare(&stated.number),
        branch: stated.branch.clone().unwrap_or_default(),
        kana: if style.kana { kana } else { String::new() },
        kanji: if style.kanji { stated.kanji.clone() } else { String::new() },
        birth: calendar::compact(stated.birth),
        sex: stated.sex,
        facility: facility.to_owned(),
        chart: stated.chart.clone(),
        postcode: stated.postcode.clone(),
        ..Row::default()
    }
}
