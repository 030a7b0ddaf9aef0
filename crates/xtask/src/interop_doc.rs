//! `docs/interop.md`, put together from what the tests found.

use std::fs;
use std::path::Path;

use crate::workspace::{root, target_dir};

const HEAD: &str = "\
# Real encoders, players and servers

This page is written by `cargo xtask test` (or `cargo xtask interop`) from the run itself: every row is a test in
`interop/tests`. A run with the same versions writes the same page.

*Equal* means packet for packet: the same payload bytes in the same order, and timestamps equal up to one constant
for the whole stream. Sequence headers are compared too. A player that hands out pictures instead of packets is
compared by the pictures that it decoded.
";

/// Forgets what an earlier run found.
pub(crate) fn clear() {
    let _ = fs::remove_dir_all(target_dir().join("interop/results"));
}

/// Why some rows of the codecs are not equal.
const ABOUT_CODECS: &str = "\
Debian's ffmpeg and VLC read FLV with libavformat 5.1, which is older than Enhanced RTMP: they get the same bytes as
everybody else and cannot tell what most of them are. Their rows are here as they are and are not held to anything.

";

/// Writes the page. Says nothing: the summary of the tests stays last.
pub(crate) fn write() -> Result<(), String> {
    let results = target_dir().join("interop/results");
    let mut page = HEAD.to_owned();
    for (file, title, about) in [
        ("versions", "Versions", ""),
        ("matrix", "H.264 and AAC", ""),
        ("codecs", "Other codecs and tracks", ABOUT_CODECS),
    ] {
        let rows = rows(&results.join(file))?;
        page.push_str("\n## ");
        page.push_str(title);
        page.push_str("\n\n");
        page.push_str(about);
        page.push_str(&table(file, &rows));
    }
    let docs = root().join("docs");
    fs::create_dir_all(&docs)
        .map_err(|error| format!("cannot make {}: {error}", docs.display()))?;
    let path = docs.join("interop.md");
    fs::write(&path, page).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// Each test leaves a file of rows, one row a line; the name of the file sorts them.
fn rows(dir: &Path) -> Result<Vec<String>, String> {
    let entries =
        fs::read_dir(dir).map_err(|error| format!("no results in {}: {error}", dir.display()))?;
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let mut rows = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file)
            .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        rows.extend(text.lines().map(str::to_owned));
    }
    Ok(rows)
}

fn table(kind: &str, rows: &[String]) -> String {
    let head = match kind {
        "versions" => "| program | version |\n|---|---|\n",
        _ => "| publisher | received by | compared | result |\n|---|---|---|---|\n",
    };
    let mut table = head.to_owned();
    for row in rows {
        table.push_str("| ");
        table.push_str(&row.replace('\t', " | "));
        table.push_str(" |\n");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_becomes_cells() {
        let page = table("versions", &["ffmpeg\t5.1".to_owned()]);
        assert_eq!(page, "| program | version |\n|---|---|\n| ffmpeg | 5.1 |\n");
    }
}
