//! People: households one after the other, each from its own stream of chance.

mod household;
mod insurance;
mod namesakes;
mod person;

pub(crate) use household::{Head, Household, Population, head};
pub(crate) use insurance::{Coverage, Scheme};
pub(crate) use person::{Person, Smoking};
