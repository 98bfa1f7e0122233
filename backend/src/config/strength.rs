//! Whether a secret can be guessed: a Shannon entropy estimate after predictable parts have been removed.

use std::collections::HashMap;

use crate::accounts::auth::password;

/// Minimum entropy of a secret in bits. The estimate for 32 random digits is about 100, for 32 hexadecimal digits
/// 115, for the output of `openssl rand -base64 32` 220.
const ENOUGH: f64 = 70.0;
/// Length of the shortest common password.
const WORD: usize = 8;
/// Length of the longest.
const LONGEST_WORD: usize = 16;
/// A match of this many earlier characters counts as a repetition; it is rare in random text.
const REPETITION: usize = 4;
/// Rows and columns of a keyboard.
const KEYBOARD: &str = "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/ qwertyuiop asdfghjkl zxcvbnm";
/// Number of characters in one step of a count: `0102`, `dev1dev2`.
const LONGEST_STEP: usize = 4;

/// Placeholders for secrets in documentation, without separators.
const PLACEHOLDERS: [&str; 12] = [
    "changeme",
    "changethis",
    "changeit",
    "replaceme",
    "replacethis",
    "placeholder",
    "yoursecret",
    "yourappsecret",
    "secretkey",
    "topsecret",
    "donotuse",
    "correcthorsebatterystaple",
];

/// Whether the secret consists of repetitions, sequences, keyboard rows and common words, or of too few different
/// characters.
pub(super) fn is_weak(secret: &str) -> bool {
    let letters: String = secret.chars().filter(|c| c.is_alphanumeric()).collect();
    let letters = letters.to_lowercase();
    if PLACEHOLDERS.iter().any(|words| letters.contains(words)) {
        return true;
    }
    let characters: Vec<char> = secret.chars().collect();
    let period = period(&characters);
    let unit = characters.get(..period).unwrap_or(&characters);
    // The columns of a keyboard count up, too: they are looked for while they are whole.
    let left = without_words(&without_repetitions(unit));
    let left = without_repetitions(&without_sequences(&left));
    let length: f64 = u32::try_from(left.len()).unwrap_or(u32::MAX).into();
    length * entropy(&left) < ENOUGH
}

/// The period of the text; its length if it does not repeat.
fn period(characters: &[char]) -> usize {
    let repeats = |period: &usize| {
        let ahead = characters.iter().skip(*period);
        ahead
            .zip(characters)
            .all(|(later, earlier)| later == earlier)
    };
    // A partial repetition does not count.
    let shortest = (1..=characters.len() / 2).find(repeats);
    shortest.unwrap_or(characters.len())
}

/// Removes the characters that continue a run of equal, ascending or descending ones: `aaa`, `abc`, `321`, `010203`.
fn without_sequences(characters: &[char]) -> Vec<char> {
    let step = |from: char, to: char| i64::from(u32::from(to)) - i64::from(u32::from(from));
    let follows = |place: usize, width: usize| {
        // Three adjacent characters are a run; at a greater distance, three would often occur by chance.
        let others = if width == 1 { 2 } else { 3 };
        let Some(first) = place.checked_sub(width * others) else {
            return false;
        };
        let run: Vec<char> = characters
            .iter()
            .copied()
            .take(place + 1)
            .skip(first)
            .step_by(width)
            .collect();
        let mut steps = run.windows(2).filter_map(|pair| match pair {
            [from, to] => Some(step(*from, *to)),
            _ => None,
        });
        let same = steps.next().filter(|step| step.abs() <= 1);
        same.is_some_and(|same| steps.all(|step| step == same))
    };
    let kept = characters.iter().enumerate();
    kept.filter(|(place, _)| !(1..=LONGEST_STEP).any(|width| follows(*place, width)))
        .map(|(_, character)| *character)
        .collect()
}

/// Removes repetitions of earlier text, ignoring case, and keyboard sequences, except for the first character of
/// each: `secretSECRETsecret1`.
fn without_repetitions(characters: &[char]) -> Vec<char> {
    let folded = characters.iter().map(char::to_ascii_lowercase);
    let text: Vec<char> = KEYBOARD.chars().chain(folded).collect();
    let mut left = Vec::new();
    let mut place = 0;
    while let Some(character) = characters.get(place) {
        let here = KEYBOARD.len() + place;
        let repeated = |start: usize| {
            let earlier = text.iter().skip(start);
            let later = text.iter().skip(here);
            later.zip(earlier).take_while(|(a, b)| a == b).count()
        };
        let longest = (0..here).map(repeated).max().unwrap_or_default();
        left.push(*character);
        place += if longest >= REPETITION { longest } else { 1 };
    }
    left
}

/// Without common words, but for the first character of each.
fn without_words(characters: &[char]) -> Vec<char> {
    let mut left = Vec::new();
    let mut place = 0;
    while let Some(rest) = characters.get(place..).filter(|rest| !rest.is_empty()) {
        let longest = (WORD..=rest.len().min(LONGEST_WORD)).rev();
        let word = longest.into_iter().find(|length| {
            let word: String = rest.iter().take(*length).collect();
            password::is_common(&word)
        });
        left.extend(rest.first());
        place += word.unwrap_or(1);
    }
    left
}

/// Entropy in bits per character, from the frequencies in the text.
fn entropy(characters: &[char]) -> f64 {
    let mut counts: HashMap<char, u32> = HashMap::new();
    for character in characters {
        *counts.entry(*character).or_default() += 1;
    }
    let all: f64 = counts.values().copied().map(f64::from).sum();
    let shares = counts.values().map(|count| f64::from(*count) / all);
    shares.map(|share| -share * share.log2()).sum()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn a_secret_that_is_a_pattern_is_weak() {
        for secret in [
            "a".repeat(34),
            "ab".repeat(17),
            "0123456789".repeat(4),
            "changeme".repeat(5),
            "x7Kq2mPz".repeat(5),
            "aabbaabababbabaabababbabaabbabaabb".to_owned(),
            "abcdefghijklmnopqrstuvwxyz0123456789".to_owned(),
            "zyxwvutsrqponmlkjihgfedcba9876543210".to_owned(),
            "qwertyuiopasdfghjklzxcvbnm1234567890".to_owned(),
            "passwordchangemesunshineprincess".to_owned(),
            "password1234567890password0987654321".to_owned(),
            "11111111222222223333333344444444".to_owned(),
            "00000000-0000-0000-0000-000000000000".to_owned(),
            "Please change this to a value of your own".to_owned(),
            "correct horse battery staple correct horse".to_owned(),
            "я".repeat(34),
            "dispatchdispatchdispatchdispatch1".to_owned(),
            "SecretsecretSECRETsecretSecret123".to_owned(),
            "my-secret-my-secret-my-secret-2026".to_owned(),
            "x7Kq2mPzx7Kq2mPzx7Kq2mPzx7Kq2mPz!".to_owned(),
            "deadbeefcafebabedeadbeefdeadbeef".to_owned(),
            "0102030405060708091011121314151617".to_owned(),
            "dev1dev2dev3dev4dev5dev6dev7dev8".to_owned(),
            "aabbccddeeffgghhiijjkkllmmnnooppqq".to_owned(),
            "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.".to_owned(),
        ] {
            assert!(is_weak(&secret), "{secret}");
        }
    }

    #[test]
    fn a_random_secret_is_not_weak_in_whatever_form_it_is_written() {
        for _ in 0..2000 {
            let bytes: [u8; 32] = rand::random();
            let number = |half: &[u8]| u128::from_be_bytes(half.try_into().unwrap());
            let hex = format!("{:032x}{:032x}", number(&bytes[..16]), number(&bytes[16..]));
            for secret in [&STANDARD.encode(bytes), &hex, &hex[..32]] {
                assert!(!is_weak(secret), "{secret}");
            }
        }
        assert!(!is_weak("a secret that only the tests know of"));
    }
}
