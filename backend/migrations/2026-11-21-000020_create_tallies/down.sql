DROP TRIGGER attempts_added ON attempts;
DROP FUNCTION tally_attempts;
DROP TABLE tallies;
