//! Unusual JSON: deep, wide, with long names, escapes, duplicate fields and huge numbers.

use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::sample::select;

/// The structure of a body.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    /// Each object around the value has one field, or each array one item.
    depth: usize,
    in_arrays: bool,
    /// Length of a name, whose last part is a number if `distinct`.
    pub(crate) name: usize,
    pub(crate) character: &'static str,
    pub(crate) distinct: bool,
    /// A field of the request around everything.
    pub(crate) field: &'static str,
    /// What is repeated until the body has its size: items of an array, fields of an object, or one text.
    content: Content,
    pub(crate) item: &'static str,
    broken: bool,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Content {
    Items,
    Fields,
    Text,
}

impl Shape {
    pub(crate) fn body(&self, size: usize) -> String {
        let mut body = format!("{{\"{}\":", self.field);
        let name = self.character.repeat(
            self.name
                .min(size / (self.depth + 2) / self.character.len()),
        );
        for _ in 0..self.depth {
            if self.in_arrays {
                body.push('[');
            } else {
                write!(body, "{{\"{name}\":").unwrap();
            }
        }
        self.fill(&mut body, &name, size - self.depth - 8);
        for _ in 0..self.depth {
            body.push(if self.in_arrays { ']' } else { '}' });
        }
        body.push_str(if self.broken { "]" } else { "}" });
        body
    }

    fn fill(&self, body: &mut String, name: &str, size: usize) {
        let (begin, end) = match self.content {
            Content::Items => ('[', ']'),
            Content::Fields => ('{', '}'),
            Content::Text => ('"', '"'),
        };
        body.push(begin);
        for n in 0.. {
            if body.len() + name.len() + self.item.len() + 16 > size {
                break;
            }
            match self.content {
                Content::Items => write!(body, "{},", self.item).unwrap(),
                Content::Fields if self.distinct => {
                    write!(body, "\"{name}{n}\":{},", self.item).unwrap();
                }
                Content::Fields => write!(body, "\"{name}\":{},", self.item).unwrap(),
                Content::Text => body.push_str(self.character),
            }
        }
        if body.ends_with(',') {
            body.pop();
        }
        body.push(end);
    }
}

pub(crate) fn shapes() -> impl Strategy<Value = Shape> {
    let characters = [
        "k",
        "\\u0001",
        "\\\"",
        "`",
        ".",
        "я",
        "\\ud83d\\ude00",
        "\u{202e}",
        "\u{F0003}",
        "\\n",
        " ",
    ];
    let items = [
        "1",
        "\"\\u0001\"",
        "null",
        "[]",
        "{}",
        "\"\"",
        "{\"\\u0001\":\"\\u0001\"}",
        "[[\"\\u0001\"]]",
        "1e300",
        "123456789012345678901234567890",
        "-0.00000000000000000000001",
        "{\"ids\":[1]}",
        "\"`\"",
        "\"a at line \"",
    ];
    let fields = [
        "k",
        "email",
        "recipients",
        "recipient_ids",
        "subject",
        "starts_at",
        "port",
        "",
    ];
    let content = prop_oneof![
        Just(Content::Items),
        Just(Content::Fields),
        Just(Content::Text)
    ];
    let around = (
        prop_oneof![Just(0_usize), 0..120_usize, Just(200_usize)],
        any::<bool>(),
    );
    let name = (
        prop_oneof![0..20_usize, Just(500), Just(30_000)],
        select(characters.to_vec()),
    );
    let item = select(items.to_vec());
    let field = select(fields.to_vec());
    let flags = (any::<bool>(), prop::bool::weighted(0.1));
    (around, name, content, item, field, flags).prop_map(
        |((depth, in_arrays), (name, character), content, item, field, (distinct, broken))| Shape {
            depth,
            in_arrays,
            name,
            character,
            distinct,
            field,
            content,
            item,
            broken,
        },
    )
}
