//! The versions that brokers of several releases serve.

use std::ops::RangeInclusive;

use doorkeeper::protocol::messages::CATALOGUE;

use crate::support::layouts::layouts;

/// A release, and the newest version of each API that its brokers serve: API keys from 0 on, -1 where there is none. The
/// oldest is 0.
const RELEASES: &[(&str, &[i16])] = &[
    ("0.10.2", &[2, 3, 1, 2, -1, -1, -1, -1, 2, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1]),
    (
        "0.11",
        &[
            3, 5, 2, 4, -1, -1, -1, -1, 3, 3, 1, 2, 1, 1, 1, 1, 1, 0, 1, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0,
        ],
    ),
    (
        "1.1",
        &[
            5, 7, 2, 5, -1, -1, -1, -1, 3, 3, 1, 2, 1, 1, 1, 1, 1, 1, 1, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ],
    ),
    (
        "2.4",
        &[
            8, 11, 5, 9, -1, -1, -1, -1, 8, 6, 3, 6, 4, 4, 4, 5, 3, 1, 3, 5, 4, 1, 2, 3, 1, 1, 1, 0, 2, 1, 1,
            1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 2, 2, 1, 0, 0, 0,
        ],
    ),
    (
        "2.8",
        &[
            9, 12, 6, 11, -1, -1, -1, -1, 8, 7, 3, 7, 4, 4, 5, 5, 4, 1, 3, 7, 6, 2, 4, 4, 3, 3, 3, 1, 3, 2,
            2, 2, 4, 2, 2, 2, 2, 3, 2, 2, 2, 2, 2, 2, 1, 0, 0, 0, 1, 1, 0, 0, -1, -1, -1, 0, -1, 0, -1, -1,
            0, 0,
        ],
    ),
    (
        "3.9",
        &[
            11, 17, 9, 12, -1, -1, -1, -1, 9, 9, 6, 9, 4, 5, 5, 5, 5, 1, 4, 7, 6, 2, 5, 4, 5, 4, 4, 1, 4, 3,
            3, 3, 4, 2, 2, 4, 2, 3, 3, 2, 2, 3, 2, 2, 1, 0, 0, 0, 1, 1, 0, 0, -1, -1, -1, 2, -1, 1, -1, -1,
            1, 0, -1, -1, 0, 0, 1, -1, 0, 0, -1, 0, 0, -1, 0, 0,
        ],
    ),
];

/// What a broker serves: key and versions.
pub(crate) type Served = Vec<(i16, RangeInclusive<i16>)>;

/// The name of each kind of broker, and what it serves.
pub(crate) fn brokers() -> Vec<(&'static str, Served)> {
    let mut all: Vec<(&str, Served)> = RELEASES
        .iter()
        .map(|(name, newest)| {
            let served = (0..).zip(*newest).filter(|(_, newest)| **newest >= 0);
            (*name, served.map(|(key, newest)| (key, 0..=*newest)).collect())
        })
        .collect();
    let current = layouts().iter().filter(|layout| layout.is_request && layout.is_current());
    let newest = current.filter(|layout| layout.listeners.contains(&"broker"));
    all.push(("4.4", newest.map(|layout| (layout.key, layout.versions.clone())).collect()));
    all.push((
        "one that serves all there ever was",
        CATALOGUE.iter().map(|api| (api.key, api.versions.clone())).collect(),
    ));
    all
}
