//! The seeds of the fuzz targets, as they are and spoilt a little: what of fuzzing runs with every test.

use std::{fs, path::PathBuf};

use proptest::{prelude::*, sample::Index};

use super::{TARGETS, Target};

type Seeds = Vec<Vec<u8>>;

/// The seeds of every target, read once.
fn seeds() -> Vec<(Target, Seeds)> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fuzz/seeds"));
    let seeds =
        |name: &str| -> Seeds { fs::read_dir(folder.join(name)).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect() };
    TARGETS.iter().map(|(name, target)| (*target, seeds(name))).collect()
}

#[test]
fn every_seed_is_borne() {
    for (target, seeds) in seeds() {
        assert!(!seeds.is_empty());
        seeds.iter().for_each(|seed| target(seed));
        target(b"");
    }
}

/// What is done to a seed: bytes of it replaced, and a part of another put in.
#[derive(Clone, Debug)]
struct Spoilt {
    seed: Index,
    bytes: Vec<(Index, u8)>,
    other: Index,
    from: Index,
    to: Index,
    at: Index,
}

fn spoilt() -> impl Strategy<Value = Spoilt> {
    let index = any::<Index>;
    let bytes = prop::collection::vec((index(), prop_oneof![any::<u8>(), prop::sample::select(b"<>&;\"{}[]=\r\n\0\xff-".to_vec())]), 0..6);
    (index(), bytes, index(), index(), index(), index()).prop_map(|(seed, bytes, other, from, to, at)| Spoilt {
        seed,
        bytes,
        other,
        from,
        to,
        at,
    })
}

impl Spoilt {
    fn of(&self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut text = self.seed.get(seeds).clone();
        for (at, byte) in self.bytes.iter().filter(|_| !seeds.is_empty()) {
            let at = at.index(text.len() + 1);
            text.splice(at..(at + 1).min(text.len()), [*byte]);
        }
        let other = self.other.get(seeds);
        let (from, to) = (self.from.index(other.len() + 1), self.to.index(other.len() + 1));
        let at = self.at.index(text.len() + 1);
        text.splice(at..at, other[from.min(to)..from.max(to)].iter().copied());
        text
    }
}

#[test]
fn spoilt_seeds_are_borne() {
    let seeds = seeds();
    proptest!(ProptestConfig::with_cases(200), |(spoilt in spoilt())| {
        for (target, seeds) in &seeds {
            target(&spoilt.of(seeds));
        }
    });
}

#[test]
fn every_target_has_its_binary_and_its_seeds() {
    let manifest = include_str!("../../tests/fuzz/Cargo.toml");
    for (name, _) in TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
    assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
}
