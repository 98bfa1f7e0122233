DROP TRIGGER recipients_added ON recipients;
DROP TRIGGER recipients_removed ON recipients;
DROP FUNCTION count_recipients();
DROP TABLE recipient_totals;
