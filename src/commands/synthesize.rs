//! `sudare synthesize`: the made-up population in official formats, with its truth.

use std::path::Path;

use anyhow::Result;
use synthetic::{Errors, Options};

use crate::cli::{ErrorsChoice, Synthesize};
use crate::lang::Lang;
use crate::output::{self, Outcome};
use crate::progress::Step;

pub(crate) fn run(arguments: &Synthesize, lang: Lang) -> Result<Outcome> {
    synthesize(arguments.persons, arguments.seed, arguments.errors, &arguments.out, lang)?;
    let place = arguments.out.display().to_string();
    output::line(&lang.text("synthetic"));
    output::line(&lang.with("synthesize-done", &[("persons", &arguments.persons.to_string()), ("path", &place)]));
    Ok(Outcome::Done)
}

/// Makes the population with progress.
pub(crate) fn synthesize(persons: u64, seed: u64, errors: ErrorsChoice, out: &Path, lang: Lang) -> Result<()> {
    let errors = match errors {
        ErrorsChoice::None => Errors::None,
        ErrorsChoice::Realistic => Errors::Realistic,
    };
    let step = Step::begin(&lang.text("step-synthesize"), persons, "persons");
    synthetic::synthesize(&Options { persons, seed, errors }, out, &mut |progress| step.at(progress.persons))?;
    step.at(persons);
    step.end();
    Ok(())
}
