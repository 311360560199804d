//! What is asked: as a researcher writes it, and as DuckDB would be asked if it counted persons and institutions beside each cell.

/// One question.
pub(crate) struct Question {
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
    /// The same with the counts that a veil cannot do without.
    pub(crate) counting: &'static str,
    /// One of the twelve of published kinds.
    pub(crate) is_of_a_study: bool,
}

const fn shape(name: &'static str, sql: &'static str, counting: &'static str) -> Question {
    Question { name, sql, counting, is_of_a_study: false }
}

const fn study(name: &'static str, sql: &'static str, counting: &'static str) -> Question {
    Question { name, sql, counting, is_of_a_study: true }
}

pub(crate) const QUESTIONS: &[Question] = &[
    shape(
        "prefecture × sex",
        "SELECT prefecture, sex, count(*) AS n, sum(points) AS points FROM ndb.claims GROUP BY 1, 2",
        "SELECT prefecture, sex, count(*) AS n, sum(points) AS points, count(DISTINCT person_key), count(DISTINCT facility_id) FROM ndb.claims GROUP BY 1, 2",
    ),
    shape(
        "prefecture × sex × type × age",
        "SELECT prefecture, sex, claim_type, age, count(*) AS n, sum(points) AS points FROM ndb.claims GROUP BY 1, 2, 3, 4",
        "SELECT prefecture, sex, claim_type, age, count(*) AS n, sum(points) AS points, count(DISTINCT person_key), count(DISTINCT facility_id) FROM ndb.claims GROUP BY 1, 2, 3, 4",
    ),
    shape(
        "per person, then histogram",
        "WITH m AS (SELECT person_key, count(*) AS n FROM ndb.claims GROUP BY person_key) SELECT n, count(*) AS persons FROM m GROUP BY n",
        "WITH m AS (SELECT person_key, count(*) AS n FROM ndb.claims GROUP BY person_key) SELECT n, count(*) AS persons, count(DISTINCT person_key) FROM m GROUP BY n",
    ),
    shape(
        "four databases linked",
        "WITH n AS (SELECT person_key, min(prefecture) AS prefecture FROM ndb.claims GROUP BY person_key), l AS (SELECT DISTINCT person_key FROM ltc.claims), d AS (SELECT DISTINCT person_key FROM dpc.stays), e AS (SELECT DISTINCT person_key FROM ehr.observations) SELECT n.prefecture, count(*) AS persons FROM n JOIN l ON l.person_key = n.person_key JOIN d ON d.person_key = n.person_key JOIN e ON e.person_key = n.person_key GROUP BY 1",
        "WITH n AS (SELECT person_key, min(prefecture) AS prefecture FROM ndb.claims GROUP BY person_key), l AS (SELECT DISTINCT person_key FROM ltc.claims), d AS (SELECT DISTINCT person_key FROM dpc.stays), e AS (SELECT DISTINCT person_key FROM ehr.observations) SELECT n.prefecture, count(*) AS persons, count(DISTINCT n.person_key) FROM n JOIN l ON l.person_key = n.person_key JOIN d ON d.person_key = n.person_key JOIN e ON e.person_key = n.person_key GROUP BY 1",
    ),
    shape(
        "six months of follow-up",
        "WITH i AS (SELECT person_key, min(admitted_on) AS index_on FROM dpc.stays GROUP BY person_key) SELECT c.setting, count(DISTINCT c.person_key) AS persons, count(*) AS claims, sum(c.points) AS points FROM i JOIN ndb.claims c ON c.person_key = i.person_key AND c.service_month > i.index_on AND c.service_month <= i.index_on + INTERVAL '6 months' GROUP BY 1",
        "WITH i AS (SELECT person_key, min(admitted_on) AS index_on FROM dpc.stays GROUP BY person_key) SELECT c.setting, count(DISTINCT c.person_key) AS persons, count(*) AS claims, sum(c.points) AS points, count(DISTINCT c.facility_id) FROM i JOIN ndb.claims c ON c.person_key = i.person_key AND c.service_month > i.index_on AND c.service_month <= i.index_on + INTERVAL '6 months' GROUP BY 1",
    ),
    study(
        "claims by type and fiscal year",
        "SELECT claim_type, date_part('year', service_month - INTERVAL '3 months') AS fiscal_year, count(*) AS claims, count(DISTINCT person_key) AS persons, sum(points) AS points FROM ndb.claims GROUP BY 1, 2",
        "SELECT claim_type, date_part('year', service_month - INTERVAL '3 months') AS fiscal_year, count(*) AS claims, count(DISTINCT person_key) AS persons, sum(points) AS points, count(DISTINCT facility_id) FROM ndb.claims GROUP BY 1, 2",
    ),
    study(
        "patients by age band and sex",
        "SELECT floor(age / 10.0) * 10 AS band, sex, count(DISTINCT person_key) AS persons FROM ndb.claims GROUP BY 1, 2",
        "SELECT floor(age / 10.0) * 10 AS band, sex, count(DISTINCT person_key) AS persons, count(DISTINCT facility_id) FROM ndb.claims GROUP BY 1, 2",
    ),
    study(
        "inpatient share by prefecture",
        "SELECT prefecture, count(*) AS claims, count(*) FILTER (WHERE setting = 'inpatient') AS inpatient, sum(points) FILTER (WHERE setting = 'inpatient') AS points FROM ndb.claims GROUP BY 1",
        "SELECT prefecture, count(*) AS claims, count(*) FILTER (WHERE setting = 'inpatient') AS inpatient, sum(points) FILTER (WHERE setting = 'inpatient') AS points, count(DISTINCT person_key), count(DISTINCT facility_id) FROM ndb.claims GROUP BY 1",
    ),
    study(
        "cost per person in bands",
        "WITH s AS (SELECT person_key, sum(points) AS p FROM ndb.claims GROUP BY person_key) SELECT CASE WHEN p < 10000 THEN 'a' WHEN p < 30000 THEN 'b' WHEN p < 60000 THEN 'c' ELSE 'd' END AS band, count(*) AS persons, sum(p) AS points FROM s GROUP BY 1",
        "WITH s AS (SELECT person_key, sum(points) AS p FROM ndb.claims GROUP BY person_key) SELECT CASE WHEN p < 10000 THEN 'a' WHEN p < 30000 THEN 'b' WHEN p < 60000 THEN 'c' ELSE 'd' END AS band, count(*) AS persons, sum(p) AS points, count(DISTINCT person_key) FROM s GROUP BY 1",
    ),
    study(
        "first claim by month",
        "WITH f AS (SELECT person_key, min(service_month) AS first_month FROM ndb.claims GROUP BY person_key) SELECT first_month, count(*) AS persons FROM f GROUP BY 1",
        "WITH f AS (SELECT person_key, min(service_month) AS first_month FROM ndb.claims GROUP BY person_key) SELECT first_month, count(*) AS persons, count(DISTINCT person_key) FROM f GROUP BY 1",
    ),
    study(
        "length of stay by diagnosis",
        "SELECT main_icd10, count(*) AS stays, avg(discharged_on - admitted_on) AS days FROM dpc.stays GROUP BY 1",
        "SELECT main_icd10, count(*) AS stays, avg(discharged_on - admitted_on) AS days, count(DISTINCT person_key), count(DISTINCT facility_id) FROM dpc.stays GROUP BY 1",
    ),
    study(
        "readmission within 30 days",
        "WITH s AS (SELECT person_key, discharged_on, outcome, lead(admitted_on) OVER (PARTITION BY person_key ORDER BY admitted_on) AS next_on FROM dpc.stays) SELECT count(*) AS discharges, sum(CASE WHEN next_on <= discharged_on + INTERVAL '30 days' THEN 1 ELSE 0 END) AS readmitted FROM s WHERE outcome <> 'died'",
        "WITH s AS (SELECT person_key, facility_id, discharged_on, outcome, lead(admitted_on) OVER (PARTITION BY person_key ORDER BY admitted_on) AS next_on FROM dpc.stays) SELECT count(*) AS discharges, sum(CASE WHEN next_on <= discharged_on + INTERVAL '30 days' THEN 1 ELSE 0 END) AS readmitted, count(DISTINCT person_key), count(DISTINCT facility_id) FROM s WHERE outcome <> 'died'",
    ),
    study(
        "care units by level and service",
        "SELECT service_type, care_level, count(DISTINCT person_key) AS persons, sum(units) AS units FROM ltc.claims GROUP BY 1, 2",
        "SELECT service_type, care_level, count(DISTINCT person_key) AS persons, sum(units) AS units, count(DISTINCT facility_id) FROM ltc.claims GROUP BY 1, 2",
    ),
    study(
        "care costs after a hip fracture",
        "WITH f AS (SELECT person_key, min(discharged_on) AS out_on FROM dpc.stays WHERE main_icd10 LIKE 'S72%' GROUP BY person_key) SELECT l.care_level, count(DISTINCT l.person_key) AS persons, sum(l.units) AS units FROM f JOIN ltc.claims l ON l.person_key = f.person_key AND l.service_month >= f.out_on GROUP BY 1",
        "WITH f AS (SELECT person_key, min(discharged_on) AS out_on FROM dpc.stays WHERE main_icd10 LIKE 'S72%' GROUP BY person_key) SELECT l.care_level, count(DISTINCT l.person_key) AS persons, sum(l.units) AS units, count(DISTINCT l.facility_id) FROM f JOIN ltc.claims l ON l.person_key = f.person_key AND l.service_month >= f.out_on GROUP BY 1",
    ),
    study(
        "last HbA1c in classes",
        "WITH a AS (SELECT person_key, value, row_number() OVER (PARTITION BY person_key ORDER BY observed_on DESC, value) AS rn FROM ehr.observations WHERE jlac = '3D046000001906202') SELECT CASE WHEN value < 7.0 THEN 'controlled' WHEN value < 8.0 THEN 'moderate' ELSE 'poor' END AS control, count(*) AS persons FROM a WHERE rn = 1 GROUP BY 1",
        "WITH a AS (SELECT person_key, facility_id, value, row_number() OVER (PARTITION BY person_key ORDER BY observed_on DESC, value) AS rn FROM ehr.observations WHERE jlac = '3D046000001906202') SELECT CASE WHEN value < 7.0 THEN 'controlled' WHEN value < 8.0 THEN 'moderate' ELSE 'poor' END AS control, count(*) AS persons, count(DISTINCT person_key), count(DISTINCT facility_id) FROM a WHERE rn = 1 GROUP BY 1",
    ),
    study(
        "laboratory values, mean and spread",
        "SELECT jlac, count(DISTINCT person_key) AS persons, avg(value) AS mean, stddev_samp(value) AS sd FROM ehr.observations GROUP BY 1",
        "SELECT jlac, count(DISTINCT person_key) AS persons, avg(value) AS mean, stddev_samp(value) AS sd, count(DISTINCT facility_id) FROM ehr.observations GROUP BY 1",
    ),
    study(
        "admitted among the insured, by prefecture",
        "WITH d AS (SELECT DISTINCT person_key FROM dpc.stays), n AS (SELECT person_key, min(prefecture) AS prefecture FROM ndb.claims GROUP BY person_key) SELECT n.prefecture, count(*) AS persons, count(d.person_key) AS admitted FROM n LEFT JOIN d ON d.person_key = n.person_key GROUP BY 1",
        "WITH d AS (SELECT DISTINCT person_key FROM dpc.stays), n AS (SELECT person_key, min(prefecture) AS prefecture FROM ndb.claims GROUP BY person_key) SELECT n.prefecture, count(*) AS persons, count(d.person_key) AS admitted, count(DISTINCT n.person_key) FROM n LEFT JOIN d ON d.person_key = n.person_key GROUP BY 1",
    ),
];
