//! The crosswalk in the enclave: atom to person key.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::path::Path;

use arrow::array::{AsArray, BooleanArray, FixedSizeBinaryArray, UInt64Array};
use arrow::datatypes::{UInt8Type, UInt64Type};
use policies::keys::SealIdentity;

use super::error::ReleaseError;
use crate::link::Marker;
use crate::link::crosswalk::{self, GONE, Grade};
use crate::seal::BatchReader;

type Persons = HashMap<u128, (u64, Grade, u8), BuildHasherDefault<Halves>>;

/// Atom → person key, grade and source, and person key → sources; about 70 bytes an atom.
pub(crate) struct Crosswalk {
    persons: Persons,
    /// Atoms whose persons stay out of their source.
    absent: HashSet<u128, BuildHasherDefault<Halves>>,
    /// By person key, the sources in which the person is found, a bit each.
    found: HashMap<u64, u32, BuildHasherDefault<Halves>>,
    /// Names of the sources by bit.
    sources: Vec<String>,
    marker: Marker,
}

impl Crosswalk {
    /// Opens the crosswalk (or the link folder that holds it) if it is the one that its marker speaks of.
    pub(crate) fn open(path: &Path, identity: &SealIdentity) -> Result<Self, ReleaseError> {
        let unfinished = || ReleaseError::Crosswalk { path: path.to_owned() };
        let (folder, marker) = Marker::beside(path).ok_or_else(unfinished)?;
        let mut persons: Persons = HashMap::default();
        persons.reserve(usize::try_from(marker.atoms).unwrap_or(0));
        let mut absent: HashSet<u128, BuildHasherDefault<Halves>> = HashSet::default();
        let mut sources = Vec::new();
        for marked in &marker.files {
            let file = folder.join(&marked.name);
            let (_, digest) = catalog::manifest::digest(&file).map_err(|_| unfinished())?;
            if digest != marked.sha256 {
                return Err(unfinished());
            }
            read(&file, identity, &mut persons, &mut absent, &mut sources)?;
        }
        let mut found: HashMap<u64, u32, BuildHasherDefault<Halves>> = HashMap::default();
        for (key, _, source) in persons.values() {
            // A source beyond the 32nd is not told.
            *found.entry(*key).or_default() |= 1_u32.checked_shl(u32::from(*source)).unwrap_or(0);
        }
        Ok(Self { persons, absent, found, sources, marker })
    }

    /// SHA-256 over the sealed files.
    pub(crate) fn digest(&self) -> &str {
        &self.marker.sha256
    }

    /// Whether the batch's tokens were linked.
    pub(crate) fn knows_batch(&self, batch: &str) -> bool {
        self.marker.batches.iter().any(|known| known == batch)
    }

    /// The person of an atom.
    pub(crate) fn person(&self, atom: &[u8]) -> Option<(u64, Grade)> {
        self.persons.get(&number(atom)?).map(|(key, grade, _)| (*key, *grade))
    }

    /// Names of the sources that were linked, in the order of the bits of [`Self::found_in`].
    pub(crate) fn sources(&self) -> &[String] {
        &self.sources
    }

    /// In which sources the person of an atom is found; none of an atom without a person.
    pub(crate) fn found_in(&self, atom: &[u8]) -> u32 {
        let found = self.person(atom).and_then(|(key, _)| self.found.get(&key));
        found.copied().unwrap_or(0)
    }

    /// Which rows of a column of atoms are to be left out. `None` if no row is.
    pub(crate) fn absent(&self, atoms: &FixedSizeBinaryArray) -> Option<BooleanArray> {
        if self.absent.is_empty() {
            return None;
        }
        let out = |atom: Option<&[u8]>| atom.and_then(number).is_some_and(|atom| self.absent.contains(&atom));
        let out: BooleanArray = atoms.iter().map(|atom| Some(out(atom))).collect();
        (out.true_count() > 0).then_some(out)
    }

    /// Person keys of a column of atoms, and how many atoms had none (their key is 0, which is nobody's).
    pub(crate) fn keys(&self, atoms: &FixedSizeBinaryArray) -> (UInt64Array, u64) {
        let mut unknown = 0;
        let keys = atoms.iter().map(|atom| {
            let person = atom.and_then(|atom| self.person(atom));
            unknown += u64::from(person.is_none());
            person.map_or(0, |(key, _)| key)
        });
        (UInt64Array::from_iter_values(keys), unknown)
    }
}

/// Reads a file of the crosswalk; its rows win over those of the files before it.
fn read(
    file: &Path,
    identity: &SealIdentity,
    persons: &mut Persons,
    absent: &mut HashSet<u128, BuildHasherDefault<Halves>>,
    sources: &mut Vec<String>,
) -> Result<(), ReleaseError> {
    let reader = BatchReader::open(file, identity).map_err(ReleaseError::seal)?;
    let schema = reader.schema();
    let names = schema.metadata().get(crosswalk::SOURCES).map_or("", String::as_str).split(' ');
    // Places are the file's own: a source that came later may stand before another.
    let places: Vec<u8> = names.map(|name| place(sources, name)).collect();
    for batch in reader {
        let batch = batch.map_err(ReleaseError::seal)?;
        let lacks = |column: &str| ReleaseError::Form { path: file.to_owned(), column: column.to_owned() };
        let column = |name: &str| batch.column_by_name(name).ok_or_else(|| lacks(name));
        let atoms = column("atom")?.as_fixed_size_binary_opt().ok_or_else(|| lacks("atom"))?;
        let keys = column("person_key")?.as_primitive_opt::<UInt64Type>().ok_or_else(|| lacks("person_key"))?;
        let grades = column("link_grade")?.as_string_opt::<i32>().ok_or_else(|| lacks("link_grade"))?;
        let of = column("source")?.as_primitive_opt::<UInt8Type>().ok_or_else(|| lacks("source"))?;
        for (((atom, key), grade), source) in atoms.iter().zip(keys).zip(grades).zip(of.values()) {
            let atom = atom.and_then(number).ok_or_else(|| lacks("atom"))?;
            let grade = grade.unwrap_or_default();
            absent.remove(&atom);
            if let Some(key) = key {
                let source = places.get(usize::from(*source)).copied().ok_or_else(|| lacks("source"))?;
                persons.insert(atom, (key, Grade::of(grade), source));
                continue;
            }
            persons.remove(&atom);
            if grade != GONE {
                absent.insert(atom);
            }
        }
    }
    Ok(())
}

/// The place of a source among those known, to which it is added.
fn place(sources: &mut Vec<String>, name: &str) -> u8 {
    let known = sources.iter().position(|known| known == name);
    if known.is_none() {
        sources.push(name.to_owned());
    }
    // INVARIANT: there are at most 128 sources.
    known.unwrap_or(sources.len() - 1).try_into().unwrap_or(u8::MAX)
}

fn number(atom: &[u8]) -> Option<u128> {
    atom.try_into().ok().map(u128::from_le_bytes)
}

/// Atoms are random: both halves together are as good as any hash.
#[derive(Default)]
pub(crate) struct Halves(u64);

impl Hasher for Halves {
    fn write(&mut self, bytes: &[u8]) {
        // A u128 arrives here as its 16 bytes; each half is folded into the hash.
        for half in bytes.chunks(8) {
            let mut word = [0; 8];
            word.iter_mut().zip(half).for_each(|(to, from)| *to = *from);
            self.0 ^= u64::from_le_bytes(word);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
