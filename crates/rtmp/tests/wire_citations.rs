//! Goal: citations lead somewhere, and `docs/wire.md` says of every statement where it stands.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What comes before the number of a citation; written so that this file cites nothing.
const CITATION: &str = concat!("[WIRE", " ");
/// How many statements there are.
const STATEMENTS: u16 = 218;

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    root.unwrap().to_owned()
}

fn wire() -> String {
    std::fs::read_to_string(root().join("docs/wire.md")).unwrap()
}

/// All numbers of three digits in a text.
fn numbers(text: &str) -> BTreeSet<u16> {
    let words = text.split(|letter: char| !letter.is_ascii_digit());
    words
        .filter(|word| word.len() == 3)
        .map(|word| word.parse().unwrap())
        .collect()
}

/// The text under a heading.
fn section<'a>(document: &'a str, heading: &str) -> &'a str {
    let (_, behind) = document.split_once(&format!("\n## {heading}\n")).unwrap();
    behind
        .split_once("\n## ")
        .map_or(behind, |(section, _)| section)
}

/// The numbers in the first column of the tables in a text.
fn first_column(text: &str) -> BTreeSet<u16> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| "));
    rows.flat_map(|row| numbers(row.split(" |").next().unwrap()))
        .collect()
}

fn statements() -> BTreeSet<u16> {
    (1..=STATEMENTS).collect()
}

/// Every statement that a Rust file under `folder` cites.
fn cited_under(folder: &Path, cited: &mut BTreeSet<u16>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            cited_under(&path, cited);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            for behind in text.split(CITATION).skip(1) {
                let number = behind.split_once(']').map(|(number, _)| number);
                let number = number.filter(|number| number.len() == 3);
                let number = number.and_then(|number| number.parse().ok());
                let number = number
                    .unwrap_or_else(|| panic!("{}: a citation without a number", path.display()));
                assert!(
                    statements().contains(&number),
                    "{}: there is no statement {number:03}",
                    path.display()
                );
                cited.insert(number);
            }
        }
    }
}

fn cited() -> BTreeSet<u16> {
    let mut cited = BTreeSet::new();
    for krate in std::fs::read_dir(root().join("crates")).unwrap() {
        for part in ["src", "tests"] {
            let folder = krate.as_ref().unwrap().path().join(part);
            if folder.is_dir() {
                cited_under(&folder, &mut cited);
            }
        }
    }
    cited
}

#[test]
fn the_document_has_every_statement_once() {
    let wire = wire();
    let (_, tables) = wire.split_once("\n## Not applied\n").unwrap();
    let rows = tables.lines().filter_map(|line| line.strip_prefix("| "));
    let stated: Vec<u16> = rows
        .filter(|row| {
            ["must", "should", "may"]
                .iter()
                .any(|word| row[3..].starts_with(&format!(" | {word} ")))
        })
        .map(|row| row[..3].parse().unwrap())
        .collect();
    let all: Vec<u16> = statements().into_iter().collect();
    assert_eq!(stated, all);
}

#[test]
fn every_statement_is_cited_or_listed_with_its_reason() {
    let (wire, cited) = (wire(), cited());
    let unnamed = numbers(section(&wire, "Not cited"));
    let not_applied = first_column(section(&wire, "Not applied"));
    let known = &(&cited | &unnamed) | &not_applied;
    let missing: Vec<u16> = statements().difference(&known).copied().collect();
    assert_eq!(missing, [0; 0], "neither cited nor listed in docs/wire.md");
    let named: Vec<u16> = unnamed.intersection(&cited).copied().collect();
    assert_eq!(named, [0; 0], "listed as not cited, but cited");
}
