//! Progress of long work on stderr: step, amount, rate, estimate; silent when nobody watches.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output;

/// One step of long work.
pub(crate) struct Step {
    bar: ProgressBar,
    label: String,
    began: Instant,
    unit: &'static str,
}

impl Step {
    /// Begins a step. `total` in `unit`s; 0 where it is not known beforehand.
    pub(crate) fn begin(label: &str, total: u64, unit: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(8));
        bar.set_style(style("{spinner} {msg:24} {human_pos} {per_sec} {elapsed}"));
        bar.set_message(label.to_owned());
        bar.enable_steady_tick(Duration::from_millis(250));
        let step = Self { bar, label: label.to_owned(), began: Instant::now(), unit };
        step.of(total);
        step
    }

    /// How much there is in all, once it is known.
    pub(crate) fn of(&self, total: u64) {
        if total > 0 && self.bar.length() != Some(total) {
            self.bar.set_style(style("{spinner} {msg:24} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}"));
            self.bar.set_length(total);
        }
    }

    /// So much is done.
    pub(crate) fn at(&self, done: u64) {
        self.bar.set_position(done);
    }

    /// Ends the step and leaves one line with the amount and the rate.
    pub(crate) fn end(self) -> Duration {
        let took = self.began.elapsed();
        let done = self.bar.position();
        self.bar.finish_and_clear();
        let rate = u128::from(done) * 1000 / took.as_millis().max(1);
        let amount = if done > 0 { format!("{done} {} ({rate}/s)", self.unit) } else { String::new() };
        output::note(&format!("  {} {:>7.1} s  {amount}", pad(&self.label, 28), took.as_secs_f64()));
        took
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn pad(text: &str, to: usize) -> String {
    let width: usize = text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
    format!("{text}{}", " ".repeat(to.saturating_sub(width)))
}
