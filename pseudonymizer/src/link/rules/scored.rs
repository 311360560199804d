//! Pairs that keyed composites score, after what tokens at rest have joined.

use std::cmp::Reverse;

use super::super::components::Veto;
use super::super::evidence::{Field, Grey, Level, ScoredPair};
use super::rivals::Conflict;
use super::run::Run;
use super::summary::Summary;

/// The heaviest pair of two components.
struct Edge {
    /// The lesser root.
    a: u32,
    /// The greater root.
    b: u32,
    pair: ScoredPair,
}

/// Joins the heaviest first, then by their atoms, so that the result is a function of the set of pairs (Kruskal 1956). What is
/// neither sure nor unlikely, what conflicts, and what fits two persons about equally well is left to be asked about.
pub(super) fn join(run: &mut Run<'_>, pairs: &[ScoredPair]) -> Vec<Grey> {
    let score = run.facts.policy.score;
    let (accept, ask) = (ScoredPair::weight_of(score.accept), ScoredPair::weight_of(score.grey));
    let mut edges = heaviest(run, pairs, ask);
    let rivals = Neighbours::of(&edges);
    let ambiguous: Vec<bool> =
        edges.iter().map(|edge| edge.pair.weight >= accept && rivals.contest(run, edge)).collect();
    let mut order: Vec<(Edge, bool)> = edges.drain(..).zip(ambiguous).collect();
    order.sort_unstable_by_key(|(edge, _)| (Reverse(edge.pair.weight), edge.pair.a, edge.pair.b));
    let mut grey = Vec::new();
    run.tier("scored", |run| {
        for (edge, ambiguous) in &order {
            let against = if edge.pair.weight < accept {
                None
            } else if *ambiguous {
                run.refuse(edge.a, edge.b, conflict(edge), Veto::Ambiguous)
            } else {
                run.join("scored", edge.a, edge.b, conflict(edge))
            };
            grey.push(Grey { pair: edge.pair, against });
        }
    });
    remaining(run, grey)
}

/// What speaks against a pair. An insured number's token has birth date and sex in it: where one of these is written differently, that
/// the tokens differ is no second insurer.
fn conflict(edge: &Edge) -> Conflict {
    let slip = [Field::Birth, Field::Sex]
        .into_iter()
        .any(|field| matches!(edge.pair.pattern.level(field), Level::Differs | Level::Near));
    if slip { Summary::hard } else { Summary::scored }
}

/// Of the pairs of the same two components the heaviest, from `ask` on; in the order of their components.
fn heaviest(run: &mut Run<'_>, pairs: &[ScoredPair], ask: i32) -> Vec<Edge> {
    let mut edges: Vec<Edge> = Vec::new();
    for pair in pairs.iter().filter(|pair| pair.weight >= ask) {
        let (a, b) = (run.components.find(pair.a), run.components.find(pair.b));
        if a != b {
            edges.push(Edge { a: a.min(b), b: a.max(b), pair: *pair });
        }
    }
    edges.sort_unstable_by_key(|edge| (edge.a, edge.b, Reverse(edge.pair.weight), edge.pair.a, edge.pair.b));
    edges.dedup_by_key(|edge| (edge.a, edge.b));
    edges
}

/// Pairs that are apart in the end. Of several between the same two persons the first, which is the heaviest.
fn remaining(run: &mut Run<'_>, grey: Vec<Grey>) -> Vec<Grey> {
    let mut asked = std::collections::HashSet::new();
    grey.into_iter()
        .filter(|grey| {
            let (a, b) = (run.components.find(grey.pair.a), run.components.find(grey.pair.b));
            a != b && asked.insert((a.min(b), a.max(b)))
        })
        .collect()
}

/// Whom each component may be joined with, and by which weight.
struct Neighbours(Vec<(u32, u32, i32)>);

impl Neighbours {
    fn of(edges: &[Edge]) -> Self {
        let both =
            edges.iter().flat_map(|edge| [(edge.a, edge.b, edge.pair.weight), (edge.b, edge.a, edge.pair.weight)]);
        let mut all: Vec<(u32, u32, i32)> = both.collect();
        all.sort_unstable();
        Self(all)
    }

    /// Whether a third one fits either about as well as the other does, and cannot be the same person as that other.
    fn contest(&self, run: &mut Run<'_>, edge: &Edge) -> bool {
        let least = edge.pair.weight.saturating_sub(run.facts.policy.score.margin());
        [(edge.a, edge.b), (edge.b, edge.a)].into_iter().any(|(one, other)| {
            let from = self.0.partition_point(|(root, ..)| *root < one);
            let near = self.0.iter().skip(from).take_while(|(root, ..)| *root == one);
            let mut near = near.filter(|(_, third, weight)| *third != other && *weight >= least);
            near.any(|(_, third, _)| {
                run.conflict(*third, other, Summary::scored).is_some()
                    && run.conflict(*third, one, Summary::scored).is_none()
            })
        })
    }
}
