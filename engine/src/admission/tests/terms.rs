//! A member's terms: until when the training holds, and from where a query may come.

use proptest::collection::btree_set;
use proptest::prelude::*;

use super::*;

fn terms(networks: &[&str]) -> MemberTerms {
    let networks = networks.iter().map(|network| network.parse().unwrap()).collect();
    MemberTerms { networks, ..anywhere() }
}

fn under(terms: MemberTerms) -> Permit {
    Permit { members: BTreeMap::from([("tanaka@univ-a.example".parse().unwrap(), terms)]), ..permit(1, "a") }
}

/// The outcome for a member with these terms, who asks from `peer` with a token that says `claim`.
async fn from(terms: MemberTerms, peer: Option<&str>, claim: Option<&str>) -> Result<String, Rejection> {
    let world = World::new();
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    let case = Case {
        token: Some(world.token(|token| token.address = claim.map(address))),
        permits: vec![(1, world.permit(&under(terms)))],
        peer: peer.map(address),
        ..Case::of(&world)
    };
    outcome(&world, case).await
}

#[tokio::test]
async fn whose_training_lapsed_is_refused_from_that_moment() {
    let until = |until| MemberTerms { until, ..terms(&[]) };
    let now = World::time();
    assert_eq!(from(until(now), Some("192.0.2.7"), None).await, Err(Rejection::TrainingLapsed));
    assert_eq!(from(until(now - 1.hour()), Some("192.0.2.7"), None).await, Err(Rejection::TrainingLapsed));
    assert!(from(until(now + 1.second()), Some("192.0.2.7"), None).await.is_ok());
    // Others go on: it is the member who is out, not the permit.
    let world = World::new();
    let mut two = under(until(now));
    two.members.insert("sato@univ-b.example".parse().unwrap(), terms(&[]));
    let token = world.token(|token| token.user = "sato@univ-b.example".parse().unwrap());
    let case = Case { token: Some(token), permits: vec![(1, world.permit(&two))], ..Case::of(&world) };
    assert!(outcome(&world, case).await.is_ok());
}

#[tokio::test]
async fn a_query_comes_from_the_place_of_use_or_is_refused() {
    let elsewhere = Err(Rejection::OtherPlace);
    let campus = || terms(&["192.0.2.0/24", "2001:db8:a::/48"]);
    for peer in ["192.0.2.0", "192.0.2.255", "2001:db8:a::1", "::ffff:192.0.2.7"] {
        assert!(from(campus(), Some(peer), None).await.is_ok(), "{peer}");
    }
    for peer in ["192.0.3.0", "198.51.100.1", "2001:db8:b::1", "127.0.0.1", "::1", "::192.0.2.7"] {
        assert_eq!(from(campus(), Some(peer), None).await, elsewhere, "{peer}");
    }
    // An address that is not known is no place.
    assert_eq!(from(campus(), None, None).await, elsewhere);
    assert!(from(terms(&[]), None, None).await.is_ok());
    // Loopback only where it is named.
    assert!(from(terms(&["127.0.0.0/8"]), Some("127.0.0.1"), None).await.is_ok());
}

#[tokio::test]
async fn what_the_portal_says_of_the_browser_stands_for_the_portals_own_address() {
    let campus = || terms(&["192.0.2.0/24"]);
    assert!(from(campus(), Some("10.0.0.5"), Some("192.0.2.7")).await.is_ok());
    assert_eq!(from(campus(), Some("192.0.2.7"), Some("198.51.100.1")).await, Err(Rejection::OtherPlace));
}

#[tokio::test]
async fn a_query_that_runs_ends_when_the_training_lapses() {
    let world = World::new();
    let feed = world.feed();
    feed.accept(&world.status(|_| ()), world.now).unwrap();
    let soon = MemberTerms { until: world.now + 30.seconds(), ..terms(&["192.0.2.0/24"]) };
    feed.keep(permit(1, "a").id, world.permit(&under(soon)), world.now);
    let admission = Admission::Permits(Permits::new(world.portal.verifying(), world.signer.verifying(), feed));
    let peer = Some(IpAddr::from([192, 0, 2, 7]));
    let credentials = Credentials { token: Some(world.token(|_| ())), project: None, peer };
    let admitted = admission.admit(&credentials, None, world.now).await.unwrap();
    assert_eq!(admission.still_holds(&admitted, world.now + 29.seconds()).await, Ok(()));
    assert_eq!(admission.still_holds(&admitted, world.now + 30.seconds()).await, Err(Rejection::TrainingLapsed));
}

#[tokio::test]
async fn of_several_permits_of_a_project_the_latest_says_what_is_missing() {
    let world = World::new();
    let older = Permit { issued_at: world.now - 48.hours(), ..permit(2, "a") };
    let lapsed = under(MemberTerms { until: world.now, ..terms(&[]) });
    let case = Case {
        token: Some(world.token(|token| token.permits.extend([older.id.clone()]))),
        status: Some(world.status(|status| status.revoked_permits.extend([older.id.clone()]))),
        permits: vec![(1, world.permit(&lapsed)), (2, world.permit(&older))],
        ..Case::of(&world)
    };
    assert_eq!(outcome(&world, case).await, Err(Rejection::TrainingLapsed));
}

/// Addresses and networks from so small a world that they often meet.
fn address() -> impl Strategy<Value = IpAddr> {
    (0_u8..4, 0_u8..4, any::<bool>()).prop_map(|(third, last, mapped)| {
        let address = std::net::Ipv4Addr::new(192, 0, third, last);
        if mapped { address.to_ipv6_mapped().into() } else { address.into() }
    })
}

fn network() -> impl Strategy<Value = (u32, u8)> {
    (0_u8..4, 0_u8..4, 22_u8..=32)
        .prop_map(|(third, last, length)| (u32::from(std::net::Ipv4Addr::new(192, 0, third, last)), length))
}

fn bits(address: IpAddr) -> u32 {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(_) => panic!("only mapped ones are made"),
    }
}

proptest! {
    /// Admitted is who is trained and inside one of the networks, by arithmetic of one's own; more networks never admit less.
    #[test]
    fn the_door_is_open_exactly_to_the_trained_in_their_place(
        networks in btree_set(network(), 0..4),
        other in network(),
        address in address(),
        left in -2_i64..3,
    ) {
        let now = World::time();
        let user = "tanaka@univ-a.example".parse().unwrap();
        let status = StatusDocument {
            sequence: 1,
            issued_at: now,
            revoked_permits: BTreeSet::new(),
            revoked_sessions: BTreeSet::new(),
        };
        let asked = |networks: &BTreeSet<(u32, u8)>| {
            let texts: Vec<String> =
                networks.iter().map(|(base, length)| format!("{}/{length}", std::net::Ipv4Addr::from(*base))).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let terms = MemberTerms { until: now + left.seconds(), ..terms(&texts) };
            Wanted { user: &user, address: Some(address), project: None, status: &status, now }.holds(&under(terms))
        };
        let own = bits(address);
        let inside = networks.iter().any(|(base, length)| (own ^ base).leading_zeros() >= u32::from(*length));
        let expected = match (left > 0, networks.is_empty() || inside) {
            (false, _) => Err(Rejection::TrainingLapsed),
            (true, false) => Err(Rejection::OtherPlace),
            (true, true) => Ok(()),
        };
        prop_assert_eq!(&asked(&networks), &expected);
        if !networks.is_empty() && expected.is_ok() {
            let mut more = networks;
            more.insert(other);
            prop_assert_eq!(asked(&more), expected);
        }
    }
}
