DROP TABLE smtp_servers;
