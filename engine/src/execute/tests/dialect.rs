//! Ways in which researchers write: each must be answered.

use super::*;

#[tokio::test]
async fn common_ways_of_writing_are_answered() {
    for sql in [
        "SELECT p.sex, count(DISTINCT c.person_key) AS n FROM ndb.claims c, person p WHERE c.person_key = p.person_key GROUP BY p.sex",
        "SELECT sex, count(*) FROM person p WHERE EXISTS (SELECT 1 FROM ndb.diagnoses d WHERE d.person_key = p.person_key AND d.icd10 = 'I10') GROUP BY sex",
        "SELECT sex, count(*) FROM person p WHERE NOT EXISTS (SELECT 1 FROM dpc.stays s WHERE s.person_key = p.person_key) GROUP BY sex",
        "SELECT sex, count(*) FROM person WHERE person_key NOT IN (SELECT person_key FROM dpc.stays) GROUP BY sex",
        "SELECT DISTINCT prefecture FROM ndb.claims ORDER BY prefecture",
        "SELECT icd10, count(DISTINCT person_key) AS n FROM ndb.diagnoses GROUP BY icd10 ORDER BY n DESC LIMIT 3",
        "SELECT p.prefecture, count(*) AS n FROM person p JOIN (SELECT DISTINCT person_key FROM ndb.claims) n ON n.person_key = p.person_key \
         JOIN (SELECT DISTINCT person_key FROM ltc.claims) l ON l.person_key = p.person_key \
         JOIN (SELECT DISTINCT person_key FROM dpc.stays) s ON s.person_key = p.person_key \
         JOIN (SELECT DISTINCT person_key FROM ehr.observations) o ON o.person_key = p.person_key GROUP BY p.prefecture",
        "SELECT count(DISTINCT n.person_key) FROM ndb.claims n JOIN ltc.claims l ON l.person_key = n.person_key JOIN dpc.stays s ON s.person_key = n.person_key JOIN ehr.observations o ON o.person_key = n.person_key",
        "SELECT ch.chapter, count(DISTINCT d.person_key) AS n, count(*) AS r FROM ndb.diagnoses d JOIN code.icd10_chapter ch ON ch.icd10_prefix = left(d.icd10, 1) GROUP BY ch.chapter",
        "WITH t AS (SELECT left(icd10, 1) AS p, count(DISTINCT person_key) AS n FROM ndb.diagnoses GROUP BY 1) \
         SELECT ch.chapter, t.n FROM code.icd10_chapter ch LEFT JOIN t ON t.p = ch.icd10_prefix ORDER BY 1",
        "SELECT sex, sum(points) AS s, avg(points) AS a, count(*) AS n, 1.0 * sum(points) / count(*) AS m FROM ndb.claims GROUP BY sex",
        "SELECT CASE WHEN age < 65 THEN 'under 65' ELSE '65 and over' END AS band, count(DISTINCT person_key) FROM ndb.claims GROUP BY 1",
        "SELECT date_part('year', service_month) AS y, count(*) FROM ndb.claims GROUP BY 1 HAVING count(*) > 100 ORDER BY 1",
        "SELECT count(*) FROM dpc.stays WHERE discharged_on > admitted_on + INTERVAL '14 days' AND admitted_on BETWEEN DATE '2021-04-01' AND DATE '2022-03-31'",
        "SELECT c.sex, avg(c.points) FROM ndb.claims c JOIN person p ON p.person_key = c.person_key WHERE p.prefecture IN ('13', '27') GROUP BY c.sex",
        "SELECT d.icd10, count(*) AS n FROM ndb.diagnoses d JOIN ndb.claims c ON c.claim_id = d.claim_id WHERE c.setting = 'inpatient' GROUP BY d.icd10",
        "SELECT f.kind, count(DISTINCT c.person_key) FROM ndb.claims c JOIN facility f ON f.facility_id = c.facility_id GROUP BY f.kind",
        "SELECT * FROM facility WHERE kind = 'hospital' ORDER BY facility_id LIMIT 5",
        "SELECT sex, round(100.0 * count(*) / (SELECT count(*) FROM person), 1) AS share FROM person GROUP BY sex",
        "SELECT m.prefecture, avg(m.pts) FROM (SELECT c.person_key, c.prefecture, sum(c.points) AS pts FROM ndb.claims c GROUP BY c.person_key, c.prefecture) m GROUP BY m.prefecture",
        "SELECT lower(sex) || '-' || prefecture AS g, count(*) FROM person GROUP BY 1",
        "SELECT date_trunc('month', observed_on) AS m, count(*), avg(value) FROM ehr.observations WHERE jlac = '3D046000001906202' GROUP BY 1 ORDER BY 1",
        "SELECT floor(points / 1000.0) AS band, count(*) FROM ndb.claims GROUP BY 1 ORDER BY 1",
        "(SELECT 'a' AS g, count(*) AS n FROM person) UNION ALL (SELECT 'b', count(DISTINCT person_key) FROM dpc.stays) ORDER BY g",
        "SELECT b.person_key IS NOT NULL AS k, count(coalesce(a.person_key, b.person_key)) FROM person a LEFT JOIN (SELECT DISTINCT person_key FROM dpc.stays) b ON a.person_key = b.person_key GROUP BY 1",
        "SELECT count(*) FROM person WHERE sex = '1' AND (prefecture = '13' OR person_key IN (SELECT person_key FROM dpc.stays))",
    ] {
        assert!(!answered(sql).await.is_empty(), "{sql}");
    }
}
