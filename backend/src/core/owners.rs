//! The owners whose rows a query reads.

/// One owner, or all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owners {
    One(i64),
    All,
}

impl Owners {
    /// The same owners, restricted to the requested one; `None` if that one is not included.
    pub fn narrowed_to(self, owner_id: Option<i64>) -> Option<Self> {
        match (self, owner_id) {
            (seen, None) => Some(seen),
            (Self::All, Some(id)) => Some(Self::One(id)),
            (Self::One(own), Some(id)) => (own == id).then_some(self),
        }
    }

    /// Whether this owner is included.
    pub fn include(self, owner_id: i64) -> bool {
        self.narrowed_to(Some(owner_id)).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_included_owner_can_be_requested() {
        assert_eq!(Owners::All.narrowed_to(None), Some(Owners::All));
        assert_eq!(Owners::All.narrowed_to(Some(8)), Some(Owners::One(8)));
        for own in [None, Some(7)] {
            assert_eq!(Owners::One(7).narrowed_to(own), Some(Owners::One(7)));
        }
        assert_eq!(Owners::One(7).narrowed_to(Some(8)), None);
    }
}
