//! `authmod=adobe`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::md5;

/// The response to a server's `given`: its opaque value, or its challenge when it gave none.
pub(super) fn response(
    user: &str,
    password: &str,
    salt: &str,
    given: &str,
    client_challenge: &str,
) -> String {
    let secret = STANDARD.encode(md5(&[user, salt, password]));
    STANDARD.encode(md5(&[&secret, given, client_challenge]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// [WIRE 192], vector V35.
    #[test]
    fn responses_are_those_of_the_vector() {
        let secret = STANDARD.encode(md5(&["user", "abcd1234", "pass"]));
        assert_eq!(secret, "mJjAX4hQVpE63nimuz5XOw==");
        let answer = |given| response("user", "pass", "abcd1234", given, "01020304");
        assert_eq!(answer("ef567890"), "mqgFm/+IJtvsrEEdIQwQ0Q==");
        assert_eq!(answer("opq="), "m5UeJYA0WFgf9RSocrh2FA==");
    }
}
