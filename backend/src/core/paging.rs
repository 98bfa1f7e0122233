//! Numbered pages of lists. Pure.

/// A requested page; `page` counts from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paging {
    pub page: u32,
    pub per_page: u32,
}

impl Paging {
    /// The rows of the page among `total` rows. A page of the second half is read backwards from the end, so that the last
    /// page costs no more than the first.
    pub fn window(self, total: i64) -> PageWindow {
        let (offset, limit) = (
            i64::from(self.page.saturating_sub(1)) * i64::from(self.per_page),
            i64::from(self.per_page),
        );
        let behind = total - offset - limit;
        if offset <= behind {
            return PageWindow {
                offset,
                limit,
                backwards: false,
            };
        }
        PageWindow {
            offset: behind.max(0),
            limit: (total - offset).clamp(0, limit),
            backwards: true,
        }
    }
}

/// The rows to read, and from which end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageWindow {
    pub offset: i64,
    pub limit: i64,
    /// Whether to read in the opposite order.
    pub backwards: bool,
}

impl PageWindow {
    /// The rows in the requested order.
    pub fn in_order<T>(self, mut rows: Vec<T>) -> Vec<T> {
        if self.backwards {
            rows.reverse();
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_read_backwards_from_the_end_equal_those_read_forwards() {
        for total in 0..25_i64 {
            for page in 1..8_u32 {
                let wanted: Vec<i64> = (0..total)
                    .skip(usize::try_from(page - 1).unwrap() * 5)
                    .take(5)
                    .collect();
                let window = Paging { page, per_page: 5 }.window(total);
                let rows: Vec<i64> = if window.backwards {
                    (0..total).rev().collect()
                } else {
                    (0..total).collect()
                };
                let (offset, limit) = (
                    usize::try_from(window.offset).unwrap(),
                    usize::try_from(window.limit).unwrap(),
                );
                let read = window.in_order(rows.into_iter().skip(offset).take(limit).collect());
                assert_eq!(read, wanted, "page {page} of {total}");
            }
        }
    }
}
