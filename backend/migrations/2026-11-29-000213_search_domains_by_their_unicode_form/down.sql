DROP FUNCTION address_matches;
DROP FUNCTION in_unicode;
DROP FUNCTION decoded_label;
