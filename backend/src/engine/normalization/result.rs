//! The result of a pass.

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct NormalizationPass {
    /// Number of addresses normalized.
    pub addresses: usize,
    /// Number of recipients merged with another one of the same owner.
    pub merged: usize,
    /// Number of names and other texts converted to NFC.
    pub texts: usize,
}
