//! `sudare sql`: one query over Flight SQL. Exit 0 answered, 3 refused, 2 misuse, 1 failure.

mod render;

use std::fs;
use std::io::Read as _;

use anyhow::{Context as _, Result};
use engine::client::{ClientError, Engine};

use crate::cli::{Format, Sql};
use crate::lang::Lang;
use crate::output::{self, Misuse, Outcome};

pub(crate) use render::answer_table;
pub(super) use render::{cells, type_name};

pub(crate) fn run(arguments: &Sql, lang: Lang) -> Result<Outcome> {
    let sql = text(arguments, lang)?;
    let path = &arguments.token_file;
    let token =
        fs::read_to_string(path).with_context(|| lang.with("cannot-read", &[("path", &path.display().to_string())]))?;
    let engine = Engine::at(&arguments.server, arguments.ca.as_deref())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match runtime.block_on(engine.query(token.trim(), arguments.project.as_deref(), &sql)) {
        Ok(answer) => {
            match arguments.format {
                Format::Csv => {
                    output::line(render::answer_csv(&answer, lang)?.trim_end());
                    for notice in render::notices(&answer, lang) {
                        output::note(&notice);
                    }
                }
                Format::Json => output::line(&serde_json::to_string(&render::answer_json(&answer, lang)?)?),
                Format::Table => output::line(&answer_table(&answer, lang)?),
            }
            Ok(Outcome::Done)
        }
        Err(ClientError::Refused(refused)) => {
            if arguments.format == Format::Json {
                output::line(&serde_json::to_string(&serde_json::json!({ "refused": refused }))?);
            } else {
                output::note(&render::refusal(&refused, lang));
            }
            Ok(Outcome::Refused)
        }
        Err(error) => Err(error.into()),
    }
}

fn text(arguments: &Sql, lang: Lang) -> Result<String> {
    let sql = match (&arguments.command, &arguments.file, &arguments.stdin) {
        (Some(sql), ..) => sql.clone(),
        (None, Some(path), _) => fs::read_to_string(path)
            .with_context(|| lang.with("cannot-read", &[("path", &path.display().to_string())]))?,
        (None, None, Some(_)) => {
            let mut sql = String::new();
            std::io::stdin().read_to_string(&mut sql)?;
            sql
        }
        (None, None, None) => return Err(Misuse(lang.text("sql-empty")).into()),
    };
    Ok(sql)
}
