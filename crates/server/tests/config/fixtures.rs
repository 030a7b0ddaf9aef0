//! Goal: each file below `invalid` gives the text beside it, each below `valid` is taken with the warnings beside it.

use std::path::{Path, PathBuf};

use crate::{compare, load};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/config")
        .join(name)
}

fn files(name: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder(name))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

/// Lines `# env: NAME=value` of a fixture are its environment.
fn variables(text: &str) -> Vec<(&str, &str)> {
    text.lines()
        .filter_map(|line| line.strip_prefix("# env: ")?.split_once('='))
        .collect()
}

/// The text with the fixture's folder cut off, as if the user stood in it.
fn local(text: &str, folder: &Path) -> String {
    text.replace(&format!("{}/", folder.display()), "")
}

#[test]
fn invalid_files_are_refused_with_file_line_key_and_what_to_do() {
    let folder = folder("invalid");
    for file in files("invalid") {
        let text = std::fs::read_to_string(&file).unwrap();
        let Err(problems) = load(&file, &variables(&text)) else {
            panic!("{} was taken", file.display());
        };
        let found = format!("{}\n", local(&problems.to_string(), &folder));
        assert!(!found.contains("canary"), "a secret shows: {found}");
        assert!(!found.contains("read docs/config.md"), "no hint: {found}");
        compare(&file.with_extension("txt"), &found);
    }
}

#[test]
fn valid_files_are_taken_with_their_warnings() {
    let folder = folder("valid");
    for file in files("valid") {
        let text = std::fs::read_to_string(&file).unwrap();
        let config = load(&file, &variables(&text)).unwrap_or_else(|problems| panic!("{problems}"));
        let warnings = config.warnings.iter().map(|warning| {
            let text = warning.titled("warning");
            format!("{}\n", local(&text, &folder))
        });
        let found: String = warnings.collect();
        assert!(
            !format!("{config:?}{found}").contains("canary"),
            "a secret shows"
        );
        compare(&file.with_extension("txt"), &found);
    }
}

#[test]
fn a_file_that_cannot_be_read_says_why() {
    for (path, expected) in [
        (
            "nowhere.toml",
            "error: cannot read the configuration file nowhere.toml: no such file\n  try:  check the path; a relative one starts in the working directory",
        ),
        (
            "tests",
            "error: cannot read the configuration file tests: it is a directory\n  try:  name a file in it",
        ),
    ] {
        assert_eq!(
            load(Path::new(path), &[]).unwrap_err().to_string(),
            expected
        );
    }
}
