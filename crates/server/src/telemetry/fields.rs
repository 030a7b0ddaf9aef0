//! The names of log fields. Whoever reads the log by machine relies on them; a test holds every log line to this list.
//!
//! | field | what |
//! |---|---|
//! | `conn` | number of the connection, as in the API |
//! | `peer` | address and port of the other side |
//! | `local` | address and port of a listener |
//! | `protocol` | `rtmp` or `http`: what a listener serves |
//! | `role` | `publisher` or `player`; empty before either began |
//! | `stream` | app and name of the stream; empty when none was agreed on |
//! | `destination` | name of a push in the configuration |
//! | `reason` | why something ended or is as it is; at the end of a connection the label that the metric has |
//! | `error` | what failed, in words |
//! | `hint` | what to do about it |
//! | `duration_ms` | how long it took from begin to end |
//! | `received_bytes` | bytes that came from the peer |
//! | `sent_bytes` | bytes that went to the peer |
//! | `acknowledged_bytes` | bytes that the destination's TCP acknowledged |
//! | `frames` | frames that were sent |
//! | `dropped_frames` | frames that this player or destination missed |
//! | `left_out` | tracks that a player or destination cannot use and does not get |
//! | `skips` | how often a player jumped ahead because it was behind |
//! | `state` | state of a push, as in the API |
//! | `attempt` | number of the attempt to push, from 1 |
//! | `retry_ms` | time until the next attempt |
//! | `live_ms` | how long a push was live |
//! | `outage_ms` | how long a push was not live |
//! | `history` | last changes of state of a push |
//! | `worker` | number of a worker thread |
//! | `workers` | number of worker threads |
//! | `tasks` | tasks of a worker that are left |
//! | `sessions` | connections that are open |
//! | `connections` | connections that one line stands for |
//! | `limit` | the figure of a setting that decided |
//! | `timeout` | how long something may take |
//! | `before` | limit of open files at the start |
//! | `now` | limit of open files since then |
//!
//! Text that a peer chose is cut to a length before it is logged. Query strings, stream keys and tokens are never
//! logged; URLs are masked.

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    /// The macros that write a line or open a span, as they are called in this crate.
    const MACROS: [&str; 11] = [
        "tracing::error!(",
        "tracing::warn!(",
        "tracing::info!(",
        "tracing::debug!(",
        "tracing::trace!(",
        "tracing::event!(",
        "tracing::error_span!(",
        "tracing::warn_span!(",
        "tracing::info_span!(",
        "tracing::debug_span!(",
        "tracing::trace_span!(",
    ];

    /// The first column of the table above.
    fn documented() -> BTreeSet<String> {
        let rows = include_str!("fields.rs").lines();
        rows.filter_map(|line| line.strip_prefix("//! | `")?.split_once('`'))
            .map(|(name, _)| name.to_owned())
            .collect()
    }

    /// Field and file of every log line outside of tests.
    fn used(folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                used(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let source = fs::read_to_string(&path).unwrap();
                let program = source.split("#[cfg(test)]").next().unwrap();
                for field in fields(program) {
                    found.push((field, path.display().to_string()));
                }
            }
        }
    }

    fn fields(program: &str) -> Vec<String> {
        let calls = MACROS.iter().flat_map(|name| {
            let starts = program.match_indices(name);
            starts.map(move |(at, _)| &program[at + name.len()..])
        });
        calls
            .flat_map(arguments)
            .filter_map(|argument| field(&argument))
            .collect()
    }

    /// The arguments of a call, from behind its opening bracket.
    fn arguments(call: &str) -> Vec<String> {
        let (mut depth, mut in_text, mut escaped) = (0, false, false);
        let mut arguments = vec![String::new()];
        for c in call.chars() {
            match c {
                _ if escaped => escaped = false,
                '\\' if in_text => escaped = true,
                '"' => in_text = !in_text,
                _ if in_text => {}
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' if depth == 0 => break,
                ')' | ']' | '}' => depth -= 1,
                ',' if depth == 0 => {
                    arguments.push(String::new());
                    continue;
                }
                _ => {}
            }
            arguments.last_mut().unwrap().push(c);
        }
        arguments
    }

    /// The name in `name = value`, `%name`, `?name` or `name`; a message or a level has none.
    fn field(argument: &str) -> Option<String> {
        let argument = argument.trim().trim_start_matches(['%', '?']);
        let name = argument.split('=').next()?.trim();
        let is_name =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '.';
        (!name.is_empty() && name.chars().all(is_name)).then(|| name.to_owned())
    }

    #[test]
    fn fields_are_found_in_every_shape_of_a_call() {
        let program = r#"
            tracing::info!(conn = facts.id, peer = %f(a, b), "x = {y}, (z");
            tracing::event!(Level::INFO, stream, ?before, "said \"no, never\"");
            tracing::warn_span!("conn", %error);
        "#;
        let found = fields(program);
        assert_eq!(found, ["conn", "peer", "stream", "before", "error"]);
    }

    #[test]
    fn every_field_of_a_log_line_is_in_the_list_and_the_other_way_round() {
        let mut found = Vec::new();
        used(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
            &mut found,
        );
        let documented = documented();
        for (field, file) in &found {
            assert!(
                documented.contains(field),
                "the log field `{field}` of {file} is not in the table of telemetry/fields.rs: use one that is, or add it"
            );
        }
        let used: BTreeSet<_> = found.into_iter().map(|(field, _)| field).collect();
        let stale: Vec<_> = documented.difference(&used).collect();
        assert!(
            stale.is_empty(),
            "no log line has these fields any more: {stale:?}"
        );
    }
}
