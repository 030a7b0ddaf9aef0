//! Wowza's secureToken: the server sends a text that was encrypted with a shared token, and wants it back in clear.

use crate::text::Text;

/// Hex digits of a challenge that are decrypted.
/// Why: Wowza sends 32; the work grows with the length, and a stranger chooses it.
pub(super) const SECURE_TOKEN_DIGITS_MAX: usize = 1_024;

/// Bytes of the token that make the key.
const KEY_BYTES: usize = 16;
/// The constant of the cipher: 2^32 divided by the golden ratio.
const DELTA: u32 = 0x9e37_79b9;

/// The answer to the `secureToken` of a `connect` result, for `secureTokenResponse`.
///
/// `None` when the challenge is no hex text of at least two 32-bit words, or longer than 1,024 digits.
#[must_use]
pub fn answer(challenge: &Text, token: &str) -> Option<Text> {
    if challenge.len() > SECURE_TOKEN_DIGITS_MAX {
        return None;
    }
    let mut words = words_of(&bytes_of(challenge.as_bytes())?);
    if words.len() < 2 {
        return None;
    }
    decrypt(&mut words, key_of(token));
    let clear: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let clear = clear.split(|byte| *byte == 0).next().unwrap_or_default();
    Some(Text::copy_from_bytes(clear))
}

fn bytes_of(hex: &[u8]) -> Option<Vec<u8>> {
    let (pairs, rest) = hex.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |[high, low]: &[u8; 2]| u8::try_from((digit(*high)? << 4) | digit(*low)?).ok();
    pairs.iter().map(byte).collect()
}

/// Little-endian words; what is left over is filled up with zeros.
fn words_of(bytes: &[u8]) -> Vec<u32> {
    let word = |bytes: &[u8]| {
        bytes
            .iter()
            .rev()
            .fold(0, |word, byte| (word << 8) | u32::from(*byte))
    };
    bytes.chunks(4).map(word).collect()
}

fn key_of(token: &str) -> [u32; 4] {
    let mut key = [0; 4];
    let bytes = token.as_bytes();
    let words = words_of(bytes.get(..KEY_BYTES).unwrap_or(bytes));
    for (slot, word) in key.iter_mut().zip(words) {
        *slot = word;
    }
    key
}

/// XXTEA, backwards. `words` are at least two.
fn decrypt(words: &mut [u32], key: [u32; 4]) {
    let count = u32::try_from(words.len()).unwrap_or(u32::MAX);
    let rounds = 6_u32.wrapping_add(52_u32.checked_div(count).unwrap_or_default());
    let mut sum = rounds.wrapping_mul(DELTA);
    let mut after = words.first().copied().unwrap_or_default();
    for _ in 0..rounds {
        let turn = (sum >> 2) & 3;
        for at in (0..words.len()).rev() {
            let before = at
                .checked_sub(1)
                .unwrap_or_else(|| words.len().saturating_sub(1));
            let before = words.get(before).copied().unwrap_or_default();
            #[expect(
                clippy::cast_possible_truncation,
                reason = "only the last two bits count"
            )]
            let slot = (at as u32 ^ turn) & 3;
            let part = key.get(slot as usize).copied().unwrap_or_default();
            let mixed = ((before >> 5) ^ (after << 2)).wrapping_add((after >> 3) ^ (before << 4))
                ^ (sum ^ after).wrapping_add(part ^ before);
            if let Some(word) = words.get_mut(at) {
                *word = word.wrapping_sub(mixed);
                after = *word;
            }
        }
        sum = sum.wrapping_sub(DELTA);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "#ed%h0#w@1234567";
    const CHALLENGE: &str = "7a7448ae7f3e922043445251";

    fn answered(challenge: &str, token: &str) -> Option<String> {
        let answer = answer(&challenge.into(), token)?;
        Some(answer.to_str_lossy().into_owned())
    }

    /// [WIRE 192], vector V37.
    #[test]
    fn the_answer_is_that_of_the_vector() {
        assert_eq!(answered(CHALLENGE, TOKEN).as_deref(), Some("hello-token"));
        let upper = CHALLENGE.to_uppercase();
        assert_eq!(answered(&upper, TOKEN).as_deref(), Some("hello-token"));
    }

    #[test]
    fn sixteen_bytes_of_the_token_count() {
        let longer = format!("{TOKEN}-and-more");
        assert_eq!(answered(CHALLENGE, &longer).as_deref(), Some("hello-token"));
        assert_ne!(
            answered(CHALLENGE, "#ed%h0#w@123456").as_deref(),
            Some("hello-token")
        );
        assert_ne!(answered(CHALLENGE, "").as_deref(), Some("hello-token"));
    }

    #[test]
    fn what_is_no_challenge_gets_no_answer() {
        for challenge in [
            "",
            "7a",
            "7a7448ae",
            "7a7448ae7f3e92204344525",
            "not hex digits!!",
        ] {
            assert_eq!(answered(challenge, TOKEN), None, "{challenge}");
        }
        let longest = "0".repeat(SECURE_TOKEN_DIGITS_MAX);
        assert!(answered(&longest, TOKEN).is_some());
        assert_eq!(answered(&format!("{longest}00"), TOKEN), None);
    }
}
