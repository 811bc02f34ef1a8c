//! The fuzz targets over their seeds, and over seeds that are changed a little: in every build, so that they do not rot.
//! `make fuzz` runs them for as long as one likes.

use std::fs;
use std::path::Path;

use crate::never_through::dice::Dice;
use crate::never_through::targets::TARGETS;

/// How often each seed is changed.
const CHANGES: usize = 6;
/// The most seeds of one target that are changed.
const CHANGED: usize = 60;

#[test]
fn the_fuzz_targets_hold_over_their_seeds() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    for (name, target) in TARGETS {
        let mut files: Vec<_> = fs::read_dir(seeds.join(name))
            .unwrap_or_else(|error| panic!("fuzz/seeds/{name}: {error}"))
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        assert!(!files.is_empty(), "{name} has no seeds");
        let mut dice = Dice::seeded(4711);
        for (n, file) in files.iter().enumerate() {
            let seed = fs::read(file).unwrap();
            println!("{name}: {}", file.display());
            target(&seed);
            let times = if n < CHANGED { CHANGES } else { 0 };
            for _ in 0..times {
                target(&changed(&seed, &mut dice));
            }
        }
        target(&[]);
    }
}

/// A few bytes changed, taken out or put in.
fn changed(seed: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..1 + dice.below(4) {
        let at = dice.below(bytes.len() + 1);
        match dice.below(4) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, dice.next() as u8),
            2 if at < bytes.len() => drop(bytes.remove(at)),
            _ if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
            _ => bytes.push(*[0, 1, 0x7f, 0x80, 0xff].get(dice.below(5)).unwrap_or(&0)),
        }
    }
    bytes
}
