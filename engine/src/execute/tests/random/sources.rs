//! What random queries read and ask.

/// Relations that a query reads, with what may be asked of them.
pub(super) struct Source {
    pub(super) from: &'static str,
    pub(super) person: &'static str,
    /// The hidden institution, and what joins it; none where rows have none.
    pub(super) place: Option<(&'static str, &'static str)>,
    pub(super) keys: &'static [&'static str],
    pub(super) filters: &'static [&'static str],
    pub(super) measures: &'static [&'static str],
}

pub(super) const SOURCES: &[Source] = &[
    Source {
        from: "ndb.claims c",
        person: "c.person_key",
        place: Some(("c.__facility", "")),
        keys: &[
            "c.prefecture",
            "c.sex",
            "c.setting",
            "floor(c.age/10.0)",
            "date_trunc('quarter', c.service_month)",
            "c.claim_type",
        ],
        filters: &[
            "c.age >= 65",
            "c.sex = '1'",
            "c.points > 5000",
            "c.days <= 3",
            "c.setting = 'inpatient'",
            "c.prefecture IN ('13', '31')",
            "c.age > 92",
        ],
        measures: &["c.points", "c.days"],
    },
    Source {
        from: "person p",
        person: "p.person_key",
        place: None,
        keys: &["p.sex", "p.prefecture", "date_part('month', p.birth_month)"],
        filters: &["p.sex = '2'", "p.birth_month < DATE '1957-01-01'", "p.prefecture <> '13'"],
        measures: &[],
    },
    Source {
        from: "ehr.observations o",
        person: "o.person_key",
        place: Some(("o.__facility", "")),
        keys: &["o.jlac", "date_part('month', o.observed_on)"],
        filters: &["o.jlac = '3D046000001906202'", "o.value > 6.0", "o.observed_on >= DATE '2022-01-01'"],
        measures: &["o.value"],
    },
    Source {
        from: "ndb.diagnoses d",
        person: "d.person_key",
        place: Some(("d.__facility", "")),
        keys: &["d.icd10", "left(d.icd10, 1)", "date_trunc('year', d.start_date)"],
        filters: &["d.icd10 LIKE 'E11%'", "d.icd10 <> 'A16'", "d.start_date < DATE '2022-04-01'"],
        measures: &[],
    },
    Source {
        from: "dpc.stays s JOIN person p ON p.person_key = s.person_key",
        person: "s.person_key",
        place: Some(("s.__facility", "")),
        keys: &["s.outcome", "s.dpc_code", "p.sex", "p.prefecture"],
        filters: &["s.outcome = 'died'", "s.main_icd10 LIKE 'S72%'", "p.sex = '1'", "s.points > 40000"],
        measures: &["s.points"],
    },
    Source {
        from: "ltc.claims l",
        person: "l.person_key",
        place: Some(("l.__facility", "")),
        keys: &["l.care_level", "l.service_type"],
        filters: &["l.units > 4000", "l.care_level IN ('c1', 'c2')", "l.service_type = '11'"],
        measures: &["l.units"],
    },
    Source {
        from: "(SELECT person_key, sum(points) AS pts, count(*) AS n FROM ndb.claims GROUP BY person_key) t JOIN person p ON p.person_key = t.person_key",
        person: "t.person_key",
        place: Some(("z.__facility", "JOIN ndb.claims z ON z.person_key = t.person_key")),
        keys: &["p.sex", "p.prefecture", "floor(t.pts/20000.0)"],
        filters: &["t.n >= 4", "t.pts > 10000", "p.sex = '2'"],
        measures: &["t.pts"],
    },
];
