//! Pins: an upgrade that adds a rule or a function must be looked at.

use std::collections::BTreeSet;

use datafusion::execution::SessionStateDefaults;
use datafusion::optimizer::Optimizer;
use datafusion::optimizer::analyzer::Analyzer;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;

use super::*;
use crate::functions;

/// Optimizer rules of DataFusion that were looked at and are not used on veiled plans.
const LEFT_OUT: &[&str] = &[
    "common_sub_expression_eliminate",
    "eliminate_group_by_constant",
    "eliminate_join",
    "eliminate_outer_join",
    "extract_leaf_expressions",
    "filter_null_join_keys",
    "propagate_empty_relation",
    "push_down_leaf_projections",
    "single_distinct_aggregation_to_group_by",
    "unions_to_filter",
];

/// Rules for operators that were looked at and are not used.
const PHYSICAL_LEFT_OUT: &[&str] = &[
    "FilterPushdown",
    "FilterPushdown(Post)",
    "HashJoinBuffering",
    "LimitAggregation",
    "LimitPushPastWindows",
    "LimitedDistinctAggregation",
    "PushdownSort",
    "TopKRepartition",
    "WindowTopN",
    "aggregate_statistics",
];

#[test]
fn every_optimizer_rule_has_been_looked_at() {
    let known: BTreeSet<String> = decorrelation_rules()
        .iter()
        .chain(&optimizer_rules())
        .map(|rule| rule.name().to_owned())
        .chain(LEFT_OUT.iter().map(|name| (*name).to_owned()))
        .collect();
    let theirs: BTreeSet<String> = Optimizer::new().rules.iter().map(|rule| rule.name().to_owned()).collect();
    assert_eq!(known, theirs);
    let names: Vec<_> = optimizer_rules().iter().map(|rule| rule.name().to_owned()).collect();
    assert!(names.iter().all(|name| !LEFT_OUT.contains(&name.as_str())));
}

#[test]
fn every_analyzer_rule_has_been_looked_at() {
    let ours: Vec<_> = analyzer_rules().iter().map(|rule| rule.name().to_owned()).collect();
    let theirs: Vec<_> = Analyzer::new().rules.iter().map(|rule| rule.name().to_owned()).collect();
    assert_eq!(ours, theirs);
}

#[test]
fn every_physical_rule_has_been_looked_at() {
    let known: BTreeSet<String> = physical_rules()
        .iter()
        .map(|rule| rule.name().to_owned())
        .chain(PHYSICAL_LEFT_OUT.iter().map(|name| (*name).to_owned()))
        .collect();
    let theirs: BTreeSet<String> = PhysicalOptimizer::new().rules.iter().map(|rule| rule.name().to_owned()).collect();
    assert_eq!(known, theirs);
}

#[test]
fn scalar_subqueries_never_stay_in_expressions() {
    let state = session_state(&Relations::default(), &Limits::default()).unwrap();
    assert!(!state.config_options().optimizer.enable_physical_uncorrelated_scalar_subquery);
    assert!(!state.config_options().catalog.information_schema);
}

/// Names that the registry had when it was last looked at, beyond those that are allowed.
const SEEN: &str = include_str!("seen_functions.txt");

#[test]
fn no_function_appears_by_itself() {
    let seen: BTreeSet<&str> = SEEN.lines().filter(|line| !line.starts_with('#')).collect();
    let mut found: BTreeSet<String> = BTreeSet::new();
    found.extend(SessionStateDefaults::default_scalar_functions().iter().map(|f| f.name().to_owned()));
    found.extend(SessionStateDefaults::default_aggregate_functions().iter().map(|f| f.name().to_owned()));
    found.extend(SessionStateDefaults::default_window_functions().iter().map(|f| f.name().to_owned()));
    found.extend(SessionStateDefaults::default_table_functions().iter().map(|f| f.name().to_owned()));
    found.extend(SessionStateDefaults::default_higher_order_functions().iter().map(|f| f.name().to_owned()));
    let new: Vec<_> = found.iter().filter(|name| !seen.contains(name.as_str())).collect();
    assert!(new.is_empty(), "never seen: {new:?}");
}

#[test]
fn every_allowed_name_exists() {
    let scalars: BTreeSet<String> = functions::scalars().iter().map(|f| f.name().to_owned()).collect();
    for name in functions::SCALARS_BELOW.iter().chain(functions::SCALARS_ABOVE) {
        assert!(scalars.contains(*name), "{name}");
    }
    let aggregates: BTreeSet<String> = functions::aggregates().iter().map(|f| f.name().to_owned()).collect();
    assert_eq!(aggregates, functions::AGGREGATES.iter().map(|name| (*name).to_owned()).collect());
    assert!(functions::AGGREGATES_PER_PERSON.iter().all(|name| aggregates.contains(*name)));
    assert_eq!(functions::windows().len(), functions::WINDOWS.len());
}
