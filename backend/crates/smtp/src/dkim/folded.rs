//! A header assembled from pieces, folded before each that would exceed 78 characters (RFC 5322, 2.1.1).

/// The maximum line length.
const MAX_LINE: usize = 78;

pub(super) struct Folded {
    text: String,
    column: usize,
}

impl Folded {
    /// Starts a header with this text.
    pub(super) fn new(begin: &str) -> Self {
        let mut text = String::with_capacity(512);
        text.push_str(begin);
        Self {
            text,
            column: begin.len(),
        }
    }

    /// Appends a piece of ASCII, before which the header may be folded. A leading space is kept at the beginning of a
    /// line.
    pub(super) fn push(&mut self, piece: &str) {
        if self.column + piece.len() > MAX_LINE {
            let piece = piece.trim_start_matches(' ');
            self.text.push_str("\r\n ");
            self.text.push_str(piece);
            self.column = 1 + piece.len();
        } else {
            self.text.push_str(piece);
            self.column += piece.len();
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// The header with its line end.
    pub(super) fn finish(mut self) -> String {
        self.text.push_str("\r\n");
        self.text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_line_is_longer_than_78_unless_a_piece_is(pieces in prop::collection::vec(" ?[a-z]{1,90}", 0..20)) {
            let mut header = Folded::new("Name: v=1;");
            for piece in &pieces {
                header.push(piece);
            }
            let header = header.finish();
            for line in header.trim_end().split("\r\n") {
                prop_assert!(line.len() <= 78 || !line.trim_start().contains(' ') && line.len() <= 91);
            }
            let bare = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(bare(&header), format!("Name:v=1;{}", bare(&pieces.concat())));
        }
    }
}
