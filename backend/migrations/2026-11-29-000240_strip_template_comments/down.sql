-- What comments said is not known any more, and nobody was ever mailed it.
SELECT 1;
