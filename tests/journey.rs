//! Nine people on the way from an incomplete draft to a permit, to a query and to the end, in a browser, each with a passkey of
//! their own: steps 8 to 20, 38 and 39 of the project's scenario.

mod after;
mod apply;
mod desk;
mod installation;
mod review;

use desk::Desk;
use installation::{Installation, PEOPLE};

/// A project that is asked for: its short name, and its title.
struct Study {
    project: &'static str,
    title: &'static str,
}

#[tokio::test]
async fn nine_people_go_from_a_draft_to_a_permit_a_query_and_its_end() {
    let installation = Installation::start().await;
    let mut desk = Desk::open(&installation).await;
    for person in PEOPLE {
        desk.first_visit(person, &installation).await;
    }
    let study = Study { project: "hip-fracture-2026", title: "大腿骨骨折で入院した人の受診の変化" };
    let at = apply::drafted(&mut desk, &study).await;
    apply::invited(&mut desk, &at).await;
    apply::returned_and_mended(&mut desk, &at).await;
    apply::accepted(&mut desk, &at).await;
    review::holders_answer(&mut desk, &at).await;
    review::a_conflict_closes_the_file(&mut desk, &at, &study).await;
    review::opinions_are_hidden_until_all_are_in(&mut desk, &at).await;
    review::granted_with_a_condition(&mut desk, &at).await;
    review::permitted(&mut desk, &at).await;
    after::the_investigator_asks(&mut desk, &study).await;
    after::revoked(&mut desk, &at, &study).await;
    let other = Study { project: "hip-fracture-seasons", title: "大腿骨骨折の入院の季節による違い" };
    let at = after::a_second_way(&mut desk, &other).await;
    after::closed(&mut desk, &at, &other).await;
    after::public(&mut desk, &study, &other).await;
    let said = installation.audited();
    assert!(said.contains("every chain is whole"), "{said}");
}
