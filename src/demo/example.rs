//! The worked example: one query that joins all four databases, its veiled answer, and what may have been withheld.

use anyhow::Result;
use engine::client::Engine;
use serde_json::Value;

use crate::commands::answer_table;
use crate::lang::Lang;
use crate::output;

/// Persons of the claims database by age and sex: how many use long-term care, were in a DPC hospital, have laboratory results.
pub(super) const SQL: &str = "\
WITH n AS (SELECT person_key, max(age) AS age, min(sex) AS sex FROM ndb.claims GROUP BY person_key),
     l AS (SELECT DISTINCT person_key FROM ltc.claims),
     d AS (SELECT DISTINCT person_key FROM dpc.stays),
     e AS (SELECT DISTINCT person_key FROM ehr.observations)
SELECT CASE WHEN n.age >= 85 THEN '85+' WHEN n.age >= 75 THEN '75-84'
            WHEN n.age >= 65 THEN '65-74' ELSE '0-64' END AS age_group, n.sex,
       count(*) AS persons, count(l.person_key) AS in_care,
       count(d.person_key) AS in_hospital, count(e.person_key) AS with_results
FROM n LEFT JOIN l ON l.person_key = n.person_key
       LEFT JOIN d ON d.person_key = n.person_key
       LEFT JOIN e ON e.person_key = n.person_key
GROUP BY 1, 2 ORDER BY 1, 2";

/// Asks the engine over its socket and prints question and answer.
pub(super) async fn show(engine: &Engine, token: &str, project: &str, lang: Lang) -> Result<()> {
    let answer = engine.query(token, Some(project), SQL).await?;
    let band = answer.veil.get("withheld").and_then(Value::as_str).unwrap_or("?").to_owned();
    output::line(&format!("\n{}\n\n{SQL}\n", lang.text("demo-example")));
    output::line(&answer_table(&answer, lang)?);
    output::line(&lang.with("demo-example-withheld", &[("band", &band)]));
    Ok(())
}
