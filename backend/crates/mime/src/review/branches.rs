//! Follows all paths through the conditions of a template at once. Pure.

use std::ops::Range;

use minijinja::machinery::Token;

use super::lexing::LexedTag;

/// A part of a template without conditions.
#[derive(Clone, Copy)]
pub(super) enum PathStep<'t, 's> {
    Text(&'s str),
    Value(&'t LexedTag<'s>),
}

/// The alternatives of an `{% if %}`.
struct Branches<S> {
    /// The states before it.
    before: Vec<S>,
    /// The states at the end of its earlier branches.
    ended: Vec<S>,
    has_else: bool,
}

/// Follows this part of the source. `step` returns the state after a part of the text; at each point, all states are
/// considered in which some path may be, so that the number of paths does not matter.
pub(super) fn follow<'t, 's, S: Clone + PartialEq>(
    source: &'s str,
    within: Range<usize>,
    tags: &'t [LexedTag<'s>],
    begin: S,
    mut step: impl FnMut(S, PathStep<'t, 's>) -> S,
) {
    let (mut states, mut open, mut end) = (vec![begin], Vec::<Branches<S>>::new(), within.start);
    let first = tags.partition_point(|tag| tag.range.start < within.start);
    let inside = tags.iter().skip(first);
    for tag in inside.take_while(|tag| tag.range.end <= within.end) {
        let text = source.get(end..tag.range.start).unwrap_or_default();
        states = after(states, PathStep::Text(text), &mut step);
        end = tag.range.end;
        if tag.is_statement {
            states = branched(states, tag, &mut open);
        } else {
            states = after(states, PathStep::Value(tag), &mut step);
        }
    }
    let text = source.get(end..within.end).unwrap_or_default();
    after(states, PathStep::Text(text), &mut step);
}

fn after<'t, 's, S: PartialEq>(
    states: Vec<S>,
    part: PathStep<'t, 's>,
    step: &mut impl FnMut(S, PathStep<'t, 's>) -> S,
) -> Vec<S> {
    let next = states.into_iter().map(|state| step(state, part));
    distinct(next.collect())
}

/// The states after `{% if %}`, `{% elif %}`, `{% else %}` or `{% endif %}`.
fn branched<S: Clone + PartialEq>(
    states: Vec<S>,
    tag: &LexedTag<'_>,
    open: &mut Vec<Branches<S>>,
) -> Vec<S> {
    let name = match tag.tokens.first() {
        Some((Token::Ident(name), _)) => *name,
        _ => return states,
    };
    match (name, open.last_mut()) {
        ("if", _) => {
            open.push(Branches {
                before: states.clone(),
                ended: Vec::new(),
                has_else: false,
            });
            states
        }
        ("elif" | "else", Some(branches)) => {
            branches.ended.extend(states);
            branches.has_else |= name == "else";
            branches.before.clone()
        }
        ("endif", Some(_)) => {
            let mut all = states;
            if let Some(branches) = open.pop() {
                all.extend(branches.ended);
                if !branches.has_else {
                    all.extend(branches.before);
                }
            }
            distinct(all)
        }
        _ => states,
    }
}

fn distinct<S: PartialEq>(states: Vec<S>) -> Vec<S> {
    let mut kept = Vec::with_capacity(states.len());
    for state in states {
        if !kept.contains(&state) {
            kept.push(state);
        }
    }
    kept
}
