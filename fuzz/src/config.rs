//! Configuration files.

use std::cell::OnceCell;
use std::fs;
use std::path::PathBuf;

use bongsu_server::config::{Config, Environment, Problems, Sources};

/// Longest input.
const INPUT_BYTES_MAX: usize = 16 << 10;
/// A key that no text of ours holds.
const CANARY: &str = "k3y-Of-a-c4nary-1nside";

/// The text of a configuration file, with an empty environment: alone, and behind sections that hold keys.
///
/// It is a configuration or it has problems; every problem says what, where and what to do; nothing that is printed
/// shows a key.
pub fn config(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    // References to files may lead to places that block or never end, and the canary may not be guessed.
    let is_outside = text.contains("file:/") || text.contains("..") || text.contains(CANARY);
    if text.len() > INPUT_BYTES_MAX || is_outside {
        return;
    }
    let alone = load(text);
    let planted = load(&format!("{}{text}", planted_app()));
    let _ = load(&format!("[http]\ntoken = \"{CANARY}\"\n{text}"));
    if let (Ok(alone), Ok(planted)) = (alone, planted) {
        assert_eq!(alone.server, planted.server);
        assert_eq!(alone.rtmp, planted.rtmp);
        assert_eq!(planted.apps["planted"].keys[0].key.expose(), CANARY);
    }
}

/// Keys wherever an app has them.
fn planted_app() -> String {
    let key = format!("{{ name = \"cam\", key = \"{CANARY}\" }}");
    let url = format!("rtmp://user:{CANARY}@192.0.2.1/app/{CANARY}?token={CANARY}");
    let push = format!("{{ name = \"there\", url = \"{url}\" }}");
    format!("[apps.planted]\nkeys = [{key}]\npush = [{push}]\n")
}

fn load(text: &str) -> Result<Config, Problems> {
    let sources = Sources {
        file: Some(write(text)),
        environment: Environment::default(),
        flags: Vec::new(),
    };
    let loaded = Config::load(&sources);
    let problems = match &loaded {
        Ok(config) => {
            check_hidden(&format!("{config:?}"));
            config.warnings.as_slice()
        }
        Err(problems) => {
            assert!(!problems.as_slice().is_empty());
            check_hidden(&format!("{problems} {problems:?}"));
            problems.as_slice()
        }
    };
    for problem in problems {
        assert!(!problem.what().is_empty() && !problem.place().is_empty());
        assert!(!problem.hint().is_empty());
        let lines = problem.titled("error").lines().count();
        assert_eq!(lines, 3, "{problem}");
    }
    loaded
}

fn check_hidden(shown: &str) {
    assert!(!shown.contains(CANARY), "{shown}");
}

/// Puts the text where the server finds it.
fn write(text: &str) -> PathBuf {
    thread_local! {
        static FOLDER: OnceCell<Folder> = const { OnceCell::new() };
    }
    FOLDER.with(|folder| {
        let file = folder.get_or_init(Folder::new).0.join("relay.toml");
        fs::write(&file, text).expect("a temporary file");
        file
    })
}

/// A folder of this thread, empty but for the file.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let name = format!(
            "bongsu-fuzz-config-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        );
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("a temporary folder");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
