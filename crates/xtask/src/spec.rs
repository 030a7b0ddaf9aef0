//! Whether `docs/spec-coverage.md` and the code agree: every statement has its test or its reason, every test that is
//! named exists, and every citation leads to a statement.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::workspace::root;

/// The page that is checked.
const PAGE: &str = "docs/spec-coverage.md";
/// How many statements there are.
const STATEMENTS: u16 = 218;
/// Where citations may stand, beside the Markdown files at the root.
const FOLDERS: [&str; 5] = ["crates", "differential", "docs", "fuzz", "interop"];
/// What a citation begins with; written so that this file cites nothing.
const CITATION: &str = concat!("[WIRE", " ");
/// What the last cell of a row may hold instead of a test, with a reason behind it.
const NOT_APPLIED: &str = "not applied:";
/// What the last cell of an open row says.
const OPEN: &str = "no test yet";
/// Letters that a reason has at least: less is no sentence.
const REASON_LETTERS_MIN: usize = 10;

/// Lists what is wrong, and fails when there is anything.
pub(crate) fn check() -> Result<(), String> {
    let text = fs::read_to_string(root().join(PAGE))
        .map_err(|error| format!("cannot read {PAGE}: {error}"))?;
    let page = Page::parse(&text);
    let mut problems = page.problems(&|path| fs::read_to_string(root().join(path)).ok());
    let files = files();
    for file in &files {
        let text = fs::read_to_string(file)
            .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        let name = file.strip_prefix(root()).unwrap_or(file).display();
        problems.extend(
            wrong_citations(&text, &page)
                .into_iter()
                .map(|problem| format!("{name}: {problem}")),
        );
    }
    for problem in &problems {
        println!("{problem}");
    }
    if !problems.is_empty() {
        return Err(format!(
            "spec: {} problems, listed above; {PAGE} says what a row needs",
            problems.len()
        ));
    }
    println!("{}", page.summary());
    Ok(())
}

/// Everything that may cite a statement.
fn files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in FOLDERS {
        texts_under(&root().join(folder), &mut files);
    }
    let at_the_root = fs::read_dir(root()).into_iter().flatten().flatten();
    files.extend(
        at_the_root
            .map(|entry| entry.path())
            .filter(|path| path.is_file() && is_text(path)),
    );
    files.sort();
    files
}

fn texts_under(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            texts_under(&path, files);
        } else if is_text(&path) {
            files.push(path);
        }
    }
}

fn is_text(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "rs" || extension == "md")
}

/// The rows of the page, and the numbers that it lists as open.
#[derive(Debug, Default, PartialEq, Eq)]
struct Page {
    rows: Vec<Row>,
    open: Vec<u16>,
}

/// One statement.
#[derive(Debug, Default, PartialEq, Eq)]
struct Row {
    number: u16,
    statement: String,
    source: String,
    /// Where it is implemented.
    places: Vec<Named>,
    tests: Vec<Named>,
    /// What is left out, and why.
    reason: Option<String>,
    is_open: bool,
    /// What cannot be read in it.
    problems: Vec<String>,
}

/// A file, and names that stand in it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Named {
    path: String,
    names: Vec<String>,
}

impl Page {
    fn parse(text: &str) -> Self {
        let mut page = Self::default();
        let mut is_open_list = false;
        for line in text.lines() {
            if let Some(heading) = line.strip_prefix("## ") {
                is_open_list = heading == "Open rows";
            } else if let Some(item) = line.strip_prefix("- ")
                && is_open_list
            {
                let number = item.split(':').next().unwrap_or(item);
                page.open.extend(number.parse::<u16>());
            } else if let Some(row) = Row::parse(line) {
                page.rows.push(row);
            }
        }
        page
    }

    fn row(&self, number: u16) -> Option<&Row> {
        self.rows.iter().find(|row| row.number == number)
    }

    /// What is wrong with it. `read` gives the text of a file, by its path from the root.
    fn problems(&self, read: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
        let mut problems = Vec::new();
        let mut seen = BTreeSet::new();
        for row in &self.rows {
            if !seen.insert(row.number) {
                problems.push(format!("{PAGE}: {} stands twice", row.number));
            }
            if !(1..=STATEMENTS).contains(&row.number) {
                problems.push(format!("{PAGE}: there is no statement {}", row.number));
            }
        }
        let missing = (1..=STATEMENTS).filter(|number| !seen.contains(number));
        problems.extend(missing.map(|number| format!("{PAGE}: {number} is missing")));
        for number in &self.open {
            if !self.row(*number).is_some_and(|row| row.is_open) {
                problems.push(format!(
                    "{PAGE}: {number} is listed as open, its row is not"
                ));
            }
        }
        for row in &self.rows {
            let is_listed = self.open.contains(&row.number);
            let of_row = row.problems(is_listed, read);
            problems.extend(
                of_row
                    .into_iter()
                    .map(|problem| format!("{PAGE}: {}: {problem}", row.number)),
            );
        }
        problems
    }

    fn summary(&self) -> String {
        let count = |is: fn(&Row) -> bool| self.rows.iter().filter(|row| is(row)).count();
        format!(
            "{} statements: {} with tests, {} of them in part; {} not applied; {} open",
            self.rows.len(),
            count(|row| !row.tests.is_empty()),
            count(|row| !row.tests.is_empty() && row.reason.is_some()),
            count(|row| row.tests.is_empty() && row.reason.is_some()),
            count(|row| row.is_open),
        )
    }
}

impl Row {
    /// The row in a line of a table whose first cell is a number.
    fn parse(line: &str) -> Option<Self> {
        let cells = cells(line)?;
        let (first, cells) = cells.split_first()?;
        let number = first.parse().ok()?;
        let [statement, source, places, tests] = cells else {
            let problems = vec![format!("{} cells, five are needed", cells.len() + 1)];
            return Some(Self {
                number,
                problems,
                ..Self::default()
            });
        };
        let (named, reason) = match tests.split_once(NOT_APPLIED) {
            Some((named, reason)) => (named, Some(reason.trim().to_owned())),
            None => (tests.as_str(), None),
        };
        let mut row = Self {
            number,
            statement: statement.clone(),
            source: source.clone(),
            is_open: named.contains(OPEN),
            reason,
            ..Self::default()
        };
        row.places = paths_then_names(places, &mut row.problems);
        row.tests = names_then_paths(named, &mut row.problems);
        Some(row)
    }

    fn problems(&self, is_listed: bool, read: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
        let mut problems = self.problems.clone();
        if !problems.is_empty() {
            return problems;
        }
        let begins = ["must ", "should ", "may "];
        if !begins.iter().any(|word| self.statement.starts_with(word)) {
            problems.push("it says neither must nor should nor may".to_owned());
        }
        if self.source.is_empty() {
            problems.push("no source".to_owned());
        }
        if self
            .reason
            .as_ref()
            .is_some_and(|reason| reason.len() < REASON_LETTERS_MIN)
        {
            problems.push("not applied without a reason".to_owned());
        }
        if self.is_open != is_listed {
            problems.push(format!("`{OPEN}` and the list of open rows do not agree"));
        }
        let is_settled = self.reason.is_some() || self.is_open;
        if self.tests.is_empty() && !is_settled {
            problems.push("neither a test nor a reason".to_owned());
        }
        if self.places.is_empty() && !self.tests.is_empty() {
            problems.push("a test, and nowhere implemented".to_owned());
        }
        for (found, is_there) in [
            (&self.places, has_word as fn(&str, &str) -> bool),
            (&self.tests, has_test),
        ] {
            problems.extend(not_there(found, is_there, read));
        }
        problems
    }
}

/// The cells of a line of a table; `\|` is no border.
fn cells(line: &str) -> Option<Vec<String>> {
    let inner = line.strip_prefix('|')?.strip_suffix('|')?;
    let mut cells = vec![String::new()];
    let mut letters = inner.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if letters.next_if_eq(&'|').is_some() => cells.last_mut()?.push('|'),
            '|' => cells.push(String::new()),
            _ => cells.last_mut()?.push(letter),
        }
    }
    Some(cells.iter().map(|cell| cell.trim().to_owned()).collect())
}

/// What stands between backticks.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

fn is_path(span: &str) -> bool {
    span.contains('/')
}

/// `path` with the names behind it.
fn paths_then_names(cell: &str, problems: &mut Vec<String>) -> Vec<Named> {
    let mut found: Vec<Named> = Vec::new();
    for span in quoted(cell) {
        if is_path(span) {
            found.push(Named {
                path: span.to_owned(),
                names: Vec::new(),
            });
        } else if let Some(place) = found.last_mut() {
            place.names.push(span.to_owned());
        } else {
            problems.push(format!("`{span}` has no file in front of it"));
        }
    }
    found
}

/// `path` with the names in front of it.
fn names_then_paths(cell: &str, problems: &mut Vec<String>) -> Vec<Named> {
    let mut found = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for span in quoted(cell) {
        if !is_path(span) {
            names.push(span.to_owned());
        } else if names.is_empty() {
            problems.push(format!("`{span}` has no test in front of it"));
        } else {
            found.push(Named {
                path: span.to_owned(),
                names: std::mem::take(&mut names),
            });
        }
    }
    problems.extend(
        names
            .iter()
            .map(|name| format!("`{name}` has no file behind it")),
    );
    found
}

/// What of these does not exist.
fn not_there(
    found: &[Named],
    is_there: fn(&str, &str) -> bool,
    read: &dyn Fn(&str) -> Option<String>,
) -> Vec<String> {
    let mut problems = Vec::new();
    for Named { path, names } in found {
        let Some(text) = read(path) else {
            problems.push(format!("there is no file `{path}`"));
            continue;
        };
        let missing = names.iter().filter(|name| !is_there(&text, name));
        problems.extend(missing.map(|name| format!("there is no `{name}` in `{path}`")));
    }
    problems
}

/// Whether the last part of a name such as `Header::first` stands in a text.
fn has_word(text: &str, name: &str) -> bool {
    let word = name.rsplit("::").next().unwrap_or(name);
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .any(|other| other == word)
}

/// Whether a text has a test of this name.
fn has_test(text: &str, name: &str) -> bool {
    let function = format!("fn {name}(");
    text.match_indices(&function).any(|(at, _)| {
        // Its attributes stand behind the end of what is in front of it.
        let before = text.get(..at).unwrap_or_default();
        before
            .rsplit('}')
            .next()
            .is_some_and(|attributes| attributes.contains("test]"))
    })
}

/// The citations of a text that lead nowhere.
fn wrong_citations(text: &str, page: &Page) -> Vec<String> {
    let mut problems = Vec::new();
    for behind in text.split(CITATION).skip(1) {
        let number = behind
            .split_once(']')
            .map(|(number, _)| number)
            .filter(|number| number.len() == 3)
            .and_then(|number| number.parse().ok());
        match number {
            None => problems.push("a citation without a number of three digits".to_owned()),
            Some(number) if page.row(number).is_none() => {
                problems.push(format!("it cites {number}, which has no row in {PAGE}"));
            }
            Some(_) => {}
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    const TESTED: &str = "| 1 | must \\| [RTMP 5] | peers | `a/b.rs` `Header::first`, `C` | \
                          `one`, `two` (`a/t.rs`), `three` (`b/t.rs`) |";

    fn named(path: &str, names: &[&str]) -> Named {
        Named {
            path: path.to_owned(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    /// A folder of two files.
    fn read(path: &str) -> Option<String> {
        let text = match path {
            "a/b.rs" => "struct C; fn first() {}",
            "a/t.rs" => {
                "#[test] fn one() {} #[test] fn two() {} #[test] fn twofold() {} fn tool() {}"
            }
            "b/t.rs" => "#[tokio::test] async fn three() {}",
            _ => return None,
        };
        Some(text.to_owned())
    }

    fn problems_of(line: &str, is_listed: bool) -> Vec<String> {
        Row::parse(line).unwrap().problems(is_listed, &read)
    }

    #[test]
    fn a_row_has_a_statement_a_source_places_and_tests() {
        let row = Row::parse(TESTED).unwrap();
        assert_eq!((row.number, &row.statement[..]), (1, "must | [RTMP 5]"));
        assert_eq!(row.source, "peers");
        assert_eq!(row.places, [named("a/b.rs", &["Header::first", "C"])]);
        let tests = [
            named("a/t.rs", &["one", "two"]),
            named("b/t.rs", &["three"]),
        ];
        assert_eq!(row.tests, tests);
        assert_eq!((row.reason, row.is_open), (None, false));
        assert_eq!(problems_of(TESTED, false), [""; 0]);
    }

    #[test]
    fn other_lines_are_no_rows() {
        for line in [
            "",
            "text",
            "| | what | source | where | test |",
            "|---|---|---|---|---|",
            "| statement | why |",
            "1 | must",
        ] {
            assert_eq!(Row::parse(line), None, "{line}");
        }
        let short = problems_of("| 7 | must | peers | – |", false);
        assert_eq!(short, ["4 cells, five are needed"]);
    }

    #[test]
    fn a_row_needs_a_test_or_a_reason() {
        let row = |last: &str| problems_of(&format!("| 1 | must | peers | – | {last} |"), false);
        assert_eq!(
            row(""),
            [
                "it says neither must nor should nor may",
                "neither a test nor a reason"
            ]
        );
        let row = |last: &str| problems_of(&format!("| 1 | may x | peers | – | {last} |"), false);
        assert_eq!(row(""), ["neither a test nor a reason"]);
        assert_eq!(row("not applied: there is no TLS"), [""; 0]);
        assert_eq!(row("not applied:"), ["not applied without a reason"]);
        assert_eq!(row("`one` (`a/t.rs`)"), ["a test, and nowhere implemented"]);
        let both = "| 1 | should x | | `a/b.rs` | `one` (`a/t.rs`); not applied: to all of them |";
        assert_eq!(problems_of(both, false), ["no source"]);
    }

    #[test]
    fn files_names_and_tests_must_exist() {
        let row = |place: &str, test: &str| {
            problems_of(&format!("| 1 | must x | peers | {place} | {test} |"), false)
        };
        let (place, test) = ("`a/b.rs`", "`one` (`a/t.rs`)");
        assert_eq!(row(place, test), [""; 0]);
        assert_eq!(row("`a/c.rs`", test), ["there is no file `a/c.rs`"]);
        assert_eq!(
            row("`a/b.rs` `Header::firs`", test),
            ["there is no `Header::firs` in `a/b.rs`"]
        );
        assert_eq!(
            row(place, "`twof`, `tool` (`a/t.rs`), `one` (`c.d/t.rs`)"),
            [
                "there is no `twof` in `a/t.rs`",
                "there is no `tool` in `a/t.rs`",
                "there is no file `c.d/t.rs`"
            ]
        );
        assert_eq!(row("`C`", test), ["`C` has no file in front of it"]);
        assert_eq!(row(place, "`one`"), ["`one` has no file behind it"]);
        assert_eq!(
            row(place, "(`a/t.rs`)"),
            ["`a/t.rs` has no test in front of it"]
        );
    }

    #[test]
    fn a_row_is_open_where_it_is_listed_only() {
        let open = "| 2 | must x | peers | `a/b.rs` | `one` (`a/t.rs`); no test yet |";
        assert_eq!(problems_of(open, true), [""; 0]);
        let disagree = "`no test yet` and the list of open rows do not agree";
        assert_eq!(problems_of(open, false), [disagree]);
        assert_eq!(problems_of(TESTED, true), [disagree]);

        let page = Page::parse(&format!(
            "## Open rows\n\n- 2: why\n- 3: why\n\n## Rows\n\n- 4\n{open}"
        ));
        assert_eq!(page.open, [2, 3]);
        let problems = page.problems(&read);
        let stale = format!("{PAGE}: 3 is listed as open, its row is not");
        assert_eq!(
            problems.iter().filter(|problem| **problem == stale).count(),
            1
        );
    }

    #[test]
    fn each_number_stands_once() {
        let rows = |numbers: &mut dyn Iterator<Item = u16>| {
            let row =
                |number| format!("| {number} | may x | peers | – | not applied: no need of it |\n");
            Page::parse(&numbers.map(row).collect::<String>()).problems(&read)
        };
        assert_eq!(rows(&mut (1..=STATEMENTS)), [""; 0]);
        let missing = rows(&mut (1..STATEMENTS));
        assert_eq!(missing, [format!("{PAGE}: {STATEMENTS} is missing")]);
        let twice = rows(&mut (1..=STATEMENTS).chain([5]));
        assert_eq!(twice, [format!("{PAGE}: 5 stands twice")]);
        let past = rows(&mut (1..=STATEMENTS + 1));
        assert_eq!(
            past,
            [format!("{PAGE}: there is no statement {}", STATEMENTS + 1)]
        );
    }

    #[test]
    fn a_citation_leads_to_a_row() {
        let page = Page::parse(TESTED);
        let wrong = |number: &str| wrong_citations(&format!("x {CITATION}{number}"), &page);
        assert_eq!(wrong("001] y"), [""; 0]);
        assert_eq!(
            wrong("002]"),
            [format!("it cites 2, which has no row in {PAGE}")]
        );
        for number in ["1]", "001", "001, 002]", "one]"] {
            let no_number = "a citation without a number of three digits";
            assert_eq!(wrong(number), [no_number], "{number}");
        }
    }
}
