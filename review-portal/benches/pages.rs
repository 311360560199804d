//! Every page of a full portal over a real socket, and the rebuild of its read models:
//! `cargo bench -p review-portal --bench pages -- --applications 10000 --rounds 50`.
//!
//! Goal: with 10,000 applications of 50 events each any page within 100 ms at the 95th percentile, the rebuild within 60 s. `--assert`
//! fails where it is missed; `--database postgres://…` takes an empty PostgreSQL database instead of a file.

#![expect(
    clippy::wildcard_enum_match_arm,
    clippy::indexing_slicing,
    reason = "a bench may fail loudly, and treats what it does not name alike"
)]
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]
#![expect(clippy::unwrap_used, reason = "a benchmark ends at the first thing that goes wrong")]
#![expect(clippy::expect_used, reason = "a benchmark ends at the first thing that goes wrong")]
#![expect(clippy::panic, reason = "a benchmark ends at the first thing that goes wrong")]

#[path = "pages/filled.rs"]
mod filled;
#[path = "pages/life.rs"]
mod life;
#[path = "pages/visit.rs"]
mod visit;

use std::path::Path;
use std::time::{Duration, Instant};

use review_portal::{Database, DatabaseUrl};

/// issue of the review portal: any page within 100 ms at the 95th percentile, rebuild within 60 s.
const PAGE_MAX: Duration = Duration::from_millis(100);
const REBUILD_MAX: Duration = Duration::from_mins(1);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str, default: &str| {
        let at = arguments.iter().position(|it| it == name);
        at.and_then(|at| arguments.get(at + 1)).cloned().unwrap_or_else(|| default.to_owned())
    };
    let applications = option("--applications", "10000").parse().expect("a number of applications");
    let rounds: usize = option("--rounds", "50").parse().expect("a number of rounds");
    let database = option("--database", "");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let fits = runtime.block_on(measure(applications, rounds, &database));
    if arguments.iter().any(|it| it == "--assert") {
        assert!(fits, "a goal was missed");
    }
}

async fn measure(applications: u32, rounds: usize, database: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let database: DatabaseUrl =
        if database.is_empty() { folder.path().join("portal.sqlite").into() } else { database.parse().unwrap() };
    let began = Instant::now();
    let filled = filled::fill(folder.path(), &database, applications).await;
    println!("{applications} applications, {} events, made in {:.0} s", filled.events, began.elapsed().as_secs_f64());
    let first = rebuild(&database).await;
    let again = rebuild(&database).await;
    println!(
        "rebuild of everything {:.1} s; of nothing, all compared {:.1} s\n",
        first.as_secs_f64(),
        again.as_secs_f64()
    );
    pages(folder.path(), &database, &filled, rounds).await & (first.max(again) <= REBUILD_MAX)
}

async fn rebuild(database: &DatabaseUrl) -> Duration {
    let db = Database::open(database).await.unwrap();
    let began = Instant::now();
    let rebuilt = review_portal::rebuild(&db, |_, _| {}).await.unwrap();
    assert_eq!(rebuilt.without_events, 0);
    let took = began.elapsed();
    db.close().await;
    took
}

/// Each page of each person so many times; whether all are fast enough.
async fn pages(folder: &Path, database: &DatabaseUrl, filled: &filled::Filled, rounds: usize) -> bool {
    let portal = visit::serve(folder, database).await;
    let mut lines = Vec::new();
    for person in ["", "ap", "office", "r0", "chair", "ndb", "auditor"] {
        let browser = portal.browser(person).await;
        for path in visit::paths(filled, person) {
            let mut times = Vec::with_capacity(rounds);
            let mut bytes = 0;
            for _ in 0..rounds {
                let began = Instant::now();
                let Some(length) = browser.get(&path).await else { break };
                times.push(began.elapsed());
                bytes = length;
            }
            times.sort_unstable();
            let at = |share: usize| times.get((times.len() * share).div_ceil(100).saturating_sub(1)).copied();
            let Some((middle, late)) = at(50).zip(at(95)) else { continue };
            lines.push((late, middle, bytes, if person.is_empty() { "visitor" } else { person }, path));
        }
    }
    lines.sort_by_key(|line| std::cmp::Reverse(line.0));
    println!("{:>8} {:>8} {:>8}  {:8} page, {rounds} times each", "p95 ms", "p50 ms", "kB", "person");
    for (late, middle, bytes, person, path) in &lines {
        let ms = |time: &Duration| time.as_secs_f64() * 1000.0;
        println!("{:8.1} {:8.1} {:8}  {person:8} {path}", ms(late), ms(middle), bytes / 1024);
    }
    let slow = lines.iter().filter(|line| line.0 > PAGE_MAX).count();
    println!("\n{} pages, {slow} above {} ms", lines.len(), PAGE_MAX.as_millis());
    slow == 0
}
