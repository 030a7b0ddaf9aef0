//! Sizes of files and functions, kept small while it is easy.

use std::fs;
use std::path::{Path, PathBuf};

use crate::workspace::root;

/// Lines of a file without its unit tests.
const FILE_LINES_MAX: usize = 600;
/// Lines of a function, from its `fn` to its last brace.
const FUNCTION_LINES_MAX: usize = 70;
/// Where the code is.
const FOLDERS: [&str; 3] = ["crates", "differential", "interop"];

/// Lists what is too large, and fails when there is anything.
pub(crate) fn check() -> Result<(), String> {
    let mut files = Vec::new();
    for folder in FOLDERS {
        sources(&root().join(folder), &mut files);
    }
    files.sort();
    let mut offenders = 0_usize;
    for file in &files {
        let text = fs::read_to_string(file)
            .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        let name = file
            .strip_prefix(root())
            .unwrap_or(file)
            .display()
            .to_string();
        for line in offences(&text) {
            println!("{name}: {line}");
            offenders += 1;
        }
    }
    if offenders > 0 {
        return Err(format!(
            "sizes: {offenders} too large, listed above; split them"
        ));
    }
    println!(
        "{} files within {FILE_LINES_MAX} lines, their functions within {FUNCTION_LINES_MAX}",
        files.len()
    );
    Ok(())
}

fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            sources(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// What is wrong with one file, a line each.
fn offences(text: &str) -> Vec<String> {
    let code = blank_out(text);
    let lines: Vec<&str> = code.lines().collect();
    let tests = lines
        .windows(2)
        .position(|pair| pair.iter().copied().eq(["#[cfg(test)]", "mod tests {"]))
        .unwrap_or(lines.len());
    let mut found = Vec::new();
    if tests > FILE_LINES_MAX {
        found.push(format!("{tests} lines, at most {FILE_LINES_MAX}"));
    }
    for (index, line) in lines.iter().enumerate() {
        if let Some(name) = function_name(line)
            && let Some(length) = function_lines(lines.get(index..).unwrap_or_default())
            && length > FUNCTION_LINES_MAX
        {
            let line = index + 1;
            found.push(format!(
                "fn {name} (line {line}) has {length} lines, at most {FUNCTION_LINES_MAX}"
            ));
        }
    }
    found
}

/// The name when a line begins a function; the word may follow `pub`, `const`, `async` and so on.
fn function_name(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("fn ")?;
    let starts_an_item = before.split_whitespace().all(|word| {
        word.starts_with("pub")
            || matches!(
                word,
                "const" | "async" | "unsafe" | "extern" | "crate)" | "default"
            )
    });
    let name = after
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .next()?;
    (starts_an_item && !name.is_empty()).then_some(name)
}

/// Lines up to the brace that closes the first one; `None` for a declaration without a body.
fn function_lines(lines: &[&str]) -> Option<usize> {
    let mut depth = 0_usize;
    let mut brackets = 0_usize;
    for (index, line) in lines.iter().enumerate() {
        for c in line.chars() {
            match c {
                '(' | '[' => brackets += 1,
                ')' | ']' => brackets = brackets.saturating_sub(1),
                ';' if depth == 0 && brackets == 0 => return None,
                '{' => depth += 1,
                '}' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Some(index + 1);
                    }
                }
                _ => {}
            }
        }
    }
    None
}

/// The text with the insides of comments, strings and characters taken out, line by line the same.
fn blank_out(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skip = skipped(rest, out.chars().next_back());
        if skip == 0 {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            let (gone, kept) = rest.split_at(skip);
            out.extend(gone.chars().filter(|c| *c == '\n'));
            rest = kept;
        }
    }
    out
}

/// How many bytes at the start of `rest` are a comment, a string or a character.
fn skipped(rest: &str, before: Option<char>) -> usize {
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let to_end = |found: Option<usize>, extra: usize| found.map_or(rest.len(), |at| at + extra);
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return to_end(rest.find("*/"), 2);
    }
    if !in_word && let Some(hashes) = raw_string(rest) {
        let close = format!("\"{}", "#".repeat(hashes));
        let start = rest.find('"').unwrap_or(0) + 1;
        return to_end(rest[start..].find(&close).map(|at| start + at), close.len());
    }
    if rest.starts_with('"') {
        return quoted(rest, '"');
    }
    // A quote is a character when it closes soon, else a lifetime.
    if rest.starts_with("'\\")
        || rest.char_indices().nth(2).is_some_and(|(_, c)| c == '\'') && rest.starts_with('\'')
    {
        return quoted(rest, '\'');
    }
    0
}

/// The number of `#` when a raw string begins here.
fn raw_string(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].starts_with('"').then_some(hashes)
}

fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(lines: usize) -> String {
        let body = "    work();\n".repeat(lines - 2);
        format!("pub(crate) fn long(array: [u8; 4]) {{\n{body}}}\n")
    }

    #[test]
    fn a_function_at_the_limit_passes_and_one_above_does_not() {
        assert_eq!(
            offences(&function(FUNCTION_LINES_MAX)),
            Vec::<String>::new()
        );
        assert_eq!(
            offences(&function(FUNCTION_LINES_MAX + 1)),
            ["fn long (line 1) has 71 lines, at most 70"]
        );
    }

    #[test]
    fn unit_tests_do_not_count_as_lines_of_the_file() {
        let body = "use x;\n".repeat(FILE_LINES_MAX);
        let tail = "#[cfg(test)]\nmod tests {\n}\n";
        assert_eq!(offences(&format!("{body}{tail}")), Vec::<String>::new());
        assert_eq!(
            offences(&format!("use x;\n{body}{tail}")),
            ["601 lines, at most 600"]
        );
    }

    #[test]
    fn braces_in_text_are_no_braces() {
        let text =
            "fn f<'a>() {\n  // {\n  let _ = (\"{\\\"\", '{', '\\'', r#\"{\"#);\n  /* { */\n}\n";
        let code = blank_out(text);
        assert_eq!(code.lines().count(), text.lines().count());
        assert_eq!(function_lines(&code.lines().collect::<Vec<_>>()), Some(5));
    }

    #[test]
    fn a_declaration_has_no_body() {
        assert_eq!(
            function_lines(&["fn f(&self, a: [u8; 4]) -> u8;", "fn g() {", "}"]),
            None
        );
    }
}
