//! When a sender ends.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// When nothing more is due, or nothing can be claimed.
    Idle,
    /// When `Sender::stop` is called.
    Stopped,
}
