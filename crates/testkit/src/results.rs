//! What the tests found, for `docs/interop.md`: rows in `target/interop/results`.

use std::fs;

use crate::place::target_dir;

/// A table of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// Programs and their versions.
    Versions,
    /// H.264 and AAC: every publisher with every receiver.
    Matrix,
    /// Other codecs.
    Codecs,
}

/// Leaves the rows of one test, in place of those of an earlier run. `order` sorts the files of a table.
///
/// # Panics
///
/// When they cannot be written.
pub fn leave(table: Table, order: &str, rows: &[Vec<String>]) {
    let folder = target_dir().join("interop/results").join(match table {
        Table::Versions => "versions",
        Table::Matrix => "matrix",
        Table::Codecs => "codecs",
    });
    fs::create_dir_all(&folder).expect("a folder for the results");
    let text: String = rows.iter().map(|row| row.join("\t") + "\n").collect();
    fs::write(folder.join(order), text).expect("the results");
}
