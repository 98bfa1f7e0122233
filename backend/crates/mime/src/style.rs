//! Which elements of an HTML mail its styles hide: `style` attributes, and rules of style sheets for a class or an id.
//! Pure.

use std::borrow::Cow;
use std::collections::HashMap;

/// Text up to this size in pixels cannot be read.
const MAX_TINY: f64 = 1.0;
/// Elements moved further than this are outside the window.
const OUTSIDE: f64 = -500.0;
/// Elements that may precede a class in a selector without restricting where it applies.
const ANYWHERE: [&str; 7] = ["html", "body", "center", "table", "tr", "td", "div"];

/// The effect of some declarations on visibility; each `None` if they say nothing about it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Visibility {
    /// `display`
    display: Option<Display>,
    /// Hidden by another property.
    hidden: bool,
    /// Whether `font-size` makes text too small to be read.
    tiny: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Display {
    is_none: bool,
    is_important: bool,
}

impl Visibility {
    /// Of these declarations.
    pub(super) fn of(declarations: &str) -> Self {
        let text = without_comments(declarations).to_ascii_lowercase();
        let mut seen = Self::default();
        let (mut outlook, mut hint, mut clips, mut no_room) = (false, false, false, false);
        for (property, value) in text.split(';').filter_map(|rule| rule.split_once(':')) {
            let (value, is_important) = match value.split_once('!') {
                Some((value, _important)) => (value.trim(), true),
                None => (value.trim(), false),
            };
            match property.trim() {
                "display" => {
                    seen.display = Some(Display {
                        is_none: value == "none",
                        is_important,
                    });
                }
                "visibility" => seen.hidden |= matches!(value, "hidden" | "collapse"),
                "opacity" | "max-height" => seen.hidden |= is_at_most(value, 0.0),
                "height" | "width" | "max-width" => no_room |= is_at_most(value, 0.0),
                "overflow" => clips |= value == "hidden",
                "left" | "top" | "text-indent" | "margin-left" => {
                    seen.hidden |= is_at_most(value, OUTSIDE);
                }
                "font-size" => seen.tiny = Some(is_at_most(value, MAX_TINY)),
                "line-height" => hint |= value.ends_with("px") && is_at_most(value, MAX_TINY),
                "color" => hint |= value == "transparent",
                "mso-hide" => outlook |= value == "all",
                _ => {}
            }
        }
        hint |= no_room || seen.tiny == Some(true);
        // Alone, `mso-hide` is for what Outlook shows in another form, such as buttons.
        seen.hidden |= (no_room && clips) || (outlook && hint);
        seen
    }

    /// With the declarations of an attribute, which take precedence.
    pub(super) fn overridden_by(self, attribute: Self) -> Self {
        let important = self.display.filter(|display| display.is_important);
        Self {
            display: important.or(attribute.display).or(self.display),
            hidden: self.hidden || attribute.hidden,
            tiny: attribute.tiny.or(self.tiny),
        }
    }

    pub(super) fn is_hidden(self) -> bool {
        self.hidden || self.display.is_some_and(|display| display.is_none)
    }

    /// Whether text is too small to be read; `None` if its size is that of the surrounding text.
    pub(super) fn is_tiny(self) -> Option<bool> {
        self.tiny
    }
}

/// Whether a length, a percentage or a number is at most this large. Units of fonts count as pixels: only zero matters.
fn is_at_most(value: &str, most: f64) -> bool {
    let number = value.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
    let is_relative = most > 0.0 && !value.ends_with("px") && !value.ends_with("pt");
    let most = if is_relative { 0.0 } else { most };
    number
        .trim()
        .parse::<f64>()
        .is_ok_and(|number| number <= most)
}

/// Rules of style sheets for one class or id.
#[derive(Debug, Default)]
pub(super) struct StyleSheet(HashMap<String, Visibility>);

impl StyleSheet {
    /// Adds the rules of a `<style>` element. Those of `@media` depend on the window and are ignored.
    pub(super) fn read(&mut self, css: &str) {
        let css = without_comments(css);
        let mut rest = &*css;
        while let Some((before, behind)) = rest.split_once('{') {
            let selectors = before.rsplit(';').next().unwrap_or_default().trim();
            let end = if selectors.starts_with('@') {
                end_of_block(behind)
            } else {
                behind.find('}').unwrap_or(behind.len())
            };
            let (declarations, behind) = behind.split_at(end);
            if !selectors.starts_with('@') {
                self.add(selectors, Visibility::of(declarations));
            }
            rest = behind.strip_prefix('}').unwrap_or(behind);
        }
    }

    fn add(&mut self, selectors: &str, visibility: Visibility) {
        if visibility == Visibility::default() {
            return;
        }
        for selector in selectors.split(',').filter_map(simple) {
            let known = self.0.entry(selector).or_default();
            *known = known.overridden_by(visibility);
        }
    }

    /// The effect of the rules for an element.
    pub(super) fn visibility(&self, element: &str, id: &str, classes: &str) -> Visibility {
        if self.0.is_empty() {
            return Visibility::default();
        }
        let classes = classes.split_ascii_whitespace().map(|class| (".", class));
        let ids = std::iter::once(("#", id)).filter(|(_, id)| !id.is_empty());
        let found = classes.chain(ids).flat_map(|(sign, name)| {
            let any = self.0.get(&format!("{sign}{name}"));
            any.into_iter()
                .chain(self.0.get(&format!("{element}{sign}{name}")))
        });
        found.fold(Visibility::default(), |all, one| all.overridden_by(*one))
    }
}

/// The selector of a class or an id, with or without an element: `.a`, `p.a`, `#a`; `None` for others.
fn simple(selector: &str) -> Option<String> {
    let mut parts = selector.split_ascii_whitespace();
    let last = parts.next_back()?;
    let everywhere = parts.all(|part| ANYWHERE.contains(&&*part.to_ascii_lowercase()));
    let at = last.find(['.', '#'])?;
    let (element, name) = last.split_at(at);
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let is_simple = element.chars().all(|c| c.is_ascii_alphanumeric())
        && name.chars().skip(1).all(is_name)
        && name.len() > 1;
    (everywhere && is_simple).then(|| format!("{}{name}", element.to_ascii_lowercase()))
}

/// The end of a block that contains others.
fn end_of_block(css: &str) -> usize {
    let mut depth = 0_usize;
    let end = css.find(|c| match c {
        '{' => {
            depth += 1;
            false
        }
        '}' if depth == 0 => true,
        '}' => {
            depth -= 1;
            false
        }
        _ => false,
    });
    end.unwrap_or(css.len())
}

fn without_comments(css: &str) -> Cow<'_, str> {
    if !css.contains("/*") {
        return Cow::Borrowed(css);
    }
    let mut parts = css.split("/*");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(part.split_once("*/").map_or("", |(_, behind)| behind));
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_hidden_by_its_declarations() {
        for (declarations, hidden) in [
            ("display:none", true),
            ("Display : NONE ! important", true),
            ("display:/* x */none", true),
            ("color:red;display:none;", true),
            ("visibility: hidden", true),
            ("opacity:0.0", true),
            ("max-height:0", true),
            ("max-height:0px; overflow:visible", true),
            ("height:0;overflow:hidden", true),
            ("max-width:0px;overflow:hidden", true),
            ("position:absolute;left:-9999px", true),
            ("text-indent:-999em", true),
            ("mso-hide:all;font-size:1px", true),
            ("mso-hide:all;line-height:1px;color:#fff", true),
            ("mso-hide:all", false),
            ("display:block", false),
            ("opacity:0.9", false),
            ("max-height:100px", false),
            ("height:0", false),
            ("overflow:hidden", false),
            ("margin-left:-10px", false),
            ("background:url(x?display:none)", false),
        ] {
            assert_eq!(
                Visibility::of(declarations).is_hidden(),
                hidden,
                "{declarations}"
            );
        }
    }

    #[test]
    fn text_that_cannot_be_read_is_tiny() {
        for (declarations, tiny) in [
            ("font-size:0", Some(true)),
            ("font-size:0px", Some(true)),
            ("font-size:1px", Some(true)),
            ("font-size:0em", Some(true)),
            ("font-size:1em", Some(false)),
            ("font-size:14px", Some(false)),
            ("font-size:large", Some(false)),
            ("color:red", None),
        ] {
            assert_eq!(
                Visibility::of(declarations).is_tiny(),
                tiny,
                "{declarations}"
            );
        }
    }

    #[test]
    fn rules_outside_media_queries_apply_to_their_class_or_id() {
        let mut sheet = StyleSheet::default();
        sheet.read(
            "@import url(x.css); /* .no {display:none} */ .a, p.b, body .c { display: none }
             #d{opacity:0}@media (max-width:600px){.e{display:none} .f{display:none}} .g .h{display:none}
             .i{display:none} .i{display:block} .j{display:none!important} .k:hover{display:none} .l{display:none",
        );
        let hidden = |element, id, classes| sheet.visibility(element, id, classes).is_hidden();
        assert!(hidden("div", "", "x a") && hidden("p", "", "b") && hidden("div", "", "c"));
        assert!(hidden("div", "d", "") && hidden("td", "", "j") && hidden("td", "", "l"));
        for (element, class) in [
            ("div", "b"),
            ("div", "e"),
            ("div", "f"),
            ("div", "h"),
            ("div", "i"),
            ("div", "k"),
            ("div", "no"),
        ] {
            assert!(!hidden(element, "", class), "{class}");
        }
        let shown = Visibility::of("display:block");
        let of = |class| sheet.visibility("div", "", class).overridden_by(shown);
        assert!(!of("a").is_hidden() && of("j").is_hidden());
    }
}
