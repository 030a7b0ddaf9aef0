//! Goal: the documents name every metric and every reason that the code has, and no other; the README says the same in
//! both languages.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A file of the repository.
fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The part of a text from a line that begins so up to the next line that begins with `until`.
fn part<'a>(text: &'a str, from: &str, until: &str) -> &'a str {
    let (_, rest) = text
        .split_once(&format!("\n{from}"))
        .unwrap_or_else(|| panic!("no line begins with {from}"));
    rest.split_once(&format!("\n{until}"))
        .map_or(rest, |(part, _)| part)
}

/// Texts between two marks: every second piece.
fn between(text: &str, mark: char) -> impl Iterator<Item = &str> {
    text.split(mark).skip(1).step_by(2)
}

/// The first cells of the rows of tables.
fn first_cells(text: &str) -> impl Iterator<Item = &str> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| "));
    rows.filter_map(|row| row.split(" | ").next())
}

/// The words in code style in the first cells of tables.
fn documented(text: &str) -> BTreeSet<&str> {
    first_cells(text)
        .flat_map(|cell| between(cell, '`'))
        .collect()
}

/// The labels that a function `match`es its variants to: `=> "label"`.
fn labels<'a>(source: &'a str, function: &str) -> BTreeSet<&'a str> {
    let body = part(source, &format!("    {function}"), "    }\n");
    let labels: BTreeSet<&str> = body
        .lines()
        .filter_map(|line| line.split_once("=> \"")?.1.split('"').next())
        .collect();
    assert!(labels.len() > 1, "no labels in {function}");
    labels
}

#[test]
fn every_metric_is_documented_and_no_other() {
    let source = read("crates/server/src/telemetry/names.rs");
    let names = part(&source, "names! {", "}");
    let names: BTreeSet<&str> = names
        .lines()
        .filter_map(|line| line.split_once(" = \"")?.1.split('"').next())
        .collect();
    assert!(names.len() > 20, "{names:?}");
    let page = read("docs/http-api.md");
    let metrics = part(&page, "## Metrics", "## ");
    // Labels stand behind the name, and counters end with `_total` on the page alone.
    let documented: BTreeSet<&str> = documented(metrics)
        .into_iter()
        .map(|name| name.split('{').next().unwrap_or(name))
        .map(|name| name.strip_suffix("_total").unwrap_or(name))
        .collect();
    assert_eq!(documented, names);
}

#[test]
fn every_reason_for_an_end_is_documented_and_no_other() {
    let close_reason = read("crates/server/src/telemetry/close_reason.rs");
    let auth = read("crates/server/src/config/auth.rs");
    let session = read("crates/rtmp/src/session/error.rs");
    let limits = read("crates/rtmp/src/limits.rs");
    let peer = part(&session, "impl PeerMisbehaved {", "}\n");
    let mut reasons: BTreeSet<&str> = BTreeSet::new();
    reasons.extend(labels(
        &close_reason,
        "pub const fn label(&self) -> &'static str",
    ));
    reasons.extend(labels(&auth, "pub const fn as_str(self) -> &'static str"));
    reasons.extend(labels(peer, "const fn label(&self) -> &'static str"));
    reasons.extend(labels(&limits, "pub const fn as_str(self) -> &'static str"));
    // Limits of names and paths refuse a request; they do not end a connection by themselves.
    for of_names in ["name_bytes", "path_segments", "path_segment_bytes"] {
        assert!(reasons.remove(of_names), "{of_names}");
    }
    let page = read("docs/operations.md");
    let table = part(&page, "## Why a connection ended", "## ");
    assert_eq!(documented(table), reasons);
}

/// Headings by level, rows of tables, list items and blocks of code per section, in order: what a translation keeps.
fn shape(text: &str) -> Vec<[usize; 4]> {
    let mut sections = vec![[0; 4]];
    let mut in_code = false;
    for line in text.lines() {
        in_code ^= line.starts_with("```");
        if line.starts_with('#') && !in_code {
            let level = line.chars().take_while(|c| *c == '#').count();
            sections.push([level, 0, 0, 0]);
        }
        let counts = sections.last_mut().unwrap();
        for (count, start) in counts[1..].iter_mut().zip(["|", "- ", "```"]) {
            *count += usize::from(line.starts_with(start));
        }
    }
    sections
}

#[test]
fn the_readme_says_the_same_in_both_languages() {
    let [english, korean] = ["README.md", "README.ko.md"].map(read);
    assert_eq!(shape(&english), shape(&korean));
    // What shows a claim is the same file in both.
    let files = |text: &str| -> Vec<String> {
        let words = between(text, '`').filter(|word| word.contains('/') && !word.contains('\n'));
        words.map(str::to_owned).collect()
    };
    let (english, korean) = (files(&english), files(&korean));
    assert!(english.len() > 15, "{english:?}");
    assert_eq!(english, korean);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for file in english.iter().filter(|file| !file.contains("://")) {
        assert!(root.join(file).exists(), "{file} does not exist");
    }
}

#[test]
fn every_test_of_a_known_fault_exists_and_every_fault_has_one() {
    let page = read("docs/known-faults.md");
    let rows = page
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains('`'));
    let (mut faults, mut named) = (0, BTreeSet::new());
    for row in rows {
        faults += 1;
        let tests = row.trim_end_matches(" |").rsplit(" | ").next();
        let words = between(tests.unwrap_or_default(), '`');
        let mut waiting = Vec::new();
        for word in words {
            if !word.contains('/') {
                waiting.push(word);
                continue;
            }
            let file = read(word);
            for test in waiting.drain(..) {
                assert!(file.contains(&format!("fn {test}(")), "{test} in {word}");
                named.insert(test.to_owned());
            }
        }
    }
    assert!(faults > 20, "{faults}");
    // And the other way round: what is named after a fault is on the page.
    for file in [
        "crates/rtmp/tests/known_faults/amf.rs",
        "crates/rtmp/tests/known_faults/chunks.rs",
        "crates/rtmp/tests/known_faults/sequences.rs",
        "crates/rtmp/tests/known_faults/sessions.rs",
        "crates/server/tests/relay/known_faults.rs",
        "interop/tests/known_faults.rs",
    ] {
        for test in read(file).split("#[test]\nfn ").skip(1) {
            let test = test.split('(').next().unwrap_or_default();
            assert!(named.contains(test), "{test} is not on the page");
        }
    }
}
