DROP TABLE deliveries;
DROP TABLE chunks;
