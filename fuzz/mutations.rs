//! Random changes of a text, some of which leave it meaningful.

use crate::random::Random;

const PIECES: [&str; 24] = [
    "\u{feff}",
    "\0",
    "\r",
    "\t",
    "\u{2028}",
    "ﬁ",
    "𝟙",
    "\"",
    "'''",
    "{",
    "}",
    "[",
    "---\n",
    ": ",
    "- ",
    "&a ",
    "*a",
    "!!python ",
    "null",
    "-1",
    "1e999",
    "18446744073709551616",
    "../..",
    "# ",
];

pub(crate) fn mutated(random: &mut Random, text: &str) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = text
        .split_inclusive('\n')
        .map(|line| line.as_bytes().to_vec())
        .collect();
    for _ in 0..random.below(6) {
        mutate(random, &mut lines);
    }
    let mut bytes = lines.concat();
    if random.one_in(20) {
        bytes.truncate(random.below(bytes.len() + 1));
    }
    if random.one_in(40) {
        bytes.push(0xff);
    }
    bytes
}

fn mutate(random: &mut Random, lines: &mut Vec<Vec<u8>>) {
    if lines.is_empty() {
        return;
    }
    let (at, other) = (random.below(lines.len()), random.below(lines.len()));
    match random.below(8) {
        0 => drop(lines.remove(at)),
        1 => lines.swap(at, other),
        2 => lines.insert(at, lines[other].clone()),
        3 => {
            let many = lines[at].repeat(1 + random.below(200));
            lines[at] = many;
        }
        4 => {
            let line = &mut lines[at];
            let byte = random.below(line.len());
            line.splice(byte..byte, random.choose(&PIECES).bytes());
        }
        5 => {
            let line = &mut lines[at];
            let (from, to) = (random.below(line.len()), random.below(line.len()));
            line.drain(from.min(to)..from.max(to));
        }
        6 => drop(lines[at].splice(0..0, *b"    ")),
        _ => {
            // It runs into the next one.
            lines[at].pop();
        }
    }
}
