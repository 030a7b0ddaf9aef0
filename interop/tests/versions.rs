//! The programs that take part, for the table.

use bongsu_testkit::Tool;
use bongsu_testkit::results::{Table, leave};

#[test]
fn every_program_says_its_version() {
    let rows: Vec<Vec<String>> = [
        ("ffmpeg (Debian)", Tool::DebianFfmpeg),
        ("ffmpeg (wheel)", Tool::WheelFfmpeg),
        ("rtmpdump", Tool::Rtmpdump),
        ("GStreamer", Tool::GstLaunch),
        ("VLC", Tool::Vlc),
        ("nginx-rtmp", Tool::Nginx),
    ]
    .into_iter()
    .map(|(name, tool)| vec![name.to_owned(), tool.version()])
    .collect();
    assert!(
        rows.iter().flatten().all(|cell| !cell.is_empty()),
        "{rows:?}"
    );
    leave(Table::Versions, "all", &rows);
}
