//! `authmod=llnw`: the digest of HTTP, with constants where HTTP has a realm, a method and a count.

use super::{hex, md5};

/// `nc`: each nonce is used once.
pub(super) const NONCE_COUNT: &str = "00000001";
/// What HTTP calls the realm.
const REALM: &str = "live";
/// What HTTP calls the method; it is this one for players as well.
const METHOD: &str = "publish";
/// What HTTP calls the quality of protection.
const PROTECTION: &str = "auth";
/// The instance that a server means when the app names none.
const DEFAULT_INSTANCE: &str = "/_definst_";

/// The response to a nonce of the server. `app` may have a query; it does not count.
pub(super) fn response(
    user: &str,
    password: &str,
    app: &str,
    nonce: &str,
    client_nonce: &str,
) -> String {
    let secret = secret(user, password);
    let place = place(app);
    let parts = [
        &secret,
        ":",
        nonce,
        ":",
        NONCE_COUNT,
        ":",
        client_nonce,
        ":",
        PROTECTION,
        ":",
        &place,
    ];
    hex(&md5(&parts))
}

fn secret(user: &str, password: &str) -> String {
    hex(&md5(&[user, ":", REALM, ":", password]))
}

fn place(app: &str) -> String {
    let (app, _) = app.split_once('?').unwrap_or((app, ""));
    let instance = if app.contains('/') {
        ""
    } else {
        DEFAULT_INSTANCE
    };
    hex(&md5(&[METHOD, ":/", app, instance]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// [WIRE 192], vector V36.
    #[test]
    fn the_response_is_that_of_the_vector() {
        assert_eq!(secret("user", "pass"), "fe153d35273a9f3c3733762e44c58f38");
        assert_eq!(place("live"), "a2d981c976a6851bc5ed3f2beab823c8");
        assert_eq!(
            response("user", "pass", "live", "n0nce", "c0ffee00"),
            "2f01aa82678f0e478a0ad4593c1cf6da"
        );
    }

    #[test]
    fn the_app_counts_without_its_query_and_with_the_instance_that_it_names() {
        assert_eq!(place("live?authmod=llnw&user=a/b"), place("live"));
        assert_eq!(place("live/_definst_"), place("live"));
        assert_ne!(place("live/other"), place("live"));
    }
}
