//! What a start prints: the texts to paste into OBS, ffmpeg and a player.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

/// The port that URLs need not name. [RTMP 3]
const RTMP_PORT: u16 = 1935;

/// Stream name of the texts; publishers choose their own.
const SAMPLE_NAME: &str = "cam";

/// What the texts are made of.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    /// Where RTMP listens; the first one is in the texts.
    pub(crate) rtmp: Vec<SocketAddr>,
    /// Where HTTP listens.
    pub(crate) http: Vec<SocketAddr>,
    /// An address of this machine in its network, when RTMP listens on every address.
    pub(crate) lan: Option<IpAddr>,
    /// The app of the texts.
    pub(crate) app: String,
    /// What publishing in it needs.
    pub(crate) publish: Publishing,
}

/// What publishing needs.
#[derive(Debug, Clone)]
pub(crate) enum Publishing {
    /// Nothing.
    Open,
    /// One of the keys in the configuration; the first of them opens this name.
    Listed {
        /// `None` is any name.
        name: Option<String>,
    },
    /// The key of the first start.
    First {
        /// The key when it may be shown: it is new, or a person looks at a terminal.
        key: Option<String>,
        /// Where it is kept.
        file: PathBuf,
        /// True when it was made just now.
        new: bool,
    },
}

/// The whole text, with a line break at its end.
pub(crate) fn text(facts: &Facts) -> String {
    let mut text = String::from("\nbongsu is ready. Paste this:\n\n");
    let Some(rtmp) = facts.rtmp.first() else {
        return text;
    };
    let server = format!("rtmp://{}/{}", host_and_port(*rtmp, RTMP_PORT), facts.app);
    let name = facts.name();
    let mut line = |title: &str, value: &str| {
        let _ = writeln!(text, "  {title:<14}{value}");
    };
    line("OBS", "Settings > Stream > Service: Custom");
    line("  Server", &server);
    line(
        "  Stream key",
        &facts.stream_key(&format!("<key in {}>", facts.key_place())),
    );
    let shell_key = facts.stream_key(&facts.shell_key());
    line(
        "ffmpeg",
        &format!("ffmpeg -re -i in.mp4 -c copy -f flv \"{server}/{shell_key}\""),
    );
    line("player", &format!("ffplay {server}/{name}"));
    line(
        "",
        "or in VLC: Media > Open Network Stream, with the same URL",
    );
    if let Some(http) = facts.http.first() {
        let address = host_and_port(*http, 80);
        line("status", &format!("http://{address}/api/v1/streams"));
    }
    line("key", &facts.about_key());
    if let (Some(lan), true) = (facts.lan, rtmp.ip().is_unspecified()) {
        let local = host(rtmp.ip());
        let _ = write!(
            text,
            "\nFrom other machines, write {} in place of {local}.\n",
            host(lan)
        );
    }
    text.push('\n');
    text
}

impl Facts {
    fn name(&self) -> &str {
        match &self.publish {
            Publishing::Listed { name: Some(name) } => name,
            _ => SAMPLE_NAME,
        }
    }

    /// `cam?key=...`, or the name alone in an open app.
    fn stream_key(&self, hidden: &str) -> String {
        let name = self.name();
        match &self.publish {
            Publishing::Open => name.to_owned(),
            Publishing::First { key: Some(key), .. } => format!("{name}?key={key}"),
            _ => format!("{name}?key={hidden}"),
        }
    }

    /// What a shell puts in the key's place.
    fn shell_key(&self) -> String {
        match &self.publish {
            // Single quotes inside of $( ) hold, although the whole stands in double quotes.
            Publishing::First { file, .. } => {
                let file = file.display().to_string().replace('\'', r"'\''");
                format!("$(cat '{file}')")
            }
            _ => "KEY".to_owned(),
        }
    }

    fn key_place(&self) -> String {
        match &self.publish {
            Publishing::First { file, .. } => file.display().to_string(),
            _ => "the configuration".to_owned(),
        }
    }

    fn about_key(&self) -> String {
        match &self.publish {
            Publishing::Open => "none: everybody may publish here".to_owned(),
            Publishing::Listed { .. } => "from the configuration".to_owned(),
            Publishing::First { file, new, .. } => {
                let made = if *new { "made now and " } else { "" };
                format!(
                    "{made}kept in {}; it fits every stream name",
                    file.display()
                )
            }
        }
    }
}

/// An address as URLs write it, without the scheme's own port.
fn host_and_port(address: SocketAddr, usual: u16) -> String {
    let host = host(address.ip());
    if address.port() == usual {
        host
    } else {
        format!("{host}:{}", address.port())
    }
}

/// "Every address" is this machine, as seen from itself. `[::]` takes IPv4 as well.
fn host(address: IpAddr) -> String {
    match address {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) | IpAddr::V6(Ipv6Addr::UNSPECIFIED) => {
            "127.0.0.1".to_owned()
        }
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(publish: Publishing) -> Facts {
        Facts {
            rtmp: vec!["[::]:1935".parse().unwrap()],
            http: vec!["127.0.0.1:1985".parse().unwrap()],
            lan: Some("192.0.2.5".parse().unwrap()),
            app: "live".to_owned(),
            publish,
        }
    }

    #[test]
    fn the_first_start_shows_the_key_where_it_is_to_be_pasted() {
        let text = text(&facts(Publishing::First {
            key: Some("0123456789abcdef0123456789abcdef".to_owned()),
            file: "/home/u/.local/state/bongsu/stream.key".into(),
            new: true,
        }));
        assert_eq!(
            text,
            "
bongsu is ready. Paste this:

  OBS           Settings > Stream > Service: Custom
    Server      rtmp://127.0.0.1/live
    Stream key  cam?key=0123456789abcdef0123456789abcdef
  ffmpeg        ffmpeg -re -i in.mp4 -c copy -f flv \"rtmp://127.0.0.1/live/cam?key=0123456789abcdef0123456789abcdef\"
  player        ffplay rtmp://127.0.0.1/live/cam
                or in VLC: Media > Open Network Stream, with the same URL
  status        http://127.0.0.1:1985/api/v1/streams
  key           made now and kept in /home/u/.local/state/bongsu/stream.key; it fits every stream name

From other machines, write 192.0.2.5 in place of 127.0.0.1.

"
        );
    }

    #[test]
    fn a_later_start_without_a_terminal_shows_where_the_key_is() {
        let text = text(&facts(Publishing::First {
            key: None,
            file: "/state/stream.key".into(),
            new: false,
        }));
        for line in [
            "    Stream key  cam?key=<key in /state/stream.key>\n",
            "-f flv \"rtmp://127.0.0.1/live/cam?key=$(cat '/state/stream.key')\"\n",
            "  key           kept in /state/stream.key; it fits every stream name\n",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }

    #[test]
    fn a_shell_finds_the_key_whatever_its_folder_is_called() {
        let folder = format!("bongsu paste's $HOME \"{}\"", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("stream.key");
        std::fs::write(&file, "0123456789abcdef\n").unwrap();
        let text = text(&facts(Publishing::First {
            key: None,
            file,
            new: false,
        }));
        let line = text.lines().find(|line| line.starts_with("  ffmpeg"));
        let (_, url) = line.unwrap().split_once("-f flv ").unwrap();
        let script = format!("printf %s {url}");
        let shell = std::process::Command::new("sh")
            .args(["-c", &script])
            .output()
            .unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(
            String::from_utf8(shell.stdout).unwrap(),
            "rtmp://127.0.0.1/live/cam?key=0123456789abcdef"
        );
    }

    #[test]
    fn an_open_app_needs_no_key_and_listed_keys_stay_in_the_configuration() {
        let open = text(&Facts {
            rtmp: vec!["[::1]:1936".parse().unwrap()],
            http: Vec::new(),
            app: "lab".to_owned(),
            ..facts(Publishing::Open)
        });
        assert!(
            open.contains("  player        ffplay rtmp://[::1]:1936/lab/cam\n"),
            "{open}"
        );
        assert!(open.contains("everybody may publish here"), "{open}");
        assert!(
            !open.contains("status") && !open.contains("other machines"),
            "{open}"
        );

        let listed = text(&facts(Publishing::Listed {
            name: Some("studio".to_owned()),
        }));
        assert!(
            listed.contains("Stream key  studio?key=<key in the configuration>\n"),
            "{listed}"
        );
        assert!(
            listed.contains("\"rtmp://127.0.0.1/live/studio?key=KEY\"\n"),
            "{listed}"
        );
    }
}
