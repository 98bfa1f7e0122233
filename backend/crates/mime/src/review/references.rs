//! Decodes HTML character references for the characters used in placeholders. Pure.

/// Maximum length of a reference.
const MAX_LEN: usize = 16;
const NAMED: [(&str, char); 26] = [
    ("lbrace", '{'),
    ("lcub", '{'),
    ("rbrace", '}'),
    ("rcub", '}'),
    ("lsqb", '['),
    ("lbrack", '['),
    ("rsqb", ']'),
    ("rbrack", ']'),
    ("lt", '<'),
    ("gt", '>'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("percnt", '%'),
    ("num", '#'),
    ("commat", '@'),
    ("dollar", '$'),
    ("ast", '*'),
    ("midast", '*'),
    ("vert", '|'),
    ("verbar", '|'),
    ("lowbar", '_'),
    ("nbsp", '\u{a0}'),
    ("shy", '\u{ad}'),
    ("zwnj", '\u{200c}'),
    ("zwj", '\u{200d}'),
    ("ZeroWidthSpace", '\u{200b}'),
];

/// The character of the reference at the beginning of this text, and the length of the reference.
pub(super) fn reference(text: &str) -> Option<(char, usize)> {
    let text = text.get(..text.floor_char_boundary(MAX_LEN))?;
    let behind = text.strip_prefix('&')?;
    let Some(number) = behind.strip_prefix('#') else {
        let (name, _) = behind.split_once(';')?;
        let (_, c) = NAMED.iter().find(|(known, _)| *known == name)?;
        return Some((*c, name.len() + 2));
    };
    let (digits, radix) = match number.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    let end = digits.find(|c: char| !c.is_digit(radix));
    let (digits, behind) = digits.split_at(end.unwrap_or(digits.len()));
    let c = char::from_u32(u32::from_str_radix(digits, radix).ok()?)?;
    let behind = behind.strip_prefix(';').unwrap_or(behind);
    Some((c, text.len() - behind.len()))
}

/// The bracket or space that is percent-encoded, once or several times, at the beginning of this text, and the length
/// of its code.
pub(super) fn percent(text: &str) -> Option<(char, usize)> {
    let behind = text.strip_prefix('%')?;
    let code = behind.trim_start_matches("25");
    let c = match code.get(..2)? {
        "20" => ' ',
        "7B" | "7b" => '{',
        "7D" | "7d" => '}',
        "5B" | "5b" => '[',
        "5D" | "5d" => ']',
        "7C" | "7c" => '|',
        "3C" | "3c" => '<',
        "3E" | "3e" => '>',
        _ => return None,
    };
    Some((c, text.len() - code.len() + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_read_with_its_length() {
        for (text, read) in [
            ("&#123;x", Some(('{', 6))),
            ("&#x7B;", Some(('{', 6))),
            ("&#X00007d ", Some(('}', 9))),
            ("&lbrace;&", Some(('{', 8))),
            ("&ZeroWidthSpace;x", Some(('\u{200b}', 16))),
            ("&#8203;", Some(('\u{200b}', 7))),
            ("&", None),
            ("&amp;", None),
            ("&#;", None),
            ("&#xd800;", None),
            ("&#99999999999999999;", None),
            ("x&#123;", None),
            ("&lbrace", None),
            ("&жжжжжжжжжжжжжж", None),
        ] {
            assert_eq!(reference(text), read, "{text}");
        }
    }
}
