//! What this holder has answered already: `answers.json` in the key folder, by the two atoms, so that a newer file of questions finds
//! the answers to an older one.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use policies::durable;
use policies::keys::KeyFolder;

use super::Question;
use crate::holder::HolderError;
use crate::link::review::Answer;

const FILE: &str = "answers.json";

pub(super) struct Progress {
    path: PathBuf,
    answers: BTreeMap<String, Answer>,
}

impl Progress {
    pub(super) fn open(keys: &KeyFolder) -> Result<Self, HolderError> {
        let path = keys.path().join(FILE);
        let answers = match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|cause| HolderError::io(&path)(cause.into()))?,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(cause) => return Err(HolderError::io(&path)(cause)),
        };
        Ok(Self { path, answers })
    }

    pub(super) fn of(&self, question: &Question) -> Option<Answer> {
        self.answers.get(&pair(question)).copied()
    }

    pub(super) fn note(&mut self, said: &[(Question, Answer)]) -> Result<(), HolderError> {
        self.answers.extend(said.iter().map(|(question, answer)| (pair(question), *answer)));
        let text =
            serde_json::to_vec_pretty(&self.answers).map_err(|cause| HolderError::io(&self.path)(cause.into()))?;
        durable::replace_private(&self.path, &text).map_err(HolderError::io(&self.path))
    }
}

fn pair(question: &Question) -> String {
    let (x, y) = (question.x.min(question.y), question.x.max(question.y));
    format!("{}+{}", hex::encode(x.0), hex::encode(y.0))
}
