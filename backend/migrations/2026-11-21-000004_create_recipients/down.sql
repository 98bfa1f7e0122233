DROP TABLE recipients;
