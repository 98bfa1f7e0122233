DROP TRIGGER recipients_keep_former_address ON recipients;
DROP FUNCTION keep_former_address;
DROP TABLE former_addresses;
