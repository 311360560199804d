//! Variances, correlations and regressions: nobody dominates the spread, and no rare value makes an indicator (V-SHAPE, V-DOF).

use std::collections::{HashMap, HashSet};

use super::{Asks, Seen};
use crate::veil::rule::{Counted, Shares};

/// A variable of so few different values tells groups apart as a condition does (disclosure.md, 4b).
const LEVELS_MAX: usize = 8;
/// A correlation so near to one is a line through all points.
const LINE: f64 = 1e-9;
/// What adding many doubles may lose.
const ROUNDING: f64 = 1e-12;

/// See the module. Of two variables `y` is the first argument, as in SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd)]
pub(crate) enum Moment {
    Corr,
    CovarPop,
    CovarSamp,
    MeanX,
    MeanY,
    Intercept,
    R2,
    Slope,
    StddevPop,
    StddevSamp,
    Sxx,
    Sxy,
    Syy,
    VarPop,
    VarSamp,
}

impl Moment {
    /// By the name of the SQL function.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "corr" => Self::Corr,
            "covar_pop" => Self::CovarPop,
            "covar_samp" => Self::CovarSamp,
            "regr_avgx" => Self::MeanX,
            "regr_avgy" => Self::MeanY,
            "regr_intercept" => Self::Intercept,
            "regr_r2" => Self::R2,
            "regr_slope" => Self::Slope,
            "regr_sxx" => Self::Sxx,
            "regr_sxy" => Self::Sxy,
            "regr_syy" => Self::Syy,
            "stddev" => Self::StddevSamp,
            "stddev_pop" => Self::StddevPop,
            "var" => Self::VarSamp,
            "var_pop" => Self::VarPop,
            _ => return None,
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Corr => "corr",
            Self::CovarPop => "covar_pop",
            Self::CovarSamp => "covar_samp",
            Self::MeanX => "regr_avgx",
            Self::MeanY => "regr_avgy",
            Self::Intercept => "regr_intercept",
            Self::R2 => "regr_r2",
            Self::Slope => "regr_slope",
            Self::StddevPop => "stddev_pop",
            Self::StddevSamp => "stddev",
            Self::Sxx => "regr_sxx",
            Self::Sxy => "regr_sxy",
            Self::Syy => "regr_syy",
            Self::VarPop => "var_pop",
            Self::VarSamp => "var",
        }
    }

    /// From sums over rows: how many, of each variable and its square, and of the product; `y` before `x`.
    pub(crate) fn of_sums(self, sums: &[f64]) -> Option<f64> {
        let (n, y, yy, x, xx, xy) = match *sums {
            [n, x, xx] => (n, x, xx, x, xx, xx),
            [n, y, yy, x, xx, xy] => (n, y, yy, x, xx, xy),
            _ => return None,
        };
        let (sxx, syy, sxy) = ((xx - x * x / n).max(0.0), (yy - y * y / n).max(0.0), xy - x * y / n);
        let value = match self {
            Self::Corr => sxy / (sxx * syy).sqrt(),
            Self::CovarPop => sxy / n,
            Self::CovarSamp => sxy / (n - 1.0),
            Self::MeanX => x / n,
            Self::MeanY => y / n,
            Self::Intercept => (y - sxy / sxx * x) / n,
            Self::R2 => sxy * sxy / (sxx * syy),
            Self::Slope => sxy / sxx,
            Self::StddevPop => (sxx / n).sqrt(),
            Self::StddevSamp => (sxx / (n - 1.0)).sqrt(),
            Self::Sxx => sxx,
            Self::Sxy => sxy,
            Self::Syy => syy,
            Self::VarPop => sxx / n,
            Self::VarSamp => sxx / (n - 1.0),
        };
        value.is_finite().then_some(value)
    }

    /// One or two.
    pub(crate) fn variables(self) -> usize {
        if matches!(self, Self::StddevPop | Self::StddevSamp | Self::VarPop | Self::VarSamp) { 1 } else { 2 }
    }
}

/// Sums about the means.
struct Centred {
    count: f64,
    x: f64,
    y: f64,
    xx: f64,
    xy: f64,
    yy: f64,
}

/// The statistic; none where it is not defined or its rule fails. Observations stand by person.
pub(super) fn of(moment: Moment, observations: &[Seen], asks: &Asks) -> Option<f64> {
    let centred = centred(observations)?;
    let spread = |part: fn(f64, f64) -> f64| even(&centred, observations, part, asks);
    let clear = |value: fn(&Seen) -> f64| no_indicator(observations, value, asks.thresholds.min_persons);
    let mut passes = centred.xx > 0.0 && spread(|x, _| x * x) && clear(|seen| seen.x);
    if moment.variables() == 2 {
        passes &= centred.yy > 0.0 && spread(|_, y| y * y) && spread(|x, y| x * y) && clear(|seen| seen.y);
        passes &= centred.correlation().abs() < 1.0 - LINE;
    }
    passes.then(|| centred.moment(moment))
}

#[expect(clippy::cast_precision_loss, reason = "rows of one cell are far below 2^53")]
fn centred(observations: &[Seen]) -> Option<Centred> {
    let count = observations.len() as f64;
    let mean = |value: fn(&Seen) -> f64| observations.iter().map(value).sum::<f64>() / count;
    let (x, y) = (mean(|seen| seen.x), mean(|seen| seen.y));
    let sum = |part: fn(f64, f64) -> f64| observations.iter().map(|seen| part(off(seen.x, x), off(seen.y, y))).sum();
    let (xx, xy, yy) = (sum(|x, _| x * x), sum(|x, y| x * y), sum(|_, y| y * y));
    (count >= 2.0).then_some(Centred { count, x, y, xx, xy, yy })
}

/// How far a value is from the mean; what equals it but for rounding is not off at all.
fn off(value: f64, mean: f64) -> f64 {
    let off = value - mean;
    if off.abs() <= ROUNDING * mean.abs() { 0.0 } else { off }
}

impl Centred {
    fn correlation(&self) -> f64 {
        self.xy / (self.xx.sqrt() * self.yy.sqrt())
    }

    /// `regr_…(y, x)`: y depends on x.
    fn moment(&self, moment: Moment) -> f64 {
        match moment {
            Moment::Corr => self.correlation(),
            Moment::CovarPop => self.xy / self.count,
            Moment::CovarSamp => self.xy / (self.count - 1.0),
            Moment::MeanX => self.x,
            Moment::MeanY => self.y,
            Moment::Intercept => self.y - self.xy / self.xx * self.x,
            Moment::R2 => self.correlation().powi(2),
            Moment::Slope => self.xy / self.xx,
            Moment::StddevPop => (self.xx / self.count).sqrt(),
            Moment::StddevSamp => (self.xx / (self.count - 1.0)).sqrt(),
            Moment::Sxx => self.xx,
            Moment::Sxy => self.xy,
            Moment::Syy => self.yy,
            Moment::VarPop => self.xx / self.count,
            Moment::VarSamp => self.xx / (self.count - 1.0),
        }
    }
}

/// Dominance of what each person adds to a sum about the means: an offset hides an outlier from the sums themselves, not from
/// these (V-DOM). Signs are no matter of their own here: products about means have both by nature.
fn even(centred: &Centred, observations: &[Seen], part: fn(f64, f64) -> f64, asks: &Asks) -> bool {
    let (mut persons, mut contributors, mut sizes) = (0, 0, Vec::new());
    for rows in observations.chunk_by(|a, b| a.person == b.person) {
        let total: f64 = rows.iter().map(|seen| part(off(seen.x, centred.x), off(seen.y, centred.y))).sum();
        persons += 1;
        contributors += u64::from(total != 0.0);
        sizes.push(total.abs());
    }
    sizes.sort_by(|a, b| b.total_cmp(a));
    let mut largest = sizes.iter().copied();
    let (first, second) = (largest.next().unwrap_or_default(), largest.next().unwrap_or_default());
    let all = Shares { total: sizes.iter().sum(), top_n: sizes.iter().take(asks.dominance_n).sum(), first, second };
    asks.thresholds.even(&Counted { persons, contributors, all, ..Counted::default() })
}

/// Few well-held values are levels, and a person off them is told apart by them. That nobody stands off them must look like few
/// (V-ZERO): so it is either more levels than make an indicator, or enough persons between them.
fn no_indicator(observations: &[Seen], value: fn(&Seen) -> f64, enough: u64) -> bool {
    let mut levels: HashMap<u64, HashSet<u64>> = HashMap::new();
    for seen in observations {
        // Both zeros are one level.
        levels.entry((value(seen) + 0.0).to_bits()).or_default().insert(seen.person);
    }
    let held = |persons: &&HashSet<u64>| persons.len() as u64 >= enough;
    let between: HashSet<u64> = levels.values().filter(|level| !held(level)).flatten().copied().collect();
    levels.values().filter(held).count() > LEVELS_MAX || between.len() as u64 >= enough
}
