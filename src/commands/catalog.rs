//! `sudare catalog`: a steward's tasks on the command line.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use catalog::quality::Word;
use catalog::{Manifest, Quality, ReleaseKind};
use policies::audit::{Act, AuditLog};
use policies::keys::{KeyFolder, VerifyingKey};
use policies::{Zone, durable, jws};
use review_portal::Database;
use review_portal::catalog::{self as published, Publication};

use crate::cli::{Catalog, PortalDatabase};
use crate::clock;
use crate::lang::Lang;
use crate::output::{self, Misuse, Outcome};

pub(crate) fn run(arguments: Catalog, lang: Lang) -> Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match arguments {
            Catalog::Export { database } => {
                output::json(&published::export_json(&open(database).await?).await?)?;
            }
            Catalog::List { database } => list(&open(database).await?).await?,
            Catalog::Publish { database, keys, enclave, releases } => {
                let audit = audit(&keys)?;
                let database = open(database).await?;
                for release in &releases {
                    let name = publish(&database, &audit, release, &enclave).await?;
                    output::line(&lang.with("catalog-published", &[("release", &name)]));
                }
            }
            Catalog::Word { keys, quality, reason, out } => word(&keys, &quality, reason, &out, lang)?,
            Catalog::Show { database, dataset } => show(&open(database).await?, &dataset).await?,
        }
        Ok(Outcome::Done)
    })
}

async fn open(database: PortalDatabase) -> Result<Database> {
    Ok(Database::open(&database.url()?).await?)
}

/// Signs the figures of a release that waits, and records it in the portal's chain.
fn word(keys: &Path, quality: &Path, reason: String, out: &Path, lang: Lang) -> Result<()> {
    if reason.trim().is_empty() {
        return Err(Misuse(lang.text("word-reason")).into());
    }
    let (seen, sha256) = Quality::read_file(quality)?;
    let key = KeyFolder::open(keys, Zone::Portal)?.signing("sign")?;
    let word = Word { release: seen.release, quality: sha256.clone(), reason, at: clock::now() };
    let signed = jws::sign(jws::QUALITY_WORD, &word, &key)?;
    let name = word.release.to_string();
    let act = Act::new("operator", "release:word", &name).with("quality", sha256).with("reason", word.reason);
    audit(keys)?.append(word.at, &act)?;
    durable::replace(out, format!("{signed}\n").as_bytes())?;
    output::line(&lang.with("word-given", &[("release", &name), ("path", &out.display().to_string())]));
    Ok(())
}

/// The portal's chain.
pub(crate) fn audit(keys: &Path) -> Result<Arc<AuditLog>> {
    let keys = KeyFolder::open(keys, Zone::Portal)?;
    Ok(Arc::new(AuditLog::open(keys.path(), Zone::Portal, keys.signing("sign")?)?))
}

/// Publishes one release whose manifest the enclave signed; of a dummy, that it can be asked. Gives its name.
pub(crate) async fn publish(
    database: &Database,
    audit: &Arc<AuditLog>,
    release: &Path,
    enclave: &Path,
) -> Result<String> {
    let key = VerifyingKey::read(&if enclave.is_dir() { enclave.join("sign.pub") } else { enclave.to_owned() })?;
    let manifest = Manifest::read(release, &key)?;
    if manifest.kind == ReleaseKind::Dummy {
        review_portal::dummy::publish(database, audit, &manifest, "operator", clock::now()).await?;
        return Ok(manifest.release.to_string());
    }
    let quality = Quality::read(release, &manifest)?;
    let dataset = manifest.release.dataset();
    let about =
        catalog::datasets::about(dataset).ok_or_else(|| anyhow!("there is no description of the dataset {dataset}"))?;
    published::publish(
        database,
        audit,
        Publication { manifest: &manifest, quality: quality.as_ref(), text: about.into(), by: "operator" },
        clock::now(),
    )
    .await?;
    Ok(manifest.release.to_string())
}

async fn list(database: &Database) -> Result<()> {
    let datasets = published::list(database).await?;
    let rows: Vec<Vec<String>> = datasets
        .iter()
        .map(|dataset| {
            let versions: Vec<_> = dataset.releases.iter().map(|release| release.version.as_str()).collect();
            vec![dataset.id.clone(), versions.join(", "), dataset.text.title_ja.clone(), dataset.text.title_en.clone()]
        })
        .collect();
    output::line(&output::table(&["dataset", "releases", "ja", "en"], &rows));
    Ok(())
}

async fn show(database: &Database, id: &str) -> Result<()> {
    let dataset =
        published::show(database, id).await?.ok_or_else(|| anyhow!("the catalog has no dataset of that name"))?;
    output::line(&format!("{}  {} / {}", dataset.id, dataset.text.title_ja, dataset.text.title_en));
    if let Some(policy) = catalog::policy(&dataset.id) {
        let (person, holder) = (policy.person_say.as_str(), policy.holder_say.as_str());
        output::line(&format!("person_say = {person}, holder_say = {holder}"));
    }
    let count = |number: Option<i64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
    for release in &dataset.releases {
        output::line(&format!("\n{} {}", dataset.id, release.version));
        let rows: Vec<Vec<String>> = release
            .tables
            .iter()
            .map(|table| {
                vec![table.name.clone(), count(table.rows), count(table.persons), table.variables.len().to_string()]
            })
            .collect();
        output::line(&output::table(&["table", "rows", "persons", "variables"], &rows));
    }
    Ok(())
}
