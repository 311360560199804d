//! From a draft to a permit: what each of the steps asks for.

use super::world::*;
use crate::application::*;

#[test]
fn the_whole_way_leads_to_a_permit() {
    let mut stream = Stream::steps(to_pledges());
    assert_eq!(stream.stage(), Stage::Pledged);
    let permit = stream.permit().unwrap();
    assert_eq!(permit.members.len(), 2);
    assert_eq!(permit.expires_at.to_string(), "2029-03-31T15:00:00Z");
    assert_eq!(permit.members.get(&user("co")).unwrap().until.to_string(), "2027-05-22T15:00:00Z");
    assert_eq!(permit.profile, "ndb-publication-2024");
    assert_eq!(permit.conditions, ["市区町村別の表は作らない"]);
    let claims = permit.datasets.get("ndb").unwrap().tables.get("ndb.claims").unwrap();
    assert_eq!(*claims, words(&["sex"]));
    stream.run(vec![("office", record_permit(1))]);
    assert!(stream.state.is_permitted());
    assert_eq!(stream.stage(), Stage::Active);
    assert!(stream.state.round.is_none());
    assert_eq!(stream.refused("pi", Command::Edit { content: content() }), Refusal::OutOfTurn);
}
