//! Our parsers and writers against those of other projects: the tests under `tests/` give both the same bytes.
//!
//! A parser and a writer of one author agree with each other even where both are wrong. Here each meets parsers and
//! writers whose authors have never seen it: generated values go both ways, recorded connections and the corpora of
//! the fuzz targets go into both. Where the two differ, a table names the bytes, what each makes of them, and the
//! section that decides; a difference outside the tables fails the test, and so does one that is gone.

use std::fs;
use std::path::{Path, PathBuf};

/// Bytes of the handshake at the front of what a client sent: C0, C1 and C2.
const HANDSHAKE_BYTES: usize = 1 + 2 * 1536;
/// Stack of a test that feeds a parser without a limit of depth.
const DEEP_STACK_BYTES: usize = 256 << 20;

/// A file of the project, with its name.
pub struct Sample {
    /// For the text of a failure.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// The corpus of a fuzz target.
pub fn corpus(target: &str) -> Vec<Sample> {
    let samples = samples(&project().join("fuzz/corpus").join(target), "");
    assert!(samples.len() > 50, "the corpus of {target} is gone");
    samples
}

/// What real clients sent behind their handshake, up to the end of the connection.
pub fn transcripts() -> Vec<Sample> {
    let mut samples = samples(&project().join("crates/rtmp/tests/vectors"), ".bin");
    assert!(samples.len() > 8, "the recorded connections are gone");
    for sample in &mut samples {
        sample.bytes.drain(..HANDSHAKE_BYTES);
    }
    samples
}

/// Runs on a stack that deep nesting does not fill.
pub fn on_a_deep_stack(test: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(DEEP_STACK_BYTES);
        let run = thread.spawn_scoped(scope, test).expect("a thread");
        if let Err(panic) = run.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn samples(folder: &Path, ending: &str) -> Vec<Sample> {
    let entries = fs::read_dir(folder).expect("a folder of the project");
    let mut samples: Vec<Sample> = entries
        .map(|entry| entry.expect("a file").path())
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .map(|path| Sample {
            bytes: fs::read(&path).expect("a file that can be read"),
            name: path.display().to_string(),
        })
        .collect();
    samples.sort_by(|one, other| one.name.cmp(&other.name));
    samples
}
