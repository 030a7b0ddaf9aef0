//! The story in `docs/sockets.md` and its Korean version say the same, and what this crate does.
#![allow(clippy::unwrap_used)] // the helpers are part of the tests

use std::fs;
use std::path::Path;

use bongsu_net::limits;

const VERSIONS: [&str; 2] = ["sockets.md", "sockets.ko.md"];

fn document(name: &str) -> String {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    fs::read_to_string(docs.join(name)).unwrap()
}

/// Headings, list items, rows of tables and blocks of code per section, in order: what a translation keeps.
fn shape(text: &str) -> Vec<(usize, [usize; 3])> {
    let mut sections = vec![(0, [0; 3])];
    for line in text.lines() {
        if line.starts_with('#') {
            sections.push((line.chars().take_while(|c| *c == '#').count(), [0; 3]));
        }
        let parts = &mut sections.last_mut().unwrap().1;
        for (part, start) in parts.iter_mut().zip(["- ", "|", "```"]) {
            *part += usize::from(line.starts_with(start));
        }
    }
    sections
}

/// Blocks of code without the drawing, whose words are translated.
fn code(text: &str) -> Vec<&str> {
    let blocks = text.split("```").skip(1).step_by(2);
    blocks
        .filter(|block| !block.contains('─') && !block.contains("---|"))
        .collect()
}

#[test]
fn both_languages_have_the_same_sections_tables_and_code() {
    let [english, korean] = VERSIONS.map(document);
    assert_eq!(shape(&english), shape(&korean));
    assert_eq!(code(&english), code(&korean));
    assert_eq!(code(&english).len(), 5);
}

#[test]
fn both_languages_have_the_figures_of_the_limits() {
    let seconds = |ms: u64| ms / 1_000;
    for name in VERSIONS {
        let text = document(name);
        let row = |start: &str| text.lines().find(|line| line.starts_with(start)).unwrap();
        let cells = |start: &str, figures: &[u64]| {
            let row = row(start);
            for figure in figures {
                assert!(
                    row.contains(&figure.to_string()),
                    "{figure} in {name}: {row}"
                );
            }
        };
        cells(
            "| `SO_KEEPALIVE`",
            &[
                seconds(limits::KEEPALIVE_IDLE_MS),
                seconds(limits::KEEPALIVE_INTERVAL_MS),
                limits::KEEPALIVE_PROBES.into(),
            ],
        );
        cells(
            "| `TCP_USER_TIMEOUT`",
            &[
                seconds(limits::USER_TIMEOUT_MS),
                seconds(limits::PLAYER_USER_TIMEOUT_MS),
            ],
        );
        let lowat = limits::NOTSENT_LOWAT_BYTES / 1_024;
        cells("| `TCP_NOTSENT_LOWAT`", &[lowat.into()]);
        for figure in [
            format!("**{}**", limits::LISTEN_BACKLOG),
            format!("**{}**", limits::LISTEN_BACKLOG_WARN_BELOW),
            format!("{} ms", limits::RACE_ATTEMPT_DELAY_MS),
            format!("{} ms", limits::ACCEPT_PAUSE_MS),
        ] {
            assert!(text.contains(&figure), "{figure} in {name}");
        }
    }
}
