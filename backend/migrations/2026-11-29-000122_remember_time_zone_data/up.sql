-- The release of the IANA time-zone database by which the mailings' next runs were computed, such as 2026f. One row at most.
CREATE TABLE time_zone_data (
    only_row BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    version  TEXT NOT NULL
);
