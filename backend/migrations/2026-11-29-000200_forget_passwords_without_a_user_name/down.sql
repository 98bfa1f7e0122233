-- What is forgotten stays forgotten.
SELECT 1;
