//! Turns, full queues, and those who give up.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::*;

fn queue(limits: EngineLimits) -> Arc<Queue> {
    Queue::new(limits)
}

fn project(name: &str) -> ProjectId {
    name.parse().unwrap()
}

fn code(outcome: Result<Slot, Ending>) -> String {
    outcome.err().map(|ending| ending.code().to_owned()).unwrap_or_default()
}

async fn waiting(queue: &Queue, count: usize) {
    while queue.lock().waiting.values().map(VecDeque::len).sum::<usize>() != count {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_heavy_project_waits_for_itself_and_places_go_round() {
    let queue = queue(EngineLimits { running: 2, project_running: 2, ..EngineLimits::default() });
    let (heavy, light) = (project("heavy"), project("light"));
    let held = [queue.take(&heavy).await.unwrap(), queue.take(&heavy).await.unwrap()];
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut asked = JoinSet::new();
    for (name, count) in [(&heavy, 6), (&light, 2)] {
        for _ in 0..count {
            let (queue, name, tell) = (Arc::clone(&queue), name.clone(), tell.clone());
            let before = queue.lock().waiting.values().map(VecDeque::len).sum::<usize>();
            asked.spawn({
                let queue = Arc::clone(&queue);
                async move {
                    let slot = queue.take(&name).await.unwrap();
                    tell.send(name.as_str().to_owned()).unwrap();
                    tokio::task::yield_now().await;
                    drop(slot);
                }
            });
            waiting(&queue, before + 1).await;
        }
    }
    drop(held);
    asked.join_all().await;
    let mut order = Vec::new();
    while let Ok(name) = told.try_recv() {
        order.push(name);
    }
    assert_eq!(order.len(), 8);
    let last_light = order.iter().rposition(|name| name == "light").unwrap();
    assert!(last_light <= 4, "{order:?}");
    assert!(queue.lock().running.is_empty() && queue.lock().waiting.is_empty() && queue.lock().turns.is_empty());
}

#[tokio::test]
async fn a_full_queue_says_which_is_full() {
    let limits =
        EngineLimits { running: 1, project_running: 1, waiting: 2, project_waiting: 1, ..EngineLimits::default() };
    let queue = queue(limits);
    let held = queue.take(&project("a")).await.unwrap();
    let mut asked = JoinSet::new();
    for name in ["a", "b"] {
        let queue = Arc::clone(&queue);
        asked.spawn(async move { queue.take(&project(name)).await.map(|_| ()) });
    }
    waiting(&queue, 2).await;
    assert_eq!(code(queue.take(&project("a")).await), "guard/project-busy");
    assert_eq!(code(queue.take(&project("c")).await), "guard/busy");
    asked.shutdown().await;
    // Those who gave up hold nobody up.
    let mut next = JoinSet::new();
    let waits = Arc::clone(&queue);
    next.spawn(async move { waits.take(&project("c")).await.map(|_| ()) });
    waiting(&queue, 1).await;
    drop(held);
    next.join_next().await.unwrap().unwrap().unwrap();
    assert!(queue.lock().running.is_empty());
}

#[tokio::test]
async fn a_place_given_to_one_who_gave_up_is_passed_on() {
    let queue = queue(EngineLimits { running: 1, project_running: 1, ..EngineLimits::default() });
    let held = queue.take(&project("a")).await.unwrap();
    let (limits, left, stays) = (queue.limits, project("b"), project("c"));
    let gone = queue.lock().wait(&left, &limits).unwrap();
    let turn = queue.lock().wait(&stays, &limits).unwrap();
    drop(gone);
    drop(held);
    let slot = tokio::time::timeout(Duration::from_secs(5), turn).await.unwrap().unwrap();
    assert_eq!(slot.project, stays);
    drop(slot);
    assert!(queue.lock().running.is_empty());
}

#[tokio::test]
async fn nobody_waits_for_ever() {
    let queue = queue(EngineLimits { running: 1, project_running: 1, wait_seconds: 0, ..EngineLimits::default() });
    let _held = queue.take(&project("a")).await.unwrap();
    assert_eq!(code(queue.take(&project("b")).await), "guard/busy");
}
