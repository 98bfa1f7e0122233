//! Human-readable positions in a text. Pure.

/// Line and column, both starting at 1; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextPosition {
    pub line: usize,
    pub column: usize,
}

impl TextPosition {
    /// The position of a byte in the text. A line ends with CR, LF or CRLF.
    pub(super) fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..text.floor_char_boundary(offset)).unwrap_or(text);
        let ends = |c: char| matches!(c, '\n' | '\r');
        let line_start = before.rfind(ends).map_or(0, |end| end + 1);
        let lines = before.matches(ends).count() - before.matches("\r\n").count();
        let column = before.get(line_start..).unwrap_or_default().chars().count();
        Self {
            line: lines + 1,
            column: column + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_as_people_do() {
        let text = "жук\r\nёж {{\n\n\rx";
        let place = |what: &str| {
            let TextPosition { line, column } = TextPosition::of(text, text.find(what).unwrap());
            (line, column)
        };
        assert_eq!(place("ж"), (1, 1));
        assert_eq!(place("к"), (1, 3));
        assert_eq!(place("{{"), (2, 4));
        assert_eq!(place("x"), (5, 1));
        let end = TextPosition::of(text, usize::MAX);
        assert_eq!((end.line, end.column), (5, 2));
    }
}
