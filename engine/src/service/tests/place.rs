//! Place of use over real sockets: the engine takes the address from the connection, or from the portal's token.

use super::*;
use crate::client::ClientAnswer;
use world::Prepared;

/// A permit whose member may query from `network` only.
fn within(network: &str, conditions: &[&str]) -> Prepared {
    Prepared::with(4, |permit| {
        permit.members.values_mut().for_each(|terms| terms.networks = [network.parse().unwrap()].into());
        permit.conditions = conditions.iter().map(|text| (*text).to_owned()).collect();
    })
}

async fn asked(network: &str, claim: Option<&str>) -> Result<ClientAnswer, String> {
    let running = Running::start_scripted(within(network, &[])).await;
    let token = running.world.token(|token| token.address = claim.map(|claim| claim.parse().unwrap()));
    let answer = query(&running.address(), &token, None, COUNT).await.map_err(refused);
    assert_eq!(answer.is_ok(), running.guard.executed.load(Ordering::SeqCst) == 1);
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connections_address_must_lie_in_the_members_networks() {
    asked("127.0.0.0/8", None).await.unwrap();
    let told = asked("192.0.2.0/24", None).await.unwrap_err();
    assert!(told.starts_with("permit/place V-CATALOG: the query comes from outside"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_query_through_the_portal_the_browsers_address_counts() {
    asked("192.0.2.0/24", Some("192.0.2.7")).await.unwrap();
    let told = asked("127.0.0.0/8", Some("192.0.2.7")).await.unwrap_err();
    assert!(told.starts_with("permit/place"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn conditions_of_the_permit_travel_with_the_answer() {
    let conditions = ["県別の表は公表しない", "for \"training\" only"];
    let running = Running::start_scripted(within("127.0.0.0/8", &conditions)).await;
    let answer = query(&running.address(), &running.token(), None, COUNT).await.unwrap();
    assert_eq!(answer.conditions, conditions);
    let running = Running::start().await;
    let answer = query(&running.address(), &running.token(), None, COUNT).await.unwrap();
    assert!(answer.conditions.is_empty() && !answer.schema.metadata().contains_key(crate::CONDITIONS_KEY));
}
