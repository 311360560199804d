//! One base of a base and what later runs changed: every block that stands, numbered anew, and one index.

use std::path::Path;

use policies::keys::SealRecipient;

use super::index::{Entries, IndexWriter, Name};
use super::lists::Lists;
use super::meta::{Directory, Meta};
use super::sealed::Writer;
use super::write::{Place, finish};
use super::{BLOCKS, Held, INDEX};
use crate::link::LinkError;
use crate::link::crosswalk::{ABSENT, Row};
use crate::link::keys::NONE;

/// Later runs may have written this share of the base's blocks before it is made anew.
const SHARE: u64 = 4;
/// Runs beside the base, so that few files are opened.
const RUNS: usize = 32;

impl Held {
    /// Whether it is time, after `written` more bytes. Below `small` bytes it never is.
    pub(crate) fn is_due(&self, small: u64, written: u64) -> bool {
        let length = |run: &super::Run| run.offsets.last().copied().unwrap_or(0);
        let (base, later) = (self.runs.first().map_or(0, length), self.runs.iter().skip(1).map(length).sum::<u64>());
        self.runs.len() > RUNS || later + written > small.max(base / SHARE)
    }

    /// Writes all that is held as one base into `folder`, and tells each row of its crosswalk.
    pub(crate) fn compact(
        &self,
        folder: &Path,
        to: &SealRecipient,
        row: &mut dyn FnMut(Row) -> Result<(), LinkError>,
    ) -> Result<(), LinkError> {
        std::fs::create_dir(folder).map_err(LinkError::io(folder))?;
        let mut numbers = vec![NONE; usize::try_from(self.meta.next.1).unwrap_or(0)];
        let mut next = 0;
        let mut directory = Directory::default();
        let mut file = Writer::create(&folder.join(BLOCKS), to)?;
        let (mut bytes, mut tokens) = (Vec::new(), Vec::new());
        self.each(self.live(), &self.meta.sources, |_, mut block| {
            let first = next;
            let at = u32::try_from(directory.blocks.len()).unwrap_or(u32::MAX);
            let mut carriers = Vec::new();
            let mut anew = |number: u32| match numbers.get_mut(number as usize) {
                Some(place) => {
                    if *place == NONE {
                        *place = next;
                        next += 1;
                    }
                    *place
                }
                None => number,
            };
            for held in &mut block.atoms {
                held.number = anew(held.number);
                for token in held.tokens.iter_mut().flatten() {
                    let is_hub = self.meta.hubs.contains_key(token);
                    *token = anew(*token);
                    if is_hub {
                        carriers.push((*token, at));
                    }
                }
                if let Some(person) = block.persons.get(held.person as usize) {
                    let there = (held.id, Some(person.key), person.grade.name(), held.source);
                    row(if held.out { (held.id, None, ABSENT, held.source) } else { there })?;
                }
            }
            directory.carriers.append(&mut carriers);
            bytes.clear();
            block.encode(&mut tokens, &mut bytes);
            let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            directory.blocks.push((length, next - first, std::collections::BTreeSet::new()));
            file.write(&bytes)
        })?;
        file.finish()?;
        directory.carriers.sort_unstable();
        directory.carriers.dedup();

        let number = |old: u32| numbers.get(old as usize).copied().filter(|number| *number != NONE);
        let hubs = self.meta.hubs.iter().filter_map(|(old, hub)| Some((number(*old)?, *hub))).collect();
        let blocks = u32::try_from(directory.blocks.len()).unwrap_or(u32::MAX);
        let (first, next) = ((0, 0), (blocks, next));
        let meta = Meta { hubs, homes: std::collections::BTreeMap::new(), first, next, ..self.meta.clone() };
        directory.fences = self.merge(folder, to, number)?;
        let lists = Lists::of(self)?;
        finish(&Place { folder, to }, &directory, &meta, (&lists, &|_| true))
    }

    /// One index of all: of a name that was given a number twice, the later one counts.
    fn merge(
        &self,
        folder: &Path,
        to: &SealRecipient,
        number: impl Fn(u32) -> Option<u32>,
    ) -> Result<super::Fences, LinkError> {
        let mut index = IndexWriter::create(&folder.join(INDEX), to)?;
        let mut all = self.entries()?;
        let mut heads = all.iter_mut().map(Entries::next).collect::<Result<Vec<_>, _>>()?;
        while let Some(name) = heads.iter().flatten().map(|(name, _)| *name).min() {
            let mut last = 0;
            for (head, entries) in heads.iter_mut().zip(&mut all) {
                if let Some((_, found)) = head.filter(|(here, _)| *here == name) {
                    last = found;
                    *head = entries.next()?;
                }
            }
            let known = if name.is_key() { Some(0) } else { number(last) };
            if let Some(number) = known {
                index.push(name, number)?;
            }
        }
        index.finish()
    }

    fn entries(&self) -> Result<Vec<Entries>, LinkError> {
        let open = |run: &super::Run| Entries::open(&run.folder.join(INDEX), &self.identity, &run.fences);
        self.runs.iter().map(open).collect()
    }

    /// All person keys that were ever given.
    pub(crate) fn keys(&self) -> Result<Vec<u64>, LinkError> {
        let mut keys = Vec::new();
        for mut entries in self.entries()? {
            entries.skip_to_keys();
            while let Some((name, _)) = entries.next()? {
                keys.extend(name.as_key());
            }
        }
        Ok(keys)
    }

    /// Those of the keys that were given before.
    pub(crate) fn taken(&self, keys: &[u64]) -> Result<std::collections::HashSet<u64>, LinkError> {
        let found = self.find(keys.iter().map(|key| Name::key(*key)).collect())?;
        Ok(found.keys().filter_map(|name| name.as_key()).collect())
    }
}
